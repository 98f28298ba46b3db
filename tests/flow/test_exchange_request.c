/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests get where, and that nothing else than what was matched is what is forwarded. */
#include "t.h"
#include "wire.h"

#include <stdio.h>
#include <string.h>

static struct wire w;

static char slash_admin[] = "/admin", slash_api[] = "/api", slash_old[] = "/old", slash_api_v1[] = "/api/v1", elsewhere[] = "https://www.example/new";
static char post[] = "POST", example[] = "a.example", anybody[] = "*", other_host[] = "b.example";
static char *post_list[] = {post}, *host_list[] = {example};
static struct config_allow only_certified = {.cn = anybody};

static void open_wire(const struct config_route *routes, size_t n)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true};
    wire_open(&w, &setup);
    w.on_backend = wire_backend_http;
    if (n > 0)
        wire_set_routes(&w.injector, routes, n);
}

static void setup(void)
{
    open_wire(NULL, 0);
}

static void drop(void)
{
    wire_close(&w);
}

static struct wire_socket *ask(const char *request)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, request);
    wire_run(&w);
    return app;
}

/* The request line and fields as the backend got them; "" when it got nothing. */
static const char *at_backend(void)
{
    static char text[8192];
    snprintf(text, sizeof(text), "%.*s", (int)w.request.len, w.request.len > 0 ? (const char *)bytes_span(&w.request).ptr : "");
    return text;
}

/* ---- which route ---- */

static const struct config_route many[] = {
    {.path = slash_old, .redirect = elsewhere, .redirect_status = 308},
    {.path = slash_admin, .respond = 403},
    {.method = {.items = post_list, .n = 1}, .respond = 503},
    {.host = {.items = host_list, .n = 1}, .respond = 204},
    {.path = slash_api, .allow = &only_certified, .n_allow = 1},
    {.path = slash_api_v1},
};
enum { N_MANY = sizeof(many) / sizeof(many[0]) };

static const struct {
    const char *why, *request, *answer;
    size_t route;
    enum reason reason;
} decisions[] = {
    {"a redirect", "GET /old/x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 308 Permanent Redirect\r\n", 0, REASON_VALID},
    {"HEAD of a redirect", "HEAD /old HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 308 Permanent Redirect\r\n", 0, REASON_VALID},
    {"a refusal", "GET /admin HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n", 1, REASON_DENIED},
    {"by method", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n", 2, REASON_DENIED},
    {"by host", "GET / HTTP/1.1\r\nHost: A.example.:8080\r\n\r\n", "HTTP/1.1 204 No Content\r\n", 3, REASON_VALID},
    {"by an absolute target's host", "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "HTTP/1.1 204 No Content\r\n", 3, REASON_VALID},
    {"a gate is no match: no further route is tried", "GET /api/v1 HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n", 4, REASON_NOT_ALLOWED},
    {"no route", "GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", SIZE_MAX, REASON_NO_ROUTE},
    {"a path is a prefix only at a segment", "GET /administrator HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", SIZE_MAX, REASON_NO_ROUTE},
};
enum { N_DECISIONS = sizeof(decisions) / sizeof(decisions[0]) };

START_TEST(a_route_may_answer_by_itself)
{
    const size_t steps[] = {1, WIRE_ALL};
    wire_set_routes(&w.injector, many, N_MANY);
    w.step = steps[_i % 2];
    struct wire_socket *app = wire_connect(&w);
    for (int again = 0; again < 2; again++) { /* and the connection goes on */
        bytes_clear(&app->got);
        wire_say(app, decisions[_i / 2].request);
        wire_run(&w);
        ck_assert_msg(strncmp(wire_got(app), decisions[_i / 2].answer, strlen(decisions[_i / 2].answer)) == 0, "%s: %s", decisions[_i / 2].why,
                      wire_got(app));
    }
    if (decisions[_i / 2].route == 0)
        ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nLocation: https://www.example/new\r\n"));
    const struct wire_seen *seen = wire_last(&w.injector);
    ck_assert_int_eq(seen->reason, decisions[_i / 2].reason);
    ck_assert_uint_eq(seen->route, decisions[_i / 2].route);
    ck_assert_uint_eq(seen->target, SIZE_MAX);
    ck_assert_uint_eq(w.injector.n_seen, 2);
    ck_assert_uint_eq(w.injector.connects, 0);
}
END_TEST

START_TEST(a_body_that_nobody_reads_ends_the_connection) /* C4 */
{
    static const struct config_route refuses = {.respond = 403};
    wire_set_routes(&w.injector, &refuses, 1);
    struct wire_socket *app = ask("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close\r\n"));
    wire_finish(&w);
    ck_assert_uint_eq(w.injector.n_seen, 1);
    ck_assert(app->got_end);
}
END_TEST

START_TEST(the_gate_of_the_listener_stands_before_every_route)
{
    wire_set_routes(&w.injector, many, N_MANY);
    w.injector.down_conf.allow = &only_certified;
    w.injector.down_conf.n_allow = 1;
    for (size_t i = 0; i < N_DECISIONS; i++) {
        struct wire_socket *app = ask(decisions[i].request);
        ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 403 ", 13) == 0, "%s: %s", decisions[i].why, wire_got(app));
        ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_NOT_ALLOWED);
        wire_end(&app->up);
        wire_run(&w);
    }
}
END_TEST

