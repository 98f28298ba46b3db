/* SPDX-License-Identifier: Apache-2.0 */
#include "ocsp_maker.h"

#include "tls/tls_cert.h"

#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 60000 };

struct der {
    size_t n;
    uint8_t b[ROOM];
};

static void put(struct der *d, const void *bytes, size_t n)
{
    ck_assert_uint_le(d->n + n, ROOM);
    memcpy(d->b + d->n, bytes, n);
    d->n += n;
}

/* One element around what stands behind "from". */
static void wrap(struct der *d, size_t from, uint8_t tag)
{
    size_t n = d->n - from;
    uint8_t head[4] = {tag, 0x82, (uint8_t)(n >> 8), (uint8_t)n};
    size_t head_len = 4;
    if (n < 128) {
        head[1] = (uint8_t)n;
        head_len = 2;
    } else if (n < 256) {
        head[1] = 0x81;
        head[2] = (uint8_t)n;
        head_len = 3;
    }
    ck_assert_uint_le(d->n + head_len, ROOM);
    memmove(d->b + from + head_len, d->b + from, n);
    memcpy(d->b + from, head, head_len);
    d->n += head_len;
}

static void put_element(struct der *d, uint8_t tag, const void *bytes, size_t n)
{
    size_t from = d->n;
    put(d, bytes, n);
    wrap(d, from, tag);
}

static void put_time(struct der *d, int64_t seconds)
{
    time_t t = (time_t)seconds;
    struct tm tm;
    char text[32];
    size_t n = strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", gmtime_r(&t, &tm));
    put_element(d, DER_GENERALIZED_TIME, text, n);
}

static void put_extension(struct der *d, bool critical)
{
    size_t from = d->n;
    put(d, critical ? "\x06\x03\x2a\x03\x04\x01\x01\xff\x04\x02\x05\x00" : "\x06\x03\x2a\x03\x04\x04\x02\x05\x00", critical ? 12 : 9);
    wrap(d, from, DER_SEQUENCE);
    wrap(d, from, DER_SEQUENCE);
    wrap(d, from, DER_CONTEXT_CONSTRUCTED + 1);
}

/* ---- the entries ---- */

static struct span key_bits(struct span spki)
{
    struct tls_der whole, algorithm, bits;
    ck_assert(tls_der_expect(&spki, DER_SEQUENCE, &whole) == 0 && tls_der_expect(&whole.value, DER_SEQUENCE, &algorithm) == 0 &&
              tls_der_expect(&whole.value, DER_BIT_STRING, &bits) == 0);
    return span_skip(bits.value, 1);
}

static void put_hash(struct der *d, bool sha256, struct span data)
{
    uint8_t hash[32];
    gnutls_digest_algorithm_t digest = sha256 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA1;
    ck_assert_int_eq(gnutls_hash_fast(digest, data.ptr, data.len, hash), 0);
    put_element(d, DER_OCTET_STRING, hash, gnutls_hash_get_len(digest));
}

