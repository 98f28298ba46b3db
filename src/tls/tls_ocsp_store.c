/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp_rows.h"
#include "tls_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* An answer is fetched again at a random time between half and nine tenths of its lifetime, and at least every two hours: a revocation counts no
 * later. After a failure the next question waits, longer each time. */
enum {
    BUCKETS = 1024,
    EVICT_LOOK = 64,      /* rows that are looked at for one that can go */
    FIRST_PERCENT = 50,
    MORE_PERCENT = 40,
    REFRESH_MIN = 2,      /* seconds, as all that follow */
    REFRESH_WAY = 7200,
    RETRY_MIN = 5,
    RETRY_MAX = 300,
    DOUBLINGS = 6,
    IDLE_LOOK = 60,
    CLOCK_JUMP = REFRESH_WAY + RETRY_MAX, /* what is due later than that was planned by another clock */
};

enum row_state { ROW_RESTS, ROW_QUEUED, ROW_RUNS };

struct tls_ocsp_row {
    struct tls_ocsp_store *store;
    struct tls_ocsp_row *in_bucket, *newer, *older; /* by last use */
    struct tls_ocsp_row *next;                      /* in the queue, or of those that run */
    struct tls_ocsp_order *order;
    struct tls_ocsp_answer *answer; /* NULL: none yet */
    enum row_state state;
    unsigned users, failures; /* connections; failures since the last answer */
    int64_t due;              /* when it is looked at again */
    int64_t again;            /* when it may be asked again */
    unsigned generation;      /* of the store, when its question was told */
    uint64_t queued_us;       /* 0: not seen in the queue yet */
    bool used;                /* since it was last asked */
    bool revoked;
    char fault[TLS_OCSP_FAULT_SIZE];
};

struct tls_ocsp_store {
    atomic_uint refs;
    mtx_t busy; /* guards all that follows */
    struct tls_ocsp_row *buckets[BUCKETS];
    struct tls_ocsp_row *newest, *oldest;
    struct tls_ocsp_row *queue, *running;
    size_t n_queued, n_running;
    unsigned generation; /* counts configurations */
    struct tls_ocsp_facts facts;
    void (*on_ask)(void *ctx);
    void *ask_ctx;
};

void tls_ocsp_answer_unref(struct tls_ocsp_answer *a)
{
    if (a != NULL && atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1)
        free(a);
}

/* ---- rows ---- */

static struct tls_ocsp_row **bucket_of(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES])
{
    return &s->buckets[(id[0] << 8 | id[1]) % BUCKETS];
}

static struct tls_ocsp_row *find(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES])
{
    struct tls_ocsp_row *row = *bucket_of(s, id);
    while (row != NULL && memcmp(row->order->id, id, TLS_OCSP_ID_BYTES) != 0)
        row = row->in_bucket;
    return row;
}

static void unlink_by_use(struct tls_ocsp_row *row)
{
    struct tls_ocsp_store *s = row->store;
    *(row->newer != NULL ? &row->newer->older : &s->newest) = row->older;
    *(row->older != NULL ? &row->older->newer : &s->oldest) = row->newer;
    row->newer = row->older = NULL;
}

static void link_by_use(struct tls_ocsp_row *row)
{
    struct tls_ocsp_store *s = row->store;
    row->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = row;
    s->newest = row;
}

static void note_use(struct tls_ocsp_row *row)
{
    row->used = true;
    if (row->newer == NULL)
        return;
    unlink_by_use(row);
    link_by_use(row);
}

static void drop(struct tls_ocsp_row *row)
{
    struct tls_ocsp_store *s = row->store;
    struct tls_ocsp_row **at = bucket_of(s, row->order->id);
    while (*at != row)
        at = &(*at)->in_bucket;
    *at = row->in_bucket;
    unlink_by_use(row);
    s->facts.rows--;
    s->facts.answers -= row->answer != NULL;
    tls_ocsp_answer_unref(row->answer);
    tls_ocsp_order_unref(row->order);
    free(row);
}

static bool can_go(const struct tls_ocsp_row *row)
{
    return row->users == 0 && row->state == ROW_RESTS;
}

