/* SPDX-License-Identifier: Apache-2.0 */
#include "readiness.h"
#include "t.h"
#include "world.h"

#include <string.h>

#define DAY ((int64_t)WORLD_DAY)

static struct world w;
static struct findings findings;
static struct snapshot *snapshot;
static struct readiness found;

static void load(void)
{
    snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(snapshot);
}

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
}

static void tear_down(void)
{
    snapshot_unref(snapshot);
    snapshot = NULL;
    findings_clear(&findings);
    world_clear(&w);
}

static const struct readiness *look_at(int64_t now)
{
    struct admin_view view = {.now = now, .ready = true, .snapshot = snapshot, .room = {.clients = 3, .most_clients = 10}};
    readiness_look(&view, &found);
    ck_assert_int_eq(found.ready, strcmp(found.word, "ready") == 0);
    return &found;
}

START_TEST(is_ready_while_nothing_has_ended)
{
    load();
    ck_assert(look_at(WORLD_NOW)->ready);
    ck_assert_str_eq(found.detail, "3 of 10 connections");
}
END_TEST

START_TEST(is_not_ready_while_it_starts_drains_or_is_full)
{
    load();
    struct admin_view view = {.now = WORLD_NOW, .snapshot = snapshot};
    readiness_look(&view, &found);
    ck_assert(!found.ready && strcmp(found.word, "starting") == 0);
    view.ready = view.draining = true;
    readiness_look(&view, &found);
    ck_assert(!found.ready && strcmp(found.word, "draining") == 0);
    view.draining = false;
    view.room.full = true;
    readiness_look(&view, &found);
    ck_assert(!found.ready && strcmp(found.word, "full") == 0);
}
END_TEST

static void payments_end(int64_t when)
{
    struct tls_pki_order client = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_after = when};
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &client);
}

START_TEST(is_not_ready_once_an_identity_in_use_has_ended)
{
    payments_end(WORLD_NOW + DAY);
    load();
    ck_assert(look_at(WORLD_NOW + DAY)->ready);
    ck_assert_str_eq(look_at(WORLD_NOW + DAY + 1)->word, "expired");
    ck_assert_str_eq(found.detail, "identity \"payments\": certificate CN=payments is expired since 2027-01-16T08:00:00Z");
}
END_TEST

START_TEST(is_not_ready_once_one_of_several_identities_has_ended)
{
    payments_end(WORLD_NOW + DAY);
    world_edit(&w, "identity = \"payments\"; ", "identities = [ \"server\", \"payments\" ]; ");
    load();
    ck_assert_str_eq(look_at(WORLD_NOW + DAY + 1)->word, "expired");
}
END_TEST

START_TEST(does_not_mind_the_end_of_an_identity_that_nothing_uses)
{
    payments_end(WORLD_NOW + DAY);
    world_edit(&w, "identity = \"payments\"; ", "");
    load();
    ck_assert(look_at(WORLD_NOW + 2 * DAY)->ready);
}
END_TEST

/* Its certificates are refused from then on. */
START_TEST(is_not_ready_once_a_required_revocation_list_is_out_of_date)
{
    load();
    ck_assert(look_at(WORLD_NOW + 7 * DAY)->ready);
    ck_assert_str_eq(look_at(WORLD_NOW + 7 * DAY + 1)->word, "crl_stale");
    ck_assert_ptr_nonnull(strstr(found.detail, "trust \"clients\": the revocation list of"));
}
END_TEST

START_TEST(grants_a_revocation_list_its_grace)
{
    world_edit(&w, "crl = \"/etc/clients.crl\"", "crl = \"/etc/clients.crl\"; crl_grace = \"1d\"");
    load();
    ck_assert(look_at(WORLD_NOW + 8 * DAY)->ready);
    ck_assert(!look_at(WORLD_NOW + 8 * DAY + 1)->ready);
}
END_TEST

