/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "certs.h"
#include "mtlsd/tls/tls_trust.h"
#include "openssl_pki.h"

#include <stdio.h>
#include <string.h>

static struct certs ca, other, leaf;

static void make_cas(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &ca}, &leaf);
}

static void clear_cas(void)
{
    certs_clear(&leaf);
    certs_clear(&other);
    certs_clear(&ca);
}

static struct findings notes;
static struct err err;

static struct tls_trust *load(const struct tls_file *files, size_t n)
{
    struct tls_trust_spec spec = {
        .name = "clients", .ca = files, .n_ca = n, .depth = 8, .min_rsa_bits = 2048};
    findings_clear(&notes);
    err_clear(&err);
    return tls_trust_new(&spec, CERTS_NOW, &notes, &err);
}

static void expect_refusal(const char *why, struct span text, const char *says)
{
    struct tls_file file = {"ca.pem", text};
    struct tls_trust *trust = load(&file, 1);
    ck_assert_msg(trust == NULL, "accepted: %s", why);
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s: %s (wanted: %s)", why, err.text, says);
    findings_clear(&notes);
}

/* Pieces joined, loaded, refused. */
static void expect_refusal_of(const char *why, struct span a, struct span b, struct span c, const char *says)
{
    struct span pieces[] = {a, b, c};
    struct span text = certs_join(pieces, 3);
    expect_refusal(why, text, says);
    certs_free(text);
}

static struct span text(const char *s)
{
    return span_from_str(s);
}

START_TEST(a3_refuses_what_is_not_a_whole_set_of_cas)
{
    const struct span none = {0};
    expect_refusal("0 bytes", none, "ca.pem: the file is empty");
    expect_refusal("blanks", text("\n\n \n"), "ca.pem: no PEM block");
    expect_refusal("prose", text("hello"), "ca.pem: no PEM block");
    expect_refusal("DER in the PEM slot", ca.der, "ca.pem: looks like DER");
    expect_refusal("PKCS#12 in the PEM slot", span_of("\x30\x82\x05\x01\x02\x01\x03\x30\x82\x04", 10), "openssl pkcs12 -in FILE");
    expect_refusal("a leaf", leaf.pem, "not a CA certificate (no basicConstraints CA:TRUE). Give the certificate of its CA");
    expect_refusal_of("a leaf among CAs", ca.pem, leaf.pem, other.pem,
                      ": certificate CN=leaf is not a CA certificate");
    expect_refusal_of("a key", ca.pem, ca.key_pem, none, "PRIVATE KEY does not belong in a file of CA certificates; a key is named by bundle or key");
    expect_refusal_of("an empty block", text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
                      none, none, "not base64");
    expect_refusal_of("base64 that is no certificate", ca.pem,
                      text("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n"), none,
                      "not a readable certificate");
    expect_refusal_of("a bad block among good", ca.pem,
                      text("-----BEGIN CERTIFICATE-----\nMII!\n-----END CERTIFICATE-----\n"), other.pem,
                      "is damaged: not base64");
    expect_refusal_of("a mark cut off", ca.pem, text("-----BEGIN CERTIFI\n"), other.pem,
                      "damaged BEGIN line");
    expect_refusal_of("an END alone", ca.pem, text("-----END CERTIFICATE-----\n"), none,
                      "END line without its BEGIN");
    expect_refusal_of("openssl's trusted form",
                      text("-----BEGIN TRUSTED CERTIFICATE-----\nMIIB\n-----END TRUSTED CERTIFICATE-----\n"),
                      none, none, "TRUSTED CERTIFICATE does not belong");
}
END_TEST

START_TEST(a3_names_the_line_of_the_bad_block)
{
    char where[32];
    size_t lines = 1;
    for (size_t i = 0; i < ca.pem.len; i++)
        lines += ca.pem.ptr[i] == '\n';
    snprintf(where, sizeof(where), "ca.pem:%zu:", lines + 2); /* the second line of the second block */
    expect_refusal_of("a bad line", ca.pem,
                      text("-----BEGIN CERTIFICATE-----\nMIIB\nMI*B\n-----END CERTIFICATE-----\n"), other.pem,
                      where);
}
END_TEST

/* A file that is cut anywhere, as when it is copied while read: never a smaller set of CAs without a word,
 * but at a block's end. */
START_TEST(a3_refuses_a_file_that_is_cut_inside_a_block)
{
    struct span pieces[] = {ca.pem, other.pem};
    struct span both = certs_join(pieces, 2);
    for (size_t cut = 0; cut < both.len; cut++) {
        struct tls_file file = {"ca.pem", span_of(both.ptr, cut)};
        struct tls_trust *trust = load(&file, 1);
        bool whole = cut + 1 >= both.len ||
                     (cut + 1 >= ca.pem.len && cut <= ca.pem.len + 9); /* not yet "-----BEGIN" again */
        ck_assert_msg((trust != NULL) == whole, "cut at %zu of %zu: %s", cut, both.len, err.text);
        tls_trust_unref(trust);
    }
    certs_free(both);
    findings_clear(&notes);
}
END_TEST

START_TEST(a3_never_falls_back_to_the_system)
{
    ck_assert_ptr_null(load(NULL, 0));
    ck_assert_ptr_nonnull(strstr(err.text, "clients"));
}
END_TEST

START_TEST(a3_refuses_the_second_file_as_the_first)
{
    struct tls_file files[] = {{"one.pem", ca.pem}, {"two.pem", {0}}};
    ck_assert_ptr_null(load(files, 2));
    ck_assert_ptr_nonnull(strstr(err.text, "two.pem: the file is empty"));
}
END_TEST

