/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_build.h"
#include "snapshot_limits.h"
#include "snapshot_load.h"
#include "mtlsd/control/identity_files.h"

#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_identity.h"
#include "mtlsd/policy/required_header.h"
#include "mtlsd/tls/tls_judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHAIN = 16, HOST_MAX = 300 };

static struct tls_identity *find_identity(const struct snapshot *s, const char *name)
{
    const struct config_identity *conf = name != NULL ? config_find_identity(s->config, name) : NULL;
    return conf != NULL ? s->identities[conf - s->config->identities].tls : NULL;
}

/* "system" is loaded at its first use: the store costs several MB. */
static struct tls_trust *find_trust(struct snapshot *s, const struct loader *l, const char *name, const char *where)
{
    const struct config_trust *conf = config_find_trust(s->config, name);
    if (conf != NULL)
        return s->trusts[conf - s->config->trusts].tls;
    if (strcmp(name, "system") != 0)
        return NULL;
    struct snapshot_trust *builtin = &s->trusts[s->config->n_trusts];
    if (s->n_trusts == s->config->n_trusts) {
        s->n_trusts++;
        builtin->tls = snapshot_load_system_trust(l, where);
    }
    return builtin->tls;
}

static struct tls_registry *rows_of(const struct snapshot *s, const char *registry)
{
    const struct config_registry *conf = registry != NULL ? config_find_registry(s->config, registry) : NULL;
    return conf != NULL ? s->registries[conf - s->config->registries].rows : NULL;
}

/* Ten thousand upstreams mostly share an identity and a trust: looked at once for all that follow each other. */
struct comparison {
    const struct tls_identity *identity;
    const struct tls_trust *trust;
    bool accepting;
    struct tls_glance glance;
    const struct tls_trust *noted; /* of this one it was said that it holds the CA of an identity of ours: */
    const struct tls_context *made;    /* the last one for a target */
    const struct tls_identity *noted_of; /* this one, and no other, as ten thousand may come from one CA */
};

static void compare(const struct loader *l, const struct tls_context_spec *spec, struct comparison *out)
{
    struct span ders[MAX_CHAIN];
    size_t n = 0;
    for (; n < MAX_CHAIN; n++) {
        ders[n] = tls_identity_der(spec->identity, n);
        if (ders[n].len == 0)
            break;
    }
    struct tls_question q = {.trust = spec->trust, .purpose = TLS_PURPOSE_CLIENT, .now = l->now};
    if (spec->accepting)
        q.purpose = TLS_PURPOSE_SERVER;
    *out = (struct comparison){.identity = spec->identity, .trust = spec->trust, .accepting = spec->accepting, .noted = out->noted, .noted_of = out->noted_of,
                                 .made = out->made};
    out->glance = tls_judge_glance(&q, ders, n);
}

/* How our own certificate looks to the trust of the other side: never a refusal, but often the explanation. */
static void compare_with_own(const struct loader *l, const struct config_tls *conf, const struct tls_context_spec *spec)
{
    struct comparison *c = l->last;
    if (c->identity != spec->identity || c->trust != spec->trust || c->accepting != spec->accepting)
        compare(l, spec, c);
    if (c->glance.wrong_purpose)
        findings_add(l->findings, FINDING_WARNING, conf->where,
                     "identity \"%s\" is used as a %s but its certificate does not allow that (extendedKeyUsage %s): peers will refuse it",
                     conf->identity, spec->accepting ? "server" : "client", spec->accepting ? "serverAuth" : "clientAuth");
    if (c->glance.nameless && spec->accepting)
        findings_add(l->findings, FINDING_WARNING, conf->where,
                     "identity \"%s\" is used as a server but its certificate names no host in subjectAltName, which clients verify: issue it again "
                     "with subjectAltName = DNS:the.host",
                     conf->identity);
    bool told = c->noted == spec->trust && c->noted_of != spec->identity;
    if (c->glance.leads_to_trust && !spec->accepting && !told && strcmp(conf->trust != NULL ? conf->trust : "system", "system") != 0)
        findings_add(l->findings, FINDING_NOTE, conf->where,
                     "trust \"%s\" holds the CA that issued our own identity \"%s\": right if one CA signs both sides; otherwise put the CA "
                     "of the upstream's certificate into the trust",
                     conf->trust, conf->identity);
    if (c->glance.leads_to_trust && !spec->accepting && !told) {
        c->noted = spec->trust;
        c->noted_of = spec->identity;
    }
}

