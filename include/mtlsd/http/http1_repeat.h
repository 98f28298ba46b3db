/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of the response that was read last. A server answers with the same bytes as often as it is asked within a second, and the same bytes mean the
 * same head: from the third time on it is not parsed. One is shared by all readers of a worker, as the connections to a server take turns.
 */
#ifndef MTLSD_HTTP_HTTP1_REPEAT_H
#define MTLSD_HTTP_HTTP1_REPEAT_H

#include "mtlsd/http/http_head.h"

enum { HTTP1_REPEAT_BYTES = 512, HTTP1_REPEAT_FIELDS = 16 };

struct http1_repeat { /* all zero: none is kept */
    size_t n;             /* bytes of the head with its empty line; 0: none is kept */
    bool known;           /* it came twice: head says what it means */
    bool no_body;         /* it answers HEAD: the same bytes frame another message elsewhere */
    struct http_head head; /* points into bytes and fields */
    struct http_field fields[HTTP1_REPEAT_FIELDS];
    uint8_t bytes[HTTP1_REPEAT_BYTES];
};

/* The known head, valid until the next one is kept. NULL: in does not begin with it, or it has more bytes or fields than these. */
const struct http_head *http1_repeat_find(const struct http1_repeat *r, struct span in, bool no_body, size_t max_bytes, size_t max_fields);
/* In place of the last one. head: what block means, into which it points. Not kept is a long one, one of chunks or of a switch of protocols, and one with a
 * cookie or another secret: the time of a comparison must not tell of it. */
void http1_repeat_keep(struct http1_repeat *r, struct span block, const struct http_head *head, bool no_body);

#endif
