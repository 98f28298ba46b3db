/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#define TLS(more) "tls = { identity = \"me\"; trust = \"ca\"; " more " }; "
#define LISTENER(keys) CONFIG_ROWS_NAMES CONFIG_ROWS_BACK "listeners = { app = { upstream = \"up\"; " keys " }; };\n"
#define PLAIN(keys) CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; " keys " }; };\n"
#define ME "identities = { me = { bundle = \"b\"; }; };\n"
#define PROXY "forward_proxy = { direct = \"a.example\"; }; "

static const struct config_row refused[] = {
    /* E1: what keeps web pages out must say what it means */
    {"E1: a host that is a URL", PLAIN("hosts = [ \"http://a.example\" ];"), "hosts: \"http://a.example\": write the host alone"},
    {"E1: hosts with a star, which would be anybody's", PLAIN("hosts = \"*.example\";"), "a * has no meaning here"},
    {"E1: a host with a port that is none", PLAIN("hosts = \"a.example:http\";"), "stands no port"},
    {"E1: a host with port 0", PLAIN("hosts = \"a.example:0\";"), "stands no port"},
    {"E1: a host with a blank", PLAIN("hosts = \"a b\";"), "is not a host name"},
    {"E1: a host with an empty label", PLAIN("hosts = \"a..b\";"), "is not a host name"},
    {"E1: any origin", PLAIN("allow_origins = \"*\";"), "any page could then use our certificate"},
    {"E1: an origin without a scheme", PLAIN("allow_origins = \"console.example\";"), "an origin has a scheme"},
    {"E1: an origin with a path", PLAIN("allow_origins = \"https://console.example/app\";"), "leave out the path"},
    {"E1: an origin with a slash, which no browser sends", PLAIN("allow_origins = \"https://console.example/\";"), "leave out the path"},
    {"E1: an origin with a star", PLAIN("allow_origins = \"https://*.example\";"), "a * has no meaning here"},
    /* E3: nobody becomes an open proxy by an oversight */
    {"E3: a proxy for whoever speaks TLS", CONFIG_ROWS_BACK "identities = { me = { bundle = \"b\"; }; };\nlisteners = { app = { bind = \":1\"; upstream = \"up\"; tls = { identity = \"me\"; }; " PROXY "}; };",
     "forward_proxy: every client could use this listener as a proxy"},
    {"E3: a proxy for whoever shows no certificate", LISTENER("bind = \":1\"; " TLS("client_cert = \"optional\";") PROXY), "every client could use this listener as a proxy"},
    {"E3: a plaintext proxy for everybody", CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; upstream = \"up\"; " PROXY "}; };", "is plaintext beyond this host"},
    {"E3: a proxy on tcp", PLAIN("protocol = \"tcp\"; " PROXY), "forward_proxy: needs protocol = \"http\""},
    {"E3: a proxy to nothing", PLAIN("forward_proxy = { };"), "it reaches no host"},
    {"E3: a direct host that is a URL", PLAIN("forward_proxy = { direct = \"http://a\"; };"), "forward_proxy.direct: \"http://a\": write the host alone"},
    {"E3: every host directly", PLAIN("forward_proxy = { direct = \"*\"; };"), "a * can only stand"},
    {"E3: a star inside", PLAIN("forward_proxy = { direct = \"a.*.example\"; };"), "a * can only stand"},
    {"E3: a star for part of a label", PLAIN("forward_proxy = { direct = \"*a.example\"; };"), "a * can only stand"},
    {"E3: a strange word for CONNECT", PLAIN("forward_proxy = { connect = \"allow\"; direct = \"a\"; };"), "write sniff | tunnel | refuse"},
    {"A2: tolerating on tcp, where no route could answer", LISTENER("bind = \":1\"; protocol = \"tcp\"; " TLS("tolerate = \"expired\";")), "tolerate: needs protocol = \"http\""},
    {"A2: tolerating what nobody asks for", LISTENER("bind = \":1\"; " TLS("client_cert = \"none\"; tolerate = \"expired\";")), "tolerate: needs a trust and client_cert"},
    {"A2: tolerating what cannot be read", LISTENER("bind = \":1\"; " TLS("tolerate = \"malformed\";")), "\"malformed\" is not a valid value"},
    {"A2: tolerating no certificate", LISTENER("bind = \":1\"; " TLS("tolerate = \"none\";")), "\"none\" is not a valid value"},
    {"hosts on tcp", PLAIN("protocol = \"tcp\"; hosts = \"a\";"), "hosts: needs protocol = \"http\""},
    {"origins on tcp", PLAIN("protocol = \"tcp\"; allow_origins = \"https://a\";"), "allow_origins: needs protocol = \"http\""},
    {"a grace without an age", PLAIN("timeouts = { max_connection_age_grace = \"5s\"; };"), "max_connection_age_grace: has no effect without max_connection_age"},
    {"paths on tcp", PLAIN("protocol = \"tcp\"; normalize_path = true;"), "normalize_path: needs protocol = \"http\""},
    {"Location on tcp", PLAIN("protocol = \"tcp\"; rewrite_location = true;"), "rewrite_location: needs protocol = \"http\""},
    {"a timeout of nothing", PLAIN("timeouts = { body = \"0s\"; };"), "0s is too little"},
    {"upstream and routes", PLAIN("routes = ( { upstream = \"up\"; } );"), "upstream: give either upstream or routes"},
    {"neither", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; }; };", "listeners.app: upstream is missing, write for example: upstream ="},
};

