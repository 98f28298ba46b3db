/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file_watch.h"
#include "t.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static char folder[64], file[100], other[100], link_name[100];
static uv_loop_t loop;
static struct background *background;
static uv_timer_t deadline;
static int told;
static bool late;

enum { SOON_MS = 20000, NEVER_MS = 300 };

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void on_change(void *ctx)
{
    ck_assert_str_eq(ctx, "mine");
    told++;
    uv_stop(&loop);
}

static void on_deadline(uv_timer_t *timer)
{
    (void)timer;
    late = true;
    uv_stop(&loop);
}

/* True when a change was told within the time. */
static bool hears(uint64_t ms)
{
    int before = told;
    late = false;
    uv_timer_start(&deadline, on_deadline, ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_timer_stop(&deadline);
    return told > before;
}

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-watch-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof(file), "%s/ca.crl", folder);
    snprintf(other, sizeof(other), "%s/ca.crl.new", folder);
    snprintf(link_name, sizeof(link_name), "%s/link.crl", folder);
    write_file(file, "first");
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &deadline);
    struct err err = {0};
    background = background_new(&loop, &err);
    ck_assert_msg(background != NULL, "%s", err.text);
    told = 0;
}

static void tear_down(void)
{
    uv_close((uv_handle_t *)&deadline, NULL);
    background_stop(background);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    unlink(file);
    unlink(other);
    unlink(link_name);
    rmdir(folder);
}

static struct file_watch *watch_since(const char *const *paths, size_t n, const struct file_prints *known)
{
    static char mine[] = "mine";
    struct file_watch_order order = {.paths = paths, .n = n, .known = known, .on_change = on_change, .ctx = mine};
    struct file_watch *f = file_watch_start(&loop, background, &order);
    ck_assert_ptr_nonnull(f);
    return f;
}

static struct file_watch *watch(const char *path)
{
    struct file_watch *f = watch_since(&path, 1, NULL);
    ck_assert(hears(SOON_MS)); /* for its owner to read what is there now */
    return f;
}

START_TEST(tells_a_change_whatever_way_it_came)
{
    struct file_watch *f = watch(file);
    write_file(file, "in place, and longer");
    ck_assert_msg(hears(SOON_MS), "written in place");
    write_file(other, "renamed");
    ck_assert_int_eq(rename(other, file), 0);
    ck_assert_msg(hears(SOON_MS), "renamed over");
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_msg(hears(SOON_MS), "gone");
    write_file(file, "renamed");
    ck_assert_msg(hears(SOON_MS), "there again");
    for (int i = 0; i < 3; i++) {
        write_file(other, "again");
        ck_assert_int_eq(rename(other, file), 0);
        ck_assert_msg(hears(SOON_MS), "and again");
    }
    file_watch_stop(f);
}
END_TEST

/* What is read after the first look was told cannot have changed before it: the look is what later ones are compared with. */
START_TEST(its_first_look_is_told_and_changes_after_it)
{
    struct file_watch *f = watch_since((const char *const[]){file}, 1, NULL);
    ck_assert(hears(SOON_MS));
    write_file(other, "between the look and what its owner reads");
    ck_assert_int_eq(rename(other, file), 0);
    ck_assert(hears(SOON_MS));
    ck_assert(!hears(NEVER_MS));
    file_watch_stop(f);
}
END_TEST

/* Between the moment when files were read and the one when the watch begins. */
START_TEST(tells_what_changed_before_it_began)
{
    const char *paths[] = {file, other};
    struct file_prints *before = file_prints_take(paths, 2);
    ck_assert_ptr_nonnull(before);
    struct file_watch *f = watch_since(paths, 2, before);
    ck_assert(!hears(200));
    file_watch_stop(f);
    write_file(other, "new");
    f = watch_since(paths, 2, before);
    ck_assert(hears(SOON_MS));
    ck_assert(!hears(NEVER_MS)); /* once */
    ck_assert(file_watch_is_of(f, paths, 2) && !file_watch_is_of(f, paths, 1));
    file_watch_stop(f);
    file_prints_free(before);
}
END_TEST

/* As a secret is mounted in a container of Kubernetes: file -> ..data/file, ..data -> ..1, and ..data is renamed over. */
START_TEST(follows_a_folder_that_is_swapped_by_a_link)
{
    char one[100], two[100], data[100], next[100], path[120];
    const char *swapped[] = {one, two};
    snprintf(one, sizeof(one), "%s/..1", folder);
    snprintf(two, sizeof(two), "%s/..2", folder);
    snprintf(data, sizeof(data), "%s/..data", folder);
    snprintf(next, sizeof(next), "%s/..data_tmp", folder);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(mkdir(swapped[i], 0700), 0);
        snprintf(path, sizeof(path), "%s/key", swapped[i]);
        write_file(path, "a key");
    }
    ck_assert_int_eq(symlink("..1", data), 0);
    ck_assert_int_eq(symlink("..data/key", link_name), 0);
    struct file_watch *f = watch(link_name);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_int_eq(symlink(i % 2 == 0 ? "..2" : "..1", next), 0);
        ck_assert_int_eq(rename(next, data), 0);
        ck_assert_msg(hears(SOON_MS), "swap %zu", i);
    }
    file_watch_stop(f);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/key", swapped[i]);
        unlink(path);
        rmdir(swapped[i]);
    }
    unlink(data);
}
END_TEST

