/* SPDX-License-Identifier: Apache-2.0 */
#include "status_doc.h"
#include "target_name.h"

#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CAS_SHOWN = 100 };

/* jansson's setters take NULL values and then fail, so a document is built without a check at each step: "bad" remembers. */
struct doc {
    json_t *root;
    bool bad;
};

static void put(struct doc *d, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        d->bad = true;
}

/* Certificates hold what their makers liked; bytes that are not UTF-8 are shown as question marks rather than lose the document. */
static json_t *text_value(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL)
        return value;
    char *copy = strdup(text);
    for (char *c = copy; c != NULL && *c != '\0'; c++)
        if ((unsigned char)*c > 0x7e)
            *c = '?';
    value = copy != NULL ? json_string(copy) : NULL;
    free(copy);
    return value;
}

static void put_text(struct doc *d, json_t *object, const char *key, const char *text)
{
    put(d, object, key, text != NULL ? text_value(text) : json_null());
}

static void put_number(struct doc *d, json_t *object, const char *key, uint64_t n)
{
    put(d, object, key, json_integer((json_int_t)n));
}

static void put_time(struct doc *d, json_t *object, const char *key, int64_t seconds)
{
    char text[21];
    text_utc(text, seconds);
    put_text(d, object, key, seconds != 0 ? text : NULL);
}

static json_t *add_object(struct doc *d, json_t *array)
{
    json_t *object = json_object();
    if (json_array_append_new(array, object) == 0)
        return object;
    d->bad = true; /* the object is gone, and setting a member of NULL fails without harm */
    return NULL;
}

/* Whole days, rounded down, so that 0 means "less than a day" and a negative number "over". */
static json_t *refused_value(struct doc *d, const struct counters_row *row)
{
    json_t *object = json_object();
    for (size_t i = 0; row != NULL && i < REASON_COUNT; i++)
        if (row->refused[i] > 0)
            put_number(d, object, reason_word((enum reason)i), row->refused[i]);
    return object;
}

