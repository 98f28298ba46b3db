/* SPDX-License-Identifier: Apache-2.0 */
/* An allow rule as text: as the command line writes it, and for messages. */
#ifndef MTLSD_POLICY_ALLOW_RULE_H
#define MTLSD_POLICY_ALLOW_RULE_H

#include "mtlsd/base/err.h"
#include "mtlsd/config/config.h"

/* One rule from "cn=x,ou=y" as the command line writes it. Strings are owned by *out; free with allow_rule_clear. */
MUST_CHECK int allow_rule_parse(const char *text, struct config_allow *out, struct err *err);
void allow_rule_clear(struct config_allow *rule);
/* "cn = \"x\", ou = \"y\"" for messages; empty when rules is NULL. */
void allow_rule_describe(const struct config_allow *rule, char *out, size_t size);

#endif
