/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <stdlib.h>
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

START_TEST(holds_everything_the_configuration_names)
{
    struct snapshot *s = world_load(&w, 7, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "no finding");
    ck_assert_uint_eq(s->generation, 7);
    const struct plan_listener *l = snapshot_find_listener(s, "public");
    ck_assert_ptr_nonnull(l);
    ck_assert_ptr_nonnull(l->tls);
    ck_assert_uint_eq(l->n_routes, 1);
    ck_assert_ptr_eq(l->routes[0].upstream, &s->upstreams[0]);
    ck_assert_ptr_eq(s->upstreams[0].targets, &s->targets[0]);
    ck_assert_ptr_nonnull(s->targets[0].tls);
    ck_assert_ptr_nonnull(s->targets[0].host);
    ck_assert_ptr_eq(s->upstreams[0].identity, s->identities[s->identities[0].tls == s->upstreams[0].identity ? 0 : 1].tls);
    ck_assert_ptr_null(snapshot_find_listener(s, "publi"));
    ck_assert_uint_eq(s->n_trusts, 2);
    snapshot_unref(s);
}
END_TEST

START_TEST(lives_until_the_last_reference_goes)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_eq(snapshot_ref(s), s);
    snapshot_unref(s);
    ck_assert_str_eq(s->listeners[0].conf->name, "public");
    snapshot_unref(s);
    snapshot_unref(NULL);
}
END_TEST

/* A3 and D7: a reload that fails leaves the one in use as it was. */
static void keep_ended(void *ctx, struct snapshot *s)
{
    *(struct snapshot **)ctx = s;
}

START_TEST(gives_the_last_reference_to_whoever_frees_it)
{
    struct snapshot *s = world_load(&w, 1, &findings), *ended = NULL;
    snapshot_on_end(s, keep_ended, &ended);
    snapshot_unref(snapshot_ref(s));
    ck_assert_ptr_null(ended);
    snapshot_unref(s);
    ck_assert_ptr_eq(ended, s);
    ck_assert_str_eq(ended->listeners[0].conf->name, "public");
    snapshot_destroy(ended);
}
END_TEST

START_TEST(keeps_the_old_one_whole_when_a_new_one_is_refused)
{
    struct snapshot *old = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(old);
    memory_files_put(&w.files, "/etc/clients.pem", span_of(NULL, 0));
    ck_assert_ptr_null(world_load(&w, 2, &findings));
    ck_assert_int_ne(findings_failed(&findings), 0);
    struct tls_trust_facts facts;
    for (size_t i = 0; i < old->n_trusts; i++) {
        tls_trust_facts(old->trusts[i].tls, &facts);
        ck_assert_uint_eq(facts.n_ca, 1);
    }
    ck_assert_ptr_nonnull(old->listeners[0].tls);
    memory_files_put(&w.files, "/etc/clients.pem", bytes_span(&w.clients_ca.certificate));
    findings_clear(&findings);
    struct snapshot *next = world_load(&w, 3, &findings);
    ck_assert_ptr_nonnull(next);
    ck_assert_ptr_ne(next->listeners[0].tls, old->listeners[0].tls);
    snapshot_unref(old);
    snapshot_unref(next);
}
END_TEST

START_TEST(what_is_known_of_a_target_outlives_a_reload)
{
    struct snapshot *old = world_load(&w, 1, &findings);
    world_edit(&w, "api.partner.example:443", "api.partner.example:444");
    struct snapshot *other = world_load(&w, 2, &findings);
    world_edit(&w, "api.partner.example:444", "api.partner.example:443");
    struct snapshot *same = world_load(&w, 3, &findings);
    ck_assert(old != NULL && other != NULL && same != NULL);
    target_state_hold(old->target_state, 0, 99);
    target_state_set_mode(old->target_state, 0, TARGET_DRAINED);
    snapshot_inherit(other, old);
    snapshot_inherit(same, old);
    ck_assert_uint_eq(target_state_held_until(other->target_state, 0), 0);
    ck_assert(target_state_mode(other->target_state, 0) == TARGET_ENABLED);
    ck_assert_uint_eq(target_state_held_until(same->target_state, 0), 99);
    ck_assert(target_state_mode(same->target_state, 0) == TARGET_DRAINED);
    snapshot_unref(old);
    snapshot_unref(other);
    snapshot_unref(same);
}
END_TEST

START_TEST(finds_targets_that_stand_in_another_order_after_a_reload)
{
    world_edit(&w, "\"api.partner.example:443\"", "\"a.example:1\", \"b.example:1\", \"c.example:1\"");
    struct snapshot *old = world_load(&w, 1, &findings);
    world_edit(&w, "\"a.example:1\", \"b.example:1\", \"c.example:1\"", "\"c.example:1\", \"new.example:1\", \"a.example:1\"");
    struct snapshot *next = world_load(&w, 2, &findings);
    ck_assert(old != NULL && next != NULL);
    const struct plan_target *was = old->upstreams[config_find_upstream(old->config, "partner") - old->config->upstreams].targets;
    const struct plan_target *is = next->upstreams[config_find_upstream(next->config, "partner") - next->config->upstreams].targets;
    for (size_t i = 0; i < 3; i++)
        target_state_hold(old->target_state, was[i].index, 10 + i);
    snapshot_inherit(next, old);
    ck_assert_uint_eq(target_state_held_until(next->target_state, is[0].index), 12);
    ck_assert_uint_eq(target_state_held_until(next->target_state, is[1].index), 0);
    ck_assert_uint_eq(target_state_held_until(next->target_state, is[2].index), 10);
    snapshot_unref(old);
    snapshot_unref(next);
}
END_TEST

