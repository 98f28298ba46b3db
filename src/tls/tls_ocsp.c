/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp.h"

#include <gnutls/crypto.h>
#include <string.h>

static const char oid_basic[] = "\x2b\x06\x01\x05\x05\x07\x30\x01\x01";

enum { HASH_MAX_BYTES = 64 };

/* An explicit tag around exactly one element. */
static int unwrap(struct span *in, uint8_t number, uint8_t tag, struct tls_der *out)
{
    struct tls_der wrapper;
    if (tls_der_expect(in, (uint8_t)(DER_CONTEXT_CONSTRUCTED + number), &wrapper) != 0 || tls_der_expect(&wrapper.value, tag, out) != 0)
        return -1;
    return wrapper.value.len == 0 ? 0 : -1;
}

static bool is_wrapped_next(struct span in, uint8_t number)
{
    return tls_der_peek(in, (uint8_t)(DER_CONTEXT_CONSTRUCTED + number));
}

static int take_time(struct span *in, int64_t *seconds)
{
    struct tls_der element;
    return tls_der_expect(in, DER_GENERALIZED_TIME, &element) == 0 ? tls_der_time(&element, seconds) : -1;
}

/* Optional extensions at the end of what they belong to. */
static int check_extensions(struct span in)
{
    struct tls_der list;
    struct tls_cert_extension extension;
    if (in.len == 0)
        return 0;
    if (unwrap(&in, 1, DER_SEQUENCE, &list) != 0 || in.len != 0)
        return -1;
    while (list.value.len > 0)
        if (tls_cert_next_extension(&list.value, &extension) != 0 || extension.critical)
            return -1;
    return 0;
}

/* ---- the answer ---- */

static int skip_responder(struct span *in)
{
    struct tls_der id;
    return is_wrapped_next(*in, 1) ? unwrap(in, 1, DER_SEQUENCE, &id) : unwrap(in, 2, DER_OCTET_STRING, &id);
}

static int read_data(struct span in, struct tls_ocsp_parsed *out)
{
    struct tls_der version, produced_at, responses;
    if (is_wrapped_next(in, 0) && (unwrap(&in, 0, DER_INTEGER, &version) != 0 || !span_equals(version.value, span_of("", 1))))
        return -1;
    if (skip_responder(&in) != 0 || tls_der_expect(&in, DER_GENERALIZED_TIME, &produced_at) != 0 || tls_der_expect(&in, DER_SEQUENCE, &responses) != 0)
        return -1;
    out->entries = responses.value;
    return check_extensions(in);
}

static int read_signature(struct span *in, struct tls_ocsp_parsed *out)
{
    struct tls_der algorithm, bits;
    if (tls_der_expect(in, DER_SEQUENCE, &algorithm) != 0 || tls_der_expect(in, DER_BIT_STRING, &bits) != 0 || bits.value.len < 2 || bits.value.ptr[0] != 0)
        return -1;
    out->algorithm = algorithm.value;
    out->signature = span_skip(bits.value, 1);
    return 0;
}

static int read_basic(struct span in, struct tls_ocsp_parsed *out)
{
    struct tls_der answer, data, certs;
    if (tls_der_expect(&in, DER_SEQUENCE, &answer) != 0 || in.len != 0 || tls_der_expect(&answer.value, DER_SEQUENCE, &data) != 0 ||
        read_signature(&answer.value, out) != 0)
        return -1;
    out->tbs = data.whole;
    if (answer.value.len > 0) {
        if (unwrap(&answer.value, 0, DER_SEQUENCE, &certs) != 0)
            return -1;
        out->certs = certs.value;
    }
    return answer.value.len == 0 ? read_data(data.value, out) : -1;
}

int tls_ocsp_parse(struct span der, struct tls_ocsp_parsed *out)
{
    *out = (struct tls_ocsp_parsed){0};
    struct tls_der answer, status, bytes, type, basic;
    if (tls_der_expect(&der, DER_SEQUENCE, &answer) != 0 || der.len != 0 || tls_der_expect(&answer.value, DER_ENUMERATED, &status) != 0 ||
        status.value.len != 1)
        return -1;
    if (status.value.ptr[0] != 0)
        return 0;
    if (unwrap(&answer.value, 0, DER_SEQUENCE, &bytes) != 0 || answer.value.len != 0 || tls_der_expect(&bytes.value, DER_OID, &type) != 0 ||
        !span_equals_str(type.value, oid_basic) || tls_der_expect(&bytes.value, DER_OCTET_STRING, &basic) != 0 || bytes.value.len != 0)
        return -1;
    out->successful = true;
    return read_basic(basic.value, out);
}

/* ---- its entries ---- */

