/* SPDX-License-Identifier: Apache-2.0 */
/* C6: each limit of http2_limits.h, at its edge: so much is taken, and one more is not. */
#include "http2_frames.h"
#include "http2_internal.h"
#include "http2_talk.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct http2_talk t;
static struct bytes bytes;

static void start(void)
{
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_script(&t, HTTP2_START);
    http2_talk_sent(&t);
    bytes_init(&bytes, 1 << 24);
}

static void end(void)
{
    http2_talk_end(&t);
    bytes_clear(&bytes);
}

/* The line, n times; @ in it is the next stream. What we answer is read by the peer. */
static void repeat(const char *line, unsigned first, unsigned times)
{
    for (unsigned i = 0; i < times && !t.bad; i++) {
        char text[512];
        size_t n = 0;
        for (const char *at = line; *at != '\0'; at++)
            n += (size_t)(*at == '@' ? snprintf(text + n, sizeof(text) - n, "%u", 2 * (first + i) + 1) : snprintf(text + n, sizeof(text) - n, "%c", *at));
        http2_talk_script(&t, text);
        http2_talk_sent(&t);
    }
}

static bool is_bad(unsigned code, const char *detail)
{
    char wanted[256];
    snprintf(wanted, sizeof(wanted), "BAD %u %s\n", code, detail);
    return t.bad && strstr(http2_talk_said(&t), wanted) != NULL;
}

#define POST ":method=POST|:scheme=https|:authority=a|:path=/"
#define FIELDS_10 "|a=b|a=b|a=b|a=b|a=b|a=b|a=b|a=b|a=b|a=b"
#define FIELDS_60 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10 FIELDS_10

/* ---- budgets ---- */

static const struct {
    const char *why, *first, *line;
    enum http2_budget row;
    unsigned already, each_second; /* of the budget, taken by the beginning; frames that it gives back each second */
    unsigned cost;                 /* of each */
} floods[] = {
    {"rapid reset", "", "H@ " POST "\nR@ 8", HTTP2_BUDGET_RESETS, 0, 40, HTTP2_COST_RESET},
    {"resets that the client makes us send, by its window", "", "H@ " POST "\nW@ 0", HTTP2_BUDGET_RESETS, 0, 40, HTTP2_COST_RESET},
    {"resets that the client makes us send, by malformed heads", "", "H@e a=b", HTTP2_BUDGET_RESETS, 0, 40, HTTP2_COST_RESET},
    {"malformed heads of many fields, which are read to their end", "", "H@e A=b|a=b|a=b|a=b" FIELDS_60, HTTP2_BUDGET_RESETS, 0, 20, HTTP2_COST_RESET + 4},
    {"SETTINGS", "", "S", HTTP2_BUDGET_SETTINGS, 1, 2, 1},
    {"ACKs of SETTINGS", "", "SA", HTTP2_BUDGET_SETTINGS, 1, 2, 1},
    {"GOAWAY", "", "G 0 0", HTTP2_BUDGET_SETTINGS, 1, 2, 1},
    {"PING", "", "P 12345678", HTTP2_BUDGET_PINGS, 0, 64, 1},
    {"PRIORITY", "", "Y@ 12345", HTTP2_BUDGET_PRIORITIES, 0, 32, 1},
    {"PRIORITY_UPDATE", "", "X16:0 %00%00%00%01u=1", HTTP2_BUDGET_PRIORITIES, 0, 32, 1},
    {"WINDOW_UPDATE", "", "W0 1", HTTP2_BUDGET_WINDOWS, 0, 100, 1},
    {"WINDOW_UPDATE of a stream", "H1 " POST, "W1 1", HTTP2_BUDGET_WINDOWS, 0, 100, 1},
    {"WINDOW_UPDATE of an ended stream", "H1e " POST "\nR1 8", "W1 1", HTTP2_BUDGET_WINDOWS, 0, 100, 1},
    {"empty DATA", "H1 " POST, "D1", HTTP2_BUDGET_EMPTY, 0, 10, 1},
    {"DATA of nothing but padding", "H1 " POST, "D1p", HTTP2_BUDGET_EMPTY, 0, 10, 1},
    {"DATA that is padding", "H1 " POST, "D1p", HTTP2_BUDGET_EMPTY, 0, 10, 1},
    {"unknown types", "", "X99:@", HTTP2_BUDGET_UNKNOWN, 0, 32, 1},
    {"RST_STREAM of an ended stream", "H1 " POST "\nR1 8", "R1 8", HTTP2_BUDGET_STALE, 0, 400, 1},
};
enum { N_FLOODS = sizeof(floods) / sizeof(floods[0]) };

