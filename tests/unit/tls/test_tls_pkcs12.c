/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_pkcs12.h"
#include "mtlsd/tls/tls_pki.h"
#include "t.h"

#include <gnutls/pkcs12.h>
#include <string.h>

#define NOW ((int64_t)1800000000)
#define DAY ((int64_t)86400)

static struct tls_pki_pair ca, other_ca, leaf, other;

static void issue(struct tls_pki_pair *out)
{
    struct err err = {0};
    const struct tls_pki_order order = {.cn = "alice", .purpose = TLS_PURPOSE_CLIENT, .not_before = NOW, .not_after = NOW + DAY};
    ck_assert_msg(tls_pki_issue(bytes_span(&ca.certificate), bytes_span(&ca.key), &order, 7, out, &err) == 0, "%s", err.text);
}

static void make(void)
{
    struct err err = {0};
    ck_assert_int_eq(tls_pki_new_ca("test CA", NOW - DAY, NOW + 365 * DAY, &ca, &err), 0);
    ck_assert_int_eq(tls_pki_new_ca("test CA", NOW - DAY, NOW + 365 * DAY, &other_ca, &err), 0);
    issue(&leaf);
    issue(&other);
}

static void drop(void)
{
    tls_pki_pair_clear(&ca);
    tls_pki_pair_clear(&other_ca);
    tls_pki_pair_clear(&leaf);
    tls_pki_pair_clear(&other);
}

static struct tls_pkcs12_order order_of(struct span key, struct span certificate, struct span issuer)
{
    return (struct tls_pkcs12_order){
        .name = "alice", .key = {"a.key", key}, .certificate = {"a.crt", certificate}, .ca = {"ca.pem", issuer}, .passphrase = "correct horse"};
}

static gnutls_pkcs12_t write_it(const struct tls_pkcs12_order *order)
{
    struct bytes out;
    struct err err = {0};
    gnutls_pkcs12_t p12;
    ck_assert_msg(tls_pkcs12_new(order, &out, &err) == 0, "%s", err.text);
    const gnutls_datum_t der = {out.data + out.head, (unsigned)out.len};
    ck_assert_int_eq(gnutls_pkcs12_init(&p12), 0);
    ck_assert_int_eq(gnutls_pkcs12_import(p12, &der, GNUTLS_X509_FMT_DER, 0), 0);
    bytes_clear(&out);
    return p12;
}

static const struct {
    const struct tls_pki_pair *issuer; /* NULL: none is there */
    unsigned expected;                 /* certificates above the leaf */
} issuers[] = {{&ca, 1}, {&other_ca, 0}, {&leaf, 0}, {NULL, 0}};

