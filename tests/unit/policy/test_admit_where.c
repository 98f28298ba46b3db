/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that ask where to. test_admit.c has them in their order with the others. */
#include "admit_steps.h"
#include "t.h"

#include <string.h>

static char ops_cn[] = "ops", bob_cn[] = "bob", here[] = "public", app[] = "app", other[] = "other";
static struct config_allow for_ops = {.cn = ops_cn}, for_bob = {.cn = bob_cn};
static struct config_route routes[2];
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
    routes[1] = (struct config_route){.upstream = other};
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

static enum reason route_of(enum http_target_form form, const char *host, unsigned port)
{
    admission_clear(&a);
    admission_init(&a);
    err_clear(&err);
    a.method = span_from_str(form == HTTP_TARGET_AUTHORITY ? "CONNECT" : "GET");
    a.target = (struct http_target){.form = form, .host = span_from_str(host), .port = port, .path = span_from_str("/x")};
    a.path = a.target.path;
    route_index_find(at.by_host, a.target.host, &a.found);
    return admit_where_route(&at, &a, &err);
}

START_TEST(a_route_takes_it_or_nothing_does)
{
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "localhost", 0), REASON_VALID);
    ck_assert(a.way == ADMIT_BY_ROUTE && a.choice.index == 0 && admit_where_forwards(&routes[0]));
    conf.n_routes = 0;
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "localhost", 0), REASON_NO_ROUTE);
    ck_assert_int_eq(a.way, ADMIT_REFUSED);
}
END_TEST

START_TEST(a_gate_of_a_route_refuses)
{
    routes[0].allow = &for_bob;
    routes[0].n_allow = 1;
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "localhost", 0), REASON_NOT_ALLOWED);
    routes[0].allow = &for_ops;
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "localhost", 0), REASON_VALID);
}
END_TEST

/* E3 */
START_TEST(connect_needs_a_forward_proxy_that_grants_it)
{
    ck_assert_int_eq(route_of(HTTP_TARGET_AUTHORITY, "far.example", 443), REASON_METHOD_UNKNOWN);
    conf.forward_proxy = (struct config_forward_proxy){.present = true, .connect = CONFIG_CONNECT_REFUSE};
    ck_assert_int_eq(route_of(HTTP_TARGET_AUTHORITY, "far.example", 443), REASON_DENIED);
}
END_TEST

/* E3 */
START_TEST(a_request_in_a_tunnel_names_its_host)
{
    static const struct address tunnel = {.kind = ADDRESS_TCP, .host = "a.example", .port = 443};
    conf.forward_proxy.present = true;
    at.tunnel = &tunnel;
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "b.example", 0), REASON_HOST_NOT_ALLOWED);
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "a.example", 80), REASON_HOST_NOT_ALLOWED);
    ck_assert_int_eq(route_of(HTTP_TARGET_AUTHORITY, "a.example", 443), REASON_METHOD_UNKNOWN);
}
END_TEST

/* A15 */
START_TEST(a_second_path_is_asked_for_where_rules_may_part_the_two)
{
    struct http_field fields[] = {{span_from_str("Destination"), span_from_str("/y")}};
    struct http_head head = {.request = true, .method = span_from_str("COPY"), .fields = fields, .n_fields = 1};
    ck_assert_int_eq(route_of(HTTP_TARGET_ORIGIN, "localhost", 0), REASON_VALID);
    a.head = &head;
    a.method = head.method;
    ck_assert(!admit_where_asks_destination(&at, &a)); /* one route without rules */
    conf.has_path_rules = true;
    ck_assert(admit_where_asks_destination(&at, &a));
    ck_assert_int_eq(admit_where_destination(&at, &a, &err), REASON_VALID);
    fields[0].value = span_from_str("/x/../y");
    ck_assert_int_ne(admit_where_destination(&at, &a, &err), REASON_VALID);
    ck_assert_int_eq(strncmp(err.text, "Destination: ", 13), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admit_where");
    TCase *t = tcase_create("admit_where");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_route_takes_it_or_nothing_does);
    tcase_add_test(t, a_gate_of_a_route_refuses);
    tcase_add_test(t, connect_needs_a_forward_proxy_that_grants_it);
    tcase_add_test(t, a_request_in_a_tunnel_names_its_host);
    tcase_add_test(t, a_second_path_is_asked_for_where_rules_may_part_the_two);
    suite_add_tcase(s, t);
    return s;
}
