/* SPDX-License-Identifier: Apache-2.0 */
/* Row D5 of the security list: accepting ends below the limit of descriptors. */
#include "mtlsd/control/fd_share.h"
#include "t.h"


START_TEST(leaves_descriptors_for_everything_else)
{
    static const struct { const char *why; size_t limit; unsigned workers; size_t binds; } rows[] = {
        {"a small limit", 128, 1, 1},    {"the usual soft limit", 1024, 2, 1}, {"many workers", 1024, 64, 1},
        {"many addresses", 1024, 4, 20}, {"the usual hard limit", 524288, 8, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t share = fd_share_per_worker(rows[i].limit, rows[i].workers, rows[i].binds);
        size_t used = rows[i].workers * (share + 6 + 3 * rows[i].binds) + 48;
        ck_assert_msg(share >= 2 && used <= rows[i].limit, "%s: %zu of %zu", rows[i].why, used, rows[i].limit);
        ck_assert_msg(used + rows[i].workers > rows[i].limit, "%s: %zu of %zu", rows[i].why, used, rows[i].limit); /* nothing is wasted */
    }
}
END_TEST

START_TEST(serves_even_where_nothing_fits)
{
    ck_assert_uint_eq(fd_share_per_worker(20, 1, 1), 2);
    ck_assert_uint_eq(fd_share_per_worker(0, 256, 1000), 2);
    ck_assert_uint_eq(fd_share_clients(2, 1, 0), 1);
    ck_assert_uint_eq(fd_share_clients(0, 4, 0), 1);
    ck_assert_uint_eq(fd_share_clients(1000, 4, 1), 1);
}
END_TEST

START_TEST(never_takes_more_clients_than_can_be_connected)
{
    ck_assert_uint_eq(fd_share_clients(100, 1, 0), 50);
    ck_assert_uint_eq(fd_share_clients(100, 1, 1000), 50);
    ck_assert_uint_eq(fd_share_clients(100, 1, 20), 20);
    ck_assert_uint_eq(fd_share_clients(100, 2, 20), 10);
    ck_assert_uint_eq(fd_share_clients(100, 2, 21), 11); /* rather one more than one less */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fd_share");
    TCase *t = tcase_create("fd_share");
    tcase_add_test(t, leaves_descriptors_for_everything_else);
    tcase_add_test(t, serves_even_where_nothing_fits);
    tcase_add_test(t, never_takes_more_clients_than_can_be_connected);
    suite_add_tcase(s, t);
    return s;
}