static bool make_room(struct tls_ocsp_store *s)
{
    struct tls_ocsp_row *row = s->oldest;
    for (unsigned i = 0; s->facts.rows >= TLS_OCSP_ROWS && row != NULL && i < EVICT_LOOK; i++) {
        struct tls_ocsp_row *newer = row->newer;
        if (can_go(row))
            drop(row);
        row = newer;
    }
    return s->facts.rows < TLS_OCSP_ROWS;
}

/* NULL: there is no room. */
static struct tls_ocsp_row *add(struct tls_ocsp_store *s, struct tls_ocsp_order *order)
{
    struct tls_ocsp_row *row = make_room(s) ? calloc(1, sizeof(*row)) : NULL;
    if (row == NULL)
        return NULL;
    struct tls_ocsp_row **bucket = bucket_of(s, order->id);
    row->store = s;
    row->order = tls_ocsp_order_ref(order);
    row->in_bucket = *bucket;
    *bucket = row;
    link_by_use(row);
    s->facts.rows++;
    return row;
}

/* ---- the queue ---- */

static size_t count_of(const struct tls_ocsp_row *first, uint64_t host_hash, size_t most)
{
    size_t n = 0;
    for (const struct tls_ocsp_row *row = first; row != NULL && n < most; row = row->next)
        n += row->order->host_hash == host_hash;
    return n;
}

static bool has_room(const struct tls_ocsp_store *s, const struct tls_ocsp_order *order)
{
    return s->on_ask != NULL && s->n_queued < TLS_OCSP_QUEUED && count_of(s->queue, order->host_hash, TLS_OCSP_QUEUED_OF_ONE) < TLS_OCSP_QUEUED_OF_ONE;
}

static void enqueue(struct tls_ocsp_row *row)
{
    struct tls_ocsp_row **end = &row->store->queue;
    while (*end != NULL)
        end = &(*end)->next;
    *end = row;
    row->next = NULL;
    row->state = ROW_QUEUED;
    row->queued_us = 0;
    row->store->n_queued++;
}

static void leave(struct tls_ocsp_row **first, struct tls_ocsp_row *row)
{
    while (*first != row)
        first = &(*first)->next;
    *first = row->next;
    row->next = NULL;
}

static void fail(struct tls_ocsp_row *row, const char *fault, int64_t now)
{
    int64_t wait = (int64_t)RETRY_MIN << (row->failures < DOUBLINGS ? row->failures : DOUBLINGS);
    struct tls_ocsp_facts *f = &row->store->facts;
    row->state = ROW_RESTS;
    row->failures++;
    row->again = row->due = now + (wait < RETRY_MAX ? wait : RETRY_MAX);
    snprintf(row->fault, sizeof(row->fault), "%s", fault);
    f->failed++;
    f->failed_at = now;
    snprintf(f->failed_host, sizeof(f->failed_host), "%s", row->order->host);
    snprintf(f->fault, sizeof(f->fault), "%s", fault);
}

/* ---- for the engine ---- */

static bool counts(const struct tls_ocsp_row *row, int64_t now)
{
    return row->answer != NULL && now <= row->answer->end;
}

static bool may_ask(const struct tls_ocsp_row *row, int64_t now)
{
    return row->state == ROW_RESTS && (row->again <= now || row->again > now + CLOCK_JUMP);
}

static void look_at(struct tls_ocsp_row *row, int64_t now, struct tls_ocsp_look *out)
{
    if (counts(row, now)) {
        out->state = TLS_OCSP_ANSWERED;
        out->stale = row->generation != row->store->generation;
        out->answer = row->answer;
        atomic_fetch_add_explicit(&row->answer->refs, 1, memory_order_relaxed);
    } else if (row->state != ROW_RESTS) {
        out->state = TLS_OCSP_AWAITED;
        out->host_hash = row->order->host_hash;
        out->failed_before = row->failures > 0;
    } else if (row->failures > 0 && !may_ask(row, now)) {
        out->state = TLS_OCSP_NO_ANSWER;
        snprintf(out->fault, sizeof(out->fault), "%s", row->fault);
    } else {
        out->failed_before = row->failures > 0;
    }
}

