/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "judging.h"
#include "tls_checks.h"

#include <stdlib.h>
#include <string.h>

#define DOMAIN "a.example"
#define ID "uri:spiffe://a.example/web"

/* A GeneralNames of one name, whose content may hold any byte; tag 6 is a URI, 1 an e-mail address, 2 a DNS name. */
#define RAW(tag, text) {(const uint8_t *)("\x30" tag text), sizeof("\x30" tag text) - 1}

static const struct {
    const char *cn;
    const char *sans[3];
    struct span raw;
    bool good;
    const char *why;
} domains[] = {
    {.sans = {ID}, .good = true, .why = "a SPIFFE ID of the domain"},
    {.sans = {ID, "dns:web.a.example"}, .good = true, .why = "names of other kinds beside it"},
    {.why = "no name"},
    {.sans = {"uri:spiffe://b.example/web"}, .why = "another domain"},
    {.sans = {"uri:spiffe://a.example.evil/web"}, .why = "a domain that begins so"},
    {.sans = {"uri:spiffe://a.example"}, .why = "the domain itself"},
    {.sans = {ID, "uri:spiffe://b.example/web"}, .why = "two SPIFFE IDs"},
    {.sans = {"uri:spiffe://b.example/web", ID}, .why = "two, the other way round"},
    {.sans = {ID, ID}, .why = "the same twice"},
    {.sans = {ID, "uri:https://a.example/"}, .why = "a second URI of another kind"},
    {.sans = {"dns:spiffe://a.example/web"}, .why = "as a DNS name"},
    {.sans = {"email:spiffe://a.example/web"}, .why = "as an e-mail address"},
    {.cn = "spiffe://a.example/web", .sans = {"dns:web.a.example"}, .why = "as a common name"},
    {.raw = RAW("\x21", "\xa0\x1f\x06\x03\x2a\x03\x04\xa0\x18\x0c\x16spiffe://a.example/web"), .why = "as an otherName"},
    {.sans = {"uri:spiffe://a.example/w%65b"}, .why = "percent-encoding"},
    {.sans = {"uri:spiffe://a.example:443/web"}, .why = "a port"},
    {.sans = {"uri:spiffe://a.example/web?a=b"}, .why = "a query"},
    {.sans = {"uri:spiffe://a.example/web#a"}, .why = "a fragment"},
    {.sans = {"uri:SPIFFE://a.example/web"}, .why = "an upper case scheme"},
    {.sans = {"uri:spiffe://A.example/web"}, .why = "an upper case domain"},
    {.sans = {"uri:spiffe://a.example/web,spiffe://b.example/web"}, .why = "a comma"},
    {.raw = RAW("\x19", "\x86\x17spiffe://a.example/web\0"), .why = "a NUL at the end"},
    {.raw = RAW("\x1e", "\x86\x1cspiffe://a.example\0.evil/web"), .why = "a NUL behind the domain"},
    {.raw = RAW("\x19", "\x86\x17spiffe://a.example/web\n"), .why = "a newline"},
    {.raw = RAW("\x19", "\x86\x17spiffe://\xd0\xb0.example/web"), .why = "a letter that looks like another"},
    {.raw = RAW("\x18", "\x86\x16spiffe://a.example/web"), .good = true, .why = "bytes as the rows above write them"},
};

START_TEST(wants_one_id_of_the_domain) /* A5 */
{
    struct certs ca, leaf;
    struct tls_verdict v;
    struct certs_order order = {.cn = domains[_i].cn != NULL ? domains[_i].cn : "web", .raw_san = domains[_i].raw, .issuer = &ca};
    memcpy(order.sans, domains[_i].sans, sizeof(domains[_i].sans));
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &ca);
    certs_make(&order, &leaf);
    const struct certs *chain[] = {&leaf};
    struct judging j = {.ca = {&ca}, .spiffe_domain = DOMAIN};
    judging_run(&j, chain, 1, &v);
    ck_assert_msg((v.status == REASON_VALID) == domains[_i].good, "%s: %s", domains[_i].why, v.text);
    ck_assert_msg(((v.all & UINT64_C(1) << REASON_WRONG_TRUST_DOMAIN) == 0) == domains[_i].good, "%s: %s", domains[_i].why, v.text);
    if (!domains[_i].good) {
        ck_assert_int_eq(v.status, REASON_WRONG_TRUST_DOMAIN);
        ck_assert_int_eq(v.openssl_error, 47);
        ck_assert_ptr_nonnull(strstr(v.text, DOMAIN));
    }
    certs_clear(&leaf);
    certs_clear(&ca);
}
END_TEST

enum { ROOT, SUB, LEAF, OTHER_ROOT, CROSS, N_CERTS };

static struct certs made[N_CERTS];
static char pins[N_CERTS][65];

