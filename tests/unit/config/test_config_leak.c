/* SPDX-License-Identifier: Apache-2.0 */
/* What check says about a listener that tolerates bad certificates, held against what its routes do with every kind of request. */
#include "config_cover.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/policy/route.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define BIT(reason) (UINT64_C(1) << (reason))
#define LIST(items) {(items), sizeof(items) / sizeof((items)[0])}

static char app[] = "app", a[] = "a.x", b[] = "b.x", any[] = "*.x", deep[] = "*.b.x", root[] = "/", p[] = "/p", below[] = "/p/q", slash[] = "/p/", get[] = "GET", head[] = "HEAD", ops[] = "ops";
static char *host_a[] = {a}, *host_any[] = {any}, *host_both[] = {a, b}, *host_deep[] = {deep}, *host_mixed[] = {a, deep}, *method_get[] = {get}, *method_both[] = {get, head};
static struct config_allow rule = {.ou = ops};

static const struct config_strings host_kinds[] = {{0}, {0}, LIST(host_a), LIST(host_any), LIST(host_both), LIST(host_deep), LIST(host_mixed)},
                                   method_kinds[] = {{0}, {0}, {0}, LIST(method_get), LIST(method_both)};
static char *const path_kinds[] = {NULL, NULL, root, p, below, slash};

/* The verdicts that a caller can come with: each status alone. */
static const enum reason statuses[] = {REASON_VALID, REASON_NONE, REASON_EXPIRED, REASON_NOT_YET_VALID, REASON_REVOKED, REASON_UNKNOWN_CA,
                                       REASON_WRONG_PURPOSE, REASON_WEAK, REASON_CRL_MISSING, REASON_CRL_STALE, REASON_CONSTRAINT};
enum { N_STATUSES = sizeof(statuses) / sizeof(statuses[0]), FIRST_BAD = 2, MOST_ROUTES = 4, ROUNDS = 60000 };

static const char *const hosts[] = {"a.x", "b.x", "c.x", "d.b.x", "y"}, *const methods[] = {"GET", "HEAD", "PUT"},
                  *const paths[] = {"", "/", "/p", "/p/", "/p/q", "/p/q/r", "/p/z", "/z", "/P", "/P/q", "/p."};
#define N(list) (sizeof(list) / sizeof((list)[0]))

static uint64_t error_bits(void)
{
    uint64_t bits = 0;
    for (unsigned r = REASON_EXPIRED; r <= REASON_MALFORMED; r++)
        bits |= BIT(r);
    return bits;
}

static unsigned dice_state;

static unsigned dice(unsigned sides)
{
    dice_state = dice_state * 1664525 + 1013904223;
    return (dice_state >> 8) % sides;
}

static struct config_route any_route(void)
{
    struct config_route r = {.host = host_kinds[dice(N(host_kinds))], .path = path_kinds[dice(N(path_kinds))], .method = method_kinds[dice(N(method_kinds))]};
    r.path_case = dice(4) == 0 ? CONFIG_PATH_CASE_IGNORE : CONFIG_PATH_CASE_EXACT;
    switch (dice(8)) {
    case 0:
        r.cert = BIT(REASON_VALID);
        break;
    case 1:
        r.cert = BIT(REASON_NONE);
        break;
    case 2:
        r.cert = error_bits();
        break;
    case 3:
        r.cert = BIT(statuses[FIRST_BAD + dice(N_STATUSES - FIRST_BAD)]) | BIT(statuses[dice(N_STATUSES)]);
        break;
    default:
        break;
    }
    if (dice(6) == 0) {
        r.allow = &rule;
        r.n_allow = 1;
        r.allow_log_only = dice(2) == 0;
    }
    if (dice(8) == 0) {
        r.caller = &rule;
        r.n_caller = 1;
    }
    if (dice(3) > 0)
        r.upstream = app;
    else
        r.respond = 403;
    return r;
}

/* What a wide reading refuses beside is not counted on. */
static bool are_exact(const struct config_route *routes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (routes[i].path != NULL && routes[i].path_case != CONFIG_PATH_CASE_EXACT)
            return false;
    return true;
}

/* Some request of a caller with this status goes to an upstream by a route that does not name it. */
static bool reaches(const struct config_route *routes, size_t n, enum reason status)
{
    const struct tls_verdict verdict = {.status = status, .all = status >= REASON_EXPIRED ? BIT(status) : 0};
    const struct tls_peer peer = {0};
    for (size_t i = 0; i < N(hosts) * N(methods) * N(paths); i++) {
        struct route_question q = {
            .host = span_from_str(hosts[i % N(hosts)]),
            .method = span_from_str(methods[i / N(hosts) % N(methods)]),
            .path = span_from_str(paths[i / N(hosts) / N(methods)]),
            .verdict = &verdict,
            .peer = &peer,
        };
        struct route_choice at;
        if (route_choose(routes, n, &q, &at) == REASON_VALID && routes[at.index].upstream != NULL && routes[at.index].cert == 0)
            return true;
    }
    return false;
}

static void tell(const struct config_route *routes, size_t n, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < n && used < size; i++) {
        char cert[300];
        route_describe_cert(routes[i].cert, cert, sizeof(cert));
        int more = snprintf(out + used, size - used, "{ host %s%s path %s method %s cert \"%s\" %s%s%s } ", routes[i].host.n > 0 ? routes[i].host.items[0] : "-",
                            routes[i].host.n > 1 ? "+" : "", routes[i].path != NULL ? routes[i].path : "-", routes[i].method.n > 0 ? "some" : "-", cert,
                            routes[i].n_allow > 0 ? "allow " : "", routes[i].n_caller > 0 ? "caller " : "", routes[i].upstream != NULL ? "upstream" : "respond");
        used += more > 0 ? (size_t)more : 0;
    }
}

START_TEST(check_refuses_exactly_what_would_happen) /* A2 */
{
    unsigned leaks = 0, tight = 0;
    dice_state = 7;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct config_route routes[MOST_ROUTES];
        size_t n = 1 + dice(MOST_ROUTES);
        for (size_t i = 0; i < n; i++)
            routes[i] = any_route();
        struct config_listener l = {.routes = routes, .n_routes = n};
        struct config_cover_table *table = config_cover_table_new(routes, n);
        enum reason status = statuses[FIRST_BAD + dice(N_STATUSES - FIRST_BAD)];
        bool says = config_leak(&l, table, BIT(status)) != NULL, does = reaches(routes, n, status);
        char text[2000] = "";
        bool right = says == does || (says && !are_exact(routes, n));
        if (!right)
            tell(routes, n, text, sizeof(text));
        ck_assert_msg(right, "status %d: check says %d, and it %s: %s", status, says, does ? "gets through" : "does not get through", text);
        leaks += does;
        tight += !does;
        l.allow = &rule;
        l.n_allow = 1;
        ck_assert_ptr_null(config_leak(&l, table, BIT(status))); /* rules of the listener hold for the valid only */
        config_cover_table_free(table);
    }
    ck_assert_uint_gt(leaks, ROUNDS / 10);
    ck_assert_uint_gt(tight, ROUNDS / 10);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_leak");
    TCase *t = tcase_create("config_leak");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, check_refuses_exactly_what_would_happen);
    suite_add_tcase(s, t);
    return s;
}
