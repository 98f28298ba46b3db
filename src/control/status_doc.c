/* SPDX-License-Identifier: Apache-2.0 */
#include "status_doc.h"
#include "readiness.h"
#include "target_name.h"

#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/control/fallback.h"
#include "mtlsd/control/sessions.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/balancer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CAS_SHOWN = 100 };

/* For keys that are not known beforehand. A failure makes the object NULL, as those of document_add do. */
static void put_number(json_t **object, const char *key, uint64_t n)
{
    if (json_object_set_new(*object, key, json_integer((json_int_t)n)) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static json_t *refused_value(const struct counters_row *row)
{
    json_t *object = json_object();
    for (size_t i = 0; i < REASON_COUNT; i++)
        if (row->refused[i] > 0)
            put_number(&object, reason_word((enum reason)i), row->refused[i]);
    return object;
}

static json_t *answers_value(const struct counters_row *row)
{
    static const char *const classes[] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    json_t *object = json_object();
    for (size_t i = 1; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (row->answers[i] > 0)
            put_number(&object, classes[i], row->answers[i]);
    return object;
}

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

/* Whole days, rounded down, so that 0 means "less than a day" and a negative number "over". */
static json_t *days_value(int64_t now, int64_t when)
{
    return when != 0 ? json_integer(text_days_left(when, now)) : json_null();
}

/* The end of the first to expire of the certificates that peers showed lately. */
static json_t *with_peer(json_t *o, const struct counters_row *row, int64_t now)
{
    return document_add(o, "peer_not_after:w peer_days_left:o", (int64_t)row->peer.not_after, days_value(now, (int64_t)row->peer.not_after));
}

static json_t *strings(const struct config_strings *list)
{
    return document_strings((const char *const *)list->items, list->n);
}

/* ---- listeners ---- */

static json_t *last_value(const struct counters_row *row)
{
    json_t *array = json_array();
    char who[COUNTERS_WHO_SIZE];
    uint64_t when;
    for (size_t i = 0; i < COUNTERS_LAST; i++)
        if (counters_last_get(&row->last[i], who, &when))
            array = document_append(array, document_object("who:t time:w", who, (int64_t)when));
    return array;
}

/* The clients that would be refused if a valid certificate were required; null if it is, or if none is requested. */
static json_t *enforcing_value(const struct config_tls *tls, const struct counters_row *row)
{
    uint64_t callers = 0, refused = 0;
    if (!tls->present || !config_tls_asks(tls) || config_tls_statuses(tls) == UINT64_C(1) << REASON_VALID)
        return json_null();
    json_t *statuses = document_object("");
    for (size_t i = 0; i < COUNTERS_STATUSES; i++) {
        const struct counters_judged *judged = &row->judged[i];
        callers += judged->connections;
        if (i == REASON_VALID || (judged->connections == 0 && judged->requests == 0))
            continue;
        char member[64];
        snprintf(member, sizeof(member), "%s:o", reason_word((enum reason)i));
        refused += judged->connections;
        statuses = document_add(statuses, member, document_object("connections:U requests:U last:w", judged->connections, judged->requests, (int64_t)judged->last));
    }
    return document_object("callers:U would_be_refused:U statuses:o last:o", callers, refused, statuses, last_value(row));
}

static const char *client_cert_word(const struct config_tls *tls)
{
    static const char *const words[] = {
        [CONFIG_CLIENT_CERT_NONE] = "none", [CONFIG_CLIENT_CERT_OPTIONAL] = "optional", [CONFIG_CLIENT_CERT_REQUIRED] = "required"};
    return words[tls->client_cert];
}

static const char *goes_to(const struct plan_route *route)
{
    if (route->upstream != NULL)
        return route->upstream->conf->name; /* of what we serve: "serve:dashboard" */
    return route->conf->redirect != NULL ? "redirect" : route->conf->respond != 0 ? "respond" : "direct";
}

/* Each upstream once, without our own pages. */
static json_t *leads_to_value(const struct admin_view *view, const struct plan_listener *l)
{
    bool *seen = calloc(view->snapshot->config->n_upstreams + 1, sizeof(*seen));
    json_t *array = seen != NULL ? json_array() : NULL;
    for (size_t i = 0; seen != NULL && i < l->n_routes; i++) {
        const struct plan_upstream *up = l->routes[i].upstream;
        if (up == NULL || up->conf->serves != CONFIG_SERVE_NONE || seen[up->index])
            continue;
        seen[up->index] = true;
        array = document_append(array, document_text(up->conf->name));
    }
    free(seen);
    return array;
}

/* None where all goes one way: the listener's own numbers say as much. */
static json_t *routes_value(const struct admin_view *view, const struct plan_listener *l)
{
    static const struct counters_route nothing;
    json_t *array = json_array();
    for (size_t i = 0; l->n_routes > 1 && i < l->n_routes; i++) {
        const struct counters_route *row = counters_find_route(view->counters, l->conf->name, i + 1);
        row = row != NULL ? row : &nothing;
        array = document_append(array, document_object("number:z where:t to:t hits:U refused:U", i + 1, l->routes[i].conf->where, goes_to(&l->routes[i]),
                                                       row->hits, row->refused));
    }
    return array;
}

/* Several identities, of which the peer's request chooses. */
static json_t *choices_value(const struct config_tls *tls)
{
    return tls->choices.n > 0 ? document_strings((const char *const *)tls->choices.items, tls->choices.n) : json_null();
}

/* By server name; none where one identity is for all. */
static json_t *by_name_value(const struct config_tls *tls)
{
    json_t *array = json_array();
    for (size_t i = 0; i < tls->n_identities; i++) {
        const struct config_tls policy = config_tls_policy(tls, i);
        array = document_append(array, document_object("hosts:o identity:t identity_choices:o trust:t client_cert:t", strings(&tls->identities[i].hosts),
                                                       policy.identity, choices_value(&policy), policy.trust, client_cert_word(&policy)));
    }
    return array;
}

static json_t *listeners_value(const struct admin_view *view)
{
    static const struct counters_row nothing;
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_listeners; i++) {
        const struct plan_listener *l = &view->snapshot->listeners[i];
        const struct config_listener *conf = l->conf;
        const struct config_tls *tls = &conf->tls;
        const struct config_strings bind = {conf->bind_text, conf->n_bind};
        const struct counters_row *row = counters_find_listener(view->counters, conf->name);
        row = row != NULL ? row : &nothing;
        json_t *o = document_object("name:t bind:o protocol:t tls:b identity:t trust:t client_cert:t", conf->name, strings(&bind),
                                    config_protocol_word(conf), tls->present, tls->present ? tls->identity : NULL,
                                    tls->present ? tls->trust : NULL, tls->present ? client_cert_word(tls) : NULL);
        o = document_add(o, "identity_choices:o identities:o upstream:t leads_to:o routes:o enforcing:o", choices_value(tls), by_name_value(tls), conf->upstream, leads_to_value(view, l), routes_value(view, l), enforcing_value(tls, row));
        o = document_add(o, "connections_open:U connections_total:U requests_total:U handshakes_total:U would_refuse:U", row->connections_open,
                         row->connections_accepted, row->requests, row->handshakes_ok, row->would_refuse);
        o = document_add(o, "bytes_in:U bytes_out:U answers:o refused:o", row->bytes_down_in, row->bytes_down_out, answers_value(row), refused_value(row));
        array = document_append(array, with_peer(o, row, view->now));
    }
    return array;
}

/* ---- upstreams ---- */

/* The strongest first: an operator's word, a health check's, a failure's. */
static json_t *with_state(json_t *o, const struct admin_view *view, const struct plan_target *t)
{
    const struct target_state *target_state = view->snapshot->target_state;
    uint64_t until = target_state_held_until(target_state, t->index);
    bool held = until > view->now_us;
    static const char *const modes[] = {[TARGET_DRAINED] = "drained", [TARGET_DISABLED] = "disabled"};
    const char *state = modes[target_state_mode(target_state, t->index)];
    if (state == NULL)
        state = target_state_is_down(target_state, t->index) ? "down" : held ? "held" : "up";
    return document_add(o, "state:t held_seconds:o", state, held ? json_integer((json_int_t)((until - view->now_us + 999999) / 1000000)) : json_null());
}

static json_t *targets_value(const struct admin_view *view, const struct plan_upstream *up)
{
    static const struct counters_target nothing;
    json_t *array = json_array();
    for (size_t i = 0; i < up->n_targets; i++) {
        const struct plan_target *t = &up->targets[i];
        const struct counters_target *row = counters_find_target(view->counters, up->conf->name, target_name_label(t));
        row = row != NULL ? row : &nothing;
        json_t *o = document_object("address:t route:t weight:i configured_weight:i backup:b", t->conf->text, t->conf->route,
                                    (int)balancer_weight(view->snapshot->target_state, t), (int)t->conf->weight, t->conf->backup);
        o = document_add(with_state(o, view, t), "active:U requests_total:U retries_total:U failures_total:U", row->active, row->requests, row->retries,
                         row->failures);
        array = document_append(array, o);
    }
    return array;
}

static const char *balance_word(const struct config_upstream *u)
{
    static const char *const words[] = {[CONFIG_BALANCE_ROUND_ROBIN] = "round_robin",
                                        [CONFIG_BALANCE_LEAST_CONN] = "least_conn",
                                        [CONFIG_BALANCE_RANDOM] = "random",
                                        [CONFIG_BALANCE_HASH] = "hash"};
    return words[u->balance];
}

static const char *sticky_word(const struct config_upstream *u)
{
    static const char *const words[] = {[CONFIG_STICKY_NONE] = NULL,
                                        [CONFIG_STICKY_SUFFIX] = "suffix",
                                        [CONFIG_STICKY_INSERT] = "insert",
                                        [CONFIG_STICKY_CLIENT_CERT] = "client_cert"};
    return words[u->sticky];
}

static json_t *upstreams_value(const struct admin_view *view)
{
    static const struct counters_row nothing;
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_upstreams - view->snapshot->config->n_served; i++) {
        const struct config_upstream *conf = view->snapshot->upstreams[i].conf;
        const struct config_tls *tls = &conf->tls;
        const char *trust = tls->trust != NULL ? tls->trust : "system";
        const struct counters_row *row = counters_find_upstream(view->counters, conf->name);
        row = row != NULL ? row : &nothing;
        json_t *o = document_object("name:t targets:o tls:b identity:t trust:t server_name:t", conf->name, targets_value(view, &view->snapshot->upstreams[i]),
                                    tls->present, tls->present ? tls->identity : NULL, tls->present ? trust : NULL, tls->present ? tls->server_name : NULL);
        o = document_add(o, "requests_total:U retries_total:U connects_total:U handshakes_total:U resumed_total:U bytes_in:U bytes_out:U refused:o",
                         row->upstream_requests, row->retries, row->upstream_connects, row->upstream_handshakes_ok, row->upstream_resumed, row->bytes_up_in,
                         row->bytes_up_out, refused_value(row));
        o = document_add(o, "balance:t sticky:t identities:o", balance_word(conf), sticky_word(conf), choices_value(tls));
        array = document_append(array, with_peer(o, row, view->now));
    }
    return array;
}

/* ---- identities and trusts ---- */

static json_t *identities_value(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_identities; i++) {
        struct tls_identity_facts f;
        tls_identity_facts(view->snapshot->identities[i].tls, &f);
        array = document_append(array, document_object("name:t subject:t issuer:t key:t sha256:t not_before:w not_after:w days_left:I chain_length:z fallback:t",
                                                       view->snapshot->identities[i].conf->name, f.subject, f.issuer, f.key_kind, f.sha256, f.not_before,
                                                       f.not_after, text_days_left(f.not_after, view->now), f.chain_length,
                                                       fallback_text(view->fallback, view->snapshot->identities[i].conf->name)));
    }
    return array;
}

