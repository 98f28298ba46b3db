/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words for all outcomes. The log, the HTTP answer, the status document and the manual use the same ones. A row in policy/reason.c
 * has the number, alert, HTTP status and hint of each.
 */
#ifndef MTLSD_BASE_REASONS_H
#define MTLSD_BASE_REASONS_H

enum reason {
    REASON_UNDECIDED = 0, /* no decision yet: never treated as yes */
    /* certificate statuses, as the judge gives them */
    REASON_VALID,
    REASON_NONE,
    REASON_EXPIRED,
    REASON_NOT_YET_VALID,
    REASON_REVOKED,
    REASON_UNKNOWN_CA,
    REASON_WRONG_PURPOSE,
    REASON_NAME_MISMATCH,
    REASON_WEAK,
    REASON_CRL_MISSING,
    REASON_CRL_STALE,
    REASON_CONSTRAINT,
    REASON_NOT_ALLOWED,
    REASON_NOT_REGISTERED, /* this and the next two: by the registry of the trust */
    REASON_SUSPENDED,
    REASON_REGISTRY_STALE,
    REASON_STAPLE_MISSING, /* a server's: its certificate requires a stapled OCSP answer */
    REASON_WRONG_TRUST_DOMAIN, /* no SPIFFE ID of a domain that the trust names, or a CA of another domain issued it */
    REASON_OCSP_MISSING,   /* a caller's: there is no answer of its OCSP responder */
    REASON_MALFORMED,
    /* everything else that ends a request or a connection */
    REASON_DNS_FAILED,
    REASON_CONNECT_REFUSED,
    REASON_CONNECT_TIMEOUT,
    REASON_HANDSHAKE_TIMEOUT,
    REASON_UPSTREAM_CLOSED,
    REASON_UPSTREAM_PROTOCOL,
    REASON_RESPONSE_TIMEOUT,
    REASON_TRUNCATED,
    REASON_OUR_CERTIFICATE_REFUSED,
    REASON_OUR_CERTIFICATE_NOT_REQUESTED,
    REASON_CLIENT_REFUSED_CERTIFICATE, /* a listener's: the client said so, or went away when it had seen it */
    REASON_RENEGOTIATION,
    REASON_TLS_FAILED, /* the peer or we ended TLS for a reason that is not about a certificate */
    REASON_ALPN_MISMATCH, /* the peers speak no common application protocol */
    REASON_STARTTLS_FAILED, /* TLS was not started: the peer declined, never asked, or violated the protocol before it */
    REASON_PROXY_REFUSED, /* the HTTP proxy on the way to the upstream */
    REASON_NO_TARGET,
    REASON_NO_ROUTE,
    REASON_DENIED, /* by a route */
    REASON_HOST_NOT_ALLOWED,
    REASON_ORIGIN_NOT_ALLOWED,
    REASON_ADDRESS_NOT_ALLOWED,
    REASON_TLS_IN_TUNNEL,
    REASON_CALLER_NOT_ALLOWED,
    REASON_HEADER_REQUIRED,
    REASON_REQUEST_MALFORMED,
    REASON_REQUEST_TOO_LARGE,
    REASON_REQUEST_TIMEOUT,
    REASON_METHOD_UNKNOWN,
    REASON_EXPECTATION_FAILED,
    REASON_MISDIRECTED,
    REASON_CLIENT_CLOSED,
    REASON_CLIENT_STALLED, /* it does not read what waits for it */
    REASON_CLIENT_FLOODED, /* HTTP/2: frames that cost it nothing, beyond a budget */
    REASON_OVERLOADED,
    REASON_TOO_MANY_CONNECTIONS,
    REASON_CONNECTION_AGE, /* it ran beyond max_connection_age and its grace */
    REASON_CERTIFICATE_REPLACED, /* ours, that the peer has seen on this connection: it expires */
    REASON_IDENTITY_WITHDRAWN, /* the SPIFFE agent took our SVID back, or it has expired there */
    REASON_DRAINING, /* it ran when the time to drain was over */
    REASON_INTERNAL,
    REASON_COUNT
};

#endif
