/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a certificate that was judged bad and let in all the same would end. A route that names the status is meant so. One that does not may lead it
 * to an upstream only by omission, unless an earlier route takes everything of that status that this one could get, or a rule stands before it: rules
 * hold for valid certificates only (security A2).
 *
 * Exactly so: there is a leak if and only if some request of somebody with that status would be sent to an upstream by a route without a cert key.
 */
#ifndef MTLSD_CONFIG_LEAK_H
#define MTLSD_CONFIG_LEAK_H

#include "config_cover.h"

/* The first such route, NULL for none. status: one bit. */
const struct config_route *config_leak(const struct config_listener *l, const struct config_cover_table *table, uint64_t status);

#endif
