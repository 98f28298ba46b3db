/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named groups as a list of groups with one member each, before libconfig sees them:
 *     identities = { a = { ... }; b = { ... }; };     becomes     identities = ( "" , { a = { ... }; }, { b = { ... }; } );
 * libconfig compares a name with every other of its group, letter by letter: ten thousand identities would take it seconds. Lines stay
 * what they were. That a name is given once is looked after in config_names.
 */
#ifndef MTLSD_CONFIG_REGROUP_H
#define MTLSD_CONFIG_REGROUP_H

#include "config_source.h"

#include <libconfig.h>

/* The text of a source that config_syntax_check passed, with a NUL at its end. out is initialised by the caller. -1 when out of memory. */
MUST_CHECK int config_regroup(const struct config_source *s, struct bytes *out);

/* How many named groups such a list holds, and the i-th of them. -1: the setting is something else. */
int config_regroup_count(const config_setting_t *list);
config_setting_t *config_regroup_at(const config_setting_t *list, size_t i);
/* The setting is the unnamed group around a named one. */
bool config_regroup_is_shell(const config_setting_t *s);

#endif
