/* SPDX-License-Identifier: Apache-2.0 */
/* Two routes and the question whether the second can still get something. test_config_check_routes has more of it, as it is written. */
#include "config_cover.h"
#include "mtlsd/base/reasons.h"
#include "t.h"

#define BIT(reason) (UINT64_C(1) << (reason))
static const uint64_t POSSIBLE = BIT(REASON_VALID) | BIT(REASON_NONE);

static struct config_strings list(char **items, size_t n)
{
    return (struct config_strings){items, n};
}

START_TEST(a_route_covers_itself_and_less)
{
    static char a[] = "a.example", suffix[] = "*.example", deep[] = "*.b.example", get[] = "GET", post[] = "POST", head[] = "HEAD";
    static char *hosts[] = {a, deep}, *one[] = {suffix}, *methods[] = {get, post, head};
    static char path[] = "/a", below[] = "/a/b", beside[] = "/ab", root[] = "/", slash[] = "/a/";
    const struct config_route all = {0}, by_path = {.path = path}, by_below = {.path = below}, by_beside = {.path = beside}, by_root = {.path = root},
                              by_slash = {.path = slash}, by_hosts = {.host = list(hosts, 2)}, by_suffix = {.host = list(one, 1)},
                              by_host = {.host = list(hosts, 1)}, by_methods = {.method = list(methods, 2)}, by_get = {.method = list(methods, 1)}, by_head = {.method = list(methods + 2, 1)},
                              by_none = {.cert = BIT(REASON_NONE)}, by_both = {.cert = POSSIBLE}, by_expired = {.cert = BIT(REASON_EXPIRED)};
    const struct {
        const char *why;
        const struct config_route *wide, *narrow;
        bool covers, back;
    } rows[] = {
        {"itself", &all, &all, true, true},
        {"a path", &all, &by_path, true, false},
        {"a path below", &by_path, &by_below, true, false},
        {"a path beside", &by_path, &by_beside, false, false},
        {"the root is every path", &by_root, &by_path, true, false},
        {"a slash at the end is further segments", &by_path, &by_slash, true, false},
        {"and what is below", &by_slash, &by_below, true, false},
        {"hosts of a suffix", &by_suffix, &by_hosts, true, false},
        {"one host of two", &by_hosts, &by_host, true, false},
        {"any host", &all, &by_hosts, true, false},
        {"one method of two", &by_methods, &by_get, true, false},
        {"HEAD goes with GET", &by_get, &by_head, true, false},
        {"a path and a method", &by_path, &by_get, false, false},
        {"one status", &all, &by_none, true, false},
        {"all statuses that are possible", &by_both, &all, true, true},
        {"a status that is not possible gets nothing by itself", &all, &by_expired, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(config_cover(rows[i].wide, rows[i].narrow, POSSIBLE) == rows[i].covers, "%s", rows[i].why);
        ck_assert_msg(config_cover(rows[i].narrow, rows[i].wide, POSSIBLE) == rows[i].back, "%s, the other way", rows[i].why);
    }
}
END_TEST

START_TEST(callers_are_compared_key_by_key)
{
    static char a[] = "a", b[] = "b";
    struct config_allow two[] = {{.cn = a}, {.cn = b}}, one[] = {{.cn = b}}, more[] = {{.cn = b, .ou = a}}, other[] = {{.ou = b}};
    const struct config_route by_two = {.caller = two, .n_caller = 2}, by_one = {.caller = one, .n_caller = 1}, all = {0};
    ck_assert(config_cover(&by_two, &by_one, POSSIBLE));
    ck_assert(!config_cover(&by_one, &by_two, POSSIBLE));
    ck_assert(config_cover(&all, &by_one, POSSIBLE));
    ck_assert(!config_cover(&by_one, &all, POSSIBLE));
    ck_assert(!config_cover(&by_one, &(struct config_route){.caller = more, .n_caller = 1}, POSSIBLE));
    ck_assert(!config_cover(&by_one, &(struct config_route){.caller = other, .n_caller = 1}, POSSIBLE));
}
END_TEST

START_TEST(a_gate_is_no_match)
{
    static char a[] = "a";
    struct config_allow rule = {.cn = a};
    const struct config_route gated = {.allow = &rule, .n_allow = 1}, all = {0};
    ck_assert(config_cover(&gated, &all, POSSIBLE));
    ck_assert(config_cover(&all, &gated, POSSIBLE));
}
END_TEST

/* Every set of a few routes: the table finds the one that looking at all of them finds. */
START_TEST(the_table_finds_what_looking_at_each_finds)
{
    static char a[] = "a.example", b[] = "b.example", any[] = "*.example", star[] = "*.a.example", path[] = "/p", slash[] = "/p/", below[] = "/p/q";
    static char *only_a[] = {a}, *only_b[] = {b}, *both[] = {a, b}, *wide[] = {any}, *mixed[] = {b, any}, *deep[] = {star};
    const struct config_route kinds[] = {
        {.host = list(only_a, 1)}, {.host = list(only_b, 1)}, {.host = list(both, 2)}, {.host = list(wide, 1)},
        {.host = list(mixed, 2)},  {.path = path},            {0},                     {.host = list(only_a, 1), .path = path},
        {.path = slash},           {.path = below},           {.host = list(deep, 1)}, {.host = list(only_a, 1), .path = below},
    };
    enum { N = 4, KINDS = sizeof(kinds) / sizeof(kinds[0]) };
    for (unsigned set = 0; set < KINDS * KINDS * KINDS * KINDS; set++) {
        struct config_route routes[N];
        for (unsigned i = 0, rest = set; i < N; i++, rest /= KINDS)
            routes[i] = kinds[rest % KINDS];
        struct config_cover_table *t = config_cover_table_new(routes, N);
        for (const struct config_route *narrow = routes; narrow < routes + N; narrow++) {
            const struct config_route *before = routes;
            while (before < narrow && !config_cover(before, narrow, POSSIBLE))
                before++;
            ck_assert_msg(config_cover_table_before(t, narrow, narrow, POSSIBLE) == (before < narrow ? before : NULL), "set %u, route %td", set, narrow - routes);
        }
        config_cover_table_free(t);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_cover");
    TCase *t = tcase_create("config_cover");
    tcase_add_test(t, a_route_covers_itself_and_less);
    tcase_add_test(t, callers_are_compared_key_by_key);
    tcase_add_test(t, a_gate_is_no_match);
    tcase_add_test(t, the_table_finds_what_looking_at_each_finds);
    suite_add_tcase(s, t);
    return s;
}
