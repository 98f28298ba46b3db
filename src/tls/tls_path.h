/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the paths from a leaf up to an anchor through a peer's certificates, in any order and with superfluous ones.
 * Only names, key identifiers and signatures are compared here; tls_judge decides whether a path is good. The work is
 * bounded, because the peer chooses the input.
 */
#ifndef MTLSD_TLS_PATH_H
#define MTLSD_TLS_PATH_H

#include "tls_internal.h"

enum {
    TLS_PATH_MAX_PRESENTED = 64, /* certificates of a peer that are looked at */
    TLS_PATH_MAX_LENGTH = 16,    /* certificates in a path; a trust's own depth is the judge's business */
};

struct tls_path_node {
    const struct tls_cert *cert;
    gnutls_x509_crt_t crt;
};

struct tls_path_finder {
    const struct tls_trust *trust;
    size_t domain; /* of the leaf: anchors of other trust domains do not count; none: it is refused for that, and any anchor may tell that it is revoked */
    struct tls_cert presented[TLS_PATH_MAX_PRESENTED];  /* [0] is the leaf */
    gnutls_x509_crt_t imported[TLS_PATH_MAX_PRESENTED]; /* NULL until needed */
    size_t n_presented;
    /* the path being walked: leaf first */
    struct tls_path_node path[TLS_PATH_MAX_LENGTH];
    size_t cursor[TLS_PATH_MAX_LENGTH]; /* next candidate for the issuer of path[i] */
    size_t length;
    unsigned signatures_left, steps_left;
    bool too_long; /* a path was given up because it grew past the maximum */
};

/* ders[0] must have been read and imported by the caller; leaf_crt stays the caller's. */
void tls_path_start(struct tls_path_finder *f, const struct tls_trust *trust, const struct span *ders,
                    size_t n, gnutls_x509_crt_t leaf_crt);
/* The next path, path[0..length), whose last certificate is an anchor. false: there is none, or the work is
 * used up. */
bool tls_path_next(struct tls_path_finder *f);
void tls_path_stop(struct tls_path_finder *f);

/* Whether the issuer's key made the child's signature. Costs up to a millisecond. */
bool tls_path_is_signed(gnutls_x509_crt_t child, gnutls_x509_crt_t issuer);

#endif
