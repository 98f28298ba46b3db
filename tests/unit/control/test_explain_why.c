/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "explain_why.h"

#include <string.h>

#define BIT(reason) (UINT64_C(1) << (reason))

static const struct tls_verdict valid = {.status = REASON_VALID}, expired = {.status = REASON_EXPIRED};
static char host[] = "a.example", suffix[] = "*.b.example", get[] = "GET", head[] = "HEAD", put[] = "PUT", path[] = "/admin", ops[] = "ops", web[] = "web";
static char *hosts[] = {host, suffix}, *methods[] = {get, head, put};
static struct config_allow rules[] = {{.ou = ops}, {.cn = web, .ou = ops}, {.cn = NULL}};
static struct config_route route = {.host = {hosts, 2}, .path = path, .method = {methods, 3}, .cert = BIT(REASON_EXPIRED) | BIT(REASON_REVOKED),
                                    .caller = rules, .n_caller = 2};

static struct route_question make_question(void)
{
    static struct tls_name name;
    static struct tls_peer peer;
    name = (struct tls_name){TLS_NAME_CN, span_from_str("web")};
    peer = (struct tls_peer){.names = &name, .n_names = 1};
    return (struct route_question){.host = span_from_str("c.example"), .path = span_from_str("/x"), .method = span_from_str("POST"),
                                   .verdict = &valid, .peer = &peer};
}

static const struct {
    enum route_miss miss;
    const char *says;
} misses[] = {
    {ROUTE_MATCHES, ""},
    {ROUTE_OTHER_HOST, "host \"c.example\" is not \"a.example\" or \"*.b.example\""},
    {ROUTE_OTHER_PATH, "path \"/x\" is not \"/admin\" or below it"},
    {ROUTE_OTHER_METHOD, "method \"POST\" is not \"GET\", \"HEAD\" or \"PUT\""},
    {ROUTE_OTHER_STATUS, "the certificate's status is valid, not expired, revoked"},
    {ROUTE_OTHER_CALLER, "{ ou = \"ops\" }: ou does not hold; { cn = \"web\", ou = \"ops\" }: ou does not hold"},
};

START_TEST(names_what_the_request_has_and_what_the_route_wants)
{
    struct route_question q = make_question();
    char out[320];
    explain_why_missed(misses[_i].miss, &route, &q, out, sizeof(out));
    ck_assert_str_eq(out, misses[_i].says);
}
END_TEST

START_TEST(says_that_there_is_no_path)
{
    struct route_question q = make_question();
    char out[320];
    q.path = span_of(NULL, 0);
    explain_why_missed(ROUTE_OTHER_PATH, &route, &q, out, sizeof(out));
    ck_assert_str_eq(out, "the request has no path, which \"/admin\" needs");
}
END_TEST

START_TEST(says_that_only_a_valid_certificate_says_who_calls)
{
    struct route_question q = make_question();
    char out[320];
    q.verdict = &expired;
    explain_why_refused(rules, 2, &q, out, sizeof(out));
    ck_assert_str_eq(out, "the certificate is expired, and only a valid one proves an identity");
    q.verdict = NULL;
    explain_why_refused(rules, 2, &q, out, sizeof(out));
    ck_assert_str_eq(out, "there is no certificate");
}
END_TEST

START_TEST(says_which_rule_lets_in_and_which_never_can)
{
    struct route_question q = make_question();
    struct config_allow let_in[] = {{.ou = ops}, {.cn = web}};
    char out[320];
    explain_why_let_in(let_in, 2, &q, out, sizeof(out));
    ck_assert_str_eq(out, "{ cn = \"web\" } holds");
    explain_why_let_in(rules, 2, &q, out, sizeof(out));
    ck_assert_str_eq(out, "");
    explain_why_refused(rules + 2, 1, &q, out, sizeof(out));
    ck_assert_str_eq(out, "a rule without keys matches no client");
}
END_TEST

START_TEST(cuts_what_is_too_long_and_shows_that_it_did)
{
    static char huge[5000];
    memset(huge, 'x', sizeof(huge));
    struct route_question q = make_question();
    char out[40], large[320];
    explain_why_missed(ROUTE_OTHER_HOST, &route, &q, out, sizeof(out));
    ck_assert_uint_eq(strlen(out), sizeof(out) - 1);
    ck_assert_str_eq(out + sizeof(out) - 4, "...");
    q.host = span_of(huge, sizeof(huge));
    explain_why_missed(ROUTE_OTHER_HOST, &route, &q, large, sizeof(large));
    ck_assert_ptr_nonnull(strstr(large, "x\"... is not \"a.example\""));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("explain_why");
    TCase *t = tcase_create("explain_why");
    tcase_add_loop_test(t, names_what_the_request_has_and_what_the_route_wants, 0, sizeof(misses) / sizeof(misses[0]));
    tcase_add_test(t, says_that_there_is_no_path);
    tcase_add_test(t, says_that_only_a_valid_certificate_says_who_calls);
    tcase_add_test(t, says_which_rule_lets_in_and_which_never_can);
    tcase_add_test(t, cuts_what_is_too_long_and_shows_that_it_did);
    suite_add_tcase(s, t);
    return s;
}