static const struct config_row taken[] = {
    {"hosts and origins", PLAIN("hosts = [ \"App.Example\", \"b.example:8080\", \"10.0.0.1\", \"[::1]:8080\", \"::1\" ]; allow_origins = [ \"https://c.example:8443\", \"null\", \"tauri://localhost\" ];"), NULL},
    {"a proxy on loopback", PLAIN("forward_proxy = { connect = \"tunnel\"; direct = [ \"*.a.example\", \"b.example:8080\", \"10.0.0.1\" ]; };"), NULL},
    {"a proxy to anywhere on loopback", PLAIN("forward_proxy = { unmatched = \"direct\"; };"), NULL},
    {"a proxy for who has a certificate", LISTENER("bind = \":1\"; " TLS("") PROXY), NULL},
    {"an open proxy that is wanted", LISTENER("bind = \":1\"; insecure_expose = true; " TLS("client_cert = \"optional\";") PROXY), "insecure_expose: every client can use this listener as a proxy"},
    {"an open plaintext proxy that is wanted", CONFIG_ROWS_BACK "listeners = { app = { bind = \":1\"; insecure_expose = true; upstream = \"up\"; " PROXY "}; };", "served in plaintext, also as a proxy"},
    {"a proxy by routes", CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:1\"; forward_proxy = { }; routes = ( { host = \"a.example\"; upstream = \"up\"; } ); }; };", NULL},
    {"a PROXY header, timeouts", PLAIN("accept_proxy_protocol = true; timeouts = { body = \"1s\"; write = \"1m\"; min_body_rate = 0; };"), NULL},
    {"a PROXY header on tcp", PLAIN("protocol = \"tcp\"; accept_proxy_protocol = true;"), NULL},
    {"hosts where nothing guards", LISTENER("bind = \":1\"; " TLS("") "hosts = \"a\";"), "hosts: has no effect"},
    {"origins where nothing guards", LISTENER("bind = \":1\"; " TLS("") "allow_origins = \"https://a\";"), "allow_origins: has no effect"},
    {"hosts on a unix socket", CONFIG_ROWS_BACK "listeners = { app = { bind = \"unix:/a\"; upstream = \"up\"; hosts = \"a\"; }; };", "hosts: has no effect"},
    {"rules that are only tried out", LISTENER("bind = \":1\"; allow = ( { ou = \"ops\"; } ); allow_log_only = true; " TLS("")), "allow_log_only: clients that allow refuses are accepted"},
    {"rules that are enforced", LISTENER("bind = \":1\"; allow = ( { ou = \"ops\"; } ); allow_log_only = false; " TLS("")), NULL},
    {"rules to try out that are not there", LISTENER("bind = \":1\"; allow_log_only = true; " TLS("")), "allow_log_only: has no effect"},
    {"callers by the public CAs", ME CONFIG_ROWS_BACK "listeners = { app = { upstream = \"up\"; bind = \":1\"; tls = { identity = \"me\"; trust = \"system\"; }; }; };\n",
     "tls.trust: the public CAs of this machine (\"system\") issue certificates to everyone, and all these clients are accepted"},
    {"callers by the public CAs and rules", ME CONFIG_ROWS_BACK "listeners = { app = { upstream = \"up\"; bind = \":1\"; tls = { identity = \"me\"; trust = \"system\"; }; allow = ( { dns = \"a.example\"; } ); }; };\n",
     "so that only allow keeps clients out"},
    {"callers by the public CAs under another name", ME "trusts = { all = { ca = \"system\"; }; };\n" CONFIG_ROWS_BACK "listeners = { app = { upstream = \"up\"; bind = \":1\"; tls = { identity = \"me\"; trust = \"all\"; }; }; };\n",
     "name the CA of your clients"},
    {"callers by one key of the public CAs", ME "trusts = { all = { ca = \"system\"; pins = \"0000000000000000000000000000000000000000000000000000000000000000\"; }; };\n" CONFIG_ROWS_BACK "listeners = { app = { upstream = \"up\"; bind = \":1\"; tls = { identity = \"me\"; trust = \"all\"; }; }; };\n",
     NULL},
    {"an age of tcp connections", PLAIN("protocol = \"tcp\"; timeouts = { max_connection_age = \"1h\"; };"), NULL},
    {"an age with its grace", PLAIN("timeouts = { max_connection_age = \"1h\"; max_connection_age_grace = \"5s\"; };"), NULL},
    {"paths that nobody looks at", PLAIN("normalize_path = true;"), "normalize_path: has no effect"},
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
    Suite *s = suite_create("config_check_listener");
    TCase *t = tcase_create("config_check_listener");
    tcase_add_loop_test(t, refuses_it_and_says_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    suite_add_tcase(s, t);
    return s;
}
