/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrade is hop-by-hop, and what follows it is out of our sight: only what is known to begin with a handshake of its own passes. */
#ifndef MTLSD_HTTP_HTTP_UPGRADE_H
#define MTLSD_HTTP_HTTP_UPGRADE_H

#include "mtlsd/http/http_head.h"

/* "websocket" if a request asks for exactly that, or a 101 switches to it; otherwise empty. The request must be a GET of HTTP/1.1 without a body,
 * with one Upgrade and a Connection that names it (RFC 6455 section 4.1), or an extended CONNECT of HTTP/2 as exchange_websocket_read leaves it. Other requests are forwarded without Upgrade, so that h2c never passes.
 * For http_outgoing.upgrade and http1_allow_upgrade. */
struct span http_upgrade_wanted(const struct http_head *h);

#endif