START_TEST(holds_key_leaf_and_the_ca_that_issued_it)
{
    const struct tls_pki_pair *issuer = issuers[_i].issuer;
    struct tls_pkcs12_order order =
        order_of(bytes_span(&leaf.key), bytes_span(&leaf.certificate), issuer != NULL ? bytes_span(&issuer->certificate) : (struct span){0});
    gnutls_pkcs12_t p12 = write_it(&order);
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t *chain = NULL, *more = NULL;
    unsigned n = 0, n_more = 0;
    ck_assert_int_eq(gnutls_pkcs12_verify_mac(p12, "correct horse"), 0);
    ck_assert_int_ne(gnutls_pkcs12_verify_mac(p12, "correct house"), 0);
    ck_assert_int_eq(gnutls_pkcs12_simple_parse(p12, "correct horse", &key, &chain, &n, &more, &n_more, NULL, GNUTLS_PKCS12_SP_INCLUDE_SELF_SIGNED), 0);
    ck_assert_ptr_nonnull(key);
    ck_assert_uint_eq(n, 1 + issuers[_i].expected);
    ck_assert_uint_eq(n_more, 0);
    for (unsigned i = 0; i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    gnutls_x509_privkey_deinit(key);
    gnutls_pkcs12_deinit(p12);
}
END_TEST

static void refuses(const struct tls_pkcs12_order *order, const char *says)
{
    struct bytes out;
    struct err err = {0};
    ck_assert_msg(tls_pkcs12_new(order, &out, &err) != 0, "accepted: %s", says);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_ptr_null(out.data);
}

START_TEST(refuses_files_that_do_not_belong_together)
{
    struct span key = bytes_span(&leaf.key), certificate = bytes_span(&leaf.certificate), issuer = bytes_span(&ca.certificate);
    struct span damaged = span_from_str("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    struct tls_pkcs12_order rows[] = {
        order_of(bytes_span(&other.key), certificate, issuer), order_of(certificate, certificate, issuer), order_of(damaged, certificate, issuer),
        order_of(key, key, issuer), order_of(span_from_str(""), certificate, issuer), order_of(key, certificate, span_from_str("hello")),
    };
    refuses(&rows[0], "a.crt: the first certificate does not belong to the private key in a.key");
    refuses(&rows[1], "a.key: no private key in it");
    refuses(&rows[2], "a.key:1: the private key is encrypted, damaged or of an unknown kind");
    refuses(&rows[3], "a.crt: holds no certificate");
    refuses(&rows[4], "a.key: the file is empty");
    refuses(&rows[5], "ca.pem: no PEM block in it");
}
END_TEST

static const struct {
    const char *text;
    const char *passphrase; /* NULL: refused */
} passphrases[] = {
    {"correct horse", "correct horse"},
    {"correct horse\n", "correct horse"},
    {"correct horse\r\n", "correct horse"},
    {" 8 long ", " 8 long "},
    {"", NULL},
    {"\n", NULL},
    {"7 long.\n", NULL},
    {"correct\nhorse", NULL},
    {"correct horse\n\n", NULL},
    {"correct h\xc3\xb6rse", NULL},
    {"correct\thorse", NULL},
};

START_TEST(reads_one_line_of_ascii_as_the_passphrase)
{
    const struct tls_file file = {"pp", span_from_str(passphrases[_i].text)};
    char out[TLS_PKCS12_PASSPHRASE] = "";
    struct err err = {0};
    int rc = tls_pkcs12_read_passphrase(&file, out, &err);
    ck_assert_msg((rc == 0) == (passphrases[_i].passphrase != NULL), "%s", passphrases[_i].text);
    if (rc == 0)
        ck_assert_str_eq(out, passphrases[_i].passphrase);
    else
        ck_assert_int_eq(memcmp(err.text, "pp: the passphrase has ", 23), 0);
    ck_assert_ptr_null(strstr(err.text, "horse"));
}
END_TEST

START_TEST(refuses_a_passphrase_with_nul_and_a_long_one)
{
    static char many[TLS_PKCS12_PASSPHRASE];
    memset(many, 'a', sizeof(many));
    const struct tls_file nul = {"pp", span_of("correct\0horse", 13)}, most = {"pp", span_of(many, sizeof(many) - 1)}, more = {"pp", span_of(many, sizeof(many))};
    char out[TLS_PKCS12_PASSPHRASE];
    struct err err = {0};
    ck_assert_int_ne(tls_pkcs12_read_passphrase(&nul, out, &err), 0);
    ck_assert_int_ne(tls_pkcs12_read_passphrase(&more, out, &err), 0);
    ck_assert_int_eq(tls_pkcs12_read_passphrase(&most, out, &err), 0);
}
END_TEST

START_TEST(a_new_passphrase_is_long_and_each_is_another)
{
    char a[TLS_PKCS12_PASSPHRASE], b[TLS_PKCS12_PASSPHRASE], read[TLS_PKCS12_PASSPHRASE];
    struct err err = {0};
    ck_assert_int_eq(tls_pkcs12_new_passphrase(a, &err), 0);
    ck_assert_int_eq(tls_pkcs12_new_passphrase(b, &err), 0);
    ck_assert_str_ne(a, b);
    ck_assert_uint_eq(strlen(a), 24);
    const struct tls_file file = {"pp", span_from_str(a)};
    ck_assert_int_eq(tls_pkcs12_read_passphrase(&file, read, &err), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_pkcs12");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, make, drop);
    tcase_set_timeout(t, 60); /* a key of a passphrase takes long on purpose */
    tcase_add_loop_test(t, holds_key_leaf_and_the_ca_that_issued_it, 0, (int)(sizeof(issuers) / sizeof(issuers[0])));
    tcase_add_test(t, refuses_files_that_do_not_belong_together);
    tcase_add_loop_test(t, reads_one_line_of_ascii_as_the_passphrase, 0, (int)(sizeof(passphrases) / sizeof(passphrases[0])));
    tcase_add_test(t, refuses_a_passphrase_with_nul_and_a_long_one);
    tcase_add_test(t, a_new_passphrase_is_long_and_each_is_another);
    suite_add_tcase(s, t);
    return s;
}
