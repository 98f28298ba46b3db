/* SPDX-License-Identifier: Apache-2.0 */
/* The first line of a message, which llhttp would take in more shapes than we forward: other protocols,
 * versions and spaces. */
#ifndef MTLSD_HTTP_HTTP_START_H
#define MTLSD_HTTP_HTTP_START_H

#include "mtlsd/http/http_head.h"

/* line comes without its CRLF. Fill minor and method, target or status, phrase of h; NULL, or a sentence why
 * not. RFC 9112 sections 3, 4. */
const char *http_start_read_request(struct http_head *h, struct span line);
const char *http_start_read_response(struct http_head *h, struct span line);

#endif
