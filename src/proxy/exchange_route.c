/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a request whose head is here, in this order, each step able to refuse:
 *
 *   the guard       is it HTTP that two readers understand alike? (http/)
 *   its target      taken apart once; on a listener with path rules odd spellings are refused or rewritten (security C9)
 *   its host        belongs to the policy that the caller was judged by, where TLS chose one by server name (security A9)
 *   browser         on a plaintext listener: might a web page have sent it? (security E1)
 *   loops           a forward proxy that sees its own name too often in Via
 *   the listener's gate
 *   a forward proxy may take it past the routes: to the host it names, or as CONNECT
 *   a route, the route's gate
 *
 * What was matched is what is forwarded: exchange_route_target writes from the same path.
 */
#include "exchange_internal.h"

#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/allow_why.h"

#include "mtlsd/base/request_path.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/browser.h"
#include "mtlsd/policy/route.h"

#include <string.h>

enum { REWRITTEN_MAX = 512 * 1024, OWN_HOPS_MAX = 10 };

void exchange_route_init(struct routing *r, const struct http_head *head)
{
    *r = (struct routing){.head = head};
    bytes_init(&r->rewritten, REWRITTEN_MAX);
}

void exchange_route_clear(struct routing *r)
{
    bytes_clear(&r->rewritten);
}

static enum reason refuse(struct err *err, enum reason reason, const char *why)
{
    err_set(err, ERR_PROTOCOL, "%s", why);
    return reason;
}

/* ---- the target ---- */

static bool has_path(const struct http_target *t)
{
    return (t->form == HTTP_TARGET_ORIGIN || t->form == HTTP_TARGET_ABSOLUTE) && t->path.len > 0;
}

static enum reason judge_path(const struct config_listener *conf, struct routing *r, struct err *err)
{
    r->path = r->target.path;
    if (!conf->has_path_rules || !has_path(&r->target))
        return REASON_VALID;
    const char *why = http_target_path_refusal(r->path);
    if (why == NULL)
        return REASON_VALID;
    if (!conf->normalize_path)
        return refuse(err, REASON_REQUEST_MALFORMED, why);
    if (http_target_normalize(&r->rewritten, r->path, err) != 0)
        return REASON_REQUEST_MALFORMED;
    r->path = bytes_span(&r->rewritten);
    return REASON_VALID;
}

int exchange_route_target(const struct exchange *x, const struct routing *r, struct bytes *out)
{
    const char *prefix = x->route != NULL ? x->route->conf->strip_prefix : NULL;
    size_t covered = prefix != NULL && has_path(&r->target) ? request_path_covered(prefix, r->path, PATH_AS_SPELLED) : SIZE_MAX;
    if (covered == SIZE_MAX && r->rewritten.len == 0)
        return 0;
    struct span rest = covered == SIZE_MAX ? r->path : span_skip(r->path, covered);
    if (rest.len == 0)
        rest = span_of("/", 1);
    return bytes_append_span(out, rest) != 0 ? -1 : bytes_append_span(out, r->target.query);
}

/* ---- whose host ---- */

/* Of every request: a connection that was opened for one host may later ask for another. */
static bool is_misdirected(const struct exchange *x, const struct routing *r)
{
    return x->down.tls != NULL && !tls_engine_serves(x->down.tls, r->target.host);
}

/* ---- browsers ---- */

/* In one pass, since programs send none of them: the first letter and the length pass over all that they do send. The first of equal names
 * counts. */
static void read_browser_field(const struct http_field *f, struct browser_question *q)
{
    if (f->name.len == 0)
        return;
    switch (f->name.ptr[0] | 0x20) {
    case 'o':
        if (q->origin.ptr == NULL && span_equals_nocase_str(f->name, "Origin"))
            q->origin = f->value;
        break;
    case 'r':
        if (q->referer.ptr == NULL && span_equals_nocase_str(f->name, "Referer"))
            q->referer = f->value;
        break;
    case 's':
        if (q->fetch_site.ptr == NULL && span_equals_nocase_str(f->name, "Sec-Fetch-Site"))
            q->fetch_site = f->value;
        break;
    case 'a':
        q->private_network = q->private_network || span_equals_nocase_str(f->name, "Access-Control-Request-Private-Network");
        break;
    default:
        break;
    }
}

