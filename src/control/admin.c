/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/admin.h"
#include "mtlsd/control/renewal.h"

#include "mtlsd/policy/reason.h"
#include "answers.h"
#include "status_doc.h"
#include "target_change.h"

#include <string.h>

int admin_answer_error(struct bytes *out, unsigned status, const char *detail)
{
    return answers_word(out, status, "refused", detail);
}

static enum admin_action post_reload(struct bytes *out, const struct admin_view *view)
{
    if (view->draining)
        return answers_done(admin_answer_error(out, 409, "the daemon is draining and accepts no new configuration"));
    return ADMIN_RELOAD;
}

static enum admin_action post_drain(struct bytes *out, const struct admin_view *view)
{
    if (view->draining)
        return answers_done(answers_word(out, 202, "draining", "the daemon was already draining"));
    return answers_word(out, 202, "draining", NULL) == 0 ? ADMIN_DRAIN : ADMIN_FAILED;
}

static const struct endpoint {
    const char *path;
    const char *method;
    enum admin_action (*answer)(struct bytes *out, const struct admin_view *view);
} endpoints[] = {
    {"/status", "GET", answers_status}, {"/dashboard", "GET", answers_dashboard},   {"/refusals", "GET", answers_refusals}, {"/metrics", "GET", answers_metrics}, {"/livez", "GET", answers_livez},
    {"/readyz", "GET", answers_readyz},   {"/reload", "POST", post_reload},   {"/drain", "POST", post_drain},
};

/* Fields that only a browser sends. "sec-fetch-" stands for all that begin so. */
static bool is_browser_field(struct span name)
{
    static const char *const names[] = {"origin", "referer", "access-control-request-method", "access-control-request-headers",
                                        "access-control-request-private-network"};
    size_t n = strlen("sec-fetch-");
    if (name.len > n && span_equals_nocase_str(span_of(name.ptr, n), "sec-fetch-"))
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (span_equals_nocase_str(name, names[i]))
            return true;
    return false;
}

static bool is_port(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0 && s.len <= 5;
}

/* A name that a rebinding page could not have brought along: this host by a literal, or the word curl users write. */
static bool is_own_host(struct span host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(names[i]);
        if (host.len < n || !span_equals_nocase_str(span_of(host.ptr, n), names[i]))
            continue;
        struct span rest = span_skip(host, n);
        if (rest.len == 0 || (rest.ptr[0] == ':' && is_port(span_skip(rest, 1))))
            return true;
    }
    return false;
}

/* NULL when a program on this host asks; else what gave the request away. */
static const char *foreign_because(const struct http_head *rq)
{
    size_t hosts = 0;
    for (size_t i = 0; i < rq->n_fields; i++) {
        if (is_browser_field(rq->fields[i].name))
            return "requests from web pages are refused";
        if (!span_equals_nocase_str(rq->fields[i].name, "host"))
            continue;
        if (hosts++ > 0 || !is_own_host(rq->fields[i].value))
            return "Host must be localhost";
    }
    return hosts == 1 ? NULL : "Host must be localhost";
}

static struct span path_of(struct span target)
{
    const uint8_t *query = target.len > 0 ? memchr(target.ptr, '?', target.len) : NULL;
    return query != NULL ? span_of(target.ptr, (size_t)(query - target.ptr)) : target;
}

static struct span query_of(struct span target)
{
    return span_skip(target, path_of(target).len < target.len ? path_of(target).len + 1 : target.len);
}

static enum admin_action wrong_method(struct bytes *out, bool reads)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = status_doc_word(&body, "refused", reads ? "use GET" : "this request changes the state: use POST");
    return answers_done(answers_json(out, 405, reads ? "Allow: GET\r\n" : "Allow: POST\r\n", &body, rc));
}

/* ---- targets ---- */

static enum admin_action change_target(struct bytes *out, const struct target_change *change, const struct admin_view *view, const char *asked_by)
{
    static const char *const details[] = {
        [TARGET_ENABLED] = NULL,
        [TARGET_DRAINED] = "it gets no new sessions; existing ones continue",
        [TARGET_DISABLED] = "it gets no requests; its sessions go to other targets",
    };
    if (target_change_apply(view->snapshot, change, asked_by) == 0)
        return answers_done(admin_answer_error(out, 404, "no target has this name: write UPSTREAM/ROUTE, or UPSTREAM/ADDRESS without a route"));
    const char *detail = change->weighs ? change->weight == 0 ? "as configured" : NULL : details[change->mode];
    return answers_done(answers_word(out, 200, target_change_word(change), detail));
}

/* POST /targets/NAME/drain, disable, enable, weight. False: the path is another. */
static bool answer_target(struct bytes *out, const struct admin_question *question, struct span path, const struct admin_view *view, enum admin_action *action)
{
    struct target_change change;
    enum target_change_result read = target_change_read(path, query_of(question->head->target), &change);
    if (read == TARGET_CHANGE_ELSEWHERE)
        return false;
    if (!span_equals_str(question->head->method, "POST"))
        *action = wrong_method(out, false);
    else if (read == TARGET_CHANGE_BAD_NAME)
        *action = answers_done(admin_answer_error(out, 400, "this is not a valid target name"));
    else if (read == TARGET_CHANGE_BAD_WEIGHT)
        *action = answers_done(admin_answer_error(out, 400, "write weight?weight=N with N from 1 to 256, or 0 for the configured weight"));
    else
        *action = change_target(out, &change, view, question->asked_by);
    return true;
}

/* ---- renewals ---- */

/* POST /renew/IDENTITY. False: the path is another. */
static bool answer_renewal(struct bytes *out, const struct admin_question *question, struct span path, const struct admin_view *view, enum admin_action *action)
{
    static const char prefix[] = "/renew/";
    size_t n = sizeof(prefix) - 1;
    if (path.len <= n || !span_equals_str(span_of(path.ptr, n), prefix))
        return false;
    if (!span_equals_str(question->head->method, "POST"))
        *action = wrong_method(out, false);
    else if (view->draining)
        *action = answers_done(admin_answer_error(out, 409, "the daemon is draining and renews no certificate"));
    else if (!renewal_ask(view->renewals, span_skip(path, n)))
        *action = answers_done(admin_answer_error(out, 404, "no identity of this name has renew in the configuration"));
    else
        *action = answers_done(answers_word(out, 202, "asked", "the certificate is requested within seconds; the log and the status tell the result"));
    return true;
}

enum admin_action admin_answer(struct bytes *out, const struct admin_question *question, const struct admin_view *view)
{
    const struct http_head *rq = question->head;
    const char *because = foreign_because(rq);
    if (because != NULL)
        return answers_done(admin_answer_error(out, 403, because));
    struct span path = path_of(rq->target);
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (!span_equals_str(path, endpoints[i].path))
            continue;
        if (!span_equals_str(rq->method, endpoints[i].method))
            return wrong_method(out, strcmp(endpoints[i].method, "GET") == 0);
        return endpoints[i].answer(out, view);
    }
    enum admin_action action;
    if (answer_target(out, question, path, view, &action) || answer_renewal(out, question, path, view, &action))
        return action;
    return answers_done(
        admin_answer_error(out, 404, "GET /status /dashboard /refusals /metrics /livez /readyz, POST /reload /drain /renew/IDENTITY /targets/NAME/{drain,disable,enable,weight}"));
}

int admin_answer_reload(struct bytes *out, const struct admin_reload *result)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = status_doc_reload(&body, result);
    return answers_json(out, result->ok ? 200 : 422, "", &body, rc);
}
