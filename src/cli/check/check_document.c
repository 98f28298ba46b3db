/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "mtlsd/config/config_renew.h"
#include "mtlsd/policy/allow.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/policy/route.h"

enum { DESCRIPTION_MAX = 400 };

static const char *const asks[] = {"none", "optional", "required"};

static json_t *strings(const struct config_strings *list)
{
    return document_strings((const char *const *)list->items, list->n);
}

static const char *min_version(const struct config_tls *tls)
{
    return !tls->present ? NULL : tls->min_version == CONFIG_TLS_1_3 ? "1.3" : "1.2";
}

static const char *max_version(const struct config_tls *tls)
{
    return !tls->present ? NULL : tls->max_version == CONFIG_TLS_1_3 ? "1.3" : "1.2";
}

static json_t *findings_of(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        list = document_append(list, document_object("level:t where:t text:t times:z", finding_level_word(f->level), f->where, f->text, f->times));
    }
    return list;
}

/* ---- identities and trusts ---- */

/* The first moment of a renewal; a part of these seconds may follow. null: another program renews it. */
static json_t *renewal_of(const struct config_identity *id, const struct tls_identity_facts *f)
{
    if (!config_renew_is_on(id))
        return json_null();
    return document_object("url:t trust:t from:I", config_renew_url(&id->renew), id->renew.trust, f->not_after - config_renew_before(&id->renew, f->not_after - f->not_before));
}

static json_t *identities_of(const struct check_sheet *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->snapshot->config->n_identities; i++) {
        struct tls_identity_facts f;
        tls_identity_facts(s->snapshot->identities[i].tls, &f);
        list = document_append(list, document_object("name:t subject:t issuer:t key:t sha256:t not_before:I not_after:I seconds_left:I chain_length:z renewal:o", f.name,
                                                     f.subject, f.issuer, f.key_kind, f.sha256, f.not_before, f.not_after, f.not_after - s->now,
                                                     f.chain_length, renewal_of(s->snapshot->identities[i].conf, &f)));
    }
    return list;
}

/* CA by CA; empty where no lists are configured. */
static json_t *coverage_of(const struct snapshot_trust *t)
{
    json_t *list = json_array();
    struct tls_trust_ca ca;
    for (size_t i = 0; t->tls != NULL && t->conf != NULL && t->conf->crl.n > 0 && tls_trust_ca(t->tls, i, &ca); i++)
        list = document_append(list, document_object("ca:t covered:b revoked:z next_update:I", ca.name, ca.covered, ca.n_revoked, ca.next_update));
    return list;
}

static json_t *trusts_of(const struct check_sheet *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->snapshot->n_trusts; i++) {
        const struct snapshot_trust *t = &s->snapshot->trusts[i];
        struct tls_trust_facts f = {0};
        if (t->tls != NULL)
            tls_trust_facts(t->tls, &f);
        static const char *const ocsp[] = {[CONFIG_OCSP_OFF] = NULL, [CONFIG_OCSP_SOFT] = "soft", [CONFIG_OCSP_HARD] = "hard"};
        json_t *o = document_object("name:t cas:z crls:z revoked:z first_not_after:I first_next_update:I crl_coverage:o crl_policy:t",
                                                     t->conf != NULL ? t->conf->name : "system", f.n_ca, f.n_crl, f.n_revoked,
                                                     f.first_not_after, f.first_next_update, coverage_of(t),
                                                     t->conf == NULL ? NULL : t->conf->crl_policy == CONFIG_CRL_REQUIRE ? "require" : "prefer");
        if (t->conf != NULL && t->conf->ocsp != CONFIG_OCSP_OFF)
            o = document_add(o, "ocsp:t ocsp_responder:t ocsp_hosts:o", ocsp[t->conf->ocsp], t->conf->ocsp_responder, strings(&t->conf->ocsp_hosts));
        list = document_append(list, o);
    }
    return list;
}

static json_t *registries_of(const struct snapshot *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->config->n_registries; i++) {
        struct tls_registry_facts f;
        char place[CONFIG_REGISTRY_PLACE];
        tls_registry_facts(s->registries[i].rows, &f);
        config_registry_place(s->config->registries[i].database, place);
        list = document_append(list, document_object("name:t database:t loaded:b rows:z", s->config->registries[i].name, place, f.loaded, f.totals.rows));
    }
    return list;
}