START_TEST(watches_thousands_of_files_of_a_folder)
{
    enum { N = 2000 };
    static char names[N][100];
    static const char *paths[N];
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "%s/%zu.pem", folder, i);
        write_file(names[i], "first");
        paths[i] = names[i];
    }
    struct file_watch *f = watch_since(paths, N, NULL);
    ck_assert(hears(SOON_MS));
    for (size_t i = 0; i < N; i += N / 4) {
        write_file(names[i], "another");
        ck_assert_msg(hears(SOON_MS), "%zu", i);
    }
    file_watch_stop(f);
    for (size_t i = 0; i < N; i++)
        unlink(names[i]);
}
END_TEST

START_TEST(follows_links)
{
    char away[64] = "/tmp/mtlsd-watch-XXXXXX", target[100];
    ck_assert_ptr_nonnull(mkdtemp(away));
    snprintf(target, sizeof(target), "%s/list", away);
    write_file(target, "elsewhere");
    ck_assert_int_eq(symlink(file, link_name), 0);
    struct file_watch *f = watch(link_name);
    ck_assert_int_eq(symlink(target, other), 0);
    ck_assert_int_eq(rename(other, link_name), 0);
    ck_assert_msg(hears(SOON_MS), "the link was swapped");
    write_file(target, "elsewhere, and changed");
    ck_assert_msg(hears(SOON_MS), "what it points to now was written");
    file_watch_stop(f);
    uv_run(&loop, UV_RUN_NOWAIT);
    unlink(target);
    rmdir(away);
}
END_TEST

START_TEST(its_neighbours_are_nobodys_business)
{
    struct file_watch *f = watch(file);
    write_file(other, "a neighbour");
    ck_assert(!hears(NEVER_MS));
    file_watch_stop(f);
}
END_TEST

START_TEST(a_folder_that_is_not_there_yet_is_looked_for)
{
    char deep[120], path[140];
    snprintf(deep, sizeof(deep), "%s/later", folder);
    snprintf(path, sizeof(path), "%s/ca.crl", deep);
    struct file_watch *f = watch(path);
    ck_assert_int_eq(mkdir(deep, 0700), 0);
    write_file(path, "at last");
    ck_assert_msg(hears(3 * SOON_MS), "no event tells of it");
    file_watch_stop(f);
    unlink(path);
    rmdir(deep);
}
END_TEST

START_TEST(what_changes_while_its_owner_rests_is_told_afterwards)
{
    struct file_watch *f = watch(file);
    ck_assert(!hears(NEVER_MS)); /* it knows the file now */
    file_watch_rest(f);
    write_file(file, "another text");
    ck_assert(!hears(NEVER_MS));
    file_watch_go_on(f, 100);
    ck_assert(hears(SOON_MS));
    file_watch_stop(f);
}
END_TEST

static void *write_all_the_time(void *arg)
{
    for (int i = 0; !__atomic_load_n((bool *)arg, __ATOMIC_SEQ_CST); i++)
        write_file(file, i % 2 == 0 ? "one" : "the other");
    return NULL;
}

/* D5 */
START_TEST(file_that_is_written_all_the_time_wakes_the_loop_a_few_times_a_second)
{
    struct file_watch *f = watch(file);
    pthread_t writer;
    bool over = false;
    unsigned turns = 0;
    ck_assert(!hears(NEVER_MS));
    ck_assert_int_eq(pthread_create(&writer, NULL, write_all_the_time, &over), 0);
    late = false;
    uv_timer_start(&deadline, on_deadline, 500, 0);
    for (; !late; turns++)
        uv_run(&loop, UV_RUN_ONCE);
    uv_timer_stop(&deadline);
    __atomic_store_n(&over, true, __ATOMIC_SEQ_CST);
    pthread_join(writer, NULL);
    ck_assert_uint_gt(turns, 2);
    ck_assert_uint_lt(turns, 100);
    file_watch_stop(f);
}
END_TEST

START_TEST(says_nothing_once_stopped)
{
    struct file_watch *f = watch(file);
    write_file(file, "too late");
    file_watch_stop(f);
    file_watch_stop(NULL);
    ck_assert(!hears(NEVER_MS));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("file_watch");
    TCase *c = tcase_create("watch");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, tells_a_change_whatever_way_it_came);
    tcase_add_test(c, its_first_look_is_told_and_changes_after_it);
    tcase_add_test(c, tells_what_changed_before_it_began);
    tcase_add_test(c, follows_a_folder_that_is_swapped_by_a_link);
    tcase_add_test(c, watches_thousands_of_files_of_a_folder);
    tcase_add_test(c, follows_links);
    tcase_add_test(c, its_neighbours_are_nobodys_business);
    tcase_add_test(c, a_folder_that_is_not_there_yet_is_looked_for);
    tcase_add_test(c, what_changes_while_its_owner_rests_is_told_afterwards);
    tcase_add_test(c, file_that_is_written_all_the_time_wakes_the_loop_a_few_times_a_second);
    tcase_add_test(c, says_nothing_once_stopped);
    suite_add_tcase(s, c);
    return s;
}
