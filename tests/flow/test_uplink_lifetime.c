/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to upstreams whose time is over. */
#include "mtlsd/proxy/lifetime.h"
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static void answer(size_t backend, const char *text)
{
    wire_answer(wire_backend_socket(&http_chain, backend), text);
    wire_run(&http_chain);
}

static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct uplink *used(void)
{
    struct uplink *u = client_next_uplink(wire_client(&http_chain.injector), NULL);
    ck_assert_ptr_nonnull(u);
    return u;
}

START_TEST(an_old_connection_to_an_upstream_takes_no_further_request)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(uplink_live(used(), &(struct lifetime){0, UINT64_MAX, REASON_CONNECTION_AGE}, http_chain.now), UINT64_MAX);
    wire_run(&http_chain);
    answer(0, ANSWER);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 200 "));
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
    http_chain.on_backend = wire_backend_http;
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 200 "));
    ck_assert_uint_eq(http_chain.injector.connects, 2);
}
END_TEST

START_TEST(what_runs_on_it_fails_when_the_time_is_over_and_blames_no_target)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(uplink_live(used(), &(struct lifetime){0, 0, REASON_CERTIFICATE_REPLACED}, http_chain.now), UINT64_MAX);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 503 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "certificate_replaced"));
    ck_assert(!app->got_end);
    http_chain.on_backend = wire_backend_http;
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 200 "));
    ck_assert_uint_eq(http_chain.injector.connects, 2);
}
END_TEST

START_TEST(the_pool_keeps_none_beyond_its_age)
{
    http_chain.injector.up_conf.max_age_ms = 10000;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    wire_advance(&http_chain, 8000);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(http_chain.injector.connects, 1);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 1);
    wire_advance(&http_chain, 2000);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(http_chain.injector.connects, 2);
}
END_TEST

/* ---- tcp ---- */

static struct wire w;

static struct wire_socket *tunnel(void)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "hi");
    wire_run(&w);
    return app;
}

static void open_tcp(void)
{
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_TCP, .no_verifier = true});
}

static void close_tcp(void)
{
    wire_close(&w);
}

START_TEST(a_tcp_connection_ends_with_that_to_its_upstream)
{
    struct wire_socket *app = tunnel();
    struct uplink *u = client_next_uplink(wire_client(&w.injector), NULL);
    uplink_live(u, &(struct lifetime){0, 0, REASON_CERTIFICATE_REPLACED}, w.now);
    wire_run(&w);
    ck_assert(app->got_reset && wire_backend_socket(&w, 0)->got_reset);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CERTIFICATE_REPLACED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_lifetime");
    TCase *http = tcase_create("http"), *tcp = tcase_create("tcp");
    tcase_add_unchecked_fixture(http, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(http, http_chain_open, http_chain_close);
    tcase_add_test(http, an_old_connection_to_an_upstream_takes_no_further_request);
    tcase_add_test(http, what_runs_on_it_fails_when_the_time_is_over_and_blames_no_target);
    tcase_add_test(http, the_pool_keeps_none_beyond_its_age);
    tcase_add_checked_fixture(tcp, open_tcp, close_tcp);
    tcase_add_test(tcp, a_tcp_connection_ends_with_that_to_its_upstream);
    suite_add_tcase(s, http);
    suite_add_tcase(s, tcp);
    return s;
}
