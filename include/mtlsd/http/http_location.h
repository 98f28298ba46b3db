/* SPDX-License-Identifier: Apache-2.0 */
/* Location, Content-Location and Refresh of an upstream that names itself by an address which only we can reach. */
#ifndef MTLSD_HTTP_HTTP_LOCATION_H
#define MTLSD_HTTP_HTTP_LOCATION_H

#include "mtlsd/base/bytes.h"

struct http_location_map { /* borrowed */
    const char *upstream_scheme, *client_scheme; /* "http" or "https" */
    struct span upstream_authority; /* as the upstream knows itself: the Host it was sent */
    struct span client_host;        /* the Host the client sent */
};

/* 1: location names exactly the upstream by scheme, host and port (a default port may be left out), and out got the same location at the client's
 * scheme and host. 0: it does not, or it is relative: leave it unchanged. -1: no room. */
MUST_CHECK int http_location_rewrite(struct bytes *out, struct span location, const struct http_location_map *map);
/* The same for the value of a Refresh field, "5; url=https://...": everything but the address stays. */
MUST_CHECK int http_location_rewrite_refresh(struct bytes *out, struct span value, const struct http_location_map *map);

#endif
