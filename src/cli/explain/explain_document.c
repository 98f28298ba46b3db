/* SPDX-License-Identifier: Apache-2.0 */
#include "explain_sheet.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_values.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_engine.h"

#include <stdlib.h>

static const char *stage_word(unsigned stage)
{
    static const char *const words[EXPLAIN_STAGES] = {"handshake", "request", "path", "host", "browser", "loop", "program", "header", "caller", "routes", "destination"};
    return stage < EXPLAIN_STAGES ? words[stage] : "";
}

static const char *action_word(enum explain_action action)
{
    static const char *const words[] = {"refuse", "none", "forward", "redirect", "respond", "tunnel", "direct", "bytes", "serve"};
    return words[action];
}

static json_t *span_json(struct span s)
{
    char *text = span_dup(s);
    json_t *value = text != NULL ? document_text(text) : NULL;
    free(text);
    return value;
}

static json_t *optional(const char *text)
{
    return text != NULL && text[0] != '\0' ? document_text(text) : json_null();
}

static size_t chosen(const struct explain *e)
{
    return e->admission.choice.index;
}

/* ---- what was asked ---- */

static json_t *request_of(const struct explain *e)
{
    static const char *const forms[] = {"origin", "absolute", "authority", "asterisk"};
    const struct http_target *t = &e->admission.target;
    if (e->head == NULL)
        return json_null();
    json_t *json = document_object("method:o target:o version:t", span_json(e->head->method), span_json(e->head->target), e->head->minor == 0 ? "HTTP/1.0" : "HTTP/1.1");
    if (!e->has_target)
        return json;
    return document_add(json, "form:t host:o port:o path:o", forms[t->form], span_json(t->host), t->port != 0 ? json_integer(t->port) : json_null(),
                        span_json(e->admission.path));
}

/* Whether run asks the responder of such a client. NULL: it does not. */
static const char *ocsp_of(const struct explain_ask *ask, const struct explain *e)
{
    for (size_t i = 0; i < ask->snapshot->n_trusts; i++) {
        const struct snapshot_trust *t = &ask->snapshot->trusts[i];
        if (t->tls == e->trust && t->conf != NULL && t->conf->ocsp != CONFIG_OCSP_OFF)
            return t->conf->ocsp == CONFIG_OCSP_HARD ? "hard" : "soft";
    }
    return NULL;
}

static json_t *certificate_of(const struct explain_ask *ask, const struct explain *e)
{
    if (e->trust == NULL)
        return json_null();
    json_t *problems = json_array(), *findings = json_array();
    for (enum reason r = REASON_NONE; r < REASON_COUNT; r++) {
        if ((e->verdict.all & (UINT64_C(1) << r)) == 0)
            continue;
        problems = document_append(problems, json_string(reason_word(r)));
        findings = document_append(findings, document_object("reason:t title:t", reason_word(r), reason_row(r)->title));
    }
    json_t *json = document_object("status:t openssl_error:i problems:o findings:o detail:t ocsp:t", reason_word(e->verdict.status), e->verdict.openssl_error, problems,
                                   findings, e->verdict.text, ocsp_of(ask, e));
    return e->peer == NULL ? json : document_add(json, "subject:t issuer:t sha256:t", e->peer->subject, e->peer->issuer, e->peer->sha256);
}

static json_t *steps_of(const struct explain *e)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < EXPLAIN_STAGES; i++) {
        const struct explain_step *step = &e->steps[i];
        if (step->asked)
            list = document_append(list, document_object("stage:t passes:b reason:t detail:t", stage_word(i), step->reason == REASON_VALID,
                                                         reason_word(step->reason), step->text));
    }
    return list;
}

/* ---- the routes ---- */

static const char *miss_word(enum route_miss miss)
{
    static const char *const words[] = {NULL, "host", "path", "method", "cert", "caller"};
    return words[miss];
}

static const char *role_of(const struct explain *e, size_t i)
{
    const struct explain_route *r = &e->routes[i];
    if (!e->has_target)
        return r->caller_miss == ROUTE_MATCHES ? "matches this client" : "not this client";
    if (r->miss != ROUTE_MATCHES)
        return "no match";
    if (r->also)
        return chosen(e) == SIZE_MAX ? "does not decide alone" : "must accept it, too";
    if (chosen(e) == SIZE_MAX)
        return "is not asked";
    if (i == chosen(e))
        return e->stopped < EXPLAIN_ROUTES ? "would decide" : "DECIDES";
    return "would match, if it came first";
}

