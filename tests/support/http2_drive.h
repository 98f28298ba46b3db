/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes into a session, for the fuzzers. */
#ifndef MTLSD_TEST_HTTP2_DRIVE_H
#define MTLSD_TEST_HTTP2_DRIVE_H

#include "mtlsd/http/http2.h"

typedef void (*http2_drive_fn)(enum http2_kind kind, const struct http2_event *e);

/* A number that tells all events and body bytes. Nothing is answered, so that it does not depend on step. A server's session has read the preface and SETTINGS
 * already, a client's SETTINGS; it has three requests under way, the third of them HEAD. */
uint64_t http2_drive(enum http2_role role, struct span bytes, size_t step, http2_drive_fn on_event);
/* The same with answers: a server sends back what it reads, windows are given back late, and what is sent has to be frames. */
void http2_drive_back(enum http2_role role, struct span bytes, size_t step);
/* Everything that is to be sent now. */
void http2_drive_take(struct http2 *h, struct bytes *out);

#endif
