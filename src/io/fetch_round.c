/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/fetch_round.h"

#include "mtlsd/io/clock.h"
#include "mtlsd/io/fetch.h"

#include <stdlib.h>
#include <uv.h>

/* The wall clock may jump: it is looked at again after a while, however far the next fetch is. */
enum { AT_ONCE = 4, WITHIN_MS = 120000, LOOK_S = 5 };

struct fetch_round {
    struct uv_loop_s *loop;
    struct fetch_round_hooks hooks;
    struct crl_fetch plan;
    uv_timer_t timer;
    unsigned running;
    bool stopping, closed;
};

static void schedule(struct fetch_round *r);

static void free_if_over(struct fetch_round *r)
{
    if (!r->stopping || !r->closed || r->running > 0)
        return;
    crl_fetch_clear(&r->plan);
    free(r);
}

static void on_closed(uv_handle_t *handle)
{
    struct fetch_round *r = handle->data;
    r->closed = true;
    free_if_over(r);
}

static uint64_t draw(void)
{
    return (clock_monotonic_us() * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
}

static void tell_failure(struct fetch_round *r, const char *url)
{
    const struct crl_fetch_item *item = crl_fetch_find(&r->plan, url);
    if (item != NULL && item->error[0] != '\0' && !item->busy)
        r->hooks.on_failure(r->hooks.ctx, item);
}

static void on_done(void *ctx, const char *url, struct crl_fetch_answer *answer)
{
    struct fetch_round *r = ctx;
    r->running--;
    if (r->stopping) {
        free_if_over(r);
        return;
    }
    if (crl_fetch_answered(&r->plan, url, answer, clock_now(), draw()) == CRL_FETCH_JUDGE)
        r->hooks.on_list(r->hooks.ctx, url, answer);
    else
        tell_failure(r, url);
    schedule(r);
}

static void start(struct fetch_round *r, const struct crl_fetch_item *item)
{
    struct err err = {0};
    struct fetch_order order = {item->url, item->from_config, item->tag, item->modified, CRL_FETCH_MAX_BYTES, WITHIN_MS};
    if (fetch_start(r->loop, &order, on_done, r, &err) != NULL) {
        r->running++;
        return;
    }
    crl_fetch_judged(&r->plan, item->url, NULL, &(struct crl_fetch_judgement){.error = err.text}, clock_now(), draw());
    tell_failure(r, item->url);
}

static void on_timer(uv_timer_t *timer)
{
    struct fetch_round *r = timer->data;
    const struct crl_fetch_item *item;
    while (r->running < AT_ONCE && (item = crl_fetch_start(&r->plan, clock_now())) != NULL)
        start(r, item);
    schedule(r);
}

static void schedule(struct fetch_round *r)
{
    int64_t next = crl_fetch_next(&r->plan), wait = next - clock_now();
    uv_timer_stop(&r->timer);
    if (next != 0 && r->running < AT_ONCE)
        uv_timer_start(&r->timer, on_timer, (uint64_t)(wait < 0 ? 0 : wait < LOOK_S ? wait : LOOK_S) * 1000, 0);
}

struct fetch_round *fetch_round_new(struct uv_loop_s *loop, const struct fetch_round_hooks *hooks)
{
    struct fetch_round *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    r->loop = loop;
    r->hooks = *hooks;
    uv_timer_init(loop, &r->timer);
    uv_unref((uv_handle_t *)&r->timer);
    r->timer.data = r;
    return r;
}

int fetch_round_follow(struct fetch_round *r, const struct crl_fetch_wish *wishes, size_t n)
{
    int rc = crl_fetch_follow(&r->plan, wishes, n, clock_now());
    schedule(r);
    return rc;
}

void fetch_round_judged(struct fetch_round *r, const char *url, const struct crl_fetch_answer *answer, const struct crl_fetch_judgement *judgement)
{
    crl_fetch_judged(&r->plan, url, answer, judgement, clock_now(), draw());
    tell_failure(r, url);
    schedule(r);
}

const struct crl_fetch *fetch_round_plan(const struct fetch_round *r)
{
    return &r->plan;
}

bool fetch_round_is_busy(const struct fetch_round *r)
{
    return r != NULL && r->running > 0;
}

void fetch_round_stop(struct fetch_round *r)
{
    if (r == NULL || r->stopping)
        return;
    r->stopping = true;
    uv_close((uv_handle_t *)&r->timer, on_closed);
}
