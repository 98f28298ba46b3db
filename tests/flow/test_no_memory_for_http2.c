/* SPDX-License-Identifier: Apache-2.0 */
/* Two HTTP/2 sessions talk to one another while the n-th allocation fails, of ours or of the compressor, for every n: what is read is right, or nothing is. */
#include "failing.h"
#include "http2_pair.h"
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

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_http2");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_loop_test(c, a_message_is_whole_or_an_error, 0, N_ORDERS * 2);
    suite_add_tcase(s, c);
    return s;
}
