/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/explain.h"

#include "explain_why.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/forward.h"
#include "mtlsd/tls/tls_intercept.h"
#include "mtlsd/policy/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_MAX = 1024 * 1024 };

/* Notes what a stage says. The first that says no is what would happen. */
static void PRINTF_LIKE(4, 5) say(struct explain *e, unsigned stage, enum reason reason, const char *fmt, ...)
{
    va_list args;
    struct explain_step *step = &e->steps[stage];
    step->asked = true;
    step->reason = reason;
    va_start(args, fmt);
    vsnprintf(step->text, sizeof(step->text), fmt, args);
    va_end(args);
    if (reason != REASON_VALID && stage < e->stopped)
        e->stopped = stage;
}

static struct route_question question_of(const struct explain *e)
{
    struct route_question q = {.peer = e->peer, .verdict = e->trust != NULL ? &e->verdict : NULL};
    if (!e->has_target)
        return q;
    q.method = e->head->method;
    q.host = e->admission.target.host;
    q.path = e->admission.path;
    return q;
}

static size_t chosen(const struct explain *e)
{
    return e->admission.choice.index;
}

/* ---- the handshake ---- */

static const struct tls_trust *find_trust(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->n_trusts; i++)
        if (strcmp(s->trusts[i].conf != NULL ? s->trusts[i].conf->name : "system", name) == 0)
            return s->trusts[i].tls;
    return NULL;
}

/* Shown, and not valid: what is tolerated of these is for routes that name the status, and for nothing else. */
static bool is_bad(const struct explain *e)
{
    return e->trust != NULL && e->verdict.status != REASON_VALID && e->verdict.status != REASON_NONE;
}

static void judge_caller(const struct explain_ask *ask, struct explain *e)
{
    struct tls_question q = {.trust = e->trust, .purpose = TLS_PURPOSE_CLIENT, .now = ask->now};
    struct tls_path path;
    tls_judge_path(&q, ask->ders, ask->n_ders, &e->verdict, &path);
    if (ask->n_ders > 0)
        e->peer = tls_peer_new(ask->ders[0], NULL);
    if (e->peer != NULL)
        tls_peer_set_path(e->peer, path.ders, path.n, path.by_anchor);
}

/* The host of a request that can be understood, which most clients ask TLS for. */
static struct span host_of(const struct http_head *head)
{
    struct http_target target;
    struct err unread = {0};
    return head != NULL && http_guard_request(head, &target, &unread) == REASON_VALID ? target.host : span_of(NULL, 0);
}

/* The rules for the client's server name. NULL: the name is not served. */
static const struct tls_context *choose_policy(const struct plan_listener *l, struct span name, struct admit_place *at, struct config_tls *tls)
{
    if (l->sni == NULL)
        return l->tls;
    at->sni = l->sni;
    at->policy = tls_sni_policy(l->sni, name);
    *tls = config_tls_policy(tls, at->policy);
    return tls_sni_context(l->sni, at->policy);
}

static void explain_handshake(const struct explain_ask *ask, struct explain *e, struct admit_place *at)
{
    struct span name = ask->server_name.len > 0 ? ask->server_name : host_of(e->head);
    struct config_tls policy = ask->listener->conf->tls;
    const struct tls_context *ctx = choose_policy(ask->listener, name, at, &policy);
    const struct config_tls *tls = &policy;
    const char *unseen = ask->n_ders > 0 ? ": the given certificate would not be presented" : "";
    if (!tls->present) {
        say(e, EXPLAIN_HANDSHAKE, REASON_VALID, "plaintext, no certificate is requested%s", unseen);
        return;
    }
    if (ask->server_name.len > 0 && !hostname_is_well_formed(ask->server_name)) {
        say(e, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, "the server name is not a host name, and is refused");
        return;
    }
    if (ctx == NULL) {
        say(e, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, "%s",
            name.len > 0
                ? "no identity is for this host, and there is none for other names"
                : "the identity depends on the server name: give --server-name, or a request for its host");
        return;
    }
    if (tls->trust != NULL && tls->client_cert != CONFIG_CLIENT_CERT_NONE)
        e->trust = find_trust(ask->snapshot, tls->trust);
    if (e->trust == NULL) {
        say(e, EXPLAIN_HANDSHAKE, REASON_VALID, "TLS, no certificate is requested%s", unseen);
        return;
    }
    judge_caller(ask, e);
    bool passes = tls_context_lets_pass(ctx, &e->verdict);
    if (e->verdict.status == REASON_NONE)
        say(e, EXPLAIN_HANDSHAKE, passes ? REASON_VALID : REASON_NONE, "%s",
            passes ? "no certificate, and none is needed (client_cert = \"optional\")" : "a certificate is required, and none is given");
    else
        say(e, EXPLAIN_HANDSHAKE, passes ? REASON_VALID : e->verdict.status, "%s%s", e->verdict.text,
            is_bad(e) && passes ? " (tolerated: routes that name the status serve it)" : "");
}

