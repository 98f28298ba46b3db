/* SPDX-License-Identifier: Apache-2.0 */
/* uri-host [":" port] (RFC 9110 section 7.2), taken apart in one place, so that no two rules read it
 * differently. */
#ifndef MTLSD_HTTP_HTTP_AUTHORITY_H
#define MTLSD_HTTP_HTTP_AUTHORITY_H

#include "mtlsd/base/span.h"

struct http_authority {
    struct span host; /* without brackets */
    unsigned port;    /* 0: none given */
};

/* False for a host that is not well-formed (hostname_is_well_formed), and for an address with a port outside 1 to 65535. Also refused are a user, a '%', which
 * would give a name a second spelling, and a comma, which joins two Host lines into one. */
bool http_authority_read(struct span text, struct http_authority *out);
/* Both name the same place; no port means the default one. Names are compared without regard to case and
 * otherwise as they are. */
bool http_authority_same(const struct http_authority *a, const struct http_authority *b,
                         unsigned default_port);

#endif
