/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_HTTP_HTTP_COOKIE_H
#define MTLSD_HTTP_HTTP_COOKIE_H

#include "mtlsd/http/http_head.h"

/* The value of the first cookie of that name (case matters) in the request's Cookie fields; empty with ptr NULL: none. RFC 6265 section 4.2. */
struct span http_cookie_find(const struct http_head *h, const char *name);

#endif
