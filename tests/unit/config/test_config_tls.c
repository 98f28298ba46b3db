/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/reasons.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <stdio.h>

#define BIT(reason) (UINT64_C(1) << (reason))

static struct findings findings;
static struct config *config;

static void set_up(void)
{
    findings_init(&findings);
    config = NULL;
}

static void tear_down(void)
{
    config_free(config);
    findings_clear(&findings);
}

static const struct config_tls *take(const char *tls)
{
    char text[1200];
    snprintf(text, sizeof(text),
             "identities = { a = { bundle = \"a\"; }; b = { bundle = \"b\"; }; }; trusts = { ca = { ca = \"c\"; }; staff = { ca = \"s\"; }; };\n"
             "upstreams = { up = { targets = \"127.0.0.1:9\"; }; };\n"
             "listeners = { app = { bind = \":1\"; routes = ( { respond = 404; } );\n"
             "tls = { %s }; }; };",
             tls);
    tear_down();
    set_up();
    config = config_parse(text, "x.conf", &findings);
    ck_assert_msg(config != NULL, "%s: %s", tls, findings.n > 0 ? findings.items[0].text : "");
    return &config->listeners[0].tls;
}

START_TEST(one_identity_is_one_policy)
{
    const struct config_tls *tls = take("identity = \"a\"; trust = \"ca\";");
    ck_assert_uint_eq(config_tls_policies(tls), 1);
    struct config_tls policy = config_tls_policy(tls, 0);
    ck_assert_ptr_eq(policy.identity, tls->identity);
    ck_assert_ptr_eq(policy.trust, tls->trust);
    ck_assert_int_eq(policy.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
}
END_TEST

START_TEST(who_leaves_a_trust_out_gets_that_of_the_block) /* A8 */
{
    const struct config_tls *tls = take("identities = ( { hosts = [ \"A.Example\", \"*.b.example\" ]; identity = \"a\"; },\n { identity = \"b\"; trust = \"staff\"; client_cert = \"optional\"; "
                                        "tolerate = \"revoked\"; } ); trust = \"ca\"; tolerate = \"expired\";");
    ck_assert_uint_eq(config_tls_policies(tls), 2); /* nobody else is served */
    struct config_tls first = config_tls_policy(tls, 0), second = config_tls_policy(tls, 1);
    ck_assert_str_eq(tls->identities[0].hosts.items[0], "a.example");
    ck_assert_str_eq(first.where, "x.conf:4");
    ck_assert_str_eq(first.identity, "a");
    ck_assert_str_eq(first.trust, "ca");
    ck_assert_int_eq(first.client_cert, CONFIG_CLIENT_CERT_REQUIRED);
    ck_assert_uint_eq(first.tolerate, BIT(REASON_EXPIRED));
    ck_assert_str_eq(second.where, "x.conf:5");
    ck_assert_uint_eq(tls->identities[1].hosts.n, 0);
    ck_assert_str_eq(second.trust, "staff");
    ck_assert_int_eq(second.client_cert, CONFIG_CLIENT_CERT_OPTIONAL);
    ck_assert_uint_eq(second.tolerate, BIT(REASON_REVOKED));
    ck_assert_uint_eq(second.n_identities, 0);
}
END_TEST

START_TEST(what_is_asked_is_as_in_the_block) /* A8 */
{
    static const struct {
        const char *why, *tls;
        enum config_client_cert want;
    } rows[] = {
        {"a trust of its own", "identities = ( { identity = \"a\"; hosts = \"a\"; trust = \"staff\"; } ); trust = \"ca\"; client_cert = \"optional\";", CONFIG_CLIENT_CERT_OPTIONAL},
        {"a trust where there is none", "identities = ( { identity = \"a\"; hosts = \"a\"; trust = \"staff\"; } );", CONFIG_CLIENT_CERT_REQUIRED},
        {"no trust at all", "identities = ( { identity = \"a\"; hosts = \"a\"; }, { identity = \"b\"; hosts = \"b\"; trust = \"ca\"; } );", CONFIG_CLIENT_CERT_NONE},
        {"none is asked", "identities = ( { identity = \"a\"; hosts = \"a\"; client_cert = \"none\"; }, { identity = \"b\"; hosts = \"b\"; } ); trust = \"ca\";", CONFIG_CLIENT_CERT_NONE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(config_tls_policy(take(rows[i].tls), 0).client_cert == rows[i].want, "%s", rows[i].why);
}
END_TEST

START_TEST(the_last_policy_is_for_other_names)
{
    const struct config_tls *tls = take("identity = \"b\"; trust = \"staff\"; identities = ( { identity = \"a\"; hosts = \"a\"; trust = \"ca\"; } );");
    ck_assert_uint_eq(config_tls_policies(tls), 2);
    struct config_tls policy = config_tls_policy(tls, 1);
    ck_assert_str_eq(policy.identity, "b");
    ck_assert_str_eq(policy.trust, "staff");
}
END_TEST

START_TEST(the_statuses_are_those_of_all_policies) /* A2 */
{
    static const struct {
        const char *why, *tls;
        uint64_t want;
        bool asks;
    } rows[] = {
        {"required", "identity = \"a\"; trust = \"ca\"; tolerate = \"expired\";", BIT(REASON_VALID) | BIT(REASON_EXPIRED), true},
        {"some are asked", "identity = \"b\"; identities = ( { identity = \"a\"; hosts = \"a\"; trust = \"ca\"; tolerate = \"revoked\"; } );",
         BIT(REASON_NONE) | BIT(REASON_VALID) | BIT(REASON_REVOKED), true},
        {"the block's rules are nobody's", "trust = \"ca\"; client_cert = \"optional\"; identities = ( { identity = \"a\"; hosts = \"a\"; client_cert = \"required\"; } );", BIT(REASON_VALID), true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_tls *tls = take(rows[i].tls);
        ck_assert_msg(config_tls_statuses(tls) == rows[i].want, "%s: %llx", rows[i].why, (unsigned long long)config_tls_statuses(tls));
        ck_assert_msg(config_tls_asks(tls) == rows[i].asks, "%s", rows[i].why);
    }
    const struct config_tls open = {.present = true};
    ck_assert(!config_tls_asks(&open));
    ck_assert_uint_eq(config_tls_statuses(&open), BIT(REASON_NONE));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_tls");
    TCase *t = tcase_create("config_tls");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, one_identity_is_one_policy);
    tcase_add_test(t, who_leaves_a_trust_out_gets_that_of_the_block);
    tcase_add_test(t, what_is_asked_is_as_in_the_block);
    tcase_add_test(t, the_last_policy_is_for_other_names);
    tcase_add_test(t, the_statuses_are_those_of_all_policies);
    suite_add_tcase(s, t);
    return s;
}
