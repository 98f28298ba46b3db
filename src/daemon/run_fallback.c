/* SPDX-License-Identifier: Apache-2.0 */
#include "run_fallback.h"
#include "run_reload.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/canary.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/tls/tls_identity.h"

#include <stdio.h>
#include <stdlib.h>

static void act_on(struct run *r, const struct fallback_refusal *refusal)
{
    struct fallback_row *row = fallback_refused(&r->reload.fallback, refusal, server_snapshot(r->server), clock_now());
    server_watch_ours(r->server, fallback_watches(&r->reload.fallback));
    if (row == NULL)
        return;
    log_say(LOG_LEVEL_WARN, "rotation", "identity \"%s\": upstream %s (%s) refuses the certificate that is in use since its renewal: trying the one before. %s",
            row->identity, row->upstream, row->target, refusal->text);
    run_reload_ask(r, NULL, false);
}

/* ---- hints ---- */

struct question { /* to an upstream, on another thread: whether it refuses a certificate in use */
    struct run *r;
    struct snapshot *snapshot; /* counted */
    struct tls_identity *ours; /* counted */
    char upstream[80], target[256], text[CANARY_TEXT_SIZE];
    bool refused;
};

static struct fallback_refusal refusal_of(const struct question *q)
{
    return (struct fallback_refusal){q->ours, q->upstream, q->target, q->text, true};
}

static void ask(void *ctx)
{
    struct question *q = ctx;
    const struct fallback_refusal hint = refusal_of(q);
    q->refused = canary_try_ours(q->snapshot, &hint, q->text) == REASON_OUR_CERTIFICATE_REFUSED;
}

static void free_question(struct question *q)
{
    snapshot_unref(q->snapshot);
    tls_identity_unref(q->ours);
    free(q);
}

static void on_asked(void *ctx)
{
    struct question *q = ctx;
    struct run *r = q->r;
    const struct fallback_refusal refusal = refusal_of(q);
    r->reload.asks = false;
    if (q->refused && !server_is_draining(r->server))
        act_on(r, &refusal);
    free_question(q);
}

/* A status says nothing sure: the certificate is tried with a request of our own, and then the one before. */
static void act_on_hint(struct run *r, const struct fallback_refusal *hint)
{
    const struct snapshot *in_use = server_snapshot(r->server);
    if (r->reload.asks || !fallback_hinted(&r->reload.fallback, hint, in_use, clock_now()))
        return;
    struct question *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return;
    q->r = r;
    q->snapshot = snapshot_ref((struct snapshot *)(uintptr_t)in_use);             /* only its count changes */
    q->ours = tls_identity_ref((struct tls_identity *)(uintptr_t)hint->ours);     /* as well */
    snprintf(q->upstream, sizeof(q->upstream), "%s", hint->upstream);
    snprintf(q->target, sizeof(q->target), "%s", hint->target);
    r->reload.asks = background_do(server_background(r->server), ask, on_asked, q) == 0;
    if (!r->reload.asks)
        free_question(q);
}

void run_fallback_on_refused(void *ctx, const struct fallback_refusal *refusal)
{
    struct run *r = ctx;
    if (server_is_draining(r->server))
        return;
    if (refusal->hint)
        act_on_hint(r, refusal);
    else
        act_on(r, refusal);
    server_watch_ours(r->server, fallback_watches(&r->reload.fallback));
}

/* ---- the load ---- */

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
    enum reason reason = canary_try_target(reload->loaded, row->upstream, row->target, text);
    reload->before_refused = reason == REASON_OUR_CERTIFICATE_REFUSED;
    if (row->hinted && reason != REASON_VALID)
        findings_add(findings, FINDING_ERROR, "",
                     "identity \"%s\": upstream %s (%s) does not accept the certificate before the renewal either: the renewed one stays in use. %s", row->identity,
                     row->upstream, row->target, text);
    else if (reload->before_refused)
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
