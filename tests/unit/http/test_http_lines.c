/* SPDX-License-Identifier: Apache-2.0 */
/* Row C3: where lines end. */
#include "http_lines.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *why, *bytes;
    enum http_lines_found found;
    size_t block; /* bytes of the block, when whole */
} rows[] = {
    {"nothing", "", HTTP_LINES_MORE, 0},
    {"an empty line", "\r\n", HTTP_LINES_WHOLE, 2},
    {"a line and the empty one", "a\r\n\r\n", HTTP_LINES_WHOLE, 5},
    {"what follows is not taken", "a\r\n\r\nbc", HTTP_LINES_WHOLE, 5},
    {"not yet ended", "a\r\nb\r\n", HTTP_LINES_MORE, 0},
    {"not yet ended, CR", "a\r\n\r", HTTP_LINES_MORE, 0},
    {"LF alone", "\n", HTTP_LINES_BARE_LF, 0},
    {"line in LF", "a\n\r\n", HTTP_LINES_BARE_LF, 0},
    {"empty line in LF", "a\r\n\n", HTTP_LINES_BARE_LF, 0},
    {"CR in a line", "a\rb\r\n\r\n", HTTP_LINES_BARE_CR, 0},
    {"two CR", "a\r\r\n\r\n", HTTP_LINES_BARE_CR, 0},
    {"two CR in the empty line", "a\r\n\r\r\n", HTTP_LINES_BARE_CR, 0},
    {"folded by space", "a\r\n b\r\n\r\n", HTTP_LINES_FOLDED, 0},
    {"folded by tab", "a\r\n\tb\r\n\r\n", HTTP_LINES_FOLDED, 0},
    {"as long as allowed", "abcdefghijklmnop\r\n\r\n", HTTP_LINES_WHOLE, 20},
    {"longer than allowed", "abcdefghijklmnopq\r\n\r\n", HTTP_LINES_TOO_LONG, 0},
    {"longer than allowed in one line", "abcdefghijklmnopqrstu", HTTP_LINES_TOO_LONG, 0},
    {"longer than allowed counts before what is wrong with it", "abcdefghijklmnopqrstu\n",
     HTTP_LINES_TOO_LONG, 0},
};

START_TEST(C3_finds_the_end_of_a_block_over_every_cut)
{
    size_t n = strlen(rows[_i].bytes);
    for (size_t step = n > 0 ? n : 1; step > 0; step--) {
        struct http_lines l;
        http_lines_init(&l, 20);
        struct span block = {NULL, 0}, in = {NULL, 0};
        enum http_lines_found found = HTTP_LINES_MORE;
        size_t at = 0;
        while (at < n && found == HTTP_LINES_MORE) {
            size_t take = n - at < step ? n - at : step;
            in = span_of(rows[_i].bytes + at, take);
            found = http_lines_feed(&l, &in, &block);
            at += take - in.len;
        }
        ck_assert_msg(found == rows[_i].found, "%s, by %zu: %d", rows[_i].why, step, (int)found);
        if (found == HTTP_LINES_WHOLE) {
            ck_assert_msg(block.len == rows[_i].block && at == block.len, "%s, by %zu", rows[_i].why, step);
            ck_assert_mem_eq(block.ptr, rows[_i].bytes, block.len);
        }
        http_lines_clear(&l);
    }
}
END_TEST

START_TEST(keeps_nothing_of_a_block_that_came_whole)
{
    struct http_lines l;
    http_lines_init(&l, 100);
    struct span in = span_from_str("a: b\r\n\r\n"), block;
    ck_assert_int_eq(http_lines_feed(&l, &in, &block), HTTP_LINES_WHOLE);
    ck_assert_ptr_null(l.kept.data);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_lines");
    TCase *tc = tcase_create("lines");
    tcase_add_loop_test(tc, C3_finds_the_end_of_a_block_over_every_cut, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, keeps_nothing_of_a_block_that_came_whole);
    suite_add_tcase(s, tc);
    return s;
}
