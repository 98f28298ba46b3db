/* SPDX-License-Identifier: Apache-2.0 */
#include "config_options.h"

#include "mtlsd/base/text.h"

#include <string.h>

#define TOP(member) offsetof(struct config, member)
#define IDENTITY(member) offsetof(struct config_identity, member)
#define TRUST(member) offsetof(struct config_trust, member)
#define REGISTRY(member) offsetof(struct config_registry, member)
#define UPSTREAM(member) offsetof(struct config_upstream, member)
#define LISTENER(member) offsetof(struct config_listener, member)
#define ALLOW(member) offsetof(struct config_allow, member)
#define TARGET(member) offsetof(struct config_target, member)
#define ROUTE(member) offsetof(struct config_route, member)
#define LOGS(member) offsetof(struct config_log, member)
#define SNI(member) offsetof(struct config_sni, member)

#define STATUSES                                                                                             \
    "valid | none | expired | not_yet_valid | revoked | unknown_ca | wrong_purpose | weak | crl_missing | "  \
    "crl_stale | constraint | not_registered | suspended | registry_stale | malformed | error"
#define TOLERABLE                                                                                            \
    "expired | not_yet_valid | revoked | unknown_ca | wrong_purpose | weak | crl_missing | crl_stale | "     \
    "constraint | not_registered | suspended | registry_stale | all"

#define REQUIRED true
#define RELOADABLE true
#define FIXED false /* needs a restart */

