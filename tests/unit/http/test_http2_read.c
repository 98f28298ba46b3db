/* SPDX-License-Identifier: Apache-2.0 */
/* C5: what is read of frames made by hand, with any cut of the input, and what is refused. */
#include "http2_frames.h"
#include "http2_internal.h"
#include "http2_talk.h"
#include "t.h"

#include <string.h>

struct row {
    const char *why, *script, *said;
};

#define POST ":method=POST|:scheme=https|:authority=a|:path=/"
#define HEAD1 "HEAD1 GET / none host=a\n"
#define OPEN1 "HEAD1 POST / open host=a\n"

/* ---- what a client sends ---- */

static const struct row requests[] = {
    {"a request without a body", "H1e " HTTP2_GET, HEAD1 "END1\n"},
    {"a body of unknown length", "H1 " POST "\nD1 hel\nD1e lo", OPEN1 "DATA1 hello\nEND1\n"},
    {"a body of a known length", "H1 " POST "|content-length=5\nD1 hel\nD1e lo", "HEAD1 POST / length 5 host=a|content-length=5\nDATA1 hello\nEND1\n"},
    {"an empty last frame", "H1 " POST "\nD1 a\nD1e", OPEN1 "DATA1 a\nEND1\n"},
    {"padding", "H1ep " HTTP2_GET "\nH3p " POST "\nD3p abc\nD3pe", HEAD1 "END1\nHEAD3 POST / open host=a\nDATA3 abc\nEND3\n"},
    {"priority in HEADERS is skipped", "H1ey " HTTP2_GET, HEAD1 "END1\n"},
    {"PRIORITY that makes a loop is skipped", "Y3 %00%00%00%03a\nY1 %80%00%00%01a\nH1e " HTTP2_GET, HEAD1 "END1\n"},
    {"CONTINUATION", "H1e- :method=GET|:scheme=https\nC1- :authority=a|:path=/\nC1 x=y", "HEAD1 GET / none host=a|x=y\nEND1\n"},
    {"an empty CONTINUATION at the end", "H1e- " HTTP2_GET "\nC1", HEAD1 "END1\n"},
    {"trailers", "H1 " POST "\nD1 a\nH1e x=y", OPEN1 "DATA1 a\nTRAILERS1 x=y\nEND1\n"},
    {"trailers without a body", "H1 " POST "\nH1e x=y", OPEN1 "TRAILERS1 x=y\nEND1\n"},
    {"streams between one another", "H1 " POST "\nH3 " POST "\nD3 a\nD1e b\nD3e c", OPEN1 "HEAD3 POST / open host=a\nDATA3 a\nDATA1 b\nEND1\nDATA3 c\nEND3\n"},
    {"unknown types are skipped", "X99:7 abc\nX250:0\nH1e " HTTP2_GET "\nX16:0 %00%00%00%01u=1", HEAD1 "END1\n"},
    {"unknown flags are ignored", "H1e " HTTP2_GET "\nS 4=1", HEAD1 "END1\n"},
    {"PING and its answers", "P 12345678\nPA abcdefgh\nH1e " HTTP2_GET, HEAD1 "END1\n"},
    {"a stream is skipped", "H5e " HTTP2_GET "\nH9e " HTTP2_GET, "HEAD5 GET / none host=a\nEND5\nHEAD9 GET / none host=a\nEND9\n"},
    {"a reset", "H1 " POST "\nD1 a\nR1 8\nD1 b", OPEN1 "DATA1 a\nRESET1 8\nBAD 5 a frame of a stream that has ended\n"},
    {"CONNECT", "H1 :method=CONNECT|:authority=a:443\nD1 x", "HEAD1 CONNECT a:443 open host=a:443\nDATA1 x\n"},
    {"GOAWAY of the client", "H1 " POST "\nG 0 0 bye\nD1e a", OPEN1 "GOAWAY bye 0\nDATA1 a\nEND1\n"},
    {"WINDOW_UPDATE of an ended stream", "H1e " HTTP2_GET "\nW1 5", HEAD1 "END1\n"},

    {"pseudo fields in trailers", "H1 " POST "\nH1e :path=/", OPEN1 "REFUSED1 1 a pseudo field in trailers\n"},
    {"trailers that do not end", "H1 " POST "\nH1 x=y", OPEN1 "REFUSED1 1 trailers do not end the stream\n"},
    {"a trailer about framing", "H1 " POST "\nH1e content-length=3", OPEN1 "REFUSED1 1 a trailer names the host, the framing or the connection\n"},
    {"a capital letter", "H1e " HTTP2_GET "|X=y\nH3e " HTTP2_GET, "REFUSED1 1 a field's name has capital letters\nHEAD3 GET / none host=a\nEND3\n"},
    {"less than content-length", "H1 " POST "|content-length=5\nD1e abc", "HEAD1 POST / length 5 host=a|content-length=5\nDATA1 abc\nREFUSED1 1 the stream ended before its content-length\n"},
    {"less than content-length, then trailers", "H1 " POST "|content-length=5\nH1e x=y",
     "HEAD1 POST / length 5 host=a|content-length=5\nREFUSED1 1 the stream ended before its content-length\n"},
    {"content-length without a body", "H1e " POST "|content-length=5", "REFUSED1 1 the stream ended before its content-length\n"},
    {"DATA behind the end", "H1e " HTTP2_GET "\nD1 a", HEAD1 "END1\nREFUSED1 5 DATA behind the end of the stream\n"},
    {"HEADERS behind the end", "H1e " HTTP2_GET "\nH1e x=y\nH3e " HTTP2_GET, HEAD1 "END1\nREFUSED1 5 HEADERS behind the end of the stream\nHEAD3 GET / none host=a\nEND3\n"},
    {"WINDOW_UPDATE by nothing", "H1 " POST "\nW1 0", OPEN1 "REFUSED1 1 WINDOW_UPDATE by nothing\n"},
    {"a window too large", "H1 " POST "\nW1 2147483647", OPEN1 "REFUSED1 3 a window larger than there can be\n"},

    {"a frame before SETTINGS", "-", "BAD 1 the first frame is not SETTINGS\n"},
    {"a frame too large", "+", "BAD 6 a frame larger than allowed\n"},
    {"an even stream", "H2e " HTTP2_GET, "BAD 1 a frame of a stream that never began\n"},
    {"HEADERS without a stream", "H0e " HTTP2_GET, "BAD 1 HEADERS without a stream\n"},
    {"DATA without a stream", "D0 a", "BAD 1 DATA without a stream\n"},
    {"DATA of an idle stream", "D1 a", "BAD 1 a frame of a stream that never began\n"},
    {"WINDOW_UPDATE of an idle stream", "W1 1", "BAD 1 a frame of a stream that never began\n"},
    {"RST_STREAM of an idle stream", "R1 1", "BAD 1 a frame of a stream that never began\n"},
    {"a stream older than the last", "H3e " HTTP2_GET "\nH1e " HTTP2_GET, "HEAD3 GET / none host=a\nEND3\nBAD 5 a frame of a stream that has ended\n"},
    {"CONTINUATION without HEADERS", "C1 x=y", "BAD 1 CONTINUATION without HEADERS\n"},
    {"CONTINUATION of another stream", "H1e- " HTTP2_GET "\nC3 x=y", "BAD 1 a header block is interrupted by another frame\n"},
    {"a block that is interrupted", "H1e- " HTTP2_GET "\nP 12345678", "BAD 1 a header block is interrupted by another frame\n"},
    {"a block that is interrupted by an unknown frame", "H1e- " HTTP2_GET "\nX99:1", "BAD 1 a header block is interrupted by another frame\n"},
    {"PUSH_PROMISE", "U1 2", "BAD 1 PUSH_PROMISE, which is not allowed\n"},
    {"no HPACK", "X1:1", "BAD 9 a header block that is not HPACK\n"},
    {"more padding in DATA than there is", "H1 " POST "\nD1q %03ab", OPEN1 "BAD 1 more padding than the frame is long\n"},
    {"padding of the whole frame", "H1 " POST "\nD1q %02ab\nD1e c", OPEN1 "DATA1 c\nEND1\n"},
    {"padded DATA without a length of its padding", "H1 " POST "\nD1q", OPEN1 "BAD 6 a padded frame without the length of its padding\n"},
    {"more padding in HEADERS than there is", "X1:1eq %03ab", "BAD 1 more padding than the frame is long\n"},
    {"padded HEADERS without a length of its padding", "X1:1eq", "BAD 1 a padded frame without the length of its padding\n"},
    {"HEADERS without its priority", "X1:1ez 1234", "BAD 1 a HEADERS frame without its priority\n"},
    {"more padding than what follows the priority", "X1:1eqz %0112345", "BAD 1 more padding than the frame is long\n"},
};
enum { N_REQUESTS = sizeof(requests) / sizeof(requests[0]) };

