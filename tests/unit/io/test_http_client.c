/* SPDX-License-Identifier: Apache-2.0 */
/* The client against a server on loopback that answers each request with the same bytes, on a thread of its own. */
#include "mtlsd/io/http_client.h"
#include "t.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UPLOAD = 3 << 20 }; /* more than libcurl sends without asking first */

static const char *answer;
static bool cut; /* the server closes after the answer */
static int listener;
static uint16_t port;
static pthread_t thread;
static char head[4096]; /* of the last request */
static size_t uploaded, connections;
static struct http_client *client;
static struct http_reply reply;
static struct err err;

/* Reads one request; false at the end of the connection. */
static bool read_request(int fd)
{
    size_t have = 0;
    while (memmem(head, have, "\r\n\r\n", 4) == NULL) {
        ssize_t n = recv(fd, head + have, 1, 0);
        if (n <= 0)
            return false;
        have += (size_t)n;
    }
    head[have] = '\0';
    const char *length = strcasestr(head, "\r\nContent-Length:");
    uploaded = 0;
    for (size_t left = length != NULL ? strtoul(length + 17, NULL, 10) : 0; left > 0;) {
        char piece[65536];
        ssize_t n = recv(fd, piece, left < sizeof(piece) ? left : sizeof(piece), 0);
        if (n <= 0)
            return false;
        for (ssize_t i = 0; i < n; i++)
            uploaded += piece[i] == 'u';
        left -= (size_t)n;
    }
    return true;
}

static void *serve(void *ctx)
{
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        connections++;
        while (read_request(fd) && send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0 && !cut) {
        }
        close(fd);
    }
    return ctx;
}

static void set_up(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    cut = false;
    connections = 0;
    err = (struct err){0};
    listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    port = ntohs(at.sin_port);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
    client = http_client_new();
    ck_assert_ptr_nonnull(client);
}

static void tear_down(void)
{
    http_client_free(client);
    bytes_clear(&reply.body);
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
}

static int call(const struct http_call *given)
{
    struct http_call c = *given;
    c.port = port;
    c.path = "/x";
    c.within_ms = 20000;
    bytes_clear(&reply.body);
    return http_client_call(client, &c, &reply, &err);
}

START_TEST(asks_again_on_the_same_connection)
{
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(call(&(struct http_call){.method = "GET"}) == 0, "%s", err.text);
        ck_assert_uint_eq(reply.status, 200);
        ck_assert(span_equals_str(bytes_span(&reply.body), "hello"));
    }
    ck_assert_uint_eq(connections, 1);
    ck_assert_int_eq(strncmp(head, "GET /x HTTP/1.1\r\n", 17), 0);
}
END_TEST

START_TEST(sends_the_fields_that_are_given)
{
    static const char *const fields[] = {"X-One: 1", "X_Two: 2"};
    ck_assert_int_eq(call(&(struct http_call){.method = "POST", .fields = fields, .n_fields = 2}), 0);
    ck_assert_ptr_nonnull(strstr(head, "\r\nX-One: 1\r\nX_Two: 2\r\n"));
    ck_assert_int_eq(strncmp(head, "POST /x", 7), 0);
}
END_TEST

static void fill(void *ctx, uint64_t offset, uint8_t *out, size_t n)
{
    uint64_t *next = ctx;
    ck_assert_uint_eq(offset, *next);
    memset(out, 'u', n);
    *next += n;
}

START_TEST(uploads_without_asking_for_a_100)
{
    uint64_t next = 0;
    ck_assert_msg(call(&(struct http_call){.method = "PUT", .upload = UPLOAD, .fill = fill, .ctx = &next}) == 0, "%s", err.text);
    ck_assert_uint_eq(next, UPLOAD);
    ck_assert_uint_eq(uploaded, UPLOAD);
    ck_assert_ptr_null(strcasestr(head, "expect:"));
}
END_TEST

static bool take(void *ctx, uint64_t offset, const uint8_t *data, size_t n)
{
    bool *good = ctx;
    return *good && memcmp("hello" + offset, data, n) == 0;
}

START_TEST(gives_the_body_to_whoever_compares_it)
{
    bool good = _i == 0;
    ck_assert_int_eq(call(&(struct http_call){.method = "GET", .take = take, .ctx = &good}), good ? 0 : -1);
    ck_assert_uint_eq(reply.body.len, 0);
    ck_assert_uint_eq(reply.length, 5);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_none)
{
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    cut = true;
    ck_assert_int_eq(call(&(struct http_call){.method = "GET"}), -1);
    ck_assert_int_eq(err.kind, ERR_IO);
    ck_assert_ptr_null(reply.body.data);
}
END_TEST

START_TEST(says_when_nobody_listens)
{
    struct http_call nobody = {.socket = "/nowhere/a.sock", .method = "GET", .path = "/x", .within_ms = 20000};
    ck_assert_int_eq(http_client_call(client, &nobody, &reply, &err), -1);
    ck_assert(reply.unconnected && reply.system_error == ENOENT && !reply.timed_out && reply.status == 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_client");
    TCase *t = tcase_create("http_client");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, asks_again_on_the_same_connection);
    tcase_add_test(t, sends_the_fields_that_are_given);
    tcase_add_test(t, uploads_without_asking_for_a_100);
    tcase_add_loop_test(t, gives_the_body_to_whoever_compares_it, 0, 2);
    tcase_add_test(t, an_answer_that_is_cut_is_none);
    tcase_add_test(t, says_when_nobody_listens);
    suite_add_tcase(s, t);
    return s;
}
