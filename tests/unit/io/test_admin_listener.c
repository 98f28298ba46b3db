/* SPDX-License-Identifier: Apache-2.0 */
/* The admin socket over a real loop and real unix sockets in a folder of its own. The client side is a plain descriptor that is looked at
 * between turns of the loop, so nothing waits blindly. */
#include "t.h"

#include "mtlsd/io/admin_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t loop;
static char folder[64], path[96];
static struct admin_view view;
static struct config config = {.path = "x.conf"};
static struct snapshot snapshot = {.config = &config};
static struct counters counters;
static struct admin_pending *pending;
static unsigned drained;
static struct err err;

static const struct admin_view *give_view(void *ctx)
{
    (void)ctx;
    return &view;
}

static void note_reload(void *ctx, struct admin_pending *p)
{
    (void)ctx;
    pending = p;
}

static void note_drain(void *ctx)
{
    (void)ctx;
    drained++;
}

static const struct admin_hooks hooks = {.view = give_view, .glance = give_view, .reload = note_reload, .drain = note_drain};

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    snprintf(folder, sizeof(folder), "/tmp/mtlsd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/admin.sock", folder);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    view = (struct admin_view){.version = "t", .now = 10, .started = 5, .ready = true, .snapshot = &snapshot, .counters = &counters};
    pending = NULL;
    drained = 0;
    err_clear(&err);
}

/* Every handle must be gone once the loop has run out: a leak shows here. */
static void tear_down(void)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

enum { TURNS = 1000 };

/* Turns the loop until the other side has closed; gives what it said. */
static const char *hear(int fd)
{
    static char text[65536];
    size_t n = 0;
    bool ended = false;
    for (int i = 0; i < TURNS && !ended; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t got = recv(fd, text + n, sizeof(text) - 1 - n, 0);
        ended = got == 0 || (got < 0 && errno != EAGAIN);
        n += got > 0 ? (size_t)got : 0;
    }
    text[n] = '\0';
    ck_assert_msg(ended, "the connection stays open after \"%s\"", text);
    close(fd);
    return text;
}

static const char status_request[] = "GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n";

START_TEST(answers_over_the_socket_and_removes_it_at_the_end)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_msg(l != NULL, "%s", err.text);
    int fd = dial();
    say(fd, status_request);
    const char *text = hear(fd);
    ck_assert_msg(strncmp(text, "HTTP/1.1 200 OK\r\n", 17) == 0, "%s", text);
    ck_assert_ptr_nonnull(strstr(text, "\"version\": \"t\""));
    admin_listener_stop(l);
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(makes_a_socket_that_only_its_owner_may_use)
{
    struct stat st;
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert(S_ISSOCK(st.st_mode));
    ck_assert_uint_eq(st.st_mode & 0777, 0600);
    admin_listener_stop(l);
}
END_TEST

START_TEST(reads_a_request_that_comes_byte_by_byte)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    for (const char *c = status_request; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};
        say(fd, one);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_ptr_nonnull(strstr(hear(fd), "200 OK"));
    admin_listener_stop(l);
}
END_TEST

START_TEST(drains_only_once_the_request_is_whole)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    say(fd, "POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nx");
    for (int i = 0; i < 10; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(drained, 0);
    say(fd, "y");
    ck_assert_ptr_nonnull(strstr(hear(fd), "202 Accepted"));
    ck_assert_uint_eq(drained, 1);
    admin_listener_stop(l);
}
END_TEST

