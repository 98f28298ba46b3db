/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that speak HTTP/2, in front of upstreams that speak HTTP/1.1. */
#include "h2_app.h"
#include "http2_frames.h"
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct h2_app app;

static void set_up(void)
{
    http_chain_open();
    h2_app_open(&app, &http_chain);
}

static void tear_down(void)
{
    h2_app_close(&app);
    http_chain_close();
}

START_TEST(a_request_is_passed_on_and_answered)
{
    static const size_t cuts[] = {1, 7, WIRE_ALL};
    http_chain.step = cuts[_i];
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/a", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 200);
    ck_assert_str_eq(h2_app_body(s), "hello");
    ck_assert(s->ended && !s->reset);
    ck_assert(wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "GET /a HTTP/1.1\r\nHost: "));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_VALID);
}
END_TEST

START_TEST(many_requests_run_at_once_on_upstream_connections_of_their_own)
{
    struct h2_app_stream *s[4];
    for (int i = 0; i < 4; i++)
        s[i] = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    for (int i = 0; i < 4; i++)
        ck_assert(s[i]->status == 200 && s[i]->ended);
    ck_assert_uint_eq(http_chain.injector.connects, 4);
    struct h2_app_stream *again = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(again->status, 200);
    ck_assert_uint_eq(http_chain.injector.connects, 4); /* one of the pool */
}
END_TEST

START_TEST(a_body_that_comes_before_the_upstream_is_there_waits_for_it)
{
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    struct h2_app_stream *s = h2_app_ask(&app, "POST", "/", "123456789", NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 0);
    http_chain.injector.connect = WIRE_CONNECT_WORKS;
    struct uplink *u = client_next_uplink(wire_client(&http_chain.injector), NULL);
    ck_assert_ptr_nonnull(u);
    wire_connect_late(u);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 200);
    ck_assert_ptr_nonnull(memmem(bytes_span(&http_chain.request).ptr, http_chain.request.len,
                                 "9\r\n123456789\r\n0\r\n\r\n", 19));
}
END_TEST

START_TEST(a_body_of_unknown_length_goes_in_chunks_with_its_end)
{
    struct h2_app_stream *s = h2_app_ask(&app, "POST", "/", "", NULL);
    h2_app_run(&app);
    h2_app_send(&app, s, "1234", false);
    h2_app_run(&app);
    h2_app_send(&app, s, "56789", true);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 200);
    ck_assert_ptr_nonnull(memmem(bytes_span(&http_chain.request).ptr, http_chain.request.len,
                                 "4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n", 24));
}
END_TEST

START_TEST(what_is_refused_is_told_on_its_stream_and_the_others_go_on)
{
    http_chain.injector.connect = WIRE_CONNECT_REFUSED;
    struct h2_app_stream *bad = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    http_chain.injector.connect = WIRE_CONNECT_WORKS;
    ck_assert_uint_eq(bad->status, 502);
    ck_assert_ptr_nonnull(strstr(h2_app_body(bad), "\"reason\":\"connect_refused\""));
    wire_advance(&http_chain, 11000);
    struct h2_app_stream *good = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(good->status, 200);
}
END_TEST

START_TEST(a_grpc_call_is_refused_in_its_own_words)
{
    static const char *const grpc[] = {"content-type", "application/grpc+proto", NULL};
    http_chain.injector.connect = WIRE_CONNECT_REFUSED;
    struct h2_app_stream *s = h2_app_ask(&app, "POST", "/a.B/C", "12345", grpc);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 200);
    ck_assert(s->ended && s->body.len == 0);
    ck_assert_str_eq(wire_last(&http_chain.injector)->detail, "connection refused");
}
END_TEST

START_TEST(an_answer_that_breaks_off_resets_its_stream_alone) /* B7 */
{
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel";
    http_chain.reply_closes = true;
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_msg(s->reset && !s->ended, "%u reset %d ended %d: %s", s->status, s->reset, s->ended,
                  wire_last(&http_chain.injector)->detail);
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    http_chain.reply_closes = false;
    struct h2_app_stream *next = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert(next->status == 200 && next->ended);
}
END_TEST

START_TEST(a_request_that_is_cancelled_ends_its_upstream_connection_and_nothing_else)
{
    http_chain.on_backend = http_chain_silent;
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL),
                         *other = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    http2_reset(app.h2, s->stream, HTTP2_CANCEL);
    h2_app_run(&app);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_CLOSED);
    ck_assert(!other->reset);
    ck_assert_ptr_nonnull(wire_client(&http_chain.injector));
}
END_TEST

