/* SPDX-License-Identifier: Apache-2.0 */
/* E2: the kernel says who opened a connection, and what it says of a socket that is gone or another one is not believed. */
#include "t.h"

#include "caller_ask.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct caller_asker asker;
static int server, client;

static void set_up(void)
{
    asker = (struct caller_asker){0};
    server = client = -1;
}

static void tear_down(void)
{
    caller_asker_clear(&asker);
    if (server >= 0)
        close(server);
    if (client >= 0)
        close(client);
}

/* Both are loopback, the client of this family, to a listener of that one. */
static void connect_pair(int listener_family, int client_family)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bool v6 = listener_family == AF_INET6;
    struct sockaddr *at = v6 ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t size = v6 ? sizeof(six) : sizeof(four);
    six.sin6_addr = in6addr_any;
    int listener = socket(listener_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert(listener >= 0 && bind(listener, at, size) == 0 && listen(listener, 1) == 0 && getsockname(listener, at, &size) == 0);
    unsigned short port = v6 ? six.sin6_port : four.sin_port;
    client = socket(client_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = in6addr_loopback};
    if (!v6 && client_family == AF_INET6) /* an IPv6 socket that speaks IPv4 */
        six.sin6_addr = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    bool four_wanted = client_family == AF_INET;
    at = four_wanted ? (struct sockaddr *)&four : (struct sockaddr *)&six;
    ck_assert_int_eq(connect(client, at, four_wanted ? sizeof(four) : sizeof(six)), 0);
    server = accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    close(listener);
}

static void expect_us(void)
{
    struct caller *c = caller_ask(&asker, server, true);
    ck_assert_ptr_nonnull(c);
    ck_assert_msg(c->known, "%s", c->why);
    ck_assert_uint_eq(c->uid, geteuid());
    ck_assert(!c->groups_known);
    free(c);
}

static void expect_unknown(const char *why)
{
    struct caller *c = caller_ask(&asker, server, true);
    ck_assert_ptr_nonnull(c);
    ck_assert(!c->known);
    ck_assert_msg(strstr(c->why, why) != NULL, "%s", c->why);
    free(c);
}

START_TEST(knows_both_families_and_their_mixtures)
{
    static const int families[][2] = {{AF_INET, AF_INET}, {AF_INET6, AF_INET6}, {AF_INET6, AF_INET}, {AF_INET, AF_INET6}};
    if (geteuid() == CALLER_OVERFLOW_ID)
        return;
    connect_pair(families[_i][0], families[_i][1]);
    expect_us();
    expect_us(); /* with the same netlink socket */
}
END_TEST

START_TEST(a_socket_that_its_program_closed_is_of_no_user)
{
    connect_pair(AF_INET, AF_INET);
    close(client);
    client = -1;
    expect_unknown("has closed the connection");
}
END_TEST

START_TEST(half_closed_is_not_closed)
{
    connect_pair(AF_INET, AF_INET);
    ck_assert_int_eq(shutdown(client, SHUT_WR), 0);
    expect_us();
    ck_assert_int_eq(shutdown(server, SHUT_WR), 0);
}
END_TEST

START_TEST(a_connection_that_was_reset_is_of_no_user)
{
    struct linger now = {1, 0};
    connect_pair(AF_INET, AF_INET);
    ck_assert_int_eq(setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
    close(client);
    client = -1;
    expect_unknown("has closed the connection");
}
END_TEST

START_TEST(knows_the_process_behind_a_unix_socket)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    server = pair[0];
    client = pair[1];
    struct caller *c = caller_ask(&asker, server, false);
    ck_assert_ptr_nonnull(c);
    ck_assert(c->groups_known && c->n_gids >= 1);
    ck_assert_uint_eq(c->gids[0], getegid());
    ck_assert_uint_eq(c->uid, geteuid());
    ck_assert_int_eq(strncmp(c->program, "unit_io", 7), 0);
    free(c);
    ck_assert_int_eq(asker.fd, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("caller_ask");
    TCase *t = tcase_create("caller_ask");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, knows_both_families_and_their_mixtures, 0, 4);
    tcase_add_test(t, a_socket_that_its_program_closed_is_of_no_user);
    tcase_add_test(t, half_closed_is_not_closed);
    tcase_add_test(t, a_connection_that_was_reset_is_of_no_user);
    tcase_add_test(t, knows_the_process_behind_a_unix_socket);
    suite_add_tcase(s, t);
    return s;
}
