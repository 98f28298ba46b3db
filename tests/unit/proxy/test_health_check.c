/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a target, in memory: the other end is a TLS engine of ours, or text. */
#include "ends.h"
#include "http2_frames.h"
#include "lone.h"
#include "mtlsd/proxy/health_check.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define MS ((uint64_t)1000)

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct health_check *c;
static struct health_check_result result;
static struct moment now;
static struct lone l;

static void set_up(void)
{
    conf = (struct config_upstream){.health_interval_ms = 2000, .connect_ms = 5000, .handshake_ms = 10000};
    target_conf = (struct config_target){.address = {.kind = ADDRESS_TCP, .host = WIRE_NAME, .port = 8443}};
    upstream = (struct plan_upstream){.conf = &conf};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
    now = (struct moment){.us = 1000 * MS, .utc = WIRE_NOW};
}

static void tear_down(void)
{
    health_check_free(c);
    c = NULL;
    lone_close(&l);
    if (target.tls != NULL)
        tls_context_unref(target.tls);
    target.tls = NULL;
    ends_close_one(&ends_server);
}

static size_t sent(char *out, size_t size)
{
    return lone_sent(&l, out, size);
}

static void give(struct span wire)
{
    lone_give(&l, wire);
}

static void say(const char *text)
{
    give(span_from_str(text));
}

/* Both ends until nothing moves. */
static void run(void)
{
    static char wire[65536];
    for (bool moved = true; moved;) {
        size_t n = sent(wire, sizeof(wire));
        moved = n > 0;
        if (n > 0)
            ends_feed(&ends_server, span_of(wire, n));
        struct span out = tls_engine_wire_out(ends_server.e);
        if (out.len == 0)
            continue;
        moved = true;
        give(out);
        tls_engine_wire_sent(ends_server.e, out.len);
    }
}

static void look(void)
{
    static const struct health_check_owner nobody;
    lone_close(&l);
    lone_open(&l, &target, now);
    c = health_check_new(&l.env, &target, &nobody, now);
    ck_assert_ptr_nonnull(c);
    lone_turn(&l);
}

static void begin(const char *path)
{
    conf.health_path = (char *)(uintptr_t)path;
    look();
    ck_assert(!health_check_is_done(c, &result));
    lone_connected(&l);
}

static void begin_tls(const char *path, const struct wire_side *ours, const struct wire_side *theirs)
{
    target.tls = wire_pki_connecting(&ends_pki, ours);
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, theirs), NULL, NULL);
    begin(path);
    run();
}

static const struct wire_side good;

static void expect_good(const char *why)
{
    ck_assert_msg(health_check_is_done(c, &result), "%s: not done", why);
    ck_assert_msg(result.good, "%s: %s", why, result.text);
}

static void expect_bad(enum reason reason, const char *text)
{
    ck_assert_msg(health_check_is_done(c, &result), "%s: not done", text);
    ck_assert_msg(!result.good && result.reason == reason, "%s: %d %s", text, (int)result.reason, result.text);
    ck_assert_msg(strstr(result.text, text) != NULL, "%s", result.text);
}

START_TEST(without_tls_and_path_a_connection_is_enough)
{
    char out[16];
    begin(NULL);
    expect_good("connected");
    ck_assert_uint_eq(sent(out, sizeof(out)), 0);
}
END_TEST

