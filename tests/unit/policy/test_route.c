/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/http/http_target.h"
#include "mtlsd/policy/route.h"

#include <stdio.h>
#include <string.h>

#define BIT(reason) (UINT64_C(1) << (reason))
#define ERRORS (BIT(REASON_MALFORMED + 1) - BIT(REASON_EXPIRED))

static const struct tls_verdict valid = {.status = REASON_VALID};

/* Borrows the words of a list of at most three. */
static struct config_strings list_of(char **items)
{
    struct config_strings list = {.items = items};
    while (list.n < 3 && items[list.n] != NULL)
        list.n++;
    return list;
}

static enum reason choose(const struct config_route *routes, size_t n, const struct route_question *q, size_t *index)
{
    struct route_choice choice;
    enum reason reason = route_choose(routes, n, q, &choice);
    *index = choice.index;
    return reason;
}

static const struct host_row {
    const char *pattern, *host;
    bool matches;
    const char *why;
} hosts[] = {
    {"api.example.com", "api.example.com", true, "the plain case"},
    {"api.example.com", "API.Example.COM", true, "case does not count"},
    {"api.example.com", "api.example.com.", true, "one trailing dot"},
    {"api.example.com", "api.example.com..", false, "two are no name"},
    {"api.example.com", "xapi.example.com", false, "no suffix match without a star"},
    {"api.example.com", "api.example.com.evil.org", false, "no prefix match"},
    {"api.example.com", "api.example.co", false, "shorter"},
    {"api.example.com", "", false, "no host"},
    {"api.example.com", ".", false, "a dot is no host"},
    {"*.example.com", "a.example.com", true, "one label"},
    {"*.example.com", "a.b.example.com", true, "several labels"},
    {"*.example.com", "A.EXAMPLE.com.", true, "case and the trailing dot"},
    {"*.example.com", "example.com", false, "never the bare suffix"},
    {"*.example.com", ".example.com", false, "an empty label"},
    {"*.example.com", "a..example.com", false, "an empty label inside"},
    {"*.example.com", "evilexample.com", false, "a dot is a dot"},
    {"*.example.com", "a.example.com.evil.org", false, "the suffix ends the name"},
    {"*.example.com", "", false, "no host"},
    {"*.com", "a.com", true, "a suffix of one label"},
    {"*.", "a.", false, "a star without a suffix is a name that nobody has"},
    {"*", "a.example", false, "no star alone"},
    {"a.*.com", "a.b.com", false, "a star is only special at the front"},
    {"127.0.0.1", "127.0.0.1", true, "an address"},
    {"127.0.0.1", "127.1", false, "another spelling is another name"},
    {"::1", "::1", true, "an IPv6 address, without brackets on both sides"},
};

START_TEST(compares_hosts_by_name_or_by_suffix)
{
    const struct host_row *row = &hosts[_i];
    char pattern[64];
    snprintf(pattern, sizeof(pattern), "%s", row->pattern);
    char *items[] = {pattern, NULL};
    struct config_route route = {.host = list_of(items)};
    struct route_question q = {.host = span_from_str(row->host)};
    enum route_miss got = route_compare(&route, &q);
    ck_assert_msg(got == (row->matches ? ROUTE_MATCHES : ROUTE_OTHER_HOST), "%s, %s: %s", row->pattern, row->host, row->why);
    ck_assert(route_names_host(&route, 1, q.host) == row->matches);
    ck_assert(route_host_listed(&route.host, q.host, 80) == row->matches);
}
END_TEST