/* So many are taken on a new connection. */
static unsigned most_of(size_t i)
{
#define ROW(name, first, burst, each_second, each_earned, detail) first,
    static const unsigned firsts[] = {HTTP2_BUDGETS(ROW)};
#undef ROW
    return (firsts[floods[i].row] - floods[i].already) / floods[i].cost;
}

START_TEST(a_flood_ends_the_connection)
{
    unsigned most = most_of((size_t)_i);
    http2_talk_script(&t, floods[_i].first);
    http2_talk_sent(&t);
    repeat(floods[_i].line, 10, most);
    ck_assert_msg(!t.bad, "%s: %s", floods[_i].why, http2_talk_said(&t));
    repeat(floods[_i].line, 10 + most, 1);
    ck_assert_msg(is_bad(HTTP2_ENHANCE_YOUR_CALM, http2_budget_detail(floods[_i].row)), "%s: not refused", floods[_i].why);
    ck_assert_int_eq(http2_reason(t.h), REASON_CLIENT_FLOODED);
}
END_TEST

START_TEST(a_slow_drip_of_the_same_is_taken)
{
    http2_talk_script(&t, floods[_i].first);
    http2_set_now(t.h, 1);
    repeat(floods[_i].line, 10, most_of((size_t)_i));
    for (unsigned second = 1; second < 5; second++) {
        http2_set_now(t.h, second * 1000000 + 1);
        repeat(floods[_i].line, 10000 * second, floods[_i].each_second);
        ck_assert_msg(!t.bad, "%s, after %u s: %s", floods[_i].why, second, http2_talk_said(&t));
    }
    repeat(floods[_i].line, 60000, 1);
    ck_assert_msg(t.bad, "%s: not refused", floods[_i].why);
}
END_TEST

/* Nothing is done for them, and a client may send some before it reads our SETTINGS. */
START_TEST(requests_beyond_the_limit_cost_less_than_resets)
{
    repeat("H@ " POST, 0, HTTP2_STREAMS);
    repeat("H@ " POST, HTTP2_STREAMS, 400);
    ck_assert_msg(!t.bad, "%s", http2_talk_said(&t));
    repeat("H@ " POST, HTTP2_STREAMS + 400, 1);
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, http2_budget_detail(HTTP2_BUDGET_RESETS)));
}
END_TEST

/* So a client that comes again after each cut has less for its resets than one that is served. */
START_TEST(a_client_earns_its_resets_by_requests_that_end)
{
    struct http2_budgets b;
    http2_budget_init(&b);
    ck_assert(!http2_budget_spend(&b, HTTP2_BUDGET_RESETS, 101 * HTTP2_COST_RESET));
    for (unsigned i = 0; i < 300; i++)
        http2_budget_earn(&b, HTTP2_BUDGET_RESETS);
    ck_assert(http2_budget_spend(&b, HTTP2_BUDGET_RESETS, 400 * HTTP2_COST_RESET));
    ck_assert(!http2_budget_spend(&b, HTTP2_BUDGET_RESETS, 1));
}
END_TEST

