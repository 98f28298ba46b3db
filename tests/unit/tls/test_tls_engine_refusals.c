/* SPDX-License-Identifier: Apache-2.0 */
/* The engine at its ends: what is no TLS at all, was changed or cut on its way, and how a failure stays. */
#include "t.h"

#include "ends.h"

#include <string.h>

static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
static const char *const version_names[] = {"TLS1.2", "TLS1.3"};

START_TEST(an_end_without_close_notify_is_a_truncation) /* B7 */
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ends_say(&ends_client, "half a message");
    ends_run(ENDS_ALL);
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    ck_assert_uint_ne(tls_engine_flags(ends_server.e) & TLS_HAS_APP, 0);
    ends_read_all(&ends_server);
    ends_expect_got(&ends_server, "half a message", "what came before is not lost");
    bytes_clear(&ends_server.got);
    ends_expect_failed(&ends_server, REASON_TRUNCATED, version_names[_i]);
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & TLS_CLOSED, 0);
    ends_close();
}
END_TEST

/* MySQL's peers say their end in their own words. */
START_TEST(an_end_without_close_notify_is_one_where_the_protocol_has_its_own)
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    tls_engine_ends_plainly(ends_server.e);
    ends_run(ENDS_ALL);
    ends_say(&ends_client, "a whole message");
    ends_run(ENDS_ALL);
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    ends_read_all(&ends_server);
    ends_expect_got(&ends_server, "a whole message", version_names[_i]);
    bytes_clear(&ends_server.got);
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & (TLS_CLOSED | TLS_FAILED), TLS_CLOSED);
    ends_say(&ends_server, "and an answer");
    ends_run(ENDS_ALL);
    ends_expect_got(&ends_client, "and an answer", version_names[_i]);
    bytes_clear(&ends_client.got);
    ends_close();
}
END_TEST

START_TEST(an_end_inside_a_record_is_a_truncation) /* B7 */
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ends_say(&ends_client, "never whole");
    struct span out = tls_engine_wire_out(ends_client.e);
    ends_feed(&ends_server, span_of(out.ptr, out.len - 1));
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    ends_read_all(&ends_server);
    ends_expect_failed(&ends_server, REASON_TRUNCATED, version_names[_i]);
    ends_close();
}
END_TEST

START_TEST(an_end_during_the_handshake_says_who_went)
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    tls_engine_start(ends_client.e, WIRE_NOW);
    ends_deliver(&ends_client, &ends_server, 100);
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    ends_expect_failed(&ends_server, REASON_CLIENT_CLOSED, "the client went");
    tls_engine_wire_eof(ends_client.e, WIRE_NOW);
    ends_expect_failed(&ends_client, REASON_UPSTREAM_CLOSED, "the server went");
    ends_close();
}
END_TEST

