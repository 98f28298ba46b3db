/* SPDX-License-Identifier: Apache-2.0 */
/* Two HTTP/2 sessions talk to one another, or a health check calls a gRPC server, while the n-th allocation fails, of ours or of the compressor, for every n: what
 * is read is right, or nothing is. */
#include "failing.h"
#include "http2_frames.h"
#include "http2_pair.h"
#include "lone.h"
#include "mtlsd/proxy/health_check.h"
#include "t.h"

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

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_http2");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_loop_test(c, a_message_is_whole_or_an_error, 0, N_ORDERS * 2);
    tcase_add_loop_test(c, a_call_fails_or_finds_what_is_true, 0, 4);
    suite_add_tcase(s, c);
    return s;
}
