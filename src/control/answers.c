/* SPDX-License-Identifier: Apache-2.0 */
#include "answers.h"

#include "mtlsd/policy/reason.h"
#include "dashboard.h"
#include "metrics.h"
#include "readiness.h"
#include "status_doc.h"

/* rc is how making the body went; the body's bytes are freed either way. */
int answers_body(struct bytes *out, unsigned status, const char *type, const char *more_fields, struct bytes *body, int rc)
{
    if (rc == 0)
        rc = bytes_printf(out,
                          "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
                          "X-Content-Type-Options: nosniff\r\n%sConnection: close\r\n\r\n",
                          status, reason_http_phrase(status), type, body->len, more_fields);
    if (rc == 0)
        rc = bytes_append_span(out, bytes_span(body));
    bytes_clear(body);
    return rc;
}

int answers_json(struct bytes *out, unsigned status, const char *more_fields, struct bytes *body, int rc)
{
    return answers_body(out, status, "application/json", more_fields, body, rc);
}

int answers_word(struct bytes *out, unsigned status, const char *word, const char *detail)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = status_doc_word(&body, word, detail);
    return answers_json(out, status, "", &body, rc);
}

enum admin_action answers_done(int rc)
{
    return rc == 0 ? ADMIN_ANSWERED : ADMIN_FAILED;
}

static enum admin_action answer_document(struct bytes *out, const struct admin_view *view, int (*write)(struct bytes *, const struct admin_view *))
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = write(&body, view);
    return answers_done(answers_json(out, 200, "", &body, rc));
}

enum admin_action answers_status(struct bytes *out, const struct admin_view *view)
{
    return answer_document(out, view, status_doc_status);
}

enum admin_action answers_refusals(struct bytes *out, const struct admin_view *view)
{
    return answer_document(out, view, status_doc_refusals);
}

enum admin_action answers_metrics(struct bytes *out, const struct admin_view *view)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = metrics_write(&body, view);
    return answers_done(answers_body(out, 200, METRICS_TYPE, "", &body, rc));
}

enum admin_action answers_livez(struct bytes *out, const struct admin_view *view)
{
    (void)view;
    return answers_done(answers_word(out, 200, "live", NULL));
}

enum admin_action answers_readyz(struct bytes *out, const struct admin_view *view)
{
    struct readiness r;
    readiness_look(view, &r);
    return answers_done(answers_word(out, r.ready ? 200 : 503, r.word, r.detail[0] != '\0' ? r.detail : NULL));
}

enum admin_action answers_readyz_word(struct bytes *out, const struct admin_view *view)
{
    struct readiness r;
    readiness_look(view, &r);
    return answers_done(answers_word(out, r.ready ? 200 : 503, r.word, NULL));
}

enum admin_action answers_page(struct bytes *out, const struct admin_view *view, const char *nonce)
{
    struct bytes body;
    bytes_init(&body, ANSWERS_DOCUMENT_MAX);
    int rc = dashboard_page(&body, view, nonce);
    return answers_done(answers_body(out, 200, "text/html; charset=utf-8", dashboard_fields, &body, rc));
}

enum admin_action answers_dashboard(struct bytes *out, const struct admin_view *view)
{
    return answers_page(out, view, "");
}
