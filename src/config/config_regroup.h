/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named groups as a list of groups with one member each, before libconfig sees them:
 *     identities = { a = { ... }; b = { ... }; };     becomes     identities = ( "" , { a = { ... }; }, { b = { ... }; } );
 * libconfig compares a name with every other of its group, letter by letter: ten thousand identities would take it seconds. Lines stay
 * what they were. That a name is given once is looked after in config_names.
 */
#ifndef MTLSD_CONFIG_REGROUP_H
#define MTLSD_CONFIG_REGROUP_H

#include "config_token.h"

#include <libconfig.h>

enum { CONFIG_REGROUP_WORD_MAX = 48 };

struct config_regroup {
    struct bytes *out; /* borrowed; the text so far, whose first failure sticks */
    unsigned depth;
    char key[CONFIG_REGROUP_WORD_MAX + 1]; /* the last word of the top level */
    bool wants_value;                      /* a '=' was there */
    bool named;                            /* inside the braces of a kind of named groups */
    bool open;                             /* a shell is open around the present one */
};

/* Appends a token that follows the grammar, and the blanks in front of it. */
void config_regroup_token(struct config_regroup *w, const struct config_token *t);

/* How many named groups such a list holds, and the i-th of them. -1: the setting is something else. */
int config_regroup_count(const config_setting_t *list);
config_setting_t *config_regroup_at(const config_setting_t *list, size_t i);
/* The setting is the unnamed group around a named one. */
bool config_regroup_is_shell(const config_setting_t *s);

#endif
