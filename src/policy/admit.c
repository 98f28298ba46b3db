/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/admit.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/base/request_path.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/browser.h"
#include "mtlsd/policy/forward.h"
#include "mtlsd/policy/required_header.h"
#include "mtlsd/tls/tls_sni.h"

#include <arpa/inet.h>
#include <string.h>

enum { REWRITTEN_MAX = 512 * 1024, OWN_HOPS_MAX = 10, HTTP_PORT = 80 };

#define ONLY_NAMED "the certificate is not valid, and only routes that name its status serve it"

void admission_init(struct admission *a)
{
    memset(a, 0, offsetof(struct admission, to)); /* that is large, seldom used, and set with its way */
    a->found.ix = NULL;
    a->way = ADMIT_REFUSED;
    a->choice.index = SIZE_MAX;
    bytes_init(&a->rewritten, REWRITTEN_MAX);
}

void admission_clear(struct admission *a)
{
    bytes_clear(&a->rewritten);
}

int admission_target(const struct admission *a, const struct config_route *route, struct bytes *out)
{
    const char *prefix = route != NULL ? route->strip_prefix : NULL;
    size_t covered = prefix != NULL && a->path.len > 0 ? request_path_covered(prefix, a->path, PATH_AS_SPELLED) : SIZE_MAX;
    if (covered == SIZE_MAX && a->rewritten.len == 0)
        return 0;
    struct span rest = covered == SIZE_MAX ? a->path : span_skip(a->path, covered);
    if (rest.len == 0)
        rest = span_of("/", 1);
    return bytes_append_span(out, rest) != 0 ? -1 : bytes_append_span(out, a->target.query);
}

static enum reason refuse(struct err *err, enum reason reason, const char *why)
{
    err_set(err, ERR_PROTOCOL, "%s", why);
    return reason;
}

/* ---- the request, its path and its host ---- */

static enum reason judge_request(const struct admit_place *at, struct admission *a, struct err *err)
{
    (void)at;
    return http_guard_request(a->head, &a->target, err);
}

static bool asks_path(const struct admit_place *at, const struct admission *a)
{
    return at->conf->has_path_rules && a->target.path.len > 0 && a->target.form != HTTP_TARGET_AUTHORITY;
}

static enum reason judge_path(const struct admit_place *at, struct admission *a, struct err *err)
{
    const char *why = http_target_path_refusal(a->path);
    if (why == NULL)
        return REASON_VALID;
    if (!at->conf->normalize_path)
        return refuse(err, REASON_REQUEST_MALFORMED, why);
    if (http_target_normalize(&a->rewritten, a->path, err) != 0)
        return REASON_REQUEST_MALFORMED;
    a->path = bytes_span(&a->rewritten);
    return REASON_VALID;
}

static bool asks_host(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->sni != NULL;
}

/* Checked for every request: a connection that was opened for one host may later ask for another. */
static enum reason judge_host(const struct admit_place *at, struct admission *a, struct err *err)
{
    if (tls_sni_policy(at->sni, a->target.host) == at->policy)
        return REASON_VALID;
    return refuse(err, REASON_MISDIRECTED, "the TLS server name has other rules than this host: use a separate connection for it");
}

/* ---- browsers ---- */

/* The request is one to a proxy, for a host elsewhere. */
static bool names_host(const struct admit_place *at, const struct http_target *t)
{
    return at->tunnel != NULL || t->form == HTTP_TARGET_ABSOLUTE || t->form == HTTP_TARGET_AUTHORITY;
}

static bool asks_browser(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->guards_browsers;
}

static enum reason judge_browser(const struct admit_place *at, struct admission *a, struct err *err)
{
    struct browser_question q = {
        .host = a->target.host,
        .port = a->target.port,
        .absolute = names_host(at, &a->target),
        .local_port = at->local_port,
        .found = &a->found,
    };
    browser_read_fields(a->head, &q);
    return browser_judge(at->conf, &q, err);
}

/* ---- loops ---- */

