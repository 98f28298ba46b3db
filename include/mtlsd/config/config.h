/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration as plain values: what the file says, checked for form and for names that refer to
 * nothing, with every default filled in. No file but the configuration itself is opened here and no key is
 * loaded; control/snapshot does that.
 */
#ifndef MTLSD_CONFIG_CONFIG_H
#define MTLSD_CONFIG_CONFIG_H

#include "mtlsd/base/address.h"
#include "mtlsd/base/err.h"
#include "mtlsd/base/findings.h"
#include "mtlsd/base/ip_range.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings are owned by the config. File names are absolute or relative to the working directory: already
 * joined to the configuration file's folder. "where" is "file:line" of the group. */

struct config_strings {
    char **items;
    size_t n;
};

struct config_ranges {
    struct ip_range *items;
    size_t n;
    bool sockets; /* unix sockets belong to it */
};

struct config_rotate { /* 0: not by that */
    uint64_t every_ms, bytes;
};

struct config_format {
    int word;       /* enum log_format */
    char *pattern;  /* with LOG_FORMAT_PATTERN; else NULL */
    uint64_t uses;  /* bits 1 << enum variable, of the pattern */
};

struct config_log { /* beside the main one; what is bits of enum log_what */
    char *name, *where;
    int level;
    struct config_format format;
    char *target;
    struct config_rotate rotate;
    unsigned what;
};

enum config_origin { CONFIG_SOURCE_FILES, CONFIG_SOURCE_SPIFFE };

/* How a certificate is renewed: config_renew.h reads it. */
struct config_renew {
    char *est, *step; /* the address of the CA; neither: the files are renewed by other programs */
    char *trust;      /* that verifies the CA's server */
    char *before;     /* NULL: 1/3 */
};

struct config_identity {
    char *name, *where;
    enum config_origin source;
    char *spiffe_id;   /* CONFIG_SOURCE_SPIFFE: NULL stands for the first one. bundle is then the name of the SVID (control/workload.h) */
    char *bundle;      /* or certificate and key, or pkcs12 */
    char *certificate; /* NULL with bundle and pkcs12 */
    char *key;
    char *chain; /* intermediates beside certificate; NULL: there is no such file */
    char *pkcs12;
    char *passphrase_file; /* of an encrypted key, or of pkcs12; NULL: none */
    char *pin_file;        /* of the token of a pkcs11: URI in key; NULL: none */
    bool keep_connections; /* those that were opened with an earlier certificate may outlive it */
    struct config_strings allow_uids, allow_gids; /* names or numbers of users and groups that may use it; neither given: all */
    struct config_renew renew;
};

/* Certificates in a database. */
struct config_registry {
    char *name, *where;
    char *database;            /* "sqlite:PATH" with the whole path, or a URI of PostgreSQL, which may hold a password: config_registry_place */
    uint64_t max_staleness_ms; /* 1h */
    bool sessions;             /* write a row for each connection of a verified client */
    bool insecure_sslmode;     /* the URI may ask for less than sslmode=verify-full beyond this host */
};
enum config_registry_mode { CONFIG_REGISTRY_MUST_BE_LISTED, CONFIG_REGISTRY_DENY_LISTED };
/* The database for people: without user and password. */
enum { CONFIG_REGISTRY_PLACE = 300 };
void config_registry_place(const char *database, char out[CONFIG_REGISTRY_PLACE]);
/* PostgreSQL beyond this host, whose URI says nothing of TLS: sslmode=verify-full is meant. */
bool config_registry_wants_tls(const struct config_registry *registry);

/* Where a file may be named, "env:NAME" stands for the text of an environment variable. Its name; NULL: path is a file. */
const char *config_env_name(const char *path);

/* A file that a PostgreSQL database is opened with: by a parameter of the URI, else a variable of the environment, else a default in home. */
struct config_registry_file {
    char *path;      /* owned */
    bool by_default; /* it need not exist */
};
enum { CONFIG_REGISTRY_FILES = 6 };
/* home NULL: there is none. Gives their number, 0 for another database; the caller frees the paths. -1: out of memory, and none is given. */
int config_registry_files(const struct config_registry *registry, const char *home, struct config_registry_file files[CONFIG_REGISTRY_FILES]);