/* C9: what some server takes for /admin, /admin/x or /x/admin/../../admin. */
static const char *const admins[] = {
    "/admin", "/admin/", "/admin/x", "/admin;", "/admin;x", "/admin;x/y", "/admin/;x", "/%61dmin", "/%61%64%6d%69%6e", "/adm%69n/x", "/admin%3b", "/admin%3Bx/y",
    "//admin", "///admin", "/./admin", "/.//admin", "/x/../admin", "/x/y/../../admin", "/x/..//admin", "/../admin", "/../../admin", "/admin/../admin",
    "/admin/.", "/admin/./x", "/admin//x", "/%2e/admin", "/%2E/admin", "/x/%2e%2e/admin", "/x/.%2e/admin", "/x/%2e./admin", "/x/%2E%2E/%61dmin",
    "/;/admin", "/;x/admin", "/x;/../admin", "/x/..;/admin", "/x/..;y/admin", "/x/%2e%2e;/admin", "/.;/admin", "/x/..%3b/admin", "/%2e%3bx/admin",
    "/x%2f..%2fadmin", "/x/..%2fadmin", "/%2fadmin", "/%2Fadmin", "/admin%2f", "/admin%2fx", "/x%2f../admin", "/\\admin", "/x\\..\\admin", "/x/..\\admin",
    "\\admin", "/admin\\x", "/%5cadmin", "/x/..%5cadmin", "/admin%5cx", "/admin%00", "/admin%00.html", "/%c0%afadmin", "/x/%c0%ae%c0%ae/admin",
    "/%e0%80%afadmin", "/%f0%80%80%afadmin", "/x/%c0%ae./admin", "/admin%", "/%6", "/%6zadmin",
};

START_TEST(keeps_a_gate_shut_whatever_the_spelling_of_its_path)
{
    char admin[] = "/admin", nobody[] = "nobody";
    struct config_allow rule = {.cn = nobody};
    struct config_route routes[] = {{.path = admin, .allow = &rule, .n_allow = 1}, {.respond = 200}};
    struct span path = span_from_str(admins[_i]);
    struct route_question q = {.path = path, .verdict = &valid};
    size_t index;
    const char *why = http_target_path_refusal(path);
    ck_assert_msg(why != NULL || choose(routes, 2, &q, &index) == REASON_NOT_ALLOWED, "C9: %s goes around the gate", admins[_i]);
    struct bytes plain;
    bytes_init(&plain, 1000);
    if (why != NULL && http_target_normalize(&plain, path, NULL) == 0) {
        q.path = bytes_span(&plain);
        ck_assert_msg(choose(routes, 2, &q, &index) == REASON_NOT_ALLOWED, "C9: %s goes around the gate as %.*s", admins[_i], (int)plain.len,
                      (const char *)plain.data);
    }
    bytes_clear(&plain);
}
END_TEST

/* ---- C12: gates are wide, openings narrow ---- */

static char up_app[] = "app", up_other[] = "other", admin_path[] = "/admin", me_path[] = "/users/me", users_path[] = "/users", docs_path[] = "/docs/", docs_plain[] = "/docs",
            cn_nobody[] = "nobody", ou_ops[] = "ops";
static struct config_allow only_nobody = {.cn = cn_nobody}, only_ops = {.ou = ou_ops};

enum { NONE = -1 };

