/* SPDX-License-Identifier: Apache-2.0 */
#include "demo/demo.h"
#include "t.h"

#include <string.h>

enum { PIECE = 1024 };

static struct demo_body body;

static void setup(void)
{
    demo_body_init(&body);
}

static const struct {
    uint64_t offset;
    const char *why;
} offsets[] = {
    {0, "the beginning"},
    {1, "one byte on"},
    {DEMO_BODY_PERIOD - 1, "a piece across the end of the period"},
    {DEMO_BODY_PERIOD - PIECE, "a piece up to the end of the period"},
    {DEMO_BODY_PERIOD, "the second period"},
    {(uint64_t)5 << 32, "past 32 bits"},
};

START_TEST(what_was_filled_is_equal_at_its_offset)
{
    uint8_t piece[PIECE];
    demo_body_fill(&body, offsets[_i].offset, piece, sizeof(piece));
    ck_assert_msg(demo_body_equals(&body, offsets[_i].offset, piece, sizeof(piece)), "%s", offsets[_i].why);
}
END_TEST

START_TEST(one_changed_byte_is_seen)
{
    uint8_t piece[PIECE];
    demo_body_fill(&body, offsets[_i].offset, piece, sizeof(piece));
    piece[PIECE - 1] ^= 1;
    ck_assert_msg(!demo_body_equals(&body, offsets[_i].offset, piece, sizeof(piece)), "%s", offsets[_i].why);
}
END_TEST

START_TEST(a_lost_buffer_is_seen)
{
    static const size_t lost[] = {1, 512, 4096, 16384, 65536, 131072};
    uint8_t piece[PIECE];
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        demo_body_fill(&body, offsets[_i].offset + lost[i], piece, sizeof(piece));
        ck_assert_msg(!demo_body_equals(&body, offsets[_i].offset, piece, sizeof(piece)), "%s, %zu bytes", offsets[_i].why, lost[i]);
    }
}
END_TEST

START_TEST(nothing_equals_nothing)
{
    ck_assert(demo_body_equals(&body, 7, NULL, 0));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("demo_body");
    TCase *t = tcase_create("demo_body");
    int n = (int)(sizeof(offsets) / sizeof(offsets[0]));
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_loop_test(t, what_was_filled_is_equal_at_its_offset, 0, n);
    tcase_add_loop_test(t, one_changed_byte_is_seen, 0, n);
    tcase_add_loop_test(t, a_lost_buffer_is_seen, 0, n);
    tcase_add_test(t, nothing_equals_nothing);
    suite_add_tcase(s, t);
    return s;
}
