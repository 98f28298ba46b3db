/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/sandbox.h"
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[64];

static const char *in_top(const char *name)
{
    static char paths[8][128];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", top, name);
    return path;
}

static void write_file(const char *name)
{
    FILE *f = fopen(in_top(name), "w");
    ck_assert_ptr_nonnull(f);
    fputs("text", f);
    fclose(f);
}

static void set_up(void)
{
    snprintf(top, sizeof(top), "/tmp/mtlsd-sandbox-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    static const char *const folders[] = {"conf", "conf/certs", "other", "keep", "sockets", "links", "links/first", "links/second"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        ck_assert_int_eq(mkdir(in_top(folders[i]), 0755), 0);
    static const char *const files[] = {"conf/mtlsd.conf", "conf/certs/a.pem", "other/secret", "keep/log", "links/first/b.pem", "links/second/b.pem"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        write_file(files[i]);
    ck_assert_int_eq(symlink("first", in_top("links/current")), 0);
    ck_assert_int_eq(symlink("../other/secret", in_top("conf/to-secret")), 0);
}

static void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", top);
    ck_assert_int_eq(system(command), 0);
}

static bool kernel_has_it(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

static struct sandbox_facts enter(void)
{
    struct sandbox_place places[] = {
        {in_top("conf/mtlsd.conf"), SANDBOX_READ}, {in_top("keep/log"), SANDBOX_KEEP}, {in_top("sockets/a.sock"), SANDBOX_SOCKET},
        {in_top("links/current/b.pem"), SANDBOX_READ}, {"/dev/full", SANDBOX_KEEP}, {in_top("none/nothing"), SANDBOX_READ}, {"/dev/null", SANDBOX_SYSTEM},
    };
    const struct sandbox_plan plan = {.places = places, .n = sizeof(places) / sizeof(places[0])};
    struct sandbox_facts facts = {0};
    sandbox_files(&plan, &facts);
    return facts;
}

/* What opening gives: 0 or errno. */
static int opens(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

static int binds(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int rc = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
    close(fd);
    return rc;
}

/* In a process of its own; its exit code is the number of the first row that is not as expected. */
struct row {
    int got, expected;
};
static int first_wrong(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].got != rows[i].expected) {
            fprintf(stderr, "row %zu: %s, not %s\n", i + 1, strerror(rows[i].got), strerror(rows[i].expected));
            return (int)i + 1;
        }
    return 0;
}

static int code_of(int (*child)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(child());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static int reads_and_no_more(void)
{
    if (enter().files < 1 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 99;
    const struct row rows[] = {
        {opens(in_top("conf/mtlsd.conf"), O_RDONLY), 0},
        {opens(in_top("conf/certs/a.pem"), O_RDONLY), 0},
        {opens(in_top("conf/mtlsd.conf"), O_WRONLY), EACCES},
        {opens(in_top("conf/new"), O_WRONLY | O_CREAT), EACCES},
        {opens(in_top("other/secret"), O_RDONLY), EACCES},
        {opens(in_top("conf/to-secret"), O_RDONLY), EACCES},
        {opens("/etc/shadow", O_RDONLY), EACCES},
        {opens("/proc/1/environ", O_RDONLY), EACCES},
        {opens("/dev/null", O_RDWR), 0},
        {opens("/dev/full", O_WRONLY), 0},
        {opens("/dev/mtlsd-test", O_WRONLY | O_CREAT), EACCES},
        {opens(top, O_RDONLY | O_DIRECTORY), EACCES},
        {opens(in_top("keep/log.1"), O_WRONLY | O_CREAT), 0},
        {rename(in_top("keep/log.1"), in_top("keep/log.2")) == 0 ? 0 : errno, 0},
        {opens(in_top("keep/log.2"), O_WRONLY | O_TRUNC), 0},
        {mkdir(in_top("keep/folder"), 0755) == 0 ? 0 : errno, EACCES},
        {symlink("/etc", in_top("keep/link")) == 0 ? 0 : errno, EACCES},
        {rename(in_top("keep/log.2"), in_top("conf/mtlsd.conf")) == 0 ? 0 : errno == EXDEV ? EACCES : errno, EACCES},
        {unlink(in_top("keep/log.2")) == 0 ? 0 : errno, 0},
        {unlink(in_top("conf/mtlsd.conf")) == 0 ? 0 : errno, EACCES},
        {binds(in_top("sockets/a.sock")), 0},
        {unlink(in_top("sockets/a.sock")) == 0 ? 0 : errno, 0},
        {binds(in_top("conf/b.sock")), EACCES},
        {execl("/bin/true", "true", (char *)NULL) == 0 ? 0 : errno, EACCES},
    };
    return first_wrong(rows, sizeof(rows) / sizeof(rows[0]));
}

/* E5 */
START_TEST(opens_what_the_configuration_names_and_nothing_else)
{
    if (kernel_has_it())
        ck_assert_int_eq(code_of(reads_and_no_more), 0);
}
END_TEST

static int reads_through_a_new_link(void)
{
    (void)enter();
    const struct row before = {opens(in_top("links/current/b.pem"), O_RDONLY), 0};
    FILE *go = fopen(in_top("keep/ready"), "w");
    if (first_wrong(&before, 1) != 0 || go == NULL)
        return 99;
    fclose(go);
    for (int i = 0; i < 500 && opens(in_top("keep/swapped"), O_RDONLY) != 0; i++)
        usleep(10000);
    const struct row rows[] = {
        {opens(in_top("keep/swapped"), O_RDONLY), 0},
        {opens(in_top("links/current/b.pem"), O_RDONLY), 0},
        {opens(in_top("links/third/b.pem"), O_RDONLY), 0},
    };
    return first_wrong(rows, 3);
}

/* As Kubernetes does it, and who deploys releases: by a link to a folder that is made later. */
START_TEST(a_link_may_lead_to_a_new_folder)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(reads_through_a_new_link());
    for (int i = 0; i < 500 && access(in_top("keep/ready"), F_OK) != 0; i++)
        usleep(10000);
    ck_assert_int_eq(mkdir(in_top("links/third"), 0755), 0);
    write_file("links/third/b.pem");
    ck_assert_int_eq(symlink("third", in_top("links/next")), 0);
    ck_assert_int_eq(rename(in_top("links/next"), in_top("links/current")), 0);
    write_file("keep/swapped");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

static void *try_in_thread(void *unused)
{
    (void)unused;
    return opens(in_top("other/secret"), O_RDONLY) == EACCES ? NULL : top;
}

static int a_thread_tries(void)
{
    pthread_t thread;
    void *result = top;
    (void)enter();
    return pthread_create(&thread, NULL, try_in_thread, NULL) == 0 && pthread_join(thread, &result) == 0 && result == NULL ? 0 : 1;
}

START_TEST(a_thread_that_comes_later_has_no_more)
{
    if (kernel_has_it())
        ck_assert_int_eq(code_of(a_thread_tries), 0);
}
END_TEST

static int hints(void)
{
    if (sandbox_hint(EACCES)[0] != '\0')
        return 1;
    bool in_force = enter().files > 0;
    if (sandbox_hides(in_top("other/secret")) != in_force || sandbox_hides(in_top("conf/mtlsd.conf")) || sandbox_hides(in_top("other/none")))
        return 3;
    return (sandbox_hint(EACCES)[0] != '\0') == in_force && sandbox_hint(ENOENT)[0] == '\0' ? 0 : 2;
}

START_TEST(says_that_the_sandbox_may_be_why)
{
    ck_assert_int_eq(code_of(hints), 0);
}
END_TEST

static int loops(void)
{
    struct sandbox_place place = {in_top("links/round"), SANDBOX_READ};
    const struct sandbox_plan plan = {.places = &place, .n = 1};
    struct sandbox_facts facts = {0};
    sandbox_files(&plan, &facts);
    return (facts.files > 0) == (facts.why[0] == '\0') ? 0 : 1;
}

START_TEST(links_in_a_circle_end)
{
    ck_assert_int_eq(symlink("round", in_top("links/round")), 0);
    ck_assert_int_eq(code_of(loops), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("sandbox_files");
    TCase *c = tcase_create("sandbox_files");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, opens_what_the_configuration_names_and_nothing_else);
    tcase_add_test(c, a_link_may_lead_to_a_new_folder);
    tcase_add_test(c, a_thread_that_comes_later_has_no_more);
    tcase_add_test(c, says_that_the_sandbox_may_be_why);
    tcase_add_test(c, links_in_a_circle_end);
    suite_add_tcase(s, c);
    return s;
}
