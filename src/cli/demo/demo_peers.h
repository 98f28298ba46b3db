/* SPDX-License-Identifier: Apache-2.0 */
/* The far ends of the demo: plaintext backends behind the verifier, and misbehaving servers for the injector. They are one child process with a
 * thread per connection, and end with it. */
#ifndef MTLSD_CLI_DEMO_PEERS_H
#define MTLSD_CLI_DEMO_PEERS_H

#include "demo_body.h"
#include "mtlsd/tls/tls_engine.h"
#include <stdatomic.h>
#include <sys/types.h>

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
    struct demo_tally *tally; /* the child's is the one that counts */
};

/* Opens the listening socket; *tls is taken on success. */
MUST_CHECK int demo_peer_open(struct demo_peer *peer, enum demo_peer_kind kind, struct tls_context *tls, struct err *err);
void demo_peer_close(struct demo_peer *peer);
/* Starts the child; it serves at once, because its sockets listen already. -1 + err. */
MUST_CHECK pid_t demo_peers_start(struct demo_peer *peers, size_t n, struct err *err);

#endif
