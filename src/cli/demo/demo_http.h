/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's app: requests on one connection to one of our listeners. */
#ifndef MTLSD_CLI_DEMO_HTTP_H
#define MTLSD_CLI_DEMO_HTTP_H

#include "demo_body.h"
#include "mtlsd/io/http_client.h"

enum { DEMO_STALL_MS = 10000 /* without a byte */ };

struct demo_http {
    struct http_client *client; /* owned */
    struct http_call call;      /* of the last request */
    struct http_reply reply;    /* owned; of it */
    struct err err;             /* why there was none */
    const struct demo_body *body;
    bool equal;                 /* the body that came is the known one */
};

/* The known body is what is sent and compared. */
void demo_http_begin(struct demo_http *h, const struct demo_body *body);
void demo_http_end(struct demo_http *h);
/* True when an answer came whole. compare: its body is compared instead of kept; upload: how much of the known body is sent. */
MUST_CHECK bool demo_http_ask(struct demo_http *h, const struct http_call *call, bool compare);
const char *demo_http_text(const struct demo_http *h); /* the body that was kept */

#endif
