/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that become tunnels: WebSocket through injector and verifier. */
#include "http_chain.h"
#include "mtlsd/http/http_websocket.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]), MIB = 1024 * 1024 };

#define ASK                                                                                                                                      \
    "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"               \
    "Sec-WebSocket-Version: 13\r\n\r\n"
/* As Java's HttpClient asks. */
#define ASK_WITH_LENGTH                                                                                                                          \
    "GET /chat HTTP/1.1\r\nConnection: Upgrade\r\nContent-Length: 0\r\nHost: x\r\nUpgrade: websocket\r\n"                                        \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nUser-Agent: Java-http-client/17.0.15\r\n\r\n"

/* What a tunnel is reported with: the client's version decides. */
static bool is_reported(const struct wire_seen *seen, enum reason reason)
{
    return seen->kind == REPORT_REQUEST && seen->status == (wire_pair()->app ? 200 : 101) && seen->reason == reason;
}

/* Answers the key that came, with 101 and what the wire's reply says behind it. False: no whole head is there yet. */
static bool switch_over(struct wire *on, struct wire_socket *s)
{
    char answer[512], accept[HTTP_WEBSOCKET_ACCEPT_SIZE];
    const char *end = strstr(wire_got(s), "\r\n\r\n"), *key = strstr(wire_got(s), HTTP_WEBSOCKET_KEY ": ");
    if (end == NULL)
        return false;
    ck_assert_msg(key != NULL && http_websocket_write_accept(span_of(key + 19, 24), accept) == 0, "%s", wire_got(s));
    snprintf(answer, sizeof(answer), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" HTTP_WEBSOCKET_ACCEPT ": %s\r\n\r\n%s",
             accept, on->reply);
    bytes_consume(&s->got, (size_t)(end + 4 - wire_got(s)));
    s->requests = 1;
    wire_answer(s, answer);
    return true;
}

/* Says everything back that comes behind the head. */
static void echo(struct wire *on, struct wire_socket *s)
{
    if (s->requests == 0 && !switch_over(on, s))
        return;
    if (s->got.len > 0)
        wire_answer_span(s, bytes_span(&s->got));
    bytes_clear(&s->got);
    if (s->got_end)
        wire_end(&s->down);
}

static void open_echo(void)
{
    http_chain_open();
    http_chain.on_backend = echo;
    http_chain.reply = "";
}

static const char *behind_head(struct wire_socket *app)
{
    const char *end = strstr(wire_got(app), "\r\n\r\n");
    return end != NULL ? end + 4 : "";
}

START_TEST(what_is_said_after_101_passes_both_ways)
{
    http_chain.step = steps[_i];
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 101 ", 13) == 0, "%s", wire_got(app));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nUpgrade: websocket\r\n"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    wire_say(app, "\x81\x05hello");
    wire_run(&http_chain);
    ck_assert_str_eq(behind_head(app), "\x81\x05hello");
    wire_say(app, "GET / HTTP/1.1\r\n\r\n"); /* nobody reads it as a request any more */
    wire_run(&http_chain);
    ck_assert_str_eq(behind_head(app), "\x81\x05helloGET / HTTP/1.1\r\n\r\n");
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(a_body_of_no_bytes_may_be_announced)
{
    http_chain.step = steps[_i];
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK_WITH_LENGTH "hello");
    wire_run(&http_chain);
    ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 101 ", 13) == 0, "%s", wire_got(app));
    ck_assert_str_eq(behind_head(app), "hello");
    ck_assert(!wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "Content-Length")); /* not every server would take it */
}
END_TEST

START_TEST(the_tunnel_is_told_as_one_request)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    ck_assert_uint_eq(http_chain.injector.n_seen + http_chain.verifier.n_seen, 0);
    wire_say(app, "hello");
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert_uint_eq(http_chain.injector.n_seen, 1);
    ck_assert_uint_eq(http_chain.verifier.n_seen, 1);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert(is_reported(seen, REASON_VALID));
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), wire_pair()->hop); /* a stream ends alone */
}
END_TEST

/* What comes with the heads, in one piece, is not lost. */
START_TEST(bytes_behind_either_head_are_passed_on)
{
    http_chain.step = steps[_i];
    http_chain.reply = "welcome ";
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK "early");
    wire_run(&http_chain);
    ck_assert_str_eq(behind_head(app), "welcome early");
}
END_TEST

