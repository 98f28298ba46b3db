/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/rotation.h"
#include "t.h"
#include "world.h"

#include <string.h>

#define DAY ((int64_t)WORLD_DAY)

static struct world w;
static struct findings findings;
static struct snapshot *old, *next;
static struct rotation rotation;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    old = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(old);
}

static void tear_down(void)
{
    rotation_clear(&rotation);
    snapshot_unref(old);
    snapshot_unref(next);
    next = NULL;
    findings_clear(&findings);
    world_clear(&w);
}

/* What is said about what the files hold now. */
static void review(int64_t now)
{
    next = world_load(&w, 2, &findings);
    ck_assert_ptr_nonnull(next);
    findings_clear(&findings);
    findings_init(&findings);
    ck_assert_int_eq(rotation_compare(old, next, &rotation), 0);
    rotation_review(&rotation, next, now, &findings);
}

static const struct finding *find(enum finding_level level, const char *text)
{
    for (size_t i = 0; i < findings.n; i++)
        if (findings.items[i].level == level && strstr(findings.items[i].text, text) != NULL)
            return &findings.items[i];
    return NULL;
}

static size_t count(enum finding_level level)
{
    size_t n = 0;
    for (size_t i = 0; i < findings.n; i++)
        n += findings.items[i].level == level;
    return n;
}

static void renew_payments(struct tls_pki_order order)
{
    order.cn = order.cn != NULL ? order.cn : "payments";
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &order);
}

START_TEST(says_nothing_about_the_same_certificates)
{
    review(WORLD_NOW);
    ck_assert_uint_eq(rotation.n, 0);
    ck_assert_uint_eq(findings.n, 0);
    ck_assert_ptr_null(rotation_of(&rotation, &next->upstreams[0]));
}
END_TEST

START_TEST(notes_a_renewal_that_changes_nothing_but_the_dates)
{
    renew_payments((struct tls_pki_order){.purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW + 600 * DAY});
    review(WORLD_NOW);
    ck_assert_uint_eq(rotation.n, 1);
    ck_assert_str_eq(rotation.items[0].conf->name, "payments");
    ck_assert_ptr_eq(rotation_of(&rotation, &next->upstreams[0]), &rotation.items[0]);
    ck_assert_ptr_nonnull(find(FINDING_NOTE, "identity \"payments\": certificate CN=payments, serial "));
    ck_assert_uint_eq(count(FINDING_ERROR) + count(FINDING_WARNING), 0);
}
END_TEST

START_TEST(refuses_a_renewal_that_is_no_longer_for_clients)
{
    renew_payments((struct tls_pki_order){.purpose = TLS_PURPOSE_SERVER});
    review(WORLD_NOW);
    const struct finding *f = find(FINDING_ERROR, "identity \"payments\": the new certificate is not for clients (extendedKeyUsage lacks clientAuth)");
    ck_assert_ptr_nonnull(f);
    ck_assert_str_eq(f->where, "test.conf:3");
}
END_TEST

START_TEST(refuses_a_renewal_that_is_no_longer_for_servers)
{
    static const char *const names[] = {"dns:proxy.example"};
    struct tls_pki_order order = {.cn = "proxy.example", .sans = names, .n_sans = 1, .purpose = TLS_PURPOSE_CLIENT};
    world_issue(&w, "/etc/server.pem", &w.partner_ca, &order);
    review(WORLD_NOW);
    ck_assert_ptr_nonnull(find(FINDING_ERROR, "identity \"server\": the new certificate is not for servers"));
}
END_TEST

/* There is nothing to keep. */
START_TEST(only_warns_once_the_old_certificate_has_ended)
{
    renew_payments((struct tls_pki_order){.purpose = TLS_PURPOSE_SERVER});
    review(WORLD_NOW + 301 * DAY);
    ck_assert_uint_eq(count(FINDING_ERROR), 0);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "is not for clients"));
    ck_assert(!rotation_keeps(&rotation.items[0], WORLD_NOW + 301 * DAY));
    ck_assert(rotation_keeps(&rotation.items[0], WORLD_NOW));
}
END_TEST

START_TEST(does_not_mind_a_purpose_that_nothing_uses)
{
    world_edit(&w, "identity = \"payments\"; ", "");
    renew_payments((struct tls_pki_order){.purpose = TLS_PURPOSE_SERVER});
    review(WORLD_NOW);
    ck_assert_uint_eq(count(FINDING_ERROR), 0);
}
END_TEST

