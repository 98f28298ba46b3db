/* SPDX-License-Identifier: Apache-2.0 */
/* A5, C2, C8: a certificate of any bytes, as a backend and a log are told of it. Where GnuTLS can read it too, both read the same serial, dates, names and
 * number of alternative names; what is written into a head is whole lines of visible ASCII, each of an owned name, whoever named himself what. */
#include "fuzz.h"

#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_identity.h"
#include "mtlsd/http/http_xfcc.h"
#include "pki_files.h"
#include "tls_cert.h"

#include <gnutls/x509.h>
#include <string.h>

static void compare_names(gnutls_x509_crt_t crt, const struct tls_cert *cert, const struct tls_peer *peer)
{
    size_t ours = 0, theirs = 0;
    int rc;
    for (size_t i = 0; i < peer->n_names; i++)
        ours += peer->names[i].value.ptr >= peer->der.ptr + (cert->san.ptr - cert->der.ptr);
    do {
        uint8_t name[2048];
        size_t size = sizeof(name);
        unsigned type;
        rc = gnutls_x509_crt_get_subject_alt_name2(crt, (unsigned)theirs, name, &size, &type, NULL);
        theirs += rc >= 0 || rc == GNUTLS_E_SHORT_MEMORY_BUFFER;
    } while (rc >= 0 || rc == GNUTLS_E_SHORT_MEMORY_BUFFER);
    assert(rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE || cert->san.len == 0 || ours == theirs);
}

static void compare(const struct tls_cert *cert, const struct tls_peer *peer)
{
    gnutls_x509_crt_t crt;
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)cert->der.ptr, (unsigned)cert->der.len}, name = {NULL, 0};
    if (gnutls_x509_crt_init(&crt) != 0)
        return;
    if (gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) == 0) {
        uint8_t serial[4096];
        size_t size = sizeof(serial);
        if (gnutls_x509_crt_get_serial(crt, serial, &size) == 0)
            assert(span_equals(span_of(serial, size), cert->serial));
        time_t from = gnutls_x509_crt_get_activation_time(crt), to = gnutls_x509_crt_get_expiration_time(crt);
        assert(from <= 0 || from == cert->not_before); /* GnuTLS has no time before 1970 */
        assert(to <= 0 || to == cert->not_after);
        if (gnutls_x509_crt_get_raw_dn(crt, &name) == 0)
            assert(span_equals(span_of(name.data, name.size), cert->subject));
        gnutls_free(name.data);
        compare_names(crt, cert, peer);
    }
    gnutls_x509_crt_deinit(crt);
}

static void check_lines(struct span lines)
{
    while (lines.len > 0) {
        const uint8_t *end = memmem(lines.ptr, lines.len, "\r\n", 2), *colon = memchr(lines.ptr, ':', lines.len);
        assert(end != NULL && colon != NULL && colon < end);
        assert(http_guard_is_owned(span_of(lines.ptr, (size_t)(colon - lines.ptr))));
        for (const uint8_t *p = lines.ptr; p < end; p++)
            assert(*p >= 0x20 && *p < 0x7f);
        lines = span_skip(lines, (size_t)(end - lines.ptr) + 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct span der = span_of(bytes, n), path = pki_files_der("middle.pem");
    struct tls_cert cert;
    struct tls_peer *peer = tls_peer_new(der, NULL);
    if (peer == NULL)
        return 0;
    int rc = tls_cert_read(der, &cert);
    assert(rc == 0);
    compare(&cert, peer);
    tls_peer_set_path(peer, &path, 1, true);
    struct bytes out = {.max = 1 << 20};
    struct tls_verdict verdict = {.status = REASON_VALID};
    struct http_head request = {.request = true};
    struct http_xfcc how = {HTTP_XFCC_SANITIZE_SET, HTTP_XFCC_CERT | HTTP_XFCC_CHAIN, {NULL, 0}, &verdict, peer};
    rc = http_identity_append(&out, HTTP_IDENTITY_RFC9440 | HTTP_IDENTITY_X_SSL | HTTP_IDENTITY_NGINX, &verdict, "valid", peer);
    assert(rc == 0);
    rc = http_xfcc_append(&out, &how, &request);
    assert(rc == 0);
    check_lines(bytes_span(&out));
    bytes_clear(&out);
    tls_peer_free(peer);
    return 0;
}
