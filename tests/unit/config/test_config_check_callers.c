/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define IDENTITIES "identities = { me = { bundle = \"me.pem\"; allow_uids = [ \"a\", \"1001\" ]; }; other = { bundle = \"other.pem\"; allow_gids = 7; }; all = { bundle = \"all.pem\"; }; };\n"
#define FAR(tls) "trusts = { ca = { ca = \"ca.pem\"; }; };\nupstreams = { up = { targets = \"far.example:1\"; tls = { trust = \"ca\"; " tls " }; }; };\n"
#define APP(bind, more) "listeners = { app = { bind = " bind "; upstream = \"up\"; " more " }; };\n"

static const struct config_row refused[] = {
    {"E2: a listener of other hosts alone", CONFIG_ROWS_BACK APP("\"10.0.0.1:1\"", "insecure_expose = true; allow_uids = \"a\";"), "listeners.app.allow_uids: no user is known of clients here"},
    {"E2: by groups", CONFIG_ROWS_BACK APP("\"10.0.0.1:1\"", "insecure_expose = true; allow_gids = \"a\";"), "listeners.app.allow_gids: no user is known of clients here"},
    {"E2: the identity that a listener presents", IDENTITIES FAR("identities = [ \"all\", \"other\", \"me\" ];") APP("\":1\"", "tls = { identity = \"me\"; };"),
     "tls.identity: identity \"me\" has allow_uids or allow_gids, which limit the use by upstreams"},
    {"a number that is none", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = [ \"a:b\" ];"), "neither a name nor a number"},
    {"no user at all", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = [ ];"), "the list is empty"},
    {"a fraction", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = 1.5;"), "this is a number with a fraction where a name, a number, or a list of these is expected"},
    {"true", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = true;"), "where a name, a number, or a list of these is expected"},
};

static const struct config_row taken[] = {
    {"loopback", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = [ 0, 1001 ];"), NULL},
    {"names and numbers", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "allow_uids = ( \"a\", 1001 ); allow_gids = \"b\";"), NULL},
    {"a unix socket", CONFIG_ROWS_BACK APP("\"unix:x.sock\"", "allow_gids = \"a\";"), NULL},
    {"every address of this host, of which loopback is one", IDENTITIES FAR("identities = [ \"me\", \"other\", \"all\" ];") "listeners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"all\"; }; allow_uids = \"a\"; }; };", NULL},
    {"an identity that no client of the listener can use", IDENTITIES FAR("identities = [ \"all\", \"other\", \"me\" ];") APP("\"10.0.0.1:1\"", "tls = { identity = \"all\"; };"),
     "identity \"other\" with allow_uids or allow_gids is never used for them"},
};

START_TEST(refuses_it_and_says_what_to_do)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_it_with_a_warning_or_without)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_callers");
    TCase *t = tcase_create("config_check_callers");
    tcase_add_loop_test(t, refuses_it_and_says_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
