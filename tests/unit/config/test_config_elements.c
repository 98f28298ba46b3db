/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of groups and fields with free names, as they come out of a whole configuration. */
#include "config_elements.h"
#include "config_options.h"
#include "config_value.h"
#include "mtlsd/base/reasons.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct findings findings;
static struct config *config;

static void set_up(void)
{
    findings_init(&findings);
    config = NULL;
}

static void tear_down(void)
{
    config_free(config);
    findings_clear(&findings);
}

static const struct config *take(const char *text)
{
    tear_down();
    set_up();
    config = config_parse(text, "/etc/mtlsd/x.conf", &findings);
    ck_assert_msg(config != NULL, "%s: %s", findings.n > 0 ? findings.items[0].where : "", findings.n > 0 ? findings.items[0].text : "");
    return config;
}

#define LOCAL "listeners = { app = { bind = \"127.0.0.1:1\"; upstream = \"up\"; }; };\n"
#define ROUTES(routes)                                                                                                                   \
    "identities = { me = { bundle = \"b\"; }; }; trusts = { ca = { ca = \"c\"; }; }; upstreams = { up = { targets = \"127.0.0.1:9\"; }; };\n" \
    "listeners = { app = { bind = \":1\"; tls = { identity = \"me\"; trust = \"ca\"; client_cert = \"optional\"; };\n routes = " routes "; }; };"

START_TEST(targets_are_strings_or_groups_or_both)
{
    const struct config *c = take(LOCAL "upstreams = { up = { sticky = { cookie = \"S\"; };\n targets = ( \"a:1\",\n { address = \"unix:b.sock\"; route = \"w2\"; weight = 7; "
                                        "backup = true; },\n { address = \"c:3\"; } ); }; };");
    const struct config_upstream *u = &c->upstreams[0];
    ck_assert_uint_eq(u->n_targets, 3);
    ck_assert_str_eq(u->targets[0].text, "a:1");
    ck_assert_ptr_null(u->targets[0].where);
    ck_assert_ptr_null(u->targets[0].route);
    ck_assert(u->targets[0].weight == 1 && !u->targets[0].backup);
    ck_assert_str_eq(u->targets[1].address.path, "/etc/mtlsd/b.sock");
    ck_assert_str_eq(u->targets[1].route, "w2");
    ck_assert_str_eq(u->targets[1].where, "/etc/mtlsd/x.conf:4");
    ck_assert(u->targets[1].weight == 7 && u->targets[1].backup);
    ck_assert_str_eq(u->targets[2].address.host, "c");
    ck_assert(u->targets[2].weight == 1 && !u->targets[2].backup);
}
END_TEST

