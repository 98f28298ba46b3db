/* SPDX-License-Identifier: Apache-2.0 */
#include "status_traffic.h"
#include "target_name.h"

#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/tls/tls_intercept.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/balancer.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

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

/* The end of the first to expire of the certificates that peers showed lately. */
static json_t *with_peer(json_t *o, const struct counters_row *row, int64_t now)
{
    return document_add(o, "peer_not_after:w peer_days_left:o", (int64_t)row->peer.not_after, document_days((int64_t)row->peer.not_after, now));
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

static json_t *intercept_value(const struct admin_view *view, const struct tls_intercept *intercept)
{
    struct tls_intercept_facts f;
    if (intercept == NULL)
        return json_null();
    tls_intercept_facts(intercept, &f);
    return document_object("ca:t not_after:w days_left:I hosts:o", f.ca, f.not_after, text_days_left(f.not_after, view->now), document_strings(f.hosts, f.n_hosts));
}

json_t *status_traffic_listeners(const struct admin_view *view)
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
        o = document_add(o, "intercept:o", intercept_value(view, l->intercept));
        o = document_add(o, "connections_open:U connections_total:U requests_total:U handshakes_total:U would_refuse:U", row->connections_open,
                         row->connections_accepted, row->requests, row->handshakes_ok, row->would_refuse);
        if (row->unanswered > 0)
            o = document_add(o, "unanswered_total:U", row->unanswered);
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

json_t *status_traffic_upstreams(const struct admin_view *view)
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
        if (row->staples_ignored > 0)
            o = document_add(o, "staples_ignored_total:U staple_ignored:t", row->staples_ignored,
                             target_state_staple_fault(view->snapshot->target_state, view->snapshot->upstreams[i].targets[0].index));
        o = document_add(o, "balance:t sticky:t identities:o", balance_word(conf), sticky_word(conf), choices_value(tls));
        array = document_append(array, with_peer(o, row, view->now));
    }
    return array;
}
