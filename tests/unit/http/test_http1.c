/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C3 (smuggling) and B7 (truncation): what is read, what is refused, and that no cut of the input
 * changes either. */
#include "mtlsd/http/http1.h"
#include "t.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

enum { MAX_HEAD = 4096, MAX_FIELDS = 32, MAX_TRANSCRIPT = 16384 };

/* What was read, as text: every event with all it carries; body bytes that follow each other are one run,
 * however they were cut. */
struct transcript {
    char text[MAX_TRANSCRIPT];
    size_t len;
    bool in_data, upgraded;
};

static void say(struct transcript *t, const void *text, size_t n)
{
    ck_assert_uint_lt(t->len + n, sizeof(t->text));
    memcpy(t->text + t->len, text, n);
    t->len += n;
    t->text[t->len] = '\0';
}

static void say_str(struct transcript *t, const char *text)
{
    say(t, text, strlen(text));
}

static void say_span(struct transcript *t, struct span s)
{
    say_str(t, "<");
    if (s.len > 0)
        say(t, s.ptr, s.len);
    say_str(t, ">");
}

static void say_fields(struct transcript *t, const struct http_head *h)
{
    for (size_t i = 0; i < h->n_fields; i++) {
        say_span(t, h->fields[i].name);
        say_span(t, h->fields[i].value);
    }
    say_str(t, "\n");
}

static void say_head(struct transcript *t, const struct http_head *h)
{
    char numbers[96];
    static const char *const framings[] = {"none", "length", "chunked", "close"};
    snprintf(numbers, sizeof(numbers), "HEAD 1.%u %u %s %llu %s ", h->minor, h->status, framings[h->framing],
             (unsigned long long)h->length, h->keep_alive ? "keep" : "drop");
    say_str(t, numbers);
    say_span(t, h->method);
    say_span(t, h->target);
    say_span(t, h->phrase);
    say_fields(t, h);
}

static void say_bad(struct transcript *t, const struct http1 *p)
{
    char text[32];
    snprintf(text, sizeof(text), "BAD %d ", (int)http1_reason(p));
    say_str(t, text);
    say_str(t, http1_detail(p));
    say_str(t, "\n");
}

static void say_event(struct transcript *t, const struct http1 *p, enum http1_event e, struct span data)
{
    if (t->in_data && e != HTTP1_DATA && e != HTTP1_MORE) {
        say_str(t, "\n");
        t->in_data = false;
    }
    switch (e) {
    case HTTP1_MORE:
        break;
    case HTTP1_HEAD:
        say_head(t, http1_head(p));
        break;
    case HTTP1_DATA:
        if (!t->in_data)
            say_str(t, "DATA ");
        t->in_data = true;
        ck_assert_uint_gt(data.len, 0);
        say(t, data.ptr, data.len);
        break;
    case HTTP1_TRAILERS:
        say_str(t, "TRAILERS ");
        say_fields(t, http1_head(p));
        break;
    case HTTP1_UPGRADED:
        say_str(t, t->upgraded ? "" : "UPGRADED\n");
        t->upgraded = true;
        break;
    case HTTP1_END:
        say_str(t, "END\n");
        break;
    case HTTP1_BAD:
        say_bad(t, p);
        break;
    }
}

/* The piece is copied to memory of exactly its size, so that a read past it or after it is seen by the
 * sanitizer. */
static enum http1_event feed(struct http1 *p, struct transcript *t, const char *bytes, size_t n)
{
    uint8_t *piece = malloc(n > 0 ? n : 1);
    memcpy(piece, bytes, n);
    struct span in = span_of(piece, n), data = {NULL, 0};
    enum http1_event e;
    do {
        e = http1_next(p, &in, &data);
        say_event(t, p, e, data);
    } while (e != HTTP1_MORE && e != HTTP1_BAD && e != HTTP1_UPGRADED);
    ck_assert(e != HTTP1_MORE || in.len == 0);
    if (e == HTTP1_UPGRADED && in.len > 0)
        say(t, in.ptr, in.len);
    free(piece);
    return e;
}

