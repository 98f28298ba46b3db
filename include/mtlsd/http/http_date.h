/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MTLSD_HTTP_HTTP_DATE_H
#define MTLSD_HTTP_HTTP_DATE_H

#include <stdint.h>

enum { HTTP_DATE_SIZE = 30 };

/* Formats seconds since 1970 as Date has it, "Sun, 06 Nov 1994 08:49:37 GMT", with a NUL (IMF-fixdate, RFC 9110 section 5.6.7). Held to the
 * years 1970 to 9999. */
void http_date_format(char out[HTTP_DATE_SIZE], int64_t seconds);

#endif
