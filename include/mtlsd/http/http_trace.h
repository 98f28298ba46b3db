/* SPDX-License-Identifier: Apache-2.0 */
/* Trace context (W3C Trace Context): the request's place in a trace of several programs. It passes like any other field; only the log reads it. */
#ifndef MTLSD_HTTP_HTTP_TRACE_H
#define MTLSD_HTTP_HTTP_TRACE_H

#include "mtlsd/http/http_head.h"

/* The traceparent of a request, without what a later version may have behind the flags. Empty: there is none, or several, or it is not
 * well-formed (section 3.2.2): 2, 32, 16 and 2 lower-case hex digits with "-" between them, neither id all zeros, version not ff. */
struct span http_trace_parent(const struct http_head *head);

#endif
