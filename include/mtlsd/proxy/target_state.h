/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that all workers share about the targets of one snapshot: a few words per target, read at each choice, without a lock.
 * It is how a worker tells the others that a target failed, how health checks take one out, how an operator drains one or changes its weight,
 * and how all workers together take turns and count what runs.
 */
#ifndef MTLSD_PROXY_TARGET_STATE_H
#define MTLSD_PROXY_TARGET_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target_state;

struct target_state *target_state_new(size_t n_targets); /* NULL: out of memory. All targets begin as up, enabled and not held. */
void target_state_free(struct target_state *b);

void target_state_hold(struct target_state *b, size_t target, uint64_t until_us); /* 0: no longer */
uint64_t target_state_held_until(const struct target_state *b, size_t target);
void target_state_set_down(struct target_state *b, size_t target, bool down); /* by health checks */
bool target_state_is_down(const struct target_state *b, size_t target);

/* By an operator. These survive a reload. */
enum target_mode {
    TARGET_ENABLED,
    TARGET_DRAINED,  /* no new sessions; existing ones continue */
    TARGET_DISABLED, /* no requests */
};
void target_state_set_mode(struct target_state *b, size_t target, enum target_mode mode);
enum target_mode target_state_mode(const struct target_state *b, size_t target);
void target_state_set_weight(struct target_state *b, size_t target, unsigned weight); /* 0: as configured */
unsigned target_state_weight(const struct target_state *b, size_t target);            /* 0: as configured */

/* Requests and tcp connections of all workers that run on it. Each begin has one end. */
void target_state_begin(struct target_state *b, size_t target);
void target_state_end(struct target_state *b, size_t target);
unsigned target_state_active(const struct target_state *b, size_t target);

/* All that a choice asks of one target, in one call. */
struct target_seen {
    uint64_t held_until, next_turn;
    unsigned active, weight;
    bool takes_new; /* neither down, drained nor disabled */
};
void target_state_look(const struct target_state *b, size_t target, struct target_seen *seen);

/* Its next turn in round robin (policy/balance.h); 0: never chosen. take_turn: false if another worker took this turn meanwhile. */
uint64_t target_state_next_turn(const struct target_state *b, size_t target);
bool target_state_take_turn(struct target_state *b, size_t target, uint64_t seen, uint64_t next);
/* The turn of the last choice in an upstream, kept with its first target. */
uint64_t target_state_last_turn(const struct target_state *b, size_t first_target);
void target_state_set_last_turn(struct target_state *b, size_t first_target, uint64_t turn);

/* With the first target of an upstream, by any worker: a stapled OCSP answer of it was ignored, and why (fixed text). True for the first call, as that
 * is logged once. */
bool target_state_note_staple(struct target_state *b, size_t first_target, const char *fault);
const char *target_state_staple_fault(const struct target_state *b, size_t first_target); /* the last; NULL: none was ignored */

/* After a reload: target "to" of this target_state is the same as "from" of the other. Turns and what runs begin again. */
void target_state_take_over(struct target_state *b, size_t to, const struct target_state *other, size_t from);

#endif