/* ---- the steps of the gate, in words ---- */

static int parse_request(const struct explain_ask *ask, struct explain *e)
{
    struct span in = ask->request, data;
    e->parser = http1_new(true, (size_t)ask->listener->conf->max_header_bytes, ask->listener->conf->max_headers);
    if (e->parser == NULL)
        return -1;
    if (http1_next(e->parser, &in, &data) == HTTP1_HEAD)
        e->head = http1_head(e->parser);
    else
        say(e, EXPLAIN_REQUEST, http1_reason(e->parser), "%s", http1_detail(e->parser));
    return 0;
}

static void say_path(const struct explain_ask *ask, struct explain *e, const struct admit_said *said)
{
    const char *refusal = http_target_path_refusal(e->admission.target.path);
    if (said->reason != REASON_VALID)
        say(e, EXPLAIN_PATH, said->reason, "%s%s", said->err.text,
            ask->listener->conf->normalize_path ? "" : ", and a route matches by path: normalize_path would rewrite such paths");
    else if (refusal != NULL)
        say(e, EXPLAIN_PATH, said->reason, "rewritten to its plain form (normalize_path), because %s", refusal);
    else
        say(e, EXPLAIN_PATH, said->reason, "spelled so that every server reads it alike");
}

static void say_caller(const struct explain_ask *ask, struct explain *e, const struct admit_said *said)
{
    const struct config_listener *l = ask->listener->conf;
    struct route_question q = question_of(e);
    char why[320];
    if (l->n_allow == 0) {
        say(e, EXPLAIN_CALLER, said->reason, "%s", said->reason == REASON_VALID ? "no allow rule asks who it is" : "a certificate that is not valid passes no tcp listener");
        return;
    }
    if (said->reason == REASON_VALID && !said->would_refuse)
        explain_why_let_in(l->allow, l->n_allow, &q, why, sizeof(why));
    else
        explain_why_refused(l->allow, l->n_allow, &q, why, sizeof(why));
    say(e, EXPLAIN_CALLER, said->reason, "%s%s", said->would_refuse ? "only counted (allow_log_only): " : "", why);
}

static void say_step(struct explain *e, enum admit_step step, const struct admit_said *said)
{
    static const char *const passes[ADMIT_STEPS] = {
        [ADMIT_REQUEST] = "well-formed",
        [ADMIT_HOST] = "has the rules of the TLS server name",
        [ADMIT_BROWSER] = "not like the request of a web page of another origin",
        [ADMIT_LOOP] = "did not pass mtlsd too often",
        [ADMIT_HEADER] = "carries the header that require_header demands",
        [ADMIT_PROGRAM] = "the user of the calling program may use the listener",
        [ADMIT_DESTINATION] = "Destination is a path that this client may use, too",
    };
    say(e, EXPLAIN_GATE + step, said->reason, "%s", said->reason == REASON_VALID ? passes[step] : said->err.text);
}

/* ---- the routes ---- */

static void explain_gate(struct explain_route *r, const struct route_question *q)
{
    const struct config_route *conf = r->conf;
    if (conf->n_allow == 0)
        return;
    bool open = allow_permits(conf->allow, conf->n_allow, q->verdict, q->peer);
    r->gate = open ? EXPLAIN_GATE_OPEN : EXPLAIN_GATE_SHUT;
    if (open)
        explain_why_let_in(conf->allow, conf->n_allow, q, r->gate_why, sizeof(r->gate_why));
    else
        explain_why_refused(conf->allow, conf->n_allow, q, r->gate_why, sizeof(r->gate_why));
}

static void explain_one(struct explain_route *r, const struct config_route *conf, const struct route_question *q)
{
    struct config_route caller_only = *conf;
    caller_only.host.n = caller_only.method.n = 0;
    caller_only.path = NULL;
    *r = (struct explain_route){.conf = conf, .miss = route_compare(conf, q), .caller_miss = route_compare(&caller_only, q)};
    explain_why_missed(r->miss, conf, q, r->why, sizeof(r->why));
    if (r->miss == ROUTE_MATCHES && !route_is_as_spelled(conf, q))
        explain_why_spelled(conf, q, r->why, sizeof(r->why));
    explain_why_missed(r->caller_miss, conf, q, r->caller_why, sizeof(r->caller_why));
    explain_gate(r, q);
}

