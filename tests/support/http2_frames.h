/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 frames written by hand, for what no library would send. A script has a frame in each line; text after its head is its payload, in which %HH is a byte.
 *
 *   PRI                      the client's preface
 *   H1e :method=GET|a=b      HEADERS of stream 1 with END_STREAM; fields are literals without an index
 *   C1 c=d                   CONTINUATION
 *   D1e hello                DATA
 *   R1 8                     RST_STREAM with code 8
 *   S 4=100,3=1   SA         SETTINGS, and its ACK
 *   P 12345678    PA ...     PING of eight bytes, and its ACK
 *   W1 100                   WINDOW_UPDATE; W0 is the connection's
 *   G 5 0 words              GOAWAY with last stream 5 and code 0
 *   Y1 00000                 PRIORITY with these five bytes
 *   U2 4                     PUSH_PROMISE of stream 4 on stream 2
 *   X99:1 bytes              a frame of type 99 on stream 1
 *
 * Letters behind the stream are flags: e END_STREAM, - without END_HEADERS, p a padding of three bytes, y a priority of five bytes; q and z say so, too, but the
 * text has the bytes.
 */
#ifndef MTLSD_TEST_HTTP2_FRAMES_H
#define MTLSD_TEST_HTTP2_FRAMES_H

#include "mtlsd/base/bytes.h"

/* Appends the frames of the script. */
void http2_frames(struct bytes *out, const char *script);
void http2_frame(struct bytes *out, unsigned type, unsigned flags, unsigned id, struct span payload);

/* The same script language for frames that were written, one line each, with fields decoded; *c keeps what HPACK needs. Bytes that are no whole frame stay. */
struct http2_reader;
struct http2_reader *http2_reader_new(void);
void http2_reader_free(struct http2_reader *r);
void http2_reader_say(struct http2_reader *r, struct span bytes, struct bytes *text);

#endif
