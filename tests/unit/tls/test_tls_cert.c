/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "tls_cert.h"

#include <stdlib.h>
#include <string.h>

static struct certs made;

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "c", .serial = 0x8001, .sans = {"dns:a.example"}}, &made);
}

static void clear(void)
{
    certs_clear(&made);
}

START_TEST(finds_the_parts)
{
    struct tls_cert cert;
    ck_assert_int_eq(tls_cert_read(made.der, &cert), 0);
    ck_assert(span_equals(cert.issuer, cert.subject));
    ck_assert_int_eq(cert.not_before, CERTS_NOW - CERTS_DAY);
    ck_assert_int_eq(cert.not_after, CERTS_NOW + 365 * CERTS_DAY);
    ck_assert_uint_eq(cert.serial.ptr[cert.serial.len - 1], 1);
    ck_assert_uint_gt(cert.san.len, 0);
    ck_assert_uint_eq(cert.spki.ptr[0], 0x30);
}
END_TEST

START_TEST(has_no_extensions_in_version_1)
{
    struct certs old;
    struct tls_cert cert;
    certs_make(&(struct certs_order){.cn = "c", .version = 1}, &old);
    ck_assert_int_eq(tls_cert_read(old.der, &cert), 0);
    ck_assert_uint_eq(cert.extensions.len, 0);
    ck_assert_uint_eq(cert.san.len, 0);
    certs_clear(&old);
}
END_TEST

START_TEST(refuses_bytes_behind_the_certificate)
{
    struct tls_cert cert;
    struct span pieces[] = {made.der, span_of("\0", 1)};
    struct span longer = certs_join(pieces, 2);
    ck_assert_int_eq(tls_cert_read(longer, &cert), -1);
    certs_free(longer);
}
END_TEST

/* Bits that the signature does not cover: changed, they would give one certificate two fingerprints. */
START_TEST(refuses_a_second_form_of_the_signature)
{
    struct tls_cert cert;
    uint8_t *bytes = (uint8_t *)(uintptr_t)made.der.ptr;
    static const uint8_t ecdsa_sha256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
    uint8_t *inner = memmem(bytes, made.der.len, ecdsa_sha256, sizeof(ecdsa_sha256));
    ck_assert_ptr_nonnull(inner);
    uint8_t *outer =
        memmem(inner + 1, made.der.len - (size_t)(inner + 1 - bytes), ecdsa_sha256, sizeof(ecdsa_sha256));
    ck_assert_ptr_nonnull(outer);
    outer[9] = 0x03; /* the outer algorithm says SHA-384 */
    ck_assert_int_eq(tls_cert_read(made.der, &cert), -1);
    outer[9] = 0x02;
    outer[12] = 0x01; /* unused bits of the BIT STRING */
    ck_assert_int_eq(tls_cert_read(made.der, &cert), -1);
    outer[12] = 0x00;
    ck_assert_int_eq(tls_cert_read(made.der, &cert), 0);
}
END_TEST

START_TEST(survives_every_cut_and_every_changed_byte)
{
    struct tls_cert cert;
    for (size_t cut = 0; cut < made.der.len; cut++) {
        struct span part = span_of(made.der.ptr, cut);
        struct span copy = certs_join(&part, 1); /* exact, so that the sanitizer sees a step over the end */
        ck_assert_int_eq(tls_cert_read(copy, &cert), -1);
        certs_free(copy);
    }
    struct span copy = certs_join(&made.der, 1);
    uint8_t *bytes = (uint8_t *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++)
        for (unsigned flip = 1; flip < 256; flip *= 2) {
            bytes[i] ^= (uint8_t)flip;
            if (tls_cert_read(copy, &cert) == 0)
                ck_assert_uint_le(cert.san.len + cert.subject.len + cert.issuer.len + cert.spki.len,
                                  copy.len);
            bytes[i] ^= (uint8_t)flip;
        }
    certs_free(copy);
}
END_TEST

static int refuse_name(void *ctx, const struct tls_name *name)
{
    (void)ctx;
    return name->type == TLS_NAME_DNS ? -1 : 0;
}

START_TEST(stops_when_told_to)
{
    struct tls_cert cert;
    ck_assert_int_eq(tls_cert_read(made.der, &cert), 0);
    ck_assert_int_eq(tls_cert_each_name(&cert, refuse_name, NULL), -1);
}
END_TEST

START_TEST(writes_a_name_for_people)
{
    struct tls_cert cert;
    struct certs nasty;
    char text[64], tiny[4];
    certs_make(&(struct certs_order){.cn = "a\nb\x1b?\\\xc2\x9b\xc3\xbc"}, &nasty);
    ck_assert_int_eq(tls_cert_read(nasty.der, &cert), 0);
    ck_assert(tls_cert_name_text(cert.subject, text, sizeof(text)));
    ck_assert_str_eq(text, "CN=a\\0Ab\\1B?\\\\\\C2\\9B\xc3\xbc"); /* RFC 4514: no two names have one text */
    size_t whole = strlen(text);
    for (size_t size = 1; size <= whole; size++) {
        char *exact = malloc(size);
        ck_assert(!tls_cert_name_text(cert.subject, exact, size));
        ck_assert_uint_lt(strlen(exact), size);
        free(exact);
    }
    ck_assert(!tls_cert_name_text(cert.subject, tiny, sizeof(tiny)));
    ck_assert_str_eq(tiny, "CN=");
    ck_assert(!tls_cert_name_text(span_of("\x30\x00", 2), text, sizeof(text)));
    ck_assert_str_eq(text, "(no name)");
    ck_assert(!tls_cert_name_text(span_of("junk", 4), text, sizeof(text)));
    ck_assert_str_eq(text, "(no name)");
    certs_clear(&nasty);
}
END_TEST

