/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

struct held {
    atomic_uint refs;
    struct tls_registry_index *index; /* owned */
};

struct tls_registry {
    atomic_uint refs;
    char *name;
    atomic_flag busy; /* guards now and error, for a few instructions */
    struct held *now; /* NULL: nothing was loaded yet */
    char error[TLS_REGISTRY_ERROR_SIZE];
    atomic_int_fast64_t good_at;
    atomic_uint_fast64_t generation, withdrawals;
};

struct tls_registry *tls_registry_new(const char *name)
{
    struct tls_registry *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    atomic_init(&r->refs, 1);
    atomic_flag_clear(&r->busy);
    if ((r->name = strdup(name)) != NULL)
        return r;
    free(r);
    return NULL;
}

struct tls_registry *tls_registry_ref(struct tls_registry *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
    return r;
}

static void give(struct held *held)
{
    if (held == NULL || atomic_fetch_sub_explicit(&held->refs, 1, memory_order_acq_rel) != 1)
        return;
    tls_registry_index_free(held->index);
    free(held);
}

void tls_registry_unref(struct tls_registry *r)
{
    if (r == NULL || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    give(r->now);
    free(r->name);
    free(r);
}

const char *tls_registry_name(const struct tls_registry *r)
{
    return r->name;
}

static void lock(struct tls_registry *r)
{
    while (atomic_flag_test_and_set_explicit(&r->busy, memory_order_acquire))
        thrd_yield();
}

static void unlock(struct tls_registry *r)
{
    atomic_flag_clear_explicit(&r->busy, memory_order_release);
}

static struct held *take(struct tls_registry *r)
{
    lock(r);
    struct held *held = r->now;
    if (held != NULL)
        atomic_fetch_add_explicit(&held->refs, 1, memory_order_relaxed);
    unlock(r);
    return held;
}

int tls_registry_replace(struct tls_registry *r, struct tls_registry_index *index, int64_t now, bool withdraws)
{
    struct held *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL)
        return -1;
    atomic_init(&fresh->refs, 1);
    fresh->index = index;
    lock(r);
    struct held *old = r->now;
    r->now = fresh;
    r->error[0] = '\0';
    unlock(r);
    atomic_store(&r->good_at, now);
    atomic_fetch_add(&r->generation, 1);
    if (withdraws)
        atomic_fetch_add(&r->withdrawals, 1);
    give(old);
    return 0;
}

void tls_registry_confirm(struct tls_registry *r, int64_t now)
{
    atomic_store(&r->good_at, now);
    tls_registry_failed(r, NULL);
}

void tls_registry_failed(struct tls_registry *r, const char *error)
{
    lock(r);
    snprintf(r->error, sizeof(r->error), "%s", error != NULL ? error : "");
    unlock(r);
}

void tls_registry_facts(struct tls_registry *r, struct tls_registry_facts *out)
{
    struct held *held = take(r);
    *out = (struct tls_registry_facts){
        .loaded = held != NULL,
        .good_at = atomic_load(&r->good_at),
        .generation = atomic_load(&r->generation),
        .withdrawals = atomic_load(&r->withdrawals),
    };
    if (held != NULL)
        tls_registry_index_totals(held->index, &out->totals);
    give(held);
    lock(r);
    memcpy(out->error, r->error, sizeof(out->error));
    unlock(r);
}

uint64_t tls_registry_withdrawals(const struct tls_registry *r)
{
    return atomic_load(&r->withdrawals);
}

/* If a certificate has two rows, the stricter one counts. */
static enum tls_registry_state worse(const struct tls_registry_row *a, const struct tls_registry_row *b)
{
    static const unsigned strict[TLS_REGISTRY_STATES] = {
        [TLS_REGISTRY_ACTIVE] = 1, [TLS_REGISTRY_SUSPENDED] = 2, [TLS_REGISTRY_INVALID] = 3, [TLS_REGISTRY_REVOKED] = 4};
    unsigned of_a = a != NULL ? a->state : TLS_REGISTRY_ABSENT, of_b = b != NULL ? b->state : TLS_REGISTRY_ABSENT;
    return (enum tls_registry_state)(strict[of_a] >= strict[of_b] ? of_a : of_b);
}

void tls_registry_look_up(struct tls_registry *r, const uint8_t *cert_id, const uint8_t *key_id, struct tls_registry_answer *out)
{
    struct held *held = take(r);
    *out = (struct tls_registry_answer){.loaded = held != NULL, .good_at = atomic_load(&r->good_at), .state = TLS_REGISTRY_ABSENT};
    if (held == NULL)
        return;
    const struct tls_registry_row *cert = tls_registry_index_find(held->index, cert_id), *key = tls_registry_index_find(held->index, key_id);
    if (cert != NULL && cert->by_key && cert->state != TLS_REGISTRY_INVALID) /* of an invalid row the kind is not known */
        cert = NULL;
    if (key != NULL && !key->by_key && key->state != TLS_REGISTRY_INVALID)
        key = NULL;
    out->state = worse(cert, key);
    out->text = tls_registry_text_ref(cert != NULL && cert->text != NULL ? cert->text : key != NULL ? key->text : NULL);
    give(held);
}
