/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_file.h"
#include "t.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mtlsd-log-XXXXXX";
static char path[64], moved[64];
static int real_stderr, error_pipe[2];

/* Standard error is a pipe of ours, so that what goes there can be looked at. */
static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/access.log", folder);
    snprintf(moved, sizeof(moved), "%s/access.log.1", folder);
    real_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(pipe(error_pipe), 0);
    dup2(error_pipe[1], STDERR_FILENO);
}

static void tear_down(void)
{
    log_file_flush();
    log_file_use(NULL, -1, false);
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(error_pipe[0]);
    close(error_pipe[1]);
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

static void use(bool accesses_only)
{
    struct err err = {0};
    int fd = log_file_open(path, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    log_file_use(path, fd, accesses_only);
}

static void say(enum log_kind kind, const char *line)
{
    log_file_write(NULL, kind, LOG_LEVEL_INFO, span_from_str(line));
}

static void expect(const char *file, const char *wanted)
{
    char text[256] = "";
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    size_t n = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[n] = '\0';
    ck_assert_str_eq(text, wanted);
}

static void expect_on_stderr(const char *wanted)
{
    char text[256] = "";
    ck_assert_int_eq(write(error_pipe[1], ".", 1), 1); /* so that reading never waits */
    ssize_t n = read(error_pipe[0], text, sizeof(text) - 1);
    ck_assert_int_gt(n, 0);
    text[n - 1] = '\0';
    ck_assert_str_eq(text, wanted);
}

START_TEST(appends_to_a_file_that_only_its_group_may_read)
{
    struct stat st;
    mode_t mask = umask(0);
    use(false);
    umask(mask);
    say(LOG_ACCESS, "one\n");
    say(LOG_EVENT, "two\n");
    log_file_flush();
    use(false);
    say(LOG_ACCESS, "three\n");
    log_file_flush();
    expect(path, "one\ntwo\nthree\n");
    expect_on_stderr("");
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq((int)(st.st_mode & 0777), 0640);
}
END_TEST

START_TEST(keeps_events_out_of_a_file_of_accesses)
{
    use(true);
    say(LOG_ACCESS, "access\n");
    say(LOG_EVENT, "event\n");
    log_file_flush();
    expect(path, "access\n");
    expect_on_stderr("event\n");
}
END_TEST

START_TEST(gathers_lines_until_a_turn_ends_and_hurries_with_a_warning)
{
    use(false);
    say(LOG_ACCESS, "quiet\n");
    expect(path, "");
    log_file_write(NULL, LOG_EVENT, LOG_LEVEL_WARN, span_from_str("loud\n"));
    expect(path, "quiet\nloud\n");
}
END_TEST

START_TEST(goes_on_in_a_new_file_after_the_old_one_was_moved)
{
    struct err err = {0};
    use(false);
    say(LOG_ACCESS, "before\n");
    log_file_flush();
    say(LOG_ACCESS, "gathered\n");
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(log_file_reopen(&err), 0);
    say(LOG_ACCESS, "after\n");
    log_file_flush();
    expect(moved, "before\ngathered\n");
    expect(path, "after\n");
}
END_TEST

START_TEST(keeps_the_old_file_when_the_path_cannot_be_opened_again)
{
    struct err err = {0};
    use(false);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert_int_eq(log_file_reopen(&err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, path));
    say(LOG_ACCESS, "still here\n");
    log_file_flush();
    expect(moved, "still here\n");
    rmdir(path);
}
END_TEST

START_TEST(refuses_a_path_that_cannot_be_written)
{
    static const char *const bad[] = {"/nonexistent/folder/access.log", "/tmp", ""};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err err = {0};
        ck_assert_int_eq(log_file_open(bad[i], &err), -1);
        ck_assert_int_eq(err.kind, ERR_IO);
        err = (struct err){0};
        ck_assert_int_eq(log_file_check(bad[i], &err), -1);
        ck_assert_int_eq(err.kind, ERR_IO);
    }
}
END_TEST

START_TEST(tells_beforehand_without_making_the_file)
{
    struct err err = {0};
    ck_assert_int_eq(log_file_check(path, &err), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    use(false);
    ck_assert_int_eq(log_file_check(path, &err), 0);
    ck_assert_int_eq(log_file_check("access.log-of-nobody", &err), 0); /* in the folder we are in */
}
END_TEST

START_TEST(has_nothing_to_reopen_on_standard_error)
{
    struct err err = {0};
    ck_assert_int_eq(log_file_reopen(&err), 0);
    say(LOG_ACCESS, "x\n");
    log_file_flush();
    expect_on_stderr("x\n");
}
END_TEST

/* As programs in containers are run: standard output is the log, and there is nothing to open again. */
START_TEST(writes_to_standard_output_and_has_nothing_to_reopen)
{
    struct err err = {0};
    char text[64] = "";
    int out_pipe[2], real = dup(STDOUT_FILENO);
    ck_assert_int_eq(pipe(out_pipe), 0);
    fflush(stdout);
    dup2(out_pipe[1], STDOUT_FILENO);
    int fd = log_file_stdout(&err);
    dup2(real, STDOUT_FILENO);
    close(real);
    ck_assert_int_gt(fd, STDERR_FILENO);
    log_file_use(NULL, fd, true);
    ck_assert_int_eq(log_file_reopen(&err), 0);
    say(LOG_ACCESS, "access\n");
    say(LOG_EVENT, "event\n");
    log_file_flush();
    ck_assert_int_eq(read(out_pipe[0], text, sizeof(text) - 1), 7);
    ck_assert_str_eq(text, "access\n");
    expect_on_stderr("event\n");
    close(out_pipe[0]);
    close(out_pipe[1]);
}
END_TEST

/* A full disk: the daemon goes on, standard error tells it once, and the count is told when the disk takes lines again. */
START_TEST(outlives_a_full_disk_and_says_how_much_was_lost)
{
    struct err err = {0};
    int fd = log_file_open("/dev/full", &err);
    if (fd < 0)
        return; /* a container without it */
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, log_file_write, NULL, NULL);
    log_file_use(path, fd, false);
    say(LOG_ACCESS, "one\n");
    log_file_flush();
    say(LOG_ACCESS, "two\nthree\n");
    log_file_flush();
    expect_on_stderr("mtlsd: the log file takes no more lines: No space left on device\n");
    ck_assert_int_eq(log_file_reopen(&err), 0);
    say(LOG_ACCESS, "four\n");
    log_file_flush();
    expect(path, "four\n1970-01-01T00:00:00.000Z warn  log \"3 lines were lost because the log file took none\"\n");
}
END_TEST

enum { WRITERS = 4, LINES_EACH = 2000, ROTATIONS = 20 };

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES_EACH; i++) {
        say(LOG_ACCESS, arg);
        if (i % 10 == 0)
            log_file_flush();
    }
    log_file_flush();
    return NULL;
}