struct raw {
    const char *why;
    const char *bytes;
    size_t n; /* 0: as long as the string */
    bool response;
    bool no_body; /* the answer to HEAD */
    bool upgrade; /* the answer to a request for a WebSocket */
};

static size_t length_of(const struct raw *r)
{
    return r->n > 0 ? r->n : strlen(r->bytes);
}

/* All responses share it: read once more, and cut behind the head, most are known by their bytes and must mean the same. */
static struct http1_repeat repeat;

static struct http1 *reader_for(const struct raw *r)
{
    struct http1 *p = http1_new(!r->response, MAX_HEAD, MAX_FIELDS);
    ck_assert_ptr_nonnull(p);
    if (r->response)
        http1_share(p, &repeat);
    if (r->no_body)
        http1_expect_no_body(p);
    if (r->upgrade)
        http1_allow_upgrade(p);
    return p;
}

/* Reads the whole in pieces of at most step bytes, with one more cut at the offset, then the end of the
 * stream. */
static enum http1_event read_cut(const struct raw *r, size_t step, size_t cut, struct transcript *t)
{
    struct http1 *p = reader_for(r);
    *t = (struct transcript){.len = 0};
    size_t n = length_of(r), at = 0;
    enum http1_event e = HTTP1_MORE;
    while (at < n && e != HTTP1_BAD) {
        size_t to = at + step < n ? at + step : n;
        if (at < cut && cut < to)
            to = cut;
        e = feed(p, t, r->bytes + at, to - at);
        at = to;
    }
    e = http1_eof(p);
    say_event(t, p, e, (struct span){NULL, 0});
    http1_free(p);
    return e;
}

static void no_cut_changes(const struct raw *r, const struct transcript *whole)
{
    struct transcript cut;
    size_t n = length_of(r);
    for (size_t at = 1; at < n; at++) {
        read_cut(r, n, at, &cut);
        ck_assert_msg(strcmp(cut.text, whole->text) == 0, "%s: cut at %zu:\n%s\nwhole:\n%s", r->why, at,
                      cut.text, whole->text);
    }
    read_cut(r, 1, 0, &cut);
    ck_assert_msg(strcmp(cut.text, whole->text) == 0, "%s: byte by byte:\n%s\nwhole:\n%s", r->why, cut.text,
                  whole->text);
}

struct refused {
    const char *why;
    const char *bytes;
    size_t n;   /* 0: as long as the string */
    int reason; /* enum reason */
};

#include "raw_bad_requests.h"
#include "raw_bad_responses.h"
#include "raw_good.h"

START_TEST(reads_well_formed_messages_the_same_over_every_cut)
{
    const struct good *g = &good[_i];
    struct transcript whole;
    enum http1_event e = read_cut(&g->raw, length_of(&g->raw), 0, &whole);
    ck_assert_msg(e != HTTP1_BAD, "%s: refused:\n%s", g->raw.why, whole.text);
    ck_assert_msg(strcmp(whole.text, g->read) == 0, "%s: read as\n%s\nnot as\n%s", g->raw.why, whole.text,
                  g->read);
    no_cut_changes(&g->raw, &whole);
}
END_TEST

static void refuses(const struct refused *r, bool response, bool upgrade)
{
    struct raw raw = {.why = r->why, .bytes = r->bytes, .n = r->n, .response = response, .upgrade = upgrade};
    struct transcript whole;
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "BAD %d ", r->reason);
    read_cut(&raw, length_of(&raw), 0, &whole);
    ck_assert_msg(strstr(whole.text, wanted) != NULL, "%s: wanted %s, read\n%s", r->why, wanted, whole.text);
    ck_assert_msg(strstr(whole.text, "END") == NULL, "%s: taken for a whole message:\n%s", r->why,
                  whole.text);
    no_cut_changes(&raw, &whole);
}

START_TEST(C3_refuses_malformed_requests_the_same_over_every_cut)
{
    refuses(&bad_requests[_i], false, false);
}
END_TEST

START_TEST(C3_refuses_malformed_responses_the_same_over_every_cut)
{
    refuses(&bad_responses[_i], true, false);
}
END_TEST