/* ---- upstreams ---- */

static json_t *targets_of(const struct config_upstream *u)
{
    json_t *list = json_array();
    for (size_t i = 0; i < u->n_targets; i++) {
        const struct config_target *t = &u->targets[i];
        list = document_append(list, document_object("address:t route:t weight:i backup:b", t->text, t->route, (int)t->weight, t->backup));
    }
    return list;
}

static json_t *sticky_of(const struct config_upstream *u)
{
    static const char *const modes[] = {[CONFIG_STICKY_SUFFIX] = "suffix", [CONFIG_STICKY_INSERT] = "insert", [CONFIG_STICKY_CLIENT_CERT] = "client_cert"};
    return u->sticky == CONFIG_STICKY_NONE ? json_null() : document_object("mode:t cookie:t", modes[u->sticky], u->sticky_cookie);
}

static json_t *health_of(const struct config_upstream *u)
{
    if (u->health_interval_ms == 0)
        return json_null();
    return document_object("path:t grpc:t interval_ms:I expect:t", u->health_path, u->health_grpc, (int64_t)u->health_interval_ms, u->health_path != NULL ? u->health_expect : NULL);
}

static json_t *others_of(const struct config_tls *tls)
{
    const struct config_strings others = {tls->choices.items + 1, tls->choices.n - 1};
    return tls->choices.n > 1 ? strings(&others) : json_null();
}

static json_t *upstreams_of(const struct config *c)
{
    static const char *const balances[] = {[CONFIG_BALANCE_ROUND_ROBIN] = "round_robin", [CONFIG_BALANCE_LEAST_CONN] = "least_conn",
                                           [CONFIG_BALANCE_RANDOM] = "random", [CONFIG_BALANCE_HASH] = "hash"};
    static const char *const versions[] = {[CONFIG_PROXY_PROTOCOL_NONE] = "off", [CONFIG_PROXY_PROTOCOL_V1] = "v1", [CONFIG_PROXY_PROTOCOL_V2] = "v2"};
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_upstreams - c->n_served; i++) {
        const struct config_upstream *u = &c->upstreams[i];
        list = document_append(list, document_object("name:t targets:o tls:b identity:t trust:t balance:t sticky:o health:o proxy:t send_proxy_protocol:t "
                                                     "min_version:t max_version:t starttls:t other_identities:o",
                                                     u->name, targets_of(u), u->tls.present, u->tls.identity, u->tls.trust, balances[u->balance], sticky_of(u),
                                                     health_of(u), u->proxy_text, versions[u->send_proxy_protocol], min_version(&u->tls), max_version(&u->tls),
                                                     config_starttls_word(&u->tls), others_of(&u->tls)));
    }
    return list;
}

/* ---- listeners and their routes ---- */

static json_t *fields_of(const struct config_route *r)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < r->n_set_headers; i++)
        json_object_set_new(fields, r->set_headers[i].name, document_text(r->set_headers[i].value));
    return fields;
}

static json_t *rules_of(const struct config_allow *rules, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char text[DESCRIPTION_MAX];
        allow_rule_describe(&rules[i], text, sizeof(text));
        list = document_append(list, document_text(text));
    }
    return list;
}