static size_t count_lines(const char *file)
{
    size_t n = 0;
    char line[64];
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        ck_assert_msg(strcmp(line, "line of a thread\n") == 0, "%s", line);
        n++;
    }
    fclose(f);
    return n;
}

START_TEST(loses_no_line_when_threads_write_while_it_is_rotated)
{
    pthread_t threads[WRITERS];
    static char line[] = "line of a thread\n";
    struct err err = {0};
    size_t total = 0;
    use(true);
    for (int i = 0; i < WRITERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, line), 0);
    char old[ROTATIONS][80];
    for (int i = 0; i < ROTATIONS; i++) {
        snprintf(old[i], sizeof(old[i]), "%s.%d", path, i + 2);
        ck_assert_int_eq(rename(path, old[i]), 0);
        ck_assert_int_eq(log_file_reopen(&err), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < ROTATIONS; i++) {
        total += count_lines(old[i]);
        unlink(old[i]);
    }
    ck_assert_uint_eq(total + count_lines(path), WRITERS * LINES_EACH);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log_file");
    TCase *t = tcase_create("log_file");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, appends_to_a_file_that_only_its_group_may_read);
    tcase_add_test(t, keeps_events_out_of_a_file_of_accesses);
    tcase_add_test(t, gathers_lines_until_a_turn_ends_and_hurries_with_a_warning);
    tcase_add_test(t, goes_on_in_a_new_file_after_the_old_one_was_moved);
    tcase_add_test(t, keeps_the_old_file_when_the_path_cannot_be_opened_again);
    tcase_add_test(t, refuses_a_path_that_cannot_be_written);
    tcase_add_test(t, tells_beforehand_without_making_the_file);
    tcase_add_test(t, has_nothing_to_reopen_on_standard_error);
    tcase_add_test(t, writes_to_standard_output_and_has_nothing_to_reopen);
    tcase_add_test(t, outlives_a_full_disk_and_says_how_much_was_lost);
    tcase_add_test(t, loses_no_line_when_threads_write_while_it_is_rotated);
    suite_add_tcase(s, t);
    return s;
}
