/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that ask where to: a route, what a forward proxy reaches, and the second path of COPY and MOVE. */
#include "admit_steps.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/forward.h"
#include "mtlsd/policy/reason.h"

#include <arpa/inet.h>
#include <string.h>

enum { HTTP_PORT = 80 };

/* ---- routes ---- */

bool admit_where_forwards(const struct config_route *route)
{
    return route->redirect == NULL && route->respond == 0;
}

/* Such a configuration is refused; if it were loaded, the route would still accept no client. */
static bool is_blind(const struct admit_place *at, const struct route_choice *c)
{
    const struct config_route *routes = at->conf->routes;
    bool blind = routes[c->index].cert == 0 && admit_where_forwards(&routes[c->index]);
    for (size_t i = 0; i < c->n_also; i++)
        blind = blind || (routes[c->also[i]].cert == 0 && admit_where_forwards(&routes[c->also[i]]));
    return blind;
}

static bool passes_gate(const struct admit_place *at, const struct config_route *gate, struct admission *a)
{
    return gate->n_allow == 0 || admit_who_lets_pass(at, gate->allow, gate->n_allow, gate->allow_log_only, a);
}

static enum reason no_route(const struct route_choice *choice, struct err *err)
{
    return reason_refuse(err, REASON_NO_ROUTE,
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
    if (admit_who_is_tolerated(at) && is_blind(at, choice))
        return reason_refuse(err, REASON_NOT_ALLOWED, ADMIT_ONLY_NAMED);
    const struct config_route *gate = &l->routes[choice->index];
    bool passes = reason == REASON_VALID || passes_gate(at, gate, a);
    for (size_t i = 0; i < choice->n_also && passes; i++) {
        gate = &l->routes[choice->also[i]];
        passes = passes_gate(at, gate, a);
    }
    if (!passes)
        return admit_who_not_allowed(at, gate->allow, gate->n_allow, err);
    reason = admit_who_identities(at, choice->index, err);
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
        return reason_refuse(err, REASON_ADDRESS_NOT_ALLOWED, "the target is this proxy itself");
    if (admit_who_is_tolerated(at))
        return reason_refuse(err, REASON_NOT_ALLOWED, ADMIT_ONLY_NAMED);
    a->way = way;
    return REASON_VALID;
}

static enum reason judge_connect(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    const struct http_target *t = &a->target;
    bool sniffs = l->forward_proxy.connect == CONFIG_CONNECT_SNIFF;
    if (!l->forward_proxy.present || at->tunnel != NULL)
        return reason_refuse(err, REASON_METHOD_UNKNOWN, "CONNECT is not served here");
    if (l->forward_proxy.connect == CONFIG_CONNECT_REFUSE)
        return reason_refuse(err, REASON_DENIED,
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

enum reason admit_where_route(const struct admit_place *at, struct admission *a, struct err *err)
{
    const struct config_listener *l = at->conf;
    const struct http_target *t = &a->target;
    if (t->form == HTTP_TARGET_AUTHORITY)
        return judge_connect(at, a, err);
    if (at->tunnel == NULL && (!l->forward_proxy.present || t->form != HTTP_TARGET_ABSOLUTE))
        return choose_route(at, a, err);
    if (at->tunnel != NULL && !is_host_of_tunnel(at->tunnel, t))
        return reason_refuse(err, REASON_HOST_NOT_ALLOWED, "Host is not the host of the tunnel");
    unsigned port = at->tunnel != NULL ? at->tunnel->port : t->port != 0 ? t->port : HTTP_PORT;
    struct forward_verdict v = forward_judge(l, FORWARD_REQUEST, t->host, port, err);
    a->public_only = v.public_only;
    if (at->tunnel != NULL && at->sni != NULL && v.way == FORWARD_DIRECT)
        return reason_refuse(err, REASON_ADDRESS_NOT_ALLOWED, "no route is for this host any more, and what came by TLS does not go on without");
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

bool admit_where_asks_destination(const struct admit_place *at, const struct admission *a)
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
        return reason_refuse(err, REASON_REQUEST_MALFORMED, why);
    enum reason reason = choose_route(at, &there, err);
    a->would_refuse = a->would_refuse || there.would_refuse;
    if (reason != REASON_VALID)
        return reason == REASON_NO_ROUTE ? REASON_DENIED : reason;
    const char *upstream = routes[there.choice.index].upstream;
    bool same = there.choice.index == a->choice.index || (upstream != NULL && here->upstream != NULL && strcmp(upstream, here->upstream) == 0);
    return same ? REASON_VALID : reason_refuse(err, REASON_DENIED, "the route of that path does not lead to the same upstream");
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
    bytes_init(&whole, ADMIT_REWRITTEN_MAX);
    bool fits = bytes_append(&whole, prefix, n) == 0 && bytes_append_span(&whole, path) == 0;
    enum reason reason = fits ? judge_path_too(at, a, bytes_span(&whole), err) : reason_refuse(err, REASON_INTERNAL, "out of memory");
    bytes_clear(&whole);
    return reason;
}

/* It is forwarded as it came, and the server acts on its path as on that of the request. */
enum reason admit_where_destination(const struct admit_place *at, struct admission *a, struct err *err)
{
    struct http_target there;
    struct err why = {0};
    enum reason reason = http_guard_destination(a->head, &there, &why);
    if (reason == REASON_VALID && there.form == HTTP_TARGET_ABSOLUTE && !hostname_matches(a->target.host, there.host))
        reason = reason_refuse(&why, REASON_DENIED, "it names another host than the request");
    if (reason == REASON_VALID)
        reason = judge_path_too(at, a, there.path, &why);
    if (reason == REASON_VALID)
        reason = judge_unstripped(at, a, there.path, &why);
    if (reason != REASON_VALID)
        err_set(err, ERR_PROTOCOL, "Destination: %s", why.text);
    return reason;
}