/* status is what a route answers with by itself, 0 where it forwards. */
static json_t *route_of(const struct config_listener *l, const struct config_route *r)
{
    static const struct config_strings none = {0};
    bool by_name = l->protocol == CONFIG_PROTOCOL_TCP;
    static const char *const hosts[] = {[CONFIG_HOST_UPSTREAM] = "upstream", [CONFIG_HOST_PRESERVE] = "preserve"};
    char statuses[DESCRIPTION_MAX];
    route_describe_cert(r->cert, statuses, sizeof(statuses));
    json_t *route = document_object("where:t host:o sni:o path:t path_case:t method:o cert:t caller_rules:z allow_rules:z", r->where,
                                    strings(by_name ? &none : &r->host), strings(by_name ? &r->host : &none), r->path,
                                    r->path == NULL ? NULL : r->path_case == CONFIG_PATH_CASE_EXACT ? "exact" : "ignore", strings(&r->method),
                                    r->cert != 0 ? statuses : NULL, r->n_caller, r->n_allow);
    const char *host = !r->set_host_given ? NULL : r->set_host == CONFIG_HOST_LITERAL ? r->set_host_literal : hosts[r->set_host];
    return document_add(route, "upstream:t redirect:t status:i respond_file:t respond_type:t set_headers:o remove_headers:o strip_prefix:t set_host:t caller:o allow:o", r->upstream,
                        r->redirect, (int)(r->redirect != NULL ? r->redirect_status : r->respond), r->respond_file, r->respond_type, fields_of(r), strings(&r->remove_headers), r->strip_prefix,
                        host, rules_of(r->caller, r->n_caller), rules_of(r->allow, r->n_allow));
}

static json_t *routes_of(const struct config_listener *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->n_routes; i++)
        list = document_append(list, route_of(l, &l->routes[i]));
    return list;
}

static json_t *forward_proxy_of(const struct config_forward_proxy *p)
{
    static const char *const connects[] = {"sniff", "tunnel", "refuse"};
    if (!p->present)
        return json_null();
    return document_object("connect:t unmatched:t direct:o", connects[p->connect], p->unmatched == CONFIG_UNMATCHED_DIRECT ? "direct" : "refuse",
                           strings(&p->direct));
}

static json_t *by_name_of(const struct config_tls *tls)
{
    json_t *list = json_array();
    for (size_t i = 0; i < tls->n_identities; i++) {
        const struct config_sni *sni = &tls->identities[i];
        list = document_append(list, document_object("hosts:o identity:t trust:t client_cert:t min_version:t max_version:t", strings(&sni->hosts), sni->identity, sni->trust,
                                                     asks[sni->client_cert], min_version(tls), max_version(tls)));
    }
    return list;
}

/* The bad certificates that are accepted, for routes that name their status. */
static json_t *tolerated(uint64_t statuses)
{
    json_t *list = json_array();
    for (enum reason reason = REASON_VALID; reason < REASON_COUNT; reason++)
        if ((statuses >> reason & 1) != 0)
            list = document_append(list, json_string(reason_word(reason)));
    return list;
}

static json_t *listeners_of(const struct config *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        const struct config_strings binds = {l->bind_text, l->n_bind};
        json_t *json = document_object("name:t bind:o protocol:t tls:b identity:t trust:t client_cert:t upstream:t allow_rules:z", l->name, strings(&binds),
                                       config_protocol_word(l), l->tls.present, l->tls.identity, l->tls.trust,
                                       asks[l->tls.client_cert], l->upstream, l->n_allow);
        json = document_add(json, "routes:o forward_proxy:o accept_proxy_protocol:b guards_browsers:b hosts:o allow_origins:o identities:o", routes_of(l),
                            forward_proxy_of(&l->forward_proxy), l->accept_proxy_protocol, l->guards_browsers, strings(&l->hosts), strings(&l->allow_origins),
                            by_name_of(&l->tls));
        list = document_append(list, document_add(json, "min_version:t max_version:t tolerate:o starttls:t other_identities:o", min_version(&l->tls), max_version(&l->tls),
                                                  tolerated(l->tls.tolerate), config_starttls_word(&l->tls), others_of(&l->tls)));
    }
    return list;
}

json_t *check_document(const struct check_sheet *s)
{
    const struct findings *f = s->findings;
    bool starts = !findings_failed(f);
    json_t *json = document_object("config:t ok:b findings:o", s->path, starts && f->faults == 0, findings_of(f));
    if (s->snapshot != NULL)
        json = document_add(json, "identities:o trusts:o registries:o upstreams:o listeners:o", identities_of(s), trusts_of(s), registries_of(s->snapshot), upstreams_of(s->snapshot->config),
                            listeners_of(s->snapshot->config));
    if (s->connections != NULL)
        json = document_add(json, "connections:o", json_incref(s->connections));
    return document_add(json, "starts:b errors:z warnings:z", starts, f->errors + f->faults, f->warnings);
}
