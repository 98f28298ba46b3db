/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the parts of `mtlsd demo`: app --plaintext--> injector --mutual TLS--> verifier --plaintext--> backend, all
 * on loopback, with bad clients for the verifier and bad servers for the injector.
 */
#ifndef MTLSD_CLI_DEMO_H
#define MTLSD_CLI_DEMO_H

#include "demo_body.h"
#include "demo_peers.h"
#include "demo_pki.h"
#include "demo_process.h"
#include "demo_show.h"
#include "mtlsd/base/address.h"
#include <signal.h>

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
