/* SPDX-License-Identifier: Apache-2.0 */
/* The values of an allow rule that could never match a certificate, or would match whom nobody meant: a mistake is told when it is read, and not found
 * out by a caller who is refused or let in. The same for a configuration file and for the command line. */
#ifndef MTLSD_CONFIG_CONFIG_RULE_H
#define MTLSD_CONFIG_CONFIG_RULE_H

#include "mtlsd/base/err.h"

/* key: as in a rule, "uri"; value: not empty. -1 + err, whose text begins with the value. Forms that the key's type says (an address, a hash) are not
 * looked at. */
MUST_CHECK int config_rule_check(const char *key, const char *value, struct err *err);

#endif
