/* SPDX-License-Identifier: Apache-2.0 */
/* A plan of fetches carried out over real sockets; the server lives in the same loop and answers when the test says so. */
#include "mtlsd/io/fetch_round.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { URLS = 6, AT_ONCE = 4, CONNECTIONS = 32, GUARD_MS = 60000, QUIET_MS = 100 };

struct connection {
    uv_tcp_t stream;
    uv_write_t write;
    char request[2000];
    size_t len;
    bool asked, answered;
};

static uv_loop_t loop;
static uv_tcp_t server;
static uv_timer_t guard;
static struct connection *connections[CONNECTIONS];
static size_t n_connections;
static bool holds; /* answers wait for answer_all */
static char urls[URLS][100];

static struct fetch_round *r;
static size_t n_lists, n_failures;
static char last_body[100], last_error[200];

/* ---- the server ---- */

static void on_connection_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    uv_close((uv_handle_t *)write->handle, on_connection_closed);
}

static void answer(struct connection *c)
{
    static char good[] = "HTTP/1.1 200 OK\r\nETag: \"t\"\r\nContent-Length: 4\r\n\r\nlist", gone[] = "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\n\r\n";
    char *text = strstr(c->request, "GET /gone") != NULL ? gone : good;
    uv_buf_t buf = uv_buf_init(text, (unsigned)strlen(text));
    c->answered = true;
    uv_read_stop((uv_stream_t *)&c->stream);
    uv_write(&c->write, (uv_stream_t *)&c->stream, &buf, 1, on_written);
}

