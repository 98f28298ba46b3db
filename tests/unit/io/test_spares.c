/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are kept ready for clients to come (pool.spare), of a real worker to a listening socket of this test. */
#include "spares.h"
#include "loop_worker.h"
#include "t.h"

#include "mtlsd/base/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOON_MS = 5000, BACKLOG = 16, SPARES = 2 };

static struct loop_worker w;
static int listening;
static uint16_t port;
static char said[4096];

/* ---- the upstream ---- */

static void listen_here(const char *literal, int backlog)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof(name);
    inet_pton(AF_INET, literal, &name.sin_addr);
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&name, sizeof(name)), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(listening, backlog), 0);
    getsockname(listening, (struct sockaddr *)&name, &size);
    port = ntohs(name.sin_port);
}

static int accept_one(void)
{
    return accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* ---- the worker ---- */

static void keep_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    size_t used = strlen(said);
    (void)ctx;
    (void)kind;
    (void)level;
    snprintf(said + used, sizeof(said) - used, "%.*s", (int)line.len, (const char *)line.ptr);
}

static double no_time(void)
{
    return 0;
}

static unsigned count_said(const char *word)
{
    unsigned n = 0;
    for (const char *at = said; (at = strstr(at, word)) != NULL; at++)
        n++;
    return n;
}

static void start(const char *literal)
{
    char text[512];
    snprintf(text, sizeof(text),
             "upstreams = { u = { targets = [ \"%s:%u\" ]; pool = { spare = %d; }; }; };\n"
             "listeners = { l = { bind = \"127.0.0.1:2\"; upstream = \"u\"; }; };\n",
             literal, (unsigned)port, SPARES);
    said[0] = '\0';
    log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, keep_line, NULL, no_time);
    loop_worker_start(&w, text);
}

static void tear_down(void)
{
    loop_worker_end(&w);
    close(listening);
    ck_assert_ptr_null(w.worker.spares.first);
    ck_assert_uint_eq(w.capacity.uplinks, 0);
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, NULL, NULL, NULL);
}

static bool are_ready(void *ctx)
{
    (void)ctx;
    return pool_idle_count(w.worker.env.pool) == SPARES;
}

static void expect_ready(void)
{
    ck_assert(loop_worker_run(&w, SOON_MS, are_ready, NULL));
    for (int i = 0; i < SPARES; i++)
        ck_assert_int_ge(accept_one(), 0);
}

static void rest(void)
{
    loop_worker_run(&w, 50, NULL, NULL);
}

START_TEST(makes_as_many_as_are_configured_and_no_more)
{
    listen_here("127.0.0.1", BACKLOG);
    start("127.0.0.1");
    spares_fill(&w.worker);
    expect_ready();
    spares_fill(&w.worker);
    rest();
    ck_assert_int_lt(accept_one(), 0);
    ck_assert_uint_eq(w.worker.n_uplinks, SPARES);
    ck_assert_ptr_null(w.worker.spares.first);
}
END_TEST

START_TEST(makes_another_when_one_was_used)
{
    listen_here("127.0.0.1", BACKLOG);
    start("127.0.0.1");
    spares_fill(&w.worker);
    expect_ready();
    struct uplink *used = pool_take(w.worker.env.pool, &w.snapshot->targets[0], true, worker_now().us);
    ck_assert_ptr_nonnull(used);
    worker_reap(&w.worker);
    ck_assert(loop_worker_run(&w, SOON_MS, are_ready, NULL));
    ck_assert_int_ge(accept_one(), 0);
    ck_assert_uint_eq(w.worker.n_uplinks, SPARES + 1);
    pool_retire(w.worker.env.pool, used);
}
END_TEST

START_TEST(says_why_none_can_be_made_and_does_not_try_at_once_again)
{
    listen_here("127.0.0.1", -1); /* bound, but it refuses connections */
    start("127.0.0.1");
    spares_fill(&w.worker);
    rest();
    ck_assert_msg(count_said("spare_failed") == SPARES, "%s", said); /* all of them were under way when the first failed */
    ck_assert_msg(strstr(said, "reason=connect_refused") != NULL && strstr(said, "upstream=u") != NULL, "%s", said);
    worker_reap(&w.worker);
    rest();
    ck_assert_uint_eq(count_said("spare_failed"), SPARES);
    ck_assert_uint_eq(w.worker.n_uplinks, 0);
}
END_TEST

/* C13: what clients ask for goes first. */
START_TEST(makes_none_while_descriptors_are_short)
{
    listen_here("127.0.0.1", BACKLOG);
    start("127.0.0.1");
    w.capacity.clients = w.capacity.most / 4 * 3;
    spares_fill(&w.worker);
    rest();
    ck_assert_int_lt(accept_one(), 0);
    ck_assert_uint_eq(w.worker.n_uplinks, 0);
    w.capacity.clients = 0;
    spares_fill(&w.worker);
    expect_ready();
}
END_TEST

START_TEST(makes_none_in_a_drain)
{
    listen_here("127.0.0.1", BACKLOG);
    start("127.0.0.1");
    w.worker.end.draining = true;
    spares_fill(&w.worker);
    rest();
    ck_assert_int_lt(accept_one(), 0);
    ck_assert_uint_eq(w.worker.n_uplinks, 0);
    w.worker.end.draining = false;
}
END_TEST

/* ---- an upstream that does not answer ---- */

static int filling[4];

static void start_towards_silence(void)
{
    listen_here("127.0.0.3", 0);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, "127.0.0.3", &name.sin_addr);
    for (size_t i = 0; i < sizeof(filling) / sizeof(filling[0]); i++) { /* a queue that is full: the kernel drops all others */
        filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(filling[i], (struct sockaddr *)&name, sizeof(name));
    }
    start("127.0.0.3");
    spares_fill(&w.worker);
    rest();
    ck_assert_ptr_nonnull(w.worker.spares.first);
}

static void end_silence(void)
{
    for (size_t i = 0; i < sizeof(filling) / sizeof(filling[0]); i++)
        close(filling[i]);
}

START_TEST(gives_up_those_that_take_too_long)
{
    start_towards_silence();
    spares_expire(&w.worker, worker_now());
    ck_assert_ptr_nonnull(w.worker.spares.first); /* they have time */
    struct moment late = worker_now();
    late.us += 3600ull * 1000 * 1000;
    spares_expire(&w.worker, late);
    ck_assert_ptr_null(w.worker.spares.first);
    ck_assert_msg(strstr(said, "reason=connect_timeout") != NULL, "%s", said);
    end_silence();
}
END_TEST

/* A reload makes another pool. */
START_TEST(stops_those_that_are_being_made)
{
    start_towards_silence();
    spares_stop(&w.worker);
    ck_assert_ptr_null(w.worker.spares.first);
    ck_assert_uint_eq(count_said("spare_failed"), 0); /* nothing failed */
    ck_assert_uint_eq(pool_idle_count(w.worker.env.pool), 0);
    end_silence();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spares");
    TCase *t = tcase_create("spares");
    tcase_add_checked_fixture(t, NULL, tear_down);
    tcase_add_test(t, makes_as_many_as_are_configured_and_no_more);
    tcase_add_test(t, makes_another_when_one_was_used);
    tcase_add_test(t, says_why_none_can_be_made_and_does_not_try_at_once_again);
    tcase_add_test(t, makes_none_while_descriptors_are_short);
    tcase_add_test(t, makes_none_in_a_drain);
    tcase_add_test(t, gives_up_those_that_take_too_long);
    tcase_add_test(t, stops_those_that_are_being_made);
    suite_add_tcase(s, t);
    return s;
}
