/* SPDX-License-Identifier: Apache-2.0 */
/* The one gate: every step can refuse, in its order, and what nobody decided is refused. */
#include "t.h"

#include "mtlsd/policy/admit.h"

#include <stdlib.h>
#include <string.h>

static char slash_admin[] = "/admin", ops_cn[] = "ops", bob_cn[] = "bob", a_example[] = "a.example", d_example[] = "d.example:80", here[] = "public", app[] = "app";
static char *a_list[] = {a_example}, *d_list[] = {d_example};
static struct config_allow for_ops = {.cn = ops_cn}, for_bob = {.cn = bob_cn};
static struct config_route routes[4];
static struct config_listener conf;
static struct tls_verdict verdict;
static struct tls_name name;
static struct tls_peer peer;
static struct admit_place at;
static struct http_field fields[32];
static struct http_head head;
static struct admission a;
static struct err err;

static void set_up(void)
{
    routes[0] = (struct config_route){.upstream = app};
    conf = (struct config_listener){.name = here, .protocol = CONFIG_PROTOCOL_HTTP, .routes = routes, .n_routes = 1};
    verdict = (struct tls_verdict){.status = REASON_VALID};
    name = (struct tls_name){.type = TLS_NAME_CN, .value = span_from_str(ops_cn)};
    peer = (struct tls_peer){.names = &name, .n_names = 1, .n_cns = 1};
    at = (struct admit_place){.conf = &conf, .verdict = &verdict, .peer = &peer};
    head = (struct http_head){.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str("/x"), .fields = fields, .n_fields = 1};
    fields[0] = (struct http_field){span_from_str("Host"), span_from_str("localhost")};
    admission_init(&a);
    err_clear(&err);
}

static void tear_down(void)
{
    admission_clear(&a);
}

static void add_field(const char *field, const char *value)
{
    fields[head.n_fields++] = (struct http_field){span_from_str(field), span_from_str(value)};
}

static void ask_for(const char *target, const char *host)
{
    head.target = span_from_str(target);
    fields[0].value = span_from_str(host);
}

static void expect(enum reason reason, const char *why)
{
    admission_clear(&a);
    admission_init(&a);
    err_clear(&err);
    enum reason said = admit_request(&at, &head, &a, NULL, &err);
    ck_assert_msg(said == reason, "%s: %d: %s", why, said, err.text);
    ck_assert_msg((a.way == ADMIT_REFUSED) == (said != REASON_VALID), "%s: way %d", why, a.way);
    ck_assert_msg((err.text[0] == '\0') == (said == REASON_VALID), "%s: \"%s\"", why, err.text);
}

START_TEST(each_step_refuses)
{
    expect(REASON_VALID, "nothing wrong");
    ck_assert_int_eq(a.way, ADMIT_BY_ROUTE);
    ck_assert_uint_eq(a.choice.index, 0);

    ask_for("/x y", "localhost");
    expect(REASON_REQUEST_MALFORMED, "a target with a blank");
    ask_for("/x/../y", "localhost");
    expect(REASON_VALID, "no rule looks at the path");
    conf.has_path_rules = true;
    expect(REASON_REQUEST_MALFORMED, "C9: a dot segment");
    conf.normalize_path = true;
    expect(REASON_VALID, "C9: rewritten");
    ck_assert(span_equals_str(a.path, "/y"));

    conf.guards_browsers = true;
    ask_for("/x", "evil.example");
    expect(REASON_HOST_NOT_ALLOWED, "E1: rebinding");
    ask_for("/x", "localhost");
    add_field("Origin", "http://evil.example");
    expect(REASON_ORIGIN_NOT_ALLOWED, "E1: a page");
    head.n_fields = 1;

    conf.allow = &for_bob;
    conf.n_allow = 1;
    expect(REASON_NOT_ALLOWED, "the listener's rules");
    conf.allow_log_only = true;
    expect(REASON_VALID, "tried out");
    ck_assert(a.would_refuse);
    conf.n_allow = 0;
    expect(REASON_VALID, "none");
    ck_assert(!a.would_refuse);

    routes[0].allow = &for_bob;
    routes[0].n_allow = 1;
    expect(REASON_NOT_ALLOWED, "the route's rules");
    ck_assert_uint_eq(a.choice.index, 0);
    routes[0].allow = &for_ops;
    expect(REASON_VALID, "the route's rules for this caller");
    routes[0].host = (struct config_strings){a_list, 1};
    expect(REASON_NO_ROUTE, "another host");
    conf.n_routes = 0;
    expect(REASON_NO_ROUTE, "no routes");
}
END_TEST