START_TEST(asks_for_the_path_and_judges_the_status)
{
    static const struct { const char *why, *expect, *answer; bool good; } rows[] = {
        {"what is usual", NULL, "HTTP/1.1 200 OK\r\n", true},
        {"a redirect", NULL, "HTTP/1.1 302 Found\r\n", true},
        {"a failure", NULL, "HTTP/1.1 503 Service Unavailable\r\n", false},
        {"not found", NULL, "HTTP/1.1 404 Not Found\r\n", false},
        {"not the one", "200", "HTTP/1.1 204 No Content\r\n", false},
        {"one of two", "200, 204", "HTTP/1.1 204 No Content\r\n", true},
        {"an early hint before the answer", NULL, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char out[512];
        conf.health_expect = (char *)(uintptr_t)rows[i].expect;
        begin("/healthz");
        sent(out, sizeof(out));
        ck_assert_str_eq(out, "GET /healthz HTTP/1.1\r\nHost: " WIRE_NAME ":8443\r\nUser-Agent: mtlsd\r\nAccept: */*\r\nConnection: close\r\n\r\n");
        for (const char *p = rows[i].answer; *p != '\0'; p++)
            give(span_of(p, 1));
        ck_assert_msg(!health_check_is_done(c, &result), "%s", rows[i].why);
        say("Content-Length: 2\r\n\r\nok and what nobody reads any more");
        if (rows[i].good)
            expect_good(rows[i].why);
        else
            expect_bad(REASON_UNDECIDED, "GET /healthz was answered with ");
        health_check_free(c);
    }
    c = NULL;
}
END_TEST

START_TEST(what_is_no_answer_is_bad)
{
    static const struct { const char *text; enum reason reason; } rows[] = {
        {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", REASON_UPSTREAM_PROTOCOL},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", REASON_UPSTREAM_PROTOCOL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin("/");
        say(rows[i].text);
        expect_bad(rows[i].reason, "");
        health_check_free(c);
    }
    begin("/");
    lone_end(&l);
    expect_bad(REASON_UPSTREAM_CLOSED, "closed without an answer");
    health_check_free(c);
    begin("/");
    lone_break(&l, "connection reset by peer");
    lone_end(&l);
    expect_bad(REASON_UPSTREAM_CLOSED, "reset"); /* what came first counts */
}
END_TEST

START_TEST(a_path_that_would_break_the_request_is_never_sent)
{
    static const char *const paths[] = {"healthz", "", "/a b", "/a\r\nX: y", "/a\tb"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char out[64];
        begin(paths[i]);
        expect_bad(REASON_INTERNAL, "health.path");
        ck_assert_uint_eq(sent(out, sizeof(out)), 0);
        health_check_free(c);
    }
    c = NULL;
}
END_TEST

START_TEST(shakes_hands_as_the_traffic_does_and_asks_inside)
{
    begin_tls("/healthz", &good, &good);
    ends_expect_open(&ends_server, "the target");
    ck_assert_ptr_nonnull(ends_look(&ends_server)->peer); /* our certificate went along */
    ck_assert_uint_gt(ends_server.got.len, 0);
    ends_say(&ends_server, "HTTP/1.1 200 OK\r\n\r\n");
    run();
    expect_good("answered");
}
END_TEST

START_TEST(takes_a_handshake_for_an_answer_when_no_refusal_follows)
{
    static const struct wire_side only12 = {.priority = WIRE_PRIORITY_12}, only13 = {.priority = WIRE_PRIORITY_13};
    begin_tls(NULL, &good, &only12);
    expect_good("TLS 1.2 refuses within the handshake");
    tear_down();
    begin_tls(NULL, &good, &only13);
    ck_assert(!health_check_is_done(c, &result)); /* TLS 1.3: it may still say no */
    ck_assert_uint_eq(health_check_deadline_us(c), now.us + 500 * MS);
    health_check_on_deadline(c);
    expect_good("it did not");
    tear_down();
    begin_tls(NULL, &good, &only13);
    ends_say(&ends_server, "220 hello\r\n");
    run();
    expect_good("it speaks first");
    tear_down();
    begin_tls(NULL, &good, &only13);
    tls_engine_app_end(ends_server.e);
    run();
    lone_end(&l);
    expect_good("a proper goodbye");
    tear_down();
    begin_tls(NULL, &good, &only13);
    lone_end(&l);
    expect_bad(REASON_UPSTREAM_CLOSED, ""); /* no goodbye */
}
END_TEST

START_TEST(is_bad_where_traffic_would_be_refused)
{
    static const struct wire_side stranger = {.name = "other.example"}, expired = {.bad = TLS_PKI_EXPIRED};
    static const struct { const char *why; const struct wire_side *ours, *theirs; enum reason reason; } rows[] = {
        {"another name", &good, &stranger, REASON_NAME_MISMATCH},
        {"out of date", &good, &expired, REASON_EXPIRED},
        {"our own certificate is refused", &expired, &good, REASON_OUR_CERTIFICATE_REFUSED},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t path = 0; path < 2; path++) {
            begin_tls(path == 0 ? NULL : "/healthz", rows[i].ours, rows[i].theirs);
            ck_assert_msg(health_check_is_done(c, &result), "%s", rows[i].why);
            expect_bad(rows[i].reason, "");
            ck_assert_uint_eq(ends_server.got.len, 0); /* nothing was asked of a stranger, nothing taken from us */
            tear_down();
        }
    }
}
END_TEST

START_TEST(tells_which_step_took_too_long)
{
    look();
    ck_assert_uint_eq(health_check_deadline_us(c), now.us + 2000 * MS); /* the interval */
    health_check_on_deadline(c);
    expect_bad(REASON_CONNECT_TIMEOUT, "accept the connection");
    health_check_free(c);
    conf.health_interval_ms = 60000;
    look();
    ck_assert_uint_eq(health_check_deadline_us(c), now.us + 15000 * MS); /* to connect and shake hands */
    health_check_free(c);
    begin("/");
    health_check_on_deadline(c);
    expect_bad(REASON_RESPONSE_TIMEOUT, "answer in time");
    health_check_free(c);
    target.tls = wire_pki_connecting(&ends_pki, &good);
    begin(NULL);
    health_check_on_deadline(c);
    expect_bad(REASON_HANDSHAKE_TIMEOUT, "handshake");
}
END_TEST

START_TEST(goes_through_the_proxy_and_speaks_for_nobody)
{
    char out[512];
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V1;
    begin("/");
    sent(out, sizeof(out));
    ck_assert_ptr_eq(strstr(out, "CONNECT " WIRE_NAME ":8443 HTTP/1.1\r\n"), out);
    say("HTTP/1.1 200 Connection established\r\n\r\n");
    sent(out, sizeof(out));
    ck_assert_ptr_eq(strstr(out, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"), out);
    say("HTTP/1.1 200 OK\r\n\r\n");
    expect_good("through the proxy");
    health_check_free(c);
    begin("/");
    say("HTTP/1.1 403 Forbidden\r\n\r\n");
    expect_bad(REASON_PROXY_REFUSED, "");
    health_check_free(c);
    begin("/");
    say("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"); /* nothing was asked yet */
    expect_bad(REASON_UPSTREAM_PROTOCOL, "");
    health_check_free(c);
    begin("/");
    lone_end(&l);
    ck_assert(health_check_is_done(c, &result) && !result.good);
}
END_TEST

/* As traffic does: test_exchange_header.c. */
START_TEST(a_tcp_server_may_speak_first_behind_the_proxy) /* B2 */
{
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    begin(NULL);
    say("HTTP/1.1 200 OK\r\n\r\n220 ready\r\n");
    expect_good("a banner");
    health_check_free(c);
    target.tls = wire_pki_connecting(&ends_pki, &good);
    begin(NULL);
    say("HTTP/1.1 200 OK\r\n\r\n220 ready\r\n");
    expect_bad(REASON_UPSTREAM_PROTOCOL, "before TLS began");
}
END_TEST

/* ---- gRPC ---- */

static void begin_call(const char *service)
{
    conf.health_grpc = (char *)(uintptr_t)service;
    target.http = PLAN_HTTP2;
    begin(NULL);
}

static void give_frames(const char *script, size_t step)
{
    struct bytes frames;
    bytes_init(&frames, 65536);
    http2_frames(&frames, script);
    for (struct span rest = bytes_span(&frames); rest.len > 0; rest = span_skip(rest, step < rest.len ? step : rest.len))
        give(span_of(rest.ptr, step < rest.len ? step : rest.len));
    bytes_clear(&frames);
}

START_TEST(asks_for_a_service_in_grpc)
{
#define FRAME(literal) {(const uint8_t *)(literal), sizeof(literal) - 1}
    static const struct { const char *service; struct span data; } rows[] = {
        {"shop.Cart", FRAME("\0\0\x10\0\1\0\0\0\1\0\0\0\0\x0b\x0a\x09shop.Cart")}, {"", FRAME("\0\0\5\0\1\0\0\0\1\0\0\0\0\0")}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static char wire[4096];
        struct http2_reader *reader = http2_reader_new();
        struct bytes said;
        bytes_init(&said, sizeof(wire));
        begin_call(rows[i].service);
        size_t n = sent(wire, sizeof(wire)), end = n - rows[i].data.len;
        ck_assert(span_equals(span_of(wire + end, rows[i].data.len), rows[i].data));
        http2_reader_say(reader, span_of(wire, end), &said);
        ck_assert_int_eq(bytes_append(&said, "", 1), 0);
        ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&said).ptr, "\nH1 :method=POST|:scheme=http|:authority=" WIRE_NAME ":8443|:path=/grpc.health.v1.Health/Check|"
                                                                          "user-agent=mtlsd|content-type=application/grpc|te=trailers\n"));
        bytes_clear(&said);
        http2_reader_free(reader);
        health_check_free(c);
    }
    c = NULL;
}
END_TEST