static bool is_by_us(struct span hop)
{
    const uint8_t *space = memchr(hop.ptr, ' ', hop.len);
    if (space == NULL)
        return false;
    struct span by = span_trim(span_skip(hop, (size_t)(space - hop.ptr)));
    size_t own = strlen(ADMIT_VIA_NAME);
    return by.len >= own && span_equals_nocase_str(span_of(by.ptr, own), ADMIT_VIA_NAME) && (by.len == own || by.ptr[own] == ' ');
}

static bool asks_loop(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->forward_proxy.present;
}

/* RFC 9110 section 7.6.3 has Via for this. Several of us in a row are no loop. */
static enum reason judge_loop(const struct admit_place *at, struct admission *a, struct err *err)
{
    unsigned n = 0;
    (void)at;
    for (size_t i = 0; i < a->head->n_fields; i++) {
        struct span hops = a->head->fields[i].value, hop;
        if (!span_equals_nocase_str(a->head->fields[i].name, "via"))
            continue;
        while (span_next_in_list(&hops, &hop))
            n += is_by_us(hop) ? 1 : 0;
    }
    return n <= OWN_HOPS_MAX ? REASON_VALID
                             : refuse(err, REASON_REQUEST_MALFORMED, "the request passed mtlsd too often: a proxy sends it back here");
}

/* ---- the calling program ---- */

static bool asks_program(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->limits != NULL && at->limits->here != NULL;
}

static enum reason judge_limit(const struct admit_place *at, const struct caller_limit *limit, struct err *err)
{
    if (caller_passes(limit, at->caller))
        return REASON_VALID;
    caller_refuse(limit, at->caller, &at->limits->names, err);
    return REASON_CALLER_NOT_ALLOWED;
}

static enum reason judge_program(const struct admit_place *at, struct admission *a, struct err *err)
{
    (void)a;
    return judge_limit(at, at->limits->here, err);
}

/* Of several identities the server chooses one later: the program has to be allowed each. */
static enum reason judge_identities(const struct admit_place *at, size_t route, struct err *err)
{
    const struct caller_limit *const *limit = at->limits != NULL && at->limits->by_route != NULL ? at->limits->by_route[route] : NULL;
    enum reason reason = REASON_VALID;
    for (; limit != NULL && *limit != NULL && reason == REASON_VALID; limit++)
        reason = judge_limit(at, *limit, err);
    return reason;
}

enum reason admit_program(const struct admit_place *at, struct err *err)
{
    return asks_program(at, NULL) ? judge_program(at, NULL, err) : REASON_VALID;
}

/* ---- a secret ---- */

static bool asks_header(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->required != NULL && at->tunnel == NULL;
}

static enum reason judge_header(const struct admit_place *at, struct admission *a, struct err *err)
{
    return required_header_judge(at->required, a->head, err);
}

/* ---- the caller ---- */

/* Rules, perhaps only tried out. */
static bool lets_pass(const struct admit_place *at, const struct config_allow *rules, size_t n, bool log_only, struct admission *a)
{
    if (allow_permits(rules, n, at->verdict, at->peer))
        return true;
    if (!log_only || !allow_spares(at->verdict))
        return false;
    a->would_refuse = true;
    return true;
}

static enum reason not_allowed(const struct admit_place *at, const struct config_allow *rules, size_t n, struct err *err)
{
    return refuse(err, REASON_NOT_ALLOWED, allow_why_refused(rules, n, at->peer));
}

static bool asks_caller(const struct admit_place *at, const struct admission *a)
{
    (void)a;
    return at->conf->n_allow > 0 || at->conf->protocol == CONFIG_PROTOCOL_TCP;
}

static enum reason judge_caller(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    bool passes = l->n_allow > 0 ? lets_pass(at, l->allow, l->n_allow, l->allow_log_only, a) : allow_spares(at->verdict);
    return passes ? REASON_VALID : not_allowed(at, l->allow, l->n_allow, err);
}

