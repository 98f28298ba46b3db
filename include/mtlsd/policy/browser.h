/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page in a browser on this host can make it call a plaintext listener on localhost, and our certificate would go with the call (DNS
 * rebinding, cross-site requests; security E1). Here such requests are told from those of programs, by what only a browser sends and by the
 * names the listener answers to. For listeners with guards_browsers only.
 */
#ifndef MTLSD_POLICY_BROWSER_H
#define MTLSD_POLICY_BROWSER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/config/config.h"

struct browser_question { /* borrowed; empty spans with ptr NULL: the field was not sent */
    struct span host;         /* without port */
    unsigned port;            /* in Host; 0: none given */
    bool absolute;            /* the target was an absolute URI: a forward proxy's request, whose host the routes judge */
    unsigned local_port;      /* of the listener's socket; 0: unknown */
    struct span origin, referer, fetch_site;
    bool private_network;     /* Access-Control-Request-Private-Network was sent */
};

/* REASON_VALID, REASON_HOST_NOT_ALLOWED or REASON_ORIGIN_NOT_ALLOWED with a sentence that says which key would allow it. Host: loopback names and
 * addresses, an address literal that the listener is bound to (any literal where it is bound to all), hosts of the routes, the key hosts. A
 * port in Host must be the listener's own unless hosts says otherwise. Origin and Referer: the same names, or allow_origins. */
enum reason browser_judge(const struct config_listener *l, const struct browser_question *q, struct err *err);

#endif
