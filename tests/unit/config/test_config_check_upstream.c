/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "t.h"

#include "mtlsd/config/config.h"

#include <stdio.h>
#include <string.h>

#define UP(keys) CONFIG_ROWS_LOCAL "upstreams = { up = { " keys " }; };\n"
#define ONE "targets = \"127.0.0.1:9\"; "
#define H2 "http2_prior_knowledge = true; "
#define A "{ address = \"127.0.0.1:1\"; route = \"a\"; }"
#define B "{ address = \"127.0.0.1:2\"; route = \"b\"; }"

static const struct config_row refused[] = {
    {"the same address twice", UP("targets = [ \"127.0.0.1:9\", \"127.0.0.1:9\" ];"), "targets[1]: \"127.0.0.1:9\" is a target already"},
    {"the same address in another spelling", UP("targets = [ \"[::1]:9\", \"[0:0::1]:9\" ];"), "is a target already"},
    {"the same socket twice", UP("targets = [ \"unix:/a\", \"unix:/a\" ];"), "is a target already"},
    {"a route twice", UP("targets = ( " A ", { address = \"127.0.0.1:2\"; route = \"a\"; } ); sticky = { cookie = \"S\"; };"),
     "targets[1].route: \"a\" is also the route of another target"},
    {"a suffix, and a target that has none", UP("targets = ( " A ", { address = \"127.0.0.1:2\"; } ); sticky = { cookie = \"S\"; mode = \"suffix\"; };"),
     "targets[1]: route is missing"},
    {"a suffix, and a target that is a string", UP("targets = ( " A ", \"127.0.0.1:2\" ); sticky = { cookie = \"S\"; mode = \"suffix\"; };"), "targets[1]: route is missing"},
    {"a route with a dot, of which a cookie's end is cut", UP("targets = ( { address = \"127.0.0.1:1\"; route = \"a.b\"; } ); sticky = { cookie = \"S\"; mode = \"suffix\"; };"),
     "\"a.b\" is not valid in a cookie"},
    {"a route that ends the cookie", UP("targets = ( { address = \"127.0.0.1:1\"; route = \"a;b\"; } ); sticky = { cookie = \"S\"; };"), "is not valid in a cookie"},
    {"a cookie whose name is none", UP(ONE "sticky = { cookie = \"a=b\"; };"), "sticky.cookie: \"a=b\" cannot be the name of a cookie"},
    {"backups only", UP("targets = ( { address = \"127.0.0.1:1\"; backup = true; }, { address = \"127.0.0.1:2\"; backup = true; } );"), "backup: all targets are backups"},
    {"one backup alone", UP("targets = ( { address = \"127.0.0.1:1\"; backup = true; } );"), "all targets are backups"},
    {"a health path that is a URL", UP(ONE "health = { path = \"http://a/\"; };"), "health.path: \"http://a/\" is not a valid path: it must begin with '/'"},
    {"a health path with a blank", UP(ONE "health = { path = \"/a b\"; };"), "write %20"},
    {"a health path with a fragment", UP(ONE "health = { path = \"/a#b\"; };"), "holds a '#'"},
    {"no status", UP(ONE "health = { path = \"/\"; expect = \"ok\"; };"), "health.expect: \"ok\" is not understood"},
    {"a status of two digits", UP(ONE "health = { path = \"/\"; expect = \"20\"; };"), "is not understood"},
    {"a range that runs back", UP(ONE "health = { path = \"/\"; expect = \"399-200\"; };"), "is not understood"},
    {"a list with a hole", UP(ONE "health = { path = \"/\"; expect = \"200,,204\"; };"), "is not understood"},
    {"a path and a service", UP(ONE H2 "health = { path = \"/\"; grpc = \"a.B\"; };"), "health.grpc: a check asks by gRPC or by path"},
    {"gRPC to a server of HTTP/1.1", UP(ONE "health = { grpc = \"a.B\"; };"), "health.grpc: gRPC needs HTTP/2: set http2_prior_knowledge"},
    {"gRPC where TLS offers HTTP/1.1 alone", UP(ONE "tls = { alpn = [ \"http/1.1\" ]; }; health = { grpc = \"a.B\"; };"), "health.grpc: gRPC needs HTTP/2: add \"h2\" to tls.alpn"},
    {"gRPC behind a tcp listener", "listeners = { app = { bind = \"127.0.0.1:8080\"; upstream = \"up\"; protocol = \"tcp\"; }; };\nupstreams = { up = { " ONE "tls = { }; health = { grpc = \"\"; }; }; };",
     "health.grpc: a tcp listener uses this upstream"},
    {"a service with a blank", UP(ONE H2 "health = { grpc = \"a B\"; };"), "health.grpc: \"a B\" is not the name of a gRPC service"},
    {"a service beyond ASCII", UP(ONE H2 "health = { grpc = \"caf\303\251\"; };"), "is not the name of a gRPC service"},
    {"a status beside a service", UP(ONE H2 "health = { grpc = \"\"; expect = \"ok\"; };"), "health.expect: \"ok\" is not understood"},
    {"a health interval too short", UP(ONE "health = { interval = \"10ms\"; };"), "10ms is too little"},
    {"a proxy to a unix socket", UP("targets = \"unix:/a\"; proxy = \"127.0.0.1:3128\";"), "proxy: a proxy cannot reach a unix socket"},
    {"a proxy that is a unix socket", UP(ONE "proxy = \"unix:/a\";"), "is not a proxy"},
    {"a proxy by https", UP(ONE "proxy = \"https://a:3128\";"), "plain HTTP"},
    {"a proxy without a port", UP(ONE "proxy = \"http://a/\";"), "has no port"},
    {"a proxy with a path", UP(ONE "proxy = \"http://a:1/x\";"), "proxy: "},
    {"a proxy with a password", UP(ONE "proxy = \"http://u:p@a:1\";"), "user and a password are not supported"},
    {"a strange balance", UP(ONE "balance = \"roundrobin\";"), "did you mean \"round_robin\"?"},
    {"a strange PROXY header", UP(ONE "send_proxy_protocol = \"v3\";"), "send_proxy_protocol: \"v3\" is not a valid value"},
    {"spare connections that begin with a client's header", UP(ONE "send_proxy_protocol = \"v1\"; pool = { spare = 1; };"), "pool.spare: a connection that is made before its client"},
    {"more ready than are kept", UP(ONE "pool = { spare = 3; max = 2; };"), "pool.spare: is more than max"},
    {"a grace without an age", UP(ONE "timeouts = { max_connection_age_grace = \"5s\"; };"), "max_connection_age_grace: has no effect without max_connection_age"},
    {"an age of no time", UP(ONE "timeouts = { max_connection_age = \"10ms\"; };"), "10ms is too little"},
    {"too many retries", UP(ONE "retries = 11;"), "11 is too much"},
};