static void put_list(uint64_t number, uint64_t serial)
{
    struct err err = {0};
    struct bytes list;
    struct tls_pki_revoked revoked = {.serial = serial, .when = WORLD_NOW};
    bytes_init(&list, 1 << 16);
    int rc = tls_pki_make_crl(bytes_span(&w.clients_ca.certificate), bytes_span(&w.clients_ca.key), &revoked, serial != 0, number, WORLD_NOW,
                              WORLD_NOW + (int64_t)86400, &list, &err);
    ck_assert_msg(rc == 0, "%s", err.text);
    memory_files_put(&w.files, "/etc/clients.crl", bytes_span(&list));
    bytes_clear(&list);
}

START_TEST(reads_revocation_lists_again_and_keeps_the_last_good_ones) /* A3, F1 */
{
    put_list(5, 0);
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    struct file_source files = memory_files_source(&w.files);
    size_t n;
    const char **watched = snapshot_crl_files(s, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(watched[0], "/etc/clients.crl");
    free((void *)watched);
    findings_clear(&findings);
    ck_assert_uint_eq(snapshot_refresh_crls(s, &files, WORLD_NOW, &findings), 0); /* the same */
    put_list(6, 77);
    ck_assert_uint_eq(snapshot_refresh_crls(s, &files, WORLD_NOW, &findings), 1);
    ck_assert_uint_eq(findings.errors, 0);
    struct tls_trust_facts facts = {0};
    for (int bad = 0; bad < 4; bad++) {
        static const char *const says[] = {"older than the one in use", "No such file", "is empty", "/etc/clients.crl"};
        findings_clear(&findings);
        if (bad == 0)
            put_list(5, 0);
        else if (bad == 1)
            memory_files_remove(&w.files, "/etc/clients.crl");
        else
            memory_files_put(&w.files, "/etc/clients.crl", span_from_str(bad == 2 ? "" : "-----BEGIN X509 CRL-----\nAAAA"));
        ck_assert_uint_eq(snapshot_refresh_crls(s, &files, WORLD_NOW, &findings), 0);
        ck_assert_uint_eq(findings.errors, 1);
        ck_assert_msg(strstr(findings.items[0].text, says[bad]) != NULL, "%s", findings.items[0].text);
        size_t with_list = 0;
        while (s->trusts[with_list].conf == NULL || s->trusts[with_list].conf->crl.n == 0)
            with_list++;
        tls_trust_facts(s->trusts[with_list].tls, &facts);
        ck_assert_uint_eq(facts.n_revoked, 1);
    }
    snapshot_unref(s);
}
END_TEST

START_TEST(finds_the_target_that_is_the_same_in_another_snapshot)
{
    struct snapshot *old = world_load(&w, 1, &findings), *next = world_load(&w, 2, &findings);
    ck_assert_ptr_eq(snapshot_find_target(next, &old->targets[0]), &next->targets[0]);
    struct plan_upstream renamed = old->upstreams[0];
    struct config_upstream conf = *renamed.conf;
    static char name[] = "another";
    conf.name = name;
    renamed.conf = &conf;
    struct plan_target stray = old->targets[0];
    stray.upstream = &renamed;
    ck_assert_ptr_null(snapshot_find_target(next, &stray));
    snapshot_unref(old);
    snapshot_unref(next);
}
END_TEST

START_TEST(says_everything_that_is_wrong_at_once)
{
    memory_files_remove(&w.files, "/etc/server.pem");
    memory_files_remove(&w.files, "/etc/partner.pem");
    memory_files_put(&w.files, "/etc/clients.crl", span_from_str("no list"));
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_uint_eq(findings.errors, 3);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot");
    TCase *t = tcase_create("snapshot");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_is_known_of_a_target_outlives_a_reload);
    tcase_add_test(t, finds_targets_that_stand_in_another_order_after_a_reload);
    tcase_add_test(t, holds_everything_the_configuration_names);
    tcase_add_test(t, lives_until_the_last_reference_goes);
    tcase_add_test(t, gives_the_last_reference_to_whoever_frees_it);
    tcase_add_test(t, keeps_the_old_one_whole_when_a_new_one_is_refused);
    tcase_add_test(t, reads_revocation_lists_again_and_keeps_the_last_good_ones);
    tcase_add_test(t, finds_the_target_that_is_the_same_in_another_snapshot);
    tcase_add_test(t, says_everything_that_is_wrong_at_once);
    suite_add_tcase(s, t);
    return s;
}