START_TEST(a_status_that_is_not_valid_needs_a_route_that_names_it) /* A2 */
{
    static const enum reason bad[] = {REASON_UNDECIDED, REASON_EXPIRED, REASON_REVOKED, REASON_UNKNOWN_CA};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        verdict.status = bad[i];
        routes[0].cert = 0;
        expect(REASON_NOT_ALLOWED, "a route for anybody");
        routes[0].cert = UINT64_C(1) << bad[i];
        expect(bad[i] == REASON_UNDECIDED ? REASON_NO_ROUTE : REASON_VALID, "a route that names it");
        conf.allow = &for_ops;
        conf.n_allow = 1;
        conf.allow_log_only = true;
        expect(REASON_NOT_ALLOWED, "rules that are tried out spare no bad certificate");
        conf.n_allow = 0;
    }
}
END_TEST

START_TEST(of_a_tcp_connection_the_rules_are_all_there_is) /* A2, A5 */
{
    static const struct {
        enum reason status;
        bool rules, passes;
        const char *why;
    } rows[] = {
        {REASON_VALID, false, true, "anybody who is valid"},        {REASON_NONE, false, true, "nobody need be named"},
        {REASON_EXPIRED, false, false, "only tolerated"},           {REASON_UNDECIDED, false, false, "not judged"},
        {REASON_VALID, true, true, "one who is named"},             {REASON_NONE, true, false, "no certificate"},
        {REASON_EXPIRED, true, false, "one who was named"},
    };
    conf.protocol = CONFIG_PROTOCOL_TCP;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        verdict.status = rows[i].status;
        conf.allow = &for_ops;
        conf.n_allow = rows[i].rules;
        enum reason said = admit_caller(&at, &a, NULL, &err);
        ck_assert_msg((said == REASON_VALID) == rows[i].passes, "%s: %d", rows[i].why, said);
    }
    at.verdict = NULL;
    conf.n_allow = 0;
    ck_assert_int_eq(admit_caller(&at, &a, NULL, &err), REASON_NOT_ALLOWED);
}
END_TEST

static void make_forward_proxy(void)
{
    conf.forward_proxy.present = true;
    conf.forward_proxy.direct = (struct config_strings){d_list, 1};
    routes[0].host = (struct config_strings){a_list, 1};
}

START_TEST(a_forward_proxy_goes_where_it_may) /* E3 */
{
    static const struct {
        const char *method, *target, *host;
        enum config_connect connect;
        enum admit_way way;
        enum reason reason;
    } rows[] = {
        {"GET", "http://a.example/", "a.example", CONFIG_CONNECT_SNIFF, ADMIT_BY_ROUTE, REASON_VALID},
        {"GET", "http://d.example/", "d.example", CONFIG_CONNECT_SNIFF, ADMIT_DIRECT, REASON_VALID},
        {"GET", "http://d.example:81/", "d.example:81", CONFIG_CONNECT_SNIFF, ADMIT_REFUSED, REASON_ADDRESS_NOT_ALLOWED},
        {"GET", "http://e.example/", "e.example", CONFIG_CONNECT_SNIFF, ADMIT_REFUSED, REASON_ADDRESS_NOT_ALLOWED},
        {"CONNECT", "a.example:443", "a.example:443", CONFIG_CONNECT_SNIFF, ADMIT_SNIFFED, REASON_VALID},
        {"CONNECT", "a.example:443", "a.example:443", CONFIG_CONNECT_TUNNEL, ADMIT_BLIND, REASON_VALID},
        {"CONNECT", "a.example:443", "a.example:443", CONFIG_CONNECT_REFUSE, ADMIT_REFUSED, REASON_DENIED},
        {"CONNECT", "e.example:443", "e.example:443", CONFIG_CONNECT_TUNNEL, ADMIT_REFUSED, REASON_ADDRESS_NOT_ALLOWED},
    };
    make_forward_proxy();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        conf.forward_proxy.connect = rows[i].connect;
        head.method = span_from_str(rows[i].method);
        ask_for(rows[i].target, rows[i].host);
        expect(rows[i].reason, rows[i].target);
        ck_assert_msg(a.way == rows[i].way, "%s: way %d", rows[i].target, a.way);
    }
    conf.forward_proxy.present = false;
    expect(REASON_METHOD_UNKNOWN, "CONNECT to what is no proxy");
}
END_TEST

