/* SPDX-License-Identifier: Apache-2.0 */
/* Rules held against the files that were loaded: a rule that no certificate can satisfy is said before its callers find out. */
#ifndef MTLSD_CONTROL_SNAPSHOT_RULES_H
#define MTLSD_CONTROL_SNAPSHOT_RULES_H

#include "snapshot_load.h"

/* Warns of each rule with an issuer that is no CA of a trust of its listener. Every trust is loaded. */
void snapshot_rules_check(const struct snapshot *s, const struct loader *l);

#endif
