/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the form http://host[:port]/path, as revocation lists are fetched from, and https://host[:port]/path. Nothing is resolved here. */
#ifndef MTLSD_BASE_URL_H
#define MTLSD_BASE_URL_H

#include "mtlsd/base/address.h"
#include "mtlsd/base/span.h"
#include <stdbool.h>

enum { URL_MAX = 1000 };

/* Scheme http, a host, and only visible ASCII that could not disturb a request line or a log. No user name: who writes one means a secret, and
 * "http://good.example@evil.example/" means another host than it seems to. */
bool url_is_http(struct span url);

/* The same for https, with its parts: the server, port 443 where none is given, and the path with its "/", which borrows from url; "" without a path. No
 * query. */
bool url_split_https(const char *url, struct address *server, const char **path);

#endif
