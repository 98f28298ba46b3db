/* SPDX-License-Identifier: Apache-2.0 */
/* Row C13 of the security list: what a worker does with clients that find no place. The clients are sockets of this test, on loopback. */
#include "listening.h"
#include "loop_worker.h"
#include "t.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static const char config_text[] = "upstreams = { u = { targets = [ \"127.0.0.1:1\" ]; }; };\n"
                                  "listeners = { web = { bind = \"127.0.0.1:2\"; upstream = \"u\"; };\n"
                                  "              raw = { bind = \"127.0.0.1:3\"; protocol = \"tcp\"; upstream = \"u\"; }; };\n";

enum { SOON_MS = 5000, MAX_CLIENTS = 8 };

static struct loop_worker w;
static struct sockaddr_in place;
static int clients[MAX_CLIENTS], n_clients;
static unsigned wakes;

static void on_wake(void *ctx)
{
    (void)ctx;
    wakes++;
}

static void listen_as(const char *listener)
{
    struct err err = {0};
    socklen_t size = sizeof(place);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    place = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&place, sizeof(place)), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    getsockname(fd, (struct sockaddr *)&place, &size);
    ck_assert_msg(worker_listen(&w.worker, fd, true, "127.0.0.1:2", listener, &err) == 0, "%s", err.text);
}

static void set_up(void)
{
    loop_worker_start(&w, config_text);
    w.capacity.wake = on_wake;
    wakes = 0;
    n_clients = 0;
}

static void tear_down(void)
{
    for (int i = 0; i < n_clients; i++)
        close(clients[i]);
    loop_worker_end(&w);
    ck_assert_uint_eq(w.capacity.clients, 0);
}

static int come(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_lt(n_clients, MAX_CLIENTS);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&place, sizeof(place)), 0);
    clients[n_clients++] = fd;
    return fd;
}

/* ---- what a client sees ---- */

struct heard {
    int fd;
    char text[2048];
    size_t n;
    bool ended, reset;
};

static bool has_ended(void *ctx)
{
    struct heard *h = ctx;
    ssize_t got = recv(h->fd, h->text + h->n, sizeof(h->text) - 1 - h->n, MSG_DONTWAIT);
    if (got > 0)
        h->n += (size_t)got;
    h->text[h->n] = '\0';
    h->reset = got < 0 && errno == ECONNRESET;
    h->ended = got == 0 || h->reset;
    return h->ended;
}

static bool has_answer(void *ctx)
{
    return has_ended(ctx) || strstr(((struct heard *)ctx)->text, "\r\n\r\n") != NULL;
}

static struct heard hear(int fd, unsigned ms)
{
    struct heard h = {.fd = fd};
    loop_worker_run(&w, ms, has_ended, &h);
    return h;
}

static bool serves_n(void *ctx)
{
    return w.worker.n_conns == *(const size_t *)ctx;
}

static void expect_served(size_t n)
{
    ck_assert(loop_worker_run(&w, SOON_MS, serves_n, &n));
}

