/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a target for users: its upstream's name, a slash, and its route, or otherwise its address as written. */
#ifndef MTLSD_CONTROL_TARGET_NAME_H
#define MTLSD_CONTROL_TARGET_NAME_H

#include "mtlsd/proxy/plan.h"

/* The part after the slash. */
const char *target_name_label(const struct plan_target *t);
/* It is called that, with its upstream. More than one may be. */
bool target_name_is(const struct plan_target *t, struct span name);

#endif
