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

bool peer_address_is_one(const struct sockaddr_storage *bound)
{
    static const uint8_t any[16];
    bool mapped;
    const uint8_t *bytes = bytes_of(bound, &mapped);
    return bytes != NULL && !mapped && memcmp(bytes, any, bound->ss_family == AF_INET ? 4 : 16) != 0;
}

/* For each connection: inet_ntop would cost as much as all else that is done about it here. */
static void write_v4(char *to, const uint8_t ip[4])
{
    for (int i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *to++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *to++ = (char)('0' + ip[i] / 10 % 10);
        *to++ = (char)('0' + ip[i] % 10);
        *to++ = i < 3 ? '.' : '\0';
    }
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
    if (out->v6)
        inet_ntop(AF_INET6, out->peer, out->text, sizeof(out->text));
    else
        write_v4(out->text, out->peer);
}
