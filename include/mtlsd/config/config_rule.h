/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of an allow rule, and a check of their values. It finds values that could never match a certificate, or would match unintended clients.
 * The mistake is reported when the configuration or the command line is read, not when a client is refused or accepted. */
#ifndef MTLSD_CONFIG_CONFIG_RULE_H
#define MTLSD_CONFIG_CONFIG_RULE_H

#include "mtlsd/config/config.h"

/* key: as in a rule, "uri"; value: not empty. -1 + err, whose text begins with the value. Forms that the key's type checks (an address, a hash)
 * are not checked here. */
MUST_CHECK int config_rule_check(const char *key, const char *value, struct err *err);

struct config_rule_key {
    const char *word;
    size_t offset; /* of the value in struct config_allow */
};
enum { CONFIG_RULE_KEYS = 16, CONFIG_RULE_PATTERN_MAX = 512 /* what text_glob takes */ };
extern const struct config_rule_key config_rule_keys[CONFIG_RULE_KEYS]; /* in the order in which a rule is described */

/* NULL: the rule does not have the key. */
static inline const char *config_rule_value(const struct config_allow *rule, const struct config_rule_key *key)
{
    return *(char *const *)(const void *)((const char *)rule + key->offset);
}

#endif
