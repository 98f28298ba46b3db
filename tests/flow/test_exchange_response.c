/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as upstreams give them, early, doubled, bodiless or broken: what the client makes of them, and which connections live on. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const size_t steps[] = {1, 5, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char HEAD[] = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char GET_10[] = "GET / HTTP/1.0\r\nHost: x\r\n\r\n";
static const char GET_10_KEEP[] = "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n";

/* ---- bodies that are none (C4) ---- */

static const struct {
    const char *why, *request, *reply, *at_app;
    bool pooled;
} bodiless[] = {
    {"HEAD", HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", true},
    {"HEAD in chunks", HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", true},
    {"HEAD with a body all the same", HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false},
    {"204", GET, "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", true},
    {"204 with a body", GET, "HTTP/1.1 204 No Content\r\n\r\nhello", "HTTP/1.1 204 No Content\r\n\r\n", false},
    {"304", GET, "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 304 Not Modified\r\n\r\n", true},
    {"304 with a whole second answer", GET, "HTTP/1.1 304 Not Modified\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "HTTP/1.1 304 Not Modified\r\n\r\n", false},
};
enum { N_BODILESS = sizeof(bodiless) / sizeof(bodiless[0]) };

START_TEST(what_has_no_body_is_passed_on_without) /* C4 */
{
    size_t row = (size_t)_i / N_STEPS;
    if (wire_pair()->backend && !bodiless[row].pooled)
        return; /* bytes behind the end of a message are of HTTP/1.1 */
    http_chain.step = steps[_i % N_STEPS];
    http_chain.reply = bodiless[row].reply;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, bodiless[row].request);
    ck_assert_msg(strcmp(wire_got(app), bodiless[row].at_app) == 0, "%s: %s", bodiless[row].why, wire_got(app));
    ck_assert_msg((pool_idle_count(http_chain.verifier.env.pool) == 1) == bodiless[row].pooled, "%s", bodiless[row].why);
    http_chain.reply = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"; /* and the next one gets its own answer */
    http_chain_ask(app, GET);
    ck_assert_str_eq(wire_got(app), http_chain.reply);
}
END_TEST

/* ---- interim answers ---- */

static unsigned interim_count;

static void answer_after_interims(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests > 0 || strstr(wire_got(s), "\r\n\r\n") == NULL)
        return;
    s->requests = 1;
    for (unsigned i = 0; i < interim_count; i++)
        wire_answer(s, "HTTP/1.1 103 Early Hints\r\n\r\n");
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
}

/* Each proxy has its own count. */
START_TEST(a_hundred_interim_answers_are_enough)
{
    struct wire_setup plain = {.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true};
    wire_close(&http_chain);
    wire_open(&http_chain, &plain);
    interim_count = _i == 0 ? 100 : 101;
    http_chain.on_backend = answer_after_interims;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert((strstr(wire_got(app), "200 OK") != NULL) == (_i == 0));
    ck_assert((strstr(wire_got(app), "502 ") != NULL) == (_i == 1));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, _i == 0 ? REASON_VALID : REASON_UPSTREAM_PROTOCOL);
}
END_TEST

START_TEST(http_1_0_sees_no_interim_answer)
{
    interim_count = 3;
    http_chain.on_backend = answer_after_interims;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET_10);
    ck_assert_ptr_null(strstr(wire_got(app), "103"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

/* ---- whose end is waited for ---- */

static const struct {
    const char *why, *request;
    bool at_once;
} ends[] = {
    {"it asks no more", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true},
    {"HTTP/1.0 asks once", GET_10, true},
    {"a method that often has a body, without one", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", true},
    {"some end a body with a line end too many", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", false},
    {"the same in chunks", "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
    {"it goes on all the same", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", false},
    {"it wants to go on", GET, false},
};
enum { N_ENDS = sizeof(ends) / sizeof(ends[0]) };

/* An end that is not waited for, while bytes are on their way, would make the client's system drop the answer (RFC 9112 section 9.6). */
START_TEST(only_who_says_no_more_is_ended_at_once)
{
    size_t row = (size_t)_i / N_STEPS;
    http_chain.step = steps[_i % N_STEPS];
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, ends[row].request);
    ck_assert_msg(strstr(wire_got(app), "hello") != NULL, "%s", ends[row].why);
    ck_assert_msg((wire_client(&http_chain.injector) == NULL) == ends[row].at_once, "%s", ends[row].why);
    ck_assert_msg(app->got_end == (strcmp(ends[row].request, GET) != 0), "%s", ends[row].why);
    ck_assert_msg(!app->got_reset, "%s", ends[row].why);
}
END_TEST

/* ---- Expect ---- */

static void refuse_at_the_head(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests == 0 && strstr(wire_got(s), "\r\n\r\n") != NULL) {
        s->requests = 1;
        wire_answer(s, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    }
}

START_TEST(a_final_answer_instead_of_100_ends_the_connection) /* C4 */
{
    http_chain.step = steps[_i];
    http_chain.on_backend = refuse_at_the_head;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nExpect: 100-continue\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "401 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close\r\n"));
    /* a client that takes the answer for the end of the matter, and one that sends its body */
    wire_say(app, "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n....");
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_uint_eq(wire_backend_contacts(&http_chain), 1);
    ck_assert(!wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "smuggled"));
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool) + pool_idle_count(http_chain.verifier.env.pool), 0);
}
END_TEST

/* ---- versions ---- */

static const struct {
    const char *why, *request, *reply, *says, *lacks;
    bool goes_on, closes;
} versions[] = {
    {"HTTP/1.0 that wants to stay", GET_10_KEEP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "Connection: keep-alive\r\n", "close", true, false},
    {"but not without a length", GET_10_KEEP, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "Connection: close\r\n", "chunked", false, false},
    {"HTTP/1.0 that does not say", GET_10, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "\r\n\r\nok", "keep-alive", false, false},
    {"an upstream of HTTP/1.0 with a length", GET, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 200 OK\r\n", "close", true, false},
    {"an upstream of HTTP/1.0 until close", GET, "HTTP/1.0 200 OK\r\n\r\nok", "Transfer-Encoding: chunked\r\n", "close", true, true},
};
enum { N_VERSIONS = sizeof(versions) / sizeof(versions[0]) };

START_TEST(each_side_is_spoken_to_in_its_own_version)
{
    size_t row = (size_t)_i / N_STEPS;
    http_chain.step = steps[_i % N_STEPS];
    http_chain.reply = versions[row].reply;
    http_chain.reply_closes = versions[row].closes;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, versions[row].request);
    ck_assert_msg(strstr(wire_got(app), versions[row].says) != NULL, "%s: %s", versions[row].why, wire_got(app));
    ck_assert_msg(strstr(wire_got(app), versions[row].lacks) == NULL, "%s: %s", versions[row].why, wire_got(app));
    ck_assert_msg(app->got_end == !versions[row].goes_on, "%s", versions[row].why);
    ck_assert(!app->got_reset);
}
END_TEST

/* ---- trailers ---- */

#define TRAILERS "2\r\nok\r\n0\r\nX-Checksum: 1\r\nX-SSL-Client-CN: x\r\nSet-Cookie: a=b\r\n\r\n"
#define CHUNKED_REPLY "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Checksum\r\n"

START_TEST(trailers_pass_to_who_wants_them_but_for_those_that_frame_or_claim) /* C1, C11 */
{
    static const struct {
        const char *why, *request, *reply;
        bool pass;
    } rows[] = {
        {"not asked for", GET, CHUNKED_REPLY "\r\n" TRAILERS, false},
        {"asked for", "GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\n\r\n", CHUNKED_REPLY "\r\n" TRAILERS, true},
        {"gRPC", GET, CHUNKED_REPLY "Content-Type: application/grpc\r\n\r\n" TRAILERS, true},
        {"Connection took it off the head", "GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n\r\n", CHUNKED_REPLY "Connection: X-Checksum\r\n\r\n" TRAILERS, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (wire_pair()->backend && strstr(rows[i].reply, "Connection:") != NULL)
            continue; /* HTTP/2 has no such field */
        http_chain.step = steps[_i];
        http_chain.reply = rows[i].reply;
        struct wire_socket *app = wire_connect(&http_chain);
        for (size_t times = 1; times <= 2; times++) { /* the connection goes on afterwards */
            http_chain_ask(app, rows[i].request);
            const char *end = strstr(wire_got(app), rows[i].pass ? "k\r\n0\r\nX-Checksum: 1\r\n\r\n" : "k\r\n0\r\n\r\n");
            ck_assert_msg(end != NULL, "%s: %s", rows[i].why, wire_got(app));
            ck_assert_msg((strstr(wire_got(app), "Trailer:") != NULL) == rows[i].pass, "%s: %s", rows[i].why, wire_got(app));
            ck_assert_msg(strstr(wire_got(app), "X-SSL-Client-CN") == NULL && strstr(wire_got(app), "Set-Cookie") == NULL, "%s: %s", rows[i].why, wire_got(app));
        }
    }
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

/* ---- how long a server keeps a connection ---- */

START_TEST(a_connection_is_not_used_in_the_last_second_its_server_keeps_it)
{
    static const struct {
        const char *why, *said, *said_last; /* by the two answers before the pause; NULL: nothing */
        uint64_t pause_ms;
        bool used;
    } rows[] = {
        {"nothing was said", NULL, NULL, 50000, true},
        {"in time", "timeout=5", "timeout=5", 3900, true},
        {"the last second", "timeout=5", "timeout=5", 4000, false},
        {"one second is the last", "timeout=5", "timeout=1", 0, false},
        {"no second", "timeout=5", "timeout=0", 0, false},
        {"no further request", "timeout=5", "timeout=5, max=0", 0, false},
        {"one further request", "timeout=5", "timeout=5, max=1", 0, true},
        {"the last answer counts", "timeout=5", "timeout=50", 40000, true},
        {"the last answer counts, when it is shorter", "timeout=50", "timeout=5", 10000, false},
        {"silence changes nothing", "timeout=5", NULL, 10000, false},
        {"nonsense changes nothing", "timeout=5", "timeout=soon", 10000, false},
        {"longer than the pool keeps any", "timeout=5", "timeout=99999999999999999999", 61000, false},
    };
    char first[200], last[200];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        http_chain_close();
        http_chain_open();
        snprintf(first, sizeof(first), "HTTP/1.1 200 OK\r\n%s%s\r\nContent-Length: 2\r\n\r\nok", rows[i].said != NULL ? "Keep-Alive: " : "X: y", rows[i].said != NULL ? rows[i].said : "");
        snprintf(last, sizeof(last), "HTTP/1.1 200 OK\r\n%s%s\r\nContent-Length: 2\r\n\r\nok", rows[i].said_last != NULL ? "Keep-Alive: " : "X: y", rows[i].said_last != NULL ? rows[i].said_last : "");
        struct wire_socket *app = wire_connect(&http_chain);
        http_chain.reply = first;
        http_chain_ask(app, GET);
        http_chain.reply = last;
        http_chain_ask(app, GET);
        ck_assert_msg(strstr(wire_got(app), "Keep-Alive") == NULL, "%s: passed on", rows[i].why); /* it is about one hop */
        wire_advance(&http_chain, rows[i].pause_ms);
        app = wire_connect(&http_chain);
        http_chain_ask(app, GET);
        ck_assert_ptr_nonnull(strstr(wire_got(app), "ok"));
        ck_assert_msg(http_chain.verifier.connects == (rows[i].used ? 1 : 2), "%s: %u connections", rows[i].why, http_chain.verifier.connects);
    }
}
END_TEST

/* Apache tells for how long it keeps a connection only when it is asked to. */
START_TEST(a_server_is_asked_to_keep_what_may_be_kept)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert(wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "\r\nConnection: keep-alive\r\n"));
    http_chain_close();
    http_chain_open();
    http_chain.verifier.up_conf.pool_max = 0;
    app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert(!wire_ever_said(&wire_backend_socket(&http_chain, 0)->up, "Connection:"));
}
END_TEST

