/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "openssl_pki.h"
#include "tls_crl_seal.h"

#include <stdio.h>
#include <string.h>

/* All CAs have one name: only the key tells them apart. */
static const char *const cas[] = {"rsa", "limited", "free", "unlimited", "P-256", "P-384", "P-521", "ed25519", "ed448"};
enum { N_CAS = sizeof(cas) / sizeof(cas[0]) };
static struct openssl_pki pki;
static gnutls_x509_crt_t crts[N_CAS];

static const struct {
    const char *list, *by;
} lists[] = {
    {"rsa-sha256", "rsa"},          {"rsa-sha384", "rsa"},        {"rsa-sha512", "rsa"},       {"pss-sha256", "rsa"},
    {"pss-sha384", "rsa"},          {"pss-sha512", "rsa"},        {"pss-salt-0", "rsa"},       {"pss-salt-20", "rsa"},
    {"pss-salt-max", "rsa"},        {"pss-limited", "limited"},   {"pss-free", "free"},        {"pss-limited-longer", "limited"},
    {"not-pss", "unlimited"},       {"P-256-sha256", "P-256"},    {"P-256-sha384", "P-256"},   {"P-256-sha512", "P-256"},
    {"P-384-sha256", "P-384"},      {"P-384-sha384", "P-384"},    {"P-384-sha512", "P-384"},   {"P-521-sha256", "P-521"},
    {"P-521-sha384", "P-521"},      {"P-521-sha512", "P-521"},    {"ed25519", "ed25519"},      {"ed448", "ed448"},
    {"pss-other-hash", "unlimited"}, {"pss-short-salt", "unlimited"},
};
enum { N_LISTS = sizeof(lists) / sizeof(lists[0]) };

static struct span read_file(const char *name, const char *ending)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.%s", name, ending);
    return openssl_pki_read(&pki, file);
}

static void make(void)
{
    openssl_pki_make_by("openssl_seals.sh", &pki);
    for (size_t i = 0; i < N_CAS; i++) {
        struct span der = read_file(cas[i], "der");
        gnutls_datum_t d = {(unsigned char *)(uintptr_t)der.ptr, (unsigned)der.len};
        ck_assert_int_eq(gnutls_x509_crt_init(&crts[i]), 0);
        ck_assert_int_eq(gnutls_x509_crt_import(crts[i], &d, GNUTLS_X509_FMT_DER), 0);
        certs_free(der);
    }
}

static void drop(void)
{
    for (size_t i = 0; i < N_CAS; i++)
        gnutls_x509_crt_deinit(crts[i]);
    openssl_pki_clear(&pki);
}

static int seal_of(struct span der, struct tls_crl_seal *seal)
{
    struct tls_crl_parsed parsed;
    return tls_crl_parse(der, "f", &parsed, NULL) == 0 ? tls_crl_seal_make(&parsed, seal) : -1;
}

static gnutls_x509_crt_t find_ca(const char *name)
{
    size_t i = 0;
    while (strcmp(cas[i], name) != 0)
        i++;
    return crts[i];
}

/* F1: every way to sign that is believed, against every key. What an unlimited key signed the limited one with the same numbers must not have. */
START_TEST(f1_knows_the_key_that_signed_and_no_other)
{
    for (size_t i = 0; i < N_LISTS; i++) {
        struct span der = read_file(lists[i].list, "crl");
        struct tls_crl_seal seal;
        ck_assert_msg(seal_of(der, &seal) == 0, "%s", lists[i].list);
        for (size_t c = 0; c < N_CAS; c++) {
            bool twin = strncmp(lists[i].list, "pss-limited", 11) == 0 && strcmp(cas[c], "unlimited") == 0;
            bool expected = strcmp(lists[i].by, cas[c]) == 0 || twin;
            ck_assert_msg(tls_crl_seal_is_of(&seal, crts[c]) == expected, "%s by %s", lists[i].list, cas[c]);
        }
        certs_free(der);
    }
}
END_TEST

