/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "mtlsd/config/config_renew.h"
#include "t.h"

#include <string.h>

#define WITH(files, renew)                                                                                                                             \
    "identities = { me = { " files " renew = { " renew " }; }; };\ntrusts = { ca = { ca = \"ca.pem\"; }; };\n"                                         \
    "upstreams = { up = { targets = \"h.example:9000\"; tls = { identity = \"me\"; trust = \"ca\"; }; }; };\n" CONFIG_ROWS_LOCAL
#define BUNDLE "bundle = \"me.pem\";"
#define PAIR "certificate = \"me.crt\"; key = \"me.key\";"
#define EST "est = \"https://ca.example\"; trust = \"ca\";"
#define STEP "step = \"https://ca.example:9000\"; trust = \"ca\";"

START_TEST(a_renewal_that_cannot_be_meant_is_refused)
{
    static const struct config_row cases[] = {
        {"no server", WITH(BUNDLE, "trust = \"ca\";"), "needs the server of the CA"},
        {"two servers", WITH(BUNDLE, EST " step = \"https://ca.example\";"), "has two servers"},
        {"no trust", WITH(BUNDLE, "est = \"https://ca.example\";"), "trust is missing"},
        {"the system's trust", WITH(BUNDLE, "est = \"https://ca.example\"; trust = \"system\";"), "takes a trust of its own"},
        {"an unknown trust", WITH(BUNDLE, "est = \"https://ca.example\"; trust = \"cb\";"), "no trust \"cb\" is defined"},
        {"plaintext", WITH(BUNDLE, "est = \"http://ca.example\"; trust = \"ca\";"), "is no address of such a server"},
        {"a user", WITH(BUNDLE, "est = \"https://u:p@ca.example\"; trust = \"ca\";"), "is no address of such a server"},
        {"a query", WITH(BUNDLE, "est = \"https://ca.example/?a\"; trust = \"ca\";"), "is no address of such a server"},
        {"another path", WITH(BUNDLE, "est = \"https://ca.example/est\"; trust = \"ca\";"), "is no address of such a server"},
        {"a part of one", WITH(BUNDLE, EST " before = \"3/3\";"), "is neither a part of a life"},
        {"a part of nothing", WITH(BUNDLE, EST " before = \"1/0\";"), "is neither a part of a life"},
        {"no unit", WITH(BUNDLE, EST " before = \"7\";"), "is neither a part of a life"},
        {"too short", WITH(BUNDLE, EST " before = \"59s\";"), "is neither a part of a life"},
        {"PKCS#12", WITH("pkcs12 = \"me.p12\";", EST), "instead of pkcs12"},
        {"a token", WITH("certificate = \"me.crt\"; key = \"pkcs11:token=a;object=b\";", EST), "a token or a variable of the environment"},
        {"the environment", WITH("certificate = \"me.crt\"; key = \"env:KEY\";", EST), "a token or a variable of the environment"},
        {"a chain beside", WITH(PAIR " chain = \"chain.crt\";", EST), "leave chain out"},
        {"an encrypted key", WITH(PAIR " passphrase_file = \"pass\";", EST), "leave passphrase_file out"},
        {"no key process", "insecure_keys_in_process = true;\n" WITH(BUNDLE, EST), "needs the key process"},
    };
    config_rows_refused(&cases[_i]);
}
END_TEST

START_TEST(a_renewal_is_taken)
{
    static const struct config_row cases[] = {
        {"EST", WITH(BUNDLE, EST), NULL},
        {"a label", WITH(PAIR, "est = \"https://ca.example:8443/.well-known/est/clients/\"; trust = \"ca\"; before = \"7d\";"), NULL},
        {"step-ca", WITH(PAIR, STEP " before = \"2/3\";"), NULL},
    };
    config_rows_taken(&cases[_i]);
}
END_TEST

START_TEST(an_address_leads_to_the_request)
{
    static const struct row { const char *est, *step, *host; unsigned port; const char *path; } rows[] = {
        {"https://ca.example", NULL, "ca.example", 443, "/.well-known/est/simplereenroll"},
        {"https://ca.example/", NULL, "ca.example", 443, "/.well-known/est/simplereenroll"},
        {"https://[::1]:8443/.well-known/est/a", NULL, "::1", 8443, "/.well-known/est/a/simplereenroll"},
        {NULL, "https://10.0.0.1:9000", "10.0.0.1", 9000, "/1.0/rekey"},
        {NULL, "https://ca.example/ca/", "ca.example", 443, "/ca/1.0/rekey"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_renew_place place;
        const struct config_renew renew = {.est = (char *)(uintptr_t)rows[i].est, .step = (char *)(uintptr_t)rows[i].step};
        ck_assert_int_eq(config_renew_place(&renew, &place), 0);
        ck_assert_str_eq(place.server.host, rows[i].host);
        ck_assert_uint_eq(place.server.port, rows[i].port);
        ck_assert_str_eq(place.path, rows[i].path);
    }
}
END_TEST

START_TEST(before_is_a_part_or_a_duration)
{
    static const struct row { const char *before; int64_t life, seconds; } rows[] = {{NULL, 900, 300}, {"1/3", 900, 300}, {"2/3", 900, 600}, {"1/1000", 900, 0}, {"7d", 900, 604800}, {"x", 900, -1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct config_renew renew = {.before = (char *)(uintptr_t)rows[i].before};
        ck_assert_int_eq(config_renew_before(&renew, rows[i].life), rows[i].seconds);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_renew");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, a_renewal_that_cannot_be_meant_is_refused, 0, 19);
    tcase_add_loop_test(c, a_renewal_is_taken, 0, 3);
    tcase_add_test(c, an_address_leads_to_the_request);
    tcase_add_test(c, before_is_a_part_or_a_duration);
    suite_add_tcase(s, c);
    return s;
}
