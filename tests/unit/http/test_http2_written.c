/* SPDX-License-Identifier: Apache-2.0 */
#include "http2_written.h"
#include "t.h"

#include <string.h>

static struct http2_written w;
static struct http2_fields f;

static void start(void)
{
    ck_assert_int_eq(http2_fields_init(&f, 4, 64), 0);
    http2_fields_add_str(&f, ":method", span_from_str("GET"));
    http2_fields_add_str(&f, "x-a", span_from_str("some value"));
    http2_fields_add_str(&f, "x-b", span_from_str(""));
}

static void end(void)
{
    http2_fields_clear(&f);
    http2_written_clear(&w);
}

static bool finds(const char *block)
{
    return span_equals_str(http2_written_find(&w, &f), block);
}

START_TEST(finds_the_block_of_the_same_fields)
{
    ck_assert(finds(""));
    http2_written_keep(&w, &f, span_from_str("block"));
    ck_assert(finds("block"));
    ck_assert(finds("block"));
    http2_written_forget(&w);
    ck_assert(finds(""));
    http2_written_keep(&w, &f, span_from_str("another"));
    ck_assert(finds("another"));
}
END_TEST

START_TEST(finds_none_of_other_fields)
{
    http2_written_keep(&w, &f, span_from_str("block"));
    f.n--;
    ck_assert(finds(""));
    f.n++;
    f.list[1].namelen--; /* the same bytes, divided otherwise */
    ck_assert(finds(""));
    f.list[1].namelen++;
    f.list[1].valuelen--;
    ck_assert(finds(""));
    f.list[1].valuelen++;
    ck_assert(finds("block"));
    f.list[1].value = (uint8_t[]){"some valuE"};
    ck_assert(finds(""));
    f.list[1].value = (uint8_t[]){"some value"};
    ck_assert(finds("block"));
    f.list[2].name = (uint8_t[]){"x-c"};
    ck_assert(finds(""));
}
END_TEST

START_TEST(keeps_no_secret)
{
    f.list[1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    http2_written_keep(&w, &f, span_from_str("block"));
    ck_assert(finds(""));
    f.list[1].flags = NGHTTP2_NV_FLAG_NONE;
    http2_written_keep(&w, &f, span_from_str("block"));
    f.list[1].flags = NGHTTP2_NV_FLAG_NO_INDEX;
    ck_assert(finds(""));
}
END_TEST

START_TEST(keeps_what_fits)
{
    static uint8_t large[HTTP2_WRITTEN_BYTES];
    size_t lengths = 3 * 8, others = strlen(":methodGETx-ax-bblock");
    for (size_t more = 0; more < 2; more++) {
        f.list[1].value = large;
        f.list[1].valuelen = HTTP2_WRITTEN_BYTES - lengths - others + more;
        http2_written_keep(&w, &f, span_from_str("block"));
        ck_assert(finds(more == 0 ? "block" : ""));
    }
    f.list[1].valuelen = SIZE_MAX; /* sums do not wrap */
    http2_written_keep(&w, &f, span_from_str("block"));
    ck_assert(finds(""));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_written");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, finds_the_block_of_the_same_fields);
    tcase_add_test(c, finds_none_of_other_fields);
    tcase_add_test(c, keeps_no_secret);
    tcase_add_test(c, keeps_what_fits);
    suite_add_tcase(s, c);
    return s;
}