static enum reason judge_browser(const struct exchange *x, const struct routing *r, struct err *err)
{
    const struct http_head *h = r->head;
    struct browser_question q = {
        .host = r->target.host,
        .port = r->target.port,
        .absolute = exchange_forward_names_host(x, r),
        .local_port = x->client.known ? x->client.local_port : 0,
        .by_host = x->listener->by_host,
    };
    for (size_t i = 0; i < h->n_fields; i++)
        read_browser_field(&h->fields[i], &q);
    return browser_judge(x->listener->conf, &q, err);
}

/* ---- loops ---- */

static bool is_by_us(struct span hop)
{
    const uint8_t *space = memchr(hop.ptr, ' ', hop.len);
    if (space == NULL)
        return false;
    struct span by = span_trim(span_skip(hop, (size_t)(space - hop.ptr)));
    size_t own = strlen(EXCHANGE_PSEUDONYM);
    return by.len >= own && span_equals_nocase_str(span_of(by.ptr, own), EXCHANGE_PSEUDONYM) && (by.len == own || by.ptr[own] == ' ');
}

/* RFC 9110 section 7.6.3 has Via for this. Several of us in a row are no loop. */
static bool goes_in_circles(const struct http_head *h)
{
    unsigned n = 0;
    for (size_t i = 0; i < h->n_fields; i++) {
        struct span hops = h->fields[i].value, hop;
        if (!span_equals_nocase_str(h->fields[i].name, "via"))
            continue;
        while (span_next_in_list(&hops, &hop))
            n += is_by_us(hop) ? 1 : 0;
    }
    return n > OWN_HOPS_MAX;
}

/* ---- routes and gates ---- */

enum { FEW_ROUTES = 16 }; /* to look through more costs each request more than the facts do */

static bool looks_at_callers(const struct config_listener *conf)
{
    if (conf->n_allow > 0 || conf->n_routes > FEW_ROUTES)
        return true;
    for (size_t i = 0; i < conf->n_routes; i++) {
        if (conf->routes[i].cert != 0 || conf->routes[i].n_caller > 0 || conf->routes[i].n_allow > 0)
            return true;
    }
    return false;
}

static enum reason not_allowed(const struct config_allow *rules, size_t n, const struct tls_facts *facts, struct err *err)
{
    return refuse(err, REASON_NOT_ALLOWED, allow_why_refused(rules, n, facts->peer));
}

/* The gate for what no route will judge. A certificate that was tolerated is for routes that name its status, and for nothing else. */
static bool is_tolerated(const struct exchange *x)
{
    struct tls_facts facts = {0};
    if (x->down.tls != NULL)
        tls_engine_facts(x->down.tls, &facts);
    return facts.verdict != NULL && facts.verdict->status != REASON_VALID && facts.verdict->status != REASON_NONE;
}

/* Rules, perhaps only tried out. */
bool exchange_route_allows(struct exchange *x, const struct config_allow *rules, size_t n, bool log_only, const struct tls_facts *facts)
{
    static const struct tls_verdict undecided = {0};
    if (allow_permits(rules, n, facts->verdict != NULL ? facts->verdict : &undecided, facts->peer))
        return true;
    if (!log_only || !allow_spares(facts->verdict))
        return false;
    x->would_refuse = true;
    return true;
}

static enum reason no_route(const struct route_choice *choice, struct err *err)
{
    return refuse(err, REASON_NO_ROUTE,
                  choice->n_also == 0 ? "no route of the listener matches"
                                           : "no route of the listener matches the path as it is spelled: write it as the route has it");
}

