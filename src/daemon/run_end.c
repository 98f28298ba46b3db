/* SPDX-License-Identifier: Apache-2.0 */
#include "run_end.h"
#include "run_handover.h"

#include "mtlsd/base/log.h"
#include "mtlsd/daemon/command_fail.h"

#include <stdio.h>

enum {
    HANDED_OVER_MS = 5000, /* how long an idle HTTP/1 client may still send a request to us, while a new process serves the others */
    PASSED_MS = 500,       /* the same, while new connections wait in sockets that the service manager keeps */
};

static uint64_t patience(const struct run *r, enum run_end_reason why, uint64_t within_ms)
{
    uint64_t ms = why == RUN_END_HANDED_OVER ? HANDED_OVER_MS : r->passed != NULL ? PASSED_MS : 0;
    return ms < within_ms / 2 ? ms : within_ms / 2;
}

void run_end_drain(struct run *r)
{
    run_end_drain_for(r, RUN_END_ASKED);
}

void run_end_stop(struct run *r)
{
    run_handover_stop(r);
    server_stop(r->server);
    run_service_enter(&r->service, SERVICE_STOPPING, r->reload.last_error);
}

void run_end_drain_for(struct run *r, enum run_end_reason why)
{
    uint64_t within_ms = server_snapshot(r->server)->config->drain_ms;
    if (why != RUN_END_HANDED_OVER)
        run_handover_stop(r);
    if (!server_is_draining(r->server))
        log_say(LOG_LEVEL_INFO, "drain", "no new connections; open requests have %llu s to finish", (unsigned long long)within_ms / 1000);
    admin_pages_end_streams(r->pages);
    server_drain(r->server, within_ms, patience(r, why, within_ms));
    run_service_enter(&r->service, SERVICE_STOPPING, r->reload.last_error);
}

enum { LIST_MAX = 400 };

/* "app 5, raw 2": how many of each listener were cut; what does not fit is left out. */
static void list_cut(struct run *r, char out[LIST_MAX])
{
    const struct config *config = server_snapshot(r->server)->config;
    size_t len = 0;
    out[0] = '\0';
    counters_clear(&r->counters);
    if (counters_init(&r->counters, COUNTERS_ROWS) == 0)
        server_sum_counters(r->server, &r->counters);
    for (size_t i = 0; i < config->n_listeners && len < LIST_MAX; i++) {
        const struct counters_row *row = counters_find_listener(&r->counters, config->listeners[i].name);
        if (row == NULL || row->refused[REASON_DRAINING] == 0)
            continue;
        int n = snprintf(out + len, LIST_MAX - len, "%s%s %llu", len > 0 ? ", " : "", config->listeners[i].name, (unsigned long long)row->refused[REASON_DRAINING]);
        len += n > 0 ? (size_t)n : 0;
    }
}

int run_end_said(struct run *r, int code)
{
    size_t cut = server_cut(r->server);
    char list[LIST_MAX];
    if (cut == 0) {
        log_say(LOG_LEVEL_INFO, "stopped", "all connections are closed");
        return code;
    }
    list_cut(r, list);
    log_say(LOG_LEVEL_WARN, "stopped", "all connections are closed, and %zu requests or connections were cut (%s): raise drain_timeout to give them time", cut, list);
    return code != COMMAND_FINE ? code : COMMAND_FAILED;
}
