/* SPDX-License-Identifier: Apache-2.0 */
#include "config_words.h"
#include "t.h"

#include <string.h>

/* says: NULL: a plain path. */
static const struct {
    const char *path, *says;
} paths[] = {
    {"/", NULL},
    {"/api", NULL},
    {"/api/", NULL},
    {"/api/v1.2", NULL},
    {"/a+b", NULL},
    {"/a$b", NULL},
    {"/v1/things:batch", NULL},
    {"/a%2Ab", NULL},
    {"/a/:", NULL},
    {"/a\\x", NULL},
    {"/a\\.html", "write how it begins, as in \"/a\""},
    {"/api/*", "it matches itself and everything below; write \"/api\""},
    {"/api/**", "write \"/api\""},
    {"/api*", "write \"/api\""},
    {"/api/.*", "write \"/api\""},
    {"/api(/.*)?$", "write \"/api\""},
    {"/api$", "write \"/api\""},
    {"~ ^/api", "write \"/api\""},
    {"~* ^/api/", "write \"/api\""},
    {"= /api", "write \"/api\""},
    {"^~ /api", "write \"/api\""},
    {"^/api", "write \"/api\""},
    {"/api/{id}", "write \"/api\""},
    {"/api/<int:id>", "write \"/api\""},
    {"/api/:id", "write \"/api\""},
    {"/*", "this would match every path: leave path out"},
    {"/.*", "leave path out"},
    {"*", "write how it begins, as in \"/api\""},
    {"*.php", "write how it begins, as in \"/api\""},
    {"~* \\.php$", "write how it begins, as in \"/api\""},
    {"/a*b", "write how it begins, as in \"/a\" (a real * is written %2A)"},
    {"/users/*/admin", "write how it begins, as in \"/users\" (a real"},
    {"/users/{id}/admin", "write how it begins, as in \"/users\""},
    {"/(a|b)/c", "write how it begins, as in \"/api\""},
};

START_TEST(a_path_that_was_meant_as_a_pattern_is_told_apart)
{
    char out[CONFIG_PATTERN_TEXT] = "";
    bool is = config_pattern_is_path(paths[_i].path, out);
    ck_assert_msg(is == (paths[_i].says != NULL), "%s: %s", paths[_i].path, out);
    ck_assert_msg(!is || strstr(out, paths[_i].says) != NULL, "%s: %s", paths[_i].path, out);
}
END_TEST

START_TEST(so_is_a_method)
{
    char out[CONFIG_PATTERN_TEXT];
    ck_assert(!config_pattern_is_method("GET", out));
    ck_assert(!config_pattern_is_method("GET /", out));
    ck_assert(!config_pattern_is_method("get", out));
    ck_assert(config_pattern_is_method("*", out) && strstr(out, "leave it out") != NULL);
    ck_assert(config_pattern_is_method("GET|POST", out) && strstr(out, "a list") != NULL);
    ck_assert(config_pattern_is_method("GET, POST", out) && strstr(out, "a list") != NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_pattern");
    TCase *t = tcase_create("patterns");
    tcase_add_loop_test(t, a_path_that_was_meant_as_a_pattern_is_told_apart, 0, sizeof(paths) / sizeof(paths[0]));
    tcase_add_test(t, so_is_a_method);
    suite_add_tcase(s, t);
    return s;
}
