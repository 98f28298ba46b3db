/* SPDX-License-Identifier: Apache-2.0 */
#include "run_fallback.h"
#include "run_reload.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/canary.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/tls/tls_identity.h"

void run_fallback_on_refused(void *ctx, const struct fallback_refusal *refusal)
{
    struct run *r = ctx;
    if (server_is_draining(r->server))
        return;
    struct fallback_row *row = fallback_refused(&r->reload.fallback, refusal, server_snapshot(r->server), clock_now());
    server_watch_ours(r->server, fallback_watches(&r->reload.fallback));
    if (row == NULL)
        return;
    log_say(LOG_LEVEL_WARN, "rotation", "identity \"%s\": upstream %s (%s) refuses the certificate that is in use since its renewal: trying the one before. %s",
            row->identity, row->upstream, row->target, refusal->text);
    run_reload_ask(r, NULL, false);
}

void run_fallback_begin(struct run_reload *reload)
{
    fallback_use_make(&reload->fallback, reload->reads_config, &reload->instead);
    reload->trying = fallback_trying(&reload->fallback);
    reload->before_refused = false;
}

/* To go back needs no comparison: the certificate was in use. */
void run_fallback_try(struct run_reload *reload, struct findings *findings)
{
    const struct fallback_row *row = reload->trying;
    char text[CANARY_TEXT_SIZE];
    if (row == NULL || !rotation_remove(&reload->rotation, row->before))
        return;
    reload->before_refused = canary_try_target(reload->loaded, row->upstream, row->target, text) == REASON_OUR_CERTIFICATE_REFUSED;
    if (reload->before_refused)
        findings_add(findings, FINDING_ERROR, "", "identity \"%s\": upstream %s (%s) refuses the certificate before the renewal, too: the renewed one stays in use. %s",
                     row->identity, row->upstream, row->target, text);
}

static bool uses(const struct snapshot *s, const struct fallback_row *row)
{
    const struct config_identity *conf = s != NULL ? config_find_identity(s->config, row->identity) : NULL;
    return conf != NULL && s->identities[conf - s->config->identities].tls == row->before;
}

static void end_attempt(struct run *r, struct fallback_row *row, const struct snapshot *in_use)
{
    bool back = uses(in_use, row);
    fallback_tried(row, back, r->reload.before_refused, clock_now());
    if (!back)
        return;
    rotation_counts_add_fallback(r->reload.rotations, row->identity);
    log_say(LOG_LEVEL_ERROR, "rotation", "fallback of identity \"%s\": %s", row->identity, row->text);
}

void run_fallback_end(struct run *r, const struct snapshot *in_use)
{
    struct run_reload *reload = &r->reload;
    if (reload->trying != NULL)
        end_attempt(r, reload->trying, in_use);
    reload->trying = NULL;
    if (in_use != NULL)
        fallback_follow(&reload->fallback, &reload->rotation, in_use);
    fallback_use_clear(&reload->instead);
    server_watch_ours(r->server, fallback_watches(&reload->fallback));
}

void run_fallback_look(struct run *r)
{
    if (fallback_expire(&r->reload.fallback, server_snapshot(r->server), clock_now()) == 0 || server_is_draining(r->server))
        return;
    log_say(LOG_LEVEL_WARN, "rotation", "the certificate before a renewal is used no longer, because it has expired or was revoked: loading the files");
    run_reload_ask(r, NULL, false);
}