START_TEST(a_forward_proxy_does_not_go_to_itself_nor_in_circles) /* E3 */
{
    static const uint8_t local[] = {192, 0, 2, 1};
    make_forward_proxy();
    conf.forward_proxy.unmatched = CONFIG_UNMATCHED_DIRECT;
    ask_for("http://192.0.2.1:3128/", "192.0.2.1:3128");
    expect(REASON_VALID, "another host");
    at.local = local;
    at.n_local = sizeof(local);
    at.local_port = 3128;
    expect(REASON_ADDRESS_NOT_ALLOWED, "the socket it came to");
    at.local_port = 3129;
    for (int i = 0; i < 10; i++)
        add_field("Via", "1.1 mtlsd");
    expect(REASON_VALID, "several in a row");
    add_field("Via", "1.1 x, 1.1 mtlsd");
    expect(REASON_REQUEST_MALFORMED, "a loop");
}
END_TEST

START_TEST(a_request_in_a_tunnel_is_for_the_host_of_the_tunnel) /* E3 */
{
    static const struct address tunnel = {.kind = ADDRESS_TCP, .host = "a.example", .port = 443};
    make_forward_proxy();
    at.tunnel = &tunnel;
    ask_for("/x", "A.example");
    expect(REASON_VALID, "its host");
    ask_for("/x", "a.example:444");
    expect(REASON_HOST_NOT_ALLOWED, "another port");
    ask_for("/x", "d.example");
    expect(REASON_HOST_NOT_ALLOWED, "another host");
    head.method = span_from_str("CONNECT");
    ask_for("a.example:443", "a.example:443");
    expect(REASON_METHOD_UNKNOWN, "a tunnel in the tunnel");
}
END_TEST

START_TEST(what_copy_and_move_name_is_judged_like_a_request_for_it) /* A15, C9 */
{
    static char dav[] = "/dav", secret[] = "/dav/secret", other[] = "other", elsewhere[] = "/else";
    static const struct {
        const char *method, *destination, *why;
        enum reason reason;
        bool strip;
    } rows[] = {
        {"MOVE", "/dav/y", "an open path", REASON_VALID, false},
        {"MOVE", "http://localhost/dav/y", "as an address", REASON_VALID, false},
        {"MOVE", "https://LOCALHOST:8443/dav/y", "as the client sees it", REASON_VALID, false},
        {"MOVE", "/admin/y", "through a gate", REASON_NOT_ALLOWED, false},
        {"COPY", "https://localhost/ADMIN", "C12: in another spelling", REASON_NOT_ALLOWED, false},
        {"COPY", "/%61dmin", "C9: encoded", REASON_NOT_ALLOWED, false},
        {"COPY", "/dav/../admin", "C9: by dots", REASON_REQUEST_MALFORMED, false},
        {"COPY", "/dav//x", "C9: with an empty segment", REASON_REQUEST_MALFORMED, false},
        {"COPY", "/dav/x#y", "C9: with a fragment", REASON_REQUEST_MALFORMED, false},
        {"COPY", "admin", "no path", REASON_REQUEST_MALFORMED, false},
        {"COPY", "", "nothing", REASON_REQUEST_MALFORMED, false},
        {"COPY", "ftp://localhost/dav/y", "another scheme", REASON_REQUEST_MALFORMED, false},
        {"COPY", "http://.localhost/dav/y", "a malformed host", REASON_REQUEST_MALFORMED, false},
        {"COPY", "http://elsewhere.example/dav/y", "another host", REASON_DENIED, false},
        {"COPY", "//elsewhere.example/dav/y", "another host without a scheme", REASON_REQUEST_MALFORMED, false},
        {"COPY", "/else/y", "another upstream", REASON_DENIED, false},
        {"COPY", "/nothing", "no route", REASON_DENIED, false},
        {"REBIND", "/admin/y", "a method of which we know nothing", REASON_NOT_ALLOWED, false},
        {"GET", "/admin/y", "one that has no second path", REASON_VALID, false},
        {"MOVE", "/dav/y", "a server that knows the prefix, or not", REASON_VALID, true},
        {"MOVE", "/secret/y", "no route as it is", REASON_DENIED, true},
        {"MOVE", "/dav/secret", "a gate as it is", REASON_NOT_ALLOWED, true},
    };
    static char dav_secret_below[] = "/dav/dav/hidden";
    routes[0] = (struct config_route){.path = slash_admin, .allow = &for_bob, .n_allow = 1, .upstream = app};
    routes[1] = (struct config_route){.path = elsewhere, .upstream = other};
    routes[2] = (struct config_route){.path = secret, .allow = &for_bob, .n_allow = 1, .upstream = app};
    routes[3] = (struct config_route){.path = dav, .upstream = app};
    conf.n_routes = 4;
    conf.has_path_rules = true;
    ask_for("/dav/x", "localhost");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        head.method = span_from_str(rows[i].method);
        routes[3].strip_prefix = rows[i].strip ? dav : NULL;
        head.n_fields = 1;
        add_field("destination", rows[i].destination);
        expect(rows[i].reason, rows[i].why);
    }
    routes[2].path = dav_secret_below; /* what a server that knows nothing of the prefix has at /dav/hidden */
    head.n_fields = 1;
    head.method = span_from_str("MOVE");
    routes[3].strip_prefix = dav;
    add_field("Destination", "/dav/hidden");
    expect(REASON_NOT_ALLOWED, "a gate on what the server has there");
    head.n_fields = 1;
    routes[3].strip_prefix = NULL;
    add_field("Destination", "/dav/y");
    add_field("Destination", "/admin/y");
    expect(REASON_REQUEST_MALFORMED, "two of them");
    routes[0] = (struct config_route){.upstream = app};
    conf.n_routes = 1;
    conf.has_path_rules = false;
    expect(REASON_VALID, "where no rule looks at anything");
    static char localhost[] = "localhost";
    static char *hosts[] = {localhost};
    routes[0].host = (struct config_strings){.items = hosts, .n = 1};
    conf.has_host_rules = true;
    head.n_fields = 1;
    add_field("Destination", "//elsewhere.example/y");
    expect(REASON_REQUEST_MALFORMED, "another host where only the host counts");
    head.n_fields = 1;
    add_field("Destination", "http://elsewhere.example/y");
    expect(REASON_DENIED, "another host, though there is one route");
}
END_TEST

