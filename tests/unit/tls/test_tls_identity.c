/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "mtlsd/tls/tls_identity.h"
#include "openssl_pki.h"
#include "tls_internal.h"

#include <string.h>

static struct certs root, middle, leaf, stranger;

static void make_chain(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Middle", .ca = true, .issuer = &root}, &middle);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &middle}, &leaf);
    certs_make(&(struct certs_order){.cn = "Stranger", .ca = true}, &stranger);
}

static void clear_chain(void)
{
    certs_clear(&stranger);
    certs_clear(&leaf);
    certs_clear(&middle);
    certs_clear(&root);
}

static struct findings notes;
static struct err err;

static struct tls_identity *load_pair(struct span certificate, struct span key)
{
    struct tls_identity_spec spec = {"payments", certificate, "cert.pem", key, "key.pem", false, NULL, {NULL, 0}, NULL, NULL, NULL};
    findings_clear(&notes);
    err_clear(&err);
    return tls_identity_new(&spec, CERTS_NOW, &notes, &err);
}

static struct tls_identity *load_bundle(const struct span *pieces, size_t n)
{
    struct span bundle = certs_join(pieces, n);
    struct tls_identity_spec spec = {"payments", bundle, "bundle.pem", bundle, "bundle.pem", false, NULL, {NULL, 0}, NULL, NULL, NULL};
    findings_clear(&notes);
    err_clear(&err);
    struct tls_identity *id = tls_identity_new(&spec, CERTS_NOW, &notes, &err);
    certs_free(bundle); /* the identity keeps nothing of the text */
    return id;
}

