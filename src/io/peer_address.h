/* SPDX-License-Identifier: Apache-2.0 */
/* Converts socket addresses to bytes, ports and a text. */
#ifndef MTLSD_IO_PEER_ADDRESS_H
#define MTLSD_IO_PEER_ADDRESS_H

#include "mtlsd/proxy/proxy_env.h"

struct sockaddr_storage;

/* Both ends of one connection, so of the same family; IPv4 in IPv6 clothes (RFC 4291 section 2.5.5.2) becomes IPv4. */
void peer_address_fill(struct client_address *out, const struct sockaddr_storage *peer, const struct sockaddr_storage *local);
/* Whether all connections that a socket bound there accepts have that address for their own end: not where it takes those to any interface. */
bool peer_address_is_one(const struct sockaddr_storage *bound);
/* internet: the client left before it could be asked; else it came by a unix socket. */
void peer_address_unknown(struct client_address *out, bool internet);

#endif