struct config_listener;
struct config_trust;
enum { CONFIG_IDENTITY_FILES = 7, CONFIG_ISSUER_FILES = 2 };
/* The files that it names, without values of the environment and of tokens. Gives their number. */
size_t config_identity_files(const struct config_identity *identity, const char *files[CONFIG_IDENTITY_FILES]);
/* The same of the CA that a listener's forward proxy issues certificates with. */
size_t config_issuer_files(const struct config_listener *l, const char *files[CONFIG_ISSUER_FILES]);
/* The CA file or folder; NULL: "system", or a value of the environment. */
const char *config_trust_file(const struct config_trust *trust);

enum config_ocsp { CONFIG_OCSP_OFF, CONFIG_OCSP_SOFT, CONFIG_OCSP_HARD }; /* as enum tls_ocsp_mode */
enum config_crl_policy { CONFIG_CRL_REQUIRE, CONFIG_CRL_PREFER };

struct config_trust {
    char *name, *where;
    enum config_origin source;
    char *ca; /* file, folder or "system"; CONFIG_SOURCE_SPIFFE: the name of the first bundle (control/workload.h) */
    struct config_strings crl;         /* files; "fetch" among them is taken out */
    bool crl_fetch;                    /* lists are also fetched, from crl_urls or where our own certificates say */
    struct config_strings crl_urls;
    enum config_crl_policy crl_policy; /* require */
    uint64_t crl_grace_ms;             /* 0 */
    unsigned depth;                    /* certificates in a chain, 8 */
    unsigned min_rsa_bits;             /* 2048 */
    bool insecure_no_purpose;          /* certificates without extendedKeyUsage pass */
    struct config_strings pins;        /* SHA-256 of public keys, as base/pin.h reads them; none: any key */
    struct config_strings spiffe_domains; /* none: no SPIFFE ID is required; several with CONFIG_SOURCE_SPIFFE only */
    enum config_ocsp ocsp;             /* off */
    char *ocsp_responder;              /* URL; NULL: the one that a certificate names */
    struct config_strings ocsp_hosts;  /* none: any on a public address */
    uint64_t ocsp_timeout_ms;          /* 3s */
    char *registry;                    /* name; NULL: none */
    enum config_registry_mode registry_mode;
};

enum config_starttls { CONFIG_STARTTLS_OFF, CONFIG_STARTTLS_POSTGRES, CONFIG_STARTTLS_MYSQL, CONFIG_STARTTLS_SMTP, CONFIG_STARTTLS_LDAP, CONFIG_STARTTLS_IMAP };
enum config_tls_version { CONFIG_TLS_1_2, CONFIG_TLS_1_3 };
enum config_client_cert { CONFIG_CLIENT_CERT_NONE, CONFIG_CLIENT_CERT_OPTIONAL, CONFIG_CLIENT_CERT_REQUIRED };
enum config_host { CONFIG_HOST_UPSTREAM, CONFIG_HOST_PRESERVE, CONFIG_HOST_LITERAL };
enum config_protocol { CONFIG_PROTOCOL_HTTP, CONFIG_PROTOCOL_TCP, CONFIG_PROTOCOL_TLS_PASSTHROUGH };
enum config_forwarded { CONFIG_FORWARDED_OFF, CONFIG_FORWARDED_X, CONFIG_FORWARDED_RFC7239 };

/* The policy for clients that send one of these server names. */
struct config_sni {
    char *where;
    struct config_strings hosts; /* exact or "*.suffix", lower case; n 0: the DNS names of the identity's certificate */
    char *identity;
    struct config_strings choices;      /* identities of several kinds of keys, of which identity is the first; none: there is one */
    char *trust;                        /* this and the rest default to the values of the tls block */
    enum config_client_cert client_cert;
    uint64_t tolerate;
};

enum { CONFIG_ALPN_MAX = 8, CONFIG_ALPN_NAME_MAX = 31 }; /* what the TLS library takes */

/* One tls block. An upstream uses the first part and "connect only", a listener the first part and "accept
 * only". */