START_TEST(a_client_that_ends_its_requests_may_reset_some)
{
    for (unsigned i = 0; i < 2000 && !t.bad; i++) {
        char line[256];
        unsigned id = 4 * i + 1;
        snprintf(line, sizeof(line), "H%ue " HTTP2_GET "\nH%u " POST "\nR%u 8", id, id + 2, id + 2);
        struct http2_stream *ended = NULL;
        bytes_clear(&bytes);
        http2_frames(&bytes, line);
        struct span in = bytes_span(&bytes);
        struct http2_event e;
        for (enum http2_kind kind; (kind = http2_next(t.h, &in, &e)) != HTTP2_MORE;) {
            ck_assert_int_ne(kind, HTTP2_BAD);
            if (kind == HTTP2_END)
                ended = e.stream;
            if (kind == HTTP2_RESET)
                http2_release(t.h, e.stream);
        }
        struct http_head head = {.minor = 1, .status = 204};
        ck_assert_int_eq(http2_respond(t.h, ended, &(struct http_outgoing){.head = &head, .framing = HTTP_NO_BODY}), 0);
        http2_release(t.h, ended);
        http2_talk_sent(&t);
    }
    ck_assert_uint_eq(http2_streams(t.h), 0);
}
END_TEST

START_TEST(a_reader_of_a_download_gives_back_its_windows)
{
    static uint8_t big[16384];
    http2_talk_script(&t, "S 4=2147483647\nW0 2147400000\nH1e " HTTP2_GET);
    ck_assert_int_eq(http2_talk_respond(&t, 1, "200", HTTP_CHUNKED, 0), 0);
    for (unsigned i = 0; i < 4000; i++) { /* by 4 KiB, both windows: so Go's */
        ck_assert_int_eq(http2_write(t.h, http2_talk_stream(&t, 1), span_of(big, sizeof(big))), 0);
        ck_assert_int_eq(http2_fill(t.h, &t.out, 1 << 20), 0);
        gather_consume(&t.out, t.out.total);
        http2_talk_script(&t, "W1 4096\nW0 4096\nW1 4096\nW0 4096\nW1 4096\nW0 4096\nW1 4096\nW0 4096");
        ck_assert_msg(!t.bad, "%s", http2_talk_said(&t));
    }
}
END_TEST

START_TEST(a_download_drop_by_drop_ends)
{
    static uint8_t big[20000];
    http2_talk_script(&t, "S 4=0\nH1e " HTTP2_GET);
    ck_assert_int_eq(http2_talk_respond(&t, 1, "200", HTTP_CHUNKED, 0), 0);
    ck_assert_int_eq(http2_write(t.h, http2_talk_stream(&t, 1), span_of(big, sizeof(big))), 0);
    for (unsigned i = 0; i < 1024; i++) {
        http2_talk_script(&t, "W1 1");
        ck_assert(!t.bad);
        http2_talk_sent(&t);
    }
    http2_talk_script(&t, "W1 1");
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, http2_budget_detail(HTTP2_BUDGET_WINDOWS)));
}
END_TEST

/* ---- streams ---- */

START_TEST(takes_so_many_streams_at_once)
{
    repeat("H@ " POST, 0, HTTP2_STREAMS);
    ck_assert_uint_eq(http2_streams(t.h), HTTP2_STREAMS);
    http2_talk_said(&t);
    http2_talk_script(&t, "H201 " POST);
    ck_assert_str_eq(http2_talk_said(&t), "REFUSED201 7 more streams at once than allowed\n");
    ck_assert_str_eq(http2_talk_sent(&t), "R201 7\n");
    http2_talk_script(&t, "D201 a\nR1 8\nH203 " POST); /* what was on its way is dropped */
    ck_assert_str_eq(http2_talk_said(&t), "RESET1 8\nHEAD203 POST / open host=a\n");
}
END_TEST

START_TEST(what_is_no_longer_held_counts_no_more)
{
    repeat("H@ " POST, 0, HTTP2_STREAMS);
    http2_reset(t.h, http2_talk_stream(&t, 1), HTTP2_CANCEL);
    http2_talk_script(&t, "H301 " POST);
    ck_assert_uint_eq(http2_streams(t.h), HTTP2_STREAMS);
}
END_TEST

/* ---- windows ---- */

static void data(unsigned id, size_t n, unsigned flags)
{
    static uint8_t zeros[HTTP2_FRAME_BYTES];
    bytes_clear(&bytes);
    while (n > 0) {
        size_t piece = n < sizeof(zeros) ? n : sizeof(zeros);
        http2_frame(&bytes, 0, flags, id, span_of(zeros, piece));
        n -= piece;
    }
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
}