/* Whose certificates could be revoked without our knowing: each CA with the list that covers it, or none. Only where lists are used at all. */
static json_t *coverage_value(const struct tls_trust *trust, int64_t now)
{
    json_t *array = json_array();
    struct tls_trust_ca ca;
    for (size_t i = 0; i < CAS_SHOWN && tls_trust_ca(trust, i, &ca); i++)
        array = document_append(array, document_object("ca:t covered:b revoked:z next_update:w stale:b", ca.name, ca.covered, ca.n_revoked, ca.next_update,
                                                       ca.covered && now > ca.next_update));
    return array;
}

static json_t *fetches_value(const struct crl_fetch *fetches, const struct snapshot_trust *trust)
{
    static const struct crl_fetch_item none;
    json_t *array = json_array();
    for (size_t i = 0; i < trust->n_urls; i++) {
        const struct crl_fetch_item *item = &none;
        for (size_t k = 0; fetches != NULL && k < fetches->n && item == &none; k++)
            item = strcmp(fetches->items[k].url, trust->urls[i].url) == 0 ? &fetches->items[k] : &none;
        array = document_append(array, document_object("url:t in_use:b last_success:w next_attempt:w last_error:t", trust->urls[i].url,
                                                       (int)atomic_load(&trust->urls[i].held), item->succeeded, item->busy ? INT64_C(0) : item->due,
                                                       text_or_null(item->error)));
    }
    return array;
}

