/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrade is hop-by-hop, and what follows it is out of our sight: only what is known to begin with a handshake of its own passes. */
#ifndef MTLSD_HTTP_HTTP_UPGRADE_H
#define MTLSD_HTTP_HTTP_UPGRADE_H

#include "mtlsd/http/http_head.h"

/* "websocket" when a request asks for exactly that (GET, HTTP/1.1, no body or one of length 0, one Upgrade that names nothing else, and
 * Connection names it; RFC 6455 section 4.1) or a 101 switches to it; else empty: then the request is forwarded without Upgrade, so that h2c never passes. For
 * http_outgoing.upgrade and http1_allow_upgrade. */
struct span http_upgrade_wanted(const struct http_head *h);

#endif