START_TEST(a_trace_goes_on_behind_a_refusal_and_changes_nothing)
{
    struct admit_trace trace = {0};
    conf.has_path_rules = true;
    conf.guards_browsers = true;
    conf.allow = &for_bob;
    conf.n_allow = 1;
    ask_for("/x/../y", "evil.example");
    ck_assert_int_eq(admit_request(&at, &head, &a, &trace, &err), REASON_REQUEST_MALFORMED);
    ck_assert_int_eq(a.way, ADMIT_REFUSED);
    ck_assert_str_eq(err.text, trace.said[ADMIT_PATH].err.text);
    static const enum reason said[ADMIT_STEPS] = {
        [ADMIT_REQUEST] = REASON_VALID,        [ADMIT_PATH] = REASON_REQUEST_MALFORMED, [ADMIT_BROWSER] = REASON_HOST_NOT_ALLOWED,
        [ADMIT_CALLER] = REASON_NOT_ALLOWED, [ADMIT_ROUTE] = REASON_VALID,
    };
    for (size_t i = 0; i < ADMIT_STEPS; i++) {
        ck_assert_int_eq(trace.said[i].reason, said[i]);
        ck_assert_int_eq(trace.said[i].asked, i != ADMIT_HOST && i != ADMIT_LOOP && i != ADMIT_PROGRAM && i != ADMIT_HEADER && i != ADMIT_DESTINATION);
    }
    ck_assert_uint_eq(a.choice.index, 0);
    expect(REASON_REQUEST_MALFORMED, "without a trace");
    ck_assert_uint_eq(a.choice.index, SIZE_MAX);
}
END_TEST

START_TEST(of_a_request_that_nobody_understands_nothing_else_is_asked)
{
    struct admit_trace trace = {0};
    ask_for("/x", "a b");
    ck_assert_int_eq(admit_request(&at, &head, &a, &trace, &err), REASON_REQUEST_MALFORMED);
    for (size_t i = ADMIT_PATH; i < ADMIT_STEPS; i++)
        ck_assert(!trace.said[i].asked);
}
END_TEST

