/* SPDX-License-Identifier: Apache-2.0 */
#include "run_end.h"

#include "mtlsd/base/log.h"
#include "mtlsd/daemon/command_fail.h"

void run_end_drain(struct run *r)
{
    uint64_t within_ms = server_snapshot(r->server)->config->drain_ms;
    if (!server_is_draining(r->server))
        log_say(LOG_LEVEL_INFO, "drain", "no new connections; open requests have %llu s to finish", (unsigned long long)within_ms / 1000);
    admin_pages_end_streams(r->pages);
    server_drain(r->server, within_ms);
    run_service_enter(&r->service, SERVICE_STOPPING, r->reload.last_error);
}

int run_end_said(const struct server *server, int code)
{
    size_t cut = server_cut(server);
    if (cut == 0) {
        log_say(LOG_LEVEL_INFO, "stopped", "all connections are closed");
        return code;
    }
    log_say(LOG_LEVEL_WARN, "stopped", "all connections are closed, and %zu requests or connections were cut: raise drain_timeout to give them time", cut);
    return code != COMMAND_FINE ? code : COMMAND_FAILED;
}
