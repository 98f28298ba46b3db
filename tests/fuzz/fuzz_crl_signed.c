/* SPDX-License-Identifier: Apache-2.0 */
/* F1: what a CA signed as its list may be odd too. The input is the content of revokedCertificates and, behind the length in the first two bytes, of the
 * list's extensions; the rest is right and the signature genuine. A list that is taken revokes every serial that GnuTLS sees in it, and no other; one that
 * GnuTLS takes for something else than a plain list of that CA is not taken. */
#include "fuzz.h"

#include "judging.h"
#include "mtlsd/base/bytes.h"
#include "tls_crl.h"

#include <gnutls/abstract.h>
#include <string.h>

static struct certs ca;
static struct tls_anchor anchor;
static gnutls_privkey_t key;

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true, .key = CERTS_ED25519}, &ca);
    anchor.crt = ca.crt;
    int rc = tls_cert_read(ca.der, &anchor.cert) | gnutls_privkey_init(&key) | gnutls_privkey_import_x509(key, ca.key, 0);
    assert(rc == 0);
}

/* Puts tag and length before what is in b. */
static void wrap(struct bytes *b, uint8_t tag)
{
    struct bytes whole = {.max = 1 << 16};
    uint8_t head[4] = {tag, 0x82, (uint8_t)(b->len >> 8), (uint8_t)b->len};
    size_t n = 4;
    if (b->len < 256) {
        head[1] = b->len < 128 ? (uint8_t)b->len : 0x81;
        head[2] = (uint8_t)b->len;
        n = b->len < 128 ? 2 : 3;
    }
    int rc = bytes_append(&whole, head, n) | bytes_append_span(&whole, bytes_span(b));
    assert(rc == 0);
    bytes_clear(b);
    *b = whole;
}

static void make_list(struct span entries, struct span extensions, struct bytes *out)
{
    static const char algorithm[] = "\x30\x05\x06\x03\x2b\x65\x70";
    struct bytes tail = {.max = 1 << 16}, middle = {.max = 1 << 16};
    gnutls_datum_t signature = {NULL, 0};
    int rc = bytes_append_span(&middle, entries) | bytes_append_span(&tail, extensions);
    wrap(&middle, 0x30);
    wrap(&tail, 0x30);
    wrap(&tail, 0xa0);
    *out = (struct bytes){.max = 1 << 16};
    rc |= bytes_append(out, "\x02\x01\x01", 3) | bytes_append_str(out, algorithm) | bytes_append_span(out, anchor.cert.subject);
    rc |= bytes_append_str(out, "\x17\x0d" "260101000000Z\x17\x0d" "270101000000Z") | bytes_append_span(out, bytes_span(&middle));
    rc |= extensions.len > 0 ? bytes_append_span(out, bytes_span(&tail)) : 0;
    wrap(out, 0x30);
    gnutls_datum_t signed_part = {(unsigned char *)(uintptr_t)bytes_span(out).ptr, (unsigned)out->len};
    rc |= gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &signed_part, &signature);
    rc |= bytes_append_str(out, algorithm) | bytes_append(out, "\x03\x41\0", 3) | bytes_append(out, signature.data, signature.size);
    assert(rc == 0);
    wrap(out, 0x30);
    gnutls_free(signature.data);
    bytes_clear(&middle);
    bytes_clear(&tail);
}

static bool is_revoked(const struct tls_crl_index *index, struct span serial)
{
    struct tls_crl_answer answer;
    tls_crl_look_up(index, &anchor.cert, anchor.crt, serial, &answer);
    assert(answer.covered && !answer.untold);
    return answer.revoked;
}

static void compare(const struct tls_crl_index *index, struct span der)
{
    gnutls_x509_crl_t list;
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.ptr, (unsigned)der.len};
    int rc = gnutls_x509_crl_init(&list);
    assert(rc == 0);
    size_t n = 0;
    if (gnutls_x509_crl_import(list, &datum, GNUTLS_X509_FMT_DER) == 0)
        for (int count = gnutls_x509_crl_get_crt_count(list); count > 0 && n < (size_t)count; n++) {
            uint8_t serial[256];
            size_t size = sizeof(serial);
            if (gnutls_x509_crl_get_crt_serial(list, (unsigned)n, serial, &size, NULL) == 0)
                assert(is_revoked(index, span_of(serial, size)));
        }
    gnutls_x509_crl_deinit(list);
    struct tls_crl_coverage coverage;
    assert(tls_crl_covers(index, &anchor, &coverage) && coverage.revoked <= der.len / 5);
    assert(!is_revoked(index, span_of("\x7a\x7b\x7c\x7d\x7e\x7f", 6)) || memmem(der.ptr, der.len, "\x7a\x7b\x7c\x7d\x7e\x7f", 6) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < 2 || n > 8192)
        return 0;
    if (ca.crt == NULL)
        make();
    size_t tail = (size_t)bytes[0] << 8 | bytes[1];
    struct span all = span_of(bytes + 2, n - 2);
    tail = tail < all.len ? tail : all.len;
    struct bytes list;
    make_list(span_of(all.ptr, all.len - tail), span_skip(all, all.len - tail), &list);
    struct tls_file file = {"fuzz.crl", bytes_span(&list)};
    struct tls_crl_source source = {&file, &anchor, 1, CERTS_NOW, true};
    struct tls_crl_index *index = tls_crl_index_new();
    struct findings notes;
    findings_init(&notes);
    assert(index != NULL);
    if (tls_crl_add(index, &source, &notes, NULL) == 0)
        compare(index, bytes_span(&list));
    tls_crl_index_free(index);
    findings_clear(&notes);
    bytes_clear(&list);
    return 0;
}
