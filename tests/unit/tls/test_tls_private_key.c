/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "openssl_pki.h"
#include "tls_pem.h"
#include "tls_private_key.h"

#include <stdio.h>

static struct openssl_pki pki;

static void make(void)
{
    openssl_pki_make_by("openssl_keys.sh", &pki);
}

static void clear(void)
{
    openssl_pki_clear(&pki);
}

static const struct {
    const char *kind;
    gnutls_sign_algorithm_t sign;
} kinds[] = {
    {"p256", GNUTLS_SIGN_ECDSA_SECP256R1_SHA256}, {"p256", GNUTLS_SIGN_ECDSA_SHA512},       {"p384", GNUTLS_SIGN_ECDSA_SECP384R1_SHA384},
    {"p521", GNUTLS_SIGN_ECDSA_SECP521R1_SHA512}, {"ed25519", GNUTLS_SIGN_EDDSA_ED25519},   {"ed448", GNUTLS_SIGN_EDDSA_ED448},
    {"rsa2048", GNUTLS_SIGN_RSA_SHA256},          {"rsa2048", GNUTLS_SIGN_RSA_PSS_RSAE_SHA384}, {"pss", GNUTLS_SIGN_RSA_PSS_SHA256},
    {"pss384", GNUTLS_SIGN_RSA_PSS_SHA384},
};

static void read_key(const char *kind, struct tls_private_key *out)
{
    char file[64];
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct span der = {0};
    struct err err = {0};
    gnutls_x509_privkey_t key;
    snprintf(file, sizeof(file), "%s.pem", kind);
    struct span text = openssl_pki_read(&pki, file);
    tls_pem_start(&r, file, text);
    while (tls_pem_next(&r, &block, &err) == 1 && !span_equals_str(block.label, "PRIVATE KEY"))
        ;
    ck_assert_msg(tls_pem_decode(&r, &block, &der, &err) == 0, "%s: %s", kind, err.text);
    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    ck_assert_msg(tls_private_key_read(block.label, der, NULL, out, key) == 0, "%s", kind);
    gnutls_x509_privkey_deinit(key);
    tls_pem_wipe(der);
    certs_free(text);
}

static void read_public(const char *kind, gnutls_pubkey_t out)
{
    char file[64];
    gnutls_x509_crt_t crt;
    snprintf(file, sizeof(file), "%s.pem", kind);
    struct span text = openssl_pki_read(&pki, file);
    const gnutls_datum_t pem = {(unsigned char *)(uintptr_t)text.ptr, (unsigned)text.len};
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(gnutls_pubkey_import_x509(out, crt, 0), 0);
    gnutls_x509_crt_deinit(crt);
    certs_free(text);
}

START_TEST(a_kept_key_signs_as_before)
{
    const char *kind = kinds[_i].kind;
    struct tls_private_key key;
    gnutls_privkey_t lent;
    gnutls_pubkey_t public;
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)"a handshake", 11}, signature;
    read_key(kind, &key);
    ck_assert_int_eq(tls_private_key_lend(&key, &lent), 0);
    ck_assert_int_eq(gnutls_pubkey_init(&public), 0);
    read_public(kind, public);
    for (int again = 0; again < 2; again++) {
        int rc = gnutls_privkey_sign_data2(lent, kinds[_i].sign, 0, &text, &signature);
        ck_assert_msg(rc == 0, "%s: %s", kind, gnutls_strerror(rc));
        ck_assert_msg(gnutls_pubkey_verify_data2(public, kinds[_i].sign, 0, &text, &signature) >= 0, "%s", kind);
        gnutls_free(signature.data);
    }
    gnutls_privkey_deinit(lent);
    gnutls_pubkey_deinit(public);
    tls_private_key_clear(&key);
}
END_TEST

START_TEST(tells_its_kind_and_size)
{
    struct tls_private_key key;
    gnutls_privkey_t lent;
    unsigned bits = 0;
    read_key("rsa2048", &key);
    ck_assert_int_eq(tls_private_key_lend(&key, &lent), 0);
    ck_assert_int_eq(gnutls_privkey_get_pk_algorithm(lent, &bits), GNUTLS_PK_RSA);
    ck_assert_uint_eq(bits, 2048);
    gnutls_privkey_deinit(lent);
    tls_private_key_clear(&key);
    tls_private_key_clear(&key);
}
END_TEST

Suite *suite(void)
{
    enum { N = sizeof(kinds) / sizeof(kinds[0]) };
    Suite *s = suite_create("tls_private_key");
    TCase *c = tcase_create("all");
    tcase_add_unchecked_fixture(c, make, clear);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_kept_key_signs_as_before, 0, N);
    tcase_add_test(c, tells_its_kind_and_size);
    suite_add_tcase(s, c);
    return s;
}
