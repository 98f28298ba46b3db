/* SPDX-License-Identifier: Apache-2.0 */
/* Whether one route matches everything that another could match. Only the keys themselves are compared: routes that overlap by a longer argument
 * are not found. */
#ifndef MTLSD_CONFIG_COVER_H
#define MTLSD_CONFIG_COVER_H

#include "mtlsd/config/config.h"

/* possible: bits of the certificate statuses that a request can have at all. */
bool config_cover(const struct config_route *wide, const struct config_route *narrow, uint64_t possible);

/* The parts of it: all that the narrow list of hosts takes, and all whom the narrow caller rules name. */
bool config_cover_hosts(const struct config_strings *wide, const struct config_strings *narrow);
bool config_cover_callers(const struct config_route *wide, const struct config_route *narrow);

/* The routes of one listener by host and path, so that they are not all compared with each other. Borrows the routes. NULL: out of memory. */
struct config_cover_table *config_cover_table_new(const struct config_route *routes, size_t n);
void config_cover_table_free(struct config_cover_table *t);

/* The first of the routes before this one of theirs that covers narrow, which is this one or a part of it; NULL for none. */
const struct config_route *config_cover_table_before(const struct config_cover_table *t, const struct config_route *place, const struct config_route *narrow,
                                                     uint64_t possible);

/* Finds a strip_prefix that leads past a gate: "/x/admin" becomes "/admin" of the same upstream, whose gate matches "/admin" only (security C12). */

/* The first gate that this route leads past: its path is the one that this route forwards to after strip_prefix, its upstream is the same, and it refuses
 * callers that this route accepts. NULL: none, also if an earlier gate takes these requests. possible: as for config_cover. */
const struct config_route *config_gate_passed(const struct config_listener *l, const struct config_cover_table *table, const struct config_route *route,
                                              uint64_t possible);

/*
 * Finds routes that pass a tolerated certificate to an upstream by omission (security A2). A route that names the status
 * is intended. Another route leaks, unless an earlier one matches all its requests with that status, or has a rule:
 * rules match valid certificates only. The check is exact: there is a leak if and only if some request with that status
 * would reach an upstream by a route without a cert key.
 */

/* The first such route, NULL for none. status: one bit. */
const struct config_route *config_leak(const struct config_listener *l, const struct config_cover_table *table, uint64_t status);

#endif