START_TEST(takes_no_more_than_a_streams_window)
{
    t.keep_unread = true;
    http2_talk_script(&t, "H1 " POST);
    data(1, HTTP2_STREAM_WINDOW, 0);
    bytes_clear(&t.said);
    data(1, 1, 0);
    ck_assert_ptr_nonnull(strstr(http2_talk_said(&t), "REFUSED1 3 more DATA than the stream's window allows\n"));
    ck_assert(!t.bad);
}
END_TEST

START_TEST(takes_no_more_than_the_connections_window)
{
    t.keep_unread = true;
    t.release = false;
    repeat("H@ " POST, 0, 5);
    for (unsigned id = 1; id < 8; id += 2)
        data(id, HTTP2_STREAM_WINDOW, 0);
    bytes_clear(&t.said);
    ck_assert(!t.bad);
    data(9, 1, 0);
    ck_assert(is_bad(HTTP2_FLOW_CONTROL_ERROR, "more DATA than the connection's window allows"));
}
END_TEST

/* ---- header blocks ---- */

START_TEST(takes_so_many_continuations)
{
    http2_talk_script(&t, "H1e- :method=GET");
    for (unsigned i = 0; i < HTTP2_CONTINUATIONS; i++) /* max_head_bytes is below one frame here */
        http2_talk_script(&t, "C1- a=b");
    ck_assert(!t.bad);
    http2_talk_script(&t, "C1- a=b");
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, "more CONTINUATION frames than allowed"));
}
END_TEST

START_TEST(takes_so_many_encoded_bytes)
{
    /* changes of the table's size at the begin of a block are no fields, and could go on for ever */
    static uint8_t updates[HTTP2_FRAME_BYTES];
    memset(updates, 0x20, sizeof(updates));
    http2_frame(&bytes, 1, 0, 1, span_of(updates, sizeof(updates)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    ck_assert(!t.bad);
    bytes_clear(&bytes);
    http2_frame(&bytes, 9, 0, 1, span_of(updates, 4097));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, "a header block far longer than allowed"));
}
END_TEST

/* Its length comes, and its bytes do not. */
START_TEST(a_string_is_no_larger_than_what_came_of_it)
{
    static const uint8_t block[] = {0x00, 0x7f, 0x80, 0xff, 0x03}; /* a name of 65,407 bytes */
    http2_frame(&bytes, 1, 0, 1, span_of(block, sizeof(block)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    ck_assert(!t.bad);
    ck_assert_uint_eq(t.h->fragments.len, sizeof(block)); /* it is not looked at before the block is whole */
    bytes_clear(&bytes);
    http2_frame(&bytes, 9, 4, 1, span_of("abc", 3));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    ck_assert(is_bad(HTTP2_COMPRESSION_ERROR, "a header block that is not HPACK"));
}
END_TEST

/* A field of the table is one byte, and 4 KiB to whoever copies it. */
START_TEST(a_bomb_in_the_table_goes_off_nowhere)
{
    static uint8_t block[HTTP2_FRAME_BYTES];
    static const uint8_t literal[] = {0x40, 1, 'x', 0x7f, 0x8d, 0x1e}; /* joins the table; its value has 127 + 13 + 30 * 128 bytes */
    memset(block, 0xbe, sizeof(block));                                /* index 62, the newest one */
    memcpy(block, literal, sizeof(literal));
    memset(block + sizeof(literal), 'v', 127 + 13 + 30 * 128);
    http2_frame(&bytes, 1, 5, 1, span_of(block, sizeof(block)));
    http2_talk_read(&t, bytes_span(&bytes), bytes.len);
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, "far more fields in a head than allowed"));
    ck_assert_uint_eq(t.h->block.cap, 0);
}
END_TEST

