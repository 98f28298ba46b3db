/* SPDX-License-Identifier: Apache-2.0 */
#include "listen_fd.h"
#include "t.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned listened;

/* Instead of the library's: counts. */
int listen(int fd, int backlog)
{
    listened++;
    return (int)syscall(SYS_listen, fd, backlog);
}

static struct address loopback(uint16_t port)
{
    struct address a = {.kind = ADDRESS_TCP, .port = port};
    snprintf(a.host, sizeof(a.host), "127.0.0.1");
    return a;
}

static struct sockaddr_in name_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &size), 0);
    return name;
}

START_TEST(who_is_accepted_sends_without_delay)
{
    struct err err = {0};
    struct address a = loopback(0);
    int on = 0, fd = listen_fd_open(&a, "127.0.0.1:0", false, &err);
    socklen_t size = sizeof(on);
    ck_assert_msg(fd >= 0, "%s", err.text);
    struct sockaddr_in name = name_of(fd);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&name, sizeof(name)), 0);
    int accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(accepted, 0);
    ck_assert_int_eq(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, &size), 0);
    ck_assert_int_ne(on, 0);
    close(client);
    close(accepted);
    close(fd);
}
END_TEST

START_TEST(an_address_that_a_stranger_listens_on_is_refused_with_words)
{
    struct err err = {0};
    int stranger = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(stranger, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)); /* even one that would share */
    ck_assert_int_eq(bind(stranger, (struct sockaddr *)&name, sizeof(name)), 0);
    ck_assert_int_eq(listen(stranger, 1), 0);
    struct address a = loopback(ntohs(name_of(stranger).sin_port));
    ck_assert_int_eq(listen_fd_open(&a, "127.0.0.1:x", true, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "another process listens there"));
    close(stranger);
}
END_TEST

/* A client that reached the socket of the first look would be reset. */
START_TEST(only_the_socket_that_stays_is_ever_open_to_clients)
{
    struct err err = {0};
    struct address a = loopback(0);
    listened = 0;
    int fd = listen_fd_open(&a, "127.0.0.1:0", true, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    ck_assert_uint_eq(listened, 1);
    close(fd);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("listen_fd");
    TCase *t = tcase_create("listen_fd");
    tcase_add_test(t, who_is_accepted_sends_without_delay);
    tcase_add_test(t, an_address_that_a_stranger_listens_on_is_refused_with_words);
    tcase_add_test(t, only_the_socket_that_stays_is_ever_open_to_clients);
    suite_add_tcase(s, t);
    return s;
}
