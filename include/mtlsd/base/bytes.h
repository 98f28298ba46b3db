/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte queue with a maximum: bytes go in at the end and leave at the front. It owns no memory while it is empty.
 * Every queue names the most it may ever hold; past that an append fails and nothing is added.
 */
#ifndef MTLSD_BASE_BYTES_H
#define MTLSD_BASE_BYTES_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

struct bytes {
    uint8_t *data; /* owned */
    size_t head;   /* first byte still queued */
    size_t len;    /* how many are queued */
    size_t cap;
    size_t max;
};

void bytes_init(struct bytes *b, size_t max);
void bytes_clear(struct bytes *b); /* frees, empties, keeps the maximum */

MUST_CHECK int bytes_append(struct bytes *b, const void *data, size_t n);
MUST_CHECK int bytes_append_span(struct bytes *b, struct span s);
MUST_CHECK int bytes_append_str(struct bytes *b, const char *text);
MUST_CHECK int bytes_printf(struct bytes *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Room for n bytes at the end, to be filled in place and then committed; NULL past the maximum or out of memory. */
uint8_t *bytes_reserve(struct bytes *b, size_t n);
void bytes_commit(struct bytes *b, size_t n);

struct span bytes_span(const struct bytes *b); /* valid until the next change */
void bytes_consume(struct bytes *b, size_t n); /* memory goes when the last byte does */
/* Moves the whole content out of b into taken, which must be empty; b is then empty and owns nothing. */
void bytes_take(struct bytes *b, struct bytes *taken);

#endif
