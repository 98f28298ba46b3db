/* SPDX-License-Identifier: Apache-2.0 */
#include "config_spiffe.h"
#include "t.h"

#include "config_rows.h"
#include "mtlsd/base/spiffe.h"

#include <string.h>

#define ME "identities = { me = { source = \"spiffe\"; }; };\n"
#define TRUST "trusts = { td = { source = \"spiffe\"; spiffe_domain = [ \"a.example\", \"b.example\" ]; }; };\n"
#define UP(tls) "upstreams = { up = { targets = \"api.example:443\"; tls = { identity = \"me\"; trust = \"td\"; " tls " }; }; };\n"
#define BACK CONFIG_ROWS_BACK
#define LOCAL CONFIG_ROWS_LOCAL
#define EXPECT "expect = \"spiffe://a.example/server\";"
#define PUBLIC(more) "listeners = { app = { bind = \":8443\"; tls = { identity = \"me\"; trust = \"td\"; }; " more " }; };\n"
#define IDENTITY(keys) "identities = { me = { " keys " }; };\n" TRUST UP(EXPECT) LOCAL
#define OF_TRUST(keys) ME "trusts = { td = { " keys " }; };\n" UP(EXPECT) LOCAL

static const struct config_row refused[] = {
    {"a bundle beside the agent", IDENTITY("source = \"spiffe\"; bundle = \"me.pem\";"), "bundle: goes with files"},
    {"a key beside the agent", IDENTITY("source = \"spiffe\"; key = \"me.key\";"), "key: goes with files"},
    {"a passphrase beside the agent", IDENTITY("source = \"spiffe\"; passphrase_file = \"me.pass\";"), "passphrase_file: goes with files"},
    {"an ID without the agent", IDENTITY("bundle = \"me.pem\"; spiffe_id = \"spiffe://a.example/me\";"), "spiffe_id: goes with source = \"spiffe\""},
    {"an ID that is none", IDENTITY("source = \"spiffe\"; spiffe_id = \"a.example/me\";"), "is not the SPIFFE ID of a workload"},
    {"the ID of a domain", IDENTITY("source = \"spiffe\"; spiffe_id = \"spiffe://a.example\";"), "is not the SPIFFE ID of a workload"},
    {"an ID with a star", IDENTITY("source = \"spiffe\"; spiffe_id = \"spiffe://a.example/*\";"), "is not the SPIFFE ID of a workload"},
    {"a source nobody knows", IDENTITY("source = \"spire\";"), "did you mean \"spiffe\"?"},

    {"no CA", OF_TRUST("depth = 3;"), "ca is missing, write for example: ca = \"partner-ca.pem\"; or source = \"spiffe\""},
    {"a CA beside the agent", OF_TRUST("source = \"spiffe\"; spiffe_domain = \"a.example\"; ca = \"ca.pem\";"), "ca: goes with source = \"files\""},
    {"a list beside the agent", OF_TRUST("source = \"spiffe\"; spiffe_domain = \"a.example\"; crl = \"ca.crl\";"), "crl: goes with source = \"files\""},
    {"a domain twice", OF_TRUST("source = \"spiffe\"; spiffe_domain = [ \"a.example\", \"a.example\" ];"), "\"a.example\" is given twice"},

    {"A5: an upstream that any workload could be", ME TRUST UP("") LOCAL, "name those that are, as in expect = [ \"spiffe://a.example/server\" ]"},
    {"A5: a host name alone", ME TRUST UP("server_name = \"api.example\";") LOCAL, "name those that are"},
    {"a host name among the IDs", ME TRUST UP("expect = [ \"spiffe://a.example/x\", \"api.example\" ];") LOCAL, "\"api.example\" is not a SPIFFE ID"},
    {"an address", ME TRUST UP("expect = \"127.0.0.1\";") LOCAL, "is not a SPIFFE ID"},
    {"another scheme", ME TRUST UP("expect = \"https://a.example/x\";") LOCAL, "is not a SPIFFE ID"},
    {"A5: any trust domain", ME TRUST UP("expect = \"spiffe://*/server\";") LOCAL, "leaves the trust domain open"},
    {"A5: anything", ME TRUST UP("expect = \"spiffe://**\";") LOCAL, "leaves the trust domain open"},
    {"an ID of a domain that is not trusted", ME TRUST UP("expect = \"spiffe://c.example/x\";") LOCAL, "is of a trust domain that trust \"td\" does not have"},
    {"a longer domain", ME TRUST UP("expect = \"spiffe://a.example.evil/x\";") LOCAL, "is of a trust domain that trust \"td\" does not have"},
    {"A5: an open domain with files, too",
     CONFIG_ROWS_NAMES "upstreams = { up = { targets = \"api.example:443\"; tls = { identity = \"me\"; trust = \"ca\"; expect = \"spiffe://*/x\"; }; }; };\n" LOCAL,
     "leaves the trust domain open"},

    {"A5: any workload as a caller", ME TRUST BACK PUBLIC("upstream = \"up\";"), "name the callers, as in allow = ( { uri = \"spiffe://a.example/client\"; } )"},
    {"A5: any workload on tcp", ME TRUST BACK PUBLIC("protocol = \"tcp\"; upstream = \"up\";"), "name the callers"},
    {"A5: any workload on one route",
     ME TRUST BACK PUBLIC("routes = ( { path = \"/a\"; upstream = \"up\"; allow = ( { uri = \"spiffe://a.example/x\"; } ); }, { upstream = \"up\"; } );"),
     "name the callers"},
    {"A5: any workload by a server name",
     ME TRUST BACK "listeners = { app = { bind = \":8443\"; upstream = \"up\"; tls = { identities = ( { hosts = \"x.example\"; identity = \"me\"; trust = \"td\"; } ); }; }; };\n",
     "name the callers"},
};