START_TEST(a_session_sticks_by_cookie_by_suffix_by_certificate_or_not_at_all)
{
    static const struct {
        const char *why, *text;
        enum config_sticky sticky;
        const char *cookie;
    } cases[] = {
        {"nothing said", "", CONFIG_STICKY_NONE, NULL},
        {"a cookie", "sticky = { cookie = \"S\"; };", CONFIG_STICKY_INSERT, "S"},
        {"a cookie of ours", "sticky = { cookie = \"S\"; mode = \"insert\"; };", CONFIG_STICKY_INSERT, "S"},
        {"a cookie of theirs", "sticky = { cookie = \"JSESSIONID\"; mode = \"suffix\"; };", CONFIG_STICKY_SUFFIX, "JSESSIONID"},
        {"the mode first", "sticky = { mode = \"suffix\"; cookie = \"JSESSIONID\"; };", CONFIG_STICKY_SUFFIX, "JSESSIONID"},
        {"the certificate", "sticky = \"client_cert\";", CONFIG_STICKY_CLIENT_CERT, NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[600];
        snprintf(text, sizeof(text), LOCAL "upstreams = { up = { targets = ( { address = \"127.0.0.1:9\"; route = \"a\"; } ); %s }; };", cases[i].text);
        const struct config_upstream *u = &take(text)->upstreams[0];
        ck_assert_msg(u->sticky == cases[i].sticky, "%s", cases[i].why);
        ck_assert_msg((u->sticky_cookie != NULL) == (cases[i].cookie != NULL), "%s", cases[i].why);
        if (cases[i].cookie != NULL)
            ck_assert_str_eq(u->sticky_cookie, cases[i].cookie);
    }
}
END_TEST

START_TEST(a_route_keeps_all_that_is_written)
{
    const struct config *c = take(ROUTES(
        "(\n { host = [ \"API.example\", \"*.Shop.example\" ]; path = \"/api\"; method = \"GET\"; cert = [ \"valid\", \"none\" ];\n"
        "   allow = ( { ou = \"a\"; }, { ou = \"b\"; } ); upstream = \"up\"; strip_prefix = \"/api\"; set_host = \"other.example\";\n"
        "   set_headers = { X-One = \"1\"; x_two = \"2 2\"; }; remove_headers = \"X-Debug\"; },\n"
        " { caller = ( { cn = \"c\"; } ); redirect = \"/new\"; redirect_status = 308; }, { host = \"z.example\"; path = \"/x\"; respond = 410; },\n"
        " { host = \"z.example\"; path = \"/y\"; path_case = \"exact\"; deny = true; }, { upstream = \"up\"; } )"));
    const struct config_listener *l = &c->listeners[0];
    ck_assert_uint_eq(l->n_routes, 5);
    const struct config_route *r = l->routes;
    ck_assert_str_eq(r->where, "/etc/mtlsd/x.conf:4");
    ck_assert_uint_eq(r->host.n, 2);
    ck_assert_str_eq(r->host.items[0], "api.example");
    ck_assert_str_eq(r->host.items[1], "*.shop.example");
    ck_assert_str_eq(r->path, "/api");
    ck_assert_str_eq(r->method.items[0], "GET");
    ck_assert_uint_eq(r->cert, UINT64_C(1) << REASON_VALID | UINT64_C(1) << REASON_NONE);
    ck_assert_uint_eq(r->n_allow, 2);
    ck_assert_str_eq(r->allow[1].ou, "b");
    ck_assert_str_eq(r->upstream, "up");
    ck_assert(r->set_host_given && r->set_host == CONFIG_HOST_LITERAL);
    ck_assert_str_eq(r->set_host_literal, "other.example");
    ck_assert_uint_eq(r->n_set_headers, 2);
    ck_assert_str_eq(r->set_headers[0].name, "X-One");
    ck_assert_str_eq(r->set_headers[1].value, "2 2");
    ck_assert_str_eq(r->remove_headers.items[0], "X-Debug");
    ck_assert_str_eq(r->strip_prefix, "/api");
    ck_assert_str_eq(r[1].redirect, "/new");
    ck_assert_str_eq(r[1].caller[0].cn, "c");
    ck_assert_uint_eq(r[1].redirect_status, 308);
    ck_assert_uint_eq(r[0].redirect_status, 302);
    ck_assert_uint_eq(r[2].respond, 410);
    ck_assert_uint_eq(r[3].respond, 403);
    ck_assert(r[2].path_case == CONFIG_PATH_CASE_IGNORE && r[3].path_case == CONFIG_PATH_CASE_EXACT);
    ck_assert(l->has_path_rules && !l->guards_browsers);
}
END_TEST

START_TEST(each_status_is_its_own_bit_and_error_is_all_the_bad_ones)
{
    static const struct {
        const char *word;
        enum reason reason;
    } cases[] = {
        {"valid", REASON_VALID},           {"none", REASON_NONE},           {"expired", REASON_EXPIRED},       {"not_yet_valid", REASON_NOT_YET_VALID},
        {"revoked", REASON_REVOKED},       {"unknown_ca", REASON_UNKNOWN_CA}, {"wrong_purpose", REASON_WRONG_PURPOSE}, {"weak", REASON_WEAK},
        {"crl_missing", REASON_CRL_MISSING}, {"crl_stale", REASON_CRL_STALE}, {"constraint", REASON_CONSTRAINT}, {"malformed", REASON_MALFORMED},
    };
    const struct config_option *o = config_options_find("route", "cert");
    struct config_route route = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        route.cert = 0;
        ck_assert_int_eq(config_value_set(o, cases[i].word, "", &route, NULL), 0);
        ck_assert_msg(route.cert == UINT64_C(1) << cases[i].reason, "%s", cases[i].word);
    }
    route.cert = 0;
    ck_assert_int_eq(config_value_set(o, "error", "", &route, NULL), 0);
    for (unsigned i = 0; i < 64; i++)
        ck_assert_msg(((route.cert >> i) & 1) == (i > REASON_NONE && i <= REASON_MALFORMED), "bit %u", i);
}
END_TEST

