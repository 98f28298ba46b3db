/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/counters.h"
#include "counters_table.h"

#include <stdio.h>

#define NAME_SIZE(type) sizeof(((type *)0)->name)

int counters_init(struct counters *c, size_t max_rows)
{
    *c = (struct counters){
        .listeners = counters_table_new(sizeof(struct counters_row), NAME_SIZE(struct counters_row), max_rows),
        .upstreams = counters_table_new(sizeof(struct counters_row), NAME_SIZE(struct counters_row), max_rows),
        .targets = counters_table_new(sizeof(struct counters_target), NAME_SIZE(struct counters_target), max_rows),
        .routes = counters_table_new(sizeof(struct counters_route), NAME_SIZE(struct counters_route), max_rows),
        .requests = counters_table_new(sizeof(struct counters_requests), NAME_SIZE(struct counters_requests), max_rows),
        .failures = counters_table_new(sizeof(struct counters_failures), NAME_SIZE(struct counters_failures), max_rows),
    };
    if (c->listeners != NULL && c->upstreams != NULL && c->targets != NULL && c->routes != NULL && c->requests != NULL && c->failures != NULL)
        return 0;
    counters_clear(c);
    return -1;
}

void counters_clear(struct counters *c)
{
    counters_table_free(c->listeners);
    counters_table_free(c->upstreams);
    counters_table_free(c->targets);
    counters_table_free(c->routes);
    counters_table_free(c->requests);
    counters_table_free(c->failures);
    *c = (struct counters){0};
}

/* ---- finding ---- */

struct counters_row *counters_listener(struct counters *c, const char *name)
{
    return counters_table_get(c->listeners, name, NULL);
}

struct counters_row *counters_upstream(struct counters *c, const char *name)
{
    return counters_table_get(c->upstreams, name, NULL);
}

struct counters_target *counters_target(struct counters *c, const char *upstream, const char *target)
{
    return counters_table_get(c->targets, upstream, target);
}

/* The number's digits, at the end of the room; snprintf would cost more than the rest. */
static const char *digits_of(size_t number, char room[24])
{
    char *p = room + 23;
    *p = '\0';
    do
        *--p = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return p;
}

struct counters_route *counters_route(struct counters *c, const char *listener, size_t number)
{
    char room[24];
    return counters_table_get(c->routes, listener, digits_of(number, room));
}

struct counters_requests *counters_requests(struct counters *c, const char *listener, const char *upstream)
{
    return counters_table_get(c->requests, listener, upstream);
}

struct counters_failures *counters_failures(struct counters *c, const char *side, const char *name, const char *reason)
{
    char first[NAME_SIZE(struct counters_failures)];
    snprintf(first, sizeof(first), "%s/%s", side, name);
    return counters_table_get(c->failures, first, reason);
}

const struct counters_row *counters_find_listener(const struct counters *c, const char *name)
{
    return counters_table_find(c->listeners, name, NULL);
}

const struct counters_row *counters_find_upstream(const struct counters *c, const char *name)
{
    return counters_table_find(c->upstreams, name, NULL);
}

const struct counters_target *counters_find_target(const struct counters *c, const char *upstream, const char *target)
{
    return counters_table_find(c->targets, upstream, target);
}

const struct counters_route *counters_find_route(const struct counters *c, const char *listener, size_t number)
{
    char room[24];
    return counters_table_find(c->routes, listener, digits_of(number, room));
}

const struct counters_requests *counters_find_requests(const struct counters *c, const char *listener, const char *upstream)
{
    return counters_table_find(c->requests, listener, upstream);
}

const struct counters_failures *counters_find_failures(const struct counters *c, const char *side, const char *name, const char *reason)
{
    char first[NAME_SIZE(struct counters_failures)];
    snprintf(first, sizeof(first), "%s/%s", side, name);
    return counters_table_find(c->failures, first, reason);
}

bool counters_has_failures(const struct counters *c)
{
    return counters_table_count(c->failures) > 1; /* the first is for names that found no place */
}

/* ---- durations and dates ---- */

const uint64_t counters_bound_us[COUNTERS_BOUNDS] = {500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000};

void counters_times_add(struct counters_times *t, uint64_t us)
{
    size_t i = 0;
    while (i < COUNTERS_BOUNDS && us > counters_bound_us[i])
        i++;
    counters_add(&t->below[i], 1);
    counters_add(&t->sum_us, us);
}

static void set(uint64_t *field, uint64_t value)
{
    __atomic_store_n(field, value, __ATOMIC_RELAXED);
}

