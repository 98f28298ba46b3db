/* SPDX-License-Identifier: Apache-2.0 */
#include "starttls_rows.h"

#include <check.h>
#include <string.h>

static enum reason feed(struct starttls *s, struct span piece, struct err *err)
{
    enum reason verdict = starttls_in(s, piece, err);
    if (verdict == REASON_UNDECIDED && s->wants_client)
        verdict = starttls_login(s, (const uint8_t *)STARTTLS_ROWS_LOGIN, err);
    return verdict;
}

/* In pieces of that size after a first one. */
static void run(enum config_starttls kind, bool answers, const struct starttls_row *row, size_t first, size_t step)
{
    struct starttls s;
    struct err err = {0};
    struct span rest = span_of(row->in, row->in_len);
    enum reason verdict = REASON_UNDECIDED;
    starttls_init(&s, kind, answers);
    ck_assert_int_eq(starttls_begin(&s), 0);
    if (s.wants_greeting)
        verdict = starttls_greet(&s, span_of(STARTTLS_ROWS_GREETING, sizeof(STARTTLS_ROWS_GREETING) - 1), &err);
    while (rest.len > 0 && verdict == REASON_UNDECIDED) {
        size_t n = first > 0 ? first : step;
        n = n < rest.len ? n : rest.len;
        first = 0;
        verdict = feed(&s, span_of(rest.ptr, n), &err);
        rest = span_skip(rest, n);
    }
    ck_assert_msg(verdict == row->verdict, "%s: verdict %d, %s", row->why, verdict, err.text);
    ck_assert_msg(span_equals(bytes_span(&s.out), span_of(row->out, row->out_len)), "%s: said %zu bytes: %.*s", row->why, s.out.len, (int)s.out.len,
                  (const char *)bytes_span(&s.out).ptr);
    ck_assert_msg(row->says[0] == '\0' ? err.text[0] == '\0' : strstr(err.text, row->says) != NULL, "%s: %s", row->why, err.text);
    ck_assert_msg(verdict != REASON_VALID || s.direct || s.in.len == 0, "%s: bytes are left", row->why);
    starttls_clear(&s);
}

/* What follows a go-ahead in the same piece is an attack; in a piece of its own it is for TLS, which refuses it. */
static bool is_about_pieces(const struct starttls_row *row)
{
    return strstr(row->says, "behind the go-ahead") != NULL || strstr(row->says, "before it was asked") != NULL;
}

void starttls_rows_check(enum config_starttls kind, bool answers, const struct starttls_row *row)
{
    run(kind, answers, row, 0, row->in_len + 1);
    if (is_about_pieces(row))
        return;
    run(kind, answers, row, 0, 1);
    for (size_t cut = 1; cut < row->in_len; cut++)
        run(kind, answers, row, cut, row->in_len);
}
