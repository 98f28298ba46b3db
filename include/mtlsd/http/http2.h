/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes HTTP/2 (RFC 9113), for both ends: bytes in, events out, with any cut of the input; frames of many streams out, which take turns. It knows no
 * socket and no clock: every limit on what a peer may send is a row in http2_limits.h.
 *
 * A stream is one request with its response. The session owns its streams; the caller holds one from the event that shows it (or from http2_request) until
 * http2_release, and in between may be told that it was reset.
 *
 * Bodies are never collected here: DATA is borrowed from the input, and what is written waits only for the peer's window. A peer's window is given back by
 * http2_consumed, so a session never has to stop reading for one slow stream.
 */
#ifndef MTLSD_HTTP_HTTP2_H
#define MTLSD_HTTP_HTTP2_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/block_cache.h"
#include "mtlsd/base/gather.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_head.h"

enum http2_code { /* RFC 9113 section 7 */
    HTTP2_NO_ERROR,
    HTTP2_PROTOCOL_ERROR,
    HTTP2_INTERNAL_ERROR,
    HTTP2_FLOW_CONTROL_ERROR,
    HTTP2_SETTINGS_TIMEOUT,
    HTTP2_STREAM_CLOSED,
    HTTP2_FRAME_SIZE_ERROR,
    HTTP2_REFUSED_STREAM,
    HTTP2_CANCEL,
    HTTP2_COMPRESSION_ERROR,
    HTTP2_CONNECT_ERROR,
    HTTP2_ENHANCE_YOUR_CALM,
    HTTP2_INADEQUATE_SECURITY,
    HTTP2_HTTP_1_1_REQUIRED,
};

enum http2_role { HTTP2_SERVER, HTTP2_CLIENT };

enum http2_kind {
    HTTP2_MORE,     /* all input eaten, nothing to tell */
    HTTP2_NONE,     /* a frame was taken that tells the caller nothing; call again */
    HTTP2_HEAD,     /* server: a new stream with its request; client: the final response */
    HTTP2_INTERIM,  /* client: a 1xx response; another head follows */
    HTTP2_DATA,     /* body bytes; http2_consumed gives their room back */
    HTTP2_TRAILERS, /* head->fields are the trailer fields; END follows */
    HTTP2_END,      /* the peer sends nothing more on this stream */
    HTTP2_RESET,    /* the peer reset the stream, or will never look at it; nothing more can be written. Behind END with NO_ERROR: it needs no more of the request */
    HTTP2_REFUSED,  /* what the peer sent on a stream is refused, for a reason; may_answer says whether it can still be answered, else it was reset with code */
    HTTP2_PONG,     /* the answer to http2_ping */
    HTTP2_GOAWAY,   /* the peer takes no new streams; those it will not look at are told by RESET */
    HTTP2_BAD,      /* the connection cannot be read further; http2_fill gives the GOAWAY that says so */
};

struct http2;
struct http2_stream;

struct http2_event {
    struct http2_stream *stream;  /* NULL: about the connection, or a stream that the caller never met or has released */
    uint32_t id;                  /* of the stream, 0: none */
    struct span data;             /* DATA, borrowed from the input; GOAWAY: what the peer says with it, valid until the next call */
    const struct http_head *head; /* HEAD, INTERIM, TRAILERS: valid until the next call of http2_next */
    uint32_t code;                /* RESET, REFUSED, GOAWAY, BAD: enum http2_code, or a number unknown to us */
    bool unprocessed;             /* RESET: the peer never began with it, so the request may be sent again, whatever its method */
    bool may_answer;              /* REFUSED, server: nothing was answered yet, and http2_respond may. What the client still sends of it is dropped */
    enum reason reason;           /* REFUSED, BAD */
    const char *detail;           /* REFUSED, BAD: a sentence */
};