START_TEST(warns_of_another_subject_and_an_earlier_end)
{
    renew_payments((struct tls_pki_order){.cn = "billing", .purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW + 3 * DAY});
    review(WORLD_NOW);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "has another subject: \"CN=billing\", before \"CN=payments\""));
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "expires 2027-01-18T08:00:00Z, before the one in use"));
}
END_TEST

START_TEST(warns_of_another_issuer)
{
    struct tls_pki_order order = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT};
    world_issue(&w, "/etc/payments.pem", &w.partner_ca, &order);
    review(WORLD_NOW);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "has another issuer: \"CN=Partner CA\", before \"CN=Clients CA\""));
}
END_TEST

START_TEST(warns_of_a_name_that_is_missing_now)
{
    static const char *const names[] = {"dns:other.example"};
    struct tls_pki_order order = {.cn = "proxy.example", .sans = names, .n_sans = 1, .purpose = TLS_PURPOSE_SERVER};
    world_issue(&w, "/etc/server.pem", &w.partner_ca, &order);
    review(WORLD_NOW);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "identity \"server\": the new certificate lacks the name \"proxy.example\""));
}
END_TEST

/* The server chooses among them. */
START_TEST(looks_at_each_identity_of_an_upstream_with_several)
{
    struct tls_pki_order order = {.cn = "spare", .purpose = TLS_PURPOSE_CLIENT};
    snapshot_unref(old);
    world_issue(&w, "/etc/spare.pem", &w.clients_ca, &order);
    world_edit(&w, "  payments = {", "  spare = { bundle = \"/etc/spare.pem\"; };\n  payments = {");
    world_edit(&w, "identity = \"payments\"", "identities = [ \"payments\", \"spare\" ]");
    old = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(old);
    order.purpose = TLS_PURPOSE_SERVER;
    world_issue(&w, "/etc/spare.pem", &w.clients_ca, &order);
    review(WORLD_NOW);
    ck_assert_ptr_nonnull(find(FINDING_ERROR, "identity \"spare\": the new certificate is not for clients"));
    ck_assert_ptr_eq(rotation_of(&rotation, &next->upstreams[0]), &rotation.items[0]);
    ck_assert_ptr_eq(rotation_by(&rotation, rotation.items[0].fresh), &rotation.items[0]);
    ck_assert_ptr_null(rotation_by(&rotation, next->identities[0].tls));
}
END_TEST

/* The configuration may give a name to another file at the same time. */
START_TEST(compares_by_the_name_of_the_identity)
{
    world_edit(&w, "  payments = {", "  renamed = {");
    world_edit(&w, "identity = \"payments\"", "identity = \"renamed\"");
    review(WORLD_NOW);
    ck_assert_uint_eq(rotation.n, 0);
}
END_TEST

START_TEST(counts_what_was_used_and_what_was_refused)
{
    struct rotation_counts *counts = rotation_counts_new();
    ck_assert_ptr_nonnull(counts);
    renew_payments((struct tls_pki_order){.purpose = TLS_PURPOSE_CLIENT});
    review(WORLD_NOW);
    rotation_counts_add(counts, &rotation, true);
    rotation_counts_add(counts, &rotation, false);
    rotation_counts_add(counts, &rotation, true);
    const struct rotation_count payments = rotation_counts_of(counts, "payments"), server = rotation_counts_of(counts, "server");
    ck_assert(payments.used == 2 && payments.refused == 1 && server.used == 0 && server.refused == 0);
    ck_assert_uint_eq(rotation_counts_of(NULL, "payments").used, 0);
    rotation_counts_free(counts);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("rotation");
    TCase *t = tcase_create("rotation");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, says_nothing_about_the_same_certificates);
    tcase_add_test(t, notes_a_renewal_that_changes_nothing_but_the_dates);
    tcase_add_test(t, refuses_a_renewal_that_is_no_longer_for_clients);
    tcase_add_test(t, refuses_a_renewal_that_is_no_longer_for_servers);
    tcase_add_test(t, only_warns_once_the_old_certificate_has_ended);
    tcase_add_test(t, does_not_mind_a_purpose_that_nothing_uses);
    tcase_add_test(t, warns_of_another_subject_and_an_earlier_end);
    tcase_add_test(t, warns_of_another_issuer);
    tcase_add_test(t, warns_of_a_name_that_is_missing_now);
    tcase_add_test(t, looks_at_each_identity_of_an_upstream_with_several);
    tcase_add_test(t, compares_by_the_name_of_the_identity);
    tcase_add_test(t, counts_what_was_used_and_what_was_refused);
    suite_add_tcase(s, t);
    return s;
}
