/* SPDX-License-Identifier: Apache-2.0 */
/* Two HTTP/2 sessions talk to one another, or a health check calls a gRPC server, while the n-th allocation fails, of ours or of the compressor, for every n: what
 * is read is right, or nothing is. */
#include "failing.h"
#include "h2_app.h"
#include "http2_frames.h"
#include "http2_pair.h"
#include "lone.h"
#include "mtlsd/proxy/health_check.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const struct http2_pair_order orders[] = {
    {.requests = 1, .body = 0, .step = 1 << 20, .mark = 65536},
    {.requests = 3, .body = 40, .step = 1, .mark = 65536},
    {.requests = 3, .body = 150000, .step = 5000, .mark = 20000},
    {.requests = 2, .body = 300, .step = 100, .mark = 65536, .shut = true},
};
enum { N_ORDERS = sizeof(orders) / sizeof(orders[0]) };

START_TEST(a_message_is_whole_or_an_error)
{
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        failing_arm(n, _i % 2 == 1);
        bool whole = http2_pair_run(&orders[_i / 2]);
        any = failing_disarm();
        ck_assert_msg(whole || any, "nothing failed, and yet");
    }
    ck_assert_uint_gt(n, 20);
}
END_TEST

static struct lone l;

static bool proxy_works(void)
{
    return !l.sends;
}

/* Whether the target was found good by this answer; it is decided at the deadline at the latest. */
static bool call_is_good(const struct plan_target *target, struct span answer, unsigned n, bool all, bool *any)
{
    static const struct health_check_owner nobody;
    struct health_check_result result = {0};
    lone_open(&l, target, (struct moment){.us = 1000000});
    failing_here = proxy_works;
    failing_arm(n, all);
    struct health_check *c = health_check_new(&l.env, target, &nobody, l.now);
    lone_turn(&l);
    lone_connected(&l);
    lone_give(&l, answer);
    *any = failing_disarm();
    failing_here = NULL;
    if (c != NULL && !health_check_is_done(c, &result))
        health_check_on_deadline(c);
    ck_assert(c == NULL || health_check_is_done(c, &result));
    bool good = result.good;
    health_check_free(c);
    lone_close(&l);
    return good;
}

START_TEST(a_call_fails_or_finds_what_is_true)
{
    static const char *const answers[] = {"S\nH1 :status=200|content-type=application/grpc\nD1 %00%00%00%00%02%08%02\nH1e grpc-status=0\n",
                                          "S\nH1 :status=200|content-type=application/grpc\nD1 %00%00%00%00%02%08%01\nH1e grpc-status=0\n"};
    struct config_upstream conf = {.health_interval_ms = 2000, .connect_ms = 5000, .handshake_ms = 10000, .health_grpc = (char *)(uintptr_t)"a.B"};
    struct config_target target_conf = {.address = {.kind = ADDRESS_TCP, .host = "a", .port = 1}};
    struct plan_upstream upstream = {.conf = &conf};
    struct plan_target target = {.conf = &target_conf, .upstream = &upstream, .http = PLAN_HTTP2};
    struct bytes answer;
    bytes_init(&answer, 65536);
    http2_frames(&answer, answers[_i % 2]);
    bool any = true;
    unsigned n = 0;
    for (; any; n++) {
        bool good = call_is_good(&target, bytes_span(&answer), n, _i / 2 == 1, &any);
        ck_assert_msg(!good || _i % 2 == 1, "good by another answer");
        ck_assert_msg(any || good == (_i % 2 == 1), "nothing failed, and yet");
    }
    ck_assert_uint_gt(n, 10);
    bytes_clear(&answer);
}
END_TEST

static struct wire w;

static bool wire_works(void)
{
    return wire_proxy_works;
}

static void answer_with_many_fields(struct wire_socket *s)
{
    static char text[8192];
    int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < 60; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "Field-%d: of some length, so that the head needs memory\r\n", i);
    snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
    wire_answer(s, text);
}

START_TEST(a_head_that_finds_no_memory_ends_its_stream_alone)
{
    unsigned alone = 0;
    bool any = true;
    for (unsigned n = 0; any; n++) {
        struct h2_app app;
        wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true});
        h2_app_open(&app, &w);
        struct h2_app_stream *first = h2_app_ask(&app, "GET", "/first", NULL, NULL);
        h2_app_run(&app);
        struct h2_app_stream *second = h2_app_ask(&app, "GET", "/second", NULL, NULL);
        h2_app_run(&app);
        failing_here = wire_works;
        failing_arm(n, false);
        answer_with_many_fields(wire_backend_socket(&w, 0));
        h2_app_run(&app);
        any = failing_disarm();
        failing_here = NULL;
        wire_answer(wire_backend_socket(&w, 1), "HTTP/1.1 204 No Content\r\n\r\n");
        h2_app_run(&app);
        ck_assert(first->status != 200 || first->ended || first->reset || app.socket->got_reset || app.socket->got_end);
        alone += first->reset && second->status == 204;
        h2_app_close(&app);
        wire_close(&w);
    }
    ck_assert_uint_gt(alone, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_http2");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_loop_test(c, a_message_is_whole_or_an_error, 0, N_ORDERS * 2);
    tcase_add_loop_test(c, a_call_fails_or_finds_what_is_true, 0, 4);
    tcase_add_test(c, a_head_that_finds_no_memory_ends_its_stream_alone);
    suite_add_tcase(s, c);
    return s;
}