static json_t *routes_of(const struct explain *e, size_t n)
{
    static const char *const gates[] = {NULL, "open", "shut"};
    json_t *list = json_array();
    for (size_t i = 0; e->routes != NULL && i < n; i++) {
        const struct explain_route *r = &e->routes[i];
        bool asks_caller = r->conf->cert != 0 || r->conf->n_caller > 0;
        json_t *json = document_object("where:t decides:b role:t asks_caller:b caller_differs_in:o caller_detail:o gate:o gate_detail:o", r->where, i == chosen(e),
                                       role_of(e, i), asks_caller, optional(miss_word(r->caller_miss)), optional(r->caller_why), optional(gates[r->gate]),
                                       optional(r->gate_why));
        if (e->has_target)
            json = document_add(json, "matches:b must_let_pass:b differs_in:o detail:o", r->miss == ROUTE_MATCHES, r->also, optional(miss_word(r->miss)),
                                optional(r->why));
        list = document_append(list, json);
    }
    return list;
}

/* ---- the answer ---- */

static json_t *with_upstream(json_t *json, const struct config_upstream *up)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < up->n_targets; i++)
        targets = document_append(targets, document_text(up->targets[i].text));
    return document_add(json, "upstream:t upstream_where:t targets:o", up->name, up->where, targets);
}

/* Only a connection has them. */
static bool is_known(enum variable v)
{
    return (v < VARIABLE_TLS_VERSION || v > VARIABLE_CLIENT_PORT) && v != VARIABLE_REQUEST_ID;
}

/* A text with the values of this request and certificate; a variable that needs a connection stays as it is written. */
static json_t *value_of(const struct explain *e, const struct plan_listener *l, const struct config_route *route, const struct template *t, enum template_place place,
                        const char *written)
{
    char words[REASON_WORDS_SIZE];
    struct bytes out;
    for (size_t i = 0; t != NULL && i < t->n; i++)
        if (t->parts[i].text.len == 0 && !is_known(t->parts[i].variable))
            return document_text(written);
    if (t == NULL)
        return document_text(written);
    reason_words(e->verdict.status, e->verdict.all, words);
    struct http_values values = {.asks = config_tls_asks(&l->conf->tls), .verdict = &e->verdict, .words = words, .peer = e->peer, .method = e->head->method,
                                 .target = &e->admission.target, .path = e->admission.path, .listener = l->conf->name, .route = route->where};
    bytes_init(&out, 1 << 20);
    if (template_write(t, place, http_values_give, &values, &out) == TEMPLATE_VALUELESS && place == TEMPLATE_IN_FIELD)
        bytes_clear(&out);
    json_t *json = span_json(bytes_span(&out));
    bytes_clear(&out);
    return json;
}

static void add_edits(json_t **set, json_t **removed, const struct explain *e, const struct plan_listener *l, const struct plan_route *of)
{
    const struct config_route *route = of->conf;
    for (size_t i = 0; i < route->n_set_headers; i++) {
        const struct template *t = of->text != NULL ? of->text->fields[i].value : NULL;
        json_t *value = value_of(e, l, route, t, TEMPLATE_IN_FIELD, route->set_headers[i].value);
        if (t != NULL && value != NULL && json_string_value(value)[0] == '\0') { /* without a value it is only removed */
            json_decref(value);
            *removed = document_append(*removed, document_text(route->set_headers[i].name));
        } else if (json_object_set_new(*set, route->set_headers[i].name, value) != 0) {
            json_decref(*set);
            *set = NULL;
        }
    }
    for (size_t i = 0; i < route->remove_headers.n; i++)
        *removed = document_append(*removed, document_text(route->remove_headers.items[i]));
}

static json_t *added_by(const struct config_listener *l)
{
    const char *items[6];
    size_t n = 0;
    if (l->identity_headers & CONFIG_HEADERS_RFC9440)
        items[n++] = "the identity fields of rfc9440";
    if (l->identity_headers & CONFIG_HEADERS_X_SSL)
        items[n++] = "the identity fields of x-ssl";
    if (l->identity_headers & CONFIG_HEADERS_NGINX)
        items[n++] = "the identity fields of nginx";
    if ((l->identity_headers & CONFIG_HEADERS_XFCC) && l->xfcc == CONFIG_XFCC_SANITIZE_SET)
        items[n++] = "X-Forwarded-Client-Cert";
    if (l->forwarded != CONFIG_FORWARDED_OFF)
        items[n++] = l->forwarded == CONFIG_FORWARDED_X ? "X-Forwarded-For and similar fields" : "Forwarded";
    return document_strings(items, n);
}

