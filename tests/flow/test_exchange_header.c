/* SPDX-License-Identifier: Apache-2.0 */
/* What is said before TLS on a connection to an upstream: CONNECT to a proxy, the PROXY header. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static char proxy_text[] = "proxy.example:3128";
static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static void use_proxy(struct wire_node *n)
{
    n->up_conf.proxy_text = proxy_text;
    ck_assert_int_eq(address_parse(proxy_text, &n->up_conf.proxy, NULL), 0);
}

/* ---- CONNECT ---- */

START_TEST(a_request_goes_through_the_proxy_in_our_tls)
{
    http_chain.step = steps[_i];
    use_proxy(&http_chain.injector);
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    struct wire_socket *between = wire_between(&http_chain, 0);
    ck_assert(span_equals_str(bytes_span(&between->asked), "CONNECT " WIRE_NAME ":443 HTTP/1.1\r\nHost: " WIRE_NAME ":443\r\n\r\n"));
    ck_assert(!wire_ever_said(&between->up, "GET /"));
}
END_TEST

START_TEST(what_is_dialled_is_the_proxy)
{
    use_proxy(&http_chain.injector);
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    const struct uplink *u = client_next_uplink(wire_client(&http_chain.injector), NULL);
    ck_assert_ptr_nonnull(u);
    ck_assert_int_eq(u->phase, UPLINK_CONNECTING);
    ck_assert_str_eq(http_chain.injector.dialled.host, "proxy.example");
    ck_assert_uint_eq(http_chain.injector.dialled.port, 3128);
}
END_TEST

START_TEST(a_way_through_the_proxy_is_used_again)
{
    use_proxy(&http_chain.injector);
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

static const struct {
    const char *reply;
    enum reason reason;
    unsigned status;
    const char *text, *why;
} refusals[] = {
    {"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", REASON_PROXY_REFUSED, 502, "407", "it wants a password"},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", REASON_PROXY_REFUSED, 502, "403", "it says no"},
    {"HTTP/1.1 503 Service Unavailable\r\n\r\n", REASON_PROXY_REFUSED, 502, "503", "it cannot"},
    {"nonsense\r\n\r\n", REASON_PROXY_REFUSED, 502, "not HTTP", "it is no proxy"},
    {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", REASON_UPSTREAM_PROTOCOL, 502, "before TLS", "B2: content behind the answer"},
    {"HTTP/1.1 200 OK\r\n\r\n\x16", REASON_UPSTREAM_PROTOCOL, 502, "before TLS", "B2: a single byte behind the answer"},
};

START_TEST(what_the_proxy_refuses_is_said_with_words) /* B2, B3 */
{
    use_proxy(&http_chain.injector);
    http_chain.proxy_reply = refusals[_i].reply;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET "MARKER");
    wire_run(&http_chain);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert_msg(seen->reason == refusals[_i].reason, "%s: %s", refusals[_i].why, seen->detail);
    ck_assert_uint_eq(seen->status, refusals[_i].status);
    ck_assert_msg(strstr(seen->detail, refusals[_i].text) != NULL, "%s: %s", refusals[_i].why, seen->detail);
    ck_assert_ptr_nonnull(strstr(seen->detail, proxy_text));
    ck_assert_ptr_null(strstr(wire_got(app), "evil"));
    struct wire_socket *between = wire_between(&http_chain, 0);
    ck_assert(!wire_ever_said(&between->up, "GET /") && !wire_ever_said(&between->up, "MARKER"));
    ck_assert_uint_eq(wire_backend_contacts(&http_chain), 0);
}
END_TEST

/* A second reply that comes after the answer, in its own packet, meets the TLS engine and never the app (B2). */
START_TEST(content_instead_of_tls_behind_the_proxy_is_refused)
{
    use_proxy(&http_chain.injector);
    http_chain.step = strlen(http_chain.proxy_reply);
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    struct bytes reply = {.max = 4096};
    ck_assert_int_eq(bytes_printf(&reply, "%sHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil%c", http_chain.proxy_reply, 0), 0);
    http_chain.proxy_reply = (const char *)bytes_span(&reply).ptr;
    pool_retire_all(http_chain.injector.env.pool);
    bytes_clear(&app->got);
    wire_say(app, GET);
    wire_run(&http_chain);
    ck_assert_uint_eq(wire_last(&http_chain.injector)->status, 502);
    ck_assert_ptr_null(strstr(wire_got(app), "evil"));
    bytes_clear(&reply);
}
END_TEST

START_TEST(a_proxy_that_closes_is_no_answer)
{
    use_proxy(&http_chain.injector);
    http_chain.proxy_reply = NULL;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    wire_end(&wire_between(&http_chain, 0)->down);
    wire_run(&http_chain);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_PROXY_REFUSED);
    ck_assert_uint_eq(wire_last(&http_chain.injector)->status, 502);
}
END_TEST