static void compare_others(const struct loader *l, const struct config_tls *conf, const struct tls_context_spec *spec)
{
    for (size_t i = 0; i < spec->n_others; i++) {
        struct config_tls other_conf = *conf;
        struct tls_context_spec other = *spec;
        other_conf.identity = conf->choices.items[i + 1];
        other.identity = spec->others[i];
        compare_with_own(l, &other_conf, &other);
    }
}

/* first: the first context of this block, for which alone its identity and trust are compared. */
static struct tls_context *make_context(const struct loader *l, const struct config_tls *conf, const struct tls_context_spec *spec, bool first)
{
    struct err err = {0};
    struct tls_context *ctx = tls_context_new(spec, &err);
    if (ctx == NULL) {
        findings_add(l->findings, FINDING_ERROR, conf->where, "tls: %s", err.text);
    } else if (first && spec->identity != NULL && spec->trust != NULL) {
        compare_with_own(l, conf, spec);
        compare_others(l, conf, spec);
    }
    return ctx;
}

static bool has_name(const struct config_strings *alpn, const char *name)
{
    for (size_t i = 0; i < alpn->n; i++)
        if (strcmp(alpn->items[i], name) == 0)
            return true;
    return false;
}

/* A peer without ALPN speaks HTTP/1.1 (RFC 9113 section 3.2), or in tcp whatever its client does: then only what we offered is binding.
 * carries: bits 1 << enum config_protocol. */
static void set_alpn(const struct config_tls *conf, unsigned carries, struct tls_context_spec *spec)
{
    static const char *const http_names[] = {"h2", "http/1.1"};
    bool http = carries == 1U << CONFIG_PROTOCOL_HTTP;
    size_t from = config_tls_asked_later(conf) ? 1 : 0; /* HTTP/1.1 alone */
    spec->alpn = conf->alpn.n > 0 ? (const char *const *)conf->alpn.items : http_names + from;
    spec->n_alpn = conf->alpn.n > 0 ? conf->alpn.n : http ? sizeof(http_names) / sizeof(http_names[0]) - from : 0;
    bool may_lack = http ? has_name(&conf->alpn, "http/1.1") : spec->accepting;
    if (conf->alpn.n > 0)
        spec->alpn_need = may_lack ? TLS_ALPN_MATCH : TLS_ALPN_REQUIRED;
}

static void common_part(const struct config_tls *conf, unsigned carries, struct tls_context_spec *spec)
{
    spec->versions = conf->max_version == CONFIG_TLS_1_2 ? TLS_VERSIONS_12 : conf->min_version == CONFIG_TLS_1_3 ? TLS_VERSIONS_13 : TLS_VERSIONS_ALL;
    spec->priority = conf->priority;
    set_alpn(conf, carries, spec);
}

/* Those of a list behind its first. -1: one of them was not loaded, which is said there. */
static int find_others(const struct snapshot *s, const struct config_tls *tls, struct tls_identity *others[TLS_OTHERS_MAX], struct tls_context_spec *spec)
{
    for (size_t i = 1; i < tls->choices.n && i <= TLS_OTHERS_MAX; i++)
        if ((others[spec->n_others++] = find_identity(s, tls->choices.items[i])) == NULL)
            return -1;
    spec->others = others;
    return 0;
}

/* Each target has a context of its own, also where two would be equal: tickets are kept by context, and a ticket of one server is worth
 * nothing at another. */
