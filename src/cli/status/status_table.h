/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page for people: lines, and tables whose columns are as wide as they need to be. Whatever comes from a
 * document is made harmless for a terminal. The first failure sticks.
 */
#ifndef MTLSD_CLI_STATUS_TABLE_H
#define MTLSD_CLI_STATUS_TABLE_H

#include "mtlsd/base/bytes.h"
#include <stdbool.h>

enum { STATUS_TABLE_CELL = 512, STATUS_TABLE_DIGITS = 48 };

struct status_table {
    struct bytes *out;               /* borrowed */
    struct status_table_cell *cells; /* owned: the caller frees it in the end */
    size_t columns, n;
    unsigned right; /* bits: columns of numbers */
    bool failed;    /* out of memory */
};

void status_table_say(struct status_table *s, const char *text); /* as it is */
void status_table_say_plain(struct status_table *s, const char *text);
void status_table_say_line(struct status_table *s, const char *label, const char *text);

/* One table: titles, then cells row by row, of which at most the first MAX_COLUMNS (10) titles make a row.
 * Without a row nothing is written. */
void status_table_begin(struct status_table *s, const char *const *titles, size_t n, unsigned right);
void status_table_text(struct status_table *s,
                       const char *text); /* cut with "..." beyond STATUS_TABLE_CELL */
void status_table_number(struct status_table *s, long long n);
void status_table_end(struct status_table *s);

/* 1234567 as 1,234,567 */
const char *status_table_digits(long long n, char text[STATUS_TABLE_DIGITS]);

#endif
