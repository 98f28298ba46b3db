/* SPDX-License-Identifier: Apache-2.0 */
/* Row C13 of the security list; on a real loop with real sockets. */
#include "refusing.h"
#include "t.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS "HTTP/1.1 503 Service Unavailable\r\n\r\n"

static uv_loop_t loop;
static struct refusing refusing;
static int listening;
static struct sockaddr_in address;

static void set_up(void)
{
    socklen_t size = sizeof(address);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    refusing_init(&refusing, &loop);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(listen(listening, 10), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &size), 0);
}

static void tear_down(void)
{
    refusing_close(&refusing);
    ck_assert_int_eq(refusing.spare, -1);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(listening);
}

/* *client: what it came by. */
static int accepted(int *client)
{
    *client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(*client, (struct sockaddr *)&address, sizeof(address)), 0);
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void refuse(int *client, const char *words)
{
    refusing_add(&refusing, accepted(client), span_from_str(words));
}

/* What a client reads: the bytes before the end, or -1 for a reset. */
static ssize_t read_all(int client, char *out, size_t size)
{
    size_t n = 0;
    ssize_t got;
    while ((got = recv(client, out + n, size - 1 - n, 0)) > 0)
        n += (size_t)got;
    out[n] = '\0';
    return got < 0 ? -1 : (ssize_t)n;
}

START_TEST(client_reads_the_words_and_the_end)
{
    int client;
    char got[100];
    refuse(&client, WORDS);
    ck_assert_int_gt(read_all(client, got, sizeof(got)), 0);
    ck_assert_str_eq(got, WORDS);
    close(client);
}
END_TEST

START_TEST(client_that_still_sends_reads_them_too)
{
    int client;
    char got[100], body[1000] = {0};
    refuse(&client, WORDS);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(send(client, body, sizeof(body), MSG_NOSIGNAL), sizeof(body));
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_int_gt(read_all(client, got, sizeof(got)), 0);
    ck_assert_str_eq(got, WORDS);
    close(client);
}
END_TEST

START_TEST(without_words_it_is_reset)
{
    int client;
    char got[100];
    refuse(&client, "");
    ck_assert_int_eq(read_all(client, got, sizeof(got)), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    ck_assert_uint_eq(refusing.n, 0);
    close(client);
}
END_TEST

START_TEST(only_the_last_few_are_kept_and_for_a_second)
{
    int clients[REFUSING_KEPT + 3];
    char got[100];
    for (size_t i = 0; i < REFUSING_KEPT + 3; i++)
        refuse(&clients[i], WORDS);
    ck_assert_uint_eq(refusing.n, REFUSING_KEPT);
    uint64_t began = uv_hrtime();
    uv_run(&loop, UV_RUN_DEFAULT); /* until the timer has nothing to do */
    ck_assert_uint_eq(refusing.n, 0);
    ck_assert_uint_ge((uv_hrtime() - began) / 1000000, 900);
    for (size_t i = 0; i < REFUSING_KEPT + 3; i++) {
        ck_assert_int_gt(read_all(clients[i], got, sizeof(got)), 0);
        close(clients[i]);
    }
}
END_TEST

START_TEST(client_that_has_left_is_not_kept)
{
    int client;
    refuse(&client, WORDS);
    close(client);
    uint64_t began = uv_hrtime();
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_lt((uv_hrtime() - began) / 1000000, 700);
}
END_TEST

/* The last one refused stands in for the spare descriptor, and gives way to the next. */
START_TEST(spare_descriptor_lasts_for_one_after_the_other)
{
    int clients[3];
    int spare = refusing.spare;
    ck_assert_int_ge(spare, 0);
    for (int i = 0; i < 3; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert(refusing_use_spare(&refusing));
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        ck_assert_int_eq(fd, spare);
        refusing_add(&refusing, fd, span_from_str(WORDS));
        ck_assert_uint_eq(refusing.n, 1);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_ge(refusing.spare, 0);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}
END_TEST

START_TEST(spare_descriptor_is_back_after_a_reset)
{
    int client, fd = accepted(&client);
    ck_assert(refusing_use_spare(&refusing));
    ck_assert_int_eq(refusing.spare, -1);
    refusing_add(&refusing, fd, span_of(NULL, 0));
    ck_assert_int_eq(refusing.spare, fd);
    close(client);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("refusing");
    TCase *t = tcase_create("refusing");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, client_reads_the_words_and_the_end);
    tcase_add_test(t, client_that_still_sends_reads_them_too);
    tcase_add_test(t, without_words_it_is_reset);
    tcase_add_test(t, only_the_last_few_are_kept_and_for_a_second);
    tcase_add_test(t, client_that_has_left_is_not_kept);
    tcase_add_test(t, spare_descriptor_lasts_for_one_after_the_other);
    tcase_add_test(t, spare_descriptor_is_back_after_a_reset);
    suite_add_tcase(s, t);
    return s;
}