START_TEST(answers_a_reload_when_it_is_done)
{
    struct findings findings;
    findings_init(&findings);
    findings_add(&findings, FINDING_ERROR, "x.conf:1", "broken");
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    say(fd, "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 10 && pending == NULL; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_ptr_nonnull(pending);
    struct admin_reload result = {.ok = false, .generation = 1, .findings = &findings};
    admin_listener_reloaded(pending, &result);
    const char *text = hear(fd);
    ck_assert_ptr_nonnull(strstr(text, "422"));
    ck_assert_ptr_nonnull(strstr(text, "x.conf:1"));
    admin_listener_stop(l);
    findings_clear(&findings);
}
END_TEST

START_TEST(takes_the_result_of_a_reload_after_it_was_stopped)
{
    struct findings findings;
    findings_init(&findings);
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    say(fd, "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    for (int i = 0; i < 10 && pending == NULL; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    admin_listener_stop(l);
    ck_assert_str_eq(hear(fd), "");
    struct admin_reload result = {.ok = true, .findings = &findings};
    admin_listener_reloaded(pending, &result);
}
END_TEST

static const struct bad {
    const char *request, *says, *why;
} bad[] = {
    {"GET /status HTTP/1.1\nHost: localhost\n\n", "HTTP/1.1 400", "bare line feeds"},
    {"GET /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 400", "two lengths"},
    {"GET /status HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 403", "E6: a foreign Host"},
    {"POST /drain HTTP/1.1\r\nHost: localhost\r\nOrigin: http://a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 403", "E6: from a web page"},
    {"GET /drain HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 405", "E6: a change by GET"},
    {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400", "a ClientHello"},
};

START_TEST(refuses_what_is_not_a_request_for_it)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    ck_assert_int_gt(send(fd, bad[_i].request, strlen(bad[_i].request), 0), 0);
    const char *text = hear(fd);
    ck_assert_msg(strncmp(text, bad[_i].says, strlen(bad[_i].says)) == 0, "%s: %s", bad[_i].why, text);
    ck_assert_uint_eq(drained, 0);
    admin_listener_stop(l);
}
END_TEST

START_TEST(refuses_a_request_without_end)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    int fd = dial();
    say(fd, "POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n\r\n");
    static char junk[1024];
    for (int i = 0; i < 70; i++) {
        (void)!send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    char text[64] = {0};
    ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
    ck_assert_msg(n < 0 || strncmp(text, "HTTP/1.1 413", 12) == 0, "%s", text);
    ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), -1);
    close(fd);
    admin_listener_stop(l);
}
END_TEST

START_TEST(hangs_up_on_the_seventeenth_caller_and_goes_on)
{
    int fds[17];
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    for (int i = 0; i < 17; i++) {
        fds[i] = dial();
        ck_assert_int_ge(fds[i], 0);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    ck_assert_str_eq(hear(fds[16]), "");
    close(fds[0]);
    for (int i = 0; i < 10; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    int fd = dial();
    say(fd, status_request);
    ck_assert_ptr_nonnull(strstr(hear(fd), "200 OK"));
    for (int i = 1; i < 16; i++)
        close(fds[i]);
    admin_listener_stop(l);
}
END_TEST

START_TEST(replaces_a_socket_that_nobody_answers_on)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int stale = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(stale, (struct sockaddr *)&address, sizeof(address)), 0);
    close(stale);
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_msg(l != NULL, "%s", err.text);
    int fd = dial();
    say(fd, status_request);
    ck_assert_ptr_nonnull(strstr(hear(fd), "200 OK"));
    admin_listener_stop(l);
}
END_TEST

START_TEST(leaves_a_socket_alone_that_somebody_answers_on)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_ptr_null(admin_listener_start(&loop, path, &hooks, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "another instance"));
    int fd = dial();
    ck_assert_int_ge(fd, 0);
    close(fd);
    admin_listener_stop(l);
}
END_TEST

START_TEST(leaves_a_file_alone_that_is_no_socket)
{
    FILE *f = fopen(path, "w");
    fputs("precious", f);
    fclose(f);
    ck_assert_ptr_null(admin_listener_start(&loop, path, &hooks, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "another file has this name"));
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(st.st_size, 8);
}
END_TEST

START_TEST(says_what_is_wrong_with_the_path)
{
    char missing[128], longer[256];
    snprintf(missing, sizeof(missing), "%s/no/admin.sock", folder);
    ck_assert_ptr_null(admin_listener_start(&loop, missing, &hooks, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "make its folder first"));
    memset(longer, 'a', sizeof(longer));
    longer[sizeof(longer) - 1] = '\0';
    err_clear(&err);
    ck_assert_ptr_null(admin_listener_start(&loop, longer, &hooks, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "bytes is needed"));
}
END_TEST

START_TEST(does_not_remove_the_socket_of_a_successor)
{
    struct admin_listener *l = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_int_eq(unlink(path), 0);
    struct admin_listener *next = admin_listener_start(&loop, path, &hooks, &err);
    ck_assert_msg(next != NULL, "%s", err.text);
    admin_listener_stop(l);
    ck_assert_int_eq(access(path, F_OK), 0);
    admin_listener_stop(next);
}
END_TEST

