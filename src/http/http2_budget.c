/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_budget.h"

enum { SECOND = 1000000 };

struct row {
    uint16_t first, burst, each_second, each_earned;
    const char *detail;
};

#define ROW(name, first, burst, each_second, each_earned, detail) {first, burst, each_second, each_earned, detail},
static const struct row rows[] = {HTTP2_BUDGETS(ROW)};
#undef ROW

static void add(struct http2_budgets *b, size_t row, uint64_t n)
{
    uint64_t left = b->left[row] + n;
    b->left[row] = left < rows[row].burst ? (uint16_t)left : rows[row].burst;
}

void http2_budget_init(struct http2_budgets *b)
{
    for (size_t i = 0; i < HTTP2_N_BUDGETS; i++)
        b->left[i] = rows[i].first;
    b->filled_us = 0;
}

void http2_budget_fill(struct http2_budgets *b, uint64_t now_us)
{
    if (b->filled_us == 0)
        b->filled_us = now_us; /* the connection is new */
    if (now_us < b->filled_us + SECOND)
        return;
    uint64_t seconds = (now_us - b->filled_us) / SECOND;
    b->filled_us += seconds * SECOND;
    if (seconds > UINT16_MAX) /* all are full by then */
        seconds = UINT16_MAX;
    for (size_t i = 0; i < HTTP2_N_BUDGETS; i++)
        add(b, i, seconds * rows[i].each_second);
}

bool http2_budget_spend(struct http2_budgets *b, enum http2_budget row, unsigned n)
{
    if (b->left[row] < n)
        return false;
    b->left[row] = (uint16_t)(b->left[row] - n);
    return true;
}

void http2_budget_earn(struct http2_budgets *b, enum http2_budget row)
{
    add(b, row, rows[row].each_earned);
}

const char *http2_budget_detail(enum http2_budget row)
{
    return rows[row].detail;
}
