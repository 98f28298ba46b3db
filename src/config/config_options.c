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

#define REQUIRED true
#define RELOADABLE true
#define FIXED false /* needs a restart */

/* group, key, type, default, bounds, example, help, required, reloadable, offset */
static const struct config_option options[] = {
    {"", "workers", "number", "", "1..256", "4", "Threads that carry traffic. Default: one per core.", false,
     FIXED, TOP(workers)},
    {"", "drain_timeout", "duration", "30s", "0s..1d", "", "How long a stop waits for what is in flight.",
     false, RELOADABLE, TOP(drain_ms)},
    {"", "admin", "group", "", "", "", "The door for status, reload and drain.", false, FIXED, 0},
    {"", "log", "group", "", "", "", "What is written to stderr.", false, RELOADABLE, 0},
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
    {"log", "format", "word", "text", "text | json", "", "One line per event, for people or for programs.",
     false, RELOADABLE, TOP(log_format)},
    {"limits", "connections", "number", "", "1..1000000", "10000",
     "Connections at once. Default: what the file descriptor limit allows.", false, RELOADABLE,
     TOP(max_connections)},

    {"identity", "bundle", "path", "", "", "\"payments.pem\"",
     "One PEM file with the certificate, its chain and its key.", false, RELOADABLE, IDENTITY(bundle)},
    {"identity", "certificate", "path", "", "", "\"payments.crt\"",
     "Certificate and chain (PEM), together with key instead of bundle.", false, RELOADABLE,
     IDENTITY(certificate)},
    {"identity", "key", "path", "", "", "\"payments.key\"", "Private key (PEM), readable by its owner only.",
     false, RELOADABLE, IDENTITY(key)},

    {"trust", "ca", "path", "", "system", "\"partner-ca.pem\"",
     "CA certificates (PEM): a file, a folder of files, or \"system\".", REQUIRED, RELOADABLE, TRUST(ca)},
    {"trust", "crl", "paths", "", "", "[ \"partner-ca.crl\" ]",
     "Files of certificate revocation lists (PEM or DER).", false, RELOADABLE, TRUST(crl)},
    {"trust", "crl_policy", "word", "require", "require | prefer", "",
     "With a crl given: refuse a certificate that no current list covers (require), or let it pass (prefer).",
     false, RELOADABLE, TRUST(crl_policy)},
    {"trust", "crl_grace", "duration", "0s", "0s..30d", "",
     "How long after its nextUpdate a list still counts.", false, RELOADABLE, TRUST(crl_grace_ms)},
    {"trust", "depth", "number", "8", "1..16", "", "Certificates in a chain, at most.", false, RELOADABLE,
     TRUST(depth)},
    {"trust", "min_rsa_bits", "number", "2048", "2048..16384", "", "The smallest RSA key that is accepted.",
     false, RELOADABLE, TRUST(min_rsa_bits)},

    {"upstream", "targets", "target", "", "", "[ \"api.partner.example:443\" ]",
     "The address to connect to: \"host:port\" or \"unix:/path\".", REQUIRED, RELOADABLE, UPSTREAM(targets)},
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
     "GnuTLS priority string. Default: a modern one.", false, RELOADABLE, UPSTREAM(tls.priority)},
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
    {"upstream.pool", "max", "number", "64", "0..4096", "",
     "How many idle ones each worker keeps; 0 keeps none.", false, RELOADABLE, UPSTREAM(pool_max)},
    {"upstream.pool", "idle", "duration", "60s", "100ms..1d", "", "How long one is kept.", false, RELOADABLE,
     UPSTREAM(pool_idle_ms)},

    {"listener", "bind", "addresses", "", "", "\"127.0.0.1:8080\"",
     "Where to listen: \"host:port\", \":port\", \"unix:/path\", or a list of these.", REQUIRED, FIXED,
     LISTENER(bind)},
    {"listener", "upstream", "name", "", "", "\"partner\"", "The upstream that gets what comes in.", REQUIRED,
     RELOADABLE, LISTENER(upstream)},
    {"listener", "protocol", "word", "http", "http | tcp", "",
     "HTTP/1.1 request by request, or bytes as they are.", false, RELOADABLE, LISTENER(protocol)},
    {"listener", "insecure_expose", "bool", "false", "", "",
     "Allow plaintext on an address that others than this host can reach.", false, RELOADABLE,
     LISTENER(insecure_expose)},
    {"listener", "tls", "group", "", "", "", "Speak TLS to callers. Without it: plaintext.", false,
     RELOADABLE, LISTENER(tls)},
    {"listener.tls", "identity", "name", "", "", "\"server\"", "The identity to present.", REQUIRED,
     RELOADABLE, LISTENER(tls.identity)},
    {"listener.tls", "trust", "name", "", "", "\"clients\"",
     "The trust that callers must satisfy. Default: none, no certificate is asked for.", false, RELOADABLE,
     LISTENER(tls.trust)},
    {"listener.tls", "client_cert", "word", "", "none | optional | required", "\"required\"",
     "Whether a caller must show a certificate. A bad one is refused either way. Default: required when a "
     "trust is given.",
     false, RELOADABLE, LISTENER(tls.client_cert)},
    {"listener.tls", "min_version", "word", "1.2", "1.2 | 1.3", "", "The oldest TLS version that is spoken.",
     false, RELOADABLE, LISTENER(tls.min_version)},
    {"listener.tls", "priority", "string", "", "", "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\"",
     "GnuTLS priority string. Default: a modern one.", false, RELOADABLE, LISTENER(tls.priority)},
    {"listener", "allow", "rules", "", "", "( { ou = \"ops\"; }, { dns = \"*.ops.example\"; } )",
     "Who of the verified callers may pass: one rule must hold, with all its keys. Default: every verified "
     "caller.",
     false, RELOADABLE, LISTENER(allow)},
    {"listener", "identity_headers", "words", "", "rfc9440 | x-ssl", "[ \"rfc9440\", \"x-ssl\" ]",
     "Headers that tell the upstream who called (http). They are removed from what comes in, always. "
     "Default: none.",
     false, RELOADABLE, LISTENER(identity_headers)},
    {"listener", "forwarded", "word", "", "off | x | rfc7239", "\"x\"",
     "X-Forwarded-For and its kin, or Forwarded (http). Default: x on a listener with tls, otherwise off.",
     false, RELOADABLE, LISTENER(forwarded)},
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

    {"allow", "cn", "string", "", "", "\"billing\"", "Common name of the subject.", false, RELOADABLE,
     ALLOW(cn)},
    {"allow", "ou", "string", "", "", "\"ops\"", "Organizational unit of the subject.", false, RELOADABLE,
     ALLOW(ou)},
    {"allow", "o", "string", "", "", "\"Partner Ltd\"", "Organization of the subject.", false, RELOADABLE,
     ALLOW(o)},
    {"allow", "dns", "string", "", "", "\"*.ops.example\"", "DNS name.", false, RELOADABLE, ALLOW(dns)},
    {"allow", "uri", "string", "", "", "\"spiffe://example/ns/*/sa/web\"", "URI, as in SPIFFE IDs.", false,
     RELOADABLE, ALLOW(uri)},
    {"allow", "email", "string", "", "", "\"*@example.com\"", "Mail address.", false, RELOADABLE,
     ALLOW(email)},
    {"allow", "issuer", "string", "", "", "\"CN=Partner CA,O=Partner Ltd\"", "Issuer's name.", false,
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
    {"log", "target", NULL, "the log goes to stderr"},
    {"log", "format", "combined", "use \"text\" or \"json\""},
    {"limits", "per_client", NULL, NULL},
    {"identity", "passphrase_file", NULL, "store the key without a passphrase, readable by its owner only"},
    {"identity", "pkcs12", NULL, "convert it: openssl pkcs12 -in FILE -nodes -out bundle.pem"},
    {"identity", "key", "pkcs11:", "use a key file"},
    {"identity", "certificate", "pkcs11:", "use a certificate file"},
    {"identity", "allow_uids", NULL, NULL},
    {"identity", "allow_gids", NULL, NULL},
    {"trust", "crl", "fetch", "name the files of the lists"},
    {"trust", "pins", NULL, "use allow rules with spki or fingerprint on a listener"},
    {"trust", "spiffe_domain", NULL, "use allow rules with uri on a listener, expect in an upstream's tls"},
    {"upstream", "balance", NULL, NULL},
    {"upstream", "sticky", NULL, NULL},
    {"upstream", "retry_after", NULL, NULL},
    {"upstream", "retries", NULL, NULL},
    {"upstream", "health", NULL, NULL},
    {"upstream", "proxy", NULL, NULL},
    {"upstream", "send_proxy_protocol", NULL, NULL},
    {"upstream.tls", "alpn", NULL, NULL},
    {"upstream.pool", "spare", NULL, NULL},
    {"listener", "allow_uids", NULL, NULL},
    {"listener", "allow_gids", NULL, NULL},
    {"listener", "routes", NULL, "use upstream = \"NAME\""},
    {"listener", "forward_proxy", NULL, NULL},
    {"listener", "accept_proxy_protocol", NULL, NULL},
    {"listener", "hosts", NULL, NULL},
    {"listener", "allow_origins", NULL, NULL},
    {"listener", "allow_log_only", NULL, NULL},
    {"listener", "normalize_path", NULL, NULL},
    {"listener", "rewrite_location", NULL, NULL},
    {"listener", "identity_headers", "xfcc", "use \"rfc9440\" or \"x-ssl\""},
    {"listener", "identity_headers", "nginx", "use \"rfc9440\" or \"x-ssl\""},
    {"listener.tls", "identities", NULL, "use identity = \"NAME\""},
    {"listener.tls", "tolerate", NULL, "a certificate that is not valid is refused"},
    {"listener.tls", "tickets", NULL, "sessions of callers are never resumed"},
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

const char *config_options_suggest(const char *group, const char *key)
{
    const char *candidates[N_OPTIONS];
    size_t n = 0;
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].group, group) == 0)
            candidates[n++] = options[i].key;
    return text_suggest(key, candidates, n);
}

const char *config_options_elsewhere(const char *group, const char *key)
{
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].group, group) != 0 && strcmp(options[i].key, key) == 0)
            return options[i].group;
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
