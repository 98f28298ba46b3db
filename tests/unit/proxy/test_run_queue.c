/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/link.h"
#include "t.h"

static struct run_queue run;
static struct link links[3];

static void set_up(void)
{
    run = (struct run_queue){0};
    for (size_t i = 0; i < 3; i++)
        link_init(&links[i], LINK_CLIENT, &run);
}

static void tear_down(void)
{
    for (size_t i = 0; i < 3; i++)
        link_clear(&links[i]);
    ck_assert(run.first == NULL && run.turn == NULL);
}

START_TEST(each_comes_once_in_the_order_of_the_first_touch)
{
    run_touch(&links[1]);
    run_touch(&links[0]);
    run_touch(&links[1]);
    ck_assert_ptr_eq(run_next(&run), &links[1]);
    ck_assert_ptr_eq(run_next(&run), &links[0]);
    ck_assert_ptr_null(run_next(&run));
}
END_TEST

START_TEST(one_that_is_touched_again_comes_again_and_ends_its_turn_once)
{
    run_touch(&links[0]);
    ck_assert_ptr_eq(run_next(&run), &links[0]);
    run_touch(&links[0]);
    ck_assert_ptr_eq(run_next(&run), &links[0]);
    ck_assert_ptr_eq(run_end_turn(&run), &links[0]);
    ck_assert_ptr_null(run_end_turn(&run));
}
END_TEST

START_TEST(what_gives_a_link_work_touches_it)
{
    link_write_copy(&links[0], span_from_str("a"));
    link_write_borrow(&links[1], span_from_str("b"));
    link_end(&links[2]);
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_eq(run_next(&run), &links[i]);
}
END_TEST

START_TEST(one_that_goes_is_in_no_list)
{
    for (size_t gone = 0; gone < 3; gone++) {
        set_up();
        for (size_t i = 0; i < 3; i++)
            run_touch(&links[i]);
        run_next(&run);
        run_touch(&links[0]); /* in the turn, and last in the queue */
        link_clear(&links[gone]);
        size_t n = 0;
        for (struct link *l; (l = run_next(&run)) != NULL; n++)
            ck_assert_ptr_ne(l, &links[gone]);
        ck_assert_uint_eq(n, 2);
        for (struct link *l; (l = run_end_turn(&run)) != NULL;)
            ck_assert_ptr_ne(l, &links[gone]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("run_queue");
    TCase *t = tcase_create("run_queue");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_comes_once_in_the_order_of_the_first_touch);
    tcase_add_test(t, one_that_is_touched_again_comes_again_and_ends_its_turn_once);
    tcase_add_test(t, what_gives_a_link_work_touches_it);
    tcase_add_test(t, one_that_goes_is_in_no_list);
    suite_add_tcase(s, t);
    return s;
}
