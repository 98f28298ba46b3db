/* SPDX-License-Identifier: Apache-2.0 */
/* The reader alone, before config_check looks at what fits together. */
#include "config_read.h"
#include "config_syntax.h"
#include "t.h"

#include <string.h>

static struct config_source source;
static config_t parsed;
static struct findings findings;
static struct config_reader reader;

static void setup(void)
{
    config_source_init(&source);
    config_init(&parsed);
    findings_init(&findings);
}

static void drop(void)
{
    config_free(reader.config);
    reader.config = NULL;
    findings_clear(&findings);
    config_destroy(&parsed);
    config_source_clear(&source);
}

static const struct config *read_text(const char *text)
{
    drop();
    setup();
    ck_assert_int_eq(config_source_text(&source, text, "/etc/mtlsd/test.conf", &findings), 0);
    struct bytes regrouped;
    bytes_init(&regrouped, 1 << 16);
    ck_assert_int_eq(config_syntax_read(&source, &regrouped, &findings), 0);
    ck_assert_msg(config_read_string(&parsed, (const char *)bytes_span(&regrouped).ptr) == CONFIG_TRUE, "%s", text);
    bytes_clear(&regrouped);
    struct config *c = calloc(1, sizeof(*c));
    ck_assert_ptr_nonnull(c);
    c->path = strdup("/etc/mtlsd/test.conf");
    reader = (struct config_reader){&source, config_root_setting(&parsed), &findings, c};
    config_read_settings(&reader);
    return c;
}

static void expect_clean(void)
{
    ck_assert_msg(findings.n == 0, "%s: %s", findings.items[0].where, findings.items[0].text);
}

#define LISTENERS "listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\"; }; };\n"

