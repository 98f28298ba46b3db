/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_csr.h"

#include "tls_csr_names.h"
#include "tls_key.h"
#include "tls_maker.h"
#include "tls_pem.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_RSA_BITS = 2048, CERTIFICATE_MAX = 1024 * 1024 };

static const char oid_extension_request[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e";
static const char oid_basic_constraints[] = "\x55\x1d\x13";
static const char oid_key_usage[] = "\x55\x1d\x0f";
static const char oid_extended_key_usage[] = "\x55\x1d\x25";
static const char oid_client_auth[] = "\x2b\x06\x01\x05\x05\x07\x03\x02";
static const char oid_server_auth[] = "\x2b\x06\x01\x05\x05\x07\x03\x01";

/* The first byte of the bits of keyUsage. */
enum { KEY_CERT_SIGN = 0x04, CRL_SIGN = 0x02 };

struct tls_csr {
    char *file;
    struct span der;      /* owned */
    struct tls_cert cert; /* its subject, key and extensions; the rest is empty */
    gnutls_x509_crq_t crq;
    enum tls_csr_purpose purpose;
    struct tls_csr_names names;
};

static int refuse(const struct tls_csr *csr, const char *why, struct err *err)
{
    return err_set(err, ERR_CREDENTIAL, "%s: %s", csr->file, why);
}

void tls_csr_free(struct tls_csr *csr)
{
    if (csr == NULL)
        return;
    if (csr->crq != NULL)
        gnutls_x509_crq_deinit(csr->crq);
    tls_csr_names_clear(&csr->names);
    tls_pem_wipe(csr->der); /* the file may have been a key with the wrong label */
    free(csr->file);
    free(csr);
}

/* ---- the file ---- */

static bool is_request(struct span label)
{
    return span_equals_str(label, "CERTIFICATE REQUEST") || span_equals_str(label, "NEW CERTIFICATE REQUEST");
}

static int refuse_block(const struct tls_pem_reader *r, const struct tls_pem_block *block, struct err *err)
{
    const char *label = (const char *)block->label.ptr;
    size_t n = block->label.len;
    if (n >= 11 && memcmp(label + n - 11, "PRIVATE KEY", 11) == 0)
        return err_set(err, ERR_CREDENTIAL, "%s:%zu: this is a private key, which must stay where it is: send the request that was made with it (.csr)", r->file,
                       block->line);
    if (n >= 11 && memcmp(label + n - 11, "CERTIFICATE", 11) == 0)
        return err_set(err, ERR_CREDENTIAL, "%s:%zu: this is a certificate already: give the request for a new one (CERTIFICATE REQUEST)", r->file, block->line);
    return err_set(err, ERR_CREDENTIAL, "%s:%zu: a block of kind %.*s is not a request: give a file with CERTIFICATE REQUEST", r->file, block->line,
                   (int)(n < 40 ? n : 40), label);
}

static int read_file(struct tls_csr *csr, struct span text, struct err *err)
{
    struct tls_pem_reader r;
    struct tls_pem_block block, more;
    if (text.len > 1 && text.ptr[0] == 0x30 && memmem(text.ptr, text.len, "-----BEGIN", 10) == NULL)
        return refuse(csr, "looks like DER: turn the request into PEM with openssl req -inform DER -in FILE -out REQUEST.csr", err);
    if (tls_pem_plausible(csr->file, text, "a request for a certificate", err) != 0)
        return -1;
    tls_pem_start(&r, csr->file, text);
    int found = tls_pem_next(&r, &block, err);
    if (found <= 0)
        return found < 0 ? -1 : refuse(csr, "no PEM block in it; it should hold a request for a certificate", err);
    if (!is_request(block.label))
        return refuse_block(&r, &block, err);
    found = tls_pem_next(&r, &more, err);
    if (found != 0)
        return found < 0 ? -1 : err_set(err, ERR_CREDENTIAL, "%s:%zu: there is a second PEM block: give a file with one request and nothing else", r.file, more.line);
    return tls_pem_decode(&r, &block, &csr->der, err);
}

/* ---- its parts ---- */

static int read_request(struct span list, struct tls_cert *cert)
{
    struct tls_der extensions;
    if (tls_der_expect(&list, DER_SEQUENCE, &extensions) != 0 || list.len != 0)
        return -1;
    return tls_cert_read_extensions(extensions.value, cert);
}

/* Attributes of other kinds, as a challengePassword, say nothing to us. */
static int read_attributes(struct span list, struct tls_cert *cert)
{
    struct tls_der attribute, oid, values;
    bool seen = false;
    while (list.len > 0) {
        if (tls_der_expect(&list, DER_SEQUENCE, &attribute) != 0 || tls_der_expect(&attribute.value, DER_OID, &oid) != 0 ||
            tls_der_expect(&attribute.value, DER_SET, &values) != 0 || attribute.value.len != 0)
            return -1;
        if (!span_equals_str(oid.value, oid_extension_request))
            continue;
        if (seen || read_request(values.value, cert) != 0)
            return -1;
        seen = true;
    }
    return 0;
}

static int read_parts(struct span der, struct tls_cert *cert)
{
    struct tls_cert_envelope envelope;
    struct tls_der version, subject, key, attributes = {0};
    if (tls_cert_read_envelope(der, &envelope) != 0)
        return -1;
    struct span in = envelope.tbs.value;
    if (tls_der_expect(&in, DER_INTEGER, &version) != 0 || version.value.len != 1 || version.value.ptr[0] != 0 ||
        tls_der_expect(&in, DER_SEQUENCE, &subject) != 0 || tls_der_expect(&in, DER_SEQUENCE, &key) != 0)
        return -1;
    if (in.len > 0 && (tls_der_expect(&in, DER_CONTEXT_CONSTRUCTED, &attributes) != 0 || in.len != 0))
        return -1;
    *cert = (struct tls_cert){.der = der, .subject = subject.whole, .spki = key.whole};
    return tls_cert_name_is_short(subject.whole) ? read_attributes(attributes.value, cert) : -1;
}

/* ---- what it asks for ---- */

static int check_constraints(struct span value, bool *ca)
{
    struct tls_der all, flag;
    if (tls_der_expect(&value, DER_SEQUENCE, &all) != 0 || value.len != 0)
        return -1;
    *ca = false;
    if (!tls_der_peek(all.value, DER_BOOLEAN))
        return 0;
    if (tls_der_next(&all.value, &flag) != 0 || flag.value.len != 1)
        return -1;
    *ca = flag.value.ptr[0] != 0;
    return 0;
}

static int check_usage(struct span value, bool *signs)
{
    struct tls_der bits;
    if (tls_der_expect(&value, DER_BIT_STRING, &bits) != 0 || value.len != 0 || bits.value.len < 1)
        return -1;
    *signs = bits.value.len > 1 && (bits.value.ptr[1] & (KEY_CERT_SIGN | CRL_SIGN)) != 0;
    return 0;
}

static int read_purpose(struct span value, enum tls_csr_purpose *out)
{
    struct tls_der all, oid = {0};
    size_t n = 0;
    if (tls_der_expect(&value, DER_SEQUENCE, &all) != 0 || value.len != 0)
        return -1;
    for (; all.value.len > 0; n++)
        if (tls_der_expect(&all.value, DER_OID, &oid) != 0)
            return -1;
    if (n == 1)
        *out = span_equals_str(oid.value, oid_client_auth) ? TLS_CSR_CLIENT : span_equals_str(oid.value, oid_server_auth) ? TLS_CSR_SERVER : TLS_CSR_UNCLEAR;
    return 0;
}

static int check_extensions(struct tls_csr *csr, struct err *err)
{
    struct span value;
    bool ca = false, signs = false;
    if (tls_cert_find_extension(&csr->cert, oid_basic_constraints, &value) && check_constraints(value, &ca) != 0)
        return refuse(csr, "its basicConstraints is malformed: make a new request without it", err);
    if (tls_cert_find_extension(&csr->cert, oid_key_usage, &value) && check_usage(value, &signs) != 0)
        return refuse(csr, "its keyUsage is malformed: make a new request without it", err);
    if (ca || signs)
        return refuse(csr,
                      ca ? "it asks for a CA certificate (CA:TRUE), and this CA signs certificates of clients and servers only: make a new request without it"
                         : "its keyUsage has keyCertSign or cRLSign, which only a CA may have: make a new request without them",
                      err);
    if (tls_cert_find_extension(&csr->cert, oid_extended_key_usage, &value) && read_purpose(value, &csr->purpose) != 0)
        return refuse(csr, "its extendedKeyUsage is malformed: make a new request", err);
    return 0;
}

static int check_key(const struct tls_csr *csr, struct err *err)
{
    struct tls_key key;
    char name[TLS_KEY_NAME];
    tls_key_read_public(csr->cert.spki, &key);
    tls_key_name(&key, name);
    const char *flaw = key.affordable || key.foreign != NULL ? tls_key_flaw(&key, LEAST_RSA_BITS) : "is too large, or of a kind that TLS does not use here";
    if (flaw == NULL)
        return 0;
    return err_set(err, ERR_CREDENTIAL, "%s: its key (%s) %s; make a request with one of these: " TLS_KEY_KINDS, csr->file, name, flaw);
}

/* The same with every version of the library. */
static bool is_weak(gnutls_digest_algorithm_t hash)
{
    return hash == GNUTLS_DIG_SHA1 || hash == GNUTLS_DIG_MD5 || hash == GNUTLS_DIG_MD2 || hash == GNUTLS_DIG_RMD160;
}

static int check_signature(struct tls_csr *csr, struct err *err)
{
    const gnutls_datum_t der = tls_cert_datum(csr->der);
    int rc = gnutls_x509_crq_init(&csr->crq);
    if (rc == 0)
        rc = gnutls_x509_crq_import(csr->crq, &der, GNUTLS_X509_FMT_DER);
    gnutls_digest_algorithm_t hash =
        rc == 0 ? gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)gnutls_x509_crq_get_signature_algorithm(csr->crq)) : GNUTLS_DIG_UNKNOWN;
    if (is_weak(hash))
        return err_set(err, ERR_CREDENTIAL, "%s: the request is signed with %s, which is too weak: make a new one with SHA-256", csr->file,
                       gnutls_digest_get_name(hash));
    if (rc == 0)
        rc = gnutls_x509_crq_verify(csr->crq, 0);
    if (rc >= 0)
        return 0;
    if (rc == GNUTLS_E_MEMORY_ERROR)
        return err_set(err, ERR_MEMORY, "out of memory");
    return err_set(err, ERR_CREDENTIAL,
                   "%s: the request is not signed with its own key, or was changed after that (%s): make a new one", csr->file, gnutls_strerror(rc));
}