static void build(const struct row *row, bool server, struct bytes *bytes)
{
    static const uint8_t no_hpack[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, wide[20000];
    if (row->script[0] != '-')
        http2_frames(bytes, server ? HTTP2_START : "S\n");
    else
        http2_frames(bytes, server ? "PRI\nP 12345678" : "P 12345678");
    if (row->script[0] == '+')
        http2_frame(bytes, 0, 0, 1, span_of(wide, sizeof(wide)));
    else if (strcmp(row->script, "X1:1") == 0)
        http2_frame(bytes, 1, 4, 1, span_of(no_hpack, sizeof(no_hpack)));
    else if (row->script[0] != '-')
        http2_frames(bytes, row->script);
}

/* In pieces of step bytes, the first of them at cut. */
static void check(const struct row *row, struct span bytes, enum http2_role role, size_t cut, size_t step)
{
    struct http2_talk t;
    http2_talk_start(&t, role, NULL);
    for (int i = 0; role == HTTP2_CLIENT && i < 3; i++) {
        struct http_field host = {span_from_str("host"), span_from_str("a")};
        struct http_head head = {.request = true, .minor = 1, .method = span_from_str(i == 2 ? "HEAD" : "GET"), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
        ck_assert_ptr_nonnull(http2_request(t.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL));
    }
    http2_talk_read(&t, span_of(bytes.ptr, cut), step);
    http2_talk_read(&t, span_skip(bytes, cut), step);
    const char *said = http2_talk_said(&t);
    ck_assert_msg(strcmp(said, row->said) == 0, "%s, cut at %zu of %zu by %zu: %s", row->why, cut, bytes.len, step, said);
    http2_talk_sent(&t);
    http2_talk_end(&t);
}

static void check_all_cuts(const struct row *row, enum http2_role role)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 20);
    build(row, role == HTTP2_SERVER, &bytes);
    check(row, bytes_span(&bytes), role, 0, bytes.len);
    for (size_t step = 1; step < 12; step++)
        check(row, bytes_span(&bytes), role, 0, step);
    for (size_t cut = 1; cut < bytes.len && cut < 400; cut++)
        check(row, bytes_span(&bytes), role, cut, bytes.len);
    bytes_clear(&bytes);
}

