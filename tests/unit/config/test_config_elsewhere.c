/* SPDX-License-Identifier: Apache-2.0 */
#include "config_elsewhere.h"
#include "t.h"

#include <string.h>

#define UP "upstreams = { up = { targets = [ \"127.0.0.1:1\" ];\n"
#define APP "listeners = { app = { bind = \"127.0.0.1:80\"; upstream = \"up\";\n"
#define END " }; };\n"

static const struct {
    const char *why, *text, *says;
} cases[] = {
    {"a key of tls beside it", UP "tls = { trust = \"t\"; };\nidentity = \"me\";" END APP END,
     "x.conf:3: upstreams.up.identity: unknown key here; it belongs in upstreams.up.tls: move it there, to x.conf:2"},
    {"a key of tls where there is none", UP "identity = \"me\";" END APP END,
     "x.conf:2: upstreams.up.identity: unknown key here; it belongs in upstreams.up.tls: write tls = { identity = \"me\"; };"},
    {"of a listener", UP END APP "trust = \"t\";" END,
     "x.conf:4: listeners.app.trust: unknown key here; it belongs in listeners.app.tls: write tls = { trust = \"t\"; };"},
    {"a number that stays one", UP END APP "min_body_rate = 5;" END,
     "listeners.app.min_body_rate: unknown key here; it belongs in listeners.app.timeouts: write timeouts = { min_body_rate = 5; };"},
    {"a list, whose example is shown", UP "expect = [ \"a\", \"b\" ];" END APP END, "it belongs in upstreams.up.tls: write tls = { expect = [ "},
    {"a key of the group around", UP "tls = { trust = \"t\"; targets = \"a:1\"; };" END APP END,
     "x.conf:2: upstreams.up.tls.targets: unknown key here; it belongs in upstreams.up: move it there, to x.conf:1"},
    {"a key of a group beside", UP "timeouts = { server_name = \"x\"; };" END APP END, "it belongs in upstreams.up.tls: write tls = { server_name = \"x\"; };"},
    {"a CA in tls", UP "tls = { ca = \"ca.pem\"; };" END APP END,
     "upstreams.up.tls.ca: unknown key here; it belongs in trusts.NAME: write trusts = { NAME = { ca = \"ca.pem\"; }; }; at the top level, and trust = \"NAME\"; in tls"},
    {"a certificate in tls", UP "tls = { certificate = \"me.crt\"; };" END APP END,
     "it belongs in identities.NAME: write identities = { NAME = { certificate = \"me.crt\"; }; }; at the top level, and identity = \"NAME\"; in tls"},
    {"what listeners ask, of an upstream", UP "tls = { client_cert = \"required\"; };" END APP END, "it belongs in listeners.NAME.tls"},
    {"a match beside routes", UP END APP "path = \"/a\";" END, "it belongs in a route, as in routes = ( { path = \"/a\"; upstream = \"app\"; } )"},
    {"a weight beside targets", UP "weight = 2;" END APP END, "it belongs in a target, as in targets = ( { address = \"10.0.0.1:8443\"; weight = 2; } )"},
    {"a name without a rule", UP END APP "cn = \"ops\";" END, "it belongs in a rule, as in allow = ( { cn = \"ops\"; } )"},
    {"a key of the top level", UP END APP "drain_timeout = \"5s\";" END,
     "listeners.app.drain_timeout: unknown key here; it belongs at the top level, outside of every group: drain_timeout = \"5s\";"},
    {"a key of a small group", UP END APP END "level = \"debug\";", "level: unknown key here; it belongs in log: write log = { level = \"debug\"; };"},
    {"of one that is there", UP END APP END "log = { format = \"json\"; };\nlevel = \"debug\";",
     "x.conf:6: level: unknown key here; it belongs in log: move it there, to x.conf:5"},
    {"a word of another program goes before a namesake", UP "tls = { cert = \"me.pem\"; };" END APP END, "the equivalent here is identity = NAME in tls"},
};

START_TEST(says_the_exact_place_and_what_to_write_there)
{
    struct findings f;
    char told[1024] = "";
    findings_init(&f);
    struct config *c = config_parse(cases[_i].text, "x.conf", &f);
    if (f.n > 0)
        snprintf(told, sizeof(told), "%s: %s", f.items[0].where, f.items[0].text);
    ck_assert_msg(strstr(told, cases[_i].says) != NULL, "%s: %s", cases[_i].why, told);
    config_free(c);
    findings_clear(&f);
}
END_TEST

/* No message names a group as the table of keys does. */
START_TEST(every_key_in_every_wrong_group_is_told_in_words_of_the_file)
{
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++) {
        char text[512];
        struct findings f;
        findings_init(&f);
        snprintf(text, sizeof(text), UP "tls = { %s = \"x\"; };" END APP "timeouts = { %s = \"x\"; };" END "limits = { %s = \"x\"; };", options[i].key,
                 options[i].key, options[i].key);
        config_free(config_parse(text, "x.conf", &f));
        for (size_t k = 0; k < f.n; k++) {
            const char *place = strstr(f.items[k].text, "it belongs in ");
            ck_assert_msg(place == NULL || (strncmp(place + 14, "upstream.", 9) != 0 && strncmp(place + 14, "listener.", 9) != 0), "%s", f.items[k].text);
            ck_assert_msg(strstr(f.items[k].text, "unknown key here") == NULL || place != NULL || strstr(f.items[k].text, "top level") != NULL, "%s",
                          f.items[k].text);
        }
        findings_clear(&f);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_elsewhere");
    TCase *t = tcase_create("places");
    tcase_add_loop_test(t, says_the_exact_place_and_what_to_write_there, 0, sizeof(cases) / sizeof(cases[0]));
    tcase_add_test(t, every_key_in_every_wrong_group_is_told_in_words_of_the_file);
    suite_add_tcase(s, t);
    return s;
}
