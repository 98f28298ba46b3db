/* SPDX-License-Identifier: Apache-2.0 */
#include "config_rows.h"
#include "mtlsd/config/config.h"
#include "t.h"

#include <stdio.h>

#define RESPOND(value) CONFIG_ROWS_BACK "listeners = { app = { bind = \"127.0.0.1:8080\"; routes = ( { path = \"/p\"; respond = " value "; }, { upstream = \"up\"; } ); }; };\n"

static const struct config_row refused[] = {
    {"nothing to say", RESPOND("{ }"), "respond: it says nothing: give status, body or file"},
    {"two texts", RESPOND("{ body = \"a\"; file = \"a.html\"; }"), "respond: give body or file, not both"},
    {"a text with a status that has none", RESPOND("{ status = 204; body = \"a\"; }"), "an answer with status 204 has no text"},
    {"a redirect", RESPOND("{ status = 302; body = \"a\"; }"), "respond: 302 is a redirect"},
    {"a file of no known type", RESPOND("{ file = \"page\"; }"), "the end of the file's name tells no type: give type"},
    {"a type that is none", RESPOND("{ body = \"a\"; type = \"html\"; }"), "respond.type: \"html\" is no media type"},
    {"a type with a blank", RESPOND("{ body = \"a\"; type = \"text /html\"; }"), "is no media type"},
    {"a type with a line end", RESPOND("{ body = \"a\"; type = \"text/html\\r\\nX: y\"; }"), "holds a control character"},
    {"a text with a control character", RESPOND("{ body = \"a\\rb\"; }"), "respond.body: holds a control character other than \\n and \\t"},
    {"an empty text", RESPOND("{ body = \"\"; }"), "respond.body: is empty"},
    {"a variable that is none", RESPOND("{ body = \"{cert.cm}\"; }"), "respond.body: there is no variable {cert.cm}"},
    {"a style sheet that forgot its braces", RESPOND("{ body = \"<style>p{color:red}</style>\"; type = \"text/html\"; }"), "write {NAME}, as in {cert.cn}, or {{ for a brace"},
    {"a status out of range", RESPOND("{ status = 600; }"), "respond.status: 600 is too much"},
    {"a word", RESPOND("\"teapot\""), "respond: this is a string"},
    {"an unknown key", RESPOND("{ statsu = 403; }"), "did you mean \"status\"?"},
};

static const struct config_row taken[] = {
    {"a number", RESPOND("404"), NULL},
    {"a text alone", RESPOND("{ body = \"Hello.\\n\\tThere.\\n\"; }"), NULL},
    {"a text with variables", RESPOND("{ status = 403; body = \"<p>{client.address}{{\"; type = \"text/html; charset=utf-8\"; }"), NULL},
    {"a text of another type, whose braces stay", RESPOND("{ body = \"p{color:red}\"; type = \"text/css\"; }"), NULL},
    {"a status alone", RESPOND("{ status = 403; }"), NULL},
    {"a type of nothing", RESPOND("{ status = 403; type = \"text/html\"; }"), "respond.type: has no effect: there is no body or file"},
    {"a certificate's value where there is none", RESPOND("{ body = \"{cert.cn}\"; }"), "respond.body: {cert.cn} never has a value"},
};

START_TEST(refuses_with_the_place)
{
    config_rows_refused(&refused[_i]);
}
END_TEST

START_TEST(takes_it_with_a_warning_or_without)
{
    config_rows_taken(&taken[_i]);
}
END_TEST

START_TEST(status_and_type_complete_themselves)
{
    static const struct {
        const char *value, *type;
        unsigned status;
    } rows[] = {{"{ body = \"a\"; }", "text/plain", 200},          {"{ file = \"a.HTML\"; }", "text/html", 200},
                {"{ file = \"a.b.htm\"; status = 410; }", "text/html", 410}, {"{ file = \"a.json\"; }", "application/json", 200},
                {"{ file = \"a.html\"; type = \"text/plain\"; }", "text/plain", 200}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct findings findings;
        char text[512];
        findings_init(&findings);
        snprintf(text, sizeof(text), RESPOND("%s"), rows[i].value);
        struct config *c = config_parse(text, "x.conf", &findings);
        ck_assert_msg(c != NULL, "%s", rows[i].value);
        ck_assert_str_eq(c->listeners[0].routes[0].respond_type, rows[i].type);
        ck_assert_uint_eq(c->listeners[0].routes[0].respond, rows[i].status);
        config_free(c);
        findings_clear(&findings);
    }
}
END_TEST

START_TEST(types_say_whether_variables_count)
{
    ck_assert_int_eq(config_text_kind("text/html; charset=utf-8"), CONFIG_TEXT_HTML);
    ck_assert_int_eq(config_text_kind("Text/Plain"), CONFIG_TEXT_PLAIN);
    ck_assert_int_eq(config_text_kind("application/problem+json"), CONFIG_TEXT_JSON);
    ck_assert_int_eq(config_text_kind("application/json"), CONFIG_TEXT_JSON);
    ck_assert_int_eq(config_text_kind("text/javascript"), CONFIG_TEXT_AS_IT_IS);
    ck_assert_int_eq(config_text_kind("image/svg+xml"), CONFIG_TEXT_AS_IT_IS);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_check_respond");
    TCase *t = tcase_create("config_check_respond");
    tcase_add_loop_test(t, refuses_with_the_place, 0, CONFIG_ROWS_COUNT(refused));
    tcase_add_loop_test(t, takes_it_with_a_warning_or_without, 0, CONFIG_ROWS_COUNT(taken));
    tcase_add_test(t, status_and_type_complete_themselves);
    tcase_add_test(t, types_say_whether_variables_count);
    suite_add_tcase(s, t);
    return s;
}
