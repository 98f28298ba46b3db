/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/proxy/turn.h"

#include <string.h>

enum { READ = 128 * 1024, CROWD = 300 };

static struct turn turn;

static void make(void)
{
    turn_init(&turn);
}

/* One socket with so much to read reads all that it may; gives how much. */
static size_t read_all(struct turn_seat *s, size_t has)
{
    size_t total = 0, may;
    while (!s->waiting && (may = turn_allows(&turn, s, READ)) > 0) {
        size_t n = has - total < may ? has - total : may;
        turn_took(&turn, s, n, may);
        total += n;
        if (n < may)
            return total;
    }
    if (!s->waiting)
        turn_wait(&turn, s);
    return total;
}

/* The next turn: whoever is named reads what there is for ever. Gives how much was read. */
static size_t next_turn(unsigned *named)
{
    size_t total = 0;
    struct turn_seat *granted[CROWD], *s;
    unsigned n = 0;
    turn_begin(&turn);
    while ((s = turn_next(&turn)) != NULL)
        granted[n++] = s;
    for (unsigned i = 0; i < n; i++)
        total += read_all(granted[i], SIZE_MAX);
    if (named != NULL)
        *named = n;
    return total;
}

START_TEST(reads_all_there_is_when_alone)
{
    struct turn_seat s = {0};
    ck_assert_uint_eq(turn_allows(&turn, &s, READ), READ);
    turn_took(&turn, &s, 100, READ);
    ck_assert(!turn_is_crowded(&turn));
    ck_assert_uint_eq(read_all(&s, SIZE_MAX), TURN_BYTES - 100);
    ck_assert(turn_is_crowded(&turn));
    ck_assert_uint_ge(next_turn(NULL), TURN_BYTES);
}
END_TEST

START_TEST(a_turn_is_bounded_however_many_have_much)
{
    static struct turn_seat crowd[CROWD];
    memset(crowd, 0, sizeof(crowd));
    size_t first = 0;
    for (unsigned i = 0; i < CROWD; i++)
        first += read_all(&crowd[i], SIZE_MAX);
    ck_assert_uint_le(first, TURN_BYTES + CROWD * TURN_LITTLE);
    for (unsigned i = 0; i < 100; i++) {
        unsigned named;
        ck_assert_uint_le(next_turn(&named), TURN_BYTES + TURN_PIECE + named * TURN_LITTLE);
        ck_assert_uint_ge(named, 1);
        ck_assert_uint_le(named, TURN_BYTES / TURN_FRESH);
        ck_assert(turn_is_crowded(&turn));
    }
}
END_TEST

START_TEST(everybody_has_the_same_after_some_rounds)
{
    static struct turn_seat crowd[CROWD];
    static size_t had[CROWD];
    memset(crowd, 0, sizeof(crowd));
    memset(had, 0, sizeof(had));
    for (unsigned i = 0; i < CROWD; i++)
        read_all(&crowd[i], SIZE_MAX);
    for (unsigned round = 0; round < 4000; round++) {
        struct turn_seat *s;
        turn_begin(&turn);
        struct turn_seat *granted[CROWD];
        unsigned n = 0;
        while ((s = turn_next(&turn)) != NULL)
            granted[n++] = s;
        while (n-- > 0)
            had[granted[n] - crowd] += read_all(granted[n], SIZE_MAX);
    }
    size_t least = SIZE_MAX, most = 0;
    for (unsigned i = 0; i < CROWD; i++) {
        least = had[i] < least ? had[i] : least;
        most = had[i] > most ? had[i] : most;
    }
    ck_assert_uint_gt(least, 0);
    ck_assert_uint_le(most - least, 5 * TURN_PIECE); /* of some 13 each; the first few read on while most had yet to read a little */
}
END_TEST

