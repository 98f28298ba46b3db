/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/inherited.h"
#include "t.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST = 200, US = 42 };

static struct err err;

static int socket_at(int number, int type, const char *host, bool listens)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    int fd = socket(AF_INET, type, 0);
    ck_assert_int_eq(inet_pton(AF_INET, host, &at.sin_addr), 1);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    if (listens)
        ck_assert_int_eq(listen(fd, 1), 0);
    ck_assert_int_eq(dup2(fd, number), number);
    close(fd);
    return number;
}

START_TEST(finds_every_socket_of_a_name)
{
    socket_at(FIRST, SOCK_STREAM, "127.0.0.1", true);
    socket_at(FIRST + 1, SOCK_STREAM, "127.0.0.1", true);
    socket_at(FIRST + 2, SOCK_STREAM, "127.0.0.1", true);
    struct inherited *s = inherited_new(&(struct inherited_env){"3", "web:admin:web", "42"}, FIRST, US, &err);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(inherited_fd(s, "web", 0), FIRST);
    ck_assert_int_eq(inherited_fd(s, "web", 1), FIRST + 2);
    ck_assert_int_eq(inherited_fd(s, "web", 2), -1);
    ck_assert_int_eq(inherited_fd(s, "admin", 0), FIRST + 1);
    ck_assert_int_eq(inherited_fd(s, "we", 0), -1);
    ck_assert_str_eq(inherited_name(s, 1), "admin");
    ck_assert_ptr_null(inherited_name(s, 3));
    ck_assert_int_ne(fcntl(FIRST, F_GETFD) & FD_CLOEXEC, 0);
    ck_assert_int_ne(fcntl(FIRST, F_GETFL) & O_NONBLOCK, 0);
    inherited_free(s);
    ck_assert_int_eq(fcntl(FIRST + 2, F_GETFD), -1);
}
END_TEST

START_TEST(names_of_descriptors_that_are_known_may_hold_any_byte)
{
    static const char *const names[] = {"[::1]:8443", "unix:/run/a:b", "[::1]:8443"};
    for (int i = 0; i < 3; i++)
        socket_at(FIRST + i, SOCK_STREAM, "127.0.0.1", true);
    struct inherited *s = inherited_of(names, 3, FIRST);
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(inherited_fd(s, "[::1]:8443", 1), FIRST + 2);
    ck_assert_int_eq(inherited_fd(s, "unix:/run/a:b", 0), FIRST + 1);
    ck_assert_int_eq(inherited_at(s, 2), FIRST + 2);
    ck_assert_int_ne(fcntl(FIRST, F_GETFD) & FD_CLOEXEC, 0);
    inherited_free(s);
    ck_assert_int_eq(fcntl(FIRST, F_GETFD), -1);
}
END_TEST

START_TEST(takes_nothing_that_is_meant_for_another_process)
{
    static const struct inherited_env rows[] = {
        {"1", "web", "41"}, {"1", "web", NULL}, {"1", "web", ""}, {NULL, NULL, "42"}, {"0", "", "42"}, {"-1", "web", "42"}, {"1x", "web", "42"},
        {"99999999999", "web", "42"}, {"2000", "web", "42"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_ptr_null(inherited_new(&rows[i], FIRST, US, &err));
    ck_assert_int_eq(err.kind, ERR_NONE);
    inherited_free(NULL);
}
END_TEST

START_TEST(names_what_is_missing)
{
    ck_assert_int_eq(inherited_explain(NULL, "web", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "passed no sockets"));
    err = (struct err){0};
    socket_at(FIRST, SOCK_STREAM, "127.0.0.1", true);
    socket_at(FIRST + 1, SOCK_STREAM, "127.0.0.1", true);
    struct inherited *s = inherited_new(&(struct inherited_env){"2", NULL, "42"}, FIRST, US, &err);
    ck_assert_int_eq(inherited_explain(s, "web", &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "but unknown, unknown: set FileDescriptorName=web"));
    inherited_free(s);
    err = (struct err){0};
    s = inherited_new(&(struct inherited_env){"2", "a", "42"}, FIRST, US, &err); /* fewer names than sockets */
    ck_assert_str_eq(inherited_name(s, 1), "unknown");
    inherited_free(s);
    err = (struct err){0};
}
END_TEST

static struct inherited_kind look(int fd)
{
    struct inherited_kind kind;
    ck_assert_int_eq(inherited_look(fd, "web", &kind, &err), 0);
    close(fd);
    return kind;
}

START_TEST(sees_which_hosts_and_users_can_connect)
{
    ck_assert(look(socket_at(FIRST, SOCK_STREAM, "127.0.0.1", true)).loopback);
    struct inherited_kind kind = look(socket_at(FIRST, SOCK_STREAM, "0.0.0.0", true));
    ck_assert(kind.tcp && !kind.loopback && !kind.open_to_others);
    char folder[] = "/tmp/mtlsd-inherited-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(folder));
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", folder);
    for (int mode = 0600; mode <= 0666; mode += 066) {
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
        ck_assert_int_eq(chmod(at.sun_path, (mode_t)mode), 0);
        ck_assert_int_eq(listen(fd, 1), 0);
        kind = look(fd);
        ck_assert(!kind.tcp && kind.loopback && kind.open_to_others == (mode == 0666));
        unlink(at.sun_path);
    }
    rmdir(folder);
}
END_TEST

START_TEST(refuses_what_is_no_listening_stream_socket)
{
    struct inherited_kind kind;
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    const struct {
        int fd;
        const char *says;
    } rows[] = {
        {socket_at(FIRST, SOCK_DGRAM, "127.0.0.1", false), "no stream socket: write ListenStream="},
        {socket_at(FIRST + 1, SOCK_STREAM, "127.0.0.1", false), "does not listen: set Accept=no"},
        {ends[0], "is no socket"},
        {ends[1] + 500, "is no socket"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        err = (struct err){0};
        ck_assert_int_eq(inherited_look(rows[i].fd, "web", &kind, &err), -1);
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
        close(rows[i].fd);
    }
    close(ends[1]);
    err = (struct err){0};
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("inherited");
    TCase *t = tcase_create("inherited");
    tcase_add_test(t, finds_every_socket_of_a_name);
    tcase_add_test(t, names_of_descriptors_that_are_known_may_hold_any_byte);
    tcase_add_test(t, takes_nothing_that_is_meant_for_another_process);
    tcase_add_test(t, names_what_is_missing);
    tcase_add_test(t, sees_which_hosts_and_users_can_connect);
    tcase_add_test(t, refuses_what_is_no_listening_stream_socket);
    suite_add_tcase(s, t);
    return s;
}
