/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/gather.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { PARTS = 60, MAX = 4096 };

/* Too long to be copied behind a short head. */
#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define BODY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY ";"


static struct gather g;

static void begin(void)
{
    gather_init(&g, MAX);
}

static void end(void)
{
    gather_clear(&g);
}

static struct span text(const char *s)
{
    return span_from_str(s);
}

/* All that waits, in order, from as many runs as it takes. */
static const char *content(void)
{
    static char out[2 * MAX];
    struct span runs[PARTS];
    size_t n = gather_runs(&g, runs, PARTS), at = 0;
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_gt(runs[i].len, 0);
        memcpy(out + at, runs[i].ptr, runs[i].len);
        at += runs[i].len;
    }
    out[at] = '\0';
    ck_assert_uint_eq(at, g.total);
    return out;
}

static void copy(const char *s)
{
    ck_assert_int_eq(gather_copy(&g, text(s)), 0);
}

static void borrow(const char *s)
{
    ck_assert_int_eq(gather_borrow(&g, text(s)), 0);
}

START_TEST(owns_nothing_while_empty)
{
    struct span run;
    copy("");
    borrow("");
    ck_assert_ptr_null(g.own.data);
    ck_assert_ptr_null(g.parts);
    ck_assert_uint_eq(gather_runs(&g, &run, 1), 0);
    copy("a");
    borrow("b");
    gather_consume(&g, 2);
    ck_assert_ptr_null(g.own.data);
    ck_assert_ptr_null(g.parts);
}
END_TEST

START_TEST(one_borrowed_span_needs_no_memory)
{
    borrow(BODY);
    ck_assert_ptr_eq(g.parts, &g.one);
    gather_consume(&g, 3);
    ck_assert_str_eq(content(), &BODY[3]);
    borrow("tail;");
    copy("end");
    ck_assert_ptr_ne(g.parts, &g.one);
    char all[sizeof(BODY) + 8];
    snprintf(all, sizeof(all), "%stail;end", &BODY[3]);
    ck_assert_str_eq(content(), all);
    end();
    borrow(BODY);
    ck_assert_int_eq(gather_settle(&g), 0);
    ck_assert_str_eq(content(), BODY);
}
END_TEST

START_TEST(keeps_the_order_of_owned_and_borrowed_parts)
{
    copy("head;");
    borrow(BODY);
    copy("line;");
    copy("more;");
    borrow("last");
    ck_assert_str_eq(content(), "head;" BODY "line;more;last");
    ck_assert_uint_eq(g.n_parts, 4);
}
END_TEST

START_TEST(borrows_without_a_copy)
{
    static const char body[] = BODY;
    struct span runs[PARTS];
    copy("head");
    ck_assert_int_eq(gather_borrow(&g, text(body)), 0);
    ck_assert_uint_eq(gather_runs(&g, runs, PARTS), 2);
    ck_assert_ptr_eq(runs[1].ptr, body);
}
END_TEST

START_TEST(copies_what_is_short_behind_what_is_owned)
{
    char body[] = "body", long_body[] = BODY;
    struct span runs[PARTS];
    borrow(body); /* nothing is owned yet: no memory for it */
    ck_assert_ptr_null(g.own.data);
    gather_consume(&g, 4);
    copy("head;");
    borrow(body);
    memset(body, 'x', sizeof(body) - 1);
    ck_assert_uint_eq(gather_runs(&g, runs, PARTS), 1);
    borrow(long_body);
    copy(";tail");
    ck_assert_uint_eq(gather_runs(&g, runs, PARTS), 3);
    ck_assert_ptr_eq(runs[1].ptr, long_body);
    ck_assert_str_eq(content(), "head;body" BODY ";tail");
}
END_TEST

START_TEST(takes_memory_where_nothing_waits_and_copies_where_something_does)
{
    struct bytes given;
    bytes_init(&given, MAX);
    ck_assert_int_eq(bytes_append_str(&given, "first;"), 0);
    const uint8_t *at = bytes_span(&given).ptr;
    struct span run;
    ck_assert_int_eq(gather_take(&g, &given, NULL), 0);
    ck_assert_uint_eq(gather_runs(&g, &run, 1), 1);
    ck_assert_ptr_eq(run.ptr, at);
    ck_assert_ptr_null(given.data);
    borrow(BODY);
    ck_assert_int_eq(bytes_append_str(&given, "second;"), 0);
    ck_assert_int_eq(gather_take(&g, &given, NULL), 0);
    ck_assert_ptr_null(given.data);
    ck_assert_str_eq(content(), "first;" BODY "second;");
    gather_clear(&g);
    ck_assert_int_eq(gather_take(&g, &given, NULL), 0); /* nothing is given */
    ck_assert_uint_eq(g.total, 0);
    copy("a");
    ck_assert_str_eq(content(), "a");
}
END_TEST

START_TEST(frees_what_it_cannot_take)
{
    struct bytes given;
    bytes_init(&given, MAX);
    ck_assert_ptr_nonnull(bytes_reserve(&given, MAX));
    memset(given.data, 'x', MAX);
    bytes_commit(&given, MAX);
    copy("head");
    ck_assert_int_eq(gather_take(&g, &given, NULL), -1);
    ck_assert_ptr_null(given.data);
    ck_assert_str_eq(content(), "head");
}
END_TEST

