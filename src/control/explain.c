/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/explain.h"

#include "explain_why.h"
#include "mtlsd/base/hostname.h"
#include "mtlsd/base/request_path.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/browser.h"
#include "mtlsd/policy/forward.h"
#include "mtlsd/policy/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_MAX = 1024 * 1024, HTTP_PORT = 80 };

/* Notes what a stage says. The first that says no is what would happen. */
static void PRINTF_LIKE(4, 5) say(struct explain *e, enum explain_stage stage, enum reason reason, const char *fmt, ...)
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
    q.host = e->target.host;
    q.path = e->path.len > 0 ? bytes_span(&e->path) : e->target.path;
    return q;
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

/* The rules for the server name that a client asks for. NULL: nobody serves that name. */
static const struct tls_context *choose_policy(const struct explain_ask *ask, struct explain *e, struct config_tls *tls)
{
    const struct plan_listener *l = ask->listener;
    if (l->sni == NULL)
        return l->tls;
    struct span host = e->has_target ? e->target.host : (struct span){0};
    size_t policy = tls_sni_policy(l->sni, ask->server_name.len > 0 ? ask->server_name : host);
    *tls = config_tls_policy(tls, policy);
    if (e->has_target && tls_sni_policy(l->sni, host) != policy)
        say(e, EXPLAIN_REQUEST, REASON_MISDIRECTED, "TLS is opened for a server name with other rules than the host of the request has");
    return tls_sni_context(l->sni, policy);
}

