/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_key.h"
#include "tls_der.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char oid_ec[] = "\x2a\x86\x48\xce\x3d\x02\x01";

enum { MIN_RSA_BITS = 1024, MAX_RSA_BITS = 8192 };

static const struct curve {
    gnutls_ecc_curve_t id;
    unsigned bits;
    gnutls_sign_algorithm_t sign; /* in TLS 1.3, where each has its own; none: too weak to be of use */
    gnutls_group_t group;
} curves[] = {
    {GNUTLS_ECC_CURVE_SECP192R1, 192, GNUTLS_SIGN_UNKNOWN, GNUTLS_GROUP_INVALID},
    {GNUTLS_ECC_CURVE_SECP224R1, 224, GNUTLS_SIGN_UNKNOWN, GNUTLS_GROUP_INVALID},
    {GNUTLS_ECC_CURVE_SECP256R1, 256, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, GNUTLS_GROUP_SECP256R1},
    {GNUTLS_ECC_CURVE_SECP384R1, 384, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, GNUTLS_GROUP_SECP384R1},
    {GNUTLS_ECC_CURVE_SECP521R1, 521, GNUTLS_SIGN_ECDSA_SECP521R1_SHA512, GNUTLS_GROUP_SECP521R1},
};

static const struct curve *find_curve(gnutls_ecc_curve_t id)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].id == id)
            return &curves[i];
    return NULL;
}

/* Kinds that a library may not know, by the object identifier of the algorithm or of the curve. */
static const struct foreign {
    uint8_t oid[9];
    uint8_t len;
    const char *name;
} foreign[] = {
    {{0x2b, 0x81, 0x04, 0x00, 0x0a}, 5, "ECDSA secp256k1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07}, 9, "ECDSA brainpoolP256r1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x08}, 9, "ECDSA brainpoolP256t1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b}, 9, "ECDSA brainpoolP384r1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0c}, 9, "ECDSA brainpoolP384t1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d}, 9, "ECDSA brainpoolP512r1"},
    {{0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0e}, 9, "ECDSA brainpoolP512t1"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11}, 9, "ML-DSA-44"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12}, 9, "ML-DSA-65"},
    {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13}, 9, "ML-DSA-87"},
};

const char *tls_key_foreign_name(struct span oid)
{
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (span_equals(oid, span_of(foreign[i].oid, foreign[i].len)))
            return foreign[i].name;
    }
    return NULL;
}

static const char *find_foreign(struct span spki)
{
    struct tls_der info, algorithm, oid[2] = {0};
    if (tls_der_expect(&spki, DER_SEQUENCE, &info) != 0 || tls_der_expect(&info.value, DER_SEQUENCE, &algorithm) != 0 ||
        tls_der_expect(&algorithm.value, DER_OID, &oid[0]) != 0)
        return NULL;
    if (span_equals_str(oid[0].value, oid_ec) && tls_der_peek(algorithm.value, DER_SEQUENCE))
        return "ECDSA with explicit parameters";
    if (tls_der_peek(algorithm.value, DER_OID) && tls_der_next(&algorithm.value, &oid[1]) != 0)
        return NULL;
    const char *name = tls_key_foreign_name(oid[0].value);
    return name != NULL ? name : tls_key_foreign_name(oid[1].value);
}

static void read_limits(gnutls_x509_crt_t crt, struct tls_key *out)
{
    gnutls_x509_spki_t spki;
    if (gnutls_x509_spki_init(&spki) != 0)
        return;
    if (gnutls_x509_crt_get_spki(crt, spki, 0) == 0)
        gnutls_x509_spki_get_rsa_pss_params(spki, &out->only_hash, &out->least_salt);
    gnutls_x509_spki_deinit(spki);
}

/* Only these: what is logged and accepted does not depend on the version of the library. */
bool tls_key_is_known(int algorithm)
{
    return algorithm == GNUTLS_PK_RSA || algorithm == GNUTLS_PK_RSA_PSS || algorithm == GNUTLS_PK_ECDSA || algorithm == GNUTLS_PK_EDDSA_ED25519 ||
           algorithm == GNUTLS_PK_EDDSA_ED448;
}

void tls_key_read(gnutls_x509_crt_t crt, struct span spki, struct tls_key *out)
{
    *out = (struct tls_key){.curve = GNUTLS_ECC_CURVE_INVALID, .only_hash = GNUTLS_DIG_UNKNOWN};
    out->algorithm = gnutls_x509_crt_get_pk_algorithm(crt, &out->bits);
    out->affordable = tls_cert_key_is_affordable(spki);
    if (out->algorithm == GNUTLS_PK_ECDSA)
        gnutls_x509_crt_get_pk_ecc_raw(crt, &out->curve, NULL, NULL);
    if (out->algorithm == GNUTLS_PK_RSA_PSS)
        read_limits(crt, out);
    if (!tls_key_is_known(out->algorithm) && out->algorithm != GNUTLS_PK_DSA)
        out->foreign = find_foreign(spki);
}

