/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of what a peer may cost us, all in one place. Each row names the attack it stops; the test of the row is in tests/unit/http/test_http2_limits.c under the same
 * name. None of it depends on the version of nghttp2, which does the header compression only. The size of heads and the number of fields are configured
 * (max_header_bytes, max_headers) and are those of HTTP/1.1, each piece of a cookie being one field.
 *
 * With 32 KiB of max_header_bytes a session holds at most some 150 KB of what a peer sends: half a block (48 KiB), half a frame (16 KiB), the head that is read
 * (up to twice its bytes) and two tables. Of what a peer does not read it holds HTTP2_QUEUE_BYTES, and the bodies that the caller writes below its own mark.
 */
#ifndef MTLSD_HTTP_HTTP2_LIMITS_H
#define MTLSD_HTTP_HTTP2_LIMITS_H

enum {
    /* Streams at once: each may hold an upstream request. RFC 9113 section 6.5.2 advises 100; browsers and gRPC use fewer. */
    HTTP2_STREAMS = 100,
    /* The windows we give: what a peer can make us hold for a stream, and for all together (CVE-2019-9517 the other way round). 256 KiB keep 100 Mbit/s at 20 ms. */
    HTTP2_STREAM_WINDOW = 256 * 1024,
    HTTP2_CONNECTION_WINDOW = 1024 * 1024,
    /* The largest frame we take and send, the smallest that there may be: a half frame costs no more than this. */
    HTTP2_FRAME_BYTES = 16384,
    /* HPACK's table, in both directions: the protocol's default. A larger one only helps to store an attack ("HPACK bomb", CVE-2016-6581). */
    HTTP2_TABLE_BYTES = 4096,
    /* CONTINUATION frames in one block beyond those that the largest head needs (CONTINUATION flood, CVE-2024-27316, CVE-2024-28182). */
    HTTP2_CONTINUATIONS = 8,
    /* Encoded bytes of one block beyond max_head_bytes. No encoder makes a head larger. */
    HTTP2_BLOCK_EXTRA_BYTES = 16384,
    /* Fields in one block, also in a block that is refused already: a byte may stand for a field of 4 KiB (HPACK bomb; cookie crumbs, CVE-2026-49975). */
    HTTP2_BLOCK_FIELDS = 4096,
    /* 1xx responses before the final one: an upstream could send them for ever. */
    HTTP2_INTERIMS = 32,
    /* SETTINGS in one frame: each one may move the windows of all streams. */
    HTTP2_SETTINGS_IN_FRAME = 32,
    /* Our answers to PING and SETTINGS and our resets, while the peer reads none (ping and settings flood, CVE-2019-9512, CVE-2019-9515, reset flood, CVE-2019-9514). */
    HTTP2_ANSWER_BYTES = 16 * 1024,
    /* Heads and control frames that wait for a peer who does not read (internal data buffering, CVE-2019-9517). */
    HTTP2_QUEUE_BYTES = 2 * 1024 * 1024,
    /* Memory of the last head that a session keeps for the next one; that of a larger head is freed. */
    HTTP2_HEAD_KEPT_BYTES = 2048,
    /* A DATA frame below this is a dribble if the peer's window made it so (CVE-2019-9511). */
    HTTP2_LITTLE_BYTES = 1024,
    /* Below this much waiting body, an event asks the caller to write more. */
    HTTP2_LOW = 16 * 1024,
    /* A stream's body that waits for a window; the caller's own mark is far below it. */
    HTTP2_KEPT_BYTES = 4 * 1024 * 1024,
    /* Streams that we reset and of which frames may still be on their way, exactly; older ones are forgiven, too. */
    HTTP2_RESETS_KEPT = 16,
};

/* Refused streams take so much of the budget for resets. */
enum {
    HTTP2_COST_RESET = 4,       /* the request may have gone upstream, or is answered by us */
    HTTP2_COST_REFUSED = 1,     /* it was one too many, and nothing else was done: also a good client may send a hundred before it reads our SETTINGS */
    HTTP2_FIELDS_FOR_ONE = 16,  /* and one more for so many fields of a head that is read in vain (cookie crumbs) */
};

/* Frames that cost us work and the peer nothing: so many on a new connection, so many at once on any, so many more each second, and so many for each
 * useful thing (http2_budget_earn). */
#define HTTP2_BUDGETS(ROW)                                                                                                                                   \
    /* A client's resets, and those it makes us send: each may have begun an upstream request (rapid reset, CVE-2023-44487; MadeYouReset, CVE-2025-8671). */ \
    /* A stream that ends as it should allows for another reset. Clients that come again after each cut have not ended any. */                               \
    ROW(RESETS, 400, 1600, 160, 4, "the client resets streams, or makes us reset them, faster than allowed")                                                 \
    /* Each is answered (CVE-2019-9515). With GOAWAY, which also is about the whole connection and said once or twice. */                                    \
    ROW(SETTINGS, 32, 32, 2, 0, "more SETTINGS or GOAWAY frames than allowed")                                                                               \
    /* Each is answered (CVE-2019-9512). gRPC measures the round trip with some while data flows: each frame of content allows for one. */                   \
    ROW(PINGS, 512, 512, 64, 1, "more PING frames than allowed")                                                                                             \
    /* CVE-2019-9513 and PRIORITY_UPDATE; old browsers send some with each request. */                                                                       \
    ROW(PRIORITIES, 256, 256, 32, 4, "more PRIORITY frames than allowed")                                                                                    \
    /* Windows opened byte by byte (CVE-2019-9511, CVE-2019-9517); some readers give back 4 KiB at a time, of both windows. */                               \
    ROW(WINDOWS, 1024, 1024, 100, 32, "more WINDOW_UPDATE frames than allowed")                                                                              \
    /* Empty DATA and CONTINUATION (CVE-2019-9518). */                                                                                                       \
    ROW(EMPTY, 100, 100, 10, 1, "more empty frames than allowed")                                                                                            \
    /* Types we do not know, which must be ignored (RFC 9113 section 5.5). */                                                                                \
    ROW(UNKNOWN, 256, 256, 32, 1, "more frames of unknown types than allowed")                                                                               \
    /* Frames of streams that ended: what was on its way when we reset them. Each stream that a client of ours cancels upstream allows for some more, */      \
    /* else one client that cancels many would end the connection that other clients share with it. */                                                       \
    ROW(STALE, 4096, 4096, 400, 32, "more frames of streams that have ended than allowed")

#define HTTP2_BUDGET_NAME(name, first, burst, each_second, each_earned, detail) HTTP2_BUDGET_##name,
enum http2_budget { HTTP2_BUDGETS(HTTP2_BUDGET_NAME) HTTP2_N_BUDGETS };
#undef HTTP2_BUDGET_NAME

#endif
