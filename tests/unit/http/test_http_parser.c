/* SPDX-License-Identifier: Apache-2.0 */
/* Row C3: where the parser stops, and what it does not tolerate. Whole messages are read in test_http1.c. */
#include "http_parser.h"
#include "t.h"

static const struct {
    const char *why, *head;
    enum http_parser_stop stop;
} rows[] = {
    {"a head", "GET / HTTP/1.1\r\nA: b\r\nC: d\r\n\r\n", HTTP_PARSER_HEAD},
    {"half a head", "GET / HTTP/1.1\r\nA: b\r\n", HTTP_PARSER_MORE},
    {"one field too many", "GET / HTTP/1.1\r\nA: b\r\nC: d\r\nE: f\r\nG: h\r\n\r\n", HTTP_PARSER_TOO_MANY_FIELDS},
    {"no name", "GET / HTTP/1.1\r\n: b\r\n\r\n", HTTP_PARSER_NO_NAME},
    {"a space before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTP_PARSER_MALFORMED},
    {"a control byte in a value", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n", HTTP_PARSER_MALFORMED},
    {"a method nobody knows", "FROB / HTTP/1.1\r\n\r\n", HTTP_PARSER_METHOD},
};

START_TEST(C3_stops_where_there_is_something_to_look_at)
{
    struct http_parser p = {.max_fields = 3, .head = {.request = true, .method = span_from_str("FROB")}};
    http_parser_begin(&p);
    enum http_parser_stop stop = http_parser_read(&p, span_from_str(rows[_i].head));
    ck_assert_msg(stop == rows[_i].stop, "%s: %d", rows[_i].why, (int)stop);
    if (stop == HTTP_PARSER_HEAD)
        ck_assert(p.head.n_fields == 2 && span_equals_str(p.head.fields[1].value, "d"));
    if (stop == HTTP_PARSER_MALFORMED)
        ck_assert(http_parser_detail(&p)[0] != '\0');
    http_parser_forget(&p, true);
    ck_assert(p.head.fields == NULL && p.head.n_fields == 0 && p.head.request);
}
END_TEST

static struct http_parser in_chunks(void)
{
    return (struct http_parser){.max_fields = 3, .head = {.request = true, .method = span_from_str("POST")}};
}

START_TEST(reads_chunks_piece_by_piece)
{
    static const char bytes[] = "5\r\nhello\r\n0\r\nA: b\r\n\r\n";
    struct http_parser p = in_chunks();
    http_parser_begin(&p);
    ck_assert_int_eq(http_parser_read(&p, span_from_str("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")), HTTP_PARSER_HEAD);
    struct span in = span_from_str(bytes);
    ck_assert_int_eq(http_parser_read(&p, in), HTTP_PARSER_DATA);
    ck_assert(span_equals_str(p.data, "hello"));
    in = span_skip(in, p.eaten);
    ck_assert_int_eq(http_parser_read(&p, span_of(in.ptr, 2)), HTTP_PARSER_MORE);
    ck_assert_uint_eq(p.eaten, 2);
    in = span_skip(in, p.eaten);
    ck_assert_int_eq(http_parser_read(&p, in), HTTP_PARSER_LAST_CHUNK);
    in = span_skip(in, p.eaten);
    ck_assert_int_eq(http_parser_read(&p, in), HTTP_PARSER_TRAILERS);
    http_parser_forget(&p, true);
}
END_TEST

START_TEST(C3_refuses_chunk_extensions)
{
    struct http_parser p = in_chunks();
    http_parser_begin(&p);
    ck_assert_int_eq(http_parser_read(&p, span_from_str("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")), HTTP_PARSER_HEAD);
    ck_assert_int_eq(http_parser_read(&p, span_from_str("5;a=b\r\nhello\r\n")), HTTP_PARSER_EXTENSION);
    http_parser_forget(&p, true);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_parser");
    TCase *tc = tcase_create("parser");
    tcase_add_loop_test(tc, C3_stops_where_there_is_something_to_look_at, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, reads_chunks_piece_by_piece);
    tcase_add_test(tc, C3_refuses_chunk_extensions);
    suite_add_tcase(s, tc);
    return s;
}
