/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "exchange_internal.h"

#include <string.h>

static struct proxy_env env;
static struct client client = {.env = &env};
static struct exchange *x;

static void begin(const char *method, const char *uri)
{
    static const struct moment now = {.us = 1000};
    x = exchange_new(&client, span_from_str(method), span_from_str(uri), span_from_str("host"), now);
    ck_assert_ptr_nonnull(x);
}

static void end(void)
{
    client.exchanges.first = NULL;
    exchange_free(x);
}

START_TEST(a_request_keeps_what_the_report_will_say)
{
    begin("GET", "/a?b");
    ck_assert_uint_eq(x->len.method, 3);
    ck_assert_uint_eq(x->len.uri, 4);
    ck_assert_int_eq(memcmp(x->line, "GET/a?b", 7), 0);
    ck_assert(span_equals_str(exchange_line_host(x), "host"));
    ck_assert_ptr_eq(client.exchanges.first, x);
}
END_TEST

START_TEST(a_long_one_is_cut)
{
    static char many[100000];
    memset(many, 'a', sizeof(many) - 1);
    begin(many, many);
    ck_assert_uint_eq(x->len.method, 64);
    ck_assert_uint_eq(x->len.uri, 1024);
    ck_assert(span_equals_str(exchange_line_host(x), "host"));
}
END_TEST

START_TEST(one_that_could_not_be_read_has_neither)
{
    begin("", "");
    ck_assert_uint_eq(x->len.method + x->len.uri, 0);
}
END_TEST

START_TEST(it_begins_without_any_answer_or_way)
{
    begin("GET", "/");
    ck_assert_int_eq(x->phase, EXCHANGE_WAITING);
    ck_assert(!x->answer.answered && !x->asked.whole && x->way.target == NULL && x->use.uplink == NULL);
    ck_assert(!exchange_request_can_replay(x));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange");
    TCase *t = tcase_create("unit");
    tcase_add_checked_fixture(t, NULL, end);
    tcase_add_test(t, a_request_keeps_what_the_report_will_say);
    tcase_add_test(t, a_long_one_is_cut);
    tcase_add_test(t, one_that_could_not_be_read_has_neither);
    tcase_add_test(t, it_begins_without_any_answer_or_way);
    suite_add_tcase(s, t);
    return s;
}
