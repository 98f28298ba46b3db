/* SPDX-License-Identifier: Apache-2.0 */
/* The budgets of http2_limits.h, counted. Time is an argument. */
#ifndef MTLSD_HTTP_HTTP2_BUDGET_H
#define MTLSD_HTTP_HTTP2_BUDGET_H

#include "http2_limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http2_budgets {
    uint64_t filled_us; /* up to when they were filled up */
    uint16_t left[HTTP2_N_BUDGETS];
};

void http2_budget_init(struct http2_budgets *b);
void http2_budget_fill(struct http2_budgets *b, uint64_t now_us);
bool http2_budget_spend(struct http2_budgets *b, enum http2_budget row, unsigned n); /* false: less is left */
void http2_budget_earn(struct http2_budgets *b, enum http2_budget row);
const char *http2_budget_detail(enum http2_budget row);

#endif
