/* SPDX-License-Identifier: Apache-2.0 */
#include "config_options.h"

#include "mtlsd/base/text.h"

#include <string.h>

#define TOP(member) offsetof(struct config, member)
#define IDENTITY(member) offsetof(struct config_identity, member)
#define TRUST(member) offsetof(struct config_trust, member)
#define UPSTREAM(member) offsetof(struct config_upstream, member)
#define LISTENER(member) offsetof(struct config_listener, member)
#define ALLOW(member) offsetof(struct config_allow, member)
#define TARGET(member) offsetof(struct config_target, member)
#define ROUTE(member) offsetof(struct config_route, member)
#define SNI(member) offsetof(struct config_sni, member)

#define STATUSES                                                                                             \
    "valid | none | expired | not_yet_valid | revoked | unknown_ca | wrong_purpose | weak | crl_missing | "  \
    "crl_stale | constraint | malformed | error"
#define TOLERABLE                                                                                            \
    "expired | not_yet_valid | revoked | unknown_ca | wrong_purpose | weak | crl_missing | crl_stale | "     \
    "constraint | all"

#define REQUIRED true
#define RELOADABLE true
#define FIXED false /* needs a restart */

/* group, key, type, default, bounds, example, help, required, reloadable, offset */
static const struct config_option options[] = {
    {"", "workers", "number", "", "1..256", "4", "Threads that carry traffic. Default: one per core.", false,
     FIXED, TOP(workers)},
    {"", "drain_timeout", "duration", "30s", "0s..1d", "", "How long a stop waits for what is in flight. What still runs then is cut and logged, and the exit code is 1.",
     false, RELOADABLE, TOP(drain_ms)},
    {"", "crl_cache", "path", "", "", "\"/var/lib/mtlsd/crl\"",
     "Folder that fetched revocation lists are kept in, so that a start without network has them. It must exist. "
     "Default: they are kept in memory only.",
     false, RELOADABLE, TOP(crl_cache)},
    {"", "admin", "group", "", "", "", "The door for status, reload and drain.", false, FIXED, 0},
    {"", "log", "group", "", "", "", "What is told, how, and where.", false, RELOADABLE, 0},
    {"", "limits", "group", "", "", "", "Bounds for the whole process.", false, RELOADABLE, 0},
    {"", "identities", "groups", "", "", "", "Certificates with their keys that we present.", false,
     RELOADABLE, TOP(identities)},
    {"", "trusts", "groups", "", "", "",
     "What a peer's certificate is verified against; \"system\" is built in.", false, RELOADABLE,
     TOP(trusts)},
    {"", "upstreams", "groups", "", "", "", "Where connections go.", false, RELOADABLE, TOP(upstreams)},
    {"", "listeners", "groups", "", "", "{ app = { bind = \"127.0.0.1:8080\"; upstream = \"partner\"; }; }",
     "Where connections come in.", REQUIRED, RELOADABLE, TOP(listeners)},

    {"admin", "socket", "socket", "", "", "\"unix:/run/mtlsd/admin.sock\"",
     "Unix socket of the admin commands. Default: none.", false, FIXED, TOP(admin_socket)},
    {"log", "level", "word", "info", "error | warn | info | debug", "",
     "The least important lines that are written.", false, RELOADABLE, TOP(log_level)},
    {"log", "format", "word", "text", "text | json | combined | ssl_request", "",
     "text and json write a line for every event with all that is known of it, for people and for programs. "
     "combined and ssl_request write requests and tcp connections as Apache does, and events as text.",
     false, RELOADABLE, TOP(log_format)},
    {"log", "target", "path", "stderr", "stderr | stdout", "",
     "Where lines go: \"stderr\", \"stdout\", or a file that they are appended to; USR1 opens the file again. With format "
     "combined or ssl_request only requests and tcp connections go there, events to stderr.",
     false, RELOADABLE, TOP(log_target)},
    {"limits", "connections", "number", "", "1..1000000", "10000",
     "Client connections at once, of all workers together. When all are taken, the clients that are idle for longest are closed; when none is idle, new ones "
     "are refused with overloaded: HTTP 503, an alert on a TLS listener, a reset in tcp mode. Default: what the file descriptor limit allows.", false, RELOADABLE,
     TOP(max_connections)},

    {"identity", "bundle", "path", "", "", "\"payments.pem\"",
     "One PEM file with the certificate, its chain and its key.", false, RELOADABLE, IDENTITY(bundle)},
    {"identity", "certificate", "path", "", "", "\"payments.crt\"",
     "Certificate and chain (PEM), together with key instead of bundle.", false, RELOADABLE,
     IDENTITY(certificate)},
    {"identity", "key", "path", "", "", "\"payments.key\"", "Private key (PEM): ECDSA P-256, P-384 or P-521, Ed25519, Ed448, RSA or RSA-PSS of 2048 to 8192 bits. Readable by its "
     "owner, or also by a group of ours (FILE PERMISSIONS).",
     false, RELOADABLE, IDENTITY(key)},

    {"trust", "ca", "path", "", "system", "\"partner-ca.pem\"",
     "CA certificates (PEM): a file, a folder of files, or \"system\".", REQUIRED, RELOADABLE, TRUST(ca)},
    {"trust", "crl", "paths", "", "fetch", "[ \"partner-ca.crl\", \"fetch\" ]",
     "Files of certificate revocation lists (PEM or DER). A changed file counts within a second, also for those "
     "who are connected; a list that is not whole, not genuine or older than the one in use is not taken. "
     "\"fetch\", alone or beside files, gets lists over http: from crl_urls, else from where the CA certificates "
     "and our own identities of this trust say their lists are. They are asked for again before they end, at least "
     "every six hours, and at each reload; the last good one stays. Until a first list has come, crl_policy says "
     "whether anybody is let in: by default nobody (crl_missing).",
     false, RELOADABLE, TRUST(crl)},
    {"trust", "crl_urls", "strings", "", "", "[ \"http://crl.partner.example/ca.crl\" ]",
     "Where to fetch lists, in place of what the certificates say. Only http: a list is signed, and https would "
     "need a verified chain before there is a list to verify it with. An address of this host or link (127.0.0.1, "
     "169.254.x) is fetched from only when it is named here.",
     false, RELOADABLE, TRUST(crl_urls)},
    {"trust", "crl_policy", "word", "require", "require | prefer", "",
     "With a crl given: refuse a certificate that no current list covers (require), or let it pass (prefer).",
     false, RELOADABLE, TRUST(crl_policy)},
    {"trust", "crl_grace", "duration", "0s", "0s..30d", "",
     "How long after its nextUpdate a list still counts.", false, RELOADABLE, TRUST(crl_grace_ms)},
    {"trust", "depth", "number", "8", "1..16", "", "Certificates in a chain, at most.", false, RELOADABLE,
     TRUST(depth)},
    {"trust", "min_rsa_bits", "number", "2048", "2048..16384", "", "The smallest RSA key that is accepted.",
     false, RELOADABLE, TRUST(min_rsa_bits)},
    {"trust", "insecure_no_purpose", "bool", "false", "", "",
     "Take certificates without extendedKeyUsage (as openssl x509 -req makes them unless told otherwise) for what "
     "they are used as: whatever else this CA issued them for then logs in too. One that has it is held to it.",
     false, RELOADABLE, TRUST(insecure_no_purpose)},
    {"trust", "pins", "pins", "", "", "[ \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" ]",
     "SHA-256 of public keys (SubjectPublicKeyInfo). One certificate of the verified path, the peer's own or "
     "one of a CA, must have one of them. Default: any key.",
     false, RELOADABLE, TRUST(pins)},
    {"trust", "spiffe_domain", "trust_domain", "", "", "\"partner.example\"",
     "The peer's certificate must hold exactly one URI, a SPIFFE ID of this trust domain. Default: not asked.",
     false, RELOADABLE, TRUST(spiffe_domain)},

    {"upstream", "targets", "targets", "", "", "[ \"api.partner.example:443\" ]",
     "Where to connect: \"host:port\", \"unix:/path\", a list of these, or a list of groups with the keys of a "
     "target, which stand at the end.",
     REQUIRED, RELOADABLE, UPSTREAM(targets)},
    {"upstream", "balance", "word", "round_robin", "round_robin | least_conn | random | hash", "",
     "Which of several targets gets a request: in turn, the one with the fewest requests, the better of two "
     "drawn at random, or always the same for one caller (by certificate, or address where there is none).",
     false, RELOADABLE, UPSTREAM(balance)},
    {"upstream", "sticky", "sticky", "", "client_cert", "\"client_cert\"",
     "Keep a session at one target (http): by a cookie, in a group with the keys below, or with sticky = "
     "\"client_cert\" by the caller's certificate. Default: each request is balanced on its own.",
     false, RELOADABLE, UPSTREAM(sticky)},
    {"upstream.sticky", "cookie", "string", "", "", "\"JSESSIONID\"", "The name of the cookie.", REQUIRED,
     RELOADABLE, UPSTREAM(sticky_cookie)},
    {"upstream.sticky", "mode", "sticky_mode", "", "suffix | insert", "\"insert\"",
     "suffix: the backends set the cookie and end its value with a dot and their route (Tomcat's jvmRoute). If no such cookie came, a "
     "path parameter of its name counts, in upper or lower case (\";jsessionid=...\"). "
     "insert: a cookie of our own is set. Default: insert.",
     false, RELOADABLE, UPSTREAM(sticky)},
    {"upstream", "retry_after", "duration", "10s", "0s..1h", "",
     "How long a target is passed over to which no connection could be made. What goes wrong after a request "
     "was sent may be the request's own doing: it is for health checks to take such a target out.", false, RELOADABLE, UPSTREAM(retry_after_ms)},
    {"upstream", "retries", "number", "1", "0..10", "",
     "How often a request that failed is sent again, to another target where there is one. A request that a "
     "target may have begun to carry out is only sent again when doing it twice is harmless.",
     false, RELOADABLE, UPSTREAM(retries)},
    {"upstream", "health", "group", "", "", "",
     "Ask every target now and then whether it lives, over the same TLS as the traffic. Three failures in a "
     "row leave it out, two successes bring it back; one that never succeeded goes at once. Without it: only "
     "failures of the traffic count.",
     false, RELOADABLE, 0},
    {"upstream.health", "path", "string", "", "", "\"/healthz\"",
     "GET this. Default: none, the connection and the handshake are enough.", false, RELOADABLE,
     UPSTREAM(health_path)},
    {"upstream.health", "interval", "duration", "", "100ms..1d", "\"10s\"", "How often. Default: 10s.", false,
     RELOADABLE, UPSTREAM(health_interval_ms)},
    {"upstream.health", "expect", "string", "200-399", "", "",
     "Statuses that mean it lives: \"200\", \"200-399\", or several with commas.", false, RELOADABLE,
     UPSTREAM(health_expect)},
    {"upstream", "proxy", "proxy", "", "", "\"http://proxy.corp.example:3128\"",
     "HTTP proxy to reach the targets through, with CONNECT. Our TLS goes inside. Default: none.", false,
     RELOADABLE, UPSTREAM(proxy)},
    {"upstream", "send_proxy_protocol", "word", "off", "off | v1 | v2", "",
     "Begin each connection with a PROXY header that tells the target who calls; v2 also of the caller's TLS and certificate. A connection then "
     "serves one caller only: none is kept for the requests of others.",
     false, RELOADABLE, UPSTREAM(send_proxy_protocol)},
    {"upstream", "tls", "group", "", "", "", "Speak TLS to the target. Without it: plaintext.", false,
     RELOADABLE, UPSTREAM(tls)},
    {"upstream.tls", "identity", "name", "", "", "\"payments\"",
     "The identity to present. Default: none, our side stays anonymous.", false, RELOADABLE,
     UPSTREAM(tls.identity)},
    {"upstream.tls", "trust", "name", "", "", "\"partner\"",
     "The trust that the server must satisfy. Default: \"system\".", false, RELOADABLE, UPSTREAM(tls.trust)},
    {"upstream.tls", "server_name", "string", "", "", "\"api.partner.example\"",
     "Name to ask for (SNI) and to expect. Default: the target's host.", false, RELOADABLE,
     UPSTREAM(tls.server_name)},
    {"upstream.tls", "expect", "strings", "", "", "[ \"spiffe://partner.example/api\" ]",
     "DNS or URI names of which the certificate must carry one, instead of server_name.", false, RELOADABLE,
     UPSTREAM(tls.expect)},
    {"upstream.tls", "min_version", "word", "1.2", "1.2 | 1.3", "", "The oldest TLS version that is spoken.",
     false, RELOADABLE, UPSTREAM(tls.min_version)},
    {"upstream.tls", "priority", "string", "", "", "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\"",
     "GnuTLS priority string. It must leave each version of TLS that it allows a signature algorithm for the key of the identity. "
     "Default: TLS 1.3 and 1.2 with modern algorithms, and X25519MLKEM768 first where GnuTLS has it (see mtlsd --version).",
     false, RELOADABLE, UPSTREAM(tls.priority)},
    {"upstream.tls", "require_client_auth", "bool", "", "", "true",
     "Refuse a server that never asks for our certificate. Default: true when an identity is given.", false,
     RELOADABLE, UPSTREAM(tls.require_client_auth)},
    {"upstream", "host", "host", "", "upstream | preserve", "\"upstream\"",
     "The Host header: the upstream's name, the one that came in, or a name given here. Default: upstream, "
     "but preserve behind a listener with tls.",
     false, RELOADABLE, UPSTREAM(host)},
    {"upstream", "timeouts", "group", "", "", "", "How long each step may take.", false, RELOADABLE, 0},
    {"upstream.timeouts", "connect", "duration", "5s", "10ms..10m", "", "Until the connection stands.", false,
     RELOADABLE, UPSTREAM(connect_ms)},
    {"upstream.timeouts", "handshake", "duration", "10s", "10ms..10m", "", "Until TLS stands.", false,
     RELOADABLE, UPSTREAM(handshake_ms)},
    {"upstream.timeouts", "response", "duration", "60s", "10ms..1d", "", "Until the response begins.", false,
     RELOADABLE, UPSTREAM(response_ms)},
    {"upstream.timeouts", "idle", "duration", "10m", "10ms..7d", "", "Without a byte in either direction.",
     false, RELOADABLE, UPSTREAM(idle_ms)},
    {"upstream", "pool", "group", "", "", "", "Connections kept open for the next request (http).", false,
     RELOADABLE, 0},
    {"upstream.pool", "max", "number", "", "0..100000", "500",
     "How many idle ones to a target each worker keeps at most; 0 keeps none. Default: as many as the requests of the last seconds used, "
     "while there are file descriptors. More than 64 that no request needed are closed bit by bit.",
     false, RELOADABLE, UPSTREAM(pool_max)},
    {"upstream.pool", "spare", "number", "0", "0..1000", "",
     "How many connections to each target each worker keeps ready, handshake done, so that a new client of a tcp listener does not wait for it. "
     "One is renewed before idle is over. Of no use where the server speaks first.",
     false, RELOADABLE, UPSTREAM(pool_spare)},
    {"upstream.pool", "idle", "duration", "50s", "100ms..1d", "",
     "How long one is kept at most. A server that sends \"Keep-Alive: timeout=N\" shortens it: the connection is not used in the last "
     "of these seconds.",
     false, RELOADABLE, UPSTREAM(pool_idle_ms)},

    {"listener", "bind", "addresses", "", "", "\"127.0.0.1:8080\"",
     "Where to listen: \"host:port\", \":port\", \"unix:/path\", or a list of these.", REQUIRED, FIXED,
     LISTENER(bind)},
    {"listener", "upstream", "name", "", "", "\"partner\"", "The upstream that gets all that comes in.", false,
     RELOADABLE, LISTENER(upstream)},
    {"listener", "routes", "routes", "", "",
     "( { path = \"/admin\"; respond = 404; }, { upstream = \"partner\"; } )",
     "What happens to which request, instead of upstream (http): the first route that matches decides, no "
     "match is answered 404. The keys of a route stand at the end.",
     false, RELOADABLE, LISTENER(routes)},
    {"listener", "protocol", "word", "http", "http | tcp", "",
     "HTTP/1.1 request by request, or bytes as they are.", false, RELOADABLE, LISTENER(protocol)},
    {"listener", "insecure_expose", "bool", "false", "", "",
     "Allow plaintext on an address that others than this host can reach.", false, RELOADABLE,
     LISTENER(insecure_expose)},
    {"listener", "tls", "group", "", "", "", "Speak TLS to callers. Without it: plaintext.", false,
     RELOADABLE, LISTENER(tls)},
    {"listener.tls", "identity", "name", "", "", "\"server\"",
     "The identity to present. Beside identities: to callers who ask for a name that none of them serves, or for "
     "none.",
     false, RELOADABLE, LISTENER(tls.identity)},
    {"listener.tls", "identities", "identities", "", "",
     "( { identity = \"shop\"; }, { hosts = \"*.ops.example\"; identity = \"ops\"; trust = \"staff\"; } )",
     "Several identities, chosen by the server name that a caller asks for. Other names, and none, are refused "
     "unless identity is given too. A request for a host of another one is answered 421. The keys of such an "
     "identity stand at the end.",
     false, RELOADABLE, LISTENER(tls.identities)},
    {"listener.tls", "trust", "name", "", "", "\"clients\"",
     "The trust that callers must satisfy. Default: none, no certificate is asked for.", false, RELOADABLE,
     LISTENER(tls.trust)},
    {"listener.tls", "client_cert", "word", "", "none | optional | required", "\"required\"",
     "Whether a caller must show a certificate. A bad one is refused either way. Default: required when a "
     "trust is given.",
     false, RELOADABLE, LISTENER(tls.client_cert)},
    {"listener.tls", "tolerate", "tolerated", "", TOLERABLE, "[ \"expired\", \"revoked\" ]",
     "Let a certificate in that was judged so, for routes that name its status with cert to answer (http). "
     "One with anything else wrong is refused in the handshake. Default: none is let in.",
     false, RELOADABLE, LISTENER(tls.tolerate)},
    {"listener.tls", "tickets", "bool", "false", "", "",
     "Let callers resume TLS sessions, which saves most of a handshake. The certificate of then is judged and "
     "the rules are asked anew each time; a reload and a changed revocation list make older tickets worthless.",
     false, RELOADABLE, LISTENER(tls.tickets)},
    {"listener.tls", "min_version", "word", "1.2", "1.2 | 1.3", "", "The oldest TLS version that is spoken.",
     false, RELOADABLE, LISTENER(tls.min_version)},
    {"listener.tls", "priority", "string", "", "", "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\"",
     "GnuTLS priority string. It must leave each version of TLS that it allows a signature algorithm for the key of the identity. "
     "Default: TLS 1.3 and 1.2 with modern algorithms, and X25519MLKEM768 first where GnuTLS has it (see mtlsd --version).",
     false, RELOADABLE, LISTENER(tls.priority)},
    {"listener", "allow", "rules", "", "", "( { ou = \"ops\"; }, { dns = \"*.ops.example\"; } )",
     "Who of the verified callers may pass: one rule must hold, with all its keys. Default: every verified "
     "caller.",
     false, RELOADABLE, LISTENER(allow)},
    {"listener", "allow_log_only", "bool", "false", "", "",
     "Try allow out: callers whom it would refuse are let in, and told and counted as would_refuse. Never those whose "
     "certificate is not valid.",
     false, RELOADABLE, LISTENER(allow_log_only)},
    {"listener", "identity_headers", "words", "", "rfc9440 | x-ssl | nginx | xfcc", "[ \"x-ssl\", \"xfcc\" ]",
     "Headers that tell the upstream who called (http). They are removed from what comes in, always. A value "
     "longer than 16 KiB is left out, never cut, so that a missing field proves nothing and a present one is whole. "
     "Client-Cert-Chain is the chain that was verified, without its root. Default: none.",
     false, RELOADABLE, LISTENER(identity_headers)},
    {"listener", "xfcc", "word", "sanitize_set",
     "sanitize_set | sanitize | forward_only | append_forward | always_forward_only", "",
     "With the preset xfcc: what becomes of X-Forwarded-Client-Cert, in Envoy's words. Ours instead of what "
     "came in, nothing, what came in, or both. What came in passes only from a caller whose certificate is "
     "valid (http).",
     false, RELOADABLE, LISTENER(xfcc)},
    {"listener", "xfcc_details", "words", "", "cert | chain", "[ \"cert\" ]",
     "With the preset xfcc: also the caller's certificate, also its whole chain. Both are long. Default: "
     "hash, subject, URI and DNS names.",
     false, RELOADABLE, LISTENER(xfcc_details)},
    {"listener", "insecure_xfcc", "bool", "false", "", "",
     "Allow xfcc = \"always_forward_only\": any caller may claim to forward for anybody.", false, RELOADABLE,
     LISTENER(insecure_xfcc)},
    {"listener", "forwarded", "word", "", "off | x | rfc7239", "\"x\"",
     "X-Forwarded-For and its kin, or Forwarded (http). Default: x on a listener with tls, otherwise off.",
     false, RELOADABLE, LISTENER(forwarded)},
    {"listener", "hosts", "strings", "", "", "[ \"app.internal.example\" ]",
     "Host names a plaintext listener answers to, \"name\" or \"name:port\", beside loopback names, its own "
     "address and the hosts of its routes. Others are refused, as a web page could send them (http).",
     false, RELOADABLE, LISTENER(hosts)},
    {"listener", "allow_origins", "strings", "", "", "[ \"https://console.example\" ]",
     "Web pages that may call a plaintext listener from a browser, as they stand in Origin (http). Default: "
     "only pages of the very host and port that the request asks for.",
     false, RELOADABLE, LISTENER(allow_origins)},
    {"listener", "normalize_path", "bool", "false", "", "",
     "With routes that look at the path: rewrite a path with dot segments or empty segments to its plain "
     "form. Without it such a request is refused (http).",
     false, RELOADABLE, LISTENER(normalize_path)},
    {"listener", "rewrite_location", "bool", "", "", "true",
     "Change Location, Content-Location and Refresh fields of responses that name the upstream so that they name this listener (http). "
     "Default: true on a plaintext listener for upstreams with tls, otherwise false.",
     false, RELOADABLE, LISTENER(rewrite_location)},
    {"listener", "forward_proxy", "group", "", "", "",
     "Serve programs that are told to use a proxy (http_proxy). What routes name by host goes to their "
     "upstreams (http).",
     false, RELOADABLE, LISTENER(forward_proxy)},
    {"listener.forward_proxy", "connect", "word", "sniff", "sniff | tunnel | refuse", "",
     "What to do with CONNECT: look into the tunnel and serve plaintext HTTP inside like any request (sniff), "
     "pass the bytes blindly (tunnel), or refuse.",
     false, RELOADABLE, LISTENER(forward_proxy.connect)},
    {"listener.forward_proxy", "unmatched", "word", "refuse", "refuse | direct", "",
     "Hosts that no route names: refuse, or connect to them directly. Private addresses are never reached so.",
     false, RELOADABLE, LISTENER(forward_proxy.unmatched)},
    {"listener.forward_proxy", "direct", "strings", "", "", "[ \"*.internal.example\", \"build.example:8080\" ]",
     "Hosts that are reached directly, also on private addresses: \"host\", \"*.suffix\", either with \":port\".",
     false, RELOADABLE, LISTENER(forward_proxy.direct)},
    {"listener", "accept_proxy_protocol", "bool", "false", "", "",
     "Every connection must begin with a PROXY header (v1 or v2). Whoever can connect is believed about the "
     "address it claims: let only your own load balancer reach this listener.",
     false, RELOADABLE, LISTENER(accept_proxy_protocol)},
    {"listener", "max_header_bytes", "size", "32KiB", "1KiB..1MiB", "",
     "The largest head of a request or response (http).", false, RELOADABLE, LISTENER(max_header_bytes)},
    {"listener", "max_headers", "number", "100", "1..1000", "", "The most header lines in one head (http).",
     false, RELOADABLE, LISTENER(max_headers)},
    {"listener", "timeouts", "group", "", "", "", "How long each step may take.", false, RELOADABLE, 0},
    {"listener.timeouts", "handshake", "duration", "10s", "10ms..10m", "", "Until TLS stands.", false,
     RELOADABLE, LISTENER(handshake_ms)},
    {"listener.timeouts", "header", "duration", "10s", "10ms..10m", "",
     "Until the head of a request is complete (http).", false, RELOADABLE, LISTENER(header_ms)},
    {"listener.timeouts", "idle", "duration", "", "10ms..7d", "\"60s\"",
     "Without a byte. Default: 60s for http, 10m for tcp.", false, RELOADABLE, LISTENER(idle_ms)},
    {"listener.timeouts", "body", "duration", "30s", "10ms..1d", "",
     "How long a request's body may pause (http).", false, RELOADABLE, LISTENER(body_ms)},
    {"listener.timeouts", "min_body_rate", "number", "", "0..1000000000", "500",
     "Bytes per second that a request's body must come at on the whole; 0: any (http). Default: 500, but 0 on a plaintext listener that "
     "binds to loopback addresses and unix sockets only.",
     false, RELOADABLE, LISTENER(min_body_rate)},
    {"listener.timeouts", "write", "duration", "30s", "10ms..1d", "",
     "How long a caller may take nothing of what waits for it.", false, RELOADABLE, LISTENER(write_ms)},

    {"target", "address", "target", "", "", "\"10.0.0.1:8443\"",
     "Where to connect: \"host:port\" or \"unix:/path\".", REQUIRED, RELOADABLE, TARGET(address)},
    {"target", "route", "string", "", "", "\"worker1\"",
     "Its name in cookies: with sticky mode suffix, what ends the value.", false, RELOADABLE, TARGET(route)},
    {"target", "weight", "number", "1", "1..256", "", "Its share, beside the weights of the others.", false,
     RELOADABLE, TARGET(weight)},
    {"target", "backup", "bool", "false", "", "", "Used only while no other target is usable.", false,
     RELOADABLE, TARGET(backup)},

    {"route", "host", "strings", "", "", "[ \"api.example\", \"*.shop.example\" ]",
     "Match: the host that is asked for is one of these, in full or by suffix. A request whose host is not a well-formed name is refused (400).", false, RELOADABLE,
     ROUTE(host)},
    {"route", "path", "string", "", "", "\"/admin\"",
     "Match: the path is this, or this and further segments. Escapes and parameters (\";x\") do not hide it, letter case does not either.", false, RELOADABLE,
     ROUTE(path)},
    {"route", "path_case", "word", "ignore", "ignore | exact", "",
     "How path is compared. ignore: as the most lenient server reads it, see PATHS. exact: as it is written.", false, RELOADABLE, ROUTE(path_case)},
    {"route", "method", "strings", "", "", "[ \"GET\", \"HEAD\" ]", "Match: the method is one of these.",
     false, RELOADABLE, ROUTE(method)},
    {"route", "cert", "statuses", "", STATUSES, "\"none\"",
     "Match: the status of the caller's certificate is one of these. error: any but valid and none.", false,
     RELOADABLE, ROUTE(cert)},
    {"route", "caller", "rules", "", "", "( { ou = \"ops\"; } )",
     "Match: the caller's certificate is valid and one rule holds.", false, RELOADABLE, ROUTE(caller)},
    {"route", "allow", "rules", "", "", "( { ou = \"ops\"; } )",
     "Gate: who matched everything else but none of these rules gets 403, and no further route is tried.",
     false, RELOADABLE, ROUTE(allow)},
    {"route", "allow_log_only", "bool", "false", "", "",
     "Try allow out: callers whom it would refuse pass, and are told and counted as would_refuse. Never those whose "
     "certificate is not valid.",
     false, RELOADABLE, ROUTE(allow_log_only)},
    {"route", "upstream", "name", "", "", "\"partner\"", "Act: forward to this upstream.", false, RELOADABLE,
     ROUTE(upstream)},
    {"route", "redirect", "string", "", "", "\"https://www.example/new\"",
     "Act: answer with this Location, a URL or an absolute path.", false, RELOADABLE, ROUTE(redirect)},
    {"route", "redirect_status", "choice", "302", "301 | 302 | 303 | 307 | 308", "",
     "The status of the redirect.", false, RELOADABLE, ROUTE(redirect_status)},
    {"route", "respond", "number", "", "200..599", "404", "Act: answer with this status.", false, RELOADABLE,
     ROUTE(respond)},
    {"route", "deny", "deny", "", "", "true", "Act: true is the same as respond = 403.", false, RELOADABLE,
     ROUTE(respond)},
    {"route", "set_headers", "headers", "", "", "{ X-Served-By = \"mtlsd\"; }",
     "Fields that the forwarded request gets, in place of any of the same name.", false, RELOADABLE,
     ROUTE(set_headers)},
    {"route", "remove_headers", "strings", "", "", "[ \"X-Debug\" ]",
     "Fields that the forwarded request loses.", false, RELOADABLE, ROUTE(remove_headers)},
    {"route", "strip_prefix", "string", "", "", "\"/api\"",
     "Removed from the front of the path before it is forwarded. path must begin with it.", false, RELOADABLE,
     ROUTE(strip_prefix)},
    {"route", "set_host", "host", "", "upstream | preserve", "\"preserve\"",
     "The Host header, instead of what the upstream's host says.", false, RELOADABLE, ROUTE(set_host)},

    {"sni", "hosts", "strings", "", "", "[ \"shop.example\", \"*.shop.example\" ]",
     "The server names it is for, in full or by suffix. Default: the DNS names in the identity's certificate.",
     false, RELOADABLE, SNI(hosts)},
    {"sni", "identity", "name", "", "", "\"shop\"", "The identity to present.", REQUIRED, RELOADABLE, SNI(identity)},
    {"sni", "trust", "name", "", "", "\"staff\"",
     "The trust that these callers must satisfy. Default: the trust of the tls group.", false, RELOADABLE,
     SNI(trust)},
    {"sni", "client_cert", "word", "", "none | optional | required", "\"required\"",
     "Whether these callers must show a certificate. Default: as in the tls group, required when a trust is given.",
     false, RELOADABLE, SNI(client_cert)},
    {"sni", "tolerate", "tolerated", "", TOLERABLE, "[ \"expired\" ]",
     "Let a certificate in that was judged so. Default: as in the tls group.", false, RELOADABLE, SNI(tolerate)},

    {"allow", "cn", "string", "", "", "\"billing\"", "Common name of the subject. A certificate with several of them matches no such rule.", false, RELOADABLE,
     ALLOW(cn)},
    {"allow", "ou", "string", "", "", "\"ops\"", "Organizational unit of the subject.", false, RELOADABLE,
     ALLOW(ou)},
    {"allow", "o", "string", "", "", "\"Partner Ltd\"", "Organization of the subject.", false, RELOADABLE,
     ALLOW(o)},
    {"allow", "dns", "string", "", "", "\"*.ops.example\"", "DNS name. A malformed name or a wildcard in a certificate matches nothing.", false, RELOADABLE, ALLOW(dns)},
    {"allow", "uri", "string", "", "", "\"spiffe://example/ns/*/sa/web\"", "URI. For a SPIFFE ID the trust domain is written out, without stars.", false,
     RELOADABLE, ALLOW(uri)},
    {"allow", "email", "string", "", "", "\"*@example.com\"", "Mail address.", false, RELOADABLE,
     ALLOW(email)},
    {"allow", "ip", "ip", "", "", "\"10.1.0.0/16\"", "IP address, or a range of them.", false, RELOADABLE,
     ALLOW(ip)},
    {"allow", "issuer", "string", "", "", "\"CN=Partner CA,O=Partner Ltd\"", "Name of the CA that issued the certificate. That CA must be in ca of the trust: a CA that only the client sends could have chosen any name.", false,
     RELOADABLE, ALLOW(issuer)},
    {"allow", "serial", "hex", "", "", "\"01ab\"", "Serial number, hex.", false, RELOADABLE, ALLOW(serial)},
    {"allow", "fingerprint", "sha256", "", "", "\"<64 hex digits>\"", "SHA-256 of the certificate, hex.",
     false, RELOADABLE, ALLOW(fingerprint)},
    {"allow", "spki", "sha256", "", "", "\"<64 hex digits>\"", "SHA-256 of the public key, hex.", false,
     RELOADABLE, ALLOW(spki)},
};