static void put_listener_counts(struct doc *d, json_t *o, const struct counters_row *row)
{
    static const struct counters_row nothing;
    static const char *const classes[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    row = row != NULL ? row : &nothing;
    put_number(d, o, "connections_open", row->connections_open);
    put_number(d, o, "connections_total", row->connections_accepted);
    put_number(d, o, "requests_total", row->requests);
    put_number(d, o, "handshakes_total", row->handshakes_ok);
    put_number(d, o, "would_refuse", row->would_refuse);
    put_number(d, o, "bytes_in", row->bytes_down_in);
    put_number(d, o, "bytes_out", row->bytes_down_out);
    json_t *answers = json_object();
    for (size_t i = 1; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (row->answers[i] > 0)
            put_number(d, answers, classes[i], row->answers[i]);
    put(d, o, "answers", answers);
    put(d, o, "refused", refused_value(d, row));
}

static json_t *last_value(struct doc *d, const struct counters_row *row)
{
    json_t *array = json_array();
    char who[COUNTERS_WHO_SIZE];
    uint64_t when;
    for (size_t i = 0; i < COUNTERS_LAST; i++) {
        if (!counters_last_get(&row->last[i], who, &when))
            continue;
        json_t *o = add_object(d, array);
        put_text(d, o, "who", who);
        put_time(d, o, "time", (int64_t)when);
    }
    return array;
}

/* The clients that would be refused if a valid certificate were required; null if it is, or if none is requested. */
static json_t *enforcing_value(struct doc *d, const struct config_tls *tls, const struct counters_row *row)
{
    static const struct counters_row nothing;
    uint64_t callers = 0, refused = 0;
    if (!tls->present || !config_tls_asks(tls) || config_tls_statuses(tls) == UINT64_C(1) << REASON_VALID)
        return json_null();
    row = row != NULL ? row : &nothing;
    json_t *o = json_object(), *statuses = json_object();
    for (size_t i = 0; i < COUNTERS_STATUSES; i++) {
        const struct counters_judged *judged = &row->judged[i];
        callers += judged->connections;
        if (i == REASON_VALID || (judged->connections == 0 && judged->requests == 0))
            continue;
        json_t *status = json_object();
        refused += judged->connections;
        put_number(d, status, "connections", judged->connections);
        put_number(d, status, "requests", judged->requests);
        put_time(d, status, "last", (int64_t)judged->last);
        put(d, statuses, reason_word((enum reason)i), status);
    }
    put_number(d, o, "callers", callers);
    put_number(d, o, "would_be_refused", refused);
    put(d, o, "statuses", statuses);
    put(d, o, "last", last_value(d, row));
    return o;
}

static const char *client_cert_word(const struct config_tls *tls)
{
    switch (tls->client_cert) {
    case CONFIG_CLIENT_CERT_NONE:
        return "none";
    case CONFIG_CLIENT_CERT_OPTIONAL:
        return "optional";
    case CONFIG_CLIENT_CERT_REQUIRED:
        break;
    }
    return "required";
}

static const char *goes_to(const struct plan_route *route)
{
    if (route->upstream != NULL)
        return route->upstream->conf->name;
    return route->conf->redirect != NULL ? "redirect" : route->conf->respond != 0 ? "respond" : "direct";
}

/* None where all goes one way: the listener's own numbers say as much. */
static json_t *routes_value(struct doc *d, const struct admin_view *view, const struct plan_listener *l)
{
    json_t *array = json_array();
    for (size_t i = 0; l->n_routes > 1 && i < l->n_routes; i++) {
        const struct counters_route *row = counters_find_route(view->counters, l->conf->name, i + 1);
        json_t *o = add_object(d, array);
        put_number(d, o, "number", i + 1);
        put_text(d, o, "where", l->routes[i].conf->where);
        put_text(d, o, "to", goes_to(&l->routes[i]));
        put_number(d, o, "hits", row != NULL ? row->hits : 0);
        put_number(d, o, "refused", row != NULL ? row->refused : 0);
    }
    return array;
}

/* By server name; none where one identity is for all. */
static json_t *by_name_value(struct doc *d, const struct config_tls *tls)
{
    json_t *array = json_array();
    for (size_t i = 0; i < tls->n_identities; i++) {
        const struct config_tls policy = config_tls_policy(tls, i);
        json_t *o = add_object(d, array), *hosts = json_array();
        for (size_t k = 0; k < tls->identities[i].hosts.n; k++)
            if (json_array_append_new(hosts, text_value(tls->identities[i].hosts.items[k])) != 0)
                d->bad = true;
        put(d, o, "hosts", hosts);
        put_text(d, o, "identity", policy.identity);
        put_text(d, o, "trust", policy.trust);
        put_text(d, o, "client_cert", client_cert_word(&policy));
    }
    return array;
}

static json_t *listeners_value(struct doc *d, const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_listeners; i++) {
        const struct config_listener *conf = view->snapshot->listeners[i].conf;
        json_t *o = add_object(d, array), *bind = json_array();
        put_text(d, o, "name", conf->name);
        for (size_t k = 0; k < conf->n_bind; k++)
            if (json_array_append_new(bind, text_value(conf->bind_text[k])) != 0)
                d->bad = true;
        put(d, o, "bind", bind);
        put_text(d, o, "protocol", conf->protocol == CONFIG_PROTOCOL_HTTP ? "http" : "tcp");
        put(d, o, "tls", json_boolean(conf->tls.present));
        put_text(d, o, "identity", conf->tls.present ? conf->tls.identity : NULL);
        put_text(d, o, "trust", conf->tls.present ? conf->tls.trust : NULL);
        put_text(d, o, "client_cert", conf->tls.present ? client_cert_word(&conf->tls) : NULL);
        put(d, o, "identities", by_name_value(d, &conf->tls));
        put_text(d, o, "upstream", conf->upstream);
        put(d, o, "routes", routes_value(d, view, &view->snapshot->listeners[i]));
        put(d, o, "enforcing", enforcing_value(d, &conf->tls, counters_find_listener(view->counters, conf->name)));
        put_listener_counts(d, o, counters_find_listener(view->counters, conf->name));
    }
    return array;
}

static void put_upstream_counts(struct doc *d, json_t *o, const struct counters_row *row)
{
    static const struct counters_row nothing;
    row = row != NULL ? row : &nothing;
    put_number(d, o, "requests_total", row->upstream_requests);
    put_number(d, o, "retries_total", row->retries);
    put_number(d, o, "connects_total", row->upstream_connects);
    put_number(d, o, "handshakes_total", row->upstream_handshakes_ok);
    put_number(d, o, "resumed_total", row->upstream_resumed);
    put_number(d, o, "bytes_in", row->bytes_up_in);
    put_number(d, o, "bytes_out", row->bytes_up_out);
    put(d, o, "refused", refused_value(d, row));
}

/* The strongest first: an operator's word, a health check's, a failure's. */
static void put_state(struct doc *d, json_t *o, const struct admin_view *view, const struct plan_target *t)
{
    const struct target_state *target_state = view->snapshot->target_state;
    uint64_t until = target_state_held_until(target_state, t->index);
    bool held = until > view->now_us;
    const char *state = target_state_is_drained(target_state, t->index) ? "drained" : target_state_is_down(target_state, t->index) ? "down" : held ? "held" : "up";
    put_text(d, o, "state", state);
    put(d, o, "held_seconds", held ? json_integer((json_int_t)((until - view->now_us + 999999) / 1000000)) : json_null());
}

static json_t *targets_value(struct doc *d, const struct admin_view *view, const struct plan_upstream *up)
{
    static const struct counters_target nothing;
    json_t *array = json_array();
    for (size_t i = 0; i < up->n_targets; i++) {
        const struct plan_target *t = &up->targets[i];
        const struct counters_target *row = counters_find_target(view->counters, up->conf->name, target_name_label(t));
        json_t *o = add_object(d, array);
        row = row != NULL ? row : &nothing;
        put_text(d, o, "address", t->conf->text);
        put_text(d, o, "route", t->conf->route);
        put_number(d, o, "weight", t->conf->weight);
        put(d, o, "backup", json_boolean(t->conf->backup));
        put_state(d, o, view, t);
        put_number(d, o, "active", row->active);
        put_number(d, o, "requests_total", row->requests);
        put_number(d, o, "retries_total", row->retries);
        put_number(d, o, "failures_total", row->failures);
    }
    return array;
}

static json_t *upstreams_value(struct doc *d, const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_upstreams; i++) {
        const struct config_upstream *conf = view->snapshot->upstreams[i].conf;
        const char *trust = conf->tls.trust != NULL ? conf->tls.trust : "system";
        json_t *o = add_object(d, array);
        put_text(d, o, "name", conf->name);
        put(d, o, "targets", targets_value(d, view, &view->snapshot->upstreams[i]));
        put(d, o, "tls", json_boolean(conf->tls.present));
        put_text(d, o, "identity", conf->tls.present ? conf->tls.identity : NULL);
        put_text(d, o, "trust", conf->tls.present ? trust : NULL);
        put_text(d, o, "server_name", conf->tls.present ? conf->tls.server_name : NULL);
        put_upstream_counts(d, o, counters_find_upstream(view->counters, conf->name));
    }
    return array;
}

