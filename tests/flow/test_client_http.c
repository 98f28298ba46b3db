/* SPDX-License-Identifier: Apache-2.0 */
/* Whole requests through injector and verifier, TLS between them, in memory. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };

/* ---- messages of every shape, delivered in steps of every size ---- */

static const struct {
    const char *why, *request, *reply, *at_backend, *at_app;
} shapes[] = {
    {"a plain GET", "GET /a?b HTTP/1.1\r\nHost: x\r\nX-One: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "GET /a?b HTTP/1.1\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
    {"a body with a length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
     "\r\n\r\n0123456789", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"HEAD has a length and no body", "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD / HTTP/1.1\r\n",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
    {"204 has no body", "DELETE /x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", "DELETE /x HTTP/1.1\r\n",
     "HTTP/1.1 204 No Content\r\n\r\n"},
    {"304 has no body", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n", "GET / HTTP/1.1\r\n",
     "HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n"},
    {"an interim answer comes before the final one", "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "GET / HTTP/1.1\r\n",
     "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"},
};
enum { N_SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

START_TEST(messages_pass_whatever_the_cut_of_the_bytes)
{
    size_t row = (size_t)_i / N_STEPS;
    http_chain.step = steps[(size_t)_i % N_STEPS];
    http_chain.reply = shapes[row].reply;
    struct wire_socket *app = wire_connect(&http_chain);
    for (unsigned again = 0; again < 2; again++) {
        wire_say(app, shapes[row].request);
        wire_run(&http_chain);
        ck_assert_msg(strcmp(wire_got(app), shapes[row].at_app) == 0, "%s: %s", shapes[row].why, wire_got(app));
        ck_assert_msg(memmem(http_chain.request.data + http_chain.request.head, http_chain.request.len, shapes[row].at_backend, strlen(shapes[row].at_backend)) != NULL,
                      "%s", shapes[row].why);
        bytes_clear(&app->got);
    }
    ck_assert_uint_eq(http_chain.n_requests, 2);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_VALID);
}
END_TEST

/* Takes a chunked body apart; the caller frees nothing. Fails the test when it has no proper end. */
static size_t dechunk(const char *body, char *out)
{
    size_t total = 0;
    for (;;) {
        char *at;
        size_t n = (size_t)strtoul(body, &at, 16);
        ck_assert_msg(strncmp(at, "\r\n", 2) == 0, "a chunk line: %.20s", body);
        if (n == 0)
            return total;
        memcpy(out + total, at + 2, n);
        total += n;
        ck_assert(strncmp(at + 2 + n, "\r\n", 2) == 0);
        body = at + 2 + n + 2;
    }
}

START_TEST(chunked_bodies_pass_both_ways)
{
    char body[100];
    http_chain.step = steps[_i];
    http_chain.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n8\r\ndefghijk\r\n0\r\n\r\n";
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
    wire_run(&http_chain);
    const char *at_app = strstr(wire_got(app), "\r\n\r\n");
    ck_assert_ptr_nonnull(at_app);
    ck_assert_uint_eq(dechunk(at_app + 4, body), 11);
    ck_assert_int_eq(memcmp(body, "abcdefghijk", 11), 0);
    ck_assert_int_eq(bytes_append(&http_chain.request, "", 1), 0);
    const char *at_backend = strstr((const char *)bytes_span(&http_chain.request).ptr, "\r\n\r\n");
    ck_assert_uint_eq(dechunk(at_backend + 4, body), 10);
    ck_assert_int_eq(memcmp(body, "0123456789", 10), 0);
}
END_TEST

START_TEST(an_answer_until_close_becomes_chunked_for_http_1_1)
{
    char body[100];
    http_chain.step = steps[_i];
    http_chain.reply = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    http_chain.reply_closes = true;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_run(&http_chain);
    const char *at_app = strstr(wire_got(app), "\r\n\r\n");
    ck_assert_uint_eq(dechunk(at_app + 4, body), 13);
}
END_TEST

static void answer_in_two(struct wire *on, struct wire_socket *s)
{
    (void)on;
    bool body = strstr(wire_got(s), "\r\n\r\nbody") != NULL;
    if (s->requests == 0 && strstr(wire_got(s), "\r\n\r\n") != NULL) {
        s->requests = 1;
        wire_answer(s, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    if (s->requests == 1 && body) {
        s->requests = 2;
        wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
}

START_TEST(continue_reaches_the_app_before_its_body_is_sent)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = answer_in_two;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    wire_run(&http_chain);
    ck_assert_str_eq(wire_got(app), "HTTP/1.1 100 Continue\r\n\r\n");
    wire_say(app, "body");
    wire_run(&http_chain);
    ck_assert_str_eq(wire_got(app), "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}
END_TEST

static void echo_target(struct wire *on, struct wire_socket *s)
{
    char answer[200], target[50];
    (void)on;
    for (;;) {
        const char *text = wire_got(s), *end = strstr(text, "\r\n\r\n");
        if (end == NULL || sscanf(text, "%*s %49s", target) != 1)
            return;
        bytes_consume(&s->got, (size_t)(end + 4 - text));
        snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(target), target);
        wire_answer(s, answer);
    }
}

START_TEST(pipelined_requests_are_answered_in_order)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = echo_target;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\nGET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_run(&http_chain);
    const char *one = strstr(wire_got(app), "/1"), *two = strstr(wire_got(app), "/2"), *three = strstr(wire_got(app), "/3");
    ck_assert_ptr_nonnull(three);
    ck_assert(one != NULL && two != NULL && one < two && two < three);
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

START_TEST(pipelined_requests_with_the_end_behind_them_are_all_answered)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = echo_target;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "/1"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "/2"));
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

START_TEST(what_follows_a_refused_tunnel_or_an_ambiguous_request_is_not_read) /* C3 */
{
    static const char *const requests[] = {
        "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, requests[_i]);
    wire_say(app, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    wire_end(&app->up);
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_uint_eq(wire_backend_contacts(&http_chain), 0);
}
END_TEST

START_TEST(http_1_0_gets_an_answer_it_can_read_and_the_end)
{
    http_chain.step = steps[_i];
    http_chain.reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    wire_run(&http_chain);
    const char *body = strstr(wire_got(app), "\r\n\r\n");
    ck_assert_str_eq(body, "\r\n\r\nabc");
    ck_assert_ptr_null(strstr(wire_got(app), "chunked"));
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

/* ---- the pool (B4, C10) ---- */

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char POST[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi";
static const char POST_EMPTY[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";

START_TEST(one_upstream_connection_serves_many_clients)
{
    for (int i = 0; i < 4; i++) {
        struct wire_socket *app = wire_connect(&http_chain);
        http_chain_ask(app, GET);
        http_chain_ask(app, POST);
        ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
        wire_end(&app->up);
        wire_run(&http_chain);
        ck_assert(app->got_end && !app->got_reset);
    }
    ck_assert_uint_eq(http_chain.n_requests, 8);
    ck_assert_uint_eq(http_chain.injector.connects, 1);
    ck_assert_uint_eq(http_chain.injector.up_handshakes, 1);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 1);
    ck_assert(wire_last(&http_chain.injector)->up_reused);
}
END_TEST

/* The upstream's end is on its way while the next request leaves. */
static struct wire_socket *app_with_stale_connection(bool reset)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    struct wire_socket *back = wire_backend_socket(&http_chain, 0);
    ck_assert_uint_eq(pool_idle_count(http_chain.verifier.env.pool), 1);
    back->down.stalled = true;
    back->up.stalled = true;
    back->down.ended = true;
    back->down.reset = reset;
    return app;
}

START_TEST(a_stale_connection_costs_a_get_nothing) /* C10 */
{
    struct wire_socket *app = app_with_stale_connection(_i == 1);
    http_chain_ask(app, GET);
    wire_backend_socket(&http_chain, 0)->down.stalled = false;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert_uint_eq(http_chain.verifier.connects, 2);
    ck_assert_uint_eq(http_chain.n_requests, 2);
}
END_TEST

START_TEST(a_get_is_retried_once_only) /* C10 */
{
    struct wire_socket *app = app_with_stale_connection(false);
    http_chain_ask(app, GET);
    http_chain.reply = "";
    http_chain.reply_closes = true;
    wire_backend_socket(&http_chain, 0)->down.stalled = false;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "upstream_closed"));
    ck_assert_uint_eq(http_chain.verifier.connects, 2);
}
END_TEST

START_TEST(a_post_is_never_sent_twice) /* C10 */
{
    static const char *const posts[] = {POST, POST_EMPTY};
    struct wire_socket *app = app_with_stale_connection(false);
    http_chain_ask(app, posts[_i]);
    wire_backend_socket(&http_chain, 0)->down.stalled = false;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "upstream_closed"));
    ck_assert_uint_eq(http_chain.verifier.connects, 1);
}
END_TEST

START_TEST(a_connection_that_said_it_closes_is_not_pooled)
{
    http_chain.reply = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    http_chain_ask(app, GET);
    ck_assert_uint_eq(http_chain.verifier.connects, 2);
    ck_assert_uint_eq(pool_idle_count(http_chain.verifier.env.pool), 0);
}
END_TEST

/* The end of TLS may arrive in the same bytes as the answer: what is over must not be kept. */
START_TEST(a_connection_that_ended_with_its_answer_is_not_pooled) /* C4 */
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    struct wire_socket *between = wire_between(&http_chain, 0);
    between->down.stalled = true;
    http_chain_ask(app, GET);
    client_on_drain(wire_client(&http_chain.verifier), http_chain.now);
    wire_run(&http_chain);
    between->down.late_end = true; /* TLS ended; the end of TCP is still on its way */
    between->down.stalled = false;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

/* ---- answers out of turn (C4) ---- */

static void answer_early(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests == 0 && strstr(wire_got(s), "\r\n\r\n") != NULL) {
        s->requests = 1;
        wire_answer(s, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    }
}

START_TEST(an_answer_before_the_body_ended_ends_both_connections) /* C4 */
{
    http_chain.step = steps[_i];
    http_chain.on_backend = answer_early;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc");
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "413 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "big"));
    wire_say(app, "the rest of the body, and GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    wire_end(&app->up);
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool) + pool_idle_count(http_chain.verifier.env.pool), 0);
    ck_assert_uint_eq(wire_backend_contacts(&http_chain), 1);
    ck_assert(!wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "smuggled"));
}
END_TEST