static const struct spelling_row {
    const char *why, *path;
    struct config_route routes[3];
    enum reason reason;
    int index, also; /* NONE: none */
} spellings[] = {
    {"as spelled", "/admin/x", {{.path = admin_path, .upstream = up_app}, {.upstream = up_other}}, REASON_VALID, 0, NONE},
    {"a gate is shut for other spellings", "/ADMIN", {{.path = admin_path, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}}, REASON_NOT_ALLOWED, 0, NONE},
    {"a refusal too", "/Admin/x", {{.path = admin_path, .respond = 404}, {.upstream = up_app}}, REASON_VALID, 0, NONE},
    {"a redirect too", "/admin%20", {{.path = admin_path, .redirect = docs_plain}, {.upstream = up_app}}, REASON_VALID, 0, NONE},
    {"also where the first route lets on", "/admin.", {{.path = admin_path, .cert = BIT(REASON_EXPIRED), .upstream = up_app}, {.path = admin_path, .respond = 403}, {.upstream = up_app}},
     REASON_VALID, 1, NONE},
    {"whom the gate lets on goes where the path leads as spelled", "/ADMIN", {{.path = admin_path, .allow = &only_ops, .n_allow = 1, .upstream = up_app}, {.upstream = up_other}},
     REASON_VALID, 1, 0},
    {"an opening opens nothing else: a gate behind it", "/users/ME",
     {{.path = me_path, .upstream = up_app}, {.path = users_path, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}}, REASON_NOT_ALLOWED, 1, 0},
    {"also where only the gate is spelled otherwise", "/USERS/me",
     {{.path = me_path, .upstream = up_app}, {.path = users_path, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}}, REASON_NOT_ALLOWED, 1, 0},
    {"or where a server reads only a part of it so", "/USERS/ME",
     {{.path = me_path, .upstream = up_app}, {.path = users_path, .respond = 403}, {.upstream = up_app}}, REASON_VALID, 1, 0},
    {"an opening of what is below opens not the thing itself", "/Docs", {{.path = docs_path, .upstream = up_app}, {.path = docs_plain, .respond = 403}, {.upstream = up_app}},
     REASON_VALID, 1, 0},
    {"what an opening takes in every reading no gate behind it keeps back", "/ADMIN",
     {{.path = admin_path, .allow = &only_ops, .n_allow = 1, .upstream = up_app}, {.path = admin_path, .respond = 403}, {.upstream = up_app}}, REASON_VALID, 2, 0},
    {"a refusal behind it", "/users/me.", {{.path = me_path, .upstream = up_app}, {.path = users_path, .respond = 403}}, REASON_VALID, 1, 0},
    {"no route behind it", "/Users/me", {{.path = me_path, .upstream = up_app}}, REASON_NO_ROUTE, NONE, 0},
    {"exact is exact: a gate", "/ADMIN", {{.path = admin_path, .path_case = CONFIG_PATH_CASE_EXACT, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}},
     REASON_VALID, 1, NONE},
    {"exact still reads escapes", "/%61dmin;x", {{.path = admin_path, .path_case = CONFIG_PATH_CASE_EXACT, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}},
     REASON_NOT_ALLOWED, 0, NONE},
    {"without its slash a gate for what is below is shut", "/docs", {{.path = docs_path, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.upstream = up_app}},
     REASON_NOT_ALLOWED, 0, NONE},
    {"and a route of its own for that decides", "/docs", {{.path = docs_path, .upstream = up_app}, {.path = docs_plain, .redirect = docs_path}, {.upstream = up_app}}, REASON_VALID, 1, 0},
    {"a gate that is only tried out lets on", "/ADMIN",
     {{.path = admin_path, .allow = &only_nobody, .n_allow = 1, .allow_log_only = true, .upstream = up_app}, {.upstream = up_other}}, REASON_VALID, 1, 0},
    {"but to what does not refuse", "/ADMIN",
     {{.path = admin_path, .allow = &only_nobody, .n_allow = 1, .allow_log_only = true, .upstream = up_app}, {.allow = &only_nobody, .n_allow = 1, .upstream = up_app}},
     REASON_NOT_ALLOWED, 1, 0},
};

START_TEST(a_path_of_very_many_spellings_is_nobodys) /* C12 */
{
    struct config_route routes[7] = {{0}};
    static char deep[6][16];
    for (size_t i = 0; i < 6; i++) {
        snprintf(deep[i], sizeof(deep[i]), "%.*s", (int)(2 * (6 - i)), "/a/a/a/a/a/a"); /* none of which covers the next */
        routes[i] = (struct config_route){.path = deep[i], .upstream = up_app};
    }
    routes[6] = (struct config_route){.upstream = up_app};
    struct route_question q = {.path = span_from_str("/A/a/a/a/a/a"), .verdict = &valid};
    struct route_choice choice;
    ck_assert_int_eq(route_choose(routes, 7, &q, &choice), REASON_NO_ROUTE);
    ck_assert(choice.index == SIZE_MAX && choice.n_also == ROUTE_ALSO_MAX);
    ck_assert_int_eq(route_choose(routes + 2, 5, &q, &choice), REASON_VALID);
    ck_assert(choice.index == 4 && choice.n_also == ROUTE_ALSO_MAX);
}
END_TEST

START_TEST(gates_are_wide_and_openings_narrow) /* C12 */
{
    const struct spelling_row *row = &spellings[_i];
    struct tls_name name = {TLS_NAME_OU, span_from_str("ops")};
    struct tls_peer peer = {.names = &name, .n_names = 1};
    struct route_question q = {.path = span_from_str(row->path), .verdict = &valid, .peer = &peer};
    struct route_choice choice;
    size_t n = 0;
    while (n < 3 && (row->routes[n].upstream != NULL || row->routes[n].respond != 0 || row->routes[n].redirect != NULL))
        n++;
    enum reason reason = route_choose(row->routes, n, &q, &choice);
    ck_assert_msg(reason == row->reason, "%s: %d", row->why, (int)reason);
    ck_assert_msg(choice.index == (row->index == NONE ? SIZE_MAX : (size_t)row->index), "%s: at %zu", row->why, choice.index);
    ck_assert_msg(choice.n_also == (row->also == NONE ? 0 : 1), "%s: %zu too", row->why, choice.n_also);
    ck_assert_msg(row->also == NONE || choice.also[0] == (size_t)row->also, "%s: also %zu", row->why, choice.also[0]);
}
END_TEST