START_TEST(an_end_that_comes_with_the_request_is_carried_through) /* D4 */
{
    http_chain.step = steps[_i];
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK "all of it");
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert_str_eq(behind_head(app), "all of it");
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

static void answer_and_stop(struct wire *on, struct wire_socket *s)
{
    if (s->requests == 0)
        switch_over(on, s);
}

START_TEST(a_tunnel_may_be_half_open) /* D4 */
{
    http_chain.step = 512;
    http_chain.on_backend = answer_and_stop;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    struct wire_socket *back = wire_backend_socket(&http_chain, 0);
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert(back->got_end && !app->got_end);
    wire_answer(back, "much later");
    wire_run(&http_chain);
    ck_assert_str_eq(behind_head(app), "much later");
    wire_end(&back->down);
    wire_run(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(a_slow_reader_stops_the_tunnel) /* D6 */
{
    http_chain.on_backend = answer_and_stop;
    http_chain.keep_log = false;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    app->down.stalled = true;
    wire_backend_socket(&http_chain, 0)->down.offer = 10 * MIB;
    wire_run(&http_chain);
    ck_assert_uint_lt(wire_backend_socket(&http_chain, 0)->down.taken, MIB);
    ck_assert_uint_lt(http_chain.injector.most_pending, 256 * 1024);
}
END_TEST

START_TEST(a_cut_tunnel_looks_cut) /* B7 */
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    struct wire_socket *between = wire_between(&http_chain, 0);
    between->down.cut_after = between->down.taken;
    between->up.cut_after = between->up.taken;
    wire_finish(&http_chain);
    ck_assert(app->got_reset && !app->got_end);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert(is_reported(seen, REASON_TRUNCATED));
}
END_TEST

START_TEST(a_tunnel_may_be_idle_as_long_as_the_upstream_may)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_advance(&http_chain, 590 * 1000);
    ck_assert(!app->got_end && !app->got_reset);
    wire_say(app, "x");
    wire_advance(&http_chain, 590 * 1000);
    ck_assert(!app->got_end && !app->got_reset);
    wire_advance(&http_chain, 20 * 1000);
    ck_assert(app->got_end || app->got_reset);
}
END_TEST

START_TEST(the_certificate_is_told_with_the_request)
{
    http_chain.verifier.down_conf.identity_headers = CONFIG_HEADERS_X_SSL;
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    const char *asked = wire_got(wire_backend_socket(&http_chain, 0));
    ck_assert_ptr_nonnull(strstr(asked, "X-SSL-Client-Verify: 0\r\n"));
    ck_assert(strstr(asked, "\r\nUpgrade: websocket\r\n") != NULL && strstr(asked, "\r\nConnection: upgrade\r\n") != NULL);
}
END_TEST

START_TEST(the_session_of_a_tunnel_is_held_like_any)
{
    static char cookie[] = "server", worker[] = "worker1";
    http_chain.verifier.up_conf.sticky = CONFIG_STICKY_INSERT;
    http_chain.verifier.up_conf.sticky_cookie = cookie;
    http_chain.verifier.target_conf[0].route = worker;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    ck_assert_msg(strstr(wire_got(app), "Set-Cookie: server=worker1;") != NULL, "%s", wire_got(app));
}
END_TEST

START_TEST(who_is_not_allowed_gets_no_tunnel)
{
    static char nobody[] = "nobody";
    struct config_allow rule = {.cn = nobody};
    http_chain.verifier.down_conf.allow = &rule;
    http_chain.verifier.down_conf.n_allow = 1;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 403 "));
    ck_assert_uint_eq(wire_backend_contacts(&http_chain), 0);
}
END_TEST

static struct wire_socket *open_tunnel(void)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, ASK);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 101 "));
    return app;
}

static void load_route(const struct config_route *conf)
{
    static struct config_listener loaded;
    static struct plan_route route;
    static struct plan_listener listener;
    loaded = http_chain.injector.down_conf;
    loaded.routes = (struct config_route *)(uintptr_t)conf;
    loaded.n_routes = 1;
    route = (struct plan_route){.conf = conf, .upstream = conf->respond == 0 ? &http_chain.injector.upstream : NULL};
    listener = http_chain.injector.listener;
    listener.conf = &loaded;
    listener.routes = &route;
    listener.n_routes = 1;
    wire_reload(&http_chain, &http_chain.injector, &listener);
}

