/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the HTTP/2 codec: http2.c has the session and its streams, http2_read.c the frames that come: http2_data.c DATA, http2_headers.c
 * HEADERS, http2_control.c those without content; http2_block.c the fields of a block, http2_head.c heads of them, http2_send.c heads and control frames to send, http2_written.c the last such head, http2_fill.c bodies, http2_budget.c what a peer may cost. */
#ifndef MTLSD_HTTP_HTTP2_INTERNAL_H
#define MTLSD_HTTP_HTTP2_INTERNAL_H

#include "http2_budget.h"
#include "http2_hpack.h"
#include "http2_head.h"
#include "http2_limits.h"
#include "http2_written.h"
#include "mtlsd/http/http2.h"

enum http2_type { /* RFC 9113 section 6 */
    HTTP2_TYPE_DATA,
    HTTP2_TYPE_HEADERS,
    HTTP2_TYPE_PRIORITY,
    HTTP2_TYPE_RST_STREAM,
    HTTP2_TYPE_SETTINGS,
    HTTP2_TYPE_PUSH_PROMISE,
    HTTP2_TYPE_PING,
    HTTP2_TYPE_GOAWAY,
    HTTP2_TYPE_WINDOW_UPDATE,
    HTTP2_TYPE_CONTINUATION,
    HTTP2_TYPE_PRIORITY_UPDATE = 0x10, /* RFC 9218 */
};

enum { HTTP2_FLAG_END_STREAM = 1, HTTP2_FLAG_ACK = 1, HTTP2_FLAG_END_HEADERS = 4, HTTP2_FLAG_PADDED = 8, HTTP2_FLAG_PRIORITY = 32 };
enum { HTTP2_FRAME_HEAD = 9, HTTP2_MAX_WINDOW = 0x7fffffff, HTTP2_BUCKETS = 16 };
enum { HTTP2_FIRST_WINDOW = 65535 }; /* before any SETTINGS */

enum http2_setting { /* RFC 9113 section 6.5.2, RFC 8441, RFC 9218 */
    HTTP2_SETTING_TABLE_BYTES = 1,
    HTTP2_SETTING_PUSH = 2,
    HTTP2_SETTING_STREAMS = 3,
    HTTP2_SETTING_WINDOW = 4,
    HTTP2_SETTING_FRAME_BYTES = 5,
    HTTP2_SETTING_HEAD_BYTES = 6,
    HTTP2_SETTING_CONNECT_PROTOCOL = 8,
    HTTP2_SETTING_NO_PRIORITIES = 9,
};

struct http2_way { /* what may be sent in one direction of a stream, and what has ended */
    bool head;     /* the final head passed */
    bool ended;    /* END_STREAM passed */
};

struct http2_stream {
    uint32_t id;
    void *user;
    struct http2_stream *of_id;                   /* the next one in its bucket */
    struct http2_stream *next, *before;           /* all that there are, also closed ones that the caller holds */
    struct http2_stream *ready_next, *ready_before; /* a ring; NULL: has nothing to send, or no window */
    struct http2_stream *next_writable, *next_borrower;
    struct http2_way in, out;
    bool closed;      /* by a reset, or ended both ways: no frame of it is sent or read any more */
    bool released;    /* the caller forgot it */
    bool deaf;        /* what still comes is dropped */
    bool lost;        /* RESET is still to be told: beyond the peer's GOAWAY */
    bool to_head;     /* the request was HEAD */
    bool tunnel;      /* client: it was an extended CONNECT */
    bool finishing;   /* http2_write_end was called */
    bool leaving;     /* released, and something of it is still to be sent */
    bool resting;     /* released and answered, and the rest of its request still comes */
    bool writable, borrows, was_full; /* was_full: more waited than HTTP2_LOW */
    uint8_t interims;
    bool counts;      /* content-length was given: left says how much is to come */
    uint64_t left;
    uint64_t moved_us; /* when DATA of it left last, or it began to leave or to rest */
    int64_t window;   /* that the peer gives us; may be negative */
    int32_t given;    /* what is left of the window that we gave */
    uint32_t unread;  /* DATA that the caller has not consumed */
    uint32_t credit;  /* consumed, and not told to the peer */
    struct bytes kept;    /* body that waits */
    struct span borrowed; /* behind it, until http2_settle */
    struct bytes trailers; /* fields as http2_send.c packs them */
};

struct http2_frame {
    uint32_t len, id;
    uint8_t type, flags;
};

enum http2_state { HTTP2_READ_PREFACE, HTTP2_READ_FRAME, HTTP2_READ_PAYLOAD, HTTP2_READ_BODY, HTTP2_READ_REST, HTTP2_READ_NOTHING };

struct http2 {
    enum http2_role role;
    struct http2_limits limits;
    uint64_t now_us;
    struct http2_budgets budgets;
    struct http2_hpack hpack;
    struct http2_written written;

    /* reading */
    enum http2_state state;
    struct http2_frame frame;
    uint8_t first[24]; /* of a frame's head, or of the preface */
    uint32_t n_first;
    uint32_t left, padding; /* of the payload that is being read, and what of it is padding */
    struct http2_stream *body; /* whose DATA is being read; NULL: it is dropped */
    bool body_ends;
    struct bytes part;      /* a payload that is not whole yet, or was given from here */
    struct http2_block block;
    struct bytes fragments; /* of the block that is open, up to its last frame */
    struct http2_stream *ended; /* END is the next event */
    bool greeted, goaway_came, extended_connect;
    size_t n_lost;