START_TEST(C4_refuses_switches_of_protocols_other_than_the_one_asked_for)
{
    refuses(&bad_switches[_i], true, true);
}
END_TEST

/* B7: the stream ends after k bytes. Nothing but the whole message, or one that says it runs until close, may
 * end well. */
START_TEST(B7_never_takes_a_truncated_message_for_a_whole_one)
{
    const struct good *g = &good[_i];
    size_t n = length_of(&g->raw);
    for (size_t k = 1; k < n; k++) {
        struct raw part = g->raw;
        part.n = k;
        struct transcript t, rest;
        enum http1_event e = read_cut(&part, k, 0, &t);
        ck_assert_msg(e == HTTP1_BAD || strncmp(t.text, g->read, t.len) == 0 ||
                          strstr(g->read, " close ") != NULL,
                      "%s: after %zu bytes read as\n%s", g->raw.why, k, t.text);
        /* what ended well must have been whole: the remaining bytes alone are then whole messages too */
        if (e == HTTP1_BAD || e == HTTP1_UPGRADED || strstr(g->read, " close ") != NULL)
            continue;
        part = g->raw;
        part.bytes += k;
        part.n = n - k;
        part.no_body = false;
        e = read_cut(&part, n, 0, &rest);
        ck_assert_msg(e != HTTP1_BAD, "%s: ended well after %zu bytes, but the rest is\n%s", g->raw.why, k,
                      rest.text);
    }
}
END_TEST

START_TEST(B7_says_truncated_when_the_stream_ends_inside_a_message)
{
    static const struct raw rows[] = {
        {.why = "one byte of a request", .bytes = "G"},
        {.why = "a head without its empty line", .bytes = "GET / HTTP/1.1\r\nHost: h\r\n"},
        {.why = "a body one byte short", .bytes = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nx"},
        {.why = "a response body one byte short",
         .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx",
         .response = true},
        {.why = "chunks without the last one",
         .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
         .response = true},
        {.why = "the last chunk without its empty line",
         .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n",
         .response = true},
        {.why = "trailers without their empty line",
         .bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n",
         .response = true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct transcript t;
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "BAD %d ", (int)REASON_TRUNCATED);
        enum http1_event e = read_cut(&rows[i], 1000, 0, &t);
        ck_assert_msg(e == HTTP1_BAD && strstr(t.text, wanted) != NULL, "%s: %s", rows[i].why, t.text);
        ck_assert_msg(strstr(t.text, "END") == NULL, "%s: %s", rows[i].why, t.text);
    }
}
END_TEST

/* A request of exactly n bytes with so many fields. */
static char *request_of(size_t n, unsigned fields)
{
    static const char start[] = "GET / HTTP/1.1\r\n", field[] = "A: b\r\n", last[] = "Z: ";
    char *text = calloc(1, n + 1);
    size_t at = 0;
    memcpy(text, start, sizeof(start) - 1);
    at += sizeof(start) - 1;
    for (unsigned i = 1; i < fields; i++, at += sizeof(field) - 1)
        memcpy(text + at, field, sizeof(field) - 1);
    memcpy(text + at, last, sizeof(last) - 1);
    at += sizeof(last) - 1;
    memset(text + at, 'z', n - at - 4);
    memcpy(text + n - 4, "\r\n\r\n", 4);
    return text;
}

START_TEST(C3_holds_heads_to_their_limits)
{
    static const struct {
        const char *why;
        size_t bytes;
        unsigned fields;
        enum reason reason; /* REASON_VALID: read */
    } rows[] = {
        {"as long as allowed", MAX_HEAD, 1, REASON_VALID},
        {"a byte longer than allowed", MAX_HEAD + 1, 1, REASON_REQUEST_TOO_LARGE},
        {"as long as allowed, many fields", MAX_HEAD, MAX_FIELDS, REASON_VALID},
        {"one field more than allowed", MAX_HEAD, MAX_FIELDS + 1, REASON_REQUEST_TOO_LARGE},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = request_of(rows[i].bytes, rows[i].fields);
        struct raw raw = {.why = rows[i].why, .bytes = text, .n = rows[i].bytes};
        struct transcript whole, cut;
        enum http1_event e = read_cut(&raw, raw.n, 0, &whole);
        char wanted[32];
        snprintf(wanted, sizeof(wanted), "BAD %d ", (int)rows[i].reason);
        ck_assert_msg((e != HTTP1_BAD) == (rows[i].reason == REASON_VALID), "%s", rows[i].why);
        ck_assert_msg(e != HTTP1_BAD || strstr(whole.text, wanted) != NULL, "%s: %.80s", rows[i].why,
                      whole.text);
        for (size_t step = 1; step < 700; step += 33) {
            read_cut(&raw, step, 0, &cut);
            ck_assert_msg(strcmp(whole.text, cut.text) == 0, "%s, in steps of %zu", rows[i].why, step);
        }
        free(text);
    }
}
END_TEST

START_TEST(C3_holds_trailers_to_the_same_limits_and_never_collects_more)
{
    struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ";
    feed(p, &t, head, sizeof(head) - 1);
    enum http1_event e = HTTP1_MORE;
    size_t fed = 3;
    for (; fed <= MAX_HEAD && e == HTTP1_MORE; fed++)
        e = feed(p, &t, "a", 1);
    ck_assert_int_eq(e, HTTP1_BAD);
    ck_assert_uint_eq(fed, MAX_HEAD + 1);
    ck_assert_int_eq(http1_reason(p), REASON_REQUEST_TOO_LARGE);
    http1_free(p);
}
END_TEST

START_TEST(stays_bad_once_it_was_bad)
{
    struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    ck_assert_int_eq(feed(p, &t, "\n", 1), HTTP1_BAD);
    static const char fine[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
    ck_assert_int_eq(feed(p, &t, fine, sizeof(fine) - 1), HTTP1_BAD);
    ck_assert_int_eq(http1_eof(p), HTTP1_BAD);
    ck_assert(!http1_is_idle(p));
    http1_free(p);
}
END_TEST

START_TEST(C4_reads_nothing_behind_a_response_as_part_of_it)
{
    struct http1 *p = http1_new(false, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    static const char bytes[] = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxgarbage\r\n\r\n";
    struct span in = span_of(bytes, sizeof(bytes) - 1), data;
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_HEAD);
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_DATA);
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_END);
    ck_assert_uint_eq(in.len, strlen("garbage\r\n\r\n"));
    ck_assert(http1_is_idle(p));
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_BAD);
    ck_assert_int_eq(http1_reason(p), REASON_UPSTREAM_PROTOCOL);
    (void)t;
    http1_free(p);
}
END_TEST

