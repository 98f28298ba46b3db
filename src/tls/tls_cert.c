/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_cert.h"

#include "tls_der.h"
#include "tls_dn.h"

#include "mtlsd/base/text.h"

#include <gnutls/crypto.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Far above any honest certificate. They bound the search for extensions that appear twice, and what GnuTLS does with a name, the square of its
 * parts. */
enum { MAX_EXTENSIONS = 64, MAX_NAME_PARTS = 64, MAX_RSA_BYTES = 1024, MAX_RSA_EXPONENT_BYTES = 8, MAX_CURVE_BYTES = 200 /* P-521: 134 */ };

static const char oid_rsa[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
static const char oid_rsa_pss[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a";
static const char oid_ec[] = "\x2a\x86\x48\xce\x3d\x02\x01";
static const char oid_ed25519[] = "\x2b\x65\x70";
static const char oid_ed448[] = "\x2b\x65\x71";

static const char oid_san[] = "\x55\x1d\x11";
static const char oid_cn[] = "\x55\x04\x03";
static const char oid_o[] = "\x55\x04\x0a";
static const char oid_ou[] = "\x55\x04\x0b";

int tls_cert_next_extension(struct span *rest, struct tls_cert_extension *out)
{
    struct tls_der extension, oid, flag, value;
    if (tls_der_expect(rest, DER_SEQUENCE, &extension) != 0)
        return -1;
    struct span in = extension.value;
    if (tls_der_expect(&in, DER_OID, &oid) != 0)
        return -1;
    out->critical = false;
    if (tls_der_peek(in, DER_BOOLEAN)) {
        if (tls_der_next(&in, &flag) != 0 || flag.value.len != 1)
            return -1;
        out->critical = flag.value.ptr[0] != 0;
    }
    if (tls_der_expect(&in, DER_OCTET_STRING, &value) != 0 || in.len != 0)
        return -1;
    out->oid = oid.value;
    out->value = value.value;
    return 0;
}

bool tls_cert_find_extension(const struct tls_cert *cert, const char *oid, struct span *value)
{
    struct span rest = cert->extensions;
    struct tls_cert_extension extension;
    while (rest.len > 0 && tls_cert_next_extension(&rest, &extension) == 0) {
        *value = extension.value;
        if (span_equals_str(extension.oid, oid))
            return true;
    }
    return false;
}

static bool rsa_is_affordable(struct span key)
{
    struct tls_der numbers, modulus, exponent;
    if (key.len < 1 || key.ptr[0] != 0) /* unused bits of the BIT STRING */
        return false;
    struct span in = span_skip(key, 1);
    if (tls_der_expect(&in, DER_SEQUENCE, &numbers) != 0 || in.len != 0 || tls_der_expect(&numbers.value, DER_INTEGER, &modulus) != 0 ||
        tls_der_expect(&numbers.value, DER_INTEGER, &exponent) != 0 || numbers.value.len != 0)
        return false;
    /* a zero byte in front keeps the number positive */
    return modulus.value.len <= MAX_RSA_BYTES + 1 && exponent.value.len <= MAX_RSA_EXPONENT_BYTES + 1;
}

bool tls_cert_key_is_affordable(struct span spki)
{
    struct tls_der info, algorithm, oid, key;
    if (tls_der_expect(&spki, DER_SEQUENCE, &info) != 0 || tls_der_expect(&info.value, DER_SEQUENCE, &algorithm) != 0 ||
        tls_der_expect(&algorithm.value, DER_OID, &oid) != 0 || tls_der_expect(&info.value, DER_BIT_STRING, &key) != 0)
        return false;
    if (span_equals_str(oid.value, oid_rsa) || span_equals_str(oid.value, oid_rsa_pss))
        return rsa_is_affordable(key.value);
    bool curve = span_equals_str(oid.value, oid_ec) || span_equals_str(oid.value, oid_ed25519) || span_equals_str(oid.value, oid_ed448);
    return curve && key.value.len <= MAX_CURVE_BYTES;
}

/* A second subjectAltName could show one reader this name and another reader that one: extensions appear once
 * (RFC 5280 4.2). */
int tls_cert_read_extensions(struct span list, struct tls_cert *out)
{
    out->extensions = list;
    struct span seen[MAX_EXTENSIONS];
    size_t n = 0;
    struct span rest = list;
    while (rest.len > 0) {
        struct tls_cert_extension extension;
        if (n == MAX_EXTENSIONS || tls_cert_next_extension(&rest, &extension) != 0)
            return -1;
        for (size_t i = 0; i < n; i++)
            if (span_equals(seen[i], extension.oid))
                return -1;
        seen[n++] = extension.oid;
        if (span_equals_str(extension.oid, oid_san))
            out->san = extension.value;
    }
    return 0;
}

static int read_validity(struct span *tbs, struct tls_cert *out)
{
    struct tls_der validity, before, after;
    if (tls_der_expect(tbs, DER_SEQUENCE, &validity) != 0)
        return -1;
    struct span in = validity.value;
    if (tls_der_next(&in, &before) != 0 || tls_der_next(&in, &after) != 0 || in.len != 0)
        return -1;
    if (tls_der_time(&before, &out->not_before) != 0 || tls_der_time(&after, &out->not_after) != 0)
        return -1;
    return 0;
}

/* The fields after the public key: the two unique identifiers of X.509v2, then extensions. */
static int read_tail(struct span tbs, struct tls_cert *out)
{
    struct tls_der element, list;
    for (unsigned number = 1; number <= 2; number++)
        if (tls_der_peek(tbs, (uint8_t)(DER_CONTEXT + number)) && tls_der_next(&tbs, &element) != 0)
            return -1;
    if (tbs.len == 0)
        return 0;
    if (tls_der_expect(&tbs, DER_CONTEXT_CONSTRUCTED + 3, &element) != 0 || tbs.len != 0)
        return -1;
    struct span in = element.value;
    if (tls_der_expect(&in, DER_SEQUENCE, &list) != 0 || in.len != 0)
        return -1;
    return tls_cert_read_extensions(list.value, out);
}

int tls_cert_read_envelope(struct span der, struct tls_cert_envelope *out)
{
    struct tls_der whole, bits;
    if (tls_der_expect(&der, DER_SEQUENCE, &whole) != 0 || der.len != 0)
        return -1;
    struct span in = whole.value;
    if (tls_der_expect(&in, DER_SEQUENCE, &out->tbs) != 0 || tls_der_expect(&in, DER_SEQUENCE, &out->algorithm) != 0 ||
        tls_der_expect(&in, DER_BIT_STRING, &bits) != 0 || in.len != 0 || bits.value.len < 2 || bits.value.ptr[0] != 0)
        return -1;
    out->signature = span_skip(bits.value, 1);
    return 0;
}

bool tls_cert_name_is_short(struct span name)
{
    struct tls_der whole, set, part;
    size_t n = 0;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0)
        return false;
    while (whole.value.len > 0) {
        if (tls_der_expect(&whole.value, DER_SET, &set) != 0)
            return false;
        for (; set.value.len > 0; n++)
            if (n == MAX_NAME_PARTS || tls_der_next(&set.value, &part) != 0)
                return false;
    }
    return true;
}

bool tls_cert_serial_is_plain(struct span serial)
{
    return serial.len == 1 || (serial.len > 1 && (serial.ptr[0] != 0xff || (serial.ptr[1] & 0x80) == 0));
}

struct span tls_cert_serial_digits(struct span serial)
{
    while (serial.len > 1 && serial.ptr[0] == 0)
        serial = span_skip(serial, 1);
    return serial;
}

int tls_cert_read(struct span der, struct tls_cert *out)
{
    *out = (struct tls_cert){.der = der};
    struct tls_cert_envelope envelope;
    struct tls_der element;
    if (tls_cert_read_envelope(der, &envelope) != 0)
        return -1;
    struct span in = envelope.tbs.value;
    if (tls_der_peek(in, DER_CONTEXT_CONSTRUCTED) && tls_der_next(&in, &element) != 0)
        return -1;
    if (tls_der_expect(&in, DER_INTEGER, &element) != 0 || !tls_cert_serial_is_plain(element.value) || element.value.len > TLS_CERT_MAX_SERIAL_BYTES + 1)
        return -1;
    out->serial = element.value;
    if (tls_der_expect(&in, DER_SEQUENCE, &element) != 0 || !span_equals(element.whole, envelope.algorithm.whole))
        return -1;
    if (tls_der_expect(&in, DER_SEQUENCE, &element) != 0)
        return -1;
    out->issuer = element.whole;
    if (read_validity(&in, out) != 0 || tls_der_expect(&in, DER_SEQUENCE, &element) != 0)
        return -1;
    out->subject = element.whole;
    if (!tls_cert_name_is_short(out->issuer) || !tls_cert_name_is_short(out->subject))
        return -1;
    if (tls_der_expect(&in, DER_SEQUENCE, &element) != 0)
        return -1;
    out->spki = element.whole;
    return read_tail(in, out);
}

struct subject_walk {
    tls_cert_name_fn on_name;
    void *ctx;
    bool one_cn; /* of several CNs none says who it is: programs do not agree which one counts (security A6) */
};

static enum tls_name_type attribute_type(const struct subject_walk *walk, struct span oid, const struct tls_der *value)
{
    if (!tls_dn_is_text(value))
        return TLS_NAME_OTHER;
    if (span_equals_str(oid, oid_cn))
        return walk->one_cn ? TLS_NAME_CN : TLS_NAME_OTHER;
    return span_equals_str(oid, oid_ou) ? TLS_NAME_OU : TLS_NAME_O;
}

static bool is_told(struct span oid)
{
    return span_equals_str(oid, oid_cn) || span_equals_str(oid, oid_ou) || span_equals_str(oid, oid_o);
}

static int on_attribute(void *ctx, struct span oid, const struct tls_der *value)
{
    const struct subject_walk *walk = ctx;
    if (!is_told(oid))
        return 0;
    struct tls_name name = {attribute_type(walk, oid, value), value->value};
    return walk->on_name(walk->ctx, &name);
}

static int count_cn(void *ctx, struct span oid, const struct tls_der *value)
{
    size_t *n = ctx;
    (void)value;
    *n += span_equals_str(oid, oid_cn);
    return 0;
}

size_t tls_cert_count_cns(const struct tls_cert *cert)
{
    size_t n = 0;
    return tls_cert_each_attribute(cert->subject, count_cn, &n) == 0 ? n : 0;
}

static int find_odd(void *ctx, struct span oid, const struct tls_der *value)
{
    bool *odd = ctx;
    *odd = *odd || (is_told(oid) && !tls_dn_is_text(value));
    return 0;
}

bool tls_cert_has_odd_names(const struct tls_cert *cert)
{
    bool odd = false;
    return tls_cert_each_attribute(cert->subject, find_odd, &odd) != 0 || odd;
}

static int each_in_rdn(struct span set, tls_cert_attribute_fn on_each, void *ctx)
{
    struct tls_dn_attribute a;
    while (set.len > 0)
        if (tls_dn_next_attribute(&set, &a) != 0 || on_each(ctx, a.oid, &a.value) != 0)
            return -1;
    return 0;
}

int tls_cert_each_attribute(struct span name, tls_cert_attribute_fn on_each, void *ctx)
{
    struct tls_der whole, set;
    if (tls_der_expect(&name, DER_SEQUENCE, &whole) != 0)
        return -1;
    struct span in = whole.value;
    while (in.len > 0)
        if (tls_der_expect(&in, DER_SET, &set) != 0 || each_in_rdn(set.value, on_each, ctx) != 0)
            return -1;
    return 0;
}

static enum tls_name_type san_type(const struct tls_der *element)
{
    switch (element->tag) {
    case DER_CONTEXT + 1:
        return TLS_NAME_EMAIL;
    case DER_CONTEXT + 2:
        return TLS_NAME_DNS;
    case DER_CONTEXT + 6:
        return TLS_NAME_URI;
    case DER_CONTEXT + 7:
        return element->value.len == 4 || element->value.len == 16 ? TLS_NAME_IP : TLS_NAME_OTHER;
    default:
        return TLS_NAME_OTHER;
    }
}

int tls_cert_each_name(const struct tls_cert *cert, tls_cert_name_fn on_name, void *ctx)
{
    struct subject_walk walk = {on_name, ctx, tls_cert_count_cns(cert) == 1};
    if (tls_cert_each_attribute(cert->subject, on_attribute, &walk) != 0)
        return -1;
    if (cert->san.len == 0)
        return 0;
    struct span rest = cert->san;
    struct tls_der list, element;
    if (tls_der_expect(&rest, DER_SEQUENCE, &list) != 0 || rest.len != 0)
        return -1;
    struct span in = list.value;
    while (in.len > 0) {
        if (tls_der_next(&in, &element) != 0)
            return -1;
        struct tls_name name = {san_type(&element), element.value};
        if (on_name(ctx, &name) != 0)
            return -1;
    }
    return 0;
}

bool tls_cert_name_text(struct span name, char *out, size_t out_size)
{
    size_t length = tls_dn_text(name, out, out_size);
    if (length == 0)
        snprintf(out, out_size, "(no name)");
    return length > 0 && length < out_size;
}

bool tls_cert_name_is_empty(struct span name)
{
    return name.len <= 2;
}

void tls_cert_digest(struct span data, uint8_t out[32])
{
    int rc = gnutls_hash_fast(GNUTLS_DIG_SHA256, data.ptr, data.len, out);
    assert(rc == 0); /* memory in, memory out: it cannot fail */
}

void tls_cert_sha256(struct span data, char out[65])
{
    uint8_t digest[32] = {0};
    tls_cert_digest(data, digest);
    text_hex(out, span_of(digest, sizeof(digest)));
}

/* ---- for the library ---- */

gnutls_datum_t tls_cert_datum(struct span bytes)
{
    return (gnutls_datum_t){(unsigned char *)(uintptr_t)bytes.ptr, (unsigned)bytes.len};
}

int tls_cert_import(struct span der, gnutls_x509_crt_t *out)
{
    const gnutls_datum_t datum = tls_cert_datum(der);
    *out = NULL;
    int rc = gnutls_x509_crt_init(out);
    if (rc == 0)
        rc = gnutls_x509_crt_import(*out, &datum, GNUTLS_X509_FMT_DER);
    if (rc == 0)
        return 0;
    gnutls_x509_crt_deinit(*out);
    *out = NULL;
    return rc;
}

int tls_cert_open(struct span der, struct tls_cert *out, gnutls_x509_crt_t *crt)
{
    *crt = NULL;
    return tls_cert_read(der, out) == 0 ? tls_cert_import(der, crt) : GNUTLS_E_ASN1_DER_ERROR;
}

bool tls_cert_has_public_id(gnutls_x509_crt_t crt, const uint8_t id[32])
{
    uint8_t own[32];
    size_t n = sizeof(own);
    return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, own, &n) == 0 && n == sizeof(own) && memcmp(own, id, n) == 0;
}

bool tls_cert_has_key(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
    uint8_t id[32];
    size_t n = sizeof(id);
    return gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &n) == 0 && tls_cert_has_public_id(crt, id);
}