START_TEST(refuses_cas_that_could_vouch_for_nobody)
{
    const struct {
        const char *why;
        struct certs_order order;
        const char *says;
    } cases[] = {
        {"CA:FALSE", {.cn = "x"}, "not a CA certificate"},
        {"no basicConstraints",
         {.cn = "x", .no_basic_constraints = true, .usage = GNUTLS_KEY_KEY_CERT_SIGN},
         "not a CA certificate"},
        {"version 1", {.cn = "x", .version = 1}, "not a CA certificate"},
        {"no keyCertSign", {.cn = "x", .ca = true, .usage = GNUTLS_KEY_CRL_SIGN}, "keyCertSign"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct certs made;
        certs_make(&cases[i].order, &made);
        expect_refusal(cases[i].why, made.pem, cases[i].says);
        certs_clear(&made);
    }
}
END_TEST

static struct span with_crlf(struct span pem)
{
    uint8_t *out = malloc(2 * pem.len);
    size_t n = 0;
    for (size_t i = 0; i < pem.len; i++) {
        if (pem.ptr[i] == '\n')
            out[n++] = '\r';
        out[n++] = pem.ptr[i];
    }
    return span_of(out, n);
}

START_TEST(a3_reads_the_ways_people_write_files)
{
    struct span crlf = with_crlf(ca.pem);
    struct span no_newline = span_of(ca.pem.ptr, ca.pem.len - 1);
    const struct {
        const char *why;
        struct span pieces[3];
        size_t n_ca;
    } cases[] = {
        {"as it is", {ca.pem}, 1},
        {"two", {ca.pem, other.pem}, 2},
        {"CRLF", {crlf}, 1},
        {"no newline at the end", {no_newline}, 1},
        {"commentary around", {text("subject=CN=Root\n"), ca.pem, text("# end\n")}, 1},
        {"a byte order mark", {text("\xef\xbb\xbf"), ca.pem}, 1},
        {"the same twice", {ca.pem, ca.pem}, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct span all = certs_join(cases[i].pieces, 3);
        struct tls_file file = {"ca.pem", all};
        struct tls_trust *trust = load(&file, 1);
        ck_assert_msg(trust != NULL, "%s: %s", cases[i].why, err.text);
        struct tls_trust_facts facts;
        tls_trust_facts(trust, &facts);
        ck_assert_uint_eq(facts.n_ca, cases[i].n_ca);
        ck_assert_str_eq(facts.name, "clients");
        ck_assert_int_eq(facts.first_not_after, CERTS_NOW + 365 * CERTS_DAY);
        ck_assert_uint_eq(facts.n_crl, 0);
        tls_trust_unref(trust);
        certs_free(all);
    }
    certs_free(crlf);
    findings_clear(&notes);
}
END_TEST

START_TEST(warns_of_an_expired_ca)
{
    struct certs old;
    certs_make(&(struct certs_order){.cn = "Old", .ca = true, .not_after = CERTS_NOW - 1}, &old);
    struct tls_file files[] = {{"ca.pem", ca.pem}, {"old.pem", old.pem}};
    struct tls_trust *trust = load(files, 2);
    ck_assert_ptr_nonnull(trust);
    ck_assert_uint_eq(notes.warnings, 1);
    ck_assert_str_eq(notes.items[0].where, "old.pem:1");
    ck_assert_ptr_nonnull(strstr(notes.items[0].text, "CN=Old expired 2026-01-15T11:59:59Z"));
    struct tls_trust_facts facts;
    tls_trust_facts(trust, &facts);
    ck_assert_int_eq(facts.first_not_after, CERTS_NOW - 1);
    tls_trust_unref(trust);
    findings_clear(&notes);
    certs_clear(&old);
}
END_TEST

START_TEST(reads_a_ca_that_openssl_made)
{
    struct openssl_pki pki;
    openssl_pki_make(&pki);
    struct span pem = openssl_pki_read(&pki, "ca.pem");
    struct tls_file file = {"ca.pem", pem};
    struct tls_trust *trust = load(&file, 1);
    ck_assert_msg(trust != NULL, "%s", err.text);
    tls_trust_unref(trust);
    certs_free(pem);
    openssl_pki_clear(&pki);
}
END_TEST

START_TEST(lives_as_long_as_its_last_reference)
{
    struct tls_file file = {"ca.pem", ca.pem};
    struct tls_trust *trust = load(&file, 1);
    struct tls_trust *again = tls_trust_ref(trust);
    struct tls_trust_facts facts;
    tls_trust_unref(trust);
    tls_trust_facts(again, &facts);
    ck_assert_uint_eq(facts.n_ca, 1);
    tls_trust_unref(again);
    tls_trust_unref(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_trust");
    TCase *c = tcase_create("trust");
    tcase_add_checked_fixture(c, make_cas, clear_cas);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a3_refuses_what_is_not_a_whole_set_of_cas);
    tcase_add_test(c, a3_names_the_line_of_the_bad_block);
    tcase_add_test(c, a3_refuses_a_file_that_is_cut_inside_a_block);
    tcase_add_test(c, a3_never_falls_back_to_the_system);
    tcase_add_test(c, a3_refuses_the_second_file_as_the_first);
    tcase_add_test(c, refuses_cas_that_could_vouch_for_nobody);
    tcase_add_test(c, a3_reads_the_ways_people_write_files);
    tcase_add_test(c, warns_of_an_expired_ca);
    tcase_add_test(c, reads_a_ca_that_openssl_made);
    tcase_add_test(c, lives_as_long_as_its_last_reference);
    suite_add_tcase(s, c);
    return s;
}
