/* SPDX-License-Identifier: Apache-2.0 */
#include "spare_fd.h"
#include "t.h"

#include <fcntl.h>
#include <sys/socket.h>
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

START_TEST(takes_the_number_of_one_that_is_closed)
{
    int spare = -1, ends[2];
    char byte;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    spare_fd_replace(&spare, ends[0], STDIN_FILENO);
    ck_assert_int_eq(spare, ends[0]);
    ck_assert_int_ne(fcntl(spare, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_eq(recv(ends[1], &byte, 1, 0), 0); /* the other end knows */
    spare_fd_replace(&spare, ends[1], STDIN_FILENO); /* it is there */
    ck_assert_int_eq(spare, ends[0]);
    ck_assert_int_eq(fcntl(ends[1], F_GETFD), -1);
    ck_assert(spare_fd_use(&spare));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spare_fd");
    TCase *t = tcase_create("spare_fd");
    tcase_add_test(t, frees_its_number_once_and_takes_it_back);
    tcase_add_test(t, takes_the_number_of_one_that_is_closed);
    suite_add_tcase(s, t);
    return s;
}
