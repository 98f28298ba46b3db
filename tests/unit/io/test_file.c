/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file.h"
#include "t.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static const char *in(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
    return p;
}

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/test_file.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    while (d != NULL && (e = readdir(d)) != NULL)
        if (unlink(in(e->d_name)) != 0)
            rmdir(in(e->d_name));
    if (d != NULL)
        closedir(d);
    rmdir(folder);
}

static void put(const char *name, const char *content, unsigned mode)
{
    struct err err = {0};
    ck_assert_msg(file_write(in(name), span_from_str(content), mode, true, &err) == 0, "%s", err.text);
}

START_TEST(reads_back_what_it_wrote)
{
    size_t size = 300000;
    char *content = malloc(size);
    for (size_t i = 0; i < size; i++)
        content[i] = (char)(i * 7);
    struct err err = {0};
    struct bytes out;
    struct file_facts facts;
    ck_assert_int_eq(file_write(in("f"), span_of(content, size), 0600, false, &err), 0);
    ck_assert_msg(file_read(in("f"), &out, &facts, &err) == 0, "%s", err.text);
    ck_assert(span_equals(bytes_span(&out), span_of(content, size)));
    ck_assert(!facts.is_folder && facts.access.mode == 0600);
    ck_assert(!facts.access.foreign_owner && !facts.access.foreign_group && !facts.access.read_only);
    bytes_clear(&out);
    free(content);
}
END_TEST

START_TEST(an_empty_file_is_no_bytes_and_no_error)
{
    struct err err = {0};
    struct bytes out;
    put("f", "", 0600);
    ck_assert_int_eq(file_read(in("f"), &out, NULL, &err), 0);
    ck_assert_uint_eq(out.len, 0);
    bytes_clear(&out);
}
END_TEST

static const unsigned modes[] = {0600, 0400, 0640, 0604, 0644, 0620};

/* E4 */
START_TEST(tells_the_mode_of_what_it_read)
{
    struct err err = {0};
    struct bytes out;
    struct file_facts facts;
    put("f", "x", modes[_i]);
    ck_assert_int_eq(file_read(in("f"), &out, &facts, &err), 0);
    ck_assert_uint_eq(facts.access.mode, modes[_i]);
    bytes_clear(&out);
}
END_TEST

/* A3 */
START_TEST(refuses_what_is_not_there)
{
    struct err err = {0};
    struct bytes out;
    ck_assert_int_ne(file_read(in("none"), &out, NULL, &err), 0);
    ck_assert_int_eq(err.kind, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "none: cannot open: No such file"));
    ck_assert_ptr_null(out.data);
}
END_TEST

/* A3 */
START_TEST(a_folder_is_a_fact_or_an_error)
{
    struct err err = {0};
    struct bytes out;
    struct file_facts facts;
    ck_assert_int_eq(file_read(folder, &out, &facts, &err), 0);
    ck_assert(facts.is_folder);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_ne(file_read(folder, &out, NULL, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "is a folder, a file is needed"));
}
END_TEST

