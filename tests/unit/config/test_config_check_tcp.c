/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#include "mtlsd/config/config.h"

#define BACKS CONFIG_ROWS_NAMES "upstreams = { up = { targets = \"127.0.0.1:1\"; }; b = { targets = \"127.0.0.1:2\"; }; };\n"
#define L(keys) BACKS "listeners = { app = { bind = \":5\"; " keys " }; };\n"
#define TLS(keys) "tls = { identity = \"me\"; trust = \"ca\"; " keys " }; "
#define TWO "routes = ( { sni = \"a.example\"; upstream = \"up\"; }, { sni = \"*.b.example\"; upstream = \"b\"; } );"
#define TCP "protocol = \"tcp\"; "
#define P(keys) "upstreams = { up = { targets = \"127.0.0.1:1\"; }; b = { targets = \"127.0.0.1:2\"; }; };\nlisteners = { app = { bind = \":5\"; " PASS keys " }; };\n"
#define PASS "protocol = \"tls-passthrough\"; "
#define U(keys, listener)                                                                                                                            \
    CONFIG_ROWS_NAMES "upstreams = { up = { targets = \"127.0.0.1:9\"; " keys " }; };\nlisteners = { app = { bind = \"127.0.0.1:5\"; upstream = \"up\"; " listener " }; };\n"

static const struct config_row refused[] = {
    {"a name on http", L(TLS("") "routes = ( { path = \"/a\"; sni = \"a\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), "routes[0].sni: needs protocol = \"tcp\""},
    {"a name in plaintext", BACKS "listeners = { app = { bind = \"127.0.0.1:5\"; " TCP "routes = ( { sni = \"a\"; upstream = \"up\"; }, { upstream = \"b\"; } ); }; };",
     "sni: needs tls or protocol = \"tls-passthrough\""},
    {"a name that is none", L(TCP TLS("") "routes = ( { sni = \"a..b\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), "routes[0].sni: \"a..b\""},
    {"a name with a port", L(PASS "routes = ( { sni = \"a:1\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), "routes[0].sni: \"a:1\""},
    {"a path on tcp", L(TCP TLS("") "routes = ( { path = \"/a\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), "routes[0].path: needs protocol = \"http\""},
    {"a host on tcp", L(TCP TLS("") "routes = ( { host = \"a\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), "routes[0].host: needs protocol = \"http\""},
    {"an answer on tcp", L(TCP TLS("") "routes = ( { sni = \"a\"; upstream = \"up\"; }, { respond = 404; } );"), "routes[1].respond: needs protocol = \"http\""},
    {"a route that is never reached", L(TCP TLS("") "routes = ( { upstream = \"up\"; }, { sni = \"a\"; upstream = \"b\"; } );"), "routes[1]: is never reached"},
    {"TLS that ends here and passes through", L(PASS TLS("") "upstream = \"up\";"), "tls: has no place with protocol = \"tls-passthrough\""},
    {"TLS in TLS", U("tls = { trust = \"ca\"; };", PASS), "protocol: upstream \"up\" has tls"},
    {"rules of a TLS that ends elsewhere", L(PASS "allow = ( { cn = \"a\"; } ); upstream = \"up\";"), "allow: rules need"},
    {"starttls on http", L(TLS("starttls = \"postgres\";") "upstream = \"up\";"), "tls.starttls: needs protocol = \"tcp\""},
    {"another word", L(TCP TLS("starttls = \"pop3\";") "upstream = \"up\";"), "tls.starttls: \"pop3\" is not a valid value"},
    {"starttls of an http upstream", U(TLS("starttls = \"smtp\";"), ""), "tls.starttls: needs listeners with protocol = \"tcp\""},
    {"a path to check a database by", U(TLS("starttls = \"postgres\";") "health = { path = \"/\"; };", TCP), "health.path: needs a server of HTTP"},
    {"a spare connection of MySQL", U(TLS("starttls = \"mysql\";") "pool = { spare = 1; };", TCP), "pool.spare: has no place with starttls = \"mysql\""},
    {"two protocols", U(TLS("starttls = \"smtp\";"), TCP TLS("starttls = \"imap\";")), "tls.starttls: is \"imap\", but \"smtp\" in upstream \"up\""},
    {"MySQL by names", L(TCP TLS("starttls = \"mysql\";") TWO), "\"mysql\" needs one upstream"},
};

static const struct config_row taken[] = {
    {"names on tcp", L(TCP TLS("") TWO), NULL},
    {"names of a TLS that passes through", P(TWO), NULL},
    {"a rest", P("routes = ( { sni = \"a\"; upstream = \"up\"; }, { upstream = \"b\"; } );"), NULL},
    {"a database on both sides", U(TLS("starttls = \"postgres\"; alpn = \"postgresql\";"), TCP TLS("starttls = \"postgres\"; alpn = \"postgresql\";")), NULL},
    {"MySQL on both sides", U(TLS("starttls = \"mysql\";"), TCP TLS("starttls = \"mysql\";")), NULL},
    {"spare connections of a mail server", U(TLS("starttls = \"smtp\";") "pool = { spare = 1; };", TCP), NULL},
};

START_TEST(refuses)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(each_protocol_has_its_word)
{
    struct config_listener l = {.protocol = CONFIG_PROTOCOL_HTTP};
    ck_assert_str_eq(config_protocol_word(&l), "http");
    l.protocol = CONFIG_PROTOCOL_TCP;
    ck_assert_str_eq(config_protocol_word(&l), "tcp");
    l.passthrough = true;
    ck_assert_str_eq(config_protocol_word(&l), "tls-passthrough");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_tcp");
    TCase *t = tcase_create("tcp");
    tcase_add_loop_test(t, refuses, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, each_protocol_has_its_word);
    suite_add_tcase(s, t);
    return s;
}
