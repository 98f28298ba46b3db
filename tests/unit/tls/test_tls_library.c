/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/tls/tls_engine.h"

#include <ctype.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

START_TEST(takes_the_key_log_out_of_the_environment)
{
    struct err err = {0};
    ck_assert_int_eq(setenv("SSLKEYLOGFILE", "/nowhere/keys.log", 1), 0);
    ck_assert_int_eq(setenv("MTLSD_TEST_OTHER", "stays", 1), 0);
    ck_assert_int_eq(tls_library_start(&err), 0);
    ck_assert_ptr_null(getenv("SSLKEYLOGFILE"));
    ck_assert_str_eq(getenv("MTLSD_TEST_OTHER"), "stays");
    ck_assert_int_eq(err.kind, ERR_NONE);
}
END_TEST

START_TEST(names_alerts_as_the_rfc_does) /* RFC 8446 section 6 */
{
    const struct {
        int alert;
        const char *name, *why;
    } cases[] = {
        {-1, "none", "no alert at all"},
        {0, "close_notify", "0 is an alert"},
        {40, "handshake_failure", "what 1.2 says without a certificate"},
        {42, "bad_certificate", "of a refusal"},
        {44, "certificate_revoked", "of a refusal"},
        {45, "certificate_expired", "of a refusal"},
        {48, "unknown_ca", "of a refusal"},
        {49, "access_denied", "of a rule"},
        {70, "protocol_version", "of an old peer"},
        {112, "unrecognized_name", "of SNI"},
        {116, "certificate_required", "what 1.3 says without a certificate"},
        {41, "unknown", "reserved"},
        {115, "unknown", "not ours to see"},
        {255, "unknown", "the end of the byte"},
        {1000, "unknown", "no byte"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(strcmp(tls_alert_name(cases[i].alert), cases[i].name) == 0, "%d, %s: %s", cases[i].alert, cases[i].why,
                      tls_alert_name(cases[i].alert));
}
END_TEST

/* The library's own table, GNUTLS_A_BAD_CERTIFICATE and so on: a number that is in both has the same words in both. */
START_TEST(agrees_with_the_library_on_every_number)
{
    unsigned both = 0;
    for (int alert = 0; alert < 256; alert++) {
        const char *theirs = gnutls_alert_get_strname((gnutls_alert_description_t)alert);
        const char *ours = tls_alert_name(alert);
        if (theirs == NULL || strcmp(ours, "unknown") == 0)
            continue;
        char lower[80];
        snprintf(lower, sizeof(lower), "%s", theirs + strlen("GNUTLS_A_"));
        for (char *p = lower; *p != '\0'; p++)
            *p = (char)tolower((unsigned char)*p);
        both += strcmp(lower, ours) == 0;
        ck_assert_msg(strcmp(lower, ours) == 0 || alert == 0 || alert == 120, "%d: %s, in the library %s", alert, ours, lower);
    }
    ck_assert_uint_gt(both, 20);
}
END_TEST

START_TEST(has_a_name_for_every_alert_a_verdict_sends)
{
    for (int reason = 0; reason < REASON_COUNT; reason++) {
        int alert = (int)tls_judge_alert((enum reason)reason);
        ck_assert_msg(strcmp(tls_alert_name(alert), "unknown") != 0, "reason %d, alert %d", reason, alert);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_library");
    TCase *c = tcase_create("library");
    tcase_add_test(c, takes_the_key_log_out_of_the_environment);
    tcase_add_test(c, names_alerts_as_the_rfc_does);
    tcase_add_test(c, agrees_with_the_library_on_every_number);
    tcase_add_test(c, has_a_name_for_every_alert_a_verdict_sends);
    suite_add_tcase(s, c);
    return s;
}