static void put_id(struct der *d, const struct ocsp_order *o)
{
    struct tls_cert cert, issuer;
    size_t from = d->n;
    ck_assert(tls_cert_read(o->cert->der, &cert) == 0 && tls_cert_read(o->issuer->der, &issuer) == 0);
    if (o->sha256_id)
        put_element(d, DER_OID, "\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9);
    else
        put(d, "\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00", 9);
    wrap(d, from, DER_SEQUENCE);
    put_hash(d, o->sha256_id, issuer.subject);
    put_hash(d, o->sha256_id, key_bits(issuer.spki));
    put_element(d, DER_INTEGER, cert.serial.ptr, cert.serial.len);
    wrap(d, from, DER_SEQUENCE);
}

static void put_status(struct der *d, enum ocsp_status status, bool with_reason)
{
    size_t from = d->n;
    if (status != OCSP_REVOKED) {
        put_element(d, status == OCSP_GOOD ? DER_CONTEXT : DER_CONTEXT + 2, "", 0);
        return;
    }
    put_time(d, OCSP_REVOKED_AT);
    if (with_reason)
        put(d, "\xa0\x03\x0a\x01\x01", 5);
    wrap(d, from, DER_CONTEXT_CONSTRUCTED + 1);
}

static void put_entry(struct der *d, const struct ocsp_order *o, enum ocsp_status status)
{
    size_t from = d->n;
    put_id(d, o);
    put_status(d, status, o->with_reason);
    put_time(d, o->this_update != 0 ? o->this_update : CERTS_NOW - 3600);
    if (!o->no_next_update) {
        size_t next = d->n;
        put_time(d, o->next_update != 0 ? o->next_update : CERTS_NOW + 7 * CERTS_DAY);
        wrap(d, next, DER_CONTEXT_CONSTRUCTED);
    }
    if (o->critical_in_entry)
        put_extension(d, true);
    wrap(d, from, DER_SEQUENCE);
}

/* ---- the answer ---- */

static void put_data(struct der *d, const struct ocsp_order *o)
{
    struct tls_cert signer;
    size_t from = d->n;
    ck_assert_int_eq(tls_cert_read((o->signer != NULL ? o->signer : o->issuer)->der, &signer), 0);
    if (o->version)
        put(d, "\xa0\x03\x02\x01\x00", 5);
    size_t responder = d->n;
    if (o->by_name)
        put(d, signer.subject.ptr, signer.subject.len);
    else
        put_hash(d, false, key_bits(signer.spki));
    wrap(d, responder, o->by_name ? DER_CONTEXT_CONSTRUCTED + 1 : DER_CONTEXT_CONSTRUCTED + 2);
    put_time(d, CERTS_NOW);
    size_t entries = d->n;
    for (unsigned i = 0; i == 0 || i < o->copies; i++)
        put_entry(d, o, o->status);
    if (o->two)
        put_entry(d, o, o->second);
    wrap(d, entries, DER_SEQUENCE);
    put_extension(d, o->critical);
    wrap(d, from, DER_SEQUENCE);
}

static void put_signature(struct der *d, const struct certs *by, bool sha1)
{
    gnutls_privkey_t key;
    gnutls_datum_t data = {d->b, (unsigned)d->n}, signature;
    ck_assert_int_eq(gnutls_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_privkey_import_x509(key, by->key, 0), 0);
    bool rsa = gnutls_privkey_get_pk_algorithm(key, NULL) == GNUTLS_PK_RSA;
    ck_assert_int_eq(gnutls_privkey_sign_data(key, sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256, 0, &data, &signature), 0);
    gnutls_privkey_deinit(key);
    if (rsa)
        put(d, "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00", 15);
    else if (sha1)
        put(d, "\x30\x09\x06\x07\x2a\x86\x48\xce\x3d\x04\x01", 11);
    else
        put(d, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02", 12);
    size_t bits = d->n;
    put(d, "", 1);
    put(d, signature.data, signature.size);
    wrap(d, bits, DER_BIT_STRING);
    gnutls_free(signature.data);
}

static void put_basic(struct der *d, const struct ocsp_order *o)
{
    put_data(d, o);
    put_signature(d, o->signer != NULL ? o->signer : o->issuer, o->sha1_signature);
    size_t certs = d->n;
    for (size_t i = 0; i < 6 && o->sent[i] != NULL; i++)
        put(d, o->sent[i]->der.ptr, o->sent[i]->der.len);
    if (d->n > certs) {
        wrap(d, certs, DER_SEQUENCE);
        wrap(d, certs, DER_CONTEXT_CONSTRUCTED);
    }
    wrap(d, 0, DER_SEQUENCE);
    wrap(d, 0, DER_OCTET_STRING);
}

struct span ocsp_make(const struct ocsp_order *order)
{
    static struct der basic, answer;
    basic.n = answer.n = 0;
    put_element(&answer, DER_ENUMERATED, &order->refusal, 1);
    if (order->refusal == 0) {
        size_t from = answer.n;
        put_basic(&basic, order);
        put_element(&answer, DER_OID, "\x2b\x06\x01\x05\x05\x07\x30\x01\x01", 9);
        put(&answer, basic.b, basic.n);
        wrap(&answer, from, DER_SEQUENCE);
        wrap(&answer, from, DER_CONTEXT_CONSTRUCTED);
    }
    wrap(&answer, 0, DER_SEQUENCE);
    struct span whole = span_of(answer.b, answer.n);
    return certs_join(&whole, 1);
}