/* ---- admin.health ---- */

static struct config_health health;

static struct admin_listener *start_health(void)
{
    health = (struct config_health){.text = (char *)(uintptr_t)"127.0.0.1:0", .address = {.kind = ADDRESS_TCP, .host = "127.0.0.1"}};
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* a free port */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    health.address.port = ntohs(address.sin_port);
    struct admin_listener *l = admin_listener_start_health(&loop, &health, true, &hooks, &err);
    ck_assert_msg(l != NULL, "%s", err.text);
    return l;
}

static int dial_health(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(health.address.port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    return fd;
}

START_TEST(health_answers_any_host_with_two_pages)
{
    static const char *const requests[][2] = {
        {"GET /livez HTTP/1.1\r\nHost: 10.0.0.7:8081\r\nUser-Agent: kube-probe/1.29\r\nAccept: */*\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
        {"GET /readyz HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
        {"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 404"},
        {"POST /drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404"},
        {"POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404"},
        {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "HTTP/1.1 400"},
    };
    struct admin_listener *l = start_health();
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        int fd = dial_health();
        say(fd, requests[i][0]);
        const char *text = hear(fd);
        ck_assert_msg(strncmp(text, requests[i][1], strlen(requests[i][1])) == 0, "%s: %s", requests[i][0], text);
    }
    ck_assert_uint_eq(drained, 0);
    ck_assert_ptr_null(pending);
    admin_listener_stop(l);
}
END_TEST

/* C7: slow clients of any host hold all places, and a probe is answered all the same. */
START_TEST(the_oldest_connection_makes_place_for_a_probe)
{
    enum { SLOW = 40 };
    int fds[SLOW];
    struct admin_listener *l = start_health();
    for (int i = 0; i < SLOW; i++) {
        fds[i] = dial_health();
        say(fds[i], "GET /livez HTTP/1.1\r\nHo");
        for (int k = 0; k < 4; k++)
            uv_run(&loop, UV_RUN_NOWAIT);
    }
    int fd = dial_health();
    say(fd, "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(hear(fd), "200 OK"));
    ck_assert_str_eq(hear(fds[0]), "");
    for (int i = 1; i < SLOW; i++)
        close(fds[i]);
    admin_listener_stop(l);
}
END_TEST

START_TEST(health_says_that_its_address_is_taken)
{
    struct admin_listener *l = start_health();
    ck_assert_ptr_null(admin_listener_start_health(&loop, &health, true, &hooks, &err));
    ck_assert_msg(strstr(err.text, "admin.health: ") != NULL && strstr(err.text, "another process listens there") != NULL, "%s", err.text);
    admin_listener_stop(l);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admin_listener");
    TCase *t = tcase_create("admin_listener");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, answers_over_the_socket_and_removes_it_at_the_end);
    tcase_add_test(t, makes_a_socket_that_only_its_owner_may_use);
    tcase_add_test(t, reads_a_request_that_comes_byte_by_byte);
    tcase_add_test(t, drains_only_once_the_request_is_whole);
    tcase_add_test(t, answers_a_reload_when_it_is_done);
    tcase_add_test(t, takes_the_result_of_a_reload_after_it_was_stopped);
    tcase_add_loop_test(t, refuses_what_is_not_a_request_for_it, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, refuses_a_request_without_end);
    tcase_add_test(t, hangs_up_on_the_seventeenth_caller_and_goes_on);
    tcase_add_test(t, replaces_a_socket_that_nobody_answers_on);
    tcase_add_test(t, leaves_a_socket_alone_that_somebody_answers_on);
    tcase_add_test(t, leaves_a_file_alone_that_is_no_socket);
    tcase_add_test(t, says_what_is_wrong_with_the_path);
    tcase_add_test(t, does_not_remove_the_socket_of_a_successor);
    tcase_add_test(t, health_answers_any_host_with_two_pages);
    tcase_add_test(t, the_oldest_connection_makes_place_for_a_probe);
    tcase_add_test(t, health_says_that_its_address_is_taken);
    suite_add_tcase(s, t);
    return s;
}