START_TEST(C4_forgets_the_answer_to_HEAD_with_its_final_response_only)
{
    struct http1 *p = http1_new(false, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    http1_expect_no_body(p);
    static const char bytes[] = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    feed(p, &t, bytes, sizeof(bytes) - 1);
    ck_assert_str_eq(t.text, "HEAD 1.1 103 none 0 keep <><><Early Hints><Link><x>\nEND\n"
                             "HEAD 1.1 200 none 0 keep <><><OK><Content-Length><9>\nEND\n"
                             "HEAD 1.1 200 length 2 keep <><><OK><Content-Length><2>\nDATA hi\nEND\n");
    http1_free(p);
}
END_TEST

/* A number can be spelled with zeros for ever; the sender would look busy and never say anything. */
START_TEST(C3_does_not_read_the_size_of_a_chunk_for_ever)
{
    static const char *const starts[] = {
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    };
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
        struct transcript t = {.len = 0};
        enum http1_event e = feed(p, &t, starts[i], strlen(starts[i]));
        size_t fed = 0;
        for (; fed < 100 && e == HTTP1_MORE; fed++)
            e = feed(p, &t, "0", 1);
        ck_assert_int_eq(e, HTTP1_BAD);
        ck_assert_uint_le(fed, 33);
        ck_assert_int_eq(http1_reason(p), REASON_REQUEST_MALFORMED);
        http1_free(p);
    }
}
END_TEST

