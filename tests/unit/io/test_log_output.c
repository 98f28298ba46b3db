/* SPDX-License-Identifier: Apache-2.0 */
#include "log_output.h"
#include "t.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[32], path[64];
static struct log_output out;

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/a.log", folder);
    out = (struct log_output){.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};
}

/* The names in the folder but that of path, and the bytes of all. */
static size_t others(size_t *bytes)
{
    size_t n = 0;
    struct stat st;
    struct dirent *e;
    DIR *d = opendir(folder);
    *bytes = 0;
    while ((e = readdir(d)) != NULL) {
        if (e->d_name[0] == '.')
            continue;
        ck_assert_int_eq(fstatat(dirfd(d), e->d_name, &st, 0), 0);
        *bytes += (size_t)st.st_size;
        n += strcmp(e->d_name, "a.log") != 0;
    }
    closedir(d);
    return n;
}

static void tear_down(void)
{
    struct dirent *e;
    log_output_swap(&out, -1);
    DIR *d = opendir(folder);
    while (d != NULL && (e = readdir(d)) != NULL)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d != NULL)
        closedir(d);
    rmdir(folder);
}

static void use(const char *target, uint64_t seconds, uint64_t bytes)
{
    log_output_swap(&out, log_output_open(target));
    ck_assert_int_ge(out.fd, 0);
    log_output_rotate(&out, target, seconds, bytes);
}

START_TEST(begins_a_file_before_one_is_too_large)
{
    size_t bytes;
    use(path, 0, 10);
    for (int i = 0; i < 5; i++)
        log_output_write(&out, "1234\n", 5);
    ck_assert_uint_eq(others(&bytes), 2);
    ck_assert_uint_eq(bytes, 25);
    log_output_write(&out, "longer than all of it\n", 22);
    log_output_write(&out, "1\n", 2);
    ck_assert_uint_eq(others(&bytes), 4);
    ck_assert_uint_eq(bytes, 49);
}
END_TEST

START_TEST(counts_what_was_in_the_file_before)
{
    size_t bytes;
    use(path, 0, 10);
    log_output_write(&out, "1234567\n", 8);
    use(path, 0, 10);
    log_output_write(&out, "1234\n", 5);
    ck_assert_uint_eq(others(&bytes), 1);
}
END_TEST

START_TEST(begins_a_file_in_each_period_also_after_a_stop)
{
    size_t bytes;
    use(path, 86400, 0);
    log_output_write(&out, "old\n", 4);
    log_output_write(&out, "old\n", 4);
    ck_assert_uint_eq(others(&bytes), 0);
    struct timespec times[2] = {{.tv_sec = 1767268800}, {.tv_sec = 1767268800}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    use(path, 86400, 0);
    log_output_write(&out, "new\n", 4);
    log_output_write(&out, "new\n", 4);
    ck_assert_uint_eq(others(&bytes), 1);
    char old[96];
    struct stat st;
    snprintf(old, sizeof(old), "%s.20260101-000000", path);
    ck_assert_int_eq(stat(old, &st), 0);
    ck_assert_int_eq(st.st_size, 8);
}
END_TEST

START_TEST(follows_the_date_in_its_name)
{
    size_t bytes;
    char target[80];
    snprintf(target, sizeof(target), "%s/a.%%Y", folder);
    use(path, 0, 0); /* stands for the file of another year */
    log_output_rotate(&out, target, 0, 0);
    log_output_swap(&out, log_output_open(path));
    log_output_rotate(&out, target, 0, 0);
    log_output_write(&out, "x\n", 2);
    ck_assert_uint_eq(others(&bytes), 0); /* this year's name is what it was opened for, as far as it can know */
    log_output_rotate(&out, "/nonexistent/b.%S", 0, 0);
    sleep(1);
    struct log_outcome first = log_output_write(&out, "y\n", 2), second = log_output_write(&out, "z\n", 2);
    ck_assert_int_eq(first.not_rotated, ENOENT);
    ck_assert_int_eq(second.not_rotated, 0); /* told once */
    others(&bytes);
    ck_assert_uint_eq(bytes, 6);
}
END_TEST

START_TEST(keeps_the_old_file_when_the_folder_is_gone)
{
    size_t bytes;
    char moved[64];
    use(path, 0, 4);
    log_output_write(&out, "one\n", 4);
    snprintf(moved, sizeof(moved), "%s-moved", folder);
    ck_assert_int_eq(rename(folder, moved), 0);
    struct log_outcome outcome = log_output_write(&out, "two\n", 4);
    ck_assert_int_eq(outcome.not_rotated, ENOENT);
    log_output_write(&out, "three\n", 6);
    ck_assert_int_eq(rename(moved, folder), 0);
    ck_assert_uint_eq(others(&bytes), 0);
    ck_assert_uint_eq(bytes, 14);
}
END_TEST

START_TEST(rotates_nothing_but_files)
{
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    log_output_swap(&out, fds[1]);
    log_output_rotate(&out, path, 1, 1);
    ck_assert_ptr_null(out.rotation);
    close(fds[0]);
    log_output_swap(&out, log_output_open("/dev/null"));
    log_output_rotate(&out, "/dev/null", 1, 1);
    ck_assert_ptr_null(out.rotation);
    log_output_swap(&out, log_output_open(path));
    log_output_rotate(&out, path, 0, 0);
    ck_assert_ptr_null(out.rotation);
    snprintf(path, sizeof(path), "%s/fifo", folder);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(log_output_open(path), -1); /* no reader: no wait */
    ck_assert_int_eq(log_output_open(folder), -1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log_output");
    TCase *t = tcase_create("log_output");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, begins_a_file_before_one_is_too_large);
    tcase_add_test(t, counts_what_was_in_the_file_before);
    tcase_add_test(t, begins_a_file_in_each_period_also_after_a_stop);
    tcase_add_test(t, follows_the_date_in_its_name);
    tcase_add_test(t, keeps_the_old_file_when_the_folder_is_gone);
    tcase_add_test(t, rotates_nothing_but_files);
    suite_add_tcase(s, t);
    return s;
}
