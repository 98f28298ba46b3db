/* SPDX-License-Identifier: Apache-2.0 */
#include "html.h"
#include "t.h"

#include <string.h>

static struct bytes out;

static void begin(void)
{
    bytes_init(&out, 1 << 16);
}

static void end(void)
{
    bytes_clear(&out);
}

static void expect(const char *text)
{
    ck_assert_msg(out.len == strlen(text) && memcmp(bytes_span(&out).ptr, text, out.len) == 0, "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
}

START_TEST(what_could_begin_markup_is_a_reference)
{
    html_text(&out, "<script>alert(\"1\" + '2')</script> & \n\t\x7f");
    expect("&lt;script&gt;alert(&quot;1&quot; + &#39;2&#39;)&lt;/script&gt; &amp;    ");
    ck_assert_int_eq(html_text(&out, NULL), 0);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters)
{
    html_cut(&out, "abcdef", 6);
    expect("abcdef");
    html_cut(&out, "abcdefg", 6);
    expect("abcde\u2026");
    html_cut(&out, "\u00e4\u00f6\u00fc<", 3);
    expect("\u00e4\u00f6\u2026");
    html_cut(&out, "a<b>c", 4);
    expect("a&lt;b\u2026");
    html_cut(&out, "", 4);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

START_TEST(pieces_are_written_as_they_stand)
{
    ck_assert_int_eq(html_raw(&out, "<b>", "x", "</b>", NULL), 0);
    expect("<b>x</b>");
    struct bytes small;
    bytes_init(&small, 2);
    ck_assert_int_eq(html_raw(&small, "<b>", NULL), -1);
    bytes_clear(&small);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("html");
    TCase *t = tcase_create("html");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, what_could_begin_markup_is_a_reference);
    tcase_add_test(t, a_long_text_is_cut_between_characters);
    tcase_add_test(t, pieces_are_written_as_they_stand);
    suite_add_tcase(s, t);
    return s;
}
