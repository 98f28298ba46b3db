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

static size_t warnings(const char *text)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    snapshot_unref(s);
    size_t n = 0;
    for (size_t i = 0; i < findings.n; i++)
        n += findings.items[i].level == FINDING_WARNING && strstr(findings.items[i].text, text) != NULL;
    return n;
}

/* The end of the listener, where there is room for more. */
static void add(const char *keys)
{
    char text[512];
    snprintf(text, sizeof(text), "  upstream = \"partner\";\n%s}; };\n", keys);
    world_edit(&w, "  upstream = \"partner\";\n}; };\n", text);
}

static const struct {
    const char *why, *rules;
    size_t warnings;
} rows[] = {
    {"a CA of the trust", "allow = ( { issuer = \"CN=Clients CA\"; } );", 0},
    {"with a star", "allow = ( { issuer = \"CN=Clients *\"; } );", 0},
    {"another CA", "allow = ( { issuer = \"CN=Issuing CA\"; } );", 1},
    {"one of another trust", "allow = ( { issuer = \"CN=Partner CA\"; } );", 1},
    {"each such rule", "allow = ( { issuer = \"CN=A CA\"; }, { cn = \"x\"; issuer = \"CN=B CA\"; }, { cn = \"x\"; } );", 2},
};

START_TEST(warns_of_an_attribute_without_a_registry)
{
    add("allow = ( { attribute = { role = \"ops\"; }; } );");
    ck_assert_uint_eq(warnings("rule with attribute, because the trust has no registry"), 1);
}
END_TEST

START_TEST(accepts_an_attribute_of_a_registry)
{
    add("allow = ( { attribute = { role = \"ops\"; }; } );");
    world_edit(&w, "upstreams = ", "registries = { partners = { database = \"sqlite:/var/partners.db\"; }; };\nupstreams = ");
    world_edit(&w, "crl = \"/etc/clients.crl\";", "registry = \"partners\";");
    ck_assert_uint_eq(warnings("rule with attribute"), 0);
}
END_TEST

START_TEST(warns_of_an_issuer_that_no_certificate_can_have)
{
    add(rows[_i].rules);
    ck_assert_msg(warnings("rule with issuer") == rows[_i].warnings, "%s", rows[_i].why);
}
END_TEST

START_TEST(says_where_and_what_to_do)
{
    add("allow = ( { issuer = \"CN=Issuing CA\"; } );");
    ck_assert_uint_eq(warnings("rule with issuer"), 1);
    const struct finding *f = &findings.items[0];
    while (strstr(f->text, "rule with issuer") == NULL)
        f++;
    ck_assert_int_eq(strncmp(f->where, "test.conf:", 10), 0);
    ck_assert_ptr_nonnull(strstr(f->text, "no CA of trust \"clients\" is named \"CN=Issuing CA\""));
    ck_assert_ptr_nonnull(strstr(f->text, "add that CA's certificate to the trust's ca"));
}
END_TEST

START_TEST(looks_at_the_rules_of_routes)
{
    world_edit(&w, "  upstream = \"partner\";\n}; };\n",
               "  routes = ( { path = \"/a\"; allow = ( { issuer = \"CN=A CA\"; } ); upstream = \"partner\"; },"
               " { caller = ( { issuer = \"CN=B CA\"; } ); upstream = \"partner\"; }, { upstream = \"partner\"; } );\n}; };\n");
    ck_assert_uint_eq(warnings("rule with issuer"), 2);
}
END_TEST

START_TEST(any_trust_of_a_listener_is_enough)
{
    world_edit(&w, "tls = { identity = \"server\"; trust = \"clients\"; };",
               "tls = { identity = \"server\"; trust = \"clients\"; identities = ( { identity = \"server\"; hosts = [ \"a.example\" ]; trust = \"partner\"; } ); };");
    add("allow = ( { issuer = \"CN=Partner CA\"; }, { issuer = \"CN=Clients CA\"; } );");
    ck_assert_uint_eq(warnings("rule with issuer"), 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("snapshot_rules");
    TCase *c = tcase_create("rules");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, warns_of_an_issuer_that_no_certificate_can_have, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, warns_of_an_attribute_without_a_registry);
    tcase_add_test(c, accepts_an_attribute_of_a_registry);
    tcase_add_test(c, says_where_and_what_to_do);
    tcase_add_test(c, looks_at_the_rules_of_routes);
    tcase_add_test(c, any_trust_of_a_listener_is_enough);
    suite_add_tcase(s, c);
    return s;
}
