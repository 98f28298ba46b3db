/* SPDX-License-Identifier: Apache-2.0 */
/* What a head looks like in HTTP/2, in both roles. The filter itself is tested in test_http_write.c. */
#include "http2_frames.h"
#include "http2_talk.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct http2_talk t;

static void start(void)
{
    http2_talk_start(&t, HTTP2_CLIENT, NULL);
    http2_talk_sent(&t);
}

static void end(void)
{
    http2_talk_end(&t);
}

static struct http2_stream *ask(const struct http_field *fields, size_t n, struct http_outgoing o)
{
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/x?y"), .fields = (struct http_field *)(uintptr_t)fields, .n_fields = n};
    o.head = &head;
    o.scheme = span_from_str("https");
    struct http2_stream *s = http2_request(t.h, &o, &t);
    return s;
}

START_TEST(greets_with_the_preface)
{
    struct http2_talk fresh;
    http2_talk_start(&fresh, HTTP2_CLIENT, NULL);
    ck_assert_str_eq(http2_talk_sent(&fresh), "PRI\nS 4=262144,6=4096,2=0\nW0 983041\n");
    http2_talk_end(&fresh);
}
END_TEST

START_TEST(writes_a_request_without_what_is_of_http1)
{
    static const struct {
        const char *name, *value;
    } rows[] = {
        {"Host", "a.example"}, {"Connection", "X-Hop, keep-alive"}, {"X-Hop", "1"},          {"Keep-Alive", "timeout=5"}, {"Transfer-Encoding", "chunked"},
        {"Upgrade", "h2c"},    {"TE", "trailers"},                   {"X-SSL-Client-CN", "x"}, {"Accept", "*/*"},           {"Proxy-Connection", "x"},
        {"HTTP2-Settings", "x"},
    };
    struct http_field fields[11];
    for (size_t i = 0; i < 11; i++)
        fields[i] = (struct http_field){span_from_str(rows[i].name), span_from_str(rows[i].value)};
    struct http2_stream *s = ask(fields, 11, (struct http_outgoing){.framing = HTTP_CHUNKED, .wants_trailers = true, .added = span_from_str("X-SSL-Client-CN: real\r\nForwarded: for=x\r\n")});
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_eq(http2_user(s), &t);
    ck_assert_uint_eq(http2_id(s), 1);
    ck_assert_str_eq(http2_talk_sent(&t),
                     "H1 :method=GET|:scheme=https|:authority=a.example|:path=/x?y|accept=*/*|te=trailers|x-ssl-client-cn=real|forwarded=for=x\n");
}
END_TEST

START_TEST(writes_what_the_caller_changes)
{
    struct http_field fields[] = {{span_from_str("Host"), span_from_str("a")}, {span_from_str("Max-Forwards"), span_from_str("9")}, {span_from_str("X-A"), span_from_str("1")}};
    struct http_field set[] = {{span_from_str("X-A"), span_from_str("2")}};
    struct http_edit edit = {.set = set, .n_set = 1};
    ck_assert_ptr_nonnull(ask(fields, 3,
                              (struct http_outgoing){.framing = HTTP_NO_BODY, .edit = &edit, .host = span_from_str("b"), .target = span_from_str("/z"), .via = span_from_str("2.0 m"),
                                                     .has_max_forwards = true, .max_forwards = 8}));
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :method=GET|:scheme=https|:authority=b|:path=/z|x-a=2|max-forwards=8|via=2.0 m\n");
}
END_TEST

START_TEST(asks_for_a_protocol) /* RFC 8441 */
{
    struct http_field host = {span_from_str("Host"), span_from_str("a")};
    ck_assert_ptr_nonnull(ask(&host, 1, (struct http_outgoing){.framing = HTTP_CHUNKED, .protocol = span_from_str("websocket")}));
    ck_assert_str_eq(http2_talk_sent(&t), "H1 :method=CONNECT|:scheme=https|:authority=a|:path=/x?y|:protocol=websocket\n");
}
END_TEST

