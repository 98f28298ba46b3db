/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_json.h"
#include "explain_sheet.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/policy/reason.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *span_json(struct span s)
{
    char *text = span_dup(s);
    json_t *value = text != NULL ? daemon_json_text(text) : NULL;
    free(text);
    return value;
}

static json_t *optional(const char *text)
{
    return text != NULL && text[0] != '\0' ? daemon_json_text(text) : json_null();
}

static json_t *request_json(const struct explain *e)
{
    if (e->head == NULL)
        return json_null();
    json_t *json = json_pack("{so so}", "method", span_json(e->head->method), "target", span_json(e->head->target));
    if (!e->has_target)
        return json;
    json_object_set_new(json, "form", json_string(explain_sheet_form(e->admission.target.form)));
    json_object_set_new(json, "host", span_json(e->admission.target.host));
    json_object_set_new(json, "port", e->admission.target.port != 0 ? json_integer(e->admission.target.port) : json_null());
    json_object_set_new(json, "path", span_json(e->admission.path));
    return json;
}

static json_t *certificate_json(const struct explain *e)
{
    if (e->trust == NULL)
        return json_null();
    json_t *problems = json_array();
    for (enum reason r = REASON_NONE; r < REASON_COUNT; r++)
        if ((e->verdict.all & (UINT64_C(1) << r)) != 0)
            json_array_append_new(problems, json_string(reason_word(r)));
    json_t *json = json_pack("{ss si so so}", "status", reason_word(e->verdict.status), "openssl_error", e->verdict.openssl_error, "problems",
                             problems, "detail", daemon_json_text(e->verdict.text));
    if (e->peer != NULL) {
        json_object_set_new(json, "subject", daemon_json_text(e->peer->subject));
        json_object_set_new(json, "issuer", daemon_json_text(e->peer->issuer));
        json_object_set_new(json, "sha256", daemon_json_text(e->peer->sha256));
    }
    return json;
}

static json_t *steps_json(const struct explain *e)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < EXPLAIN_STAGES; i++) {
        const struct explain_step *step = &e->steps[i];
        if (step->asked)
            json_array_append_new(list, json_pack("{ss sb ss so}", "stage", explain_sheet_stage(i), "passes",
                                                  step->reason == REASON_VALID, "reason", reason_word(step->reason), "detail",
                                                  daemon_json_text(step->text)));
    }
    return list;
}

static const char *miss_word(enum route_miss miss)
{
    static const char *const words[] = {NULL, "host", "path", "method", "cert", "caller"};
    return words[miss];
}

static json_t *routes_json(const struct explain *e, size_t n)
{
    static const char *const gates[] = {NULL, "open", "shut"};
    json_t *list = json_array();
    for (size_t i = 0; e->routes != NULL && i < n; i++) {
        const struct explain_route *r = &e->routes[i];
        json_t *json = json_pack("{so sb so so so so}", "where", daemon_json_text(r->where), "decides", i == e->admission.choice.index, "caller_differs_in",
                                 optional(miss_word(r->caller_miss)), "caller_detail", optional(r->caller_why), "gate", optional(gates[r->gate]),
                                 "gate_detail", optional(r->gate_why));
        if (e->has_target) {
            json_object_set_new(json, "matches", json_boolean(r->miss == ROUTE_MATCHES));
            json_object_set_new(json, "must_let_pass", json_boolean(r->also));
            json_object_set_new(json, "differs_in", optional(miss_word(r->miss)));
            json_object_set_new(json, "detail", optional(r->why));
        }
        json_array_append_new(list, json);
    }
    return list;
}

static void add_upstream(json_t *json, const struct config_upstream *up)
{
    json_t *targets = json_array();
    for (size_t i = 0; i < up->n_targets; i++)
        json_array_append_new(targets, daemon_json_text(up->targets[i].text));
    json_object_set_new(json, "upstream", daemon_json_text(up->name));
    json_object_set_new(json, "targets", targets);
}

static void add_edits(json_t *set, json_t *removed, const struct config_route *route)
{
    for (size_t i = 0; i < route->n_set_headers; i++)
        json_object_set_new(set, route->set_headers[i].name, daemon_json_text(route->set_headers[i].value));
    for (size_t i = 0; i < route->remove_headers.n; i++)
        json_array_append_new(removed, daemon_json_text(route->remove_headers.items[i]));
}

static void add_forward(json_t *json, const struct explain *e, const struct config_route *route, size_t n_routes)
{
    json_t *set = json_object(), *removed = json_array(), *dropped = json_array();
    add_edits(set, removed, route);
    for (size_t i = n_routes; i > 0; i--) /* the values of the first go before those of the others */
        if (e->routes[i - 1].also)
            add_edits(set, removed, e->routes[i - 1].conf);
    for (size_t i = 0; i < e->head->n_fields; i++)
        if (http_guard_is_owned(e->head->fields[i].name))
            json_array_append_new(dropped, span_json(e->head->fields[i].name));
    json_object_set_new(json, "target", span_json(bytes_span(&e->out_target)));
    json_object_set_new(json, "host", optional(e->out_host));
    json_object_set_new(json, "strip_prefix", optional(route->strip_prefix));
    json_object_set_new(json, "set_headers", set);
    json_object_set_new(json, "remove_headers", removed);
    json_object_set_new(json, "dropped", dropped);
}

static void add_refusal(json_t *json, const struct explain *e)
{
    const struct reason_row *row = reason_row(e->steps[e->stopped].reason);
    json_object_set_new(json, "stage", json_string(explain_sheet_stage(e->stopped)));
    json_object_set_new(json, "reason", json_string(row->word));
    json_object_set_new(json, "detail", daemon_json_text(e->steps[e->stopped].text));
    json_object_set_new(json, "hint", json_string(row->hint));
    if (e->stopped == EXPLAIN_HANDSHAKE)
        json_object_set_new(json, "alert", json_integer(row->alert));
    else
        json_object_set_new(json, "status", json_integer(row->http_status));
}

static json_t *answer_json(const struct explain_sheet *s)
{
    const struct explain *e = s->answer;
    const struct plan_listener *l = s->ask->listener;
    const struct plan_route *route = e->admission.choice.index != SIZE_MAX ? &l->routes[e->admission.choice.index] : NULL;
    json_t *json = json_pack("{ss so}", "action", explain_sheet_action(e->action), "where", optional(route != NULL ? e->routes[e->admission.choice.index].where : NULL));
    if (e->action == EXPLAIN_REFUSED)
        add_refusal(json, e);
    if (e->action == EXPLAIN_BYTES)
        add_upstream(json, l->routes[0].upstream->conf);
    if (e->action == EXPLAIN_REDIRECT || e->action == EXPLAIN_RESPOND) {
        json_object_set_new(json, "status", json_integer(e->action == EXPLAIN_REDIRECT ? route->conf->redirect_status : route->conf->respond));
        json_object_set_new(json, "location", optional(route->conf->redirect));
    }
    if (e->action == EXPLAIN_FORWARD) {
        add_upstream(json, route->upstream->conf);
        add_forward(json, e, route->conf, l->conf->n_routes);
    }
    return json;
}

int explain_sheet_json(const struct explain_sheet *s, struct bytes *out)
{
    const struct config_listener *l = s->ask->listener->conf;
    json_t *json = json_pack("{s{so so} so so so so so}", "listener", "name", daemon_json_text(l->name), "where", daemon_json_text(l->where),
                             "request", request_json(s->answer), "certificate", certificate_json(s->answer), "steps", steps_json(s->answer),
                             "routes", routes_json(s->answer, l->n_routes), "answer", answer_json(s));
    return daemon_json_write(json, out);
}
