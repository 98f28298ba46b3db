/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"
#include "t.h"

#include <string.h>

static struct config_allow cn = {.cn = "alice"}, ou = {.ou = "ops"}, both = {.cn = "alice", .ou = "ops"};

START_TEST(a6_says_that_of_several_cns_none_counts)
{
    struct tls_peer two = {.n_cns = 2}, one = {.n_cns = 1};
    ck_assert_ptr_nonnull(strstr(allow_why_not(&cn, &two), "several CNs"));
    ck_assert_ptr_nonnull(strstr(allow_why_not(&both, &two), "several CNs"));
    ck_assert_ptr_null(allow_why_not(&ou, &two));
    ck_assert_ptr_null(allow_why_not(&cn, &one));
}
END_TEST

START_TEST(a6_says_that_an_issuer_was_only_sent)
{
    struct config_allow issuer = {.issuer = "CN=Partner *"}, other = {.issuer = "CN=Other"};
    struct tls_peer sent = {.issuer = "CN=Partner CA"}, cut = {.issuer = "CN=Partner CA", .issuer_cut = true};
    ck_assert_ptr_nonnull(strstr(allow_why_not(&issuer, &sent), "only the client sent"));
    ck_assert_ptr_null(allow_why_not(&issuer, &cut));
    ck_assert_ptr_null(allow_why_not(&other, &sent));
    sent.by_anchor = true;
    ck_assert_ptr_null(allow_why_not(&issuer, &sent));
}
END_TEST

START_TEST(says_that_a_subject_is_written_the_other_way_round)
{
    static const struct {
        const char *rule, *subject;
        bool said;
    } rows[] = {{"O=Acme,OU=ops,CN=x", "CN=x,OU=ops,O=Acme", true},
                {"O=A\\,B,CN=x", "CN=x,O=A\\,B", true},
                {"O=Acme,CN=y", "CN=x,O=Acme", false},
                {"CN=x,O=Acme", "CN=x,O=Acme", false},
                {"O=Acme", "CN=x,O=Acme", false},
                {"CN=x", "CN=y", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_allow rule = {.subject = (char *)(uintptr_t)rows[i].rule};
        struct tls_peer peer = {.subject = rows[i].subject};
        const char *why = allow_why_not(&rule, &peer);
        ck_assert_msg((why != NULL && strstr(why, "opposite order") != NULL) == rows[i].said, "%s of %s", rows[i].rule, rows[i].subject);
    }
}
END_TEST

START_TEST(says_for_a_list_what_is_special_about_any_rule)
{
    struct tls_peer two = {.n_cns = 2}, one = {.n_cns = 1};
    const struct config_allow rules[] = {ou, cn};
    ck_assert_ptr_nonnull(strstr(allow_why_refused(rules, 2, &two), "no allow rule matches this certificate: its subject has several CNs"));
    ck_assert_str_eq(allow_why_refused(rules, 2, &one), "no allow rule matches this certificate");
    ck_assert_str_eq(allow_why_refused(rules, 0, &two), "no allow rule matches this certificate");
    ck_assert_str_eq(allow_why_refused(rules, 2, NULL), "no certificate, but allow requires one");
}
END_TEST

START_TEST(says_nothing_of_a_rule_that_holds)
{
    struct tls_name names[] = {{TLS_NAME_CN, span_from_str("alice")}};
    struct tls_peer peer = {.n_cns = 1, .names = names, .n_names = 1};
    ck_assert_ptr_null(allow_why_not(&cn, &peer));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("allow_why");
    TCase *c = tcase_create("why");
    tcase_add_test(c, a6_says_that_of_several_cns_none_counts);
    tcase_add_test(c, a6_says_that_an_issuer_was_only_sent);
    tcase_add_test(c, says_for_a_list_what_is_special_about_any_rule);
    tcase_add_test(c, says_nothing_of_a_rule_that_holds);
    tcase_add_test(c, says_that_a_subject_is_written_the_other_way_round);
    suite_add_tcase(s, c);
    return s;
}
