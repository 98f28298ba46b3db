/* SPDX-License-Identifier: Apache-2.0 */
#include "config_choice.h"
#include "config_slots.h"
#include "mtlsd/base/reasons.h"
#include "t.h"

#include <string.h>

START_TEST(a_word_nobody_knows_is_refused_with_those_that_are)
{
    static const struct config_slots_row cases[] = {
        {"a word in capitals", "listener", "protocol", "HTTP", "is not a valid value"},
        {"part of a word", "listener", "protocol", "htt", "did you mean \"http\"?"},
        {"the bar between the words", "listener", "protocol", "|", "write http | tcp"},
        {"a word and a blank", "listener", "protocol", "tcp ", "is not a valid value"},
        {"a word nobody knows, of several", "listener", "identity_headers", "everything",
         "write rfc9440 | x-ssl"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        config_slots_refused(&cases[i]);
    ck_assert_uint_eq(config_slots.listener.identity_headers, 0); /* and nothing of it was kept */
}
END_TEST

START_TEST(words_become_the_numbers_of_their_enum)
{
    config_slots_must_set("listener", "protocol", "tcp");
    ck_assert_int_eq(config_slots.listener.protocol, CONFIG_PROTOCOL_TCP);
    config_slots_must_set("listener", "forwarded", "rfc7239");
    ck_assert_int_eq(config_slots.listener.forwarded, CONFIG_FORWARDED_RFC7239);
    config_slots_must_set("listener.tls", "client_cert", "required");
    ck_assert_int_eq(config_slots.listener.tls.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    config_slots_must_set("listener.tls", "client_cert", "none");
    ck_assert_int_eq(config_slots.listener.tls.client_cert, CONFIG_CLIENT_CERT_NONE);
    config_slots_must_set("upstream.tls", "min_version", "1.3");
    ck_assert_int_eq(config_slots.upstream.tls.min_version, CONFIG_TLS_1_3);
    config_slots_must_set("trust", "crl_policy", "prefer");
    ck_assert_int_eq(config_slots.trust.crl_policy, CONFIG_CRL_PREFER);
    config_slots_must_set("upstream.tls", "require_client_auth", "true");
    ck_assert(config_slots.upstream.tls.require_client_auth);
    config_slots_must_set("listener", "identity_headers", "x-ssl");
    ck_assert_uint_eq(config_slots.listener.identity_headers, CONFIG_HEADERS_X_SSL);
    config_slots_must_set("listener", "identity_headers", "rfc9440"); /* one more of a list */
    ck_assert_uint_eq(config_slots.listener.identity_headers, CONFIG_HEADERS_X_SSL | CONFIG_HEADERS_RFC9440);
}
END_TEST

START_TEST(words_are_counted_from_the_left)
{
    static const struct {
        const char *why, *words;
        size_t n;
        const char *word; /* NULL: past the end */
    } cases[] = {
        {"the first", "http | tcp", 0, "http"},
        {"the last", "http | tcp", 1, "tcp"},
        {"past it", "http | tcp", 2, NULL},
        {"one alone", "system", 0, "system"},
        {"none", "", 0, NULL},
        {"far past", "a | b", 1000, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *word = "";
        size_t len = 0;
        bool found = config_choice_word(cases[i].words, cases[i].n, &word, &len);
        ck_assert_msg(found == (cases[i].word != NULL), "%s", cases[i].why);
        if (found)
            ck_assert_msg(len == strlen(cases[i].word) && memcmp(word, cases[i].word, len) == 0, "%s: %.*s",
                          cases[i].why, (int)len, word);
    }
}
END_TEST

#define BIT(reason) (UINT64_C(1) << (reason))

START_TEST(statuses_become_a_mask_and_error_is_every_bad_one)
{
    const struct config_route *route = &config_slots.route;
    config_slots_must_set("route", "cert", "none");
    ck_assert_uint_eq(route->cert, BIT(REASON_NONE));
    config_slots_must_set("route", "cert", "expired"); /* one more of a list */
    ck_assert_uint_eq(route->cert, BIT(REASON_NONE) | BIT(REASON_EXPIRED));
    config_slots_clear();
    config_slots_must_set("route", "cert", "error");
    ck_assert_uint_eq(route->cert & (BIT(REASON_NONE) | BIT(REASON_VALID) | BIT(REASON_UNDECIDED)), 0);
    ck_assert_int_eq(__builtin_popcountll(route->cert), 18); /* name_mismatch, not_allowed, staple_missing, ocsp_missing and wrong_trust_domain too */
}
END_TEST

START_TEST(all_that_is_tolerated_can_be_read)
{
    struct err err;
    config_slots_must_set("listener.tls", "tolerate", "all");
    const uint64_t mask = config_slots.listener.tls.tolerate;
    ck_assert_uint_eq(
        mask & (BIT(REASON_NONE) | BIT(REASON_VALID) | BIT(REASON_MALFORMED) | BIT(REASON_NOT_ALLOWED)), 0);
    ck_assert_int_eq(__builtin_popcountll(mask), 12);
    config_slots_clear();
    config_slots_must_set("listener.tls", "tolerate", "constraint");
    ck_assert_uint_eq(config_slots.listener.tls.tolerate, BIT(REASON_CONSTRAINT));
    ck_assert_int_eq(config_slots_set("listener.tls", "tolerate", "malformed", &err), -1);
    ck_assert_int_eq(config_slots_set("listener.tls", "tolerate", "valid", &err), -1);
}
END_TEST

START_TEST(sticky_is_a_word_and_its_mode_is_one_of_two)
{
    struct err err;
    ck_assert_int_eq(config_slots_set("upstream", "sticky", "cookie", &err), -1);
    ck_assert_msg(strstr(err.text, "write \"client_cert\", or a group") != NULL, "%s", err.text);
    ck_assert_int_eq(config_slots_set("upstream.sticky", "mode", "prefix", &err), -1);
    config_slots_must_set("upstream", "sticky", "client_cert");
    ck_assert_int_eq(config_slots.upstream.sticky, CONFIG_STICKY_CLIENT_CERT);
    config_slots_must_set("upstream.sticky", "mode", "suffix");
    ck_assert_int_eq(config_slots.upstream.sticky, CONFIG_STICKY_SUFFIX);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_choice");
    TCase *c = tcase_create("choice");
    tcase_add_checked_fixture(c, NULL, config_slots_clear);
    tcase_add_test(c, a_word_nobody_knows_is_refused_with_those_that_are);
    tcase_add_test(c, words_become_the_numbers_of_their_enum);
    tcase_add_test(c, words_are_counted_from_the_left);
    tcase_add_test(c, statuses_become_a_mask_and_error_is_every_bad_one);
    tcase_add_test(c, all_that_is_tolerated_can_be_read);
    tcase_add_test(c, sticky_is_a_word_and_its_mode_is_one_of_two);
    suite_add_tcase(s, c);
    return s;
}