static const struct config_row taken[] = {
    {"a farm", UP("targets = ( " A ", " B ", { address = \"127.0.0.1:3\"; route = \"c\"; weight = 256; backup = true; } ); balance = \"least_conn\"; sticky = { cookie = \"JSESSIONID\"; mode = \"suffix\"; }; retry_after = \"10s\"; retries = 2;"), NULL},
    {"cookies of ours need no routes", UP("targets = ( \"127.0.0.1:1\", " B " ); sticky = { cookie = \"S\"; };"), NULL},
    {"health by path", UP(ONE "health = { path = \"/healthz?deep=1\"; interval = \"1s\"; expect = \"200, 204-299,401\"; };"), NULL},
    {"health by gRPC", UP(ONE H2 "health = { grpc = \"shop.Cart\"; };"), NULL},
    {"health by gRPC, of the whole server, with TLS", UP(ONE "tls = { }; health = { grpc = \"\"; };"), NULL},
    {"health by gRPC where TLS offers HTTP/2", UP(ONE "tls = { alpn = [ \"h2\" ]; }; health = { grpc = \"\"; };"), NULL},
    {"a status that gRPC does not have", UP(ONE H2 "health = { grpc = \"\"; expect = \"200\"; };"), "health.expect: has no effect without path"},
    {"health by connection", UP(ONE "health = { };"), NULL},
    {"a proxy", UP(ONE "proxy = \"http://proxy.example:3128/\";"), NULL},
    {"connections that are kept ready", UP(ONE "pool = { spare = 2; };"), NULL},
    {"an age with its grace", UP(ONE "timeouts = { max_connection_age = \"1h\"; max_connection_age_grace = \"0s\"; };"), NULL},
    {"an age", UP(ONE "timeouts = { max_connection_age = \"1h\"; };"), NULL},
    {"a PROXY header", UP(ONE "send_proxy_protocol = \"v2\";"), NULL},
    {"routes that no cookie names", UP("targets = ( " A ", \"127.0.0.1:2\" );"), "targets[0].route: has no effect without sticky"},
    {"routes beside certificates", UP("targets = ( " A ", \"127.0.0.1:2\" ); sticky = \"client_cert\";"), "has no effect without sticky"},
    {"a status that nobody asks for", UP(ONE "health = { expect = \"200\"; };"), "health.expect: has no effect without path"},
    {"one of two in plaintext beyond this host", UP("targets = [ \"127.0.0.1:1\", \"10.0.0.1:2\" ];"), "targets[1]: \"10.0.0.1:2\" is reached in plaintext"},
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

START_TEST(more_targets_than_can_be_compared_are_refused)
{
    static char text[40000];
    int n = snprintf(text, sizeof(text), CONFIG_ROWS_LOCAL "upstreams = { up = { targets = [ \"127.0.0.1:1\"");
    for (unsigned port = 2; port <= 1001; port++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, ", \"127.0.0.1:%u\"", port);
    snprintf(text + n, sizeof(text) - (size_t)n, " ]; }; };");
    const struct config_row row = {"1001 targets", text, "1001 targets are too many"};
    config_rows_refused(&row);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_upstream");
    TCase *t = tcase_create("config_check_upstream");
    tcase_add_loop_test(t, refuses_it_and_says_what_to_do, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, more_targets_than_can_be_compared_are_refused);
    suite_add_tcase(s, t);
    return s;
}