START_TEST(a_little_is_read_in_any_turn)
{
    struct turn_seat bulk = {0}, small = {0}, another = {0};
    read_all(&bulk, SIZE_MAX);
    ck_assert_uint_eq(turn_allows(&turn, &small, READ), TURN_LITTLE);
    turn_took(&turn, &small, 500, TURN_LITTLE);
    ck_assert_uint_eq(turn_allows(&turn, &small, READ), TURN_LITTLE);
    turn_took(&turn, &small, TURN_LITTLE, TURN_LITTLE);
    ck_assert_uint_eq(turn_allows(&turn, &small, READ), 0);
    ck_assert_uint_eq(turn_allows(&turn, &another, 100), 100);
}
END_TEST

START_TEST(who_read_little_waits_before_the_others)
{
    struct turn_seat bulk[40], medium = {0}, *s;
    memset(bulk, 0, sizeof(bulk));
    for (unsigned i = 0; i < 40; i++)
        read_all(&bulk[i], SIZE_MAX);
    for (unsigned i = 0; i < 100; i++) /* by now all of them had more than a response of medium size */
        next_turn(NULL);
    ck_assert_uint_eq(read_all(&medium, SIZE_MAX), TURN_LITTLE);
    turn_begin(&turn);
    turn.places = 0; /* the next three are theirs who wait before the others */
    s = turn_next(&turn);
    ck_assert_ptr_eq(s, &medium);
    ck_assert_uint_eq(read_all(s, 3 * TURN_LITTLE), 3 * TURN_LITTLE);
    ck_assert(!medium.waiting);
    ck_assert_uint_eq(medium.burst, 0);
}
END_TEST

START_TEST(a_crowd_of_small_ones_does_not_stop_a_download)
{
    struct turn_seat bulk = {0};
    static struct turn_seat crowd[CROWD];
    memset(crowd, 0, sizeof(crowd));
    read_all(&bulk, SIZE_MAX);
    ck_assert(!bulk.fresh);
    for (unsigned i = 0; i < CROWD; i++) {
        turn_took(&turn, &crowd[i], 1, 1);
        turn_wait(&turn, &crowd[i]);
    }
    unsigned before = 0;
    turn_begin(&turn);
    for (struct turn_seat *s; (s = turn_next(&turn)) != NULL && s != &bulk; before++)
        ;
    ck_assert_uint_eq(before, 3);
    ck_assert(!bulk.waiting);
    ck_assert_ptr_null(turn_next(&turn));
}
END_TEST

START_TEST(who_leaves_is_not_named)
{
    struct turn_seat s[4], *named;
    memset(s, 0, sizeof(s));
    for (unsigned i = 0; i < 4; i++) {
        turn_wait(&turn, &s[i]);
        turn_wait(&turn, &s[i]); /* once is enough */
    }
    turn_leave(&turn, &s[0]);
    turn_leave(&turn, &s[2]);
    turn_leave(&turn, &s[2]);
    turn_begin(&turn);
    ck_assert_ptr_eq(named = turn_next(&turn), &s[1]);
    ck_assert_ptr_eq(named = turn_next(&turn), &s[3]);
    ck_assert_ptr_null(turn_next(&turn));
    ck_assert(!turn_is_crowded(&turn));
}
END_TEST

START_TEST(what_was_granted_ends_with_the_turn)
{
    struct turn_seat s = {0};
    turn_wait(&turn, &s);
    turn_begin(&turn);
    ck_assert_ptr_eq(turn_next(&turn), &s);
    turn_begin(&turn);
    turn.left = 0;
    ck_assert_uint_eq(turn_allows(&turn, &s, READ), TURN_LITTLE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("turn");
    TCase *c = tcase_create("turn");
    tcase_add_checked_fixture(c, make, NULL);
    tcase_add_test(c, reads_all_there_is_when_alone);
    tcase_add_test(c, a_turn_is_bounded_however_many_have_much);
    tcase_add_test(c, everybody_has_the_same_after_some_rounds);
    tcase_add_test(c, a_little_is_read_in_any_turn);
    tcase_add_test(c, who_read_little_waits_before_the_others);
    tcase_add_test(c, a_crowd_of_small_ones_does_not_stop_a_download);
    tcase_add_test(c, who_leaves_is_not_named);
    tcase_add_test(c, what_was_granted_ends_with_the_turn);
    suite_add_tcase(s, c);
    return s;
}
