/* SPDX-License-Identifier: Apache-2.0 */
#include "name_table.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US ((uint64_t)1000 * 1000)

enum {
    FRESH_S = 30,
    USABLE_S = 300,
    FAILED_S = 1,
    PATIENCE_S = 1, /* for a new answer while there is an older one */
    LONG_S = 1,     /* a look-up that takes longer keeps no other waiting */
    NAME_BYTES_MAX = 253,
    LABEL_BYTES_MAX = 63,
};

static const char *fault_of(const char *host)
{
    size_t len = strlen(host), label = 0;
    if (len > 0 && host[len - 1] == '.') /* the root, written out */
        len--;
    if (len == 0)
        return "the name is empty";
    if (len > NAME_BYTES_MAX)
        return "the name is longer than 253 bytes";
    for (size_t i = 0; i <= len; i++) {
        if (i < len && host[i] != '.') {
            label++;
            continue;
        }
        if (label == 0)
            return "a label of the name is empty";
        if (label > LABEL_BYTES_MAX)
            return "a label of the name is longer than 63 bytes";
        label = 0;
    }
    return NULL;
}

struct name_cache *name_cache_new(void)
{
    return calloc(1, sizeof(struct name_cache));
}

void name_cache_free(struct name_cache *c)
{
    while (c != NULL && c->oldest != NULL)
        name_table_drop(c, c->oldest);
    free(c);
}

/* ---- what is under way ---- */

static void open_entry(struct name_cache *c, struct name_entry *e, uint64_t now_us)
{
    e->state = NAME_QUEUED;
    e->since_us = now_us;
    e->has_older = e->n_items > 0;
    c->n_queued++;
    c->n_older += e->has_older ? 1 : 0;
    e->open_next = NULL;
    e->open_prev = c->open_last;
    *(c->open_last != NULL ? &c->open_last->open_next : &c->open_first) = e;
    c->open_last = e;
}

static void settle(struct name_cache *c, struct name_entry *e)
{
    c->n_queued -= e->state == NAME_QUEUED ? 1 : 0;
    c->n_older -= e->has_older ? 1 : 0;
    e->state = NAME_SETTLED;
    *(e->open_prev != NULL ? &e->open_prev->open_next : &c->open_first) = e->open_next;
    *(e->open_next != NULL ? &e->open_next->open_prev : &c->open_last) = e->open_prev;
    e->open_prev = e->open_next = NULL;
}

static bool is_younger(uint64_t then_us, unsigned seconds, uint64_t now_us)
{
    return now_us < then_us + seconds * SECOND_US;
}

static bool is_usable(const struct name_entry *e, uint64_t now_us)
{
    return e->n_items > 0 && is_younger(e->answered_us, USABLE_S, now_us);
}

/* A known address may be used without waiting for more. */
static bool is_settled_for_now(const struct name_entry *e, uint64_t now_us)
{
    bool fresh = e->n_items > 0 && !e->doubted && is_younger(e->answered_us, FRESH_S, now_us);
    bool just_failed = e->has_failed && is_younger(e->failed_us, FAILED_S, now_us);
    bool waited = e->state != NAME_SETTLED && is_usable(e, now_us) && !is_younger(e->since_us, PATIENCE_S, now_us);
    return fresh || just_failed || waited;
}

const char name_cache_no_memory[] = "out of memory";

static void fill(struct name_answer *answer, const struct name_entry *e)
{
    answer->ours = strcmp(e->text, name_cache_no_memory) == 0;
    answer->list.n = e->n_items;
    if (e->n_items > 0)
        memcpy(answer->list.items, e->items, e->n_items * sizeof(*e->items));
    snprintf(answer->text, sizeof(answer->text), "%s", e->text);
}

static enum name_verdict fail(struct name_answer *answer, const char *text)
{
    answer->list.n = 0;
    answer->ours = false;
    snprintf(answer->text, sizeof(answer->text), "%s", text);
    return NAME_FAILED;
}

static void forget_old(struct name_entry *e, uint64_t now_us)
{
    if (!is_usable(e, now_us))
        e->n_items = 0;
}

static void wait_for(struct name_entry *e, struct name_waiter *w)
{
    w->entry = e;
    w->prev = NULL;
    w->next = e->waiters;
    if (e->waiters != NULL)
        e->waiters->prev = w;
    e->waiters = w;
}

enum name_verdict name_cache_ask(struct name_cache *c, const char *host, struct name_waiter *w, struct name_answer *answer, uint64_t now_us)
{
    const char *fault = fault_of(host);
    if (fault != NULL)
        return fail(answer, fault);
    struct name_entry *e = name_table_find(c, host);
    if (e == NULL)
        e = name_table_add(c, host);
    if (e == NULL)
        return fail(answer, "too many names are being looked up");
    name_table_touch(c, e);
    if (is_settled_for_now(e, now_us)) {
        if (e->n_told == 0)
            forget_old(e, now_us);
        fill(answer, e);
        return e->n_items > 0 ? NAME_ANSWERED : NAME_FAILED;
    }
    if (e->state == NAME_SETTLED)
        open_entry(c, e, now_us);
    wait_for(e, w);
    return NAME_WAITS;
}

static void unlink_waiter(struct name_waiter **first, struct name_waiter *w)
{
    *(w->prev != NULL ? &w->prev->next : first) = w->next;
    if (w->next != NULL)
        w->next->prev = w->prev;
}

static bool is_told(const struct name_cache *c, const struct name_waiter *w)
{
    for (const struct name_waiter *t = c->told_first; t != NULL; t = t->next) {
        if (t == w)
            return true;
    }
    return false;
}

