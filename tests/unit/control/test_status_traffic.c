/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "status_traffic.h"

#include "status_view.h"

#include <string.h>

START_TEST(tells_counts_by_the_words_of_the_reason_table)
{
    struct admin_view view = status_view_make();
    counters_add(&counters_listener(&shown.counters, "public")->refused[REASON_EXPIRED], 3);
    counters_add(&counters_listener(&shown.counters, "public")->answers[5], 8);
    counters_add(&counters_upstream(&shown.counters, "partner")->upstream_resumed, 11);
    const char *doc = status_view_text(&view);
    ck_assert_ptr_nonnull(strstr(doc, "\"expired\": 3"));
    ck_assert_ptr_nonnull(strstr(doc, "\"5xx\": 8"));
    ck_assert_ptr_nonnull(strstr(doc, "\"resumed_total\": 11"));
    ck_assert_ptr_null(strstr(doc, "\"revoked\": 0"));
}
END_TEST

START_TEST(tells_the_identities_by_server_name)
{
    struct admin_view view = status_view_make();
    char *hosts[] = {(char[]){"a.example"}, (char[]){"*.b.example"}};
    struct config_sni sni = {.hosts = {hosts, 2}, .identity = (char[]){"shop"}, .trust = (char[]){"staff"}, .client_cert = CONFIG_CLIENT_CERT_OPTIONAL};
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"identities\": [],"));
    shown.listener_conf.tls = (struct config_tls){.present = true, .identities = &sni, .n_identities = 1};
    bytes_clear(&shown.out);
    status_view_text(&view);
    shown.listener_conf.tls = (struct config_tls){0};
    ck_assert_ptr_nonnull(strstr(shown.text, "\"a.example\",\n            \"*.b.example\""));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"identity\": \"shop\",\n          \"identity_choices\": null,\n          \"trust\": \"staff\",\n          \"client_cert\": \"optional\""));
}
END_TEST

START_TEST(tells_whom_it_would_cost_something_to_enforce)
{
    struct admin_view view = status_view_make();
    struct counters_row *row = counters_listener(&shown.counters, "public");
    row->judged[REASON_VALID] = (struct counters_judged){1201, 5000, 1800000000};
    row->judged[REASON_NONE] = (struct counters_judged){2, 9, 1800000000};
    row->judged[REASON_EXPIRED] = (struct counters_judged){1, 0, 1700000000};
    counters_last_put(row->last, "CN=old", 1800000000);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"enforcing\": null")); /* plaintext */
    shown.listener_conf.tls = (struct config_tls){.present = true, .trust = (char[]){"x"}, .client_cert = CONFIG_CLIENT_CERT_REQUIRED};
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"enforcing\": null")); /* so already */
    shown.listener_conf.tls.client_cert = CONFIG_CLIENT_CERT_OPTIONAL;
    bytes_clear(&shown.out);
    status_view_text(&view);
    shown.listener_conf.tls = (struct config_tls){0};
    ck_assert_ptr_nonnull(strstr(shown.text, "\"callers\": 1204,\n        \"would_be_refused\": 3,"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"none\": {\n            \"connections\": 2,\n            \"requests\": 9,\n            \"last\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"who\": \"CN=old\",\n            \"time\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_null(strstr(shown.text, "\"valid\":"));
}
END_TEST

/* Drained by an operator, down by its checks, held after a failure: the strongest word is shown. */
START_TEST(tells_the_state_of_each_target)
{
    struct admin_view view = status_view_make();
    view.now_us = 1000000;
    struct counters_target *row = counters_target(&shown.counters, "partner", "127.0.0.1:9000");
    counters_add(&row->active, 2);
    counters_add(&row->failures, 7);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"state\": \"up\",\n          \"held_seconds\": null,\n          \"active\": 2"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"failures_total\": 7"));
    target_state_hold(shown.snapshot.target_state, 0, 3500000);
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"state\": \"held\",\n          \"held_seconds\": 3,"));
    target_state_set_down(shown.snapshot.target_state, 0, true);
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"state\": \"down\""));
    target_state_set_mode(shown.snapshot.target_state, 0, TARGET_DRAINED);
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"state\": \"drained\""));
    view.now_us = 3500000;
    target_state_set_mode(shown.snapshot.target_state, 0, TARGET_ENABLED);
    target_state_set_down(shown.snapshot.target_state, 0, false);
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"state\": \"up\"")); /* the hold is over */
}
END_TEST

START_TEST(tells_the_hits_of_routes_where_there_is_a_choice)
{
    struct admin_view view = status_view_make();
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"routes\": []"));
    struct config_route confs[2] = {{.where = "a.conf:3", .redirect = (char[]){"/x"}}, {.where = "a.conf:4"}};
    struct plan_route two[2] = {{.conf = &confs[0]}, {.conf = &confs[1], .upstream = &shown.upstream}};
    shown.listener = (struct plan_listener){.conf = &shown.listener_conf, .routes = two, .n_routes = 2};
    counters_add(&counters_route(&shown.counters, "public", 2)->hits, 9);
    bytes_clear(&shown.out);
    status_view_text(&view);
    shown.listener = (struct plan_listener){.conf = &shown.listener_conf, .routes = &shown.route, .n_routes = 1};
    ck_assert_ptr_nonnull(strstr(shown.text, "\"where\": \"a.conf:3\",\n          \"to\": \"redirect\",\n          \"hits\": 0"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"where\": \"a.conf:4\",\n          \"to\": \"partner\",\n          \"hits\": 9"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("status_traffic");
    TCase *t = tcase_create("status_traffic");
    tcase_add_checked_fixture(t, status_view_set_up, status_view_tear_down);
    tcase_add_test(t, tells_counts_by_the_words_of_the_reason_table);
    tcase_add_test(t, tells_the_identities_by_server_name);
    tcase_add_test(t, tells_whom_it_would_cost_something_to_enforce);
    tcase_add_test(t, tells_the_state_of_each_target);
    tcase_add_test(t, tells_the_hits_of_routes_where_there_is_a_choice);
    suite_add_tcase(s, t);
    return s;
}
