/* SPDX-License-Identifier: Apache-2.0 */
/* E8 */
#include "certs.h"
#include "mtlsd/tls/tls_renewal.h"
#include "mtlsd/tls/tls_signing_key.h"
#include "t.h"

#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>
#include <string.h>

static struct certs ca, other_ca, current, fresh;
static struct tls_identity *in_use;
static struct tls_signing_key *key;

static const struct certs_order as_it_is = {.cn = "me", .sans = {"dns:a.example", "dns:b.example"}};

static struct tls_identity *identity_of(const struct certs *c)
{
    struct findings notes;
    struct err err = {0};
    struct span both[] = {c->pem, c->key_pem, ca.pem};
    struct span text = certs_join(both, 3);
    findings_init(&notes);
    struct tls_identity *id = tls_identity_new(&(struct tls_identity_spec){.name = "me", .certificate = text, .certificate_file = "me.pem", .key = text}, CERTS_NOW, &notes, &err);
    findings_clear(&notes);
    certs_free(text);
    ck_assert_msg(id != NULL, "%s", err.text);
    return id;
}

/* The answer is a certificate by this order, of the key that was made. */
static void make(struct certs_order order)
{
    struct certs_order old = as_it_is;
    struct err err = {0};
    certs_make(&(struct certs_order){.cn = "CA", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other_ca);
    old.issuer = &ca;
    certs_make(&old, &current);
    in_use = identity_of(&current);
    order.issuer = &ca;
    if (order.not_after == 0)
        order.not_after = CERTS_NOW + 1000 * CERTS_DAY;
    certs_make(&order, &fresh);
    const struct tls_key_source source = {.identity = "me", .text = fresh.key_pem, .file = "me.key"};
    key = tls_signing_key_read(&source, NULL, &err);
    ck_assert_ptr_nonnull(key);
}

static void tear_down(void)
{
    tls_identity_unref(in_use);
    tls_signing_key_unref(key);
    certs_clear(&fresh);
    certs_clear(&current);
    certs_clear(&other_ca);
    certs_clear(&ca);
}

static struct tls_identity *join(struct span pem, struct err *err)
{
    *err = (struct err){0};
    return tls_renewal_join(&(struct tls_renewal_answer){"me", pem, key, in_use, CERTS_NOW}, err);
}

static void refuses(struct span pem, const char *says)
{
    struct err err;
    struct tls_identity *id = join(pem, &err);
    ck_assert_msg(id == NULL, "taken, where \"%s\" is due", says);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s, where \"%s\" is due", err.text, says);
}

