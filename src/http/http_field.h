/* SPDX-License-Identifier: Apache-2.0 */
/* The kind of a field by its name. Names are compared as http_name does, so no spelling of a name changes its kind. */
#ifndef MTLSD_HTTP_HTTP_FIELD_H
#define MTLSD_HTTP_HTTP_FIELD_H

#include "mtlsd/base/span.h"

enum http_field_kind {
    HTTP_FIELD_PLAIN, /* end-to-end: passes */
    HTTP_FIELD_HOST,
    HTTP_FIELD_CONNECTION, /* hop-by-hop, and names others that are */
    HTTP_FIELD_HOP,        /* about this connection only (RFC 9110 section 7.6.1) */
    HTTP_FIELD_LENGTH,     /* Content-Length: framing, written again for each side */
    HTTP_FIELD_CODING,     /* Transfer-Encoding: likewise */
    HTTP_FIELD_TRAILER,    /* announces trailers, which may be dropped */
    HTTP_FIELD_OWNED,      /* only we may say it */
    HTTP_FIELD_OVERRIDE,   /* replaces the target or the method for some servers: X-Original-URL, X-HTTP-Method-Override and their kin */
    HTTP_FIELD_OTHER_HOST, /* replaces the host for some servers: X-Host, X-Original-Host, X-HTTP-Host-Override */
    HTTP_FIELD_PROXY,     /* Proxy-Authorization: for the proxy that was asked, which is us when the target is absolute */
    HTTP_FIELD_FORWARDED,  /* X-Forwarded-*, X-Real-IP, Forwarded */
};

enum http_field_kind http_field_kind_of(struct span name);
/* Quicker than the kind where only this one is looked for. */
bool http_field_is_host(struct span name);
bool http_field_is_date(struct span name);
bool http_field_is_expect(struct span name);
/* May stand in trailers: nothing that routes, frames, authenticates or changes how content is read (RFC 9110
 * section 6.5.1). */
bool http_field_may_trail(struct span name);

#endif
