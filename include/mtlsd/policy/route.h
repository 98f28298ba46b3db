/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which route of a listener decides about a request, and why the earlier ones did not. Values in, a verdict out: what is matched here is what
 * is forwarded, so the path given is the one that will be sent (before strip_prefix).
 *
 * host: an exact name, or "*.suffix", which is one or more whole labels before the suffix and never the suffix itself.
 * path: a prefix that ends where a segment does: "/admin" is "/admin" and "/admin/x", not "/administrator"; "/admin/" is only what is below;
 *   "/" is every path. Letter case counts. A path is read as a server reads it: percent encoding undone, parameters of a segment (";x=1") passed
 *   over, so that "/%61dmin" and "/admin;x" are not ways around a rule for "/admin" (security C9). Dot segments and the like are http_target's.
 * method: byte for byte. cert: the status of the verdict. caller: a valid certificate that matches, never any other status (security A2). A route that
 *   refuses also takes a certificate whose names leave in doubt whether it matches (allow_is_in_doubt).
 */
#ifndef MTLSD_POLICY_ROUTE_H
#define MTLSD_POLICY_ROUTE_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

struct route_question { /* all borrowed */
    struct span method;
    struct span host; /* without port; compared without regard to case, one trailing dot ignored */
    struct span path; /* without query; empty for '*' and for CONNECT, which no path rule matches */
    const struct tls_verdict *verdict; /* NULL: nobody was asked for a certificate, which counts as status none */
    const struct tls_peer *peer;       /* NULL: none */
};

enum route_miss { ROUTE_MATCHES, ROUTE_OTHER_HOST, ROUTE_OTHER_PATH, ROUTE_OTHER_METHOD, ROUTE_OTHER_STATUS, ROUTE_OTHER_CALLER };

/* Why this one route does not match, the first reason in the order of the enum. The gate (allow) is not looked at. */
enum route_miss route_compare(const struct config_route *route, const struct route_question *q);

/* REASON_VALID with *index, the first route that matches; REASON_NOT_ALLOWED with *index when that route's gate says no; REASON_NO_ROUTE. */
enum reason route_choose(const struct config_route *routes, size_t n, const struct route_question *q, size_t *index);

/* How many bytes of path the prefix covers, as path rules read it: what is left is empty or begins with '/'. SIZE_MAX: it does not begin so. This is
 * also what strip_prefix takes off, whatever way the prefix was spelt. */
size_t route_path_covered(const char *prefix, struct span path);

/* Some route of the list names this host exactly or by suffix (a route without host names none): for the forward proxy and for CONNECT. */
bool route_names_host(const struct config_route *routes, size_t n, struct span host);
/* "host[:port]" or "*.suffix[:port]" patterns, as in forward_proxy.direct; a pattern without a port is every port, and port 0 in the question
 * never matches a pattern with one. IPv6 literals stand in brackets in a pattern that has a port, host is without. */
bool route_host_listed(const struct config_strings *patterns, struct span host, unsigned port);

/* The statuses of a cert key in words, for messages: "expired, revoked"; "error" for all but valid and none. */
void route_describe_cert(uint64_t cert, char *out, size_t size);

#endif