void tls_ocsp_store_find(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES], int64_t now, struct tls_ocsp_look *out)
{
    *out = (struct tls_ocsp_look){.state = TLS_OCSP_UNASKED};
    mtx_lock(&s->busy);
    struct tls_ocsp_row *row = find(s, id);
    if (row != NULL) {
        note_use(row);
        look_at(row, now, out);
        if (out->state == TLS_OCSP_ANSWERED && !out->stale && may_ask(row, now) && has_room(s, row->order)) { /* it was not used when this was due */
            enqueue(row);
            s->on_ask(s->ask_ctx);
        }
    }
    mtx_unlock(&s->busy);
}

static void refuse(struct tls_ocsp_look *out, const char *fault)
{
    out->state = TLS_OCSP_NO_ANSWER;
    snprintf(out->fault, sizeof(out->fault), "%s", fault);
}

/* Gives what was there before, in *order. */
static void put_order(struct tls_ocsp_row *row, struct tls_ocsp_order **order)
{
    struct tls_ocsp_order *before = row->order;
    row->order = *order;
    row->generation = row->store->generation;
    *order = before;
}

/* Puts order in the place of the row's, if it asks. True: a question was queued. */
static bool ask_locked(struct tls_ocsp_store *s, struct tls_ocsp_order **order, int64_t now, struct tls_ocsp_look *out)
{
    struct tls_ocsp_row *row = find(s, (*order)->id);
    if (row != NULL)
        look_at(row, now, out);
    if (out->stale)
        put_order(row, order);
    if (out->state != TLS_OCSP_UNASKED)
        return false;
    bool room = has_room(s, *order);
    if (row == NULL && room)
        row = add(s, *order);
    if (row == NULL || !room) {
        s->facts.overflowed++;
        refuse(out, s->on_ask != NULL ? "too many questions wait for OCSP responders" : "no OCSP responder is asked any more");
        return false;
    }
    put_order(row, order);
    note_use(row);
    enqueue(row);
    out->state = TLS_OCSP_AWAITED;
    out->host_hash = row->order->host_hash;
    return true;
}

void tls_ocsp_store_ask(struct tls_ocsp_store *s, const struct tls_ocsp_about *about, const uint8_t id[TLS_OCSP_ID_BYTES], int64_t now,
                        struct tls_ocsp_look *out)
{
    *out = (struct tls_ocsp_look){.state = TLS_OCSP_UNASKED};
    struct tls_ocsp_order *order = tls_ocsp_order_new(about, out->fault);
    if (order == NULL || memcmp(order->id, id, TLS_OCSP_ID_BYTES) != 0) {
        out->state = TLS_OCSP_NO_ANSWER;
        tls_ocsp_order_unref(order);
        return;
    }
    mtx_lock(&s->busy);
    bool asked = ask_locked(s, &order, now, out);
    void (*on_ask)(void *) = s->on_ask;
    void *ctx = s->ask_ctx;
    if (asked && on_ask != NULL)
        on_ask(ctx); /* under the lock, so that it is not called after tls_ocsp_store_listen has changed it */
    mtx_unlock(&s->busy);
    tls_ocsp_order_unref(order);
}

struct tls_ocsp_row *tls_ocsp_store_hold(struct tls_ocsp_store *s, const uint8_t id[TLS_OCSP_ID_BYTES])
{
    mtx_lock(&s->busy);
    struct tls_ocsp_row *row = find(s, id);
    if (row != NULL)
        row->users++;
    mtx_unlock(&s->busy);
    return row;
}

void tls_ocsp_row_release(struct tls_ocsp_row *row)
{
    struct tls_ocsp_store *s = row->store;
    mtx_lock(&s->busy);
    row->users--;
    mtx_unlock(&s->busy);
}

/* ---- for the thread that fetches ---- */

void tls_ocsp_store_listen(struct tls_ocsp_store *s, void (*on_ask)(void *ctx), void *ctx)
{
    mtx_lock(&s->busy);
    s->on_ask = on_ask;
    s->ask_ctx = ctx;
    mtx_unlock(&s->busy);
}

