/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl_set.h"

#include <stdlib.h>
#include <threads.h>

static struct tls_crl_held *hold(struct tls_crl_index *index)
{
    struct tls_crl_held *held = calloc(1, sizeof(*held));
    if (held == NULL)
        return NULL;
    atomic_init(&held->refs, 1);
    held->index = index;
    return held;
}

static void lock(struct tls_crl_set *set)
{
    while (atomic_flag_test_and_set_explicit(&set->busy, memory_order_acquire))
        thrd_yield();
}

static void unlock(struct tls_crl_set *set)
{
    atomic_flag_clear_explicit(&set->busy, memory_order_release);
}

int tls_crl_set_init(struct tls_crl_set *set, struct tls_crl_index *index)
{
    atomic_flag_clear(&set->busy);
    atomic_init(&set->generation, 1);
    set->now = hold(index);
    return set->now != NULL ? 0 : -1;
}

void tls_crl_set_clear(struct tls_crl_set *set)
{
    if (set->now != NULL)
        tls_crl_set_give(set->now);
    set->now = NULL;
}

struct tls_crl_held *tls_crl_set_take(struct tls_crl_set *set)
{
    lock(set);
    struct tls_crl_held *held = set->now;
    atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    unlock(set);
    return held;
}

void tls_crl_set_give(struct tls_crl_held *held)
{
    if (atomic_fetch_sub_explicit(&held->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_crl_index_free(held->index);
    free(held);
}

int tls_crl_set_replace(struct tls_crl_set *set, struct tls_crl_index *index)
{
    struct tls_crl_held *fresh = hold(index);
    if (fresh == NULL)
        return -1;
    lock(set);
    struct tls_crl_held *old = set->now;
    set->now = fresh;
    unlock(set);
    atomic_fetch_add(&set->generation, 1);
    tls_crl_set_give(old);
    return 0;
}

void tls_crl_set_touch(struct tls_crl_set *set)
{
    atomic_fetch_add(&set->generation, 1);
}

uint64_t tls_crl_set_generation(const struct tls_crl_set *set)
{
    return atomic_load(&set->generation);
}
