/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A test end of a wire that speaks HTTP/2 by nghttp2's own sessions, while its test goes on in the words of HTTP/1.1: each message that the test says goes out on
 * a stream, and what comes on the streams is written for the test as HTTP/1.1, in the order of the requests. Upgrade: websocket is an extended CONNECT (RFC 8441).
 */
#ifndef MTLSD_TEST_WIRE_SPEAKER_H
#define MTLSD_TEST_WIRE_SPEAKER_H

#include "mtlsd/base/bytes.h"

#include <stdbool.h>

struct wire_speaker;

struct wire_speaker *wire_speaker_new(bool server);
void wire_speaker_free(struct wire_speaker *p);
/* What the test says, in HTTP/1.1: whole messages or parts of them, cut anywhere. */
void wire_speaker_say(struct wire_speaker *p, struct span text);
/* The test says nothing more: what runs until then is whole. */
void wire_speaker_end(struct wire_speaker *p);
/* What came over the wire; what it says is appended to text. */
void wire_speaker_hear(struct wire_speaker *p, struct span bytes, struct bytes *text);
/* Appends what is to go over the wire now. True: something was. */
bool wire_speaker_fill(struct wire_speaker *p, struct bytes *wire);
size_t wire_speaker_waiting(const struct wire_speaker *p); /* bytes of bodies that wait for a window */
/* A message broke off, whose reader cannot go on: in HTTP/1.1 the connection would have been reset. */
bool wire_speaker_broke(const struct wire_speaker *p);
/* A message is not whole, or an answer is still to come. */
bool wire_speaker_expects(const struct wire_speaker *p);
/* As in HTTP/1.1 the connection would be closed now: its last message said so and is whole. */
bool wire_speaker_closes(const struct wire_speaker *p);
/* A WebSocket runs on one of its streams, in at least one direction; and the other end said all that it says there. */
bool wire_speaker_is_in_tunnel(const struct wire_speaker *p);
bool wire_speaker_tunnel_ended(const struct wire_speaker *p);
/* Spells the names of fields in a text of HTTP/1.1 that came from HTTP/2 as HTTP/1.1 usually does: tests compare them. */
void wire_speaker_spell(struct bytes *text);

#endif