START_TEST(says_a_length_where_there_is_one)
{
    struct http_field host = {span_from_str("Host"), span_from_str("a")};
    struct http2_stream *s = ask(&host, 1, (struct http_outgoing){.framing = HTTP_LENGTH, .length = 5});
    ck_assert_int_eq(http2_write(t.h, s, span_from_str("hello")), 0);
    ck_assert_int_eq(http2_write_end(t.h, s, NULL, NULL), 0);
    ck_assert_str_eq(http2_talk_sent(&t), "H1 :method=GET|:scheme=https|:authority=a|:path=/x?y|content-length=5\nD1e hello\n");
    ck_assert_ptr_nonnull(ask(&host, 1, (struct http_outgoing){.framing = HTTP_LENGTH}));
    ck_assert_str_eq(http2_talk_sent(&t), "H3e :method=GET|:scheme=https|:authority=a|:path=/x?y|content-length=0\n");
}
END_TEST

START_TEST(a_secret_stays_one)
{
    struct http_field fields[] = {{span_from_str("host"), span_from_str("a")}, {span_from_str("x-key"), span_from_str("s")}};
    struct http_head head = {.request = true, .http2 = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/"), .fields = fields, .n_fields = 2, .never_indexed = 2};
    ck_assert_ptr_nonnull(http2_request(t.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL));
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :method=GET|:scheme=https|:authority=a|:path=/|!x-key=s\n");
}
END_TEST

START_TEST(divides_a_large_head)
{
    static char value[40000];
    memset(value, '~', sizeof(value) - 1); /* longer in Huffman's code */
    struct http_field fields[] = {{span_from_str("host"), span_from_str("a")}, {span_from_str("x"), span_from_str(value)}};
    struct bytes sent;
    struct span run;
    ck_assert_ptr_nonnull(ask(fields, 2, (struct http_outgoing){.framing = HTTP_NO_BODY}));
    ck_assert_int_eq(http2_fill(t.h, &t.out, 1 << 20), 0);
    bytes_init(&sent, 1 << 20);
    while (gather_runs(&t.out, &run, 1) > 0) {
        bytes_append_span(&sent, run);
        gather_consume(&t.out, run.len);
    }
    struct http2_talk server;
    static const struct http2_limits wide = {.max_head_bytes = 65536, .max_fields = 10};
    http2_talk_start(&server, HTTP2_SERVER, &wide);
    http2_talk_script(&server, HTTP2_START);
    http2_talk_read(&server, bytes_span(&sent), 1000);
    ck_assert_uint_gt(strlen(http2_talk_said(&server)), 40000);
    http2_talk_end(&server);
    bytes_clear(&sent);
}
END_TEST

START_TEST(refuses_a_head_that_cannot_be_written)
{
    struct http_field host = {span_from_str("Host"), span_from_str("a")}, set = {span_from_str("a b"), span_from_str("c")};
    struct http_edit edit = {.set = &set, .n_set = 1};
    ck_assert_ptr_null(ask(&host, 1, (struct http_outgoing){.framing = HTTP_NO_BODY, .edit = &edit}));
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("CONNECT"), .target = span_from_str("a:1"), .fields = &host, .n_fields = 1};
    ck_assert_ptr_null(http2_request(t.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https")}, NULL));
    ck_assert_uint_eq(http2_streams(t.h), 0);
    ck_assert_str_eq(http2_talk_sent(&t), "");
    ck_assert_ptr_nonnull(ask(&host, 1, (struct http_outgoing){.framing = HTTP_NO_BODY}));
}
END_TEST

START_TEST(asks_no_more_than_the_peer_allows)
{
    struct http_field host = {span_from_str("Host"), span_from_str("a")};
    http2_talk_script(&t, "S 3=2");
    ck_assert_uint_eq(http2_max_concurrent(t.h), 2);
    for (int i = 0; i < 2; i++)
        ck_assert_ptr_nonnull(ask(&host, 1, (struct http_outgoing){.framing = HTTP_NO_BODY}));
    ck_assert(!http2_has_room(t.h));
    ck_assert_ptr_null(ask(&host, 1, (struct http_outgoing){.framing = HTTP_NO_BODY}));
    http2_talk_script(&t, "H1e :status=204");
    ck_assert(http2_has_room(t.h));
    http2_talk_script(&t, "G 3 0");
    ck_assert(!http2_has_room(t.h) && !http2_wants_close(t.h));
    http2_talk_script(&t, "H3e :status=204");
    ck_assert(http2_wants_close(t.h));
}
END_TEST

/* ---- responses ---- */

START_TEST(writes_responses)
{
    struct http2_talk s;
    http2_talk_start(&s, HTTP2_SERVER, NULL);
    http2_talk_script(&s, HTTP2_START "H1e " HTTP2_GET "\nH3e " HTTP2_GET "\nH5e " HTTP2_GET);
    http2_talk_sent(&s);
    ck_assert_int_eq(http2_talk_respond(&s, 1, "103|Link=x", HTTP_NO_BODY, 0), 0);
    ck_assert_int_eq(http2_talk_respond(&s, 1, "304|Content-Length=9", HTTP_NO_BODY, 0), 0);
    ck_assert_int_eq(http2_talk_respond(&s, 3, "200|Transfer-Encoding=chunked|Set-Cookie=a|Set-Cookie=b", HTTP_LENGTH, 0), 0);
    ck_assert_int_eq(http2_talk_respond(&s, 5, "200", HTTP_CHUNKED, 0), 0);
    ck_assert_int_eq(http2_talk_respond(&s, 5, "200", HTTP_CHUNKED, 0), -1); /* once */
    ck_assert_str_eq(http2_talk_sent(&s), "H1 :status=103|link=x\nH1e :status=304|content-length=9\nH3e :status=200|set-cookie=a|set-cookie=b|content-length=0\nH5 :status=200\n");
    http2_talk_end(&s);
}
END_TEST

START_TEST(makes_up_no_length)
{
    struct http_field length = {span_from_str("content-length"), span_from_str("0")};
    struct http_head head = {.minor = 1, .http2 = true, .status = 200, .fields = &length};
    struct http2_talk s;
    http2_talk_start(&s, HTTP2_SERVER, NULL);
    http2_talk_script(&s, HTTP2_START "H1e " HTTP2_GET "\nH3e " HTTP2_GET);
    http2_talk_sent(&s);
    for (uint32_t id = 1; id < 4; id += 2) {
        ck_assert_int_eq(http2_respond(s.h, http2_talk_stream(&s, id), &(struct http_outgoing){.head = &head, .framing = HTTP_LENGTH}), 0);
        head.n_fields = 1;
    }
    ck_assert_str_eq(http2_talk_sent(&s), "H1e :status=200\nH3e :status=200|content-length=0\n");
    http2_talk_end(&s);
}
END_TEST

START_TEST(offers_protocols_where_they_are_served) /* RFC 8441 */
{
    static const struct http2_limits limits = {.max_head_bytes = 4096, .max_fields = 32, .max_streams = 7, .extended_connect = true};
    struct http2_talk s;
    http2_talk_start(&s, HTTP2_SERVER, &limits);
    ck_assert_str_eq(http2_talk_sent(&s), "S 4=262144,6=4096,3=7,9=1,8=1\nW0 983041\n");
    http2_talk_end(&s);
    ck_assert(!http2_peer_takes_protocols(t.h));
    http2_talk_script(&t, "S 8=1");
    ck_assert(http2_peer_takes_protocols(t.h));
}
END_TEST

START_TEST(a_head_larger_than_the_peer_takes_is_not_sent) /* RFC 9113 section 6.5.2 */
{
    struct http2_talk o;
    http2_talk_start(&o, HTTP2_SERVER, NULL);
    http2_talk_script(&o, "PRI\nS 6=110\nSA\nH1e " HTTP2_GET "\nH3e " HTTP2_GET);
    http2_talk_sent(&o);
    ck_assert_int_eq(http2_talk_respond(&o, 1, "200|a=0123456789012345678901234567890123456789", HTTP_NO_BODY, 0), -1); /* 7 + 3 + 32, and 41 + 32 */
    ck_assert(http2_head_was_too_large(o.h));
    ck_assert_str_eq(http2_talk_sent(&o), "");
    ck_assert_int_eq(http2_talk_respond(&o, 3, "200|a=0", HTTP_NO_BODY, 0), 0);
    ck_assert(!http2_head_was_too_large(o.h));
    ck_assert_str_eq(http2_talk_sent(&o), "H3e :status=200|a=0\n");
    http2_talk_script(&o, "S 6=1000"); /* it takes more by now */
    http2_talk_sent(&o);
    ck_assert_int_eq(http2_talk_respond(&o, 1, "200|a=0123456789012345678901234567890123456789", HTTP_NO_BODY, 0), 0);
    http2_talk_end(&o);
}
END_TEST

/* Runs of the same request between others: the peer's table follows what is written. Now and then the peer changes its size. */
START_TEST(requests_that_come_again_are_read_as_they_were_written)
{
    static const char *const values[] = {"one", "two", "a value that joins the table", "another value that joins it"};
    static const char *const names[] = {"x-a", "x-b", "authorization"};
    uint32_t random = 4711, id = 1;
    char expected[200];
    for (size_t run = 0; run < 300; run++) {
        random = random * 1103515245 + 12345;
        size_t name = (random >> 16) % 3, value = (random >> 20) % 4;
        struct http_field fields[] = {{span_from_str("host"), span_from_str("a")}, {span_from_str(names[name]), span_from_str(values[value])}};
        for (size_t i = 0; i < 1 + run % 4; i++, id += 2) {
            struct http2_stream *s = ask(fields, 2, (struct http_outgoing){.framing = HTTP_NO_BODY});
            ck_assert_ptr_nonnull(s);
            snprintf(expected, sizeof(expected), "H%ue :method=GET|:scheme=https|:authority=a|:path=/x?y|%s%s=%s\n", id, name == 2 ? "!" : "", names[name], values[value]);
            ck_assert_str_eq(http2_talk_sent(&t), expected);
            http2_release(t.h, s);
            http2_talk_sent(&t);
        }
        if (run % 16 == 0) {
            http2_talk_script(&t, run % 32 == 0 ? "S 1=60" : "S 1=4096");
            http2_talk_sent(&t);
        }
    }
}
END_TEST

/* RFC 7541 section 4.2: the next block tells the new size, and refers to nothing that the peer has thrown away. */
START_TEST(a_smaller_table_of_the_peer_is_heeded_by_a_request_that_comes_again)
{
    struct http_field fields[] = {{span_from_str("host"), span_from_str("a")}, {span_from_str("x-a"), span_from_str("a value that joins the table")}};
    struct span run = {NULL, 0};
    for (size_t i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(ask(fields, 2, (struct http_outgoing){.framing = HTTP_NO_BODY}));
    http2_talk_sent(&t);
    http2_talk_script(&t, "S 1=0");
    http2_talk_sent(&t);
    ck_assert_ptr_nonnull(ask(fields, 2, (struct http_outgoing){.framing = HTTP_NO_BODY}));
    ck_assert_int_eq(http2_fill(t.h, &t.out, 1 << 20), 0);
    ck_assert_uint_eq(gather_runs(&t.out, &run, 1), 1);
    ck_assert_uint_gt(run.len, 9 + 30);
    ck_assert_uint_eq(run.ptr[9], 0x20);
    ck_assert_str_eq(http2_talk_sent(&t), "H7e :method=GET|:scheme=https|:authority=a|:path=/x?y|x-a=a value that joins the table\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_send");
    TCase *c = tcase_create("client");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, greets_with_the_preface);
    tcase_add_test(c, writes_a_request_without_what_is_of_http1);
    tcase_add_test(c, writes_what_the_caller_changes);
    tcase_add_test(c, asks_for_a_protocol);
    tcase_add_test(c, says_a_length_where_there_is_one);
    tcase_add_test(c, a_secret_stays_one);
    tcase_add_test(c, divides_a_large_head);
    tcase_add_test(c, refuses_a_head_that_cannot_be_written);
    tcase_add_test(c, asks_no_more_than_the_peer_allows);
    tcase_add_test(c, writes_responses);
    tcase_add_test(c, makes_up_no_length);
    tcase_add_test(c, offers_protocols_where_they_are_served);
    tcase_add_test(c, a_head_larger_than_the_peer_takes_is_not_sent);
    tcase_add_test(c, requests_that_come_again_are_read_as_they_were_written);
    tcase_add_test(c, a_smaller_table_of_the_peer_is_heeded_by_a_request_that_comes_again);
    suite_add_tcase(s, c);
    return s;
}
