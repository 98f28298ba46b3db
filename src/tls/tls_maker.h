/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of making a certificate, for the development CA and for drills. Each gives 0, or -1 with a sentence. */
#ifndef MTLSD_TLS_TLS_MAKER_H
#define MTLSD_TLS_TLS_MAKER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* A certificate and a key being worked on; either may be NULL. */
struct tls_maker {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
};

MUST_CHECK int tls_maker_init(struct tls_maker *m, struct err *err); /* on failure there is nothing to clear */
void tls_maker_clear(struct tls_maker *m);

MUST_CHECK int tls_maker_key(struct tls_maker *m, bool weak, struct err *err); /* ECDSA P-256; weak: RSA with 1024 bits */
MUST_CHECK int tls_maker_dn(struct tls_maker *m, const char *oid, const char *value, struct err *err); /* NULL and "": nothing */
/* Version 3, dates in seconds since 1970, a positive serial number. */
MUST_CHECK int tls_maker_dates(struct tls_maker *m, int64_t not_before, int64_t not_after, uint64_t serial, struct err *err);
MUST_CHECK int tls_maker_key_ids(struct tls_maker *m, gnutls_x509_crt_t issuer, struct err *err);
/* "dns:HOST", "ip:ADDRESS", "uri:URI" or "email:ADDRESS"; ERR_USAGE for anything else. */
MUST_CHECK int tls_maker_san(struct tls_maker *m, const char *san, struct err *err);

/* A serial number as DER wants it: big endian, positive, no needless leading byte. */
struct span tls_maker_serial(uint64_t serial, uint8_t raw[9]);
/* What a GnuTLS error means to the reader. Gives -1. */
int tls_maker_failed(struct err *err, const char *what, int rc);

#endif