static void setup(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &made[ROOT]);
    certs_make(&(struct certs_order){.cn = "Sub", .ca = true, .issuer = &made[ROOT]}, &made[SUB]);
    certs_make(&(struct certs_order){.cn = "web", .sans = {"dns:web.example"}, .issuer = &made[SUB]}, &made[LEAF]);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &made[OTHER_ROOT]);
    certs_make(&(struct certs_order){.cn = "Sub", .ca = true, .issuer = &made[OTHER_ROOT], .same_key_as = &made[SUB]}, &made[CROSS]);
    for (int i = 0; i < N_CERTS; i++) {
        struct tls_cert cert;
        ck_assert_int_eq(tls_cert_read(made[i].der, &cert), 0);
        tls_cert_sha256(cert.spki, pins[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < N_CERTS; i++)
        certs_clear(&made[i]);
}

static const struct {
    int pin[2]; /* -1: none */
    int sent[3];
    enum reason status;
    const char *why;
} rows[] = {
    {{LEAF, -1}, {LEAF, SUB, -1}, REASON_VALID, "the leaf's key"},
    {{SUB, -1}, {LEAF, SUB, -1}, REASON_VALID, "the intermediate's"},
    {{ROOT, -1}, {LEAF, SUB, -1}, REASON_VALID, "the root's, which was not sent"},
    {{OTHER_ROOT, LEAF}, {LEAF, SUB, -1}, REASON_VALID, "one of two is enough"},
    {{OTHER_ROOT, -1}, {LEAF, SUB, -1}, REASON_CONSTRAINT, "a key of a trusted CA that did not issue it"},
    {{OTHER_ROOT, -1}, {LEAF, SUB, OTHER_ROOT}, REASON_CONSTRAINT, "the pinned certificate sent beside the path proves nothing"},
    {{OTHER_ROOT, -1}, {LEAF, CROSS, -1}, REASON_VALID, "the way over another CA has it"},
    {{OTHER_ROOT, -1}, {LEAF, SUB, CROSS}, REASON_VALID, "the second of two ways has it"},
    {{SUB, -1}, {LEAF, CROSS, -1}, REASON_VALID, "the same key in another certificate"},
};

START_TEST(wants_a_pinned_key_on_the_verified_path)
{
    struct tls_verdict v;
    const struct certs *chain[3];
    size_t n = 0;
    for (; n < 3 && rows[_i].sent[n] >= 0; n++)
        chain[n] = &made[rows[_i].sent[n]];
    struct judging j = {.ca = {&made[ROOT], &made[OTHER_ROOT]}};
    for (size_t i = 0; i < 2 && rows[_i].pin[i] >= 0; i++)
        j.pins[i] = pins[rows[_i].pin[i]];
    judging_run(&j, chain, n, &v);
    ck_assert_msg(v.status == rows[_i].status, "%s: %s", rows[_i].why, v.text);
    ck_assert_int_eq(v.openssl_error, v.status == REASON_CONSTRAINT ? 65 : 0);
}
END_TEST

START_TEST(a_pin_vouches_for_nobody)
{
    struct tls_verdict v;
    const struct certs *chain[] = {&made[LEAF], &made[SUB]};
    struct judging j = {.ca = {&made[OTHER_ROOT]}, .pins = {pins[LEAF], pins[SUB]}};
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_UNKNOWN_CA);
    j = (struct judging){.ca = {&made[ROOT]}, .pins = {pins[LEAF]}, .now = CERTS_NOW + 1000 * CERTS_DAY};
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_EXPIRED);
}
END_TEST

START_TEST(a_pin_is_of_the_key_not_of_the_certificate)
{
    char hash[65];
    struct tls_verdict v;
    const struct certs *chain[] = {&made[LEAF], &made[SUB]};
    tls_cert_sha256(made[LEAF].der, hash);
    struct judging j = {.ca = {&made[ROOT]}, .pins = {hash}};
    judging_run(&j, chain, 2, &v);
    ck_assert_int_eq(v.status, REASON_CONSTRAINT);
}
END_TEST

START_TEST(a_trust_with_bounds_that_cannot_be_read_is_refused)
{
    static const char *const bad_pins[] = {"ab", "", "sha1//x"};
    static const char *const bad_domains[] = {"", "A.example", "spiffe://a.example", "a.example/web"};
    struct tls_file file = {"ca.pem", made[ROOT].pem};
    for (size_t i = 0; i < 7; i++) {
        struct tls_trust_spec spec = {.name = "t", .ca = &file, .n_ca = 1};
        struct findings notes;
        struct err err = {0};
        spec.pins = i < 3 ? &bad_pins[i] : NULL;
        spec.n_pins = i < 3;
        spec.spiffe_domain = i < 3 ? NULL : bad_domains[i - 3];
        findings_init(&notes);
        ck_assert_ptr_null(tls_trust_new(&spec, CERTS_NOW, &notes, &err));
        ck_assert_ptr_nonnull(strstr(err.text, i < 3 ? "is not a pin" : "is not a SPIFFE trust domain"));
        findings_clear(&notes);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_bounds");
    TCase *c = tcase_create("domain");
    tcase_add_loop_test(c, wants_one_id_of_the_domain, 0, sizeof(domains) / sizeof(domains[0]));
    suite_add_tcase(s, c);
    c = tcase_create("pins");
    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_loop_test(c, wants_a_pinned_key_on_the_verified_path, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, a_pin_vouches_for_nobody);
    tcase_add_test(c, a_pin_is_of_the_key_not_of_the_certificate);
    tcase_add_test(c, a_trust_with_bounds_that_cannot_be_read_is_refused);
    suite_add_tcase(s, c);
    return s;
}