START_TEST(leaves_what_follows_a_switch_of_protocols_where_it_is)
{
    static const char bytes[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nabc";
    struct http1 *p = http1_new(false, MAX_HEAD, MAX_FIELDS);
    http1_allow_upgrade(p);
    struct span in = span_of(bytes, sizeof(bytes) - 1), data;
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_HEAD);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_UPGRADED);
        ck_assert(span_equals_str(in, "abc"));
        ck_assert(!http1_is_idle(p));
    }
    ck_assert_int_eq(http1_eof(p), HTTP1_UPGRADED);
    http1_free(p);
}
END_TEST

START_TEST(C4_allows_a_switch_of_protocols_to_one_response_only)
{
    struct http1 *p = http1_new(false, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    http1_allow_upgrade(p);
    static const char refused[] = "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
                      late[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    ck_assert_int_eq(feed(p, &t, refused, sizeof(refused) - 1), HTTP1_MORE);
    ck_assert_int_eq(feed(p, &t, late, sizeof(late) - 1), HTTP1_BAD);
    http1_free(p);
}
END_TEST

static enum http1_event read_shared(bool no_body, size_t max_head, size_t max_fields, const char *text)
{
    struct http1 *p = http1_new(false, max_head, max_fields);
    struct span in = span_from_str(text), data;
    http1_share(p, &repeat);
    if (no_body)
        http1_expect_no_body(p);
    enum http1_event e = http1_next(p, &in, &data);
    ck_assert(e != HTTP1_HEAD || (http1_head(p)->framing == HTTP_NO_BODY) == no_body);
    if (e == HTTP1_HEAD)
        e = http1_next(p, &in, &data);
    http1_free(p);
    return e;
}

START_TEST(C4_takes_a_known_head_only_for_what_it_answered)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello";
    size_t head = sizeof(text) - 1 - 5;
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(read_shared(false, MAX_HEAD, MAX_FIELDS, text), HTTP1_DATA);
        ck_assert_int_eq(read_shared(i >= 3, MAX_HEAD, MAX_FIELDS, text), i >= 3 ? HTTP1_END : HTTP1_DATA);
    }
    ck_assert_int_eq(read_shared(false, head, 2, text), HTTP1_DATA);
    ck_assert_int_eq(read_shared(false, head, 2, text), HTTP1_DATA);
    ck_assert_ptr_nonnull(http1_repeat_find(&repeat, span_from_str(text), false, head, 2));
    ck_assert_int_eq(read_shared(false, head - 1, 2, text), HTTP1_BAD);
    ck_assert_int_eq(read_shared(false, head, 1, text), HTTP1_BAD);
}
END_TEST

START_TEST(is_idle_between_messages_only)
{
    struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
    struct transcript t = {.len = 0};
    static const char request[] = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi";
    ck_assert(http1_is_idle(p));
    ck_assert_int_eq(http1_eof(p), HTTP1_MORE);
    for (size_t i = 0; i < sizeof(request) - 2; i++) {
        feed(p, &t, request + i, 1);
        ck_assert_msg(!http1_is_idle(p), "after %zu bytes", i + 1);
    }
    feed(p, &t, "i", 1);
    ck_assert(http1_is_idle(p));
    ck_assert_int_eq(http1_eof(p), HTTP1_MORE);
    http1_free(p);
}
END_TEST

START_TEST(is_small)
{
    struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
    ck_assert_uint_le(malloc_usable_size(p), 400);
    http1_free(p);
}
END_TEST