/* ---- what is forwarded (C9) ---- */

static const char *const ways_to_admin[] = {
    "/admin",        "/admin/",       "/admin/x",        "/%61dmin",        "/admin;x=1",      "/;/admin",      "//admin",         "/./admin",
    "/x/../admin",   "/%2e/admin",    "/x/%2e%2e/admin", "/x/.%2E/admin",   "/x/..;/admin",    "/\\admin",      "/%2fadmin",       "/x%2f..%2fadmin",
    "/%5cadmin",     "/admin%2fx",    "/x/..%2fadmin",   "/%2e%2e/admin",   "/a;b/..;c/admin", "/%c0%afadmin",  "/%61%64min?a",    "/admin%00",
    "http://x/admin", "http://x//admin", "http://x/x/../admin", "/admin#x", "/%61dmi%6e;v=1/x", "/x//../admin",
};

START_TEST(no_spelling_passes_a_gate_on_a_path) /* C9 */
{
    static const struct config_route routes[] = {{.path = slash_admin, .allow = &only_certified, .n_allow = 1}, {0}};
    char request[200];
    for (size_t i = 0; i < sizeof(ways_to_admin) / sizeof(ways_to_admin[0]); i++) {
        drop();
        open_wire(routes, 2);
        w.injector.down_conf.normalize_path = _i == 1;
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", ways_to_admin[i]);
        struct wire_socket *app = ask(request);
        ck_assert_msg(w.injector.connects == 0, "%s: %s", ways_to_admin[i], at_backend());
        ck_assert_msg(strstr(wire_got(app), "HTTP/1.1 403 ") != NULL || strstr(wire_got(app), "HTTP/1.1 400 ") != NULL, "%s: %s", ways_to_admin[i],
                      wire_got(app));
    }
}
END_TEST

static const struct {
    const char *why, *target, *line;
    const char *path, *strip;
    bool normalize;
} forwarded[] = {
    {"without path rules byte for byte", "/a/../b//c;x/%2e%2F\\d?e/../f", "GET /a/../b//c;x/%2e%2F\\d?e/../f HTTP/1.1\r\n", NULL, NULL, false},
    {"nor is anything rewritten then", "/a/../b", "GET /a/../b HTTP/1.1\r\n", NULL, NULL, true},
    {"with path rules a plain path byte for byte", "/api/%61;x=1?a//b", "GET /api/%61;x=1?a//b HTTP/1.1\r\n", "/api", NULL, false},
    {"and where rewriting is on too", "/api/%61;x=1?a//b", "GET /api/%61;x=1?a//b HTTP/1.1\r\n", "/api", NULL, true},
    {"what is rewritten is what is matched", "/x/../api//y?a=../b", "GET /api/y?a=../b HTTP/1.1\r\n", "/api", NULL, true},
    {"a prefix goes", "/api/v1/users?id=1", "GET /users?id=1 HTTP/1.1\r\n", "/api", "/api/v1", false},
    {"and leaves at least a slash", "/api/v1?id=1", "GET /?id=1 HTTP/1.1\r\n", "/api", "/api/v1", false},
    {"however it is spelled", "/%61pi;p=1/v1/users", "GET /users HTTP/1.1\r\n", "/api", "/api/v1", false},
    {"after rewriting", "/z/../api/v1//users?q", "GET /users?q HTTP/1.1\r\n", "/api", "/api/v1", true},
    {"one that is not there stays", "/api/v2/users", "GET /api/v2/users HTTP/1.1\r\n", "/api", "/api/v1", false},
    {"an absolute target becomes a path", "http://x/a?b", "GET /a?b HTTP/1.1\r\n", NULL, NULL, false},
    {"an absolute target without a path", "http://x", "GET / HTTP/1.1\r\n", NULL, NULL, false},
    {"an absolute target loses a prefix", "http://x/api/v1/a?b", "GET /a?b HTTP/1.1\r\n", "/api", "/api/v1", false},
};

