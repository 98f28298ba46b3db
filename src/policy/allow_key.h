/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of an allow rule: their words, and where a rule has their values. */
#ifndef MTLSD_POLICY_ALLOW_KEY_H
#define MTLSD_POLICY_ALLOW_KEY_H

#include "mtlsd/config/config.h"

struct allow_key {
    const char *word;
    size_t offset; /* of the value in struct config_allow */
};

enum { ALLOW_KEYS = 11, ALLOW_PATTERN_MAX = 512 /* what text_glob takes */ };
extern const struct allow_key allow_keys[ALLOW_KEYS]; /* in the order in which a rule is described */

/* NULL: the rule does not have the key. */
static inline const char *allow_key_value(const struct config_allow *rule, const struct allow_key *key)
{
    return *(char *const *)(const void *)((const char *)rule + key->offset);
}

#endif
