/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One GET over plain http, on a thread of its own: no redirects, no proxy, no other scheme, no decompression, and limits
 * of time and size. The answer is not trusted. Addresses from certificates must not lead to a loopback or link-local
 * address or to a cloud's metadata, with any name: the address itself is checked when it is connected to (security F3).
 */
#ifndef MTLSD_IO_FETCH_H
#define MTLSD_IO_FETCH_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/crl_fetch.h"

struct uv_loop_s;
struct fetch;

struct fetch_order { /* copied */
    const char *url;
    bool anywhere;             /* also loopback and link-local addresses */
    const char *tag, *modified; /* of the list that is known: If-None-Match, If-Modified-Since; "": none */
    size_t max_bytes;
    unsigned within_ms;
};
/* On the loop, once; the fetch is gone after it. May take the answer's body. */
typedef void (*fetch_done_fn)(void *ctx, const char *url, struct crl_fetch_answer *answer);

/* NULL + err; then done is not called. */
struct fetch *fetch_start(struct uv_loop_s *loop, const struct fetch_order *order, fetch_done_fn done, void *ctx, struct err *err);

#endif