START_TEST(a_head_that_is_too_large_may_be_answered)
{
    static const char *const whats[] = {"more fields than allowed", "the head is longer than allowed"};
    char line[8192] = "H1 " POST, wanted[128];
    for (int i = 0; i < 200 && _i == 0; i++) /* crumbs of a cookie */
        strcat(line, "|cookie=a");
    if (_i == 1)
        memset(strcat(line, "|x=") + strlen(line), 'v', 4096);
    http2_talk_script(&t, line);
    snprintf(wanted, sizeof(wanted), "REFUSED1 8 answer %s\n", whats[_i]);
    ck_assert_str_eq(http2_talk_said(&t), wanted);
    http2_talk_script(&t, "D1 abc\nH1e x=y\nH3e " HTTP2_GET); /* dropped, and the next one is read */
    ck_assert_str_eq(http2_talk_said(&t), "HEAD3 GET / none host=a\nEND3\n");
    ck_assert_int_eq(http2_talk_respond(&t, 1, "431", HTTP_NO_BODY, 0), 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :status=431\n");
}
END_TEST

START_TEST(the_memory_of_a_large_head_is_given_back)
{
    char line[4096] = "H1e " HTTP2_GET "|x=";
    memset(line + strlen(line), 'v', 3000);
    http2_talk_script(&t, line);
    ck_assert_uint_gt(strlen(http2_talk_said(&t)), 3000);
    ck_assert_uint_eq(t.h->block.cap, 0);
    http2_talk_script(&t, "H3e " HTTP2_GET);
    ck_assert_uint_gt(t.h->block.cap, 0); /* a small one is kept */
}
END_TEST

/* ---- what waits for the peer ---- */

START_TEST(a_peer_that_does_not_read_gets_no_more_answers)
{
    for (uint64_t second = 1; second < 100 && !t.bad; second++) { /* within its budget */
        http2_set_now(t.h, second * 1000000);
        for (unsigned i = 0; i < 64; i++)
            http2_talk_script(&t, "P 12345678");
    }
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, "the peer does not read the answers to its frames"));
    ck_assert_uint_lt(http2_queued(t.h), HTTP2_ANSWER_BYTES + 256);
}
END_TEST

START_TEST(a_client_that_does_not_read_holds_a_bounded_queue)
{
    char value[8192];
    struct http_field f = {span_from_str("x"), span_of(value, sizeof(value))};
    struct http_head head = {.minor = 1, .status = 103, .fields = &f, .n_fields = 1};
    struct http_outgoing o = {.head = &head, .framing = HTTP_NO_BODY};
    memset(value, '~', sizeof(value));
    http2_talk_script(&t, "H1e " HTTP2_GET);
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < 10000; i++)
        rc = http2_respond(t.h, http2_talk_stream(&t, 1), &o);
    ck_assert_int_eq(rc, -1);
    ck_assert_uint_le(http2_queued(t.h), HTTP2_QUEUE_BYTES);
    ck_assert_int_eq(http2_fill(t.h, &t.out, 1 << 20), -1); /* and the connection ends */
}
END_TEST

/* ---- a hostile upstream ---- */

static void start_client(struct http2_talk *c)
{
    struct http_field host = {span_from_str("host"), span_from_str("a")};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
    http2_talk_start(c, HTTP2_CLIENT, NULL);
    ck_assert_ptr_nonnull(http2_request(c->h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL));
    http2_talk_script(c, "S");
    http2_talk_sent(c);
}

START_TEST(takes_so_many_interim_responses)
{
    struct http2_talk c;
    start_client(&c);
    for (unsigned i = 0; i < HTTP2_INTERIMS; i++)
        http2_talk_script(&c, "H1 :status=100");
    ck_assert_ptr_null(strstr(http2_talk_said(&c), "REFUSED"));
    http2_talk_script(&c, "H1 :status=100");
    ck_assert_str_eq(http2_talk_said(&c), "REFUSED1 11 more interim responses than allowed\n");
    http2_talk_end(&c);
}
END_TEST

START_TEST(an_upstream_that_floods_is_left)
{
    static const char *const lines[] = {"S", "P 12345678", "Y1 12345", "W0 1", "X99:0", "H1e- :status=200\nC1-\nC1-\nC1-\nC1-\nC1-\nC1-\nC1-\nC1-\nC1-"};
    struct http2_talk c;
    start_client(&c);
    for (unsigned i = 0; i < 5000 && !c.bad; i++) {
        http2_talk_script(&c, lines[_i]);
        http2_talk_sent(&c);
    }
    ck_assert_msg(c.bad, "%s", lines[_i]);
    ck_assert_int_eq(http2_reason(c.h), REASON_UPSTREAM_PROTOCOL);
    http2_talk_end(&c);
}
END_TEST

