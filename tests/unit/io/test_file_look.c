/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/file.h"
#include "t.h"

#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FOREIGN = 54321 };

static char folder[64];
static struct file_place place;

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
    snprintf(folder, sizeof(folder), "/tmp/test_file_look.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    static const char *const names[] = {"tls.key", "..data", "..2026_01_01/tls.key", "f"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        unlink(in(names[i]));
    rmdir(in("..2026_01_01"));
    ck_assert_int_eq(rmdir(folder), 0);
}

static void put(const char *name, unsigned mode)
{
    struct err err = {0};
    ck_assert_msg(file_write(in(name), span_from_str("x"), mode, true, &err) == 0, "%s", err.text);
}

/* E4 */
START_TEST(a_file_of_ours_in_a_folder_of_ours)
{
    put("f", 0640);
    ck_assert_int_eq(file_look(in("f"), &place), 0);
    ck_assert_uint_eq(place.file.mode, 0640);
    ck_assert_uint_eq(place.file.owner, geteuid());
    ck_assert(!place.file.foreign_owner && !place.file.foreign_group && !place.file.read_only);
    ck_assert_uint_eq(place.n_folders, 1);
    ck_assert_str_eq(place.folders[0].path, folder);
    ck_assert_uint_eq(place.folders[0].access.mode, 0700);
}
END_TEST

/* E4 */
START_TEST(what_is_neither_file_nor_folder_is_not_looked_at)
{
    ck_assert_int_eq(file_look(in("none"), &place), -1);
    ck_assert_int_eq(file_look("/dev/null", &place), -1);
    ck_assert_int_eq(file_look(folder, &place), 0);
}
END_TEST

/* E4: as Kubernetes mounts a Secret */
START_TEST(links_lead_to_a_second_folder)
{
    ck_assert_int_eq(mkdir(in("..2026_01_01"), 0755), 0);
    ck_assert_int_eq(symlink("..2026_01_01", in("..data")), 0);
    ck_assert_int_eq(symlink("..data/tls.key", in("tls.key")), 0);
    put("..2026_01_01/tls.key", 0440);
    ck_assert_int_eq(chmod(folder, 03777), 0);
    ck_assert_int_eq(file_look(in("tls.key"), &place), 0);
    ck_assert_uint_eq(place.file.mode, 0440);
    ck_assert_uint_eq(place.n_folders, 2);
    ck_assert_str_eq(place.folders[0].path, folder);
    ck_assert_uint_eq(place.folders[0].access.mode, 03777);
    ck_assert_str_eq(place.folders[1].path, in("..2026_01_01"));
    ck_assert_uint_eq(place.folders[1].access.mode, 0755);
}
END_TEST

START_TEST(a_name_without_a_folder_stands_in_the_working_folder)
{
    put("f", 0600);
    ck_assert_int_eq(chdir(folder), 0);
    ck_assert_int_eq(file_look("f", &place), 0);
    ck_assert_uint_eq(place.n_folders, 1);
    ck_assert_uint_eq(place.folders[0].access.mode, 0700);
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

/* E4; to change owners takes root */
START_TEST(tells_foreign_owners_and_groups)
{
    struct file_names names;
    const gid_t groups[] = {FOREIGN + 1, FOREIGN + 2};
    gid_t before[256];
    int n = getgroups(256, before);
    gid_t group = getegid();
    if (geteuid() != 0 || n < 0)
        return;
    put("f", 0640);
    ck_assert_int_eq(chown(in("f"), FOREIGN, FOREIGN), 0);
    ck_assert_int_eq(file_look(in("f"), &place), 0);
    ck_assert(place.file.foreign_owner && place.file.foreign_group);
    file_look_names(&place.file, &names);
    ck_assert_str_eq(names.owner, "54321");
    ck_assert_str_eq(names.group, "54321");
    ck_assert_str_eq(names.us, "root");
    ck_assert_int_eq(chown(in("f"), 0, FOREIGN + 2), 0);
    ck_assert_int_eq(file_look(in("f"), &place), 0);
    ck_assert(!place.file.foreign_owner && place.file.foreign_group);
    ck_assert_int_eq(setgroups(2, groups), 0);
    ck_assert_int_eq(file_look(in("f"), &place), 0);
    ck_assert(!place.file.foreign_group);
    ck_assert_int_eq(chown(in("f"), FOREIGN, FOREIGN), 0);
    ck_assert_int_eq(chown(folder, FOREIGN, FOREIGN), 0);
    ck_assert_int_eq(setegid(FOREIGN), 0);
    ck_assert_int_eq(seteuid(FOREIGN), 0);
    ck_assert_int_eq(file_look(in("f"), &place), 0);
    ck_assert(!place.file.foreign_owner && !place.file.foreign_group);
    ck_assert_int_eq(seteuid(0), 0);
    ck_assert_int_eq(setegid(group), 0);
    ck_assert_int_eq(setgroups((size_t)n, before), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("file_look");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make_folder, remove_folder);
    tcase_add_test(t, a_file_of_ours_in_a_folder_of_ours);
    tcase_add_test(t, what_is_neither_file_nor_folder_is_not_looked_at);
    tcase_add_test(t, links_lead_to_a_second_folder);
    tcase_add_test(t, a_name_without_a_folder_stands_in_the_working_folder);
    tcase_add_test(t, tells_foreign_owners_and_groups);
    suite_add_tcase(s, t);
    return s;
}
