/* SPDX-License-Identifier: Apache-2.0 */
#include "check_routes.h"
#include "check_sheet.h"
#include "daemon_json.h"
#include "mtlsd/policy/route.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        json_array_append_new(list, json_pack("{ss so so sI}", "level", finding_level_word(f->level), "where", daemon_json_text(f->where), "text",
                                              daemon_json_text(f->text), "times", (json_int_t)f->times));
    }
    return list;
}

static json_t *identities_json(const struct check_sheet *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->snapshot->config->n_identities; i++) {
        struct tls_identity_facts f;
        tls_identity_facts(s->snapshot->identities[i].tls, &f);
        json_array_append_new(list, json_pack("{so so so ss ss sI sI sI sI}", "name", daemon_json_text(f.name), "subject",
                                              daemon_json_text(f.subject), "issuer", daemon_json_text(f.issuer), "key", f.key_kind,
                                              "sha256", f.sha256, "not_before", (json_int_t)f.not_before, "not_after",
                                              (json_int_t)f.not_after, "seconds_left", (json_int_t)(f.not_after - s->now), "chain_length",
                                              (json_int_t)f.chain_length));
    }
    return list;
}

/* CA by CA; empty where no lists are configured. */
static json_t *coverage_json(const struct snapshot_trust *t)
{
    json_t *list = json_array();
    struct tls_trust_ca ca;
    for (size_t i = 0; t->tls != NULL && t->conf != NULL && t->conf->crl.n > 0 && tls_trust_ca(t->tls, i, &ca); i++)
        json_array_append_new(list, json_pack("{so sb sI sI}", "ca", daemon_json_text(ca.name), "covered", ca.covered, "revoked",
                                              (json_int_t)ca.n_revoked, "next_update", (json_int_t)ca.next_update));
    return list;
}

static json_t *trusts_json(const struct check_sheet *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->snapshot->n_trusts; i++) {
        const struct snapshot_trust *t = &s->snapshot->trusts[i];
        struct tls_trust_facts f = {0};
        if (t->tls != NULL)
            tls_trust_facts(t->tls, &f);
        json_array_append_new(list, json_pack("{so sI sI sI sI sI so}", "name", daemon_json_text(t->conf != NULL ? t->conf->name : "system"),
                                              "cas", (json_int_t)f.n_ca, "crls", (json_int_t)f.n_crl, "revoked", (json_int_t)f.n_revoked,
                                              "first_not_after", (json_int_t)f.first_not_after, "first_next_update",
                                              (json_int_t)f.first_next_update, "crl_coverage", coverage_json(t)));
    }
    return list;
}

static json_t *strings_json(const struct config_strings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->n; i++)
        json_array_append_new(array, daemon_json_text(list->items[i]));
    return array;
}

static json_t *targets_json(const struct config_upstream *u)
{
    json_t *list = json_array();
    for (size_t i = 0; i < u->n_targets; i++) {
        const struct config_target *t = &u->targets[i];
        json_array_append_new(list, json_pack("{so so si sb}", "address", daemon_json_text(t->text), "route", daemon_json_text(t->route),
                                              "weight", (int)t->weight, "backup", t->backup));
    }
    return list;
}

static json_t *sticky_json(const struct config_upstream *u)
{
    static const char *const modes[] = {[CONFIG_STICKY_SUFFIX] = "suffix", [CONFIG_STICKY_INSERT] = "insert", [CONFIG_STICKY_CLIENT_CERT] = "client_cert"};
    if (u->sticky == CONFIG_STICKY_NONE)
        return json_null();
    return json_pack("{ss so}", "mode", modes[u->sticky], "cookie", daemon_json_text(u->sticky_cookie));
}

static json_t *health_json(const struct config_upstream *u)
{
    if (u->health_interval_ms == 0)
        return json_null();
    return json_pack("{so sI so}", "path", daemon_json_text(u->health_path), "interval_ms", (json_int_t)u->health_interval_ms, "expect",
                     daemon_json_text(u->health_path != NULL ? u->health_expect : NULL));
}

static json_t *upstream_json(const struct config_upstream *u)
{
    static const char *const versions[] = {[CONFIG_PROXY_PROTOCOL_NONE] = "off", [CONFIG_PROXY_PROTOCOL_V1] = "v1", [CONFIG_PROXY_PROTOCOL_V2] = "v2"};
    json_t *json = json_pack("{so so sb so so ss}", "name", daemon_json_text(u->name), "targets", targets_json(u), "tls", u->tls.present,
                             "identity", daemon_json_text(u->tls.identity), "trust", daemon_json_text(u->tls.trust), "balance",
                             check_routes_balance_words[u->balance]);
    json_t *more = json_pack("{so so so ss}", "sticky", sticky_json(u), "health", health_json(u), "proxy", daemon_json_text(u->proxy_text),
                             "send_proxy_protocol", versions[u->send_proxy_protocol]);
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static json_t *upstreams_json(const struct config *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_upstreams; i++)
        json_array_append_new(list, upstream_json(&c->upstreams[i]));
    return list;
}

static json_t *fields_json(const struct config_route *r)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < r->n_set_headers; i++)
        json_object_set_new(fields, r->set_headers[i].name, daemon_json_text(r->set_headers[i].value));
    return fields;
}

