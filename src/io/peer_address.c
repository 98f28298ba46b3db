/* SPDX-License-Identifier: Apache-2.0 */
#include "peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* The address's bytes; NULL when the family is neither. *mapped: it is an IPv4 address written as IPv6. */
static const uint8_t *bytes_of(const struct sockaddr_storage *address, bool *mapped)
{
    *mapped = false;
    if (address->ss_family == AF_INET)
        return (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
    if (address->ss_family != AF_INET6)
        return NULL;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    *mapped = IN6_IS_ADDR_V4MAPPED(v6);
    return v6->s6_addr;
}

/* Port stands at the same place in both kinds. */
static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

void peer_address_unknown(struct client_address *out, bool internet)
{
    *out = (struct client_address){0};
    snprintf(out->text, sizeof(out->text), "%s", internet ? "unknown" : "unix");
}

void peer_address_fill(struct client_address *out, const struct sockaddr_storage *peer, const struct sockaddr_storage *local)
{
    bool peer_mapped, local_mapped;
    const uint8_t *from = bytes_of(peer, &peer_mapped), *to = bytes_of(local, &local_mapped);
    peer_address_unknown(out, true);
    if (from == NULL || to == NULL || peer->ss_family != local->ss_family || peer_mapped != local_mapped)
        return;
    size_t skip = peer_mapped ? 12 : 0;
    out->known = true;
    out->v6 = peer->ss_family == AF_INET6 && !peer_mapped;
    size_t n = out->v6 ? 16 : 4;
    memcpy(out->peer, from + skip, n);
    memcpy(out->local, to + skip, n);
    out->peer_port = port_of(peer);
    out->local_port = port_of(local);
    inet_ntop(out->v6 ? AF_INET6 : AF_INET, out->peer, out->text, sizeof(out->text));
}