START_TEST(what_was_matched_is_what_is_forwarded) /* C9 */
{
    static char path[32], strip[32];
    char request[200];
    for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++) {
        struct config_route route = {0};
        snprintf(path, sizeof(path), "%s", forwarded[i].path != NULL ? forwarded[i].path : "");
        snprintf(strip, sizeof(strip), "%s", forwarded[i].strip != NULL ? forwarded[i].strip : "");
        route.path = forwarded[i].path != NULL ? path : NULL;
        route.strip_prefix = forwarded[i].strip != NULL ? strip : NULL;
        drop();
        open_wire(&route, 1);
        w.injector.down_conf.normalize_path = forwarded[i].normalize;
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", forwarded[i].target);
        struct wire_socket *app = ask(request);
        ck_assert_msg(strncmp(at_backend(), forwarded[i].line, strlen(forwarded[i].line)) == 0, "%s: %s%s", forwarded[i].why, at_backend(), wire_got(app));
    }
}
END_TEST

START_TEST(host_is_what_the_route_says)
{
    static const struct {
        const char *why;
        enum config_host how;
        char *literal;
        const char *line;
    } cases[] = {
        {"kept", CONFIG_HOST_PRESERVE, NULL, "\r\nHost: x:81\r\n"},
        {"a literal", CONFIG_HOST_LITERAL, other_host, "\r\nHost: b.example\r\n"},
        {"the upstream's", CONFIG_HOST_UPSTREAM, NULL, "\r\nHost: " WIRE_NAME "\r\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct config_route route = {.set_host_given = true, .set_host = cases[i].how, .set_host_literal = cases[i].literal};
        wire_set_routes(&w.injector, &route, 1);
        ask("GET http://x:81/ HTTP/1.1\r\nHost: x:81\r\n\r\n");
        ck_assert_msg(strstr(at_backend(), cases[i].line) != NULL, "%s: %s", cases[i].why, at_backend());
    }
}
END_TEST

START_TEST(connect_is_not_served_where_nothing_says_so)
{
    struct wire_socket *app = ask("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "HTTP/1.1 501 "));
    ck_assert_uint_eq(w.injector.connects, 0);
}
END_TEST

START_TEST(a_route_sets_and_removes_fields)
{
    static char name[] = "X-Tenant", value[] = "blue", gone[] = "Cookie", owned[] = "X-SSL-Client-CN", forged[] = "boss";
    static char *gone_list[] = {gone};
    static struct config_header headers[] = {{name, value}, {owned, forged}};
    struct config_route route = {.set_headers = headers, .n_set_headers = 2, .remove_headers = {.items = gone_list, .n = 1}};
    wire_set_routes(&w.injector, &route, 1);
    ask("GET / HTTP/1.1\r\nHost: x\r\nx_tenant: red\r\nX-Tenant: green\r\nCookie: a=b\r\nX-Other: stays\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Tenant: blue\r\n"));
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Other: stays\r\n"));
    static const char *const absent[] = {"red", "green", "Cookie", "boss"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(strstr(at_backend(), absent[i]) == NULL, "%s: %s", absent[i], at_backend());
}
END_TEST

START_TEST(no_field_names_another_host_than_routes_looked_at) /* A15, C11 */
{
    const struct config_route routes[] = {{.host = {.items = host_list, .n = 1}, .respond = 403}, {.path = NULL}};
    const char *const request = "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-Host: a.example\r\nX_Forwarded_Host: x:81\r\nForwarded: for=192.0.2.9;host=a.example\r\n"
                                "X-Host: a.example\r\nx_original_host: a.example\r\nX-HTTP-Host-Override: a.example\r\nX-Host: x\r\n\r\n";
    wire_set_routes(&w.injector, routes, 2);
    w.injector.down_conf.forwarded = CONFIG_FORWARDED_OFF;
    ask(request);
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX_Forwarded_Host: x:81\r\n"));
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Host: x\r\n"));
    ck_assert_ptr_null(strstr(at_backend(), "a.example"));
    w.injector.down_conf.forwarded = CONFIG_FORWARDED_X;
    bytes_clear(&w.request);
    ask(request);
    ck_assert_ptr_null(strstr(at_backend(), "a.example"));
    w.injector.down_conf.forwarded = CONFIG_FORWARDED_OFF;
    wire_set_routes(&w.injector, &(struct config_route){.path = NULL}, 1);
    bytes_clear(&w.request);
    ask(request);
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Forwarded-Host: a.example\r\n"));
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Host: a.example\r\n"));
}
END_TEST

START_TEST(only_a_trusted_proxy_is_believed_about_its_client) /* C1 */
{
    static struct ip_range ranges[2];
    struct config_listener *conf = &w.injector.down_conf;
    const char *const request = "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.5, 192.0.2.8\r\nX_Forwarded_For: 198.51.100.2\r\n\r\n";
    ck_assert(ip_range_parse("192.0.2.8", &ranges[0], NULL) == 0 && ip_range_parse("192.0.2.0/24", &ranges[1], NULL) == 0);
    conf->forwarded = CONFIG_FORWARDED_X;
    conf->trusted_proxies = (struct config_ranges){.items = ranges, .n = 1, .sockets = true};
    ask(request);
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n"));
    ck_assert_ptr_null(strstr(at_backend(), "198.51.100."));
    ck_assert_str_eq(wire_last(&w.injector)->forwarded_for, "");
    conf->trusted_proxies.n = 2;
    bytes_clear(&w.request);
    ask(request);
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.5, 192.0.2.8, 192.0.2.7\r\nX-Real-IP: 203.0.113.5\r\n"));
    ck_assert_ptr_null(strstr(at_backend(), "198.51.100.2"));
    ck_assert_str_eq(wire_last(&w.injector)->forwarded_for, "203.0.113.5");
}
END_TEST

#define CHUNKS "Transfer-Encoding: chunked\r\n"
#define TRAILERS "2\r\nhi\r\n0\r\nx_tenant: red\r\nCookie: a=b\r\nX-Secret: red\r\nX-SSL-Other: red\r\nX-Original-URL: /red\r\nX-Sum: 1\r\n\r\n"

START_TEST(no_trailer_undoes_what_a_route_sets_or_removes) /* C11 */
{
    static const struct {
        const char *why, *fields;
        bool pass;
    } rows[] = {
        {"no server asks a client for trailers", CHUNKS "Trailer: X-Sum\r\n", false},
        {"not even when the client does", CHUNKS "TE: trailers\r\nConnection: TE\r\n", false},
        {"gRPC ends in them", CHUNKS "Content-Type: application/grpc\r\n", true},
        {"what Connection took off the head does not come back", CHUNKS "Content-Type: application/grpc\r\nConnection: X-Sum\r\n", false},
    };
    static char name[] = "X-Tenant", value[] = "blue", gone[] = "X-Secret", path[] = "/";
    static char *gone_list[] = {gone};
    static struct config_header headers[] = {{name, value}};
    struct config_route route = {.path = path, .set_headers = headers, .n_set_headers = 1, .remove_headers = {.items = gone_list, .n = 1}};
    wire_set_routes(&w.injector, &route, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char request[512];
        snprintf(request, sizeof(request), "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n" TRAILERS, rows[i].fields);
        struct wire_socket *app = ask(request);
        ck_assert_msg(strstr(wire_got(app), "200 OK") != NULL, "%s: %s", rows[i].why, wire_got(app));
        ck_assert_msg(strstr(at_backend(), "red") == NULL && strstr(at_backend(), "Cookie") == NULL, "%s: %s", rows[i].why, at_backend());
        ck_assert_msg(strstr(at_backend(), rows[i].pass ? "2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n" : "2\r\nhi\r\n0\r\n\r\n") != NULL, "%s: %s", rows[i].why, at_backend());
        ck_assert_msg(strstr(at_backend(), "Trailer:") == NULL, "%s: %s", rows[i].why, at_backend());
    }
}
END_TEST

START_TEST(no_field_replaces_the_path_or_the_method_that_routes_looked_at) /* C11 */
{
    static char path[] = "/x", get[] = "GET";
    static char *methods[] = {get};
    const struct config_route by_path[] = {{.path = path}, {.respond = 404}}, by_method[] = {{.method = {methods, 1}}, {.respond = 404}}, by_nothing[] = {{.allow_log_only = false}};
    const struct {
        const char *why;
        const struct config_route *routes;
        size_t n;
        bool passes;
    } rows[] = {{"a path is looked at", by_path, 2, false}, {"a method is", by_method, 2, false}, {"neither is", by_nothing, 1, true}};
    for (size_t i = 0; i < 3; i++) {
        wire_set_routes(&w.injector, rows[i].routes, rows[i].n);
        ask("GET /x HTTP/1.1\r\nHost: x\r\nX-Original-URL: /admin\r\nX_Rewrite_URL: /admin\r\nX-HTTP-Method-Override: DELETE\r\nX-HTTP-Method: DELETE\r\n"
            "X-Method-Override: DELETE\r\nX-Other: stays\r\n\r\n");
        ck_assert_msg(strstr(at_backend(), "X-Other: stays") != NULL, "%s: %s", rows[i].why, at_backend());
        ck_assert_msg((strstr(at_backend(), "/admin") != NULL) == rows[i].passes, "%s: %s", rows[i].why, at_backend());
        ck_assert_msg((strstr(at_backend(), "DELETE") != NULL) == rows[i].passes, "%s: %s", rows[i].why, at_backend());
    }
}
END_TEST

/* ---- browsers (E1) ---- */

static const struct {
    const char *why, *request;
    bool passes;
} shapes[] = {
    {"a program", "GET / HTTP/1.1\r\nHost: localhost:8443\r\n\r\n", true},
    {"a program by address", "GET / HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n", true},
    {"a name of a page's own", "GET / HTTP/1.1\r\nHost: evil.example:8443\r\n\r\n", false},
    {"another spelling of the address", "GET / HTTP/1.1\r\nHost: 0x7f.1:8443\r\n\r\n", false},
    {"another port", "GET / HTTP/1.1\r\nHost: localhost:81\r\n\r\n", false},
    {"a page of another origin", "POST / HTTP/1.1\r\nHost: localhost:8443\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n", false},
    {"a link in such a page", "GET / HTTP/1.1\r\nHost: localhost:8443\r\nReferer: https://evil.example/\r\n\r\n", false},
    {"an image in it", "GET / HTTP/1.1\r\nHost: localhost:8443\r\nSec-Fetch-Site: cross-site\r\n\r\n", false},
    {"its question before it", "OPTIONS / HTTP/1.1\r\nHost: localhost:8443\r\nAccess-Control-Request-Private-Network: true\r\n\r\n", false},
    {"an absolute target", "GET http://evil.example:8443/ HTTP/1.1\r\nHost: evil.example:8443\r\n\r\n", false},
};

START_TEST(a_web_page_gets_nothing_through) /* E1 */
{
    w.injector.down_conf.guards_browsers = true;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        unsigned before = w.n_requests;
        struct wire_socket *app = ask(shapes[i].request);
        ck_assert_msg((w.n_requests > before) == shapes[i].passes, "%s: %s", shapes[i].why, wire_got(app));
        ck_assert_msg(shapes[i].passes || strstr(wire_got(app), "HTTP/1.1 403 ") != NULL, "%s: %s", shapes[i].why, wire_got(app));
        ck_assert_msg(strstr(wire_got(app), "\r\nAccess-Control") == NULL, "%s: no field of ours lets a page read this", shapes[i].why);
        wire_end(&app->up);
        wire_run(&w);
    }
}
END_TEST

/* ---- hops ---- */

START_TEST(the_last_of_max_forwards_is_answered_here) /* RFC 9110 section 7.6.2 */
{
    struct wire_socket *app = ask("OPTIONS / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "\r\nAllow: GET"));
    ck_assert_uint_eq(w.injector.connects, 0);
    ask("GET / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n");
    ck_assert_uint_eq(w.n_requests, 1); /* it means nothing to other methods */
    ask("OPTIONS / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 3\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(at_backend(), "\r\nMax-Forwards: 2\r\n"));
}
END_TEST

START_TEST(a_forward_proxy_says_that_it_was_there_and_a_gateway_does_not)
{
    for (int i = 0; i < 2; i++) {
        w.injector.down_conf.forward_proxy.present = i == 1;
        struct wire_socket *app = ask("GET / HTTP/1.1\r\nHost: x\r\nVia: 1.0 other\r\n\r\n");
        ck_assert((strstr(at_backend(), "1.1 mtlsd") != NULL) == (i == 1));
        ck_assert((strstr(wire_got(app), "\r\nVia: 1.1 mtlsd\r\n") != NULL) == (i == 1));
        ck_assert_ptr_nonnull(strstr(at_backend(), "1.0 other"));
    }
}
END_TEST

START_TEST(a_proxy_that_sees_itself_again_and_again_stops)
{
    static const char ten[] = "GET / HTTP/1.1\r\nHost: x\r\nVia: 1.1 mtlsd, 1.0 other, 1.1 mtlsdx, 1.1 mtlsd (us, too), HTTP/1.1 mtlsd, 1.1 MTLSD, mtlsd\r\n"
                              "via: 1.1 mtlsd, 1.1 mtlsd, 1.1 mtlsd, 1.1 mtlsd, 1.1 mtlsd, 1.1 mtlsd";
    char request[1000];
    w.injector.down_conf.forward_proxy.present = true;
    for (int i = 0; i < 2; i++) {
        snprintf(request, sizeof(request), "%s%s\r\n\r\n", ten, i == 0 ? "" : ", 1.1 mtlsd");
        struct wire_socket *app = ask(request);
        ck_assert_msg((strstr(wire_got(app), "HTTP/1.1 400 ") != NULL) == (i == 1), "%s", wire_got(app));
        ck_assert_uint_eq(w.n_requests, 1);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_request");
    TCase *t = tcase_create("flow");
    tcase_add_checked_fixture(t, setup, drop);
    tcase_add_loop_test(t, a_route_may_answer_by_itself, 0, N_DECISIONS * 2);
    tcase_add_test(t, a_body_that_nobody_reads_ends_the_connection);
    tcase_add_test(t, the_gate_of_the_listener_stands_before_every_route);
    tcase_add_loop_test(t, no_spelling_passes_a_gate_on_a_path, 0, 2);
    tcase_add_test(t, what_was_matched_is_what_is_forwarded);
    tcase_add_test(t, host_is_what_the_route_says);
    tcase_add_test(t, a_route_sets_and_removes_fields);
    tcase_add_test(t, only_a_trusted_proxy_is_believed_about_its_client);
    tcase_add_test(t, no_field_names_another_host_than_routes_looked_at);
    tcase_add_test(t, no_trailer_undoes_what_a_route_sets_or_removes);
    tcase_add_test(t, no_field_replaces_the_path_or_the_method_that_routes_looked_at);
    tcase_add_test(t, a_forward_proxy_says_that_it_was_there_and_a_gateway_does_not);
    tcase_add_test(t, connect_is_not_served_where_nothing_says_so);
    tcase_add_test(t, a_web_page_gets_nothing_through);
    tcase_add_test(t, the_last_of_max_forwards_is_answered_here);
    tcase_add_test(t, a_proxy_that_sees_itself_again_and_again_stops);
    suite_add_tcase(s, t);
    return s;
}
