/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of making a certificate, for the development CA and for drills. Each gives 0, or -1 and a message in err. */
#ifndef MTLSD_TLS_TLS_MAKER_H
#define MTLSD_TLS_TLS_MAKER_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* A certificate and a key being worked on; either may be NULL. */
struct tls_maker {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
};

MUST_CHECK int tls_maker_init(struct tls_maker *m, struct err *err); /* on failure there is nothing to clear */
void tls_maker_clear(struct tls_maker *m);

/* Imports the PEM text of a certificate and its key. Without a key's text, another key is generated: a CA of the same name that is not the same. */
MUST_CHECK int tls_maker_import(struct tls_maker *m, struct span cert, struct span key, struct err *err);
MUST_CHECK int tls_maker_key(struct tls_maker *m, bool weak, struct err *err); /* ECDSA P-256; weak: RSA with 1024 bits */

/* The contents of a certificate, and its faults. All zero: a good certificate of a client. */
struct tls_maker_shape {
    bool ca;                  /* issues others */
    bool weak, sha1;          /* RSA 1024; signed with SHA-1 */
    bool says_ca, says_no_ca; /* against its place in the chain */
    bool usage_wrong;         /* a CA that may not sign certificates */
    bool unknown_critical;    /* extension */
    bool path_length_0;       /* a CA that allows no other below it */
    const char *purposes[2];  /* OIDs of extendedKeyUsage; none: of a leaf clientAuth, of a CA no extension */
    const char *permitted, *excluded; /* the one DNS name that a CA may (not) issue for */
    const char *const *only;  /* the DNS names that a CA may issue for, and those below them; no address */
    size_t n_only;
};
struct tls_maker_dates {
    int64_t not_before, not_after; /* seconds since 1970 */
};
/* Begins a certificate with a key of its own: version 3, a positive serial number, the dates, and the extensions of its shape. */
MUST_CHECK int tls_maker_begin(struct tls_maker *m, const struct tls_maker_shape *shape, struct tls_maker_dates dates, uint64_t serial, struct err *err);
/* The same for the key of another program: the caller sets the public key. */
MUST_CHECK int tls_maker_begin_for_key(struct tls_maker *m, const struct tls_maker_shape *shape, struct tls_maker_dates dates, uint64_t serial,
                                       struct err *err);
MUST_CHECK int tls_maker_cn(struct tls_maker *m, const char *cn, struct err *err); /* NULL and "": nothing */
struct tls_maker_names {
    const char *cn, *ou, *o; /* NULL and "": left out */
    const char *const *sans; /* "dns:HOST", "ip:ADDRESS", "uri:URI" or "email:ADDRESS"; ERR_USAGE for anything else */
    size_t n_sans;
};
MUST_CHECK int tls_maker_name(struct tls_maker *m, const struct tls_maker_names *names, struct err *err);
MUST_CHECK int tls_maker_san(struct tls_maker *m, const char *san, struct err *err);
/* Sets the key identifiers and signs; the issuer may be m itself. */
MUST_CHECK int tls_maker_sign(struct tls_maker *m, const struct tls_maker *issuer, bool sha1, struct err *err);
/* The same with a key that may be lent, by the hash that suits it. */
MUST_CHECK int tls_maker_sign_with(struct tls_maker *m, gnutls_x509_crt_t issuer, gnutls_privkey_t key, struct err *err);

/* Append PEM text. With broken the last bit of the signature is flipped. */
MUST_CHECK int tls_maker_append_certificate(const struct tls_maker *m, bool broken, struct bytes *out, struct err *err);
MUST_CHECK int tls_maker_append_key(const struct tls_maker *m, struct bytes *out, struct err *err);

/* A serial number as DER wants it: big endian, positive, no needless leading byte. */
struct span tls_maker_serial(uint64_t serial, uint8_t raw[9]);
/* Sets err to what a GnuTLS error means to the reader. Gives -1. */
int tls_maker_failed(struct err *err, const char *what, int rc);

#endif
