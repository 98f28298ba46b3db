/* SPDX-License-Identifier: Apache-2.0 */
/* F3, over real sockets: where a fetch goes, what it sends along, and what it takes from a server that means no good. */
#include "mtlsd/io/fetch.h"
#include "t.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

enum { MAX_BYTES = 1000, LONG_MS = 20000, SHORT_MS = 300, DRIP_MS = 20 };

static uv_loop_t loop;
static int listener;
static char url[100], request[4096];
static struct crl_fetch_answer got;
static struct bytes body;
static bool done;

static int listen_on_loopback(struct sockaddr_in *at)
{
    socklen_t n = sizeof(*at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)at, &n), 0);
    return fd;
}

static void set_up(void)
{
    struct sockaddr_in at;
    listener = listen_on_loopback(&at);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", ntohs(at.sin_port));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    bytes_init(&body, MAX_BYTES);
    done = false;
}

static void tear_down(void)
{
    bytes_clear(&body);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(listener);
}

static void on_done(void *ctx, const char *from, struct crl_fetch_answer *answer)
{
    (void)ctx;
    (void)from;
    bytes_clear(&body);
    body = answer->body;
    answer->body = (struct bytes){0};
    got = *answer;
    done = true;
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
}

static void fetch(const struct fetch_order *order)
{
    struct err err = {0};
    uv_timer_t alive; /* a fetch does not keep a loop */
    done = false;
    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_late, 2 * LONG_MS, 0);
    ck_assert_ptr_nonnull(fetch_start(&loop, order, on_done, NULL, &err));
    while (!done)
        ck_assert(uv_run(&loop, UV_RUN_ONCE) != 0);
    uv_close((uv_handle_t *)&alive, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void fetch_in_vain(const char *from, bool anywhere)
{
    fetch(&(struct fetch_order){from, anywhere, "", "", MAX_BYTES, SHORT_MS});
    ck_assert_uint_eq(got.status, 0);
    ck_assert_uint_eq(body.len, 0);
}

/* ---- a server that answers one request ---- */

struct script {
    const char *head;      /* sent first */
    const char *over;      /* then this, over and over, until the client has gone; NULL: nothing */
    bool drips;            /* with pauses */
};

static bool send_text(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        text += n;
        left -= (size_t)n;
    }
    return true;
}

static void read_request(int fd)
{
    size_t n = 0;
    request[0] = '\0';
    while (n + 1 < sizeof(request) && strstr(request, "\r\n\r\n") == NULL) {
        ssize_t some = read(fd, request + n, sizeof(request) - n - 1);
        if (some <= 0)
            return;
        n += (size_t)some;
        request[n] = '\0';
    }
}

static void *serve(void *ctx)
{
    const struct script *s = ctx;
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    if (poll(&wait, 1, LONG_MS) != 1)
        return NULL;
    int fd = accept(listener, NULL, NULL);
    read_request(fd);
    bool open = send_text(fd, s->head);
    while (open && s->over != NULL) {
        struct pollfd gone = {.fd = fd, .events = POLLRDHUP};
        open = (!s->drips || poll(&gone, 1, DRIP_MS) == 0) && send_text(fd, s->over);
    }
    close(fd);
    return NULL;
}

static void fetch_from(const struct script *script, const struct fetch_order *order)
{
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, (void *)(uintptr_t)script), 0);
    fetch(order);
    pthread_join(thread, NULL);
}

static void fetch_text(const char *answer)
{
    fetch_from(&(struct script){.head = answer}, &(struct fetch_order){url, true, "", "", MAX_BYTES, LONG_MS});
}

/* ---- where it goes ---- */

START_TEST(an_address_of_a_certificate_does_not_lead_to_this_host)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
                                        "169.254.169.254", "100.100.100.200", "192.0.0.192", "[fd00:ec2::254]", "[fe80::1]", "[64:ff9b::127.0.0.1]"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) { /* F3 */
        char near[100];
        snprintf(near, sizeof(near), "http://%s%s", hosts[i], strrchr(url, ':'));
        fetch_in_vain(near, false);
        ck_assert_msg(strstr(got.error, "list it in crl_urls") != NULL, "%s: %s", near, got.error);
        ck_assert_int_eq(accept(listener, NULL, NULL), -1);
    }
}
END_TEST

