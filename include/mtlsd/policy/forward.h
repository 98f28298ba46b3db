/* SPDX-License-Identifier: Apache-2.0 */
/* Where a forward proxy may go for its client: to a route's upstream, directly to the host that was asked for, or nowhere (security E3). */
#ifndef MTLSD_POLICY_FORWARD_H
#define MTLSD_POLICY_FORWARD_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"

enum forward_use {
    FORWARD_REQUEST, /* one whose head we read: it may be taken to a route's upstream */
    FORWARD_BLIND,   /* bytes we do not look into, because a tunnel was asked for and is given as such (connect = "tunnel") */
    FORWARD_TLS,     /* TLS inside a tunnel that we look into: a host of a route is not left alone with it unless it is listed (connect = "sniff") */
};

enum forward_way { FORWARD_REFUSED, FORWARD_BY_ROUTE, FORWARD_DIRECT };

struct forward_verdict {
    enum forward_way way;
    bool public_only; /* direct: special addresses are refused, because no list names this host */
};

/* host: without port and brackets. port: never 0. With FORWARD_REFUSED a sentence in err that says which key would allow it. */
struct forward_verdict forward_judge(const struct config_listener *l, enum forward_use use, struct span host, unsigned port, struct err *err);

/* The address to connect to for a host that was asked for. -1 with a sentence: it is too long, or a spelling of an IP address that resolvers
 * know and people do not write ("0x7f.1", "2130706433", "127.1"). */
MUST_CHECK int forward_address(struct span host, unsigned port, struct address *out, struct err *err);
/* It is an address that one of the listener's own sockets is bound to. */
bool forward_is_own(const struct config_listener *l, const struct address *to);
/* A listener of ours takes connections at this address of this very host: 16 bytes for IPv6, 4 otherwise. Names were resolved by then, so that none
 * leads back to us. */
bool forward_is_listened_at(const struct config *c, const uint8_t *bytes, bool v6, unsigned port);

#endif
