/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indexed revocation lists: whether a serial of an issuer is revoked, and whether its list is genuine and fresh. A
 * lookup costs the same with a million entries as with one. Only full lists of one CA: delta, indirect and scoped lists
 * are refused, because a part of them would be ignored. RFC 5280 section 5.
 */
#ifndef MTLSD_TLS_CRL_H
#define MTLSD_TLS_CRL_H

#include "mtlsd/base/findings.h"
#include "tls_internal.h"

struct tls_crl_index;

struct tls_crl_index *tls_crl_index_new(void); /* NULL: out of memory */
void tls_crl_index_free(struct tls_crl_index *index);

struct tls_crl_source {
    const struct tls_file *file; /* PEM, any number of lists, or one list in DER */
    const struct tls_anchor *anchors;
    size_t n_anchors;
    int64_t now;
    bool fetched; /* then a list of an unknown issuer is refused, and a list that is not valid yet */
};
/* A list of an anchor must be signed by it. A list of an unknown issuer is kept for an intermediate with that name, with a warning. */
MUST_CHECK int tls_crl_add(struct tls_crl_index *index, const struct tls_crl_source *source,
                           struct findings *notes, struct err *err);

struct tls_crl_answer {
    bool untold;  /* memory was lacking to look at a list that may be this issuer's; then nothing else is set */
    bool covered; /* there is a genuine list of this issuer; without it nothing else is set */
    bool revoked;
    int64_t this_update, next_update;
    const char *file; /* borrowed from the index */
};
/* The newest genuine list of the issuer answers. Safe from many threads. */
void tls_crl_look_up(const struct tls_crl_index *index, const struct tls_cert *issuer,
                     gnutls_x509_crt_t issuer_crt, struct span serial, struct tls_crl_answer *out);

/* Whether fresh may replace old: each issuer that had a list still has one, and no list is older than the one before it. An older list would accept
 * certificates that were revoked since. err names the list that stays. */
MUST_CHECK int tls_crl_check_succession(const struct tls_crl_index *old, const struct tls_crl_index *fresh, struct err *err);
/* The same lists, one by one. */
bool tls_crl_same(const struct tls_crl_index *a, const struct tls_crl_index *b);
/* The list of an issuer, without a question about a serial. false: there is none. */
struct tls_crl_coverage {
    int64_t this_update, next_update;
    size_t revoked;
    const char *file; /* borrowed from the index */
};
bool tls_crl_covers(const struct tls_crl_index *index, const struct tls_anchor *issuer, struct tls_crl_coverage *out);

struct tls_crl_totals {
    size_t lists, revoked;
    size_t bytes; /* of memory for the serials */
    int64_t first_next_update; /* 0: no list */
};
void tls_crl_totals(const struct tls_crl_index *index, struct tls_crl_totals *out);

/* The soonest nextUpdate of what came from the file of this name; 0: nothing did. */
int64_t tls_crl_ends(const struct tls_crl_index *index, const char *file);

#endif