START_TEST(other_schemes_are_not_spoken)
{
    static const char *const urls[] = {"file:///etc/passwd", "https://127.0.0.1/", "ftp://127.0.0.1/", "ldap://127.0.0.1/", "gopher://127.0.0.1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        fetch_in_vain(urls[i], true);
}
END_TEST

START_TEST(a_redirect_is_told_and_not_followed)
{
    char answer[300];
    snprintf(answer, sizeof(answer), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", url);
    fetch_text(answer);
    ck_assert_uint_eq(got.status, 302);
    ck_assert_int_eq(accept(listener, NULL, NULL), -1);
}
END_TEST

/* http_proxy and its kin are for programs that people start. */
START_TEST(the_environment_has_no_say)
{
    static const char *const names[] = {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"};
    struct sockaddr_in at;
    char proxy[60], home[] = "/tmp/mtlsd-fetch-XXXXXX", netrc[60];
    int trap = listen_on_loopback(&at);
    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", ntohs(at.sin_port));
    for (size_t i = 0; i < 4; i++)
        setenv(names[i], proxy, 1);
    ck_assert_ptr_nonnull(mkdtemp(home));
    snprintf(netrc, sizeof(netrc), "%s/.netrc", home);
    FILE *file = fopen(netrc, "w");
    ck_assert_ptr_nonnull(file);
    fputs("machine 127.0.0.1 login me password secret\n", file);
    fclose(file);
    setenv("HOME", home, 1);
    fetch_text("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist");
    for (size_t i = 0; i < 4; i++)
        unsetenv(names[i]);
    unlink(netrc);
    rmdir(home);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_int_eq(accept(trap, NULL, NULL), -1);
    ck_assert_int_eq(strncmp(request, "GET /x HTTP/1.1\r\n", 17), 0);
    ck_assert_ptr_null(strcasestr(request, "authorization"));
    ck_assert_ptr_null(strcasestr(request, "accept-encoding"));
    close(trap);
}
END_TEST

/* ---- what it takes ---- */

START_TEST(answers_of_servers_old_and_odd_count)
{
    static const char *const answers[] = {
        "HTTP/1.0 200 OK\r\n\r\nlist",
        "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\nlist",
        "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 4\r\n\r\nlist",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nli\r\n2\r\nst\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlist",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        fetch_text(answers[i]);
        ck_assert_msg(got.status == 200, "%s: %s", answers[i], got.error);
        ck_assert(span_equals_str(bytes_span(&body), "list"));
    }
}
END_TEST

START_TEST(what_is_packed_or_cut_is_not_taken)
{
    static const struct {
        const char *answer, *error;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nlist", "is compressed"},
        {"HTTP/1.1 200 OK\r\ncontent-encoding:  br \r\nContent-Length: 4\r\n\r\nlist", "is compressed"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nlist", "transfer coding"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n4\r\nlist\r\n0\r\n\r\n", "transfer coding"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n gzip\r\n\r\nlist", "transfer coding"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlist", "ransfer"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlist\r\n", ""},
        {"list", ""}, /* as HTTP/0.9 would have it */
        {"", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fetch_text(rows[i].answer);
        ck_assert_msg(got.status == 0 && got.error[0] != '\0' && strstr(got.error, rows[i].error) != NULL, "%s: %u, %s", rows[i].answer, got.status,
                      got.error);
    }
}
END_TEST

START_TEST(no_answer_is_longer_than_it_may_be)
{
    static const struct {
        const char *why;
        struct script script;
        const char *error; /* NULL: too large */
    } rows[] = {
        {"a length that says so", {"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", "0123456789", false}, NULL},
        {"no length, no end", {"HTTP/1.0 200 OK\r\n\r\n", "0123456789", false}, NULL},
        {"chunks without end", {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\nlist\r\n", false}, NULL},
        {"a head without end", {"HTTP/1.1 200 OK\r\n", "X: 0123456789012345678901234567890123456789\r\n", false}, "head of the answer is too large"},
        {"heads without end", {"", "HTTP/1.1 100 Continue\r\n\r\n", false}, "head of the answer is too large"},
        {"a line without end", {"HTTP/1.1 200 OK\r\nX: ", "0123456789", false}, ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fetch_from(&rows[i].script, &(struct fetch_order){url, true, "", "", MAX_BYTES, LONG_MS});
        ck_assert_msg(got.too_large == (rows[i].error == NULL), "%s: %s", rows[i].why, got.error);
        ck_assert_msg(rows[i].error == NULL || (got.status == 0 && strstr(got.error, rows[i].error) != NULL), "%s: %s", rows[i].why, got.error);
        ck_assert_uint_le(body.len, MAX_BYTES);
    }
}
END_TEST

START_TEST(exactly_as_much_as_may_be_is_taken)
{
    char answer[MAX_BYTES + 100];
    int n = snprintf(answer, sizeof(answer), "HTTP/1.0 200 OK\r\n\r\n%0*d", MAX_BYTES, 0);
    ck_assert_int_lt(n, (int)sizeof(answer) - 1);
    fetch_text(answer);
    ck_assert(!got.too_large);
    ck_assert_uint_eq(body.len, MAX_BYTES);
    answer[n] = '0';
    answer[n + 1] = '\0';
    fetch_text(answer);
    ck_assert(got.too_large);
}
END_TEST

START_TEST(a_server_that_says_nothing_is_left_after_the_time)
{
    fetch_in_vain(url, true);
    ck_assert_int_ge(accept(listener, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(got.error, "imeout"));
}
END_TEST

START_TEST(a_server_that_drips_is_left_after_the_time)
{
    fetch_from(&(struct script){"HTTP/1.0 200 OK\r\n\r\n", "x", true}, &(struct fetch_order){url, true, "", "", MAX_BYTES, SHORT_MS});
    ck_assert_uint_eq(got.status, 0);
    ck_assert_ptr_nonnull(strstr(got.error, "imeout"));
}
END_TEST

/* ---- tags ---- */

START_TEST(what_is_known_is_asked_for_by_its_tag)
{
    fetch_from(&(struct script){.head = "HTTP/1.1 304 Not Modified\r\nETag: \"one\"\r\n\r\n"},
               &(struct fetch_order){url, true, "\"one\"", "Sun, 06 Nov 1994 08:49:37 GMT", MAX_BYTES, LONG_MS});
    ck_assert_uint_eq(got.status, 304);
    ck_assert_ptr_nonnull(strstr(request, "\r\nIf-None-Match: \"one\"\r\n"));
    ck_assert_ptr_nonnull(strstr(request, "\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
    fetch_text("HTTP/1.1 200 OK\r\nETag: W/\"two\"\r\nLast-Modified: Mon\r\nContent-Length: 1\r\n\r\nx");
    ck_assert_ptr_null(strstr(request, "If-"));
    ck_assert_str_eq(got.tag, "W/\"two\"");
    ck_assert_str_eq(got.modified, "Mon");
}
END_TEST

START_TEST(a_tag_that_could_do_harm_is_forgotten)
{
    char answer[1000];
    snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nETag: \"a\x01\"\r\nLast-Modified: %0300d\r\nContent-Length: 1\r\n\r\nx", 0);
    fetch_text(answer);
    ck_assert_str_eq(got.tag, "");
    ck_assert_str_eq(got.modified, "");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fetch");
    TCase *t = tcase_create("fetch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 120);
    tcase_add_test(t, an_address_of_a_certificate_does_not_lead_to_this_host);
    tcase_add_test(t, other_schemes_are_not_spoken);
    tcase_add_test(t, a_redirect_is_told_and_not_followed);
    tcase_add_test(t, the_environment_has_no_say);
    tcase_add_test(t, answers_of_servers_old_and_odd_count);
    tcase_add_test(t, what_is_packed_or_cut_is_not_taken);
    tcase_add_test(t, no_answer_is_longer_than_it_may_be);
    tcase_add_test(t, exactly_as_much_as_may_be_is_taken);
    tcase_add_test(t, a_server_that_says_nothing_is_left_after_the_time);
    tcase_add_test(t, a_server_that_drips_is_left_after_the_time);
    tcase_add_test(t, what_is_known_is_asked_for_by_its_tag);
    tcase_add_test(t, a_tag_that_could_do_harm_is_forgotten);
    suite_add_tcase(s, t);
    return s;
}
