/* SPDX-License-Identifier: Apache-2.0 */
/* Lookup in the table of keys, and in the table of planned keys. */
#ifndef MTLSD_CONFIG_OPTIONS_H
#define MTLSD_CONFIG_OPTIONS_H

#include "mtlsd/config/config.h"

const struct config_option *config_options_find(const char *group, const char *key);
/* A group in a group, whose keys are rows of the table. */
bool config_options_holds_keys(const struct config_option *o);
/* The key of the group that is most like an unknown one, or NULL. */
const char *config_options_suggest(const char *group, const char *key);

/* The i-th key of a group; NULL past the last. */
const struct config_option *config_options_nth(const char *group, size_t i);

/* A key, or one value of it, that the documentation promises and this version has not. */
struct config_planned {
    const char *group;
    const char *key;
    const char *value;   /* NULL: the whole key; "word:" stands for everything that begins so */
    const char *instead; /* what to do today, or NULL */
};
const struct config_planned *config_options_planned(const char *group, const char *key, const char *value);

#endif
