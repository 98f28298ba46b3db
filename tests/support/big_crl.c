/* SPDX-License-Identifier: Apache-2.0 */
#include "big_crl.h"

#include <gnutls/abstract.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ENTRY = 39, SERIAL = 20, TAIL = 4096 };

static const char moment[] = "\x17\x0d" /* UTCTime */ "260101000000Z";

/* Bytes are put in front of those that are there: so a length is known when its header is due. */
struct writer {
    uint8_t *start, *at;
};

static void must(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "big_crl.c: %s: %s\n", what, gnutls_strerror(rc));
    abort();
}

static void put(struct writer *w, const void *bytes, size_t n)
{
    if ((size_t)(w->at - w->start) < n)
        abort();
    w->at -= n;
    memcpy(w->at, bytes, n);
}

/* Around everything from w->at to end. */
static void wrap(struct writer *w, uint8_t tag, const uint8_t *end)
{
    size_t len = (size_t)(end - w->at);
    uint8_t head[6] = {tag, (uint8_t)len};
    size_t n = 2;
    if (len >= 128) {
        head[1] = 0x84;
        for (size_t i = 0; i < 4; i++)
            head[2 + i] = (uint8_t)(len >> (8 * (3 - i)));
        size_t zeros = 0; /* DER: as few bytes as will do */
        while (head[2 + zeros] == 0)
            zeros++;
        memmove(head + 2, head + 2 + zeros, 4 - zeros);
        head[1] = (uint8_t)(0x84 - zeros);
        n = 6 - zeros;
    }
    put(w, head, n);
}

static void put_entry(struct writer *w, const uint8_t *serial, size_t n)
{
    const uint8_t *end = w->at;
    put(w, moment, sizeof(moment) - 1);
    const uint8_t *number_end = w->at;
    put(w, serial, n);
    wrap(w, 0x02, number_end);
    wrap(w, 0x30, end);
}

void big_crl_serial(size_t i, uint8_t serial[20])
{
    uint64_t x = (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t k = 0; k < SERIAL; k++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        serial[k] = (uint8_t)(x >> 32);
    }
    serial[0] = (uint8_t)((serial[0] & 0x3f) | 0x40);
}

static void put_time(struct writer *w, int64_t when)
{
    char text[32];
    struct tm tm;
    time_t t = (time_t)when;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
    put(w, text + 2, 13); /* two digits of the year */
    put(w, "\x17\x0d", 2);
}

static void put_list(struct writer *w, const struct big_crl_order *order, const char *algorithm)
{
    const uint8_t *end = w->at;
    gnutls_datum_t name;
    uint8_t number[] = {0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x14, 0x04, 0x03, 0x02, 0x01, order->number != 0 ? order->number : 1};
    put(w, number, sizeof(number));
    wrap(w, 0x30, end);
    wrap(w, 0xa0, end);
    const uint8_t *entries_end = w->at;
    if (order->also.len > 0)
        put_entry(w, order->also.ptr, order->also.len);
    for (size_t i = order->n; i > 0; i--) {
        uint8_t serial[SERIAL];
        big_crl_serial(i - 1, serial);
        put_entry(w, serial, sizeof(serial));
    }
    if (w->at != entries_end)
        wrap(w, 0x30, entries_end);
    put_time(w, CERTS_NOW + 7 * CERTS_DAY);
    put_time(w, CERTS_NOW - CERTS_DAY);
    must(gnutls_x509_crt_get_raw_dn(order->issuer->crt, &name), "name of the issuer");
    put(w, name.data, name.size);
    gnutls_free(name.data);
    put(w, algorithm + 1, (size_t)algorithm[0]);
    put(w, "\x02\x01\x01", 3);
    wrap(w, 0x30, end);
}

struct span big_crl_make(const struct big_crl_order *order)
{
    bool eddsa = gnutls_x509_crt_get_pk_algorithm(order->issuer->crt, NULL) == GNUTLS_PK_EDDSA_ED25519;
    const char *algorithm = eddsa ? "\x07\x30\x05\x06\x03\x2b\x65\x70" : "\x0c\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    size_t room = order->n * ENTRY + order->also.len + TAIL;
    uint8_t *memory = malloc(room);
    gnutls_privkey_t key;
    gnutls_datum_t signature;
    if (memory == NULL)
        abort();
    struct writer list = {memory, memory + room - TAIL / 2};
    uint8_t *end = list.at;
    put_list(&list, order, algorithm);
    gnutls_datum_t signed_bytes = {list.at, (unsigned)(end - list.at)};
    must(gnutls_privkey_init(&key), "key");
    must(gnutls_privkey_import_x509(key, order->issuer->key, 0), "key");
    must(gnutls_privkey_sign_data2(key, eddsa ? GNUTLS_SIGN_EDDSA_ED25519 : GNUTLS_SIGN_ECDSA_SHA256, 0, &signed_bytes, &signature), "signature");
    gnutls_privkey_deinit(key);
    struct writer tail = {end, memory + room};
    const uint8_t *tail_end = tail.at;
    put(&tail, signature.data, signature.size);
    gnutls_free(signature.data);
    put(&tail, "", 1); /* no unused bits */
    wrap(&tail, 0x03, tail_end);
    put(&tail, algorithm + 1, (size_t)algorithm[0]);
    size_t tail_len = (size_t)(tail_end - tail.at);
    memmove(end, tail.at, tail_len);
    wrap(&list, 0x30, end + tail_len);
    size_t len = (size_t)(end + tail_len - list.at);
    memmove(memory, list.at, len);
    return span_of(memory, len);
}