static void answer_all(void)
{
    holds = false;
    for (size_t i = 0; i < n_connections; i++)
        if (connections[i]->asked && !connections[i]->answered)
            answer(connections[i]);
    n_connections = 0;
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct connection *c = handle->data;
    (void)wanted;
    *buf = uv_buf_init(c->request + c->len, (unsigned)(sizeof(c->request) - 1 - c->len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct connection *c = stream->data;
    (void)buf;
    ck_assert_int_ge((int)n, 0);
    c->len += (size_t)n;
    c->asked = strstr(c->request, "\r\n\r\n") != NULL;
    if (c->asked && !holds)
        answer(c);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct connection *c = calloc(1, sizeof(*c));
    ck_assert_int_eq(status, 0);
    uv_tcp_init(&loop, &c->stream);
    c->stream.data = c;
    ck_assert_int_eq(uv_accept(listener, (uv_stream_t *)&c->stream), 0);
    if (holds) {
        ck_assert_uint_lt(n_connections, CONNECTIONS);
        connections[n_connections++] = c;
    }
    uv_read_start((uv_stream_t *)&c->stream, on_room, on_read);
}

/* ---- the hooks ---- */

static void on_list(void *ctx, const char *url, struct crl_fetch_answer *a)
{
    (void)ctx;
    n_lists++;
    snprintf(last_body, sizeof(last_body), "%.*s", (int)a->body.len, (const char *)bytes_span(&a->body).ptr);
    fetch_round_judged(r, url, a, &(struct crl_fetch_judgement){.ends = INT64_MAX});
}

static void on_failure(void *ctx, const struct crl_fetch_item *item)
{
    (void)ctx;
    n_failures++;
    snprintf(last_error, sizeof(last_error), "%s", item->error);
}

/* ---- a test's frame ---- */

static void on_guard(uv_timer_t *timer)
{
    (void)timer;
    ck_abort_msg("waited in vain");
}

static void set_up(void)
{
    struct sockaddr_in at;
    struct sockaddr_storage got;
    int n = sizeof(got);
    struct fetch_round_hooks hooks = {NULL, on_list, on_failure};
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(&loop, &server);
    ck_assert_int_eq(uv_tcp_bind(&server, (const struct sockaddr *)&at, 0), 0);
    ck_assert_int_eq(uv_listen((uv_stream_t *)&server, 20, on_connection), 0);
    ck_assert_int_eq(uv_tcp_getsockname(&server, (struct sockaddr *)&got, &n), 0);
    memcpy(&at, &got, sizeof(at));
    for (unsigned i = 0; i < URLS; i++)
        snprintf(urls[i], sizeof(urls[i]), "http://127.0.0.1:%d/%u", ntohs(at.sin_port), i);
    uv_timer_init(&loop, &guard);
    uv_timer_start(&guard, on_guard, GUARD_MS, 0);
    n_connections = n_lists = n_failures = 0;
    holds = false;
    r = fetch_round_new(&loop, &hooks);
    ck_assert_ptr_nonnull(r);
}

static void count_handle(uv_handle_t *handle, void *ctx)
{
    (void)handle;
    ++*(size_t *)ctx;
}

static size_t handles(void)
{
    size_t n = 0;
    uv_walk(&loop, count_handle, &n);
    return n;
}

static void tear_down(void)
{
    fetch_round_stop(r);
    fetch_round_stop(NULL);
    answer_all();
    while (handles() > 2) /* the server and the guard */
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&server, NULL);
    uv_close((uv_handle_t *)&guard, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static void on_quiet(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* What has not begun by then was not going to. */
static void run_quiet(void)
{
    bool over = false;
    uv_timer_t timer;
    uv_timer_init(&loop, &timer);
    timer.data = &over;
    uv_timer_start(&timer, on_quiet, QUIET_MS, 0);
    while (!over)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void follow(size_t n)
{
    struct crl_fetch_wish wishes[URLS];
    for (size_t i = 0; i < n; i++)
        wishes[i] = (struct crl_fetch_wish){.url = urls[i], .from_config = true, .held = true};
    ck_assert_int_eq(fetch_round_follow(r, wishes, n), 0);
}

static const struct crl_fetch_item *item_of(size_t i)
{
    for (size_t k = 0; k < fetch_round_plan(r)->n; k++)
        if (strcmp(fetch_round_plan(r)->items[k].url, urls[i]) == 0)
            return &fetch_round_plan(r)->items[k];
    return NULL;
}

/* ---- tests ---- */

START_TEST(hands_over_what_comes_and_tells_what_fails)
{
    memcpy(strrchr(urls[1], '/'), "/gone", 6);
    follow(2);
    while (n_lists < 1 || n_failures < 1)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_str_eq(last_body, "list");
    ck_assert_str_eq(last_error, "the server answers 404");
    ck_assert_int_ne(item_of(0)->succeeded, 0);
    ck_assert_str_eq(item_of(0)->tag, "\"t\"");
    ck_assert_int_eq(item_of(1)->succeeded, 0);
    ck_assert(!item_of(0)->busy && !item_of(1)->busy);
    run_quiet();
    ck_assert(!fetch_round_is_busy(r));
    ck_assert_uint_eq(n_lists + n_failures, 2);
}
END_TEST

START_TEST(asks_a_few_at_once_and_the_others_after_them)
{
    holds = true;
    follow(URLS);
    while (n_connections < AT_ONCE)
        uv_run(&loop, UV_RUN_ONCE);
    run_quiet();
    ck_assert_uint_eq(n_connections, AT_ONCE);
    ck_assert(fetch_round_is_busy(r));
    answer_all();
    while (n_lists < URLS)
        uv_run(&loop, UV_RUN_ONCE);
    run_quiet();
    ck_assert_uint_eq(n_lists, URLS);
}
END_TEST

START_TEST(asks_nobody_twice_while_an_answer_is_awaited)
{
    holds = true;
    follow(1);
    while (n_connections < 1)
        uv_run(&loop, UV_RUN_ONCE);
    follow(1);
    follow(2);
    while (n_connections < 2)
        uv_run(&loop, UV_RUN_ONCE);
    run_quiet();
    ck_assert_uint_eq(n_connections, 2);
    answer_all();
    while (n_lists < 2)
        uv_run(&loop, UV_RUN_ONCE);
}
END_TEST

START_TEST(an_answer_that_nobody_waits_for_any_more_is_dropped)
{
    holds = true;
    follow(1);
    while (n_connections < 1)
        uv_run(&loop, UV_RUN_ONCE);
    follow(0);
    answer_all();
    while (fetch_round_is_busy(r))
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(n_lists + n_failures, 0);
}
END_TEST

/* The loop is not held up, nothing is told any more, and the address sanitizer finds nothing left. */
START_TEST(a_stop_while_answers_are_awaited_is_the_end_of_it)
{
    holds = true;
    follow(URLS);
    while (n_connections < AT_ONCE)
        uv_run(&loop, UV_RUN_ONCE);
    fetch_round_stop(r);
    fetch_round_stop(r);
    answer_all();
    while (handles() > 2)
        uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(n_lists + n_failures, 0);
    r = NULL;
}
END_TEST

START_TEST(a_stop_before_anything_began_is_the_end_of_it)
{
    follow(1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fetch_round");
    TCase *t = tcase_create("fetch_round");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, hands_over_what_comes_and_tells_what_fails);
    tcase_add_test(t, asks_a_few_at_once_and_the_others_after_them);
    tcase_add_test(t, asks_nobody_twice_while_an_answer_is_awaited);
    tcase_add_test(t, an_answer_that_nobody_waits_for_any_more_is_dropped);
    tcase_add_test(t, a_stop_while_answers_are_awaited_is_the_end_of_it);
    tcase_add_test(t, a_stop_before_anything_began_is_the_end_of_it);
    suite_add_tcase(s, t);
    return s;
}
