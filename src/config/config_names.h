/* SPDX-License-Identifier: Apache-2.0 */
/* Named groups by name: a sorted index beside each array, so that a configuration of ten thousand upstreams loads quickly. */
#ifndef MTLSD_CONFIG_NAMES_H
#define MTLSD_CONFIG_NAMES_H

#include "config_read.h"

enum config_names_kind { CONFIG_NAMES_IDENTITY, CONFIG_NAMES_TRUST, CONFIG_NAMES_REGISTRY, CONFIG_NAMES_UPSTREAM, CONFIG_NAMES_LISTENER, CONFIG_NAMES_KINDS };

/* To be called once the groups are read. -1 when out of memory. */
MUST_CHECK int config_names_build(struct config *c);
void config_names_free(struct config *c);
/* Where the group of that name stands in its array; SIZE_MAX: there is none. */
size_t config_names_find(const struct config *c, enum config_names_kind kind, const char *name);

/* Says so at a place when a name stands for nothing. NULL is no name. */
void config_names_check(const struct config_reader *r, enum config_names_kind kind, const char *name, const config_setting_t *at);
/* Says so where a name is given to two of a kind. */
void config_names_check_twins(const struct config_reader *r);
/* Warns of groups that nothing refers to. */
void config_names_check_unused(const struct config_reader *r);

#endif
