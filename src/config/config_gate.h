/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a strip_prefix that leads past a gate: "/x/admin" becomes "/admin" of the same upstream, whose gate matches "/admin" only (security C12). */
#ifndef MTLSD_CONFIG_GATE_H
#define MTLSD_CONFIG_GATE_H

#include "config_cover.h"

/* The first route of the listener whose path this route forwards to after its strip_prefix, and which keeps callers from that upstream whom this route lets on.
 * NULL: none. Shut as well when an earlier gate takes what this route would forward there. possible: as for config_cover. */
const struct config_route *config_gate_passed(const struct config_listener *l, const struct config_cover_table *table, const struct config_route *route,
                                              uint64_t possible);

#endif
