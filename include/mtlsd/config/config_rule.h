/* SPDX-License-Identifier: Apache-2.0 */
/* Finds values of an allow rule that could never match a certificate, or would match unintended clients. The mistake is reported when the
 * configuration or the command line is read, not when a client is refused or accepted. */
#ifndef MTLSD_CONFIG_CONFIG_RULE_H
#define MTLSD_CONFIG_CONFIG_RULE_H

#include "mtlsd/base/err.h"

/* key: as in a rule, "uri"; value: not empty. -1 + err, whose text begins with the value. Forms that the key's type checks (an address, a hash)
 * are not checked here. */
MUST_CHECK int config_rule_check(const char *key, const char *value, struct err *err);

#endif
