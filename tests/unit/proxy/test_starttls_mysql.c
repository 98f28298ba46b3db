/* SPDX-License-Identifier: Apache-2.0 */
/* B2: the server's greeting and the 32 bytes that ask for TLS. Of a login nothing else is sent before TLS. */
#include "starttls_rows.h"
#include "t.h"

#include <string.h>

#define GREETING STARTTLS_ROWS_GREETING
#define LOGIN STARTTLS_ROWS_LOGIN
#define WITH_TLS "\x0d\xaa\x3a\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ASK "\x20\0\0\x01" WITH_TLS
#define OLD(low, high) "\x14\0\0\0\x0a" "5.0\0\x08\0\0\0abcdefgh\0" low high

static const struct starttls_row asked[] = {
    {"a server with TLS", SAID(GREETING), REASON_VALID, SAID(ASK), ""},
    {"bytes behind the greeting", SAID(GREETING "\x07\0\0\x02\0\0\0\x02\0\0\0"), REASON_STARTTLS_FAILED, SAID(""), "spoke before it was asked"},
    {"no TLS there", SAID(OLD("\xff", "\xf7")), REASON_STARTTLS_FAILED, SAID(""), "does not offer TLS"},
    {"the shortest greeting with TLS", SAID(OLD("\0", "\x0a")), REASON_VALID, SAID(ASK), ""},
    {"older than 4.1", SAID(OLD("\0", "\x08")), REASON_STARTTLS_FAILED, SAID(""), "too old"},
    {"too many connections", SAID("\x17\0\0\0\xff\x10\x04Too many connections"), REASON_STARTTLS_FAILED, SAID(""), "with error 1040"},
    {"another protocol's number", SAID("\x05\0\0\0\x09" "5.0\0"), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"a version without end", SAID("\x05\0\0\0\x0a" "5.0."), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"nothing behind the version", SAID("\x05\0\0\0\x0a" "5.0\0"), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"an empty packet", SAID("\0\0\0\0"), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"another number", SAID("\x14\0\0\x01\x0a" "5.0\0\x08\0\0\0abcdefgh\0\0\x0a"), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"another server", SAID("HTTP/1.1 400\r\n"), REASON_STARTTLS_FAILED, SAID(""), "does not greet as MySQL does"},
    {"not whole", SAID("\x14\0\0\0\x0a" "5.0\0"), REASON_UNDECIDED, SAID(""), ""},
};

/* The client of such a row has got the greeting first, which offers TLS as it is. */
static const struct starttls_row answered[] = {
    {"a request", SAID("\x20\0\0\x01" WITH_TLS), REASON_VALID, SAID(GREETING), ""},
    {"TLS behind it, as no go-ahead is waited for", SAID("\x20\0\0\x01" WITH_TLS "\x16\x03\x01"), REASON_VALID, SAID(GREETING), ""},
    {"a login in plaintext", SAID("\x25\0\0\x01" LOGIN "root\0"), REASON_STARTTLS_FAILED,
     SAID(GREETING "\x44\0\0\x02\xff\x57\x0c#HY000TLS is required: connect with ssl-mode=REQUIRED or stricter"), "did not ask for TLS"},
    {"a login in plaintext that says it is not", SAID("\x25\0\0\x01" WITH_TLS "root\0"), REASON_STARTTLS_FAILED,
     SAID(GREETING "\x44\0\0\x02\xff\x57\x0c#HY000TLS is required: connect with ssl-mode=REQUIRED or stricter"), "did not ask for TLS"},
    {"another number", SAID("\x20\0\0\0" WITH_TLS), REASON_STARTTLS_FAILED, SAID(GREETING), "does not speak MySQL's protocol"},
    {"too short", SAID("\x04\0\0\x01\x0d\xaa\x3a\0"), REASON_STARTTLS_FAILED, SAID(GREETING), "does not speak MySQL's protocol"},
    {"TLS at once", SAID("\x16\x03\x01\x02"), REASON_STARTTLS_FAILED, SAID(GREETING), "does not speak MySQL's protocol"},
    {"not whole", SAID("\x20\0\0\x01\x0d\xaa"), REASON_UNDECIDED, SAID(GREETING), ""},
};

START_TEST(asks_the_server)
{
    starttls_rows_check(CONFIG_STARTTLS_MYSQL, false, &asked[_i]);
}
END_TEST

