/* SPDX-License-Identifier: Apache-2.0 */
/* Changes that an operator makes to a target while the daemon runs, by "/targets/UPSTREAM/TARGET/VERB". Each is logged with the user who asked. */
#ifndef MTLSD_CONTROL_TARGET_CHANGE_H
#define MTLSD_CONTROL_TARGET_CHANGE_H

#include "mtlsd/control/snapshot.h"

enum { TARGET_NAME_MAX_BYTES = 512, TARGET_WEIGHT_MAX = 256 };

struct target_change {
    char room[TARGET_NAME_MAX_BYTES];
    struct span name; /* decoded, in room */
    bool weighs;      /* it sets the weight, not the mode */
    enum target_mode mode;
    unsigned weight; /* 1..256; 0: as configured */
};

enum target_change_result {
    TARGET_CHANGE_ELSEWHERE, /* this is another path */
    TARGET_CHANGE_BAD_NAME,
    TARGET_CHANGE_BAD_WEIGHT,
    TARGET_CHANGE_READ,
};

/* path without its query. values: a query or a form, "weight=5". */
enum target_change_result target_change_read(struct span path, struct span values, struct target_change *change);
/* To every target of that name; the number of them. */
size_t target_change_apply(const struct snapshot *s, const struct target_change *change, const char *asked_by);
/* "drained", "disabled", "enabled" or "weight": what was done, and the state in a status document. */
const char *target_change_word(const struct target_change *change);

/* The value of a name in "a=1&b=2", as written; an empty span with ptr NULL: there is none. */
struct span target_change_value(struct span values, const char *name);

#endif
