/* SPDX-License-Identifier: Apache-2.0 */
#include "server_internal.h"

void server_ask(struct server *s)
{
    s->asked++;
    for (unsigned i = 0; i < s->n_hands; i++)
        if (!s->hands[i].over)
            uv_async_send(&s->hands[i].wake);
}

bool server_answered(const struct server *s)
{
    for (unsigned i = 0; i < s->n_hands; i++)
        if (!s->hands[i].over && s->hands[i].answered != s->asked)
            return false;
    return true;
}

const struct snapshot *server_snapshot(const struct server *s)
{
    return s->snapshot;
}

unsigned server_workers(const struct server *s)
{
    return s->n_hands;
}

void server_sum_counters(const struct server *s, struct counters *into)
{
    for (unsigned i = 0; i < s->n_hands; i++)
        counters_sum(into, &s->hands[i].worker.access_log.counters);
}

void server_room(struct server *s, struct admin_room *room)
{
    struct capacity *c = &s->capacity;
    *room = (struct admin_room){c->clients, c->most_clients, c->clients + c->uplinks, c->most, c->refused, capacity_is_full(c, uv_hrtime() / 1000),
                                s->snapshot->config->max_per_client};
}

struct refusals *server_refusals(struct server *s)
{
    return s->refusals;
}

struct uv_loop_s *server_loop(struct server *s)
{
    return &s->loop;
}

struct background *server_background(struct server *s)
{
    return s->background;
}
