/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes allowed in each part of a message, as one table: heads are checked byte by byte, so this is the most frequent lookup. */
#ifndef MTLSD_HTTP_HTTP_BYTES_H
#define MTLSD_HTTP_HTTP_BYTES_H

#include "mtlsd/base/span.h"

enum http_bytes_class {
    HTTP_BYTES_TOKEN = 1,  /* tchar, RFC 9110 section 5.6.2 */
    HTTP_BYTES_TARGET = 2, /* printable ASCII but '#', and '%', which needs its two digits looked at */
    HTTP_BYTES_LOWER = 4,  /* tchar but capital letters: names in HTTP/2, RFC 9113 section 8.2.1 */
    HTTP_BYTES_VALUE = 8,  /* field values: all but control bytes, with the tab */
};

/* How many bytes at the front of s are of the class. */
size_t http_bytes_run(struct span s, enum http_bytes_class class);
bool http_bytes_is_token(struct span s);
bool http_bytes_is_lower(struct span s); /* a token without capital letters */

#endif
