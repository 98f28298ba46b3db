/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/block_cache.h"
#include "t.h"

#include <string.h>

static struct block_cache c;

static void *take(size_t size)
{
    void *block = block_cache_take(&c, size);
    ck_assert_ptr_nonnull(block);
    memset(block, 0xa5, size);
    return block;
}

START_TEST(gives_the_block_again_that_came_back_last)
{
    block_cache_init(&c, BLOCK_CACHE_BYTES, 2);
    void *a = take(10), *b = take(BLOCK_CACHE_BYTES);
    block_cache_give(&c, a, 10);
    block_cache_give(&c, b, BLOCK_CACHE_BYTES);
    ck_assert_ptr_eq(take(BLOCK_CACHE_BYTES), b);
    ck_assert_ptr_eq(take(BLOCK_CACHE_BYTES), a); /* a short one is as long as the others */
    ck_assert_uint_eq(c.n, 0);
    block_cache_give(&c, a, 1);
    block_cache_give(&c, b, 1);
    block_cache_clear(&c);
    ck_assert(c.first == NULL && c.n == 0);
}
END_TEST

START_TEST(keeps_no_more_than_it_may_and_no_long_ones)
{
    block_cache_init(&c, BLOCK_CACHE_BYTES, 1);
    void *a = take(10), *b = take(10), *longer = take(BLOCK_CACHE_BYTES + 1);
    block_cache_give(&c, NULL, 10);
    block_cache_give(&c, longer, BLOCK_CACHE_BYTES + 1);
    ck_assert_uint_eq(c.n, 0);
    block_cache_give(&c, a, 10);
    block_cache_give(&c, b, 10);
    ck_assert_uint_eq(c.n, 1);
    block_cache_give(&c, take(BLOCK_CACHE_BYTES + 1), BLOCK_CACHE_BYTES + 1); /* it is not what is kept */
    ck_assert_uint_eq(c.n, 1);
    block_cache_clear(&c);
}
END_TEST

START_TEST(bytes_that_outgrow_a_block_leave_it)
{
    struct bytes b;
    char long_text[BLOCK_CACHE_BYTES + 1] = {0};
    block_cache_init(&c, BLOCK_CACHE_BYTES, 2);
    bytes_init(&b, 4096);
    ck_assert_int_eq(block_cache_lend(&c, &b), 0);
    ck_assert_int_eq(bytes_append_str(&b, "short"), 0);
    const void *block = b.data;
    block_cache_take_back(&c, &b);
    ck_assert(b.data == NULL && b.len == 0 && b.max == 4096 && c.n == 1);
    ck_assert_int_eq(block_cache_lend(&c, &b), 0);
    ck_assert(b.data == block && c.n == 0);
    ck_assert_int_eq(bytes_append(&b, long_text, sizeof(long_text)), 0);
    ck_assert(b.data != block && b.len == sizeof(long_text));
    block_cache_take_back(&c, &b);
    ck_assert(b.data == NULL && c.n == 0);
    block_cache_clear(&c);
}
END_TEST

START_TEST(without_a_beginning_it_keeps_nothing)
{
    c = (struct block_cache){0};
    block_cache_give(&c, take(10), 10);
    ck_assert(c.first == NULL && c.n == 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("block_cache");
    TCase *t = tcase_create("block_cache");
    tcase_add_test(t, gives_the_block_again_that_came_back_last);
    tcase_add_test(t, keeps_no_more_than_it_may_and_no_long_ones);
    tcase_add_test(t, bytes_that_outgrow_a_block_leave_it);
    tcase_add_test(t, without_a_beginning_it_keeps_nothing);
    suite_add_tcase(s, t);
    return s;
}
