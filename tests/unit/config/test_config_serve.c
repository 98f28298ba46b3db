/* SPDX-License-Identifier: Apache-2.0 */
#include "config_serve.h"
#include "config_rows.h"
#include "mtlsd/config/config.h"
#include "t.h"

#define LOCAL(routes) "listeners = { app = { bind = \"127.0.0.1:8080\"; routes = ( " routes " ); }; };\n"
#define WIDE(tls, listener, routes) CONFIG_ROWS_NAMES "listeners = { app = { bind = \":8443\"; tls = { identity = \"me\"; " tls " }; " listener " routes = ( " routes " ); }; };\n"
#define REQUIRED_CERT "trust = \"ca\"; client_cert = \"required\";"
#define OPS "allow = ( { ou = \"ops\"; } );"

static const struct config_row refused[] = {
    {"every client could drain targets", WIDE(REQUIRED_CERT, "", "{ serve = \"dashboard\"; }"), "routes[0].serve: \"dashboard\" would be shown to every client"},
    {"every client could see the state", WIDE(REQUIRED_CERT, "", "{ serve = \"status\"; }"), "\"status\" would be shown to every client"},
    {"every client could see the names", WIDE(REQUIRED_CERT, "", "{ serve = \"metrics\"; }"), "\"metrics\" would be shown to every client"},
    {"a word that is none", LOCAL("{ serve = \"dash\"; }"), "serve: \"dash\" is not a valid value"},
    {"two actions", LOCAL("{ serve = \"status\"; respond = 404; }"), "already says what to do"},
    {"no page of tcp", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:8080\"; protocol = \"tcp\"; routes = ( { serve = \"status\"; } ); }; };\n",
     "needs protocol = \"http\""},
};

static const struct config_row taken[] = {
    {"this host", LOCAL("{ path = \"/m\"; serve = \"dashboard\"; }, { path = \"/s\"; serve = \"status\"; }, { path = \"/x\"; serve = \"metrics\"; }, { serve = \"health\"; }"), NULL},
    {"a unix socket", "listeners = { app = { bind = \"unix:/run/m.sock\"; routes = ( { serve = \"dashboard\"; } ); }; };\n", NULL},
    {"a gate of the route", WIDE(REQUIRED_CERT, "", "{ serve = \"dashboard\"; " OPS " }"), NULL},
    {"a gate of the listener", WIDE(REQUIRED_CERT, OPS, "{ serve = \"dashboard\"; }"), NULL},
    {"health is for everyone", WIDE(REQUIRED_CERT, "", "{ serve = \"health\"; }"), NULL},
    {"an edit of what is not forwarded", LOCAL("{ serve = \"status\"; set_headers = { X-A = \"a\"; }; }"), "set_headers: has no effect"},
};

START_TEST(refuses_to_show_the_state_to_everyone) /* E6 */
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_what_is_for_this_host_or_has_a_gate)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(rules_that_are_only_tried_out_are_no_gate)
{
    struct findings findings;
    findings_init(&findings);
    ck_assert_ptr_null(config_parse(WIDE(REQUIRED_CERT, "", "{ serve = \"dashboard\"; " OPS " allow_log_only = true; }"), "/etc/x.conf", &findings));
    ck_assert_uint_eq(findings.errors, 1);
    findings_clear(&findings);
}
END_TEST

START_TEST(each_page_is_one_upstream_behind_those_that_are_written)
{
    static const char text[] = CONFIG_ROWS_BACK LOCAL("{ path = \"/a\"; serve = \"status\"; }, { path = \"/b\"; serve = \"status\"; }, { path = \"/c\"; serve = \"health\"; }, { upstream = \"up\"; }");
    struct findings findings;
    findings_init(&findings);
    struct config *c = config_parse(text, "/etc/x.conf", &findings);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->n_upstreams, 3);
    ck_assert_uint_eq(c->n_served, 2);
    ck_assert_str_eq(c->upstreams[1].name, "serve:status");
    ck_assert_int_eq(c->upstreams[1].serves, CONFIG_SERVE_STATUS);
    ck_assert_int_eq(c->upstreams[1].targets[0].address.kind, ADDRESS_SELF);
    ck_assert_ptr_eq(config_find_upstream(c, "serve:health"), &c->upstreams[2]);
    ck_assert_str_eq(c->listeners[0].routes[1].upstream, "serve:status");
    ck_assert_str_eq(config_serve_word(CONFIG_SERVE_DASHBOARD), "dashboard");
    config_free(c);
    findings_clear(&findings);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_serve");
    TCase *t = tcase_create("config_serve");
    tcase_add_loop_test(t, refuses_to_show_the_state_to_everyone, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_what_is_for_this_host_or_has_a_gate, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, rules_that_are_only_tried_out_are_no_gate);
    tcase_add_test(t, each_page_is_one_upstream_behind_those_that_are_written);
    suite_add_tcase(s, t);
    return s;
}
