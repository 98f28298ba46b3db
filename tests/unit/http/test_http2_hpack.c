/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_hpack.h"
#include "t.h"

#include <string.h>

static struct http2_hpack c;

static void start(void)
{
    ck_assert_int_eq(http2_hpack_init(&c), 0);
}

static void end(void)
{
    http2_hpack_clear(&c);
}

static size_t write(uint8_t *to, size_t room, const char *name, const char *value, uint8_t flags)
{
    nghttp2_nv nv = {(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), strlen(value), flags};
    ck_assert_uint_le(http2_hpack_bound(&c, &nv, 1), room);
    return http2_hpack_write(&c, to, room, &nv, 1);
}

START_TEST(reads_what_it_wrote)
{
    uint8_t block[256];
    struct http_field f;
    bool never;
    struct span in = span_of(block, write(block, sizeof(block), "x-a", "some value", 0));
    ck_assert_int_eq(http2_hpack_read(&c, &in, &f, &never), HTTP2_HPACK_FIELD);
    ck_assert(span_equals_str(f.name, "x-a") && span_equals_str(f.value, "some value") && !never);
    ck_assert_int_eq(http2_hpack_read(&c, &in, &f, &never), HTTP2_HPACK_END);
    ck_assert_uint_eq(in.len, 0);
}
END_TEST

START_TEST(keeps_a_secret_out_of_the_table)
{
    uint8_t block[256];
    struct http_field f;
    bool never;
    size_t n = write(block, sizeof(block), "x-key", "abc", NGHTTP2_NV_FLAG_NO_INDEX);
    struct span in = span_of(block, n);
    ck_assert_int_eq(http2_hpack_read(&c, &in, &f, &never), HTTP2_HPACK_FIELD);
    ck_assert(never);
    ck_assert_int_eq(http2_hpack_read(&c, &in, &f, &never), HTTP2_HPACK_END);
    ck_assert_uint_eq(write(block, sizeof(block), "x-key", "abc", NGHTTP2_NV_FLAG_NO_INDEX), n);
}
END_TEST

START_TEST(writes_less_the_second_time)
{
    uint8_t block[256];
    size_t n = write(block, sizeof(block), "x-a", "some value", 0);
    ck_assert_uint_gt(n, 5);
    ck_assert_uint_eq(write(block, sizeof(block), "x-a", "some value", 0), 1);
    ck_assert_int_eq(http2_hpack_limit(&c, 0), 0); /* the peer has no table */
    ck_assert_uint_eq(write(block, sizeof(block), "x-a", "some value", 0), n + 1);
}
END_TEST

START_TEST(refuses_what_is_no_hpack)
{
    static const struct {
        const char *why;
        uint8_t bytes[8];
        size_t n;
    } rows[] = {
        {"an index that is not there", {0xff, 0x20}, 2},
        {"index 0", {0x80}, 1},
        {"a number without an end", {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 7},
        {"a string that is cut off", {0x00, 0x05, 'a'}, 3},
        {"a table larger than allowed", {0x3f, 0xe2, 0x1f}, 3},
        {"a change of the table behind a field", {0x82, 0x20}, 2},
    };
    struct http_field f;
    bool never;
    struct span in = span_of(rows[_i].bytes, rows[_i].n);
    enum http2_hpack_found found = http2_hpack_read(&c, &in, &f, &never);
    if (found == HTTP2_HPACK_FIELD)
        found = http2_hpack_read(&c, &in, &f, &never);
    ck_assert_msg(found == HTTP2_HPACK_BAD, "%s", rows[_i].why);
}
END_TEST

static void read_all(const uint8_t *bytes, size_t n)
{
    struct http_field f;
    bool never;
    struct span in = span_of(bytes, n);
    enum http2_hpack_found found;
    while ((found = http2_hpack_read(&c, &in, &f, &never)) == HTTP2_HPACK_FIELD)
        continue;
    ck_assert_int_eq(found, HTTP2_HPACK_END);
}

START_TEST(knows_when_a_block_settles)
{
    static const struct {
        const char *why;
        uint8_t bytes[12];
        size_t n, after, without_table;
    } rows[] = {
        {"fields of the static table", {0x82, 0x84, 0x87}, 3, 1, 1},
        {"a literal with a known name", {0x82, 0x04, 2, '/', 'a'}, 5, 1, 1},
        {"a literal with a new name", {0x00, 1, 'a', 2, 'b', 'c'}, 6, 1, 1},
        {"a literal with an index in two bytes", {0x0f, 0x2e, 1, 'a'}, 4, 1, 1},
        {"a field that joins the table", {0x82, 0x44, 2, '/', 'a'}, 5, 129, 1},
        {"two with new names", {0x40, 1, 'a', 1, 'b', 0x40, 1, 'a', 1, 'c'}, 10, 65, 1},
        {"one that joins the table, and one that is there", {0x40, 1, 'a', 1, 'b', 0xbe}, 6, 0, 0},
        {"one that joins it with a name that is there", {0x40, 1, 'a', 1, 'b', 0x7e, 1, 'c'}, 8, 0, 0},
        {"a field that must never join it", {0x10, 1, 'a', 1, 'b'}, 5, 0, 0},
        {"one with a known name that must never join it", {0x14, 2, '/', 'a'}, 4, 0, 0},
        {"a change of the table's size", {0x20, 0x82}, 2, 0, 0},
    };
    static const uint8_t off[] = {0x20, 0x82};
    size_t without = rows[_i].without_table;
    struct span block = span_of(rows[_i].bytes, rows[_i].n);
    if (rows[_i].bytes[0] != 0x20)
        read_all(rows[_i].bytes, rows[_i].n);
    ck_assert_msg(http2_hpack_settles_after(&c, block) == rows[_i].after, "%s", rows[_i].why);
    ck_assert_msg(http2_hpack_adds_nothing(block) == (rows[_i].after == 1), "%s", rows[_i].why);
    read_all(off, sizeof(off));
    ck_assert_msg(http2_hpack_settles_after(&c, block) == without, "%s, without a table", rows[_i].why);
}
END_TEST

START_TEST(what_is_cut_off_does_not_settle)
{
    static const uint8_t block[] = {0x0f, 0x2e, 3, 'a', 'b', 'c', 0x00, 0x7f, 0x80};
    for (size_t n = 1; n < sizeof(block); n++)
        ck_assert_msg((http2_hpack_settles_after(&c, span_of(block, n)) == 1) == (n == 6), "%zu", n);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_hpack");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, start, end);
    tcase_add_test(t, reads_what_it_wrote);
    tcase_add_test(t, keeps_a_secret_out_of_the_table);
    tcase_add_test(t, writes_less_the_second_time);
    tcase_add_loop_test(t, refuses_what_is_no_hpack, 0, 6);
    tcase_add_loop_test(t, knows_when_a_block_settles, 0, 11);
    tcase_add_test(t, what_is_cut_off_does_not_settle);
    suite_add_tcase(s, t);
    return s;
}
