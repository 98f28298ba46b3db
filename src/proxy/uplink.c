/* SPDX-License-Identifier: Apache-2.0 */
#include "uplink_internal.h"

#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/proxy_connect.h"

#include <stdlib.h>

enum { ANSWERS_MARK = 4 * OUTPUT_MARK };

/* ---- life ---- */

static bool fill_tls(struct uplink *u, enum uplink_kind kind, struct tls_tickets *tickets, struct err *err)
{
    if (u->target->tls == NULL)
        return true;
    u->link.tls = tls_engine_new(u->target->tls, tickets, NULL, NULL, err);
    if (u->link.tls != NULL && kind == UPLINK_HTTP1 && u->target->http == PLAN_HTTP_AGREED)
        tls_engine_offer_only(u->link.tls, HTTP1_ALPN);
    if (u->link.tls != NULL && u->target->upstream->conf->tls.starttls == CONFIG_STARTTLS_MYSQL)
        tls_engine_ends_plainly(u->link.tls);
    return u->link.tls != NULL;
}

static bool fill(struct uplink *u, enum uplink_kind kind, struct tls_tickets *tickets, struct err *err)
{
    bool http = kind != UPLINK_RAW;
    u->is.may_http2 = kind == UPLINK_HTTP && u->target->http != PLAN_HTTP1;
    if (!fill_tls(u, kind, tickets, err))
        return false;
    bool proxied = u->target->upstream->conf->proxy_text != NULL;
    if ((http && (u->http = http1_new(false, UPLINK_HEAD_MAX, UPLINK_FIELDS_MAX)) == NULL) ||
        (proxied && (u->opening.proxy = proxy_connect_reader()) == NULL)) {
        err_set(err, ERR_MEMORY, "out of memory");
        return false;
    }
    if (u->http != NULL)
        http1_share(u->http, &u->env->answers);
    return true;
}

