/* SPDX-License-Identifier: Apache-2.0 */
#include "counters_table.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

struct row {
    char name[16];
    unsigned n;
};

enum { MANY = 20000 };

static struct counters_table *make(size_t max)
{
    struct counters_table *t = counters_table_new(sizeof(struct row), sizeof(((struct row *)0)->name), max);
    ck_assert_ptr_nonnull(t);
    return t;
}

START_TEST(finds_each_of_many_rows_where_it_was)
{
    static struct row *rows[MANY];
    struct counters_table *t = make(MANY);
    char name[16];
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "up-%u", i);
        ck_assert_ptr_null(counters_table_find(t, name, NULL));
        rows[i] = counters_table_get(t, name, NULL);
        rows[i]->n = i;
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "up-%u", i);
        ck_assert_ptr_eq(counters_table_get(t, name, NULL), rows[i]);
        ck_assert_ptr_eq(counters_table_find(t, name, NULL), rows[i]);
        ck_assert_ptr_eq(counters_table_at(t, i + 1), rows[i]);
        ck_assert_uint_eq(rows[i]->n, i);
        ck_assert_str_eq(rows[i]->name, name);
    }
    ck_assert_uint_eq(counters_table_count(t), MANY + 1);
    counters_table_free(t);
}
END_TEST

START_TEST(joins_two_names_with_a_slash)
{
    struct counters_table *t = make(9);
    struct row *row = counters_table_get(t, "a", "b");
    ck_assert_str_eq(row->name, "a/b");
    ck_assert_ptr_eq(counters_table_get(t, "a/b", NULL), row);
    ck_assert_ptr_ne(counters_table_get(t, "a", NULL), row);
    ck_assert_ptr_ne(counters_table_get(t, "ab", NULL), row);
    counters_table_free(t);
}
END_TEST

START_TEST(cuts_a_long_name_and_stays_inside_the_row)
{
    struct counters_table *t = make(9);
    struct row *row = counters_table_get(t, "0123456789abcdefghij", "k");
    ck_assert_str_eq(row->name, "0123456789abcde");
    ck_assert_uint_eq(row->n, 0);
    ck_assert_ptr_eq(counters_table_get(t, "0123456789abcdefghij", "z"), row);
    ck_assert_ptr_eq(counters_table_get(t, "0123456789abcde", NULL), row);
    counters_table_free(t);
}
END_TEST

START_TEST(gives_what_is_too_much_one_row)
{
    struct counters_table *t = make(2);
    struct row *one = counters_table_get(t, "one", NULL), *two = counters_table_get(t, "two", NULL);
    struct row *other = counters_table_get(t, "three", NULL);
    ck_assert_str_eq(other->name, "other");
    ck_assert_ptr_eq(counters_table_get(t, "four", NULL), other);
    ck_assert_ptr_eq(counters_table_at(t, 0), other);
    ck_assert_ptr_eq(counters_table_get(t, "one", NULL), one);
    ck_assert_ptr_eq(counters_table_get(t, "two", NULL), two);
    ck_assert_uint_eq(counters_table_count(t), 3);
    counters_table_free(t);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("counters_table");
    TCase *t = tcase_create("counters_table");
    tcase_add_test(t, finds_each_of_many_rows_where_it_was);
    tcase_add_test(t, joins_two_names_with_a_slash);
    tcase_add_test(t, cuts_a_long_name_and_stays_inside_the_row);
    tcase_add_test(t, gives_what_is_too_much_one_row);
    suite_add_tcase(s, t);
    return s;
}