static json_t *identities_value(struct doc *d, const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_identities; i++) {
        struct tls_identity_facts facts;
        tls_identity_facts(view->snapshot->identities[i].tls, &facts);
        json_t *o = add_object(d, array);
        put_text(d, o, "name", view->snapshot->identities[i].conf->name);
        put_text(d, o, "subject", facts.subject);
        put_text(d, o, "issuer", facts.issuer);
        put_text(d, o, "key", facts.key_kind);
        put_text(d, o, "sha256", facts.sha256);
        put_time(d, o, "not_before", facts.not_before);
        put_time(d, o, "not_after", facts.not_after);
        put(d, o, "days_left", json_integer(text_days_left(facts.not_after, view->now)));
        put_number(d, o, "chain_length", facts.chain_length);
    }
    return array;
}

static void put_days(struct doc *d, json_t *o, const char *key, int64_t now, int64_t when)
{
    put(d, o, key, when != 0 ? json_integer(text_days_left(when, now)) : json_null());
}

/* Whose certificates could be revoked without our knowing: each CA with the list that covers it, or none. Only where lists are used at all. */
static json_t *coverage_value(struct doc *d, const struct tls_trust *trust, int64_t now)
{
    json_t *array = json_array();
    struct tls_trust_ca ca;
    for (size_t i = 0; i < CAS_SHOWN && tls_trust_ca(trust, i, &ca); i++) {
        json_t *o = add_object(d, array);
        put_text(d, o, "ca", ca.name);
        put(d, o, "covered", json_boolean(ca.covered));
        put_number(d, o, "revoked", ca.n_revoked);
        put_time(d, o, "next_update", ca.next_update);
        put(d, o, "stale", json_boolean(ca.covered && now > ca.next_update));
    }
    return array;
}

