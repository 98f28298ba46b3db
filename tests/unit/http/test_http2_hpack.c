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

Suite *suite(void)
{
    Suite *s = suite_create("http2_hpack");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, start, end);
    tcase_add_test(t, reads_what_it_wrote);
    tcase_add_test(t, keeps_a_secret_out_of_the_table);
    tcase_add_test(t, writes_less_the_second_time);
    tcase_add_loop_test(t, refuses_what_is_no_hpack, 0, 6);
    suite_add_tcase(s, t);
    return s;
}