static const struct config_planned planned[] = {
    {"", "user", NULL, "start it as that user"},
    {"", "group", NULL, "start it with that group"},
    {"admin", "health", NULL, NULL},
    {"admin", "dashboard", NULL, NULL},
    {"limits", "per_client", NULL, NULL},
    {"identity", "passphrase_file", NULL, "store the key without a passphrase, readable by its owner only"},
    {"identity", "pkcs12", NULL, "convert it: openssl pkcs12 -in FILE -nodes -out bundle.pem"},
    {"identity", "key", "pkcs11:", "use a key file"},
    {"identity", "certificate", "pkcs11:", "use a certificate file"},
    {"identity", "allow_uids", NULL, NULL},
    {"identity", "allow_gids", NULL, NULL},
    {"upstream.tls", "alpn", NULL, NULL},
    {"listener", "allow_uids", NULL, NULL},
    {"listener", "allow_gids", NULL, NULL},
};

enum { N_OPTIONS = sizeof(options) / sizeof(options[0]), N_PLANNED = sizeof(planned) / sizeof(planned[0]) };

const struct config_option *config_options(size_t *n)
{
    *n = N_OPTIONS;
    return options;
}

const struct config_option *config_options_find(const char *group, const char *key)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].group, group) == 0 && strcmp(options[i].key, key) == 0)
            return &options[i];
    return NULL;
}

