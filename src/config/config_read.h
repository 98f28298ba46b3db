/* SPDX-License-Identifier: Apache-2.0 */
/* From parsed settings to struct config, by the option table. Only this room knows libconfig. */
#ifndef MTLSD_CONFIG_READ_H
#define MTLSD_CONFIG_READ_H

#include "config_source.h"
#include "mtlsd/config/config.h"

#include <libconfig.h>

struct config_reader {
    const struct config_source *source;
    config_setting_t *root;
    struct findings *findings;
    struct config *config;
};

/* Fills config with defaults and what is written; what is wrong goes to findings. */
void config_read_settings(struct config_reader *r);

/* Frees every value of a group and of the groups in it, by the table; the struct itself stays. */
void config_read_free(const char *group, void *base);

/* The parts of reading that lists of groups are made of (config_elements.c). group is a name of the option table, base the struct whose
 * fields it names. */
void config_read_group(const struct config_reader *r, config_setting_t *s, const char *group, void *base);
void config_read_defaults(const struct config_reader *r, const char *group, void *base);
void config_read_scalar(const struct config_reader *r, const config_setting_t *s, const struct config_option *o,
                        void *base);
/* "file:line" of a setting, on the heap; NULL when out of memory, which findings know then. */
char *config_read_place(const struct config_reader *r, const config_setting_t *s);
bool config_read_is_list(const config_setting_t *s);
/* "a string", "a list", ... for messages. */
const char *config_read_type_name(const config_setting_t *s);

/* The i-th named group of a kind as it is written: ("listeners", 0). NULL when there is none. */
config_setting_t *config_read_group_at(const struct config_reader *r, const char *kind, size_t i);
/* The setting of a key in a group, or of a key in a group in it: ("tls", "trust"); inner may be NULL. The deepest that is there, for a
 * place to point at; found, when not NULL, says whether all of it is there. */
const config_setting_t *config_read_at(const config_setting_t *group, const char *key, const char *inner, bool *found);

/* Whether all of it is there. */
bool config_read_given(const config_setting_t *group, const char *key, const char *inner);

/* Adds a finding with the place of the setting and its path in front of the words. */
void config_read_complain(const struct config_reader *r, enum finding_level level, const config_setting_t *at,
                          const char *fmt, ...) PRINTF_LIKE(4, 5);

/* The group was read with errors: what seems to be missing in it may only be misspelt. */
bool config_read_is_tainted(const config_setting_t *group);

#endif