START_TEST(what_is_no_element_is_refused_with_its_place)
{
    static const struct {
        const char *why, *text, *says;
    } cases[] = {
        {"a number as a target", LOCAL "upstreams = { up = { targets = ( 9000 ); }; };", "targets[0]: this is a number without quotes where a string"},
        {"a bad second target", LOCAL "upstreams = { up = { targets = [ \"a:1\", \"b\" ]; }; };", "targets[1]: "},
        {"a target without an address", LOCAL "upstreams = { up = { targets = ( { weight = 1; } ); }; };", "targets[0]: address is missing"},
        {"a weight of nothing", LOCAL "upstreams = { up = { targets = ( { address = \"a:1\"; weight = 0; } ); }; };", "weight: 0 is too little"},
        {"a weight too heavy", LOCAL "upstreams = { up = { targets = ( { address = \"a:1\"; weight = 257; } ); }; };", "weight: 257 is too much"},
        {"no target", LOCAL "upstreams = { up = { targets = ( ); }; };", "targets: the list is empty"},
        {"a group of targets", LOCAL "upstreams = { up = { targets = { address = \"a:1\"; }; }; };", "targets: this is a group { } where"},
        {"a strange way to stick", LOCAL "upstreams = { up = { targets = \"a:1\"; sticky = \"cookie\"; }; };", "is not a valid value"},
        {"sticking by number", LOCAL "upstreams = { up = { targets = \"a:1\"; sticky = 1; }; };", "sticky: this is a number"},
        {"a cookie without a name", LOCAL "upstreams = { up = { targets = \"a:1\"; sticky = { mode = \"insert\"; }; }; };", "cookie is missing"},
        {"a strange mode", LOCAL "upstreams = { up = { targets = \"a:1\"; sticky = { cookie = \"a\"; mode = \"prefix\"; }; }; };", "write suffix | insert"},
        {"no route", ROUTES("( )"), "routes: no route"},
        {"a route that is text", ROUTES("( \"up\" )"), "routes[0]: this is a string where a group"},
        {"routes as a group", ROUTES("{ upstream = \"up\"; }"), "routes: this is a group { } where a list of groups"},
        {"an unknown key of a route", ROUTES("( { pth = \"/\"; upstream = \"up\"; } )"), "routes[0].pth: unknown key, did you mean \"path\"?"},
        {"an unknown status", ROUTES("( { cert = \"bad\"; upstream = \"up\"; } )"), "routes[0].cert: \"bad\" is not a valid value"},
        {"a misspelt status", ROUTES("( { cert = [ \"valid\", \"revokd\" ]; upstream = \"up\"; } )"), "did you mean \"revoked\"?"},
        {"an odd redirect", ROUTES("( { redirect = \"/\"; redirect_status = 304; } )"), "redirect_status: 304 is not possible here"},
        {"an odd status", ROUTES("( { respond = 100; } )"), "respond: 100 is too little"},
        {"no rule for callers", ROUTES("( { caller = ( ); upstream = \"up\"; } )"), "caller: no rule"},
        {"an empty gate", ROUTES("( { allow = ( { } ); upstream = \"up\"; } )"), "allow[0]: the rule has no key"},
        {"no header", ROUTES("( { set_headers = { }; upstream = \"up\"; } )"), "set_headers: no field"},
        {"a header with a number", ROUTES("( { set_headers = { X-A = 1; }; upstream = \"up\"; } )"), "set_headers.X-A: this is a number"},
        {"a header with a line end", ROUTES("( { set_headers = { X-A = \"a\\r\\nX-B: c\"; }; upstream = \"up\"; } )"), "set_headers.X-A: holds a control character"},
        {"headers in a list", ROUTES("( { set_headers = ( \"a\" ); upstream = \"up\"; } )"), "set_headers: this is a list where a group"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct findings f;
        findings_init(&f);
        ck_assert_msg(config_parse(cases[i].text, "x", &f) == NULL, "%s: accepted", cases[i].why);
        ck_assert_msg(f.errors == 1 && strstr(f.items[0].text, cases[i].says) != NULL, "%s: %zu errors, %s", cases[i].why, f.errors, f.items[0].text);
        findings_clear(&f);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_elements");
    TCase *t = tcase_create("config_elements");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, targets_are_strings_or_groups_or_both);
    tcase_add_test(t, a_session_sticks_by_cookie_by_suffix_by_certificate_or_not_at_all);
    tcase_add_test(t, a_route_keeps_all_that_is_written);
    tcase_add_test(t, each_status_is_its_own_bit_and_error_is_all_the_bad_ones);
    tcase_add_test(t, what_is_no_element_is_refused_with_its_place);
    suite_add_tcase(s, t);
    return s;
}
