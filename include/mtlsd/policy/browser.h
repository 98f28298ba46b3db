/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Web pages in a browser on this host can send requests to a plaintext listener on localhost, by DNS rebinding or as
 * cross-site requests. They would then use our certificate (security E1). Such requests are recognised by fields that only browsers
 * send, and by host names that are not the listener's. For listeners with guards_browsers only.
 */
#ifndef MTLSD_POLICY_BROWSER_H
#define MTLSD_POLICY_BROWSER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"
#include "mtlsd/http/http_head.h"
#include "mtlsd/policy/route_index.h"

struct browser_question { /* borrowed; empty spans with ptr NULL: the field was not sent */
    struct span host;         /* without port; brackets of an IPv6 literal do not matter */
    unsigned port;            /* in Host; 0: none given */
    bool absolute;            /* the target was an absolute URI: a forward proxy's request, whose host the routes judge */
    unsigned local_port;      /* of the listener's socket; 0: unknown */
    struct span origin, referer, fetch_site;
    bool private_network;     /* Access-Control-Request-Private-Network was sent */
    const struct route_runs *found; /* what the index of the listener's routes has for the host; NULL: nothing */
};

/* Sets origin, referer, fetch_site and private_network of a question that has none of them yet. */
void browser_read_fields(const struct http_head *head, struct browser_question *q);

/*
 * REASON_VALID, REASON_HOST_NOT_ALLOWED or REASON_ORIGIN_NOT_ALLOWED with a sentence that says which key would allow it.
 *
 * Host: "localhost" and names below it, 127.0.0.0/8 and ::1, what the listener is bound to (any address literal where it is bound to all of
 * them: a page that rebinds a name needs a name), hosts of the routes, the key hosts. Literals count in their canonical spelling only, and the
 * unspecified address never does. A port in Host must be the listener's own, but for entries of hosts: one without a port is every port. No
 * Host at all (HTTP/1.0) passes, and so does one of an absolute target on a forward proxy.
 * Origin and Referer: the request's own host and port over http, or allow_origins ("scheme://host[:port]" or "null").
 * Sec-Fetch-Site other than "same-origin" and "none", and Access-Control-Request-Private-Network: only from allow_origins.
 */
enum reason browser_judge(const struct config_listener *l, const struct browser_question *q, struct err *err);

#endif