void counters_soonest_see(struct counters_soonest *s, uint64_t not_after, uint64_t now, uint64_t keep_s)
{
    bool old = s->not_after == 0 || s->not_after <= now || now >= s->since + keep_s;
    if (!old && not_after > s->not_after)
        return;
    if (old || not_after < s->not_after)
        set(&s->since, now);
    set(&s->not_after, not_after);
}

/* ---- summing ---- */

static void take(uint64_t *into, const uint64_t *from)
{
    *into += __atomic_load_n(from, __ATOMIC_RELAXED);
}

/* Counts that stand one after the other, the last one included. */
static void take_all(uint64_t *into, const uint64_t *from, const uint64_t *last)
{
    while (from <= last)
        take(into++, from++);
}

static void sum_judged(struct counters_judged *into, const struct counters_judged *from)
{
    uint64_t last = __atomic_load_n(&from->last, __ATOMIC_RELAXED);
    take(&into->connections, &from->connections);
    take(&into->requests, &from->requests);
    into->last = last > into->last ? last : into->last;
}

static void sum_last(struct counters_last *into, const struct counters_last *from)
{
    char who[COUNTERS_WHO_SIZE];
    uint64_t when;
    for (size_t i = 0; i < COUNTERS_LAST; i++)
        if (counters_last_get(&from[i], who, &when))
            counters_last_put(into, who, when);
}

static void sum_times(struct counters_times *into, const struct counters_times *from)
{
    take_all(into->below, from->below, &from->sum_us);
}

static void sum_soonest(struct counters_soonest *into, const struct counters_soonest *from)
{
    uint64_t not_after = __atomic_load_n(&from->not_after, __ATOMIC_RELAXED);
    if (not_after != 0 && (into->not_after == 0 || not_after < into->not_after))
        into->not_after = not_after;
}

static void sum_row(struct counters_row *into, const struct counters_row *from)
{
    take_all(&into->connections_accepted, &from->connections_accepted, &from->answers[COUNTERS_CLASSES - 1]);
    for (size_t i = 0; i < COUNTERS_STATUSES; i++)
        sum_judged(&into->judged[i], &from->judged[i]);
    sum_last(into->last, from->last);
    take_all(into->refused, from->refused, &from->refused[REASON_COUNT - 1]);
    sum_times(&into->handshakes, &from->handshakes);
    sum_soonest(&into->peer, &from->peer);
}

static void sum_target(struct counters_target *into, const struct counters_target *from)
{
    take_all(&into->active, &from->active, &from->failures);
}

static void sum_route(struct counters_route *into, const struct counters_route *from)
{
    take_all(&into->hits, &from->hits, &from->refused);
}

static void sum_requests(struct counters_requests *into, const struct counters_requests *from)
{
    take_all(into->answers, from->answers, &from->answers[COUNTERS_CLASSES - 1]);
    sum_times(&into->took, &from->took);
}

static void sum_failures(struct counters_failures *into, const struct counters_failures *from)
{
    take(&into->n, &from->n);
}

/* The row of from's i-th in into. Row 0 is shared by many names, and its own name was never given. */
static void *same_row(struct counters_table *into, const struct counters_table *from, size_t i)
{
    return i == 0 ? counters_table_at(into, 0) : counters_table_get(into, counters_table_at(from, i), NULL);
}

void counters_sum(struct counters *into, const struct counters *from)
{
    for (size_t i = 0, n = counters_table_count(from->listeners); i < n; i++)
        sum_row(same_row(into->listeners, from->listeners, i), counters_table_at(from->listeners, i));
    for (size_t i = 0, n = counters_table_count(from->upstreams); i < n; i++)
        sum_row(same_row(into->upstreams, from->upstreams, i), counters_table_at(from->upstreams, i));
    for (size_t i = 0, n = counters_table_count(from->targets); i < n; i++)
        sum_target(same_row(into->targets, from->targets, i), counters_table_at(from->targets, i));
    for (size_t i = 0, n = counters_table_count(from->routes); i < n; i++)
        sum_route(same_row(into->routes, from->routes, i), counters_table_at(from->routes, i));
    for (size_t i = 0, n = counters_table_count(from->requests); i < n; i++)
        sum_requests(same_row(into->requests, from->requests, i), counters_table_at(from->requests, i));
    for (size_t i = 0, n = counters_table_count(from->failures); i < n; i++)
        sum_failures(same_row(into->failures, from->failures, i), counters_table_at(from->failures, i));
}