START_TEST(a_silent_proxy_is_given_the_time_to_connect)
{
    use_proxy(&http_chain.injector);
    http_chain.proxy_reply = NULL;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_advance(&http_chain, 4900);
    ck_assert_uint_eq(http_chain.injector.n_seen, 0);
    wire_advance(&http_chain, 200);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CONNECT_TIMEOUT);
    ck_assert_uint_eq(wire_last(&http_chain.injector)->status, 504);
}
END_TEST

/* Without TLS too a server of HTTP is asked before it answers. */
START_TEST(an_answer_to_nothing_behind_the_proxy_is_refused) /* B2 */
{
    struct wire plain;
    wire_open(&plain, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true});
    use_proxy(&plain.injector);
    plain.proxy_reply = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, GET);
    wire_run(&plain);
    ck_assert_int_eq(wire_last(&plain.injector)->reason, REASON_UPSTREAM_PROTOCOL);
    ck_assert_ptr_null(strstr(wire_got(app), "evil"));
    wire_close(&plain);
}
END_TEST

/* Without TLS of ours a server may well speak first, and its words may come with the proxy's. */
START_TEST(what_a_tcp_server_says_first_comes_through_the_proxy)
{
    struct wire tcp;
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .no_verifier = true};
    wire_open(&tcp, &setup);
    tcp.step = steps[_i];
    use_proxy(&tcp.injector);
    tcp.proxy_reply = "HTTP/1.1 200 OK\r\n\r\n220 ready\r\n";
    struct wire_socket *app = wire_connect(&tcp);
    wire_say(app, "EHLO me\r\n");
    wire_end(&app->up);
    wire_run(&tcp);
    ck_assert_str_eq(wire_got(app), "220 ready\r\n");
    struct wire_socket *back = wire_backend_socket(&tcp, 0);
    ck_assert_str_eq(wire_got(back), "EHLO me\r\n");
    ck_assert(back->got_end && !back->got_reset);
    wire_close(&tcp);
}
END_TEST

START_TEST(a_tcp_client_is_cut_when_the_proxy_refuses)
{
    struct wire tcp;
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .no_verifier = true};
    wire_open(&tcp, &setup);
    use_proxy(&tcp.injector);
    tcp.proxy_reply = "HTTP/1.1 403 Forbidden\r\n\r\n";
    struct wire_socket *app = wire_connect(&tcp);
    wire_say(app, "MARKER");
    wire_run(&tcp);
    ck_assert(app->got_reset && app->got.len == 0);
    ck_assert_int_eq(wire_last(&tcp.injector)->reason, REASON_PROXY_REFUSED);
    ck_assert(!wire_ever_said(&wire_between(&tcp, 0)->up, "MARKER"));
    wire_close(&tcp);
}
END_TEST

/* ---- the PROXY header ---- */

static const enum config_proxy_protocol versions[] = {CONFIG_PROXY_PROTOCOL_V1, CONFIG_PROXY_PROTOCOL_V2};

START_TEST(the_header_is_the_first_thing_said_before_tls)
{
    http_chain.step = steps[_i / 2];
    http_chain.injector.up_conf.send_proxy_protocol = versions[_i % 2];
    http_chain.verifier.down_conf.accept_proxy_protocol = true;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    const char *start = _i % 2 == 0 ? "PROXY TCP4 192.0.2.7 " : "\r\n\r\n";
    struct span said = bytes_span(&wire_between(&http_chain, 0)->up.log);
    ck_assert(memcmp(said.ptr, start, strlen(start)) == 0);
    ck_assert(!wire_ever_said(&wire_between(&http_chain, 0)->up, "GET /"));
}
END_TEST