START_TEST(names_its_algorithms_as_openssl_does)
{
    static const struct {
        enum certs_key key;
        const char *word, *signature;
    } rows[] = {{CERTS_P256, "EC256", "ecdsa-with-SHA256"},
                {CERTS_P384, "EC384", "ecdsa-with-SHA256"},
                {CERTS_RSA_2048, "RSA2048", "RSA-SHA256"},
                {CERTS_ED25519, "ED25519", "ED25519"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct certs own;
        struct tls_identity_algorithms got;
        certs_make(&(struct certs_order){.cn = "x", .key = rows[i].key}, &own); /* signed by itself */
        struct tls_identity *id = load_pair(own.pem, own.key_pem);
        ck_assert_msg(id != NULL, "%s", err.text);
        tls_identity_algorithms(id, &got);
        ck_assert_str_eq(got.key, rows[i].word);
        ck_assert_str_eq(got.signature, rows[i].signature);
        tls_identity_unref(id);
        certs_clear(&own);
    }
    findings_clear(&notes);
}
END_TEST

START_TEST(reads_a_bundle_in_any_order)
{
    const struct {
        const char *why;
        struct span pieces[5];
        size_t length, notes;
    } cases[] = {
        {"chain, then key", {leaf.pem, middle.pem, leaf.key_pem}, 2, 0},
        {"key first", {leaf.key_pem, leaf.pem, middle.pem}, 2, 0},
        {"the leaf last", {middle.pem, leaf.key_pem, leaf.pem}, 2, 1},
        {"turned over, with its root", {root.pem, middle.pem, leaf.pem, leaf.key_pem}, 3, 1},
        {"the intermediates out of order", {leaf.pem, root.pem, middle.pem, leaf.key_pem}, 3, 1},
        {"a stranger in it", {leaf.pem, stranger.pem, middle.pem, leaf.key_pem}, 2, 2},
        {"the leaf alone", {leaf.pem, leaf.key_pem}, 1, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tls_identity *id = load_bundle(cases[i].pieces, 5);
        ck_assert_msg(id != NULL, "%s: %s", cases[i].why, err.text);
        struct tls_identity_facts facts;
        tls_identity_facts(id, &facts);
        ck_assert_msg(facts.chain_length == cases[i].length, "%s: %zu", cases[i].why, facts.chain_length);
        ck_assert_msg(notes.n == cases[i].notes, "%s: %zu notes", cases[i].why, notes.n);
        ck_assert(span_equals(tls_identity_der(id, 0), leaf.der));
        ck_assert(cases[i].length < 2 || span_equals(tls_identity_der(id, 1), middle.der));
        ck_assert(cases[i].length < 3 || span_equals(tls_identity_der(id, 2), root.der));
        ck_assert_uint_eq(tls_identity_der(id, facts.chain_length).len, 0);
        tls_identity_unref(id);
    }
    findings_clear(&notes);
}
END_TEST

START_TEST(tells_its_facts)
{
    struct tls_identity *id = load_pair(leaf.pem, leaf.key_pem);
    struct tls_identity_facts facts;
    ck_assert_msg(id != NULL, "%s", err.text);
    tls_identity_facts(id, &facts);
    ck_assert_str_eq(facts.name, "payments");
    ck_assert_str_eq(facts.subject, "CN=leaf");
    ck_assert_str_eq(facts.issuer, "CN=Middle");
    ck_assert_str_eq(facts.key_kind, "ECDSA P-256");
    ck_assert_int_eq(facts.not_after, CERTS_NOW + 365 * CERTS_DAY);
    ck_assert_uint_eq(strlen(facts.sha256), 64);
    tls_identity_unref(id);
    const struct {
        enum certs_key key;
        const char *kind;
    } kinds[] = {{CERTS_P384, "ECDSA P-384"}, {CERTS_ED25519, "Ed25519"}, {CERTS_RSA_2048, "RSA 2048"}};
    for (size_t i = 0; i < 3; i++) {
        struct certs made;
        certs_make(&(struct certs_order){.cn = "k", .key = kinds[i].key}, &made);
        id = load_pair(made.pem, made.key_pem);
        ck_assert_msg(id != NULL, "%s", err.text);
        tls_identity_facts(id, &facts);
        ck_assert_str_eq(facts.key_kind, kinds[i].kind);
        tls_identity_unref(id);
        certs_clear(&made);
    }
}
END_TEST

/* As OpenSSL sees it: the issuer's name is its own, so it signed itself. */
START_TEST(a_leaf_with_the_name_of_its_ca_is_told)
{
    struct certs namesake, own;
    struct tls_identity_facts facts;
    certs_make(&(struct certs_order){.cn = "Root", .issuer = &root, .no_key_ids = true}, &namesake);
    certs_make(&(struct certs_order){.cn = "self"}, &own);
    struct tls_identity *id = load_pair(namesake.pem, namesake.key_pem);
    tls_identity_facts(id, &facts);
    ck_assert(facts.named_as_ca && notes.n == 1 && notes.items[0].level == FINDING_WARNING);
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "the same name, CN=Root, stands for the certificate and for the CA that issued it"));
    tls_identity_unref(id);
    id = load_pair(own.pem, own.key_pem);
    tls_identity_facts(id, &facts);
    ck_assert(!facts.named_as_ca && notes.n == 0);
    tls_identity_unref(id);
    certs_clear(&own);
    certs_clear(&namesake);
    certs_make(&(struct certs_order){.cn = "Root", .issuer = &root}, &namesake);
    id = load_pair(namesake.pem, namesake.key_pem);
    tls_identity_facts(id, &facts);
    ck_assert(!facts.named_as_ca && notes.n == 0); /* key identifiers tell them apart */
    tls_identity_unref(id);
    certs_clear(&namesake);
    findings_clear(&notes);
}
END_TEST

static void expect(const char *why, struct tls_identity *id, const char *says)
{
    ck_assert_msg(id == NULL, "accepted: %s", why);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s: %s (wanted: %s)", why, err.text, says);
    ck_assert_msg(strstr(err.text, ".pem") != NULL, "%s: names no file: %s", why, err.text);
    findings_clear(&notes);
}

START_TEST(refuses_a_key_of_another_certificate)
{
    expect("pair", load_pair(leaf.pem, stranger.key_pem),
           "the private key in key.pem (line 1) does not belong to the certificate in cert.pem (CN=leaf)");
    struct span bundle[] = {leaf.pem, middle.pem, stranger.key_pem};
    expect("bundle", load_bundle(bundle, 3), "does not belong to any certificate in bundle.pem");
}
END_TEST

