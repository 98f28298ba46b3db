/* SPDX-License-Identifier: Apache-2.0 */
#include "config_regroup.h"
#include "config_rows.h"
#include "t.h"

#include "config_syntax.h"

#include <string.h>

static struct findings findings;

static char *regroup(const char *text)
{
    struct config_source s;
    struct bytes out;
    findings_init(&findings);
    config_source_init(&s);
    bytes_init(&out, 1 << 16);
    ck_assert_int_eq(config_source_text(&s, text, "x", &findings), 0);
    ck_assert_msg(config_syntax_read(&s, &out, &findings) == 0, "%s: %s", text, findings.n > 0 ? findings.items[0].text : "");
    char *copy = strdup((const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    config_source_clear(&s);
    findings_clear(&findings);
    return copy;
}

START_TEST(only_named_groups_become_lists_and_each_line_stays_where_it_was)
{
    static const struct {
        const char *why, *text, *want;
    } rows[] = {
        {"two", "trusts = { a = { ca = \"x\"; }; b = { ca = \"y\"; }; };", "trusts = ( \"\"  , { a = { ca = \"x\"; }; } , { b = { ca = \"y\"; }; }  );\n"},
        {"without separators", "trusts={a={ca=\"x\"}b={ca=\"y\"}}", "trusts=( \"\" , { a={ca=\"x\"} }, { b={ca=\"y\"} } )\n"},
        {"with commas and colons", "trusts : { a : { }, b = { } }", "trusts : ( \"\"  , { a : { }; } , { b = { }  } )\n"},
        {"none", "trusts = { };", "trusts = ( \"\"   );\n"},
        {"on lines", "trusts = {\n a = {\n  ca = \"x\"; };\n};\n", "trusts = ( \"\" \n , { a = {\n  ca = \"x\"; }; }\n );\n"},
        {"values that are none", "trusts = { a = 1; b = \"x\" \"y\"; c = ( 1, 2 ); };", "trusts = ( \"\"  , { a = 1; } , { b = \"x\" \"y\"; } , { c = ( 1, 2 ); }  );\n"},
        {"brackets in a string", "trusts = { a = { ca = \"}; b = {\\\"\"; }; };", "trusts = ( \"\"  , { a = { ca = \"}; b = {\\\"\"; }; }  );\n"},
        {"other groups", "log = { level = \"info\"; }; x = { trusts = { a = 1; }; };", "log = { level = \"info\"; }; x = { trusts = { a = 1; }; };\n"},
        {"a list of theirs", "trusts = ( { a = 1; } );", "trusts = ( { a = 1; } );\n"},
        {"a value", "trusts = 1; a = { b = 2; };", "trusts = 1; a = { b = 2; };\n"},
        {"several kinds", "trusts = { a = 1 }; workers = 2; upstreams = { b = 3 }", "trusts = ( \"\"  , { a = 1  } ); workers = 2; upstreams = ( \"\"  , { b = 3  } )\n"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *got = regroup(rows[i].text);
        ck_assert_msg(strcmp(got, rows[i].want) == 0, "%s: %s", rows[i].why, got);
        free(got);
    }
}
END_TEST

START_TEST(named_groups_are_found_again_and_nothing_else_is_taken_for_them)
{
    config_t parsed;
    config_init(&parsed);
    char *text = regroup("trusts = { a = { }; b = 5; }; upstreams = ( \"\", { a = 1; c = 2; } ); listeners = ( { a = 1; } ); identities = ( \"\" , 7 ); log = { x = ( { y = 1; } ); };");
    ck_assert_int_eq(config_read_string(&parsed, text), CONFIG_TRUE);
    const config_setting_t *trusts = config_lookup(&parsed, "trusts");
    ck_assert_int_eq(config_regroup_count(trusts), 2);
    ck_assert_str_eq(config_setting_name(config_regroup_at(trusts, 0)), "a");
    ck_assert_str_eq(config_setting_name(config_regroup_at(trusts, 1)), "b");
    ck_assert_ptr_null(config_regroup_at(trusts, 2));
    ck_assert(config_regroup_is_shell(config_setting_get_elem(trusts, 1)));
    ck_assert(!config_regroup_is_shell(config_regroup_at(trusts, 0)));
    ck_assert(!config_regroup_is_shell(config_lookup(&parsed, "log.x.[0]")));
    static const char *const others[] = {"upstreams", "listeners", "identities", "log", "log.x"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        ck_assert_msg(config_regroup_count(config_lookup(&parsed, others[i])) == -1, "%s", others[i]);
    config_destroy(&parsed);
    free(text);
}
END_TEST

START_TEST(a_name_given_twice_is_refused_in_every_kind)
{
    static const struct config_row rows[] = {
        {"identities", CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "identities = { a = { bundle = \"x\"; }; a = { bundle = \"y\"; }; };", "identities.a: this key was already given"},
        {"trusts", CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "trusts = { a = { ca = \"x\"; }; b = { ca = \"x\"; }; a = { ca = \"y\"; }; };", "trusts.a: this key was already given"},
        {"upstreams", CONFIG_ROWS_LOCAL "upstreams = { up = { targets = \"127.0.0.1:9\"; }; up = { targets = \"127.0.0.1:9\"; }; };", "upstreams.up: this key was already given"},
        {"listeners", CONFIG_ROWS_BACK "listeners = { a = { bind = \"127.0.0.1:1\"; upstream = \"up\"; }; a = { bind = \"127.0.0.1:2\"; upstream = \"up\"; }; };", "listeners.a: this key was already given"},
        {"the kind itself", CONFIG_ROWS_BACK CONFIG_ROWS_LOCAL "upstreams = { };", "this key was already given"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        config_rows_refused(&rows[i]);
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    struct config_source s;
    findings_init(&findings);
    config_source_init(&s);
    ck_assert_int_eq(config_source_text(&s, "trusts = { a = { ca = \"x\"; }; };", "x", &findings), 0);
    for (size_t max = 0; max < 50; max++) {
        struct bytes out;
        bytes_init(&out, max);
        ck_assert_msg(config_syntax_read(&s, &out, &findings) == (max < 45 ? -1 : 0), "%zu", max);
        ck_assert_uint_eq(findings.n, 0);
        ck_assert_int_eq(findings.out_of_memory, max < 45);
        findings.out_of_memory = 0;
        bytes_clear(&out);
    }
    config_source_clear(&s);
    findings_clear(&findings);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_regroup");
    TCase *t = tcase_create("config_regroup");
    tcase_add_test(t, only_named_groups_become_lists_and_each_line_stays_where_it_was);
    tcase_add_test(t, named_groups_are_found_again_and_nothing_else_is_taken_for_them);
    tcase_add_test(t, a_name_given_twice_is_refused_in_every_kind);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
