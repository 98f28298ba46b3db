/* SPDX-License-Identifier: Apache-2.0 */
#include "name_table.h"
#include "t.h"

#include <stdio.h>

static struct name_cache *c;

static void set_up(void)
{
    c = name_cache_new();
    ck_assert_ptr_nonnull(c);
}

static void tear_down(void)
{
    name_cache_free(c);
}

START_TEST(a_name_is_found_whatever_its_case)
{
    struct name_entry *e = name_table_add(c, "Api.Example");
    ck_assert_ptr_nonnull(e);
    ck_assert_ptr_eq(name_table_find(c, "api.EXAMPLE"), e);
    ck_assert_ptr_null(name_table_find(c, "api.example."));
    name_table_drop(c, e);
    ck_assert_ptr_null(name_table_find(c, "api.example"));
}
END_TEST

START_TEST(the_one_not_used_for_longest_makes_place)
{
    char name[32];
    for (int i = 0; i < NAME_ENTRIES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        ck_assert_ptr_nonnull(name_table_add(c, name));
    }
    name_table_touch(c, name_table_find(c, "n0.example"));
    name_table_find(c, "n1.example")->n_told = 1; /* somebody waits for it */
    ck_assert_ptr_nonnull(name_table_add(c, "one.more.example"));
    ck_assert_uint_eq(c->n_entries, NAME_ENTRIES_MAX);
    ck_assert(name_table_find(c, "n0.example") != NULL && name_table_find(c, "n1.example") != NULL);
    ck_assert_ptr_null(name_table_find(c, "n2.example"));
    name_table_find(c, "n1.example")->n_told = 0;
}
END_TEST

START_TEST(without_one_that_may_go_there_is_no_place)
{
    char name[32];
    for (int i = 0; i < NAME_ENTRIES_MAX; i++) {
        snprintf(name, sizeof(name), "n%d.example", i);
        name_table_add(c, name)->state = NAME_QUEUED;
    }
    ck_assert_ptr_null(name_table_add(c, "one.more.example"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("name_table");
    TCase *t = tcase_create("name_table");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_name_is_found_whatever_its_case);
    tcase_add_test(t, the_one_not_used_for_longest_makes_place);
    tcase_add_test(t, without_one_that_may_go_there_is_no_place);
    suite_add_tcase(s, t);
    return s;
}
