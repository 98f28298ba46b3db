/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/early_answer.h"

#include "mtlsd/http/http_problem.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/report.h"

enum { RETRY_AFTER_S = 1, ANSWER_MAX = 4096 };

/* RFC 8446 section 6: a fatal alert, internal_error. It needs no handshake, and a client in a handshake still reads it. */
static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 80};

static void write_answer(struct early_answer *a, const char *contact, enum reason reason, int64_t utc)
{
    const struct reason_row *row = reason_row(reason);
    const struct http_problem p = {.status = row->http_status, .phrase = reason_http_phrase(row->http_status), .reason = row->word, .title = row->title,
                                   .hint = row->hint, .contact = contact, .refused_by = report_blame_word(report_blame(reason)), .now = utc, .retry_after = RETRY_AFTER_S,
                                   .close = true};
    early_answer_clear(a);
    bytes_init(&a->text, ANSWER_MAX);
    if (http_problem_write(&a->text, &p) != 0)
        early_answer_clear(a);
    a->contact = contact;
    a->reason = reason;
    a->utc = utc;
}

struct span early_answer(struct early_answer *a, const struct plan_listener *l, enum reason reason, int64_t utc)
{
    if (l->tls != NULL)
        return span_of(alert, sizeof(alert));
    if (l->conf->protocol != CONFIG_PROTOCOL_HTTP)
        return span_of(NULL, 0);
    if (a->text.len == 0 || a->contact != l->conf->contact || a->reason != reason || a->utc != utc)
        write_answer(a, l->conf->contact, reason, utc);
    return bytes_span(&a->text);
}

void early_answer_clear(struct early_answer *a)
{
    bytes_clear(&a->text);
}
