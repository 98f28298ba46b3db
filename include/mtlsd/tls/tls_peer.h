/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A peer's certificate as typed values. Names are kept as (type, raw bytes); compare these, never a printed string. One
 * owner; immutable, except for the path and the row in the registry, which change with each verification.
 */
#ifndef MTLSD_TLS_TLS_PEER_H
#define MTLSD_TLS_TLS_PEER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_registry.h"

enum tls_name_type { TLS_NAME_CN, TLS_NAME_OU, TLS_NAME_O, TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_EMAIL, TLS_NAME_IP, TLS_NAME_OTHER };

struct tls_name {
    enum tls_name_type type;
    struct span value; /* raw bytes as in the certificate; IP: 4 or 16 bytes */
};

struct tls_peer {
    const char *subject, *issuer; /* RFC 4514 text, for people and for those who compare such texts */
    bool subject_cut, issuer_cut; /* it is not the name: more than 16 KiB were cut, or there is none. Only for people, then */
    bool subject_empty;           /* the subject has no RDN, as that of many a SPIFFE identity */
    char sha256[65], spki_sha256[65];
    const char *serial; /* lower-case hex, no leading 00 */
    int64_t not_before, not_after;
    size_t n_cns;                 /* of the subject. If there are several, none is shown or matched: programs do not agree which one counts */
    bool has_odd_names;           /* a CN, OU or O that is no text (TLS_NAME_OTHER): to another reader it may be any */
    const struct tls_name *names; /* the one CN, every OU and O of the subject and every SAN, in order */
    size_t n_names;
    struct span der;
    const struct span *path; /* the certificates above it by which it was judged valid, nearest first; see tls_judge_path */
    size_t n_path;           /* 0: none, or not judged valid */
    bool by_anchor;         /* judged valid, and issued by a CA of the trust itself: any CA below one could have chosen the issuer's name */
    struct tls_registry_text *registry; /* owner, note and attributes of its row in the registry of the trust; counted; NULL: none */
    void *path_block;        /* owned */
    size_t block_bytes;     /* of the memory that this lies in */
};

/* Keeps a copy of the certificate. NULL + err (ERR_PROTOCOL) when it cannot be parsed. */
struct tls_peer *tls_peer_new(struct span der, struct err *err);
/* The same in memory of its own, its path too. NULL: out of memory. */
struct tls_peer *tls_peer_copy(const struct tls_peer *peer);
void tls_peer_free(struct tls_peer *peer);
/* Keeps copies of these in place of the path it had. Without memory for them it has none, and is not by_anchor. by_anchor: see tls_path. */
void tls_peer_set_path(struct tls_peer *peer, const struct span *ders, size_t n, bool by_anchor);
/* Takes text, in place of the one it had. */
void tls_peer_set_registry(struct tls_peer *peer, struct tls_registry_text *text);
/* Whether its subjectAltName, the only place where a server's names count, holds none. */
bool tls_peer_is_nameless(const struct tls_peer *peer);
/* The first name of a type, or an empty span. */
struct span tls_peer_first(const struct tls_peer *peer, enum tls_name_type type);

#endif
