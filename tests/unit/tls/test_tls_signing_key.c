/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "openssl_pki.h"
#include "tls_internal.h"

#include "mtlsd/tls/tls_signing_key.h"

#include <string.h>

static struct openssl_pki pki;

static void make(void)
{
    openssl_pki_make_by("openssl_keys.sh", &pki);
}

static void clear(void)
{
    openssl_pki_clear(&pki);
}

static struct tls_signing_key *read_text(struct span text, bool bundle, struct err *err)
{
    const struct tls_key_source source = {.identity = "me", .text = text, .file = "me.pem", .bundle = bundle};
    *err = (struct err){0};
    return tls_signing_key_read(&source, NULL, err);
}

static const struct {
    const char *file;
    int algorithm;
    gnutls_sign_algorithm_t sign;
} kinds[] = {
    {"p256.pem", GNUTLS_PK_ECDSA, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256},
    {"ed25519.pem", GNUTLS_PK_EDDSA_ED25519, GNUTLS_SIGN_EDDSA_ED25519},
    {"rsa2048.pem", GNUTLS_PK_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256},
};

/* The other process, as far as a handshake sees it. */
struct far {
    struct tls_signing_key *key;
    unsigned signed_by, ended;
    bool dead;
};

static int sign_there(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    struct far *far = ctx;
    ck_assert_uint_eq(id, 7);
    far->signed_by++;
    return far->dead ? -1 : tls_signing_key_sign(far->key, what, out);
}

static void on_end(void *ctx, uint64_t id)
{
    (void)id;
    struct far *far = ctx;
    far->ended++;
}

