/* SPDX-License-Identifier: Apache-2.0 */
/* Which id a request has: ours, or the one of a trusted proxy. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static char where[] = "here:1", field[] = "X-Request-ID", other_field[] = "X-Correlation-ID", id[] = "{request.id}", around[] = "id={request.id}";
static struct config_header sets[] = {{field, id}}, sets_other[] = {{other_field, id}}, sets_around[] = {{other_field, around}};
static struct ip_range near, far;

static struct wire_socket *ask(const char *fields)
{
    char request[1024];
    snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, request);
    return app;
}

static void route(struct config_header *set, const struct ip_range *proxy)
{
    const struct config_route r = {.where = where, .set_headers = set, .n_set_headers = 1};
    ck_assert(ip_range_parse("192.0.2.7", &near, NULL) == 0 && ip_range_parse("192.0.2.8", &far, NULL) == 0);
    http_chain.injector.down_conf.trusted_proxies = (struct config_ranges){.items = (struct ip_range *)(uintptr_t)proxy, .n = proxy != NULL ? 1 : 0};
    wire_set_routes(&http_chain.injector, &r, 1);
}

static const char *logged(void)
{
    return wire_last(&http_chain.injector)->id;
}

static bool backend_got(const char *text)
{
    return wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, text) || wire_was_asked(&http_chain, text);
}

#define LONG "0123456789012345678901234567890123456789012345678901234567890123"

static const struct row {
    const char *why, *fields, *kept;
} rows[] = {
    {"as it came", "X-Request-ID: 3f2e-A.b_c~d:e+f=g/h@i\r\n", "3f2e-A.b_c~d:e+f=g/h@i"},
    {"in another case", "x-request-id: abc\r\n", "abc"},
    {"as long as may be", "X-Request-ID: " LONG LONG "\r\n", LONG LONG},
    {"none", "", NULL},
    {"C8: an empty one", "X-Request-ID: \r\n", NULL},
    {"C8: two, of which each reader might take another", "X-Request-ID: abc\r\nX-Request-ID: def\r\n", NULL},
    {"C8: a space", "X-Request-ID: a b\r\n", NULL},
    {"C8: a quote", "X-Request-ID: a\"b\r\n", NULL},
    {"C8: beyond ASCII", "X-Request-ID: a\xc3\xa4\r\n", NULL},
    {"C8: an escape", "X-Request-ID: a\tb\r\n", NULL},
    {"C8: too long", "X-Request-ID: " LONG LONG "0\r\n", NULL},
    {"C1: in another spelling", "X_Request_ID: abc\r\n", NULL},
    {"C1: taken off by Connection", "Connection: X-Request-ID\r\nX-Request-ID: abc\r\n", "abc"},
};

START_TEST(the_id_of_a_trusted_proxy_is_kept_if_it_is_well_formed)
{
    const struct row *row = &rows[_i];
    char line[200];
    if (wire_pair()->app && strncmp(row->fields, "Connection:", 11) == 0)
        return; /* HTTP/2 has no such field */
    route(sets, &near);
    ask(row->fields);
    if (row->kept != NULL)
        ck_assert_msg(strcmp(logged(), row->kept) == 0, "%s: %s", row->why, logged());
    else
        ck_assert_msg(strlen(logged()) == 32 && strspn(logged(), "0123456789abcdef") == 32, "%s: %s", row->why, logged());
    snprintf(line, sizeof(line), "\r\nX-Request-ID: %s\r\n", logged());
    ck_assert_msg(backend_got(line), "%s: %s", row->why, line);
}
END_TEST

START_TEST(the_id_of_any_other_client_is_replaced) /* C1 */
{
    for (int i = 0; i < 2; i++) {
        route(sets, i == 0 ? NULL : &far);
        ask("X-Request-ID: spoofed\r\n");
        ck_assert_uint_eq(strlen(logged()), 32);
        ck_assert(!backend_got("spoofed"));
    }
}
END_TEST

START_TEST(the_field_is_the_one_that_the_route_sets)
{
    route(sets_other, &near);
    ask("X-Request-ID: abc\r\nX-Correlation-ID: def\r\n");
    ck_assert_str_eq(logged(), "def");
    ck_assert(backend_got("X-Correlation-ID: def\r\n"));
    ck_assert(backend_got("X-Request-ID: abc\r\n")); /* nothing sets it: it passes like any other field */
    route(sets_around, &near);
    ask("X-Request-ID: abc\r\nX-Correlation-ID: def\r\n");
    ck_assert_str_eq(logged(), "abc");
    ck_assert(backend_got("X-Correlation-ID: id=abc\r\n"));
}
END_TEST

START_TEST(each_request_of_a_connection_has_its_own)
{
    route(sets, &near);
    struct wire_socket *app = ask("X-Request-ID: abc\r\n");
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\nX-Request-ID: def\r\n\r\n");
    ck_assert_str_eq(logged(), "def");
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_uint_eq(strlen(logged()), 32);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_id");
    TCase *t = tcase_create("exchange_id");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, the_id_of_a_trusted_proxy_is_kept_if_it_is_well_formed, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(t, the_id_of_any_other_client_is_replaced);
    tcase_add_test(t, the_field_is_the_one_that_the_route_sets);
    tcase_add_test(t, each_request_of_a_connection_has_its_own);
    suite_add_tcase(s, t);
    return s;
}