START_TEST(a_peer_without_tls_is_quoted) /* B2 */
{
    static const struct {
        const char *why, *bytes, *says;
        bool to_client;
    } cases[] = {
        {"a browser", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "it began with \"GET /", false},
        {"an HTTP server", "HTTP/1.1 400 Bad Request\r\n\r\n", "it began with \"HTTP/", true},
        {"a mail server", "220 mail.example ESMTP\r\n", "it began with \"220 m", true},
        {"what cannot be shown", "\x01\x02\"\x7f\xff" "abcdef", "it began with \"..\"..", false},
        {"a record longer than any", "\x16\x03\x01\xff\xff....", "TLS failed: ", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (size_t step = 1; step <= 64; step += 63) {
            ends_open(&(struct wire_side){0}, &(struct wire_side){0});
            tls_engine_start(ends_client.e, WIRE_NOW);
            struct ends_end *victim = cases[i].to_client ? &ends_client : &ends_server;
            struct span rest = span_from_str(cases[i].bytes);
            for (; rest.len > 0; rest = span_skip(rest, rest.len < step ? rest.len : step))
                ends_feed(victim, span_of(rest.ptr, rest.len < step ? rest.len : step));
            ends_expect_failed(victim, REASON_TLS_FAILED, cases[i].why);
            ck_assert_msg(strstr(ends_facts.text, cases[i].says) != NULL, "%s: %s", cases[i].why, ends_facts.text);
            ck_assert_ptr_null(ends_facts.version);
            ends_close();
        }
    }
}
END_TEST

/* ---- clients that do not accept our certificate ---- */

static const char UNKNOWN_CA_IN_CLEAR[] = "\x15\x03\x03\x00\x02\x02\x30";
static const struct {
    const char *why, *says;
    struct { const char *bytes; size_t len; } then; /* what comes after the ClientHello */
    bool ends;
    enum reason reason;
    int alert, versions; /* bits: 1 for TLS 1.2, 2 for 1.3 */
} after_hello[] = {
    {"OpenSSL's way", "does not trust the CA of our certificate, CN=Servers CA", {UNKNOWN_CA_IN_CLEAR, 7}, false, REASON_CLIENT_REFUSED_CERTIFICATE, 48, 3},
    {"expired, it says", "issued by CN=Servers CA (alert certificate_expired)", {"\x15\x03\x03\x00\x02\x02\x2d", 7}, false, REASON_CLIENT_REFUSED_CERTIFICATE, 45, 3},
    {"after a change of ciphers", "does not trust", {"\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x02\x02\x30", 13}, false, REASON_CLIENT_REFUSED_CERTIFICATE, 48, 2},
    {"not about certificates", "ended TLS with the alert internal_error", {"\x15\x03\x03\x00\x02\x02\x50", 7}, false, REASON_TLS_FAILED, 80, 3},
    {"what cannot be decrypted", "TLS failed", {"\x17\x03\x03\x00\x15\x15\x03\x03\x00\x02\x02\x30" "xxxxxxxxxxxxxx", 26}, false, REASON_TLS_FAILED, -1, 2},
    {"it goes", "when it had our certificate, issued by CN=Servers CA, without an alert", {"", 0}, true, REASON_CLIENT_REFUSED_CERTIFICATE, -1, 3},
    {"it goes after a change of ciphers", "without an alert", {"\x14\x03\x03\x00\x01\x01", 6}, true, REASON_CLIENT_REFUSED_CERTIFICATE, -1, 2},
    {"it goes while it answers", "during the TLS handshake", {"\x17\x03\x03\x00\x45" "xxxxxxxx", 13}, true, REASON_CLIENT_CLOSED, -1, 2},
};
enum { N_AFTER_HELLO = sizeof(after_hello) / sizeof(after_hello[0]) };

START_TEST(a_client_that_does_not_accept_our_certificate_is_told_from_others) /* A13 */
{
    size_t row = (size_t)_i / 2;
    if (!(after_hello[row].versions & 1 << _i % 2))
        return;
    for (size_t step = 1; step <= 64; step += 63) {
        ends_open(&(struct wire_side){.priority = versions[_i % 2]}, &(struct wire_side){0});
        tls_engine_start(ends_client.e, WIRE_NOW);
        ends_deliver(&ends_client, &ends_server, ENDS_ALL);
        struct span rest = span_of(after_hello[row].then.bytes, after_hello[row].then.len);
        for (; rest.len > 0; rest = span_skip(rest, rest.len < step ? rest.len : step))
            ends_feed(&ends_server, span_of(rest.ptr, rest.len < step ? rest.len : step));
        if (after_hello[row].ends)
            tls_engine_wire_eof(ends_server.e, WIRE_NOW);
        ends_expect_failed(&ends_server, after_hello[row].reason, after_hello[row].why);
        ck_assert_msg(strstr(ends_facts.text, after_hello[row].says) != NULL, "%s: %s", after_hello[row].why, ends_facts.text);
        ck_assert_msg(ends_facts.alert_received == after_hello[row].alert, "%s: alert %d", after_hello[row].why, ends_facts.alert_received);
        ends_close();
    }
}
END_TEST

START_TEST(a_client_that_does_not_trust_our_ca_is_told_what_it_lacks) /* A13 */
{
    ends_open(&(struct wire_side){.priority = versions[_i], .trusts = &ends_pki.other_ca}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ends_expect_failed(&ends_server, REASON_CLIENT_REFUSED_CERTIFICATE, version_names[_i]);
    ck_assert_int_eq(ends_facts.alert_received, 48);
    ck_assert_msg(strstr(ends_facts.text, "CN=Servers CA") != NULL, "%s", ends_facts.text);
    ends_close();
}
END_TEST

START_TEST(an_alert_in_the_clear_says_nothing_once_the_handshake_is_done)
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ends_feed(&ends_server, span_of(UNKNOWN_CA_IN_CLEAR, 7));
    ends_expect_failed(&ends_server, REASON_TLS_FAILED, version_names[_i]);
    ck_assert_int_eq(ends_facts.alert_received, -1);
    ends_close();
}
END_TEST

START_TEST(the_first_failure_stays_and_its_alert_still_leaves)
{
    ends_open(&(struct wire_side){.bad = TLS_PKI_EXPIRED, .priority = versions[_i]}, &(struct wire_side){0});
    tls_engine_start(ends_client.e, WIRE_NOW);
    while (!(tls_engine_flags(ends_server.e) & TLS_FAILED)) {
        ends_deliver(&ends_client, &ends_server, ENDS_ALL);
        if (!(tls_engine_flags(ends_server.e) & TLS_FAILED))
            ends_deliver(&ends_server, &ends_client, ENDS_ALL);
    }
    ck_assert_uint_ne(tls_engine_flags(ends_server.e) & TLS_HAS_WIRE, 0);
    struct span out = tls_engine_wire_out(ends_server.e);
    struct bytes before;
    bytes_init(&before, ENDS_QUEUE_MAX);
    ck_assert_int_eq(bytes_append_span(&before, out), 0);
    ends_feed(&ends_server, span_from_str("GET / HTTP/1.1\r\n\r\n"));
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    tls_engine_app_end(ends_server.e);
    tls_engine_start(ends_server.e, WIRE_NOW);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW), REASON_UNDECIDED);
    ends_expect_failed(&ends_server, REASON_EXPIRED, version_names[_i]);
    ck_assert_ptr_nonnull(strstr(ends_facts.text, "expired"));
    ck_assert(span_equals(tls_engine_wire_out(ends_server.e), bytes_span(&before)));
    ends_run(ENDS_ALL);
    ck_assert_int_eq(ends_look(&ends_client)->alert_received, 45);
    bytes_clear(&before);
    ends_close();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_refusals");
    TCase *c = tcase_create("engine");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_loop_test(c, an_end_without_close_notify_is_a_truncation, 0, 2);
    tcase_add_loop_test(c, an_end_without_close_notify_is_one_where_the_protocol_has_its_own, 0, 2);
    tcase_add_loop_test(c, an_end_inside_a_record_is_a_truncation, 0, 2);
    tcase_add_loop_test(c, an_end_during_the_handshake_says_who_went, 0, 2);
    tcase_add_test(c, a_peer_without_tls_is_quoted);
    tcase_add_loop_test(c, a_client_that_does_not_accept_our_certificate_is_told_from_others, 0, 2 * N_AFTER_HELLO);
    tcase_add_loop_test(c, a_client_that_does_not_trust_our_ca_is_told_what_it_lacks, 0, 2);
    tcase_add_loop_test(c, an_alert_in_the_clear_says_nothing_once_the_handshake_is_done, 0, 2);
    tcase_add_loop_test(c, the_first_failure_stays_and_its_alert_still_leaves, 0, 2);
    suite_add_tcase(s, c);
    return s;
}
