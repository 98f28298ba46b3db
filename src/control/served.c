/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/served.h"

#include "answers.h"
#include "dashboard.h"
#include "status_doc.h"
#include "target_change.h"
#include "mtlsd/proxy/plan.h"

#include <stdio.h>
#include <string.h>

/* ---- what was asked ---- */

/* The last field of a name: what we add ourselves comes last. */
static struct span last_field(const struct http_head *head, const char *name)
{
    struct span value = span_of(NULL, 0);
    for (size_t i = 0; i < head->n_fields; i++)
        if (span_equals_nocase_str(head->fields[i].name, name))
            value = head->fields[i].value;
    return value;
}

static bool holds(struct span text, const char *part)
{
    return text.len > 0 && memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

static struct span query_of(const struct http_head *head)
{
    const uint8_t *mark = head->target.len > 0 ? memchr(head->target.ptr, '?', head->target.len) : NULL;
    return mark != NULL ? span_skip(head->target, (size_t)(mark - head->target.ptr) + 1) : span_of(NULL, 0);
}

static bool reads(const struct http_head *head)
{
    return span_equals_str(head->method, "GET") || span_equals_str(head->method, "HEAD");
}

static bool wants_json(const struct http_head *head)
{
    struct span accept = last_field(head, "accept");
    return span_equals_str(query_of(head), "json") || (holds(accept, "application/json") && !holds(accept, "text/html"));
}

static enum admin_action wrong_method(struct bytes *out, const char *allow)
{
    char field[48];
    struct bytes body;
    snprintf(field, sizeof(field), "Allow: %s\r\n", allow);
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = status_doc_word(&body, "refused", "this page takes no other method");
    return answers_done(answers_json(out, 405, field, &body, rc));
}

static enum admin_action refuse(struct bytes *out, unsigned status, const char *why)
{
    return answers_done(answers_word(out, status, "refused", why));
}

/* ---- changes ---- */

/* "https://host:port" is this page's when host and port are those that Host names; TLS may end before us. */
static bool is_own_origin(struct span origin, struct span host)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        size_t n = strlen(schemes[i]);
        if (origin.len > n && span_equals_nocase_str(span_of(origin.ptr, n), schemes[i]))
            return host.len > 0 && span_equals_nocase(span_skip(origin, n), host);
    }
    return false;
}

/* NULL when the page itself asks; else why not. */
static const char *forged_because(const struct served_question *q)
{
    struct span origin = last_field(q->head, "origin"), site = last_field(q->head, "sec-fetch-site");
    if (site.ptr != NULL && !span_equals_str(site, "same-origin"))
        return "another page sent this form: open the dashboard and use its own";
    if (origin.ptr != NULL && !is_own_origin(origin, last_field(q->head, "host")))
        return "another page sent this form: open the dashboard and use its own";
    if (!span_equals_secret(target_change_value(q->form, "nonce"), span_from_str(q->nonce)))
        return "the nonce is missing or old: reload the dashboard and press the button again";
    return NULL;
}

/* The name of a target stands in a form as in a path. */
static enum target_change_result read_change(const struct served_question *q, struct target_change *change)
{
    char path[3 * TARGET_NAME_MAX_BYTES + 32];
    struct span name = target_change_value(q->form, "target"), verb = target_change_value(q->form, "do");
    int n = snprintf(path, sizeof(path), "/targets/%.*s/%.*s", (int)name.len, (const char *)name.ptr, (int)verb.len, (const char *)verb.ptr);
    if (name.len == 0 || verb.len == 0 || n < 0 || (size_t)n >= sizeof(path))
        return TARGET_CHANGE_ELSEWHERE;
    return target_change_read(span_of(path, (size_t)n), q->form, change);
}

static enum admin_action see_page(struct bytes *out)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    return answers_done(answers_body(out, 303, "text/plain", "Location: ?\r\n", &body, 0));
}

static enum admin_action change_target(struct bytes *out, const struct served_question *q, const struct admin_view *view)
{
    char asked_by[320];
    struct target_change change;
    struct span caller = last_field(q->head, PLAN_CALLER_FIELD);
    const char *why = forged_because(q);
    if (why != NULL)
        return refuse(out, 403, why);
    if (read_change(q, &change) != TARGET_CHANGE_READ)
        return refuse(out, 400, "this form names no target and change: weights are 1 to 256, and 0 for the configured one");
    snprintf(asked_by, sizeof(asked_by), "%.*s on the dashboard", (int)(caller.len < 256 ? caller.len : 256), (const char *)caller.ptr);
    if (target_change_apply(view->snapshot, &change, asked_by) == 0)
        return refuse(out, 404, "no target has this name any more: reload the dashboard");
    return see_page(out);
}