START_TEST(reads_what_clients_send_with_any_cut) /* C5 */
{
    check_all_cuts(&requests[_i], HTTP2_SERVER);
}
END_TEST

/* ---- what an upstream sends; three requests are under way, the third is HEAD ---- */

static const struct row responses[] = {
    {"a response", "H1 :status=200|a=b\nD1e hello", "HEAD1 200 open a=b\nDATA1 hello\nEND1\n"},
    {"one without a body", "H1e :status=200", "HEAD1 200 length 0\nEND1\n"},
    {"one of a known length", "H1 :status=200|content-length=2\nD1 h\nD1e i", "HEAD1 200 length 2 content-length=2\nDATA1 hi\nEND1\n"},
    {"no content", "H1e :status=204\nH3e :status=304|content-length=9", "HEAD1 204 none\nEND1\nHEAD3 304 none content-length=9\nEND3\n"},
    {"the response to HEAD", "H5e :status=200|content-length=9", "HEAD5 200 none content-length=9\nEND5\n"},
    {"interim ones", "H1 :status=103|link=x\nH1 :status=100\nH1e :status=200", "INTERIM1 103 none link=x\nINTERIM1 100 none\nHEAD1 200 length 0\nEND1\n"},
    {"trailers", "H1 :status=200\nD1 a\nH1e grpc-status=0", "HEAD1 200 open\nDATA1 a\nTRAILERS1 grpc-status=0\nEND1\n"},
    {"a refused stream", "R1 7\nR3 8", "RESET1 7 unprocessed\nRESET3 8\n"},
    {"GOAWAY", "H1 :status=200\nG 1 0\nD1e a", "HEAD1 200 open\nGOAWAY  0\nRESET5 7 unprocessed\nRESET3 7 unprocessed\nDATA1 a\nEND1\n"},
    {"GOAWAY for all", "G 0 11 calm", "GOAWAY calm 11\nRESET5 7 unprocessed\nRESET3 7 unprocessed\nRESET1 7 unprocessed\n"},
    {"GOAWAY beyond all", "G 2147483647 0", "GOAWAY  0\n"},
    {"settings of every kind", "S 1=0,2=0,3=0,4=2147483647,5=16777215,6=0,8=1,77=1\nS 1=4294967295,4=0", ""},
    {"a reset after the whole response", "H1e :status=200\nR1 0", "HEAD1 200 length 0\nEND1\n"},

    {"no status", "H1e a=b", "REFUSED1 1 the status is not a number from 100 to 599\n"},
    {"status 101", "H1 :status=101", "REFUSED1 1 status 101, which HTTP/2 does not have\n"},
    {"an interim response that ends", "H1e :status=100", "REFUSED1 1 an interim response ends the stream\n"},
    {"DATA before the head", "D1 a", "REFUSED1 1 DATA before the head\n"},
    {"DATA before the final head", "H1 :status=100\nD1 a", "INTERIM1 100 none\nREFUSED1 1 DATA before the head\n"},
    {"DATA for HEAD", "H5 :status=200|content-length=9\nD5 abc", "HEAD5 200 none content-length=9\nREFUSED5 1 more DATA than content-length says\n"},
    {"DATA in 204", "H1 :status=204\nD1e a", "HEAD1 204 none\nREFUSED1 1 more DATA than content-length says\n"},
    {"more than content-length", "H1 :status=200|content-length=2\nD1 h\nD1 ij", "HEAD1 200 length 2 content-length=2\nDATA1 h\nREFUSED1 1 more DATA than content-length says\n"},
    {"more than content-length, with padding", "H1 :status=200|content-length=2\nD1p hij\nH3e :status=204", "HEAD1 200 length 2 content-length=2\nREFUSED1 1 more DATA than content-length says\nHEAD3 204 none\nEND3\n"},
    {"a second final head", "H1 :status=200\nH1e :status=200", "HEAD1 200 open\nREFUSED1 1 a pseudo field in trailers\n"},
    {"a push", "U1 2", "BAD 1 PUSH_PROMISE, which is not allowed\n"},
    {"a stream of the server's", "H2e :status=200", "BAD 1 a frame of a stream that never began\n"},
    {"a stream that we did not begin", "H7e :status=200", "BAD 1 a frame of a stream that never began\n"},
    {"a frame before SETTINGS", "-", "BAD 1 the first frame is not SETTINGS\n"},
    {"push allowed", "S 2=1", "BAD 1 SETTINGS with a value for push that may not be\n"},
    {"a window too large", "S 4=2147483648", "BAD 3 SETTINGS with a window larger than there can be\n"},
    {"a window that grows too large", "W1 2147418112\nS 4=65536", "BAD 3 SETTINGS make a window larger than there can be\n"},
    {"frames too small", "S 5=16383", "BAD 1 SETTINGS with a frame size that may not be\n"},
    {"frames too large", "S 5=16777216", "BAD 1 SETTINGS with a frame size that may not be\n"},
};
enum { N_RESPONSES = sizeof(responses) / sizeof(responses[0]) };

