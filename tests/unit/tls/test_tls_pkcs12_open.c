/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_pkcs12_open.h"
#include "certs.h"
#include "mtlsd/tls/tls_pkcs12.h"
#include "openssl_pki.h"
#include "t.h"

#include <gnutls/pkcs12.h>
#include <string.h>

static struct openssl_pki pki;
static struct err err;
static struct tls_pkcs12_content content;

static void make(void)
{
    openssl_pki_make_by("openssl_sources.sh", &pki);
}

static void drop(void)
{
    openssl_pki_clear(&pki);
}

/* text NULL: no passphrase is configured. */
static int open_text(const char *name, struct span bytes, const char *text)
{
    struct tls_passphrase p = {.file = text != NULL ? "pass" : NULL};
    if (text != NULL)
        memcpy(p.text, text, strlen(text) + 1);
    err_clear(&err);
    return tls_pkcs12_open(&(struct tls_file){name, bytes}, &p, &content, &err);
}

static int open_file(const char *file, const char *text)
{
    struct span bytes = openssl_pki_read(&pki, file);
    int rc = open_text(file, bytes, text);
    certs_free(bytes);
    return rc;
}

static void refuses(struct span bytes, const char *passphrase, const char *says)
{
    ck_assert_msg(open_text("x.p12", bytes, passphrase) != 0, "accepted: %s", says);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
    ck_assert_ptr_null(content.key.ptr);
    ck_assert_uint_eq(content.n, 0);
}

static const struct {
    const char *file, *passphrase;
    size_t n;
} readable[] = {
    {"new.p12", "correct horse", 2}, {"old.p12", "correct horse", 2}, {"utf8.p12", "Gr\xc3\xbc\xc3\x9f" "e \xe2\x82\xac", 1}, {"empty.p12", NULL, 1},
};

START_TEST(reads_what_openssl_writes_now_and_wrote_before)
{
    ck_assert_msg(open_file(readable[_i].file, readable[_i].passphrase) == 0, "%s: %s", readable[_i].file, err.text);
    ck_assert_uint_eq(content.n, readable[_i].n);
    ck_assert_uint_gt(content.key.len, 60);
    tls_pkcs12_close(&content);
    tls_pkcs12_close(&content);
}
END_TEST

static const struct {
    const char *file, *passphrase, *says;
} unreadable[] = {
    {"new.p12", "wrong", "new.p12: the passphrase is wrong, or the file is damaged"},
    {"old.p12", "wrong", "old.p12: the passphrase is wrong, or the file is damaged"},
    {"new.p12", NULL, "new.p12: a passphrase protects it: name the file of the passphrase in passphrase_file"},
    {"empty.p12", "wrong", "empty.p12: the passphrase is wrong"},
    {"nomac.p12", "correct horse", "nomac.p12: has no MAC"},
    {"nokey.p12", "correct horse", "nokey.p12: holds no private key"},
    {"nocert.p12", "correct horse", "nocert.p12: holds no certificate"},
    {"leaf.crt", "correct horse", "leaf.crt: is PEM, not PKCS#12: name it in bundle"},
    {"pass", "correct horse", "pass: is not a PKCS#12 file"},
};

START_TEST(says_why_a_file_cannot_be_read)
{
    ck_assert_int_ne(open_file(unreadable[_i].file, unreadable[_i].passphrase), 0);
    ck_assert_msg(strstr(err.text, unreadable[_i].says) != NULL, "%s", err.text);
    ck_assert_ptr_null(strstr(err.text, "horse"));
    ck_assert_ptr_null(content.key.ptr);
}
END_TEST

START_TEST(refuses_each_damaged_byte_of_its_contents)
{
    struct span bytes = openssl_pki_read(&pki, "new.p12");
    uint8_t *at = (uint8_t *)(uintptr_t)bytes.ptr;
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < bytes.len; i += 7, tried++) {
        at[i] ^= 0x01;
        if (open_text("x.p12", bytes, "correct horse") != 0)
            refused++;
        else
            tls_pkcs12_close(&content);
        at[i] ^= 0x01;
    }
    ck_assert_msg(tried - refused <= 4, "%zu of %zu accepted", tried - refused, tried); /* the MAC's own framing */
    for (size_t n = 0; n < bytes.len; n += 13)
        ck_assert_int_ne(open_text("x.p12", span_of(bytes.ptr, n), "correct horse"), 0);
    certs_free(bytes);
}
END_TEST

static void add_key(gnutls_pkcs12_t p12, const char *name)
{
    struct certs own;
    gnutls_pkcs12_bag_t bag;
    gnutls_datum_t der;
    certs_make(&(struct certs_order){.cn = name}, &own);
    ck_assert_int_eq(gnutls_pkcs12_bag_init(&bag), 0);
    ck_assert_int_eq(gnutls_x509_privkey_export2_pkcs8(own.key, GNUTLS_X509_FMT_DER, "p", GNUTLS_PKCS_PBES2_AES_256, &der), 0);
    ck_assert_int_ge(gnutls_pkcs12_bag_set_data(bag, GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &der), 0);
    ck_assert_int_ge(gnutls_pkcs12_bag_set_friendly_name(bag, 0, name), 0);
    ck_assert_int_eq(gnutls_pkcs12_set_bag(p12, bag), 0);
    gnutls_free(der.data);
    gnutls_pkcs12_bag_deinit(bag);
    ck_assert_int_eq(gnutls_pkcs12_bag_init(&bag), 0);
    ck_assert_int_ge(gnutls_pkcs12_bag_set_crt(bag, own.crt), 0);
    ck_assert_int_eq(gnutls_pkcs12_set_bag(p12, bag), 0);
    gnutls_pkcs12_bag_deinit(bag);
    certs_clear(&own);
}

