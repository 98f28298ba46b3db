/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/reason.h"
#include "mtlsd/tls/tls_peer.h"
#include "mtlsd/tls/tls_judge.h"

#include <string.h>

/* product.md section 4, written down a second time so that a slip in the table shows. */
static const struct row {
    enum reason reason;
    const char *word;
    int number, alert;
    unsigned http;
    const char *why;
} expected[] = {
    {REASON_VALID, "valid", 0, -1, 0, "valid refuses nothing"},
    {REASON_NONE, "none", -1, 116, 403, "no certificate is certificate_required"},
    {REASON_EXPIRED, "expired", 10, 45, 502, "certificate_expired"},
    {REASON_NOT_YET_VALID, "not_yet_valid", 9, 42, 502, "there is no alert for it: bad_certificate"},
    {REASON_REVOKED, "revoked", 23, 44, 502, "certificate_revoked"},
    {REASON_UNKNOWN_CA, "unknown_ca", 20, 48, 502, "unknown_ca"},
    {REASON_WRONG_PURPOSE, "wrong_purpose", 26, 43, 502, "unsupported_certificate"},
    {REASON_NAME_MISMATCH, "name_mismatch", 62, 42, 502, "bad_certificate"},
    {REASON_WEAK, "weak", 66, 42, 502, "bad_certificate"},
    {REASON_CRL_MISSING, "crl_missing", 3, 42, 502, "bad_certificate"},
    {REASON_CRL_STALE, "crl_stale", 12, 42, 502, "bad_certificate"},
    {REASON_CONSTRAINT, "constraint", 47, 42, 502, "bad_certificate"},
    {REASON_NOT_ALLOWED, "not_allowed", 50, 49, 403, "access_denied, and policy is 403"},
    {REASON_STAPLE_MISSING, "staple_missing", 73, 113, 502, "bad_certificate_status_response"},
    {REASON_OCSP_MISSING, "ocsp_missing", 73, 42, 503, "bad_certificate"},
    {REASON_WRONG_TRUST_DOMAIN, "wrong_trust_domain", 47, 42, 502, "bad_certificate"},
    {REASON_MALFORMED, "malformed", 1, 42, 502, "bad_certificate"},
    {REASON_DNS_FAILED, "dns_failed", -1, -1, 502, "unreachable"},
    {REASON_CONNECT_REFUSED, "connect_refused", -1, -1, 502, "unreachable"},
    {REASON_CONNECT_TIMEOUT, "connect_timeout", -1, -1, 504, "timeout"},
    {REASON_HANDSHAKE_TIMEOUT, "handshake_timeout", -1, -1, 504, "timeout"},
    {REASON_RESPONSE_TIMEOUT, "response_timeout", -1, -1, 504, "timeout"},
    {REASON_OUR_CERTIFICATE_REFUSED, "our_certificate_refused", -1, -1, 502, "refused"},
    {REASON_OUR_CERTIFICATE_NOT_REQUESTED, "our_certificate_not_requested", -1, -1, 502, "refused by us"},
    {REASON_CLIENT_REFUSED_CERTIFICATE, "client_refused_certificate", -1, -1, 0, "nothing was asked yet"},
    {REASON_RENEGOTIATION, "renegotiation", -1, -1, 502, "the upstream asked for it"},
    {REASON_NO_ROUTE, "no_route", -1, -1, 404, "no route"},
    {REASON_CALLER_NOT_ALLOWED, "caller_not_allowed", -1, 49, 403, "policy"},
    {REASON_HEADER_REQUIRED, "header_required", -1, -1, 403, "policy"},
    {REASON_REQUEST_MALFORMED, "request_malformed", -1, -1, 400, "bad request"},
    {REASON_REQUEST_TOO_LARGE, "request_too_large", -1, -1, 431, "head too large"},
    {REASON_METHOD_UNKNOWN, "method_unknown", -1, -1, 501, "not implemented"},
    {REASON_MISDIRECTED, "misdirected", -1, -1, 421, "server name and Host disagree"},
    {REASON_CLIENT_FLOODED, "client_flooded", -1, -1, 0, "the connection ends, with a GOAWAY"},
    {REASON_OVERLOADED, "overloaded", -1, -1, 503, "come back later"},
    {REASON_TOO_MANY_CONNECTIONS, "too_many_connections", -1, -1, 429, "this client has too many, others have not"},
    {REASON_CONNECTION_AGE, "connection_age", -1, -1, 503, "come back on another connection"},
    {REASON_CERTIFICATE_REPLACED, "certificate_replaced", -1, -1, 503, "come back on another connection"},
    {REASON_IDENTITY_WITHDRAWN, "identity_withdrawn", -1, -1, 503, "we have no certificate for now"},
    {REASON_DRAINING, "draining", -1, -1, 0, "there is no time for an answer"},
};

