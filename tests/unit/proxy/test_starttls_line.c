/* SPDX-License-Identifier: Apache-2.0 */
/* How a line is read that a protocol says before TLS, and quoted in a refusal. */
#include "starttls_protocol.h"
#include "t.h"

#include <string.h>

static enum reason read_line(const char *text, size_t len, struct span *line, size_t *eaten, struct err *err)
{
    *line = span_of(NULL, 0);
    *eaten = 0;
    *err = (struct err){0};
    return starttls_line(span_of(text, len), line, eaten, err);
}

START_TEST(a_line_ends_in_crlf_and_is_eaten_with_it)
{
    struct span line;
    struct err err;
    size_t eaten;
    ck_assert_int_eq(read_line("220 hi\r\nrest", 12, &line, &eaten, &err), REASON_VALID);
    ck_assert_uint_eq(eaten, 8);
    ck_assert(line.len == 6 && memcmp(line.ptr, "220 hi", 6) == 0);
    ck_assert_int_eq(read_line("220 hi", 6, &line, &eaten, &err), REASON_UNDECIDED);
    ck_assert_int_eq(read_line(NULL, 0, &line, &eaten, &err), REASON_UNDECIDED);
    ck_assert_uint_eq(eaten, 0);
}
END_TEST

/* B2: what two programs could read as two different lines is none. */
START_TEST(a_bare_line_feed_and_a_nul_are_no_line)
{
    struct span line;
    struct err err;
    size_t eaten;
    static const char nul[] = "22\0 hi\r\n";
    ck_assert_int_eq(read_line("220 hi\n", 7, &line, &eaten, &err), REASON_STARTTLS_FAILED);
    ck_assert_ptr_nonnull(strstr(err.text, "CRLF"));
    ck_assert_int_eq(read_line("\n", 1, &line, &eaten, &err), REASON_STARTTLS_FAILED);
    ck_assert_int_eq(read_line(nul, sizeof(nul) - 1, &line, &eaten, &err), REASON_STARTTLS_FAILED);
    ck_assert_uint_eq(eaten, 0);
}
END_TEST

START_TEST(a_line_without_an_end_is_too_long_at_some_time) /* D2 */
{
    static char much[STARTTLS_IN_MAX];
    struct span line;
    struct err err;
    size_t eaten;
    memset(much, 'a', sizeof(much));
    ck_assert_int_eq(read_line(much, sizeof(much) - 1, &line, &eaten, &err), REASON_UNDECIDED);
    ck_assert_int_eq(read_line(much, sizeof(much), &line, &eaten, &err), REASON_STARTTLS_FAILED);
    ck_assert_ptr_nonnull(strstr(err.text, "too long"));
}
END_TEST

START_TEST(words_are_parted_by_one_space)
{
    struct span rest, word = starttls_word(span_from_str("a NOOP  x"), &rest);
    ck_assert(span_equals_str(word, "a") && span_equals_str(rest, "NOOP  x"));
    word = starttls_word(span_from_str("alone"), &rest);
    ck_assert(span_equals_str(word, "alone") && rest.len == 0);
    word = starttls_word(span_of(NULL, 0), &rest);
    ck_assert(word.len == 0 && rest.len == 0);
}
END_TEST

/* C8 */
START_TEST(a_refused_line_is_quoted_without_what_a_terminal_would_obey)
{
    struct err err = {0};
    char much[200];
    ck_assert_int_eq(starttls_fail_line(&err, "it declined", span_from_str("500 \x1b[31m\xff")), REASON_STARTTLS_FAILED);
    ck_assert_str_eq(err.text, "it declined: 500 .[31m.");
    memset(much, 'x', sizeof(much));
    err = (struct err){0};
    ck_assert_int_eq(starttls_fail_line(&err, "it declined", span_of(much, sizeof(much))), REASON_STARTTLS_FAILED);
    ck_assert_uint_eq(strlen(err.text), strlen("it declined: ") + 80);
    err = (struct err){0};
    ck_assert_int_eq(starttls_fail(&err, "why"), REASON_STARTTLS_FAILED);
    ck_assert_str_eq(err.text, "why");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_line");
    TCase *t = tcase_create("starttls_line");
    tcase_add_test(t, a_line_ends_in_crlf_and_is_eaten_with_it);
    tcase_add_test(t, a_bare_line_feed_and_a_nul_are_no_line);
    tcase_add_test(t, a_line_without_an_end_is_too_long_at_some_time);
    tcase_add_test(t, words_are_parted_by_one_space);
    tcase_add_test(t, a_refused_line_is_quoted_without_what_a_terminal_would_obey);
    suite_add_tcase(s, t);
    return s;
}