struct config_tls {
    bool present;
    char *where;
    char *identity; /* name; NULL: present no certificate (upstream only) */
    struct config_strings choices; /* identities to choose from, of which identity is the first; none: there is one */
    char *
        trust; /* name or "system" (the default of an upstream); NULL on a listener: ask for no certificate */
    enum config_tls_version min_version; /* 1.2 */
    enum config_tls_version max_version; /* 1.3 */
    char *priority;                      /* GnuTLS priority string, NULL: ours */
    enum config_starttls starttls;       /* what is said in plaintext before TLS (tcp) */
    struct config_strings alpn;          /* application protocols (ALPN), the preferred one first; none: the protocol's own */
    /* connect only */
    char *server_name;            /* SNI and expected name; NULL: the target's host */
    struct config_strings expect; /* names accepted instead of server_name: dns or uri */
    bool require_client_auth;     /* a server that never asks for our certificate is refused; true with an
                                     identity */
    bool post_handshake_auth;     /* a server may request our certificate later: TLS 1.3 */
    bool renegotiation;           /* the same: TLS 1.2 */
    /* accept only */
    enum config_client_cert client_cert; /* required when a trust is given */
    uint64_t tolerate; /* bits 1 << enum reason: certificates with nothing worse reach the routes, with their status; 0: none */
    bool tickets;      /* clients may resume sessions and are verified again each time; false */
    struct config_sni *identities; /* by server name; identity, when given beside them, is for other names and for none, which are refused without */
    size_t n_identities;
};

/* The policies of a tls block, each as a block of its own that borrows from tls: first those of identities, then the one for other names, if these
 * are served. One policy where the name does not matter. */
/* "http", "tcp", "tls-passthrough". */
struct config_listener;
const char *config_protocol_word(const struct config_listener *l);
/* An upstream may request our certificate after the handshake; then HTTP/2 is not offered, which forbids that (RFC 8740, RFC 9113 section 9.2.1). */
bool config_tls_asked_later(const struct config_tls *tls);
/* "postgres"; NULL: off. */
const char *config_starttls_word(const struct config_tls *tls);
size_t config_tls_policies(const struct config_tls *tls);
struct config_tls config_tls_policy(const struct config_tls *tls, size_t i);
/* The trust with this name has the public CAs of this machine without further limits, so that any client can get a valid certificate. */
struct config;
bool config_tls_trusts_anybody(const struct config *c, const char *trust);
/* Over all policies: whether any of them requests a certificate; the statuses (bits 1 << enum reason) that an accepted client can have. */
bool config_tls_asks(const struct config_tls *tls);
uint64_t config_tls_statuses(const struct config_tls *tls);

struct config_target {
    char *where; /* NULL: written as a plain string in the list */
    struct address address;
    char *text;      /* as written */
    char *route;     /* name that a cookie's suffix, or our own cookie, gives this target; NULL: none */
    unsigned weight; /* share of the requests, 1..256, 1 */
    bool backup;     /* gets requests only while no other target is usable */
};

enum config_balance { CONFIG_BALANCE_ROUND_ROBIN, CONFIG_BALANCE_LEAST_CONN, CONFIG_BALANCE_RANDOM, CONFIG_BALANCE_HASH };
enum config_sticky { CONFIG_STICKY_NONE, CONFIG_STICKY_SUFFIX, CONFIG_STICKY_INSERT, CONFIG_STICKY_CLIENT_CERT };
enum config_proxy_protocol { CONFIG_PROXY_PROTOCOL_NONE, CONFIG_PROXY_PROTOCOL_V1, CONFIG_PROXY_PROTOCOL_V2 };

/* Our own pages. */
enum config_serve { CONFIG_SERVE_NONE, CONFIG_SERVE_DASHBOARD, CONFIG_SERVE_STATUS, CONFIG_SERVE_HEALTH, CONFIG_SERVE_METRICS };
const char *config_serve_word(enum config_serve what); /* as written; not of CONFIG_SERVE_NONE */

