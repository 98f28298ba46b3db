/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header block that a connection wrote last, with its fields: the same fields are written as the same bytes, without the compressor. Only a block is kept
 * that leaves the compressor's table as it is, and that holds nothing that must stay out of a table.
 */
#ifndef MTLSD_HTTP_HTTP2_WRITTEN_H
#define MTLSD_HTTP_HTTP2_WRITTEN_H

#include "http2_fields.h"

enum { HTTP2_WRITTEN_BYTES = 1024 };

struct http2_written {
    uint8_t *memory; /* owned: the block, then lengths, name and value of each field; NULL: nothing was kept yet */
    size_t n_fields, block_len; /* block_len 0: nothing is kept */
};

void http2_written_clear(struct http2_written *w); /* frees */
/* The block of these fields, valid until the next call; of no length: they are not those that were written last. */
struct span http2_written_find(const struct http2_written *w, const struct http2_fields *f);
/* In place of the last one. Without memory, or if it is long, nothing is kept. */
void http2_written_keep(struct http2_written *w, const struct http2_fields *f, struct span block);
/* For a change of the table: the kept block does not hold any more. */
void http2_written_forget(struct http2_written *w);

#endif
