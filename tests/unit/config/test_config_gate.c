/* SPDX-License-Identifier: Apache-2.0 */
/* Row C12: a prefix that is stripped leads to the path that a gate looks at. */
#include "config_cover.h"
#include "mtlsd/base/reasons.h"
#include "t.h"

#define BIT(reason) (UINT64_C(1) << (reason))
static const uint64_t POSSIBLE = BIT(REASON_VALID) | BIT(REASON_NONE);

static char up[] = "up", other[] = "other", x[] = "/x", x_slash[] = "/x/", admin[] = "/admin", x_admin[] = "/x/admin", x_capitals[] = "/X/ADMIN/deep", deep[] = "/admin/deep", root[] = "/",
            x_other[] = "/x/other", ops[] = "ops", dev[] = "dev", a_host[] = "a.example", b_host[] = "b.example", suffix[] = "*.example", get[] = "GET", post[] = "POST";
static char *a_hosts[] = {a_host}, *b_hosts[] = {b_host}, *suffixes[] = {suffix}, *gets[] = {get}, *posts[] = {post};
static struct config_allow by_ops[] = {{.ou = ops}}, by_dev[] = {{.ou = dev}}, by_both[] = {{.ou = ops}, {.ou = dev}};

#define STRIPS .path = x, .strip_prefix = x, .upstream = up
#define GATE .path = admin, .allow = by_ops, .n_allow = 1, .upstream = up
#define REST {.upstream = up}

static const struct row {
    const char *why;
    struct config_route routes[4];
    int strips, gate; /* gate -1: none is passed */
} rows[] = {
    {"before the gate", {{STRIPS}, {GATE}, REST}, 0, 1},
    {"behind it", {{GATE}, {STRIPS}, REST}, 1, 0},
    {"with a slash at its end", {{GATE}, {.path = x_slash, .strip_prefix = x_slash, .upstream = up}}, 1, 0},
    {"deep below the gate", {{.path = x_capitals, .strip_prefix = x, .upstream = up}, {GATE}}, 0, 1},
    {"above it", {{.path = x, .strip_prefix = x, .upstream = up}, {.path = deep, .allow = by_ops, .n_allow = 1, .upstream = up}}, 0, 1},
    {"beside it", {{.path = x_other, .strip_prefix = x, .upstream = up}, {GATE}}, 0, -1},
    {"to another upstream", {{.path = x, .strip_prefix = x, .upstream = other}, {GATE}}, 0, -1},
    {"without stripping", {{.path = x, .upstream = up}, {GATE}}, 0, -1},
    {"a gate before everything", {{STRIPS}, {.path = root, .allow = by_ops, .n_allow = 1, .upstream = up}}, 0, -1},
    {"a gate that is only tried out", {{STRIPS}, {GATE, .allow_log_only = true}}, 0, -1},
    {"the same rules", {{STRIPS, .allow = by_ops, .n_allow = 1}, {GATE}}, 0, -1},
    {"the same rules, tried out only", {{STRIPS, .allow = by_ops, .n_allow = 1, .allow_log_only = true}, {GATE}}, 0, 1},
    {"fewer who pass", {{STRIPS, .allow = by_ops, .n_allow = 1}, {.path = admin, .allow = by_both, .n_allow = 2, .upstream = up}}, 0, -1},
    {"more who pass", {{STRIPS, .allow = by_both, .n_allow = 2}, {GATE}}, 0, 1},
    {"others who pass", {{STRIPS, .allow = by_dev, .n_allow = 1}, {GATE}}, 0, 1},
    {"only who would pass gets there", {{STRIPS, .caller = by_ops, .n_caller = 1}, {GATE}}, 0, -1},
    {"a refusal of what is served else", {{STRIPS}, {.path = admin, .respond = 404}, REST}, 0, 1},
    {"a refusal of what is served nowhere else", {{STRIPS}, {.path = admin, .respond = 404}, {.upstream = other}}, 0, -1},
    {"a refusal of others", {{STRIPS, .cert = BIT(REASON_VALID)}, {.path = admin, .cert = BIT(REASON_NONE), .respond = 403}, REST}, 0, -1},
    {"a refusal of some of these", {{STRIPS}, {.path = admin, .cert = BIT(REASON_NONE), .respond = 403}, REST}, 0, 1},
    {"a refusal of those without a certificate, whom no rule lets on", {{STRIPS, .allow = by_dev, .n_allow = 1}, {.path = admin, .cert = BIT(REASON_NONE), .respond = 403}, REST}, 0, -1},
    {"a refusal of callers by their names", {{STRIPS, .allow = by_dev, .n_allow = 1}, {.path = admin, .caller = by_dev, .n_caller = 1, .respond = 403}, REST}, 0, 1},
    {"a gate in between", {{.path = x_admin, .strip_prefix = x, .allow = by_ops, .n_allow = 1, .upstream = up}, {STRIPS}, {GATE}, REST}, 1, -1},
    {"a refusal in between", {{.path = x_admin, .respond = 404}, {STRIPS}, {GATE}, REST}, 1, -1},
    {"an open route in between, which leaves other spellings", {{.path = x_admin, .upstream = other}, {STRIPS}, {GATE}, REST}, 1, 2},
    {"a gate for one spelling in between", {{.path = x_admin, .path_case = CONFIG_PATH_CASE_EXACT, .respond = 404}, {STRIPS}, {GATE}}, 1, 2},
    {"before a gate for one spelling", {{.path = x_admin, .path_case = CONFIG_PATH_CASE_EXACT, .respond = 404}, {STRIPS}, {GATE, .path_case = CONFIG_PATH_CASE_EXACT}}, 1, -1},
    {"another host", {{STRIPS, .host = {a_hosts, 1}}, {GATE, .host = {b_hosts, 1}}}, 0, -1},
    {"a host of its suffix", {{STRIPS, .host = {a_hosts, 1}}, {GATE, .host = {suffixes, 1}}}, 0, 1},
    {"all hosts", {{STRIPS}, {GATE, .host = {b_hosts, 1}}}, 0, 1},
    {"another method", {{STRIPS, .method = {gets, 1}}, {GATE, .method = {posts, 1}}}, 0, -1},
    {"the same method", {{STRIPS, .method = {gets, 1}}, {GATE, .method = {gets, 1}}}, 0, 1},
};

START_TEST(C12_finds_the_gate_that_a_stripped_prefix_leads_past)
{
    const struct row *row = &rows[_i];
    size_t n = 0;
    while (n < 4 && (row->routes[n].upstream != NULL || row->routes[n].respond != 0))
        n++;
    struct config_listener l = {.routes = (struct config_route *)(uintptr_t)row->routes, .n_routes = n};
    struct config_cover_table *table = config_cover_table_new(l.routes, n);
    ck_assert_ptr_nonnull(table);
    const struct config_route *gate = config_gate_passed(&l, table, &l.routes[row->strips], POSSIBLE);
    ck_assert_msg(gate == (row->gate >= 0 ? &l.routes[row->gate] : NULL), "%s: %td", row->why, gate != NULL ? gate - l.routes : (ptrdiff_t)-1);
    config_cover_table_free(table);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_gate");
    TCase *t = tcase_create("config_gate");
    tcase_add_loop_test(t, C12_finds_the_gate_that_a_stripped_prefix_leads_past, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(s, t);
    return s;
}