static void explain_handshake(const struct explain_ask *ask, struct explain *e)
{
    struct config_tls policy = ask->listener->conf->tls;
    const struct tls_context *ctx = choose_policy(ask, e, &policy);
    const struct config_tls *tls = &policy;
    const char *unseen = ask->n_ders > 0 ? ": the one given here would never be shown" : "";
    if (!tls->present) {
        say(e, EXPLAIN_HANDSHAKE, REASON_VALID, "plaintext, no certificate is asked for%s", unseen);
        return;
    }
    if (ask->server_name.len > 0 && !hostname_is_well_formed(ask->server_name)) {
        say(e, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, "the server name is not a host name, and no client is served that asks for it");
        return;
    }
    if (ctx == NULL) {
        say(e, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, "%s",
            e->has_target || ask->server_name.len > 0
                ? "none of identities is for this host, and there is no identity for other names"
                : "which identity serves depends on the name that TLS is asked for: give it with --server-name, or a request for its host");
        return;
    }
    if (tls->trust != NULL && tls->client_cert != CONFIG_CLIENT_CERT_NONE)
        e->trust = find_trust(ask->snapshot, tls->trust);
    if (e->trust == NULL) {
        say(e, EXPLAIN_HANDSHAKE, REASON_VALID, "TLS, no certificate is asked for%s", unseen);
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

/* ---- the request ---- */

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

static void explain_request(struct explain *e)
{
    struct err err = {0};
    if (e->head == NULL)
        return;
    enum reason reason = http_guard_request(e->head, &e->target, &err);
    e->has_target = reason == REASON_VALID;
    say(e, EXPLAIN_REQUEST, reason, "%s", reason == REASON_VALID ? "well-formed" : err.text);
}

static int explain_path(const struct explain_ask *ask, struct explain *e)
{
    const struct config_listener *l = ask->listener->conf;
    struct err err = {0};
    bool has_path = e->has_target && e->target.form != HTTP_TARGET_AUTHORITY && e->target.path.len > 0;
    if (!l->has_path_rules || !has_path)
        return 0;
    const char *refusal = http_target_path_refusal(e->target.path);
    if (refusal == NULL)
        say(e, EXPLAIN_PATH, REASON_VALID, "spelt in a way that every server reads alike");
    else if (!l->normalize_path)
        say(e, EXPLAIN_PATH, REASON_REQUEST_MALFORMED, "%s, and a route looks at the path: normalize_path would rewrite what can be", refusal);
    else if (http_target_normalize(&e->path, e->target.path, &err) == 0)
        say(e, EXPLAIN_PATH, REASON_VALID, "rewritten to its plain form (normalize_path), because %s", refusal);
    else if (err.kind == ERR_MEMORY)
        return -1;
    else
        say(e, EXPLAIN_PATH, REASON_REQUEST_MALFORMED, "%s", err.text);
    return 0;
}

static void explain_browser(const struct explain_ask *ask, struct explain *e)
{
    const struct config_listener *l = ask->listener->conf;
    struct err err = {0};
    if (!l->guards_browsers || !e->has_target)
        return;
    struct browser_question q = {
        .host = e->target.host,
        .port = e->target.port,
        .absolute = e->target.form == HTTP_TARGET_ABSOLUTE || e->target.form == HTTP_TARGET_AUTHORITY,
        .origin = http_head_find(e->head, "Origin"),
        .referer = http_head_find(e->head, "Referer"),
        .fetch_site = http_head_find(e->head, "Sec-Fetch-Site"),
        .private_network = http_head_find(e->head, "Access-Control-Request-Private-Network").ptr != NULL,
    };
    enum reason reason = browser_judge(l, &q, &err);
    say(e, EXPLAIN_BROWSER, reason, "%s", reason == REASON_VALID ? "nothing that a web page of another origin would send" : err.text);
}

static void explain_caller(const struct explain_ask *ask, struct explain *e)
{
    const struct config_listener *l = ask->listener->conf;
    struct route_question q = question_of(e);
    char why[320];
    if (l->n_allow == 0)
        return;
    bool permits = q.verdict != NULL && allow_permits(l->allow, l->n_allow, q.verdict, q.peer), spares = l->allow_log_only && allow_spares(q.verdict);
    if (permits)
        explain_why_let_in(l->allow, l->n_allow, &q, why, sizeof(why));
    else
        explain_why_refused(l->allow, l->n_allow, &q, why, sizeof(why));
    say(e, EXPLAIN_CALLER, permits || spares ? REASON_VALID : REASON_NOT_ALLOWED, "%s%s", !permits && spares ? "only counted (allow_log_only): " : "", why);
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

static void say_no_route(struct explain *e, const struct route_choice *choice)
{
    if (choice->n_also == 0)
        say(e, EXPLAIN_ROUTES, REASON_NO_ROUTE, "no route matches");
    else
        say(e, EXPLAIN_ROUTES, REASON_NO_ROUTE, "no route matches the path as it is spelled, only %s in another spelling", e->routes[choice->also[0]].where);
}

static void say_chosen(struct explain *e, const struct config_listener *l, const struct route_question *q)
{
    struct route_choice choice;
    enum reason reason = route_choose(l->routes, l->n_routes, q, &choice);
    e->chosen = choice.index;
    for (size_t i = 0; i < choice.n_also; i++)
        e->routes[choice.also[i]].also = true;
    const struct config_route *route = reason != REASON_NO_ROUTE ? &l->routes[e->chosen] : NULL;
    if (route == NULL)
        say_no_route(e, &choice);
    else if (is_bad(e) && route->cert == 0 && route->upstream != NULL)
        say(e, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, "decided at %s: the certificate is not valid, and only routes that name its status serve it",
            e->routes[e->chosen].where);
    else if (reason == REASON_VALID)
        say(e, EXPLAIN_ROUTES, reason, "decided at %s", e->routes[e->chosen].where);
    else if (route->allow_log_only && allow_spares(q->verdict))
        say(e, EXPLAIN_ROUTES, REASON_VALID, "decided at %s, whose allow would refuse this caller and only counts it (allow_log_only)",
            e->routes[e->chosen].where);
    else
        say(e, EXPLAIN_ROUTES, reason, "decided at %s: its allow does not let this caller pass: %s", e->routes[e->chosen].where,
            e->routes[e->chosen].gate_why);
}

/* The host itself, past the routes. */
static void say_direct(struct explain *e, const struct config_listener *l, unsigned port, bool public_only)
{
    struct address to;
    struct err err = {0};
    if (forward_address(e->target.host, port, &to, &err) != 0)
        say(e, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, "%s", err.text);
    else if (is_bad(e))
        say(e, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, "the certificate is not valid, and only routes that name its status serve it");
    else if (forward_is_own(l, &to))
        say(e, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, "the target is this proxy itself");
    else
        say(e, EXPLAIN_ROUTES, REASON_VALID, "no route is asked: the host is reached directly, %s",
            public_only ? "if its address is a public one" : "as forward_proxy.direct lists it");
}

static void explain_connect(struct explain *e, const struct config_listener *l)
{
    struct err err = {0}, why = {0};
    const struct http_target *t = &e->target;
    bool sniffs = l->forward_proxy.connect == CONFIG_CONNECT_SNIFF;
    e->action = EXPLAIN_TUNNEL;
    if (!l->forward_proxy.present) {
        say(e, EXPLAIN_ROUTES, REASON_METHOD_UNKNOWN, "CONNECT is not served here: the listener has no forward_proxy");
        return;
    }
    if (l->forward_proxy.connect == CONFIG_CONNECT_REFUSE) {
        say(e, EXPLAIN_ROUTES, REASON_DENIED, "forward_proxy.connect of this listener is \"refuse\"");
        return;
    }
    struct forward_verdict v = forward_judge(l, sniffs ? FORWARD_REQUEST : FORWARD_BLIND, t->host, t->port, &err);
    if (v.way == FORWARD_REFUSED) {
        say(e, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, "%s", err.text);
        return;
    }
    say_direct(e, l, t->port, v.public_only);
    if (!sniffs || e->steps[EXPLAIN_ROUTES].reason != REASON_VALID)
        return;
    bool tls = forward_judge(l, FORWARD_TLS, t->host, t->port, &why).way == FORWARD_DIRECT;
    say(e, EXPLAIN_ROUTES, REASON_VALID, "plaintext HTTP in the tunnel is served like any request for this host; TLS in it %s%s",
        tls ? "is passed blindly" : "is refused: ", why.text);
}

/* A forward proxy: hosts that routes name are theirs, others are reached directly or not at all. True: the routes are to decide. */
static bool is_for_routes(const struct config_listener *l, struct explain *e)
{
    struct err err = {0};
    const struct http_target *t = &e->target;
    if (t->form == HTTP_TARGET_AUTHORITY) {
        explain_connect(e, l);
        return false;
    }
    if (!l->forward_proxy.present || t->form != HTTP_TARGET_ABSOLUTE)
        return true;
    unsigned port = t->port != 0 ? t->port : HTTP_PORT;
    struct forward_verdict v = forward_judge(l, FORWARD_REQUEST, t->host, port, &err);
    if (v.way == FORWARD_REFUSED)
        say(e, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, "%s", err.text);
    if (v.way != FORWARD_DIRECT)
        return v.way == FORWARD_BY_ROUTE;
    e->action = EXPLAIN_DIRECT;
    say_direct(e, l, port, v.public_only);
    return false;
}

static int explain_routes(const struct explain_ask *ask, struct explain *e)
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
    if (e->has_target && is_for_routes(l, e))
        say_chosen(e, l, &q);
    return 0;
}

/* ---- what then happens ---- */

static int forward_target(struct explain *e, const struct config_route *route)
{
    struct route_question q = question_of(e);
    struct span path = q.path;
    if (route->strip_prefix != NULL) {
        size_t covered = request_path_covered(route->strip_prefix, path, PATH_AS_SPELLED);
        path = covered != SIZE_MAX ? span_skip(path, covered) : path;
        if (path.len == 0)
            path = span_from_str("/");
    }
    if (e->target.form == HTTP_TARGET_ASTERISK)
        path = e->head->target;
    return bytes_append_span(&e->out_target, path) == 0 && bytes_append_span(&e->out_target, e->target.query) == 0 ? 0 : -1;
}

static void forward_host(const struct explain_ask *ask, struct explain *e, const struct plan_route *route)
{
    const struct config_upstream *up = route->upstream->conf;
    enum config_host how = ask->listener->conf->tls.present ? CONFIG_HOST_PRESERVE : CONFIG_HOST_UPSTREAM;
    const char *literal = up->host_literal;
    if (up->host_given)
        how = up->host;
    if (route->conf->set_host_given) {
        how = route->conf->set_host;
        literal = route->conf->set_host_literal;
    }
    if (how == CONFIG_HOST_PRESERVE)
        return;
    char text[sizeof(e->out_host)];
    struct span host = how == CONFIG_HOST_LITERAL ? span_from_str(literal) : plan_host_field(&route->upstream->targets[0], text, sizeof(text));
    snprintf(e->out_host, sizeof(e->out_host), "%.*s", (int)host.len, host.len > 0 ? (const char *)host.ptr : "");
}

static int conclude(const struct explain_ask *ask, struct explain *e)
{
    if (e->stopped != EXPLAIN_STAGES) {
        e->action = EXPLAIN_REFUSED;
        return 0;
    }
    if (ask->listener->conf->protocol == CONFIG_PROTOCOL_TCP)
        e->action = EXPLAIN_BYTES;
    else if (!e->has_target)
        e->action = EXPLAIN_OPEN;
    if (e->chosen == SIZE_MAX)
        return 0;
    const struct plan_route *route = &ask->listener->routes[e->chosen];
    if (route->upstream == NULL) {
        e->action = route->conf->redirect != NULL ? EXPLAIN_REDIRECT : EXPLAIN_RESPOND;
        return 0;
    }
    e->action = EXPLAIN_FORWARD;
    forward_host(ask, e, route);
    return forward_target(e, route->conf);
}

int explain_make(const struct explain_ask *ask, struct explain *out)
{
    *out = (struct explain){.stopped = EXPLAIN_STAGES, .chosen = SIZE_MAX};
    bytes_init(&out->path, TARGET_MAX);
    bytes_init(&out->out_target, TARGET_MAX);
    bool http = ask->listener->conf->protocol == CONFIG_PROTOCOL_HTTP;
    if (http && ask->request.len > 0 && parse_request(ask, out) != 0)
        return -1;
    explain_request(out);
    explain_handshake(ask, out);
    if (explain_path(ask, out) != 0)
        return -1;
    explain_browser(ask, out);
    explain_caller(ask, out);
    bool known = ask->request.len == 0 || out->has_target; /* of a request that cannot be read no route says anything */
    if (http && known && explain_routes(ask, out) != 0)
        return -1;
    return conclude(ask, out);
}

void explain_clear(struct explain *e)
{
    tls_peer_free(e->peer);
    http1_free(e->parser);
    bytes_clear(&e->path);
    bytes_clear(&e->out_target);
    free(e->routes);
    *e = (struct explain){.chosen = SIZE_MAX};
}