START_TEST(the_header_comes_behind_the_way_through_a_proxy)
{
    use_proxy(&http_chain.injector);
    http_chain.injector.up_conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V1;
    http_chain.verifier.down_conf.accept_proxy_protocol = true;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert(memcmp(bytes_span(&wire_between(&http_chain, 0)->asked).ptr, "CONNECT ", 8) == 0);
}
END_TEST

START_TEST(a_connection_that_names_its_client_is_not_shared)
{
    http_chain.injector.up_conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V2;
    http_chain.verifier.down_conf.accept_proxy_protocol = true;
    http_chain_ask(wire_connect(&http_chain), GET);
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert_uint_eq(http_chain.injector.connects, 2);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

START_TEST(a_backend_is_told_the_certificate_of_the_client)
{
    http_chain.verifier.up_conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V2;
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    struct wire_pipe *up = &wire_backend_socket(&http_chain, 0)->up;
    ck_assert(memcmp(bytes_span(&up->log).ptr, "\r\n\r\n\0\r\nQUIT\n\x21\x11", 14) == 0);
    static const char verified[] = "\x07\0\0\0\0\x21\0\x07TLSv1.3";
    struct span log = bytes_span(&up->log);
    ck_assert_ptr_nonnull(memmem(log.ptr, log.len, verified, sizeof(verified) - 1));
    ck_assert_ptr_nonnull(memmem(log.ptr, log.len, "\x22\0\x06" "client", 9));
}
END_TEST

/* A certificate that was let through although it is bad must not look good behind us (A2). */
START_TEST(a_backend_is_told_that_a_tolerated_certificate_did_not_hold)
{
    struct wire_pki pki;
    struct wire tolerant;
    wire_pki_make(&pki);
    const struct wire_side caller = {.bad = TLS_PKI_EXPIRED}, callee = {.tolerate = UINT64_C(1) << REASON_EXPIRED};
    struct tls_context *connecting = wire_pki_connecting(&pki, &caller), *accepting = wire_pki_accepting(&pki, &callee);
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .accepting = accepting};
    wire_open(&tolerant, &setup);
    wire_set_routes(&tolerant.verifier, &(struct config_route){.cert = UINT64_C(1) << REASON_EXPIRED}, 1);
    tolerant.verifier.up_conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V2;
    struct wire_socket *app = wire_connect(&tolerant);
    wire_say(app, GET);
    wire_run(&tolerant);
    ck_assert_ptr_nonnull(wire_backend_socket(&tolerant, 0));
    struct span log = bytes_span(&wire_backend_socket(&tolerant, 0)->up.log);
    ck_assert_ptr_nonnull(memmem(log.ptr, log.len, "\x07\0\0\0\x0a\x21\0\x07TLSv1.3", 15));
    wire_close(&tolerant);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_header");
    TCase *c = tcase_create("connect");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(c, http_chain_open, http_chain_close);
    tcase_add_loop_test(c, a_request_goes_through_the_proxy_in_our_tls, 0, N_STEPS);
    tcase_add_test(c, what_is_dialled_is_the_proxy);
    tcase_add_test(c, a_way_through_the_proxy_is_used_again);
    tcase_add_loop_test(c, what_the_proxy_refuses_is_said_with_words, 0, sizeof(refusals) / sizeof(refusals[0]));
    tcase_add_test(c, an_answer_to_nothing_behind_the_proxy_is_refused);
    tcase_add_test(c, content_instead_of_tls_behind_the_proxy_is_refused);
    tcase_add_test(c, a_proxy_that_closes_is_no_answer);
    tcase_add_test(c, a_silent_proxy_is_given_the_time_to_connect);
    tcase_add_loop_test(c, what_a_tcp_server_says_first_comes_through_the_proxy, 0, N_STEPS);
    tcase_add_test(c, a_tcp_client_is_cut_when_the_proxy_refuses);
    tcase_add_loop_test(c, the_header_is_the_first_thing_said_before_tls, 0, 2 * N_STEPS);
    tcase_add_test(c, the_header_comes_behind_the_way_through_a_proxy);
    tcase_add_test(c, a_connection_that_names_its_client_is_not_shared);
    tcase_add_test(c, a_backend_is_told_the_certificate_of_the_client);
    tcase_add_test(c, a_backend_is_told_that_a_tolerated_certificate_did_not_hold);
    suite_add_tcase(s, c);
    return s;
}