/* A certificate that was tolerated is for routes that name its status, and for nothing else. */
static bool is_tolerated(const struct admit_place *at)
{
    return at->verdict != NULL && at->verdict->status != REASON_VALID && at->verdict->status != REASON_NONE;
}

/* ---- routes ---- */

static bool forwards(const struct config_route *route)
{
    return route->redirect == NULL && route->respond == 0;
}

/* Such a configuration is refused; if it were loaded, the route would still accept no client. */
static bool is_blind(const struct admit_place *at, const struct route_choice *c)
{
    const struct config_route *routes = at->conf->routes;
    bool blind = routes[c->index].cert == 0 && forwards(&routes[c->index]);
    for (size_t i = 0; i < c->n_also; i++)
        blind = blind || (routes[c->also[i]].cert == 0 && forwards(&routes[c->also[i]]));
    return blind;
}

static bool passes_gate(const struct admit_place *at, const struct config_route *gate, struct admission *a)
{
    return gate->n_allow == 0 || lets_pass(at, gate->allow, gate->n_allow, gate->allow_log_only, a);
}

static enum reason no_route(const struct route_choice *choice, struct err *err)
{
    return refuse(err, REASON_NO_ROUTE,
                  choice->n_also == 0 ? "no route of the listener matches"
                                           : "no route of the listener matches the path as it is spelled: write it as the route has it");
}

static enum reason choose_route(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    const struct route_choice *choice = &a->choice;
    const struct route_question q = {.method = a->method, .host = a->target.host, .path = a->path, .verdict = at->verdict, .peer = at->peer};
    enum reason reason = route_index_choose(&a->found, l->routes, l->n_routes, &q, &a->choice);
    if (reason == REASON_NO_ROUTE)
        return no_route(choice, err);
    if (is_tolerated(at) && is_blind(at, choice))
        return refuse(err, REASON_NOT_ALLOWED, ONLY_NAMED);
    const struct config_route *gate = &l->routes[choice->index];
    bool passes = reason == REASON_VALID || passes_gate(at, gate, a);
    for (size_t i = 0; i < choice->n_also && passes; i++) {
        gate = &l->routes[choice->also[i]];
        passes = passes_gate(at, gate, a);
    }
    if (!passes)
        return not_allowed(at, gate->allow, gate->n_allow, err);
    reason = judge_identities(at, choice->index, err);
    if (reason == REASON_VALID)
        a->way = ADMIT_BY_ROUTE;
    return reason;
}

/* ---- a forward proxy ---- */

/* It would come back to us: as its own client it could go round until all descriptors are used. */
static bool is_self(const struct admit_place *at, const struct address *to)
{
    uint8_t bytes[16];
    if (forward_is_own(at->conf, to))
        return true;
    return at->n_local > 0 && at->local_port == to->port && inet_pton(at->n_local == 16 ? AF_INET6 : AF_INET, to->host, bytes) == 1 &&
           memcmp(bytes, at->local, at->n_local) == 0;
}

static enum reason go_to_host(const struct admit_place *at, struct admission *a, unsigned port, enum admit_way way, struct err *err)
{
    if (forward_address(a->target.host, port, &a->to, err) != 0)
        return REASON_ADDRESS_NOT_ALLOWED;
    if (is_self(at, &a->to))
        return refuse(err, REASON_ADDRESS_NOT_ALLOWED, "the target is this proxy itself");
    if (is_tolerated(at))
        return refuse(err, REASON_NOT_ALLOWED, ONLY_NAMED);
    a->way = way;
    return REASON_VALID;
}