static void answer_a_lot(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ > 0)
        return;
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    s->down.offer = 104857600;
}

START_TEST(a_stream_without_a_window_stops_its_upstream_and_no_other) /* D6 */
{
    http_chain.keep_log = false;
    http_chain.on_backend = answer_a_lot;
    app.keeps_window = true;
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(s->status, 200);
    ck_assert_uint_lt(s->body.len, 1024 * 1024);
    ck_assert_uint_gt(wire_backend_socket(&http_chain, 0)->down.offer, 100u * 1024 * 1024 - 4u * 1024 * 1024);
    wire_advance(&http_chain, 31000); /* C7: and it is not waited for without end */
    h2_app_run(&app);
    ck_assert(s->reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_STALLED);
}
END_TEST

static char whole[300000]; /* a little more than the window of a stream */

/* C6: the exchange is over when the upstream's answer is, and what waits for the client's window is bounded
 * without it. */
START_TEST(a_whole_answer_that_gets_no_window_is_not_kept_for_ever)
{
    int n = snprintf(whole, sizeof(whole), "HTTP/1.1 200 OK\r\nContent-Length: 280000\r\n\r\n");
    memset(whole + n, 'x', 280000);
    http_chain.reply = whole;
    app.keeps_window = true;
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert(s->status == 200 && s->body.len < 280000 && !s->ended);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_VALID);
    wire_advance(&http_chain, 29000);
    h2_app_run(&app);
    ck_assert(!s->reset);
    wire_advance(&http_chain, 2000);
    h2_app_run(&app);
    ck_assert(s->reset);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_STALLED);
    ck_assert_ptr_nonnull(wire_client(&http_chain.injector));
}
END_TEST

/* A client by hand: it gives each stream all the window there can be, and the connection only what it says. */
static struct wire_socket *ask_by_hand(unsigned n)
{
    struct bytes frames;
    char line[64];
    struct wire_socket *s = wire_connect(&http_chain);
    wire_speaker_free(s->speaker);
    s->speaker = s->up.speaker = NULL;
    bytes_init(&frames, 65536);
    http2_frames(&frames, "PRI\nS 4=2000000000\nSA\n");
    for (unsigned i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "H%ue :method=GET|:scheme=http|:authority=x|:path=/\n", 2 * i + 1);
        http2_frames(&frames, line);
    }
    wire_say_span(s, bytes_span(&frames));
    bytes_clear(&frames);
    wire_run(&http_chain);
    return s;
}

static void say_by_hand(struct wire_socket *s, const char *script)
{
    struct bytes frames;
    bytes_init(&frames, 1000);
    http2_frames(&frames, script);
    wire_say_span(s, bytes_span(&frames));
    bytes_clear(&frames);
    wire_run(&http_chain);
}

/* All frames that came; valid until the next call. */
static const char *heard_by_hand(struct wire_socket *s)
{
    static struct bytes text;
    struct http2_reader *reader = http2_reader_new();
    bytes_clear(&text);
    bytes_init(&text, 65536);
    http2_reader_say(reader, bytes_span(&s->got), &text);
    http2_reader_free(reader);
    ck_assert_int_eq(bytes_append(&text, "", 1), 0);
    return (const char *)bytes_span(&text).ptr;
}

/* C7: none of its streams waits for a window of its own, and each has its turn in the end. */
START_TEST(a_slow_client_of_many_large_answers_has_not_stalled)
{
    http_chain.keep_log = false;
    if (_i == 0)
        http_chain.on_backend = answer_a_lot;
    int n = snprintf(whole, sizeof(whole), "HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n");
    memset(whole + n, 'x', 30000);
    http_chain.reply = whole; /* or those that are whole, and leave */
    struct wire_socket *s = ask_by_hand(8);
    size_t before = http_chain.injector.n_seen;
    for (int i = 0; i < 10; i++) {
        wire_advance(&http_chain, 20000);
        say_by_hand(s, "W0 16384\n");
    }
    ck_assert_uint_eq(http_chain.injector.n_seen, before);
    ck_assert_ptr_nonnull(wire_client(&http_chain.injector));
    wire_advance(&http_chain, 31000); /* then it takes nothing */
    wire_run(&http_chain);
    ck_assert_uint_gt(http_chain.injector.n_seen, before);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_STALLED);
}
END_TEST