START_TEST(what_runs_is_asked_again_like_what_begins) /* B5, C9 */
{
    static const struct {
        const char *path, *why;
        enum reason reason;
    } rows[] = {
        {"/chat", "a route that forwards", REASON_VALID},
        {"/admin", "one that answers", REASON_NOT_ALLOWED},
        {"/ADMIN/x", "C12: the same in another spelling", REASON_NOT_ALLOWED},
        {"/x/../admin", "C9: what was forwarded when no rule looked at paths", REASON_REQUEST_MALFORMED},
    };
    routes[0] = (struct config_route){.path = slash_admin, .respond = 403};
    routes[1] = (struct config_route){.upstream = app};
    conf.n_routes = 2;
    conf.has_path_rules = true;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_target asked = {.host = span_from_str("localhost"), .path = span_from_str(rows[i].path)};
        err_clear(&err);
        ck_assert_msg(admit_running(&at, head.method, &asked, &err) == rows[i].reason, "%s: %s", rows[i].why, err.text);
    }
    struct http_target asked = {.host = span_from_str("localhost"), .path = span_from_str("/chat")};
    conf.allow = &for_bob;
    conf.n_allow = 1;
    ck_assert_int_eq(admit_running(&at, head.method, &asked, &err), REASON_NOT_ALLOWED);
    conf.n_allow = 0;
    make_forward_proxy();
    asked.form = HTTP_TARGET_ABSOLUTE;
    asked.host = span_from_str("d.example");
    ck_assert_int_eq(admit_running(&at, head.method, &asked, &err), REASON_NOT_ALLOWED);
}
END_TEST

static const uint32_t seven[] = {7};
static const struct caller_limit of_listener = {.kind = "listener", .name = "public", .uids = {seven, 1}},
                                 of_identity = {.kind = "identity", .name = "payments", .uids = {seven, 1}}, of_nobody = {.kind = "identity", .name = "none"};

START_TEST(a_program_needs_the_right_user) /* E2 */
{
    static const struct caller_limit *const one[] = {&of_identity, NULL}, *const both[] = {&of_identity, &of_nobody, NULL};
    static const struct caller_limit *const *by_route[] = {NULL, one};
    struct caller_limits limits = {.here = &of_listener};
    struct caller *caller = caller_new(0);
    size_t route;
    at.limits = &limits;
    expect(REASON_CALLER_NOT_ALLOWED, "not asked");
    at.caller = caller;
    caller->uid = 7;
    expect(REASON_CALLER_NOT_ALLOWED, "not known");
    ck_assert_int_eq(admit_program(&at, &err), REASON_CALLER_NOT_ALLOWED);
    caller->known = true;
    expect(REASON_VALID, "listed");
    ck_assert_int_eq(admit_program(&at, &err), REASON_VALID);
    caller->uid = 8;
    expect(REASON_CALLER_NOT_ALLOWED, "another user");
    conf.protocol = CONFIG_PROTOCOL_TCP;
    ck_assert_int_eq(admit_caller(&at, &a, NULL, &err), REASON_CALLER_NOT_ALLOWED);
    ck_assert_int_eq(admit_name(&at, span_of(NULL, 0), &route, &err), REASON_CALLER_NOT_ALLOWED);
    conf.protocol = CONFIG_PROTOCOL_HTTP;

    limits = (struct caller_limits){.by_route = by_route};
    expect(REASON_VALID, "a route without a limit");
    by_route[0] = one;
    expect(REASON_CALLER_NOT_ALLOWED, "a route whose identity is for another user");
    ck_assert_uint_eq(a.choice.index, 0);
    struct err why = {0};
    ck_assert_int_eq(admit_name(&at, span_of(NULL, 0), &route, &why), REASON_CALLER_NOT_ALLOWED);
    const struct http_target asked = {.form = HTTP_TARGET_ORIGIN, .host = span_from_str("localhost"), .path = span_from_str("/x")};
    ck_assert_int_eq(admit_running(&at, head.method, &asked, &why), REASON_CALLER_NOT_ALLOWED);
    caller->uid = 7;
    expect(REASON_VALID, "this user");
    by_route[0] = both;
    expect(REASON_CALLER_NOT_ALLOWED, "each of several identities counts");
    free(caller);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("admit");
    TCase *t = tcase_create("admit");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_step_refuses);
    tcase_add_test(t, a_status_that_is_not_valid_needs_a_route_that_names_it);
    tcase_add_test(t, of_a_tcp_connection_the_rules_are_all_there_is);
    tcase_add_test(t, a_forward_proxy_goes_where_it_may);
    tcase_add_test(t, a_forward_proxy_does_not_go_to_itself_nor_in_circles);
    tcase_add_test(t, a_request_in_a_tunnel_is_for_the_host_of_the_tunnel);
    tcase_add_test(t, what_copy_and_move_name_is_judged_like_a_request_for_it);
    tcase_add_test(t, a_trace_goes_on_behind_a_refusal_and_changes_nothing);
    tcase_add_test(t, of_a_request_that_nobody_understands_nothing_else_is_asked);
    tcase_add_test(t, what_runs_is_asked_again_like_what_begins);
    tcase_add_test(t, a_program_needs_the_right_user);
    suite_add_tcase(s, t);
    return s;
}
