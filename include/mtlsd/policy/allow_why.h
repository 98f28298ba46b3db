/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule does not hold, where that is not plain from the certificate's names: for people, who would otherwise search for a typing error. */
#ifndef MTLSD_POLICY_ALLOW_WHY_H
#define MTLSD_POLICY_ALLOW_WHY_H

#include "mtlsd/policy/allow.h"

/* A hint about the first key of the rule that does not match, as a clause with what to do; NULL: none, or all match. */
const char *allow_why_not(const struct config_allow *rule, const struct tls_peer *peer);
/* The sentence for a refusal by a list none of whose rules holds. */
const char *allow_why_refused(const struct config_allow *rules, size_t n, const struct tls_peer *peer);

#endif
