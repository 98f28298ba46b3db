/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The n-th allocation fails, for every n: no crash, no leak (with sanitizers), and never a message with a hole in it that looks whole.
 * Those of the TLS library and of the test's own wires are left alone.
 */
#include "t.h"
#include "failing.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct wire w;

static void make(void)
{
    static const struct wire_side good;
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

static void drop(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static void open_chain(enum config_protocol protocol)
{
    struct wire_setup setup = {.protocol = protocol, .connecting = connecting, .accepting = accepting};
    wire_open(&w, &setup);
    w.verifier.down_conf.identity_headers = CONFIG_HEADERS_RFC9440 | CONFIG_HEADERS_X_SSL;
    if (protocol == CONFIG_PROTOCOL_HTTP)
        w.on_backend = wire_backend_http;
}

static bool fired;

static bool proxy_works(void)
{
    return wire_proxy_works;
}

static void arm(unsigned n, bool all_that_follow)
{
    failing_here = proxy_works;
    failing_arm(n, all_that_follow);
}

/* ---- requests ---- */

static const struct {
    const char *why, *request, *reply;
} shapes[] = {
    {"chunks", "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n"},
    {"lengths", "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcdefghij"},
    {"until close", "GET /0123456789 HTTP/1.0\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nabcdefghij"},
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* The letters of a body in order, framing left aside. */
static void letters_of(const char *text, char first, char *out)
{
    for (; *text != '\0'; text++) {
        if (*text >= first && *text < first + 10)
            *out++ = *text;
    }
    *out = '\0';
}

static bool ends_whole(struct wire_socket *app, const char *head, const char *body)
{
    if (strstr(head, "Content-Length: 10\r\n") != NULL)
        return strlen(body) >= 10;
    if (strstr(head, "chunked") != NULL)
        return strstr(body, "0\r\n\r\n") != NULL;
    return app->got_end && !app->got_reset;
}

/* True: the app has a whole 200, which then must be the right one. */
static bool got_the_answer(struct wire_socket *app, const char *why, unsigned n)
{
    char letters[4096];
    const char *head = strstr(wire_got(app), "HTTP/1.1 200"), *body = head != NULL ? strstr(head, "\r\n\r\n") : NULL;
    if (body == NULL || !ends_whole(app, head, body + 4))
        return false;
    letters_of(body + 4, 'a', letters);
    const char *all = letters + (strncmp(letters, "aa", 2) == 0); /* the size of a chunk of ten */
    ck_assert_msg(strcmp(all, "abcdefghij") == 0, "%s, allocation %u: the app takes this for whole: %s", why, n, wire_got(app));
    return true;
}

static void check_request(const char *why, unsigned n)
{
    if (w.n_requests == 0)
        return;
    ck_assert_int_eq(bytes_append(&w.request, "", 1), 0);
    ck_assert_msg(strstr((const char *)bytes_span(&w.request).ptr, "56789") != NULL, "%s, allocation %u: the backend got %s", why, n,
                  (const char *)bytes_span(&w.request).ptr);
}

/* True: an allocation failed. */
static bool one_request(size_t row, unsigned n, bool for_all)
{
    open_chain(CONFIG_PROTOCOL_HTTP);
    w.reply = shapes[row].reply;
    w.reply_closes = strcmp(shapes[row].why, "until close") == 0;
    w.step = 300;
    arm(n, for_all);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, shapes[row].request);
    wire_finish(&w);
    fired = failing_disarm();
    bool whole = got_the_answer(app, shapes[row].why, n);
    if (!whole)
        ck_assert_msg(app->got_end || app->got_reset, "%s, allocation %u: the app still waits", shapes[row].why, n);
    ck_assert_msg(whole || fired, "%s: nothing failed and yet there is no answer: %s", shapes[row].why, wire_got(app));
    check_request(shapes[row].why, n);
    wire_close(&w);
    return fired;
}

START_TEST(a_request_survives_any_failing_allocation)
{
    unsigned n = 0;
    while (one_request((size_t)_i / 2, n, _i % 2 == 1))
        n++;
    ck_assert_uint_gt(n, 40);
}
END_TEST

/* ---- tunnels ---- */

static bool one_tunnel(unsigned n, bool for_all)
{
    open_chain(CONFIG_PROTOCOL_TCP);
    arm(n, for_all);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "0123456789");
    wire_end(&app->up);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    if (back != NULL) {
        wire_answer(back, "abcdefghij");
        wire_end(&back->down);
    }
    wire_finish(&w);
    fired = failing_disarm();
    if (back != NULL && back->got_end && !back->got_reset)
        ck_assert_msg(strcmp(wire_got(back), "0123456789") == 0, "allocation %u: the backend takes this for whole: %s", n, wire_got(back));
    if (app->got_end && !app->got_reset)
        ck_assert_msg(strcmp(wire_got(app), "abcdefghij") == 0, "allocation %u: the app takes this for whole: %s", n, wire_got(app));
    ck_assert(app->got_end || app->got_reset);
    wire_close(&w);
    return fired;
}

/* ---- what begins in another way ---- */

static char direct_name[] = "direct", listed_name[] = "build.example", proxy_name[] = "proxy.example:3128";
static char *listed[] = {listed_name};

static void echo(struct wire *on, struct wire_socket *s)
{
    const char *head = strstr(wire_got(s), "\r\n\r\n");
    if (strncmp(wire_got(s), "GET", 3) == 0 && head == NULL)
        return;
    if (strncmp(wire_got(s), "GET", 3) == 0) {
        wire_answer(s, on->reply);
        bytes_consume(&s->got, (size_t)(head + 4 - wire_got(s)));
    }
    if (s->got.len > 0)
        wire_answer_span(s, bytes_span(&s->got));
    bytes_clear(&s->got);
    s->down.ended = s->got_end;
}

static const struct {
    const char *why, *said, *whole;
    enum config_connect connect;
    bool prefaced; /* an HTTP proxy on the way, and PROXY headers */
} beginnings[] = {
    {"an upgrade", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n0123456789", "\r\n\r\n0123456789", 0, false},
    {"prefaces", "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n0123456789", "\r\n\r\n0123456789", 0, true},
    {"CONNECT, blind", "CONNECT build.example:1 HTTP/1.1\r\nHost: build.example:1\r\n\r\n0123456789", "\r\n\r\n0123456789", CONFIG_CONNECT_TUNNEL,
     false},
    {"CONNECT, looked into", "CONNECT build.example:1 HTTP/1.1\r\nHost: build.example:1\r\n\r\n0123456789", "\r\n\r\n0123456789",
     CONFIG_CONNECT_SNIFF, false},
};
enum { N_BEGINNINGS = sizeof(beginnings) / sizeof(beginnings[0]) };

static void open_beginning(size_t row)
{
    static struct config_target target_conf = {.text = direct_name, .weight = 1};
    static struct plan_target direct;
    static struct plan_upstream up = {.targets = &direct, .index = SIZE_MAX};
    static struct config_upstream conf = {.name = direct_name, .targets = &target_conf, .n_targets = 1, .connect_ms = 5000, .idle_ms = 60000};
    up.conf = &conf;
    direct = (struct plan_target){.conf = &target_conf, .upstream = &up, .index = SIZE_MAX};
    open_chain(CONFIG_PROTOCOL_HTTP);
    w.on_backend = echo;
    w.reply = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    w.injector.listener.direct = &direct;
    w.injector.down_conf.forward_proxy = (struct config_forward_proxy){.present = true, .connect = beginnings[row].connect, .direct = {listed, 1}};
    if (beginnings[row].prefaced) {
        w.injector.up_conf.proxy_text = proxy_name;
        ck_assert_int_eq(address_parse(proxy_name, &w.injector.up_conf.proxy, NULL), 0);
        w.injector.up_conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V2;
        w.verifier.down_conf.accept_proxy_protocol = true;
    }
}

/* True: an allocation failed. */
static bool one_beginning(size_t row, unsigned n, bool for_all)
{
    open_beginning(row);
    w.step = 100;
    arm(n, for_all);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, beginnings[row].said);
    wire_end(&app->up);
    wire_finish(&w);
    fired = failing_disarm();
    bool whole = app->got_end && !app->got_reset && strstr(wire_got(app), beginnings[row].whole) != NULL;
    bool refused = strncmp(wire_got(app), "HTTP/1.1 5", 10) == 0 || strncmp(wire_got(app), "HTTP/1.1 4", 10) == 0;
    ck_assert_msg(app->got_end || app->got_reset, "%s, allocation %u: the app still waits", beginnings[row].why, n);
    ck_assert_msg(whole || refused || app->got_reset || app->got.len == 0, "%s, allocation %u: the app takes this for whole: %s",
                  beginnings[row].why, n, wire_got(app));
    ck_assert_msg(whole || fired, "%s: nothing failed and yet: %s", beginnings[row].why, wire_got(app));
    wire_close(&w);
    return fired;
}

START_TEST(what_begins_in_another_way_survives_any_failing_allocation)
{
    unsigned n = 0;
    while (one_beginning((size_t)_i / 2, n, _i % 2 == 1))
        n++;
    ck_assert_uint_gt(n, 5);
}
END_TEST

START_TEST(a_tunnel_survives_any_failing_allocation)
{
    unsigned n = 0;
    while (one_tunnel(n, _i == 1))
        n++;
    ck_assert_uint_gt(n, 20);
}
END_TEST

static TCase *make_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, make, drop);
    suite_add_tcase(s, t);
    return t;
}

Suite *suite(void)
{
    Suite *s = suite_create("exchange");
    tcase_add_loop_test(make_case(s, "http"), a_request_survives_any_failing_allocation, 0, N_SHAPES * 2);
    tcase_add_loop_test(make_case(s, "tcp"), a_tunnel_survives_any_failing_allocation, 0, 2);
    tcase_add_loop_test(make_case(s, "beginnings"), what_begins_in_another_way_survives_any_failing_allocation, 0, N_BEGINNINGS * 2);
    return s;
}