START_TEST(a_second_answer_is_never_delivered) /* C4 */
{
    http_chain.step = steps[_i];
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo";
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "one"));
    ck_assert_ptr_null(strstr(wire_got(app), "two"));
    ck_assert_uint_eq(pool_idle_count(http_chain.verifier.env.pool), 0);
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nthree";
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "three"));
    ck_assert_ptr_null(strstr(wire_got(app), "two"));
}
END_TEST

START_TEST(an_answer_before_the_request_reaches_nobody_else) /* C4 */
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    struct wire_socket *back = wire_backend_socket(&http_chain, 0);
    wire_answer(back, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none");
    wire_run(&http_chain);
    wire_answer(back, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
    wire_run(&http_chain);
    http_chain.on_backend = wire_backend_http;
    http_chain_ask(app, GET);
    ck_assert_ptr_null(strstr(wire_got(app), "two"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
}
END_TEST

/* ---- cut at every offset (B7) ---- */

static const struct {
    const char *why, *reply;
} cut_replies[] = {
    {"a length", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789abcdefghij"},
    {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\na\r\nabcdefghij\r\n0\r\n\r\n"},
    {"an interim answer first", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789abcdefghij"},
};
enum { N_CUTS = sizeof(cut_replies) / sizeof(cut_replies[0]) };

/* What a careful app would take for a whole answer with our body in it. */
static bool looks_complete(struct wire_socket *app)
{
    const char *ok = strstr(wire_got(app), "HTTP/1.1 200");
    const char *body = ok != NULL ? strstr(ok, "\r\n\r\n") : NULL;
    if (body == NULL)
        return false;
    body += 4;
    if (strstr(ok, "Content-Length:") != NULL)
        return strlen(body) >= 20;
    if (strstr(ok, "chunked") != NULL)
        return strstr(body, "\r\n0\r\n\r\n") != NULL || strncmp(body, "0\r\n\r\n", 5) == 0;
    return app->got_end && !app->got_reset;
}

typedef struct wire_socket *(*socket_fn)(struct wire *, size_t);

/* One request on a kept connection, its answer cut after n bytes. Gives how many bytes of an answer came through. */
static uint64_t ask_and_cut(size_t row, socket_fn which, uint64_t n, bool by_reset, bool *whole)
{
    http_chain_open();
    http_chain.reply = cut_replies[row].reply;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    struct wire_socket *cut = which(&http_chain, 0);
    uint64_t before = cut->down.taken;
    cut->down.cut_after = n == UINT64_MAX ? n : before + n;
    cut->down.cut_is_reset = by_reset;
    http_chain_ask(app, POST);
    *whole = looks_complete(app);
    uint64_t came = cut->down.taken - before;
    wire_finish(&http_chain);
    if (!*whole)
        ck_assert_msg(strstr(wire_got(app), "502 ") != NULL || app->got_reset, "%s cut after %d: %s", cut_replies[row].why, (int)n, wire_got(app));
    struct wire_node *at = which == wire_between ? &http_chain.injector : &http_chain.verifier;
    ck_assert(*whole || wire_last(at)->reason != REASON_VALID);
    http_chain_close();
    return came;
}

static void refuses_each_cut(size_t row, socket_fn which, bool by_reset)
{
    bool whole;
    http_chain_close();
    uint64_t all = ask_and_cut(row, which, UINT64_MAX, by_reset, &whole);
    ck_assert(whole && all > (wire_pair()->backend ? 20 : 50));
    for (uint64_t n = 0; n < all; n++) {
        ask_and_cut(row, which, n, by_reset, &whole);
        ck_assert_msg(!whole, "%s cut after %d of %d looks whole", cut_replies[row].why, (int)n, (int)all);
    }
    http_chain_open();
}

START_TEST(an_answer_cut_in_plaintext_never_looks_whole) /* B7 */
{
    refuses_each_cut((size_t)_i / 2, wire_backend_socket, _i % 2 == 1);
}
END_TEST

START_TEST(an_answer_cut_in_tls_never_looks_whole) /* B7 */
{
    refuses_each_cut((size_t)_i / 2, wire_between, _i % 2 == 1);
}
END_TEST

START_TEST(an_answer_until_close_without_close_notify_is_cut) /* B7 */
{
    static const char *const requests[] = {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", GET};
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, requests[_i]);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\n\r\nsome of it");
    wire_run(&http_chain);
    struct wire_socket *between = wire_between(&http_chain, 0);
    between->down.cut_after = between->down.taken; /* the connection ends, TLS does not */
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "some of it"));
    ck_assert(app->got_reset && !app->got_end);
    ck_assert_ptr_null(strstr(wire_got(app), "\r\n0\r\n\r\n"));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_TRUNCATED);
}
END_TEST

START_TEST(a_request_cut_at_any_byte_never_reaches_the_backend_whole) /* B7 */
{
    static const char *const requests[] = {POST, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", GET};
    size_t whole = 1;
    for (size_t n = 0; n < whole; n++) {
        http_chain_close();
        http_chain_open();
        struct wire_socket *app = wire_connect(&http_chain);
        app->up.cut_after = n;
        wire_say(app, requests[_i]);
        whole = app->up.put;
        wire_finish(&http_chain);
        ck_assert_msg(http_chain.n_requests == 0, "cut after %zu", n);
        ck_assert(app->got_end || app->got_reset);
    }
}
END_TEST

/* ---- who may, and who they say they are ---- */

START_TEST(claimed_identities_are_removed_and_the_proven_one_added) /* C1 */
{
    http_chain.verifier.down_conf.identity_headers = CONFIG_HEADERS_X_SSL;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET / HTTP/1.1\r\nHost: x\r\nX-SSL-Client-CN: spoofed\r\nx_ssl_client_verify: spoofed\r\nClient-Cert: spoofed\r\n"
                  "X-Forwarded-For: 203.0.113.66\r\n\r\n");
    wire_run(&http_chain);
    struct wire_socket *back = wire_backend_socket(&http_chain, 0);
    ck_assert(!wire_ever_said(&back->up, "spoofed"));
    ck_assert(!wire_ever_said(&back->up, "203.0.113.66"));
    ck_assert(!wire_was_asked(&http_chain, "spoofed") && !wire_was_asked(&http_chain, "203.0.113.66"));
    ck_assert(wire_was_asked(&http_chain, "X-SSL-Client-CN: client\r\n"));
    ck_assert(wire_was_asked(&http_chain, "X-SSL-Client-Status: valid\r\n"));
    ck_assert(wire_was_asked(&http_chain, "X-Forwarded-For: 192.0.2.7\r\n"));
}
END_TEST

START_TEST(a_client_that_no_rule_names_gets_403_and_the_backend_nothing)
{
    static char other[] = "somebody else", mine[] = "client";
    struct config_allow rule = {.cn = other};
    http_chain.verifier.down_conf.allow = &rule;
    http_chain.verifier.down_conf.n_allow = 1;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "403 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "not_allowed"));
    ck_assert_uint_eq(http_chain.verifier.connects, 0);
    http_chain_ask(app, POST);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "403 "));
    ck_assert_uint_eq(http_chain.verifier.connects, 0);
    rule.cn = mine;
    app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
}
END_TEST

START_TEST(a_refused_get_leaves_the_connection_usable)
{
    static char other[] = "somebody else", mine[] = "client";
    struct config_allow rule = {.cn = other};
    http_chain.verifier.down_conf.allow = &rule;
    http_chain.verifier.down_conf.n_allow = 1;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    rule.cn = mine;
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

/* ---- failures before anything is said ---- */

START_TEST(an_answer_of_ours_is_readable_though_a_body_was_on_its_way)
{
    http_chain.injector.connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 400000\r\n\r\n");
    app->up.offer = 400000;
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "connect_refused"));
    if (wire_pair()->app)
        return; /* the body gets no window, and its stream is reset: test_client_http2.c */
    ck_assert_msg(app->up.offer == 0 && app->up.data.len == 0, "%zu bytes of the body were left unread", app->up.data.len);
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert_msg(app->got_end && !app->got_reset, "its end was not heard");
}
END_TEST

