/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing one of several targets. Pure: it changes nothing. The caller keeps whose turn it is. */
#ifndef MTLSD_POLICY_BALANCE_H
#define MTLSD_POLICY_BALANCE_H

#include "mtlsd/config/config.h"
#include <stddef.h>

struct balance_entry {
    unsigned weight; /* 1..256 */
    bool backup;
    bool usable;        /* may be chosen: not held, not down, not drained, not tried already */
    unsigned active;    /* requests or connections that run on it now */
    uint64_t next_turn; /* what balance_next_turn gave when it was chosen last; 0: never */
    uint64_t turn;      /* from balance_turn; the smallest is next in round robin */
    uint64_t hash;      /* of the target's address, fixed: for rendezvous hashing */
};

#define BALANCE_NONE SIZE_MAX

/* Index of the choice, or BALANCE_NONE. Backups are considered only when no other entry is usable. round_robin: smooth, by weight.
 * least_conn: the smallest active per weight, ties by round robin. random: the better of two drawn by weight. hash: weighted rendezvous
 * hashing of key, so that a target that goes moves only its own keys. number: any random number, used by random. */
size_t balance_choose(enum config_balance how, const struct balance_entry *entries, size_t n, uint64_t key, uint64_t number);

/* Weighted round robin as a clock of turns: an entry that was chosen at turn t is next at balance_next_turn(t, weight), so that a heavier one comes
 * more often. last: the turn of the last choice among all n entries. Which of them it is spreads the first turns. An entry that was unusable for a
 * while is due now, and is owed nothing for the time it missed. */
uint64_t balance_turn(const struct balance_entry *e, size_t which, size_t n, uint64_t last);
uint64_t balance_next_turn(uint64_t turn, unsigned weight);

/* A well-mixed 64-bit hash of bytes (not secret, not for tables that an attacker fills). */
uint64_t balance_hash(const void *data, size_t n);

#endif