static void sign_and_verify(const struct tls_signing_key *key, const char *file, gnutls_sign_algorithm_t algorithm, bool works)
{
    gnutls_privkey_t lent;
    gnutls_pubkey_t public;
    gnutls_x509_crt_t crt;
    gnutls_datum_t text = {(unsigned char *)(uintptr_t)"a handshake", 11}, signature = {0};
    struct span pem = openssl_pki_read(&pki, file);
    const gnutls_datum_t certificate = {(unsigned char *)(uintptr_t)pem.ptr, (unsigned)pem.len};
    ck_assert_int_eq(gnutls_x509_crt_init(&crt), 0);
    ck_assert_int_eq(gnutls_x509_crt_import(crt, &certificate, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(gnutls_pubkey_init(&public), 0);
    ck_assert_int_eq(gnutls_pubkey_import_x509(public, crt, 0), 0);
    ck_assert_int_eq(tls_signing_key_lend(key, &lent), 0);
    int rc = gnutls_privkey_sign_data2(lent, algorithm, 0, &text, &signature);
    ck_assert_int_eq(rc, works ? 0 : GNUTLS_E_PK_SIGN_FAILED);
    if (works)
        ck_assert_int_ge(gnutls_pubkey_verify_data2(public, algorithm, 0, &text, &signature), 0);
    gnutls_free(signature.data);
    gnutls_privkey_deinit(lent);
    gnutls_pubkey_deinit(public);
    gnutls_x509_crt_deinit(crt);
    certs_free(pem);
}

START_TEST(a_key_signs_here_and_from_another_process)
{
    struct err err;
    struct span text = openssl_pki_read(&pki, kinds[_i].file);
    struct far far = {.key = read_text(text, true, &err)};
    ck_assert_msg(far.key != NULL, "%s", err.text);
    const struct tls_signing_key_facts *facts = tls_signing_key_facts(far.key);
    ck_assert_int_eq(facts->algorithm, kinds[_i].algorithm);
    ck_assert(!facts->torn);
    sign_and_verify(far.key, kinds[_i].file, kinds[_i].sign, true);
    struct tls_signer signer = {&far, sign_there, NULL, on_end};
    struct tls_signing_key *key = tls_signing_key_of(&signer, 7, facts);
    sign_and_verify(key, kinds[_i].file, kinds[_i].sign, true);
    ck_assert_uint_eq(far.signed_by, 1);
    far.dead = true;
    sign_and_verify(key, kinds[_i].file, kinds[_i].sign, false);
    struct tls_signing_key *again = tls_signing_key_ref(key);
    tls_signing_key_unref(again);
    ck_assert_uint_eq(far.ended, 0);
    tls_signing_key_unref(key);
    ck_assert_uint_eq(far.ended, 1);
    tls_signing_key_unref(far.key);
    certs_free(text);
}
END_TEST

START_TEST(refuses_an_algorithm_that_is_not_of_the_key)
{
    struct err err;
    struct tls_signature out = {.n = 9};
    struct span text = openssl_pki_read(&pki, "p256.pem");
    struct tls_signing_key *key = read_text(text, true, &err);
    ck_assert_int_eq(tls_signing_key_sign(key, &(struct tls_signing){GNUTLS_SIGN_RSA_SHA256, false, span_from_str("x")}, &out), -1);
    ck_assert_int_eq(tls_signing_key_sign(key, &(struct tls_signing){-5, false, span_from_str("x")}, &out), -1);
    ck_assert_uint_eq(out.n, 0);
    tls_signing_key_unref(key);
    certs_free(text);
}
END_TEST

static const struct {
    const char *text, *say, *why;
    bool bundle;
} bad[] = {
    {"", "the file is empty", "nothing", false},
    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "identity me: me.pem holds no private key", "a certificate in the place of a key", false},
    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "a bundle is chain and key in one file", "a bundle without a key", true},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "damaged or of an unknown kind", "no key in a key's block", false},
    {"-----BEGIN PRIVATE KEY-----\nA?AA\n-----END PRIVATE KEY-----\n", "me.pem:2", "no base64", false},
    {"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "is encrypted", "a passphrase is needed", false},
    {"-----BEGIN PRIVATE KEY-----\nAAAA\n", "no END line", "cut short", false},
    {"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "does not belong in an identity", "a list", false},
};

START_TEST(says_what_is_wrong_with_a_source)
{
    struct err err;
    ck_assert_msg(read_text(span_from_str(bad[_i].text), bad[_i].bundle, &err) == NULL, "%s", bad[_i].why);
    ck_assert_msg(strstr(err.text, bad[_i].say) != NULL, "%s: %s", bad[_i].why, err.text);
}
END_TEST

static const struct {
    const char *text, *left, *why;
} blanks[] = {
    {"hello\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\nbye\n", "     \n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n   \n",
     "what is around a certificate"},
    {"-----BEGIN PRIVATE KEY-----\nAA\nAA\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
     "-----BEGIN PRIVATE KEY-----\n  \n  \n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "a key before a certificate"},
    {"-----BEGIN OTHER-----\nAA\n-----END OTHER-----\n", "-----BEGIN OTHER-----\n  \n-----END OTHER-----\n", "a kind that is not known"},
    {"-----BEGIN PRIVATE KEY-----\nAA\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
     "-----BEGIN PRIVATE KEY-----\n  \n-----BEGIN CERTIFICATE-----\n    \n-----END CERTIFICATE-----\n", "a key that is cut by another mark"},
    {"-----BEGIN PRIVATE KEY\nAAAA\n", "-----BEGIN PRIVATE KEY\n    \n", "a damaged mark"},
    {"\xef\xbb\xbf-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "\xef\xbb\xbf-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
     "a byte order mark"},
    {"0w\x02\x01\x01\x04 secret", "0w           ", "a key in DER"},
    {"0\x82\x01\x01\x02\x01\x03\x30secret", "0\x82\x01\x01\x02\x01\x03       ", "PKCS#12"},
    {"secret", "se    ", "no PEM at all"},
    {"0", "0", "one byte"},
};

START_TEST(only_certificates_are_left_of_a_text)
{
    char text[512];
    size_t n = strlen(blanks[_i].text);
    memcpy(text, blanks[_i].text, n + 1);
    tls_signing_key_blank((uint8_t *)text, n);
    ck_assert_msg(strcmp(text, blanks[_i].left) == 0, "%s: \"%s\"", blanks[_i].why, text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_signing_key");
    TCase *c = tcase_create("all");
    tcase_add_unchecked_fixture(c, make, clear);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_key_signs_here_and_from_another_process, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_test(c, refuses_an_algorithm_that_is_not_of_the_key);
    tcase_add_loop_test(c, says_what_is_wrong_with_a_source, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_loop_test(c, only_certificates_are_left_of_a_text, 0, sizeof(blanks) / sizeof(blanks[0]));
    suite_add_tcase(s, c);
    return s;
}
