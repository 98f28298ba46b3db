/* SPDX-License-Identifier: Apache-2.0 */
#include "run_workload.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/ticker.h"

#include <stdlib.h>
#include <string.h>

enum {
    TICK_MS = 1000, /* also the least time between two loads: an agent may give updates all the time */
    RETRY_S = 60,   /* after a load that failed */
};

int run_workload_prepare(struct run_workload *w, const struct config *config, struct err *err)
{
    w->wanted = workload_is_used(config, &w->method);
    return w->wanted ? workload_socket_path(getenv("SPIFFE_ENDPOINT_SOCKET"), w->path, err) : 0;
}

const struct workload_order *run_workload_order(const struct run_workload *w, struct workload_order *room)
{
    *room = (struct workload_order){.socket = w->path, .method = w->method};
    return w->wanted ? room : NULL;
}

/* ---- files ---- */

static int look(const struct run_workload *w, bool wait, struct workload_view *out, struct err *err)
{
    struct bytes packed = {.max = SIZE_MAX};
    *out = (struct workload_view){.state = WORKLOAD_WAITING};
    int rc = w->keys != NULL ? key_client_workload(w->keys, wait, &packed, err) : workload_client_view(w->own, wait, &packed);
    if (rc == 0)
        rc = workload_view_unpack(out, bytes_span(&packed));
    bytes_clear(&packed);
    return rc == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory for SVIDs and bundles");
}

/* From the key process, which gives no keys. */
static int text_from_keys(void *ctx, const char *source, struct bytes *out, struct err *err)
{
    const struct run_workload *w = ctx;
    struct workload_view view;
    *out = (struct bytes){0};
    int rc = look(w, true, &view, err);
    if (rc == 0 && view.received == 0)
        rc = err_set(err, ERR_IO, "the SPIFFE Workload API at unix://%s: %s", w->path, view.error[0] != '\0' ? view.error : "no answer came: start the agent");
    if (rc == 0)
        rc = workload_set_text(&view.set, source, out, err);
    workload_view_clear(&view);
    return rc;
}

int run_workload_start(struct run_workload *w, struct run_keys *keys, struct file_source *files, struct err *err)
{
    struct workload_order order;
    w->keys = keys->client;
    w->files.under = *files;
    if (w->wanted && w->keys == NULL && (w->own = workload_client_start(run_workload_order(w, &order), err)) == NULL)
        return -1;
    if (w->wanted) {
        w->files.text = w->keys != NULL ? text_from_keys : workload_files_of_client;
        w->files.ctx = w->keys != NULL ? (void *)w : w->own;
    }
    *files = workload_files_source(&w->files);
    struct err late = {0}; /* is told where a part of it is read */
    if (w->wanted && look(w, true, &w->view, &late) == 0)
        w->loading = w->view.generation;
    return 0;
}

/* ---- while it runs ---- */

static void tell_end(void *ctx, const struct workload_end *end)
{
    const struct run_workload *w = ctx;
    if (end->trust != NULL)
        log_say(LOG_LEVEL_ERROR, "spiffe", "trust \"%s\": the agent at unix://%s gives no bundle of trust domain %s: its certificates are refused", end->trust->name, w->path,
                end->domain);
    else if (end->expired)
        log_say(LOG_LEVEL_ERROR, "spiffe", "identity \"%s\": its SVID has expired and the agent at unix://%s gives no other: it is no longer presented", end->identity->name,
                w->path);
    else
        log_say(LOG_LEVEL_ERROR, "spiffe", "identity \"%s\": the agent at unix://%s gives its SVID no longer: it is no longer presented, and its connections end",
                end->identity->name, w->path);
}

static void tell_state(const struct run_workload *w, const struct workload_view *next)
{
    if (next->state == WORKLOAD_CURRENT && w->view.state != WORKLOAD_CURRENT)
        log_say(LOG_LEVEL_INFO, "spiffe", "the SPIFFE Workload API at unix://%s answers: %zu SVIDs, %zu bundles", next->socket, next->set.n_svids, next->set.n_bundles);
    else if (next->state != WORKLOAD_CURRENT && (next->state != w->view.state || strcmp(next->error, w->view.error) != 0))
        log_say(LOG_LEVEL_WARN, "spiffe", "the SPIFFE Workload API at unix://%s: %s", next->socket, next->error);
}

static void stop_ended(struct run_workload *w, int64_t now)
{
    if (workload_withdraw(server_snapshot(w->server), &w->view.set, now, tell_end, w) > 0)
        server_rejudge(w->server);
}

static void load_if_due(struct run_workload *w, int64_t now)
{
    if (w->asked || w->view.generation == w->loaded || now < w->not_before)
        return;
    w->asked = true;
    w->asked_at = now;
    w->not_before = now + 1;
    log_say(LOG_LEVEL_INFO, "spiffe", "the agent gives other SVIDs or bundles: loading them");
    w->load(w->load_ctx, false);
}

static void on_change(void *ctx)
{
    struct run_workload *w = ctx;
    struct workload_view next;
    struct err err = {0};
    int64_t now = clock_now();
    if (look(w, false, &next, &err) != 0) {
        log_say(LOG_LEVEL_ERROR, "spiffe", "%s", err.text);
        return;
    }
    tell_state(w, &next);
    if (next.generation != w->view.generation)
        w->not_before = w->asked_at + 1;
    workload_view_clear(&w->view);
    w->view = next;
    stop_ended(w, now);
    load_if_due(w, now);
}

static void on_tick(void *ctx)
{
    struct run_workload *w = ctx;
    int64_t now = clock_now();
    stop_ended(w, now);
    load_if_due(w, now);
}

int run_workload_watch(struct run_workload *w, struct server *server, struct err *err)
{
    if (!w->wanted)
        return 0;
    w->server = server;
    w->tick = ticker_start(server_loop(server), TICK_MS, on_tick, w);
    if (w->tick == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    w->loaded = w->loading;
    return w->keys != NULL ? key_client_watch_workload(w->keys, server_loop(server), on_change, w, err) : workload_client_watch(w->own, server_loop(server), on_change, w, err);
}

void run_workload_begin(struct run_workload *w)
{
    w->loading = w->view.generation;
}

void run_workload_end_load(struct run_workload *w, bool good)
{
    w->asked = false;
    if (good)
        w->loaded = w->loading;
    else if (w->loaded != w->view.generation)
        w->not_before = clock_now() + RETRY_S;
}

void run_workload_unwatch(struct run_workload *w)
{
    ticker_stop(w->tick);
    w->tick = NULL;
    workload_client_unwatch(w->own);
}

void run_workload_stop(struct run_workload *w)
{
    workload_client_stop(w->own);
    w->own = NULL;
    workload_view_clear(&w->view);
}

const struct workload_view *run_workload_view(struct run_workload *w)
{
    struct workload_view now;
    struct err err = {0};
    if (w->server != NULL && look(w, false, &now, &err) == 0) {
        w->view.messages = now.messages; /* the rest of it is followed by on_change */
        w->view.refused = now.refused;
        w->view.connects = now.connects;
        w->view.received = now.received;
        workload_view_clear(&now);
    }
    return w->wanted ? &w->view : NULL;
}
