/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that a forward proxy must not reach for a stranger: what only this host, this link or this network should reach (security E3). */
#ifndef MTLSD_POLICY_SPECIAL_ADDRESS_H
#define MTLSD_POLICY_SPECIAL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * bytes: 4 (IPv4) or 16 (IPv6), network order. NULL for a public unicast address, else a word: "loopback", "private", "link-local", "multicast",
 * "unspecified", "reserved", "shared", "documentation" (RFC 6890 and the IANA special-purpose registries). Any other n is "reserved".
 *
 * An IPv6 form that carries an IPv4 address (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) has the word of the address inside. With a
 * public one inside it is still "reserved", but for NAT64's 64:ff9b::/96, which is how hosts without IPv4 reach the public Internet, and ISATAP.
 */
const char *special_address_kind(const uint8_t *bytes, size_t n);

/* Addresses to which only the configuration may send us: this host, its link (with a cloud's metadata), and addresses that are no destination.
 * Private networks are not among them. kind: as above, may be NULL. */
bool special_address_is_near(const char *kind);

#endif
