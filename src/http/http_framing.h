/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The length of a message, decided here from the parsed fields and nowhere else (RFC 9112 section 6.3). Everything that
 * two readers could answer differently is refused. Also whether the sender keeps the connection (section 9.3).
 */
#ifndef MTLSD_HTTP_HTTP_FRAMING_H
#define MTLSD_HTTP_HTTP_FRAMING_H

#include "mtlsd/http/http_head.h"

/* The most options that all Connection fields together may name: each is compared with each field. */
enum { HTTP_FRAMING_MAX_OPTIONS = 32 };

/* Sets framing, length and keep_alive of h. NULL, or a sentence why the message is refused. */
const char *http_framing_decide(struct http_head *h, bool expect_no_body);

/* Trailers that would change how the message is read attack backends that merge them into the head. */
bool http_framing_fits_trailers(const struct http_head *trailers);

#endif
