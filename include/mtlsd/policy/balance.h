/* SPDX-License-Identifier: Apache-2.0 */
/* Choosing one of several targets. Pure: the state it advances is the caller's. */
#ifndef MTLSD_POLICY_BALANCE_H
#define MTLSD_POLICY_BALANCE_H

#include "mtlsd/config/config.h"
#include <stddef.h>

struct balance_entry {
    unsigned weight; /* 1..256 */
    bool backup;
    bool usable;     /* may be chosen: not held, not down, not drained, not tried already */
    unsigned active; /* requests or connections that run on it now */
    int64_t credit;  /* smooth weighted round robin's own; starts at 0, changed by balance_choose */
    uint64_t hash;   /* of the target's address, fixed: for rendezvous hashing */
};

#define BALANCE_NONE SIZE_MAX

/* Index of the choice, or BALANCE_NONE. Backups are considered only when no other entry is usable. round_robin: smooth, by weight.
 * least_conn: the smallest active per weight, ties by round robin. random: the better of two drawn by weight. hash: weighted rendezvous
 * hashing of key, so that a target that goes moves only its own keys. number: any random number, used by random. */
size_t balance_choose(enum config_balance how, struct balance_entry *entries, size_t n, uint64_t key, uint64_t number);

/* A well-mixed 64-bit hash of bytes (not secret, not for tables that an attacker fills). */
uint64_t balance_hash(const void *data, size_t n);

#endif
