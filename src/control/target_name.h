/* SPDX-License-Identifier: Apache-2.0 */
/* What a target is called outside: its upstream's name, a slash, and its route, or its address as written where it has none. */
#ifndef MTLSD_CONTROL_TARGET_NAME_H
#define MTLSD_CONTROL_TARGET_NAME_H

#include "mtlsd/control/snapshot.h"

/* The part after the slash. */
const char *target_name_label(const struct plan_target *t);
/* Gives how many targets of the snapshot are called so, and the first. */
size_t target_name_find(const struct snapshot *s, struct span name, const struct plan_target **found);

#endif
