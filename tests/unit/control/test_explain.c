/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/explain.h"
#include "mtlsd/tls/tls_chain.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *s;

static const char text[] =
    "identities = { server = { bundle = \"/etc/server.pem\"; }; };\n"
    "trusts = { clients = { ca = \"/etc/clients.pem\"; }; };\n"
    "upstreams = { app = { targets = [ \"127.0.0.1:9000\" ]; }; own = { targets = [ \"own.example:81\" ]; host = \"upstream\"; };\n"
    "  keep = { targets = [ \"keep.example:80\" ]; host = \"preserve\"; }; };\n"
    "listeners = {\n"
    " public = { bind = \"127.0.0.1:8443\"; tls = { identity = \"server\"; trust = \"clients\"; client_cert = \"optional\"; };\n"
    "  routes = (\n"
    "   { cert = \"none\"; path = \"/help\"; redirect = \"/nocert\"; redirect_status = 303; },\n"
    "   { cert = \"none\"; respond = 401; },\n"
    "   { path = \"/admin\"; allow = ( { ou = \"ops\"; } ); upstream = \"app\"; strip_prefix = \"/admin\"; },\n"
    "   { host = \"own.example\"; caller = ( { ou = \"ops\"; } ); upstream = \"own\"; },\n"
    "   { host = \"lit.example\"; upstream = \"app\"; set_host = \"lit.internal\"; },\n"
    "   { path = \"/x\"; upstream = \"app\"; } ); };\n"
    " lenient = { bind = \"127.0.0.1:8448\"; tls = { identity = \"server\"; trust = \"clients\"; tolerate = [ \"expired\" ]; };\n"
    "  routes = ( { cert = \"expired\"; path = \"/renew\"; upstream = \"app\"; }, { cert = \"error\"; redirect = \"/renew\"; }, { upstream = \"app\"; } ); };\n"
    " pages = { bind = \"127.0.0.1:8082\"; routes = ( { path = \"/metrics\"; serve = \"metrics\"; }, { upstream = \"app\"; } ); };\n"
    " must = { bind = \"127.0.0.1:8444\"; tls = { identity = \"server\"; trust = \"clients\"; }; upstream = \"app\"; };\n"
    " ops = { bind = \"127.0.0.1:8445\"; tls = { identity = \"server\"; trust = \"clients\"; }; allow = ( { ou = \"ops\"; } ); upstream = \"app\"; };\n"
    " named = { bind = \"127.0.0.1:8449\"; upstream = \"app\"; tls = { trust = \"clients\"; identities = ( { identity = \"server\"; },\n"
    "  { hosts = \"free.example\"; identity = \"server\"; client_cert = \"none\"; } ); }; };\n"
    " trial = { bind = \"127.0.0.1:8450\"; tls = { identity = \"server\"; trust = \"clients\"; tolerate = \"expired\"; }; allow = ( { ou = \"ops\"; } ); allow_log_only = true;\n"
    "  routes = ( { path = \"/x\"; allow = ( { cn = \"bob\"; } ); allow_log_only = true; upstream = \"app\"; }, { path = \"/y\"; allow = ( { cn = \"bob\"; } ); upstream = \"app\"; } ); };\n"
    " raw = { bind = \"127.0.0.1:8446\"; protocol = \"tcp\"; tls = { identity = \"server\"; trust = \"clients\"; }; upstream = \"app\"; };\n"
    " open = { bind = \"127.0.0.1:8447\"; tls = { identity = \"server\"; }; upstream = \"own\"; };\n"
    " local = { bind = \"127.0.0.1:8080\"; upstream = \"keep\"; };\n"
    " byname = { bind = \"127.0.0.1:8451\"; protocol = \"tcp\"; tls = { identity = \"server\"; trust = \"clients\"; };"
    " routes = ( { sni = \"a.example\"; upstream = \"app\"; }, { sni = \"*.b.example\"; upstream = \"app\"; } ); };\n"
    " neat = { bind = \"127.0.0.1:8081\"; normalize_path = true; routes = ( { path = \"/a\"; upstream = \"app\"; strip_prefix = \"/a\"; } ); };\n"
    " fwd = { bind = \"127.0.0.1:3128\"; forward_proxy = { direct = [ \"d.example:80\" ]; }; routes = ( { host = \"a.example\"; upstream = \"app\"; } ); };\n"
    " blind = { bind = \"127.0.0.1:3129\"; forward_proxy = { connect = \"refuse\"; unmatched = \"direct\"; }; routes = ( { host = \"a.example\"; upstream = \"app\"; } ); };\n"
    "};\n";

