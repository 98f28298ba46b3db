/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <string.h>

static struct world w;
static struct findings findings;

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
}

static void tear_down(void)
{
    findings_clear(&findings);
    world_clear(&w);
}

static const struct finding *find(enum finding_level level, const char *text)
{
    for (size_t i = 0; i < findings.n; i++)
        if (findings.items[i].level == level && strstr(findings.items[i].text, text) != NULL)
            return &findings.items[i];
    return NULL;
}

START_TEST(makes_no_context_where_there_is_no_tls_block)
{
    world_edit(&w, "  tls = { identity = \"payments\"; trust = \"partner\"; };\n", "");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_null(s->targets[0].tls);
    ck_assert_ptr_null(s->upstreams[0].identity);
    ck_assert_ptr_nonnull(s->listeners[0].tls);
    snapshot_unref(s);
}
END_TEST

START_TEST(loads_the_system_trust_only_for_who_asks_for_it)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(s->n_trusts, 2);
    snapshot_unref(s);
    world_edit(&w, "trust = \"partner\"; };\n}; };", "trust = \"system\"; };\n}; };");
    s = world_load(&w, 2, &findings);
    if (s == NULL) /* a host without a CA store: then it must say so */
        ck_assert_ptr_nonnull(find(FINDING_ERROR, "system"));
    else
        ck_assert(s->n_trusts == 3 && s->trusts[2].conf == NULL && s->trusts[2].tls != NULL);
    snapshot_unref(s);
}
END_TEST

START_TEST(refuses_tls_to_a_target_without_a_name)
{
    world_edit(&w, "api.partner.example:443", "unix:/run/partner.sock");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    const struct finding *f = find(FINDING_ERROR, "server_name");
    ck_assert_ptr_nonnull(f);
}
END_TEST

START_TEST(takes_server_name_for_a_target_without_a_name)
{
    world_edit(&w, "api.partner.example:443", "unix:/run/partner.sock");
    world_edit(&w, "trust = \"partner\"; };\n}; };", "trust = \"partner\"; server_name = \"api.partner.example\"; };\n}; };");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    snapshot_unref(s);
}
END_TEST

START_TEST(refuses_a_priority_string_that_means_nothing_and_says_where)
{
    world_edit(&w, "trust = \"partner\"; };\n}; };", "trust = \"partner\"; priority = \"NORMAL:+NO-SUCH-THING\"; };\n}; };");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    const struct finding *f = find(FINDING_ERROR, "NO-SUCH-THING");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(strncmp(f->where, "test.conf:", 10), 0);
}
END_TEST

START_TEST(refuses_a_listener_that_has_nothing_to_present)
{
    world_edit(&w, "identity = \"server\"; ", "");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_ptr_nonnull(find(FINDING_ERROR, "identity"));
}
END_TEST

START_TEST(notes_a_trust_that_holds_our_own_ca)
{
    world_edit(&w, "ca = \"/etc/partner.pem\"", "ca = \"/etc/clients.pem\"");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(find(FINDING_NOTE, "issued our own identity \"payments\""));
    snapshot_unref(s);
}
END_TEST

START_TEST(says_nothing_about_a_trust_of_another_ca)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_uint_eq(findings.n, 0);
    snapshot_unref(s);
}
END_TEST

START_TEST(warns_when_an_identity_is_used_for_what_it_may_not_do)
{
    static const char *const names[] = {"dns:proxy.example"};
    struct tls_pki_order order = {.cn = "proxy.example", .sans = names, .n_sans = 1, .purpose = TLS_PURPOSE_CLIENT};
    world_issue(&w, "/etc/server.pem", &w.clients_ca, &order);
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "serverAuth"));
    snapshot_unref(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_build");
    TCase *t = tcase_create("snapshot_build");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, makes_no_context_where_there_is_no_tls_block);
    tcase_add_test(t, loads_the_system_trust_only_for_who_asks_for_it);
    tcase_add_test(t, refuses_tls_to_a_target_without_a_name);
    tcase_add_test(t, takes_server_name_for_a_target_without_a_name);
    tcase_add_test(t, refuses_a_priority_string_that_means_nothing_and_says_where);
    tcase_add_test(t, refuses_a_listener_that_has_nothing_to_present);
    tcase_add_test(t, notes_a_trust_that_holds_our_own_ca);
    tcase_add_test(t, says_nothing_about_a_trust_of_another_ca);
    tcase_add_test(t, warns_when_an_identity_is_used_for_what_it_may_not_do);
    suite_add_tcase(s, t);
    return s;
}
