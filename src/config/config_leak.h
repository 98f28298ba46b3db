/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds routes that pass a tolerated certificate to an upstream by omission (security A2). A route that names the status
 * is intended. Another route leaks, unless an earlier one matches all its requests with that status, or has a rule:
 * rules match valid certificates only. The check is exact: there is a leak if and only if some request with that status
 * would reach an upstream by a route without a cert key.
 */
#ifndef MTLSD_CONFIG_LEAK_H
#define MTLSD_CONFIG_LEAK_H

#include "config_cover.h"

/* The first such route, NULL for none. status: one bit. */
const struct config_route *config_leak(const struct config_listener *l, const struct config_cover_table *table, uint64_t status);

#endif
