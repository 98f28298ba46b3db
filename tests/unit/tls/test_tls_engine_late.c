/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that request our certificate after the handshake, and what they may not do (A10). Apache is in tests/system/test_late_certificate.py. */
#include "ends.h"
#include "t.h"

#include <string.h>

#define V13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define V12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"

static struct raw_tls raw;
static const struct wire_side later = {.asked_later = true}, plain = {.does_not_insist = true};

static void open_client(const struct wire_side *side, const char *priority)
{
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, side), NULL, NULL);
    raw_tls_later(&raw, &ends_pki, priority, GNUTLS_POST_HANDSHAKE_AUTH);
    tls_engine_start(ends_client.e, WIRE_NOW);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ends_expect_open(&ends_client, "the first handshake");
    ck_assert(raw.done && !ends_look(&ends_client)->asked_for_ours);
    gnutls_certificate_server_set_request(raw.session, GNUTLS_CERT_REQUIRE);
}

static void close_client(void)
{
    raw_tls_clear(&raw);
    ends_close();
}

static void expect_bytes_both_ways(const char *text)
{
    raw_tls_say(&raw, text);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ends_expect_got(&ends_client, text, "down");
    ends_say(&ends_client, "up");
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ck_assert_ptr_nonnull(memmem(bytes_span(&raw.got).ptr, raw.got.len, "up", 2));
}

static bool server_has_our_certificate(void)
{
    unsigned n = 0;
    return gnutls_certificate_get_peers(raw.session, &n) != NULL && n > 0;
}

/* One request of a TLS 1.3 server; what it answers stays with the session. */
static int ask_once(void)
{
    int rc = gnutls_reauth(raw.session, 0);
    ends_feed(&ends_client, bytes_span(&raw.out));
    bytes_clear(&raw.out);
    struct span answer = tls_engine_wire_out(ends_client.e);
    ck_assert_int_eq(bytes_append_span(&raw.in, answer), 0);
    tls_engine_wire_sent(ends_client.e, answer.len);
    return rc == GNUTLS_E_AGAIN ? gnutls_reauth(raw.session, 0) : rc;
}

START_TEST(answers_a_server_of_tls_1_3_at_once)
{
    open_client(&later, V13);
    ck_assert(!server_has_our_certificate());
    ck_assert_int_eq(ask_once(), 0);
    ck_assert(server_has_our_certificate());
    ck_assert(ends_look(&ends_client)->asked_later && ends_look(&ends_client)->ours_sent);
    expect_bytes_both_ways("after");
    close_client();
}
END_TEST

START_TEST(a_server_of_tls_1_3_cannot_ask_where_it_is_not_offered)
{
    open_client(&plain, V13);
    ck_assert_int_lt(gnutls_reauth(raw.session, 0), 0);
    ck_assert_uint_eq(raw.out.len, 0);
    close_client();
}
END_TEST

START_TEST(a_server_of_tls_1_3_does_not_ask_without_end) /* D2 */
{
    int n = 0;
    open_client(&later, V13);
    while (n < 50 && !(tls_engine_flags(ends_client.e) & TLS_FAILED))
        n += ask_once() == 0;
    ck_assert_int_eq(n, 8);
    ends_expect_failed(&ends_client, REASON_RENEGOTIATION, "too often");
    ck_assert_ptr_nonnull(strstr(ends_facts.text, "too often"));
    close_client();
}
END_TEST

START_TEST(an_idle_connection_is_not_kept_for_such_a_request)
{
    open_client(&later, V13);
    ck_assert_int_eq(gnutls_reauth(raw.session, 0), GNUTLS_E_AGAIN);
    ck_assert(!tls_engine_idle_in(ends_client.e, bytes_span(&raw.out), WIRE_NOW));
    close_client();
}
END_TEST

