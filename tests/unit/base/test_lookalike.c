/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/lookalike.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *why, *text, *says;
} explained[] = {
    {"a left quote", "\xe2\x80\x9c" "a", "U+201C is a typographic quote: type the plain \" in its place"},
    {"a right quote", "\xe2\x80\x9d", "U+201D is a typographic quote: type the plain \" in its place"},
    {"an apostrophe", "\xe2\x80\x99", "U+2019 is a typographic quote: type the plain \" in its place"},
    {"a guillemet", "\xc2\xbb", "U+00BB is a typographic quote: type the plain \" in its place"},
    {"a long dash", "\xe2\x80\x94", "U+2014 is a typographic dash: type the plain - in its place"},
    {"a no-break space", "\xc2\xa0", "U+00A0 is a no-break space: type a plain space in its place"},
    {"a zero-width space", "\xe2\x80\x8b", "U+200B is invisible: remove it"},
    {"a byte order mark", "\xef\xbb\xbf", "U+FEFF is a byte order mark: remove it"},
    {"a full-width brace", "\xef\xbd\x9b", "U+FF5B is a full-width character: type the plain { in its place"},
    {"a letter", "\xc3\xbc", "U+00FC is outside of a string: keys and names are written in ASCII letters"},
    {"one beyond 16 bits", "\xf0\x9f\x94\x92", "U+1F512 is outside of a string: keys and names are written in ASCII letters"},
    {"a byte of Windows-1252", "\x93" "a", "byte 0x93 is a typographic quote: type the plain \" in its place"},
    {"a byte of Latin-1", "\xfc" "ber", "byte 0xfc outside of a string: is this a text file in UTF-8?"},
    {"a character cut short", "\xe2\x80", "byte 0xe2 outside of a string: is this a text file in UTF-8?"},
    {"one written too long", "\xe0\x80\xa0", "byte 0xe0 outside of a string: is this a text file in UTF-8?"},
    {"half of a pair", "\xed\xa0\x80", "byte 0xed outside of a string: is this a text file in UTF-8?"},
};

START_TEST(names_the_character_and_what_to_type)
{
    char text[LOOKALIKE_TEXT];
    struct lookalike l = lookalike_at(span_from_str(explained[_i].text));
    ck_assert_uint_gt(l.len, 0);
    lookalike_explain(&l, text);
    ck_assert_msg(strcmp(text, explained[_i].says) == 0, "%s: %s", explained[_i].why, text);
}
END_TEST

START_TEST(finds_none_in_ascii)
{
    ck_assert_uint_eq(lookalike_at(span_from_str("a\xe2\x80\x9c")).len, 0);
    ck_assert_uint_eq(lookalike_at(span_from_str("")).len, 0);
    ck_assert_uint_eq(lookalike_find(span_from_str("\"-'"), "\""), 3);
}
END_TEST

START_TEST(finds_the_first_of_its_kind)
{
    struct span text = span_from_str("M\xc3\xbcller \xe2\x80\x93 \xe2\x80\x9cx\xe2\x80\x9d");
    ck_assert_uint_eq(lookalike_find(text, "-"), 8);
    ck_assert_uint_eq(lookalike_find(text, "\""), 12);
    ck_assert_uint_eq(lookalike_find(text, ";"), text.len);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("lookalike");
    TCase *c = tcase_create("lookalike");
    tcase_add_loop_test(c, names_the_character_and_what_to_type, 0, sizeof(explained) / sizeof(explained[0]));
    tcase_add_test(c, finds_none_in_ascii);
    tcase_add_test(c, finds_the_first_of_its_kind);
    suite_add_tcase(s, c);
    return s;
}