START_TEST(a_head_that_never_ends_ends_the_connection) /* C7 */
{
    h2_app_run(&app);
    wire_say_span(app.socket, span_of("\0\0\3\x1\x1\0\0\0\1\x82\x84\x86", 12)); /* HEADERS without an end */
    h2_app_run(&app);
    wire_advance(&http_chain, 9000);
    h2_app_run(&app);
    ck_assert(!app.goaway);
    wire_advance(&http_chain, 2000);
    h2_app_run(&app);
    ck_assert(app.goaway);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_REQUEST_TIMEOUT);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

START_TEST(a_client_that_floods_on_behind_its_refusal_is_not_read_to_the_end) /* C6 */
{
    h2_app_run(&app);
    wire_say_span(app.socket, span_of("\0\0\1\x9\0\0\0\0\1x", 10)); /* CONTINUATION of nothing */
    h2_app_run(&app);
    ck_assert(app.goaway);
    ck_assert_ptr_nonnull(wire_client(&http_chain.injector));
    memset(whole, 0, sizeof(whole));
    for (int i = 0; i < 10 && wire_client(&http_chain.injector) != NULL; i++) {
        wire_say_span(app.socket, span_of(whole, sizeof(whole)));
        wire_run(&http_chain);
        ck_assert(i >= 6 || wire_client(&http_chain.injector) != NULL);
    }
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

/* Other uploads than those that run cannot be on their way. */
START_TEST(behind_a_flood_only_what_may_be_on_its_way_is_read) /* C6 */
{
    enum { PINGS = 600, PING = 17, PIECE = 64 * 1024 };
    static uint8_t pings[PINGS * PING], piece[PIECE];
    if (_i == 1)
        h2_app_ask(&app, "POST", "/", "", NULL);
    h2_app_run(&app);
    for (size_t i = 0; i < PINGS; i++)
        memcpy(pings + i * PING, "\0\0\x8\6\0\0\0\0\0pingping", PING);
    wire_say_span(app.socket, span_of(pings, sizeof(pings)));
    h2_app_run(&app);
    ck_assert(app.goaway && app.goaway_code == HTTP2_ENHANCE_YOUR_CALM);
    size_t read = 0;
    for (; read < (size_t)PIECE * 40 && wire_client(&http_chain.injector) != NULL; read += PIECE) {
        wire_say_span(app.socket, span_of(piece, sizeof(piece)));
        wire_run(&http_chain);
    }
    ck_assert_msg(read >= (_i == 1 ? 256 : 64) * 1024 && read <= (_i == 1 ? 512 : 192) * 1024, "%zu", read);
}
END_TEST

static unsigned count_uplinks(const struct client *c)
{
    unsigned n = 0;
    for (struct uplink *u = NULL; (u = client_next_uplink(c, u)) != NULL;)
        n++;
    return n;
}

static const char OPEN_POST[] = ":method=POST|:scheme=http|:authority=x|:path=/";

/* So many requests on the app's connection, by hand, which their client never ends. */
static void open_posts(struct wire_socket *s, unsigned n)
{
    struct bytes frames;
    char line[100];
    bytes_init(&frames, 1 << 20);
    for (unsigned i = 0; i < n; i++) {
        snprintf(line, sizeof(line), "H%u %s\n", 2 * i + 1, OPEN_POST);
        http2_frames(&frames, line);
    }
    wire_say_span(s, bytes_span(&frames));
    bytes_clear(&frames);
    wire_run(&http_chain);
}

/* The limit cuts a flood before most of its requests are anything to an upstream, also where they are those that the protocol allows. */
START_TEST(of_a_flood_few_requests_go_upstream) /* C6 */
{
    http_chain.on_backend = http_chain_silent;
    h2_app_run(&app);
    open_posts(app.socket, 60);
    ck_assert_uint_eq(http_chain.injector.connects, 4);
    wire_say_span(app.socket, span_of("\0\0\1\x9\0\0\0\0\1x", 10)); /* CONTINUATION of nothing: it is cut */
    h2_app_run(&app);
    ck_assert(app.goaway);
    wire_advance(&http_chain, 100);
    ck_assert_uint_eq(http_chain.injector.connects, 4);
}
END_TEST

START_TEST(a_neighbour_is_served_while_the_requests_of_one_client_wait) /* C6 */
{
    http_chain.on_backend = http_chain_silent;
    h2_app_run(&app);
    open_posts(app.socket, 100);
    http_chain.on_backend = wire_backend_http;
    static struct h2_app other;
    h2_app_open(&other, &http_chain);
    struct h2_app_stream *s = h2_app_ask(&other, "GET", "/", NULL, NULL);
    h2_app_run(&other);
    ck_assert_uint_eq(s->status, 200);
    ck_assert_uint_eq(http_chain.injector.connects, 5);
    h2_app_close(&other);
}
END_TEST

/* A client may keep a hundred calls open that nothing answers for hours. */
START_TEST(all_requests_that_the_protocol_allows_begin)
{
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    h2_app_run(&app);
    open_posts(app.socket, 100);
    for (unsigned ms = 0; ms < 192; ms += 2) {
        ck_assert_uint_eq(count_uplinks(wire_client(&http_chain.injector)), 4 + ms / 2);
        wire_advance(&http_chain, 2);
    }
    ck_assert_uint_eq(count_uplinks(wire_client(&http_chain.injector)), 100);
    ck_assert(!app.goaway);
}
END_TEST

START_TEST(a_request_that_waited_to_begin_may_be_cancelled)
{
    http_chain.on_backend = http_chain_silent;
    h2_app_run(&app);
    struct h2_app_stream *s[20];
    for (int i = 0; i < 20; i++)
        s[i] = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    http2_reset(app.h2, s[18]->stream, HTTP2_CANCEL);
    h2_app_run(&app);
    wire_advance(&http_chain, 32);
    ck_assert_uint_eq(http_chain.injector.connects, 19);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_CLOSED);
}
END_TEST