static json_t *trusts_value(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        json_t *o = document_object("name:t cas:z not_after:w days_left:o crls:z revoked:z crl_next_update:w crl_days_left:o crl_generation:U",
                                    trust->conf != NULL ? trust->conf->name : "system", f.n_ca, f.first_not_after, days_value(view->now, f.first_not_after),
                                    f.n_crl, f.n_revoked, f.first_next_update, days_value(view->now, f.first_next_update), f.generation);
        if (f.n_crl > 0)
            o = document_add(o, "crl_coverage:o", coverage_value(trust->tls, view->now));
        if (trust->n_urls > 0)
            o = document_add(o, "crl_fetch:o", fetches_value(view->fetches, trust));
        array = document_append(array, o);
    }
    return array;
}

/* How many rows there are in each state. */
static json_t *states_value(const struct tls_registry_totals *totals)
{
    json_t *o = json_object();
    for (enum tls_registry_state s = TLS_REGISTRY_ACTIVE; s < TLS_REGISTRY_STATES; s++)
        if (totals->by_state[s] > 0)
            if (json_object_set_new(o, tls_registry_state_word(s), json_integer((json_int_t)totals->by_state[s])) != 0) {
                json_decref(o);
                return NULL;
            }
    return o;
}

/* null: connections are not written. */
static json_t *sessions_value(struct sessions *s)
{
    struct sessions_facts f;
    if (s == NULL)
        return json_null();
    sessions_facts(s, &f);
    return document_object("waiting:z written:U lost:U error:t", f.waiting, f.written, f.lost, f.error[0] != '\0' ? f.error : NULL);
}

