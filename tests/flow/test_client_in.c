/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from a client while its request runs: more than can be passed on, an end, a reset. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

START_TEST(a_client_that_goes_takes_its_request_along)
{
    http_chain.on_backend = NULL;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    app->up.reset = true;
    wire_run(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_CLOSED);
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

START_TEST(what_is_said_ahead_is_served_in_its_order)
{
    static const size_t cuts[] = {1, 7, WIRE_ALL};
    http_chain.step = cuts[_i];
    struct wire_socket *app = wire_connect(&http_chain);
    for (int i = 0; i < 3; i++)
        wire_say(app, GET);
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert_uint_eq(http_chain.n_requests, 3);
    const char *at = wire_got(app);
    for (int i = 0; i < 3; i++, at++)
        ck_assert_ptr_nonnull(at = strstr(at, "200 OK"));
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_in");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_test(t, a_client_that_goes_takes_its_request_along);
    tcase_add_loop_test(t, what_is_said_ahead_is_served_in_its_order, 0, 3);
    suite_add_tcase(s, t);
    return s;
}
