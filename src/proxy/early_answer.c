/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/early_answer.h"

#include "mtlsd/http/http_problem.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/report.h"

enum { RETRY_AFTER_S = 1 };

/* RFC 8446 section 6: a fatal alert, internal_error. It needs no handshake, and a client in a handshake still reads it. */
static const uint8_t alert[] = {0x15, 3, 3, 0, 2, 2, 80};

struct span early_answer(struct bytes *out, const struct plan_listener *l, enum reason reason, int64_t utc)
{
    if (l->tls != NULL)
        return span_of(alert, sizeof(alert));
    if (l->conf->protocol != CONFIG_PROTOCOL_HTTP)
        return span_of(NULL, 0);
    const struct reason_row *row = reason_row(reason);
    const struct http_problem p = {.status = row->http_status, .phrase = reason_http_phrase(row->http_status), .reason = row->word, .title = row->title,
                                   .hint = row->hint, .refused_by = report_blame_word(report_blame(reason)), .now = utc, .retry_after = RETRY_AFTER_S,
                                   .close = true};
    bytes_clear(out);
    return http_problem_write(out, &p) == 0 ? bytes_span(out) : span_of(NULL, 0);
}