    /* streams */
    struct http2_stream *buckets[HTTP2_BUCKETS];
    struct http2_stream *streams; /* all */
    size_t n_open, n_leaving, n_resting;
    uint32_t next_id;     /* client: of the next request */
    uint32_t last_id;     /* the highest that the peer began */
    uint32_t resets[HTTP2_RESETS_KEPT], n_resets, forgiven;
    uint32_t peer_streams, peer_head_bytes;
    bool head_too_large; /* the last head that was written */
    int64_t peer_first_window;

    /* sending */
    struct bytes queue; /* all frames but DATA */
    size_t answers;     /* bytes of it that the peer provoked */
    int64_t window;
    uint64_t opened_us; /* when the peer last gave the connection more of it */
    uint64_t unsent_us; /* when a part of what was filled was last known to wait */
    int64_t given;
    uint32_t credit;
    struct http2_stream *ready, *writable, *borrowers;
    size_t n_ready;
    bool pinging, draining, drained; /* a PING of ours is out; GOAWAY was sent; with its last stream */
    uint64_t drain_us, unacknowledged_us; /* when the first GOAWAY was sent; since when our SETTINGS are unacknowledged, UINT64_MAX: they are not, or nothing came yet */
    uint32_t drain_id;               /* streams beyond it are not taken */

    enum reason reason;
    const char *detail;
    uint32_t code;
};

/* ---- http2.c ---- */
struct http2_stream *http2_stream_find(const struct http2 *h, uint32_t id);
struct http2_stream *http2_stream_new(struct http2 *h, uint32_t id);
/* No frame of it is sent or read any more; frees it if the caller forgot it. */
void http2_stream_close(struct http2 *h, struct http2_stream *s);
/* Everything of a released stream has left, and its peer has not ended it: a server drops the rest, and a client resets it. */
void http2_stream_rest(struct http2 *h, struct http2_stream *s);
/* Closes it when both directions have ended; true if so. */
bool http2_stream_settle(struct http2 *h, struct http2_stream *s);
bool http2_was_reset(const struct http2 *h, uint32_t id); /* by us, or so long ago that we do not know */
enum http2_kind http2_bad(struct http2 *h, struct http2_event *e, uint32_t code, enum reason reason, const char *detail);
/* malformed, as the role has it */
enum http2_kind http2_broken(struct http2 *h, struct http2_event *e, uint32_t code, const char *detail);
enum http2_kind http2_no_memory(struct http2 *h, struct http2_event *e);
/* Takes n from the budget; false: less was left, and h is bad. */
bool http2_spend_some(struct http2 *h, struct http2_event *e, enum http2_budget row, size_t n);
static inline bool http2_spend(struct http2 *h, struct http2_event *e, enum http2_budget row)
{
    return http2_spend_some(h, e, row, 1);
}

/* ---- http2_read.c, http2_data.c, http2_headers.c, http2_control.c ---- */
static inline bool http2_has(const struct http2_frame *f, uint8_t flag)
{
    return (f->flags & flag) != 0;
}
/* For a stream that the caller released: it may be freed by now, and no event names it. */
static inline enum http2_kind http2_untold(struct http2_event *e)
{
    *e = (struct http2_event){0};
    return HTTP2_NONE;
}
enum http2_kind http2_judge_missing(struct http2 *h, struct http2_event *e); /* what a frame of a stream that is not there means; NONE: it is dropped */
void http2_end_in(struct http2 *h, struct http2_stream *s);                  /* the peer's END_STREAM: END is the next event */
enum http2_kind http2_begin_data(struct http2 *h, struct http2_event *e);
enum http2_kind http2_next_body(struct http2 *h, struct span *in, struct http2_event *e);
enum http2_kind http2_next_rest(struct http2 *h, struct span *in, struct http2_event *e);
enum http2_kind http2_take_headers(struct http2 *h, struct span payload, struct http2_event *e);
enum http2_kind http2_read_fragment(struct http2 *h, struct span in, struct http2_event *e);
enum http2_kind http2_take_control(struct http2 *h, struct span payload, struct http2_event *e);
/* A stream that breaks the rules is reset, and the caller gets an event. s NULL: the caller never met this stream. */
enum http2_kind http2_refuse(struct http2 *h, struct http2_stream *s, uint32_t code, const char *detail, struct http2_event *e);
void http2_give_back(struct http2 *h, struct http2_stream *s, size_t n); /* of windows that we gave; s NULL: of the connection's */

/* ---- http2_send.c, http2_fill.c ---- */
MUST_CHECK int http2_send_frame(struct http2 *h, enum http2_type type, uint8_t flags, uint32_t id, struct span payload);
MUST_CHECK int http2_send_number(struct http2 *h, enum http2_type type, uint32_t id, uint32_t number); /* RST_STREAM, WINDOW_UPDATE */
MUST_CHECK int http2_send_greeting(struct http2 *h);
MUST_CHECK int http2_send_goaway(struct http2 *h, uint32_t last, uint32_t code, const char *words);
MUST_CHECK int http2_send_trailers(struct http2 *h, struct http2_stream *s);
uint8_t *http2_put_frame_head(uint8_t *to, size_t len, uint8_t type, uint8_t flags, uint32_t id);
void http2_put32(uint8_t *to, uint32_t n);
uint32_t http2_get32(const uint8_t *from);
void http2_make_ready(struct http2 *h, struct http2_stream *s); /* or not: after a change of windows or of what waits */
void http2_forget_waiting(struct http2 *h, struct http2_stream *s);

#endif