static int read_id(struct span in, struct tls_ocsp_entry *out)
{
    struct tls_der algorithm, oid, name, key, serial;
    if (tls_der_expect(&in, DER_SEQUENCE, &algorithm) != 0 || tls_der_expect(&algorithm.value, DER_OID, &oid) != 0 ||
        tls_der_expect(&in, DER_OCTET_STRING, &name) != 0 || tls_der_expect(&in, DER_OCTET_STRING, &key) != 0 ||
        tls_der_expect(&in, DER_INTEGER, &serial) != 0 || in.len != 0)
        return -1;
    out->hash = oid.value;
    out->issuer_name_hash = name.value;
    out->issuer_key_hash = key.value;
    out->serial = tls_cert_serial_digits(serial.value);
    return 0;
}

static int read_status(struct span *in, struct tls_ocsp_entry *out)
{
    struct tls_der status, reason;
    if (tls_der_next(in, &status) != 0)
        return -1;
    switch (status.tag) {
    case DER_CONTEXT:
        out->status = TLS_OCSP_GOOD;
        return status.value.len == 0 ? 0 : -1;
    case DER_CONTEXT_CONSTRUCTED + 1:
        out->status = TLS_OCSP_REVOKED;
        if (take_time(&status.value, &out->revoked_at) != 0)
            return -1;
        return status.value.len == 0 || (unwrap(&status.value, 0, DER_ENUMERATED, &reason) == 0 && status.value.len == 0) ? 0 : -1;
    case DER_CONTEXT + 2:
        out->status = TLS_OCSP_UNKNOWN;
        return status.value.len == 0 ? 0 : -1;
    default:
        return -1;
    }
}

int tls_ocsp_next_entry(struct span *rest, struct tls_ocsp_entry *out)
{
    struct tls_der entry, id, next;
    *out = (struct tls_ocsp_entry){.status = TLS_OCSP_UNKNOWN};
    if (tls_der_expect(rest, DER_SEQUENCE, &entry) != 0 || tls_der_expect(&entry.value, DER_SEQUENCE, &id) != 0 || read_id(id.value, out) != 0 ||
        read_status(&entry.value, out) != 0 || take_time(&entry.value, &out->this_update) != 0)
        return -1;
    if (is_wrapped_next(entry.value, 0) &&
        (unwrap(&entry.value, 0, DER_GENERALIZED_TIME, &next) != 0 || tls_der_time(&next, &out->next_update) != 0))
        return -1;
    return check_extensions(entry.value);
}

/* ---- whom they are about ---- */

static gnutls_digest_algorithm_t find_hash(struct span oid)
{
    static const struct {
        const char *oid;
        gnutls_digest_algorithm_t digest;
    } hashes[] = {
        {"\x2b\x0e\x03\x02\x1a", GNUTLS_DIG_SHA1},
        {"\x60\x86\x48\x01\x65\x03\x04\x02\x01", GNUTLS_DIG_SHA256},
        {"\x60\x86\x48\x01\x65\x03\x04\x02\x02", GNUTLS_DIG_SHA384},
        {"\x60\x86\x48\x01\x65\x03\x04\x02\x03", GNUTLS_DIG_SHA512},
    };
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        if (span_equals_str(oid, hashes[i].oid))
            return hashes[i].digest;
    return GNUTLS_DIG_UNKNOWN;
}

static bool is_hash_of(gnutls_digest_algorithm_t digest, struct span hash, struct span data)
{
    uint8_t made[HASH_MAX_BYTES];
    size_t len = gnutls_hash_get_len(digest);
    return hash.len == len && gnutls_hash_fast(digest, data.ptr, data.len, made) == 0 && memcmp(made, hash.ptr, len) == 0;
}

struct span tls_ocsp_key_bits(struct span spki)
{
    struct tls_der whole, algorithm, bits;
    bool read = tls_der_expect(&spki, DER_SEQUENCE, &whole) == 0 && tls_der_expect(&whole.value, DER_SEQUENCE, &algorithm) == 0 &&
                tls_der_expect(&whole.value, DER_BIT_STRING, &bits) == 0 && bits.value.len > 0;
    return read ? span_skip(bits.value, 1) : span_of(NULL, 0);
}

bool tls_ocsp_is_about(const struct tls_ocsp_entry *entry, const struct tls_cert *cert, const struct tls_cert *issuer)
{
    if (!span_equals(entry->serial, tls_cert_serial_digits(cert->serial)))
        return false;
    gnutls_digest_algorithm_t digest = find_hash(entry->hash);
    struct span key = tls_ocsp_key_bits(issuer->spki);
    return digest != GNUTLS_DIG_UNKNOWN && key.len > 0 && is_hash_of(digest, entry->issuer_name_hash, cert->issuer) &&
           is_hash_of(digest, entry->issuer_key_hash, key);
}
