/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/log_others.h"

#include "mtlsd/io/log_file.h"
#include "t.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[32], a[64], b[64];

static void nothing(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    (void)ctx, (void)kind, (void)level, (void)line;
}

static double noon(void)
{
    return 1767268800;
}

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-log-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(a, sizeof(a), "%s/a.log", folder);
    snprintf(b, sizeof(b), "%s/b.log", folder);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, nothing, NULL, noon);
}

static void use(const struct log_others_row *rows, size_t n)
{
    struct log_others opened = {0};
    struct err err = {0};
    ck_assert_msg(log_others_open(&opened, rows, n, &err) == 0, "%s", err.text);
    log_others_use(&opened, rows);
}

static void tear_down(void)
{
    struct err err = {0};
    use(NULL, 0);
    ck_assert_int_eq(log_others_reopen(&err), 0); /* closes those that went */
    unlink(a);
    unlink(b);
    rmdir(folder);
}

static const char *text_of(const char *file)
{
    static char text[4096];
    FILE *f = fopen(file, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    return text;
}

static void say(unsigned what, enum log_level level, const char *event)
{
    struct log_line l;
    log_begin_as(&l, what, level, event, NULL);
    log_str(&l, "k", "v");
    log_end(&l);
}

#define LINE(level, event) "2026-01-01T12:00:00.000Z " level " " event " k=v\n"

START_TEST(each_log_takes_its_kinds_in_its_format)
{
    const struct log_others_row rows[] = {
        {.target = a, .takes = {LOG_REQUESTS | LOG_REFUSALS, LOG_LEVEL_INFO, LOG_FORMAT_TEXT}},
        {.target = b, .takes = {LOG_EVENTS, LOG_LEVEL_WARN, LOG_FORMAT_JSON}},
    };
    use(rows, 2);
    say(LOG_REQUESTS, LOG_LEVEL_INFO, "one");
    say(LOG_REQUESTS | LOG_REFUSALS, LOG_LEVEL_WARN, "two");
    say(LOG_EVENTS, LOG_LEVEL_INFO, "three");
    say(LOG_EVENTS, LOG_LEVEL_WARN, "four");
    say(LOG_EVENTS | LOG_REFUSALS, LOG_LEVEL_WARN, "five");
    log_access(LOG_FORMAT_COMBINED, span_from_str("six\n"));
    log_others_flush();
    ck_assert_str_eq(text_of(a), LINE("info ", "one") LINE("warn ", "two") LINE("warn ", "five"));
    ck_assert_str_eq(text_of(b), "{\"time\":\"2026-01-01T12:00:00.000Z\",\"level\":\"warn\",\"event\":\"four\",\"k\":\"v\"}\n"
                                 "{\"time\":\"2026-01-01T12:00:00.000Z\",\"level\":\"warn\",\"event\":\"five\",\"k\":\"v\"}\n");
}
END_TEST

START_TEST(a_log_of_a_web_server_takes_requests_alone)
{
    const struct log_others_row rows[] = {{.target = a, .takes = {LOG_REQUESTS, LOG_LEVEL_INFO, LOG_FORMAT_COMBINED}}};
    ck_assert_uint_eq(log_access_formats(), 0);
    use(rows, 1);
    ck_assert_uint_eq(log_access_formats(), 1U << LOG_FORMAT_COMBINED);
    log_access(LOG_FORMAT_COMBINED, span_from_str("one\n"));
    log_access(LOG_FORMAT_SSL_REQUEST, span_from_str("two\n"));
    say(LOG_REQUESTS, LOG_LEVEL_WARN, "three");
    log_others_flush();
    ck_assert_str_eq(text_of(a), "one\n");
}
END_TEST

START_TEST(a_reload_moves_nothing_that_was_gathered)
{
    const struct log_others_row rows[] = {
        {.target = a, .takes = {LOG_EVENTS, LOG_LEVEL_INFO, LOG_FORMAT_TEXT}},
        {.target = b, .takes = {LOG_EVENTS, LOG_LEVEL_INFO, LOG_FORMAT_TEXT}},
    };
    use(rows, 1);
    say(LOG_EVENTS, LOG_LEVEL_INFO, "one");
    use(rows + 1, 1);
    say(LOG_EVENTS, LOG_LEVEL_INFO, "two");
    log_others_flush();
    ck_assert_str_eq(text_of(a), LINE("info ", "one"));
    ck_assert_str_eq(text_of(b), LINE("info ", "two"));
    for (int i = 0; i < 40; i++) /* more often than there are places */
        use(rows + i % 2, 1);
    say(LOG_EVENTS, LOG_LEVEL_INFO, "three");
    log_others_flush();
    ck_assert_str_eq(text_of(b), LINE("info ", "two") LINE("info ", "three"));
}
END_TEST

START_TEST(opens_all_or_none)
{
    struct log_others opened;
    struct err err = {0};
    const struct log_others_row rows[] = {{.target = a}, {.target = "/nonexistent/folder/b.log"}};
    ck_assert_int_eq(log_others_open(&opened, rows, 2, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "make its folder first"));
    ck_assert_uint_eq(opened.n, 0);
}
END_TEST

START_TEST(opens_again_what_was_moved)
{
    struct err err = {0};
    const struct log_others_row rows[] = {{.target = a, .takes = {LOG_EVENTS, LOG_LEVEL_INFO, LOG_FORMAT_TEXT}}};
    use(rows, 1);
    say(LOG_EVENTS, LOG_LEVEL_INFO, "one");
    ck_assert_int_eq(rename(a, b), 0);
    ck_assert_int_eq(log_others_reopen(&err), 0);
    say(LOG_EVENTS, LOG_LEVEL_INFO, "two");
    log_others_flush();
    ck_assert_str_eq(text_of(b), LINE("info ", "one"));
    ck_assert_str_eq(text_of(a), LINE("info ", "two"));
    unlink(a);
    ck_assert_int_eq(mkdir(a, 0700), 0);
    ck_assert_int_eq(log_others_reopen(&err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, a));
    rmdir(a);
}
END_TEST

static void *write_lines(void *arg)
{
    for (int i = 0; i < 500; i++)
        say(LOG_EVENTS, LOG_LEVEL_INFO, arg);
    log_others_flush();
    return NULL;
}

START_TEST(threads_write_whole_lines_and_leave_nothing)
{
    enum { THREADS = 3 };
    pthread_t threads[THREADS];
    static char word[] = "w";
    const struct log_others_row rows[] = {{.target = a, .takes = {LOG_EVENTS, LOG_LEVEL_INFO, LOG_FORMAT_TEXT}}};
    use(rows, 1);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, word), 0);
    for (int i = 0; i < 20; i++)
        use(rows, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    struct stat st;
    ck_assert_int_eq(stat(a, &st), 0);
    ck_assert_uint_eq((size_t)st.st_size, THREADS * 500 * strlen(LINE("info ", "w")));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log_others");
    TCase *t = tcase_create("log_others");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_log_takes_its_kinds_in_its_format);
    tcase_add_test(t, a_log_of_a_web_server_takes_requests_alone);
    tcase_add_test(t, a_reload_moves_nothing_that_was_gathered);
    tcase_add_test(t, opens_all_or_none);
    tcase_add_test(t, opens_again_what_was_moved);
    tcase_add_test(t, threads_write_whole_lines_and_leave_nothing);
    suite_add_tcase(s, t);
    return s;
}
