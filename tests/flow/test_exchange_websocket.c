/* SPDX-License-Identifier: Apache-2.0 */
/* WebSocket over every pair of HTTP/1.1 and HTTP/2. The app asks the injector, whose upstream is the verifier; the server behind speaks HTTP/1.1. */
#include "h2_app.h"
#include "mtlsd/http/http_websocket.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ASK                                                                                                                                      \
    "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"                                \
    "Sec-WebSocket-Version: 13\r\n\r\n"

static const size_t steps[] = {1, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]), PAIRS = 4 };
static const char *const fields[] = {"sec-websocket-version", "13", NULL};

static struct wire w;
static struct h2_app h2;
static struct h2_app_stream *stream; /* of a client of HTTP/2 */
static struct wire_socket *app;      /* of one of HTTP/1.1 */
static const char *with_answer;      /* more lines of the server's, or NULL: no 101 at all */
static char key[64];                 /* which the server got */
static bool lies;

static void switch_over(struct wire_socket *s)
{
    char accept[HTTP_WEBSOCKET_ACCEPT_SIZE], answer[512];
    const char *found = strstr(wire_got(s), "Sec-WebSocket-Key: ");
    ck_assert_msg(found != NULL, "%s", wire_got(s));
    snprintf(key, sizeof(key), "%.24s", found + 19);
    ck_assert_ptr_null(strstr(found + 19, "ec-WebSocket-Key"));
    ck_assert_int_eq(http_websocket_write_accept(span_from_str(lies ? KEY : key), accept), 0);
    snprintf(answer, sizeof(answer), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n%s\r\n", accept,
             with_answer);
    wire_answer(s, answer);
}

/* Says everything back behind its 101. */
static void echo(struct wire *on, struct wire_socket *s)
{
    if (s->requests == 0) {
        const char *end = strstr(wire_got(s), "\r\n\r\n");
        if (end == NULL)
            return;
        if (with_answer == NULL)
            wire_answer(s, on->reply);
        else
            switch_over(s);
        bytes_consume(&s->got, (size_t)(strstr(wire_got(s), "\r\n\r\n") + 4 - wire_got(s)));
        s->requests = 1;
    }
    if (s->got.len > 0 && with_answer != NULL)
        wire_answer_span(s, bytes_span(&s->got));
    bytes_clear(&s->got);
    s->down.ended = s->got_end;
}

static void open_pair(bool down, bool up)
{
    const struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP};
    wire_open(&w, &setup);
    w.injector.target[0].http = up ? PLAN_HTTP2 : PLAN_HTTP1;
    w.on_backend = echo;
    with_answer = "";
    lies = false;
    stream = NULL;
    app = NULL;
    h2_app_open(&h2, &w);
    if (!down)
        app = h2.socket;
}

static void set_up(void)
{
    open_pair(true, false);
}

static void drop(void)
{
    h2_app_close(&h2);
    wire_close(&w);
}

static void open_again(int pair, size_t step)
{
    drop();
    open_pair((pair & 1) != 0, (pair & 2) != 0);
    w.step = step;
}

/* ---- the app, in either version ---- */

static void run(void)
{
    if (app == NULL)
        h2_app_run(&h2);
    else
        wire_run(&w);
}

static void say(const char *text)
{
    if (app == NULL)
        h2_app_send(&h2, stream, text, false);
    else
        wire_say(app, text);
}

static void end(void)
{
    if (app == NULL)
        ck_assert_int_eq(http2_write_end(h2.h2, stream->stream, NULL, NULL), 0);
    else
        wire_end(&app->up);
}

static void ask(const char *early)
{
    if (app == NULL)
        stream = h2_app_connect(&h2, "websocket", "/chat", fields);
    else
        wire_say(app, ASK);
    if (early[0] != '\0')
        say(early);
    run();
}

static unsigned status(void)
{
    unsigned n = 0;
    if (app == NULL)
        return stream->status;
    return sscanf(wire_got(app), "HTTP/1.1 %u ", &n) == 1 ? n : 0;
}

static const char *heard(void)
{
    if (app == NULL)
        return h2_app_body(stream);
    const char *head = strstr(wire_got(app), "\r\n\r\n");
    return head != NULL ? head + 4 : "";
}

static bool ended(void)
{
    return app == NULL ? stream->ended && !stream->reset : app->got_end && !app->got_reset;
}

static bool cut(void)
{
    return app == NULL ? stream->reset && !stream->ended : app->got_reset;
}

/* ---- tests ---- */

