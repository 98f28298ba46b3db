/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/listen_check.h"
#include "t.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[32];

static void set_up(void)
{
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-lc-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct address tcp(const char *host, uint16_t port)
{
    struct address a = {.kind = ADDRESS_TCP, .port = port};
    snprintf(a.host, sizeof(a.host), "%s", host);
    return a;
}

static struct address in_folder(const char *name)
{
    struct address a = {.kind = ADDRESS_UNIX};
    snprintf(a.path, sizeof(a.path), "%s/%s", folder, name);
    return a;
}

static void expect(enum listen_check wanted, const struct address *a, const char *says)
{
    struct err err = {0};
    ck_assert_int_eq(listen_check_address(a, "the address", &err), wanted);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
}

static int listener(bool share, uint16_t *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(name);
    if (share)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static int unix_listener(const struct address *a)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, a->path, sizeof(name.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    return fd;
}

static bool has_caller(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0;
}

START_TEST(what_run_could_open_is_fine_and_stays_free)
{
    struct address any = tcp("127.0.0.1", 0), file = in_folder("x.sock");
    for (int i = 0; i < 2; i++) {
        expect(LISTEN_CHECK_FINE, &any, "");
        expect(LISTEN_CHECK_FINE, &file, "");
    }
    ck_assert_int_ne(access(file.path, F_OK), 0);
}
END_TEST

START_TEST(what_nobody_could_open_is_told_with_what_to_do)
{
    struct address name = tcp("nosuch.invalid", 80), strange = tcp("192.0.2.1", 8080), missing = in_folder("no/x.sock"), below = in_folder("file/x.sock"),
                   way = in_folder("file");
    fclose(fopen(way.path, "w"));
    expect(LISTEN_CHECK_FAILS, &name, "the address: cannot listen: ");
    expect(LISTEN_CHECK_FAILS, &name, "the name does not resolve here");
    expect(LISTEN_CHECK_FAILS, &strange, "this machine has no such address");
    expect(LISTEN_CHECK_FAILS, &missing, "make its folder first");
    expect(LISTEN_CHECK_FAILS, &below, "make its folder first");
    expect(LISTEN_CHECK_FAILS, &way, "another file has this name: remove it or choose another path");
}
END_TEST

START_TEST(a_right_that_is_missing_is_told_apart)
{
    struct address file = in_folder("x.sock");
    ck_assert_int_eq(chmod(folder, 0555), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(65534), 0); /* root may write anywhere */
    expect(LISTEN_CHECK_NO_RIGHT, &file, "a folder we may write to");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

START_TEST(a_port_that_is_in_use_is_told_and_who_holds_it_does_not_notice)
{
    uint16_t port;
    int fd = listener(false, &port);
    struct address a = tcp("127.0.0.1", port);
    expect(LISTEN_CHECK_IN_USE, &a, "another process listens there");
    ck_assert(!has_caller(fd));
    close(fd);
    expect(LISTEN_CHECK_FINE, &a, "");
}
END_TEST

/* As our own daemon does, which may be the one that runs this very configuration. */
START_TEST(a_port_that_its_user_shares_is_fine)
{
    uint16_t port;
    int fd = listener(true, &port);
    struct address a = tcp("127.0.0.1", port);
    expect(LISTEN_CHECK_FINE, &a, "");
    ck_assert(!has_caller(fd));
    close(fd);
}
END_TEST

START_TEST(a_unix_socket_is_in_use_while_somebody_listens)
{
    struct address a = in_folder("x.sock");
    int fd = unix_listener(&a);
    expect(LISTEN_CHECK_IN_USE, &a, "another process listens there");
    ck_assert(!has_caller(fd));
    close(fd);
    expect(LISTEN_CHECK_FINE, &a, ""); /* left behind: run replaces it */
}
END_TEST

START_TEST(the_admin_socket_is_looked_at_likewise)
{
    struct err err = {0};
    struct address a = in_folder("admin.sock"), missing = in_folder("no/admin.sock");
    ck_assert_int_eq(listen_check_admin(a.path, &err), LISTEN_CHECK_FINE);
    ck_assert_int_eq(listen_check_admin(missing.path, &err), LISTEN_CHECK_FAILS);
    ck_assert_ptr_nonnull(strstr(err.text, "make its folder first"));
    int fd = unix_listener(&a);
    ck_assert_int_eq(listen_check_admin(a.path, &err), LISTEN_CHECK_IN_USE);
    close(fd);
    struct err too_long = {0};
    char path[108];
    memset(path, 'x', sizeof(path));
    path[99] = '\0';
    ck_assert_int_eq(listen_check_admin(path, &too_long), LISTEN_CHECK_FAILS);
    ck_assert_ptr_nonnull(strstr(too_long.text, "a path of 1 to 95 bytes"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("listen_check");
    TCase *t = tcase_create("addresses");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_run_could_open_is_fine_and_stays_free);
    tcase_add_test(t, what_nobody_could_open_is_told_with_what_to_do);
    tcase_add_test(t, a_right_that_is_missing_is_told_apart);
    tcase_add_test(t, a_port_that_is_in_use_is_told_and_who_holds_it_does_not_notice);
    tcase_add_test(t, a_port_that_its_user_shares_is_fine);
    tcase_add_test(t, a_unix_socket_is_in_use_while_somebody_listens);
    tcase_add_test(t, the_admin_socket_is_looked_at_likewise);
    suite_add_tcase(s, t);
    return s;
}
