/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_rekey.h"

#include "tls_internal.h"
#include "tls_key.h"
#include "tls_maker.h"
#include "tls_pem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024, OID_MAX = 128 };

/* ---- the certificate ---- */

struct leaf {
    struct span der; /* owned */
    struct tls_cert cert;
    gnutls_x509_crt_t crt; /* NULL: none */
};

static void clear_leaf(struct leaf *leaf)
{
    if (leaf->crt != NULL)
        gnutls_x509_crt_deinit(leaf->crt);
    free((void *)(uintptr_t)leaf->der.ptr);
    *leaf = (struct leaf){0};
}

/* 1: it is in the text; 0: it is not; -1: the text cannot be read. The caller clears *out. */
static int find_leaf(struct span text, const uint8_t public_id[TLS_KEY_ID], struct leaf *out)
{
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct err err = {0};
    int more;
    tls_pem_start(&r, "", text);
    while ((more = tls_pem_next(&r, &block, &err)) == 1) {
        if (!span_equals_str(block.label, "CERTIFICATE") && !span_equals_str(block.label, "X509 CERTIFICATE"))
            continue;
        if (tls_pem_decode(&r, &block, &out->der, &err) != 0 || tls_cert_open(out->der, &out->cert, &out->crt) != 0)
            return -1;
        if (tls_cert_has_public_id(out->crt, public_id))
            return 1;
        clear_leaf(out);
    }
    return more;
}

bool tls_rekey_is_of(struct span certificates, const uint8_t public_id[TLS_KEY_ID])
{
    struct leaf leaf = {0};
    bool found = find_leaf(certificates, public_id, &leaf) == 1;
    clear_leaf(&leaf);
    return found;
}

/* ---- the key ---- */

static int generate(gnutls_x509_privkey_t key, const struct leaf *leaf)
{
    struct tls_key kind;
    tls_key_read(leaf->crt, leaf->cert.spki, &kind);
    unsigned bits = kind.algorithm == GNUTLS_PK_ECDSA ? GNUTLS_CURVE_TO_BITS(kind.curve) : kind.bits;
    if (!tls_key_is_known(kind.algorithm))
        return GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
    return gnutls_x509_privkey_generate(key, (gnutls_pk_algorithm_t)kind.algorithm, bits, 0);
}

/* ---- the request ---- */

/* "2.5.4.3" of the content of an OID. */
static void dotted(struct span oid, char out[OID_MAX])
{
    size_t used = 0;
    uint64_t arc = 0;
    bool first = true;
    out[0] = '\0';
    for (size_t i = 0; i < oid.len && used < OID_MAX - 24; i++) {
        arc = arc << 7 | (oid.ptr[i] & 0x7f);
        if (oid.ptr[i] & 0x80)
            continue;
        unsigned root = arc < 80 ? (unsigned)(arc / 40) : 2;
        int n = first ? snprintf(out, OID_MAX, "%u.%llu", root, (unsigned long long)(arc - 40 * root))
                      : snprintf(out + used, OID_MAX - used, ".%llu", (unsigned long long)arc);
        used += (size_t)n;
        first = false;
        arc = 0;
    }
}

static int add_attribute(void *ctx, struct span oid, const struct tls_der *value)
{
    char text[OID_MAX];
    dotted(oid, text);
    return gnutls_x509_crq_set_dn_by_oid(ctx, text, 1, value->whole.ptr, (unsigned)value->whole.len);
}

static int copy_extension(gnutls_x509_crq_t crq, const struct leaf *leaf, const char *oid)
{
    gnutls_datum_t value = {NULL, 0};
    unsigned critical;
    int rc = gnutls_x509_crt_get_extension_by_oid2(leaf->crt, oid, 0, &value, &critical);
    if (rc == 0)
        rc = gnutls_x509_crq_set_extension_by_oid(crq, oid, value.data, value.size, critical);
    gnutls_free(value.data);
    return rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 0 : rc;
}

