/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners whose clients are spoken for by a PROXY header. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };
#define HEADER "PROXY TCP4 198.51.100.9 192.0.2.1 4711 80\r\n"
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct wire plain;

/* A listener without TLS, so that a test can speak all of it. */
static void open_plain(void)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true};
    wire_open(&plain, &setup);
    plain.on_backend = wire_backend_http;
    plain.injector.down_conf.accept_proxy_protocol = true;
    plain.injector.down_conf.forwarded = CONFIG_FORWARDED_X;
}

static void close_plain(void)
{
    wire_close(&plain);
}

static const struct {
    const char *header, *client;
} told[] = {
    {HEADER, "X-Forwarded-For: 198.51.100.9\r\n"},
    {"PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n", "X-Forwarded-For: 2001:db8::7\r\n"},
    {"PROXY TCP6 ::ffff:198.51.100.9 ::ffff:192.0.2.1 4711 80\r\n", "X-Forwarded-For: 198.51.100.9\r\n"},
    {"PROXY UNKNOWN\r\n", "X-Forwarded-For: 192.0.2.7\r\n"},
};

START_TEST(the_client_is_who_the_header_says)
{
    plain.step = steps[_i % N_STEPS];
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, told[_i / N_STEPS].header);
    wire_say(app, GET);
    wire_run(&plain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert(bytes_append(&plain.request, "", 1) == 0);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&plain.request).ptr, told[_i / N_STEPS].client));
}
END_TEST

static const char *const headless[] = {GET, "PROXY TCP4 1.2.3.4\r\n" GET, "\r\n" HEADER GET, "proxy unknown\r\n" GET, " " HEADER GET,
                                       "\x16\x03\x01\x02\x00\x01"};

START_TEST(without_a_header_nothing_is_read_and_nothing_answered)
{
    plain.step = steps[_i % N_STEPS];
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, headless[_i / N_STEPS]);
    wire_run(&plain);
    ck_assert(app->got_reset && app->got.len == 0);
    ck_assert_uint_eq(wire_backend_contacts(&plain), 0);
    ck_assert_int_eq(wire_last(&plain.injector)->reason, REASON_REQUEST_MALFORMED);
    ck_assert_int_eq(wire_last(&plain.injector)->kind, REPORT_CONNECTION);
}
END_TEST

START_TEST(a_second_header_is_no_request)
{
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, HEADER HEADER GET);
    wire_run(&plain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 400 "));
    ck_assert_uint_eq(wire_backend_contacts(&plain), 0);
}
END_TEST

START_TEST(a_header_must_come_in_time)
{
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, "PROXY TCP4 ");
    wire_advance(&plain, 9900);
    ck_assert_uint_eq(plain.injector.n_seen, 0);
    wire_advance(&plain, 200);
    ck_assert_int_eq(wire_last(&plain.injector)->reason, REASON_HANDSHAKE_TIMEOUT);
    ck_assert(app->got_reset);
}
END_TEST

/* The header and the handshake share their time: a client does not get twice as long. */
START_TEST(a_header_does_not_prolong_the_handshake)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_injector = true, .accepting = http_chain.verifier.listener.tls};
    struct wire alone;
    wire_open(&alone, &setup);
    alone.verifier.down_conf.accept_proxy_protocol = true;
    struct wire_socket *caller = wire_connect(&alone);
    wire_advance(&alone, 6000);
    wire_say(caller, HEADER);
    wire_advance(&alone, 3900);
    ck_assert_uint_eq(alone.verifier.n_seen, 0);
    wire_advance(&alone, 200);
    ck_assert_int_eq(wire_last(&alone.verifier)->reason, REASON_HANDSHAKE_TIMEOUT);
    ck_assert(caller->got_reset);
    wire_close(&alone);
}
END_TEST

START_TEST(a_client_that_leaves_early_is_told_of)
{
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, "PROXY ");
    wire_end(&app->up);
    wire_run(&plain);
    ck_assert_int_eq(wire_last(&plain.injector)->reason, REASON_CLIENT_CLOSED);
}
END_TEST

START_TEST(bytes_behind_the_header_reach_a_tcp_upstream)
{
    struct wire tcp;
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .no_verifier = true};
    wire_open(&tcp, &setup);
    tcp.step = steps[_i];
    tcp.injector.down_conf.accept_proxy_protocol = true;
    struct wire_socket *app = wire_connect(&tcp);
    wire_say(app, HEADER "EHLO me\r\n");
    wire_run(&tcp);
    struct wire_socket *back = wire_backend_socket(&tcp, 0);
    ck_assert_ptr_nonnull(back);
    ck_assert_str_eq(wire_got(back), "EHLO me\r\n");
    wire_close(&tcp);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_header");
    TCase *c = tcase_create("plain");
    tcase_add_checked_fixture(c, open_plain, close_plain);
    tcase_add_loop_test(c, the_client_is_who_the_header_says, 0, (int)(N_STEPS * sizeof(told) / sizeof(told[0])));
    tcase_add_loop_test(c, without_a_header_nothing_is_read_and_nothing_answered, 0, (int)(N_STEPS * sizeof(headless) / sizeof(headless[0])));
    tcase_add_test(c, a_second_header_is_no_request);
    tcase_add_test(c, a_header_must_come_in_time);
    tcase_add_test(c, a_client_that_leaves_early_is_told_of);
    tcase_add_loop_test(c, bytes_behind_the_header_reach_a_tcp_upstream, 0, N_STEPS);
    suite_add_tcase(s, c);
    TCase *t = tcase_create("tls");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_test(t, a_header_does_not_prolong_the_handshake);
    suite_add_tcase(s, t);
    return s;
}