/* Without a moment in between: answers let others begin. */
START_TEST(a_client_that_is_served_begins_as_many_as_it_may)
{
    struct h2_app_stream *s[8];
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 8; i++)
            s[i] = h2_app_ask(&app, "GET", "/", NULL, NULL);
        h2_app_run(&app);
        for (int i = 0; i < 8; i++)
            ck_assert(s[i]->status == 200 && s[i]->ended);
    }
    http_chain.on_backend = http_chain_silent;
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    for (int i = 0; i < 44; i++)
        h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(count_uplinks(wire_client(&http_chain.injector)), 44);
}
END_TEST

/* An early answer is no work that was done for the client: its request may stay open, and be cut with all others. */
START_TEST(an_answer_to_half_a_request_lets_no_other_begin) /* C6 */
{
    h2_app_run(&app);
    open_posts(app.socket, 40);
    ck_assert_uint_eq(http_chain.injector.connects, 4);
}
END_TEST

START_TEST(many_streams_without_a_window_hold_little_memory) /* C6 */
{
    size_t waits = 0;
    http_chain.keep_log = false;
    http_chain.on_backend = answer_a_lot;
    app.keeps_window = true;
    for (int i = 0; i < 10; i++)
        h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    wire_advance(&http_chain, 12);
    h2_app_run(&app);
    for (size_t i = 0; i < 10; i++) {
        const struct wire_socket *back = wire_backend_socket(&http_chain, i);
        waits += 104857600 - (size_t)back->down.offer;
    }
    ck_assert_uint_lt(waits, 10 * 1024 * 1024); /* with what stands in the pipes of two proxies */
}
END_TEST

START_TEST(an_answer_whose_head_the_client_does_not_take_is_refused_on_its_stream)
{
    char settings[64];
    http_chain.reply = "HTTP/1.1 200 OK\r\nLong: 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
                       "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789\r\nContent-Length: 0\r\n\r\n";
    struct wire_socket *s = wire_connect(&http_chain);
    wire_speaker_free(s->speaker);
    s->speaker = s->up.speaker = NULL;
    snprintf(settings, sizeof(settings), "PRI\nS 6=%s\nSA\n", _i == 0 ? "300" : "20");
    say_by_hand(s, settings);
    say_by_hand(s, "H1e :method=GET|:scheme=http|:authority=x|:path=/\n");
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), _i == 0 ? "H1 :status=502" : "R1 2\n")); /* it takes not even ours */
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_UPSTREAM_PROTOCOL);
    http_chain.reply = "HTTP/1.1 204 No Content\r\n\r\n";
    say_by_hand(s, "S 6=300\nH3e :method=GET|:scheme=http|:authority=x|:path=/\n");
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "H3e :status=204"));
}
END_TEST

