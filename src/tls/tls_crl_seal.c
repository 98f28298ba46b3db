/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_crl_seal.h"

#include "tls_der.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

static const char oid_rsa_pss[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
static const char oid_mgf1[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08";

static const struct algorithm {
    const char *oid;
    gnutls_sign_algorithm_t sign;
    gnutls_digest_algorithm_t digest; /* 0: EdDSA */
} algorithms[] = {
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", GNUTLS_SIGN_RSA_SHA256, GNUTLS_DIG_SHA256},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c", GNUTLS_SIGN_RSA_SHA384, GNUTLS_DIG_SHA384},
    {"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d", GNUTLS_SIGN_RSA_SHA512, GNUTLS_DIG_SHA512},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x02", GNUTLS_SIGN_ECDSA_SHA256, GNUTLS_DIG_SHA256},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x03", GNUTLS_SIGN_ECDSA_SHA384, GNUTLS_DIG_SHA384},
    {"\x2a\x86\x48\xce\x3d\x04\x03\x04", GNUTLS_SIGN_ECDSA_SHA512, GNUTLS_DIG_SHA512},
    {"\x2b\x65\x70", GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_DIG_UNKNOWN},
    {"\x2b\x65\x71", GNUTLS_SIGN_EDDSA_ED448, GNUTLS_DIG_UNKNOWN},
};
/* RSA-PSS names its hash in the parameters; by the OID of the hash. */
static const struct algorithm pss_algorithms[] = {
    {"\x60\x86\x48\x01\x65\x03\x04\x02\x01", GNUTLS_SIGN_RSA_PSS_SHA256, GNUTLS_DIG_SHA256},
    {"\x60\x86\x48\x01\x65\x03\x04\x02\x02", GNUTLS_SIGN_RSA_PSS_SHA384, GNUTLS_DIG_SHA384},
    {"\x60\x86\x48\x01\x65\x03\x04\x02\x03", GNUTLS_SIGN_RSA_PSS_SHA512, GNUTLS_DIG_SHA512},
};
enum { N_ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]), N_PSS = sizeof(pss_algorithms) / sizeof(pss_algorithms[0]) };

static const struct algorithm *find(const struct algorithm *table, size_t n, struct span oid)
{
    for (size_t i = 0; i < n; i++)
        if (span_equals_str(oid, table[i].oid))
            return &table[i];
    return NULL;
}

/* ---- parameters of RSA-PSS (RFC 4055 3.1) ---- */

/* AlgorithmIdentifier of a hash: its OID, then NULL or nothing. */
static const struct algorithm *read_hash(struct span *in)
{
    struct tls_der identifier, oid;
    if (tls_der_expect(in, DER_SEQUENCE, &identifier) != 0 || tls_der_expect(&identifier.value, DER_OID, &oid) != 0)
        return NULL;
    bool plain = identifier.value.len == 0 || span_equals(identifier.value, span_of("\x05\x00", 2));
    return plain ? find(pss_algorithms, N_PSS, oid.value) : NULL;
}

/* MGF1 with the same hash: the usual form, and the only form that GnuTLS can check. */
static bool is_mask_with(struct span in, const struct algorithm *hash)
{
    struct tls_der identifier, oid;
    if (tls_der_expect(&in, DER_SEQUENCE, &identifier) != 0 || in.len != 0 || tls_der_expect(&identifier.value, DER_OID, &oid) != 0)
        return false;
    return span_equals_str(oid.value, oid_mgf1) && read_hash(&identifier.value) == hash && identifier.value.len == 0;
}

static int read_small(struct span in, unsigned *number)
{
    struct tls_der n;
    if (tls_der_expect(&in, DER_INTEGER, &n) != 0 || in.len != 0 || n.value.len == 0 || n.value.len > 2 || (n.value.ptr[0] & 0x80) != 0)
        return -1;
    *number = n.value.len == 1 ? n.value.ptr[0] : (unsigned)(n.value.ptr[0] << 8 | n.value.ptr[1]);
    return 0;
}