static void issue(const char *path, const char *ou, int64_t until)
{
    struct tls_pki_order order = {.cn = "alice", .ou = ou, .purpose = TLS_PURPOSE_CLIENT, .not_after = until};
    world_issue(&w, path, &w.clients_ca, &order);
}

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    issue("/ops.pem", "ops", 0);
    issue("/dev.pem", "dev", 0);
    issue("/old.pem", "ops", WORLD_NOW - WORLD_DAY);
    struct file_source files = memory_files_source(&w.files);
    struct config *c = config_parse(text, "m.conf", &findings);
    s = c != NULL ? snapshot_new(c, &files, 1, WORLD_NOW, &findings) : NULL;
    for (size_t i = 0; i < findings.n && s == NULL; i++)
        ck_abort_msg("%s: %s", findings.items[i].where, findings.items[i].text);
}

static void tear_down(void)
{
    snapshot_unref(s);
    findings_clear(&findings);
    world_clear(&w);
}

struct asked { /* what an answer borrows */
    struct explain_ask ask;
    struct bytes request;
    struct tls_chain chain;
    struct explain answer;
};

static void ask_about(struct asked *a, const char *listener, const char *request, const char *field, const char *cert)
{
    struct err err = {0};
    *a = (struct asked){.ask = {.snapshot = s, .now = WORLD_NOW, .listener = explain_pick_listener(s, listener, NULL, &err)}};
    bytes_init(&a->request, 65536);
    ck_assert_ptr_nonnull(a->ask.listener);
    if (request != NULL)
        ck_assert_msg(explain_write_request(&a->request, a->ask.listener, request, &field, field != NULL ? 1 : 0, &err) == 0, "%s", err.text);
    if (cert != NULL)
        ck_assert_int_eq(tls_chain_read(&a->chain, bytes_span(&memory_files_find(&w.files, cert)->text), cert, &err), 0);
    a->ask.request = bytes_span(&a->request);
    a->ask.ders = a->chain.ders;
    a->ask.n_ders = a->chain.n;
    ck_assert_int_eq(explain_make(&a->ask, &a->answer), 0);
}

static void forget(struct asked *a)
{
    explain_clear(&a->answer);
    tls_chain_clear(&a->chain);
    bytes_clear(&a->request);
}

enum { NOBODY = EXPLAIN_STAGES, NO_ROUTE = -1 };