static int come_and_say(const char *text)
{
    size_t before = w.worker.n_conns;
    int fd = come();
    ck_assert_int_eq(send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
    expect_served(before + 1);
    return fd;
}

/* A request whose head is not complete: such a client is not idle. */
static int come_busy(void)
{
    int fd = come_and_say("GET / HT");
    loop_worker_run(&w, 20, NULL, NULL);
    return fd;
}

/* One whose request went upstream, where connections are refused, and that sends nothing more. Others are spared for their first second. */
static int come_idle(void)
{
    int fd = come_and_say("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    struct heard h = {.fd = fd};
    ck_assert(loop_worker_run(&w, SOON_MS, has_answer, &h));
    ck_assert_msg(strncmp(h.text, "HTTP/1.1 502 ", 13) == 0 && !h.ended, "%s", h.text);
    return fd;
}

START_TEST(serves_clients_while_there_are_places)
{
    listen_as("web");
    come();
    come();
    expect_served(2);
    ck_assert_uint_eq(w.capacity.clients, 2);
    ck_assert_uint_eq(w.capacity.refused, 0);
}
END_TEST

START_TEST(closes_the_client_that_is_idle_for_longest_for_a_new_one)
{
    listen_as("web");
    w.capacity.most_clients = 2;
    int first = come_idle(), second = come_idle();
    come();
    ck_assert(hear(first, SOON_MS).ended);
    ck_assert(!hear(second, 20).ended);
    expect_served(2);
    ck_assert_uint_eq(w.capacity.refused, 0);
}
END_TEST

START_TEST(spares_clients_that_just_came)
{
    listen_as("web");
    w.capacity.most_clients = 1;
    int first = come();
    expect_served(1);
    ck_assert_int_eq(strncmp(hear(come(), SOON_MS).text, "HTTP/1.1 503 ", 13), 0);
    ck_assert(!hear(first, 20).ended);
}
END_TEST

START_TEST(answers_503_when_no_client_is_idle)
{
    listen_as("web");
    w.capacity.most_clients = 1;
    int busy = come_busy();
    struct heard h = hear(come(), SOON_MS);
    ck_assert(h.ended);
    ck_assert_msg(strncmp(h.text, "HTTP/1.1 503 ", 13) == 0 && strstr(h.text, "overloaded") != NULL, "%s", h.text);
    ck_assert_uint_eq(w.capacity.refused, 1);
    ck_assert_uint_eq(w.worker.n_conns, 1);
    ck_assert(!hear(busy, 20).ended); /* and the busy one goes on */
}
END_TEST

START_TEST(resets_a_tcp_client_when_it_is_full)
{
    listen_as("raw");
    w.capacity.most_clients = 0;
    struct heard h = hear(come(), SOON_MS);
    ck_assert(h.reset);
    ck_assert_uint_eq(h.n, 0);
    ck_assert_uint_eq(w.capacity.refused, 1);
}
END_TEST

/* A reload took the listener away while the client was on its way. */
START_TEST(resets_clients_of_a_listener_that_is_gone)
{
    listen_as("another");
    w.capacity.most_clients = 0;
    ck_assert(hear(come(), SOON_MS).reset);
}
END_TEST

START_TEST(asks_the_other_workers_once_and_lets_the_client_wait)
{
    listen_as("web");
    w.capacity.workers = 2;
    w.capacity.most_clients = 1;
    come_busy();
    int waits = come();
    ck_assert(!hear(waits, 20).ended);
    ck_assert_uint_eq(wakes, 1);
    ck_assert_uint_eq(w.worker.listening.n_waiting, 1);
    w.capacity.most_clients = 2; /* another worker let one go */
    expect_served(2);
    ck_assert_uint_eq(w.worker.listening.n_waiting, 0);
    ck_assert_uint_eq(w.capacity.refused, 0);
}
END_TEST

START_TEST(refuses_the_waiting_client_when_the_others_have_no_idle_ones)
{
    listen_as("web");
    w.capacity.workers = 2;
    w.capacity.most_clients = 1;
    come_busy();
    struct heard h = hear(come(), SOON_MS);
    ck_assert_msg(strncmp(h.text, "HTTP/1.1 503 ", 13) == 0, "%s", h.text);
    ck_assert_uint_eq(w.worker.listening.n_waiting, 0);
    ck_assert_uint_eq(w.capacity.refused, 1);
}
END_TEST

/* The other side of it: this worker is the one that is asked. */
START_TEST(lets_idle_clients_go_when_another_worker_asks)
{
    listen_as("web");
    w.capacity.workers = 2;
    w.capacity.most_clients = 2;
    int idle = come_idle();
    w.capacity.clients++; /* of the other worker */
    listening_on_ask(&w.worker); /* it did not ask */
    ck_assert(!hear(idle, 20).ended);
    w.capacity.asks++;
    listening_on_ask(&w.worker);
    ck_assert(hear(idle, SOON_MS).ended);
    expect_served(0);
    w.capacity.clients--;
}
END_TEST

START_TEST(keeps_idle_clients_when_another_worker_asks_and_there_is_room)
{
    listen_as("web");
    w.capacity.workers = 2;
    int idle = come_idle();
    w.capacity.asks++;
    listening_on_ask(&w.worker);
    ck_assert(!hear(idle, 20).ended);
}
END_TEST

START_TEST(finds_no_room_for_an_upstream_connection_in_a_full_process)
{
    w.capacity.most = 2;
    ck_assert(listening_take_uplink(&w.worker));
    ck_assert(listening_take_uplink(&w.worker));
    ck_assert(!listening_take_uplink(&w.worker));
    ck_assert_uint_eq(wakes, 0); /* this worker is the only one */
    w.capacity.workers = 2;
    ck_assert(!listening_take_uplink(&w.worker));
    ck_assert(!listening_take_uplink(&w.worker));
    ck_assert_uint_eq(wakes, 1); /* not for each */
    capacity_leave_uplink(&w.capacity);
    capacity_leave_uplink(&w.capacity);
}
END_TEST

/* There is a place, but no descriptor: the limit was lowered. */
START_TEST(closes_an_idle_client_when_accept_finds_no_descriptor)
{
    struct rlimit before, none;
    listen_as("web");
    int first = come_idle();
    come();
    getrlimit(RLIMIT_NOFILE, &before);
    none = (struct rlimit){3, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct heard h = hear(first, SOON_MS);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert(h.ended);
    expect_served(1);
    ck_assert_uint_eq(w.capacity.refused, 0);
}
END_TEST

START_TEST(closes_a_waiting_client_with_its_socket)
{
    listen_as("web");
    w.capacity.workers = 2;
    w.capacity.most_clients = 0;
    int waits = come();
    ck_assert(!hear(waits, 20).ended);
    struct listen_socket *s = w.worker.listening.sockets;
    w.worker.listening.sockets = NULL;
    listening_close_socket(s);
    ck_assert(hear(waits, SOON_MS).ended);
    ck_assert_uint_eq(w.worker.listening.n_waiting, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("listening");
    TCase *t = tcase_create("listening");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, serves_clients_while_there_are_places);
    tcase_add_test(t, closes_the_client_that_is_idle_for_longest_for_a_new_one);
    tcase_add_test(t, spares_clients_that_just_came);
    tcase_add_test(t, answers_503_when_no_client_is_idle);
    tcase_add_test(t, resets_a_tcp_client_when_it_is_full);
    tcase_add_test(t, resets_clients_of_a_listener_that_is_gone);
    tcase_add_test(t, asks_the_other_workers_once_and_lets_the_client_wait);
    tcase_add_test(t, refuses_the_waiting_client_when_the_others_have_no_idle_ones);
    tcase_add_test(t, lets_idle_clients_go_when_another_worker_asks);
    tcase_add_test(t, keeps_idle_clients_when_another_worker_asks_and_there_is_room);
    tcase_add_test(t, finds_no_room_for_an_upstream_connection_in_a_full_process);
    tcase_add_test(t, closes_an_idle_client_when_accept_finds_no_descriptor);
    tcase_add_test(t, closes_a_waiting_client_with_its_socket);
    suite_add_tcase(s, t);
    return s;
}