START_TEST(a_remote_client_is_not_told_where_the_backend_lies)
{
    struct wire_node *refused = _i == 0 ? &http_chain.verifier : &http_chain.injector;
    refused->connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "connect_refused"));
    /* the driver's sentence names the address: it is for the log, and for an app of this host */
    ck_assert((strstr(wire_got(app), "connection refused") != NULL) == (_i == 1));
    ck_assert_str_eq(wire_last(refused)->detail, "connection refused");
}
END_TEST

/* ---- back-pressure (D6) ---- */

static void answer_100_mib(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ > 0)
        return;
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    s->down.offer = 104857600;
}

START_TEST(a_client_that_does_not_read_stops_the_upstream) /* D6 */
{
    http_chain.keep_log = false;
    http_chain.on_backend = answer_100_mib;
    struct wire_socket *app = wire_connect(&http_chain);
    app->down.stalled = true;
    wire_say(app, GET);
    wire_run(&http_chain);
    struct wire_socket *back = wire_backend_socket(&http_chain, 0);
    ck_assert_uint_gt(back->down.offer, 100u * 1024 * 1024 - 2u * 1024 * 1024);
    ck_assert_uint_lt(http_chain.injector.most_pending, 512 * 1024);
    ck_assert_uint_lt(http_chain.verifier.most_pending, 512 * 1024);
}
END_TEST

