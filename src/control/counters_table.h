/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows found by name in constant time: one thread makes and changes them, others may read meanwhile. Rows never move and
 * are never removed. A row begins with its name, a char array of a size that the table knows.
 */
#ifndef MTLSD_CONTROL_COUNTERS_TABLE_H
#define MTLSD_CONTROL_COUNTERS_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct counters_table;

/* Past max rows, or without memory, every new name shares row 0, which is called "other". NULL: out of memory. */
struct counters_table *counters_table_new(size_t row_size, size_t name_size, size_t max);
void counters_table_free(struct counters_table *t);

/* The row of "first", or of "first/second" where second is not NULL; made when it is not there. Only for the owner. */
void *counters_table_get(struct counters_table *t, const char *first, const char *second);
/* NULL: there is none. Only while no thread makes rows. */
void *counters_table_find(const struct counters_table *t, const char *first, const char *second);

/* For any thread: rows 0 to n - 1, in the order they were made. Row 0 is there from the start. */
size_t counters_table_count(const struct counters_table *t);
void *counters_table_at(const struct counters_table *t, size_t i);

#endif