static json_t *fetches_value(struct doc *d, const struct crl_fetch *fetches, const struct snapshot_trust *trust)
{
    json_t *array = json_array();
    for (size_t i = 0; i < trust->n_urls; i++) {
        const struct crl_fetch_item *item = NULL;
        for (size_t k = 0; fetches != NULL && k < fetches->n && item == NULL; k++)
            item = strcmp(fetches->items[k].url, trust->urls[i].url) == 0 ? &fetches->items[k] : NULL;
        json_t *o = add_object(d, array);
        put_text(d, o, "url", trust->urls[i].url);
        put(d, o, "in_use", json_boolean(atomic_load(&trust->urls[i].held)));
        put_time(d, o, "last_success", item != NULL ? item->succeeded : 0);
        put_time(d, o, "next_attempt", item != NULL && !item->busy ? item->due : 0);
        put_text(d, o, "last_error", item != NULL && item->error[0] != '\0' ? item->error : NULL);
    }
    return array;
}

static json_t *trusts_value(struct doc *d, const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &view->snapshot->trusts[i];
        struct tls_trust_facts facts;
        tls_trust_facts(trust->tls, &facts);
        json_t *o = add_object(d, array);
        put_text(d, o, "name", trust->conf != NULL ? trust->conf->name : "system");
        put_number(d, o, "cas", facts.n_ca);
        put_time(d, o, "not_after", facts.first_not_after);
        put_days(d, o, "days_left", view->now, facts.first_not_after);
        put_number(d, o, "crls", facts.n_crl);
        put_number(d, o, "revoked", facts.n_revoked);
        put_time(d, o, "crl_next_update", facts.first_next_update);
        put_days(d, o, "crl_days_left", view->now, facts.first_next_update);
        put_number(d, o, "crl_generation", facts.generation);
        if (facts.n_crl > 0)
            put(d, o, "crl_coverage", coverage_value(d, trust->tls, view->now));
        if (trust->n_urls > 0)
            put(d, o, "crl_fetch", fetches_value(d, view->fetches, trust));
    }
    return array;
}

static json_t *refusals_value(struct doc *d, const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->n_refusals; i++) {
        const struct refusal *r = &view->refusals[i];
        json_t *o = add_object(d, array);
        put_time(d, o, "time", r->when);
        put_time(d, o, "first", r->first);
        put_number(d, o, "count", r->count);
        put_text(d, o, "reason", reason_word(r->reason));
        put_text(d, o, "listener", r->listener[0] != '\0' ? r->listener : NULL);
        put_text(d, o, "upstream", r->upstream[0] != '\0' ? r->upstream : NULL);
        put_text(d, o, "peer_subject", r->peer_subject[0] != '\0' ? r->peer_subject : NULL);
        put_text(d, o, "detail", r->detail);
        put_text(d, o, "hint", r->hint != NULL ? r->hint : reason_row(r->reason)->hint);
    }
    return array;
}

static json_t *last_reload_value(struct doc *d, const struct admin_view *view)
{
    if (view->last_reload == 0)
        return json_null();
    json_t *o = json_object();
    put_time(d, o, "time", view->last_reload);
    put_text(d, o, "result", view->last_reload_error == NULL ? "reloaded" : "refused");
    put_text(d, o, "error", view->last_reload_error);
    return o;
}

