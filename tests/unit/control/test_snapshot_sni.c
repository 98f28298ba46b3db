/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *s;

static void issue(const char *path, const char *const *names, size_t n)
{
    struct tls_pki_order order = {.cn = "server", .sans = names, .n_sans = n, .purpose = TLS_PURPOSE_SERVER};
    world_issue(&w, path, &w.partner_ca, &order);
}

static void set_up(void)
{
    static const char *const shop[] = {"dns:shop.example", "dns:*.Shop.example", "dns:SHOP.example", "uri:spiffe://x/shop"}, *const ops[] = {"dns:ops.example"};
    static const char *const nameless[] = {"uri:spiffe://x/nameless"};
    world_make(&w);
    findings_init(&findings);
    issue("/shop.pem", shop, 4);
    issue("/ops.pem", ops, 1);
    issue("/nameless.pem", nameless, 1);
}

static void tear_down(void)
{
    snapshot_unref(s);
    s = NULL;
    findings_clear(&findings);
    world_clear(&w);
}

static const struct plan_listener *load(const char *tls)
{
    snprintf(w.config, sizeof(w.config),
             "identities = { shop = { bundle = \"/shop.pem\"; }; ops = { bundle = \"/ops.pem\"; }; nameless = { bundle = \"/nameless.pem\"; }; };\n"
             "trusts = { clients = { ca = \"/etc/clients.pem\"; }; };\n"
             "upstreams = { up = { targets = \"127.0.0.1:9\"; }; };\n"
             "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { trust = \"clients\";\n%s }; };\n"
             " all = { bind = \":2\"; upstream = \"up\"; tls = { trust = \"clients\"; identity = \"shop\"; }; }; };",
             tls);
    s = world_load(&w, 1, &findings);
    return s != NULL ? &s->listeners[0] : NULL;
}

static size_t policy_of(const struct plan_listener *l, const char *name)
{
    return tls_sni_policy(l->sni, span_from_str(name));
}

START_TEST(names_are_those_of_the_certificate_or_those_given)
{
    const struct plan_listener *l = load("identities = ( { identity = \"shop\"; }, { identity = \"ops\"; hosts = [ \"a.example\", \"*.ops.example\" ]; } );");
    ck_assert_msg(l != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    ck_assert_uint_eq(policy_of(l, "shop.example"), 0);
    ck_assert_uint_eq(policy_of(l, "x.shop.example"), 0);
    ck_assert_uint_eq(policy_of(l, "a.example"), 1);
    ck_assert_uint_eq(policy_of(l, "x.ops.example"), 1);
    ck_assert_uint_eq(policy_of(l, "ops.example"), 2); /* hosts are instead of the certificate's names */
    ck_assert_uint_eq(policy_of(l, ""), 2);
    ck_assert_ptr_nonnull(l->tls);
    ck_assert_ptr_null(tls_sni_context(l->sni, 2)); /* A8: other names are refused */
    ck_assert_ptr_null(s->listeners[1].sni);
}
END_TEST

START_TEST(identity_beside_them_is_for_other_names)
{
    const struct plan_listener *l = load("identity = \"nameless\"; identities = ( { identity = \"shop\"; } );");
    ck_assert_msg(l != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    ck_assert_ptr_nonnull(tls_sni_context(l->sni, 1));
    ck_assert_ptr_ne(tls_sni_context(l->sni, 0), tls_sni_context(l->sni, 1));
}
END_TEST

START_TEST(each_is_asked_by_its_own_rules) /* A2 */
{
    const struct plan_listener *l = load("identity = \"ops\"; client_cert = \"required\"; identities = ( { identity = \"shop\"; client_cert = \"optional\"; } );");
    ck_assert_ptr_nonnull(l);
    const struct tls_verdict none = {.status = REASON_NONE};
    ck_assert(tls_context_lets_pass(tls_sni_context(l->sni, 0), &none));
    ck_assert(!tls_context_lets_pass(tls_sni_context(l->sni, 1), &none));
}
END_TEST

START_TEST(refuses_what_it_finds_in_certificates)
{
    static const struct {
        const char *why, *tls, *says;
    } rows[] = {
        {"A9: a name in two certificates", "identities = ( { identity = \"shop\"; }, { identity = \"shop\"; } );", "the server name \"*.Shop.example\" already belongs to the identity at test.conf:"},
        {"A9: a name in hosts and a certificate", "identities = ( { identity = \"ops\"; }, { identity = \"shop\"; hosts = \"ops.example.\"; } );", "the server name \"ops.example.\" already belongs"},
        {"no name at all", "identities = ( { identity = \"ops\"; }, { identity = \"nameless\"; } );", "the certificate of identity \"nameless\" has no DNS name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        findings_clear(&findings);
        findings_init(&findings);
        ck_assert_msg(load(rows[i].tls) == NULL, "%s", rows[i].why);
        bool said = false;
        for (size_t k = 0; k < findings.n; k++)
            said = said || strstr(findings.items[k].text, rows[i].says) != NULL;
        ck_assert_msg(said && findings.errors == 1, "%s: %s", rows[i].why, findings.n > 0 ? findings.items[0].text : "");
    }
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("snapshot_sni");
    TCase *t = tcase_create("snapshot_sni");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, names_are_those_of_the_certificate_or_those_given);
    tcase_add_test(t, identity_beside_them_is_for_other_names);
    tcase_add_test(t, each_is_asked_by_its_own_rules);
    tcase_add_test(t, refuses_what_it_finds_in_certificates);
    suite_add_tcase(suite, t);
    return suite;
}
