/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_budget.h"
#include "t.h"

static unsigned spend_all(struct http2_budgets *b, enum http2_budget row)
{
    unsigned n = 0;
    while (http2_budget_spend(b, row, 1))
        n++;
    return n;
}

START_TEST(each_budget_ends_fills_up_with_time_and_with_work)
{
#define ROW(name, first, burst, each_second, each_earned, detail) {first, burst, each_second, each_earned},
    static const unsigned rows[][4] = {HTTP2_BUDGETS(ROW)};
#undef ROW
    enum http2_budget row = (enum http2_budget)_i;
    struct http2_budgets b;
    http2_budget_init(&b);
    http2_budget_fill(&b, 5000000);
    ck_assert_uint_eq(spend_all(&b, row), rows[_i][0]);
    http2_budget_earn(&b, row);
    ck_assert_uint_eq(spend_all(&b, row), rows[_i][3]);
    http2_budget_fill(&b, 5999999);
    ck_assert_uint_eq(spend_all(&b, row), 0);
    http2_budget_fill(&b, 6000000);
    ck_assert_uint_eq(spend_all(&b, row), rows[_i][2]);
    http2_budget_fill(&b, 8500000);
    ck_assert_uint_eq(spend_all(&b, row), rows[_i][2] * 2);
    http2_budget_fill(&b, UINT64_MAX / 2);
    ck_assert(!http2_budget_spend(&b, row, rows[_i][1] + 1)); /* and takes nothing */
    ck_assert_uint_eq(spend_all(&b, row), rows[_i][1]);
    ck_assert_str_ne(http2_budget_detail(row), "");
}
END_TEST

START_TEST(a_budget_never_holds_more_than_its_burst)
{
    struct http2_budgets b;
    http2_budget_init(&b);
    for (int i = 0; i < 100000; i++)
        http2_budget_earn(&b, HTTP2_BUDGET_WINDOWS);
    ck_assert_uint_eq(spend_all(&b, HTTP2_BUDGET_WINDOWS), 1024);
    ck_assert_uint_eq(spend_all(&b, HTTP2_BUDGET_PINGS), 512); /* the others are as they were */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_budget");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, each_budget_ends_fills_up_with_time_and_with_work, 0, HTTP2_N_BUDGETS);
    tcase_add_test(c, a_budget_never_holds_more_than_its_burst);
    suite_add_tcase(s, c);
    return s;
}