static void read_public(gnutls_pubkey_t public, struct span spki, struct tls_key *out)
{
    const gnutls_datum_t der = tls_cert_datum(spki);
    gnutls_x509_spki_t limits;
    int rc = gnutls_pubkey_import(public, &der, GNUTLS_X509_FMT_DER);
    out->algorithm = rc == 0 ? gnutls_pubkey_get_pk_algorithm(public, &out->bits) : rc;
    if (out->algorithm == GNUTLS_PK_ECDSA)
        gnutls_pubkey_export_ecc_raw(public, &out->curve, NULL, NULL);
    if (out->algorithm != GNUTLS_PK_RSA_PSS || gnutls_x509_spki_init(&limits) != 0)
        return;
    if (gnutls_pubkey_get_spki(public, limits, 0) == 0)
        gnutls_x509_spki_get_rsa_pss_params(limits, &out->only_hash, &out->least_salt);
    gnutls_x509_spki_deinit(limits);
}

void tls_key_read_public(struct span spki, struct tls_key *out)
{
    gnutls_pubkey_t public;
    *out = (struct tls_key){.curve = GNUTLS_ECC_CURVE_INVALID, .only_hash = GNUTLS_DIG_UNKNOWN, .affordable = tls_cert_key_is_affordable(spki)};
    if (out->affordable && gnutls_pubkey_init(&public) == 0) {
        read_public(public, spki, out);
        gnutls_pubkey_deinit(public);
    }
    if (!tls_key_is_known(out->algorithm))
        out->foreign = find_foreign(spki);
}

void tls_key_name(const struct tls_key *key, char out[TLS_KEY_NAME])
{
    const struct curve *curve = find_curve(key->curve);
    const char *text = key->algorithm > GNUTLS_PK_UNKNOWN ? gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)key->algorithm) : NULL;
    switch (key->algorithm) {
    case GNUTLS_PK_ECDSA:
        text = gnutls_ecc_curve_get_name(key->curve);
        if (curve != NULL)
            snprintf(out, TLS_KEY_NAME, "ECDSA P-%u", curve->bits);
        else
            snprintf(out, TLS_KEY_NAME, "ECDSA %s", text != NULL ? text : "on an unknown curve");
        break;
    case GNUTLS_PK_EDDSA_ED25519:
        snprintf(out, TLS_KEY_NAME, "Ed25519");
        break;
    case GNUTLS_PK_EDDSA_ED448:
        snprintf(out, TLS_KEY_NAME, "Ed448");
        break;
    case GNUTLS_PK_RSA_PSS:
        snprintf(out, TLS_KEY_NAME, "RSA-PSS %u", key->bits);
        break;
    default:
        if (key->foreign != NULL || text == NULL)
            snprintf(out, TLS_KEY_NAME, "%s", key->foreign != NULL ? key->foreign : "unknown");
        else
            snprintf(out, TLS_KEY_NAME, "%s %u", text, key->bits);
        break;
    }
}

void tls_key_openssl_name(const struct tls_key *key, char out[TLS_KEY_NAME])
{
    const struct curve *curve = find_curve(key->curve);
    out[0] = '\0';
    if (key->algorithm == GNUTLS_PK_ECDSA)
        snprintf(out, TLS_KEY_NAME, "EC%u", curve != NULL ? curve->bits : key->bits);
    else if (key->algorithm == GNUTLS_PK_RSA)
        snprintf(out, TLS_KEY_NAME, "RSA%u", key->bits);
    else if (key->algorithm == GNUTLS_PK_EDDSA_ED25519 || key->algorithm == GNUTLS_PK_EDDSA_ED448)
        snprintf(out, TLS_KEY_NAME, "%s", key->algorithm == GNUTLS_PK_EDDSA_ED448 ? "ED448" : "ED25519");
}

