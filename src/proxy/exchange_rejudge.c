/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verifies open connections again when a revocation list or the configuration changes.
 *
 *   state               certificate verified with                     and allowed by
 *   a handshake         verified once more at its end                 the rules at that time (with an upstream likewise)
 *   between requests    the trust, now                                nothing: the next request is checked
 *   a request           the trust, dates aside                        the listener's allow
 *   a tunnel            the trust, dates aside                        that, and the route it would take now
 *
 * Dates aside: an open request or tunnel does not end because a certificate expired since it began, or a list became stale. Certificates of a few hours
 * are renewed while connections to a database live for days. New requests are checked with all dates (exchange_rebind).
 */
#include "exchange_internal.h"

#include <stdlib.h>
#include <string.h>

static bool is_secured(const struct tls_engine *tls)
{
    return tls != NULL && !(tls_engine_flags(tls) & (TLS_HANDSHAKING | TLS_FAILED));
}

bool exchange_is_handshaking(const struct exchange *x)
{
    return x->phase == PHASE_TOLD || x->phase == PHASE_ACCEPT;
}

/* ---- the way of a tunnel ---- */

bool exchange_rejudge_keep(struct exchange *x, const struct admission *a)
{
    size_t n_host = a->target.host.len, n_path = a->path.len;
    struct http_target *asked = malloc(sizeof(*asked) + n_host + n_path);
    if (asked == NULL)
        return false;
    char *text = (char *)(asked + 1);
    if (n_host > 0)
        memcpy(text, a->target.host.ptr, n_host);
    if (n_path > 0)
        memcpy(text + n_host, a->path.ptr, n_path);
    *asked = (struct http_target){.form = a->target.form, .host = span_of(text, n_host), .port = a->target.port, .path = span_of(text + n_host, n_path)};
    x->rq->asked = asked;
    return true;
}

/* ---- the client ---- */

static const char not_allowed_now[] = "the new configuration does not allow this client's connection";

static bool is_still_allowed(const struct exchange *x, const struct plan_listener *now_there)
{
    struct admission unused;
    struct err err = {0};
    if (now_there->conf->protocol != x->listener->conf->protocol || exchange_is_idle(x))
        return true;
    struct admit_place at = exchange_route_place(x, now_there);
    if (x->http == NULL && x->rq->asked != NULL)
        return admit_running(&at, span_of(x->rq->line, x->rq->method_len), x->rq->asked, &err) == REASON_VALID;
    admission_init(&unused);
    return admit_caller(&at, &unused, NULL, &err) == REASON_VALID;
}

bool exchange_rejudge_client(struct exchange *x, const struct plan_listener *now_there, struct moment now)
{
    struct tls_engine *tls = x->down.tls;
    const char *text = NULL;
    enum reason reason = exchange_is_idle(x) ? tls_engine_rejudge(tls, now_there->tls, now.utc) : tls_engine_rejudge_running(tls, now_there->tls, now.utc);
    if (reason == REASON_UNDECIDED) {
        reason = REASON_TLS_FAILED;
        text = "the client's server name is no longer served";
    } else if (reason == REASON_VALID && !is_still_allowed(x, now_there)) {
        reason = REASON_NOT_ALLOWED;
        text = not_allowed_now;
    }
    if (reason == REASON_VALID)
        return true;
    tls_engine_refuse(tls, reason, text);
    exchange_tls_after(x, SIDE_DOWN, now);
    return false;
}

bool exchange_rejudge_upstream(struct exchange *x, struct moment now)
{
    struct uplink *u = x->up;
    struct tls_context *rules = u->late;
    if (rules == NULL)
        return true;
    u->late = NULL;
    enum reason reason = tls_engine_rejudge_running(u->link.tls, rules, now.utc);
    tls_context_unref(rules);
    if (reason == REASON_VALID)
        return true;
    tls_engine_refuse(u->link.tls, reason, NULL);
    exchange_tls_after(x, SIDE_UP, now);
    return false;
}

/* A client without TLS, whose tunnel a route carries. */
static bool is_shut_out(const struct exchange *x, const struct plan_listener *now_there)
{
    return now_there != NULL && now_there->tls == NULL && x->down.tls == NULL && !x->down.broken && !is_still_allowed(x, now_there);
}

void exchange_rejudge(struct exchange *x, const struct plan_listener *now_there, struct tls_context *up, struct moment now)
{
    bool judged = now_there != NULL && now_there->tls != NULL && !x->down.broken;
    if (is_shut_out(x, now_there)) {
        exchange_client_failed(x, REASON_NOT_ALLOWED, not_allowed_now, now);
        return;
    }
    if (judged && exchange_is_handshaking(x))
        x->late = true;
    else if (judged && is_secured(x->down.tls) && !exchange_rejudge_client(x, now_there, now))
        return;
    bytes_clear(&x->identity); /* what is told to the backend may differ now */
    if (up == NULL || x->up == NULL || x->up->link.tls == NULL || x->up->link.broken)
        return;
    tls_context_unref(x->up->late);
    x->up->late = tls_context_ref(up);
    if (is_secured(x->up->link.tls))
        exchange_rejudge_upstream(x, now);
}

/* ---- what begins ---- */

bool exchange_is_outdated(const struct exchange *x, struct moment now)
{
    return x->down.tls != NULL && tls_engine_is_outdated(x->down.tls, now.utc);
}

bool exchange_rebind(struct exchange *x, const struct plan_listener *listener, struct moment now)
{
    bool same_kind = (listener->tls != NULL) == (x->listener->tls != NULL) && listener->conf->protocol == x->listener->conf->protocol;
    if (!same_kind) {
        x->reset = true;
        exchange_finish(x, now);
        return false;
    }
    if (exchange_is_handshaking(x))
        x->late = true;
    else if (x->down.tls != NULL && !exchange_rejudge_client(x, listener, now))
        return false;
    x->listener = listener;
    bytes_clear(&x->identity);
    return true;
}
