/* SPDX-License-Identifier: Apache-2.0 */
/* Which stream a block belongs to, and that each block is read to its end, whatever becomes of the stream. */
#include "http2_frames.h"
#include "http2_hpack.h"
#include "http2_talk.h"
#include "t.h"

#include <stdio.h>
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

/* ---- blocks that come again ---- */

static void send_block(struct http2_talk *talk, unsigned flags, uint32_t id, const void *block, size_t n)
{
    struct bytes bytes;
    bytes_init(&bytes, 1000);
    http2_frame(&bytes, 1, flags, id, span_of(block, n));
    http2_talk_read(talk, bytes_span(&bytes), bytes.len);
    bytes_clear(&bytes);
}

START_TEST(the_same_bytes_mean_another_field_when_the_table_changed)
{
    static const uint8_t first[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0x40, 1, 'x', 1, '1'}, second[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0x40, 1, 'y', 1, '2'};
    static const uint8_t newest[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0xbe};
    send_block(&t, 5, 1, first, sizeof(first));
    send_block(&t, 5, 3, newest, sizeof(newest));
    send_block(&t, 5, 5, newest, sizeof(newest));
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 GET / none host=a|x=1\nEND1\nHEAD3 GET / none host=a|x=1\nEND3\nHEAD5 GET / none host=a|x=1\nEND5\n");
    send_block(&t, 5, 7, second, sizeof(second));
    send_block(&t, 5, 9, newest, sizeof(newest));
    ck_assert_str_eq(http2_talk_said(&t), "HEAD7 GET / none host=a|y=2\nEND7\nHEAD9 GET / none host=a|y=2\nEND9\n");
    send_block(&t, 5, 11, second, sizeof(second)); /* it joins the table each time */
    send_block(&t, 5, 13, second, sizeof(second));
    static const uint8_t third[] = {0x82, 0x87, 0x84, 0x01, 1, 'a', 0xbe, 0xbf, 0xc0, 0xc1};
    ck_assert_str_eq(http2_talk_said(&t), "HEAD11 GET / none host=a|y=2\nEND11\nHEAD13 GET / none host=a|y=2\nEND13\n");
    send_block(&t, 5, 15, third, sizeof(third));
    ck_assert_str_eq(http2_talk_said(&t), "HEAD15 GET / none host=a|y=2|y=2|y=2|x=1\nEND15\n");
}
END_TEST

#define USUAL 0x82, 0x87, 0x84, 0x01, 1, 'a' /* GET https / a */
static const struct {
    uint8_t block[12];
    size_t n;
} pool[] = {
    {{USUAL, 0x40, 1, 'x', 1, '1'}, 11}, /* these two join the table each time */
    {{USUAL, 0x40, 1, 'y', 1, '2'}, 11},
    {{USUAL, 0xbe}, 7}, /* the newest entry, then three of them, then the newest name */
    {{USUAL, 0xbe, 0xbf, 0xc0}, 9},
    {{USUAL, 0x7e, 1, '3'}, 9},
    {{USUAL, 0x0f, 0x2f, 1, '4'}, 10},
    {{USUAL, 0xff, 35}, 8}, /* the 101st newest */
    {{USUAL}, 6},
};

/* What the library makes of the block alone. */
static void say(struct http2_hpack *plain, struct span block, uint32_t id, char *text, size_t room)
{
    struct http_field f;
    bool never;
    size_t n = (size_t)snprintf(text, room, "HEAD%u GET / none host=a", id);
    while (http2_hpack_read(plain, &block, &f, &never) == HTTP2_HPACK_FIELD)
        if (f.name.ptr[0] != ':')
            n += (size_t)snprintf(text + n, room - n, "|%.*s=%.*s", (int)f.name.len, (const char *)f.name.ptr, (int)f.value.len, (const char *)f.value.ptr);
    snprintf(text + n, room - n, "\nEND%u\n", id);
}

/* Runs of the same block, some so long that the table is full of it, others cut short at each length. */
START_TEST(blocks_that_come_again_mean_what_the_library_says)
{
    struct http2_hpack plain;
    uint32_t id = 1, random = 12345;
    char expected[256];
    ck_assert_int_eq(http2_hpack_init(&plain), 0);
    for (size_t run = 0; run < 160; run++) {
        random = random * 1103515245 + 12345;
        size_t which = run < 3 ? run % 2 : (random >> 16) % 8, times = run % 4 == 0 ? 100 + run : 1 + run % 3;
        struct span block = span_of(pool[which].block, pool[which].n);
        for (size_t i = 0; i < times; i++, id += 2) {
            say(&plain, block, id, expected, sizeof(expected));
            send_block(&t, 5, id, block.ptr, block.len);
            ck_assert_str_eq(http2_talk_said(&t), expected);
            http2_release(t.h, http2_talk_stream(&t, id));
            http2_talk_sent(&t);
        }
    }
    http2_hpack_clear(&plain);
}
END_TEST

START_TEST(a_repeated_head_ends_its_own_stream_only)
{
    static const uint8_t post[] = {0x83, 0x87, 0x84, 0x01, 1, 'a'};
    send_block(&t, 4, 1, post, sizeof(post));
    send_block(&t, 4, 3, post, sizeof(post));
    send_block(&t, 5, 5, post, sizeof(post));
    send_block(&t, 5, 7, post, sizeof(post));
    http2_talk_script(&t, "D1e abc\nD3e abc");
    ck_assert_str_eq(http2_talk_said(&t), "HEAD1 POST / open host=a\nHEAD3 POST / open host=a\nHEAD5 POST / none host=a\nEND5\nHEAD7 POST / none host=a\nEND7\n"
                                          "DATA1 abc\nEND1\nDATA3 abc\nEND3\n");
    send_block(&t, 5, 5, post, sizeof(post)); /* as trailers they are wrong, and that stream has ended */
    ck_assert_str_eq(http2_talk_said(&t), "REFUSED5 5 HEADERS behind the end of the stream\n");
}
END_TEST

START_TEST(a_repeated_answer_has_no_body_for_head)
{
    static const uint8_t answer[] = {0x88, 0x0f, 0x0d, 1, '3'}; /* 200, content-length: 3 */
    struct http2_talk c;
    http2_talk_start(&c, HTTP2_CLIENT, NULL);
    static const char *const methods[] = {"GET", "GET", "HEAD", "GET"};
    for (size_t i = 0; i < 4; i++) {
        struct http_field host = {span_from_str("host"), span_from_str("a")};
        struct http_head head = {.request = true, .minor = 1, .method = span_from_str(methods[i]), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
        ck_assert_ptr_nonnull(http2_request(c.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL));
    }
    http2_talk_sent(&c);
    http2_talk_script(&c, "S");
    for (uint32_t id = 1; id <= 7; id += 2)
        send_block(&c, 4, id, answer, sizeof(answer));
    const char *said = http2_talk_said(&c);
    ck_assert_msg(strcmp(said, "HEAD1 200 length 3 content-length=3\nHEAD3 200 length 3 content-length=3\nHEAD5 200 none content-length=3\nHEAD7 200 length 3 content-length=3\n") == 0,
                  "%s", said);
    http2_talk_end(&c);
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
    tcase_add_test(c, the_same_bytes_mean_another_field_when_the_table_changed);
    tcase_add_test(c, blocks_that_come_again_mean_what_the_library_says);
    tcase_add_test(c, a_repeated_head_ends_its_own_stream_only);
    tcase_add_test(c, a_repeated_answer_has_no_body_for_head);
    suite_add_tcase(s, c);
    return s;
}