const char *tls_key_openssl_signature(gnutls_x509_crt_t crt)
{
    switch (gnutls_x509_crt_get_signature_algorithm(crt)) {
    case GNUTLS_SIGN_RSA_SHA256:
        return "RSA-SHA256";
    case GNUTLS_SIGN_RSA_SHA384:
        return "RSA-SHA384";
    case GNUTLS_SIGN_RSA_SHA512:
        return "RSA-SHA512";
    case GNUTLS_SIGN_RSA_PSS_SHA256:
    case GNUTLS_SIGN_RSA_PSS_SHA384:
    case GNUTLS_SIGN_RSA_PSS_SHA512:
        return "RSASSA-PSS";
    case GNUTLS_SIGN_ECDSA_SHA256:
        return "ecdsa-with-SHA256";
    case GNUTLS_SIGN_ECDSA_SHA384:
        return "ecdsa-with-SHA384";
    case GNUTLS_SIGN_ECDSA_SHA512:
        return "ecdsa-with-SHA512";
    case GNUTLS_SIGN_EDDSA_ED25519:
        return "ED25519";
    case GNUTLS_SIGN_EDDSA_ED448:
        return "ED448";
    default:
        return NULL;
    }
}

/* ---- whether it can be used ---- */

static bool is_rsa(const struct tls_key *key)
{
    return key->algorithm == GNUTLS_PK_RSA || key->algorithm == GNUTLS_PK_RSA_PSS;
}

static bool is_of_tls(const struct tls_key *key)
{
    const struct curve *curve = find_curve(key->curve);
    if (key->algorithm == GNUTLS_PK_ECDSA)
        return curve != NULL && curve->sign != GNUTLS_SIGN_UNKNOWN;
    return is_rsa(key) || key->algorithm == GNUTLS_PK_EDDSA_ED25519 || key->algorithm == GNUTLS_PK_EDDSA_ED448;
}

/* TLS makes the salt as long as the hash (RFC 8446 4.2.3). */
static bool is_limited_to_nothing(const struct tls_key *key)
{
    gnutls_digest_algorithm_t hash = key->only_hash;
    if (hash == GNUTLS_DIG_UNKNOWN)
        return false;
    return (hash != GNUTLS_DIG_SHA256 && hash != GNUTLS_DIG_SHA384 && hash != GNUTLS_DIG_SHA512) || key->least_salt > gnutls_hash_get_len(hash);
}

const char *tls_key_flaw(const struct tls_key *key, unsigned least_rsa_bits)
{
    return !is_of_tls(key)                                                    ? "is of a kind that cannot be used for TLS here"
           : is_rsa(key) && (!key->affordable || key->bits > MAX_RSA_BITS) ? "is too large: a handshake would take seconds"
           : is_rsa(key) && key->bits < least_rsa_bits                     ? "is too weak"
           : is_limited_to_nothing(key)                                       ? "is limited to a hash or a salt that TLS does not use"
                                                                              : NULL;
}

int tls_key_check(const struct tls_key *key, const char *identity, struct err *err)
{
    char name[TLS_KEY_NAME];
    tls_key_name(key, name);
    if (is_limited_to_nothing(key))
        return err_set(err, ERR_CREDENTIAL,
                       "identity %s: its key (%s) is limited to %s with %u bytes of salt, which TLS does not use. Issue the certificate for a key without "
                       "this limit",
                       identity, name, gnutls_digest_get_name(key->only_hash), key->least_salt);
    const char *why = tls_key_flaw(key, MIN_RSA_BITS);
    if (why == NULL)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "identity %s: its key (%s) %s; issue the certificate for one of these: " TLS_KEY_KINDS, identity, name, why);
}

static bool lists(int (*get)(gnutls_priority_t, const unsigned **), gnutls_priority_t priority, unsigned wanted)
{
    const unsigned *list;
    int n = get(priority, &list);
    for (int i = 0; i < n; i++)
        if (list[i] == wanted)
            return true;
    return false;
}

