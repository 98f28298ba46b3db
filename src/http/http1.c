/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state        | input            | event    | next
 * HEAD         | a whole head     | HEAD     | by its framing: END, LENGTH, CHUNKS or UNTIL_CLOSE; UPGRADED
 * where that was asked for LENGTH       | bytes            | DATA     | LENGTH, or END when none is left
 * UNTIL_CLOSE  | bytes            | DATA     | UNTIL_CLOSE; http1_eof ends it
 * CHUNKS       | bytes of a chunk | DATA     | CHUNKS
 * CHUNKS       | the last chunk   | -        | TRAILERS
 * TRAILERS     | some fields      | TRAILERS | END
 * TRAILERS     | an empty line    | END      | HEAD
 * END          | -                | END      | HEAD
 * UPGRADED     | -                | UPGRADED | UPGRADED: what comes is not HTTP and stays where it is
 * any          | anything else    | BAD      | BAD
 *
 * llhttp reads heads, chunks and trailers; where lines end and how long a message is are decided by
 * http_lines and http_framing, so that no single parser's tolerance decides what is forwarded.
 */
#include "mtlsd/http/http1.h"

#include "http_bytes.h"
#include "http_framing.h"
#include "http_lines.h"
#include "http_method.h"
#include "http_parser.h"
#include "http_start.h"
#include "mtlsd/http/http_upgrade.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum state {
    STATE_HEAD,
    STATE_LENGTH,
    STATE_UNTIL_CLOSE,
    STATE_CHUNKS,
    STATE_TRAILERS,
    STATE_END,
    STATE_UPGRADED,
    STATE_BAD
};
enum expected { EXPECT_ANY, EXPECT_NO_BODY, EXPECT_UPGRADE }; /* of the next final response */
/* The ends of two lines and a size of 16 digits need 20: without a limit a size of zeros would never end. */
enum { MAX_BETWEEN_CHUNKS = 32 };

struct http1 {
    struct http_parser parser;
    struct http1_repeat *repeat; /* borrowed, shared with others; NULL: each head is parsed */
    struct http_lines lines;
    uint64_t left;  /* LENGTH: body bytes to come */
    size_t between; /* CHUNKS: bytes since the last one of the body */
    const char *detail;
    enum reason reason;
    enum state state;
    enum expected expected;
    bool request;
    bool skipped_empty; /* the one empty line before a request was eaten */
    bool shown;         /* the last event gave a head or trailers */
    bool h2;            /* what was refused is HTTP/2 */
};

struct http1 *http1_new(bool request, size_t max_head_bytes, size_t max_fields)
{
    struct http1 *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->request = request;
    p->parser.max_fields = max_fields;
    http_lines_init(&p->lines, max_head_bytes);
    return p;
}

/* Data that the last event lent ends its life with the next call. */
static void forget(struct http1 *p)
{
    http_parser_forget(&p->parser, p->request);
    http_lines_clear(&p->lines);
    p->shown = false;
}

void http1_free(struct http1 *p)
{
    if (p == NULL)
        return;
    forget(p);
    free(p);
}

static enum http1_event bad(struct http1 *p, enum reason reason, const char *detail)
{
    bool ours = p->request || reason == REASON_TRUNCATED || reason == REASON_INTERNAL;
    forget(p);
    p->state = STATE_BAD;
    p->reason = ours ? reason : REASON_UPSTREAM_PROTOCOL;
    p->detail = detail;
    return HTTP1_BAD;
}

static enum http1_event malformed(struct http1 *p, const char *detail)
{
    return bad(p, REASON_REQUEST_MALFORMED, detail);
}

