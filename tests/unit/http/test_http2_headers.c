/* SPDX-License-Identifier: Apache-2.0 */
/* Which stream a block belongs to, and that each block is read to its end, whatever becomes of the stream. */
#include "http2_frames.h"
#include "http2_talk.h"
#include "t.h"

#include <string.h>

static struct http2_talk t;

static void start(void)
{
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_script(&t, HTTP2_START);
    http2_talk_sent(&t);
}

static void end(void)
{
    http2_talk_end(&t);
}

/* A field that joins the table, and a request that refers to it: if a block were not decoded, the next one would be another. */
static void define(uint32_t id, unsigned flags)
{
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    static const uint8_t block[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0x40, 3, 'x', '-', 'k', 1, 'v'}; /* GET https / a, x-k: v */
    http2_frame(&bytes, 1, flags, id, span_of(block, sizeof(block)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
}

static void refer(uint32_t id)
{
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    static const uint8_t block[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0xbe};
    http2_frame(&bytes, 1, 5, id, span_of(block, sizeof(block)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
}

#define POST ":method=POST|:scheme=https|:authority=a|:path=/"

static const struct {
    const char *why, *before, *said;
    uint32_t id;
    unsigned flags;
} blocks[] = {
    {"a request", "", "HEAD1 GET / none host=a|x-k=v\nEND1\n", 1, 5},
    {"one that is refused for its stream", "H1 " POST, "HEAD1 POST / open host=a\nREFUSED1 1 a pseudo field in trailers\n", 1, 5},
    {"one of a stream that we reset", "H1 " POST "\nW1 0", "HEAD1 POST / open host=a\nREFUSED1 1 WINDOW_UPDATE by nothing\n", 1, 5},
    {"one behind the end", "H1e " POST, "HEAD1 POST / none host=a\nEND1\nREFUSED1 5 HEADERS behind the end of the stream\n", 1, 5},
};

START_TEST(the_table_follows_every_block)
{
    http2_talk_script(&t, blocks[_i].before);
    define(blocks[_i].id, blocks[_i].flags);
    const char *said = http2_talk_said(&t);
    ck_assert_msg(strcmp(said, blocks[_i].said) == 0, "%s: %s", blocks[_i].why, said);
    refer(9);
    ck_assert_str_eq(http2_talk_said(&t), "HEAD9 GET / none host=a|x-k=v\nEND9\n");
}
END_TEST

START_TEST(the_table_follows_a_block_of_which_the_stream_was_released)
{
    struct bytes bytes;
    static const uint8_t rest[] = {0x40, 3, 'x', '-', 'k', 1, 'v'};
    http2_talk_script(&t, "H1 " POST "\nH1e- a=b");
    http2_release(t.h, http2_talk_stream(&t, 1));
    bytes_init(&bytes, 1000);
    http2_frame(&bytes, 9, 4, 1, span_of(rest, sizeof(rest)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
    refer(3);
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 POST / open host=a\nHEAD3 GET / none host=a|x-k=v\nEND3\n");
}
END_TEST

START_TEST(trailers_of_an_answered_and_released_stream_are_dropped)
{
    http2_talk_script(&t, "S 4=0\nH1 " POST "\nH1e- a=b");
    ck_assert_int_eq(http2_talk_respond(&t, 1, "200", HTTP_CHUNKED, 0), 0);
    ck_assert_int_eq(http2_write(t.h, http2_talk_stream(&t, 1), span_from_str("abc")), 0);
    ck_assert_int_eq(http2_write_end(t.h, http2_talk_stream(&t, 1), NULL, NULL), 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    http2_talk_script(&t, "C1 c=d");
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 POST / open host=a\n");
    ck_assert_str_eq(http2_talk_sent(&t), "SA\nH1 :status=200\n");
    http2_talk_script(&t, "W1 3");
    ck_assert_str_eq(http2_talk_sent(&t), "D1e abc\n");
    ck_assert_uint_eq(http2_streams(t.h), 0);
}
END_TEST

START_TEST(a_malformed_request_is_reset_and_the_next_one_read)
{
    http2_talk_script(&t, "H1e :method=GET\nH3e " HTTP2_GET);
    ck_assert_str_eq(http2_talk_said(&t), "REFUSED1 1 a request needs :method, :scheme and :path\nHEAD3 GET / none host=a\nEND3\n");
    ck_assert_str_eq(http2_talk_sent(&t), "R1 1\n");
    ck_assert_uint_eq(http2_streams(t.h), 1);
}
END_TEST

START_TEST(an_unknown_method_may_be_answered)
{
    http2_talk_script(&t, "H1e :method=BREW|:scheme=https|:authority=a|:path=/");
    ck_assert_str_eq(http2_talk_said(&t), "REFUSED1 8 answer the method is not known\n");
    ck_assert_int_eq(http2_talk_respond(&t, 1, "501", HTTP_NO_BODY, 0), 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :status=501\n");
    ck_assert(http2_is_idle(t.h));
}
END_TEST

START_TEST(a_response_without_a_request_in_time_is_dropped)
{
    struct http2_talk c;
    struct http_field host = {span_from_str("host"), span_from_str("a")};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
    http2_talk_start(&c, HTTP2_CLIENT, NULL);
    struct http2_stream *s = http2_request(c.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL);
    http2_talk_sent(&c);
    http2_release(c.h, s);
    ck_assert_str_eq(http2_talk_sent(&c), "R1 8\n");
    http2_talk_script(&c, "S\nH1 :status=200\nD1 abc\nH1e a=b");
    ck_assert_str_eq(http2_talk_said(&c), "");
    ck_assert(http2_is_idle(c.h));
    http2_talk_end(&c);
}
END_TEST

/* The same block in two frames, and in one frame for each byte. */
static void send_divided(struct span block, size_t cut, size_t rest)
{
    struct bytes bytes;
    bytes_init(&bytes, 1 << 16);
    http2_frame(&bytes, 1, 1, 1, span_of(block.ptr, cut));
    for (block = span_skip(block, cut); block.len > rest; block = span_skip(block, rest))
        http2_frame(&bytes, 9, 0, 1, span_of(block.ptr, rest));
    http2_frame(&bytes, 9, 4, 1, block);
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
}

START_TEST(a_block_is_read_however_it_is_divided)
{
    static const uint8_t block[] = {0x82, 0x87, 0x84, 0x41, 0x83, 0x1d, 0x75, 0x8f, 0x40, 3, 'x', '-', 'k', 1, 'v', 0xbe, 0x10, 1, 'a', 2, 'b', 'c'};
    static const uint8_t small[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0x00, 1, 'b'};
    uint8_t whole[10];
    for (size_t cut = 0; cut <= sizeof(block); cut++) {
        end();
        start();
        send_divided(span_of(block, sizeof(block)), cut, sizeof(block));
        ck_assert_str_eq(http2_talk_said(&t), "HEAD1 GET / none host=appa|x-k=v|x-k=v|a=bc\nEND1\n");
    }
    memcpy(whole, small, sizeof(small));
    whole[9] = 0; /* an empty value */
    end();
    start();
    send_divided(span_of(whole, 9 + 1), 2, 1);
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 GET / none host=a|b=\nEND1\n");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_headers");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_loop_test(c, the_table_follows_every_block, 0, sizeof(blocks) / sizeof(blocks[0]));
    tcase_add_test(c, the_table_follows_a_block_of_which_the_stream_was_released);
    tcase_add_test(c, trailers_of_an_answered_and_released_stream_are_dropped);
    tcase_add_test(c, a_block_is_read_however_it_is_divided);
    tcase_add_test(c, a_malformed_request_is_reset_and_the_next_one_read);
    tcase_add_test(c, an_unknown_method_may_be_answered);
    tcase_add_test(c, a_response_without_a_request_in_time_is_dropped);
    suite_add_tcase(s, c);
    return s;
}