static const struct row {
    const char *listener, *request, *field, *cert;
    enum explain_action action;
    unsigned stopped;
    enum reason reason; /* of the stage that stopped it */
    int chosen;
    const char *target, *host; /* as forwarded */
    const char *why;
} rows[] = {
    {"pages", "GET /metrics", "Host: 127.0.0.1:8082", NULL, EXPLAIN_SERVE, NOBODY, 0, 0, "", "", "a page of our own is no upstream"},
    {"pages", "GET /other", "Host: 127.0.0.1:8082", NULL, EXPLAIN_FORWARD, NOBODY, 0, 1, "/other", "127.0.0.1:9000", "beside it"},
    {"public", "GET /help/x", NULL, NULL, EXPLAIN_REDIRECT, NOBODY, 0, 0, "", "", "the first route that matches"},
    {"public", "GET /x", NULL, NULL, EXPLAIN_RESPOND, NOBODY, 0, 1, "", "", "not a later one"},
    {"public", "GET /admin/a?b", NULL, "/ops.pem", EXPLAIN_FORWARD, NOBODY, 0, 2, "/a?b", "", "through an open gate, without the prefix"},
    {"public", "GET /%61dmin;p/a", NULL, "/ops.pem", EXPLAIN_FORWARD, NOBODY, 0, 2, "/a", "", "C9: the prefix in another spelling"},
    {"public", "GET /admin", NULL, "/ops.pem", EXPLAIN_FORWARD, NOBODY, 0, 2, "/", "", "nothing left is the root"},
    {"public", "GET /admin/a", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, 2, "", "", "at a shut gate"},
    {"public", "GET /%61dmin", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, 2, "", "", "C9: whatever the spelling"},
    {"public", "GET /ADMIN/a", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, 2, "", "", "C12: in capitals too"},
    {"public", "GET /Help", NULL, NULL, EXPLAIN_REDIRECT, NOBODY, 0, 0, "", "", "C12: a redirect by the path in another spelling"},
    {"public", "GET /ADMIN/a", NULL, "/ops.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NO_ROUTE, NO_ROUTE, "", "", "C12: whom the gate lets on is for a route as spelled"},
    {"public", "GET /X", "Host: lit.example", "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 4, "/X", "lit.internal", "C12: the first that matches needs no spelling"},
    {"public", "GET /x/../admin", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_PATH, REASON_REQUEST_MALFORMED, 5, "", "", "C9: dot segments"},
    {"public", "GET /x//admin", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_PATH, REASON_REQUEST_MALFORMED, 5, "", "", "C9: empty segments"},
    {"public", "GET /", "Host: own.example", "/ops.pem", EXPLAIN_FORWARD, NOBODY, 0, 3, "/", "own.example:81", "host = \"upstream\""},
    {"public", "GET /x", "Host: own.example", "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 5, "/x", "", "not that caller: the next route"},
    {"public", "GET /", "Host: lit.example", "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 4, "/", "lit.internal", "set_host of the route"},
    {"public", "GET /y", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NO_ROUTE, NO_ROUTE, "", "", "no route"},
    {"public", "GET /x", NULL, "/old.pem", EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_EXPIRED, 5, "", "", "an expired certificate, though the route matches"},
    {"public", "GET /x", "Bad Field: y", "/ops.pem", EXPLAIN_REFUSED, EXPLAIN_REQUEST, REASON_REQUEST_MALFORMED, NO_ROUTE, "", "", "what the parser refuses"},
    {"public", "GET /x", "Host: a b", "/ops.pem", EXPLAIN_REFUSED, EXPLAIN_REQUEST, REASON_REQUEST_MALFORMED, NO_ROUTE, "", "", "what the guard refuses"},
    {"public", "CONNECT a.example:443", NULL, "/ops.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_METHOD_UNKNOWN, NO_ROUTE, "", "", "CONNECT where there is no forward proxy"},
    {"lenient", "GET /renew", NULL, "/old.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/renew", "", "tolerated, where a route names the status"},
    {"lenient", "GET /x", NULL, "/old.pem", EXPLAIN_REDIRECT, NOBODY, 0, 1, "", "", "tolerated, and sent there"},
    {"lenient", "GET /x", NULL, "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 2, "/x", "", "a valid one"},
    {"lenient", "GET /x", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_NONE, 2, "", "", "none is not a bad one"},
    {"must", "GET /", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_NONE, 0, "", "", "a certificate is required"},
    {"must", "GET /a//b", NULL, "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/a//b", "", "no route looks at the path: byte for byte"},
    {"ops", "GET /", NULL, "/ops.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/", "", "the listener's own allow"},
    {"ops", "GET /", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_CALLER, REASON_NOT_ALLOWED, 0, "", "", "and who it refuses"},
    {"named", "GET /", "Host: proxy.example", "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/", "", "A9: the rules for that name"},
    {"named", "GET /", "Host: PROXY.example.:1", NULL, EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_NONE, 0, "", "", "A9: in another spelling"},
    {"named", "GET /", "Host: free.example", NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "/", "", "A9: the rules for another name"},
    {"named", "GET /", "Host: other.example", "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, 0, "", "", "A8: a name that nobody serves"},
    {"named", NULL, NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_TLS_FAILED, NO_ROUTE, "", "", "A8: no name"},
    {"trial", "GET /x", NULL, "/dev.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/x", "", "rules that are only tried out"},
    {"trial", "GET /y", NULL, "/dev.pem", EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_NOT_ALLOWED, 1, "", "", "beside one that is not"},
    {"trial", "GET /x", NULL, "/old.pem", EXPLAIN_REFUSED, EXPLAIN_CALLER, REASON_NOT_ALLOWED, 0, "", "", "A2: never for one that is not valid"},
    {"raw", NULL, NULL, "/dev.pem", EXPLAIN_BYTES, NOBODY, 0, NO_ROUTE, "", "", "tcp"},
    {"raw", NULL, NULL, "/old.pem", EXPLAIN_REFUSED, EXPLAIN_HANDSHAKE, REASON_EXPIRED, NO_ROUTE, "", "", "tcp, refused"},
    {"open", "GET /", NULL, "/old.pem", EXPLAIN_FORWARD, NOBODY, 0, 0, "/", "own.example:81", "nobody asks for the certificate"},
    {"local", "GET /", NULL, NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "/", "", "host = \"preserve\""},
    {"local", "GET /", "Host: evil.example", NULL, EXPLAIN_REFUSED, EXPLAIN_BROWSER, REASON_HOST_NOT_ALLOWED, 0, "", "", "E1: rebinding"},
    {"local", "GET /", "Origin: http://evil.example", NULL, EXPLAIN_REFUSED, EXPLAIN_BROWSER, REASON_ORIGIN_NOT_ALLOWED, 0, "", "", "E1: a foreign page"},
    {"local", "OPTIONS *", NULL, NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "*", "", "no path at all"},
    {"neat", "GET /b/../a/./c?d", NULL, NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "/c?d", "127.0.0.1:9000", "rewritten, matched, and then stripped"},
    {"neat", "GET /%61/%63?d", NULL, NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "/%63?d", "127.0.0.1:9000", "what needs no rewriting is left alone"},
    {"neat", "GET /a//b", "Host: evil.example", NULL, EXPLAIN_REFUSED, EXPLAIN_BROWSER, REASON_HOST_NOT_ALLOWED, 0, "", "", "the path comes first, the browser after it"},
    {"neat", "GET /a/%2f", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_PATH, REASON_REQUEST_MALFORMED, 0, "", "", "what cannot be rewritten"},
    {"fwd", "GET http://a.example/x", NULL, NULL, EXPLAIN_FORWARD, NOBODY, 0, 0, "/x", "127.0.0.1:9000", "a host that a route names"},
    {"fwd", "GET http://d.example/x", NULL, NULL, EXPLAIN_DIRECT, NOBODY, 0, NO_ROUTE, "", "", "a host that is listed"},
    {"fwd", "GET http://d.example:81/x", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, NO_ROUTE, "", "", "E3: on another port"},
    {"fwd", "GET http://e.example/x", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, NO_ROUTE, "", "", "E3: any other"},
    {"fwd", "CONNECT a.example:443", NULL, NULL, EXPLAIN_TUNNEL, NOBODY, 0, NO_ROUTE, "", "", "a tunnel to a host that a route names"},
    {"fwd", "CONNECT e.example:443", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, NO_ROUTE, "", "", "E3: to any other"},
    {"blind", "CONNECT a.example:443", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_DENIED, NO_ROUTE, "", "", "connect = \"refuse\""},
    {"fwd", "CONNECT d.example:80", NULL, NULL, EXPLAIN_TUNNEL, NOBODY, 0, NO_ROUTE, "", "", "a tunnel to a listed host"},
    {"blind", "GET http://0x7f.1/x", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, NO_ROUTE, "", "", "E3: an odd spelling of an address"},
    {"blind", "GET http://127.0.0.1:3129/x", NULL, NULL, EXPLAIN_REFUSED, EXPLAIN_ROUTES, REASON_ADDRESS_NOT_ALLOWED, NO_ROUTE, "", "", "E3: itself"},
    {"blind", "GET http://e.example/x", NULL, NULL, EXPLAIN_DIRECT, NOBODY, 0, NO_ROUTE, "", "", "unmatched = \"direct\""},
};

START_TEST(tells_what_would_happen_and_who_decides)
{
    const struct row *row = &rows[_i];
    struct asked a;
    ask_about(&a, row->listener, row->request, row->field, row->cert);
    const struct explain *e = &a.answer;
    const char *said = e->stopped < EXPLAIN_STAGES ? e->steps[e->stopped].text : "";
    ck_assert_msg(e->action == row->action, "%s: action %d: %s", row->why, e->action, said);
    ck_assert_msg(e->stopped == row->stopped, "%s: stopped by %d: %s", row->why, e->stopped, said);
    if (e->stopped < EXPLAIN_STAGES) {
        ck_assert_msg(e->steps[e->stopped].reason == row->reason, "%s: reason %d", row->why, e->steps[e->stopped].reason);
        ck_assert_msg(said[0] != '\0', "%s: refused without a word", row->why);
    }
    ck_assert_msg(e->admission.choice.index == (row->chosen == NO_ROUTE ? SIZE_MAX : (size_t)row->chosen), "%s: route %zu", row->why, e->admission.choice.index);
    ck_assert_msg(span_equals_str(bytes_span(&e->out_target), row->target), "%s: %.*s", row->why, (int)e->out_target.len, (const char *)e->out_target.data);
    ck_assert_msg(strcmp(e->out_host, row->host) == 0, "%s: Host %s", row->why, e->out_host);
    forget(&a);
}
END_TEST

START_TEST(tells_of_every_route_whether_it_takes_a_caller_and_why_not)
{
    struct asked a;
    ask_about(&a, "public", NULL, NULL, "/dev.pem");
    const struct explain_route *r = a.answer.routes;
    ck_assert_int_eq(a.answer.action, EXPLAIN_OPEN);
    ck_assert_int_eq(r[0].caller_miss, ROUTE_OTHER_STATUS);
    ck_assert_str_eq(r[0].caller_why, "the certificate's status is valid, not none");
    ck_assert_int_eq(r[2].caller_miss, ROUTE_MATCHES);
    ck_assert_int_eq(r[2].gate, EXPLAIN_GATE_SHUT);
    ck_assert_str_eq(r[2].gate_why, "{ ou = \"ops\" }: ou does not hold");
    ck_assert_int_eq(r[3].caller_miss, ROUTE_OTHER_CALLER);
    ck_assert_str_eq(r[3].caller_why, "{ ou = \"ops\" }: ou does not hold");
    ck_assert_int_eq(r[5].caller_miss, ROUTE_MATCHES);
    ck_assert_int_eq(r[5].gate, EXPLAIN_NO_GATE);
    ck_assert_str_eq(r[0].where, "m.conf:8");
    forget(&a);
}
END_TEST

START_TEST(tells_the_callers_side_of_a_route_that_misses_by_its_path)
{
    struct asked a;
    ask_about(&a, "public", "GET /x", NULL, "/dev.pem");
    const struct explain_route *r = a.answer.routes;
    ck_assert_int_eq(r[0].miss, ROUTE_OTHER_PATH);
    ck_assert_int_eq(r[0].caller_miss, ROUTE_OTHER_STATUS);
    ck_assert_int_eq(r[3].miss, ROUTE_OTHER_HOST);
    ck_assert_int_eq(r[3].caller_miss, ROUTE_OTHER_CALLER);
    forget(&a);
}
END_TEST

/* A2: whatever stopped it before, an upstream without a cert key is not for a certificate that is not valid. */
START_TEST(serves_a_bad_certificate_only_where_a_route_names_its_status)
{
    struct asked a;
    ask_about(&a, "public", "GET /x", NULL, "/old.pem");
    ck_assert_int_eq(a.answer.steps[EXPLAIN_ROUTES].reason, REASON_NOT_ALLOWED);
    ck_assert_ptr_nonnull(strstr(a.answer.steps[EXPLAIN_ROUTES].text, "only routes that name its status serve it"));
    forget(&a);
    ask_about(&a, "public", "GET /x", NULL, "/dev.pem");
    ck_assert_int_eq(a.answer.steps[EXPLAIN_ROUTES].reason, REASON_VALID);
    forget(&a);
}
END_TEST

START_TEST(tells_what_becomes_of_tls_in_a_tunnel)
{
    struct asked a;
    ask_about(&a, "fwd", "CONNECT a.example:443", NULL, NULL);
    ck_assert_ptr_nonnull(strstr(a.answer.steps[EXPLAIN_ROUTES].text, "TLS in it is refused: a.example is an upstream of this proxy"));
    forget(&a);
    ask_about(&a, "fwd", "CONNECT d.example:80", NULL, NULL);
    ck_assert_ptr_nonnull(strstr(a.answer.steps[EXPLAIN_ROUTES].text, "TLS in it is passed blindly"));
    forget(&a);
}
END_TEST

START_TEST(a_tcp_connection_goes_where_its_server_name_leads)
{
    static const struct {
        const char *name;
        enum explain_action action;
        size_t route;
    } names[] = {{"a.example", EXPLAIN_BYTES, 0}, {"X.B.example", EXPLAIN_BYTES, 1}, {"b.example", EXPLAIN_REFUSED, 0}, {"", EXPLAIN_REFUSED, 0}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct asked a;
        ask_about(&a, "byname", NULL, NULL, "/dev.pem");
        explain_clear(&a.answer);
        a.ask.server_name = span_from_str(names[i].name);
        ck_assert_int_eq(explain_make(&a.ask, &a.answer), 0);
        ck_assert_msg(a.answer.action == names[i].action, "%s", names[i].name);
        if (names[i].action == EXPLAIN_BYTES)
            ck_assert_uint_eq(a.answer.by_name, names[i].route);
        else
            ck_assert(a.answer.stopped == EXPLAIN_ROUTES && a.answer.steps[EXPLAIN_ROUTES].reason == REASON_NO_ROUTE);
        forget(&a);
    }
}
END_TEST

START_TEST(gives_a_listener_without_routes_its_own_line)
{
    struct asked a;
    ask_about(&a, "must", "GET /", NULL, "/dev.pem");
    ck_assert_str_eq(a.answer.routes[0].where, a.ask.listener->conf->where);
    forget(&a);
}
END_TEST

START_TEST(lists_everything_that_is_wrong_with_a_certificate)
{
    struct asked a;
    ask_about(&a, "must", NULL, NULL, "/old.pem");
    ck_assert_int_eq(a.answer.verdict.status, REASON_EXPIRED);
    ck_assert_uint_eq(a.answer.verdict.all, UINT64_C(1) << REASON_EXPIRED);
    ck_assert_ptr_nonnull(a.answer.peer);
    forget(&a);
}
END_TEST

START_TEST(survives_a_certificate_that_cannot_be_parsed)
{
    struct span rubbish = span_from_str("rubbish");
    struct explain_ask ask = {.snapshot = s, .listener = snapshot_find_listener(s, "must"), .ders = &rubbish, .n_ders = 1, .now = WORLD_NOW};
    struct explain e;
    ck_assert_int_eq(explain_make(&ask, &e), 0);
    ck_assert_int_eq(e.stopped, EXPLAIN_HANDSHAKE);
    ck_assert_int_eq(e.verdict.status, REASON_MALFORMED);
    ck_assert_ptr_null(e.peer);
    explain_clear(&e);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("explain");
    TCase *t = tcase_create("explain");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, tells_what_would_happen_and_who_decides, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, tells_of_every_route_whether_it_takes_a_caller_and_why_not);
    tcase_add_test(t, tells_the_callers_side_of_a_route_that_misses_by_its_path);
    tcase_add_test(t, serves_a_bad_certificate_only_where_a_route_names_its_status);
    tcase_add_test(t, tells_what_becomes_of_tls_in_a_tunnel);
    tcase_add_test(t, a_tcp_connection_goes_where_its_server_name_leads);
    tcase_add_test(t, gives_a_listener_without_routes_its_own_line);
    tcase_add_test(t, lists_everything_that_is_wrong_with_a_certificate);
    tcase_add_test(t, survives_a_certificate_that_cannot_be_parsed);
    suite_add_tcase(suite, t);
    return suite;
}