static int fill(gnutls_x509_crq_t crq, const struct leaf *leaf, gnutls_x509_privkey_t key)
{
    static const char *const copied[] = {"2.5.29.15", "2.5.29.37", "2.5.29.17"}; /* keyUsage, extendedKeyUsage, subjectAltName */
    int rc = gnutls_x509_crq_set_version(crq, 1);
    if (rc == 0 && !tls_cert_name_is_empty(leaf->cert.subject))
        rc = tls_cert_each_attribute(leaf->cert.subject, add_attribute, crq);
    for (size_t i = 0; rc == 0 && i < sizeof(copied) / sizeof(copied[0]); i++)
        rc = copy_extension(crq, leaf, copied[i]);
    if (rc == 0)
        rc = gnutls_x509_crq_set_key(crq, key);
    return rc;
}

static int sign(gnutls_x509_crq_t crq, gnutls_x509_privkey_t key)
{
    gnutls_privkey_t signer;
    int rc = gnutls_privkey_init(&signer);
    if (rc != 0)
        return rc;
    rc = gnutls_privkey_import_x509(signer, key, 0);
    if (rc == 0)
        rc = gnutls_x509_crq_privkey_sign(crq, signer, GNUTLS_DIG_UNKNOWN, 0);
    gnutls_privkey_deinit(signer);
    return rc;
}

/* The library writes one attribute for each part of a name. */
static bool has_subject(struct span request, struct span subject)
{
    struct tls_der outer, info, version, name;
    return tls_der_expect(&request, DER_SEQUENCE, &outer) == 0 && tls_der_expect(&outer.value, DER_SEQUENCE, &info) == 0 &&
           tls_der_expect(&info.value, DER_INTEGER, &version) == 0 && tls_der_next(&info.value, &name) == 0 && span_equals(name.whole, subject);
}

static int write_request(gnutls_x509_crq_t crq, const struct leaf *leaf, struct bytes *out, struct err *err)
{
    gnutls_datum_t der = {NULL, 0};
    int rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, &der);
    if (rc == 0 && bytes_append(out, der.data, der.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    gnutls_free(der.data);
    if (rc != 0)
        return tls_maker_failed(err, "cannot write the request", rc);
    if (has_subject(bytes_span(out), leaf->cert.subject))
        return 0;
    return err_set(err, ERR_CREDENTIAL, "the subject of the certificate has a part with several values, which cannot be requested again: issue it again by other means");
}

static int write_key(gnutls_x509_privkey_t key, struct bytes *out)
{
    gnutls_datum_t pem = {NULL, 0};
    int rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem);
    if (rc == 0 && bytes_append(out, pem.data, pem.size) != 0)
        rc = GNUTLS_E_MEMORY_ERROR;
    if (pem.data != NULL)
        gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return rc;
}

static int make(const struct leaf *leaf, struct bytes *key, struct bytes *request, struct err *err)
{
    gnutls_x509_privkey_t fresh = NULL;
    gnutls_x509_crq_t crq = NULL;
    int rc = gnutls_x509_privkey_init(&fresh);
    if (rc == 0)
        rc = gnutls_x509_crq_init(&crq);
    if (rc == 0)
        rc = generate(fresh, leaf);
    if (rc == 0)
        rc = fill(crq, leaf, fresh);
    if (rc == 0)
        rc = sign(crq, fresh);
    if (rc == 0)
        rc = write_key(fresh, key);
    rc = rc != 0 ? tls_maker_failed(err, "cannot make a key and a request", rc) : write_request(crq, leaf, request, err);
    gnutls_x509_privkey_deinit(fresh); /* wipes */
    if (crq != NULL)
        gnutls_x509_crq_deinit(crq);
    return rc;
}

int tls_rekey_new(struct span certificate, const uint8_t public_id[TLS_KEY_ID], struct bytes *key, struct bytes *request, struct err *err)
{
    struct leaf leaf = {0};
    bytes_init(key, TEXT_MAX);
    bytes_init(request, TEXT_MAX);
    int rc = find_leaf(certificate, public_id, &leaf) == 1 ? 0 : err_set(err, ERR_CREDENTIAL, "the certificate in the file does not belong to the key");
    if (rc == 0)
        rc = make(&leaf, key, request, err);
    clear_leaf(&leaf);
    if (rc != 0) {
        bytes_wipe(key);
        bytes_clear(request);
    }
    return rc;
}