struct config_upstream {
    char *name, *where;
    struct config_target *targets; /* at least one */
    size_t n_targets;
    enum config_balance balance;   /* round_robin; hash: by the client's certificate, or its address where there is none */
    enum config_sticky sticky;
    char *sticky_cookie;           /* suffix, insert: the cookie's name */
    uint64_t retry_after_ms;       /* 10s: how long to skip a target after a failed connect */
    unsigned retries;              /* 1: how often a request that a target may have seen is sent again (only where that is safe) */
    char *health_path;             /* active checks: GET this; NULL: connect and shake hands only */
    char *health_grpc;             /* active checks: ask grpc.health.v1 about this service; "": about the server; NULL: do not */
    uint64_t health_interval_ms;   /* 0: no active checks */
    char *health_expect;           /* "200", "200-399" (the default) */
    struct address proxy;          /* HTTP proxy to reach the targets through, by CONNECT */
    char *proxy_text;              /* NULL: none */
    enum config_proxy_protocol send_proxy_protocol;
    enum config_serve serves;      /* we are this upstream ourselves */
    bool http2_prior_knowledge;    /* without TLS: HTTP/2 from the first byte */
    struct config_tls tls;
    unsigned carries;      /* bits 1 << enum config_protocol: of the listeners that forward to it */
    enum config_host host; /* how Host is set; the default depends on the listener's role, see host_given */
    bool host_given;
    char *host_literal;
    uint64_t connect_ms, handshake_ms, response_ms, idle_ms; /* 5s 10s 60s 10m */
    uint64_t max_age_ms, age_grace_ms; /* of a connection: 0, none; UINT64_MAX, not given */
    unsigned pool_max;                                       /* idle connections kept per target and worker; UINT_MAX: not given */
    unsigned pool_spare;                                     /* connections to each target that are kept ready, per worker */
    uint64_t pool_idle_ms;                                   /* how long one is kept, 50s: many servers end theirs after 60s */
};

struct config_header { /* of set_headers, and of the attributes of a rule */
    char *name, *value;
};

/* Every field that is set must hold; NULL is "any". Patterns: '*' inside one label or segment, '**' across.
 */
struct config_allow {
    char *where;
    char *cn, *ou, *o, *c, *st, *l, *subject, *dns, *uri, *email, *ip, *policy, *issuer, *serial, *fingerprint, *spki;
    struct config_header *attribute; /* of the row in the registry: names and patterns, all of which must match */
    size_t n_attribute;
};

enum config_identity_headers { /* bits */
                               CONFIG_HEADERS_RFC9440 = 1,
                               CONFIG_HEADERS_X_SSL = 2,
                               CONFIG_HEADERS_NGINX = 4,
                               CONFIG_HEADERS_XFCC = 8,
};

/* How to write X-Forwarded-Client-Cert, in Envoy's words. */
enum config_xfcc {
    CONFIG_XFCC_SANITIZE_SET,
    CONFIG_XFCC_SANITIZE,
    CONFIG_XFCC_FORWARD_ONLY,
    CONFIG_XFCC_APPEND_FORWARD,
    CONFIG_XFCC_ALWAYS_FORWARD_ONLY,
};
enum config_xfcc_details { CONFIG_XFCC_CERT = 1, CONFIG_XFCC_CHAIN = 2 }; /* bits */

enum config_path_case { CONFIG_PATH_CASE_IGNORE, CONFIG_PATH_CASE_EXACT };

/* Conditions for a request, and the action. The first route of a listener that matches decides. */
struct config_route {
    char *where;
    /* match: all that is given must hold */
    struct config_strings host;    /* exact names or "*.suffix", lower case, without port; in tcp: sni */
    struct config_strings sni;     /* as given; in tcp moved to host */
    char *path;                    /* prefix that ends at a segment's border */
    enum config_path_case path_case; /* ignore; exact also where the wide reading would make a redirect lead to itself */
    struct config_strings method;
    uint64_t cert;                 /* bits 1 << enum reason of certificate statuses; 0: any */
    struct config_allow *caller;   /* the caller's certificate is valid and matches one of these; none given: any */
    size_t n_caller;
    /* a gate, not a match: who came this far and is not allowed gets 403 and no further route is tried */
    struct config_allow *allow;
    size_t n_allow;
    bool allow_log_only; /* the gate only logs and counts the clients that it would refuse */
    /* act: one of upstream, redirect, respond, serve */
    char *upstream;                /* with serve: the upstream that stands for the page */
    enum config_serve serve;
    char *redirect;                /* Location; answered with redirect_status */
    unsigned redirect_status;      /* 302 */
    unsigned respond;              /* status that is answered at once; 0: none */
    char *respond_body, *respond_file; /* one of them is the text of that answer; both NULL: it has none of its own */
    char *respond_type;            /* never NULL with a text, once checked */
    struct config_header *set_headers;
    size_t n_set_headers;
    struct config_strings remove_headers;
    char *strip_prefix;            /* removed from the front of the path before it is forwarded; begins path */
    enum config_host set_host;     /* instead of the upstream's host */
    bool set_host_given;
    char *set_host_literal;
};

