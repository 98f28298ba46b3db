/* SPDX-License-Identifier: Apache-2.0 */
/* Checks rules against the loaded files: a rule that no certificate can match is reported when it is loaded. */
#ifndef MTLSD_CONTROL_SNAPSHOT_RULES_H
#define MTLSD_CONTROL_SNAPSHOT_RULES_H

#include "snapshot_load.h"

/* Warns of each rule with an issuer that is no CA of a trust of its listener. Every trust is loaded. */
void snapshot_rules_check(const struct snapshot *s, const struct loader *l);

#endif