static enum reason judge_connect(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    const struct http_target *t = &a->target;
    bool sniffs = l->forward_proxy.connect == CONFIG_CONNECT_SNIFF;
    if (!l->forward_proxy.present || at->tunnel != NULL)
        return refuse(err, REASON_METHOD_UNKNOWN, "CONNECT is not served here");
    if (l->forward_proxy.connect == CONFIG_CONNECT_REFUSE)
        return refuse(err, REASON_DENIED,
                      "forward_proxy.connect of this listener is \"refuse\": use http:// addresses, mtlsd adds TLS");
    struct forward_verdict v = forward_judge(l, sniffs ? FORWARD_REQUEST : FORWARD_BLIND, t->host, t->port, err);
    a->public_only = v.public_only;
    return v.way == FORWARD_REFUSED ? REASON_ADDRESS_NOT_ALLOWED : go_to_host(at, a, t->port, sniffs ? ADMIT_SNIFFED : ADMIT_BLIND, err);
}

/* A request in a tunnel is for the host of the tunnel: a rule that allowed CONNECT to this target allowed no other. */
static bool is_host_of_tunnel(const struct address *tunnel, const struct http_target *t)
{
    return span_equals_nocase_str(t->host, tunnel->host) && (t->port == 0 || t->port == tunnel->port);
}

static enum reason judge_route(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    const struct http_target *t = &a->target;
    if (t->form == HTTP_TARGET_AUTHORITY)
        return judge_connect(at, a, err);
    if (at->tunnel == NULL && (!l->forward_proxy.present || t->form != HTTP_TARGET_ABSOLUTE))
        return choose_route(at, a, err);
    if (at->tunnel != NULL && !is_host_of_tunnel(at->tunnel, t))
        return refuse(err, REASON_HOST_NOT_ALLOWED, "Host is not the host of the tunnel");
    unsigned port = at->tunnel != NULL ? at->tunnel->port : t->port != 0 ? t->port : HTTP_PORT;
    struct forward_verdict v = forward_judge(l, FORWARD_REQUEST, t->host, port, err);
    a->public_only = v.public_only;
    if (at->tunnel != NULL && at->sni != NULL && v.way == FORWARD_DIRECT)
        return refuse(err, REASON_ADDRESS_NOT_ALLOWED, "no route is for this host any more, and what came by TLS does not go on without");
    switch (v.way) {
    case FORWARD_BY_ROUTE:
        return choose_route(at, a, err);
    case FORWARD_DIRECT:
        return go_to_host(at, a, port, ADMIT_DIRECT, err);
    case FORWARD_REFUSED:
        break;
    }
    return REASON_ADDRESS_NOT_ALLOWED;
}

/* ---- a second path ---- */

static bool asks_destination(const struct admit_place *at, const struct admission *a)
{
    const struct config_listener *l = at->conf;
    bool differ = l->has_path_rules || l->has_host_rules || l->n_routes > 1;
    return differ && a->way == ADMIT_BY_ROUTE && http_guard_may_have_destination(a->method) && http_head_find(a->head, "Destination").ptr != NULL;
}

/* A request for that path would go to the same upstream. */
static enum reason judge_path_too(const struct admit_place *at, struct admission *a, struct span path, struct err *err)
{
    struct admission there = {.method = a->method, .target = {.host = a->target.host}, .path = path, .choice = {.index = SIZE_MAX}, .found = a->found};
    const struct config_route *routes = at->conf->routes, *here = &routes[a->choice.index];
    const char *why = at->conf->has_path_rules ? http_target_path_refusal(path) : NULL;
    if (why != NULL)
        return refuse(err, REASON_REQUEST_MALFORMED, why);
    enum reason reason = choose_route(at, &there, err);
    a->would_refuse = a->would_refuse || there.would_refuse;
    if (reason != REASON_VALID)
        return reason == REASON_NO_ROUTE ? REASON_DENIED : reason;
    const char *upstream = routes[there.choice.index].upstream;
    bool same = there.choice.index == a->choice.index || (upstream != NULL && here->upstream != NULL && strcmp(upstream, here->upstream) == 0);
    return same ? REASON_VALID : refuse(err, REASON_DENIED, "the route of that path does not lead to the same upstream");
}

