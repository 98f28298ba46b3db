/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/health_rules.h"
#include "t.h"

#include <string.h>

START_TEST(goes_down_after_three_bad_looks_and_comes_back_after_two_good_ones)
{
    /* + good, - bad; what it counts as afterwards: u up, d down */
    static const struct { const char *why, *looks, *then; } rows[] = {
        {"a good one, then three bad ones", "+---", "uuud"},
        {"one good look between starts the count anew", "+--+--+---", "uuuuuuuuud"},
        {"back after two", "+---++", "uuuddu"},
        {"one bad look between starts that count anew too", "+---+-+-++", "uuuddddddu"},
        {"the very first look is bad", "-", "d"},
        {"down from the beginning, back, and then as patient as with any other", "-++--+---", "dduuuuuud"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct health_rules h = {0};
        for (size_t k = 0; k < strlen(rows[i].looks); k++) {
            bool was = h.down;
            enum health_change change = health_rules_note(&h, rows[i].looks[k] == '+');
            ck_assert_msg(h.down == (rows[i].then[k] == 'd'), "%s, look %zu", rows[i].why, k);
            enum health_change expected = was == h.down ? HEALTH_STAYS : h.down ? HEALTH_GOES_DOWN : HEALTH_COMES_UP;
            ck_assert_msg(change == expected, "%s, look %zu", rows[i].why, k);
        }
    }
}
END_TEST

START_TEST(spreads_the_looks_around_the_interval)
{
    uint64_t least = UINT64_MAX, most = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        uint64_t ms = health_rules_next_ms(10000, random);
        least = ms < least ? ms : least;
        most = ms > most ? ms : most;
        ck_assert_uint_lt(health_rules_first_ms(10000, random), 1000);
        ck_assert_uint_lt(health_rules_first_ms(100, random), 100);
    }
    ck_assert_uint_eq(least, 9000);
    ck_assert_uint_eq(most, 10999);
    ck_assert_uint_eq(health_rules_next_ms(1, 77), 1);
    ck_assert_uint_eq(health_rules_first_ms(0, 77), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("health_rules");
    TCase *t = tcase_create("health_rules");
    tcase_add_test(t, goes_down_after_three_bad_looks_and_comes_back_after_two_good_ones);
    tcase_add_test(t, spreads_the_looks_around_the_interval);
    suite_add_tcase(s, t);
    return s;
}