START_TEST(consumes_across_parts_at_any_length)
{
    static const char all[] = "head;" BODY "line;more;last";
    for (size_t first = 0; first <= strlen(all); first++) {
        gather_clear(&g);
        copy("head;");
        borrow(BODY);
        copy("line;more;");
        borrow("last");
        gather_consume(&g, first);
        ck_assert_str_eq(content(), all + first);
        copy("+");
        char want[sizeof(all) + 1];
        snprintf(want, sizeof(want), "%s+", all + first);
        ck_assert_str_eq(content(), want);
    }
}
END_TEST

START_TEST(settles_into_memory_of_its_own)
{
    char body[] = BODY;
    copy("head;");
    borrow(body);
    copy("line;");
    gather_consume(&g, 2);
    ck_assert_int_eq(gather_settle(&g), 0);
    memset(body, 'x', sizeof(body) - 1); /* the lender takes its memory back */
    ck_assert_str_eq(content(), "ad;" BODY "line;");
    ck_assert_ptr_null(g.parts);
    borrow("again");
    copy("!");
    ck_assert_str_eq(content(), "ad;" BODY "line;again!");
}
END_TEST

START_TEST(takes_more_parts_than_it_has_room_for)
{
    char want[1024] = "", letter[2] = "a";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (size_t i = 0; i < 200; i++) {
        letter[0] = letters[i % 26];
        ck_assert_int_eq(gather_borrow(&g, span_of(&letters[i % 26], 1)), 0);
        copy("-");
        want[2 * i] = letter[0];
        want[2 * i + 1] = '-';
    }
    want[400] = '\0';
    ck_assert_uint_le(g.n_parts, PARTS);
    ck_assert_str_eq(content(), want);
    ck_assert_uint_eq(g.total, 400);
}
END_TEST

START_TEST(gives_no_more_runs_than_asked_for)
{
    struct span runs[PARTS];
    copy("a");
    ck_assert_uint_eq(gather_runs(&g, runs, 0), 0);
    borrow(BODY);
    copy("c");
    ck_assert_uint_eq(gather_runs(&g, runs, 0), 0);
    ck_assert_uint_eq(gather_runs(&g, runs, 2), 2);
    ck_assert(span_equals_str(runs[1], BODY));
}
END_TEST

START_TEST(refuses_to_own_more_than_its_maximum)
{
    static char big[MAX];
    memset(big, 'x', sizeof(big));
    ck_assert_int_eq(gather_copy(&g, span_of(big, MAX)), 0);
    ck_assert_int_eq(gather_copy(&g, span_of(big, 1)), -1);
    ck_assert_uint_eq(g.total, MAX);
}
END_TEST

START_TEST(says_so_when_what_was_borrowed_does_not_fit)
{
    static char big[MAX];
    memset(big, 'x', sizeof(big));
    copy("head");
    ck_assert_int_eq(gather_borrow(&g, span_of(big, MAX)), 0);
    ck_assert_int_eq(gather_settle(&g), -1);
    ck_assert_uint_eq(g.total, MAX + 4); /* and nothing was lost yet */
}
END_TEST

START_TEST(gives_back_what_was_lent_once_it_is_gone)
{
    struct block_cache c;
    struct bytes lent;
    block_cache_init(&c, BLOCK_CACHE_BYTES, 8);
    bytes_init(&lent, 4096);
    ck_assert_int_eq(block_cache_lend(&c, &lent), 0);
    ck_assert_int_eq(bytes_append_str(&lent, "head"), 0);
    ck_assert_int_eq(gather_take(&g, &lent, &c), 0);
    gather_consume_lent(&g, 3, &c);
    ck_assert_uint_eq(c.n, 0);
    ck_assert_int_eq(block_cache_lend(&c, &lent), 0);
    ck_assert_int_eq(bytes_append_str(&lent, "more"), 0);
    ck_assert_int_eq(gather_take(&g, &lent, &c), 0); /* a copy, as something waits */
    ck_assert_ptr_null(lent.data);
    ck_assert_uint_eq(c.n, 1);
    ck_assert_uint_eq(g.total, 5);
    gather_consume_lent(&g, 5, &c);
    ck_assert_uint_eq(c.n, 2);
    ck_assert(g.total == 0 && g.own.data == NULL);
    borrow("borrowed"); /* is not ours to give */
    gather_consume_lent(&g, 8, &c);
    copy("short"); /* of the allocator */
    gather_consume_lent(&g, 5, &c);
    ck_assert_uint_eq(c.n, 2);
    block_cache_clear(&c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("gather");
    TCase *t = tcase_create("gather");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, owns_nothing_while_empty);
    tcase_add_test(t, one_borrowed_span_needs_no_memory);
    tcase_add_test(t, keeps_the_order_of_owned_and_borrowed_parts);
    tcase_add_test(t, borrows_without_a_copy);
    tcase_add_test(t, copies_what_is_short_behind_what_is_owned);
    tcase_add_test(t, takes_memory_where_nothing_waits_and_copies_where_something_does);
    tcase_add_test(t, frees_what_it_cannot_take);
    tcase_add_test(t, consumes_across_parts_at_any_length);
    tcase_add_test(t, settles_into_memory_of_its_own);
    tcase_add_test(t, takes_more_parts_than_it_has_room_for);
    tcase_add_test(t, gives_no_more_runs_than_asked_for);
    tcase_add_test(t, refuses_to_own_more_than_its_maximum);
    tcase_add_test(t, says_so_when_what_was_borrowed_does_not_fit);
    tcase_add_test(t, gives_back_what_was_lent_once_it_is_gone);
    suite_add_tcase(s, t);
    return s;
}