/* How a server reads the path behind strip_prefix depends on whether it knows the prefix: both paths must be allowed. */
static enum reason judge_unstripped(const struct admit_place *at, struct admission *a, struct span path, struct err *err)
{
    const char *prefix = at->conf->routes[a->choice.index].strip_prefix;
    struct bytes whole;
    if (prefix == NULL)
        return REASON_VALID;
    size_t n = strlen(prefix);
    n -= n > 0 && prefix[n - 1] == '/';
    bytes_init(&whole, REWRITTEN_MAX);
    bool fits = bytes_append(&whole, prefix, n) == 0 && bytes_append_span(&whole, path) == 0;
    enum reason reason = fits ? judge_path_too(at, a, bytes_span(&whole), err) : refuse(err, REASON_INTERNAL, "out of memory");
    bytes_clear(&whole);
    return reason;
}

/* It is forwarded as it came, and the server acts on its path as on that of the request. */
static enum reason judge_destination(const struct admit_place *at, struct admission *a, struct err *err)
{
    struct http_target there;
    struct err why = {0};
    enum reason reason = http_guard_destination(a->head, &there, &why);
    if (reason == REASON_VALID && there.form == HTTP_TARGET_ABSOLUTE && !hostname_matches(a->target.host, there.host))
        reason = refuse(&why, REASON_DENIED, "it names another host than the request");
    if (reason == REASON_VALID)
        reason = judge_path_too(at, a, there.path, &why);
    if (reason == REASON_VALID)
        reason = judge_unstripped(at, a, there.path, &why);
    if (reason != REASON_VALID)
        err_set(err, ERR_PROTOCOL, "Destination: %s", why.text);
    return reason;
}

/* ---- one after the other ---- */

static const struct step {
    bool (*asks)(const struct admit_place *at, const struct admission *a); /* NULL: always */
    enum reason (*judge)(const struct admit_place *at, struct admission *a, struct err *err);
} steps[ADMIT_STEPS] = {
    [ADMIT_REQUEST] = {NULL, judge_request},         [ADMIT_PATH] = {asks_path, judge_path}, [ADMIT_HOST] = {asks_host, judge_host},
    [ADMIT_BROWSER] = {asks_browser, judge_browser}, [ADMIT_LOOP] = {asks_loop, judge_loop}, [ADMIT_PROGRAM] = {asks_program, judge_program},
    [ADMIT_HEADER] = {asks_header, judge_header}, [ADMIT_CALLER] = {asks_caller, judge_caller},
    [ADMIT_ROUTE] = {NULL, judge_route},             [ADMIT_DESTINATION] = {asks_destination, judge_destination},
};

/* For people, in words that stay. */
static enum reason judge_traced(enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    struct admit_said *said = &trace->said[step];
    bool would_refuse = a->would_refuse;
    said->asked = true;
    a->would_refuse = false;
    said->reason = steps[step].judge(at, a, &said->err);
    said->would_refuse = a->would_refuse;
    said->way = a->way;
    a->would_refuse = a->would_refuse || would_refuse;
    if (said->reason != REASON_VALID)
        err_set(err, said->err.kind, "%s", said->err.text);
    return said->reason;
}

/* REASON_VALID where the step is not asked. */
static inline enum reason take(enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    if (steps[step].asks != NULL && !steps[step].asks(at, a))
        return REASON_VALID;
    return trace == NULL ? steps[step].judge(at, a, err) : judge_traced(step, at, a, trace, err);
}

/* The first refusal stays; after it only a trace is a reason to go on. */
static inline enum reason then(enum reason so_far, enum admit_step step, const struct admit_place *at, struct admission *a, struct admit_trace *trace, struct err *err)
{
    if (so_far != REASON_VALID && trace == NULL)
        return so_far;
    enum reason said = take(step, at, a, trace, err);
    return so_far == REASON_VALID ? said : so_far;
}