#define GRPC_HEAD "H1 :status=200|content-type=application/grpc\n"
#define SERVING "D1 %00%00%00%00%02%08%01\n"
#define OK "H1e grpc-status=0\n"

static const struct { const char *why, *answer, *text; enum reason reason; } calls[] = {
    {"SERVING", GRPC_HEAD SERVING OK, NULL, REASON_VALID},
    {"SERVING, and more to say about the type", "H1 :status=200|content-type=application/grpc+proto|grpc-encoding=identity\n" SERVING OK, NULL, REASON_VALID},
    {"an early hint before it", "H1 :status=103\n" GRPC_HEAD SERVING OK, NULL, REASON_VALID},
    {"an end that is announced first", "G 1 0\n" GRPC_HEAD SERVING OK, NULL, REASON_VALID},
    {"NOT_SERVING", GRPC_HEAD "D1 %00%00%00%00%02%08%02\n" OK, "answered with NOT_SERVING, expected is SERVING", REASON_UNDECIDED},
    {"UNKNOWN", GRPC_HEAD "D1 %00%00%00%00%00\n" OK, "answered with UNKNOWN", REASON_UNDECIDED},
    {"a service nobody knows", "H1e :status=200|content-type=application/grpc|grpc-status=5\n", "does not know the service of health.grpc", REASON_UNDECIDED},
    {"a server without the protocol", "H1e :status=200|content-type=application/grpc|grpc-status=12\n", "has no grpc.health.v1.Health service", REASON_UNDECIDED},
    {"SERVING that failed in the end", GRPC_HEAD SERVING "H1e grpc-status=13\n", "grpc-status 13 (INTERNAL)", REASON_UNDECIDED},
    {"SERVING without trailers", GRPC_HEAD "D1e %00%00%00%00%02%08%01\n", "no valid grpc-status", REASON_UNDECIDED},
    {"trailers without a status", GRPC_HEAD SERVING "H1e x=y\n", "no valid grpc-status", REASON_UNDECIDED},
    {"a compressed message", GRPC_HEAD "D1 %01%00%00%00%02%08%01\n" OK, "compressed", REASON_UNDECIDED},
    {"half a message", GRPC_HEAD "D1 %00%00%00%00%02%08\n" OK, "no HealthCheckResponse", REASON_UNDECIDED},
    {"OK without a message", "H1e :status=200|content-type=application/grpc|grpc-status=0\n", "no message", REASON_UNDECIDED},
    {"a web page", "H1e :status=404|content-type=text/html\n", "HTTP status 404", REASON_UNDECIDED},
    {"another type", "H1 :status=200|content-type=text/plain\n" SERVING OK, "not gRPC", REASON_UNDECIDED},
    {"a reset", "R1 2\n", "reset the request's stream (HTTP/2 error code 2)", REASON_UPSTREAM_CLOSED},
    {"a reset behind SERVING", GRPC_HEAD SERVING "R1 8\n", "reset the request's stream", REASON_UPSTREAM_CLOSED},
    {"one that begins with nothing more", "R1 7\n", "takes no new requests", REASON_UPSTREAM_CLOSED},
    {"one that leaves", "G 0 0\n", "takes no new requests", REASON_UPSTREAM_CLOSED},
    {"a length that DATA does not keep", "H1 :status=200|content-type=application/grpc|content-length=3\n" SERVING OK, "", REASON_UPSTREAM_PROTOCOL},
    {"a body before its head", SERVING, "", REASON_UPSTREAM_PROTOCOL},
};