/* Of its timeout, which begins when it was seen in the queue; 0: it is over. */
static unsigned left_ms(const struct tls_ocsp_row *row, uint64_t now_us)
{
    uint64_t waited_ms = row->queued_us != 0 ? (now_us - row->queued_us) / 1000 : 0;
    return waited_ms < row->order->question.timeout_ms ? row->order->question.timeout_ms - (unsigned)waited_ms : 0;
}

static bool may_run(const struct tls_ocsp_row *row, uint64_t now_us)
{
    return left_ms(row, now_us) > 0 && count_of(row->store->running, row->order->host_hash, TLS_OCSP_RUNNING_OF_ONE) < TLS_OCSP_RUNNING_OF_ONE;
}

struct tls_ocsp_order *tls_ocsp_store_take(struct tls_ocsp_store *s, uint64_t now_us, unsigned *within_ms)
{
    struct tls_ocsp_order *order = NULL;
    mtx_lock(&s->busy);
    struct tls_ocsp_row *row = s->n_running < TLS_OCSP_RUNNING ? s->queue : NULL;
    while (row != NULL && !may_run(row, now_us))
        row = row->next;
    if (row != NULL) {
        *within_ms = left_ms(row, now_us);
        leave(&s->queue, row);
        s->n_queued--;
        row->state = ROW_RUNS;
        row->used = false;
        row->next = s->running;
        s->running = row;
        s->n_running++;
        s->facts.asked++;
        order = tls_ocsp_order_ref(row->order);
    }
    mtx_unlock(&s->busy);
    return order;
}

static struct tls_ocsp_answer *keep(struct span body, int64_t end)
{
    struct tls_ocsp_answer *a = malloc(sizeof(*a) + body.len);
    if (a == NULL)
        return NULL;
    atomic_init(&a->refs, 1);
    a->end = end;
    a->len = body.len;
    memcpy(a->der, body.ptr, body.len);
    return a;
}

/* Takes answer. True: it revokes a certificate of an open connection, of which that is news. */
static bool succeed(struct tls_ocsp_row *row, struct tls_ocsp_answer *answer, bool revoked, int64_t now, uint64_t random)
{
    struct tls_ocsp_facts *f = &row->store->facts;
    int64_t way = answer->end - TLS_STAPLE_SKEW - now, percent = FIRST_PERCENT + (int64_t)(random % (MORE_PERCENT + 1));
    int64_t wait = (way < REFRESH_WAY ? way : REFRESH_WAY) * percent / 100;
    bool news = revoked && !row->revoked && row->users > 0;
    f->answers += row->answer == NULL;
    f->good += !revoked;
    f->revoked += revoked;
    tls_ocsp_answer_unref(row->answer);
    row->answer = answer;
    row->revoked = revoked;
    row->failures = 0;
    row->fault[0] = '\0';
    row->state = ROW_RESTS;
    row->again = row->due = now + (wait < REFRESH_MIN ? REFRESH_MIN : wait);
    return news;
}

enum tls_ocsp_news tls_ocsp_store_answered(struct tls_ocsp_store *s, const struct tls_ocsp_order *o, const struct tls_ocsp_result *result, int64_t now,
                                           uint64_t random, char fault[TLS_OCSP_FAULT_SIZE])
{
    struct tls_ocsp_entry entry = {.status = TLS_OCSP_UNKNOWN};
    const char *why = result->fault != NULL ? result->fault : tls_ocsp_order_check(o, result->body, now, &entry);
    struct tls_ocsp_answer *answer = why == NULL ? keep(result->body, tls_checks_answer_end(&entry)) : NULL;
    enum tls_ocsp_news news = TLS_OCSP_HELD;
    if (answer == NULL) {
        news = TLS_OCSP_FAILED;
        snprintf(fault, TLS_OCSP_FAULT_SIZE, "%s: %s", o->host, why != NULL ? why : "out of memory");
    }
    mtx_lock(&s->busy);
    struct tls_ocsp_row *row = find(s, o->id); /* one that runs stays */
    leave(&s->running, row);
    s->n_running--;
    if (answer == NULL)
        fail(row, fault, now);
    else if (succeed(row, answer, entry.status == TLS_OCSP_REVOKED, now, random))
        news = TLS_OCSP_REVOKES;
    mtx_unlock(&s->busy);
    return news;
}