START_TEST(reads_what_upstreams_send_with_any_cut) /* C5 */
{
    check_all_cuts(&responses[_i], HTTP2_CLIENT);
}
END_TEST

START_TEST(knows_the_preface_of_a_client)
{
    static const char first[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for (size_t n = 0; n < 24; n++)
        ck_assert_int_eq(http2_sniff(span_of(first, n)), HTTP2_PREFACE_MAYBE);
    ck_assert_int_eq(http2_sniff(span_of(first, 25)), HTTP2_PREFACE_YES);
    ck_assert_int_eq(http2_sniff(span_from_str("GET")), HTTP2_PREFACE_NO);
    ck_assert_int_eq(http2_sniff(span_from_str("PRI * HTTP/2.1")), HTTP2_PREFACE_NO);
}
END_TEST

START_TEST(refuses_another_preface)
{
    struct http2_talk t;
    static const char *const others[] = {"GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r", "P", "\x16\x03\x01"};
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_read(&t, span_from_str(others[_i]), 1);
    ck_assert_str_eq(http2_talk_said(&t), _i == 2 ? "" : "BAD 1 this is not HTTP/2\n");
    http2_talk_end(&t);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_read");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, reads_what_clients_send_with_any_cut, 0, N_REQUESTS);
    tcase_add_loop_test(c, reads_what_upstreams_send_with_any_cut, 0, N_RESPONSES);
    tcase_add_test(c, knows_the_preface_of_a_client);
    tcase_add_loop_test(c, refuses_another_preface, 0, 4);
    suite_add_tcase(s, c);
    return s;
}