/* A7: the answer needs nothing of the list but for EdDSA, whose seal says so. */
START_TEST(a7_does_without_the_list)
{
    for (size_t i = 0; i < N_LISTS; i++) {
        struct span der = read_file(lists[i].list, "crl");
        struct tls_crl_seal seal;
        ck_assert_int_eq(seal_of(der, &seal), 0);
        bool eddsa = lists[i].list[0] == 'e';
        ck_assert_msg(tls_crl_seal_needs_list(&seal) == eddsa, "%s", lists[i].list);
        ck_assert_msg((seal.list.ptr != NULL) == eddsa, "%s", lists[i].list);
        memset((uint8_t *)(uintptr_t)der.ptr, 0, der.len);
        ck_assert_msg(tls_crl_seal_is_of(&seal, find_ca(lists[i].by)) == !eddsa, "%s", lists[i].list);
        certs_free(der);
    }
}
END_TEST

START_TEST(f1_believes_no_changed_byte)
{
    for (size_t i = 0; i < N_LISTS; i++) {
        struct span der = read_file(lists[i].list, "crl");
        gnutls_x509_crt_t ca = find_ca(lists[i].by);
        uint8_t *bytes = (uint8_t *)(uintptr_t)der.ptr;
        for (size_t at = i % 3; at < der.len; at += 3) {
            struct tls_crl_seal seal;
            bytes[at] ^= 0x01;
            ck_assert_msg(seal_of(der, &seal) != 0 || !tls_crl_seal_is_of(&seal, ca), "%s, byte %zu", lists[i].list, at);
            bytes[at] ^= 0x01;
        }
        certs_free(der);
    }
}
END_TEST

START_TEST(f1_makes_no_seal_of_what_is_weak)
{
    static const char *const weak[] = {"rsa-sha1", "p256-sha1", "rsa-sha224", "pss-sha1", "pss-two-hashes"};
    for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++) {
        struct span der = read_file(weak[i], "crl");
        struct tls_crl_parsed parsed;
        struct tls_crl_seal seal;
        ck_assert_int_eq(tls_crl_parse(der, "f", &parsed, NULL), 0);
        ck_assert_msg(tls_crl_seal_make(&parsed, &seal) == -1, "%s", weak[i]);
        certs_free(der);
    }
}
END_TEST

#define PSS "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
#define SHA256 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"
#define SHA384 "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02"
#define MGF1 "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"
#define HASH "\xa0\x0f\x30\x0d" SHA256 "\x05\x00"
#define MASK "\xa1\x1c\x30\x1a" MGF1 "\x30\x0d" SHA256 "\x05\x00"

