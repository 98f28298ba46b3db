/* SPDX-License-Identifier: Apache-2.0 */
#include "run_crls.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/file_watch.h"

#include <stdlib.h>

static void start_reading(struct run_crls *c);

static void read_again(void *ctx)
{
    struct run_crls *c = ctx;
    c->changed = snapshot_refresh_crls(c->reading, file_source_disk(), clock_now(), &c->findings);
}

static void tell(const struct run_crls *c)
{
    for (size_t i = 0; i < c->findings.n; i++) {
        const struct finding *f = &c->findings.items[i];
        if (f->level == FINDING_ERROR)
            log_say(LOG_LEVEL_ERROR, "crl", "refused, the last good lists stay in use: %s", f->text);
        else if (f->level == FINDING_WARNING && c->changed > 0)
            log_say(LOG_LEVEL_WARN, "crl", "%s", f->text);
    }
    if (c->changed > 0)
        log_say(LOG_LEVEL_INFO, "crl", "other revocation lists are in use now; live connections are judged again");
}

static void finish_reading(void *ctx)
{
    struct run_crls *c = ctx;
    tell(c);
    if (c->changed > 0)
        server_rejudge(c->server);
    findings_clear(&c->findings);
    snapshot_unref(c->reading);
    c->reading = NULL;
    if (c->again)
        start_reading(c);
}

static void start_reading(struct run_crls *c)
{
    c->again = c->reading != NULL;
    if (c->reading != NULL)
        return;
    c->changed = 0;
    findings_init(&c->findings);
    c->reading = snapshot_ref((struct snapshot *)(uintptr_t)server_snapshot(c->server)); /* its lists change, by their own rules */
    if (server_background(c->server, read_again, finish_reading, c) == 0)
        return;
    findings_add(&c->findings, FINDING_ERROR, "", "out of memory");
    finish_reading(c);
}

static void on_change(void *ctx)
{
    start_reading(ctx);
}

void run_crls_follow(struct run_crls *c, struct server *server)
{
    size_t n;
    const char **files = snapshot_crl_files(server_snapshot(server), &n);
    c->server = server;
    file_watch_stop(c->watch);
    c->watch = n > 0 ? file_watch_start(server_loop(server), files, n, on_change, c) : NULL;
    if (n > 0 && c->watch == NULL)
        log_say(LOG_LEVEL_ERROR, "crl", "out of memory: changed revocation lists count from the next reload on");
    if (n > 0)
        start_reading(c); /* what changed since it was loaded, before anybody watched */
    free((void *)files);
}

void run_crls_stop(struct run_crls *c)
{
    file_watch_stop(c->watch);
    c->watch = NULL;
}

bool run_crls_is_busy(const struct run_crls *c)
{
    return c->reading != NULL;
}
