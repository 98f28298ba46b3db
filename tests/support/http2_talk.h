/* SPDX-License-Identifier: Apache-2.0 */
/* A session with what it said so far: events as text, a line each, and frames as http2_frames.h writes them. */
#ifndef MTLSD_TEST_HTTP2_TALK_H
#define MTLSD_TEST_HTTP2_TALK_H

#include "mtlsd/http/http2.h"

struct http2_talk {
    struct http2 *h;
    struct http2_reader *reader;
    struct bytes said;   /* events; bytes of one body that follow one another are one line */
    struct bytes sent;   /* frames */
    struct gather out;
    struct http2_stream *streams[64]; /* by (id - 1) / 2, while they are held */
    bool keep_unread;    /* DATA is not consumed */
    bool release;        /* what was reset or refused is released at once */
    uint32_t in_data;    /* of this stream */
    bool bad;
};

void http2_talk_start(struct http2_talk *t, enum http2_role role, const struct http2_limits *limits);
void http2_talk_end(struct http2_talk *t);
/* Gives bytes to the session, so many at a time. */
void http2_talk_read(struct http2_talk *t, struct span bytes, size_t step);
/* The same of a script. */
void http2_talk_script(struct http2_talk *t, const char *script);
/* What is to be sent now, as text, since the last time; valid until the next call. */
const char *http2_talk_sent(struct http2_talk *t);
const char *http2_talk_said(struct http2_talk *t); /* likewise, of events */
struct http2_stream *http2_talk_stream(struct http2_talk *t, uint32_t id);
/* A response of these fields, "200|a=b". */
int http2_talk_respond(struct http2_talk *t, uint32_t id, const char *fields, enum http_framing framing, uint64_t length);

#define HTTP2_START "PRI\nS\n"
#define HTTP2_GET ":method=GET|:scheme=https|:authority=a|:path=/"

#endif
