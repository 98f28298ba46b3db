/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/notify.h"
#include "t.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The manager's end. name as in NOTIFY_SOCKET. */
static int listen_at(const char *name)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t len = strlen(name);
    memcpy(at.sun_path, name, len + 1);
    if (name[0] == '@')
        at.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '@' ? 0 : 1))), 0);
    return fd;
}

static void expect_talk(const char *name)
{
    char text[64];
    const char *reason;
    int fd = listen_at(name);
    struct notify *n = notify_new(name, &reason);
    ck_assert_ptr_null(reason);
    ck_assert_ptr_nonnull(n);
    ck_assert(notify_send(n, "READY=1\nSTATUS=x"));
    ck_assert_int_eq(recv(fd, text, sizeof(text), 0), 16);
    ck_assert_int_eq(memcmp(text, "READY=1\nSTATUS=x", 16), 0);
    notify_free(n);
    close(fd);
}

START_TEST(reaches_a_path_and_an_abstract_name)
{
    char folder[] = "/tmp/mtlsd-notify-XXXXXX", path[64], name[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(name, sizeof(name), "@mtlsd-notify-%ld", (long)getpid());
    expect_talk(path);
    expect_talk(name);
    unlink(path);
    rmdir(folder);
}
END_TEST

START_TEST(never_waits_for_a_manager_that_does_not_read)
{
    char name[64];
    const char *reason;
    snprintf(name, sizeof(name), "@mtlsd-notify-full-%ld", (long)getpid());
    int fd = listen_at(name), sent = 0;
    struct notify *n = notify_new(name, &reason);
    while (sent < 100000 && notify_send(n, "WATCHDOG=1"))
        sent++;
    ck_assert_int_lt(sent, 100000);
    char text[64];
    while (recv(fd, text, sizeof(text), 0) > 0)
        ;
    ck_assert(notify_send(n, "READY=1"));
    close(fd);
    ck_assert(!notify_send(n, "READY=1")); /* gone */
    notify_free(n);
}
END_TEST

START_TEST(refuses_names_that_are_no_sockets)
{
    char longest[200];
    const char *reason;
    memset(longest, '/', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    const char *bad[] = {"relative", "@", "/", "vsock:2:1234", longest};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_ptr_null(notify_new(bad[i], &reason));
        ck_assert_ptr_nonnull(reason);
    }
    ck_assert_ptr_null(notify_new(NULL, &reason));
    ck_assert_ptr_null(reason);
    ck_assert_ptr_null(notify_new("", &reason));
    ck_assert_ptr_null(reason);
    ck_assert(notify_send(NULL, "READY=1"));
    notify_free(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("notify");
    TCase *t = tcase_create("notify");
    tcase_add_test(t, reaches_a_path_and_an_abstract_name);
    tcase_add_test(t, never_waits_for_a_manager_that_does_not_read);
    tcase_add_test(t, refuses_names_that_are_no_sockets);
    suite_add_tcase(s, t);
    return s;
}