START_TEST(says_outside_what_the_product_page_says)
{
    const struct row *e = &expected[_i];
    const struct reason_row *row = reason_row(e->reason);
    ck_assert_msg(strcmp(row->word, e->word) == 0, "%s: %s", row->word, e->why);
    ck_assert_msg(row->openssl_error == e->number, "%s: number %d: %s", e->word, row->openssl_error, e->why);
    ck_assert_msg(row->alert == e->alert, "%s: alert %d: %s", e->word, row->alert, e->why);
    ck_assert_msg(row->http_status == e->http, "%s: http %u: %s", e->word, row->http_status, e->why);
}
END_TEST

START_TEST(has_a_full_row_for_every_reason_in_its_place)
{
    const struct reason_row *row = reason_row((enum reason)_i);
    ck_assert_int_eq(row->reason, _i);
    ck_assert_uint_gt(strlen(row->word), 0);
    ck_assert_uint_gt(strlen(row->title), 0);
    ck_assert_uint_gt(strlen(row->hint), 0);
    ck_assert_uint_eq(strspn(row->word, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->word));
    if (row->http_status != 0)
        ck_assert_str_ne(reason_http_phrase(row->http_status), "Unknown");
}
END_TEST

START_TEST(agrees_with_the_alert_that_is_sent)
{
    if (_i != REASON_VALID)
        ck_assert_int_eq(reason_row((enum reason)_i)->alert, (int)tls_judge_alert((enum reason)_i));
}
END_TEST

START_TEST(gives_every_reason_its_own_word)
{
    for (int i = 0; i < REASON_COUNT; i++)
        for (int j = i + 1; j < REASON_COUNT; j++)
            ck_assert_str_ne(reason_word((enum reason)i), reason_word((enum reason)j));
}
END_TEST

START_TEST(takes_a_reason_it_does_not_know_as_undecided)
{
    ck_assert_str_eq(reason_word(REASON_COUNT), "undecided");
    ck_assert_str_eq(reason_word((enum reason)9999), "undecided");
    ck_assert_uint_eq(reason_row(REASON_COUNT)->http_status, 500);
}
END_TEST

START_TEST(sends_nobody_to_names_that_a_certificate_has_not)
{
    struct tls_name host[] = {{TLS_NAME_CN, span_from_str("x")}, {TLS_NAME_DNS, span_from_str("x")}};
    struct tls_name other[] = {{TLS_NAME_CN, span_from_str("x")}, {TLS_NAME_OTHER, span_from_str("x")}};
    struct tls_peer named = {.names = host, .n_names = 2}, nameless = {.names = other, .n_names = 2};
    const char *usual = reason_row(REASON_NAME_MISMATCH)->hint, *hint = reason_hint(REASON_NAME_MISMATCH, &nameless);
    ck_assert_str_eq(reason_hint(REASON_NAME_MISMATCH, &named), usual);
    ck_assert_str_eq(reason_hint(REASON_NAME_MISMATCH, NULL), usual);
    ck_assert_ptr_nonnull(strstr(hint, "issue it again"));
    ck_assert_ptr_nonnull(strstr(hint, "openssl req -new"));
    ck_assert_ptr_null(strstr(hint, "server_name"));
    ck_assert_str_eq(reason_hint(REASON_EXPIRED, &nameless), reason_row(REASON_EXPIRED)->hint);
}
END_TEST

START_TEST(joins_the_words_for_all_that_was_found)
{
    const uint64_t two = UINT64_C(1) << REASON_EXPIRED | UINT64_C(1) << REASON_WRONG_PURPOSE;
    char words[REASON_WORDS_SIZE];
    reason_words(REASON_VALID, 0, words);
    ck_assert_str_eq(words, "valid");
    reason_words(REASON_EXPIRED, UINT64_C(1) << REASON_EXPIRED, words);
    ck_assert_str_eq(words, "expired");
    reason_words(REASON_EXPIRED, two, words);
    ck_assert_str_eq(words, "expired,wrong_purpose");
    reason_words(REASON_REVOKED, two | UINT64_C(1) << REASON_REVOKED, words);
    ck_assert_str_eq(words, "revoked,expired,wrong_purpose");
    reason_words(REASON_REVOKED, ~UINT64_C(0), words);
    ck_assert_uint_lt(strlen(words), REASON_WORDS_SIZE - 1); /* all there are */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("reason");
    TCase *t = tcase_create("reason");
    tcase_add_loop_test(t, says_outside_what_the_product_page_says, 0, sizeof(expected) / sizeof(expected[0]));
    tcase_add_loop_test(t, has_a_full_row_for_every_reason_in_its_place, 0, REASON_COUNT);
    tcase_add_loop_test(t, agrees_with_the_alert_that_is_sent, REASON_UNDECIDED, REASON_MALFORMED + 1);
    tcase_add_test(t, gives_every_reason_its_own_word);
    tcase_add_test(t, takes_a_reason_it_does_not_know_as_undecided);
    tcase_add_test(t, sends_nobody_to_names_that_a_certificate_has_not);
    tcase_add_test(t, joins_the_words_for_all_that_was_found);
    suite_add_tcase(s, t);
    return s;
}