static struct tls_context *connecting_context(struct snapshot *s, const struct loader *l, const struct plan_target *target)
{
    const struct config_tls *tls = &target->upstream->conf->tls;
    const struct address *address = &target->conf->address;
    const char *host = address->kind == ADDRESS_TCP && address->host[0] != '\0' ? address->host : NULL;
    struct tls_context_spec spec = {
        .identity = find_identity(s, tls->identity),
        .trust = find_trust(s, l, tls->trust != NULL ? tls->trust : "system", tls->where),
        .server_name = tls->server_name != NULL ? tls->server_name : host,
        .expect = (const char *const *)tls->expect.items,
        .n_expect = tls->expect.n,
        .require_client_auth = tls->require_client_auth && tls->identity != NULL,
        .post_handshake_auth = tls->post_handshake_auth,
        .renegotiation = tls->renegotiation,
        .like = l->last->made,
    };
    struct tls_identity *others[TLS_OTHERS_MAX];
    common_part(tls, target->upstream->conf->carries, &spec);
    if (find_others(s, tls, others, &spec) != 0 || spec.trust == NULL || (tls->identity != NULL && spec.identity == NULL))
        return NULL; /* said where it was loaded */
    struct tls_context *ctx = make_context(l, tls, &spec, target == target->upstream->targets);
    if (ctx != NULL)
        l->last->made = ctx;
    return ctx;
}

static enum tls_ask asked(const struct config_tls *tls)
{
    switch (tls->client_cert) {
    case CONFIG_CLIENT_CERT_NONE:
        return TLS_ASK_NONE;
    case CONFIG_CLIENT_CERT_OPTIONAL:
        return TLS_ASK_OPTIONAL;
    case CONFIG_CLIENT_CERT_REQUIRED:
        break;
    }
    return TLS_ASK_REQUIRED;
}

/* By one of the rules that a listener has. */
static struct tls_context *accepting_context(struct snapshot *s, const struct loader *l, const struct config_tls *tls, enum config_protocol protocol)
{
    struct tls_context_spec spec = {.accepting = true, .identity = find_identity(s, tls->identity), .ask = asked(tls),
                                   .tolerate = tls->tolerate, .tickets = tls->tickets};
    struct tls_identity *others[TLS_OTHERS_MAX];
    common_part(tls, 1U << protocol, &spec);
    if (find_others(s, tls, others, &spec) != 0)
        return NULL; /* said where it was loaded */
    if (tls->trust != NULL)
        spec.trust = find_trust(s, l, tls->trust, tls->where);
    if ((tls->identity != NULL && spec.identity == NULL) || (tls->trust != NULL && spec.trust == NULL))
        return NULL; /* said where it was loaded */
    return make_context(l, tls, &spec, true);
}

/* A listener's rules by server name, each with its own context. */
static void build_by_name(struct snapshot *s, const struct loader *l, struct plan_listener *listener)
{
    const struct config_tls *tls = &listener->conf->tls;
    size_t n = config_tls_policies(tls);
    struct snapshot_sni_policy *policies = calloc(n, sizeof(*policies));
    if (policies == NULL) {
        l->findings->out_of_memory = 1;
        return;
    }
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        const struct config_tls policy = config_tls_policy(tls, i);
        policies[i] = (struct snapshot_sni_policy){find_identity(s, policy.identity), accepting_context(s, l, &policy, listener->conf->protocol)};
        all = all && policies[i].ctx != NULL;
    }
    if (all) /* else it was said what is missing */
        listener->sni = snapshot_sni_make(l, tls, policies);
    if (listener->sni != NULL)
        listener->tls = snapshot_sni_listener(l, tls, listener->sni);
    for (size_t i = 0; i < n; i++)
        tls_context_unref(policies[i].ctx);
    free(policies);
}

static enum plan_http what_is_spoken(const struct config_upstream *conf)
{
    bool http = conf->carries == 1U << CONFIG_PROTOCOL_HTTP;
    if (!conf->tls.present)
        return http && conf->http2_prior_knowledge ? PLAN_HTTP2 : PLAN_HTTP1;
    bool by_default = conf->tls.alpn.n == 0 && !config_tls_asked_later(&conf->tls);
    return http && (by_default || has_name(&conf->tls.alpn, "h2")) ? PLAN_HTTP_AGREED : PLAN_HTTP1;
}

/* For each request that names the upstream. Without memory it is made for each. */
static void make_host(struct plan_target *t)
{
    char text[HOST_MAX];
    struct span host = plan_host_field(t, text, sizeof(text));
    if (host.len > 0)
        t->host = strndup((const char *)host.ptr, host.len);
}