static void leave_told(struct name_cache *c, struct name_waiter *w)
{
    if (c->told_last == w)
        c->told_last = w->prev;
    unlink_waiter(&c->told_first, w);
    w->entry->n_told--;
}

static void leave_waiters(struct name_cache *c, struct name_waiter *w)
{
    struct name_entry *e = w->entry;
    unlink_waiter(&e->waiters, w);
    if (e->waiters == NULL && e->state == NAME_QUEUED)
        settle(c, e); /* no longer needed: not even begun */
}

void name_cache_leave(struct name_cache *c, struct name_waiter *w)
{
    if (w->entry == NULL)
        return;
    if (is_told(c, w))
        leave_told(c, w);
    else
        leave_waiters(c, w);
    *w = (struct name_waiter){0};
}

static size_t count_young(const struct name_cache *c, uint64_t now_us)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n_running; i++)
        n += is_younger(c->running[i].since_us, LONG_S, now_us) ? 1 : 0;
    return n;
}

struct name_entry *name_cache_begin(struct name_cache *c, uint64_t now_us)
{
    if (c->n_queued == 0 || c->n_running >= NAME_ALL_LOOKUPS_MAX || count_young(c, now_us) >= NAME_LOOKUPS_MAX)
        return NULL;
    struct name_entry *e = c->open_first;
    while (e->state != NAME_QUEUED)
        e = e->open_next;
    e->state = NAME_RUNNING;
    c->n_queued--;
    c->running[c->n_running].entry = e;
    c->running[c->n_running++].since_us = now_us;
    return e;
}

const char *name_cache_host(const struct name_entry *e)
{
    return e->host;
}

static void keep(struct name_entry *e, const struct name_list *found, uint64_t now_us)
{
    struct name_address *items = malloc(found->n * sizeof(*items));
    if (items == NULL)
        return; /* an older answer goes on being the one */
    memcpy(items, found->items, found->n * sizeof(*items));
    free(e->items);
    e->items = items;
    e->n_items = found->n;
    e->answered_us = now_us;
    e->has_failed = false;
}

/* All who wait for e get what it has now. */
static void tell_all(struct name_cache *c, struct name_entry *e)
{
    struct name_waiter *w;
    while ((w = e->waiters) != NULL) {
        unlink_waiter(&e->waiters, w);
        w->next = NULL;
        w->prev = c->told_last;
        *(c->told_last != NULL ? &c->told_last->next : &c->told_first) = w;
        c->told_last = w;
        e->n_told++;
    }
}

void name_cache_end(struct name_cache *c, struct name_entry *e, const struct name_list *found, const char *text, uint64_t now_us)
{
    assert(e->state == NAME_RUNNING);
    size_t at = 0;
    while (c->running[at].entry != e)
        at++;
    c->running[at] = c->running[--c->n_running];
    settle(c, e);
    e->doubted = false;
    bool ok = found != NULL && found->n > 0;
    e->has_failed = true;
    e->failed_us = now_us;
    snprintf(e->text, sizeof(e->text), "%s", ok ? name_cache_no_memory : text);
    if (ok)
        keep(e, found, now_us);
    if (e->n_told == 0)
        forget_old(e, now_us);
    tell_all(c, e);
}

struct name_waiter *name_cache_next_told(struct name_cache *c, struct name_answer *answer)
{
    struct name_waiter *w = c->told_first;
    if (w == NULL)
        return NULL;
    fill(answer, w->entry);
    leave_told(c, w);
    *w = (struct name_waiter){0};
    return w;
}

/* ---- time ---- */

/* When the next of those that queue may begin: the second youngest of those that run then takes long. */
static uint64_t next_place_us(const struct name_cache *c)
{
    uint64_t youngest[NAME_LOOKUPS_MAX] = {0}; /* falling */
    if (c->n_queued == 0 || c->n_running < NAME_LOOKUPS_MAX || c->n_running >= NAME_ALL_LOOKUPS_MAX)
        return UINT64_MAX;
    for (size_t i = 0; i < c->n_running; i++) {
        uint64_t since = c->running[i].since_us;
        if (since > youngest[0]) {
            youngest[1] = youngest[0];
            youngest[0] = since;
        } else if (since > youngest[1]) {
            youngest[1] = since;
        }
    }
    return youngest[NAME_LOOKUPS_MAX - 1] + LONG_S * SECOND_US;
}

uint64_t name_cache_deadline_us(const struct name_cache *c)
{
    uint64_t place = next_place_us(c);
    for (const struct name_entry *e = c->n_older > 0 ? c->open_first : NULL; e != NULL; e = e->open_next) {
        uint64_t patience = e->since_us + PATIENCE_S * SECOND_US;
        if (e->waiters != NULL && e->n_items > 0)
            return patience < place ? patience : place;
    }
    return place;
}

void name_cache_on_time(struct name_cache *c, uint64_t now_us)
{
    for (struct name_entry *e = c->open_first; e != NULL; e = e->open_next) {
        if (e->waiters == NULL || is_younger(e->since_us, PATIENCE_S, now_us))
            continue;
        if (!is_usable(e, now_us)) {
            e->n_items = 0;
            continue;
        }
        tell_all(c, e);
    }
}

void name_cache_doubt(struct name_cache *c, const char *host, uint64_t now_us)
{
    struct name_entry *e = name_table_find(c, host);
    if (e != NULL && !is_younger(e->answered_us, FAILED_S, now_us))
        e->doubted = true;
}

size_t name_cache_running(const struct name_cache *c)
{
    return c->n_running;
}
