/* SPDX-License-Identifier: Apache-2.0 */
/* A connection of ours to an upstream: a link with the reader of responses. It belongs to an exchange, or lies idle in the pool, or is retired
 * and waits for the driver to close its socket. */
#ifndef MTLSD_PROXY_UPLINK_H
#define MTLSD_PROXY_UPLINK_H

#include "mtlsd/http/http1.h"
#include "mtlsd/proxy/link.h"
#include "mtlsd/proxy/plan.h"

struct exchange;

struct uplink {
    struct link link;
    struct http1 *http;               /* owned; NULL in tcp mode */
    struct http1 *opening;            /* owned; reads what a proxy on the way answers; NULL: there is none, or the way is open */
    struct tls_context *late;         /* counted; what changed during the handshake, to judge by once more when that is done; NULL: nothing did */
    const struct plan_target *target; /* the driver of this uplink holds its snapshot */
    struct exchange *exchange;        /* whose it is; NULL: idle or retired */
    void *driver;                     /* the driver's socket */
    struct uplink *prev, *next;       /* in the pool */
    uint64_t keep_us;       /* how long the server lets it idle, less a margin, as its last answer with Keep-Alive said; UINT64_MAX: unsaid */
    uint64_t idle_since_us, idle_until_us; /* in the pool; not used from the second on */
    unsigned uses; /* requests it has carried; 0 in the pool: a spare connection */
    bool reset;    /* once retired: to be aborted, because a plain end would make what was passed on look whole */
};

/* NULL + err. */
struct uplink *uplink_new(const struct plan_target *target, bool http, struct tls_tickets *tickets, struct err *err);
/* Asks the proxy on the way for a tunnel. -1: out of memory. */
MUST_CHECK int uplink_ask_proxy(struct uplink *u);
/* Reads its answer off the front of *wire. REASON_UNDECIDED: more is needed; REASON_VALID, and what is left in *wire is the server's; else + err.
 * A server may speak first in tcp mode without TLS; elsewhere bytes behind the answer are refused (security B2). */
enum reason uplink_read_proxy(struct uplink *u, struct span *wire, struct err *err);
/* The way to the upstream itself is open: a TLS link makes its first bytes. */
void uplink_start(struct uplink *u, int64_t utc);
/* The last bytes to send before the driver closes the socket: our alert, so that the server learns the reason, or close_notify. After they are
 * sent the socket ends without a reset, which could overtake them. Empty: nothing to send. Borrowed from the link. */
struct span uplink_last_words(struct uplink *u);
void uplink_free(struct uplink *u);

#endif
