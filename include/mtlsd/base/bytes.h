/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A byte queue with a maximum: bytes go in at the end and leave at the front. It owns no memory while it is empty.
 * Every queue names the most it may ever hold. An append that would pass it, or finds no memory, adds nothing and fails, and so do all after it until
 * bytes_clear: a text is written piece by piece and checked once, by the last append or by failed.
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
    bool failed;
};

void bytes_init(struct bytes *b, size_t max);
void bytes_clear(struct bytes *b); /* frees, empties, keeps the maximum */
void bytes_wipe(struct bytes *b);  /* the same, but overwrites first: for keys */

/* 0, or -1: this append or one before it failed. */
int bytes_append(struct bytes *b, const void *data, size_t n);
int bytes_append_span(struct bytes *b, struct span s);
int bytes_append_str(struct bytes *b, const char *text);
int bytes_printf(struct bytes *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Appends what was written in part, and clears that; a part that failed fails b too. */
int bytes_append_part(struct bytes *b, struct bytes *part);

/* Room for n bytes at the end, to be filled in place and then committed. NULL: past the maximum, or out of memory; nothing has changed. */
uint8_t *bytes_reserve(struct bytes *b, size_t n);
void bytes_commit(struct bytes *b, size_t n);

struct span bytes_span(const struct bytes *b); /* valid until the next change */
void bytes_consume(struct bytes *b, size_t n); /* memory goes when the last byte does */
/* Moves the whole content out of b into taken, which must be empty; b is then empty and owns nothing. */
void bytes_take(struct bytes *b, struct bytes *taken);

#endif
