/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which route of a listener decides about a request, and why the earlier ones did not. Values in, a verdict out. The path is
 * the forwarded one, before strip_prefix, so that the path matched is the path sent.
 *
 * host     An exact name, or "*.suffix": one or more whole labels before the suffix, never the suffix itself.
 * path     A prefix of whole segments: "/admin" covers "/admin" and "/admin/x", not "/administrator"; "/admin/" only what is below; "/" every path.
 *          Its readings are in base/request_path.h. A gate is as wide as the most lenient server, and access as narrow as the strictest (security C12).
 *          So a route matches by the wide reading. If the request spells the path differently, the route can only refuse: a client that it accepts goes
 *          on to the first route that matches as spelled, and the edits of both apply. It does not even refuse if an earlier route that accepts the
 *          client has a path that covers its own. path_case = "exact" turns the wide reading off for a route.
 * method   Byte for byte.
 * cert     The status of the verdict.
 * caller   A valid certificate that matches, never another status (security A2). A route that refuses also matches a certificate whose names leave it
 *          in doubt (allow_is_in_doubt).
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
    const struct tls_verdict *verdict; /* NULL: no certificate was requested, which counts as status none */
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
/* Patterns "host[:port]" or "*.suffix[:port]", as in forward_proxy.direct. A pattern without a port matches every port; port 0 in the question
 * never matches a pattern with a port. IPv6 literals are in brackets in a pattern with a port; host has no brackets. */
bool route_host_listed(const struct config_strings *patterns, struct span host, unsigned port);

/* The statuses of a cert key in words, for messages: "expired, revoked"; "error" for all but valid and none. */
void route_describe_cert(uint64_t cert, char *out, size_t size);

#endif
