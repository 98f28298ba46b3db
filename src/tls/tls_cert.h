/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of one certificate in its DER (RFC 5280 4.1). Everything borrows the DER. And the certificate as the library reads it. */
#ifndef MTLSD_TLS_CERT_H
#define MTLSD_TLS_CERT_H

#include "mtlsd/tls/tls_peer.h"
#include "tls_der.h"

#include <gnutls/x509.h>

/* RFC 5280 allows 20; some CAs do not keep to it. Also for the lists that could revoke it. */
enum { TLS_CERT_MAX_SERIAL_BYTES = 64 };

struct tls_cert {
    struct span der;
    struct span serial;     /* content of the INTEGER */
    struct span issuer;     /* whole Name */
    struct span subject;    /* whole Name */
    struct span spki;       /* whole SubjectPublicKeyInfo */
    struct span san;        /* the GeneralNames SEQUENCE; empty when there is no subjectAltName */
    struct span extensions; /* content of the SEQUENCE OF Extension */
    int64_t not_before, not_after;
};

/* -1 when the bytes are not one well-formed certificate, or an extension appears twice. */
MUST_CHECK int tls_cert_read(struct span der, struct tls_cert *out);
/* The bytes as the library takes them; borrowed. */
gnutls_datum_t tls_cert_datum(struct span bytes);
/* For the library, which keeps a copy: the caller gives *out to gnutls_x509_crt_deinit. 0 or a GnuTLS error, then *out is NULL. */
MUST_CHECK int tls_cert_import(struct span der, gnutls_x509_crt_t *out);
/* Both. An error may also be GNUTLS_E_MEMORY_ERROR. */
MUST_CHECK int tls_cert_open(struct span der, struct tls_cert *out, gnutls_x509_crt_t *crt);
/* Whether the certificate is of the public key with this SHA-256. */
bool tls_cert_has_public_id(gnutls_x509_crt_t crt, const uint8_t id[32]);
/* Whether the private key belongs to the certificate. */
bool tls_cert_has_key(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key);

/* The signed bytes, the algorithm and the signature of a certificate or a revocation list. */
struct tls_cert_envelope {
    struct tls_der tbs, algorithm;
    struct span signature;
};
/* The bits around are held to their one form, so that one certificate has one fingerprint. */
MUST_CHECK int tls_cert_read_envelope(struct span der, struct tls_cert_envelope *out);

struct tls_cert_extension {
    struct span oid; /* content of the OID */
    bool critical;
    struct span value; /* content of the OCTET STRING */
};
/* Takes one extension off *rest; -1 when it is not well-formed. Also reads the extensions of a CRL. */
MUST_CHECK int tls_cert_next_extension(struct span *rest, struct tls_cert_extension *out);
/* Takes the content of a SEQUENCE OF Extension as those of *out, and finds its san. -1: not well-formed, too many, or one appears twice. */
MUST_CHECK int tls_cert_read_extensions(struct span list, struct tls_cert *out);
/* The value of the extension with this OID, which a certificate has once at most. false: it has none. */
bool tls_cert_find_extension(const struct tls_cert *cert, const char *oid, struct span *value);

/* Whether a signature by this key (a whole SubjectPublicKeyInfo) is checked in reasonable time. A peer may present a key of any size and exponent. */
bool tls_cert_key_is_affordable(struct span spki);

/* Whether the content of an INTEGER is a serial number that has one meaning: needless sign bytes before a negative one would give one number
 * several forms. (Needless zeros are legion and taken off where serials are compared.) */
bool tls_cert_serial_is_plain(struct span serial);
/* The content of an INTEGER without leading zero bytes: a serial number as people know it. */
struct span tls_cert_serial_digits(struct span serial);

/* Called for each attribute of a distinguished name, with the content of its OID. Gives 0 to go on. */
typedef int (*tls_cert_attribute_fn)(void *ctx, struct span oid, const struct tls_der *value);
/* -1: not well-formed, or on_each gave something else than 0. */
MUST_CHECK int tls_cert_each_attribute(struct span name, tls_cert_attribute_fn on_each, void *ctx);
/* How many common names the subject has, of whatever string type. */
size_t tls_cert_count_cns(const struct tls_cert *cert);
/* Whether a CN, OU or O of the subject is no text. */
bool tls_cert_has_odd_names(const struct tls_cert *cert);

/* Called for each name. Gives 0 to go on. */
typedef int (*tls_cert_name_fn)(void *ctx, const struct tls_name *name);
/* CN, OU and O of the subject, then every subjectAltName, in order. Values that are no text (tls_dn_is_text), each
 * of several CNs, directory names and addresses of a strange length come as TLS_NAME_OTHER. -1: not well-formed, or on_name
 * gave something else than 0. */
MUST_CHECK int tls_cert_each_name(const struct tls_cert *cert, tls_cert_name_fn on_name, void *ctx);

/* Subject or issuer as text (tls_dn_text). false: this is not the name, but cut to fit or "(no name)", and only for people. */
bool tls_cert_name_text(struct span name, char *out, size_t out_size);

/* A well-formed name of 64 parts at most. */
bool tls_cert_name_is_short(struct span name);
/* A sequence without an RDN. */
bool tls_cert_name_is_empty(struct span name);

/* SHA-256 of anything, as hex. */
void tls_cert_sha256(struct span data, char out[65]);
void tls_cert_digest(struct span data, uint8_t out[32]); /* the same as bytes */

#endif