enum config_connect { CONFIG_CONNECT_SNIFF, CONFIG_CONNECT_TUNNEL, CONFIG_CONNECT_REFUSE };
enum config_unmatched { CONFIG_UNMATCHED_REFUSE, CONFIG_UNMATCHED_DIRECT };

struct config_forward_proxy {
    bool present;
    enum config_connect connect;     /* sniff */
    enum config_unmatched unmatched; /* refuse: hosts that no route names */
    char *intercept_ca, *intercept_key; /* files of the CA that issues certificates for the hosts of routes; NULL: TLS in a tunnel is not looked into */
    struct config_strings direct;    /* "host", "*.suffix", "host:port": reached directly, private addresses too */
};

struct config_listener {
    char *name, *where;
    struct address *bind;
    char **bind_text;
    size_t n_bind;
    bool insecure_expose;
    enum config_protocol protocol; /* http; once checked, tls-passthrough is tcp with: */
    bool passthrough;              /* the client's own TLS, of which only the ClientHello is read */
    struct config_tls tls;
    char *contact; /* once checked, also that of the top level */
    char *upstream;
    struct config_route *routes; /* never empty once checked: upstream = "X" is one route that matches everything */
    size_t n_routes;
    bool has_host_rules;   /* a route looks at the host */
    bool has_method_rules; /* a route looks at the method */
    bool has_path_rules; /* a route looks at the path or changes it: odd spellings of a path are refused or rewritten */
    bool normalize_path;
    bool rewrite_location, rewrite_location_given; /* not given: in plaintext, for upstreams with tls */
    struct config_forward_proxy forward_proxy;
    char *required_header, *required_header_file; /* a field that requests must carry, and the file with its value; NULL: none */
    bool accept_proxy_protocol; /* every connection must begin with a PROXY header, v1 or v2 */
    bool guards_browsers; /* plaintext http on an internet socket: refuse what a web page could make a browser send (security E1) */
    struct config_strings hosts; /* Host values answered to, beside the defaults: "name" or "name:port" */
    struct config_strings allow_origins;
    struct config_strings allow_uids, allow_gids; /* names or numbers of users and groups whose programs may use it; neither given: all */
    struct config_allow *allow;
    size_t n_allow;                            /* 0: every verified peer */
    bool allow_log_only;                       /* they only log and count the clients that they would refuse */
    unsigned identity_headers;                 /* bits of enum config_identity_headers */
    enum config_xfcc xfcc;                     /* with the preset xfcc; sanitize_set */
    unsigned xfcc_details;                     /* bits of enum config_xfcc_details */
    bool insecure_xfcc;                        /* always_forward_only is meant */
    enum config_forwarded forwarded;           /* x on a listener with tls or trusted_proxies, else off */
    struct config_ranges trusted_proxies;      /* from these forwarded is appended to, and not replaced */
    uint64_t handshake_ms, header_ms, idle_ms; /* 10s 10s; idle 60s for http, 10m for tcp */
    uint64_t body_ms;  /* 30s: a request's body may pause that long; on the whole it must come at min_body_rate */
    uint64_t write_ms; /* 30s: a client that takes nothing of what waits for it */
    uint64_t max_age_ms, age_grace_ms; /* of a connection: 0, none; UINT64_MAX, not given */
    unsigned min_body_rate; /* bytes a second; 0: any; 500, but 0 in plaintext from this host only */
    uint64_t max_header_bytes;                 /* 32KiB */
    unsigned max_headers;                      /* 100 */
};

enum config_watch { CONFIG_WATCH_FILES, CONFIG_WATCH_ALL, CONFIG_WATCH_OFF };

struct config_health { /* where probes ask; text NULL: nowhere */
    char *text;
    struct address address; /* TCP */
};

/* "file:line" of keys that say what run opens; NULL where the key is not given. */
struct config_places {
    char *workers, *admin_socket, *health, *log_target, *crl_cache;
};