/* The private half of one key beside the public half of another, which is the certificate's. */
static struct span mixed_key(struct span secret, struct span public)
{
    static uint8_t text[4096];
    gnutls_x509_privkey_t keys[2], mixed;
    gnutls_datum_t x[2], y[2], k[2], pem[2] = {{(uint8_t *)(uintptr_t)secret.ptr, (unsigned)secret.len}, {(uint8_t *)(uintptr_t)public.ptr, (unsigned)public.len}};
    gnutls_ecc_curve_t curve;
    size_t len = sizeof(text);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(gnutls_x509_privkey_init(&keys[i]), 0);
        ck_assert_int_eq(gnutls_x509_privkey_import(keys[i], &pem[i], GNUTLS_X509_FMT_PEM), 0);
        ck_assert_int_eq(gnutls_x509_privkey_export_ecc_raw(keys[i], &curve, &x[i], &y[i], &k[i]), 0);
    }
    ck_assert_int_eq(gnutls_x509_privkey_init(&mixed), 0);
    ck_assert_int_eq(gnutls_x509_privkey_import_ecc_raw(mixed, curve, &x[1], &y[1], &k[0]), 0);
    ck_assert_int_eq(gnutls_x509_privkey_export(mixed, GNUTLS_X509_FMT_PEM, text, &len), 0);
    gnutls_x509_privkey_deinit(mixed);
    for (int i = 0; i < 2; i++) {
        gnutls_x509_privkey_deinit(keys[i]);
        gnutls_free(x[i].data);
        gnutls_free(y[i].data);
        gnutls_free(k[i].data);
    }
    return span_of(text, len);
}

START_TEST(refuses_a_key_whose_halves_are_of_two_keys)
{
    expect("mixed", load_pair(leaf.pem, mixed_key(stranger.key_pem, leaf.key_pem)), "is damaged: its public half is that of another key");
    struct tls_identity *id = load_pair(leaf.pem, mixed_key(leaf.key_pem, leaf.key_pem));
    ck_assert_msg(id != NULL, "put together from one key: %s", err.text);
    tls_identity_unref(id);
}
END_TEST

START_TEST(tells_apart_what_is_missing)
{
    struct span none = {0};
    expect("no file content", load_pair(none, leaf.key_pem), "cert.pem: the file is empty");
    expect("an empty key file", load_pair(leaf.pem, none), "key.pem: the file is empty");
    expect("no key in the key file", load_pair(leaf.pem, middle.pem), "key.pem holds no private key");
    expect("no certificate", load_pair(leaf.key_pem, leaf.key_pem), "cert.pem holds no certificate");
    struct span alone[] = {leaf.pem};
    expect("a bundle without a key", load_bundle(alone, 1), "bundle.pem holds no private key; a bundle is");
    struct span twice[] = {leaf.pem, leaf.key_pem, leaf.key_pem};
    expect("two keys", load_bundle(twice, 3), "a second private key");
    expect("DER", load_pair(leaf.der, leaf.key_pem), "cert.pem: looks like DER");
    expect("prose", load_pair(span_from_str("hello\n"), leaf.key_pem), "no PEM block");
}
END_TEST

START_TEST(refuses_a_ca_certificate_as_our_own)
{
    expect("a CA", load_pair(root.pem, root.key_pem), "cert.pem:1 is a CA certificate (CN=Root)");
}
END_TEST

START_TEST(names_the_line_of_a_broken_block)
{
    struct span broken =
        span_from_str("-----BEGIN CERTIFICATE-----\nMIIB\nM*IB\n-----END CERTIFICATE-----\n");
    struct span no_certificate =
        span_from_str("-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n");
    struct span bad_key = span_from_str("-----BEGIN PRIVATE KEY-----\nTUlJQg==\n-----END PRIVATE KEY-----\n");
    struct span first[] = {span_from_str("# one\n# two\n"), broken, leaf.pem, leaf.key_pem};
    struct span second[] = {span_from_str("# one\n"), no_certificate, leaf.pem, leaf.key_pem};
    expect("not base64", load_bundle(first, 4), "bundle.pem:5:");
    expect("no certificate", load_bundle(second, 4),
           "bundle.pem:2: the block that begins here is not a readable certificate");
    expect("a bad key", load_pair(leaf.pem, bad_key),
           "key.pem:1: the private key that begins here is damaged");
    expect(
        "a request",
        load_pair(span_from_str(
                      "-----BEGIN CERTIFICATE REQUEST-----\nTUlJQg==\n-----END CERTIFICATE REQUEST-----\n"),
                  leaf.key_pem),
        "CERTIFICATE REQUEST does not belong");
}
END_TEST

/* A bundle that is still being written must never load as something smaller than it will be, but at a block's
 * end. */
