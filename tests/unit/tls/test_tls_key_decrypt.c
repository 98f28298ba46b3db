/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_key_decrypt.h"
#include "certs.h"
#include "openssl_pki.h"
#include "t.h"

#include <string.h>

static struct openssl_pki pki;
static struct err err;

static void make(void)
{
    openssl_pki_make_by("openssl_sources.sh", &pki);
}

static void drop(void)
{
    openssl_pki_clear(&pki);
}

/* The passphrase in a file, or this text when text is not NULL. */
static int read_passphrase(const char *file, const char *text, struct tls_passphrase *out)
{
    struct span bytes = text != NULL ? span_from_str(text) : openssl_pki_read(&pki, file);
    err_clear(&err);
    int rc = tls_passphrase_read(&(struct tls_file){file, bytes}, out, &err);
    if (text == NULL)
        certs_free(bytes);
    return rc;
}

static int decrypt(const char *file, const struct tls_passphrase *p, struct span *der)
{
    struct span text = openssl_pki_read(&pki, file);
    struct tls_pem_reader r;
    struct tls_pem_block block;
    err_clear(&err);
    tls_pem_start(&r, file, text);
    ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
    ck_assert_msg(tls_key_is_encrypted(&block), "%s", file);
    int rc = tls_key_decrypt_block(&r, &block, p, der, &err);
    certs_free(text);
    return rc;
}

static const struct {
    const char *encrypted, *plain, *passphrase;
} readable[] = {
    {"leaf-aes.key", "leaf.key", "pass"}, {"rsa-aes.key", "rsa.key", "pass"}, {"ed25519-aes.key", "ed25519.key", "pass"}, {"aes128.key", "leaf.key", "pass"},
    {"des3.key", "leaf.key", "pass"},     {"v1.key", "leaf.key", "pass"},     {"trad-ec.key", "leaf.key", "pass"},        {"trad-des3.key", "leaf.key", "pass"},
    {"trad-rsa.key", "rsa.key", "pass"},  {"utf8.key", "leaf.key", "pass-utf8"},
};

START_TEST(reads_what_openssl_encrypts)
{
    struct tls_passphrase p;
    struct span der;
    size_t size[2] = {64, 64};
    uint8_t id[2][64];
    ck_assert_int_eq(read_passphrase(readable[_i].passphrase, NULL, &p), 0);
    ck_assert_msg(decrypt(readable[_i].encrypted, &p, &der) == 0, "%s: %s", readable[_i].encrypted, err.text);
    struct span plain = openssl_pki_read(&pki, readable[_i].plain);
    for (int i = 0; i < 2; i++) {
        gnutls_x509_privkey_t key;
        const gnutls_datum_t in = {(void *)(uintptr_t)(i == 0 ? der.ptr : plain.ptr), (unsigned)(i == 0 ? der.len : plain.len)};
        ck_assert_int_eq(gnutls_x509_privkey_init(&key), 0);
        ck_assert_int_eq(gnutls_x509_privkey_import(key, &in, i == 0 ? GNUTLS_X509_FMT_DER : GNUTLS_X509_FMT_PEM), 0);
        ck_assert_int_eq(gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id[i], &size[i]), 0);
        gnutls_x509_privkey_deinit(key);
    }
    ck_assert_mem_eq(id[0], id[1], 32);
    certs_free(plain);
    tls_pem_wipe(der);
    tls_passphrase_wipe(&p);
}
END_TEST

static const struct {
    const char *key, *passphrase /* NULL: none is configured */, *says;
} unreadable[] = {
    {"leaf-aes.key", NULL, "leaf-aes.key:1: the private key is encrypted: name the file of its passphrase in passphrase_file"},
    {"trad-ec.key", NULL, "trad-ec.key:1: the private key is encrypted: name the file of its passphrase in passphrase_file"},
    {"leaf-aes.key", "wrong horse", "leaf-aes.key:1: the private key cannot be decrypted: the passphrase is wrong, or the file is damaged"},
    {"rsa-aes.key", "wrong horse", "the passphrase is wrong"},
    {"v1.key", "wrong horse", "the passphrase is wrong"},
    {"trad-ec.key", "wrong horse", "the passphrase is wrong"},
    {"trad-rsa.key", "wrong horse", "the passphrase is wrong"},
    {"leaf-aes.key", "correct horse ", "the passphrase is wrong"},
    {"leaf-aes.key", "\xff\xfe", "leaf-aes.key:1: the private key cannot be decrypted: the passphrase is wrong"},
    {"scrypt.key", "correct horse", "scrypt.key:1: the private key is damaged, or encrypted in a way that is not known here"},
};