static enum http1_event lines_event(struct http1 *p, enum http_lines_found found)
{
    switch (found) {
    case HTTP_LINES_BARE_LF:
        return malformed(p, "a line ends in LF without CR");
    case HTTP_LINES_BARE_CR:
        return malformed(p, "a CR without LF inside a line");
    case HTTP_LINES_FOLDED:
        return malformed(p, "a line begins with white space (obsolete line folding)");
    case HTTP_LINES_TOO_LONG:
        return bad(p, REASON_REQUEST_TOO_LARGE, "the head is longer than allowed");
    case HTTP_LINES_NO_MEMORY:
        return bad(p, REASON_INTERNAL, "out of memory");
    case HTTP_LINES_MORE:
    case HTTP_LINES_WHOLE:
        break;
    }
    return HTTP1_MORE;
}

/* The parser stopped for another reason than the one wished for. */
static enum http1_event parser_event(struct http1 *p, enum http_parser_stop stop)
{
    switch (stop) {
    case HTTP_PARSER_TOO_MANY_FIELDS:
        return bad(p, REASON_REQUEST_TOO_LARGE, "more fields than allowed");
    case HTTP_PARSER_NO_MEMORY:
        return bad(p, REASON_INTERNAL, "out of memory");
    case HTTP_PARSER_EXTENSION:
        return malformed(p, "a chunk has an extension");
    default:
        return malformed(p, http_parser_detail(&p->parser));
    }
}

static void choose_body_state(struct http1 *p)
{
    static const enum state by_framing[] = {
        [HTTP_NO_BODY] = STATE_END,
        [HTTP_LENGTH] = STATE_LENGTH,
        [HTTP_CHUNKED] = STATE_CHUNKS,
        [HTTP_UNTIL_CLOSE] = STATE_UNTIL_CLOSE,
    };
    p->state = by_framing[p->parser.head.framing];
    p->left = p->parser.head.length;
    if (p->state == STATE_LENGTH && p->left == 0)
        p->state = STATE_END;
    p->between = 0;
    if (p->parser.head.status >= 200)
        p->expected = EXPECT_ANY;
}

static const char *upgrade_refusal(const struct http1 *p)
{
    if (p->expected != EXPECT_UPGRADE)
        return "the upstream switched protocols without a request";
    return http_upgrade_wanted(&p->parser.head).len == 0
               ? "the upstream switched to another protocol than requested"
               : NULL;
}

/* Sets the state for what follows the head; NULL, or a sentence why the head is refused. */
static const char *judge_head(struct http1 *p)
{
    if (p->parser.head.status == 101) {
        const char *why = upgrade_refusal(p);
        p->parser.head.framing = HTTP_NO_BODY;
        p->state = STATE_UPGRADED;
        return why;
    }
    const char *why = http_framing_decide(&p->parser.head, p->expected == EXPECT_NO_BODY);
    if (why == NULL)
        choose_body_state(p);
    return why;
}

static enum http1_event unknown_method(struct http1 *p)
{
    if (!http_bytes_is_token(p->parser.head.method))
        return malformed(p, "the method holds a character that is not allowed there");
    return bad(p, REASON_METHOD_UNKNOWN, "the method is not known");
}

static enum http1_event speaks_h2(struct http1 *p)
{
    p->h2 = true;
    return malformed(p, p->request ? "the client speaks HTTP/2 on a connection that was to be HTTP/1.1" : HTTP1_H2_ANSWER);
}

static enum http1_event read_head(struct http1 *p, struct span block)
{
    const uint8_t *cr = memchr(block.ptr, '\r', block.len);
    struct span line = span_of(block.ptr, (size_t)(cr - block.ptr));
    if (p->request && span_equals_str(line, "PRI * HTTP/2.0")) /* RFC 9113 section 3.4 */
        return speaks_h2(p);
    const char *why = p->request ? http_start_read_request(&p->parser.head, line)
                                 : http_start_read_response(&p->parser.head, line);
    if (why != NULL)
        return malformed(p, why);
    if (p->request && !http_method_is_known(p->parser.head.method))
        return unknown_method(p);