static void build_upstreams(struct snapshot *s, const struct loader *l)
{
    size_t next = 0;
    for (size_t i = 0; i < s->config->n_upstreams; i++) {
        const struct config_upstream *conf = &s->config->upstreams[i];
        struct plan_upstream *up = &s->upstreams[i];
        *up = (struct plan_upstream){.conf = conf, .targets = &s->targets[next], .n_targets = conf->n_targets, .index = i, .owner = s};
        if (conf->tls.present)
            up->identity = find_identity(s, conf->tls.identity);
        for (size_t k = 0; k < conf->n_targets; k++, next++) {
            s->targets[next] = (struct plan_target){.conf = &conf->targets[k], .upstream = up, .http = what_is_spoken(conf), .index = next};
            if (conf->tls.present)
                s->targets[next].tls = connecting_context(s, l, &s->targets[next]);
            make_host(&s->targets[next]);
        }
    }
}

static void build_direct(struct snapshot *s)
{
    const struct config_upstream *conf = s->config->direct;
    if (conf == NULL)
        return;
    s->direct = (struct plan_upstream){.conf = conf, .targets = &s->direct_target, .n_targets = 1, .index = SIZE_MAX, .owner = s};
    s->direct_target = (struct plan_target){.conf = conf->targets, .upstream = &s->direct, .index = SIZE_MAX};
}

static const struct plan_upstream *find_upstream(const struct snapshot *s, const char *name)
{
    const struct config_upstream *conf = name != NULL ? config_find_upstream(s->config, name) : NULL;
    return conf != NULL ? &s->upstreams[conf - s->config->upstreams] : NULL;
}

static bool is_from_variable(const struct plan_text *text, size_t field)
{
    return text != NULL && text->fields[field].value != NULL && text->fields[field].value->n_values > 0;
}

/* The rest of what a route may not change is refused with the configuration; these names only the http room knows (security B1). */
static void check_owned(const struct loader *l, const struct config_listener *listener, const struct config_route *route, const struct plan_text *text)
{
    for (size_t i = 0; i < route->n_set_headers; i++)
        if (http_identity_writes(listener->identity_headers, span_from_str(route->set_headers[i].name)))
            findings_add(l->findings, FINDING_ERROR, route->where, "set_headers: %.80s is written by identity_headers of the listener: leave it out",
                         route->set_headers[i].name);
    for (size_t i = 0; i < route->n_set_headers; i++)
        if (!is_from_variable(text, i) && !http_identity_writes(listener->identity_headers, span_from_str(route->set_headers[i].name)) &&
            http_guard_is_owned(span_from_str(route->set_headers[i].name)))
            findings_add(l->findings, FINDING_ERROR, route->where,
                         "set_headers: %.80s carries the client's identity, which a route can set only from a variable, as in \"{cert.cn}\": or use identity_headers of the listener",
                         route->set_headers[i].name);
    for (size_t i = 0; i < route->remove_headers.n; i++)
        if (http_guard_is_owned(span_from_str(route->remove_headers.items[i])))
            findings_add(l->findings, FINDING_ERROR, route->where,
                         "remove_headers: %.80s carries the client's identity and is always removed from requests: leave it out",
                         route->remove_headers.items[i]);
}

static void build_route(struct snapshot *s, const struct loader *l, const struct config_listener *listener, const struct config_route *conf, struct plan_route *out)
{
    *out = (struct plan_route){.conf = conf, .upstream = find_upstream(s, conf->upstream)};
    struct err err = {0};
    struct bytes file = {0};
    if (conf->respond_file == NULL || snapshot_load_page(l, conf, &file) == 0) {
        if (plan_text_new(conf, bytes_span(&file), &out->text, &err) != 0 && err.kind != ERR_MEMORY)
            findings_add(l->findings, FINDING_ERROR, conf->where, "%s%s%s", conf->respond_file != NULL ? conf->respond_file : "",
                         conf->respond_file != NULL ? ": " : "", err.text);
    }
    bytes_clear(&file);
    check_owned(l, listener, conf, out->text);
    if (err.kind == ERR_MEMORY || plan_edit(conf, out->text, s->owned, &out->edit) != 0)
        l->findings->out_of_memory = 1;
}

