/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number of connections of each client address, in the whole process (security C14). Only addresses with a
 * connection are kept, so the connection limit bounds the table. Workers share it; without a limit it is not used. A
 * hash with a secret key places the addresses.
 */
#ifndef MTLSD_PROXY_CLIENT_COUNT_H
#define MTLSD_PROXY_CLIENT_COUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client_address;
struct client_count;

struct client_count *client_count_new(uint64_t secret, uint64_t more_secret); /* NULL: out of memory */
void client_count_free(struct client_count *c);

/* The key of one client: an IPv4 address, a /64 network of IPv6, or a link-local address. 0: it has no address, and is not counted. */
uint64_t client_count_key(const struct client_address *client);
/* Another connection would be within the limit. */
bool client_count_has_room(struct client_count *c, uint64_t key, unsigned most);
/* One more connection. False: it would be above the limit, or memory ran out; nothing has changed. */
bool client_count_take(struct client_count *c, uint64_t key, unsigned most);
/* Once for each that was taken. */
void client_count_leave(struct client_count *c, uint64_t key);
size_t client_count_addresses(struct client_count *c);

#endif