/* jansson goes on when a key could not be written, and the rest would follow behind the hole: the first failure is sticky here. */
struct sink {
    struct bytes *out;
    int rc;
};

static int append_piece(const char *text, size_t n, void *ctx)
{
    struct sink *sink = ctx;
    if (sink->rc == 0)
        sink->rc = bytes_append(sink->out, text, n);
    return sink->rc;
}

static int finish(struct doc *d, struct bytes *out)
{
    struct sink sink = {out, 0};
    int rc = d->bad || d->root == NULL ? -1 : json_dump_callback(d->root, append_piece, &sink, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(d->root);
    return rc == 0 && sink.rc == 0 ? bytes_append_str(out, "\n") : -1;
}

static json_t *room_value(struct doc *d, const struct admin_room *room)
{
    json_t *o = json_object();
    put_number(d, o, "open", room->clients);
    put_number(d, o, "most", room->most_clients);
    put_number(d, o, "descriptors", room->descriptors);
    put_number(d, o, "most_descriptors", room->most_descriptors);
    put_number(d, o, "most_per_client", room->most_per_client);
    put_number(d, o, "refused_total", room->refused);
    put(d, o, "full", json_boolean(room->full));
    return o;
}

int status_doc_status(struct bytes *out, const struct admin_view *view)
{
    struct doc d = {.root = json_object()};
    put_text(&d, d.root, "version", view->version);
    put_text(&d, d.root, "config", view->snapshot->config->path);
    put_number(&d, d.root, "generation", view->snapshot->generation);
    put_time(&d, d.root, "now", view->now);
    put_time(&d, d.root, "started", view->started);
    put_number(&d, d.root, "uptime_seconds", view->now > view->started ? (uint64_t)(view->now - view->started) : 0);
    put_number(&d, d.root, "workers", view->workers);
    put(&d, d.root, "ready", json_boolean(view->ready && !view->draining));
    put(&d, d.root, "draining", json_boolean(view->draining));
    put(&d, d.root, "connections", room_value(&d, &view->room));
    put(&d, d.root, "last_reload", last_reload_value(&d, view));
    put(&d, d.root, "listeners", listeners_value(&d, view));
    put(&d, d.root, "upstreams", upstreams_value(&d, view));
    put(&d, d.root, "identities", identities_value(&d, view));
    put(&d, d.root, "trusts", trusts_value(&d, view));
    put(&d, d.root, "refusals", refusals_value(&d, view));
    return finish(&d, out);
}

int status_doc_refusals(struct bytes *out, const struct admin_view *view)
{
    struct doc d = {.root = json_object()};
    put(&d, d.root, "refusals", refusals_value(&d, view));
    return finish(&d, out);
}

int status_doc_reload(struct bytes *out, const struct admin_reload *result)
{
    struct doc d = {.root = json_object()};
    json_t *array = json_array();
    put_text(&d, d.root, "result", result->ok ? "reloaded" : "refused");
    put_number(&d, d.root, "generation", result->generation);
    for (size_t i = 0; i < result->findings->n; i++) {
        const struct finding *f = &result->findings->items[i];
        json_t *o = add_object(&d, array);
        put_text(&d, o, "level", finding_level_word(f->level));
        put_text(&d, o, "where", f->where);
        put_text(&d, o, "text", f->text);
    }
    if (result->findings->out_of_memory) {
        json_t *o = add_object(&d, array);
        put_text(&d, o, "level", finding_level_word(FINDING_ERROR));
        put_text(&d, o, "where", "");
        put_text(&d, o, "text", "out of memory");
    }
    put(&d, d.root, "findings", array);
    return finish(&d, out);
}

int status_doc_word(struct bytes *out, const char *word, const char *detail)
{
    struct doc d = {.root = json_object()};
    put_text(&d, d.root, "result", word);
    if (detail != NULL)
        put_text(&d, d.root, "detail", detail);
    return finish(&d, out);
}
