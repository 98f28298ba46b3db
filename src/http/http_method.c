/* SPDX-License-Identifier: Apache-2.0 */
#include "http_method.h"

/* Methods of HTTP, WebDAV, CalDAV, UPnP and of caches; the most frequent first. */
static const char *const methods[] = {
    "GET",        "POST",     "PUT",    "HEAD",      "DELETE",      "OPTIONS",  "PATCH",
    "CONNECT",    "TRACE",    "QUERY",  "PROPFIND",  "PROPPATCH",   "REPORT",   "SEARCH",
    "LOCK",       "UNLOCK",   "COPY",   "MOVE",      "MKCOL",       "ACL",      "BIND",
    "REBIND",     "UNBIND",   "LINK",   "UNLINK",    "MERGE",       "CHECKOUT", "MKACTIVITY",
    "MKCALENDAR", "M-SEARCH", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE",    "SOURCE",
};

bool http_method_is_known(struct span method)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (span_equals_str(method, methods[i]))
            return true;
    return false;
}
