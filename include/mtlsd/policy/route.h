/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which route of a listener decides about a request, and why the earlier ones did not. Values in, a verdict out: what is matched here is what
 * is forwarded, so the path given is the one that will be sent (before strip_prefix).
 *
 * host: an exact name, or "*.suffix", which is one or more whole labels before the suffix and never the suffix itself.
 * path: a prefix that ends where a segment does: "/admin" is "/admin" and "/admin/x", not "/administrator"; "/admin/" is only what is below;
 *   "/" is every path. How it is read: base/request_path.h. A gate is as wide as the most obliging server behind it, an opening as narrow as the strictest
 *   (security C12): a route matches by the wide reading of its path. One whose path is not spelled so in the request keeps out whom it keeps out, and else leaves
 *   the decision to the first route that matches the path as it is spelled; its edits hold too. It has no say where an earlier route that lets the request on has
 *   a path that covers its own: whoever reads the request as this one reads it as that one. path_case = "exact" takes a route out of the wide reading.
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

enum { ROUTE_ALSO_MAX = 4 };

struct route_choice {
    size_t index;                /* the route that decides; SIZE_MAX: none does */
    size_t also[ROUTE_ALSO_MAX]; /* routes before it whose path this is in another spelling, which let the request on too and whose edits hold */
    size_t n_also;
};

/* REASON_VALID with the choice; REASON_NOT_ALLOWED when the gate of the route at index says no; REASON_NO_ROUTE. */
enum reason route_choose(const struct config_route *routes, size_t n, const struct route_question *q, struct route_choice *out);

/* The parts of route_choose, for the index by host: each route in turn, until one says true; then what came of it. */
bool route_consider(const struct config_route *routes, size_t i, const struct route_question *q, struct route_choice *c);
enum reason route_conclude(const struct config_route *routes, const struct route_question *q, const struct route_choice *c);
/* Whether the path is spelled as this matching route has it. */
bool route_is_as_spelled(const struct config_route *route, const struct route_question *q);

/* Some route of the list names this host exactly or by suffix (a route without host names none): for the forward proxy and for CONNECT. */
bool route_names_host(const struct config_route *routes, size_t n, struct span host);
/* "host[:port]" or "*.suffix[:port]" patterns, as in forward_proxy.direct; a pattern without a port is every port, and port 0 in the question
 * never matches a pattern with one. IPv6 literals stand in brackets in a pattern that has a port, host is without. */
bool route_host_listed(const struct config_strings *patterns, struct span host, unsigned port);

/* The statuses of a cert key in words, for messages: "expired, revoked"; "error" for all but valid and none. */
void route_describe_cert(uint64_t cert, char *out, size_t size);

#endif
