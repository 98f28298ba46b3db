/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/snapshot.h"

#include <stdio.h>
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

START_TEST(tells_an_openssl_cipher_list_from_a_priority_string)
{
    world_edit(&w, "trust = \"partner\"; };\n}; };", "trust = \"partner\"; priority = \"HIGH:!aNULL:!MD5\"; };\n}; };");
    ck_assert_ptr_null(world_load(&w, 1, &findings));
    const struct finding *f = find(FINDING_ERROR, "\"HIGH:!aNULL:!MD5\" is an OpenSSL cipher list");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(strncmp(f->where, "test.conf:", 10), 0);
    ck_assert_ptr_nonnull(strstr(f->text, "\"SECURE256:-VERS-ALL:+VERS-TLS1.3\""));
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

/* It is found out once for upstreams that follow each other, and counted for each. */
START_TEST(tells_apart_upstreams_that_differ_in_their_trust)
{
    world_edit(&w, "upstreams = {", "upstreams = {\n"
                                    "  a = { targets = [ \"a.example:1\" ]; tls = { identity = \"payments\"; trust = \"clients\"; }; };\n"
                                    "  b = { targets = [ \"b.example:1\" ]; tls = { identity = \"payments\"; trust = \"clients\"; }; };\n"
                                    "  c = { targets = [ \"c.example:1\" ]; tls = { identity = \"payments\"; trust = \"partner\"; }; };\n"
                                    "  d = { targets = [ \"d.example:1\" ]; tls = { identity = \"server\"; trust = \"partner\"; }; };\n");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    size_t of_clients = 0, of_partner = 0;
    for (size_t i = 0; i < findings.n; i++) {
        if (strstr(findings.items[i].text, "trust \"clients\" holds the CA that issued our own identity \"payments\"") != NULL)
            of_clients += findings.items[i].times;
        of_partner += strstr(findings.items[i].text, "trust \"partner\" holds the CA that issued our own identity \"payments\"") != NULL;
    }
    ck_assert_uint_eq(of_clients, 2);
    ck_assert_uint_eq(of_partner, 0);
    snapshot_unref(s);
}
END_TEST

/* Ten thousand notes would cost a reload a tenth of a second of the loop's time. */
START_TEST(says_once_that_a_trust_holds_the_ca_of_identities)
{
    world_edit(&w, "identities = {", "identities = {\n  other = { bundle = \"/etc/payments.pem\"; };\n");
    world_edit(&w, "upstreams = {", "upstreams = {\n"
                                    "  a = { targets = [ \"a.example:1\" ]; tls = { identity = \"payments\"; trust = \"clients\"; }; };\n"
                                    "  b = { targets = [ \"b.example:1\" ]; tls = { identity = \"other\"; trust = \"clients\"; }; };\n");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    size_t n = 0;
    for (size_t i = 0; i < findings.n; i++)
        n += strstr(findings.items[i].text, "trust \"clients\" holds the CA") != NULL;
    ck_assert_uint_eq(n, 1);
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

START_TEST(gives_each_target_its_place_and_a_context_of_its_own)
{
    world_edit(&w, "targets = [ \"api.partner.example:443\" ];", "targets = ( \"a.example:443\", { address = \"b.example:443\"; weight = 3; } );");
    world_edit(&w, "}; };\nlisteners", "}; plain = { targets = \"127.0.0.1:9\"; }; };\nlisteners");
    world_edit(&w, "  upstream = \"partner\";\n", "  routes = ( { path = \"/a\"; respond = 404; }, { path = \"/b\"; upstream = \"plain\"; }, { upstream = \"partner\"; } );\n");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    ck_assert_uint_eq(s->n_targets, 3);
    ck_assert_ptr_eq(s->upstreams[0].targets, s->targets);
    ck_assert_ptr_eq(s->upstreams[1].targets, s->targets + 2);
    ck_assert(s->upstreams[0].n_targets == 2 && s->upstreams[1].index == 1);
    for (size_t i = 0; i < 3; i++)
        ck_assert(s->targets[i].index == i && s->targets[i].upstream == &s->upstreams[i / 2]);
    ck_assert(s->targets[0].tls != NULL && s->targets[1].tls != NULL && s->targets[0].tls != s->targets[1].tls);
    ck_assert_ptr_null(s->targets[2].tls);
    const struct plan_listener *l = &s->listeners[0];
    ck_assert_uint_eq(l->n_routes, 3);
    ck_assert_ptr_null(l->routes[0].upstream);
    ck_assert_ptr_eq(l->routes[1].upstream, &s->upstreams[1]);
    ck_assert_ptr_eq(l->routes[2].upstream, &s->upstreams[0]);
    ck_assert_ptr_eq(l->routes[2].conf, &l->conf->routes[2]);
    ck_assert_ptr_null(l->direct);
    snapshot_unref(s);
}
END_TEST

/* Callers look nowhere else for the name they called. */
START_TEST(warns_of_a_server_whose_certificate_names_no_host)
{
    struct tls_pki_order order = {.cn = "proxy.example", .purpose = TLS_PURPOSE_SERVER};
    world_issue(&w, "/etc/server.pem", &w.partner_ca, &order);
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_nonnull(find(FINDING_WARNING, "identity \"server\" is used as a server but its certificate names no host"));
    ck_assert_ptr_null(find(FINDING_WARNING, "\"payments\""));
    snapshot_unref(s);
}
END_TEST

START_TEST(says_once_what_is_so_for_every_target)
{
    world_edit(&w, "targets = [ \"api.partner.example:443\" ];", "targets = [ \"a.example:443\", \"b.example:443\", \"c.example:443\" ];");
    world_edit(&w, "ca = \"/etc/partner.pem\"", "ca = \"/etc/clients.pem\"");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_msg(findings.n == 1, "%zu findings", findings.n);
    snapshot_unref(s);
}
END_TEST

START_TEST(gives_a_forward_proxy_what_stands_for_hosts_without_a_route)
{
    world_edit(&w, "  upstream = \"partner\";\n", "  upstream = \"partner\"; forward_proxy = { direct = \"a.example\"; };\n");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    const struct plan_target *direct = s->listeners[0].direct;
    ck_assert_ptr_nonnull(direct);
    ck_assert_str_eq(direct->upstream->conf->name, "direct");
    ck_assert_ptr_null(direct->tls); /* never our certificate to a host that no route names */
    ck_assert(direct->index == SIZE_MAX && direct->upstream->n_targets == 1 && direct->upstream->targets == direct);
    ck_assert(direct->upstream->conf->host == CONFIG_HOST_PRESERVE && direct->upstream->conf->retries == 0);
    ck_assert(direct->upstream->conf->connect_ms == 5000 && direct->upstream->conf->pool_max == 0);
    ck_assert_uint_eq(s->n_targets, 1);
    snapshot_unref(s);
}
END_TEST

/* B1: the names of identity headers are the guard's, in every spelling. */
START_TEST(refuses_a_route_that_claims_an_identity)
{
    static const struct {
        const char *route, *says;
    } rows[] = {
        {"{ upstream = \"partner\"; set_headers = { Client-Cert = \"x\"; }; }", "set_headers: Client-Cert carries the client's identity"},
        {"{ upstream = \"partner\"; set_headers = { x_ssl_client_verify = \"0\"; }; }", "set_headers: x_ssl_client_verify"},
        {"{ upstream = \"partner\"; remove_headers = [ \"X-A\", \"x-forwarded-client-cert\" ]; }", "remove_headers: x-forwarded-client-cert"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char routes[300];
        snprintf(routes, sizeof(routes), "  routes = ( %s );\n", rows[i].route);
        tear_down();
        set_up();
        world_edit(&w, "  upstream = \"partner\";\n", routes);
        ck_assert_ptr_null(world_load(&w, 1, &findings));
        const struct finding *f = find(FINDING_ERROR, rows[i].says);
        ck_assert_msg(f != NULL && strcmp(f->where, "test.conf:16") == 0, "%s: %s", rows[i].says, findings.n > 0 ? findings.items[0].text : "");
    }
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
    tcase_add_test(t, tells_an_openssl_cipher_list_from_a_priority_string);
    tcase_add_test(t, refuses_a_listener_that_has_nothing_to_present);
    tcase_add_test(t, notes_a_trust_that_holds_our_own_ca);
    tcase_add_test(t, says_nothing_about_a_trust_of_another_ca);
    tcase_add_test(t, tells_apart_upstreams_that_differ_in_their_trust);
    tcase_add_test(t, says_once_that_a_trust_holds_the_ca_of_identities);
    tcase_add_test(t, warns_when_an_identity_is_used_for_what_it_may_not_do);
    tcase_add_test(t, gives_each_target_its_place_and_a_context_of_its_own);
    tcase_add_test(t, warns_of_a_server_whose_certificate_names_no_host);
    tcase_add_test(t, says_once_what_is_so_for_every_target);
    tcase_add_test(t, gives_a_forward_proxy_what_stands_for_hosts_without_a_route);
    tcase_add_test(t, refuses_a_route_that_claims_an_identity);
    suite_add_tcase(s, t);
    return s;
}
