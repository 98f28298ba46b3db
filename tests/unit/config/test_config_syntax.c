/* SPDX-License-Identifier: Apache-2.0 */
#include "config_syntax.h"
#include "t.h"

#include <libconfig.h>
#include <string.h>

static const char *const accepted[] = {
    "a = 1;",
    "a = 1",
    "a : 1; b = \"x\", c = true",
    "a = 1 b = 2\nc = 3",
    "a = \"x\" \"y\"\n \"z\";",
    "a = { b = { c = ( ); d = [ ]; e = { }; } };",
    "a = ( 1, \"x\", ( true, [ 1, 2 ] ), { b = 1; } );",
    "a = -1; b = +1; c = 0x1F; d = 1.5; e = 1e3; f = .5; g = 12L; h = TRUE; i = False;",
    "a-b_c* = 1; * = 2;",
    "a = 0; b = -0; c = 0L; d = 0.5; e = 1.05; f = 1e+05; g = 0x00; h = \"010\";",
    "a = \"\\\\a \\n \\x41 \\d\";",
    "a = \"\\\" ; } \\\\\"; b = 1;",
};

static const struct {
    const char *why, *text;
    unsigned line;
    const char *says;
} refused[] = {
    {"no sign", "a 1;", 1, "'=' is missing between a and 1"},
    {"no sign before a string", "a \"x\";", 1, "'=' is missing between a"},
    {"no sign before a group", "a\n{ };", 2, "'=' is missing between a and '{'"},
    {"a word without quotes", "log = { level = debug; };", 1, "debug needs quotes: write \"debug\""},
    {"a word of other programs for true", "a = yes;", 1, "yes is not a value: write true, or \"yes\" where a string is meant"},
    {"and for false", "a = Off;", 1, "Off is not a value: write false"},
    {"a list as YAML has it", "a:\n - b", 2, "a dash does not start an element"},
    {"JSON", "{ \"a\": 1 }", 1, "this looks like JSON: here settings are NAME = VALUE;"},
    {"an INI file", "[a]\nb = 1", 1, "this looks like an INI file or TOML"},
    {"YAML", "---\na: 1", 1, "this looks like YAML"},
    {"nginx", "server {\n listen 80; }", 1, "this looks like nginx's configuration"},
    {"nginx, with its first line", "user www-data;\n", 1, "this looks like nginx's configuration"},
    {"HAProxy", "global\n maxconn 10\n", 2, "this looks like HAProxy's configuration"},
    {"Apache", "<VirtualHost *:443>\n", 1, "this looks like Apache's configuration"},
    {"a key of that name is ours", "user = 1; b 2;", 1, "'=' is missing between b and 2"},
    {"a duration without quotes", "t = 10s;", 1, "10s needs quotes"},
    {"an address without quotes", "t = 127.0.0.1:80;", 1, "'"},
    {"a sign alone", "t = -;", 1, "- needs quotes"},
    {"an exponent alone", "t = e5;", 1, "e5 needs quotes"},
    {"no value", "a = ;", 1, "a has no value before ';'"},
    {"no value at the end of a group", "a = { b = };", 1, "b has no value before '}'"},
    {"a key alone", "a = 1;\nb;", 2, "b has no '=' and no value before ';'"},
    {"a key alone at the end", "a = 1;\n\nb", 3, "b has no '='"},
    {"a value that never comes", "a =", 1, "a has no value before the end"},
    {"a semicolon too many", "a = 1;;", 1, "nothing stands before this ';'"},
    {"a semicolon in a list", "a = ( 1; 2 );", 1, "close the list first"},
    {"a comma too many", "a = [ 1, ];", 1, "nothing follows the last comma"},
    {"a comma too many in a list", "a = ( 1, );", 1, "nothing follows the last comma before ')': remove it"},
    {"a number beyond 32 bits", "a = 1;\nb = 2147483648;", 2, "2147483648 is too large for a number here: at most 2147483647"},
    {"the same behind a sign", "a = [ 1, -2147483648L ];", 1, "is too large"},
    {"a leading zero", "a = 010;", 1, "010 begins with a zero: write it without, or in hexadecimal as in 0x1F"},
    {"a leading zero behind a sign", "a = [ 1, -007L ];", 1, "-007L begins with a zero"},
    {"a digit that no octal number has", "a = 08;", 1, "08 begins with a zero"},
    {"a binary number", "a = 0b101;", 1, "0b101 needs quotes"},
    {"an octal number", "a = 0o17;", 1, "0o17 needs quotes"},
    {"an octal number with q", "a = 0q17;", 1, "0q17 needs quotes"},
    {"an escape of newer versions", "a = \"x\";\nb = \"x\\a\";", 2, "\\a in a string is not the same to every version of libconfig: write \\\\a for a backslash"},
    {"another escape of newer versions", "a = \"\\n\\b\";", 1, "\\b in a string"},
    {"a third escape of newer versions", "a = \"\\v\";", 1, "\\v in a string"},
    {"a comma at the beginning", "a = [ , 1 ];", 1, "nothing stands before this ','"},
    {"no comma", "a = ( \"x\" 1 );", 1, "',' is missing before 1"},
    {"no comma before a string", "a = ( 1 \"x\" );", 1, "',' is missing before a string"},
    {"no comma before a group", "a = ( { b = 1; }\n{ b = 2; } );", 2, "',' is missing before '{'"},
    {"a group without a name", "{ a = 1; };", 1, "without a name"},
    {"a string for a key", "\"a\" = 1;", 1, "a string where a key"},
    {"a number for a key", "1a = 1;", 1, "cannot be a key"},
    {"a key with a dot", "a.b = 1;", 1, "a.b cannot be a key"},
    {"a group in brackets", "a = [ { b = 1; } ];", 1, "in ( )"},
    {"a sign twice", "a = = 1;", 1, "'=' without a key"},
    {"one bracket too many", "a = { };\n}", 2, "'}' closes nothing"},
    {"the wrong bracket", "a = {\n b = ( 1, 2 };\n};", 2, "'}' does not close the '(' of x.conf:2"},
    {"a group that is not closed", "a = 1;\nb = {\n c = {\n };\n\n", 2, "the '{' here is never closed"},
    {"a sign of no meaning", "a = 1 & 2;", 1, "'&' has no meaning"},
};