START_TEST(what_is_not_understood_is_told_with_path_and_line)
{
    static const struct {
        const char *why, *text, *where, *says;
    } cases[] = {
        {"nothing at all", "", "/etc/mtlsd/test.conf", "the configuration is empty"},
        {"an unknown key", LISTENERS "colour = 1;", "/etc/mtlsd/test.conf:2", "colour: unknown key"},
        {"an unknown key of a small group", LISTENERS "log = { colour = 1; };", "/etc/mtlsd/test.conf:2", "log.colour: unknown key; there are level, format, target, rotate, what"},
        {"a word of another program", "listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\";\n tls = { ca_file = \"a\"; }; }; };", "/etc/mtlsd/test.conf:2",
         "tls.ca_file: unknown key; the equivalent here is trust = NAME in tls, with ca"},
        {"the other names, which have kinds", "listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\";\n allow = ( { san = \"a\"; } ); }; };", "/etc/mtlsd/test.conf:2",
         "unknown key; the equivalent here is dns, uri, email or ip"},
        {"a near miss", LISTENERS "\n\nworker = 1;", "/etc/mtlsd/test.conf:4", "worker: unknown key, did you mean \"workers\"?"},
        {"a key of another place", LISTENERS "ca = \"a\";", "/etc/mtlsd/test.conf:2", "ca: unknown key here; it belongs in trusts.NAME: write trusts = { NAME = { ca = \"a\"; }; }; at the top level, and trust = \"NAME\"; in tls"},
        {"a key of the top, inside", LISTENERS "log = { drain_timeout = \"1s\"; };", "/etc/mtlsd/test.conf:2", "log.drain_timeout: unknown key here; it belongs at the top level"},
        {"a key of later", LISTENERS "admin = { dashboard = 1; };", "/etc/mtlsd/test.conf:2", "admin.dashboard: this version does not have this key yet"},
        {"a list for a scalar", LISTENERS "workers = [ 1, 2 ];", "/etc/mtlsd/test.conf:2", "workers: this is a list where a whole number without quotes is expected"},
        {"a string for a number", LISTENERS "workers = \"1\";", "/etc/mtlsd/test.conf:2", "workers: this is a string where a whole number"},
        {"a fraction", LISTENERS "workers = 1.0;", "/etc/mtlsd/test.conf:2", "this is a number with a fraction"},
        {"a number for a duration", LISTENERS "drain_timeout = 1;", "/etc/mtlsd/test.conf:2", "a number without quotes where a duration in quotes"},
        {"a bool for a path", LISTENERS "identities = { me = { bundle = true; }; };", "/etc/mtlsd/test.conf:2", "identities.me.bundle: this is true or false where a string in quotes"},
        {"a scalar for named groups", LISTENERS "trusts = 1;", "/etc/mtlsd/test.conf:2", "trusts: this is a number without quotes where named groups are expected"},
        {"a scalar for a named group", LISTENERS "trusts = {\n a = 1;\n};", "/etc/mtlsd/test.conf:3", "trusts.a: this is a number without quotes where a group"},
        {"a bad element", "listeners = { app = { upstream = \"up\"; bind = [ \"127.0.0.1:80\", \"x\" ]; }; };", "/etc/mtlsd/test.conf:1", "listeners.app.bind[1]: "},
        {"an empty list", "listeners = { app = { upstream = \"up\"; bind = [ ]; }; };", "/etc/mtlsd/test.conf:1", "listeners.app.bind: the list is empty"},
        {"a required key", "listeners = { app = { upstream = \"up\"; }; };", "/etc/mtlsd/test.conf:1", "listeners.app: bind is missing, write for example: bind ="},
        {"no listener key", "workers = 1;", "/etc/mtlsd/test.conf", "listeners is missing"},
        {"no listener in it", "listeners = { };", "/etc/mtlsd/test.conf:1", "listeners: no listener is defined"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        read_text(cases[i].text);
        ck_assert_msg(findings.errors == 1, "%s: %zu errors", cases[i].why, findings.errors);
        ck_assert_msg(strstr(findings.items[0].text, cases[i].says) != NULL, "%s: %s", cases[i].why, findings.items[0].text);
        ck_assert_msg(strncmp(findings.items[0].where, cases[i].where, strlen(cases[i].where)) == 0, "%s: at %s", cases[i].why, findings.items[0].where);
    }
}
END_TEST

#define ALLOW(rules) "listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\"; allow = " rules "; }; };"

START_TEST(no_spelling_of_rules_means_everybody)
{
    static const struct {
        const char *why, *text, *says;
    } cases[] = {
        {"no rule", ALLOW("( )"), "allow: no rule"},
        {"an empty rule", ALLOW("( { } )"), "allow[0]: the rule has no key"},
        {"an empty rule behind a good one", ALLOW("( { ou = \"a\"; }, { } )"), "allow[1]: the rule has no key"},
        {"a rule that is text", ALLOW("( \"ou=a\" )"), "allow[0]: this is a string where a group"},
        {"a misspelt rule", ALLOW("( { uo = \"a\"; } )"), "allow[0].uo: unknown key"},
        {"an empty value", ALLOW("( { ou = \"\"; } )"), "allow[0].ou: is empty"},
        {"a group", ALLOW("{ ou = \"a\"; }"), "allow: this is a group { } where a list of groups"},
        {"a string", ALLOW("\"ops\""), "allow: this is a string where a list of groups"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        read_text(cases[i].text);
        ck_assert_msg(findings.errors == 1, "%s: %zu errors", cases[i].why, findings.errors);
        ck_assert_msg(strstr(findings.items[0].text, cases[i].says) != NULL, "%s: %s", cases[i].why, findings.items[0].text);
    }
    const struct config *c = read_text(ALLOW("( { ou = \"a\"; cn = \"b\"; },\n { dns = \"c\"; } )"));
    expect_clean();
    ck_assert_uint_eq(c->listeners[0].n_allow, 2);
    ck_assert_str_eq(c->listeners[0].allow[0].ou, "a");
    ck_assert_str_eq(c->listeners[0].allow[0].cn, "b");
    ck_assert_ptr_null(c->listeners[0].allow[0].dns);
    ck_assert_str_eq(c->listeners[0].allow[1].dns, "c");
    ck_assert_str_eq(c->listeners[0].allow[1].where, "/etc/mtlsd/test.conf:2");
}
END_TEST

START_TEST(every_error_is_told_and_not_only_the_first)
{
    read_text("colour = 1;\nworkers = \"x\";\nlisteners = { app = { bind = 1; upstream = 2; }; };");
    ck_assert_uint_eq(findings.errors, 4);
}
END_TEST

START_TEST(what_is_not_written_has_its_default)
{
    const struct config *c = read_text(LISTENERS "upstreams = { up = { targets = \"a:1\"; tls = { }; }; };\ntrusts = { t = { ca = \"a\"; }; };");
    expect_clean();
    ck_assert_uint_eq(c->drain_ms, 30000);
    ck_assert_uint_eq(c->max_connections, 0);
    ck_assert_uint_eq(c->trusts[0].depth, 8);
    ck_assert_uint_eq(c->trusts[0].min_rsa_bits, 2048);
    ck_assert_int_eq(c->trusts[0].crl_policy, CONFIG_CRL_REQUIRE);
    ck_assert_uint_eq(c->upstreams[0].connect_ms, 5000);
    ck_assert_uint_eq(c->upstreams[0].pool_idle_ms, 50000);
    ck_assert(!c->upstreams[0].host_given);
    ck_assert_int_eq(c->upstreams[0].tls.min_version, CONFIG_TLS_1_2);
    ck_assert_int_eq(c->listeners[0].protocol, CONFIG_PROTOCOL_HTTP);
    ck_assert(!c->listeners[0].insecure_expose);
    ck_assert_uint_eq(c->listeners[0].max_headers, 100);
    ck_assert_uint_eq(c->listeners[0].max_header_bytes, 32768);
}
END_TEST

START_TEST(what_is_written_goes_to_its_own_group)
{
    const struct config *c = read_text("workers = 3;\nidentities = {\n a = { bundle = \"a.pem\"; };\n b = { certificate = \"b.crt\"; key = \"b.key\"; };\n};\n"
                                       "listeners = { one = { bind = [ \"127.0.0.1:1\", \"127.0.0.1:2\" ]; upstream = \"up\"; timeouts = { header = \"3s\"; }; };\n"
                                       " two = { bind = \"127.0.0.1:3\"; upstream = \"up\"; tls = { identity = \"a\"; }; }; };");
    expect_clean();
    ck_assert_uint_eq(c->workers, 3);
    ck_assert_uint_eq(c->n_identities, 2);
    ck_assert_str_eq(c->identities[0].name, "a");
    ck_assert_str_eq(c->identities[0].bundle, "/etc/mtlsd/a.pem");
    ck_assert_str_eq(c->identities[1].key, "/etc/mtlsd/b.key");
    ck_assert_str_eq(c->identities[1].where, "/etc/mtlsd/test.conf:4");
    ck_assert_ptr_null(c->identities[1].bundle);
    ck_assert_uint_eq(c->n_listeners, 2);
    ck_assert_uint_eq(c->listeners[0].n_bind, 2);
    ck_assert_uint_eq(c->listeners[0].header_ms, 3000);
    ck_assert_uint_eq(c->listeners[1].header_ms, 10000);
    ck_assert(!c->listeners[0].tls.present);
    ck_assert(c->listeners[1].tls.present);
    ck_assert_str_eq(c->listeners[1].tls.where, "/etc/mtlsd/test.conf:7");
    ck_assert_str_eq(c->listeners[1].tls.identity, "a");
}
END_TEST

START_TEST(a_place_is_as_deep_as_what_is_written)
{
    read_text("listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\"; tls = { identity = \"a\"; }; }; };");
    static const struct {
        const char *why, *key, *inner;
        bool given;
        const char *name;
    } cases[] = {
        {"all of it", "tls", "identity", true, "identity"},
        {"a key", "bind", NULL, true, "bind"},
        {"the group itself", NULL, NULL, true, "app"},
        {"the last is not there", "tls", "trust", false, "tls"},
        {"the first is not there", "timeouts", "idle", false, "app"},
        {"below a value", "bind", "x", false, "bind"},
    };
    const config_setting_t *group = config_read_group_at(&reader, "listeners", 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool given = !cases[i].given;
        const config_setting_t *at = config_read_at(group, cases[i].key, cases[i].inner, &given);
        ck_assert_msg(given == cases[i].given, "%s", cases[i].why);
        ck_assert_msg(strcmp(config_setting_name(at), cases[i].name) == 0, "%s: %s", cases[i].why, config_setting_name(at));
    }
    ck_assert_ptr_null(config_read_group_at(&reader, "listeners", 1));
    ck_assert_ptr_null(config_read_group_at(&reader, "trusts", 0));
    config_read_complain(&reader, FINDING_WARNING, config_read_at(group, "tls", NULL, NULL), "has %d faults", 2);
    ck_assert_uint_eq(findings.warnings, 1);
    ck_assert_str_eq(findings.items[0].text, "listeners.app.tls: has 2 faults");
    ck_assert_str_eq(findings.items[0].where, "/etc/mtlsd/test.conf:1");
}
END_TEST

START_TEST(only_a_group_with_an_error_in_it_is_tainted)
{
    read_text("identities = { good = { bundle = \"a\"; }; bad = { bundel = \"a\"; }; };\n" LISTENERS);
    static const struct {
        const char *why;
        const char *kind;
        size_t at;
        bool tainted;
    } cases[] = {
        {"the one with the error", "identities", 1, true},
        {"its neighbour", "identities", 0, false},
        {"another kind", "listeners", 0, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg(config_read_is_tainted(config_read_group_at(&reader, cases[i].kind, cases[i].at)) == cases[i].tainted, "%s", cases[i].why);
    ck_assert(config_read_is_tainted(reader.root));
    ck_assert(config_read_is_tainted(NULL));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_read");
    TCase *c = tcase_create("read");
    tcase_add_checked_fixture(c, setup, drop);
    tcase_add_test(c, what_is_not_understood_is_told_with_path_and_line);
    tcase_add_test(c, no_spelling_of_rules_means_everybody);
    tcase_add_test(c, every_error_is_told_and_not_only_the_first);
    tcase_add_test(c, what_is_not_written_has_its_default);
    tcase_add_test(c, what_is_written_goes_to_its_own_group);
    tcase_add_test(c, a_place_is_as_deep_as_what_is_written);
    tcase_add_test(c, only_a_group_with_an_error_in_it_is_tainted);
    suite_add_tcase(s, c);
    return s;
}