static bool names_no_status(const struct plan_route *route)
{
    return route->conf->cert == 0 && route->upstream != NULL;
}

/* A configuration with such a route is refused; should one pass all the same, nobody gets in by it. */
static bool is_blind(const struct exchange *x)
{
    const struct config_listener *conf = x->listener->conf;
    if (conf->tls.tolerate == 0 && conf->tls.n_identities == 0)
        return false;
    bool blind = names_no_status(x->route);
    for (size_t i = 0; i < x->n_also; i++)
        blind = blind || names_no_status(x->also[i]);
    return blind && is_tolerated(x);
}

static bool passes_gate(struct exchange *x, const struct config_route *route, const struct tls_facts *facts)
{
    return exchange_route_allows(x, route->allow, route->n_allow, route->allow_log_only, facts);
}

static enum reason choose_route(struct exchange *x, const struct routing *r, const struct tls_facts *facts, struct err *err)
{
    const struct config_listener *conf = x->listener->conf;
    struct route_question q = {
        .method = r->head->method, .host = r->target.host, .path = r->path, .verdict = facts->verdict, .peer = facts->peer};
    struct route_choice choice;
    enum reason reason = route_index_choose(x->listener->by_host, conf->routes, conf->n_routes, &q, &choice);
    if (reason == REASON_NO_ROUTE)
        return no_route(&choice, err);
    x->route = &x->listener->routes[choice.index];
    x->n_also = choice.n_also;
    for (size_t i = 0; i < choice.n_also; i++)
        x->also[i] = &x->listener->routes[choice.also[i]];
    if (is_blind(x))
        return refuse(err, REASON_NOT_ALLOWED, "the certificate is not valid, and only routes that name its status serve it");
    const struct config_route *gate = x->route->conf;
    bool passes = reason == REASON_VALID || passes_gate(x, gate, facts);
    for (size_t i = 0; i < x->n_also && passes; i++) {
        gate = x->also[i]->conf;
        passes = gate->n_allow == 0 || passes_gate(x, gate, facts);
    }
    return passes ? REASON_VALID : not_allowed(gate->allow, gate->n_allow, facts, err);
}

static enum reason choose_way(struct exchange *x, const struct routing *r, struct err *err)
{
    const struct config_listener *conf = x->listener->conf;
    struct tls_facts facts = {0};
    if (x->down.tls != NULL && looks_at_callers(conf))
        tls_engine_facts(x->down.tls, &facts);
    if (conf->n_allow > 0 && !exchange_route_allows(x, conf->allow, conf->n_allow, conf->allow_log_only, &facts))
        return not_allowed(conf->allow, conf->n_allow, &facts, err);
    enum reason reason = exchange_forward_judge(x, r, err);
    if (reason != REASON_VALID)
        return reason;
    if (!exchange_forward_is_direct(x) && r->target.form != HTTP_TARGET_AUTHORITY)
        return choose_route(x, r, &facts, err);
    return is_tolerated(x) ? refuse(err, REASON_NOT_ALLOWED, "the certificate is not valid, and only routes that name its status serve it") : reason;
}

enum reason exchange_route_judge(struct exchange *x, struct routing *r, struct err *err)
{
    const struct config_listener *conf = x->listener->conf;
    enum reason reason = http_guard_request(r->head, &r->target, err);
    if (reason == REASON_VALID)
        reason = judge_path(conf, r, err);
    if (reason == REASON_VALID && is_misdirected(x, r))
        reason = refuse(err, REASON_MISDIRECTED, "TLS was opened for a server name with other rules than this host has: ask for it on a connection of its own");
    if (reason == REASON_VALID && conf->guards_browsers)
        reason = judge_browser(x, r, err);
    if (reason == REASON_VALID && conf->forward_proxy.present && goes_in_circles(r->head))
        reason = refuse(err, REASON_REQUEST_MALFORMED, "this request came through mtlsd again and again: a proxy sends it back here");
    return reason == REASON_VALID ? choose_way(x, r, err) : reason;
}