struct http2_limits {
    size_t max_head_bytes; /* of a head: names, values and 4 for each field, as http1 counts them */
    size_t max_fields;     /* with each piece of a cookie, which HTTP/2 may send as several fields */
    uint32_t max_streams;  /* at once; 0: as http2_limits.h has it */
    bool extended_connect; /* server: take CONNECT with a protocol (RFC 8441) */
    struct block_cache *blocks;  /* borrowed: memory for frames that wait; NULL: of the allocator */
    struct block_cache *streams; /* borrowed, of http2_init_streams: memory for streams, shared by sessions of a thread; NULL: none */
};

void http2_init_streams(struct block_cache *c, unsigned most); /* most: so many are kept for the next ones */
/* Sends the preface, SETTINGS and the connection's window first. NULL: out of memory. */
struct http2 *http2_new(enum http2_role role, const struct http2_limits *limits);
void http2_free(struct http2 *h); /* with all streams */
/* The time for all that follows, in microseconds of a monotonic clock: budgets fill up with it. */
void http2_set_now(struct http2 *h, uint64_t now_us);

/* ---- reading ---- */

/* Consumes at most one frame from the front of *in and gives its event. Call again until HTTP2_MORE or HTTP2_BAD. */
enum http2_kind http2_next(struct http2 *h, struct span *in, struct http2_event *e);
/* n bytes of DATA were passed on: the peer may send as many again. */
void http2_consumed(struct http2 *h, struct http2_stream *s, size_t n);

/* ---- writing ---- */

/* Server: an interim (1xx, not 101) or the final head, through the filter of http_guard_write_head; NO_BODY, or LENGTH 0, ends the stream with it. -1: no memory,
 * or a head that cannot be written; the stream is as before. */
MUST_CHECK int http2_respond(struct http2 *h, struct http2_stream *s, const struct http_outgoing *o);
/* Client: a new stream. o->scheme must be set; o->protocol makes it an extended CONNECT, if http2_peer_takes_protocols. NULL: no room, no memory, or a head that
 * cannot be written. */
struct http2_stream *http2_request(struct http2 *h, const struct http_outgoing *o, void *user);
/* The last head could not be written because it is larger than the peer takes (SETTINGS_MAX_HEADER_LIST_SIZE). */
bool http2_head_was_too_large(const struct http2 *h);
/* Body bytes, borrowed until http2_settle; not behind http2_write_end. On a stream that was reset they are dropped. -1: no memory, and the stream was reset, for its body is not whole. */
MUST_CHECK int http2_write(struct http2 *h, struct http2_stream *s, struct span data);
/* The end of the body, with the trailers that may pass as http_guard_write_last_chunk has it; NULL: none. -1: no memory. */
MUST_CHECK int http2_write_end(struct http2 *h, struct http2_stream *s, const struct http_head *trailers, const struct http_edit *edit);
size_t http2_pending(const struct http2_stream *s); /* body bytes that wait for a window or for http2_fill */
/* Ends a stream at once, in both directions; what waits is dropped. */
void http2_reset(struct http2 *h, struct http2_stream *s, uint32_t code);
/* The caller forgets the stream. What was written is still sent; without http2_write_end it is reset. Unread bytes give their room back. A server drops
 * the rest of an answered request for a while (http2_resting_us). */
void http2_release(struct http2 *h, struct http2_stream *s);

