/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/reason.h"

#include "mtlsd/tls/tls_peer.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>

enum { /* RFC 8446 section 6 */
    NO_ALERT = -1,
    BAD_CERTIFICATE = 42,
    UNSUPPORTED_CERTIFICATE = 43,
    CERTIFICATE_REVOKED = 44,
    CERTIFICATE_EXPIRED = 45,
    UNKNOWN_CA = 48,
    ACCESS_DENIED = 49,
    BAD_CERTIFICATE_STATUS_RESPONSE = 113,
    CERTIFICATE_REQUIRED = 116,
    NO_APPLICATION_PROTOCOL = 120,
};

enum { NO_NUMBER = -1 };

/* Rows are positional on purpose: a row that lacks a column is a warning, and a reason that lacks a row is the assertion below. */
static const struct reason_row rows[] = {
    {REASON_UNDECIDED, "undecided", NO_NUMBER, BAD_CERTIFICATE, 500, LOG_LEVEL_ERROR, "no decision was made",
     "report this fault in mtlsd with the log lines around it"},
    {REASON_VALID, "valid", 0, NO_ALERT, 0, LOG_LEVEL_INFO, "the certificate is valid", "nothing to do"},
    {REASON_NONE, "none", NO_NUMBER, CERTIFICATE_REQUIRED, 403, LOG_LEVEL_WARN, "no certificate was presented",
     "give the client a certificate and key issued by a CA in the listener's trust"},
    {REASON_EXPIRED, "expired", 10, CERTIFICATE_EXPIRED, 502, LOG_LEVEL_WARN, "a certificate in the chain has expired",
     "renew the certificate named here; if its dates look right, compare the clocks of both hosts"},
    {REASON_NOT_YET_VALID, "not_yet_valid", 9, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "a certificate in the chain is not valid yet",
     "compare the clocks of both hosts with the start date named here"},
    {REASON_REVOKED, "revoked", 23, CERTIFICATE_REVOKED, 502, LOG_LEVEL_WARN, "a certificate in the chain was revoked",
     "get a new certificate for the peer; ask the issuing CA, or the keeper of the registry, why this one was revoked"},
    {REASON_UNKNOWN_CA, "unknown_ca", 20, UNKNOWN_CA, 502, LOG_LEVEL_WARN, "no path leads to a trusted CA",
     "compare the issuer named here with the CA file of the trust; check that the peer sends its intermediate certificates"},
    {REASON_WRONG_PURPOSE, "wrong_purpose", 26, UNSUPPORTED_CERTIFICATE, 502, LOG_LEVEL_WARN,
     "the certificate may not be used for this",
     "issue it again with extendedKeyUsage = clientAuth (client) or serverAuth (server), with openssl x509 -req -extfile FILE; "
     "insecure_no_purpose = true in the trust accepts certificates without any"},
    {REASON_NAME_MISMATCH, "name_mismatch", 62, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "the certificate is for another name",
     "connect by a name the certificate has, or set tls.server_name or tls.expect of the upstream to one of its names"},
    {REASON_WEAK, "weak", 66, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "a key or signature in the chain is too weak",
     "issue it again with ECDSA P-256 or RSA 3072 and SHA-256"},
    {REASON_CRL_MISSING, "crl_missing", 3, BAD_CERTIFICATE, 502, LOG_LEVEL_ERROR, "no revocation list covers an issuer",
     "add the CRL of the issuer named here to the trust's crl (create one with openssl ca -gencrl), or set crl_policy = \"prefer\""},
    {REASON_CRL_STALE, "crl_stale", 12, BAD_CERTIFICATE, 502, LOG_LEVEL_ERROR, "a revocation list is past its next update",
     "replace the file with the CA's newer CRL, no reload is needed; set crl_grace if the CA is late"},
    {REASON_CONSTRAINT, "constraint", 47, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "the certificate violates a constraint of its CA",
     "ask the CA's owner: the certificate is outside of what its CA may issue"},
    {REASON_NOT_ALLOWED, "not_allowed", 50, ACCESS_DENIED, 403, LOG_LEVEL_WARN, "the certificate is valid, but no allow rule matches",
     "add a rule for this subject to the listener's allow if it should have access"},
    {REASON_NOT_REGISTERED, "not_registered", 50, ACCESS_DENIED, 403, LOG_LEVEL_WARN, "the certificate is not in the registry",
     "add it if it should have access: mtlsd registry add takes the file, or the SHA-256 named here"},
    {REASON_SUSPENDED, "suspended", 50, ACCESS_DENIED, 403, LOG_LEVEL_WARN, "the certificate is suspended in the registry",
     "see mtlsd registry show for the note in its row; mtlsd registry resume ends a suspension"},
    {REASON_REGISTRY_STALE, "registry_stale", 50, BAD_CERTIFICATE, 503, LOG_LEVEL_ERROR, "the registry cannot be read",
     "check that the database is up and that mtlsd may read it: mtlsd status has its last error; max_staleness sets how long the last rows count"},
    {REASON_STAPLE_MISSING, "staple_missing", 73, BAD_CERTIFICATE_STATUS_RESPONSE, 502, LOG_LEVEL_WARN, "a required OCSP answer is missing",
     "turn on OCSP stapling in the server (nginx: ssl_stapling, Apache: SSLUseStapling), or issue its certificate without the TLS feature "
     "extension (must-staple)"},
    {REASON_WRONG_TRUST_DOMAIN, "wrong_trust_domain", 47, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "the certificate is not of a SPIFFE trust domain of the trust",
     "compare the URI and the issuer named here with spiffe_domain of the trust; only the CAs of a trust domain issue its IDs"},
    {REASON_OCSP_MISSING, "ocsp_missing", 73, BAD_CERTIFICATE, 503, LOG_LEVEL_ERROR, "the OCSP responder of the certificate gave no answer that counts",
     "check that this host reaches the responder named here; ocsp = \"soft\" in the trust accepts callers while it does not answer"},
    {REASON_MALFORMED, "malformed", 1, BAD_CERTIFICATE, 502, LOG_LEVEL_WARN, "a certificate cannot be parsed",
     "inspect the peer's certificate file with openssl x509 -in FILE -text: it is damaged or violates X.509"},

    {REASON_DNS_FAILED, "dns_failed", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the upstream's name does not resolve",
     "check the name in targets and this host's resolver"},
    {REASON_CONNECT_REFUSED, "connect_refused", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the upstream does not accept connections",
     "check that the upstream runs and that address and port in targets are right"},
    {REASON_CONNECT_TIMEOUT, "connect_timeout", NO_NUMBER, NO_ALERT, 504, LOG_LEVEL_WARN, "connecting to the upstream took too long",
     "check for a firewall that drops packets; timeouts.connect sets the limit"},
    {REASON_HANDSHAKE_TIMEOUT, "handshake_timeout", NO_NUMBER, NO_ALERT, 504, LOG_LEVEL_WARN, "the TLS handshake took too long",
     "check that the other end speaks TLS on this port; timeouts.handshake sets the limit"},
    {REASON_UPSTREAM_CLOSED, "upstream_closed", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the upstream closed the connection",
     "check the upstream's log at this time"},
    {REASON_UPSTREAM_PROTOCOL, "upstream_protocol", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the upstream violated the protocol",
     "check that the port speaks the configured protocol; the answer was not forwarded"},
    {REASON_RESPONSE_TIMEOUT, "response_timeout", NO_NUMBER, NO_ALERT, 504, LOG_LEVEL_WARN, "the upstream did not answer in time",
     "raise timeouts.response or timeouts.idle of the upstream if it needs more time: the detail says which"},
    {REASON_TRUNCATED, "truncated", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the data ended too early",
     "check the other end and the network between: the connection was cut without a proper end"},
    {REASON_OUR_CERTIFICATE_REFUSED, "our_certificate_refused", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_ERROR,
     "the peer refused our certificate",
     "compare the identity of the upstream with what its owner expects: issuer, dates, purpose clientAuth, names"},
    {REASON_OUR_CERTIFICATE_NOT_REQUESTED, "our_certificate_not_requested", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_ERROR,
     "the upstream never requested our certificate",
     "turn on client authentication in the upstream, or set tls.require_client_auth = false; if it requests it on some paths only, set tls.post_handshake_auth or tls.renegotiation"},
    {REASON_CLIENT_REFUSED_CERTIFICATE, "client_refused_certificate", NO_NUMBER, NO_ALERT, 0, LOG_LEVEL_WARN,
     "the client did not accept our certificate",
     "give the client the CA that issued our certificate, named here; if it has that CA, compare dates and names (SAN) of our certificate"},
    {REASON_RENEGOTIATION, "renegotiation", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the peer asked to renegotiate TLS",
     "configure the server to request certificates in its first handshake (Apache: SSLVerifyClient for the whole host; IIS: Negotiate Client "
     "Certificate), or set tls.renegotiation in the upstream; a client must open a new connection"},
    {REASON_TLS_FAILED, "tls_failed", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "TLS failed",
     "see the detail; check port, TLS versions and ciphers on both ends"},
    {REASON_ALPN_MISMATCH, "alpn_mismatch", NO_NUMBER, NO_APPLICATION_PROTOCOL, 502, LOG_LEVEL_WARN, "no common application protocol (ALPN)",
     "compare alpn in tls, named here, with what the other end speaks; without alpn any peer is accepted"},
    {REASON_STARTTLS_FAILED, "starttls_failed", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "TLS was not started",
     "see the detail; check that starttls names the protocol of this port, and that the other end has TLS turned on"},
    {REASON_PROXY_REFUSED, "proxy_refused", NO_NUMBER, NO_ALERT, 502, LOG_LEVEL_WARN, "the upstream's proxy refused to connect",
     "allow this target in the proxy that the upstream's proxy key names"},
    {REASON_NO_TARGET, "no_target", NO_NUMBER, NO_ALERT, 503, LOG_LEVEL_WARN, "no target of the upstream can be used now",
     "check the targets with mtlsd status: all are drained, down, or failed this request"},
    {REASON_NO_ROUTE, "no_route", NO_NUMBER, NO_ALERT, 404, LOG_LEVEL_INFO, "no route matches",
     "compare host and path of the request, or the server name of TLS, with the listener's routes"},
    {REASON_DENIED, "denied", NO_NUMBER, NO_ALERT, 403, LOG_LEVEL_INFO, "the configuration answers this request with a refusal",
     "find the deciding line with mtlsd explain"},
    {REASON_HOST_NOT_ALLOWED, "host_not_allowed", NO_NUMBER, NO_ALERT, 403, LOG_LEVEL_WARN, "the listener does not answer to this host",
     "use a host name of the listener, or add this one to its hosts (mtlsd client: --host)"},
    {REASON_ORIGIN_NOT_ALLOWED, "origin_not_allowed", NO_NUMBER, NO_ALERT, 403, LOG_LEVEL_WARN, "a web page of another origin sent this",
     "send it from a program, or add the page's origin to the listener's allow_origins"},
    {REASON_ADDRESS_NOT_ALLOWED, "address_not_allowed", NO_NUMBER, NO_ALERT, 403, LOG_LEVEL_WARN, "this address must not be reached through the proxy",
     "add the host to forward_proxy.direct, or give it a route; mtlsd's own listeners are always refused"},
    {REASON_TLS_IN_TUNNEL, "tls_in_tunnel", NO_NUMBER, ACCESS_DENIED, 0, LOG_LEVEL_WARN, "the client speaks TLS itself inside the tunnel",
     "use http:// in the client (mtlsd makes it https and adds our certificate), or add the host to forward_proxy.direct"},
    {REASON_CALLER_NOT_ALLOWED, "caller_not_allowed", NO_NUMBER, ACCESS_DENIED, 403, LOG_LEVEL_WARN, "this program may not use the listener or its identity",
     "see the detail for its user: add this one to allow_uids of what it names, or run the program as an allowed user"},
    {REASON_HEADER_REQUIRED, "header_required", NO_NUMBER, NO_ALERT, 403, LOG_LEVEL_WARN, "the request lacks the header that this listener requires",
     "send the field that the detail names, with the value from value_file of require_header; a program may need a restart after the value changed"},
    {REASON_REQUEST_MALFORMED, "request_malformed", NO_NUMBER, NO_ALERT, 400, LOG_LEVEL_WARN, "the request is not valid HTTP",
     "see the detail for the fault; nothing was forwarded"},
    {REASON_REQUEST_TOO_LARGE, "request_too_large", NO_NUMBER, NO_ALERT, 431, LOG_LEVEL_WARN, "the request head is too large",
     "send fewer or smaller fields, or raise max_header_bytes or max_headers of the listener"},
    {REASON_REQUEST_TIMEOUT, "request_timeout", NO_NUMBER, NO_ALERT, 408, LOG_LEVEL_INFO, "the request did not arrive in time",
     "change timeouts.header, timeouts.body or timeouts.min_body_rate of the listener if clients are slow: the detail says which"},
    {REASON_METHOD_UNKNOWN, "method_unknown", NO_NUMBER, NO_ALERT, 501, LOG_LEVEL_INFO, "the method is not known",
     "use a registered HTTP method"},
    {REASON_EXPECTATION_FAILED, "expectation_failed", NO_NUMBER, NO_ALERT, 417, LOG_LEVEL_INFO, "the expectation is not known",
     "send Expect: 100-continue or no Expect"},
    {REASON_MISDIRECTED, "misdirected", NO_NUMBER, NO_ALERT, 421, LOG_LEVEL_WARN, "TLS server name and Host disagree",
     "open a separate connection for each host name"},
    {REASON_CLIENT_CLOSED, "client_closed", NO_NUMBER, NO_ALERT, 0, LOG_LEVEL_INFO, "the client closed the connection", "nothing to do"},
    {REASON_CLIENT_STALLED, "client_stalled", NO_NUMBER, NO_ALERT, 0, LOG_LEVEL_INFO, "the client does not read its data",
     "raise timeouts.write of the listener if clients are slow"},
    {REASON_CLIENT_FLOODED, "client_flooded", NO_NUMBER, NO_ALERT, 0, LOG_LEVEL_WARN, "the client sends useless HTTP/2 frames without end",
     "find out what this client is: the detail says which frames; the limits are far beyond what usual clients send"},
    {REASON_OVERLOADED, "overloaded", NO_NUMBER, NO_ALERT, 503, LOG_LEVEL_WARN, "too many connections",
     "raise limits.connections or the open file limit (ulimit -n)"},
    {REASON_TOO_MANY_CONNECTIONS, "too_many_connections", NO_NUMBER, NO_ALERT, 429, LOG_LEVEL_WARN, "too many connections from one client address",
     "let the client reuse or close connections, or raise limits.per_client; behind a load balancer set accept_proxy_protocol"},
    {REASON_CONNECTION_AGE, "connection_age", NO_NUMBER, NO_ALERT, 503, LOG_LEVEL_INFO, "the connection reached its maximum age",
     "send it again on a new connection; raise timeouts.max_connection_age_grace to give requests more time"},
    {REASON_CERTIFICATE_REPLACED, "certificate_replaced", NO_NUMBER, NO_ALERT, 503, LOG_LEVEL_WARN,
     "cut before the certificate of this connection expired, because mtlsd has a new one",
     "open a new connection, which uses the new certificate; set keep_connections in the identity if connections may outlive a certificate"},
    {REASON_IDENTITY_WITHDRAWN, "identity_withdrawn", NO_NUMBER, NO_ALERT, 503, LOG_LEVEL_ERROR, "the SPIFFE agent took our identity back",
     "see mtlsd status for the state of the agent; register this workload with its SPIFFE server again if it should have the identity"},
    {REASON_DRAINING, "draining", NO_NUMBER, NO_ALERT, 0, LOG_LEVEL_WARN, "cut because the daemon stopped",
     "raise drain_timeout to give requests more time; stop with SIGTERM, not SIGQUIT"},
    {REASON_INTERNAL, "internal", NO_NUMBER, NO_ALERT, 500, LOG_LEVEL_ERROR, "an error inside mtlsd",
     "see the log for the detail; most often memory ran out"},
};