/* Left out, hash and mask would be SHA-1: they must be there. */
static const struct algorithm *read_pss(struct span in, unsigned *salt_bytes)
{
    struct tls_der list, hash, mask, number;
    unsigned trailer = 1;
    *salt_bytes = 20;
    if (tls_der_expect(&in, DER_SEQUENCE, &list) != 0 || in.len != 0 || tls_der_expect(&list.value, DER_CONTEXT_CONSTRUCTED, &hash) != 0 ||
        tls_der_expect(&list.value, DER_CONTEXT_CONSTRUCTED + 1, &mask) != 0)
        return NULL;
    const struct algorithm *found = read_hash(&hash.value);
    if (found == NULL || hash.value.len != 0 || !is_mask_with(mask.value, found))
        return NULL;
    if (tls_der_peek(list.value, DER_CONTEXT_CONSTRUCTED + 2) &&
        (tls_der_next(&list.value, &number) != 0 || read_small(number.value, salt_bytes) != 0))
        return NULL;
    if (tls_der_peek(list.value, DER_CONTEXT_CONSTRUCTED + 3) && (tls_der_next(&list.value, &number) != 0 || read_small(number.value, &trailer) != 0))
        return NULL;
    return list.value.len == 0 && trailer == 1 ? found : NULL;
}

/* ---- making ---- */

static const struct algorithm *read_algorithm(struct span in, struct tls_crl_seal *out)
{
    struct tls_der oid;
    if (tls_der_expect(&in, DER_OID, &oid) != 0)
        return NULL;
    out->is_pss = span_equals_str(oid.value, oid_rsa_pss);
    return out->is_pss ? read_pss(in, &out->salt_bytes) : find(algorithms, N_ALGORITHMS, oid.value);
}

int tls_crl_seal_make(const struct tls_crl_parsed *crl, struct tls_crl_seal *out)
{
    *out = (struct tls_crl_seal){.sign = GNUTLS_SIGN_UNKNOWN};
    const struct algorithm *algorithm = read_algorithm(crl->algorithm, out);
    if (algorithm == NULL || crl->signature.len > sizeof(out->signature))
        return -1;
    out->sign = algorithm->sign;
    memcpy(out->signature, crl->signature.ptr, crl->signature.len);
    out->signature_len = crl->signature.len;
    if (algorithm->digest == GNUTLS_DIG_UNKNOWN) {
        out->list = crl->tbs;
        /* the library does not look at the last byte of an Ed448 signature, which RFC 8032 5.2.7 wants to be 0 */
        return out->sign != GNUTLS_SIGN_EDDSA_ED448 || out->signature[out->signature_len - 1] == 0 ? 0 : -1;
    }
    out->digest_len = gnutls_hash_get_len(algorithm->digest);
    return gnutls_hash_fast(algorithm->digest, crl->tbs.ptr, crl->tbs.len, out->digest) == 0 ? 0 : -1;
}

bool tls_crl_seal_needs_list(const struct tls_crl_seal *seal)
{
    return seal->digest_len == 0;
}

/* ---- asking ---- */

/* The errors by which the library reports a lack of memory, and nothing else. */
static bool is_for_want_of_memory(int rc)
{
    return rc == GNUTLS_E_MEMORY_ERROR || rc == GNUTLS_E_MPI_SCAN_FAILED;
}

/* An RSA-PSS key may be limited to one hash and a least salt (RFC 4055 3.3). 0, or an error of the library. */
static int check_pss(gnutls_pubkey_t key, gnutls_digest_algorithm_t digest, unsigned salt_bytes)
{
    gnutls_x509_spki_t limits;
    gnutls_digest_algorithm_t only = GNUTLS_DIG_UNKNOWN;
    unsigned least = 0;
    if (gnutls_pubkey_get_pk_algorithm(key, NULL) == GNUTLS_PK_RSA)
        return 0;
    int rc = gnutls_x509_spki_init(&limits);
    if (rc != 0)
        return rc;
    bool limited = gnutls_pubkey_get_spki(key, limits, 0) == 0 && gnutls_x509_spki_get_rsa_pss_params(limits, &only, &least) == 0;
    gnutls_x509_spki_deinit(limits);
    return !limited || only == GNUTLS_DIG_UNKNOWN || (only == digest && least <= salt_bytes) ? 0 : GNUTLS_E_CONSTRAINT_ERROR;
}