START_TEST(only_serving_is_healthy)
{
    for (size_t step = 1; step <= 65536; step *= 65536) {
        begin_call("");
        give_frames("S\n", step);
        give_frames(calls[_i].answer, step);
        if (calls[_i].text == NULL)
            expect_good(calls[_i].why);
        else
            expect_bad(calls[_i].reason, calls[_i].text);
        health_check_free(c);
    }
    c = NULL;
}
END_TEST

START_TEST(asks_for_the_path_in_http2_where_the_target_speaks_it)
{
    static const struct { const char *answer; enum reason reason; } rows[] = {
        {"H1 :status=103\nH1 :status=200\n", REASON_VALID}, {"H1e :status=503\n", REASON_UNDECIDED}, {"R1 8\n", REASON_UPSTREAM_CLOSED}, {"G 0 0\n", REASON_UPSTREAM_CLOSED}, {"D1 hello\n", REASON_UPSTREAM_PROTOCOL}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static char wire[4096];
        target.http = PLAN_HTTP2;
        begin("/healthz");
        sent(wire, sizeof(wire));
        ck_assert_ptr_eq(strstr(wire, "PRI * HTTP/2.0\r\n"), wire);
        give_frames("S\n", 1);
        give_frames(rows[i].answer, 1);
        if (rows[i].reason == REASON_VALID)
            expect_good(rows[i].answer);
        else
            expect_bad(rows[i].reason, "");
        health_check_free(c);
    }
    c = NULL;
}
END_TEST