/* Appends frames while out holds less than mark: first all but DATA, then streams in turns. -1: no memory. */
MUST_CHECK int http2_fill(struct http2 *h, struct gather *out, size_t mark);
bool http2_wants_fill(const struct http2 *h); /* something can be sent now */
/* After http2_fill: the next stream that can be written again, for less than 16 KiB of it waits, after more did, or nothing; NULL: no other. */
struct http2_stream *http2_next_writable(struct http2 *h);
/* Since when the peer gives no window for what waits on this stream; UINT64_MAX: it does, or nothing waits. */
uint64_t http2_shut_us(const struct http2 *h, const struct http2_stream *s);
/* A part of what http2_fill gave has not left yet: a peer that reads slowly cannot know what it is to give windows for. */
void http2_note_unsent(struct http2 *h);
/* The same of all streams that were released with something left to send: the first of them. A peer that gives no window would hold them for ever (CVE-2019-9517). */
uint64_t http2_stalled_us(const struct http2 *h);
/* Resets those that got none since then; gives how many. */
size_t http2_reset_stalled(struct http2 *h, uint64_t until_us);
/* Server: since when the first of the streams that were answered before their request was whole has been waiting for its end; UINT64_MAX: there is none.
 * http2_reset_resting: those that began until then wait no longer. */
uint64_t http2_resting_us(const struct http2 *h);
void http2_reset_resting(struct http2 *h, uint64_t until_us);
/* End of the turn: what is still borrowed is copied. -1: no memory; a stream whose body was lost is reset. */
MUST_CHECK int http2_settle(struct http2 *h);

/* ---- the session ---- */

void *http2_user(const struct http2_stream *s);
void http2_set_user(struct http2_stream *s, void *user);
uint32_t http2_id(const struct http2_stream *s);
bool http2_is_open(const struct http2_stream *s); /* neither reset nor ended in both directions */

size_t http2_streams(const struct http2 *h);  /* open ones */
bool http2_is_between(const struct http2 *h); /* neither a frame nor a head is half read */
bool http2_is_idle(const struct http2 *h);    /* no stream is open, and no frame is half read */
bool http2_has_room(const struct http2 *h);   /* client: http2_request would find room now */
uint32_t http2_max_concurrent(const struct http2 *h); /* client: what the peer allows, at most max_streams */
bool http2_peer_takes_protocols(const struct http2 *h); /* client: RFC 8441; known when http2_is_greeted */
bool http2_is_greeted(const struct http2 *h);  /* the peer's SETTINGS came */
size_t http2_queued(const struct http2 *h);    /* bytes of heads and control frames that wait for http2_fill */

/* Asks for a PONG; one at a time. */
void http2_ping(struct http2 *h);
/* No new streams: GOAWAY for all first, and with the last stream after a round trip, so that no request is lost that was on its way (RFC 9113 section 6.8). */
void http2_shutdown(struct http2 *h);
/* Since when a shutdown waits for that round trip; UINT64_MAX: it does not. http2_shutdown_now: it is not waited for (any longer). */
uint64_t http2_shutdown_us(const struct http2 *h);
void http2_shutdown_now(struct http2 *h);
/* Since when the peer owes us the acknowledgement of our SETTINGS; UINT64_MAX: it does not. http2_settings_late: that took too long (RFC 9113 section 6.5.3), and h is bad. */
uint64_t http2_unacknowledged_us(const struct http2 *h);
void http2_settings_late(struct http2 *h);
/* Nothing more is to be read or written but what http2_fill still gives: after HTTP2_BAD, after a shutdown when all streams have ended, and when a GOAWAY came. */
bool http2_wants_close(const struct http2 *h);

/* After HTTP2_BAD: REASON_REQUEST_MALFORMED or REASON_CLIENT_FLOODED (server), REASON_UPSTREAM_PROTOCOL (client), REASON_INTERNAL, and a sentence. */
enum reason http2_reason(const struct http2 *h);
const char *http2_detail(const struct http2 *h);

/* ---- how it begins ---- */

#define HTTP2_ALPN "h2"
#define HTTP1_ALPN "http/1.1"
enum http2_preface { HTTP2_PREFACE_NO, HTTP2_PREFACE_MAYBE /* more bytes tell */, HTTP2_PREFACE_YES };
/* Whether a client's first bytes are HTTP/2 with prior knowledge (RFC 9113 section 3.4). Nothing is consumed: http2_next reads the preface itself. */
enum http2_preface http2_sniff(struct span first);

#endif
