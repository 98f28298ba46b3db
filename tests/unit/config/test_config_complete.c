/* SPDX-License-Identifier: Apache-2.0 */
#include "config_complete.h"
#include "config_rows.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct config *take(const char *text)
{
    struct findings f;
    findings_init(&f);
    struct config *c = config_parse(text, "x.conf", &f);
    ck_assert_msg(c != NULL, "%s", f.n > 0 ? f.items[0].text : "");
    findings_clear(&f);
    return c;
}

#define LISTENER(keys) CONFIG_ROWS_NAMES CONFIG_ROWS_BACK "listeners = { app = { " keys " }; };\n"
#define TLS "tls = { identity = \"me\"; trust = \"ca\"; }; "

START_TEST(one_upstream_is_one_route_that_matches_everything)
{
    struct config *c = take(CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL);
    const struct config_listener *l = &c->listeners[0];
    ck_assert_uint_eq(l->n_routes, 1);
    ck_assert_str_eq(l->routes[0].upstream, "up");
    ck_assert_ptr_null(l->routes[0].path);
    ck_assert(l->routes[0].host.n == 0 && l->routes[0].cert == 0 && !l->has_path_rules);
    config_free(c);
}
END_TEST

START_TEST(paths_are_looked_at_when_a_route_matches_or_changes_them)
{
    static const struct {
        const char *why, *text;
        bool rules;
    } rows[] = {
        {"no path", LISTENER("bind = \":1\"; " TLS "routes = ( { host = \"a\"; upstream = \"up\"; }, { upstream = \"up\"; } );"), false},
        {"a path", LISTENER("bind = \":1\"; " TLS "routes = ( { host = \"a\"; upstream = \"up\"; }, { path = \"/a\"; respond = 404; } );"), true},
        {"a prefix", LISTENER("bind = \":1\"; " TLS "routes = ( { path = \"/a\"; strip_prefix = \"/a\"; upstream = \"up\"; }, { upstream = \"up\"; } );"), true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = take(rows[i].text);
        ck_assert_msg(c->listeners[0].has_path_rules == rows[i].rules, "%s", rows[i].why);
        config_free(c);
    }
}
END_TEST

START_TEST(methods_are_looked_at_when_a_route_matches_them) /* C11 */
{
    struct config *c = take(LISTENER("bind = \":1\"; " TLS "routes = ( { method = \"GET\"; upstream = \"up\"; }, { respond = 405; } );"));
    ck_assert(c->listeners[0].has_method_rules && !c->listeners[0].has_path_rules);
    config_free(c);
    c = take(LISTENER("bind = \":1\"; " TLS "routes = ( { path = \"/a\"; upstream = \"up\"; }, { respond = 405; } );"));
    ck_assert(!c->listeners[0].has_method_rules);
    config_free(c);
}
END_TEST

/* E1 */
START_TEST(browsers_are_guarded_against_where_they_can_get)
{
    static const struct {
        const char *why, *text;
        bool guards;
    } rows[] = {
        {"plaintext http", LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\";"), true},
        {"a unix socket too", LISTENER("bind = [ \"unix:/a\", \"127.0.0.1:1\" ]; upstream = \"up\";"), true},
        {"exposed", LISTENER("bind = \":1\"; insecure_expose = true; upstream = \"up\";"), true},
        {"a unix socket, which no page reaches", LISTENER("bind = \"unix:/a\"; upstream = \"up\";"), false},
        {"tls, where names are verified", LISTENER("bind = \"127.0.0.1:1\"; " TLS "upstream = \"up\";"), false},
        {"tcp", LISTENER("bind = \"127.0.0.1:1\"; protocol = \"tcp\"; upstream = \"up\";"), false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = take(rows[i].text);
        ck_assert_msg(c->listeners[0].guards_browsers == rows[i].guards, "%s", rows[i].why);
        config_free(c);
    }
}
END_TEST

START_TEST(names_of_hosts_are_in_small_letters)
{
    struct config *c = take(LISTENER("bind = \"127.0.0.1:1\"; hosts = \"Own.Example:80\"; allow_origins = \"HTTPS://Page.Example\"; "
                                     "forward_proxy = { direct = \"*.Direct\"; }; routes = ( { host = [ \"A.Example\", \"*.B\" ]; upstream = \"up\"; } );"));
    const struct config_listener *l = &c->listeners[0];
    ck_assert_str_eq(l->hosts.items[0], "own.example:80");
    ck_assert_str_eq(l->allow_origins.items[0], "https://page.example");
    ck_assert_str_eq(l->forward_proxy.direct.items[0], "*.direct");
    ck_assert_str_eq(l->routes[0].host.items[0], "a.example");
    ck_assert_str_eq(l->routes[0].host.items[1], "*.b");
    config_free(c);
}
END_TEST

START_TEST(what_depends_on_other_keys_has_its_default)
{
    static const struct {
        const char *why, *health;
        uint64_t interval_ms;
    } rows[] = {{"none", "", 0}, {"asked for", "health = { };", 10000}, {"with a path", "health = { path = \"/a\"; };", 10000}, {"told", "health = { interval = \"3s\"; };", 3000}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[500];
        snprintf(text, sizeof(text), CONFIG_ROWS_LOCAL "upstreams = { up = { targets = \"127.0.0.1:1\"; %s }; };", rows[i].health);
        struct config *c = take(text);
        ck_assert_msg(c->upstreams[0].health_interval_ms == rows[i].interval_ms, "%s", rows[i].why);
        ck_assert_str_eq(c->upstreams[0].health_expect, "200-399");
        ck_assert(c->upstreams[0].retry_after_ms == 10000 && c->upstreams[0].retries == 1);
        ck_assert(c->listeners[0].body_ms == 30000 && c->listeners[0].write_ms == 30000);
        ck_assert(!c->listeners[0].forward_proxy.present);
        config_free(c);
    }
}
END_TEST

START_TEST(it_is_known_whether_addresses_of_answers_were_spoken_of)
{
    static const struct {
        const char *text;
        bool given, on;
    } rows[] = {
        {LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\";"), false, false},
        {LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\"; rewrite_location = true;"), true, true},
        {LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\"; rewrite_location = false;"), true, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = take(rows[i].text);
        ck_assert(c->listeners[0].rewrite_location_given == rows[i].given && c->listeners[0].rewrite_location == rows[i].on);
        config_free(c);
    }
}
END_TEST

