/* SPDX-License-Identifier: Apache-2.0 */
/* Clients behind a load balancer: the PROXY header is read before anything else of the connection. */
#include "exchange_internal.h"

#include "mtlsd/proxy/proxy_protocol.h"

#include <string.h>

static void take_addresses(struct exchange *x, const struct proxy_protocol_peer *peer)
{
    struct client_address *client = &x->client;
    x->unnamed = !peer->known;
    if (x->unnamed)
        return; /* it speaks for itself */
    *client = (struct client_address){
        .known = true, .v6 = peer->v6, .peer_port = peer->source_port, .local_port = peer->destination_port};
    memcpy(client->peer, peer->source, sizeof(client->peer));
    memcpy(client->local, peer->destination, sizeof(client->local));
    proxy_protocol_source_text(peer, client->text, sizeof(client->text));
}

void exchange_told_in(struct exchange *x, struct span wire, struct moment now)
{
    struct proxy_protocol_peer peer;
    size_t eaten, before = x->held[SIDE_DOWN].len;
    const char *why;
    struct span seen = wire;
    if (before > 0) {
        if (!exchange_hold(x, SIDE_DOWN, wire))
            return;
        seen = bytes_span(&x->held[SIDE_DOWN]);
    }
    switch (proxy_protocol_read(seen, &peer, &eaten, &why)) {
    case PROXY_PROTOCOL_MORE:
        if (before == 0)
            exchange_hold(x, SIDE_DOWN, wire);
        return;
    case PROXY_PROTOCOL_BAD:
        exchange_client_failed(x, REASON_REQUEST_MALFORMED, why, now);
        return;
    case PROXY_PROTOCOL_WHOLE:
        break;
    }
    bytes_clear(&x->held[SIDE_DOWN]);
    take_addresses(x, &peer);
    if (!x->unnamed && !exchange_count_in(x, now))
        return;
    if (x->down.tls != NULL)
        x->phase = PHASE_ACCEPT; /* its time began with the connection */
    else
        exchange_begin(x, now);
    wire = span_skip(wire, eaten - before);
    if (wire.len > 0)
        exchange_on_wire(x, SIDE_DOWN, wire, now);
}

void exchange_told_ended(struct exchange *x, struct moment now)
{
    exchange_client_failed(x, REASON_CLIENT_CLOSED, "the client closed before its PROXY header was complete", now);
}
