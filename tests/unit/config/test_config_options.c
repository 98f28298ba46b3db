/* SPDX-License-Identifier: Apache-2.0 */
#include "config_options.h"
#include "config_value.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const struct config_option *option(int i)
{
    size_t n;
    return &config_options(&n)[i];
}

static int count(void)
{
    size_t n;
    config_options(&n);
    return (int)n;
}

/* The struct that a group's values go to is one of nine; this is large enough for each and counts as all
 * zero. */
union any {
    struct config top;
    struct config_identity identity;
    struct config_trust trust;
    struct config_upstream upstream;
    struct config_listener listener;
    struct config_allow allow;
    struct config_target target;
    struct config_route route;
    struct config_sni sni;
};

START_TEST(each_key_is_there_once)
{
    for (int k = 0; k < _i; k++)
        ck_assert_msg(strcmp(option(_i)->group, option(k)->group) != 0 ||
                          strcmp(option(_i)->key, option(k)->key) != 0,
                      "%s.%s", option(_i)->group, option(_i)->key);
}
END_TEST

START_TEST(each_group_has_its_row_in_the_group_above)
{
    static const char *const named[] = {"", "identity", "registry", "trust", "upstream", "listener", "allow", "target", "route", "sni", "named_log"};
    char group[64];
    snprintf(group, sizeof(group), "%s", option(_i)->group);
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strcmp(group, named[i]) == 0)
            return;
    char *dot = strrchr(group, '.');
    if (dot != NULL)
        *dot = '\0';
    const struct config_option *up =
        dot != NULL ? config_options_find(group, dot + 1) : config_options_find("", group);
    ck_assert_msg(up != NULL && config_options_holds_keys(up), "%s", option(_i)->group);
}
END_TEST

START_TEST(each_row_says_what_a_reader_needs)
{
    const struct config_option *o = option(_i);
    static const char *const types[] = {
        "string", "path", "name",    "socket", "listen", "host",  "hex",       "sha256", "ip", "duration", "size",   "number",
        "bool",   "word", "format", "strings", "names", "paths",  "words", "addresses", "target", "group",    "groups", "rules",
        "choice", "proxy", "sticky", "sticky_mode", "deny", "headers", "routes", "targets", "statuses", "tolerated", "identities", "pins", "trust_domains", "service", "ranges", "serve", "database", "respond", "text", "contact", "rotate", "attributes", "accounts"};
    bool known = false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        known = known || strcmp(types[i], o->type) == 0;
    ck_assert_msg(known, "%s.%s: type %s", o->group, o->key, o->type);
    ck_assert_msg(strlen(o->help) > 5 && o->help[strlen(o->help) - 1] == '.', "%s.%s: help", o->group,
                  o->key);
    bool holds_keys = strcmp(o->type, "group") == 0 || strcmp(o->type, "groups") == 0;
    ck_assert_msg(holds_keys || (o->fallback[0] != '\0') != (o->example[0] != '\0'),
                  "%s.%s: a default or an example", o->group, o->key);
}
END_TEST

START_TEST(each_default_keeps_its_own_bounds)
{
    const struct config_option *o = option(_i);
    union any base;
    memset(&base, 0, sizeof(base));
    struct err err;
    err_clear(&err);
    if (o->fallback[0] != '\0')
        ck_assert_msg(config_value_set(o, o->fallback, "", &base, &err) == 0, "%s.%s: %s", o->group, o->key,
                      err.text);
    config_value_free(o, &base);
}
END_TEST

/* Words between two of: a full stop, a semicolon, a colon. */
static size_t longest_sentence(const char *text)
{
    size_t longest = 0, words = 1;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != ' ')
            continue;
        bool ends = c > text && strchr(".;:", c[-1]) != NULL;
        words = ends ? 1 : words + 1;
        longest = words > longest ? words : longest;
    }
    return longest;
}

START_TEST(each_text_is_plain)
{
    static const char *const riddles[] = {"whoever", "Whoever", "somebody", "nobody", "passed over", "of then", "becomes of", " anew"};
    size_t n;
    const struct config_option *o = &config_options(&n)[_i];
    ck_assert_msg(longest_sentence(o->help) <= 25, "%s.%s: a sentence of %zu words", o->group, o->key, longest_sentence(o->help));
    for (size_t i = 0; i < sizeof(riddles) / sizeof(riddles[0]); i++)
        ck_assert_msg(strstr(o->help, riddles[i]) == NULL, "%s.%s: \"%s\"", o->group, o->key, riddles[i]);
    ck_assert_uint_eq(longest_sentence("one two three. one two; one"), 3);
}
END_TEST

START_TEST(what_is_planned_is_not_there_yet)
{
    static const char *const rows[][2] = {{"admin", "dashboard"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_ptr_nonnull(config_options_planned(rows[i][0], rows[i][1], NULL));
        ck_assert_ptr_null(config_options_find(rows[i][0], rows[i][1]));
    }
    size_t n;
    const struct config_option *options = config_options(&n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(config_options_planned(options[i].group, options[i].key, NULL) == NULL, "%s.%s is both",
                      options[i].group, options[i].key);
}
END_TEST

START_TEST(counts_the_keys_of_a_group)
{
    ck_assert_str_eq(config_options_nth("log", 0)->key, "level");
    ck_assert_ptr_null(config_options_nth("log", 99));
    ck_assert_ptr_null(config_options_nth("nothing", 0));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_options");
    TCase *t = tcase_create("config_options");
    tcase_add_loop_test(t, each_key_is_there_once, 0, count());
    tcase_add_loop_test(t, each_group_has_its_row_in_the_group_above, 0, count());
    tcase_add_loop_test(t, each_row_says_what_a_reader_needs, 0, count());
    tcase_add_loop_test(t, each_default_keeps_its_own_bounds, 0, count());
    tcase_add_loop_test(t, each_text_is_plain, 0, count());
    tcase_add_test(t, what_is_planned_is_not_there_yet);
    tcase_add_test(t, counts_the_keys_of_a_group);
    suite_add_tcase(s, t);
    return s;
}