START_TEST(only_programs_of_this_host_may_upload_as_slowly_as_they_like) /* C7 */
{
    static const struct {
        const char *why, *text;
        unsigned rate;
    } rows[] = {
        {"plaintext on loopback", LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\";"), 0},
        {"localhost and a unix socket", LISTENER("bind = [ \"localhost:1\", \"[::1]:1\", \"unix:/a\" ]; upstream = \"up\";"), 0},
        {"told all the same", LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\"; timeouts = { min_body_rate = 7; };"), 7},
        {"other timeouts told", LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\"; timeouts = { body = \"1s\"; };"), 0},
        {"one address that others reach", LISTENER("bind = [ \"127.0.0.1:1\", \":2\" ]; insecure_expose = true; upstream = \"up\";"), 500},
        {"tls on loopback", LISTENER("bind = \"127.0.0.1:1\"; " TLS "upstream = \"up\";"), 500},
        {"tls", LISTENER("bind = \":1\"; " TLS "upstream = \"up\";"), 500},
        {"tls, any rate", LISTENER("bind = \":1\"; " TLS "upstream = \"up\"; timeouts = { min_body_rate = 0; };"), 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config *c = take(rows[i].text);
        ck_assert_msg(c->listeners[0].min_body_rate == rows[i].rate, "%s: %u", rows[i].why, c->listeners[0].min_body_rate);
        config_free(c);
    }
}
END_TEST

START_TEST(a_forward_proxy_is_one_when_its_group_is_there)
{
    struct config *c = take(LISTENER("bind = \"127.0.0.1:1\"; upstream = \"up\"; forward_proxy = { direct = \"a\"; };"));
    const struct config_forward_proxy *p = &c->listeners[0].forward_proxy;
    ck_assert(p->present && p->connect == CONFIG_CONNECT_SNIFF && p->unmatched == CONFIG_UNMATCHED_REFUSE && p->direct.n == 1);
    config_free(c);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_complete");
    TCase *t = tcase_create("config_complete");
    tcase_add_test(t, one_upstream_is_one_route_that_matches_everything);
    tcase_add_test(t, paths_are_looked_at_when_a_route_matches_or_changes_them);
    tcase_add_test(t, methods_are_looked_at_when_a_route_matches_them);
    tcase_add_test(t, browsers_are_guarded_against_where_they_can_get);
    tcase_add_test(t, names_of_hosts_are_in_small_letters);
    tcase_add_test(t, what_depends_on_other_keys_has_its_default);
    tcase_add_test(t, it_is_known_whether_addresses_of_answers_were_spoken_of);
    tcase_add_test(t, only_programs_of_this_host_may_upload_as_slowly_as_they_like);
    tcase_add_test(t, a_forward_proxy_is_one_when_its_group_is_there);
    suite_add_tcase(s, t);
    return s;
}