/* What Express, koa, Tomcat on Windows, IIS and file systems that ignore case may take for /admin or below. */
static const char *const wide_admins[] = {
    "/Admin", "/ADMIN", "/aDmIn/x", "/ADMIN/", "/Admin;x", "/ADMIN;x/y", "/%41DMIN", "/admin.", "/admin..", "/admin./x", "/Admin%20", "/admin%20/x", "/admin%09", "/admin%0a",
    "/admin%00", "/adm%C4%B1n", "/ADM%C4%B0N", "/admin::$DATA", "/Admin:$i30:$INDEX_ALLOCATION/x", "/admin.;x", "/admin%2e", "/admin%3a%3a$DATA",
};

START_TEST(keeps_a_gate_shut_for_every_server_whatever_comes_before_and_behind) /* C12 */
{
    static char public_path[] = "/public", root[] = "/";
    const struct config_route gates[] = {{.path = admin_path, .allow = &only_nobody, .n_allow = 1, .upstream = up_app}, {.path = admin_path, .respond = 404}};
    for (size_t g = 0; g < 2; g++) {
        const struct config_route routes[] = {{.path = public_path, .upstream = up_app}, gates[g], {.path = root, .upstream = up_app}};
        struct route_question q = {.path = span_from_str(wide_admins[_i]), .verdict = &valid};
        struct route_choice choice;
        enum reason reason = route_choose(routes, 3, &q, &choice);
        ck_assert_msg(choice.index == 1 && (reason == REASON_NOT_ALLOWED || routes[1].upstream == NULL), "%s goes to %zu", wide_admins[_i], choice.index);
    }
}
END_TEST

