/* SPDX-License-Identifier: Apache-2.0 */
#include "loop_worker.h"
#include "memory_files.h"
#include "t.h"

void loop_worker_start(struct loop_worker *w, const char *config_text)
{
    struct findings findings;
    struct memory_files files = {.n = 0};
    struct file_source source = memory_files_source(&files);
    struct err err = {0};
    *w = (struct loop_worker){.capacity = {.workers = 1}};
    findings_init(&findings);
    struct config *config = config_parse(config_text, "/test.conf", &findings);
    ck_assert_msg(config != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    w->snapshot = snapshot_new(config, &source, 1, 1800000000, &findings);
    ck_assert_msg(w->snapshot != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    findings_clear(&findings);
    w->capacity.most = w->capacity.most_clients = LOOP_WORKER_MOST;
    w->refusals = refusals_new();
    ck_assert_ptr_nonnull(w->refusals);
    ck_assert_int_eq(uv_loop_init(&w->loop), 0);
    ck_assert_msg(worker_init(&w->worker, &w->loop, w->snapshot, &w->capacity, w->refusals, &err) == 0, "%s", err.text);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void loop_worker_end(struct loop_worker *w)
{
    worker_stop(&w->worker);
    for (int turn = 0; turn < 1000 && w->worker.n_conns + w->worker.n_uplinks > 0; turn++)
        uv_run(&w->loop, UV_RUN_NOWAIT); /* connections close their own handles */
    uv_walk(&w->loop, close_handle, NULL);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(w->worker.n_uplinks, 0);
    ck_assert_int_eq(uv_loop_close(&w->loop), 0);
    worker_clear(&w->worker);
    refusals_free(w->refusals);
    snapshot_unref(w->snapshot);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

bool loop_worker_run(struct loop_worker *w, unsigned ms, bool (*is_done)(void *ctx), void *ctx)
{
    bool late = false, done = false;
    uv_timer_t timer;
    uv_timer_init(&w->loop, &timer);
    timer.data = &late;
    uv_timer_start(&timer, on_late, ms, ms); /* again: one that fires before the loop polls would not end the poll */
    while (!(done = is_done != NULL && is_done(ctx)) && !late)
        uv_run(&w->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    return done;
}