static json_t *registries_value(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &view->snapshot->registries[i];
        struct tls_registry_facts f;
        char place[CONFIG_REGISTRY_PLACE];
        tls_registry_facts(r->rows, &f);
        config_registry_place(r->conf->database, place);
        bool fresh = f.loaded && view->now <= f.good_at + (int64_t)(r->conf->max_staleness_ms / 1000);
        array = document_append(array, document_object("name:t database:t loaded:b usable:b rows:z states:o by_key:z bytes:z read:w age:o error:t sessions:o", r->conf->name, place, f.loaded,
                                                       fresh, f.totals.rows, states_value(&f.totals), f.totals.by_key, f.totals.bytes, f.good_at,
                                                       f.loaded ? json_integer((json_int_t)(view->now - f.good_at)) : json_null(),
                                                       f.error[0] != '\0' ? f.error : NULL, sessions_value(r->sessions)));
    }
    return array;
}

/* ---- the process ---- */

static json_t *ours_value(const struct refusal_ours *ours)
{
    if (ours->subject[0] == '\0')
        return json_null();
    return document_object("subject:t issuer:t serial:t not_after:w accepted_cas:t", ours->subject, ours->issuer, ours->serial, ours->not_after,
                           text_or_null(ours->accepted_cas));
}

static json_t *refusals_value(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->n_refusals; i++) {
        const struct refusal *r = &view->refusals[i];
        array = document_append(array, document_object("time:w first:w age_seconds:I count:U reason:t listener:t upstream:t peer_subject:t ours:o detail:t hint:t", r->when, r->first, view->now - r->when,
                                                       r->count, reason_word(r->reason), text_or_null(r->listener), text_or_null(r->upstream),
                                                       text_or_null(r->peer_subject), ours_value(&r->ours), r->detail, r->hint != NULL ? r->hint : reason_row(r->reason)->hint));
    }
    return array;
}

