/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/counters.h"

#include <string.h>

static struct counters_last slots[COUNTERS_LAST];

static void set_up(void)
{
    memset(slots, 0, sizeof(slots));
}

static bool has(const char *who, uint64_t when)
{
    char text[COUNTERS_WHO_SIZE];
    uint64_t seen;
    for (size_t i = 0; i < COUNTERS_LAST; i++)
        if (counters_last_get(&slots[i], text, &seen) && strcmp(text, who) == 0 && seen == when)
            return true;
    return false;
}

START_TEST(keeps_the_newest_and_each_once)
{
    ck_assert(!has("", 0));
    counters_last_put(slots, "CN=a", 10);
    counters_last_put(slots, "CN=b", 11);
    counters_last_put(slots, "CN=a", 12);
    counters_last_put(slots, "CN=c", 13);
    ck_assert(has("CN=a", 12) && has("CN=b", 11) && has("CN=c", 13));
    counters_last_put(slots, "CN=d", 14);
    ck_assert(has("CN=d", 14) && has("CN=a", 12) && has("CN=c", 13) && !has("CN=b", 11));
    counters_last_put(slots, "CN=e", 5); /* of another worker, and long ago */
    counters_last_put(slots, "CN=d", 6);
    ck_assert(!has("CN=e", 5) && has("CN=d", 14));
}
END_TEST

START_TEST(cuts_a_name_that_is_too_long)
{
    char text[400], cut[COUNTERS_WHO_SIZE];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    memcpy(cut, text, sizeof(cut));
    cut[sizeof(cut) - 1] = '\0';
    counters_last_put(slots, text, 1);
    counters_last_put(slots, text, 2);
    ck_assert(has(cut, 2) && !has(cut, 1));
}
END_TEST

START_TEST(leaves_out_what_is_being_written)
{
    counters_last_put(slots, "CN=a", 10);
    slots[0].turn++;
    ck_assert(!has("CN=a", 10));
    slots[0].turn++;
    ck_assert(has("CN=a", 10));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("counters_last");
    TCase *t = tcase_create("counters_last");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_test(t, keeps_the_newest_and_each_once);
    tcase_add_test(t, cuts_a_name_that_is_too_long);
    tcase_add_test(t, leaves_out_what_is_being_written);
    suite_add_tcase(s, t);
    return s;
}