struct config {
    char *path;
    struct config_strings files; /* path and every file it includes, as far as there are files */
    struct config_places where;
    unsigned workers;         /* never 0; default: the number of cores that this process may use */
    char *user, *group;       /* to become after a start as root; NULL: none */
    bool insecure_keys_in_process;
    char *contact;            /* for people whose request is refused; NULL: none */
    char *crl_cache;          /* folder for fetched revocation lists; NULL: they are kept in memory only */
    char *admin_socket;       /* path without "unix:", or "systemd:NAME"; NULL: none */
    struct config_health health; /* admin.health */
    int watch;                /* enum config_watch; files */
    bool insecure_no_sandbox; /* the running process keeps every right of its user */
    int log_level;            /* enum log_level; info */
    struct config_format log_format; /* text */
    char *log_target;         /* a file, "stdout", or "stderr" (the default): config_log_place tells them apart */
    struct config_rotate log_rotate;
    unsigned log_what;        /* bits of enum log_what; all */
    struct config_log *logs;
    size_t n_logs;
    unsigned max_connections; /* limits.connections, 0: by the file descriptor limit */
    unsigned max_per_client;  /* limits.per_client, 0: no limit */
    uint64_t drain_ms;        /* 30s */
    uint64_t handover_ms;     /* handover_timeout, 60s */
    struct config_identity *identities;
    size_t n_identities;
    struct config_registry *registries;
    size_t n_registries;
    struct config_trust *trusts;
    size_t n_trusts;
    struct config_upstream *upstreams;
    size_t n_upstreams;
    size_t n_served; /* of these, the last ones: what routes serve */
    struct config_listener *listeners;
    size_t n_listeners;
    struct config_upstream *direct; /* stands for hosts that a forward proxy reaches without a route; NULL: no listener is one */
    struct config_names *names; /* for config_find_..., which find nothing without */
    atomic_uint shared; /* owners beside the first: see config_ref */
};

/* Whether variables count in a text of this type, and as what. */
enum config_text_kind { CONFIG_TEXT_AS_IT_IS, CONFIG_TEXT_HTML, CONFIG_TEXT_PLAIN, CONFIG_TEXT_JSON };
enum config_text_kind config_text_kind(const char *type);

/* Reads, checks and completes a configuration. NULL when findings has an error (every error is in it, not
 * only the first). */
struct config *config_load(const char *path, struct findings *findings);
/* The same from text: name stands for the file in messages and its folder for relative paths. */
struct config *config_parse(const char *text, const char *name, struct findings *findings);
/* One owner more: what was read of the same text is loaded again when files that it names have changed. From any thread, as config_free. */
struct config *config_ref(struct config *config);
/* Gives up one owner's share, and frees it with the last. NULL is fine. */
void config_free(struct config *config);
/* A key or certificate is in a token. */
bool config_has_tokens(const struct config *config);
/* The files of identities and trusts, without revocation lists: borrowed pointers in an array that the caller frees. NULL: out of memory, or *n is 0. */
const char **config_credential_files(const struct config *config, size_t *n);

enum config_log_place { CONFIG_LOG_STDERR, CONFIG_LOG_STDOUT, CONFIG_LOG_FILE };
enum config_log_place config_log_place(const struct config *c);

const struct config_identity *config_find_identity(const struct config *c, const char *name);
const struct config_trust *config_find_trust(const struct config *c, const char *name);
const struct config_registry *config_find_registry(const struct config *c, const char *name);
const struct config_upstream *config_find_upstream(const struct config *c, const char *name);

/* The one table of keys: it drives the reader, the manual page and the sample file. */
struct config_option {
    const char *group; /* "", "identity", "upstream.tls", ...; of lists: "allow", "route", "target", "sni" */
    const char *key;
    const char
        *type; /* "string", "path", "name", "socket", "listen", "host", "hex", "sha256", "trust_domain", "ip", "duration", "size", "number",
                  "bool", "word", "format", "choice" (of numbers), "target", "proxy", "database"; one or a list of them: "strings",
                  "paths", "names", "pins", "words", "accounts", "addresses", "targets", "statuses", "tolerated"; what holds further keys: "group",
                  "groups" (named), "sticky" (or a word), "rules", "routes", "identities" (lists), "headers" and "attributes" (any name) */
    const char *fallback; /* the default, without quotes; "" none, or a default that help explains */
    const char *bounds;   /* "1..1024", "http | tcp", "" */
    const char *example;  /* a value as it stands in a file, with quotes; for keys without a default */
    const char *help;
    bool required;
    bool reloadable;
    size_t offset; /* where the value stands in the struct of its outermost group, or of its list's element */
};
const struct config_option *config_options(size_t *n);

#endif
