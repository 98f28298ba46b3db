/* SPDX-License-Identifier: Apache-2.0 */
/* What a client's connection tells its driver between requests and within them. */
#include "http_chain.h"
#include "t.h"

#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

START_TEST(a_client_is_idle_between_requests_and_fresh_before_the_first)
{
    bool fresh;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_run(&http_chain);
    struct client *c = wire_client(&http_chain.injector);
    ck_assert(client_is_idle(c));
    ck_assert_uint_eq(client_idle_since_us(c, &fresh), http_chain.now.us);
    ck_assert(fresh);
    wire_advance(&http_chain, 10);
    http_chain_ask(app, GET);
    ck_assert(client_is_idle(c));
    ck_assert_uint_eq(client_idle_since_us(c, &fresh), http_chain.now.us);
    ck_assert(!fresh);
}
END_TEST

START_TEST(a_client_with_a_part_of_a_head_waits_for_nothing_to_be_closed)
{
    bool fresh;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, "GET / HT");
    wire_run(&http_chain);
    struct client *c = wire_client(&http_chain.injector);
    ck_assert(client_is_idle(c)); /* it may move to another snapshot */
    ck_assert_uint_eq(client_idle_since_us(c, &fresh), UINT64_MAX);
    ck_assert(fresh && client_wants_read(c));
}
END_TEST

START_TEST(while_a_request_runs_its_upstream_connection_is_named)
{
    http_chain.on_backend = NULL;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, GET);
    wire_run(&http_chain);
    struct client *c = wire_client(&http_chain.injector);
    struct uplink *u = client_next_uplink(c, NULL);
    ck_assert_ptr_nonnull(u);
    ck_assert_ptr_null(client_next_uplink(c, u));
    ck_assert(!client_is_idle(c));
    wire_say(app, GET); /* waits for the answer to the first */
    wire_run(&http_chain);
    ck_assert(client_holds_next(c) && !client_wants_read(c));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_test(t, a_client_is_idle_between_requests_and_fresh_before_the_first);
    tcase_add_test(t, a_client_with_a_part_of_a_head_waits_for_nothing_to_be_closed);
    tcase_add_test(t, while_a_request_runs_its_upstream_connection_is_named);
    suite_add_tcase(s, t);
    return s;
}
