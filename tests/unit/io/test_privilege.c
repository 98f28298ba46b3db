/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/privilege.h"
#include "mtlsd/io/file.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOBODY = 65534 };

static struct err err;

static void expect_refused(const char *user, const char *group, const char *says)
{
    struct privilege *p;
    err = (struct err){0};
    ck_assert_int_eq(privilege_find(user, group, &p, &err), -1);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
    ck_assert_ptr_null(p);
}

START_TEST(refuses_users_that_it_cannot_become)
{
    expect_refused("no-such-user-here", NULL, "has no such user");
    expect_refused("root", NULL, "keeps every right");
    expect_refused("0", "0", "keeps every right");
    expect_refused("123456", NULL, "set group, too");
    expect_refused("nobody", "no-such-group-here", "has no such group");
    expect_refused("99999999999", "1", "has no such user");
    expect_refused("-1", "1", "has no such user");
    struct privilege *p;
    ck_assert_int_eq(privilege_find(NULL, NULL, &p, &err), 0);
    ck_assert_ptr_null(p);
    privilege_free(NULL);
}
END_TEST

/* In a process of its own, whose exit code tells the step that failed. */
static int become_nobody(void)
{
    struct privilege *p;
    struct err why = {0};
    if (privilege_find("65534", "65534", &p, &why) != 0 || p == NULL)
        return 1;
    if (privilege_drop(p, &why) != 0)
        return 2;
    if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY || setuid(0) == 0 || seteuid(0) == 0)
        return 3;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        return 4;
    privilege_free(p);
    return privilege_find("daemon", NULL, &p, &why) == -1 && strstr(why.text, "only root can become") != NULL ? 0 : 5;
}

/* E4 */
START_TEST(becomes_the_user_for_good)
{
    int status;
    if (geteuid() != 0)
        return;
    pid_t child = fork();
    if (child == 0)
        _exit(become_nobody());
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(looks_at_files_as_the_user_will)
{
    char folder[] = "/tmp/mtlsd-privilege-XXXXXX", path[64];
    struct privilege *p;
    struct file_source files = *file_source_disk();
    struct file_place place;
    if (geteuid() != 0)
        return;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/key", folder);
    ck_assert_int_eq(file_write(path, span_of("x", 1), 0600, false, &err), 0);
    ck_assert_int_eq(privilege_find("65534", "65534", &p, &err), 0);
    privilege_look_as(p, &files);
    ck_assert(!privilege_can_read(p, path));
    ck_assert_int_eq(chmod(folder, 0755), 0);
    ck_assert(!privilege_can_read(p, path));
    privilege_give(p, path);
    ck_assert(privilege_can_read(p, path));
    ck_assert_int_eq(files.look(files.ctx, path, &place), 0);
    ck_assert(!place.file.foreign_owner && !place.file.foreign_group && place.file.us == NOBODY);
    ck_assert_int_eq(file_source_disk()->look(NULL, path, &place), 0);
    ck_assert(place.file.foreign_owner); /* to root, who was to read it */
    ck_assert_int_eq(geteuid(), 0);
    privilege_free(p);
    unlink(path);
    rmdir(folder);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("privilege");
    TCase *t = tcase_create("privilege");
    tcase_add_test(t, refuses_users_that_it_cannot_become);
    tcase_add_test(t, becomes_the_user_for_good);
    tcase_add_test(t, looks_at_files_as_the_user_will);
    suite_add_tcase(s, t);
    return s;
}
