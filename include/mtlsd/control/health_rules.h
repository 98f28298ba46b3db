/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a target counts as up or down, by its checks. As in HAProxy (rise 2, fall 3), three bad checks in a row take a
 * target down, and two good ones bring it back. At first a target counts as up, and the first bad check takes it down.
 */
#ifndef MTLSD_CONTROL_HEALTH_RULES_H
#define MTLSD_CONTROL_HEALTH_RULES_H

#include <stdbool.h>
#include <stdint.h>

struct health_rules { /* of one target; zeroed: up, and nothing is known */
    bool down;
    bool known;   /* it was seen good, or went down once */
    unsigned run; /* looks in a row that contradict what it counts as */
};

enum health_change { HEALTH_STAYS, HEALTH_COMES_UP, HEALTH_GOES_DOWN };

enum health_change health_rules_note(struct health_rules *h, bool good);

/* How long to wait for the next look: the interval, a tenth more or less, so that many targets do not stay in step. random: any number. */
uint64_t health_rules_next_ms(uint64_t interval_ms, uint64_t random);
/* For the first look: soon, but not all at once. */
uint64_t health_rules_first_ms(uint64_t interval_ms, uint64_t random);

#endif