START_TEST(a_certificate_for_the_new_key_is_taken_with_the_chain_in_use)
{
    struct err err;
    struct bytes chain;
    make(as_it_is);
    struct tls_identity *id = join(fresh.pem, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    ck_assert_int_eq(tls_renewal_write_chain(id, &chain, &err), 0);
    ck_assert_uint_gt(chain.len, 0);
    ck_assert(span_equals(tls_identity_der(id, 0), fresh.der));
    bytes_clear(&chain);
    tls_identity_unref(id);
}
END_TEST

START_TEST(names_in_another_order_are_the_same)
{
    struct err err;
    make((struct certs_order){.cn = "me", .sans = {"dns:b.example", "dns:a.example"}});
    struct tls_identity *id = join(fresh.pem, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    tls_identity_unref(id);
}
END_TEST

START_TEST(what_is_not_what_was_requested_is_refused)
{
    static const struct row { struct certs_order order; const char *says; } rows[] = {
        {{.cn = "you", .sans = {"dns:a.example", "dns:b.example"}}, "is for CN=you, and CN=me was requested"},
        {{.cn = "me", .sans = {"dns:a.example"}}, "other names in subjectAltName"},
        {{.cn = "me", .sans = {"dns:a.example", "dns:b.example", "dns:c.example"}}, "other names in subjectAltName"},
        {{.cn = "me"}, "other names in subjectAltName"},
        {{.cn = "me", .sans = {"dns:a.example", "dns:b.example"}, .not_before = CERTS_NOW + 60}, "is not valid yet"},
        {{.cn = "me", .sans = {"dns:a.example", "dns:b.example"}, .not_after = CERTS_NOW + CERTS_DAY}, "no later than the one in use"},
    };
    make(rows[_i].order);
    refuses(fresh.pem, rows[_i].says);
}
END_TEST

START_TEST(an_answer_of_another_key_or_with_something_else_is_refused)
{
    make(as_it_is);
    struct span two[] = {fresh.pem, current.pem};
    struct span both = certs_join(two, 2), with_key[] = {fresh.pem, fresh.key_pem}, keyed = certs_join(with_key, 2);
    refuses(current.pem, "of another key");
    refuses(ca.pem, "no certificate but those of CAs");
    refuses(both, "several certificates");
    refuses(keyed, "something else");
    refuses(span_from_str("-----BEGIN CERTIFICATE-----\nMIIB\n"), "");
    refuses(span_from_str(""), "no certificate");
    certs_free(both);
    certs_free(keyed);
}
END_TEST

/* ---- PKCS#7 ---- */

static void write_pkcs7(const struct certs *const *all, size_t n, struct bytes *base64)
{
    gnutls_pkcs7_t message;
    gnutls_datum_t der, text;
    ck_assert_int_eq(gnutls_pkcs7_init(&message), 0);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(gnutls_pkcs7_set_crt(message, all[i]->crt), 0);
    ck_assert_int_eq(gnutls_pkcs7_export2(message, GNUTLS_X509_FMT_DER, &der), 0);
    ck_assert_int_eq(gnutls_base64_encode2(&der, &text), 0);
    bytes_init(base64, 1 << 20);
    bytes_append(base64, text.data, text.size);
    gnutls_free(der.data);
    gnutls_free(text.data);
    gnutls_pkcs7_deinit(message);
}

START_TEST(reads_a_message_of_certificates_in_any_order)
{
    struct bytes base64, pem;
    struct err err = {0};
    make(as_it_is);
    const struct certs *const all[] = {&ca, &fresh};
    write_pkcs7(all, 2, &base64);
    ck_assert_int_eq(tls_renewal_read_pkcs7(bytes_span(&base64), &pem, &err), 0);
    struct tls_identity *id = join(bytes_span(&pem), &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    ck_assert(span_equals(tls_identity_der(id, 0), fresh.der));
    tls_identity_unref(id);
    for (size_t n = 0; n + 1 < base64.len; n += 37) { /* cut anywhere */
        struct bytes half;
        ck_assert(tls_renewal_read_pkcs7(span_of(base64.data, n), &half, &err) == -1 || half.len > 0);
        bytes_clear(&half);
    }
    bytes_clear(&base64);
    bytes_clear(&pem);
}
END_TEST

START_TEST(what_is_no_such_message_is_refused)
{
    static const struct row { const char *text, *says; } rows[] = {{"", "empty"}, {"<html>", "not base64"}, {"AAAA", "no PKCS#7"}};
    struct bytes pem;
    make(as_it_is);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        ck_assert_int_eq(tls_renewal_read_pkcs7(span_from_str(rows[i].text), &pem, &err), -1);
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s", err.text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_renewal");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, NULL, tear_down);
    tcase_add_test(c, a_certificate_for_the_new_key_is_taken_with_the_chain_in_use);
    tcase_add_test(c, names_in_another_order_are_the_same);
    tcase_add_loop_test(c, what_is_not_what_was_requested_is_refused, 0, 6);
    tcase_add_test(c, an_answer_of_another_key_or_with_something_else_is_refused);
    tcase_add_test(c, reads_a_message_of_certificates_in_any_order);
    tcase_add_test(c, what_is_no_such_message_is_refused);
    suite_add_tcase(s, c);
    return s;
}