START_TEST(a_client_that_ends_its_direction_leaves_half_a_request_and_gets_other_answers) /* B7 */
{
    http_chain.on_backend = http_chain_silent;
    struct h2_app_stream *half = h2_app_ask(&app, "POST", "/half", "", NULL), *other = h2_app_ask(&app, "GET", "/whole", NULL, NULL);
    h2_app_send(&app, half, "abc", false);
    h2_app_run(&app);
    wire_end(&app.socket->up);
    h2_app_run(&app);
    ck_assert_uint_eq(http_chain.injector.n_seen, 1);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_CLOSED);
    ck_assert(half->reset && !other->reset);
    bool second = wire_ever_said(&wire_backend_socket(&http_chain, 1)->up, "GET /whole");
    ck_assert(!wire_ever_said(&wire_backend_socket(&http_chain, second ? 0 : 1)->up, "\r\n0\r\n\r\n"));
    wire_answer(wire_backend_socket(&http_chain, second), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_app_run(&app);
    ck_assert(other->status == 200 && other->ended);
    ck_assert(app.socket->got_end);
}
END_TEST

START_TEST(draining_finishes_what_runs_and_takes_no_more)
{
    http_chain.on_backend = http_chain_silent;
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    http_chain.injector.env.draining = true;
    client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    h2_app_run(&app);
    ck_assert(app.goaway && app.goaway_code == HTTP2_NO_ERROR);
    ck_assert_ptr_nonnull(wire_client(&http_chain.injector));
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_app_run(&app);
    ck_assert(s->status == 200 && s->ended);
    ck_assert(app.socket->got_end);
}
END_TEST

/* RFC 9113 section 6.8: what was on its way when GOAWAY was sent is served. */
START_TEST(a_request_that_crosses_a_goaway_is_served)
{
    h2_app_run(&app);
    if (_i == 0)
        client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    else
        wire_advance(&http_chain, 60100); /* its idle time is over */
    app.socket->down.stalled = true;
    wire_run(&http_chain);
    struct h2_app_stream *s = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    app.socket->down.stalled = false;
    h2_app_run(&app);
    ck_assert(app.goaway && app.goaway_code == HTTP2_NO_ERROR);
    ck_assert(s->status == 200 && s->ended);
    ck_assert(app.socket->got_end);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

START_TEST(a_client_that_does_not_answer_is_told_the_last_stream_after_a_second)
{
    http_chain.on_backend = http_chain_silent;
    wire_end(&app.socket->up);
    struct wire_socket *s = ask_by_hand(1);
    client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "G 2147483647 0\n"));
    wire_advance(&http_chain, 900);
    say_by_hand(s, "H3e :method=GET|:scheme=http|:authority=x|:path=/second\n");
    ck_assert_ptr_null(strstr(heard_by_hand(s), "G 3 0\n"));
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "G 3 0\n"));
    for (size_t i = 0; i < 2; i++) {
        ck_assert(!s->got_end);
        wire_answer(wire_backend_socket(&http_chain, i), "HTTP/1.1 204 No Content\r\n\r\n");
        wire_run(&http_chain);
    }
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "H1e :status=204"));
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "H3e :status=204"));
    ck_assert(s->got_end);
}
END_TEST

/* It may read its answer meanwhile: curl 7.88 loses one that a reset follows. */
START_TEST(a_request_answered_before_its_end_is_reset_after_a_second)
{
    wire_end(&app.socket->up);
    struct wire_socket *s = ask_by_hand(1);
    say_by_hand(s, "H3 :method=POST|:scheme=http|:authority=x|:path=/|expect=magic\nD3 abc\n");
    const char *heard = heard_by_hand(s);
    ck_assert_ptr_nonnull(strstr(heard, "H3 :status=417"));
    ck_assert_ptr_null(strstr(heard, "R3 "));
    wire_advance(&http_chain, 900);
    ck_assert_ptr_null(strstr(heard_by_hand(s), "R3 "));
    wire_advance(&http_chain, 200);
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "R3 0\n"));
    ck_assert(!s->got_end);
}
END_TEST

START_TEST(an_idle_client_that_gives_way_is_told_its_last_stream)
{
    wire_end(&app.socket->up);
    struct wire_socket *s = ask_by_hand(1);
    client_give_way(wire_client(&http_chain.injector), http_chain.now);
    wire_run(&http_chain);
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "G 1 0\n"));
    ck_assert_ptr_null(strstr(heard_by_hand(s), "G 2147483647"));
}
END_TEST

