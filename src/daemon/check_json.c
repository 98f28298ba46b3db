/* SPDX-License-Identifier: Apache-2.0 */
#include "check_sheet.h"
#include "daemon_json.h"

#include <jansson.h>
#include <stdlib.h>

static const char *const levels[] = {[FINDING_NOTE] = "note", [FINDING_WARNING] = "warning", [FINDING_ERROR] = "error"};

static json_t *findings_json(const struct findings *findings)
{
    json_t *list = json_array();
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        json_array_append_new(list, json_pack("{ss so so}", "level", levels[f->level], "where", daemon_json_text(f->where), "text",
                                              daemon_json_text(f->text)));
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

static json_t *trusts_json(const struct check_sheet *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->snapshot->n_trusts; i++) {
        const struct snapshot_trust *t = &s->snapshot->trusts[i];
        struct tls_trust_facts f = {0};
        if (t->tls != NULL)
            tls_trust_facts(t->tls, &f);
        json_array_append_new(list, json_pack("{so sI sI sI sI sI}", "name", daemon_json_text(t->conf != NULL ? t->conf->name : "system"),
                                              "cas", (json_int_t)f.n_ca, "crls", (json_int_t)f.n_crl, "revoked", (json_int_t)f.n_revoked,
                                              "first_not_after", (json_int_t)f.first_not_after, "first_next_update",
                                              (json_int_t)f.first_next_update));
    }
    return list;
}

static json_t *upstreams_json(const struct config *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < c->n_upstreams; i++) {
        const struct config_upstream *u = &c->upstreams[i];
        json_array_append_new(list, json_pack("{so so sb so so}", "name", daemon_json_text(u->name), "target",
                                              daemon_json_text(u->targets[0].text), "tls", u->tls.present, "identity",
                                              daemon_json_text(u->tls.identity), "trust", daemon_json_text(u->tls.trust)));
    }
    return list;
}

static json_t *listener_json(const struct config_listener *l)
{
    static const char *const asks[] = {"none", "optional", "required"};
    json_t *binds = json_array();
    for (size_t i = 0; i < l->n_bind; i++)
        json_array_append_new(binds, daemon_json_text(l->bind_text[i]));
    return json_pack("{so so ss sb so so ss so sI}", "name", daemon_json_text(l->name), "bind", binds, "protocol",
                     l->protocol == CONFIG_PROTOCOL_TCP ? "tcp" : "http", "tls", l->tls.present, "identity",
                     daemon_json_text(l->tls.identity), "trust", daemon_json_text(l->tls.trust), "client_cert", asks[l->tls.client_cert],
                     "upstream", daemon_json_text(l->upstream), "allow_rules", (json_int_t)l->n_allow);
}

static json_t *sheet_json(const struct check_sheet *s)
{
    json_t *json = json_pack("{so sb so}", "config", daemon_json_text(s->path), "ok", !findings_failed(s->findings), "findings",
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