bool config_options_holds_keys(const struct config_option *o)
{
    return strcmp(o->type, "group") == 0 || strcmp(o->type, "sticky") == 0;
}

const char *config_options_suggest(const char *group, const char *key)
{
    const char *candidates[N_OPTIONS];
    size_t n = 0;
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].group, group) == 0)
            candidates[n++] = options[i].key;
    return text_suggest(key, candidates, n);
}

const struct config_option *config_options_nth(const char *group, size_t i)
{
    for (size_t k = 0; k < N_OPTIONS; k++)
        if (strcmp(options[k].group, group) == 0 && i-- == 0)
            return &options[k];
    return NULL;
}

static bool value_is(const char *pattern, const char *value)
{
    size_t n = strlen(pattern);
    if (n > 0 && pattern[n - 1] == ':')
        return strncmp(value, pattern, n) == 0;
    return strcmp(value, pattern) == 0;
}

const struct config_planned *config_options_planned(const char *group, const char *key, const char *value)
{
    for (size_t i = 0; i < N_PLANNED; i++) {
        const struct config_planned *p = &planned[i];
        if (strcmp(p->group, group) != 0 || strcmp(p->key, key) != 0 || (p->value == NULL) != (value == NULL))
            continue;
        if (value == NULL || value_is(p->value, value))
            return p;
    }
    return NULL;
}
