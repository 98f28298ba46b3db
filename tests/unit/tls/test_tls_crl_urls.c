/* SPDX-License-Identifier: Apache-2.0 */
/* F3: only addresses in certificates that a CA of the trust issued, only http, only points that speak for the whole. */
#include "mtlsd/tls/tls_crl_urls.h"
#include "t.h"

#include "judging.h"

#include <stdio.h>
#include <string.h>

static struct certs root, other;
static char found[400];

static void on_url(void *ctx, struct span url)
{
    (void)ctx;
    size_t n = strlen(found);
    snprintf(found + n, sizeof(found) - n, "%.*s ", (int)url.len, (const char *)url.ptr);
}

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
}

static void clear(void)
{
    certs_clear(&other);
    certs_clear(&root);
}

#define SPAN(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define A "\x86\x0aHTTP://a/x"
#define B "\x86\x0ahttp://b/x"
#define POINT_A "\x30\x10\xa0\x0e\xa0\x0c" A

static const char *urls_of(struct span value, const struct certs *issuer)
{
    struct certs leaf;
    struct findings notes;
    struct err err = {0};
    findings_init(&notes);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = issuer, .extension = "2.5.29.31", .extension_value = value}, &leaf);
    struct tls_trust *trust = judging_trust(&(struct judging){.ca = {&root}});
    struct tls_identity_spec spec = {.name = "me", .certificate = leaf.pem, .certificate_file = "me.crt", .key = leaf.key_pem, .key_file = "me.key"};
    struct tls_identity *id = tls_identity_new(&spec, CERTS_NOW, &notes, &err);
    ck_assert_msg(id != NULL, "%s", err.text);
    found[0] = '\0';
    tls_crl_urls_of_identity(trust, id, on_url, NULL);
    tls_identity_unref(id);
    tls_trust_unref(trust);
    findings_clear(&notes);
    certs_clear(&leaf);
    return found;
}

START_TEST(reads_the_points_it_can_honour)
{
    static const struct {
        const char *why;
        struct span value;
        const char *urls;
    } rows[] = {
        {"one point", SPAN("\x30\x12" POINT_A), "HTTP://a/x "},
        {"two names", SPAN("\x30\x1e\x30\x1c\xa0\x1a\xa0\x18" A B), "HTTP://a/x http://b/x "},
        {"with reasons", SPAN("\x30\x16\x30\x14\xa0\x0e\xa0\x0c" A "\x81\x02\x06\x40"), ""},
        {"with another issuer", SPAN("\x30\x16\x30\x14\xa0\x0e\xa0\x0c" A "\xa2\x02\x82\x00"), ""},
        {"a relative name", SPAN("\x30\x12\x30\x10\xa0\x0e\xa1\x0c" A), ""},
        {"ldap", SPAN("\x30\x12\x30\x10\xa0\x0e\xa0\x0c\x86\x0aldap://a/x"), ""},
        {"file", SPAN("\x30\x12\x30\x10\xa0\x0e\xa0\x0c\x86\x0a" "file:///xy"), ""},
        {"cut short", SPAN("\x30\x12\x30\x10\xa0\x0e\xa0\x0d" A), ""},
        {"empty", SPAN("\x30\x00"), ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(strcmp(urls_of(rows[i].value, &root), rows[i].urls) == 0, "%s: %s", rows[i].why, found);
}
END_TEST

START_TEST(a_certificate_of_another_ca_names_nothing)
{
    static const struct span value = SPAN("\x30\x12" POINT_A);
    struct certs impostor;
    ck_assert_str_eq(urls_of(value, &other), "");
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &impostor); /* the right name, another key */
    ck_assert_str_eq(urls_of(value, &impostor), "");
    certs_clear(&impostor);
}
END_TEST

START_TEST(ca_certificates_of_the_trust_are_read_too)
{
    static const struct span value = SPAN("\x30\x12" POINT_A);
    struct certs below;
    certs_make(&(struct certs_order){.cn = "Below", .ca = true, .issuer = &root, .extension = "2.5.29.31", .extension_value = value}, &below);
    struct tls_trust *both = judging_trust(&(struct judging){.ca = {&root, &below}}), *alone = judging_trust(&(struct judging){.ca = {&below}});
    found[0] = '\0';
    tls_crl_urls_of_trust(alone, on_url, NULL);
    ck_assert_str_eq(found, "");
    tls_crl_urls_of_trust(both, on_url, NULL);
    ck_assert_str_eq(found, "HTTP://a/x ");
    tls_trust_unref(both);
    tls_trust_unref(alone);
    certs_clear(&below);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_crl_urls");
    TCase *t = tcase_create("tls_crl_urls");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_test(t, reads_the_points_it_can_honour);
    tcase_add_test(t, a_certificate_of_another_ca_names_nothing);
    tcase_add_test(t, ca_certificates_of_the_trust_are_read_too);
    suite_add_tcase(s, t);
    return s;
}