/* ---- Date ---- */

START_TEST(an_answer_without_date_gets_the_moment_it_came) /* RFC 9110 section 6.6.1 */
{
    static const struct {
        const char *why, *reply, *dates;
    } rows[] = {
        {"none", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\n"},
        {"the backend's own", "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n", "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
        {"in small letters", "HTTP/1.1 404 Not Found\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n", "\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_socket *app = wire_connect(&http_chain);
        app->keeps_date = true;
        http_chain.reply = rows[i].reply;
        http_chain_ask(app, GET);
        const char *first = strcasestr(wire_got(app), rows[i].dates);
        ck_assert_msg(first != NULL, "%s: %s", rows[i].why, wire_got(app));
        ck_assert_msg(strcasestr(first + strlen(rows[i].dates), "\ndate:") == NULL, "%s: two", rows[i].why);
    }
    wire_advance(&http_chain, 2000); /* and a later one says later */
    struct wire_socket *app = wire_connect(&http_chain);
    app->keeps_date = true;
    http_chain.reply = rows[0].reply;
    http_chain_ask(app, GET);
    ck_assert_msg(strstr(wire_got(app), "\r\nDate: Fri, 15 Jan 2027 08:00:02 GMT\r\n") != NULL, "%s", wire_got(app));
}
END_TEST

/* ---- HTTP/2 ---- */

static void settings(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ == 0)
        wire_answer_span(s, span_of("\0\0\6\4\0\0\0\0\0\0\3\0\0\0\144", 15));
}

START_TEST(an_upstream_that_answers_in_http_2_is_told_as_one)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = settings;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    const struct wire_seen *seen = wire_last(&http_chain.verifier);
    ck_assert_int_eq(seen->reason, REASON_UPSTREAM_PROTOCOL);
    ck_assert_msg(strstr(seen->detail, "the upstream speaks HTTP/2") != NULL, "%s", seen->detail);
    ck_assert_ptr_nonnull(strstr(seen->hint, "HTTP/1.1"));
}
END_TEST

/* ---- broken ---- */

static const struct {
    const char *why, *reply;
} broken[] = {
    {"garbage", "\x16\x03\x01 no HTTP at all\r\n\r\n"},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk"},
    {"a length beside chunks", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {"a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"},
    {"a 101 that nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"},
};
enum { N_BROKEN = sizeof(broken) / sizeof(broken[0]) };

START_TEST(a_broken_answer_is_told_as_one)
{
    size_t row = (size_t)_i / N_STEPS;
    http_chain.step = steps[_i % N_STEPS];
    http_chain.reply = broken[row].reply;
    http_chain.verifier.up_conf.retry_after_ms = 10000;
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, GET);
    ck_assert_msg(strstr(wire_got(app), "502 ") != NULL, "%s: %s", broken[row].why, wire_got(app));
    ck_assert_int_eq(wire_last(&http_chain.verifier)->reason, REASON_UPSTREAM_PROTOCOL);
    ck_assert_uint_eq(target_state_held_until(http_chain.verifier.target_state, 0), 0); /* the request may have brought it about */
    ck_assert_uint_eq(pool_idle_count(http_chain.verifier.env.pool), 0);
    ck_assert_uint_eq(http_chain.n_requests, 1);
}
END_TEST

/* C4: whatever it answers, it is not this request. Driven by hand, because only the driver knows what left before something came. */
START_TEST(an_answer_before_the_request_left_is_nobodys)
{
    static const struct {
        const char *request, *early;
        size_t n;
        const char *detail;
    } rows[] = {
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 40, "before the request was sent"},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", 40, "before the request was sent"},
        {GET, "\0\0\0\4\0\0\0\0\0", 9, "speaks HTTP/2"},
    };
    static const struct wire_setup plain = {.protocol = CONFIG_PROTOCOL_HTTP, .no_injector = true};
    struct wire w;
    wire_open(&w, &plain);
    w.verifier.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, rows[_i].request);
    wire_run(&w);
    struct uplink *u = client_next_uplink(wire_client(&w.verifier), NULL);
    ck_assert_ptr_nonnull(u);
    uplink_on_connected(u, w.now); /* its socket takes nothing yet */
    uplink_on_wire(u, span_of(rows[_i].early, rows[_i].n), w.now);
    ck_assert_int_eq(u->phase, UPLINK_RETIRED);
    wire_run(&w);
    ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 502", 12) == 0, "%s", wire_got(app));
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_UPSTREAM_PROTOCOL);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.verifier)->detail, rows[_i].detail));
    wire_close(&w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_response");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, what_has_no_body_is_passed_on_without, 0, N_BODILESS * N_STEPS);
    tcase_add_loop_test(t, a_hundred_interim_answers_are_enough, 0, 2);
    tcase_add_test(t, http_1_0_sees_no_interim_answer);
    tcase_add_loop_test(t, only_who_says_no_more_is_ended_at_once, 0, N_ENDS * N_STEPS);
    tcase_add_loop_test(t, a_final_answer_instead_of_100_ends_the_connection, 0, N_STEPS);
    tcase_add_loop_test(t, each_side_is_spoken_to_in_its_own_version, 0, N_VERSIONS * N_STEPS);
    tcase_add_loop_test(t, trailers_pass_to_who_wants_them_but_for_those_that_frame_or_claim, 0, N_STEPS);
    tcase_add_test(t, a_connection_is_not_used_in_the_last_second_its_server_keeps_it);
    tcase_add_test(t, a_server_is_asked_to_keep_what_may_be_kept);
    tcase_add_test(t, an_answer_without_date_gets_the_moment_it_came);
    tcase_add_loop_test(t, an_answer_before_the_request_left_is_nobodys, 0, 3);
    tcase_add_loop_test(t, an_upstream_that_answers_in_http_2_is_told_as_one, 0, N_STEPS);
    tcase_add_loop_test(t, a_broken_answer_is_told_as_one, 0, N_BROKEN * N_STEPS);
    suite_add_tcase(s, t);
    return s;
}