/* ---- in the course of time ---- */

/* True: there were some. */
static bool fail_the_late(struct tls_ocsp_store *s, int64_t now, uint64_t now_us)
{
    bool any = false;
    for (struct tls_ocsp_row *row = s->queue, *next; row != NULL; row = next) {
        char fault[TLS_OCSP_FAULT_SIZE];
        next = row->next;
        if (row->queued_us == 0)
            row->queued_us = now_us;
        if (left_ms(row, now_us) > 0)
            continue;
        leave(&s->queue, row);
        s->n_queued--;
        snprintf(fault, sizeof(fault), "%s: the question waited behind others for longer than ocsp_timeout", row->order->host);
        fail(row, fault, now);
        any = true;
    }
    return any;
}

static void look_at_row(struct tls_ocsp_row *row, int64_t now)
{
    struct tls_ocsp_store *s = row->store;
    bool wanted = (row->users > 0 || row->used) && row->generation == s->generation;
    if (row->state != ROW_RESTS || (row->due > now && row->due <= now + CLOCK_JUMP))
        return;
    if (wanted && may_ask(row, now) && has_room(s, row->order) && s->n_queued < TLS_OCSP_QUEUED / 2)
        enqueue(row);
    else if (row->users == 0 && !wanted && !counts(row, now))
        drop(row);
    else if (!wanted && counts(row, now))
        row->due = row->answer->end < now + REFRESH_WAY ? row->answer->end + 1 : now + REFRESH_WAY;
}

bool tls_ocsp_store_look(struct tls_ocsp_store *s, int64_t now, uint64_t now_us)
{
    mtx_lock(&s->busy);
    bool failed = fail_the_late(s, now, now_us);
    for (struct tls_ocsp_row *row = s->oldest, *newer; row != NULL; row = newer) {
        newer = row->newer;
        look_at_row(row, now);
    }
    mtx_unlock(&s->busy);
    return failed;
}

int tls_ocsp_store_wait_ms(struct tls_ocsp_store *s, int64_t now)
{
    int64_t wait = -1;
    mtx_lock(&s->busy);
    for (const struct tls_ocsp_row *row = s->oldest; row != NULL && wait != 1; row = row->newer) {
        int64_t left = row->due > now ? row->due - now : 1;
        left = left < IDLE_LOOK ? left : IDLE_LOOK;
        wait = wait < 0 || left < wait ? left : wait;
    }
    int ms = s->n_queued > 0 ? 50 : wait < 0 ? -1 : (int)wait * 1000;
    mtx_unlock(&s->busy);
    return ms;
}

/* ---- the whole ---- */

struct tls_ocsp_store *tls_ocsp_store_new(void)
{
    struct tls_ocsp_store *s = calloc(1, sizeof(*s));
    if (s == NULL || mtx_init(&s->busy, mtx_plain) != thrd_success) {
        free(s);
        return NULL;
    }
    atomic_init(&s->refs, 1);
    return s;
}

struct tls_ocsp_store *tls_ocsp_store_ref(struct tls_ocsp_store *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void tls_ocsp_store_unref(struct tls_ocsp_store *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    while (s->oldest != NULL)
        drop(s->oldest);
    mtx_destroy(&s->busy);
    free(s);
}

void tls_ocsp_store_reload(struct tls_ocsp_store *s)
{
    mtx_lock(&s->busy);
    s->generation++;
    mtx_unlock(&s->busy);
}

void tls_ocsp_store_facts(struct tls_ocsp_store *s, struct tls_ocsp_facts *out)
{
    mtx_lock(&s->busy);
    *out = s->facts;
    out->waiting = s->n_queued + s->n_running;
    mtx_unlock(&s->busy);
}
