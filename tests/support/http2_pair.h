/* SPDX-License-Identifier: Apache-2.0 */
/* A client's and a server's session in memory: requests with bodies and trailers, which the server sends back as they come. */
#ifndef MTLSD_TEST_HTTP2_PAIR_H
#define MTLSD_TEST_HTTP2_PAIR_H

#include <stdbool.h>
#include <stddef.h>

struct http2_pair_order {
    unsigned requests;
    size_t body;  /* bytes of each; 0: none */
    size_t step;  /* bytes that a side reads at a time */
    size_t mark;  /* for http2_fill */
    bool shut;    /* the server shuts down when it has read the first head */
};

/* True: each request came back whole. False: one of the sides failed, which is only right when memory did. */
bool http2_pair_run(const struct http2_pair_order *order);

#endif
