/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define TLS(trust) "tls = { identity = \"me\"; " trust "}; "
#define WITH(tls, route) CONFIG_ROWS_NAMES CONFIG_ROWS_BACK "listeners = { app = { bind = \":8443\"; " tls "routes = ( { path = \"/p\"; " route " }, { upstream = \"up\"; } ); }; };\n"
#define ASKING(route) WITH(TLS("trust = \"ca\"; "), route)
#define ASKS_NOBODY(route) "identities = { me = { bundle = \"me.pem\"; }; };\n" CONFIG_ROWS_BACK "listeners = { app = { bind = \":8443\"; " TLS("") "routes = ( { path = \"/p\"; " route " }, { upstream = \"up\"; } ); }; };\n"
#define PLAIN(route) CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:8080\"; routes = ( { path = \"/p\"; " route " }, { upstream = \"up\"; } ); }; };\n"
#define SETS(value) "upstream = \"up\"; set_headers = { X-Client = \"" value "\"; };"
#define REDIRECTS(place) "redirect = \"" place "\";"

static const struct config_row refused[] = {
    {"a word that is no variable", ASKING(SETS("{cert.cm}")), "listeners.app.routes[0].set_headers.X-Client: there is no variable {cert.cm}: did you mean {cert.cn}?"},
    {"the same in a redirect", ASKING(REDIRECTS("/e?n={cert.eror}")), "redirect: there is no variable {cert.eror}: did you mean {cert.error}?"},
    {"a brace that is none", ASKING(SETS("a{b")), "\"{b\" is not a variable: write {NAME}, as in {cert.cn}, or {{ for a brace"},
    {"a variable of Apache", ASKING(SETS("%{SSL_PROTOCOL}s")), "\"{SSL_PROTOCOL}s\" is not a variable"},
    /* C15: a client does not choose where a redirect leads */
    {"C15: a host of the certificate's choice", ASKING(REDIRECTS("https://{cert.cn}/")), "redirect: \"https://{cert.cn}/\" is not a valid Location: in its host, only {request.host} can stand"},
    {"C15: a part of the host", ASKING(REDIRECTS("https://{cert.cn}.example/")), "in its host, only {request.host}"},
    {"C15: the port", ASKING(REDIRECTS("https://a.example:{client.port}/")), "in its host, only {request.host}"},
    {"C15: the scheme", ASKING(REDIRECTS("{cert.uri}")), "at its begin, only {request.path} and {request.uri} can stand"},
    {"C15: a slash short of a host", ASKING(REDIRECTS("https:/{request.path}")), "at its begin, only {request.path} and {request.uri}"},
    {"C15: a user before the host", ASKING(REDIRECTS("https://a@{request.host}/")), "hides its host"},
    {"C15: two slashes", ASKING(REDIRECTS("//{request.host}/")), "a browser sees another host"},
};

static const struct config_row taken[] = {
    {"variables in a field", ASKING(SETS("{cert.cn} by {tls.version} {{x}")), NULL},
    {"the number in a redirect", ASKING(REDIRECTS("/late.html?error={cert.error}")), NULL},
    {"to https", PLAIN(REDIRECTS("https://{request.host}:8443{request.uri}")), NULL},
    {"to another host with the same path", PLAIN(REDIRECTS("https://new.example{request.uri}")), NULL},
    {"a slash behind the path", PLAIN(REDIRECTS("{request.path}/")), NULL},
    {"a variable of nginx, which is none", PLAIN(SETS("$remote_addr")), "\"$remote_addr\" is sent as it stands: variables are written as {cert.cn}"},
    {"a dollar inside", PLAIN(SETS("5$")), NULL},
    {"a certificate where there is no TLS", PLAIN(SETS("{cert.cn}")), "set_headers.X-Client: {cert.cn} never has a value: this listener requests no certificate"},
    {"a TLS version where there is no TLS", PLAIN(REDIRECTS("/a?v={tls.version}")), "redirect: {tls.version} never has a value: this listener has no tls"},
    {"a certificate that nobody requests", ASKS_NOBODY(SETS("{cert.status}")), "{cert.status} never has a value"},
    {"a TLS version there", ASKS_NOBODY(SETS("{tls.version}")), NULL},
};

START_TEST(refuses_with_the_place)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_and_says_what_has_no_effect)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_text");
    TCase *t = tcase_create("config_check_text");
    tcase_add_loop_test(t, refuses_with_the_place, 0, (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_loop_test(t, takes_and_says_what_has_no_effect, 0, (int)(sizeof(taken) / sizeof(taken[0])));
    suite_add_tcase(s, t);
    return s;
}