/* Envoy's By: the first URI name of our own certificate. */
static char *own_uri(const struct loader *l, const struct tls_identity *identity)
{
    struct err err = {0};
    struct span der = tls_identity_der(identity, 0);
    struct tls_peer *own = tls_peer_new(der, &err);
    struct span uri = own != NULL ? tls_peer_first(own, TLS_NAME_URI) : span_of(NULL, 0);
    char *text = uri.len > 0 ? span_dup(uri) : NULL;
    tls_peer_free(own);
    if (err.kind == ERR_MEMORY || (uri.len > 0 && text == NULL))
        l->findings->out_of_memory = 1;
    return text;
}

static struct required_header *read_required(const struct loader *l, const struct config_listener *conf)
{
    struct required_header *required = calloc(1, sizeof(*required));
    if (required == NULL)
        l->findings->out_of_memory = 1;
    else if (snapshot_load_required(l, conf, required) == 0)
        return required;
    free(required);
    return NULL;
}

static void build_listeners(struct snapshot *s, const struct loader *l)
{
    size_t next = 0;
    for (size_t i = 0; i < s->config->n_listeners; i++) {
        const struct config_listener *conf = &s->config->listeners[i];
        s->listeners[i] = (struct plan_listener){.conf = conf, .owned = s->owned, .routes = &s->routes[next], .n_routes = conf->n_routes,
                                                .by_host = route_index_new(conf->routes, conf->n_routes)};
        assert(conf->n_routes > 0); /* the configuration was refused without */
        for (size_t k = 0; k < conf->n_routes; k++, next++)
            build_route(s, l, conf, &conf->routes[k], &s->routes[next]);
        if (conf->forward_proxy.intercept_ca != NULL)
            s->listeners[i].intercept = snapshot_load_intercept(l, conf);
        if (conf->required_header_file != NULL)
            s->listeners[i].required = read_required(l, conf);
        if (conf->forward_proxy.present)
            s->listeners[i].direct = &s->direct_target;
        if (conf->tls.n_identities > 0)
            build_by_name(s, l, &s->listeners[i]);
        else if (conf->tls.present)
            s->listeners[i].tls = accepting_context(s, l, &conf->tls, conf->protocol);
        if ((conf->identity_headers & CONFIG_HEADERS_XFCC) != 0 && s->listeners[i].tls != NULL && s->listeners[i].sni == NULL)
            s->listeners[i].own_uri = own_uri(l, find_identity(s, conf->tls.identity));
    }
}

static void build_parts(struct snapshot *s, const struct loader *l)
{
    snapshot_access_config(l, s->config);
    for (size_t i = 0; i < s->config->n_identities; i++)
        s->identities[i] = (struct snapshot_identity){&s->config->identities[i], snapshot_load_identity(l, &s->config->identities[i])};
    for (size_t i = 0; i < s->config->n_registries; i++)
        snapshot_load_registry(l, &s->config->registries[i], &s->registries[i]);
    for (size_t i = 0; i < s->config->n_trusts; i++) {
        const struct config_trust *conf = &s->config->trusts[i];
        s->trusts[i] = (struct snapshot_trust){.conf = conf, .tls = snapshot_load_trust(l, conf, rows_of(s, conf->registry))};
    }
    s->n_trusts = s->config->n_trusts;
    snapshot_fetch_begin(s, l);
    build_upstreams(s, l);
    build_direct(s);
    if (plan_text_owned(s->config, &s->owned) != 0)
        l->findings->out_of_memory = 1;
    build_listeners(s, l);
    snapshot_limits_build(s, l);
    snapshot_rules_check(s, l);
}

void snapshot_build(struct snapshot *s, const struct loader *loader)
{
    struct comparison last = {0};
    struct loader l = *loader;
    const struct identity_source *elsewhere = l.files->identities;
    l.last = &last;
    l.key_memory = s->key_memory;
    if (elsewhere != NULL && (l.set = elsewhere->begin(elsewhere->ctx)) == NULL) {
        l.findings->out_of_memory = 1;
        return;
    }
    build_parts(s, &l);
    if (elsewhere != NULL)
        elsewhere->end(l.set);
}