static int check(const char *text, struct findings *f)
{
    struct config_source s;
    config_source_init(&s);
    struct bytes out;
    bytes_init(&out, 1 << 16);
    int rc = config_source_text(&s, text, "x.conf", f);
    if (rc == 0)
        rc = config_syntax_read(&s, &out, f);
    bytes_clear(&out);
    config_source_clear(&s);
    return rc;
}

static bool libconfig_takes(const char *text)
{
    config_t parsed;
    config_init(&parsed);
    bool taken = config_read_string(&parsed, text) == CONFIG_TRUE;
    config_destroy(&parsed);
    return taken;
}

START_TEST(accepts_what_libconfig_accepts)
{
    struct findings f;
    findings_init(&f);
    ck_assert_msg(check(accepted[_i], &f) == 0, "%s: %s", accepted[_i], f.n > 0 ? f.items[0].text : "");
    ck_assert_msg(libconfig_takes(accepted[_i]), "libconfig: %s", accepted[_i]);
    findings_clear(&f);
}
END_TEST

START_TEST(refuses_with_the_line_and_the_sign)
{
    struct findings f;
    findings_init(&f);
    char where[32];
    snprintf(where, sizeof(where), "x.conf:%u", refused[_i].line);
    ck_assert_msg(check(refused[_i].text, &f) == -1, "%s", refused[_i].why);
    ck_assert_uint_eq(f.n, 1);
    ck_assert_msg(strcmp(f.items[0].where, where) == 0, "%s: %s", refused[_i].why, f.items[0].where);
    ck_assert_msg(strstr(f.items[0].text, refused[_i].says) != NULL, "%s: %s", refused[_i].why,
                  f.items[0].text);
    findings_clear(&f);
}
END_TEST

/* Random token soup: what passes here must pass libconfig too, or its own bare "syntax error" and its leak
 * come back. */
START_TEST(lets_nothing_through_that_libconfig_refuses)
{
    static const char *const tokens[] = {"a", "b1", "=",     ":", ";",  ",",    "{",   "}",    "(",  ")",
                                         "[", "]",  "\"x\"", "1", "-2", "true", "1.5", "0x1f", "7L", "\n"};
    unsigned random = 7, passed = 0;
    for (unsigned turn = 0; turn < 60000; turn++) {
        char text[128] = "k = ";
        unsigned n = turn % 9;
        for (unsigned i = 0; i < n; i++) {
            random = random * 1103515245 + 12345;
            const char *token = tokens[(random >> 16) % (sizeof(tokens) / sizeof(tokens[0]))];
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", token);
        }
        struct findings f;
        findings_init(&f);
        if (check(text, &f) == 0) {
            passed++;
            config_t parsed;
            config_init(&parsed);
            bool taken = config_read_string(&parsed, text) == CONFIG_TRUE;
            const char *why = taken ? "" : config_error_text(&parsed);
            ck_assert_msg(taken || strstr(why, "duplicate") != NULL || strstr(why, "mismatched") != NULL,
                          "\"%s\": %s", text, why);
            config_destroy(&parsed);
        }
        findings_clear(&f);
    }
    ck_assert_uint_gt(passed, 500);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

Suite *suite(void)
{
    Suite *s = suite_create("config_syntax");
    TCase *t = tcase_create("config_syntax");
    tcase_add_loop_test(t, accepts_what_libconfig_accepts, 0, COUNT(accepted));
    tcase_add_loop_test(t, refuses_with_the_line_and_the_sign, 0, COUNT(refused));
    tcase_add_test(t, lets_nothing_through_that_libconfig_refuses);
    tcase_set_timeout(t, 60);
    suite_add_tcase(s, t);
    return s;
}
