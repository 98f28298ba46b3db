/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's certificate as typed values. Names are kept as (type, raw bytes); whoever compares them compares these, never a
 * printed string. Immutable; one owner.
 */
#ifndef MTLSD_TLS_TLS_PEER_H
#define MTLSD_TLS_TLS_PEER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

enum tls_name_type { TLS_NAME_CN, TLS_NAME_OU, TLS_NAME_O, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_EMAIL, TLS_NAME_IP, TLS_NAME_OTHER };

struct tls_name {
    enum tls_name_type type;
    struct span value; /* raw bytes as in the certificate; IP: 4 or 16 bytes */
};

struct tls_peer {
    const char *subject, *issuer; /* RFC 4514 text, for people: not for decisions */
    char sha256[65], spki_sha256[65];
    const char *serial; /* lower-case hex, no leading 00 */
    int64_t not_before, not_after;
    const struct tls_name *names; /* every CN/OU/O of the subject and every SAN, in order */
    size_t n_names;
    struct span leaf_der;      /* empty when the owner asked to drop it */
    const struct span *chain_der; /* the other certificates as presented */
    size_t n_chain;
};

/* Parses ders[0] as the leaf and keeps copies of all. NULL + err (ERR_PROTOCOL) when the leaf cannot be parsed. */
struct tls_peer *tls_peer_new(const struct span *ders, size_t n, struct err *err);
void tls_peer_free(struct tls_peer *peer);
/* The certificates above the leaf in their order, as far as issuers' names lead, without the anchor (which names itself as issuer) and without
 * what belongs to no such chain. Gives how many; they are borrowed from the peer. Not a judgement: only of use for a peer that was judged valid. */
size_t tls_peer_path(const struct tls_peer *peer, struct span *out, size_t max);
/* The first name of a type, or an empty span. */
struct span tls_peer_first(const struct tls_peer *peer, enum tls_name_type type);

#endif
