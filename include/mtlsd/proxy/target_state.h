/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all workers know about the targets of one snapshot: a few words per target, written rarely and read at each choice, without a lock.
 * It is how a worker tells the others that a target failed, how health checks take one out, and how an operator drains one.
 */
#ifndef MTLSD_PROXY_TARGET_STATE_H
#define MTLSD_PROXY_TARGET_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target_state;

struct target_state *target_state_new(size_t n_targets); /* NULL: out of memory. All targets begin as up and neither held nor drained. */
void target_state_free(struct target_state *b);

void target_state_hold(struct target_state *b, size_t target, uint64_t until_us); /* 0: no longer */
uint64_t target_state_held_until(const struct target_state *b, size_t target);
void target_state_set_down(struct target_state *b, size_t target, bool down); /* by health checks */
bool target_state_is_down(const struct target_state *b, size_t target);
void target_state_set_drained(struct target_state *b, size_t target, bool drained); /* by an operator */
bool target_state_is_drained(const struct target_state *b, size_t target);
/* After a reload: target "to" of this target_state is the same as "from" of the other. */
void target_state_take_over(struct target_state *b, size_t to, const struct target_state *other, size_t from);

#endif
