/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/sessions.h"

#include "mtlsd/base/encode.h"
#include "mtlsd/proxy/report.h"
#include "mtlsd/tls/tls_peer.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum place { OUT, WAITING, TAKEN };
enum { ID_SIZE = 16 + 1 + 20 + 1 };

struct session {
    struct sessions *owner; /* counted */
    struct session *next;   /* in the queue */
    enum place place;
    struct session_row row; /* the end is set under the lock; its texts lie behind this */
    struct session_counts { /* of the connection's thread */
        uint64_t requests, bytes_in, bytes_out;
        enum reason reason;
    } now;
    char texts[];
};

struct sessions {
    atomic_uint refs;
    atomic_flag busy; /* held for some assignments at a time */
    uint64_t process, given;
    size_t most;
    struct session *first, **end; /* that wait, the oldest first */
    void (*wake)(void *ctx);
    void *wake_ctx;
    bool closed;
    struct sessions_facts facts;
};

static void lock(struct sessions *s)
{
    while (atomic_flag_test_and_set_explicit(&s->busy, memory_order_acquire))
        sched_yield();
}

static void unlock(struct sessions *s)
{
    atomic_flag_clear_explicit(&s->busy, memory_order_release);
}

struct sessions *sessions_new(uint64_t process, size_t most)
{
    struct sessions *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    atomic_flag_clear(&s->busy);
    s->process = process;
    s->most = most;
    s->end = &s->first;
    return s;
}

struct sessions *sessions_ref(struct sessions *s)
{
    atomic_fetch_add(&s->refs, 1);
    return s;
}

static void free_session(struct session *x)
{
    struct sessions *s = x->owner;
    free(x);
    sessions_unref(s);
}

void sessions_unref(struct sessions *s)
{
    if (s == NULL || atomic_fetch_sub(&s->refs, 1) != 1)
        return;
    assert(s->first == NULL); /* one that waits has a reference */
    free(s);
}

/* ---- the queue, under the lock ---- */

static bool push(struct session *x)
{
    struct sessions *s = x->owner;
    if (s->facts.waiting >= s->most || s->closed)
        return false;
    x->place = WAITING;
    x->next = NULL;
    *s->end = x;
    s->end = &x->next;
    s->facts.waiting++;
    if (s->wake != NULL && (s->facts.waiting == 1 || s->facts.waiting == s->most / 2))
        s->wake(s->wake_ctx);
    return true;
}

static struct session *pop(struct sessions *s)
{
    struct session *x = s->first;
    if (x == NULL)
        return NULL;
    s->first = x->next;
    if (s->first == NULL)
        s->end = &s->first;
    s->facts.waiting--;
    return x;
}

/* Its connection is over, and its row will not be written. */
static void lose(struct session *x)
{
    x->owner->facts.lost++;
    free_session(x);
}

/* It is with its connection again, or the row is lost. */
static void put_out(struct session *x)
{
    x->place = OUT;
    if (x->row.ended != 0)
        lose(x);
}

/* ---- of connections ---- */

/* Plain text, cut at the end of a character. NULL: there is no memory for it. */
static char *plain(const char *text, size_t n)
{
    struct bytes out;
    bytes_init(&out, 3 * SESSIONS_TEXT_MAX + 4);
    size_t used = n <= SESSIONS_TEXT_MAX ? n : SESSIONS_TEXT_MAX;
    while (used < n && used > 0 && ((unsigned char)text[used] & 0xc0) == 0x80)
        used--;
    char *copy = encode_plain(&out, span_of(text, used)) == 0 && bytes_append(&out, "", 1) == 0 ? strdup((const char *)bytes_span(&out).ptr) : NULL;
    bytes_clear(&out);
    for (char *p = copy; p != NULL && *p != '\0'; p++)
        if (*p == '\n')
            *p = ' ';
    return copy;
}

static const char *put_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *begin = memcpy(*at, text, size);
    *at += size;
    return begin;
}

static struct session *make(const struct session_who *who, const char *subject, const char *owner)
{
    const char *texts[] = {who->listener, who->address, who->peer->sha256, subject, owner != NULL ? owner : ""};
    size_t size = ID_SIZE;
    for (size_t i = 0; i < 5; i++)
        size += strlen(texts[i]) + 1;
    struct session *x = malloc(sizeof(*x) + size);
    if (x == NULL)
        return NULL;
    *x = (struct session){.place = OUT};
    char *at = x->texts + ID_SIZE;
    x->row = (struct session_row){.session = x, .id = x->texts};
    const char **places[] = {&x->row.listener, &x->row.address, &x->row.sha256, &x->row.subject, &x->row.owner};
    for (size_t i = 0; i < 5; i++)
        *places[i] = put_text(&at, texts[i]);
    if (owner == NULL)
        x->row.owner = NULL;
    return x;
}