struct uplink *uplink_new(struct proxy_env *env, const struct dial *dial, enum uplink_kind kind, struct tls_tickets *tickets, struct moment now,
                          struct err *err)
{
    struct uplink *u = calloc(1, sizeof(*u));
    if (u == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    u->env = env;
    u->dial = *dial;
    u->target = dial->target;
    u->pooled.keep_us = UINT64_MAX;
    u->at.begun_us = u->at.since_us = now.us;
    link_init(&u->link, LINK_UPLINK, &env->run);
    if (!fill(u, kind, tickets, err)) {
        uplink_free(u);
        return NULL;
    }
    run_touch(&u->link);
    return u;
}

void uplink_free(struct uplink *u)
{
    if (u == NULL)
        return;
    link_clear(&u->link);
    http1_free(u->http);
    http1_free(u->opening.proxy);
    uplink_starttls_clear(u);
    tls_context_unref(u->opening.late);
    free(u);
}

struct uplink *uplink_of(struct link *l)
{
    return (struct uplink *)l;
}

void uplink_enter(struct uplink *u, enum uplink_phase phase, struct moment now)
{
    u->phase = phase;
    u->at.since_us = now.us;
    for (struct uplink_use *use = u->first; use != NULL; use = use->next)
        if (use->events->on_step != NULL)
            use->events->on_step(use);
}

void uplink_make_raw(struct uplink *u)
{
    http1_free(u->http);
    u->http = NULL;
}

/* ---- users ---- */

void uplink_join(struct uplink *u, struct uplink_use *use)
{
    use->uplink = u;
    use->prev = NULL;
    use->next = u->first;
    if (u->first != NULL)
        u->first->prev = use;
    u->first = use;
    u->n_users++;
}

void uplink_leave(struct uplink_use *use)
{
    struct uplink *u = use->uplink;
    if (u == NULL)
        return;
    *(use->prev != NULL ? &use->prev->next : &u->first) = use->next;
    if (use->next != NULL)
        use->next->prev = use->prev;
    u->n_users--;
    use->uplink = NULL;
    use->prev = use->next = NULL;
}

void uplink_doubt(struct uplink *u, uint64_t since_us)
{
    if (u->link.h2 == NULL || u->at.heard_us > since_us)
        return;
    u->is.closing = true;
    pool_unshare(u->env->pool, u);
}

void uplink_report(struct uplink *u)
{
    struct tls_facts facts;
    const struct observer *observer = &u->env->observer;
    if (u->is.reported || u->link.tls == NULL)
        return;
    u->is.reported = true;
    tls_engine_facts(u->link.tls, &facts);
    const struct handshake_report r = {
        .target = u->target, .facts = &facts, .reason = facts.reason == REASON_UNDECIDED ? REASON_VALID : facts.reason};
    observer->on_handshake(observer->ctx, &r);
}

/* Each user leaves it in the callback, or is taken off. */
void uplink_fail(struct uplink *u, enum reason reason, const char *text, const char *hint, struct moment now)
{
    u->is.closing = true;
    pool_unshare(u->env->pool, u);
    if (reason == REASON_OUR_CERTIFICATE_REFUSED && u->env->ours_refused != NULL)
        u->env->ours_refused(u->env, u, false);
    for (struct uplink_use *use; (use = u->first) != NULL;) {
        use->events->on_failed(use, reason, text, hint, now);
        if (u->first == use)
            uplink_leave(use);
    }
}

/* nginx and Apache take any certificate in the handshake and refuse it in HTTP; so does an app that has other reasons. */
void uplink_heed_answer(struct uplink *u, const struct http_head *head)
{
    if (u->is.answered || head->status < 200)
        return;
    u->is.answered = true;
    if (reason_may_be_refusal(head->status) && u->link.tls != NULL && u->env->ours_refused != NULL && tls_engine_has_presented(u->link.tls))
        u->env->ours_refused(u->env, u, true);
}

/* ---- bytes and ends ---- */

/* Takes out of the engine what it has for us. */
static void read_tls(struct uplink *u, struct moment now)
{
    struct proxy_env *env = u->env;
    struct tls_engine *tls = u->link.tls;
    while (u->phase == UPLINK_OPEN && (tls_engine_flags(tls) & TLS_HAS_APP)) {
        size_t n = tls_engine_app_read(tls, env->scratch, env->scratch_size);
        if (n == 0)
            break;
        uplink_deliver(u, span_of(env->scratch, n), now);
        if (n == env->scratch_size)
            link_settle_all(&env->run); /* the next read overwrites what is borrowed */
    }
}

/* Acts on an engine that failed or was closed. */
static void look_at_tls(struct uplink *u, struct moment now)
{
    struct tls_facts facts;
    struct tls_engine *tls = u->link.tls;
    unsigned flags = tls != NULL && !u->link.broken && u->phase != UPLINK_RETIRED ? tls_engine_flags(tls) : 0;
    if (flags & TLS_FAILED) {
        tls_engine_facts(tls, &facts);
        u->link.broken = true;
        uplink_fail(u, facts.reason, facts.text, facts.reason == REASON_NAME_MISMATCH ? reason_hint(facts.reason, facts.peer) : NULL, now);
    } else if (flags & TLS_CLOSED) {
        uplink_ended(u, now);
    }
}

static void tls_in(struct uplink *u, struct moment now)
{
    if (u->phase == UPLINK_HANDSHAKE && !(tls_engine_flags(u->link.tls) & (TLS_HANDSHAKING | TLS_FAILED)))
        uplink_secured(u, now);
    read_tls(u, now);
    if (u->phase == UPLINK_RETIRED)
        return;
    tls_engine_wire_keep(u->link.tls);
    if (tls_engine_flags(u->link.tls) & (TLS_FAILED | TLS_CLOSED))
        look_at_tls(u, now);
}

void uplink_on_wire(struct uplink *u, struct span wire, struct moment now)
{
    if (u->phase == UPLINK_RETIRED || u->link.broken)
        return;
    run_touch(&u->link);
    u->at.heard_us = now.us;
    if (u->phase == UPLINK_PROXY) {
        uplink_open_in(u, wire, now);
    } else if (u->phase == UPLINK_STARTTLS) {
        uplink_starttls_in(u, wire, now);
    } else if (u->link.tls == NULL) {
        uplink_deliver(u, wire, now);
    } else {
        tls_engine_wire_in(u->link.tls, wire, now.utc);
        tls_in(u, now);
    }
}

void uplink_on_eof(struct uplink *u, struct moment now)
{
    if (u->phase == UPLINK_RETIRED)
        return;
    run_touch(&u->link);
    if (u->phase == UPLINK_PROXY) {
        uplink_open_ended(u, now);
    } else if (u->phase == UPLINK_STARTTLS) {
        uplink_starttls_ended(u, now);
    } else if (u->link.tls == NULL) {
        uplink_ended(u, now);
    } else if (!u->link.broken) {
        tls_engine_wire_eof(u->link.tls, now.utc);
        tls_in(u, now);
    }
}

void uplink_on_error(struct uplink *u, const struct run_failure *why, struct moment now)
{
    if (u->phase == UPLINK_RETIRED)
        return;
    run_touch(&u->link);
    if (u->phase == UPLINK_HANDSHAKE)
        uplink_report(u);
    uplink_fail(u, why->ours ? REASON_INTERNAL : REASON_UPSTREAM_CLOSED, why->text, NULL, now);
}

void uplink_on_sent(struct uplink *u, size_t n, struct moment now)
{
    link_sent(&u->link, n);
    if (u->first != NULL && u->link.h2 == NULL)
        u->first->events->on_sent(u->first, n, now);
}

/* ---- judged again ---- */

static bool still_holds(struct uplink *u, struct moment now)
{
    struct tls_context *rules = u->opening.late;
    u->opening.late = NULL;
    enum reason reason = tls_engine_rejudge_running(u->link.tls, rules, now.utc);
    tls_context_unref(rules);
    if (reason == REASON_VALID)
        return true;
    tls_engine_refuse(u->link.tls, reason, NULL);
    return false;
}

void uplink_rejudge(struct uplink *u, struct tls_context *ctx, struct moment now)
{
    if (ctx == NULL || u->phase == UPLINK_RETIRED || u->link.tls == NULL || u->link.broken)
        return;
    run_touch(&u->link);
    tls_context_unref(u->opening.late);
    u->opening.late = tls_context_ref(ctx);
    if (u->phase == UPLINK_OPEN && !still_holds(u, now))
        look_at_tls(u, now);
}

bool uplink_keeps_row(const struct uplink *u, struct moment now)
{
    struct tls_context *rules = u->target->tls;
    return rules == NULL || u->link.tls == NULL || u->link.broken || tls_engine_keeps_row(u->link.tls, rules, now.utc);
}

/* All but who has waited longest: HTTP/1.1 carries one. */
static void send_elsewhere(struct uplink *u, struct moment now)
{
    for (struct uplink_use *use = u->first, *next; use != NULL && use->next != NULL; use = next) {
        next = use->next;
        uplink_leave(use);
        use->events->on_elsewhere(use, now);
    }
}

void uplink_secured(struct uplink *u, struct moment now)
{
    if (u->opening.late != NULL && !still_holds(u, now))
        return; /* the engine has failed by that, and who called looks at it */
    uplink_enter(u, UPLINK_OPEN, now);
    uplink_agree(u);
    if (u->link.h2 == NULL)
        send_elsewhere(u, now);
    for (struct uplink_use *use = u->first, *next; use != NULL; use = next) {
        next = use->next;
        use->events->on_open(use, now);
    }
}

/* ---- for pump ---- */

bool uplink_continue(struct uplink *u, struct moment now)
{
    if (u->phase == UPLINK_CONNECTING && !u->is.asked) {
        u->is.asked = true;
        u->env->run.connect(u);
        return true;
    }
    bool failed = u->link.tls != NULL && !u->link.broken && (tls_engine_flags(u->link.tls) & TLS_FAILED); /* it may fail while it writes */
    if (failed)
        look_at_tls(u, now);
    if (u->link.h2 != NULL)
        uplink_http2_continue(u, now);
    return failed;
}

void uplink_settle(struct uplink *u, struct moment now)
{
    link_settle(&u->link);
    if (u->link.broken && u->phase != UPLINK_RETIRED)
        uplink_fail(u, REASON_INTERNAL, "out of memory", NULL, now);
}

bool uplink_wants_read(const struct uplink *u)
{
    if (u->phase == UPLINK_RETIRED || u->is.ended)
        return false;
    if (u->link.h2 != NULL) /* windows bound what can come; what we answer to frames waits here */
        return link_pending(&u->link) < ANSWERS_MARK;
    return u->first == NULL || u->first->events->takes(u->first);
}

/* ---- the last words ---- */

struct span uplink_last_words(struct uplink *u)
{
    struct link *l = &u->link;
    struct span words = span_of(NULL, 0);
    struct tls_facts facts;
    if (l->tls == NULL || l->lost || l->raw != NULL)
        return words;
    if (tls_engine_flags(l->tls) & TLS_FAILED) {
        tls_engine_facts(l->tls, &facts);
        return facts.alert_sent >= 0 ? tls_engine_wire_out(l->tls) : words;
    }
    if (u->is.reset || !link_is_open(l) || (link_pending(l) > 0 && l->h2 == NULL))
        return words;
    link_end(l);
    return link_runs(l, &words, 1) > 0 ? words : span_of(NULL, 0);
}
