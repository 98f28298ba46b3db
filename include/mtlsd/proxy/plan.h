/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and upstreams of the configuration with their TLS contexts, ready to use. Owned by a snapshot; hold the snapshot as long as a pointer
 * into it. */
#ifndef MTLSD_PROXY_PLAN_H
#define MTLSD_PROXY_PLAN_H

#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"
#include "mtlsd/proxy/plan_text.h"
#include "mtlsd/policy/caller.h"
#include "mtlsd/policy/route_index.h"
#include "mtlsd/tls/tls_sni.h"

/* Names the caller to our own pages (serve). */
#define PLAN_CALLER_FIELD "Mtlsd-Caller"

struct plan_upstream;
struct required_header;
struct tls_intercept;
struct snapshot;

enum plan_http { /* what an upstream may speak */
    PLAN_HTTP1,
    PLAN_HTTP_AGREED, /* HTTP/2 or HTTP/1.1, as the handshake says (ALPN) */
    PLAN_HTTP2,       /* without asking: plaintext with prior knowledge */
};

struct plan_target {
    const struct config_target *conf;
    const struct plan_upstream *upstream;
    struct tls_context *tls; /* NULL: plaintext */
    enum plan_http http;
    size_t index;            /* among all targets of the snapshot */
    char *host;              /* owned by the snapshot: what plan_host_field gives, made once; NULL: it is made whenever it is asked for */
};

struct plan_upstream {
    const struct config_upstream *conf;
    const struct tls_identity *identity;
    struct plan_target *targets; /* at least one; part of the snapshot's one array of targets */
    size_t n_targets;
    size_t index;
    struct snapshot *owner; /* the one it is part of: who connects holds it */
};

struct plan_route {
    const struct config_route *conf;
    const struct plan_upstream *upstream; /* NULL: the route answers by itself */
    struct http_edit *edit;               /* owned: what it changes about a request's fields; NULL: nothing */
    struct plan_text *text;               /* owned: what it says with variables; NULL: nothing */
};

struct plan_listener {
    const struct config_listener *conf;
    struct tls_context *tls; /* NULL: plaintext */
    struct tls_sni *sni;     /* what it chooses by, whose policies are numbered as config_tls_policy does; NULL: one for all names */
    char *own_uri; /* the URI name of our certificate, for X-Forwarded-Client-Cert; owned by the snapshot, NULL: none, or several certificates */
    const struct http_edit *owned; /* the snapshot's: removes what routes set from variables; the last of each edit. NULL: nothing */
    const struct plan_route *routes; /* at least one */
    size_t n_routes;
    const struct caller_limits *limits; /* by the user of the calling program; owned by the snapshot, NULL: none */
    struct tls_intercept *intercept; /* issues certificates for the hosts of routes; owned by the snapshot, NULL: none */
    const struct required_header *required; /* what every request must carry; owned by the snapshot, NULL: nothing */
    struct route_index *by_host; /* owned by the snapshot; NULL: the routes are looked through */
    const struct plan_target *direct; /* forward proxy: the upstream for hosts without a route; NULL: none */
};

/* Where the driver is to connect for an exchange. */
struct dial {
    const struct plan_target *target;
    const struct address *address; /* the target's, its upstream's proxy's, or a forward proxy's own */
    bool public_only; /* loopback, private, link-local and other special addresses are refused, after the name was resolved (security E3) */
};

/* *out: what the route changes about fields, before next, in one allocation that borrows from conf, text and next, to be freed by free; NULL when it changes none. A
 * field that text writes has no value in it. -1: out of memory. */
MUST_CHECK int plan_edit(const struct config_route *conf, const struct plan_text *text, const struct http_edit *next, struct http_edit **out);

/* The Host header for this target if it is not the client's: the configured literal, else the SNI name, with the port unless it is the usual one
 * (RFC 9110 section 7.2). Written into out; empty if it does not fit. */
struct span plan_host_field(const struct plan_target *target, char *out, size_t size);
/* The Host on this way, by the rules of the route (NULL: none), else of the upstream; empty: as the client sent it. */
struct span plan_host(const struct plan_listener *listener, const struct plan_route *route, const struct plan_target *target, char *out, size_t size);

#endif