/* ---- the page ---- */

static enum admin_action begin_stream(struct bytes *out, const struct served_question *q)
{
    if (q->full)
        return refuse(out, 503, "too many dashboards are open: close some, or reload this one by hand");
    return bytes_append_str(out, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
                                 "Connection: close\r\n\r\n") == 0
               ? ADMIN_STREAM
               : ADMIN_FAILED;
}

static enum admin_action answer_dashboard(struct bytes *out, const struct served_question *q, const struct admin_view *view)
{
    if (span_equals_str(q->head->method, "POST"))
        return change_target(out, q, view);
    if (!reads(q->head))
        return wrong_method(out, "GET, HEAD, POST");
    if (span_equals_str(query_of(q->head), "events") && span_equals_str(q->head->method, "GET"))
        return begin_stream(out, q);
    return wants_json(q->head) ? answers_status(out, view) : answers_page(out, view, q->nonce);
}

int served_event(struct bytes *out, const char *nonce, const struct admin_view *view)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = dashboard_main(&body, view, nonce);
    struct span rest = bytes_span(&body);
    while (rc == 0 && rest.len > 0) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t n = end != NULL ? (size_t)(end - rest.ptr) : rest.len;
        bytes_append_str(out, "data: ");
        bytes_append(out, rest.ptr, n);
        rc = bytes_append_str(out, "\n");
        rest = span_skip(rest, end != NULL ? n + 1 : n);
    }
    bytes_clear(&body);
    return rc == 0 ? bytes_append_str(out, "\n") : -1;
}

/* ---- all of them ---- */

static enum admin_action answer_health(struct bytes *out, const struct served_question *q, const struct admin_view *view)
{
    struct span path = span_of(q->head->target.ptr, q->head->target.len - query_of(q->head).len);
    return holds(path, "/livez") ? answers_livez(out, view) : answers_readyz(out, view);
}

/* Words alone: a refused client gets the same ones. */
static enum admin_action answer_outside(struct bytes *out, const struct served_question *q, const struct admin_view *view)
{
    struct span query = query_of(q->head), path = span_of(q->head->target.ptr, q->head->target.len - (query.ptr != NULL ? query.len + 1 : 0));
    bool live = span_equals_str(path, "/livez");
    if (!live && !span_equals_str(path, "/readyz"))
        return refuse(out, 404, "GET /livez /readyz");
    if (!reads(q->head))
        return wrong_method(out, "GET, HEAD");
    return live ? answers_livez(out, view) : answers_readyz_word(out, view);
}

/* Behind the head of the answer to HEAD nothing may follow. */
static void drop_body(struct bytes *out)
{
    const uint8_t *end = memmem(bytes_span(out).ptr, out->len, "\r\n\r\n", 4);
    struct bytes head;
    if (end == NULL)
        return;
    bytes_init(&head, out->max);
    if (bytes_append(&head, bytes_span(out).ptr, (size_t)(end + 4 - bytes_span(out).ptr)) == 0) {
        bytes_clear(out);
        bytes_take(&head, out);
    }
    bytes_clear(&head);
}

static enum admin_action answer(struct bytes *out, const struct served_question *q, const struct admin_view *view)
{
    if (q->outside)
        return answer_outside(out, q, view);
    if (q->what == CONFIG_SERVE_DASHBOARD)
        return answer_dashboard(out, q, view);
    if (!reads(q->head))
        return wrong_method(out, "GET, HEAD");
    if (q->what == CONFIG_SERVE_METRICS)
        return answers_metrics(out, view);
    return q->what == CONFIG_SERVE_HEALTH ? answer_health(out, q, view) : answers_status(out, view);
}

enum admin_action served_answer(struct bytes *out, const struct served_question *question, const struct admin_view *view)
{
    enum admin_action action = answer(out, question, view);
    if (action == ADMIN_ANSWERED && span_equals_str(question->head->method, "HEAD"))
        drop_body(out);
    return action;
}
