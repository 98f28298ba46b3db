/* SPDX-License-Identifier: Apache-2.0 */
/* A leaf is looked up in the registry of its trust; whatever is not a plain yes refuses it. */
#include "t.h"

#include "judging.h"
#include "tls_cert.h"

#include <string.h>

static struct certs root, leaf, renewed;
static struct tls_registry *registry;
static struct judging how;

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root}, &leaf);
    registry = tls_registry_new("partners");
    how = (struct judging){.ca = {&root}, .registry = registry, .registry_staleness = 60};
}

static void clear(void)
{
    tls_registry_unref(registry);
    certs_clear(&leaf);
    certs_clear(&root);
}

static void hold(bool by_key, enum tls_registry_state state)
{
    struct tls_registry_index *index = tls_registry_index_new(1);
    struct tls_registry_row row = {.state = (uint8_t)state, .by_key = by_key};
    struct tls_cert cert;
    ck_assert_int_eq(tls_cert_read(leaf.der, &cert), 0);
    tls_cert_digest(by_key ? cert.spki : leaf.der, row.id);
    ck_assert(state == TLS_REGISTRY_ABSENT || tls_registry_index_put(index, &row) == 0);
    ck_assert_int_eq(tls_registry_replace(registry, index, CERTS_NOW, true), 0);
}

static enum reason judged(struct tls_verdict *v)
{
    const struct certs *chain[] = {&leaf};
    judging_run(&how, chain, 1, v);
    return v->status;
}

START_TEST(each_state_of_a_row_has_its_answer)
{
    static const struct {
        enum tls_registry_state state;
        enum reason must_be_listed, deny_listed;
        const char *says;
    } cases[] = {
        {TLS_REGISTRY_ACTIVE, REASON_VALID, REASON_VALID, "valid"},
        {TLS_REGISTRY_ABSENT, REASON_NOT_REGISTERED, REASON_VALID, "not in registry partners (SHA-256 "},
        {TLS_REGISTRY_SUSPENDED, REASON_SUSPENDED, REASON_SUSPENDED, "suspended in registry partners"},
        {TLS_REGISTRY_REVOKED, REASON_REVOKED, REASON_REVOKED, "revoked in registry partners"},
        {TLS_REGISTRY_INVALID, REASON_SUSPENDED, REASON_SUSPENDED, "its row in registry partners is not valid"},
    };
    struct tls_verdict v;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (unsigned by_key = 0; by_key < 2; by_key++) {
            hold(by_key != 0, cases[i].state);
            how.registry_deny_listed = false;
            ck_assert_msg(judged(&v) == cases[i].must_be_listed, "case %zu: %s", i, v.text);
            ck_assert_msg(strstr(v.text, cases[i].says) != NULL, "%s", v.text);
            how.registry_deny_listed = true;
            ck_assert_msg(judged(&v) == cases[i].deny_listed, "case %zu: %s", i, v.text);
        }
}
END_TEST

START_TEST(a_renewed_certificate_keeps_the_row_of_its_key)
{
    struct tls_verdict v;
    hold(true, TLS_REGISTRY_ACTIVE);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root, .same_key_as = &leaf, .serial = 99}, &renewed);
    const struct certs *chain[] = {&renewed};
    judging_run(&how, chain, 1, &v);
    ck_assert_msg(v.status == REASON_VALID, "%s", v.text);
    hold(false, TLS_REGISTRY_ACTIVE);
    judging_run(&how, chain, 1, &v);
    ck_assert_int_eq(v.status, REASON_NOT_REGISTERED);
    certs_clear(&renewed);
}
END_TEST

START_TEST(nothing_is_accepted_before_the_rows_were_read)
{
    struct tls_verdict v;
    for (unsigned deny = 0; deny < 2; deny++) {
        how.registry_deny_listed = deny != 0;
        ck_assert_int_eq(judged(&v), REASON_REGISTRY_STALE);
        ck_assert_ptr_nonnull(strstr(v.text, "were not read yet"));
    }
}
END_TEST

START_TEST(the_last_rows_count_until_they_are_too_old)
{
    struct tls_verdict v;
    hold(false, TLS_REGISTRY_ACTIVE);
    how.now = CERTS_NOW + 60;
    ck_assert_int_eq(judged(&v), REASON_VALID);
    ck_assert_msg(v.until == CERTS_NOW + 60, "then it is asked again");
    how.now = CERTS_NOW + 61;
    ck_assert_int_eq(judged(&v), REASON_REGISTRY_STALE);
    ck_assert_ptr_nonnull(strstr(v.text, "longer than max_staleness"));
    tls_registry_confirm(registry, CERTS_NOW + 61);
    ck_assert_int_eq(judged(&v), REASON_VALID);
    hold(false, TLS_REGISTRY_REVOKED);
    how.now = CERTS_NOW + 61;
    ck_assert_msg(judged(&v) == REASON_REVOKED, "stale rows still refuse whom they revoke");
}
END_TEST

START_TEST(another_fault_does_not_hide_the_row)
{
    struct tls_verdict v;
    hold(false, TLS_REGISTRY_SUSPENDED);
    how.now = CERTS_NOW + INT64_C(86400) * 3650;
    ck_assert_int_eq(judged(&v), REASON_EXPIRED);
    ck_assert_msg((v.all >> REASON_SUSPENDED & 1) != 0, "or tolerate = \"expired\" would let it in");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_checks_registry");
    TCase *tc = tcase_create("registry");
    tcase_add_checked_fixture(tc, make, clear);
    tcase_add_test(tc, each_state_of_a_row_has_its_answer);
    tcase_add_test(tc, a_renewed_certificate_keeps_the_row_of_its_key);
    tcase_add_test(tc, nothing_is_accepted_before_the_rows_were_read);
    tcase_add_test(tc, the_last_rows_count_until_they_are_too_old);
    tcase_add_test(tc, another_fault_does_not_hide_the_row);
    suite_add_tcase(s, tc);
    return s;
}