/* The parameters of RSA-PSS come with the list, from whoever wrote it. */
START_TEST(f1_takes_only_usual_parameters_of_rsa_pss)
{
    static const struct {
        const char *why;
        struct span algorithm;
        int salt; /* -1: refused */
    } cases[] = {
#define ROW(why, text, salt) {why, {(const uint8_t *)(text), sizeof(text) - 1}, salt}
        ROW("as everybody writes it", PSS "\x30\x34" HASH MASK "\xa2\x03\x02\x01\x20", 32),
        ROW("hashes without NULL", PSS "\x30\x2b\xa0\x0d\x30\x0b" SHA256 "\xa1\x1a\x30\x18" MGF1 "\x30\x0b" SHA256, 20),
        ROW("a salt of two bytes' length", PSS "\x30\x35" HASH MASK "\xa2\x04\x02\x02\x00\xde", 222),
        ROW("with the usual trailer said", PSS "\x30\x39" HASH MASK "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x01", 32),
        ROW("another trailer", PSS "\x30\x39" HASH MASK "\xa2\x03\x02\x01\x20\xa3\x03\x02\x01\x02", -1),
        ROW("no parameters, which means SHA-1", PSS, -1),
        ROW("NULL instead", PSS "\x05\x00", -1),
        ROW("empty parameters, which means SHA-1", PSS "\x30\x00", -1),
        ROW("no mask, which means SHA-1", PSS "\x30\x11" HASH, -1),
        ROW("no hash, which means SHA-1", PSS "\x30\x1e" MASK, -1),
        ROW("a mask with another hash", PSS "\x30\x2f" HASH "\xa1\x1c\x30\x1a" MGF1 "\x30\x0d" SHA384 "\x05\x00", -1),
        ROW("a mask that is not MGF1", PSS "\x30\x2f" HASH "\xa1\x1c\x30\x1a" SHA256 "\x30\x0d" SHA256 "\x05\x00", -1),
        ROW("a negative salt", PSS "\x30\x34" HASH MASK "\xa2\x03\x02\x01\xff", -1),
        ROW("a salt of 16 MiB", PSS "\x30\x37" HASH MASK "\xa2\x06\x02\x04\x01\x00\x00\x00", -1),
        ROW("something after them", PSS "\x30\x2f" HASH MASK "\x05\x00", -1),
        ROW("something inside at the end", PSS "\x30\x36" HASH MASK "\xa2\x03\x02\x01\x20\x05\x00", -1),
        ROW("cut short", PSS "\x30\x34" HASH MASK "\xa2\x03\x02", -1),
#undef ROW
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_crl_parsed parsed = {.algorithm = cases[i].algorithm, .tbs = span_of("x", 1), .signature = span_of("y", 1)};
        struct tls_crl_seal seal;
        int rc = tls_crl_seal_make(&parsed, &seal);
        ck_assert_msg((rc == 0) == (cases[i].salt >= 0), "%s", cases[i].why);
        ck_assert_msg(rc != 0 || seal.salt_bytes == (unsigned)cases[i].salt, "%s: %u", cases[i].why, seal.salt_bytes);
    }
}
END_TEST

START_TEST(a7_takes_no_signature_of_any_length)
{
    static uint8_t long_one[TLS_CRL_SEAL_SIGNATURE_BYTES + 1];
    struct tls_crl_parsed parsed = {.algorithm = span_of("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", 11), .tbs = span_of("x", 1)};
    struct tls_crl_seal seal;
    parsed.signature = span_of(long_one, sizeof(long_one) - 1);
    ck_assert_int_eq(tls_crl_seal_make(&parsed, &seal), 0);
    parsed.signature = span_of(long_one, sizeof(long_one));
    ck_assert_int_eq(tls_crl_seal_make(&parsed, &seal), -1);
}
END_TEST

/* F1: keyUsage without cRLSign. */
START_TEST(f1_believes_no_ca_that_may_not_sign_lists)
{
    struct certs ca, mute;
    struct certs_crl crl;
    struct tls_crl_seal seal;
    certs_make(&(struct certs_order){.cn = "CA", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "CA", .ca = true, .usage = GNUTLS_KEY_KEY_CERT_SIGN, .same_key_as = &ca}, &mute);
    certs_make_crl(&(struct certs_crl_order){.issuer = &ca}, &crl);
    ck_assert_int_eq(seal_of(crl.der, &seal), 0);
    ck_assert(tls_crl_seal_is_of(&seal, ca.crt));
    ck_assert(!tls_crl_seal_is_of(&seal, mute.crt));
    certs_crl_clear(&crl);
    certs_clear(&mute);
    certs_clear(&ca);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_crl_seal");
    TCase *c = tcase_create("seal");
    tcase_add_unchecked_fixture(c, make, drop);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, f1_knows_the_key_that_signed_and_no_other);
    tcase_add_test(c, a7_does_without_the_list);
    tcase_add_test(c, f1_believes_no_changed_byte);
    tcase_add_test(c, f1_makes_no_seal_of_what_is_weak);
    tcase_add_test(c, f1_takes_only_usual_parameters_of_rsa_pss);
    tcase_add_test(c, a7_takes_no_signature_of_any_length);
    tcase_add_test(c, f1_believes_no_ca_that_may_not_sign_lists);
    suite_add_tcase(s, c);
    return s;
}