START_TEST(what_is_said_passes_both_ways_on_every_pair)
{
    open_again(_i % PAIRS, steps[_i / PAIRS]);
    ask("early ");
    ck_assert_uint_eq(status(), app == NULL ? 200 : 101);
    say("hello ");
    run();
    say("GET / HTTP/1.1\r\n\r\n"); /* nobody reads it as a request */
    run();
    ck_assert_str_eq(heard(), "early hello GET / HTTP/1.1\r\n\r\n");
    ck_assert_uint_eq(w.injector.n_seen, 0);
    end();
    run();
    ck_assert(ended());
    ck_assert_uint_eq(w.injector.n_seen, 1);
    const struct wire_seen *seen = wire_last(&w.injector);
    ck_assert(seen->kind == REPORT_REQUEST && seen->reason == REASON_VALID);
    ck_assert_uint_eq(seen->status, app == NULL ? 200 : 101);
    ck_assert_int_eq(strcmp(key, KEY) == 0, _i % PAIRS == 0); /* it passes where both sides know one */
    if (app != NULL)
        ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 101 Switching Protocols\r\n"));
    if (app != NULL)
        ck_assert_ptr_nonnull(strstr(wire_got(app), "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
}
END_TEST

START_TEST(a_tunnel_may_be_half_open_on_every_pair) /* D4 */
{
    open_again(_i, WIRE_ALL);
    ask("");
    struct wire_socket *back = wire_backend_socket(&w, 0);
    w.on_backend = NULL;
    wire_end(&back->down);
    run();
    ck_assert(app == NULL ? stream->ended : app->got_end);
    say("much later");
    run();
    ck_assert_ptr_nonnull(strstr(wire_got(back), "much later"));
    ck_assert_uint_eq(w.injector.n_seen, 0);
    end();
    run();
    ck_assert_msg(back->got_end && !back->got_reset && ended(), "%d %d %d", back->got_end, back->got_reset, ended());
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_VALID);
}
END_TEST

START_TEST(a_server_that_breaks_off_looks_cut_on_every_pair) /* B7 */
{
    open_again(_i, WIRE_ALL);
    ask("");
    wire_backend_socket(&w, 0)->down.reset = true;
    run();
    ck_assert(cut());
    ck_assert_int_ne(wire_last(&w.injector)->reason, REASON_VALID);
}
END_TEST

START_TEST(a_client_that_breaks_off_ends_the_servers_tunnel_alone)
{
    open_again(1 + 2 * _i, WIRE_ALL);
    ask("");
    struct h2_app_stream *first = stream;
    ask("");
    http2_reset(h2.h2, first->stream, HTTP2_CANCEL);
    run();
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CLIENT_CLOSED);
    struct wire_socket *back = wire_backend_socket(&w, 0), *other = wire_backend_socket(&w, 1);
    ck_assert((back->got_reset || back->got_end) != (other->got_reset || other->got_end));
    say("on");
    run();
    ck_assert_str_eq(heard(), "on");
    h2.socket->up.ended = true; /* and the connection that ends without its streams cuts the other one */
    wire_run(&w);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CLIENT_CLOSED);
    ck_assert((back->got_reset || back->got_end) && (other->got_reset || other->got_end));
}
END_TEST

START_TEST(nothing_goes_to_a_server_that_does_not_agree) /* C3, C4 */
{
    static const struct {
        const char *reply;
        unsigned status[PAIRS];
    } rows[] = {
        {"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", {403, 403, 403, 403}},
        {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", {200, 502, 502, 502}},
    };
    int pair = _i % PAIRS;
    open_again(pair, WIRE_ALL);
    with_answer = NULL;
    w.reply = rows[_i / PAIRS].reply;
    if (app == NULL)
        ask("GET /admin HTTP/1.1\r\nHost: x\r\n\r\n");
    else
        ask("");
    ck_assert_msg(status() == rows[_i / PAIRS].status[pair], "pair %d: %u", pair, status());
    ck_assert(!wire_ever_said(&wire_backend_socket(&w, 0)->up, "/admin"));
}
END_TEST

START_TEST(an_answer_to_another_key_is_refused)
{
    lies = true;
    ask("early");
    ck_assert_uint_eq(status(), 502);
    ck_assert_str_eq(wire_last(&w.injector)->detail, "the upstream's Sec-WebSocket-Accept does not answer our key");
    ck_assert(!wire_ever_said(&wire_backend_socket(&w, 0)->up, "early"));
}
END_TEST

START_TEST(a_clients_own_key_does_not_pass_from_http2)
{
    static const char *const keyed[] = {"sec-websocket-key", KEY, "sec-websocket-version", "13", "sec-websocket-protocol", "chat", NULL};
    with_answer = "Sec-WebSocket-Protocol: chat\r\n";
    stream = h2_app_connect(&h2, "websocket", "/chat", keyed);
    run();
    ck_assert_uint_eq(status(), 200);
    ck_assert_str_ne(key, KEY);
    ck_assert(wire_ever_said(&wire_backend_socket(&w, 0)->up, "sec-websocket-protocol: chat"));
}
END_TEST

START_TEST(a_key_that_cannot_be_answered_goes_by_http1)
{
    open_again(2, WIRE_ALL);
    wire_say(app, "GET /chat HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR\r\n\r\n");
    run();
    ck_assert(wire_ever_said(&wire_between(&w, 0)->up, "GET /chat HTTP/1.1"));
}
END_TEST

START_TEST(other_protocols_are_refused) /* C4 */
{
    static const char *const protocols[] = {"connect-udp", "websocket2", "h2c"};
    stream = h2_app_connect(&h2, protocols[_i], "/chat", NULL);
    run();
    ck_assert_uint_eq(stream->status, 501);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
}
END_TEST

START_TEST(routes_see_the_get_that_it_stands_for) /* C9 */
{
    static const struct {
        const char *path;
        const char *method;
        unsigned status;
    } rows[] = {{"/chat", "GET", 200}, {"/chat", "CONNECT", 404}, {"/other", "GET", 404}};
    char path[16], method[16];
    char *methods[] = {method};
    snprintf(path, sizeof(path), "%s", rows[_i].path);
    snprintf(method, sizeof(method), "%s", rows[_i].method);
    w.injector.route_conf[0].path = path;
    w.injector.route_conf[0].method = (struct config_strings){methods, 1};
    ask("");
    ck_assert_uint_eq(status(), rows[_i].status);
}
END_TEST

START_TEST(a_slow_client_stops_its_tunnel_and_is_not_waited_for_without_end) /* C7, D6 */
{
    h2.keeps_window = true;
    w.keep_log = false;
    ask("");
    w.on_backend = NULL;
    wire_backend_socket(&w, 0)->down.offer = 10 * 1024 * 1024;
    run();
    ck_assert_uint_lt(stream->body.len, 1024 * 1024);
    ck_assert_uint_gt(wire_backend_socket(&w, 0)->down.offer, 8 * 1024 * 1024);
    wire_advance(&w, 31000);
    run();
    ck_assert(cut());
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_CLIENT_STALLED);
}
END_TEST