static const struct config_row taken[] = {
    {"the whole", ME TRUST UP(EXPECT) LOCAL, NULL},
    {"an ID of the identity", IDENTITY("source = \"spiffe\"; spiffe_id = \"spiffe://a.example/me\";"), NULL},
    {"files by name", IDENTITY("source = \"files\"; bundle = \"me.pem\";"), NULL},
    {"a pattern", ME TRUST UP("expect = [ \"spiffe://a.example/**\", \"spiffe://b.example/ns/*/api\" ];") LOCAL, NULL},
    {"rules of the listener", ME TRUST BACK PUBLIC("upstream = \"up\"; allow = ( { uri = \"spiffe://a.example/**\"; } );"), NULL},
    {"rules of each route that forwards",
     ME TRUST BACK PUBLIC("routes = ( { path = \"/x\"; respond = 404; }, { upstream = \"up\"; allow = ( { uri = \"spiffe://a.example/x\"; } ); } );"), NULL},
    {"one domain with files", ME "trusts = { td = { ca = \"ca.pem\"; spiffe_domain = \"a.example\"; }; };\n" UP("") LOCAL, NULL},
};

START_TEST(refuses_it_with_what_to_do)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_it)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

/* Two mistakes: a trust without domains has no upstream rule to break. */
START_TEST(a_trust_of_the_agent_names_its_domains)
{
    struct findings f;
    findings_init(&f);
    ck_assert_ptr_null(config_parse(OF_TRUST("source = \"spiffe\";"), "x.conf", &f));
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_ptr_nonnull(strstr(f.items[0].text, "spiffe_domain is missing: name the trust domains"));
    findings_clear(&f);
    ck_assert_ptr_null(config_parse(OF_TRUST("ca = \"ca.pem\"; spiffe_domain = [ \"a.example\", \"b.example\" ];"), "x.conf", &f));
    ck_assert_uint_eq(f.errors, 1);
    ck_assert_ptr_nonnull(strstr(f.items[0].text, "the CAs in ca could issue IDs of each of these trust domains"));
    findings_clear(&f);
}
END_TEST

START_TEST(each_has_the_name_of_what_the_agent_gives)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse("identities = { me = { source = \"spiffe\"; }; other = { source = \"spiffe\"; spiffe_id = \"spiffe://a.example/x\"; }; };\n" TRUST UP(EXPECT) LOCAL,
                                    "x.conf", &f);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->identities[0].bundle, "spiffe:");
    ck_assert_str_eq(c->identities[1].bundle, "spiffe://a.example/x");
    ck_assert_str_eq(c->trusts[0].ca, "spiffe://a.example");
    ck_assert(spiffe_is_source(c->trusts[0].ca));
    ck_assert_uint_eq(c->trusts[0].spiffe_domains.n, 2);
    ck_assert_ptr_null(config_trust_file(&c->trusts[0]));
    ck_assert(!config_tls_trusts_anybody(c, "td"));
    config_free(c);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_spiffe");
    TCase *c = tcase_create("spiffe");
    tcase_add_loop_test(c, refuses_it_with_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(c, takes_it, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(c, a_trust_of_the_agent_names_its_domains);
    tcase_add_test(c, each_has_the_name_of_what_the_agent_gives);
    suite_add_tcase(s, c);
    return s;
}
