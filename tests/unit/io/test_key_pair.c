/* SPDX-License-Identifier: Apache-2.0 */
/* E4 */
#include "mtlsd/io/key_pair.h"
#include "t.h"

#include "mtlsd/io/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/mtlsd-pair-XXXXXX";
static char key[64], certificate[64], waiting_key[80], waiting[80];

static void put(const char *path, const char *text)
{
    struct err err = {0};
    ck_assert_int_eq(file_write(path, span_from_str(text), 0644, true, &err), 0);
}

static bool holds(const char *path, const char *text)
{
    struct err err = {0};
    struct bytes all;
    ck_assert_int_eq(file_read(path, &all, NULL, &err), 0);
    bool same = span_equals_str(bytes_span(&all), text);
    bytes_clear(&all);
    return same;
}

static void set_up(void)
{
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(key, sizeof(key), "%s/key", folder);
    snprintf(certificate, sizeof(certificate), "%s/crt", folder);
    snprintf(waiting_key, sizeof(waiting_key), "%s.renewed", key);
    snprintf(waiting, sizeof(waiting), "%s.renewed", certificate);
    put(key, "old key");
    put(certificate, "old crt");
}

static void tear_down(void)
{
    const char *const all[] = {key, certificate, waiting_key, waiting};
    for (size_t i = 0; i < 4; i++)
        unlink(all[i]);
    rmdir(folder);
}

static int write_both(const char *certificate_path, struct err *err)
{
    const struct key_pair pair = {key, certificate_path, span_from_str("new key"), span_from_str("new crt")};
    *err = (struct err){0};
    return key_pair_files_disk.write(&pair, err);
}

START_TEST(both_files_are_exchanged_and_nothing_is_left)
{
    struct err err;
    struct stat st;
    ck_assert_int_eq(write_both(certificate, &err), 0);
    ck_assert(holds(key, "new key") && holds(certificate, "new crt"));
    ck_assert(!file_exists(waiting) && !file_exists(waiting_key));
    ck_assert_int_eq(stat(key, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(certificate, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0644);
}
END_TEST

START_TEST(a_bundle_gets_the_certificate_and_the_key)
{
    struct err err;
    ck_assert_int_eq(write_both(NULL, &err), 0);
    ck_assert(holds(key, "new crtnew key"));
}
END_TEST

START_TEST(a_link_and_a_missing_file_are_not_written)
{
    struct err err;
    ck_assert_int_eq(rename(certificate, waiting), 0);
    ck_assert_int_eq(write_both(certificate, &err), -1);
    ck_assert_int_eq(symlink(waiting, certificate), 0);
    ck_assert_int_eq(write_both(certificate, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is a symbolic link"));
    ck_assert(holds(key, "old key") && holds(certificate, "old crt"));
}
END_TEST

/* Each state that a crash can leave, in the order in which they follow each other. */
START_TEST(only_a_certificate_that_waits_alone_is_put_in_its_place)
{
    struct err err = {0};
    char found[80];
    ck_assert(!key_pair_files_disk.is_unfinished(key, certificate, found, sizeof(found)));
    put(waiting_key, "new key");
    ck_assert(!key_pair_files_disk.is_unfinished(key, certificate, found, sizeof(found)));
    put(waiting, "new crt");
    ck_assert(!key_pair_files_disk.is_unfinished(key, certificate, found, sizeof(found)));
    ck_assert_int_eq(rename(waiting_key, key), 0);
    ck_assert(key_pair_files_disk.is_unfinished(key, certificate, found, sizeof(found)));
    ck_assert_str_eq(found, waiting);
    ck_assert_int_eq(key_pair_files_disk.finish(certificate, &err), 0);
    ck_assert(holds(key, "new key") && holds(certificate, "new crt"));
    ck_assert(!key_pair_files_disk.is_unfinished(key, certificate, found, sizeof(found)));
}
END_TEST

START_TEST(says_beforehand_what_cannot_be_written)
{
    struct err err = {0};
    char link[80];
    ck_assert_int_eq(key_pair_check(key, certificate, &err), 0);
    ck_assert_int_eq(key_pair_check(key, NULL, &err), 0);
    snprintf(link, sizeof(link), "%s/link", folder);
    ck_assert_int_eq(symlink(key, link), 0);
    ck_assert_int_eq(key_pair_check(key, link, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "a symbolic link"));
    unlink(link);
    if (geteuid() == 0)
        return; /* may write anywhere */
    err = (struct err){0};
    ck_assert_int_eq(chmod(folder, 0500), 0);
    ck_assert_int_eq(key_pair_check(key, certificate, &err), -1);
    ck_assert_int_eq(chmod(folder, 0700), 0);
    ck_assert_ptr_nonnull(strstr(err.text, "cannot write there"));
}
END_TEST

START_TEST(knows_the_folder_of_a_file)
{
    static const char *const rows[][2] = {{"/a/b", "/a"}, {"/a", "/"}, {"a/b", "a"}, {"a", "."}};
    char out[10];
    for (size_t i = 0; i < 4; i++) {
        key_pair_folder(rows[i][0], out, sizeof(out));
        ck_assert_str_eq(out, rows[i][1]);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_pair");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, both_files_are_exchanged_and_nothing_is_left);
    tcase_add_test(c, a_bundle_gets_the_certificate_and_the_key);
    tcase_add_test(c, a_link_and_a_missing_file_are_not_written);
    tcase_add_test(c, only_a_certificate_that_waits_alone_is_put_in_its_place);
    tcase_add_test(c, says_beforehand_what_cannot_be_written);
    tcase_add_test(c, knows_the_folder_of_a_file);
    suite_add_tcase(s, c);
    return s;
}