/* Without TLS towards the client too. */
START_TEST(a_tunnel_stays_as_long_as_its_route_would_open_it_again) /* B5 */
{
    static char chat[] = "/chat", lounge[] = "/lounge";
    static const struct {
        struct config_route route;
        bool stays;
    } rows[] = {{{.path = NULL}, true}, {{.path = chat}, true}, {{.path = lounge}, false}, {{.respond = 410}, false}};
    struct wire_socket *app = open_tunnel();
    load_route(&rows[_i].route);
    wire_say(app, "hello");
    wire_run(&http_chain);
    ck_assert((strcmp(behind_head(app), "hello") == 0) == rows[_i].stays);
    ck_assert((wire_client(&http_chain.injector) != NULL) == rows[_i].stays);
    if (!rows[_i].stays)
        ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_NOT_ALLOWED);
}
END_TEST

START_TEST(another_answer_is_an_answer)
{
    http_chain.on_backend = wire_backend_http;
    http_chain.reply = "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno";
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, ASK);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 426 "));
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    http_chain_ask(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

static const struct {
    const char *request, *why;
} unasked[] = {
    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "no Upgrade"},
    {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n", "not named in Connection"},
    {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "h2c"},
    {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket, h2c\r\nConnection: Upgrade\r\n\r\n", "h2c beside"},
    {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: TLS/1.0\r\nConnection: Upgrade\r\n\r\n", "TLS"},
    {"GET / HTTP/1.0\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.0"},
    {"POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nhi", "a body"},
    {"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "chunks"},
};

START_TEST(a_switch_nobody_asked_for_is_refused) /* C4 */
{
    http_chain.on_backend = wire_backend_http;
    http_chain.reply = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, unasked[_i].request);
    ck_assert_msg(!wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "pgrade:"), "%s: passed on", unasked[_i].why);
    ck_assert_msg(strstr(wire_got(app), " 502 ") != NULL, "%s: %s", unasked[_i].why, wire_got(app));
}
END_TEST

START_TEST(a_switch_to_something_else_is_refused) /* C4 */
{
    static const char *const answers[] = {
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    };
    http_chain.reply = answers[_i];
    http_chain.on_backend = wire_backend_http;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, ASK);
    ck_assert_ptr_nonnull(strstr(wire_got(app), " 502 "));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_tunnel");
    TCase *c = tcase_create("upgrade");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(c, open_echo, http_chain_close);
    tcase_add_loop_test(c, what_is_said_after_101_passes_both_ways, 0, N_STEPS);
    tcase_add_loop_test(c, a_body_of_no_bytes_may_be_announced, 0, N_STEPS);
    tcase_add_test(c, the_tunnel_is_told_as_one_request);
    tcase_add_loop_test(c, bytes_behind_either_head_are_passed_on, 0, N_STEPS);
    tcase_add_loop_test(c, an_end_that_comes_with_the_request_is_carried_through, 0, N_STEPS);
    tcase_add_test(c, a_tunnel_may_be_half_open);
    tcase_add_test(c, a_slow_reader_stops_the_tunnel);
    tcase_add_test(c, a_cut_tunnel_looks_cut);
    tcase_add_test(c, a_tunnel_may_be_idle_as_long_as_the_upstream_may);
    tcase_add_test(c, the_certificate_is_told_with_the_request);
    tcase_add_test(c, the_session_of_a_tunnel_is_held_like_any);
    tcase_add_test(c, who_is_not_allowed_gets_no_tunnel);
    tcase_add_loop_test(c, a_tunnel_stays_as_long_as_its_route_would_open_it_again, 0, 4);
    tcase_add_test(c, another_answer_is_an_answer);
    tcase_add_loop_test(c, a_switch_nobody_asked_for_is_refused, 0, sizeof(unasked) / sizeof(unasked[0]));
    tcase_add_loop_test(c, a_switch_to_something_else_is_refused, 0, 3);
    suite_add_tcase(s, c);
    return s;
}
