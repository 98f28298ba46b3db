/* SPDX-License-Identifier: Apache-2.0 */
#include "spare_fd.h"
#include "t.h"

#include <fcntl.h>
#include <unistd.h>

START_TEST(frees_its_number_once_and_takes_it_back)
{
    int spare = -1;
    ck_assert(!spare_fd_use(&spare));
    spare_fd_take(&spare);
    ck_assert_int_ge(spare, 0);
    ck_assert_int_ne(fcntl(spare, F_GETFD) & FD_CLOEXEC, 0);
    int number = spare;
    spare_fd_take(&spare); /* it is there */
    ck_assert_int_eq(spare, number);
    ck_assert(spare_fd_use(&spare));
    ck_assert_int_eq(fcntl(number, F_GETFD), -1);
    ck_assert(!spare_fd_use(&spare));
    spare_fd_take(&spare);
    ck_assert_int_eq(spare, number);
    ck_assert(spare_fd_use(&spare));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spare_fd");
    TCase *t = tcase_create("spare_fd");
    tcase_add_test(t, frees_its_number_once_and_takes_it_back);
    suite_add_tcase(s, t);
    return s;
}
