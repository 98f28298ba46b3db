/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/proxy_connect.h"
#include "t.h"

#include <string.h>

static struct http1 *reader;

static void begin(void)
{
    reader = proxy_connect_reader();
    ck_assert_ptr_nonnull(reader);
}

static void end(void)
{
    http1_free(reader);
}

static void expect_asked(const char *host, uint16_t port, const char *want)
{
    struct address to = {.kind = ADDRESS_TCP, .port = port};
    struct bytes out = {.max = 2048};
    memcpy(to.host, host, strlen(host));
    ck_assert_int_eq(proxy_connect_ask(&out, &to), 0);
    ck_assert(span_equals_str(bytes_span(&out), want));
    bytes_clear(&out);
}

START_TEST(asks_by_host_and_port)
{
    expect_asked("api.example", 443, "CONNECT api.example:443 HTTP/1.1\r\nHost: api.example:443\r\n\r\n");
    expect_asked("192.0.2.1", 80, "CONNECT 192.0.2.1:80 HTTP/1.1\r\nHost: 192.0.2.1:80\r\n\r\n");
    expect_asked("2001:db8::1", 443, "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n");
}
END_TEST

START_TEST(asks_for_the_longest_name)
{
    struct address to = {.kind = ADDRESS_TCP, .port = 65535};
    struct bytes out = {.max = 2048};
    memset(to.host, 'x', sizeof(to.host) - 1);
    ck_assert_int_eq(proxy_connect_ask(&out, &to), 0);
    ck_assert(memcmp(bytes_span(&out).ptr + out.len - 4, "\r\n\r\n", 4) == 0);
    bytes_clear(&out);
}
END_TEST

/* Byte by byte; what is left is given back. */
static enum reason read_all(const char *text, struct span *rest, struct err *err)
{
    struct span all = span_from_str(text);
    enum reason verdict = REASON_UNDECIDED;
    for (size_t i = 0; i < all.len && verdict == REASON_UNDECIDED; i++) {
        struct span one = span_of(all.ptr + i, 1);
        verdict = proxy_connect_read(reader, &one, err);
        *rest = span_of(all.ptr + i + 1 - one.len, all.len - i - 1 + one.len);
    }
    return verdict;
}

static const struct {
    const char *answer;
    enum reason verdict;
    const char *text, *why;
} rows[] = {
    {"HTTP/1.1 200 Connection established\r\n\r\n", REASON_VALID, "", "the usual answer"},
    {"HTTP/1.0 200 OK\r\n\r\n", REASON_VALID, "", "an old proxy"},
    {"HTTP/1.1 200 OK\r\nVia: 1.1 corp\r\nProxy-Agent: x\r\n\r\n", REASON_VALID, "", "fields"},
    {"HTTP/1.1 204 No Content\r\n\r\n", REASON_VALID, "", "another 2xx"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", REASON_VALID, "", "a length, which a 2xx to CONNECT does not have"},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", REASON_VALID, "", "chunks, which it does not have either"},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", REASON_VALID, "", "an interim response"},
    {"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", REASON_PROXY_REFUSED, "which is not supported",
     "a password is wanted"},
    {"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", REASON_PROXY_REFUSED, "answered 403", "forbidden"},
    {"HTTP/1.1 502 Bad Gateway\r\n\r\n", REASON_PROXY_REFUSED, "answered 502", "it could not reach the upstream"},
    {"HTTP/1.1 302 Found\r\nLocation: http://login/\r\n\r\n", REASON_PROXY_REFUSED, "answered 302", "a redirect is not followed"},
    {"HTTP/1.1 101 Switching Protocols\r\n\r\n", REASON_PROXY_REFUSED, "not HTTP", "not what was asked for"},
    {"SSH-2.0-x\r\n\r\n", REASON_PROXY_REFUSED, "not HTTP", "another protocol"},
    {"HTTP/1.1 200 OK\n\n", REASON_PROXY_REFUSED, "not HTTP", "LF alone"},
    {"\x15\x03\x01", REASON_PROXY_REFUSED, "TLS", "TLS"},
    {"HTTP/1.1 200 OK\r\n", REASON_UNDECIDED, "", "not whole"},
    {"HTTP/1.1 100 Continue\r\n\r\n", REASON_UNDECIDED, "", "an interim response alone"},
};

START_TEST(reads_the_answer_byte_by_byte)
{
    struct err err = {0};
    struct span rest;
    ck_assert_msg(read_all(rows[_i].answer, &rest, &err) == rows[_i].verdict, "%s", rows[_i].why);
    ck_assert_msg(strstr(err.text, rows[_i].text) != NULL, "%s: %s", rows[_i].why, err.text);
}
END_TEST

/* B2: whoever opened the tunnel must know of every byte that came behind the answer. */
START_TEST(leaves_what_came_through_the_tunnel)
{
    struct err err = {0};
    struct span in = span_from_str("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    ck_assert_int_eq(proxy_connect_read(reader, &in, &err), REASON_VALID);
    ck_assert(span_equals_str(in, "hello"));
}
END_TEST

START_TEST(a_head_without_end_is_refused)
{
    struct err err = {0};
    struct span line = span_from_str("HTTP/1.1 200 OK\r\n");
    enum reason verdict = proxy_connect_read(reader, &line, &err);
    for (int i = 0; i < 2000 && verdict == REASON_UNDECIDED; i++) {
        struct span more = span_from_str("X: 0123456789\r\n");
        verdict = proxy_connect_read(reader, &more, &err);
    }
    ck_assert_int_eq(verdict, REASON_PROXY_REFUSED);
}
END_TEST

START_TEST(an_end_is_no_answer)
{
    struct err err = {0};
    ck_assert_int_eq(proxy_connect_eof(&err), REASON_PROXY_REFUSED);
    ck_assert(strstr(err.text, "closed") != NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("proxy_connect");
    TCase *c = tcase_create("connect");
    tcase_add_checked_fixture(c, begin, end);
    tcase_add_test(c, asks_by_host_and_port);
    tcase_add_test(c, asks_for_the_longest_name);
    tcase_add_loop_test(c, reads_the_answer_byte_by_byte, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, leaves_what_came_through_the_tunnel);
    tcase_add_test(c, a_head_without_end_is_refused);
    tcase_add_test(c, an_end_is_no_answer);
    suite_add_tcase(s, c);
    return s;
}