START_TEST(a_client_that_never_acknowledges_settings_is_ended) /* C7, RFC 9113 section 6.5.3 */
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *s = wire_connect(&http_chain);
    wire_speaker_free(s->speaker);
    s->speaker = s->up.speaker = NULL;
    say_by_hand(s, "PRI\nS\nH1e :method=GET|:scheme=http|:authority=x|:path=/\n");
    wire_advance(&http_chain, 9000);
    ck_assert_ptr_null(strstr(heard_by_hand(s), "\nG "));
    wire_advance(&http_chain, 2000);
    ck_assert_ptr_nonnull(strstr(heard_by_hand(s), "G 1 4 the peer did not acknowledge SETTINGS in time\n"));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_HANDSHAKE_TIMEOUT);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

START_TEST(an_idle_client_is_closed_and_one_with_a_broken_frame_is_told)
{
    h2_app_run(&app);
    wire_advance(&http_chain, 61000);
    h2_app_run(&app);
    ck_assert(app.goaway && app.goaway_code == HTTP2_NO_ERROR);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
    h2_app_close(&app);
    h2_app_open(&app, &http_chain);
    h2_app_run(&app);
    wire_say_span(app.socket, span_of("\0\0\1\x9\0\0\0\0\1x", 10)); /* CONTINUATION of nothing */
    h2_app_run(&app);
    ck_assert(app.goaway && app.goaway_code == HTTP2_PROTOCOL_ERROR);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_REQUEST_MALFORMED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_http2");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, a_request_is_passed_on_and_answered, 0, 3);
    tcase_add_test(t, many_requests_run_at_once_on_upstream_connections_of_their_own);
    tcase_add_test(t, a_body_that_comes_before_the_upstream_is_there_waits_for_it);
    tcase_add_test(t, a_body_of_unknown_length_goes_in_chunks_with_its_end);
    tcase_add_test(t, what_is_refused_is_told_on_its_stream_and_the_others_go_on);
    tcase_add_test(t, a_grpc_call_is_refused_in_its_own_words);
    tcase_add_test(t, an_answer_that_breaks_off_resets_its_stream_alone);
    tcase_add_test(t, a_request_that_is_cancelled_ends_its_upstream_connection_and_nothing_else);
    tcase_add_test(t, a_stream_without_a_window_stops_its_upstream_and_no_other);
    tcase_add_test(t, a_whole_answer_that_gets_no_window_is_not_kept_for_ever);
    tcase_add_loop_test(t, a_slow_client_of_many_large_answers_has_not_stalled, 0, 2);
    tcase_add_test(t, a_head_that_never_ends_ends_the_connection);
    tcase_add_loop_test(t, behind_a_flood_only_what_may_be_on_its_way_is_read, 0, 2);
    tcase_add_test(t, a_client_that_floods_on_behind_its_refusal_is_not_read_to_the_end);
    tcase_add_test(t, of_a_flood_few_requests_go_upstream);
    tcase_add_test(t, a_neighbour_is_served_while_the_requests_of_one_client_wait);
    tcase_add_test(t, all_requests_that_the_protocol_allows_begin);
    tcase_add_test(t, a_request_that_waited_to_begin_may_be_cancelled);
    tcase_add_test(t, a_client_that_is_served_begins_as_many_as_it_may);
    tcase_add_test(t, an_answer_to_half_a_request_lets_no_other_begin);
    tcase_add_test(t, many_streams_without_a_window_hold_little_memory);
    tcase_add_loop_test(t, an_answer_whose_head_the_client_does_not_take_is_refused_on_its_stream, 0, 2);
    tcase_add_test(t, a_client_that_ends_its_direction_leaves_half_a_request_and_gets_other_answers);
    tcase_add_test(t, draining_finishes_what_runs_and_takes_no_more);
    tcase_add_loop_test(t, a_request_that_crosses_a_goaway_is_served, 0, 2);
    tcase_add_test(t, a_client_that_does_not_answer_is_told_the_last_stream_after_a_second);
    tcase_add_test(t, a_request_answered_before_its_end_is_reset_after_a_second);
    tcase_add_test(t, an_idle_client_that_gives_way_is_told_its_last_stream);
    tcase_add_test(t, a_client_that_never_acknowledges_settings_is_ended);
    tcase_add_test(t, an_idle_client_is_closed_and_one_with_a_broken_frame_is_told);
    suite_add_tcase(s, t);
    return s;
}
