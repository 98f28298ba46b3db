/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "exchange_internal.h"

#include <string.h>

static struct exchange x;

static void begin(void)
{
    memset(&x, 0, sizeof(x));
    exchange_request_forget(&x);
}

static void end(void)
{
    exchange_request_forget(&x);
}

START_TEST(between_requests_there_is_one_that_is_all_zero)
{
    ck_assert_ptr_nonnull(x.rq);
    ck_assert(!x.rq->begun && !x.rq->whole && x.rq->status == 0);
    struct request *shared = x.rq;
    ck_assert(exchange_request_begin(&x, span_from_str("GET"), span_from_str("/a")));
    ck_assert_ptr_ne(x.rq, shared);
    exchange_request_forget(&x);
    ck_assert_ptr_eq(x.rq, shared);
}
END_TEST

START_TEST(a_request_keeps_what_the_report_will_say)
{
    ck_assert(exchange_request_begin(&x, span_from_str("GET"), span_from_str("/a?b")));
    ck_assert_uint_eq(x.rq->method_len, 3);
    ck_assert_uint_eq(x.rq->uri_len, 4);
    ck_assert_int_eq(memcmp(x.rq->line, "GET/a?b", 7), 0);
    x.rq->status = 7;
    ck_assert(exchange_request_begin(&x, span_from_str("PUT"), span_from_str("/"))); /* it has begun already */
    ck_assert_uint_eq(x.rq->status, 7);
    ck_assert_int_eq(memcmp(x.rq->line, "GET/a?b", 7), 0);
}
END_TEST

START_TEST(a_long_one_is_cut)
{
    static char many[100000];
    memset(many, 'a', sizeof(many));
    ck_assert(exchange_request_begin(&x, span_of(many, sizeof(many)), span_of(many, sizeof(many))));
    ck_assert_uint_eq(x.rq->method_len, 64);
    ck_assert_uint_eq(x.rq->uri_len, 1024);
}
END_TEST

START_TEST(one_that_could_not_be_read_has_neither)
{
    ck_assert(exchange_request_begin(&x, span_of(NULL, 0), span_of(NULL, 0)));
    ck_assert_uint_eq(x.rq->method_len + x.rq->uri_len, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_request");
    TCase *t = tcase_create("unit");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, between_requests_there_is_one_that_is_all_zero);
    tcase_add_test(t, a_request_keeps_what_the_report_will_say);
    tcase_add_test(t, a_long_one_is_cut);
    tcase_add_test(t, one_that_could_not_be_read_has_neither);
    suite_add_tcase(s, t);
    return s;
}