START_TEST(reads_a_head_in_place_and_copies_none)
{
    struct http1 *p = http1_new(true, MAX_HEAD, MAX_FIELDS);
    static const char request[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
    struct span in = span_of(request, sizeof(request) - 1), data;
    ck_assert_int_eq(http1_next(p, &in, &data), HTTP1_HEAD);
    ck_assert_ptr_eq(http1_head(p)->target.ptr, (const uint8_t *)request + 4);
    ck_assert_ptr_eq(http1_head(p)->fields[0].value.ptr, (const uint8_t *)request + 23);
    http1_free(p);
}
END_TEST

START_TEST(knows_http_2_when_it_meets_it)
{
    static const struct {
        const char *why, *bytes;
        size_t n;
        bool request, h2;
    } rows[] = {
        {"the preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24, true, true},
        {"another target", "PRI / HTTP/2.0\r\n\r\n", 18, true, false},
        {"a request with that version", "GET / HTTP/2.0\r\n\r\n", 18, true, false},
        {"empty settings", "\0\0\0\4\0\0\0\0\0", 9, false, true},
        {"three settings", "\0\0\22\4\0\0\0\0\0\0\3\0\0\0\144", 15, false, true},
        {"settings of odd length", "\0\0\7\4\0\0\0\0\0\r\n\r\n", 13, false, false},
        {"another frame", "\0\0\10\6\0\0\0\0\0\r\n\r\n", 13, false, false},
        {"settings of a stream", "\0\0\0\4\0\0\0\0\1\r\n\r\n", 13, false, false},
        {"settings from a client", "\0\0\0\4\0\0\0\0\0\r\n\r\n", 13, true, false},
        {"zeros", "\0\0\0\0\0\0\0\0\0\r\n\r\n", 13, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t step = 1; step <= rows[i].n; step++) {
            struct http1 *p = http1_new(rows[i].request, 4096, 32);
            enum http1_event e = HTTP1_MORE;
            for (size_t at = 0; at < rows[i].n && e == HTTP1_MORE; at += step) {
                struct span in = span_of(rows[i].bytes + at, step < rows[i].n - at ? step : rows[i].n - at), data;
                e = http1_next(p, &in, &data);
            }
            ck_assert_msg(e == HTTP1_BAD && http1_is_h2(p) == rows[i].h2, "%s, %zu bytes at a time: %s", rows[i].why, step, http1_detail(p));
            ck_assert_msg(!rows[i].h2 || strstr(http1_detail(p), "HTTP/2") != NULL, "%s: %s", rows[i].why, http1_detail(p));
            http1_free(p);
        }
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http1");
    TCase *tc = tcase_create("reading");
    tcase_add_loop_test(tc, reads_well_formed_messages_the_same_over_every_cut, 0,
                        (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_loop_test(tc, C3_refuses_malformed_requests_the_same_over_every_cut, 0,
                        (int)(sizeof(bad_requests) / sizeof(bad_requests[0])));
    tcase_add_loop_test(tc, C3_refuses_malformed_responses_the_same_over_every_cut, 0,
                        (int)(sizeof(bad_responses) / sizeof(bad_responses[0])));
    tcase_add_loop_test(tc, C4_refuses_switches_of_protocols_other_than_the_one_asked_for, 0,
                        (int)(sizeof(bad_switches) / sizeof(bad_switches[0])));
    tcase_add_loop_test(tc, B7_never_takes_a_truncated_message_for_a_whole_one, 0,
                        (int)(sizeof(good) / sizeof(good[0])));
    tcase_add_test(tc, B7_says_truncated_when_the_stream_ends_inside_a_message);
    tcase_add_test(tc, knows_http_2_when_it_meets_it);
    tcase_add_test(tc, C3_holds_heads_to_their_limits);
    tcase_add_test(tc, C3_holds_trailers_to_the_same_limits_and_never_collects_more);
    tcase_add_test(tc, stays_bad_once_it_was_bad);
    tcase_add_test(tc, C4_reads_nothing_behind_a_response_as_part_of_it);
    tcase_add_test(tc, C4_forgets_the_answer_to_HEAD_with_its_final_response_only);
    tcase_add_test(tc, C3_does_not_read_the_size_of_a_chunk_for_ever);
    tcase_add_test(tc, leaves_what_follows_a_switch_of_protocols_where_it_is);
    tcase_add_test(tc, C4_allows_a_switch_of_protocols_to_one_response_only);
    tcase_add_test(tc, C4_takes_a_known_head_only_for_what_it_answered);
    tcase_add_test(tc, is_idle_between_messages_only);
    tcase_add_test(tc, is_small);
    tcase_add_test(tc, reads_a_head_in_place_and_copies_none);
    suite_add_tcase(s, tc);
    return s;
}