_Static_assert(sizeof(rows) / sizeof(rows[0]) == REASON_COUNT, "every reason has its row");

const struct reason_row *reason_row(enum reason reason)
{
    size_t i = (size_t)reason;
    const struct reason_row *row = i < REASON_COUNT ? &rows[i] : &rows[REASON_UNDECIDED];
    assert(i >= REASON_COUNT || row->reason == reason);
    return row;
}

const char *reason_word(enum reason reason)
{
    return reason_row(reason)->word;
}

static const char nameless_hint[] =
    "issue it again with the host in subjectAltName, as the CN does not count: openssl req -new -key KEY -subj /CN=HOST -addext "
    "subjectAltName=DNS:HOST -addext extendedKeyUsage=serverAuth -out CSR; openssl x509 -req -in CSR -copy_extensions copy -CA CA -CAkey CAKEY -out CERT";

const char *reason_hint(enum reason reason, const struct tls_peer *peer)
{
    bool nameless = reason == REASON_NAME_MISMATCH && peer != NULL && tls_peer_is_nameless(peer);
    return nameless ? nameless_hint : reason_row(reason)->hint;
}

void reason_words(enum reason status, uint64_t all, char out[REASON_WORDS_SIZE])
{
    size_t n = (size_t)snprintf(out, REASON_WORDS_SIZE, "%s", reason_word(status));
    for (size_t i = REASON_VALID + 1; i <= REASON_MALFORMED; i++)
        if ((all >> i & 1) != 0 && i != (size_t)status && n < REASON_WORDS_SIZE)
            n += (size_t)snprintf(out + n, REASON_WORDS_SIZE - n, ",%s", reason_word((enum reason)i));
}

static const struct phrase {
    unsigned status;
    const char *text;
} phrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {407, "Proxy Authentication Required"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {451, "Unavailable For Legal Reasons"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {511, "Network Authentication Required"},
};

bool reason_may_be_refusal(unsigned http_status)
{
    return http_status == 400 || http_status == 495 || http_status == 496;
}

const char *reason_http_phrase(unsigned status)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
        if (phrases[i].status == status)
            return phrases[i].text;
    return "Unknown";
}

enum reason reason_refuse(struct err *err, enum reason reason, const char *why)
{
    err_set(err, ERR_PROTOCOL, "%s", why);
    return reason;
}