/* What a route does; status is what it answers with by itself, 0 where it forwards. */
static json_t *action_json(const struct config_route *r)
{
    static const char *const hosts[] = {[CONFIG_HOST_UPSTREAM] = "upstream", [CONFIG_HOST_PRESERVE] = "preserve"};
    unsigned status = r->redirect != NULL ? r->redirect_status : r->respond;
    const char *host = !r->set_host_given ? NULL : r->set_host == CONFIG_HOST_LITERAL ? r->set_host_literal : hosts[r->set_host];
    return json_pack("{so so si so so so so}", "upstream", daemon_json_text(r->upstream), "redirect", daemon_json_text(r->redirect), "status",
                     (int)status, "set_headers", fields_json(r), "remove_headers", strings_json(&r->remove_headers), "strip_prefix",
                     daemon_json_text(r->strip_prefix), "set_host", daemon_json_text(host));
}

static json_t *route_json(const struct config_route *r)
{
    char statuses[400];
    route_describe_cert(r->cert, statuses, sizeof(statuses));
    json_t *json = json_pack("{so so so so so so sI sI}", "where", daemon_json_text(r->where), "host", strings_json(&r->host), "path",
                             daemon_json_text(r->path), "path_case",
                             r->path != NULL ? json_string(r->path_case == CONFIG_PATH_CASE_EXACT ? "exact" : "ignore") : json_null(), "method", strings_json(&r->method), "cert",
                             daemon_json_text(r->cert != 0 ? statuses : NULL), "caller_rules", (json_int_t)r->n_caller, "allow_rules",
                             (json_int_t)r->n_allow);
    json_t *action = action_json(r);
    json_object_update(json, action);
    json_decref(action);
    return json;
}

static json_t *routes_json(const struct config_listener *l)
{
    json_t *list = json_array();
    for (size_t i = 0; i < l->n_routes; i++)
        json_array_append_new(list, route_json(&l->routes[i]));
    return list;
}

static json_t *forward_proxy_json(const struct config_forward_proxy *p)
{
    static const char *const connects[] = {"sniff", "tunnel", "refuse"};
    if (!p->present)
        return json_null();
    return json_pack("{ss ss so}", "connect", connects[p->connect], "unmatched", p->unmatched == CONFIG_UNMATCHED_DIRECT ? "direct" : "refuse",
                     "direct", strings_json(&p->direct));
}

static json_t *by_name_json(const struct config_tls *tls)
{
    static const char *const asks[] = {"none", "optional", "required"};
    json_t *list = json_array();
    for (size_t i = 0; i < tls->n_identities; i++) {
        const struct config_sni *sni = &tls->identities[i];
        json_array_append_new(list, json_pack("{so so so ss}", "hosts", strings_json(&sni->hosts), "identity", daemon_json_text(sni->identity), "trust",
                                              daemon_json_text(sni->trust), "client_cert", asks[sni->client_cert]));
    }
    return list;
}

static json_t *listener_json(const struct config_listener *l)
{
    static const char *const asks[] = {"none", "optional", "required"};
    const struct config_strings binds = {l->bind_text, l->n_bind};
    json_t *json = json_pack("{so so ss sb so so ss so sI}", "name", daemon_json_text(l->name), "bind", strings_json(&binds), "protocol",
                             l->protocol == CONFIG_PROTOCOL_TCP ? "tcp" : "http", "tls", l->tls.present, "identity",
                             daemon_json_text(l->tls.identity), "trust", daemon_json_text(l->tls.trust), "client_cert", asks[l->tls.client_cert],
                             "upstream", daemon_json_text(l->upstream), "allow_rules", (json_int_t)l->n_allow);
    json_t *more = json_pack("{so so sb sb so so}", "routes", routes_json(l), "forward_proxy", forward_proxy_json(&l->forward_proxy),
                             "accept_proxy_protocol", l->accept_proxy_protocol, "guards_browsers", l->guards_browsers, "hosts",
                             strings_json(&l->hosts), "allow_origins", strings_json(&l->allow_origins));
    json_object_update(json, more);
    json_decref(more);
    json_object_set_new(json, "identities", by_name_json(&l->tls));
    return json;
}

static json_t *sheet_json(const struct check_sheet *s)
{
    json_t *json = json_pack("{so sb so}", "config", daemon_json_text(s->path), "ok", !findings_failed(s->findings) && s->findings->faults == 0, "findings",
                             findings_json(s->findings));
    if (json == NULL || s->snapshot == NULL)
        return json;
    json_t *listeners = json_array();
    for (size_t i = 0; i < s->snapshot->config->n_listeners; i++)
        json_array_append_new(listeners, listener_json(&s->snapshot->config->listeners[i]));
    json_object_set_new(json, "identities", identities_json(s));
    json_object_set_new(json, "trusts", trusts_json(s));
    json_object_set_new(json, "upstreams", upstreams_json(s->snapshot->config));
    json_object_set_new(json, "listeners", listeners);
    if (s->connect != NULL)
        json_object_set_new(json, "connections", check_connect_json(s->connect, s->now));
    return json;
}

int check_sheet_json(const struct check_sheet *s, struct bytes *out)
{
    return daemon_json_write(sheet_json(s), out);
}