static void make_with(const char *const *names, size_t n, gnutls_datum_t *out)
{
    gnutls_pkcs12_t p12;
    ck_assert_int_eq(gnutls_pkcs12_init(&p12), 0);
    for (size_t i = 0; i < n; i++)
        add_key(p12, names[i]);
    ck_assert_int_eq(gnutls_pkcs12_generate_mac2(p12, GNUTLS_MAC_SHA256, "p"), 0);
    ck_assert_int_eq(gnutls_pkcs12_export2(p12, GNUTLS_X509_FMT_DER, out), 0);
    gnutls_pkcs12_deinit(p12);
}

START_TEST(refuses_several_keys_by_their_names)
{
    static const char *const names[] = {"shop", "mail\n", "old"};
    gnutls_datum_t der;
    make_with(names, 3, &der);
    refuses(span_of(der.data, der.size), "p", "x.p12: holds 3 private keys (shop, mail?, old), and an identity has one: export the one alone");
    gnutls_free(der.data);
    make_with(names, 1, &der);
    ck_assert_int_eq(open_text("x.p12", span_of(der.data, der.size), "p"), 0);
    tls_pkcs12_close(&content);
    gnutls_free(der.data);
}
END_TEST

/* Programs read our files, and so do we. */
START_TEST(reads_what_pki_export_writes)
{
    struct certs ca, leaf;
    struct bytes out;
    certs_make(&(struct certs_order){.cn = "ca", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &ca}, &leaf);
    const struct tls_pkcs12_order order = {
        .name = "leaf", .key = {"k", leaf.key_pem}, .certificate = {"c", leaf.pem}, .ca = {"ca", ca.pem}, .passphrase = "correct horse"};
    ck_assert_int_eq(tls_pkcs12_new(&order, &out, &err), 0);
    ck_assert_msg(open_text("x.p12", bytes_span(&out), "correct horse") == 0, "%s", err.text);
    ck_assert_uint_eq(content.n, 2);
    uint8_t id[32];
    size_t size = sizeof(id);
    ck_assert_int_eq(gnutls_x509_crt_get_key_id(ca.crt, GNUTLS_KEYID_USE_SHA256, id, &size), 0);
    tls_pkcs12_put_leaf_first(&content, id);
    ck_assert(span_equals(content.ders[0], ca.der));
    ck_assert_int_eq(gnutls_x509_crt_get_key_id(leaf.crt, GNUTLS_KEYID_USE_SHA256, id, &size), 0);
    tls_pkcs12_put_leaf_first(&content, id);
    ck_assert(span_equals(content.ders[0], leaf.der));
    tls_pkcs12_close(&content);
    bytes_clear(&out);
    certs_clear(&leaf);
    certs_clear(&ca);
}
END_TEST

/* A store of Java with the CA of another partner between, in no order. */
START_TEST(writes_the_chain_alone_and_without_its_root)
{
    struct certs root, middle, leaf, stranger;
    struct bytes out;
    certs_make(&(struct certs_order){.cn = "root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "middle", .ca = true, .issuer = &root}, &middle);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle}, &leaf);
    certs_make(&(struct certs_order){.cn = "stranger", .ca = true}, &stranger);
    struct tls_pkcs12_content c = {.ders = {leaf.der, root.der, stranger.der, middle.der}, .n = 4};
    const struct span expected[] = {leaf.pem, middle.pem};
    struct span both = certs_join(expected, 2);
    ck_assert_int_eq(tls_pkcs12_write_chain(&c, &out, &err), 0);
    ck_assert_msg(span_equals(bytes_span(&out), both), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    c = (struct tls_pkcs12_content){.ders = {root.der}, .n = 1}; /* one that signs itself is the leaf all the same */
    ck_assert_int_eq(tls_pkcs12_write_chain(&c, &out, &err), 0);
    ck_assert(span_equals(bytes_span(&out), root.pem));
    bytes_clear(&out);
    certs_free(both);
    certs_clear(&stranger);
    certs_clear(&leaf);
    certs_clear(&middle);
    certs_clear(&root);
}
END_TEST

START_TEST(refuses_a_large_file_before_it_is_parsed)
{
    size_t n = 64 * 1024 * 1024;
    uint8_t *zeros = calloc(1, n);
    ck_assert_ptr_nonnull(zeros);
    memcpy(zeros, "\x30\x84\x03\xff\xff\xfa\x02\x01\x03", 9);
    refuses(span_of(zeros, n), "p", "x.p12: larger than 1 MiB");
    free(zeros);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_pkcs12_open");
    TCase *t = tcase_create("tls_pkcs12_open");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, reads_what_openssl_writes_now_and_wrote_before, 0, (int)(sizeof(readable) / sizeof(readable[0])));
    tcase_add_loop_test(t, says_why_a_file_cannot_be_read, 0, (int)(sizeof(unreadable) / sizeof(unreadable[0])));
    tcase_add_test(t, refuses_each_damaged_byte_of_its_contents);
    tcase_add_test(t, refuses_several_keys_by_their_names);
    tcase_add_test(t, reads_what_pki_export_writes);
    tcase_add_test(t, writes_the_chain_alone_and_without_its_root);
    tcase_add_test(t, refuses_a_large_file_before_it_is_parsed);
    suite_add_tcase(s, t);
    return s;
}
