/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd demo`. */
#ifndef MTLSD_CLI_DEMO_H
#define MTLSD_CLI_DEMO_H

#include "mtlsd/base/address.h"
#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/io/http_client.h"
#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/tls/tls_pki.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A body of any length that both ends can compute, so that every byte is compared and none is stored. */

enum { DEMO_BODY_PERIOD = 65521 }; /* a prime: no buffer size divides it, so a lost or repeated buffer shows */

struct demo_body {
    uint8_t period[DEMO_BODY_PERIOD];
};

void demo_body_init(struct demo_body *body);
void demo_body_fill(const struct demo_body *body, uint64_t offset, uint8_t *out, size_t n);
bool demo_body_equals(const struct demo_body *body, uint64_t offset, const uint8_t *data, size_t n);

/* The far ends of the demo: plaintext backends behind the verifier, and misbehaving servers for the injector. They are one child process with a
 * thread per connection, and end with it. */

enum demo_peer_kind {
    DEMO_PEER_HTTP,   /* GET /who: the identity headers it saw; GET /down: DEMO_LARGE bytes; PUT /up: compares what comes;
                         GET /tally: what all peers counted, as "REQUESTS LEAKS" */
    DEMO_PEER_ECHO,   /* gives back every byte, and the end */
    DEMO_PEER_TLS,    /* a handshake, then silence */
    DEMO_PEER_PLAIN,  /* answers a ClientHello in plaintext */
    DEMO_PEER_SILENT, /* accepts and says nothing */
};

#define DEMO_LARGE ((uint64_t)64 * 1024 * 1024)

struct demo_tally {
    atomic_ulong requests; /* that reached the http backend, /tally apart */
    atomic_ulong leaks;    /* misbehaving servers that were sent something after the handshake */
};

struct demo_peer {
    enum demo_peer_kind kind;
    int listener;
    uint16_t port;
    struct tls_context *tls; /* DEMO_PEER_TLS; owned */
    const struct demo_body *body;
    struct demo_tally *tally; /* the child's exit code counts */
};

/* Opens the listening socket; *tls is taken on success. */
MUST_CHECK int demo_peer_open(struct demo_peer *peer, enum demo_peer_kind kind, struct tls_context *tls, struct err *err);
void demo_peer_close(struct demo_peer *peer);
/* Starts the child; it serves at once, because its sockets listen already. -1 + err. */
MUST_CHECK pid_t demo_peers_start(struct demo_peer *peers, size_t n, struct err *err);

/* The demo's throw-away certificates: a CA, issued certificates, and deliberately bad ones. Each is also a file in the folder. */

#define DEMO_SERVER_NAME "server.demo.example"
#define DEMO_APP_NAME "payments-app"
#define DEMO_APP_URI "spiffe://demo.example/payments"

struct demo_pki {
    const char *folder; /* borrowed */
    int64_t now;
    uint64_t serial; /* of the last certificate */
    struct tls_pki_pair ca, other_ca;
    struct tls_trust *trust, *other_trust;
};

/* The CA as ca.pem, and a second CA that only a stand-in server trusts. */
MUST_CHECK int demo_pki_init(struct demo_pki *pki, const char *folder, struct err *err);
void demo_pki_clear(struct demo_pki *pki);

/* Certificate and key as FOLDER/name.pem; dates are ours to fill. Gives the identity, or NULL + err. */
struct tls_identity *demo_pki_issue(struct demo_pki *pki, struct tls_pki_order *order, const char *name, struct err *err);
/* A client certificate of that kind. ou decides whether the verifier's allow rule takes it. */
struct tls_identity *demo_pki_client(struct demo_pki *pki, enum tls_pki_bad bad, const char *ou, const char *name, struct err *err);
/* Revokes the certificate that was issued last, in FOLDER/ca.crl. */
MUST_CHECK int demo_pki_revoke_last(struct demo_pki *pki, struct err *err);

/* One mtlsd of the demo: this program as a separate process with its configuration, and requests to its admin socket. */

enum { DEMO_PATH_MAX = 400 };

struct demo_process {
    const char *name;
    pid_t pid; /* 0: not running */
    char config[DEMO_PATH_MAX], log[DEMO_PATH_MAX], socket[DEMO_PATH_MAX];
};

/* Writes FOLDER/name.conf and runs it; its log goes to FOLDER/name.log, its admin socket is FOLDER/name.sock. */
MUST_CHECK int demo_process_start(struct demo_process *p, const char *folder, const char *name, struct span config, struct err *err);
/* Waits until it says that it is ready. */
MUST_CHECK int demo_process_ready(struct demo_process *p, unsigned within_ms, struct err *err);
/* Asks it to drain, waits, and if need be ends it. The exit code, or -1 when it had to be ended or a signal did. */
int demo_process_stop(struct demo_process *p, unsigned within_ms);
void demo_process_kill(pid_t pid); /* at once, and reaps; 0 is fine */

struct demo_refusals {
    size_t n;
    char newest[64]; /* its reason word, "" when there is none */
};
/* Its refusals so far. */
MUST_CHECK int demo_process_refusals(const struct demo_process *p, struct demo_refusals *out, struct err *err);
/* Waits until there are more than n. */
MUST_CHECK int demo_process_next_refusal(const struct demo_process *p, size_t n, struct demo_refusals *out, struct err *err);

/* The output of the demo: sections of rows, each with a verdict, and a count at the end. Colours only on a terminal, unless NO_COLOR is set. */

struct demo_show {
    bool colour;
    unsigned rows, failed;
    double began; /* of probe_seconds */
};

void demo_show_begin(struct demo_show *s);
void demo_show_section(const struct demo_show *s, const char *title, const char *columns); /* columns: NULL for none */
/* One line and its verdict. */
void demo_show_row(struct demo_show *s, bool ok, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A further line without a verdict. */
void demo_show_note(const struct demo_show *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* True when there were rows and all held. */
bool demo_show_end(const struct demo_show *s);

/* The demo's app: requests on one connection to one of our listeners. */

enum { DEMO_STALL_MS = 10000 /* without a byte */ };

struct demo_http {
    struct http_client *client; /* owned */
    struct http_call call;      /* of the last request */
    struct http_reply reply;    /* owned; of it */
    struct err err;             /* why there was none */
    const struct demo_body *body;
    bool equal;                 /* the body that came is the known one */
};

/* The known body is what is sent and compared. */
void demo_http_begin(struct demo_http *h, const struct demo_body *body);
void demo_http_end(struct demo_http *h);
/* True when an answer came whole. compare: its body is compared instead of kept; upload: how much of the known body is sent. */
MUST_CHECK bool demo_http_ask(struct demo_http *h, const struct http_call *call, bool compare);
const char *demo_http_text(const struct demo_http *h); /* the body that was kept */

/*
 * Shared by the parts of `mtlsd demo`: app --plaintext--> injector --mutual TLS--> verifier --plaintext--> backend, all
 * on loopback, with bad clients for the verifier and bad servers for the injector.
 */

enum { DEMO_PEERS_MAX = 24, DEMO_PORTS_MAX = 32, DEMO_SERVERS_MAX = 20, DEMO_CALLERS_MAX = 16 };

struct demo_caller { /* of the verifier */
    const char *name;
    struct tls_identity *identity; /* owned; NULL: has none */
    enum reason expected;
};

struct demo_server { /* of the injector */
    const char *name;
    uint16_t target, listener; /* where it is, and the injector's port that leads to it */
    enum reason expected;
};

struct demo {
    char folder[DEMO_PATH_MAX];
    sigset_t signals; /* that end it; blocked while it runs */
    bool interrupted;
    struct demo_show show;
    struct demo_pki pki;
    struct demo_body body;
    struct demo_tally tally;
    struct demo_peer peers[DEMO_PEERS_MAX];
    size_t n_peers;
    pid_t peers_pid;
    int reserved[DEMO_PORTS_MAX];
    size_t n_reserved;
    uint16_t backend_http, backend_tcp, verifier_http, verifier_tcp, app_http, app_tcp;
    struct demo_caller callers[DEMO_CALLERS_MAX];
    size_t n_callers;
    struct demo_server servers[DEMO_SERVERS_MAX];
    size_t n_servers;
    struct demo_process verifier, injector;
};

/* demo_state.c */
/* A port that one of our processes will listen on; kept until the end. 0 + err. */
uint16_t demo_take_port(struct demo *d, struct err *err);
struct demo_peer *demo_add_peer(struct demo *d, enum demo_peer_kind kind, struct tls_context *tls, struct err *err);
struct address demo_address(uint16_t port);
/* Checks whether a signal asks for an end. */
bool demo_interrupted(struct demo *d);

struct demo_count {
    unsigned long requests, leaks;
};
/* Asks the peers what reached them so far (demo_chain.c). */
MUST_CHECK bool demo_ask_tally(const struct demo *d, struct demo_count *out);

/* demo_callers.c: certificates offered to the verifier. */
MUST_CHECK int demo_callers_prepare(struct demo *d, struct err *err);
void demo_callers_show(struct demo *d);
/* demo_servers.c: servers offered to the injector. */
MUST_CHECK int demo_servers_prepare(struct demo *d, struct err *err);
void demo_servers_write_upstreams(const struct demo *d, struct bytes *out);
void demo_servers_write_listeners(const struct demo *d, struct bytes *out);
void demo_servers_show(struct demo *d);
/* demo_chain.c: requests through the whole chain. */
void demo_chain_show(struct demo *d);

#endif
