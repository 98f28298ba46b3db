/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A16: a CA with a permitted subtree and one with an excluded subtree for each key of an allow rule, made by openssl, and clients inside and outside. The
 * subtrees are example.org for DNS names and mail, .example.org for URIs, 10.0.0.0/8, and O=Example,OU=Payments; the excluding CA also excludes
 * Microsoft's userPrincipalName.
 */
#include "t.h"

#include "certs.h"
#include "judging.h"
#include "openssl_pki.h"
#include "tls_cert.h"

#include <stdio.h>

/* What OpenSSL 3.0.19 says of each was the same, but for the row that names it. */
static const struct {
    const char *leaf;
    bool permitted, not_excluded;
    const char *why;
} rows[] = {
    {"inside", true, false, "every kind of name is inside"},
    {"outside", false, true, "every kind is outside"},
    {"cn-in", true, false, "a CN in the form of a host, inside"},
    {"cn-out", false, false, "a CN in the form of a host, outside; its unit is the excluded one"},
    {"cn-out-san-in", false, false, "the same beside a DNS name that is inside: OpenSSL permits it, as it takes no CN then; a cn rule would"},
    {"cn-bmp-out", false, false, "the same in two bytes a letter"},
    {"cn-plain", true, false, "a CN that is no host"},
    {"cn-other-in", false, false, "a CN in the form of a host, inside; its unit is another"},
    {"cn-other-bmp-in", false, false, "the same in two bytes a letter"},
    {"cn-other-out", false, true, "both outside"},
    {"email-in", false, false, "emailAddress inside; its unit is another"},
    {"email-out", false, false, "emailAddress outside; its unit is the excluded one"},
    {"email-out-san-in", false, false, "the same beside a mail address that is inside"},
    {"email-other-out", false, true, "both outside"},
    {"dns-out", false, false, "a DNS name outside; the unit is the excluded one here and below"},
    {"mail-out", false, false, "a mail address outside"},
    {"uri-out", false, false, "a URI outside"},
    {"ip-out", false, false, "an address outside"},
    {"unit-out", false, true, "another unit"},
    {"unit-case", true, false, "the unit in other letters"},
    {"unit-bmp", true, false, "the unit in two bytes a letter"},
    {"upn", false, false, "an otherName of the type that is constrained; its unit is another"},
    {"other-name", false, true, "one of another type"},
};

static struct openssl_pki pki;
static struct span root, cas[2];
static struct tls_trust *trust;

static void set_up(void)
{
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    openssl_pki_make_by("openssl_constraints.sh", &pki);
    root = openssl_pki_read(&pki, "root.pem");
    cas[0] = openssl_pki_read(&pki, "permitted.der");
    cas[1] = openssl_pki_read(&pki, "excluded.der");
    struct tls_file file = {"root.pem", root};
    trust = tls_trust_new(&(struct tls_trust_spec){.name = "root", .ca = &file, .n_ca = 1}, 0, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
}

static void tear_down(void)
{
    tls_trust_unref(trust);
    certs_free(root);
    certs_free(cas[0]);
    certs_free(cas[1]);
    openssl_pki_clear(&pki);
}

static enum reason judge(const char *leaf, unsigned excluded, struct tls_verdict *v)
{
    char file[64];
    struct tls_cert cert;
    snprintf(file, sizeof(file), "%s-%s.der", excluded ? "excluded" : "permitted", leaf);
    struct span ders[] = {openssl_pki_read(&pki, file), cas[excluded]};
    ck_assert_int_eq(tls_cert_read(ders[0], &cert), 0);
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = cert.not_before};
    judging_let_library_leak(true);
    tls_judge(&q, ders, 2, v);
    judging_let_library_leak(false);
    certs_free(ders[0]);
    return v->status;
}

START_TEST(a16_holds_what_every_key_decides_by)
{
    struct tls_verdict v;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum reason permitted = judge(rows[i].leaf, 0, &v);
        ck_assert_msg(permitted == (rows[i].permitted ? REASON_VALID : REASON_CONSTRAINT), "permitted, %s: %s", rows[i].why, v.text);
        enum reason excluded = judge(rows[i].leaf, 1, &v);
        ck_assert_msg(excluded == (rows[i].not_excluded ? REASON_VALID : REASON_CONSTRAINT), "excluded, %s: %s", rows[i].why, v.text);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_constraints_openssl");
    TCase *c = tcase_create("constraints");
    tcase_add_unchecked_fixture(c, set_up, tear_down);
    tcase_set_timeout(c, 120);
    tcase_add_test(c, a16_holds_what_every_key_decides_by);
    suite_add_tcase(s, c);
    return s;
}
