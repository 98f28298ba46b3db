/* SPDX-License-Identifier: Apache-2.0 */
#include "config_token.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

START_TEST(gives_every_token_with_its_line_and_nothing_of_a_comment)
{
    static const struct {
        enum config_token_kind kind;
        const char *text;
        unsigned line;
    } wanted[] = {
        {CONFIG_TOKEN_WORD, "a-b", 1},     {CONFIG_TOKEN_SIGN, "=", 1},       {CONFIG_TOKEN_SIGN, "{", 1},
        {CONFIG_TOKEN_WORD, "c", 3},       {CONFIG_TOKEN_SIGN, ":", 3},       {CONFIG_TOKEN_STRING, "\"x \\\" { # y\"", 3},
        {CONFIG_TOKEN_STRING, "\"\"", 4},  {CONFIG_TOKEN_SIGN, ";", 4},       {CONFIG_TOKEN_WORD, "d", 4},
        {CONFIG_TOKEN_SIGN, "=", 4},       {CONFIG_TOKEN_WORD, "-0x1F.5L", 4}, {CONFIG_TOKEN_SIGN, "}", 5},
    };
    static const char text[] = "a-b={ # c = \"1\"\n/* d\n*/ c : \"x \\\" { # y\"\n\t\"\";d=-0x1F.5L // e\n}\n";
    struct findings f;
    struct config_source s;
    struct config_token t;
    findings_init(&f);
    config_source_init(&s);
    ck_assert_int_eq(config_source_text(&s, text, "x.conf", &f), 0);
    config_token_begin(&t, &s);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        ck_assert(config_token_next(&t));
        ck_assert_msg(t.kind == wanted[i].kind && t.n == strlen(wanted[i].text) && memcmp(t.text, wanted[i].text, t.n) == 0, "%zu: %.*s", i,
                      (int)t.n, t.text);
        ck_assert_uint_eq(t.line, wanted[i].line);
    }
    ck_assert(!config_token_next(&t));
    ck_assert(!config_token_next(&t)); /* and stays there */
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

START_TEST(gaps_and_tokens_are_the_whole_text)
{
    static const char text[] = "  a = ( 1,\n\n \"b\" )\t; \n # c\n";
    char joined[sizeof(text) + 1] = "";
    struct findings f;
    struct config_source s;
    struct config_token t;
    findings_init(&f);
    config_source_init(&s);
    ck_assert_int_eq(config_source_text(&s, text, "x.conf", &f), 0);
    config_token_begin(&t, &s);
    for (bool more = true; more;) {
        more = config_token_next(&t);
        strncat(joined, t.gap, (size_t)(t.text - t.gap) + t.n);
    }
    ck_assert_str_eq(joined, (const char *)bytes_span(&s.text).ptr);
    config_source_clear(&s);
    findings_clear(&f);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_token");
    TCase *t = tcase_create("config_token");
    tcase_add_test(t, gives_every_token_with_its_line_and_nothing_of_a_comment);
    tcase_add_test(t, gaps_and_tokens_are_the_whole_text);
    suite_add_tcase(s, t);
    return s;
}
