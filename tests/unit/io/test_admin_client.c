/* SPDX-License-Identifier: Apache-2.0 */
/* The client against the listener of this program, which runs on a thread of its own. */
#include "t.h"

#include "mtlsd/io/admin_client.h"
#include "mtlsd/io/admin_listener.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t loop;
static uv_async_t stop;
static pthread_t thread;
static struct admin_listener *listener;
static char folder[64], path[96];
static struct admin_view view;
static struct config config = {.path = "x.conf"};
static struct snapshot snapshot = {.config = &config};
static struct counters counters;
static struct findings findings;

static const struct admin_view *give_view(void *ctx)
{
    (void)ctx;
    return &view;
}

static void reload_at_once(void *ctx, struct admin_pending *pending)
{
    (void)ctx;
    struct admin_reload result = {.ok = false, .generation = 5, .findings = &findings};
    admin_listener_reloaded(pending, &result);
}

static void ignore_drain(void *ctx)
{
    (void)ctx;
}

static void on_stop(uv_async_t *async)
{
    admin_listener_stop(listener);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run_loop(void *ctx)
{
    uv_run(ctx, UV_RUN_DEFAULT);
    return NULL;
}

static void set_up(void)
{
    static const struct admin_hooks hooks = {.view = give_view, .glance = give_view, .reload = reload_at_once, .drain = ignore_drain};
    struct err err = {0};
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/admin.sock", folder);
    view = (struct admin_view){.version = "t", .ready = true, .snapshot = &snapshot, .counters = &counters};
    findings_init(&findings);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(uv_async_init(&loop, &stop, on_stop), 0);
    listener = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_msg(listener != NULL, "%s", err.text);
    ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, &loop), 0);
}

static void tear_down(void)
{
    uv_async_send(&stop);
    pthread_join(thread, NULL);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    rmdir(folder);
}

static const struct row {
    const char *method, *target;
    unsigned status;
    const char *says;
} rows[] = {
    {"GET", "/status", 200, "\"version\": \"t\""},
    {"GET", "/livez", 200, "live"},
    {"POST", "/reload", 422, "\"generation\": 5"},
    {"POST", "/drain", 202, "draining"},
    {"GET", "/drain", 405, "use POST"},
    {"GET", "/nothing", 404, "/status"},
};

START_TEST(brings_back_what_was_answered)
{
    struct admin_call call = {.socket = path, .method = rows[_i].method, .path = rows[_i].target, .timeout_ms = 10000};
    unsigned status = 0;
    struct bytes body;
    struct err err = {0};
    ck_assert_msg(admin_client_call(&call, &status, &body, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(status, rows[_i].status);
    ck_assert_int_eq(bytes_append(&body, "", 1), 0);
    ck_assert_ptr_nonnull(strstr((const char *)bytes_span(&body).ptr, rows[_i].says));
    bytes_clear(&body);
}
END_TEST

START_TEST(does_not_mind_a_proxy_in_the_environment)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    struct admin_call call = {.socket = path, .method = "GET", .path = "/livez", .timeout_ms = 10000};
    unsigned status = 0;
    struct bytes body;
    ck_assert_int_eq(admin_client_call(&call, &status, &body, NULL), 0);
    ck_assert_uint_eq(status, 200);
    bytes_clear(&body);
}
END_TEST

static void expect_failure(const char *socket_path, const char *says)
{
    struct admin_call call = {.socket = socket_path, .method = "GET", .path = "/livez", .timeout_ms = 10000};
    unsigned status = 0;
    struct bytes body;
    struct err err = {0};
    ck_assert_int_eq(admin_client_call(&call, &status, &body, &err), -1);
    ck_assert_int_eq(err.kind, ERR_IO);
    ck_assert_msg(strstr(err.text, says) != NULL && strstr(err.text, socket_path) != NULL, "%s", err.text);
    ck_assert_ptr_null(body.data);
}

START_TEST(says_what_is_the_matter_when_nobody_answers)
{
    char gone[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(gone, sizeof(gone), "%s/none.sock", folder);
    expect_failure(gone, "is mtlsd running");
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/stale.sock", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    expect_failure(address.sun_path, "it has ended");
    unlink(address.sun_path);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admin_client");
    TCase *t = tcase_create("admin_client");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, brings_back_what_was_answered, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, does_not_mind_a_proxy_in_the_environment);
    tcase_add_test(t, says_what_is_the_matter_when_nobody_answers);
    suite_add_tcase(s, t);
    return s;
}