static struct session *make_for(const struct session_who *who)
{
    struct span of = tls_registry_text_get(who->peer->registry, "owner");
    char *subject = plain(who->peer->subject, strlen(who->peer->subject));
    char *owner = of.ptr != NULL ? plain((const char *)of.ptr, of.len) : NULL;
    struct session *x = subject != NULL && (owner != NULL) == (of.ptr != NULL) ? make(who, subject, owner) : NULL;
    free(subject);
    free(owner);
    return x;
}

struct session *session_begin(struct sessions *s, const struct session_who *who, int64_t now)
{
    struct session *x = make_for(who);
    lock(s);
    bool closed = s->closed;
    if (x == NULL)
        s->facts.lost += !closed;
    if (x != NULL && !closed) {
        x->owner = sessions_ref(s);
        x->row.began = now;
        snprintf(x->texts, ID_SIZE, "%016llx-%llu", (unsigned long long)s->process, (unsigned long long)++s->given);
        (void)push(x); /* else it is written when it ends */
    }
    unlock(s);
    if (x != NULL && closed) {
        free(x);
        return NULL;
    }
    return x;
}

void session_note(struct session *x, const struct report *r)
{
    x->now.requests += r->kind == REPORT_REQUEST;
    x->now.bytes_in += r->bytes_in;
    x->now.bytes_out += r->bytes_out;
    x->now.reason = r->reason;
}

void session_end(struct session *x, int64_t now)
{
    struct sessions *s = sessions_ref(x->owner);
    lock(s);
    x->row.ended = now;
    x->row.requests = x->now.requests;
    x->row.bytes_in = x->now.bytes_in;
    x->row.bytes_out = x->now.bytes_out;
    x->row.reason = x->now.reason == REASON_UNDECIDED ? REASON_VALID : x->now.reason; /* it came and went without a word */
    if (x->place == OUT && s->closed)
        free_session(x);
    else if (x->place == OUT && !push(x))
        lose(x);
    unlock(s);
    sessions_unref(s);
}

/* ---- of the writer ---- */

void sessions_on_rows(struct sessions *s, void (*wake)(void *ctx), void *ctx)
{
    lock(s);
    s->wake = wake;
    s->wake_ctx = ctx;
    unlock(s);
}

size_t sessions_take(struct sessions *s, struct session_row *rows, size_t n)
{
    size_t taken = 0;
    lock(s);
    for (struct session *x; taken < n && (x = pop(s)) != NULL; taken++) {
        x->place = TAKEN;
        rows[taken] = x->row;
    }
    unlock(s);
    return taken;
}

void sessions_written(struct sessions *s, const struct session_row *rows, size_t n)
{
    lock(s);
    for (size_t i = 0; i < n; i++) {
        struct session *x = rows[i].session;
        if (rows[i].ended != 0) {
            s->facts.written++;
            free_session(x);
        } else if (x->row.ended == 0 || !push(x)) {
            put_out(x);
        }
    }
    unlock(s);
}

void sessions_failed(struct sessions *s, const struct session_row *rows, size_t n)
{
    lock(s);
    for (size_t i = n; i-- > 0;) {
        struct session *x = rows[i].session;
        x->place = WAITING;
        x->next = s->first;
        if (s->first == NULL)
            s->end = &x->next;
        s->first = x;
        s->facts.waiting++;
    }
    unlock(s);
}

void sessions_lost(struct sessions *s, const struct session_row *rows, size_t n)
{
    lock(s);
    for (size_t i = 0; i < n; i++)
        put_out(rows[i].session);
    unlock(s);
}

void sessions_close(struct sessions *s)
{
    lock(s);
    s->closed = true;
    s->wake = NULL;
    for (struct session *x; (x = pop(s)) != NULL;)
        put_out(x);
    unlock(s);
}

void sessions_say_error(struct sessions *s, const char *error)
{
    lock(s);
    snprintf(s->facts.error, sizeof(s->facts.error), "%s", error != NULL ? error : "");
    unlock(s);
}

void sessions_facts(struct sessions *s, struct sessions_facts *out)
{
    lock(s);
    *out = s->facts;
    unlock(s);
}
