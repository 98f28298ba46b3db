/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/route_index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUTES = 60, PATTERNS = 3, TABLES = 300, QUESTIONS = 40, TEXT = 64 };

static uint64_t seed = 20260101;

static unsigned draw(unsigned below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(seed >> 33) % below;
}

/* Few labels, so that names meet, and with all that is odd about them: capitals, roots, empty labels, nothing at all. */
static void draw_host(char out[TEXT], bool pattern)
{
    static const char *const labels[] = {"a", "B", "b", "example", "EXAMPLE", "x-y", ""};
    static const char *const addresses[] = {"::1", "0:0:0:0:0:0:0:1", "FE80::A", "fe80:0::a"};
    size_t n = 0;
    if (draw(8) == 0) {
        snprintf(out, TEXT, "%s", addresses[draw(4)]);
        return;
    }
    if (pattern && draw(3) == 0)
        n += (size_t)snprintf(out, TEXT, "*.");
    for (unsigned i = 0, count = draw(4); i < count; i++)
        n += (size_t)snprintf(out + n, TEXT - n, "%s.", labels[draw(7)]);
    snprintf(out + n, TEXT - n, "%s%s", labels[draw(6)], draw(6) == 0 ? "." : "");
}

struct table {
    struct config_route routes[ROUTES];
    char text[ROUTES][PATTERNS][TEXT];
    char *items[ROUTES][PATTERNS];
};

/* Hosts of few labels, and paths of few segments, in every spelling. odd: most routes name no host, and all a path. */
static void draw_table(struct table *t, bool odd)
{
    static char b[] = "/b", paths[][12] = {"/a", "/b", "/", "/a/", "/a/b", "/A/b/c", "/a/b/c", "/b.", "/b/b", "/%61/c"};
    memset(t, 0, sizeof(*t));
    for (size_t i = 0; i < ROUTES; i++) {
        struct config_route *route = &t->routes[i];
        route->host = (struct config_strings){.items = t->items[i], .n = draw(8) == 0 || (odd && draw(4) > 0) ? 0 : 1 + draw(PATTERNS)};
        for (size_t k = 0; k < route->host.n; k++) {
            draw_host(t->text[i][k], true);
            t->items[i][k] = t->text[i][k];
        }
        route->path = draw(4) == 0 && !odd ? NULL : paths[draw(odd ? 10 : 2)];
        route->path_case = draw(4) == 0 ? CONFIG_PATH_CASE_EXACT : CONFIG_PATH_CASE_IGNORE;
        route->upstream = draw(3) > 0 ? b : NULL;
    }
}

static void ask_both(const struct route_index *ix, const struct table *t)
{
    static const char *const paths[] = {"/a", "/b", "/c", "/A", "/B.", "/A/x", "/b/", "/a/b/c/d", "/A;x/B", "/a/./b", "/%61/b/", "/b/b/b", "", "/", "//", "/ab"};
    char host[TEXT];
    draw_host(host, false);
    struct route_question q = {.method = span_from_str("GET"), .host = span_from_str(draw(20) == 0 ? "" : host), .path = span_from_str(paths[draw(16)])};
    struct route_choice scanned, found;
    enum reason wanted = route_choose(t->routes, ROUTES, &q, &scanned);
    struct route_runs runs;
    route_index_find(ix, q.host, &runs);
    enum reason got = route_index_choose(&runs, t->routes, ROUTES, &q, &found);
    ck_assert_msg(wanted == got && scanned.index == found.index && scanned.n_also == found.n_also && memcmp(scanned.also, found.also, sizeof(found.also)) == 0, "host \"%s\": the scan says route %zu (%d), the index %zu (%d)", host, scanned.index, (int)wanted, found.index,
                  (int)got);
    bool names = route_names_host(t->routes, ROUTES, q.host);
    ck_assert_msg(names == route_index_names_host(&runs, t->routes, ROUTES, q.host), "host \"%s\": the scan says %d", host, names);
}

START_TEST(says_what_the_scan_says_about_random_tables)
{
    static struct table t;
    for (int i = 0; i < TABLES; i++) {
        draw_table(&t, i % 2 == 0);
        struct route_index *ix = route_index_new(t.routes, ROUTES);
        ck_assert_ptr_nonnull(ix);
        for (int k = 0; k < QUESTIONS; k++)
            ask_both(ix, &t);
        route_index_free(ix);
    }
}
END_TEST

/* A host with more suffixes in the table than an index follows: the scan answers. */
START_TEST(answers_for_a_host_under_very_many_suffixes)
{
    enum { DEEP = 24 };
    static char text[DEEP][2 * DEEP + 8];
    static char *items[DEEP];
    static struct config_route routes[DEEP];
    for (size_t i = 0; i < DEEP; i++) {
        size_t n = (size_t)snprintf(text[i], sizeof(text[i]), "*");
        for (size_t k = 0; k <= i; k++)
            n += (size_t)snprintf(text[i] + n, sizeof(text[i]) - n, ".a");
        items[i] = text[i];
        routes[i] = (struct config_route){.host = {&items[i], 1}};
    }
    struct route_index *ix = route_index_new(routes, DEEP);
    ck_assert_ptr_nonnull(ix);
    struct route_question q = {.host = span_from_str("x.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a")};
    struct route_choice choice;
    struct route_runs runs;
    route_index_find(ix, q.host, &runs);
    ck_assert_int_eq(route_index_choose(&runs, routes, DEEP, &q, &choice), REASON_VALID);
    ck_assert_uint_eq(choice.index, 0);
    ck_assert(route_index_names_host(&runs, routes, DEEP, q.host));
    route_index_free(ix);
}
END_TEST

START_TEST(is_not_made_for_a_few_routes_and_needs_none)
{
    static char host[] = "a.example";
    static char *items[] = {host};
    static struct config_route routes[] = {{.host = {items, 1}}, {.respond = 404}};
    struct route_question q = {.host = span_from_str("b.example")};
    struct route_choice choice;
    ck_assert_ptr_null(route_index_new(routes, 2));
    struct route_runs nothing;
    route_index_find(NULL, q.host, &nothing);
    struct route_runs *found[] = {&nothing, NULL};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(route_index_choose(found[i], routes, 2, &q, &choice), REASON_VALID);
        ck_assert_uint_eq(choice.index, 1);
        ck_assert(!route_index_names_host(found[i], routes, 2, q.host));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("route_index");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, says_what_the_scan_says_about_random_tables);
    tcase_add_test(tc, answers_for_a_host_under_very_many_suffixes);
    tcase_add_test(tc, is_not_made_for_a_few_routes_and_needs_none);
    suite_add_tcase(s, tc);
    return s;
}