/* C12: servers run the code of GET for a HEAD. */
START_TEST(a_gate_on_GET_holds_HEAD_too)
{
    static char get[] = "GET", head[] = "HEAD", post[] = "POST";
    static const struct {
        char *items[2];
        const char *method;
        bool matches;
    } rows[] = {{{get}, "HEAD", true}, {{post, get}, "HEAD", true}, {{head}, "GET", false}, {{post}, "HEAD", false}, {{get}, "head", false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct config_route route = {.method = {(char **)(uintptr_t)rows[i].items, rows[i].items[1] != NULL ? 2 : 1}};
        struct route_question q = {.method = span_from_str(rows[i].method)};
        ck_assert_msg(route_compare(&route, &q) == (rows[i].matches ? ROUTE_MATCHES : ROUTE_OTHER_METHOD), "%s by %s", rows[i].method, rows[i].items[0]);
    }
}
END_TEST

START_TEST(compares_methods_byte_for_byte)
{
    char get[] = "GET", head[] = "HEAD";
    char *items[] = {get, head, NULL};
    struct config_route route = {.method = list_of(items)};
    static const struct {
        const char *method;
        bool matches;
        const char *why;
    } rows[] = {{"GET", true, "the first"},         {"HEAD", true, "the second"},    {"POST", false, "another"},
                {"get", false, "case counts"},      {"GE", false, "shorter"},        {"GETX", false, "longer"},
                {"", false, "no method at all"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct route_question q = {.method = span_from_str(rows[i].method)};
        ck_assert_msg(route_compare(&route, &q) == (rows[i].matches ? ROUTE_MATCHES : ROUTE_OTHER_METHOD), "%s: %s", rows[i].method, rows[i].why);
    }
}
END_TEST

/* A2: every status against every cert key. */
START_TEST(matches_a_status_only_by_its_own_name)
{
    struct tls_verdict verdict = {.status = (enum reason)_i};
    struct route_question q = {.verdict = &verdict};
    for (unsigned wanted = 0; wanted < REASON_COUNT; wanted++) {
        struct config_route route = {.cert = BIT(wanted)};
        bool expected = wanted == (unsigned)_i && wanted != REASON_UNDECIDED;
        ck_assert_msg((route_compare(&route, &q) == ROUTE_MATCHES) == expected, "A2: status %d met cert bit %u", _i, wanted);
    }
    struct config_route errors = {.cert = ERRORS};
    bool is_error = _i >= REASON_EXPIRED && _i <= REASON_MALFORMED;
    ck_assert_msg((route_compare(&errors, &q) == ROUTE_MATCHES) == is_error, "A2: status %d and cert = error", _i);
    struct config_route any = {0};
    ck_assert_int_eq(route_compare(&any, &q), ROUTE_MATCHES);
}
END_TEST

/* A2: every status against every kind of caller rule and gate: only a valid certificate is anybody. */
START_TEST(knows_a_caller_only_by_a_valid_certificate)
{
    struct tls_verdict verdict = {.status = (enum reason)_i};
    struct tls_name names[] = {{TLS_NAME_CN, span_from_str("web-1")},  {TLS_NAME_OU, span_from_str("ops")},
                               {TLS_NAME_O, span_from_str("Example")}, {TLS_NAME_DNS, span_from_str("a.example")},
                               {TLS_NAME_URI, span_from_str("x:y")},   {TLS_NAME_EMAIL, span_from_str("a@b.example")}};
    struct tls_peer peer = {.issuer = "CN=Ops CA", .by_anchor = true, .serial = "1a", .names = names, .n_names = 6};
    memset(peer.sha256, 'a', 64);
    memset(peer.spki_sha256, 'b', 64);
    char any[] = "**", mail[] = "**@**", serial[] = "1a";
    struct config_allow rules[] = {{.cn = any},    {.ou = any},    {.o = any},          {.dns = any},         {.uri = any},
                                   {.email = mail}, {.issuer = any}, {.serial = serial}, {.fingerprint = peer.sha256}, {.spki = peer.spki_sha256}};
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct route_question q = {.verdict = &verdict, .peer = &peer};
        struct config_route caller = {.caller = &rules[i], .n_caller = 1}, gate = {.allow = &rules[i], .n_allow = 1};
        /* even a route that asks for this very status does not make its certificate somebody's */
        struct config_route both = {.cert = BIT(_i), .caller = &rules[i], .n_caller = 1};
        size_t index = 9;
        bool is_valid = _i == REASON_VALID;
        ck_assert_msg((route_compare(&caller, &q) == ROUTE_MATCHES) == is_valid, "A2: status %d met caller rule %zu", _i, i);
        ck_assert((route_compare(&both, &q) == ROUTE_MATCHES) == is_valid);
        ck_assert_msg(choose(&gate, 1, &q, &index) == (is_valid ? REASON_VALID : REASON_NOT_ALLOWED), "A2: status %d passed gate %zu", _i, i);
        ck_assert_uint_eq(index, 0);
        q.peer = NULL;
        ck_assert_int_eq(route_compare(&caller, &q), ROUTE_OTHER_CALLER);
        ck_assert_int_eq(choose(&gate, 1, &q, &index), REASON_NOT_ALLOWED);
        q = (struct route_question){.peer = &peer};
        ck_assert_int_eq(route_compare(&caller, &q), ROUTE_OTHER_CALLER);
        ck_assert_int_eq(choose(&gate, 1, &q, &index), REASON_NOT_ALLOWED);
    }
}
END_TEST

START_TEST(keeps_out_whoever_may_be_one_of_those_it_names) /* A15 */
{
    char ops[] = "**.ops.example", app[] = "app";
    struct config_allow rule = {.dns = ops};
    struct config_route routes[] = {{.caller = &rule, .n_caller = 1, .respond = 403}, {.upstream = app}};
    static const struct {
        const char *dns;
        size_t index;
    } rows[] = {{"a.ops.example", 0}, {".ops.example", 0}, {"a..ops.example", 0}, {"*.ops.example", 0}, {"a\001.ops.example", 0}, {"a.dev.example", 1}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_name name = {TLS_NAME_DNS, span_from_str(rows[i].dns)};
        struct tls_peer peer = {.names = &name, .n_names = 1};
        struct route_question q = {.verdict = &valid, .peer = &peer};
        size_t index = 9;
        ck_assert_int_eq(choose(routes, 2, &q, &index), REASON_VALID);
        ck_assert_msg(index == rows[i].index, "%s went to %zu", rows[i].dns, index);
        routes[0].upstream = app; /* what lets in takes nobody who is in doubt */
        ck_assert((route_compare(&routes[0], &q) == ROUTE_MATCHES) == (i == 0));
        routes[0].upstream = NULL;
    }
}
END_TEST

START_TEST(takes_an_unasked_client_for_one_without_certificate)
{
    struct config_route none = {.cert = BIT(REASON_NONE)}, is_valid = {.cert = BIT(REASON_VALID)}, errors = {.cert = ERRORS};
    struct route_question q = {.verdict = NULL};
    ck_assert_int_eq(route_compare(&none, &q), ROUTE_MATCHES);
    ck_assert_int_eq(route_compare(&is_valid, &q), ROUTE_OTHER_STATUS);
    ck_assert_int_eq(route_compare(&errors, &q), ROUTE_OTHER_STATUS);
}
END_TEST

START_TEST(names_the_first_thing_that_differs)
{
    char host[] = "a.example", get[] = "GET", path[] = "/x", nobody[] = "nobody";
    char *hosts_of[] = {host, NULL}, *methods[] = {get, NULL};
    struct config_allow rule = {.cn = nobody};
    struct config_route route = {.host = list_of(hosts_of), .path = path, .method = list_of(methods), .cert = BIT(REASON_VALID),
                                 .caller = &rule, .n_caller = 1};
    struct route_question q = {0};
    ck_assert_int_eq(route_compare(&route, &q), ROUTE_OTHER_HOST);
    q.host = span_from_str("a.example");
    ck_assert_int_eq(route_compare(&route, &q), ROUTE_OTHER_PATH);
    q.path = span_from_str("/x");
    ck_assert_int_eq(route_compare(&route, &q), ROUTE_OTHER_METHOD);
    q.method = span_from_str("GET");
    ck_assert_int_eq(route_compare(&route, &q), ROUTE_OTHER_STATUS);
    q.verdict = &valid;
    ck_assert_int_eq(route_compare(&route, &q), ROUTE_OTHER_CALLER);
}
END_TEST

START_TEST(lets_the_first_match_decide_and_no_later_one)
{
    char admin[] = "/admin", ops[] = "ops";
    struct config_allow rule = {.ou = ops};
    struct config_route routes[] = {{.path = admin, .allow = &rule, .n_allow = 1}, {.respond = 204}};
    struct tls_name name = {TLS_NAME_OU, span_from_str("ops")};
    struct tls_peer peer = {.names = &name, .n_names = 1}, other = {.n_names = 0};
    struct route_question q = {.path = span_from_str("/admin/x"), .verdict = &valid, .peer = &peer};
    size_t index = 9;
    ck_assert_int_eq(choose(routes, 2, &q, &index), REASON_VALID);
    ck_assert_uint_eq(index, 0);
    q.peer = &other; /* refused here, and not served by the route below */
    ck_assert_int_eq(choose(routes, 2, &q, &index), REASON_NOT_ALLOWED);
    ck_assert_uint_eq(index, 0);
    q.path = span_from_str("/");
    ck_assert_int_eq(choose(routes, 2, &q, &index), REASON_VALID);
    ck_assert_uint_eq(index, 1);
    ck_assert_int_eq(choose(routes, 1, &q, &index), REASON_NO_ROUTE);
    ck_assert_int_eq(choose(NULL, 0, &q, &index), REASON_NO_ROUTE);
}
END_TEST

static const struct listed_row {
    const char *pattern, *host;
    unsigned port;
    bool listed;
    const char *why;
} listed[] = {
    {"a.example", "a.example", 80, true, "any port"},
    {"a.example", "a.example", 0, true, "none known either"},
    {"a.example:443", "a.example", 443, true, "its port"},
    {"a.example:443", "A.example.", 443, true, "case and the trailing dot"},
    {"a.example:443", "a.example", 80, false, "another port"},
    {"a.example:443", "a.example", 0, false, "an unknown port is not the listed one"},
    {"*.example:443", "a.example", 443, true, "a suffix with a port"},
    {"*.example:443", "example", 443, false, "never the bare suffix"},
    {"[::1]:443", "::1", 443, true, "an IPv6 literal with a port"},
    {"[::1]:443", "::1", 80, false, "another port"},
    {"[::1]", "::1", 80, true, "an IPv6 literal in brackets"},
    {"::1", "::1", 80, true, "and without"},
    {"[::1", "::1", 80, false, "a bracket that does not close"},
    {"[::1]x", "::1", 80, false, "what is no port"},
    {"a.example:", "a.example", 80, false, "an empty port"},
    {"a.example:0", "a.example", 0, false, "port 0 is none"},
    {"a.example:65536", "a.example", 0, false, "a port too high"},
    {"a.example:99999999999", "a.example", 80, false, "a number too long"},
    {"a.example:8o", "a.example", 8, false, "a letter"},
    {"", "", 80, false, "nothing names nothing"},
};

START_TEST(lists_hosts_with_and_without_ports)
{
    const struct listed_row *row = &listed[_i];
    char pattern[64], other[] = "other.example";
    snprintf(pattern, sizeof(pattern), "%s", row->pattern);
    char *items[] = {other, pattern, NULL};
    struct config_strings patterns = {.items = items, .n = 2};
    ck_assert_msg(route_host_listed(&patterns, span_from_str(row->host), row->port) == row->listed, "%s, %s, %u: %s", row->pattern, row->host,
                  row->port, row->why);
}
END_TEST

START_TEST(finds_hosts_in_any_route_but_not_in_one_without_names)
{
    char a[] = "a.example", b[] = "*.b.example";
    char *first[] = {a, NULL}, *second[] = {b, NULL};
    struct config_route routes[] = {{.host = list_of(first)}, {.host = list_of(second)}, {.respond = 404}};
    ck_assert(route_names_host(routes, 3, span_from_str("a.example")));
    ck_assert(route_names_host(routes, 3, span_from_str("x.b.example")));
    ck_assert(!route_names_host(routes, 3, span_from_str("c.example")));
    ck_assert(!route_names_host(routes, 3, span_of(NULL, 0)));
}
END_TEST

START_TEST(describes_statuses_in_words)
{
    static const struct {
        uint64_t cert;
        const char *text;
    } rows[] = {{BIT(REASON_EXPIRED) | BIT(REASON_REVOKED), "expired, revoked"},
                {BIT(REASON_NONE), "none"},
                {ERRORS, "error"},
                {ERRORS | BIT(REASON_NONE), "none, error"},
                {0, ""},
                {BIT(REASON_UNDECIDED) | BIT(REASON_DRAINING), ""}};
    char text[200], small[8];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        route_describe_cert(rows[i].cert, text, sizeof(text));
        ck_assert_str_eq(text, rows[i].text);
    }
    route_describe_cert(rows[0].cert, small, sizeof(small));
    ck_assert_uint_le(strlen(small), sizeof(small) - 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("route");
    TCase *t = tcase_create("route");
    tcase_add_loop_test(t, compares_hosts_by_name_or_by_suffix, 0, sizeof(hosts) / sizeof(hosts[0]));
    tcase_add_loop_test(t, keeps_a_gate_shut_whatever_the_spelling_of_its_path, 0, sizeof(admins) / sizeof(admins[0]));
    tcase_add_test(t, a_path_of_very_many_spellings_is_nobodys);
    tcase_add_loop_test(t, gates_are_wide_and_openings_narrow, 0, (int)(sizeof(spellings) / sizeof(spellings[0])));
    tcase_add_loop_test(t, keeps_a_gate_shut_for_every_server_whatever_comes_before_and_behind, 0, (int)(sizeof(wide_admins) / sizeof(wide_admins[0])));
    tcase_add_test(t, a_gate_on_GET_holds_HEAD_too);
    tcase_add_test(t, compares_methods_byte_for_byte);
    tcase_add_loop_test(t, matches_a_status_only_by_its_own_name, 0, REASON_COUNT);
    tcase_add_loop_test(t, knows_a_caller_only_by_a_valid_certificate, 0, REASON_COUNT);
    tcase_add_test(t, keeps_out_whoever_may_be_one_of_those_it_names);
    tcase_add_test(t, takes_an_unasked_client_for_one_without_certificate);
    tcase_add_test(t, names_the_first_thing_that_differs);
    tcase_add_test(t, lets_the_first_match_decide_and_no_later_one);
    tcase_add_loop_test(t, lists_hosts_with_and_without_ports, 0, sizeof(listed) / sizeof(listed[0]));
    tcase_add_test(t, finds_hosts_in_any_route_but_not_in_one_without_names);
    tcase_add_test(t, describes_statuses_in_words);
    suite_add_tcase(s, t);
    return s;
}