START_TEST(renegotiates_with_a_server_of_tls_1_2)
{
    static const size_t steps[] = {ENDS_ALL, 1};
    for (size_t i = 0; i < 2; i++) {
        open_client(&later, V12);
        ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
        ends_run_raw(&ends_client, &raw, steps[i]);
        ends_expect_open(&ends_client, "the second handshake");
        ck_assert(raw.failure == 0 && server_has_our_certificate());
        ck_assert(ends_look(&ends_client)->asked_later && ends_look(&ends_client)->ours_sent);
        expect_bytes_both_ways("after");
        close_client();
    }
}
END_TEST

START_TEST(takes_no_bytes_of_the_application_meanwhile)
{
    open_client(&later, V12);
    ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
    ends_feed(&ends_client, bytes_span(&raw.out));
    bytes_clear(&raw.out);
    unsigned flags = tls_engine_flags(ends_client.e);
    ck_assert((flags & TLS_HAS_WIRE) != 0 && (flags & (TLS_TAKES_APP | TLS_HANDSHAKING | TLS_FAILED)) == 0);
    ck_assert_uint_eq(tls_engine_app_write(ends_client.e, span_from_str("x")), 0);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ck_assert(tls_engine_flags(ends_client.e) & TLS_TAKES_APP);
    close_client();
}
END_TEST

START_TEST(an_end_in_the_middle_is_told)
{
    open_client(&later, V12);
    ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
    ends_feed(&ends_client, bytes_span(&raw.out));
    tls_engine_wire_eof(ends_client.e, WIRE_NOW);
    ends_expect_failed(&ends_client, REASON_TRUNCATED, "cut");
    close_client();
}
END_TEST

static void expect_refused(const char *says)
{
    ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ends_expect_failed(&ends_client, REASON_RENEGOTIATION, says);
    ck_assert_msg(strstr(ends_facts.text, says) != NULL, "%s", ends_facts.text);
    ck_assert(!server_has_our_certificate());
    close_client();
}

START_TEST(refuses_to_renegotiate_without_the_key) /* A10 */
{
    open_client(&plain, V12);
    expect_refused("set tls.renegotiation = true");
}
END_TEST

START_TEST(refuses_to_renegotiate_with_another_certificate) /* A10 */
{
    open_client(&later, V12);
    raw_tls_another_certificate(&raw, &ends_pki);
    expect_refused("another certificate");
}
END_TEST

START_TEST(refuses_to_renegotiate_without_an_extended_master_secret) /* A10 */
{
    open_client(&later, V12 ":%NO_SESSION_HASH");
    expect_refused("extended master secret");
}
END_TEST

START_TEST(renegotiates_a_few_times_only) /* D2 */
{
    int n = 0;
    open_client(&later, V12);
    for (; n < 50 && !(tls_engine_flags(ends_client.e) & TLS_FAILED); n++) {
        ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
    }
    ck_assert_int_eq(n, 9);
    ends_expect_failed(&ends_client, REASON_RENEGOTIATION, "too often");
    close_client();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_late");
    TCase *c = tcase_create("late");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_add_test(c, answers_a_server_of_tls_1_3_at_once);
    tcase_add_test(c, a_server_of_tls_1_3_cannot_ask_where_it_is_not_offered);
    tcase_add_test(c, a_server_of_tls_1_3_does_not_ask_without_end);
    tcase_add_test(c, an_idle_connection_is_not_kept_for_such_a_request);
    tcase_add_test(c, renegotiates_with_a_server_of_tls_1_2);
    tcase_add_test(c, takes_no_bytes_of_the_application_meanwhile);
    tcase_add_test(c, an_end_in_the_middle_is_told);
    tcase_add_test(c, refuses_to_renegotiate_without_the_key);
    tcase_add_test(c, refuses_to_renegotiate_with_another_certificate);
    tcase_add_test(c, refuses_to_renegotiate_without_an_extended_master_secret);
    tcase_add_test(c, renegotiates_a_few_times_only);
    suite_add_tcase(s, c);
    return s;
}