START_TEST(an_upstream_that_does_not_read_stops_the_client) /* D6 */
{
    http_chain.keep_log = false;
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    wire_backend_socket(&http_chain, 0)->up.stalled = true;
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 204 No Content\r\n\r\n");
    wire_run(&http_chain);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 104857600\r\n\r\n");
    app->up.offer = 104857600;
    wire_run(&http_chain);
    ck_assert_uint_gt(app->up.offer, 100u * 1024 * 1024 - 2u * 1024 * 1024);
    ck_assert_uint_lt(http_chain.injector.most_pending, 512 * 1024);
    ck_assert_uint_lt(http_chain.verifier.most_pending, 512 * 1024);
}
END_TEST

/* ---- HTTP/2 ---- */

/* It has spoken HTTP/1.1 before: what it is told are the frames SETTINGS and GOAWAY, with HTTP_1_1_REQUIRED. */
START_TEST(a_client_that_goes_over_to_http_2_is_told_in_http_2)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"; /* and more that nobody reads */
    static const char goodbye[] = "\0\0\0\4\0\0\0\0\0\0\0\34\7\0\0\0\0\0\0\0\0\0\0\0\0\15HTTP/1.1 is required";
    http_chain.step = steps[_i];
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    bytes_clear(&app->got);
    wire_say_span(app, span_of(hello, sizeof(hello) - 1));
    wire_run(&http_chain);
    ck_assert(span_equals(bytes_span(&app->got), span_of(goodbye, sizeof(goodbye) - 1)));
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_uint_eq(http_chain.n_requests, 1);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert_int_eq(seen->reason, REASON_REQUEST_MALFORMED);
    ck_assert_msg(strstr(seen->detail, "the client speaks HTTP/2") != NULL, "%s", seen->detail);
    ck_assert_ptr_nonnull(strstr(seen->hint, "--http1.1"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_http");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, messages_pass_whatever_the_cut_of_the_bytes, 0, N_SHAPES * N_STEPS);
    tcase_add_loop_test(t, chunked_bodies_pass_both_ways, 0, N_STEPS);
    tcase_add_loop_test(t, an_answer_until_close_becomes_chunked_for_http_1_1, 0, N_STEPS);
    tcase_add_loop_test(t, continue_reaches_the_app_before_its_body_is_sent, 0, N_STEPS);
    tcase_add_loop_test(t, pipelined_requests_are_answered_in_order, 0, N_STEPS);
    tcase_add_loop_test(t, pipelined_requests_with_the_end_behind_them_are_all_answered, 0, N_STEPS);
    tcase_add_loop_test(t, what_follows_a_refused_tunnel_or_an_ambiguous_request_is_not_read, 0, 3);
    tcase_add_loop_test(t, http_1_0_gets_an_answer_it_can_read_and_the_end, 0, N_STEPS);
    tcase_add_test(t, one_upstream_connection_serves_many_clients);
    tcase_add_loop_test(t, a_stale_connection_costs_a_get_nothing, 0, 2);
    tcase_add_test(t, a_get_is_retried_once_only);
    tcase_add_loop_test(t, a_post_is_never_sent_twice, 0, 2);
    tcase_add_test(t, a_connection_that_said_it_closes_is_not_pooled);
    tcase_add_test(t, a_connection_that_ended_with_its_answer_is_not_pooled);
    tcase_add_loop_test(t, an_answer_before_the_body_ended_ends_both_connections, 0, N_STEPS);
    tcase_add_loop_test(t, a_second_answer_is_never_delivered, 0, N_STEPS);
    tcase_add_test(t, an_answer_before_the_request_reaches_nobody_else);
    tcase_add_loop_test(t, an_answer_cut_in_plaintext_never_looks_whole, 0, N_CUTS * 2);
    tcase_add_loop_test(t, an_answer_cut_in_tls_never_looks_whole, 0, N_CUTS * 2);
    tcase_add_loop_test(t, an_answer_until_close_without_close_notify_is_cut, 0, 2);
    tcase_add_loop_test(t, a_request_cut_at_any_byte_never_reaches_the_backend_whole, 0, 3);
    tcase_add_test(t, claimed_identities_are_removed_and_the_proven_one_added);
    tcase_add_test(t, a_client_that_no_rule_names_gets_403_and_the_backend_nothing);
    tcase_add_test(t, a_refused_get_leaves_the_connection_usable);
    tcase_add_test(t, an_answer_of_ours_is_readable_though_a_body_was_on_its_way);
    tcase_add_loop_test(t, a_remote_client_is_not_told_where_the_backend_lies, 0, 2);
    tcase_add_test(t, a_client_that_does_not_read_stops_the_upstream);
    tcase_add_test(t, an_upstream_that_does_not_read_stops_the_client);
    tcase_add_loop_test(t, a_client_that_goes_over_to_http_2_is_told_in_http_2, 0, N_STEPS);
    suite_add_tcase(s, t);
    return s;
}
