/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_ocsp_request.h"
#include "tls_ocsp.h"

#include "mtlsd/base/url.h"

#include <gnutls/crypto.h>
#include <string.h>

enum { SHA1_BYTES = 20, SHORT_LENGTH = 127 };

/* ---- where ---- */

bool tls_ocsp_request_read_urls(struct span value, struct span *url)
{
    struct tls_der list, access, method, name;
    if (tls_der_expect(&value, DER_SEQUENCE, &list) != 0)
        return false;
    while (list.value.len > 0) {
        if (tls_der_expect(&list.value, DER_SEQUENCE, &access) != 0 || tls_der_expect(&access.value, DER_OID, &method) != 0 ||
            tls_der_next(&access.value, &name) != 0)
            return false;
        if (!span_equals_str(method.value, "\x2b\x06\x01\x05\x05\x07\x30\x01") || name.tag != DER_CONTEXT + 6 || !url_is_http(name.value))
            continue;
        *url = name.value;
        return true;
    }
    return false;
}

bool tls_ocsp_request_find_url(const struct tls_cert *cert, struct span *url)
{
    struct span value;
    return tls_cert_find_extension(cert, "\x2b\x06\x01\x05\x05\x07\x01\x01", &value) && tls_ocsp_request_read_urls(value, url);
}

/* ---- what ---- */

/* Writes from the end to the front, so that each length is known when it is written. */
struct writer {
    uint8_t *out;
    size_t at; /* where what was written begins */
    bool full;
};

static void put(struct writer *w, struct span bytes)
{
    w->full = w->full || bytes.len > w->at;
    if (w->full)
        return;
    w->at -= bytes.len;
    memcpy(w->out + w->at, bytes.ptr, bytes.len);
}

/* Tag and length of the len bytes that follow. */
static void put_head(struct writer *w, uint8_t tag, size_t len)
{
    uint8_t head[3] = {tag, 0x81, (uint8_t)len};
    if (len > UINT8_MAX) {
        w->full = true;
    } else if (len > SHORT_LENGTH) {
        put(w, span_of(head, 3));
    } else {
        head[1] = (uint8_t)len;
        put(w, span_of(head, 2));
    }
}

static void put_element(struct writer *w, uint8_t tag, struct span value)
{
    put(w, value);
    put_head(w, tag, value.len);
}

size_t tls_ocsp_request_make(const struct tls_cert *cert, const struct tls_cert *issuer, uint8_t *out, size_t size)
{
    static const char sha1[] = "\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05";
    enum { AROUND = 4 }; /* Request, requestList, TBSRequest, OCSPRequest */
    uint8_t name[SHA1_BYTES], key[SHA1_BYTES];
    struct span bits = tls_ocsp_key_bits(issuer->spki);
    struct writer w = {out, size, false};
    if (bits.len == 0 || gnutls_hash_fast(GNUTLS_DIG_SHA1, cert->issuer.ptr, cert->issuer.len, name) != 0 ||
        gnutls_hash_fast(GNUTLS_DIG_SHA1, bits.ptr, bits.len, key) != 0)
        return 0;
    put_element(&w, DER_INTEGER, cert->serial);
    put_element(&w, DER_OCTET_STRING, span_of(key, sizeof(key)));
    put_element(&w, DER_OCTET_STRING, span_of(name, sizeof(name)));
    put(&w, span_of(sha1, sizeof(sha1))); /* with the 0 at its end: the length of NULL */
    put_head(&w, DER_SEQUENCE, size - w.at);
    for (unsigned i = 0; i < AROUND; i++)
        put_head(&w, DER_SEQUENCE, size - w.at);
    if (w.full)
        return 0;
    memmove(out, out + w.at, size - w.at);
    return size - w.at;
}
