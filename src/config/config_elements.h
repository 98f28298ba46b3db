/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values between a plain value and a named group. These are lists of groups (targets, routes, rules, identities by server
 * name), the fields of set_headers, whose names are free, and sticky, which is a word or a group.
 */
#ifndef MTLSD_CONFIG_ELEMENTS_H
#define MTLSD_CONFIG_ELEMENTS_H

#include "config_read.h"

/* The option is one of these. */
bool config_elements_own(const struct config_option *o);
/* And the setting has a form that it may have. */
bool config_elements_fit(const struct config_option *o, const config_setting_t *s);
void config_elements_read(const struct config_reader *r, config_setting_t *s, const struct config_option *o, void *base);
void config_elements_free(const struct config_option *o, void *base);

#endif