START_TEST(does_not_mind_an_old_list_that_is_only_preferred)
{
    world_edit(&w, "crl = \"/etc/clients.crl\"", "crl = \"/etc/clients.crl\"; crl_policy = \"prefer\"");
    load();
    ck_assert(look_at(WORLD_NOW + 8 * DAY)->ready);
}
END_TEST

static void add_to_partner_ca(int64_t not_after)
{
    struct tls_pki_pair ca = {0};
    struct err err = {0};
    ck_assert_int_eq(tls_pki_new_ca("Partner CA 2", WORLD_NOW - DAY, not_after, &ca, &err), 0);
    ck_assert_int_eq(bytes_append_span(&memory_files_find(&w.files, "/etc/partner.pem")->text, bytes_span(&ca.certificate)), 0);
    tls_pki_pair_clear(&ca);
}

START_TEST(is_ready_while_one_ca_of_a_trust_is_good)
{
    add_to_partner_ca(WORLD_NOW + DAY);
    world_edit(&w, "identity = \"payments\"; ", ""); /* the identities end first */
    load();
    ck_assert(look_at(WORLD_NOW + 2 * DAY)->ready);
}
END_TEST

START_TEST(is_not_ready_once_every_ca_of_a_trust_in_use_has_ended)
{
    memory_files_find(&w.files, "/etc/partner.pem")->text.len = 0;
    add_to_partner_ca(WORLD_NOW + DAY);
    add_to_partner_ca(WORLD_NOW + 2 * DAY);
    load();
    ck_assert(look_at(WORLD_NOW + 2 * DAY)->ready);
    ck_assert_str_eq(look_at(WORLD_NOW + 2 * DAY + 1)->word, "expired");
    ck_assert_str_eq(found.detail, "trust \"partner\": each of its CA certificates is expired, the last since 2027-01-17T08:00:00Z");
}
END_TEST

/* Until the rows were read, and once they are too old, nobody is accepted. */
START_TEST(is_not_ready_without_fresh_rows_of_a_registry)
{
    world_edit(&w, "upstreams = ", "registries = { partners = { database = \"sqlite:/var/partners.db\"; max_staleness = \"1h\"; }; };\nupstreams = ");
    world_edit(&w, "crl = \"/etc/clients.crl\";", "registry = \"partners\";");
    load();
    ck_assert_str_eq(look_at(WORLD_NOW)->word, "registry_stale");
    struct tls_registry_index *rows = tls_registry_index_new(1);
    ck_assert_ptr_nonnull(rows);
    ck_assert_int_eq(tls_registry_replace(snapshot->registries[0].rows, rows, WORLD_NOW, false), 0);
    ck_assert(look_at(WORLD_NOW + 3600)->ready);
    tls_registry_failed(snapshot->registries[0].rows, "database is locked");
    ck_assert_str_eq(look_at(WORLD_NOW + 3601)->word, "registry_stale");
    ck_assert_str_eq(found.detail, "registry \"partners\" could not be read: database is locked since 2027-01-15T08:00:00Z");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("readiness");
    TCase *t = tcase_create("readiness");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, is_ready_while_nothing_has_ended);
    tcase_add_test(t, is_not_ready_while_it_starts_drains_or_is_full);
    tcase_add_test(t, is_not_ready_once_an_identity_in_use_has_ended);
    tcase_add_test(t, is_not_ready_once_one_of_several_identities_has_ended);
    tcase_add_test(t, does_not_mind_the_end_of_an_identity_that_nothing_uses);
    tcase_add_test(t, is_not_ready_once_a_required_revocation_list_is_out_of_date);
    tcase_add_test(t, grants_a_revocation_list_its_grace);
    tcase_add_test(t, does_not_mind_an_old_list_that_is_only_preferred);
    tcase_add_test(t, is_ready_while_one_ca_of_a_trust_is_good);
    tcase_add_test(t, is_not_ready_once_every_ca_of_a_trust_in_use_has_ended);
    tcase_add_test(t, is_not_ready_without_fresh_rows_of_a_registry);
    suite_add_tcase(s, t);
    return s;
}
