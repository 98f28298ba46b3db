/* SPDX-License-Identifier: Apache-2.0 */
/* Rows D5 and C13 of the security list: clients find no place any more before descriptors run out. */
#include "mtlsd/control/fd_share.h"
#include "t.h"


START_TEST(leaves_descriptors_for_everything_else)
{
    static const struct { const char *why; size_t limit; unsigned workers; size_t binds; } rows[] = {
        {"a small limit", 128, 1, 1},    {"the usual soft limit", 1024, 2, 1}, {"many workers", 1024, 64, 1},
        {"many addresses", 1024, 4, 20}, {"the usual hard limit", 524288, 8, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t all = fd_share_all(rows[i].limit, rows[i].workers, rows[i].binds);
        size_t common = rows[i].limit / 4 < 48 ? rows[i].limit / 4 : 48;
        size_t used = all + rows[i].workers * (10 + 3 * rows[i].binds) + common;
        ck_assert_msg(all >= 2 * rows[i].workers && used == rows[i].limit, "%s: %zu of %zu", rows[i].why, used, rows[i].limit);
    }
}
END_TEST

START_TEST(serves_even_where_nothing_fits)
{
    ck_assert_uint_eq(fd_share_all(20, 1, 1), 2);
    ck_assert_uint_eq(fd_share_all(0, 256, 1000), 512);
    ck_assert_uint_eq(fd_share_clients(2, 0), 1);
    ck_assert_uint_eq(fd_share_clients(0, 0), 1);
    ck_assert_uint_eq(fd_share_clients(1000, 1), 1);
    ck_assert_uint_eq(fd_share_all(fd_share_least(4, 2), 4, 2), 8);
}
END_TEST

/* C13: sixty descriptors are enough for more than one client. */
START_TEST(keeps_some_for_what_clients_ask_for)
{
    ck_assert_uint_eq(fd_share_all(60, 1, 1), 27);
    ck_assert_uint_eq(fd_share_clients(27, 0), 21);
    ck_assert_uint_eq(fd_share_clients(100, 0), 75);
    ck_assert_uint_eq(fd_share_clients(100, 1000), 75);
    ck_assert_uint_eq(fd_share_clients(100, 20), 20);
    ck_assert_uint_eq(fd_share_clients(3, 0), 2);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fd_share");
    TCase *t = tcase_create("fd_share");
    tcase_add_test(t, leaves_descriptors_for_everything_else);
    tcase_add_test(t, serves_even_where_nothing_fits);
    tcase_add_test(t, keeps_some_for_what_clients_ask_for);
    suite_add_tcase(s, t);
    return s;
}