/* RFC 8446 4.2.3 and RFC 5246 7.4.1.4.1: what a signature over a handshake of that version is called. */
bool tls_key_signs(const struct tls_key *key, gnutls_sign_algorithm_t sign, bool v13)
{
    switch (sign) {
    case GNUTLS_SIGN_RSA_SHA256:
    case GNUTLS_SIGN_RSA_SHA384:
    case GNUTLS_SIGN_RSA_SHA512:
        return !v13 && key->algorithm == GNUTLS_PK_RSA;
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA256:
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA384:
    case GNUTLS_SIGN_RSA_PSS_RSAE_SHA512:
        return key->algorithm == GNUTLS_PK_RSA;
    case GNUTLS_SIGN_RSA_PSS_SHA256:
    case GNUTLS_SIGN_RSA_PSS_SHA384:
    case GNUTLS_SIGN_RSA_PSS_SHA512:
        return key->algorithm == GNUTLS_PK_RSA_PSS &&
               (key->only_hash == GNUTLS_DIG_UNKNOWN || key->only_hash == gnutls_sign_get_hash_algorithm(sign));
    case GNUTLS_SIGN_ECDSA_SECP256R1_SHA256:
    case GNUTLS_SIGN_ECDSA_SECP384R1_SHA384:
    case GNUTLS_SIGN_ECDSA_SECP521R1_SHA512:
        return v13 && key->algorithm == GNUTLS_PK_ECDSA && find_curve(key->curve) != NULL && find_curve(key->curve)->sign == sign;
    case GNUTLS_SIGN_ECDSA_SHA256:
    case GNUTLS_SIGN_ECDSA_SHA384:
    case GNUTLS_SIGN_ECDSA_SHA512:
        return !v13 && key->algorithm == GNUTLS_PK_ECDSA;
    case GNUTLS_SIGN_EDDSA_ED25519:
        return key->algorithm == GNUTLS_PK_EDDSA_ED25519;
    case GNUTLS_SIGN_EDDSA_ED448:
        return key->algorithm == GNUTLS_PK_EDDSA_ED448;
    default:
        return false;
    }
}

static bool has_signature(const struct tls_key *key, gnutls_priority_t priority, bool v13)
{
    const unsigned *list;
    int n = gnutls_priority_sign_list(priority, &list);
    for (int i = 0; i < n; i++)
        if (tls_key_signs(key, (gnutls_sign_algorithm_t)list[i], v13))
            return true;
    return false;
}

/* In TLS 1.2 a cipher suite says what kind of key the server has, and OpenSSL holds a client's certificate to the groups of the client's hello. */
static bool has_suite(const struct tls_key *key, gnutls_priority_t priority, bool accepting)
{
    bool of_rsa = lists(gnutls_priority_kx_list, priority, GNUTLS_KX_ECDHE_RSA) || lists(gnutls_priority_kx_list, priority, GNUTLS_KX_DHE_RSA);
    if (accepting)
        return is_rsa(key) ? of_rsa : lists(gnutls_priority_kx_list, priority, GNUTLS_KX_ECDHE_ECDSA);
    return key->algorithm != GNUTLS_PK_ECDSA || lists(gnutls_priority_group_list, priority, find_curve(key->curve)->group);
}

/* The parts that a priority must have, all of them, for such a key. */
static const char *needs(const struct tls_key *key)
{
    switch (key->algorithm) {
    case GNUTLS_PK_RSA:
        return "+SIGN-RSA-PSS-RSAE-SHA256:+SIGN-RSA-SHA256:+ECDHE-RSA";
    case GNUTLS_PK_RSA_PSS:
        return key->only_hash == GNUTLS_DIG_SHA384   ? "+SIGN-RSA-PSS-SHA384:+ECDHE-RSA"
               : key->only_hash == GNUTLS_DIG_SHA512 ? "+SIGN-RSA-PSS-SHA512:+ECDHE-RSA"
                                                     : "+SIGN-RSA-PSS-SHA256:+ECDHE-RSA";
    case GNUTLS_PK_EDDSA_ED25519:
        return "+SIGN-EDDSA-ED25519:+ECDHE-ECDSA";
    case GNUTLS_PK_EDDSA_ED448:
        return "+SIGN-EDDSA-ED448:+ECDHE-ECDSA";
    default:
        return key->curve == GNUTLS_ECC_CURVE_SECP521R1
                   ? "+SIGN-ECDSA-SECP521R1-SHA512:+SIGN-ECDSA-SHA512:+GROUP-SECP521R1:+ECDHE-ECDSA"
               : key->curve == GNUTLS_ECC_CURVE_SECP384R1
                   ? "+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA384:+GROUP-SECP384R1:+ECDHE-ECDSA"
                   : "+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256:+GROUP-SECP256R1:+ECDHE-ECDSA";
    }
}

int tls_key_check_priority(const struct tls_key *key, gnutls_priority_t priority, bool accepting, struct err *err)
{
    char name[TLS_KEY_NAME];
    bool v13 = lists(gnutls_priority_protocol_list, priority, GNUTLS_TLS1_3), v12 = lists(gnutls_priority_protocol_list, priority, GNUTLS_TLS1_2);
    bool fits13 = !v13 || has_signature(key, priority, true);
    bool fits12 = !v12 || (has_signature(key, priority, false) && has_suite(key, priority, accepting));
    if (fits13 && fits12)
        return 0;
    tls_key_name(key, name);
    return err_set(err, ERR_CONFIG, "priority does not let TLS %s use the key of the identity (%s): add :%s to it, or leave it out",
                   fits13 ? "1.2" : "1.3", name, needs(key));
}