    enum http_parser_stop stop = http_parser_read_head(&p->parser, block);
    if (stop != HTTP_PARSER_HEAD)
        return parser_event(p, stop);
    bool no_body = p->expected == EXPECT_NO_BODY;
    why = judge_head(p);
    if (why != NULL)
        return malformed(p, why);
    if (p->repeat != NULL)
        http1_repeat_keep(p->repeat, block, &p->parser.head, no_body);
    p->shown = true;
    return HTTP1_HEAD;
}

/* A head that is known by its bytes. */
static bool next_repeated(struct http1 *p, struct span *in)
{
    if (p->repeat == NULL || p->lines.kept.len > 0)
        return false;
    const struct http_head *head = http1_repeat_find(p->repeat, *in, p->expected == EXPECT_NO_BODY, p->lines.kept.max, p->parser.max_fields);
    if (head == NULL)
        return false;
    *in = span_skip(*in, p->repeat->n);
    p->parser.head = *head;
    choose_body_state(p);
    p->shown = true;
    return true;
}

/* A TLS handshake or alert has no line end to wait for; a person who mixed up the ports should hear it at
 * once. */
static bool begins_as_tls(const struct http1 *p, struct span in)
{
    return in.len > 0 && (in.ptr[0] == 0x16 || in.ptr[0] == 0x15) && p->lines.kept.len == 0;
}

enum { H2_FRAME_HEAD = 9 };

/* A short one, in which no line ends. */
bool http1_opens_as_h2(struct span response)
{
    const uint8_t *s = response.ptr;
    return response.len >= H2_FRAME_HEAD && s[0] == 0 && s[1] == 0 && s[2] % 6 == 0 && memcmp(s + 3, "\4\0\0\0\0\0", 6) == 0;
}

static bool begins_as_h2(const struct http1 *p, struct span in)
{
    uint8_t head[H2_FRAME_HEAD];
    struct span kept = bytes_span(&p->lines.kept), first = kept.len > 0 ? kept : in;
    if (p->request || first.len == 0 || first.ptr[0] != 0 || kept.len >= sizeof(head))
        return false;
    size_t more = sizeof(head) - kept.len < in.len ? sizeof(head) - kept.len : in.len;
    if (kept.len > 0)
        memcpy(head, kept.ptr, kept.len);
    if (more > 0)
        memcpy(head + kept.len, in.ptr, more);
    return http1_opens_as_h2(span_of(head, kept.len + more));
}

static enum http1_event next_head(struct http1 *p, struct span *in)
{
    if (next_repeated(p, in))
        return HTTP1_HEAD;
    p->parser.head.request = p->request;
    for (;;) {
        struct span block;
        if (begins_as_tls(p, *in))
            return malformed(p, "this is TLS, but plain HTTP is expected here");
        if (begins_as_h2(p, *in))
            return speaks_h2(p);
        enum http_lines_found found = http_lines_feed(&p->lines, in, &block);
        if (found != HTTP_LINES_WHOLE)
            return lines_event(p, found);
        if (block.len > 2)
            return read_head(p, block);
        /* RFC 9112 section 2.2: old clients send an empty line after a body */
        if (!p->request || p->skipped_empty)
            return malformed(p, "an empty line where a message should begin");
        p->skipped_empty = true;
        http_lines_clear(&p->lines);
    }
}

static enum http1_event next_length(struct http1 *p, struct span *in, struct span *data)
{
    if (in->len == 0)
        return HTTP1_MORE;
    size_t n = in->len < p->left ? in->len : (size_t)p->left;
    *data = span_of(in->ptr, n);
    *in = span_skip(*in, n);
    p->left -= n;
    if (p->left == 0)
        p->state = STATE_END;
    return HTTP1_DATA;
}

static enum http1_event next_until_close(struct span *in, struct span *data)
{
    if (in->len == 0)
        return HTTP1_MORE;
    *data = *in;
    *in = span_skip(*in, in->len);
    return HTTP1_DATA;
}

static enum http1_event end_message(struct http1 *p)
{
    p->state = STATE_HEAD;
    p->skipped_empty = false;
    return HTTP1_END;
}