START_TEST(answers_the_client)
{
    starttls_rows_check(CONFIG_STARTTLS_MYSQL, true, &answered[_i]);
}
END_TEST

static void greet(struct starttls *s, const char *greeting, size_t n, enum reason verdict)
{
    struct err err = {0};
    starttls_init(s, CONFIG_STARTTLS_MYSQL, true);
    ck_assert_int_eq(starttls_begin(s), 0);
    ck_assert(s->wants_greeting);
    ck_assert_int_eq(starttls_greet(s, span_of(greeting, n), &err), verdict);
}

START_TEST(a_client_is_offered_tls_by_a_server_that_has_none)
{
    struct starttls s;
    static const char plain[] = OLD("\xff", "\xf7"), offered[] = OLD("\xff", "\xff");
    greet(&s, plain, sizeof(plain) - 1, REASON_UNDECIDED);
    ck_assert(span_equals(bytes_span(&s.out), span_of(offered, sizeof(offered) - 1)));
    starttls_clear(&s);
}
END_TEST

START_TEST(a_client_gets_the_error_of_a_server_that_is_full)
{
    struct starttls s;
    static const char full[] = "\x17\0\0\0\xff\x10\x04Too many connections";
    greet(&s, full, sizeof(full) - 1, REASON_STARTTLS_FAILED);
    ck_assert(span_equals(bytes_span(&s.out), span_of(full, sizeof(full) - 1)));
    starttls_clear(&s);
}
END_TEST

START_TEST(a_client_that_speaks_before_its_server_is_refused)
{
    struct starttls s;
    struct err err = {0};
    starttls_init(&s, CONFIG_STARTTLS_MYSQL, true);
    ck_assert_int_eq(starttls_in(&s, span_from_str("\x20"), &err), REASON_STARTTLS_FAILED);
    starttls_clear(&s);
}
END_TEST

START_TEST(a_server_is_asked_without_a_client_too)
{
    struct starttls s;
    struct err err = {0};
    starttls_init(&s, CONFIG_STARTTLS_MYSQL, false);
    ck_assert_int_eq(starttls_in(&s, span_of(GREETING, sizeof(GREETING) - 1), &err), REASON_UNDECIDED);
    ck_assert(s.wants_client && s.out.len == 0);
    ck_assert(span_equals(bytes_span(&s.greeting), span_of(GREETING, sizeof(GREETING) - 1)));
    ck_assert_int_eq(starttls_login(&s, NULL, &err), REASON_VALID);
    ck_assert(s.out.len == 36 && (bytes_span(&s.out).ptr[5] & 8) != 0);
    starttls_clear(&s);
}
END_TEST

START_TEST(a_server_that_speaks_while_the_client_is_waited_for_is_refused) /* B2 */
{
    struct starttls s;
    struct err err = {0};
    starttls_init(&s, CONFIG_STARTTLS_MYSQL, false);
    ck_assert_int_eq(starttls_in(&s, span_of(GREETING, sizeof(GREETING) - 1), &err), REASON_UNDECIDED);
    ck_assert_int_eq(starttls_in(&s, span_from_str("x"), &err), REASON_STARTTLS_FAILED);
    starttls_clear(&s);
}
END_TEST

START_TEST(a_client_older_than_4_1_is_refused)
{
    struct starttls s;
    struct err err = {0};
    uint8_t login[STARTTLS_MYSQL_HEADER] = {0};
    starttls_init(&s, CONFIG_STARTTLS_MYSQL, false);
    ck_assert_int_eq(starttls_login(&s, login, &err), REASON_STARTTLS_FAILED);
    ck_assert(s.out.len == 0);
    starttls_clear(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("starttls_mysql");
    TCase *t = tcase_create("mysql");
    tcase_add_loop_test(t, asks_the_server, 0, sizeof(asked) / sizeof(asked[0]));
    tcase_add_loop_test(t, answers_the_client, 0, sizeof(answered) / sizeof(answered[0]));
    tcase_add_test(t, a_client_is_offered_tls_by_a_server_that_has_none);
    tcase_add_test(t, a_client_gets_the_error_of_a_server_that_is_full);
    tcase_add_test(t, a_client_that_speaks_before_its_server_is_refused);
    tcase_add_test(t, a_server_is_asked_without_a_client_too);
    tcase_add_test(t, a_server_that_speaks_while_the_client_is_waited_for_is_refused);
    tcase_add_test(t, a_client_older_than_4_1_is_refused);
    suite_add_tcase(s, t);
    return s;
}
