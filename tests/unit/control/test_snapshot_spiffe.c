/* SPDX-License-Identifier: Apache-2.0 */
/* Trusts of the SPIFFE Workload API, whose bundles stand in memory here. */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"
#include "mtlsd/tls/tls_trust.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct findings findings;

static const char config[] =
    "trusts = { td = { source = \"spiffe\"; spiffe_domain = [ \"a.example\", \"b.example\" ]; }; };\n"
    "upstreams = { up = { targets = \"127.0.0.1:9\"; tls = { trust = \"td\"; expect = \"spiffe://a.example/server\"; }; }; };\n"
    "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; }; };\n";

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    snprintf(w.config, sizeof(w.config), "%s", config);
    memory_files_put(&w.files, "spiffe://a.example", bytes_span(&memory_files_find(&w.files, "/etc/clients.pem")->text));
    memory_files_put(&w.files, "spiffe://b.example", bytes_span(&memory_files_find(&w.files, "/etc/partner.pem")->text));
}

static void tear_down(void)
{
    findings_clear(&findings);
    world_clear(&w);
}

static void expect_domain(const struct snapshot *s, size_t i, const char *domain, size_t n_ca)
{
    size_t n = 99;
    const char *name = tls_trust_domain(s->trusts[0].tls, i, &n);
    ck_assert_ptr_nonnull(name);
    ck_assert_str_eq(name, domain);
    ck_assert_uint_eq(n, n_ca);
}

START_TEST(each_trust_domain_has_its_own_bundle)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    expect_domain(s, 0, "a.example", 1);
    expect_domain(s, 1, "b.example", 1);
    snapshot_unref(s);
}
END_TEST

START_TEST(a_bundle_that_is_not_given_leaves_the_others)
{
    memory_files_remove(&w.files, "spiffe://b.example");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    expect_domain(s, 0, "a.example", 1);
    expect_domain(s, 1, "b.example", 0);
    ck_assert_uint_eq(findings.errors, 0);
    ck_assert_ptr_nonnull(strstr(findings.items[0].text, "there is no bundle of trust domain b.example, so its certificates are refused"));
    snapshot_unref(s);
    memory_files_remove(&w.files, "spiffe://a.example"); /* withdrawn means stop: a reload goes on */
    s = world_load(&w, 2, &findings);
    ck_assert_ptr_nonnull(s);
    expect_domain(s, 0, "a.example", 0);
    snapshot_unref(s);
}
END_TEST

START_TEST(an_agent_that_is_not_reached_is_an_error)
{
    memory_files_find(&w.files, "spiffe://b.example")->unreadable = true;
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    ck_assert_uint_eq(findings.errors, 1);
    ck_assert_ptr_nonnull(strstr(findings.items[0].text, "trust \"td\": spiffe://b.example: cannot open"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_spiffe");
    TCase *c = tcase_create("bundles");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, each_trust_domain_has_its_own_bundle);
    tcase_add_test(c, a_bundle_that_is_not_given_leaves_the_others);
    tcase_add_test(c, an_agent_that_is_not_reached_is_an_error);
    suite_add_tcase(s, c);
    return s;
}