START_TEST(refuses_a_bundle_cut_inside_a_block)
{
    struct span pieces[] = {leaf.key_pem, leaf.pem, middle.pem};
    struct span all = certs_join(pieces, 3);
    size_t second = leaf.key_pem.len + leaf.pem.len;
    for (size_t cut = 0; cut + 1 < all.len; cut++) {
        struct span part = span_of(all.ptr, cut);
        struct tls_identity *id = load_bundle(&part, 1);
        bool whole = cut + 1 >= second && cut <= second + 9;
        ck_assert_msg((id != NULL) == whole, "cut at %zu: %s", cut, err.text);
        tls_identity_unref(id);
    }
    certs_free(all);
    findings_clear(&notes);
}
END_TEST

START_TEST(a_leaf_out_of_its_dates_is_a_fault)
{
    struct certs old, early;
    certs_make(&(struct certs_order){.cn = "old", .not_after = CERTS_NOW - 1}, &old);
    certs_make(&(struct certs_order){.cn = "early", .not_before = CERTS_NOW + 1}, &early);
    struct tls_identity *id = load_pair(old.pem, old.key_pem);
    ck_assert_ptr_nonnull(id);
    ck_assert_uint_eq(notes.faults, 1);
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "CN=old expired 2026-01-15T11:59:59Z"));
    tls_identity_unref(id);
    id = load_pair(early.pem, early.key_pem);
    ck_assert_ptr_nonnull(id);
    ck_assert_uint_eq(notes.faults, 1);
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "not valid before"));
    tls_identity_unref(id);
    findings_clear(&notes);
    certs_clear(&early);
    certs_clear(&old);
}
END_TEST

START_TEST(reads_the_key_forms_of_openssl)
{
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    struct span cert = openssl_pki_read(&pki, "good.pem");
    const struct {
        const char *file, *says; /* NULL: loads */
    } keys[] = {
        {"good.key", NULL}, /* EC PRIVATE KEY */
        {"encrypted8.key", "the private key is encrypted"},
        {"encrypted1.key", "the private key is encrypted"},
        {"rsa.key", "does not belong"},
        {"rsa1.key", "does not belong"},
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct span key = openssl_pki_read(&pki, keys[i].file);
        struct tls_identity *id = load_pair(cert, key);
        if (keys[i].says != NULL)
            expect(keys[i].file, id, keys[i].says);
        else
            ck_assert_msg(id != NULL, "%s: %s", keys[i].file, err.text);
        tls_identity_unref(id);
        certs_free(key);
    }
    certs_free(cert);
    openssl_pki_clear(&pki);
    findings_clear(&notes);
}
END_TEST

START_TEST(lends_its_chain_and_its_key)
{
    struct tls_identity *id = load_pair(leaf.pem, leaf.key_pem);
    gnutls_pcert_st *sent;
    gnutls_privkey_t key;
    unsigned n;
    tls_identity_lend(id, &sent, &n, &key);
    ck_assert_uint_eq(n, 1);
    ck_assert(span_equals(span_of(sent[0].cert.data, sent[0].cert.size), leaf.der));
    ck_assert_int_ge(gnutls_privkey_get_pk_algorithm(key, NULL), 0);
    tls_identity_unref(id);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_identity");
    TCase *c = tcase_create("identity");
    tcase_add_checked_fixture(c, make_chain, clear_chain);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, reads_a_bundle_in_any_order);
    tcase_add_test(c, names_its_algorithms_as_openssl_does);
    tcase_add_test(c, tells_its_facts);
    tcase_add_test(c, a_leaf_with_the_name_of_its_ca_is_told);
    tcase_add_test(c, refuses_a_key_of_another_certificate);
    tcase_add_test(c, refuses_a_key_whose_halves_are_of_two_keys);
    tcase_add_test(c, tells_apart_what_is_missing);
    tcase_add_test(c, refuses_a_ca_certificate_as_our_own);
    tcase_add_test(c, names_the_line_of_a_broken_block);
    tcase_add_test(c, refuses_a_bundle_cut_inside_a_block);
    tcase_add_test(c, a_leaf_out_of_its_dates_is_a_fault);
    tcase_add_test(c, reads_the_key_forms_of_openssl);
    tcase_add_test(c, lends_its_chain_and_its_key);
    suite_add_tcase(s, c);
    return s;
}
