/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pbes2.h"
#include "certs.h"
#include "t.h"
#include "tls_pem.h"

#include <stdio.h>
#include <string.h>

static struct certs own;
static gnutls_datum_t der;
static const struct span right = {(const uint8_t *)"correct horse", 13};

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "x"}, &own);
    ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(own.key, GNUTLS_X509_FMT_DER, "correct horse", GNUTLS_PKCS_PBES2_AES_256, &der), 0);
}

static void drop(void)
{
    gnutls_free(der.data);
    certs_clear(&own);
}

static enum tls_pbes2 decrypt(struct span encrypted, struct span passphrase, unsigned rounds, struct span *out)
{
    return tls_pbes2_decrypt(encrypted, passphrase, &rounds, out);
}

START_TEST(decrypts_with_the_passphrase_alone)
{
    struct span out, in = span_of(der.data, der.size);
    ck_assert_int_eq(decrypt(in, right, 1000000, &out), TLS_PBES2_DONE);
    gnutls_x509_privkey_t key;
    const gnutls_datum_t plain = {(void *)(uintptr_t)out.ptr, (unsigned)out.len};
    ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
    ck_assert_int_eq(gnutls_x509_privkey_import_pkcs8(key, &plain, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN), 0);
    gnutls_x509_privkey_deinit(key);
    tls_pem_wipe(out);
    ck_assert_int_eq(decrypt(in, span_from_str("wrong horse"), 1000000, &out), TLS_PBES2_WRONG);
    ck_assert_int_eq(decrypt(in, span_from_str(""), 1000000, &out), TLS_PBES2_WRONG);
}
END_TEST

START_TEST(is_never_right_with_one_of_many_wrong_passphrases)
{
    struct span out;
    for (int i = 0; i < 30; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        ck_assert_int_eq(decrypt(span_of(der.data, der.size), span_from_str(text), 1000000, &out), TLS_PBES2_WRONG);
    }
}
END_TEST

START_TEST(tells_what_it_costs_before_it_pays)
{
    struct span out;
    unsigned rounds = 10;
    ck_assert_int_eq(tls_pbes2_decrypt(span_of(der.data, der.size), right, &rounds, &out), TLS_PBES2_COSTLY);
    ck_assert_uint_gt(rounds, 10);
    ck_assert_int_eq(tls_pbes2_decrypt(span_of(der.data, der.size), right, &rounds, &out), TLS_PBES2_DONE);
    ck_assert_uint_eq(rounds, 0);
    tls_pem_wipe(out);
}
END_TEST

START_TEST(is_at_a_loss_with_other_schemes_and_survives_every_cut_and_change)
{
    struct span out;
    uint8_t *copy = malloc(der.size);
    gnutls_datum_t old;
    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(own.key, GNUTLS_X509_FMT_DER, "correct horse", GNUTLS_PKCS_PKCS12_3DES, &old), 0);
    ck_assert_int_eq(decrypt(span_of(old.data, old.size), right, 1000000, &out), TLS_PBES2_FOREIGN);
    gnutls_free(old.data);
    for (size_t n = 0; n < der.size; n++)
        ck_assert_int_eq(decrypt(span_of(der.data, n), right, 1000000, &out), TLS_PBES2_FOREIGN);
    for (size_t i = 0; i < der.size; i++) {
        memcpy(copy, der.data, der.size);
        copy[i] ^= 0x55;
        if (decrypt(span_of(copy, der.size), right, 20000, &out) == TLS_PBES2_DONE)
            tls_pem_wipe(out);
    }
    free(copy);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_pbes2");
    TCase *t = tcase_create("tls_pbes2");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, decrypts_with_the_passphrase_alone);
    tcase_add_test(t, is_never_right_with_one_of_many_wrong_passphrases);
    tcase_add_test(t, tells_what_it_costs_before_it_pays);
    tcase_add_test(t, is_at_a_loss_with_other_schemes_and_survives_every_cut_and_change);
    suite_add_tcase(s, t);
    return s;
}