enum reason admit_request(const struct admit_place *at, const struct http_head *head, struct admission *out, struct admit_trace *trace, struct err *err)
{
    out->head = head;
    out->method = head->method;
    enum reason reason = take(ADMIT_REQUEST, at, out, trace, err);
    if (reason != REASON_VALID)
        return reason;
    out->path = out->target.path;
    route_index_find(at->by_host, out->target.host, &out->found);
    reason = then(reason, ADMIT_PATH, at, out, trace, err);
    reason = then(reason, ADMIT_HOST, at, out, trace, err);
    reason = then(reason, ADMIT_BROWSER, at, out, trace, err);
    reason = then(reason, ADMIT_LOOP, at, out, trace, err);
    reason = then(reason, ADMIT_PROGRAM, at, out, trace, err);
    reason = then(reason, ADMIT_HEADER, at, out, trace, err);
    reason = then(reason, ADMIT_CALLER, at, out, trace, err);
    reason = then(reason, ADMIT_ROUTE, at, out, trace, err);
    reason = then(reason, ADMIT_DESTINATION, at, out, trace, err);
    if (reason == REASON_VALID && out->way == ADMIT_REFUSED)
        reason = refuse(err, REASON_INTERNAL, "nothing was decided");
    if (reason != REASON_VALID)
        out->way = ADMIT_REFUSED;
    return reason;
}

enum reason admit_caller(const struct admit_place *at, struct admission *out, struct admit_trace *trace, struct err *err)
{
    return then(take(ADMIT_PROGRAM, at, out, trace, err), ADMIT_CALLER, at, out, trace, err);
}

static enum reason run_on(const struct admit_place *at, struct span method, const struct http_target *asked, struct admission *a, struct err *err)
{
    admission_init(a);
    a->method = method;
    a->target = *asked;
    a->path = asked->path;
    route_index_find(at->by_host, asked->host, &a->found);
    enum reason reason = take(ADMIT_PATH, at, a, NULL, err);
    reason = then(reason, ADMIT_HOST, at, a, NULL, err);
    reason = then(reason, ADMIT_PROGRAM, at, a, NULL, err);
    reason = then(reason, ADMIT_CALLER, at, a, NULL, err);
    return then(reason, ADMIT_ROUTE, at, a, NULL, err);
}

enum reason admit_running_direct(const struct admit_place *at, struct span method, const struct http_target *asked, bool public_only, struct err *err)
{
    struct admission a;
    enum reason reason = run_on(at, method, asked, &a, err);
    if (reason == REASON_VALID && a.way == ADMIT_SNIFFED) {
        struct forward_verdict v = forward_judge(at->conf, FORWARD_TLS, asked->host, asked->port, err);
        a.way = v.way == FORWARD_DIRECT ? ADMIT_BLIND : ADMIT_REFUSED;
        a.public_only = v.public_only;
    }
    bool direct = a.way == ADMIT_DIRECT || a.way == ADMIT_BLIND;
    if (reason == REASON_VALID && (!direct || (a.public_only && !public_only)))
        reason = refuse(err, REASON_NOT_ALLOWED, "the forward proxy does not lead there any more");
    admission_clear(&a);
    return reason;
}

enum reason admit_running(const struct admit_place *at, struct span method, const struct http_target *asked, struct err *err)
{
    struct admission a;
    enum reason reason = run_on(at, method, asked, &a, err);
    if (reason == REASON_VALID && (a.way != ADMIT_BY_ROUTE || !forwards(&at->conf->routes[a.choice.index])))
        reason = refuse(err, REASON_NOT_ALLOWED, "no route forwards it any more");
    admission_clear(&a);
    return reason;
}

enum reason admit_name(const struct admit_place *at, struct span name, size_t *route, struct err *err)
{
    const struct route_question q = {.host = name};
    struct route_choice choice;
    struct route_runs found;
    route_index_find(at->by_host, name, &found);
    enum reason program = admit_program(at, err), reason = route_index_choose(&found, at->conf->routes, at->conf->n_routes, &q, &choice);
    *route = choice.index;
    if (program != REASON_VALID || reason != REASON_VALID)
        return program != REASON_VALID ? program : refuse(err, reason, "no route is for the client's server name");
    return judge_identities(at, choice.index, err);
}
