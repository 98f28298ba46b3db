/* SPDX-License-Identifier: Apache-2.0 */
#include "demo.h"
#include "mtlsd/io/probe.h"

#include <signal.h>
#include <time.h>

struct address demo_address(uint16_t port)
{
    return (struct address){.kind = ADDRESS_TCP, .host = "127.0.0.1", .port = port};
}

uint16_t demo_take_port(struct demo *d, struct err *err)
{
    uint16_t port = 0;
    if (d->n_reserved == DEMO_PORTS_MAX) {
        err_set(err, ERR_INTERNAL, "more ports than the demo expects");
        return 0;
    }
    int fd = probe_reserve(&port, err);
    if (fd < 0)
        return 0;
    d->reserved[d->n_reserved++] = fd;
    return port;
}

struct demo_peer *demo_add_peer(struct demo *d, enum demo_peer_kind kind, struct tls_context *tls, struct err *err)
{
    if (d->n_peers == DEMO_PEERS_MAX) {
        err_set(err, ERR_INTERNAL, "more servers than the demo expects");
        return NULL;
    }
    struct demo_peer *peer = &d->peers[d->n_peers];
    if (demo_peer_open(peer, kind, tls, err) != 0)
        return NULL;
    peer->body = &d->body;
    peer->tally = &d->tally;
    d->n_peers++;
    return peer;
}

bool demo_interrupted(struct demo *d)
{
    const struct timespec now = {0, 0};
    d->interrupted = d->interrupted || sigtimedwait(&d->signals, NULL, &now) > 0;
    return d->interrupted;
}
