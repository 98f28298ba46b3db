/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that ask who. test_admit.c has them in their order with the others. */
#include "admit_steps.h"
#include "t.h"

#include <string.h>

static char ops_cn[] = "ops", bob_cn[] = "bob", here[] = "public", app[] = "app";
static struct config_allow for_ops = {.cn = ops_cn}, for_bob = {.cn = bob_cn};
static struct config_route routes[1];
static struct config_listener conf;
static struct tls_verdict verdict;
static struct tls_name name;
static struct tls_peer peer;
static struct admit_place at;
static struct admission a;
static struct err err;

static void set_up(void)
{
    routes[0] = (struct config_route){.upstream = app};
    conf = (struct config_listener){.name = here, .protocol = CONFIG_PROTOCOL_HTTP, .routes = routes, .n_routes = 1};
    verdict = (struct tls_verdict){.status = REASON_VALID};
    name = (struct tls_name){.type = TLS_NAME_CN, .value = span_from_str(ops_cn)};
    peer = (struct tls_peer){.names = &name, .n_names = 1, .n_cns = 1};
    at = (struct admit_place){.conf = &conf, .verdict = &verdict, .peer = &peer};
    admission_init(&a);
    err_clear(&err);
}

static void tear_down(void)
{
    admission_clear(&a);
}

START_TEST(rules_let_the_named_caller_pass_and_no_other)
{
    ck_assert(admit_who_lets_pass(&at, &for_ops, 1, false, &a));
    ck_assert(!admit_who_lets_pass(&at, &for_bob, 1, false, &a));
    ck_assert(!a.would_refuse);
    ck_assert_int_eq(admit_who_not_allowed(&at, &for_bob, 1, &err), REASON_NOT_ALLOWED);
    ck_assert_int_ne(err.text[0], '\0');
}
END_TEST

/* A2: rules on trial refuse nobody but a certificate that is not valid. */
START_TEST(rules_on_trial_say_whom_they_would_refuse)
{
    ck_assert(admit_who_lets_pass(&at, &for_bob, 1, true, &a));
    ck_assert(a.would_refuse);
    verdict.status = REASON_EXPIRED;
    ck_assert(!admit_who_lets_pass(&at, &for_bob, 1, true, &a));
    ck_assert(!admit_who_lets_pass(&at, &for_ops, 1, false, &a));
}
END_TEST

START_TEST(the_listeners_rules_are_asked_where_there_are_some)
{
    conf.allow = &for_bob;
    conf.n_allow = 1;
    ck_assert(admit_who_asks_caller(&at, &a));
    ck_assert_int_eq(admit_who_caller(&at, &a, &err), REASON_NOT_ALLOWED);
    conf.allow = &for_ops;
    ck_assert_int_eq(admit_who_caller(&at, &a, &err), REASON_VALID);
}
END_TEST

START_TEST(nothing_is_asked_of_a_program_or_a_header_without_a_limit)
{
    ck_assert(!admit_who_asks_program(&at, &a) && !admit_who_asks_header(&at, &a));
    ck_assert_int_eq(admit_program(&at, &err), REASON_VALID);
    ck_assert_int_eq(admit_who_identities(&at, 0, &err), REASON_VALID);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admit_who");
    TCase *t = tcase_create("admit_who");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, rules_let_the_named_caller_pass_and_no_other);
    tcase_add_test(t, rules_on_trial_say_whom_they_would_refuse);
    tcase_add_test(t, the_listeners_rules_are_asked_where_there_are_some);
    tcase_add_test(t, nothing_is_asked_of_a_program_or_a_header_without_a_limit);
    suite_add_tcase(s, t);
    return s;
}