START_TEST(an_answer_without_an_end_is_not_waited_for)
{
    begin_call("");
    give_frames("S\n" GRPC_HEAD, 65536);
    for (int i = 0; i < 37; i++)
        give_frames(SERVING, 65536); /* 259 bytes */
    expect_bad(REASON_UNDECIDED, "longer than 256 bytes");
}
END_TEST

START_TEST(a_server_of_http1_gives_no_answer_in_grpc)
{
    static const struct wire_side both = {.alpn = {"h2", "http/1.1"}}, old = {.alpn = {"http/1.1"}}, new = {.alpn = {"h2"}};
    static const struct { const struct wire_side *theirs; bool asked; } rows[] = {{&new, true}, {&old, false}, {&good, false}};
    begin_call("");
    say("HTTP/1.1 400 Bad Request\r\n\r\n");
    expect_bad(REASON_UPSTREAM_PROTOCOL, "");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tear_down();
        target.http = PLAN_HTTP_AGREED;
        begin_tls(NULL, &both, rows[i].theirs);
        ck_assert_uint_eq(ends_server.got.len > 0, rows[i].asked);
        if (rows[i].asked)
            ck_assert(!health_check_is_done(c, &result));
        else
            expect_bad(REASON_UPSTREAM_PROTOCOL, "did not choose h2");
        ck_assert(rows[i].asked || strstr(result.hint, "ALPN") != NULL);
    }
    health_check_on_deadline(c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("health_check");
    TCase *t = tcase_create("health_check");
    tcase_add_unchecked_fixture(t, ends_make, ends_drop);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_tls_and_path_a_connection_is_enough);
    tcase_add_test(t, asks_for_the_path_and_judges_the_status);
    tcase_add_test(t, what_is_no_answer_is_bad);
    tcase_add_test(t, a_path_that_would_break_the_request_is_never_sent);
    tcase_add_test(t, shakes_hands_as_the_traffic_does_and_asks_inside);
    tcase_add_test(t, takes_a_handshake_for_an_answer_when_no_refusal_follows);
    tcase_add_test(t, is_bad_where_traffic_would_be_refused);
    tcase_add_test(t, tells_which_step_took_too_long);
    tcase_add_test(t, goes_through_the_proxy_and_speaks_for_nobody);
    tcase_add_test(t, a_tcp_server_may_speak_first_behind_the_proxy);
    tcase_add_test(t, asks_for_a_service_in_grpc);
    tcase_add_loop_test(t, only_serving_is_healthy, 0, (int)(sizeof(calls) / sizeof(calls[0])));
    tcase_add_test(t, asks_for_the_path_in_http2_where_the_target_speaks_it);
    tcase_add_test(t, an_answer_without_an_end_is_not_waited_for);
    tcase_add_test(t, a_server_of_http1_gives_no_answer_in_grpc);
    suite_add_tcase(s, t);
    return s;
}
