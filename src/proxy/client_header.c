/* SPDX-License-Identifier: Apache-2.0 */
/* Clients behind a load balancer: the PROXY header is read before anything else of the connection. */
#include "client_internal.h"

#include "mtlsd/proxy/proxy_protocol.h"

#include <string.h>

static void take_addresses(struct client *c, const struct proxy_protocol_peer *peer)
{
    struct client_address *client = &c->who.address;
    c->is.unnamed = !peer->known;
    if (c->is.unnamed)
        return; /* it speaks for itself */
    *client = (struct client_address){
        .known = true, .v6 = peer->v6, .peer_port = peer->source_port, .local_port = peer->destination_port};
    memcpy(client->peer, peer->source, sizeof(client->peer));
    memcpy(client->local, peer->destination, sizeof(client->local));
    proxy_protocol_source_text(peer, client->text, sizeof(client->text));
}

void client_header_in(struct client *c, struct span wire, struct moment now)
{
    struct proxy_protocol_peer peer;
    size_t eaten, before = c->held.len;
    const char *why;
    struct span seen = wire;
    if (before > 0) {
        if (!client_hold(c, wire))
            return;
        seen = bytes_span(&c->held);
    }
    switch (proxy_protocol_read(seen, &peer, &eaten, &why)) {
    case PROXY_PROTOCOL_MORE:
        if (before == 0)
            client_hold(c, wire);
        return;
    case PROXY_PROTOCOL_BAD:
        client_failed(c, REASON_REQUEST_MALFORMED, why, NULL, now);
        return;
    case PROXY_PROTOCOL_WHOLE:
        break;
    }
    bytes_clear(&c->held);
    take_addresses(c, &peer);
    if (!c->is.unnamed && !client_count_in(c, now))
        return;
    client_secure(c, now);
    wire = span_skip(wire, eaten - before);
    if (wire.len > 0)
        client_on_wire(c, wire, now);
}

void client_header_ended(struct client *c, struct moment now)
{
    client_failed(c, REASON_CLIENT_CLOSED, "the client closed before its PROXY header was complete", NULL, now);
}