static int read_all(struct tls_csr *csr, struct span text, struct err *err)
{
    if (csr->file == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (read_file(csr, text, err) != 0)
        return -1;
    if (read_parts(csr->der, &csr->cert) != 0)
        return refuse(csr, "is not a well-formed request (PKCS#10): make a new one, or copy the file again", err);
    if (check_key(csr, err) != 0 || check_signature(csr, err) != 0 || check_extensions(csr, err) != 0)
        return -1;
    return tls_csr_names_check_subject(&csr->cert, csr->file, err);
}

struct tls_csr *tls_csr_read(const char *file, struct span text, struct err *err)
{
    struct tls_csr *csr = calloc(1, sizeof(*csr));
    if (csr == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    csr->file = strdup(file);
    if (read_all(csr, text, err) == 0)
        return csr;
    tls_csr_free(csr);
    return NULL;
}

enum tls_csr_purpose tls_csr_purpose(const struct tls_csr *csr)
{
    return csr->purpose;
}

int tls_csr_read_names(struct tls_csr *csr, struct err *err)
{
    tls_csr_names_clear(&csr->names);
    return tls_csr_names_read(&csr->cert, csr->file, &csr->names, err);
}

size_t tls_csr_count_names(const struct tls_csr *csr)
{
    return csr->names.n;
}

/* ---- the certificate ---- */

static int check_not_the_ca(const struct tls_csr *csr, const struct tls_maker *ca, struct err *err)
{
    gnutls_datum_t name = {NULL, 0};
    int rc = gnutls_x509_crt_get_raw_dn(ca->crt, &name);
    bool same = rc == 0 && span_equals(span_of(name.data, name.size), csr->cert.subject);
    gnutls_free(name.data);
    if (rc != 0)
        return tls_maker_failed(err, "the CA's name cannot be read", rc);
    return same ? refuse(csr, "its subject is the name of this CA: make a new request with another CN", err) : 0;
}

/* RFC 5280 4.1.2.6: without a subject the names are what the certificate is for. */
static int make_names_critical(const struct tls_maker *leaf)
{
    gnutls_datum_t names = {NULL, 0};
    unsigned critical;
    int rc = gnutls_x509_crt_get_extension_by_oid2(leaf->crt, "2.5.29.17", 0, &names, &critical);
    if (rc == 0)
        rc = gnutls_x509_crt_set_extension_by_oid(leaf->crt, "2.5.29.17", names.data, names.size, 1);
    gnutls_free(names.data);
    return rc;
}

static int add_names(const struct tls_csr *csr, struct tls_maker *leaf, const struct tls_csr_grant *grant, struct err *err)
{
    const char *const *sans = grant->n_sans > 0 ? grant->sans : csr->names.items;
    size_t n = grant->n_sans > 0 ? grant->n_sans : csr->names.n;
    for (size_t i = 0; i < n; i++)
        if (tls_maker_san(leaf, sans[i], err) != 0)
            return -1;
    if (n == 0 || !tls_cert_name_is_empty(csr->cert.subject))
        return 0;
    int rc = make_names_critical(leaf);
    return rc == 0 ? 0 : tls_maker_failed(err, "cannot set the names", rc);
}

static int make_leaf(const struct tls_csr *csr, struct tls_maker *leaf, const struct tls_maker *ca, const struct tls_csr_grant *grant, struct err *err)
{
    struct tls_maker_shape shape = {.purposes = {grant->client ? GNUTLS_KP_TLS_WWW_CLIENT : GNUTLS_KP_TLS_WWW_SERVER}};
    if (grant->client && grant->server)
        shape.purposes[1] = GNUTLS_KP_TLS_WWW_SERVER;
    if (tls_maker_begin_for_key(leaf, &shape, (struct tls_maker_dates){grant->not_before, grant->not_after}, grant->serial, err) != 0)
        return -1;
    int rc = gnutls_x509_crt_set_crq(leaf->crt, csr->crq);
    if (rc != 0)
        return tls_maker_failed(err, "cannot take the subject and the key of the request", rc);
    return add_names(csr, leaf, grant, err) == 0 ? tls_maker_sign(leaf, ca, false, err) : -1;
}

int tls_csr_sign(const struct tls_csr *csr, struct span ca_cert, struct span ca_key, const struct tls_csr_grant *grant, struct bytes *out, struct err *err)
{
    struct tls_maker ca = {NULL, NULL}, leaf = {NULL, NULL};
    int rc = -1;
    bytes_init(out, CERTIFICATE_MAX);
    if (tls_maker_import(&ca, ca_cert, ca_key, err) == 0 && check_not_the_ca(csr, &ca, err) == 0 && make_leaf(csr, &leaf, &ca, grant, err) == 0)
        rc = tls_maker_append_certificate(&leaf, false, out, err);
    tls_maker_clear(&leaf);
    tls_maker_clear(&ca);
    if (rc != 0)
        bytes_clear(out);
    return rc;
}