START_TEST(says_why_a_key_cannot_be_read)
{
    struct tls_passphrase p = {.file = NULL};
    struct span der;
    if (unreadable[_i].passphrase != NULL)
        ck_assert_int_eq(read_passphrase("pass", unreadable[_i].passphrase, &p), 0);
    ck_assert_msg(decrypt(unreadable[_i].key, &p, &der) != 0, "%s", unreadable[_i].key);
    ck_assert_msg(strstr(err.text, unreadable[_i].says) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "horse"));
}
END_TEST

static const struct {
    const char *text, *line /* NULL: refused */, *says;
} passphrases[] = {
    {"correct horse", "correct horse", NULL},
    {"correct horse\n", "correct horse", NULL},
    {"correct horse\r\n", "correct horse", NULL},
    {"\xef\xbb\xbf" "correct horse\n", "correct horse", NULL},
    {" spaces ", " spaces ", NULL},
    {"x", "x", NULL},
    {"Gr\xc3\xbc\xc3\x9f" "e", "Gr\xc3\xbc\xc3\x9f" "e", NULL},
    {"", NULL, "pass: the passphrase is empty"},
    {"\n", NULL, "pass: the passphrase is empty"},
    {"\r\n", NULL, "pass: the passphrase is empty"},
    {"correct horse\n\n", NULL, "several lines"},
    {"correct\nhorse\n", NULL, "several lines"},
    {"correct\thorse\n", NULL, "control character"},
};

START_TEST(takes_one_line_as_the_passphrase)
{
    struct tls_passphrase p;
    int rc = read_passphrase("pass", passphrases[_i].text, &p);
    ck_assert_int_eq(rc == 0, passphrases[_i].line != NULL);
    if (rc == 0)
        ck_assert_str_eq(p.text, passphrases[_i].line);
    else
        ck_assert_msg(strstr(err.text, passphrases[_i].says) != NULL && strstr(err.text, "horse") == NULL, "%s", err.text);
    tls_passphrase_wipe(&p);
}
END_TEST

START_TEST(refuses_a_passphrase_of_a_wrong_file)
{
    char text[1100];
    struct tls_passphrase p;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    ck_assert_int_ne(read_passphrase("pass", text, &p), 0);
    ck_assert_msg(strstr(err.text, "pass: the passphrase is longer than 1023 bytes") != NULL, "%s", err.text);
    text[1023] = '\0';
    ck_assert_int_eq(read_passphrase("pass", text, &p), 0);
    ck_assert_int_ne(tls_passphrase_read(&(struct tls_file){"pass", span_of("a\0b", 3)}, &p, &err), 0);
}
END_TEST

/* A file could ask for billions. */
START_TEST(refuses_a_key_that_asks_for_too_many_rounds)
{
    struct span der;
    unsigned rounds = 3000;
    err_clear(&err);
    ck_assert_int_eq(tls_key_afford("a.key", 1000, &rounds, &err), 0);
    ck_assert_int_eq(tls_key_afford("a.key", 2000, &rounds, &err), 0);
    ck_assert_int_ne(tls_key_afford("a.key", 1, &rounds, &err), 0);
    struct tls_passphrase p;
    ck_assert_int_eq(read_passphrase("pass", NULL, &p), 0);
    struct span text = openssl_pki_read(&pki, "aes128.key");
    struct tls_pem_reader r;
    struct tls_pem_block block;
    struct span encrypted;
    tls_pem_start(&r, "aes128.key", text);
    ck_assert_int_eq(tls_pem_next(&r, &block, &err), 1);
    ck_assert_int_eq(tls_pem_decode(&r, &block, &encrypted, &err), 0);
    rounds = 999; /* it asks for 1000 */
    err_clear(&err);
    ck_assert_int_ne(tls_key_decrypt_pkcs8("aes128.key", encrypted, p.text, &rounds, &der, &err), 0);
    ck_assert_msg(strstr(err.text, "aes128.key: asks for 1000 rounds") != NULL, "%s", err.text);
    rounds = 1000;
    ck_assert_int_eq(tls_key_decrypt_pkcs8("aes128.key", encrypted, p.text, &rounds, &der, &err), 0);
    ck_assert_uint_eq(rounds, 0);
    tls_pem_wipe(der);
    tls_pem_wipe(encrypted);
    certs_free(text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_key_decrypt");
    TCase *t = tcase_create("tls_key_decrypt");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, reads_what_openssl_encrypts, 0, (int)(sizeof(readable) / sizeof(readable[0])));
    tcase_add_loop_test(t, says_why_a_key_cannot_be_read, 0, (int)(sizeof(unreadable) / sizeof(unreadable[0])));
    tcase_add_loop_test(t, takes_one_line_as_the_passphrase, 0, (int)(sizeof(passphrases) / sizeof(passphrases[0])));
    tcase_add_test(t, refuses_a_passphrase_of_a_wrong_file);
    tcase_add_test(t, refuses_a_key_that_asks_for_too_many_rounds);
    suite_add_tcase(s, t);
    return s;
}