START_TEST(hashes)
{
    char hex[65];
    tls_cert_sha256(span_of("abc", 3), hex);
    ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
END_TEST

START_TEST(tells_keys_that_take_too_long) /* A7 */
{
    static const struct {
        const char *why;
        struct certs_order order;
        bool affordable;
    } cases[] = {
        {"P-256", {.cn = "c"}, true},
        {"P-384", {.cn = "c", .key = CERTS_P384}, true},
        {"Ed25519", {.cn = "c", .key = CERTS_ED25519}, true},
        {"RSA 2048", {.cn = "c", .key = CERTS_RSA_2048}, true},
        {"RSA 1024: weak, not slow", {.cn = "c", .key = CERTS_RSA_1024}, true},
        {"RSA 8192", {.cn = "c", .rsa_bytes = 1024, .exponent_bytes = 3}, true},
        {"a little more", {.cn = "c", .rsa_bytes = 1032, .exponent_bytes = 3}, false},
        {"RSA 16384", {.cn = "c", .rsa_bytes = 2048, .exponent_bytes = 3}, false},
        {"an exponent of 64 bits", {.cn = "c", .rsa_bytes = 256, .exponent_bytes = 8}, true},
        {"an exponent of 128 bits", {.cn = "c", .rsa_bytes = 256, .exponent_bytes = 16}, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs c;
        struct tls_cert cert;
        struct certs_order order = cases[i].order;
        order.issuer = &made;
        certs_make(&order, &c);
        ck_assert_int_eq(tls_cert_read(c.der, &cert), 0);
        ck_assert_msg(tls_cert_key_is_affordable(cert.spki) == cases[i].affordable, "%s", cases[i].why);
        for (size_t cut = 0; cut < cert.spki.len; cut++)
            ck_assert(!tls_cert_key_is_affordable(span_of(cert.spki.ptr, cut)));
        certs_clear(&c);
    }
    static const uint8_t unknown[] = {0x30, 0x0a, 0x30, 0x04, 0x06, 0x02, 0x2a, 0x03, 0x03, 0x02, 0x00, 0x01};
    ck_assert(!tls_cert_key_is_affordable(span_of(unknown, sizeof(unknown)))); /* nobody knows what it costs */
}
END_TEST

START_TEST(f1_knows_a_serial_of_several_forms)
{
    static const struct {
        const char *bytes, *why;
        size_t n;
        bool plain;
    } rows[] = {
        {"\x05", "one byte", 1, true},        {"\x00", "zero", 1, true},
        {"\xff", "minus one", 1, true},       {"\x85\x01", "negative", 2, true},
        {"\x00\x05", "needless zero", 2, true}, {"\xff\x05", "negative, and the sign is needed", 2, true},
        {"\xff\x85", "needless sign", 2, false}, {"\xff\xff", "minus one in two bytes", 2, false},
        {"", "nothing", 0, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(tls_cert_serial_is_plain(span_of((const uint8_t *)rows[i].bytes, rows[i].n)) == rows[i].plain, "%s", rows[i].why);
}
END_TEST

START_TEST(opens_a_certificate_or_gives_nothing)
{
    struct tls_cert cert;
    struct certs other;
    gnutls_x509_crt_t crt;
    certs_make(&(struct certs_order){.cn = "other"}, &other);
    ck_assert_int_eq(tls_cert_open(made.der, &cert, &crt), 0);
    ck_assert(tls_cert_has_key(crt, made.key));
    ck_assert(!tls_cert_has_key(crt, other.key));
    gnutls_x509_crt_deinit(crt);
    ck_assert_int_ne(tls_cert_open(span_of(made.der.ptr, made.der.len - 1), &cert, &crt), 0);
    ck_assert_ptr_null(crt);
    certs_clear(&other);
}
END_TEST

START_TEST(finds_an_extension_by_its_oid)
{
    struct tls_cert cert;
    struct span value;
    ck_assert_int_eq(tls_cert_read(made.der, &cert), 0);
    ck_assert(tls_cert_find_extension(&cert, "\x55\x1d\x11", &value));
    ck_assert(span_equals(value, cert.san));
    ck_assert(!tls_cert_find_extension(&cert, "\x55\x1d\x1e", &value));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_cert");
    TCase *c = tcase_create("cert");
    tcase_add_checked_fixture(c, make, clear);
    tcase_add_test(c, finds_the_parts);
    tcase_add_test(c, has_no_extensions_in_version_1);
    tcase_add_test(c, refuses_bytes_behind_the_certificate);
    tcase_add_test(c, refuses_a_second_form_of_the_signature);
    tcase_add_test(c, survives_every_cut_and_every_changed_byte);
    tcase_add_test(c, stops_when_told_to);
    tcase_add_test(c, writes_a_name_for_people);
    tcase_add_test(c, hashes);
    tcase_add_test(c, opens_a_certificate_or_gives_nothing);
    tcase_add_test(c, finds_an_extension_by_its_oid);
    tcase_add_test(c, tells_keys_that_take_too_long);
    tcase_add_test(c, f1_knows_a_serial_of_several_forms);
    suite_add_tcase(s, c);
    return s;
}
