/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_drill.h"
#include "mtlsd/tls/tls_judge.h"
#include "t.h"

#include <string.h>

#define NOW ((int64_t)1800000000)
#define DAY ((int64_t)86400)

static struct tls_pki_pair ca;
static struct tls_trust *trust;
static const char *const sans[] = {"dns:a.example", "uri:spiffe://x/y"};

static void make_ca(void)
{
    struct err err = {0};
    struct findings notes;
    findings_init(&notes);
    ck_assert_msg(tls_pki_new_ca("test CA", NOW - 60 * DAY, NOW + 365 * DAY, &ca, &err) == 0, "%s", err.text);
    struct tls_file file = {"ca.pem", bytes_span(&ca.certificate)};
    struct tls_trust_spec spec = {.name = "drill", .ca = &file, .n_ca = 1, .depth = 8, .min_rsa_bits = 2048};
    trust = tls_trust_new(&spec, NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
}

static void drop_ca(void)
{
    tls_trust_unref(trust);
    tls_pki_pair_clear(&ca);
}

static struct tls_drill_order order(void)
{
    return (struct tls_drill_order){.ca_cert = bytes_span(&ca.certificate), .ca_key = bytes_span(&ca.key), .cn = "me", .ou = "ops", .o = "us",
                                    .sans = sans, .n_sans = 2, .now = NOW};
}

static enum reason judged(const struct tls_identity *identity)
{
    struct span ders[16];
    size_t n = 0;
    while (n < 16 && (ders[n] = tls_identity_der(identity, n)).len > 0)
        n++;
    struct tls_verdict verdict = {0};
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = NOW};
    tls_judge(&q, ders, n, &verdict);
    return verdict.status;
}

START_TEST(each_kind_is_wrong_in_its_own_way)
{
    size_t n = 0, good = 0;
    for (; tls_drill_kind(n) != NULL; n++) {
        const struct tls_drill_kind *kind = tls_drill_kind(n);
        struct err err = {0};
        bool none;
        struct tls_drill_order o = order();
        struct tls_identity *identity = tls_drill_make(n, &o, &none, &err);
        ck_assert_int_eq(none, kind->expected == REASON_NONE);
        if (none)
            continue;
        ck_assert_msg(identity != NULL, "%s: %s", kind->word, err.text);
        enum reason expected = kind->expected == REASON_TLS_FAILED ? REASON_VALID : kind->expected; /* stolen: the chain itself is fine */
        ck_assert_msg(judged(identity) == expected, "%s: judged %d, not %d", kind->word, (int)judged(identity), (int)expected);
        good += kind->expected == REASON_VALID;
        tls_identity_unref(identity);
    }
    ck_assert_uint_ge(n - good, 25);
    ck_assert_uint_ge(good, 2);
}
END_TEST

START_TEST(words_are_unique)
{
    for (size_t i = 0; tls_drill_kind(i) != NULL; i++)
        for (size_t k = 0; k < i; k++)
            ck_assert_str_ne(tls_drill_kind(i)->word, tls_drill_kind(k)->word);
}
END_TEST

START_TEST(refuses_a_ca_it_cannot_read)
{
    struct err err = {0};
    bool none;
    struct tls_drill_order o = order();
    o.ca_key = span_from_str("not a key");
    ck_assert_ptr_null(tls_drill_make(0, &o, &none, &err));
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
    o = order();
    o.ca_cert = span_from_str("not a certificate");
    err = (struct err){0};
    ck_assert_ptr_null(tls_drill_make(0, &o, &none, &err));
    ck_assert_int_eq(err.kind, ERR_CREDENTIAL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_drill");
    TCase *c = tcase_create("all");
    tcase_add_unchecked_fixture(c, make_ca, drop_ca);
    tcase_add_test(c, each_kind_is_wrong_in_its_own_way);
    tcase_add_test(c, words_are_unique);
    tcase_add_test(c, refuses_a_ca_it_cannot_read);
    suite_add_tcase(s, c);
    return s;
}
