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
    {"no name", "GET / HTTP/1.1\r\n: b\r\n\r\n", HTTP_PARSER_MALFORMED},
    {"a space before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", HTTP_PARSER_MALFORMED},
    {"a control byte in a value", "GET / HTTP/1.1\r\nA: \x01\r\n\r\n", HTTP_PARSER_MALFORMED},
};

START_TEST(C3_stops_where_there_is_something_to_look_at)
{
    struct http_parser p = {.max_fields = 3, .head = {.request = true, .method = span_from_str("GET")}};
    enum http_parser_stop stop = http_parser_read_head(&p, span_from_str(rows[_i].head));
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
    ck_assert_int_eq(http_parser_read_head(&p, span_from_str("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")), HTTP_PARSER_HEAD);
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
    ck_assert_int_eq(http_parser_read_head(&p, span_from_str("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")), HTTP_PARSER_HEAD);
    ck_assert_int_eq(http_parser_read(&p, span_from_str("5;a=b\r\nhello\r\n")), HTTP_PARSER_EXTENSION);
    http_parser_forget(&p, true);
}
END_TEST

/* llhttp 8 is strict as compiled, llhttp 9 unless a flag says otherwise: one row for each thing that a version can be told to tolerate.
 * What http_lines refuses before it gets here is left out: llhttp 8 takes some of that. */
static const struct {
    const char *why, *head, *body;
} tolerances[] = {
    {"control bytes in values", "GET / HTTP/1.1\r\nA: b\001c\r\n\r\n", ""},
    {"a length beside chunks", "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", ""},
    {"chunks beside a length", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", ""},
    {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", ""},
    {"a coding after chunked", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", ""},
    {"another version", "GET / HTTP/1.2\r\n\r\n", ""},
    {"LF without CR after a field", "GET / HTTP/1.1\r\nA: b\n\r\n", ""},
    {"CR without LF in the first line", "GET / HTTP/1.1\rA: b\r\n\r\n", ""},
    {"CR without LF after a field", "GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n", ""},
    {"CR without LF at the end", "GET / HTTP/1.1\r\nA: b\r\n\rG", ""},
    {"a space before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", ""},
    {"a space in a name", "GET / HTTP/1.1\r\nA B: b\r\n\r\n", ""},
    {"a tab in the target", "GET /\ta HTTP/1.1\r\n\r\n", ""},
    {"a byte of the upper half in the target", "GET /\303\244 HTTP/1.1\r\n\r\n", ""},
    {"white space before the first line", " GET / HTTP/1.1\r\n\r\n", ""},
    {"a space after the size of a chunk", NULL, "3 \r\nabc\r\n0\r\n\r\n"},
    {"LF without CR after a size", NULL, "3\nabc\r\n0\r\n\r\n"},
    {"LF without CR after a chunk", NULL, "3\r\nabc\n0\r\n\r\n"},
    {"CR without LF after a chunk", NULL, "3\r\nabc\r0\r\n\r\n"},
    {"nothing after a chunk", NULL, "3\r\nabc0\r\n\r\n"},
    {"no size of a chunk", NULL, "\r\nabc\r\n0\r\n\r\n"},
    {"the size of a chunk with 0x", NULL, "0x3\r\nabc\r\n0\r\n\r\n"},
    {"LF without CR after a trailer", NULL, "0\r\nA: b\n\r\n"},
};

START_TEST(C3_is_strict_whatever_its_version)
{
    static const char chunked[] = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    const char *head = tolerances[_i].head != NULL ? tolerances[_i].head : chunked;
    struct http_parser p = in_chunks();
    p.head.method = span_of(head, 3);
    enum http_parser_stop stop = http_parser_read_head(&p, span_from_str(head));
    ck_assert_uint_eq(p.llhttp.lenient_flags, 0);
    struct span in = span_from_str(tolerances[_i].body);
    while (in.len > 0 && stop < HTTP_PARSER_TRAILERS) {
        stop = http_parser_read(&p, in);
        in = span_skip(in, p.eaten);
    }
    ck_assert_msg(stop == HTTP_PARSER_MALFORMED, "%s: %d", tolerances[_i].why, (int)stop);
    http_parser_forget(&p, true);
}
END_TEST

/* llhttp reads QUERY from version 9 on. */
START_TEST(reads_a_query_whatever_its_version)
{
    struct http_parser p = {.max_fields = 3, .head = {.request = true, .method = span_from_str("QUERY")}};
    ck_assert_int_eq(http_parser_read_head(&p, span_from_str("QUERY /a?b HTTP/1.1\r\nA: b\r\n\r\n")), HTTP_PARSER_HEAD);
    ck_assert(p.head.n_fields == 1 && span_equals_str(p.head.fields[0].name, "A") && span_equals_str(p.head.fields[0].value, "b"));
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
    tcase_add_loop_test(tc, C3_is_strict_whatever_its_version, 0, (int)(sizeof(tolerances) / sizeof(tolerances[0])));
    tcase_add_test(tc, reads_a_query_whatever_its_version);
    suite_add_tcase(s, tc);
    return s;
}
