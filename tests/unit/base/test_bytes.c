/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/bytes.h"
#include "t.h"

#include <string.h>

START_TEST(bytes_leave_in_the_order_they_came)
{
    struct bytes b;
    bytes_init(&b, 1 << 20);
    uint8_t in = 0, out = 0;
    for (size_t turn = 0; turn < 2000; turn++) {
        uint8_t chunk[300];
        size_t n = turn * 7 % sizeof(chunk);
        for (size_t i = 0; i < n; i++)
            chunk[i] = in++;
        ck_assert_int_eq(bytes_append(&b, chunk, n), 0);
        size_t take = b.len < n / 2 + 40 ? b.len : n / 2 + 40;
        struct span s = bytes_span(&b);
        for (size_t i = 0; i < take; i++)
            ck_assert_uint_eq(s.ptr[i], out++);
        bytes_consume(&b, take);
    }
    ck_assert_uint_eq((uint8_t)(in - out), (uint8_t)b.len);
    bytes_clear(&b);
}
END_TEST

START_TEST(refuses_to_grow_past_its_maximum_from_then_on)
{
    struct bytes b;
    bytes_init(&b, 10);
    ck_assert_int_eq(bytes_append_str(&b, "1234567"), 0);
    ck_assert_int_eq(bytes_append_str(&b, "89ab"), -1);
    ck_assert(b.failed);
    ck_assert(span_equals_str(bytes_span(&b), "1234567"));
    ck_assert_int_eq(bytes_append_str(&b, "8"), -1);
    ck_assert_int_eq(bytes_append_str(&b, ""), -1);
    ck_assert_int_eq(bytes_printf(&b, "%d", 8), -1);
    ck_assert_int_eq(bytes_printf(&b, "%300d", 8), -1);
    ck_assert(span_equals_str(bytes_span(&b), "1234567"));
    bytes_clear(&b);
    ck_assert_int_eq(bytes_append_str(&b, "1234567890"), 0);
    ck_assert_ptr_null(bytes_reserve(&b, 1));
    ck_assert_ptr_null(bytes_reserve(&b, SIZE_MAX));
    bytes_consume(&b, 4);
    ck_assert_int_eq(bytes_append_str(&b, "abcd"), 0);
    ck_assert(span_equals_str(bytes_span(&b), "567890abcd"));
    ck_assert_int_eq(bytes_printf(&b, "%300d", 8), -1);
    ck_assert(b.failed);
    bytes_clear(&b);
}
END_TEST

START_TEST(an_empty_queue_owns_no_memory)
{
    struct bytes b;
    bytes_init(&b, 100);
    ck_assert_ptr_null(b.data);
    ck_assert_int_eq(bytes_append(&b, NULL, 0), 0);
    ck_assert_int_eq(bytes_append_span(&b, span_of(NULL, 0)), 0);
    ck_assert_ptr_null(b.data);
    ck_assert_int_eq(bytes_append_str(&b, "x"), 0);
    bytes_consume(&b, 1);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.max, 100);
}
END_TEST

START_TEST(prints_short_and_long_text_and_refuses_too_much)
{
    static char big[1001];
    memset(big, 'a', 1000);
    struct bytes b;
    bytes_init(&b, 1200);
    ck_assert_int_eq(bytes_printf(&b, "%d-%s", 7, "x"), 0);
    ck_assert_int_eq(bytes_printf(&b, "%s!", big), 0);
    ck_assert_uint_eq(b.len, 1004);
    ck_assert_int_eq(bytes_span(&b).ptr[1003], '!');
    ck_assert_int_eq(bytes_printf(&b, "%s", big), -1);
    ck_assert_uint_eq(b.len, 1004);
    bytes_clear(&b);
}
END_TEST

START_TEST(fills_a_reserved_place_and_commits_part_of_it)
{
    struct bytes b;
    bytes_init(&b, 100);
    uint8_t *room = bytes_reserve(&b, 50);
    memcpy(room, "hello", 5);
    ck_assert_uint_eq(b.len, 0);
    bytes_commit(&b, 5);
    ck_assert(span_equals_str(bytes_span(&b), "hello"));
    bytes_clear(&b);
}
END_TEST

START_TEST(moves_its_content_to_another_queue)
{
    struct bytes a, b;
    bytes_init(&a, 10);
    bytes_init(&b, 4);
    ck_assert_int_eq(bytes_append_str(&a, "12345678"), 0);
    bytes_consume(&a, 2);
    bytes_take(&a, &b);
    ck_assert(span_equals_str(bytes_span(&b), "345678"));
    ck_assert_uint_eq(b.max, 6); /* what is there stays legal */
    ck_assert_uint_eq(a.len, 0);
    ck_assert_ptr_null(a.data);
    ck_assert_uint_eq(a.max, 10);
    bytes_clear(&b);
}
END_TEST

START_TEST(wipes_what_is_there_and_nothing)
{
    struct bytes b;
    bytes_init(&b, 64);
    bytes_wipe(&b);
    ck_assert_int_eq(bytes_append_str(&b, "a key"), 0);
    bytes_wipe(&b);
    ck_assert_ptr_null(b.data);
    ck_assert_uint_eq(b.max, 64);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("bytes");
    TCase *t = tcase_create("bytes");
    tcase_add_test(t, bytes_leave_in_the_order_they_came);
    tcase_add_test(t, refuses_to_grow_past_its_maximum_from_then_on);
    tcase_add_test(t, an_empty_queue_owns_no_memory);
    tcase_add_test(t, prints_short_and_long_text_and_refuses_too_much);
    tcase_add_test(t, fills_a_reserved_place_and_commits_part_of_it);
    tcase_add_test(t, moves_its_content_to_another_queue);
    tcase_add_test(t, wipes_what_is_there_and_nothing);
    suite_add_tcase(s, t);
    return s;
}