/* What we cancel upstream may be answered meanwhile. The clients whose requests share the connection must not suffer from one of them that cancels many. */
START_TEST(answers_to_what_we_cancelled_do_not_end_the_connection)
{
    enum { CANCELLED = 3000 };
    struct http_field host = {span_from_str("host"), span_from_str("a")};
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/"), .fields = &host, .n_fields = 1};
    struct http2_talk c;
    start_client(&c);
    for (unsigned i = 0; i < CANCELLED && !c.bad; i++) {
        char line[128];
        struct http2_stream *s = http2_request(c.h, &(struct http_outgoing){.head = &head, .scheme = span_from_str("https"), .framing = HTTP_NO_BODY}, NULL);
        unsigned id = http2_id(s);
        http2_reset(c.h, s, HTTP2_CANCEL);
        http2_release(c.h, s);
        snprintf(line, sizeof(line), "H%u :status=200\nD%u x\nR%u 0", id, id, id);
        http2_talk_script(&c, line);
        http2_talk_sent(&c);
    }
    ck_assert_msg(!c.bad, "%s", http2_talk_said(&c));
    for (unsigned i = 0; i < 5000 && !c.bad; i++) /* yet one that sends such frames without end is left */
        http2_talk_script(&c, "R3 0");
    ck_assert(c.bad);
    http2_talk_end(&c);
}
END_TEST

START_TEST(takes_so_many_settings_in_a_frame)
{
    char line[1024] = "S 1=1";
    for (unsigned i = 1; i < HTTP2_SETTINGS_IN_FRAME; i++)
        strcat(line, ",4=7");
    http2_talk_script(&t, line);
    ck_assert(!t.bad);
    http2_talk_script(&t, strcat(line, ",4=7"));
    ck_assert(is_bad(HTTP2_ENHANCE_YOUR_CALM, "more settings in one frame than allowed"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_limits");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_loop_test(c, a_flood_ends_the_connection, 0, N_FLOODS);
    tcase_add_loop_test(c, a_slow_drip_of_the_same_is_taken, 0, N_FLOODS);
    tcase_add_test(c, requests_beyond_the_limit_cost_less_than_resets);
    tcase_add_test(c, a_client_earns_its_resets_by_requests_that_end);
    tcase_add_test(c, a_client_that_ends_its_requests_may_reset_some);
    tcase_add_test(c, a_reader_of_a_download_gives_back_its_windows);
    tcase_add_test(c, a_download_drop_by_drop_ends);
    tcase_add_test(c, takes_so_many_streams_at_once);
    tcase_add_test(c, what_is_no_longer_held_counts_no_more);
    tcase_add_test(c, takes_no_more_than_a_streams_window);
    tcase_add_test(c, takes_no_more_than_the_connections_window);
    tcase_add_test(c, takes_so_many_continuations);
    tcase_add_test(c, takes_so_many_encoded_bytes);
    tcase_add_test(c, a_string_is_no_larger_than_what_came_of_it);
    tcase_add_test(c, a_bomb_in_the_table_goes_off_nowhere);
    tcase_add_test(c, the_memory_of_a_large_head_is_given_back);
    tcase_add_loop_test(c, a_head_that_is_too_large_may_be_answered, 0, 2);
    tcase_add_test(c, a_peer_that_does_not_read_gets_no_more_answers);
    tcase_add_test(c, a_client_that_does_not_read_holds_a_bounded_queue);
    tcase_add_test(c, takes_so_many_interim_responses);
    tcase_add_loop_test(c, an_upstream_that_floods_is_left, 0, 6);
    tcase_add_test(c, answers_to_what_we_cancelled_do_not_end_the_connection);
    tcase_add_test(c, takes_so_many_settings_in_a_frame);
    suite_add_tcase(s, c);
    return s;
}
