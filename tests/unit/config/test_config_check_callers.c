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

#define SECRET(name) "require_header = { name = \"" name "\"; value_file = \"s\"; };"

static const struct config_row secrets[] = {
    {"E2: a secret of tcp", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "protocol = \"tcp\"; " SECRET("X-S")), "require_header: needs protocol = \"http\""},
    {"no name", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "require_header = { value_file = \"s\"; };"), "name is missing"},
    {"no file", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "require_header = { name = \"X-S\"; };"), "value_file is missing"},
    {"framing", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", SECRET("Content-Length")), "cannot carry a secret: it says where the body ends"},
    {"no name of a field", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", SECRET("X S")), "cannot carry a secret: it cannot be the name of a field"},
    {"a field that is logged", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", SECRET("user-agent")), "cannot carry a secret: it has another meaning, or is logged"},
    {"a proxy's, without a proxy", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", SECRET("Proxy-Authorization")), "only programs of a forward proxy send it"},
};

#define PROXY(more, rest) CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; forward_proxy = { intercept = { ca = \"ca.pem\"; key = \"ca.key\"; }; " more " }; " rest " }; };"

static const struct config_row intercepts[] = {
    {"E7: no key", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; forward_proxy = { intercept = { ca = \"ca.pem\"; }; }; routes = ( { host = \"a.example\"; upstream = \"up\"; } ); }; };",
     "forward_proxy.intercept: give ca and key"},
    {"E7: blind tunnels", PROXY("connect = \"tunnel\"; direct = \"b.example\";", "routes = ( { host = \"a.example\"; upstream = \"up\"; } );"), "needs connect = \"sniff\""},
    {"E7: no host", PROXY("direct = \"b.example\";", "upstream = \"up\";"), "needs a route with host and upstream"},
};

static const struct config_row taken[] = {
    {"E7: the hosts of routes", PROXY("", "routes = ( { host = \"a.example\"; upstream = \"up\"; } );"), NULL},
    {"a secret", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", SECRET("X-S")), NULL},
    {"a proxy's", CONFIG_ROWS_BACK APP("\"127.0.0.1:1\"", "forward_proxy = { direct = \"a.example\"; }; " SECRET("Proxy-Authorization")), NULL},
    {"neither, in the open", CONFIG_ROWS_BACK APP("\":1\"", "insecure_expose = true;"), "is served in plaintext: add require_header for programs of other hosts, or allow_uids"},
    {"neither, of tcp", CONFIG_ROWS_BACK APP("\":1\"", "protocol = \"tcp\"; insecure_expose = true;"), "is served in plaintext: add allow_uids for programs of this host alone"},
    {"a secret in the open", CONFIG_ROWS_BACK APP("\":1\"", "insecure_expose = true; " SECRET("X-S")), "knows the value of require_header, which crosses the network in plaintext, is served in plaintext"},
    {"users in the open", CONFIG_ROWS_BACK APP("\":1\"", "insecure_expose = true; allow_uids = 0;"), "allow_uids or allow_gids refuse all of their connections"},
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

START_TEST(refuses_a_header_that_cannot_carry_a_secret)
{
    config_rows_refused(&secrets[_i]);
}
END_TEST

START_TEST(refuses_to_intercept_where_it_cannot)
{
    config_rows_refused(&intercepts[_i]);
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
    tcase_add_loop_test(t, refuses_a_header_that_cannot_carry_a_secret, 0, CONFIG_ROWS_COUNT(secrets));
    tcase_add_loop_test(t, refuses_to_intercept_where_it_cannot, 0, CONFIG_ROWS_COUNT(intercepts));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
