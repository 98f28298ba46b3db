/* SPDX-License-Identifier: Apache-2.0 */
/* Keep-Alive of a response: how long its server keeps the connection while nothing is asked (RFC 2068 section 19.7.1; node, Apache and nginx
 * send it). */
#ifndef MTLSD_HTTP_HTTP_KEEP_ALIVE_H
#define MTLSD_HTTP_HTTP_KEEP_ALIVE_H

#include "mtlsd/http/http_head.h"

#define HTTP_KEEP_ALIVE_UNSAID UINT32_MAX

/* The shortest timeout that is named, in seconds; 0 also for max=0, which allows no further request. HTTP_KEEP_ALIVE_UNSAID: the head names none,
 * or none that is a number. */
uint32_t http_keep_alive_seconds(const struct http_head *h);

#endif
