/* SPDX-License-Identifier: Apache-2.0 */
/* Attempts that wait: for their turn to try another address, or for a place. */
#include "connector_internal.h"

enum {
    NEXT_AFTER_US = 250 * 1000, /* RFC 8305 section 5 */
    PLACE_LOOK_MS = 10,
    PLACE_WITHIN_US = 1000 * 1000,
};

/* ---- taking turns: every wait is as long as the others, so that a queue and one timer do ---- */

static void on_race_timer(uv_timer_t *timer);

static void arm(struct worker *w)
{
    uint64_t now = worker_now().us;
    if (w->connecting.racing_first == NULL)
        return;
    uint64_t at = w->connecting.racing_first->race_us;
    uv_timer_start(&w->connecting.race_timer, on_race_timer, at > now ? (at - now) / 1000 + 1 : 0, 0);
}

void connector_race_join(struct connector *k)
{
    struct worker *w = k->order.worker;
    k->racing = true;
    k->race_us = worker_now().us + NEXT_AFTER_US;
    k->race_next = NULL;
    k->race_prev = w->connecting.racing_last;
    *(w->connecting.racing_last != NULL ? &w->connecting.racing_last->race_next : &w->connecting.racing_first) = k;
    w->connecting.racing_last = k;
    if (w->connecting.racing_first == k)
        arm(w);
}

void connector_race_leave(struct connector *k)
{
    struct worker *w = k->order.worker;
    if (!k->racing)
        return;
    k->racing = false;
    *(k->race_prev != NULL ? &k->race_prev->race_next : &w->connecting.racing_first) = k->race_next;
    *(k->race_next != NULL ? &k->race_next->race_prev : &w->connecting.racing_last) = k->race_prev;
    if (w->connecting.racing_first == NULL)
        uv_timer_stop(&w->connecting.race_timer);
}

static void on_race_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    uint64_t now = worker_now().us;
    while (w->connecting.racing_first != NULL && w->connecting.racing_first->race_us <= now) {
        struct connector *k = w->connecting.racing_first;
        connector_race_leave(k);
        connector_go_on(k);
    }
    arm(w);
}

/* ---- waiting for a place: what others finish with is soon free ---- */

void connector_place_leave(struct connector *k)
{
    struct worker *w = k->order.worker;
    if (!k->wanting)
        return;
    k->wanting = false;
    *(k->race_prev != NULL ? &k->race_prev->race_next : &w->connecting.wanting_first) = k->race_next;
    *(k->race_next != NULL ? &k->race_next->race_prev : &w->connecting.wanting_last) = k->race_prev;
}

static void on_place_timer(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    uint64_t now = worker_now().us;
    struct connector *k;
    while ((k = w->connecting.wanting_first) != NULL) {
        k->has_place = listening_take_uplink(w);
        if (!k->has_place && now < k->want_us)
            break;
        connector_place_leave(k);
        connector_go_on(k);
        if (w->connecting.wanting_last == k)
            break; /* there was a place but no descriptor: the others would find none either */
    }
    if (w->connecting.wanting_first != NULL)
        uv_timer_start(timer, on_place_timer, PLACE_LOOK_MS, 0);
}

bool connector_place_wait(struct connector *k)
{
    struct worker *w = k->order.worker;
    if (k->want_us == 0)
        k->want_us = worker_now().us + PLACE_WITHIN_US;
    if (worker_now().us >= k->want_us)
        return false;
    k->wanting = true;
    k->race_next = NULL;
    k->race_prev = w->connecting.wanting_last;
    *(w->connecting.wanting_last != NULL ? &w->connecting.wanting_last->race_next : &w->connecting.wanting_first) = k;
    w->connecting.wanting_last = k;
    if (!uv_is_active((uv_handle_t *)&w->connecting.place_timer))
        uv_timer_start(&w->connecting.place_timer, on_place_timer, PLACE_LOOK_MS, 0);
    return true;
}

bool connector_place_take(struct connector *k)
{
    bool has = k->has_place || (k->order.worker->connecting.wanting_first == NULL && listening_take_uplink(k->order.worker));
    k->has_place = false;
    return has;
}