START_TEST(a_tunnel_may_be_idle_as_long_as_the_upstream_may)
{
    ask("");
    struct h2_app_stream *tunnel = stream;
    wire_advance(&w, 590 * 1000);
    run();
    ck_assert(!tunnel->reset);
    w.on_backend = NULL;
    h2_app_ask(&h2, "GET", "/", NULL, NULL); /* of no avail to it */
    run();
    wire_advance(&w, 20 * 1000);
    run();
    ck_assert(tunnel->reset);
}
END_TEST

START_TEST(a_reload_ends_the_stream_whose_route_is_gone_alone) /* B5 */
{
    static char other[] = "/other";
    static const struct config_route gone = {.path = other};
    struct config_listener loaded = w.injector.down_conf;
    struct plan_route route = {.conf = &gone, .upstream = &w.injector.upstream};
    struct plan_listener listener = w.injector.listener;
    ask("");
    struct h2_app_stream *stays = h2_app_connect(&h2, "websocket", "/other", fields);
    run();
    loaded.routes = (struct config_route *)(uintptr_t)&gone;
    loaded.n_routes = 1;
    listener.conf = &loaded;
    listener.routes = &route;
    listener.n_routes = 1;
    wire_reload(&w, &w.injector, &listener);
    run();
    ck_assert(stream->reset && !stays->reset);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_NOT_ALLOWED);
    h2_app_close(&h2); /* what it holds of the listener ends here */
    wire_finish(&w);
    h2_app_open(&h2, &w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_websocket");
    TCase *c = tcase_create("flow");
    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, drop);
    tcase_add_loop_test(c, what_is_said_passes_both_ways_on_every_pair, 0, PAIRS * N_STEPS);
    tcase_add_loop_test(c, a_tunnel_may_be_half_open_on_every_pair, 0, PAIRS);
    tcase_add_loop_test(c, a_server_that_breaks_off_looks_cut_on_every_pair, 0, PAIRS);
    tcase_add_loop_test(c, a_client_that_breaks_off_ends_the_servers_tunnel_alone, 0, 2);
    tcase_add_loop_test(c, nothing_goes_to_a_server_that_does_not_agree, 0, PAIRS * 2);
    tcase_add_test(c, an_answer_to_another_key_is_refused);
    tcase_add_test(c, a_clients_own_key_does_not_pass_from_http2);
    tcase_add_test(c, a_key_that_cannot_be_answered_goes_by_http1);
    tcase_add_loop_test(c, other_protocols_are_refused, 0, 3);
    tcase_add_loop_test(c, routes_see_the_get_that_it_stands_for, 0, 3);
    tcase_add_test(c, a_slow_client_stops_its_tunnel_and_is_not_waited_for_without_end);
    tcase_add_test(c, a_tunnel_may_be_idle_as_long_as_the_upstream_may);
    tcase_add_test(c, a_reload_ends_the_stream_whose_route_is_gone_alone);
    suite_add_tcase(s, c);
    return s;
}
