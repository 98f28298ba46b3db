/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/ticker.h"

#include <stdlib.h>
#include <uv.h>

struct ticker {
    uv_timer_t timer;
    void (*on_tick)(void *ctx);
    void *ctx;
};

static void on_timer(uv_timer_t *timer)
{
    struct ticker *t = timer->data;
    t->on_tick(t->ctx);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct ticker *ticker_start(struct uv_loop_s *loop, uint64_t every_ms, void (*on_tick)(void *ctx), void *ctx)
{
    struct ticker *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    t->on_tick = on_tick;
    t->ctx = ctx;
    t->timer.data = t;
    uv_timer_init(loop, &t->timer);
    uv_timer_start(&t->timer, on_timer, every_ms, every_ms);
    uv_unref((uv_handle_t *)&t->timer);
    return t;
}

void ticker_stop(struct ticker *t)
{
    if (t != NULL)
        uv_close((uv_handle_t *)&t->timer, on_closed);
}
