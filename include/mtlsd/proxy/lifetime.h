/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a connection may live, whatever happens on it: by timeouts.max_connection_age, and by the certificate of ours that its peer has seen, once
 * the configuration has another one. Pure: the driver looks at its connections now and then (io/lifetimes.c), and only while one of the two counts.
 *
 *                      from soft_us on                                    from hard_us on
 *   HTTP/1.1 client    the next response says "Connection: close"         the request is answered with 503, or its response is cut
 *   HTTP/2 client      GOAWAY; requests that run or are on their way go   the same for each stream
 *                      on
 *   tcp, a tunnel      nothing: there is no place to end it at            it is cut, in both directions
 *   to an upstream     takes no further request                           as for the clients of these requests
 */
#ifndef MTLSD_PROXY_LIFETIME_H
#define MTLSD_PROXY_LIFETIME_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/proxy/moment.h"

#include <stdbool.h>

struct client;
struct uplink;

struct lifetime {
    uint64_t soft_us, hard_us; /* UINT64_MAX: never */
    enum reason reason;        /* of what is ended at hard_us */
};

struct lifetime_rule { /* of a listener or an upstream */
    uint64_t age_ms;   /* 0: none */
    uint64_t grace_ms; /* UINT64_MAX: requests that run are never cut */
    bool tcp;          /* it is cut after age_ms and the grace, which is 0 if there is none */
};

struct lifetime lifetime_unbounded(void);
/* begun_us: when the connection began. It may end up to a tenth earlier, so that connections that began together do not end together. */
struct lifetime lifetime_by_age(const struct lifetime_rule *rule, uint64_t begun_us);
/* The certificate that the peer has seen is no longer configured, and ends at not_after (seconds since 1970). */
struct lifetime lifetime_by_certificate(int64_t not_after, struct moment now);
/* It was taken back, and nothing more goes over the connection. */
struct lifetime lifetime_withdrawn(struct moment now);
/* Whichever ends first. */
struct lifetime lifetime_shorter(const struct lifetime *a, const struct lifetime *b);

/* The text about a connection that it ended. */
const char *lifetime_text(const struct lifetime *l);

/* When a connection of this age, that begins now, could first have to end. */
uint64_t lifetime_least_us(uint64_t age_ms);

/* client_lifetime.c and uplink_lifetime.c: do what the table says; worker_pump has to follow. They give when to look again; UINT64_MAX: no need. */
uint64_t client_live(struct client *c, const struct lifetime *l, struct moment now);
uint64_t uplink_live(struct uplink *u, const struct lifetime *l, struct moment now);
uint64_t client_begun_us(const struct client *c);

#endif