/* group, key, type, default, bounds, example, help, required, reloadable, offset */
static const struct config_option options[] = {
    {"", "workers", "number", "", "1..256", "4", "Threads that carry traffic. Default: one for each core.", false, FIXED, TOP(workers)},
    {"", "drain_timeout", "duration", "30s", "0s..1d", "",
     "How long a stop waits for requests and connections in flight. Those that still run then are cut and logged, and the exit code is 1.",
     false, RELOADABLE, TOP(drain_ms)},
    {"", "handover_timeout", "duration", "60s", "1s..1h", "",
     "How long a new process may take to be ready after USR2. After that it is ended, and the old process serves on.", false,
     RELOADABLE, TOP(handover_ms)},
    {"", "watch", "word", "files", "files | all | off", "",
     "Which changed files to load without a reload. files: certificates, keys and CAs. all: the configuration and what it includes, too. "
     "Revocation lists are always loaded when they change.", false, RELOADABLE, TOP(watch)},
    {"", "crl_cache", "path", "", "", "\"/var/lib/mtlsd/crl\"",
     "Folder for fetched revocation lists, so that a start without network has them. It must exist. Default: lists are kept in memory only.",
     false, RELOADABLE, TOP(crl_cache)},
    {"", "insecure_no_sandbox", "bool", "false", "", "",
     "Do not restrict the running process (SANDBOX).", false, FIXED, TOP(insecure_no_sandbox)},
    {"", "user", "string", "", "", "\"mtlsd\"",
     "User to become when root starts mtlsd, after sockets and files are open. A reload then runs as this user: it must be able to read the "
     "configuration and every file in it, and cannot open ports below 1024. Default: the user of the start.", false, FIXED, TOP(user)},
    {"", "group", "string", "", "", "\"mtlsd\"", "Group to become, together with user. Default: the group of the user. The user's other groups stay in effect.",
     false, FIXED, TOP(group)},
    {"", "insecure_keys_in_process", "bool", "false", "", "",
     "Keep private keys in the process that reads from the network, not in a process of their own (PRIVATE KEYS). A handshake then takes less time, and a fault "
     "in that process could give keys away.", false, FIXED, TOP(insecure_keys_in_process)},
    {"", "contact", "contact", "", "", "\"ops@example.com\"",
     "Text for people whose request is refused, as an address or a phone number. Refusals in JSON have it as contact. Default: none.", false, RELOADABLE, TOP(contact)},
    {"", "admin", "group", "", "", "", "Admin socket for status, reload and drain, and health probes.", false, RELOADABLE, 0},
    {"", "log", "group", "", "", "", "Log level, format and destination.", false, RELOADABLE, 0},
    {"", "logs", "groups", "", "", "", "Further logs, each with its own format, destination and kinds of lines.", false, RELOADABLE, TOP(logs)},
    {"", "limits", "group", "", "", "", "Limits of the whole process.", false, RELOADABLE, 0},
    {"", "identities", "groups", "", "", "", "Certificates with their keys, to present to peers.", false, RELOADABLE, TOP(identities)},
    {"", "registries", "groups", "", "", "", "Databases of certificates that a trust accepts or refuses (REGISTRIES).", false, RELOADABLE, TOP(registries)},
    {"", "trusts", "groups", "", "", "",
     "CAs, revocation lists and rules to verify peers with. \"system\" is built in.", false, RELOADABLE, TOP(trusts)},
    {"", "upstreams", "groups", "", "", "", "Where connections go.", false, RELOADABLE, TOP(upstreams)},
    {"", "listeners", "groups", "", "", "{ app = { bind = \"127.0.0.1:8080\"; upstream = \"partner\"; }; }",
     "Where connections come in.", REQUIRED, RELOADABLE, TOP(listeners)},

    {"admin", "socket", "socket", "", "", "\"unix:/run/mtlsd/admin.sock\"",
     "Unix socket of the admin commands: \"unix:/path\", or \"systemd:NAME\" for a socket that a socket unit passes. Default: none.", false, FIXED, TOP(admin_socket)},
    {"admin", "health", "listen", "", "", "\":8081\"",
     "Address to listen on for health probes of containers and load balancers: GET /livez and GET /readyz in plaintext, also from other hosts (HEALTH PROBES in mtlsd(1)). "
     "Default: none.", false, RELOADABLE, TOP(health)},
    {"log", "level", "word", "info", "error | warn | info | debug", "", "Least severe level to log.", false, RELOADABLE, TOP(log_level)},
    {"log", "format", "format", "text", "text | json | combined | ssl_request", "",
     "Log format. text and json write a line with all fields for each event, for people and for programs. combined and ssl_request write "
     "requests and tcp connections as Apache does, and events as text. A value with braces is a pattern of variables, for the same lines (LOG).", false, RELOADABLE, TOP(log_format)},
    {"log", "target", "path", "stderr", "stderr | stdout", "",
     "Log destination: \"stderr\", \"stdout\", or a file to append to. USR1 opens the file again. With format combined or ssl_request only "
     "requests and tcp connections go there, and events go to stderr. The name may have fields of the date (LOG).", false, RELOADABLE, TOP(log_target)},
    {"log", "rotate", "rotate", "", "", "[ \"1d\", \"100MiB\" ]",
     "Begin a new file in each period, counted from midnight UTC, before the file gets larger than a size, or both. Default: only USR1 begins a new file.",
     false, RELOADABLE, TOP(log_rotate)},
    {"log", "what", "words", "", "requests | events | refusals", "\"events\"",
     "Kinds of lines to write. refusals are also requests, or events. Default: all.", false, RELOADABLE, TOP(log_what)},
    {"named_log", "target", "path", "", "stderr | stdout", "\"/var/log/mtlsd/access.%Y-%m-%d.log\"",
     "Log destination: \"stderr\", \"stdout\", or a file to append to. USR1 opens the file again. The name may have fields of the date (LOG).",
     REQUIRED, RELOADABLE, LOGS(target)},
    {"named_log", "what", "words", "", "requests | events | refusals", "\"requests\"",
     "Kinds of lines to write. refusals are refused requests and connections, with the reason.", REQUIRED, RELOADABLE, LOGS(what)},
    {"named_log", "format", "format", "text", "text | json | combined | ssl_request", "",
     "Log format, or a pattern of variables (LOG). combined, ssl_request and patterns have requests only.", false, RELOADABLE, LOGS(format)},
    {"named_log", "level", "word", "info", "error | warn | info | debug", "",
     "Least severe level of events to log. Requests and refusals are logged at every level.", false, RELOADABLE, LOGS(level)},
    {"named_log", "rotate", "rotate", "", "", "[ \"12h\", \"100MiB\" ]",
     "Begin a new file in each period, counted from midnight UTC, before the file gets larger than a size, or both. Default: only USR1 begins a new file.",
     false, RELOADABLE, LOGS(rotate)},
    {"limits", "connections", "number", "", "1..1000000", "10000",
     "Client connections at once, of all workers together. When all are taken, the clients that are idle for longest are closed; when none is idle, new ones "
     "are refused with overloaded: HTTP 503, an alert on a TLS listener, a reset in tcp mode. Default: what the file descriptor limit allows.", false, RELOADABLE,
     TOP(max_connections)},
    {"limits", "per_client", "number", "0", "0..1000000", "",
     "Client connections at once from one client address; 0: no limit. An IPv6 client is its /64 network, or its address if that is link-local. More are refused with too_many_connections: HTTP 429, "
     "an alert on a TLS listener, a reset in tcp mode. With accept_proxy_protocol the address in the PROXY header counts. Clients on unix sockets are not "
     "counted. Many clients behind one NAT share an address.", false, RELOADABLE, TOP(max_per_client)},

    {"identity", "bundle", "path", "", "", "\"payments.pem\"",
     "One PEM file with the certificate, its chain and its key.", false, RELOADABLE, IDENTITY(bundle)},
    {"identity", "certificate", "path", "", "", "\"payments.crt\"",
     "Certificate and chain (PEM), together with key, instead of bundle.", false, RELOADABLE, IDENTITY(certificate)},
    {"identity", "key", "path", "", "", "\"payments.key\"",
     "Private key (PEM, plain or with passphrase_file): ECDSA P-256, P-384 or P-521, Ed25519, Ed448, RSA or RSA-PSS of 2048 to 8192 bits. The file is "
     "readable by its owner, or also by a group of the daemon (FILE PERMISSIONS).", false, RELOADABLE, IDENTITY(key)},
    {"identity", "chain", "path", "", "", "\"payments-chain.crt\"",
     "Intermediate certificates (PEM) to send behind certificate, where the CA delivers them in a file of their own. Their order does not matter, and what does "
     "not belong to the chain is not sent.", false, RELOADABLE, IDENTITY(chain)},
    {"identity", "pkcs12", "path", "", "", "\"payments.p12\"",
     "One PKCS#12 file (.p12, .pfx) with one key, its certificate and chain, instead of bundle. Certificates that do not belong to the chain, and the root, "
     "are not sent.", false, RELOADABLE, IDENTITY(pkcs12)},
    {"identity", "passphrase_file", "path", "", "", "\"payments.pass\"",
     "File with the passphrase of pkcs12, or of an encrypted key in bundle or key: one line of UTF-8. It is as secret as the key, with the same file "
     "permissions. Default: the key is not encrypted.", false, RELOADABLE, IDENTITY(passphrase_file)},
    {"identity", "pin_file", "path", "", "", "\"payments.pin\"",
     "File with the PIN of the token, for a pkcs11: URI in key (KEY SOURCES). A PIN that the token refuses is tried once. Default: no PIN.", false, RELOADABLE,
     IDENTITY(pin_file)},
    {"identity", "source", "word", "files", "files | spiffe", "",
     "Where the certificate and its key come from: the files that the keys above name, or the SPIFFE Workload API (SPIFFE), which none of them goes with.", false,
     RELOADABLE, IDENTITY(source)},
    {"identity", "spiffe_id", "string", "", "", "\"spiffe://example.org/billing\"",
     "SPIFFE ID to present, with source = \"spiffe\". Default: the first that the agent gives.", false, RELOADABLE, IDENTITY(spiffe_id)},
    {"identity", "keep_connections", "bool", "false", "", "",
     "Let connections run on after the certificate that they were opened with was replaced and has expired. By default mtlsd ends them 30 seconds "
     "before (ROTATION).", false, RELOADABLE, IDENTITY(keep_connections)},
    {"identity", "allow_uids", "accounts", "", "", "[ \"billing\", \"1001\" ]",
     "Users of this host that may use this identity through an upstream, by name or number: programs of others are refused (caller_not_allowed). A unix socket or a loopback address is needed, since no user is known of other "
     "connections (CALLING PROGRAMS). Default: all.", false, RELOADABLE, IDENTITY(allow_uids)},
    {"identity", "allow_gids", "accounts", "", "", "\"partners\"",
     "The same for members of these groups. A program passes by allow_uids or by allow_gids (CALLING PROGRAMS). Default: none.", false, RELOADABLE, IDENTITY(allow_gids)},
    {"identity", "renew", "group", "", "", "", "Renew the certificate before it expires, with a new key, and write both files again (RENEWAL).", false, RELOADABLE, 0},
    {"identity.renew", "est", "string", "", "", "\"https://ca.example\"",
     "Server of EST (RFC 7030), which answers /.well-known/est/simplereenroll. A label follows in the address: \"https://ca.example/.well-known/est/LABEL\".", false,
     RELOADABLE, IDENTITY(renew.est)},
    {"identity.renew", "step", "string", "", "", "\"https://ca.example:9000\"", "Server of step-ca, which answers /1.0/rekey, instead of est.", false, RELOADABLE,
     IDENTITY(renew.step)},
    {"identity.renew", "trust", "name", "", "", "\"internal\"", "Trust that verifies this server.", REQUIRED, RELOADABLE, IDENTITY(renew.trust)},
    {"identity.renew", "before", "string", "", "", "\"7d\"",
     "When to renew: a duration before the certificate expires, or a part of its life, as \"1/3\". The moment differs a little for each certificate. Default: 1/3.", false,
     RELOADABLE, IDENTITY(renew.before)},

    {"registry", "database", "database", "", "", "\"sqlite:/var/lib/mtlsd/registry.db\"",
     "\"sqlite:FILE\", or the URI of a PostgreSQL database, as \"postgresql://mtlsd@db.example/certificates?passfile=/etc/mtlsd/pgpass\". mtlsd registry init "
     "creates the tables.", REQUIRED, RELOADABLE, REGISTRY(database)},
    {"registry", "max_staleness", "duration", "1h", "2s..30d", "",
     "How long the last rows count while the database cannot be read. Then certificates are refused (registry_stale). After a start, nothing is accepted until "
     "the rows were read once.", false, RELOADABLE, REGISTRY(max_staleness_ms)},
    {"registry", "sessions", "bool", "false", "", "",
     "Write each connection of a verified client into the table mtlsd_sessions, when it begins and when it ends. A database that is slow, locked or full costs "
     "rows, which are counted, and never traffic.", false, RELOADABLE, REGISTRY(sessions)},
    {"registry", "insecure_sslmode", "bool", "false", "", "",
     "Let the URI ask for an sslmode below verify-full on a connection that leaves this host. Those in the network between can then read and change the rows.",
     false, RELOADABLE, REGISTRY(insecure_sslmode)},

    {"trust", "ca", "path", "", "system", "\"partner-ca.pem\"",
     "CA certificates (PEM): a file, a folder of files, or \"system\". Required with source = \"files\".", false, RELOADABLE, TRUST(ca)},
    {"trust", "source", "word", "files", "files | spiffe", "",
     "Where the CA certificates come from: ca, or the SPIFFE Workload API, which gives a bundle for each trust domain in spiffe_domain (SPIFFE).", false, RELOADABLE,
     TRUST(source)},
    {"trust", "crl", "paths", "", "fetch", "[ \"partner-ca.crl\", \"fetch\" ]",
     "Files of certificate revocation lists (PEM or DER). A changed file takes effect within a second, also for connected peers. A list that is "
     "incomplete, not genuine or older than the one in use is ignored. \"fetch\", alone or beside files, gets lists over http: from crl_urls, "
     "else from the addresses in the CA certificates and in our own certificates of this trust. Lists are fetched again before they expire, at "
     "least every six hours, and at each reload; the last good one stays in use. Until the first list has arrived, crl_policy decides; by "
     "default every certificate is refused (crl_missing).", false, RELOADABLE, TRUST(crl)},
    {"trust", "crl_urls", "strings", "", "", "[ \"http://crl.partner.example/ca.crl\" ]",
     "Addresses to fetch lists from, instead of those in the certificates. Only http: a list is signed, and https would need a verified chain "
     "before there is a list to verify it with. An address of this host or link (127.0.0.1, 169.254.x) is used only when it is listed here.",
     false, RELOADABLE, TRUST(crl_urls)},
    {"trust", "crl_policy", "word", "require", "require | prefer", "",
     "What to do with a certificate that no current list covers, when crl is given: refuse it (require) or accept it (prefer).",
     false, RELOADABLE, TRUST(crl_policy)},
    {"trust", "crl_grace", "duration", "0s", "0s..30d", "", "How long to use a list after its nextUpdate.", false, RELOADABLE, TRUST(crl_grace_ms)},
    {"trust", "depth", "number", "8", "1..16", "", "Most certificates in a chain.", false, RELOADABLE, TRUST(depth)},
    {"trust", "min_rsa_bits", "number", "2048", "2048..16384", "", "Smallest RSA key to accept.", false, RELOADABLE, TRUST(min_rsa_bits)},
    {"trust", "insecure_no_purpose", "bool", "false", "", "",
     "Accept certificates without extendedKeyUsage, as openssl x509 -req makes them by default, for any purpose. Certificates that this CA "
     "issued for other uses are then accepted too. A certificate that has the extension is held to it.",
     false, RELOADABLE, TRUST(insecure_no_purpose)},
    {"trust", "pins", "pins", "", "", "[ \"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\" ]",
     "SHA-256 of public keys (SubjectPublicKeyInfo). One certificate of the verified path, the peer's own or that of a CA, must have one of "
     "these keys. Default: any key.", false, RELOADABLE, TRUST(pins)},
    {"trust", "spiffe_domain", "trust_domains", "", "", "\"partner.example\"",
     "Trust domain that the peer's SPIFFE ID must have. The certificate must hold exactly one URI (wrong_trust_domain). With source = \"spiffe\" it is required, and "
     "may be a list: only the CAs of a trust domain verify its IDs. Default: no SPIFFE ID is required.",
     false, RELOADABLE, TRUST(spiffe_domains)},
    {"trust", "ocsp", "word", "off", "off | soft | hard", "",
     "Ask the OCSP responder that a client's certificate names whether it was revoked. The client's handshake waits for the answer, and no other client "
     "does. A revoked certificate is refused. Without an answer that counts, hard refuses the client (ocsp_missing) and soft accepts it, with a line in "
     "the log for the responder. Answers are kept until their nextUpdate. Those in use are fetched again before, at least every two hours: connections "
     "end when a certificate was revoked meanwhile. Only the client's own certificate is asked about: use crl for its CAs.",
     false, RELOADABLE, TRUST(ocsp)},
    {"trust", "ocsp_responder", "string", "", "", "\"http://ocsp.partner.example/\"",
     "OCSP responder to ask about each certificate. By default each certificate names its responder.", false, RELOADABLE, TRUST(ocsp_responder)},
    {"trust", "ocsp_hosts", "strings", "", "", "[ \"ocsp.partner.example\" ]",
     "The only OCSP responders to ask, as host or host:port. Default: any, but only on public addresses. A responder on a private address has to be listed here.",
     false, RELOADABLE, TRUST(ocsp_hosts)},
    {"trust", "ocsp_timeout", "duration", "3s", "100ms..1m", "", "How long a client waits for the answer.", false, RELOADABLE, TRUST(ocsp_timeout_ms)},
    {"trust", "registry", "name", "", "", "\"partners\"",
     "Registry to look up each certificate in, after the chain was verified. Default: none.", false, RELOADABLE, TRUST(registry)},
    {"trust", "registry_mode", "word", "must_be_listed", "must_be_listed | deny_listed", "",
     "What to do with certificates that are not in the registry: refuse them as not_registered (must_be_listed), or accept them (deny_listed). Suspended and "
     "revoked ones are refused in both modes.", false, RELOADABLE, TRUST(registry_mode)},

    {"upstream", "targets", "targets", "", "", "[ \"api.partner.example:443\" ]",
     "Addresses to connect to: \"host:port\", \"unix:/path\", a list of these, or a list of groups with the keys of a target.",
     REQUIRED, RELOADABLE, UPSTREAM(targets)},
    {"upstream", "balance", "word", "round_robin", "round_robin | least_conn | random | hash", "",
     "How to choose one of several targets for a request. round_robin: in turn. least_conn: the one with the fewest requests. random: the "
     "better of two drawn at random. hash: always the same for one caller, by certificate, or by address without one. All workers balance as one.",
     false, RELOADABLE, UPSTREAM(balance)},
    {"upstream", "sticky", "sticky", "", "client_cert", "\"client_cert\"",
     "Keep a session on one target (http): by a cookie, in a group with the keys below, or by the caller's certificate with sticky = "
     "\"client_cert\". Default: each request is balanced on its own.", false, RELOADABLE, UPSTREAM(sticky)},
    {"upstream.sticky", "cookie", "string", "", "", "\"JSESSIONID\"", "Name of the cookie.", REQUIRED, RELOADABLE, UPSTREAM(sticky_cookie)},
    {"upstream.sticky", "mode", "sticky_mode", "", "suffix | insert", "\"insert\"",
     "suffix: the backends set the cookie and end its value with a dot and their route (Tomcat's jvmRoute). Without such a cookie, a path "
     "parameter of its name counts, in upper or lower case (\";jsessionid=...\"). insert: mtlsd sets a cookie of its own. Default: insert.",
     false, RELOADABLE, UPSTREAM(sticky)},
    {"upstream", "retry_after", "duration", "10s", "0s..1h", "",
     "How long to skip a target after a failed connect. A failure after a request was sent does not count, as the request may have caused it; "
     "health checks find such targets.", false, RELOADABLE, UPSTREAM(retry_after_ms)},
    {"upstream", "retries", "number", "1", "0..10", "",
     "How often to send a failed request again, to another target if there is one. A request that a target may have begun to process is sent "
     "again only if it is idempotent.", false, RELOADABLE, UPSTREAM(retries)},
    {"upstream", "health", "group", "", "", "",
     "Check the health of every target, over the same TLS as the traffic. Three failures in a row take a target out of service, two successes "
     "bring it back. A target without any success is taken out at once. Without it, only failures of the traffic count.", false, RELOADABLE, 0},
    {"upstream.health", "path", "string", "", "", "\"/healthz\"",
     "Path to GET. Default: none, the connection and the handshake are enough.", false, RELOADABLE, UPSTREAM(health_path)},
    {"upstream.health", "grpc", "service", "", "", "\"shop.Cart\"",
     "Service to ask about with gRPC's health protocol (grpc.health.v1), \"\" for the server as a whole. Only the answer SERVING is healthy. It needs "
     "HTTP/2, and stands instead of path.", false, RELOADABLE, UPSTREAM(health_grpc)},
    {"upstream.health", "interval", "duration", "", "100ms..1d", "\"10s\"",
     "Time between two checks. Default: 10s.", false, RELOADABLE, UPSTREAM(health_interval_ms)},
    {"upstream.health", "expect", "string", "200-399", "", "",
     "Status codes of a healthy target: \"200\", \"200-399\", or several with commas.", false, RELOADABLE, UPSTREAM(health_expect)},
    {"upstream", "proxy", "proxy", "", "", "\"http://proxy.corp.example:3128\"",
     "HTTP proxy to reach the targets through, with CONNECT. TLS to the target runs inside the tunnel. Default: none.",
     false, RELOADABLE, UPSTREAM(proxy)},
    {"upstream", "send_proxy_protocol", "word", "off", "off | v1 | v2", "",
     "Begin each connection with a PROXY header that names the caller's address; v2 adds the caller's TLS version and certificate. Such a "
     "connection serves one caller only and is not kept in the pool.", false, RELOADABLE, UPSTREAM(send_proxy_protocol)},
    {"upstream", "http2_prior_knowledge", "bool", "false", "", "",
     "Speak HTTP/2 to the targets from the first byte, as gRPC servers without TLS expect it. With TLS the handshake decides (tls.alpn).",
     false, RELOADABLE, UPSTREAM(http2_prior_knowledge)},
    {"upstream", "tls", "group", "", "", "", "Use TLS to the targets. Without it: plaintext.", false, RELOADABLE, UPSTREAM(tls)},
    {"upstream.tls", "identity", "name", "", "", "\"payments\"",
     "Identity to present. Default: no client certificate.", false, RELOADABLE, UPSTREAM(tls.identity)},
    {"upstream.tls", "identities", "strings", "", "", "[ \"payments\", \"payments-new\" ]",
     "Several identities instead of identity. The server's request names CAs and kinds of keys: the first identity that fits is presented. If the server names no CA, or "
     "none of these identities' CAs, the first one with such a key is presented.", false, RELOADABLE, UPSTREAM(tls.choices)},
    {"upstream.tls", "trust", "name", "", "", "\"partner\"",
     "Trust to verify the server with. Default: \"system\".", false, RELOADABLE, UPSTREAM(tls.trust)},
    {"upstream.tls", "server_name", "string", "", "", "\"api.partner.example\"",
     "Name to send (SNI) and to expect in the certificate. Default: the target's host.", false, RELOADABLE, UPSTREAM(tls.server_name)},
    {"upstream.tls", "expect", "strings", "", "", "[ \"spiffe://partner.example/api\" ]",
     "DNS or URI names of which the certificate must have one, instead of server_name. A SPIFFE ID may have stars behind its trust domain, as in allow. With a trust "
     "of source = \"spiffe\", SPIFFE IDs are required here.", false, RELOADABLE, UPSTREAM(tls.expect)},
    {"upstream.tls", "min_version", "word", "1.2", "1.2 | 1.3", "", "Lowest TLS version.", false, RELOADABLE, UPSTREAM(tls.min_version)},
    {"upstream.tls", "max_version", "word", "1.3", "1.2 | 1.3", "",
     "Highest TLS version. Set 1.2 for a server that fails with TLS 1.3. With the default algorithms TLS 1.2 is not insecure.", false, RELOADABLE, UPSTREAM(tls.max_version)},
    {"upstream.tls", "priority", "string", "", "", "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\"",
     "GnuTLS priority string. For each allowed TLS version it must allow a signature algorithm of the identity's key. Default: TLS 1.3 and 1.2 "
     "with modern algorithms, and X25519MLKEM768 first where GnuTLS has it (see mtlsd --version).", false, RELOADABLE, UPSTREAM(tls.priority)},
    {"upstream.tls", "starttls", "word", "off", "off | postgres | mysql | smtp | ldap | imap", "",
     "Begin in plaintext and start TLS as this protocol does it (tcp). A server that declines is refused, and nothing of the client is sent "
     "without TLS.", false, RELOADABLE, UPSTREAM(tls.starttls)},
    {"upstream.tls", "alpn", "strings", "", "", "[ \"h2\", \"http/1.1\" ]",
     "Application protocols to offer (ALPN), the preferred one first. tcp: up to 8 names of up to 31 bytes, as \"postgresql\"; the server must choose one. "
     "http: \"h2\" and \"http/1.1\". Default: both if only http listeners use the upstream, otherwise none.", false, RELOADABLE, UPSTREAM(tls.alpn)},
    {"upstream.tls", "require_client_auth", "bool", "", "", "true",
     "Refuse a server that does not ask for our certificate in the handshake. Default: true when an identity is given, but false with one of the next two keys.",
     false, RELOADABLE, UPSTREAM(tls.require_client_auth)},
    {"upstream.tls", "post_handshake_auth", "bool", "false", "", "",
     "Let a server of TLS 1.3 request our certificate after the handshake, as Apache does where SSLVerifyClient stands for some paths only. HTTP/2 forbids this and is "
     "not offered then.", false, RELOADABLE, UPSTREAM(tls.post_handshake_auth)},
    {"upstream.tls", "renegotiation", "bool", "false", "", "",
     "The same with a server of TLS 1.2, which renegotiates for it: only securely (RFC 5746), with an extended master secret (RFC 7627), and with the same certificate of "
     "the server.", false, RELOADABLE, UPSTREAM(tls.renegotiation)},
    {"upstream", "host", "host", "", "upstream | preserve", "\"upstream\"",
     "Host header to send: the upstream's name, the incoming one, or a name given here. Default: upstream, but preserve behind a listener "
     "with tls.", false, RELOADABLE, UPSTREAM(host)},
    {"upstream", "timeouts", "group", "", "", "", "How long each step may take.", false, RELOADABLE, 0},
    {"upstream.timeouts", "connect", "duration", "5s", "10ms..10m", "", "Time to connect.", false, RELOADABLE, UPSTREAM(connect_ms)},
    {"upstream.timeouts", "handshake", "duration", "10s", "10ms..10m", "", "Time for the TLS handshake.", false, RELOADABLE, UPSTREAM(handshake_ms)},
    {"upstream.timeouts", "response", "duration", "60s", "10ms..1d", "", "Time until the response begins.",
     false, RELOADABLE, UPSTREAM(response_ms)},
    {"upstream.timeouts", "idle", "duration", "10m", "10ms..7d", "",
     "Time without a byte in either direction.", false, RELOADABLE, UPSTREAM(idle_ms)},
    {"upstream.timeouts", "max_connection_age", "duration", "", "1s..30d", "\"1h\"",
     "Age from which a connection takes no further request, so that a server behind a load balancer gets its share again. It may be a tenth less. "
     "A connection for tcp is cut then. Default: no limit.", false, RELOADABLE, UPSTREAM(max_age_ms)},
    {"upstream.timeouts", "max_connection_age_grace", "duration", "", "0s..1d", "\"30s\"",
     "How long requests may run on a connection after max_connection_age. Those that still run then fail with connection_age. Default: as long as "
     "they need, and 0s for tcp.", false, RELOADABLE, UPSTREAM(age_grace_ms)},
    {"upstream", "pool", "group", "", "", "",
     "Connections kept open for the next request (http) or the next client (tcp).", false, RELOADABLE, 0},
    {"upstream.pool", "max", "number", "", "0..100000", "500",
     "Most idle connections that each worker keeps to a target; 0 keeps none. Default: as many as the requests of the last seconds used, while "
     "there are file descriptors. Unused ones beyond 64 are closed step by step.", false, RELOADABLE, UPSTREAM(pool_max)},
    {"upstream.pool", "spare", "number", "0", "0..1000", "",
     "Connections to each target that each worker keeps ready with the handshake done, so that a new tcp client does not wait for it. They are "
     "renewed before pool.idle is over. Leave it out where the server speaks first.", false, RELOADABLE, UPSTREAM(pool_spare)},
    {"upstream.pool", "idle", "duration", "50s", "100ms..1d", "",
     "How long to keep an idle connection. If the server sends \"Keep-Alive: timeout=N\", the connection is not used in the last of these N "
     "seconds.", false, RELOADABLE, UPSTREAM(pool_idle_ms)},

    {"listener", "bind", "addresses", "", "", "\"127.0.0.1:8080\"",
     "Addresses to listen on: \"host:port\", \":port\", \"unix:/path\", \"systemd:NAME\" for the sockets of this name that a socket unit passes "
     "(mtlsd(1), SERVICE MANAGER), or a list of these.", REQUIRED, RELOADABLE, LISTENER(bind)},
    {"listener", "contact", "contact", "", "", "\"partners@example.com\"", "The same for this listener. Default: contact of the top level.", false, RELOADABLE,
     LISTENER(contact)},
    {"listener", "upstream", "name", "", "", "\"partner\"", "Upstream for all connections of this listener.", false, RELOADABLE, LISTENER(upstream)},
    {"listener", "routes", "routes", "", "",
     "( { path = \"/admin\"; respond = 404; }, { upstream = \"partner\"; } )",
     "Routes to choose by, instead of upstream. The first route that matches decides; a request without a match is answered 404. With tcp and "
     "tls-passthrough they have sni and upstream. The keys of a route stand at the end.",
     false, RELOADABLE, LISTENER(routes)},
    {"listener", "protocol", "word", "http", "http | tcp | tls-passthrough", "",
     "http: HTTP/1.1 and HTTP/2, request by request. tcp: bytes as they are. tls-passthrough: the client's own TLS, passed on untouched; the server behind "
     "verifies the client.", false, RELOADABLE, LISTENER(protocol)},
    {"listener", "insecure_expose", "bool", "false", "", "",
     "Allow plaintext on an address that other hosts can reach.", false, RELOADABLE, LISTENER(insecure_expose)},
    {"listener", "allow_uids", "accounts", "", "", "[ \"billing\", \"1001\" ]",
     "Users of this host that may use this listener, by name or number: programs of others are refused (caller_not_allowed). A unix socket or a loopback address is needed, since no user is known of other "
     "connections (CALLING PROGRAMS). Default: all.", false, RELOADABLE, LISTENER(allow_uids)},
    {"listener", "allow_gids", "accounts", "", "", "\"partners\"",
     "The same for members of these groups. A program passes by allow_uids or by allow_gids (CALLING PROGRAMS). Default: none.", false, RELOADABLE, LISTENER(allow_gids)},
    {"listener", "require_header", "group", "", "", "",
     "Refuse requests without a header that carries a secret (header_required), where allow_uids cannot tell callers apart (http). The header is never "
     "forwarded or logged (CALLING PROGRAMS).", false, RELOADABLE, 0},
    {"listener.require_header", "name", "string", "", "", "\"X-Mtlsd-Secret\"", "Name of the header. A similar name, as with _ for -, is removed too, but not accepted.", REQUIRED,
     RELOADABLE, LISTENER(required_header)},
    {"listener.require_header", "value_file", "path", "", "", "\"app.secret\"",
     "File with its value: one line of 16 to 4096 printable characters. It is as secret as a key, with the same file permissions, and takes effect when it "
     "changes.", REQUIRED, RELOADABLE, LISTENER(required_header_file)},
    {"listener", "tls", "group", "", "", "", "Speak TLS to callers. Without it: plaintext.", false,
     RELOADABLE, LISTENER(tls)},
    {"listener.tls", "identity", "names", "", "", "\"server\"",
     "Identity to present. A list names several kinds of keys, and the first whose key the client accepts is presented. Beside identities: for clients that ask "
     "for another server name, or for none.",
     false, RELOADABLE, LISTENER(tls.identity)},
    {"listener.tls", "identities", "identities", "", "",
     "( { identity = \"shop\"; }, { hosts = \"*.ops.example\"; identity = \"ops\"; trust = \"staff\"; } )",
     "Several identities, chosen by the server name (SNI) that the client asks for. Other names, and none, are refused unless identity is given "
     "too. A request for a host of another identity is answered 421. The keys of such an identity stand at the end.",
     false, RELOADABLE, LISTENER(tls.identities)},
    {"listener.tls", "trust", "name", "", "", "\"clients\"",
     "Trust to verify clients with. Default: none, no certificate is requested.", false, RELOADABLE, LISTENER(tls.trust)},
    {"listener.tls", "client_cert", "word", "", "none | optional | required", "\"required\"",
     "Whether a client must present a certificate. A bad certificate is refused either way. A client is asked in the handshake alone: to demand a certificate on some "
     "paths only, set optional, and let routes have cert or allow. Default: required when a trust is given.",
     false, RELOADABLE, LISTENER(tls.client_cert)},
    {"listener.tls", "tolerate", "tolerated", "", TOLERABLE, "[ \"expired\", \"revoked\" ]",
     "Accept certificates with these faults, for routes that match them with cert (http). A certificate with any other fault is refused in the "
     "handshake. Default: no fault is accepted.", false, RELOADABLE, LISTENER(tls.tolerate)},
    {"listener.tls", "tickets", "bool", "false", "", "",
     "Let clients resume TLS sessions, which saves most of a handshake. On resumption the original certificate and the rules are checked again. "
     "A reload or a changed revocation list makes older tickets invalid.", false, RELOADABLE, LISTENER(tls.tickets)},
    {"listener.tls", "min_version", "word", "1.2", "1.2 | 1.3", "", "Lowest TLS version.", false, RELOADABLE, LISTENER(tls.min_version)},
    {"listener.tls", "max_version", "word", "1.3", "1.2 | 1.3", "",
     "Highest TLS version. Set 1.2 for clients that fail with TLS 1.3. With the default algorithms TLS 1.2 is not insecure.", false, RELOADABLE, LISTENER(tls.max_version)},
    {"listener.tls", "priority", "string", "", "", "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\"",
     "GnuTLS priority string. For each allowed TLS version it must allow a signature algorithm of the identity's key. Default: TLS 1.3 and 1.2 "
     "with modern algorithms, and X25519MLKEM768 first where GnuTLS has it (see mtlsd --version).", false, RELOADABLE, LISTENER(tls.priority)},
    {"listener.tls", "starttls", "word", "off", "off | postgres | mysql | smtp | ldap | imap", "",
     "Begin in plaintext and start TLS when the client asks for it, as this protocol does it (tcp). A client that does not ask is refused in words "
     "of its protocol.", false, RELOADABLE, LISTENER(tls.starttls)},
    {"listener.tls", "alpn", "strings", "", "", "[ \"h2\", \"http/1.1\" ]",
     "Application protocols to accept (ALPN), the preferred one first. A client that offers others only is refused with no_application_protocol. "
     "A client without ALPN is accepted. tcp: up to 8 names of up to 31 bytes, as \"postgresql\". http: \"h2\" and \"http/1.1\". Default: none for tcp. For http, \"h2\" or "
     "else \"http/1.1\" is chosen where it is offered, and all clients are accepted.", false, RELOADABLE, LISTENER(tls.alpn)},
    {"listener", "allow", "rules", "", "", "( { ou = \"ops\"; }, { dns = \"*.ops.example\"; } )",
     "Rules for verified clients: one of them must hold, with all its keys. Default: every verified client is accepted.",
     false, RELOADABLE, LISTENER(allow)},
    {"listener", "allow_log_only", "bool", "false", "", "",
     "Test allow: accept clients that it would refuse, and log and count them as would_refuse. A certificate that is not valid is still refused.",
     false, RELOADABLE, LISTENER(allow_log_only)},
    {"listener", "identity_headers", "words", "", "rfc9440 | x-ssl | nginx | xfcc", "[ \"x-ssl\", \"xfcc\" ]",
     "Headers that tell the upstream who called (http). They are always removed from incoming requests. A value longer than 16 KiB is left out, "
     "never cut: a missing field proves nothing, and a present one is whole. Client-Cert-Chain is the verified chain without its root. Default: "
     "none.", false, RELOADABLE, LISTENER(identity_headers)},
    {"listener", "xfcc", "word", "sanitize_set",
     "sanitize_set | sanitize | forward_only | append_forward | always_forward_only", "",
     "With the preset xfcc: how to write X-Forwarded-Client-Cert, in Envoy's words (http). sanitize_set: ours instead of the incoming field. "
     "sanitize: none. forward_only: the incoming field. append_forward: both. An incoming field is accepted only from a client with a valid "
     "certificate.",
     false, RELOADABLE, LISTENER(xfcc)},
    {"listener", "xfcc_details", "words", "", "cert | chain", "[ \"cert\" ]",
     "With the preset xfcc: add the client's certificate, or its whole chain. Both are long. Default: hash, subject, URI and DNS names.",
     false, RELOADABLE, LISTENER(xfcc_details)},
    {"listener", "insecure_xfcc", "bool", "false", "", "",
     "Allow xfcc = \"always_forward_only\": any client can then claim to forward for any other.", false, RELOADABLE, LISTENER(insecure_xfcc)},
    {"listener", "forwarded", "word", "", "off | x | rfc7239", "\"x\"",
     "Add X-Forwarded-For, -Host and -Proto (x), or Forwarded (rfc7239) (http). Incoming fields of these names are removed, except from trusted_proxies. "
     "Default: x on a listener with tls or trusted_proxies, otherwise off.",
     false, RELOADABLE, LISTENER(forwarded)},
    {"listener", "trusted_proxies", "ranges", "", "unix", "[ \"10.0.0.5\", \"2001:db8::/64\" ]",
     "HTTP proxies in front of this listener: addresses, ranges, or \"unix\" for unix sockets (http). Their X-Forwarded-For or Forwarded is kept, and their address is appended (FORWARDED REQUESTS). Default: none.",
     false, RELOADABLE, LISTENER(trusted_proxies)},
    {"listener", "hosts", "strings", "", "", "[ \"app.internal.example\" ]",
     "Host names that a plaintext listener answers for, \"name\" or \"name:port\", beside loopback names, its own address and the hosts of its "
     "routes. Other names are refused, as a web page could send them (http).", false, RELOADABLE, LISTENER(hosts)},
    {"listener", "allow_origins", "strings", "", "", "[ \"https://console.example\" ]",
     "Web pages that may call a plaintext listener from a browser, by their Origin (http). Default: only pages of the host and port that the "
     "request asks for.", false, RELOADABLE, LISTENER(allow_origins)},
    {"listener", "normalize_path", "bool", "false", "", "",
     "With routes that match the path: rewrite a path with dot segments or empty segments to its plain form. Without it such a request is "
     "refused (http).", false, RELOADABLE, LISTENER(normalize_path)},
    {"listener", "rewrite_location", "bool", "", "", "true",
     "Change Location, Content-Location and Refresh fields of responses that name the upstream, so that they name this listener (http). "
     "Default: true on a plaintext listener for upstreams with tls, otherwise false.", false, RELOADABLE, LISTENER(rewrite_location)},
    {"listener", "forward_proxy", "group", "", "", "",
     "Serve programs that use a proxy (http_proxy). Requests for hosts of a route go to its upstream (http).",
     false, RELOADABLE, LISTENER(forward_proxy)},
    {"listener.forward_proxy", "connect", "word", "sniff", "sniff | tunnel | refuse", "",
     "What to do with CONNECT. sniff: look into the tunnel and serve plaintext HTTP inside like any request. tunnel: pass the bytes blindly. "
     "refuse: refuse it.", false, RELOADABLE, LISTENER(forward_proxy.connect)},
    {"listener.forward_proxy", "unmatched", "word", "refuse", "refuse | direct", "",
     "Hosts without a route: refuse them, or connect to them directly. Private addresses are never reached this way.",
     false, RELOADABLE, LISTENER(forward_proxy.unmatched)},
    {"listener.forward_proxy", "direct", "strings", "", "", "[ \"*.internal.example\", \"build.example:8080\" ]",
     "Hosts to connect to directly, also on private addresses: \"host\", \"*.suffix\", either with \":port\".",
     false, RELOADABLE, LISTENER(forward_proxy.direct)},
    {"listener.forward_proxy", "intercept", "group", "", "", "",
     "Let programs use https:// for the hosts of routes: mtlsd ends their TLS with certificates of a CA that they trust (INTERCEPTED TLS). TLS to other hosts "
     "is never read.", false, RELOADABLE, 0},
    {"listener.forward_proxy.intercept", "ca", "path", "", "", "\"intercept/ca.pem\"",
     "Certificate of that CA (PEM). Its name constraints must permit exactly these hosts, as mtlsd pki init --only makes it.", false, RELOADABLE,
     LISTENER(forward_proxy.intercept_ca)},
    {"listener.forward_proxy.intercept", "key", "path", "", "", "\"intercept/ca.key\"", "Its private key (PEM), with the file permissions of a key.", false, RELOADABLE,
     LISTENER(forward_proxy.intercept_key)},
    {"listener", "accept_proxy_protocol", "bool", "false", "", "",
     "Require a PROXY header (v1 or v2) at the begin of every connection. Its address is believed: let only your own load balancer reach this "
     "listener.", false, RELOADABLE, LISTENER(accept_proxy_protocol)},
    {"listener", "max_header_bytes", "size", "32KiB", "1KiB..1MiB", "",
     "Largest head of a request or response (http).", false, RELOADABLE, LISTENER(max_header_bytes)},
    {"listener", "max_headers", "number", "100", "1..1000", "", "Most header lines in one head (http).", false, RELOADABLE, LISTENER(max_headers)},
    {"listener", "timeouts", "group", "", "", "", "How long each step may take.", false, RELOADABLE, 0},
    {"listener.timeouts", "handshake", "duration", "10s", "10ms..10m", "", "Time for the TLS handshake.", false, RELOADABLE, LISTENER(handshake_ms)},
    {"listener.timeouts", "header", "duration", "10s", "10ms..10m", "",
     "Time until the head of a request is complete (http).", false, RELOADABLE, LISTENER(header_ms)},
    {"listener.timeouts", "idle", "duration", "", "10ms..7d", "\"60s\"",
     "Time without a byte. Default: 60s for http, 10m for tcp.", false, RELOADABLE, LISTENER(idle_ms)},
    {"listener.timeouts", "body", "duration", "30s", "10ms..1d", "",
     "Longest pause in the body of a request (http).", false, RELOADABLE, LISTENER(body_ms)},
    {"listener.timeouts", "min_body_rate", "number", "", "0..1000000000", "500",
     "Lowest average rate of a request's body, in bytes per second; 0: any (http). Default: 500, but 0 on a plaintext listener that binds to "
     "loopback addresses and unix sockets only.", false, RELOADABLE, LISTENER(min_body_rate)},
    {"listener.timeouts", "write", "duration", "30s", "10ms..1d", "",
     "How long a client may read nothing of what waits for it.", false, RELOADABLE, LISTENER(write_ms)},
    {"listener.timeouts", "max_connection_age", "duration", "", "1s..30d", "\"1h\"",
     "Age from which clients have to open a new connection: HTTP/1.1 learns it by \"Connection: close\" in the next response, HTTP/2 by GOAWAY. It may be a "
     "tenth less. A tcp connection is cut then. Default: no limit.", false, RELOADABLE, LISTENER(max_age_ms)},
    {"listener.timeouts", "max_connection_age_grace", "duration", "", "0s..1d", "\"30s\"",
     "How long requests and tunnels may run on a connection after max_connection_age. Those that still run then end with connection_age. "
     "Default: as long as they need, and 0s for tcp.", false, RELOADABLE, LISTENER(age_grace_ms)},

    {"target", "address", "target", "", "", "\"10.0.0.1:8443\"",
     "Address to connect to: \"host:port\" or \"unix:/path\".", REQUIRED, RELOADABLE, TARGET(address)},
    {"target", "route", "string", "", "", "\"worker1\"",
     "Name of the target in cookies. With sticky mode suffix, the end of the cookie's value.", false, RELOADABLE, TARGET(route)},
    {"target", "weight", "number", "1", "1..256", "",
     "Share of the requests, relative to the weights of the others.", false, RELOADABLE, TARGET(weight)},
    {"target", "backup", "bool", "false", "", "", "Use this target only while no other one is usable.", false, RELOADABLE, TARGET(backup)},

    {"route", "host", "strings", "", "", "[ \"api.example\", \"*.shop.example\" ]",
     "Match: the host of the request is one of these, in full or by suffix. A request whose host is not a well-formed name is refused (400).",
     false, RELOADABLE, ROUTE(host)},
    {"route", "sni", "strings", "", "", "[ \"a.example\", \"*.db.example\" ]",
     "Match: the client's TLS server name is one of these, in full or by suffix (tcp, tls-passthrough).", false, RELOADABLE, ROUTE(sni)},
    {"route", "path", "string", "", "", "\"/admin\"",
     "Match: the path is this, or begins with it and a further segment. Escapes, parameters (\";x\") and letter case do not hide a match.",
     false, RELOADABLE, ROUTE(path)},
    {"route", "path_case", "word", "ignore", "ignore | exact", "",
     "How to compare path. ignore: as the most lenient server reads it (PATHS). exact: as it is written.", false, RELOADABLE, ROUTE(path_case)},
    {"route", "method", "strings", "", "", "[ \"GET\", \"POST\" ]", "Match: the method is one of these. GET includes HEAD.", false, RELOADABLE, ROUTE(method)},
    {"route", "cert", "statuses", "", STATUSES, "\"none\"",
     "Match: the status of the client's certificate is one of these. error: any but valid and none.", false, RELOADABLE, ROUTE(cert)},
    {"route", "caller", "rules", "", "", "( { ou = \"ops\"; } )",
     "Match: the client's certificate is valid and one rule holds.", false, RELOADABLE, ROUTE(caller)},
    {"route", "allow", "rules", "", "", "( { ou = \"ops\"; } )",
     "Gate: a request that matches everything else but meets none of these rules gets 403, and no further route is tried.",
     false, RELOADABLE, ROUTE(allow)},
    {"route", "allow_log_only", "bool", "false", "", "",
     "Test allow: accept clients that it would refuse, and log and count them as would_refuse. A certificate that is not valid is still refused.",
     false, RELOADABLE, ROUTE(allow_log_only)},
    {"route", "upstream", "name", "", "", "\"partner\"", "Act: forward to this upstream.", false, RELOADABLE, ROUTE(upstream)},
    {"route", "redirect", "string", "", "", "\"https://www.example/new\"",
     "Act: redirect to this Location, a URL or an absolute path. It may hold variables (VARIABLES).", false, RELOADABLE, ROUTE(redirect)},
    {"route", "redirect_status", "choice", "302", "301 | 302 | 303 | 307 | 308", "",
     "Status code of the redirect.", false, RELOADABLE, ROUTE(redirect_status)},
    {"route", "respond", "respond", "", "200..599", "404",
     "Act: answer with this status code, or with the text that a group with the keys below gives.", false, RELOADABLE, ROUTE(respond)},
    {"route.respond", "status", "number", "", "200..599", "403", "Status code. Default: 200.", false, RELOADABLE, ROUTE(respond)},
    {"route.respond", "body", "text", "", "", "\"Your certificate is {cert.status}.\\n\"",
     "Text of the answer. It may hold variables (VARIABLES).", false, RELOADABLE, ROUTE(respond_body)},
    {"route.respond", "file", "path", "", "", "\"expired.html\"",
     "File with the text instead, of at most 256 KiB. It is read at the start and at each reload. Variables count in HTML, plain text and JSON; other braces stay.",
     false, RELOADABLE, ROUTE(respond_file)},
    {"route.respond", "type", "string", "", "", "\"text/html\"",
     "Content-Type. Default: by the end of the file's name (html, txt, json, css, js, svg, png, ico), for body text/plain.", false, RELOADABLE,
     ROUTE(respond_type)},
    {"route", "serve", "serve", "", "dashboard | status | health | metrics", "\"dashboard\"",
     "Act: show the state of this daemon. dashboard: a page with buttons for targets. status: JSON. health: 200 or 503. metrics: for Prometheus. "
     "On a listener for other hosts all but health need allow.",
     false, RELOADABLE, ROUTE(serve)},
    {"route", "deny", "deny", "", "", "true", "Act: true is the same as respond = 403.", false, RELOADABLE, ROUTE(respond)},
    {"route", "set_headers", "headers", "", "", "{ X-Client = \"{cert.cn}\"; }",
     "Fields to set in the forwarded request, instead of any of the same name. Values may hold variables (VARIABLES).", false, RELOADABLE, ROUTE(set_headers)},
    {"route", "remove_headers", "strings", "", "", "[ \"X-Debug\" ]",
     "Fields to remove from the forwarded request.", false, RELOADABLE, ROUTE(remove_headers)},
    {"route", "strip_prefix", "string", "", "", "\"/api\"",
     "Prefix to remove from the path before it is forwarded. path must begin with it.", false, RELOADABLE, ROUTE(strip_prefix)},
    {"route", "set_host", "host", "", "upstream | preserve", "\"preserve\"",
     "Host header to send, instead of what the upstream's host says.", false, RELOADABLE, ROUTE(set_host)},

    {"sni", "hosts", "strings", "", "", "[ \"shop.example\", \"*.shop.example\" ]",
     "Server names of this identity, in full or by suffix. Default: the DNS names in the identity's certificate.", false, RELOADABLE, SNI(hosts)},
    {"sni", "identity", "names", "", "", "\"shop\"", "Identity to present, or a list of identities with several kinds of keys.", REQUIRED, RELOADABLE, SNI(identity)},
    {"sni", "trust", "name", "", "", "\"staff\"",
     "Trust to verify these clients with. Default: the trust of the tls group.", false, RELOADABLE, SNI(trust)},
    {"sni", "client_cert", "word", "", "none | optional | required", "\"required\"",
     "Whether these clients must present a certificate. Default: as in the tls group, required when a trust is given.",
     false, RELOADABLE, SNI(client_cert)},
    {"sni", "tolerate", "tolerated", "", TOLERABLE, "[ \"expired\" ]",
     "Accept certificates with these faults. Default: as in the tls group.", false, RELOADABLE, SNI(tolerate)},

    {"allow", "cn", "string", "", "", "\"billing\"",
     "Common name of the subject. A certificate with several common names matches no such rule.", false, RELOADABLE, ALLOW(cn)},
    {"allow", "ou", "string", "", "", "\"ops\"", "Organizational unit of the subject.", false, RELOADABLE,
     ALLOW(ou)},
    {"allow", "o", "string", "", "", "\"Partner Ltd\"", "Organization of the subject.", false, RELOADABLE,
     ALLOW(o)},
    {"allow", "c", "string", "", "", "\"DE\"", "Country of the subject. A certificate with several countries matches no such rule.", false, RELOADABLE,
     ALLOW(c)},
    {"allow", "st", "string", "", "", "\"Bavaria\"", "State or province of the subject, of which a certificate has one.", false, RELOADABLE, ALLOW(st)},
    {"allow", "l", "string", "", "", "\"Munich\"", "Locality of the subject, of which a certificate has one.", false, RELOADABLE, ALLOW(l)},
    {"allow", "subject", "string", "", "", "\"CN=billing,OU=ops,O=Partner Ltd\"",
     "The whole subject, written as in the log: RFC 4514, the last part first. It is compared byte for byte, with its order and case, and takes no *.", false,
     RELOADABLE, ALLOW(subject)},
    {"allow", "dns", "string", "", "", "\"*.ops.example\"", "DNS name. A malformed name or a wildcard in a certificate matches nothing.", false, RELOADABLE, ALLOW(dns)},
    {"allow", "uri", "string", "", "", "\"spiffe://example/ns/*/sa/web\"", "URI. For a SPIFFE ID the trust domain is written out, without stars.", false,
     RELOADABLE, ALLOW(uri)},
    {"allow", "email", "string", "", "", "\"*@example.com\"", "Mail address.", false, RELOADABLE,
     ALLOW(email)},
    {"allow", "ip", "ip", "", "", "\"10.1.0.0/16\"", "IP address, or a range of them.", false, RELOADABLE,
     ALLOW(ip)},
    {"allow", "policy", "string", "", "", "\"1.3.6.1.4.1.99999.1\"",
     "Number of a certificate policy. The certificate must name it, and each CA between it and the root must name it too, or anyPolicy. A policy that a CA maps to "
     "another one matches no rule.", false, RELOADABLE, ALLOW(policy)},
    {"allow", "issuer", "string", "", "", "\"CN=Partner CA,O=Partner Ltd\"", "Name of the CA that issued the certificate. That CA must be in ca of the trust: a CA that only the client sends could have chosen any name.", false,
     RELOADABLE, ALLOW(issuer)},
    {"allow", "serial", "hex", "", "", "\"01ab\"", "Serial number, hex.", false, RELOADABLE, ALLOW(serial)},
    {"allow", "fingerprint", "sha256", "", "", "\"<64 hex digits>\"", "SHA-256 of the certificate, hex.",
     false, RELOADABLE, ALLOW(fingerprint)},
    {"allow", "spki", "sha256", "", "", "\"<64 hex digits>\"", "SHA-256 of the public key, hex.", false,
     RELOADABLE, ALLOW(spki)},
    {"allow", "attribute", "attributes", "", "", "{ role = \"ops\"; }",
     "Attributes of the certificate's row in the registry of the trust, or its owner. All must match; a certificate without a row has none.", false, RELOADABLE,
     ALLOW(attribute)},
};

static const struct config_planned planned[] = {
    {"admin", "dashboard", NULL, NULL},
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
    return strcmp(o->type, "group") == 0 || strcmp(o->type, "sticky") == 0 || strcmp(o->type, "respond") == 0;
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