static json_t *last_reload_value(const struct admin_view *view)
{
    if (view->last_reload == 0)
        return json_null();
    return document_object("time:w result:t error:t", view->last_reload, view->last_reload_error == NULL ? "reloaded" : "refused", view->last_reload_error);
}

/* One that succeeds is not told here: the new process has not failed yet. */
static json_t *last_handover_value(const struct admin_view *view)
{
    if (view->last_handover == 0)
        return json_null();
    return document_object("time:w result:t error:t", view->last_handover, "refused", view->last_handover_error != NULL ? view->last_handover_error : "out of memory");
}

static json_t *room_value(const struct admin_room *room)
{
    return document_object("open:U most:U descriptors:U most_descriptors:U most_per_client:U refused_total:U full:b", room->clients, room->most_clients,
                           room->descriptors, room->most_descriptors, room->most_per_client, room->refused, room->full);
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

/* Takes document; NULL: out of memory. */
static int finish(json_t *document, struct bytes *out)
{
    struct sink sink = {out, 0};
    int rc = document == NULL ? -1 : json_dump_callback(document, append_piece, &sink, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    json_decref(document);
    return rc == 0 && sink.rc == 0 ? bytes_append_str(out, "\n") : -1;
}

/* Landlock's version, 0 without; why: what is missing. */
static json_t *sandbox_value(const struct sandbox_facts *facts)
{
    if (facts == NULL)
        return json_null();
    return document_object("on:b landlock:i seccomp:b why:t", !facts->off, facts->files, facts->calls, text_or_null(facts->why));
}

static json_t *keys_value(const struct admin_keys *keys)
{
    return keys->pid != 0 ? document_object("process:b pid:i answers:b sandbox:o", true, keys->pid, !keys->silent, sandbox_value(keys->sandbox)) : document_object("process:b", false);
}

json_t *status_doc_value(const struct admin_view *view)
{
    struct readiness r;
    readiness_look(view, &r);
    json_t *o = document_object("version:t config:t generation:U now:w started:w uptime_seconds:I workers:i ready:b draining:b readiness:t", view->version,
                                view->snapshot->config->path, view->snapshot->generation, view->now, view->started,
                                view->now > view->started ? view->now - view->started : INT64_C(0), (int)view->workers, r.ready, view->draining, r.word);
    if (!r.ready)
        o = document_add(o, "not_ready_because:t", text_or_null(r.detail));
    o = document_add(o, "sandbox:o keys:o connections:o files_polled:b last_reload:o listeners:o upstreams:o", sandbox_value(view->sandbox),
                     keys_value(&view->keys), room_value(&view->room), view->files_polled, last_reload_value(view), listeners_value(view),
                     upstreams_value(view));
    o = document_add(o, "last_handover:o", last_handover_value(view));
    return document_add(o, "identities:o trusts:o registries:o refusals:o", identities_value(view), trusts_value(view), registries_value(view),
                        refusals_value(view));
}

int status_doc_status(struct bytes *out, const struct admin_view *view)
{
    return finish(status_doc_value(view), out);
}

int status_doc_refusals(struct bytes *out, const struct admin_view *view)
{
    return finish(document_object("refusals:o", refusals_value(view)), out);
}

static json_t *finding_value(enum finding_level level, const char *where, const char *text)
{
    return document_object("level:t where:t text:t", finding_level_word(level), where, text);
}

int status_doc_reload(struct bytes *out, const struct admin_reload *result)
{
    json_t *array = json_array();
    for (size_t i = 0; i < result->findings->n; i++) {
        const struct finding *f = &result->findings->items[i];
        array = document_append(array, finding_value(f->level, f->where, f->text));
    }
    if (result->findings->out_of_memory)
        array = document_append(array, finding_value(FINDING_ERROR, "", "out of memory"));
    return finish(document_object("result:t generation:U findings:o", result->ok ? "reloaded" : "refused", result->generation, array), out);
}

int status_doc_word(struct bytes *out, const char *word, const char *detail)
{
    json_t *o = document_object("result:t", word);
    return finish(detail != NULL ? document_add(o, "detail:t", detail) : o, out);
}
