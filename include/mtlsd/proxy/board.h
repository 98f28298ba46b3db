/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all workers know about the targets of one snapshot: a few words per target, written rarely and read at each choice, without a lock.
 * It is how a worker tells the others that a target failed, how health checks take one out, and how an operator drains one.
 */
#ifndef MTLSD_PROXY_BOARD_H
#define MTLSD_PROXY_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct board;

struct board *board_new(size_t n_targets); /* NULL: out of memory. All targets begin as up and neither held nor drained. */
void board_free(struct board *b);

void board_hold(struct board *b, size_t target, uint64_t until_us); /* 0: no longer */
uint64_t board_held_until(const struct board *b, size_t target);
void board_set_down(struct board *b, size_t target, bool down); /* by health checks */
bool board_is_down(const struct board *b, size_t target);
void board_set_drained(struct board *b, size_t target, bool drained); /* by an operator */
bool board_is_drained(const struct board *b, size_t target);
/* After a reload: target "to" of this board is the same as "from" of the other. */
void board_take_over(struct board *b, size_t to, const struct board *other, size_t from);

#endif