static json_t *with_fields(json_t *json, const struct explain *e, const struct plan_listener *listener)
{
    const struct config_listener *l = listener->conf;
    bool passes_xfcc = (l->identity_headers & CONFIG_HEADERS_XFCC) && l->xfcc != CONFIG_XFCC_SANITIZE && l->xfcc != CONFIG_XFCC_SANITIZE_SET;
    json_t *set = json_object(), *removed = json_array(), *dropped = json_array(), *overrides = json_array();
    add_edits(&set, &removed, e, listener, &listener->routes[chosen(e)]);
    for (size_t i = l->n_routes; i > 0; i--) /* the values of the first go before those of the others */
        if (e->routes[i - 1].also)
            add_edits(&set, &removed, e, listener, &listener->routes[i - 1]);
    for (size_t i = 0; i < e->head->n_fields; i++) {
        struct span name = e->head->fields[i].name;
        if (http_guard_is_owned(name))
            dropped = document_append(dropped, span_json(name));
        else if (((l->has_path_rules || l->has_method_rules) && http_guard_is_override(name)) ||
                 (l->has_host_rules && http_guard_names_other_host(&e->head->fields[i], e->admission.target.host)))
            overrides = document_append(overrides, span_json(name));
    }
    return document_add(json, "set_headers:o remove_headers:o adds:o passes_xfcc:b dropped:o dropped_overrides:o", set, removed, added_by(l), passes_xfcc, dropped,
                        overrides);
}

static json_t *with_refusal(json_t *json, const struct explain *e, const struct config_listener *l)
{
    const struct explain_step *step = &e->steps[e->stopped];
    const struct reason_row *row = reason_row(step->reason);
    json = document_add(json, "stage:t reason:t detail:t hint:t contact:o", stage_word(e->stopped), row->word, step->text, row->hint, optional(l->contact));
    if (e->stopped != EXPLAIN_HANDSHAKE && l->protocol != CONFIG_PROTOCOL_TCP)
        return document_add(json, "status:i", (int)row->http_status);
    return document_add(json, "alert:i alert_name:o", row->alert, row->alert >= 0 ? document_text(tls_alert_name(row->alert)) : json_null());
}

static json_t *answer_of(const struct plan_listener *l, const struct explain *e)
{
    const struct plan_route *route = chosen(e) != SIZE_MAX ? &l->routes[chosen(e)] : NULL;
    json_t *json = document_object("action:t where:o", action_word(e->action), optional(route != NULL ? e->routes[chosen(e)].where : NULL));
    switch (e->action) {
    case EXPLAIN_REFUSED:
        return with_refusal(json, e, l->conf);
    case EXPLAIN_BYTES:
        return with_upstream(json, l->routes[e->by_name].upstream->conf);
    case EXPLAIN_REDIRECT:
    case EXPLAIN_RESPOND:
        return document_add(json, "status:i location:o body:o file:o type:o",
                            (int)(e->action == EXPLAIN_REDIRECT ? route->conf->redirect_status : route->conf->respond),
                            route->conf->redirect != NULL ? value_of(e, l, route->conf, route->text != NULL ? route->text->location : NULL, TEMPLATE_IN_URI, route->conf->redirect) : json_null(),
                            optional(route->conf->respond_body), optional(route->conf->respond_file), optional(route->conf->respond_type));
    case EXPLAIN_FORWARD:
        json = document_add(with_upstream(json, route->upstream->conf), "method:o target:o host:o strip_prefix:o", span_json(e->head->method),
                            span_json(bytes_span(&e->out_target)), optional(e->out_host), optional(route->conf->strip_prefix));
        return with_fields(json, e, l);
    case EXPLAIN_SERVE:
        return document_add(json, "page:t", config_serve_word(route->conf->serve));
    case EXPLAIN_TUNNEL:
    case EXPLAIN_DIRECT:
    case EXPLAIN_OPEN:
        break;
    }
    return json;
}

json_t *explain_sheet_document(const struct explain_ask *ask, const struct explain *answer)
{
    const struct plan_listener *l = ask->listener;
    json_t *listener = document_object("name:t where:t", l->conf->name, l->conf->where);
    return document_object("listener:o request:o certificate:o certificate_given:b steps:o routes:o answer:o", listener, request_of(answer), certificate_of(ask, answer),
                           ask->n_ders > 0, steps_of(answer), routes_of(answer, l->conf->n_routes), answer_of(l, answer));
}