static void say_chosen(struct explain *e, const struct admit_said *said)
{
    const struct explain_route *r = &e->routes[chosen(e)];
    if (said->reason == REASON_VALID)
        say(e, EXPLAIN_ROUTES, said->reason, "decided at %s%s", r->where,
            said->would_refuse ? ", whose allow would refuse this client, but only counts it (allow_log_only)" : "");
    else if (r->gate == EXPLAIN_GATE_SHUT && (r->conf->cert != 0 || !is_bad(e)))
        say(e, EXPLAIN_ROUTES, said->reason, "decided at %s: its allow refuses this client: %s", r->where, r->gate_why);
    else
        say(e, EXPLAIN_ROUTES, said->reason, "decided at %s: %s", r->where, said->err.text);
}

/* As proxy/exchange_forward.c. */
static bool intercepts(const struct plan_listener *l, const struct address *to)
{
    struct span host = span_from_str(to->host);
    return l->intercept != NULL && tls_intercept_permits(l->intercept, host) &&
           forward_judge(l->conf, FORWARD_REQUEST, host, to->port, NULL).way == FORWARD_BY_ROUTE;
}

static void say_tunnel(const struct explain_ask *ask, struct explain *e)
{
    struct err why = {0};
    const struct address *to = &e->admission.to;
    bool tls = forward_judge(ask->listener->conf, FORWARD_TLS, span_from_str(to->host), to->port, &why).way == FORWARD_DIRECT;
    if (intercepts(ask->listener, to))
        say(e, EXPLAIN_ROUTES, REASON_VALID, "HTTP in the tunnel is served like any request for this host; TLS in it is ended here, with a certificate of the CA of forward_proxy.intercept");
    else
        say(e, EXPLAIN_ROUTES, REASON_VALID, "plaintext HTTP in the tunnel is served like any request for this host; TLS in it %s%s",
            tls ? "is passed blindly" : "is refused: ", why.text);
}

static void say_routes(const struct explain_ask *ask, struct explain *e, const struct admit_said *said)
{
    const struct route_choice *c = &e->admission.choice;
    for (size_t i = 0; i < c->n_also; i++)
        e->routes[c->also[i]].also = true;
    if (c->index != SIZE_MAX)
        say_chosen(e, said);
    else if (said->reason == REASON_NO_ROUTE && c->n_also > 0)
        say(e, EXPLAIN_ROUTES, said->reason, "no route matches the path as it is spelled, only %s in another spelling", e->routes[c->also[0]].where);
    else if (said->reason == REASON_NO_ROUTE)
        say(e, EXPLAIN_ROUTES, said->reason, "no route matches");
    else if (said->reason != REASON_VALID)
        say(e, EXPLAIN_ROUTES, said->reason, "%s", said->err.text);
    else if (said->way == ADMIT_SNIFFED)
        say_tunnel(ask, e);
    else
        say(e, EXPLAIN_ROUTES, said->reason, "no route applies: the host is reached directly, %s",
            e->admission.public_only ? "if its address is a public one" : "as forward_proxy.direct lists it");
}

static int look_at_routes(const struct explain_ask *ask, struct explain *e)
{
    const struct config_listener *l = ask->listener->conf;
    struct route_question q = question_of(e);
    e->routes = calloc(l->n_routes + 1, sizeof(*e->routes));
    if (e->routes == NULL)
        return -1;
    for (size_t i = 0; i < l->n_routes; i++) {
        explain_one(&e->routes[i], &l->routes[i], &q);
        e->routes[i].where = l->routes[i].where != NULL ? l->routes[i].where : l->where;
    }
    return 0;
}

/* ---- asking ---- */

static int ask_gate(const struct explain_ask *ask, struct explain *e, const struct admit_place *at)
{
    struct admit_trace trace = {0};
    struct err err = {0};
    bool http = at->conf->protocol == CONFIG_PROTOCOL_HTTP;
    if (e->head != NULL)
        (void)admit_request(at, e->head, &e->admission, &trace, &err);
    e->has_target = trace.said[ADMIT_REQUEST].asked && trace.said[ADMIT_REQUEST].reason == REASON_VALID;
    if (!e->has_target)
        (void)admit_caller(at, &e->admission, &trace, &err);
    if (err.kind == ERR_MEMORY)
        return -1;
    if (http && (ask->request.len == 0 || e->has_target) && look_at_routes(ask, e) != 0) /* of a request that cannot be read no route says anything */
        return -1;
    for (enum admit_step i = ADMIT_REQUEST; i < ADMIT_STEPS; i++) {
        const struct admit_said *said = &trace.said[i];
        if (!said->asked)
            continue;
        if (i == ADMIT_PATH)
            say_path(ask, e, said);
        else if (i == ADMIT_CALLER)
            say_caller(ask, e, said);
        else if (i == ADMIT_ROUTE)
            say_routes(ask, e, said);
        else
            say_step(e, i, said);
    }
    return 0;
}