/* GnuTLS takes the salt's length from the key, so it is set there. */
static int give_salt(gnutls_pubkey_t key, const struct tls_crl_seal *seal)
{
    gnutls_x509_spki_t spki;
    gnutls_digest_algorithm_t digest = gnutls_sign_get_hash_algorithm(seal->sign);
    int rc = check_pss(key, digest, seal->salt_bytes);
    if (rc != 0 || (rc = gnutls_x509_spki_init(&spki)) != 0)
        return rc;
    gnutls_x509_spki_set_rsa_pss_params(spki, digest, seal->salt_bytes);
    rc = gnutls_pubkey_set_spki(key, spki, 0);
    gnutls_x509_spki_deinit(spki);
    return rc;
}

static int verify(const struct tls_crl_seal *seal, gnutls_pubkey_t key)
{
    const gnutls_datum_t signature = tls_cert_datum(span_of(seal->signature, seal->signature_len)),
                         digest = tls_cert_datum(span_of(seal->digest, seal->digest_len)), list = tls_cert_datum(seal->list);
    if (tls_crl_seal_needs_list(seal))
        return gnutls_pubkey_verify_data2(key, seal->sign, 0, &list, &signature);
    int rc = seal->is_pss ? give_salt(key, seal) : 0;
    return rc != 0 ? rc : gnutls_pubkey_verify_hash2(key, seal->sign, 0, &digest, &signature);
}

static enum tls_crl_seal_maker ask(const struct tls_crl_seal *seal, gnutls_x509_crt_t issuer, unsigned wanted)
{
    unsigned usage = 0;
    int rc = gnutls_x509_crt_get_key_usage(issuer, &usage, NULL);
    if (rc >= 0 && wanted != 0 && (usage & wanted) == 0)
        return TLS_CRL_SEAL_OTHER;
    if (rc < 0 && rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return is_for_want_of_memory(rc) ? TLS_CRL_SEAL_UNTOLD : TLS_CRL_SEAL_OTHER;
    gnutls_pubkey_t key;
    if (gnutls_pubkey_init(&key) != 0)
        return TLS_CRL_SEAL_UNTOLD;
    rc = gnutls_pubkey_import_x509(key, issuer, 0);
    if (rc >= 0)
        rc = verify(seal, key);
    gnutls_pubkey_deinit(key);
    return rc >= 0 ? TLS_CRL_SEAL_OURS : is_for_want_of_memory(rc) ? TLS_CRL_SEAL_UNTOLD : TLS_CRL_SEAL_OTHER;
}

/* Inside of a verification the library calls a failing allocation a wrong signature too, so a no is asked for twice: from the start again, it either finds
 * memory or says that there is none. Only a CA that got another key under its old name has lists that cost this. */
enum tls_crl_seal_maker tls_crl_seal_signer(const struct tls_crl_seal *seal, gnutls_x509_crt_t crt, unsigned usage)
{
    enum tls_crl_seal_maker maker = ask(seal, crt, usage);
    return maker == TLS_CRL_SEAL_OTHER ? ask(seal, crt, usage) : maker;
}

enum tls_crl_seal_maker tls_crl_seal_maker(const struct tls_crl_seal *seal, gnutls_x509_crt_t issuer)
{
    return tls_crl_seal_signer(seal, issuer, GNUTLS_KEY_CRL_SIGN);
}

bool tls_crl_seal_is_of(const struct tls_crl_seal *seal, gnutls_x509_crt_t issuer)
{
    return tls_crl_seal_maker(seal, issuer) == TLS_CRL_SEAL_OURS;
}
