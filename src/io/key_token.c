/* SPDX-License-Identifier: Apache-2.0 */
#include "key_token.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { STACK_BYTES = 1024 * 1024 }; /* of modules nothing is known */

enum stage { IDLE, ORDERED, SIGNED };

struct token {
    struct tls_signing_key *key; /* a reference; used by the thread alone */
    pthread_mutex_t mutex;
    pthread_cond_t ordered, changed; /* for the thread; for those that want a signature */
    enum stage stage;
    bool late;  /* its call has not come back, and the signature is no longer waited for */
    bool ended; /* the thread frees all this when it is idle */
    struct tls_signing what; /* owned */
    struct tls_signature made;
    int rc;
};

static atomic_uint tokens;

/* ---- its thread ---- */

static void token_free(struct token *t)
{
    tls_signing_key_unref(t->key);
    pthread_cond_destroy(&t->ordered);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->mutex);
    free((void *)(uintptr_t)t->what.input.ptr);
    free(t);
    atomic_fetch_sub(&tokens, 1);
}

static void sign_one(struct token *t)
{
    pthread_mutex_unlock(&t->mutex);
    int rc = tls_signing_key_sign(t->key, &t->what, &t->made);
    pthread_mutex_lock(&t->mutex);
    free((void *)(uintptr_t)t->what.input.ptr);
    t->what.input = (struct span){0};
    t->rc = rc;
    t->stage = t->late ? IDLE : SIGNED;
    t->late = false;
    pthread_cond_broadcast(&t->changed);
}

static void *serve(void *ctx)
{
    struct token *t = ctx;
    pthread_mutex_lock(&t->mutex);
    while (!t->ended) {
        if (t->stage == ORDERED)
            sign_one(t);
        else
            pthread_cond_wait(&t->ordered, &t->mutex);
    }
    pthread_mutex_unlock(&t->mutex);
    token_free(t);
    return NULL;
}

/* ---- those that want a signature ---- */

static struct timespec deadline(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += KEY_TOKEN_MS / 1000;
    return at;
}

/* False: the deadline came first, or the token hangs. */
static bool wait_for(struct token *t, enum stage stage, const struct timespec *until)
{
    int rc = 0;
    while (t->stage != stage && !t->late && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&t->changed, &t->mutex, until);
    return t->stage == stage && !t->late;
}

/* With the mutex. */
static int order(struct token *t, const struct tls_signing *what, struct tls_signature *out)
{
    struct timespec until = deadline();
    if (!wait_for(t, IDLE, &until))
        return TLS_SIGNING_LATE;
    uint8_t *input = (uint8_t *)span_dup(what->input);
    if (input == NULL)
        return -1;
    t->what = (struct tls_signing){what->algorithm, what->hashed, span_of(input, what->input.len)};
    t->stage = ORDERED;
    pthread_cond_signal(&t->ordered);
    if (!wait_for(t, SIGNED, &until)) {
        t->late = true;
        pthread_cond_broadcast(&t->changed); /* those behind need not wait either */
        return TLS_SIGNING_LATE;
    }
    *out = t->made;
    t->stage = IDLE;
    pthread_cond_broadcast(&t->changed);
    return t->rc;
}

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    struct token *t = ctx;
    (void)id;
    pthread_mutex_lock(&t->mutex);
    int rc = order(t, what, out);
    pthread_mutex_unlock(&t->mutex);
    return rc;
}

static void end(void *ctx, uint64_t id)
{
    (void)id;
    struct token *t = ctx;
    pthread_mutex_lock(&t->mutex);
    t->ended = true;
    pthread_cond_signal(&t->ordered);
    pthread_mutex_unlock(&t->mutex);
}

/* ---- the key ---- */

static int start(struct token *t)
{
    pthread_condattr_t clock;
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->mutex, NULL);
    pthread_cond_init(&t->ordered, NULL);
    pthread_cond_init(&t->changed, &clock);
    pthread_condattr_destroy(&clock);
    if (pthread_attr_init(&attributes) != 0)
        return -1;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attributes, serve, t);
    pthread_attr_destroy(&attributes);
    return rc == 0 ? 0 : -1;
}

struct tls_signing_key *key_token_apart(struct tls_signing_key *key)
{
    const struct tls_signing_key_facts facts = *tls_signing_key_facts(key);
    struct token *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        tls_signing_key_unref(key);
        return NULL;
    }
    t->key = key;
    if (atomic_fetch_add(&tokens, 1) >= KEY_TOKENS_MAX || start(t) != 0) {
        token_free(t);
        return NULL;
    }
    return tls_signing_key_of(&(struct tls_signer){t, sign, NULL, end}, 0, &facts);
}