/* ---- what then happens ---- */

static int forward_target(struct explain *e, const struct config_route *route)
{
    const struct admission *a = &e->admission;
    if (admission_target(a, route, &e->out_target) != 0)
        return -1;
    if (e->out_target.len > 0)
        return 0;
    if (a->target.form == HTTP_TARGET_ASTERISK)
        return bytes_append_span(&e->out_target, e->head->target);
    return bytes_append_span(&e->out_target, a->path) == 0 ? bytes_append_span(&e->out_target, a->target.query) : -1;
}

static void forward_host(const struct explain_ask *ask, struct explain *e, const struct plan_route *route)
{
    char text[sizeof(e->out_host)];
    struct span host = plan_host(ask->listener, route, &route->upstream->targets[0], text, sizeof(text));
    snprintf(e->out_host, sizeof(e->out_host), "%.*s", (int)host.len, host.len > 0 ? (const char *)host.ptr : "");
}

static enum explain_action action_of(const struct explain *e, const struct plan_route *route)
{
    switch (e->admission.way) {
    case ADMIT_BY_ROUTE:
        if (route->conf->serve != CONFIG_SERVE_NONE)
            return EXPLAIN_SERVE;
        if (route->upstream != NULL)
            return EXPLAIN_FORWARD;
        return route->conf->redirect != NULL ? EXPLAIN_REDIRECT : EXPLAIN_RESPOND;
    case ADMIT_DIRECT:
        return EXPLAIN_DIRECT;
    case ADMIT_BLIND:
    case ADMIT_SNIFFED:
        return EXPLAIN_TUNNEL;
    case ADMIT_REFUSED:
        break;
    }
    return EXPLAIN_OPEN; /* no request was asked about, or it was refused */
}

static int conclude(const struct explain_ask *ask, struct explain *e)
{
    const struct plan_route *route = chosen(e) != SIZE_MAX ? &ask->listener->routes[chosen(e)] : NULL;
    e->action = e->stopped != EXPLAIN_STAGES ? EXPLAIN_REFUSED : ask->listener->conf->protocol == CONFIG_PROTOCOL_TCP ? EXPLAIN_BYTES : action_of(e, route);
    if (e->action != EXPLAIN_FORWARD)
        return 0;
    forward_host(ask, e, route);
    return forward_target(e, route->conf);
}

/* A tcp connection goes where its server name leads. */
static void choose_by_name(const struct explain_ask *ask, struct explain *e, const struct admit_place *at)
{
    const struct config_listener *l = ask->listener->conf;
    if (l->protocol != CONFIG_PROTOCOL_TCP)
        return;
    struct err err = {0};
    enum reason reason = admit_name(at, ask->server_name, &e->by_name, &err);
    if (reason != REASON_VALID)
        say(e, EXPLAIN_ROUTES, reason, "%s", err.text);
    else if (l->n_routes > 1 || l->routes[0].host.n > 0)
        say(e, EXPLAIN_ROUTES, reason, "the server name leads to the route at %s", l->routes[e->by_name].where);
}

int explain_make(const struct explain_ask *ask, struct explain *out)
{
    const struct plan_listener *l = ask->listener;
    struct admit_place at = {.conf = l->conf, .by_host = l->by_host, .limits = l->limits, .required = l->required, .caller = ask->caller};
    *out = (struct explain){.stopped = EXPLAIN_STAGES};
    admission_init(&out->admission);
    bytes_init(&out->out_target, TARGET_MAX);
    if (l->conf->protocol == CONFIG_PROTOCOL_HTTP && ask->request.len > 0 && parse_request(ask, out) != 0)
        return -1;
    explain_handshake(ask, out, &at);
    at.verdict = out->trust != NULL ? &out->verdict : NULL;
    at.peer = out->peer;
    if (ask_gate(ask, out, &at) != 0)
        return -1;
    choose_by_name(ask, out, &at);
    return conclude(ask, out);
}

void explain_clear(struct explain *e)
{
    tls_peer_free(e->peer);
    http1_free(e->parser);
    admission_clear(&e->admission);
    bytes_clear(&e->out_target);
    free(e->routes);
    *e = (struct explain){.stopped = EXPLAIN_STAGES};
}