START_TEST(never_reads_a_device)
{
    struct err err = {0};
    struct bytes out;
    ck_assert_int_ne(file_read("/dev/zero", &out, NULL, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a regular file"));
}
END_TEST

START_TEST(a_pipe_without_writer_is_empty_and_does_not_block)
{
    struct err err = {0};
    struct bytes out;
    ck_assert_int_eq(mkfifo(in("p"), 0600), 0);
    ck_assert_int_eq(file_read(in("p"), &out, NULL, &err), 0);
    ck_assert_uint_eq(out.len, 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(refuses_a_file_past_the_cap)
{
    struct err err = {0};
    struct bytes out;
    put("f", "x", 0600);
    ck_assert_int_eq(truncate(in("f"), (off_t)FILE_MAX_BYTES + 1), 0);
    ck_assert_int_ne(file_read(in("f"), &out, NULL, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "larger than 64 MiB"));
}
END_TEST

START_TEST(does_not_overwrite_unless_told)
{
    struct err err = {0};
    struct bytes out;
    put("f", "old", 0600);
    ck_assert_int_ne(file_write(in("f"), span_from_str("new"), 0600, false, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "File exists"));
    ck_assert_int_eq(file_read(in("f"), &out, NULL, &err), 0);
    ck_assert(span_equals_str(bytes_span(&out), "old"));
    bytes_clear(&out);
    put("f", "new", 0600);
    ck_assert_int_eq(file_read(in("f"), &out, NULL, &err), 0);
    ck_assert(span_equals_str(bytes_span(&out), "new"));
    bytes_clear(&out);
}
END_TEST

START_TEST(leaves_nothing_behind_when_it_fails)
{
    struct err err = {0};
    char **names;
    size_t n;
    put("f", "old", 0600);
    ck_assert_int_ne(file_write(in("f"), span_from_str("new"), 0600, false, &err), 0);
    err_clear(&err);
    ck_assert_int_eq(file_list(folder, &names, &n, &err), 0);
    ck_assert_uint_eq(n, 1);
    free(names[0]);
    free(names);
}
END_TEST

START_TEST(lists_regular_files_sorted)
{
    static const char *const expect[] = {"a", "b", "c", "d", "link"};
    struct err err = {0};
    char **names;
    size_t n;
    put("d", "", 0600);
    put("b", "", 0600);
    put("a", "", 0600);
    put("c", "", 0600);
    ck_assert_int_eq(mkdir(in("folder"), 0700), 0);
    ck_assert_int_eq(mkfifo(in("pipe"), 0600), 0);
    ck_assert_int_eq(symlink("a", in("link")), 0);
    ck_assert_int_eq(file_list(folder, &names, &n, &err), 0);
    ck_assert_uint_eq(n, 5);
    for (size_t i = 0; i < n; i++) {
        ck_assert_str_eq(names[i], expect[i]);
        free(names[i]);
    }
    free(names);
    ck_assert_int_ne(file_list(in("none"), &names, &n, &err), 0);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(makes_a_folder_once)
{
    struct err err = {0};
    ck_assert_int_eq(file_make_folder(in("new"), 0755, &err), 0);
    ck_assert_int_eq(file_make_folder(in("new"), 0755, &err), 0);
    put("f", "", 0600);
    ck_assert_int_ne(file_make_folder(in("f"), 0755, &err), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "is not a folder"));
}
END_TEST

START_TEST(a_folder_that_takes_no_files_is_told)
{
    struct err fine = {0}, missing = {0}, file = {0}, closed = {0};
    put("f", "x", 0600);
    ck_assert_int_eq(file_check_folder(folder, &fine), 0);
    ck_assert_int_eq(file_check_folder(in("none"), &missing), -1);
    ck_assert_int_eq(file_check_folder(in("f"), &file), -1);
    ck_assert_ptr_nonnull(strstr(file.text, "is not a folder"));
    ck_assert_int_eq(chmod(folder, 0555), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0); /* root writes anywhere */
    ck_assert_int_eq(file_check_folder(folder, &closed), -1);
    ck_assert_ptr_nonnull(strstr(closed.text, "cannot write there"));
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("file");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, reads_back_what_it_wrote);
    tcase_add_test(t, an_empty_file_is_no_bytes_and_no_error);
    tcase_add_loop_test(t, tells_the_mode_of_what_it_read, 0, (int)(sizeof(modes) / sizeof(modes[0])));
    tcase_add_test(t, refuses_what_is_not_there);
    tcase_add_test(t, a_folder_is_a_fact_or_an_error);
    tcase_add_test(t, never_reads_a_device);
    tcase_add_test(t, a_pipe_without_writer_is_empty_and_does_not_block);
    tcase_add_test(t, refuses_a_file_past_the_cap);
    tcase_add_test(t, does_not_overwrite_unless_told);
    tcase_add_test(t, leaves_nothing_behind_when_it_fails);
    tcase_add_test(t, lists_regular_files_sorted);
    tcase_add_test(t, makes_a_folder_once);
    tcase_add_test(t, a_folder_that_takes_no_files_is_told);
    suite_add_tcase(s, t);
    return s;
}