static enum http1_event next_trailers(struct http1 *p, struct span *in)
{
    struct span block;
    enum http_lines_found found = http_lines_feed(&p->lines, in, &block);
    if (found != HTTP_LINES_WHOLE)
        return lines_event(p, found);
    if (block.len == 2) {
        http_lines_clear(&p->lines);
        return end_message(p);
    }
    enum http_parser_stop stop = http_parser_read(&p->parser, block);
    if (stop != HTTP_PARSER_TRAILERS)
        return parser_event(p, stop);
    if (!http_framing_fits_trailers(&p->parser.head))
        return malformed(p, "a trailer names the host, the framing or the connection");
    p->state = STATE_END;
    p->shown = true;
    return HTTP1_TRAILERS;
}

static enum http1_event next_chunk(struct http1 *p, struct span *in, struct span *data)
{
    if (in->len == 0)
        return HTTP1_MORE;
    enum http_parser_stop stop = http_parser_read(&p->parser, *in);
    struct span found = p->parser.data;
    p->between += stop == HTTP_PARSER_DATA ? (size_t)(found.ptr - in->ptr) : p->parser.eaten;
    if (p->between > MAX_BETWEEN_CHUNKS)
        return malformed(p, "the size of a chunk is longer than any number needs");
    if (stop != HTTP_PARSER_MORE && stop != HTTP_PARSER_DATA && stop != HTTP_PARSER_LAST_CHUNK)
        return parser_event(p, stop);
    *in = span_skip(*in, p->parser.eaten);
    if (stop == HTTP_PARSER_MORE)
        return HTTP1_MORE;
    p->between = 0;
    if (stop == HTTP_PARSER_LAST_CHUNK) {
        p->state = STATE_TRAILERS;
        return next_trailers(p, in);
    }
    *data = found;
    return HTTP1_DATA;
}

enum http1_event http1_next(struct http1 *p, struct span *in, struct span *data)
{
    if (p->shown)
        forget(p);
    switch (p->state) {
    case STATE_HEAD:
        return next_head(p, in);
    case STATE_LENGTH:
        return next_length(p, in, data);
    case STATE_UNTIL_CLOSE:
        return next_until_close(in, data);
    case STATE_CHUNKS:
        return next_chunk(p, in, data);
    case STATE_TRAILERS:
        return next_trailers(p, in);
    case STATE_END:
        return end_message(p);
    case STATE_UPGRADED:
        return HTTP1_UPGRADED;
    case STATE_BAD:
        break;
    }
    return HTTP1_BAD;
}

enum http1_event http1_eof(struct http1 *p)
{
    if (p->state == STATE_BAD)
        return HTTP1_BAD;
    if (p->state == STATE_UPGRADED)
        return HTTP1_UPGRADED;
    if (http1_is_idle(p))
        return HTTP1_MORE;
    if (p->state != STATE_UNTIL_CLOSE && p->state != STATE_END)
        return bad(p, REASON_TRUNCATED, "the connection ended inside a message");
    forget(p);
    return end_message(p);
}

const struct http_head *http1_head(const struct http1 *p)
{
    return &p->parser.head;
}

void http1_share(struct http1 *p, struct http1_repeat *repeat)
{
    assert(!p->request);
    p->repeat = repeat;
}

static void expect(struct http1 *p, enum expected what)
{
    assert(!p->request);
    p->expected = what;
}

void http1_expect_no_body(struct http1 *p)
{
    expect(p, EXPECT_NO_BODY);
}

void http1_allow_upgrade(struct http1 *p)
{
    expect(p, EXPECT_UPGRADE);
}

bool http1_is_idle(const struct http1 *p)
{
    return p->state == STATE_HEAD && p->lines.kept.len == 0;
}

bool http1_is_h2(const struct http1 *p)
{
    return p->h2;
}

enum reason http1_reason(const struct http1 *p)
{
    return p->reason;
}

const char *http1_detail(const struct http1 *p)
{
    return p->detail != NULL ? p->detail : "";
}
