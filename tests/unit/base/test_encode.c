/* SPDX-License-Identifier: Apache-2.0 */
/* Row C2: nothing that a peer chose ends a line, a quoted string, a component, a tag or an attribute. */
#include "mtlsd/base/encode.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *in;
    size_t len;
    const char *field, *component, *target, *html, *plain, *why;
} rows[] = {
    {"Alice-1.0_x~", 12, "Alice-1.0_x~", "Alice-1.0_x~", "Alice-1.0_x~", "Alice-1.0_x&#x7E;", "Alice-1.0_x~", "plain text"},
    {"a\r\nX: y", 7, "a%0D%0AX: y", "a%0D%0AX%3A%20y", "a%0D%0AX:%20y", "a&#xFFFD;\nX&#x3A; y", "a%0D\nX: y", "a forged line"},
    {"a\0b", 3, "a%00b", "a%00b", "a%00b", "a&#xFFFD;b", "a%00b", "NUL does not end it"},
    {"<i a='\"`>&", 10, "<i a='%22`>&", "%3Ci%20a%3D%27%22%60%3E%26", "%3Ci%20a='%22%60%3E&",
     "&#x3C;i a&#x3D;&#x27;&#x22;&#x60;&#x3E;&#x26;", "<i a='\"`>&", "tags, attributes and references"},
    {"/a?b=1&c#d%41", 13, "/a?b=1&c#d%2541", "%2Fa%3Fb%3D1%26c%23d%2541", "/a?b=1&c%23d%41", "&#x2F;a&#x3F;b&#x3D;1&#x26;c&#x23;d&#x25;41",
     "/a?b=1&c#d%41", "the marks of a URI"},
    {",;\\", 3, "%2C%3B%5C", "%2C%3B%5C", ",;%5C", "&#x2C;&#x3B;&#x5C;", ",;\\", "list and quoting marks"},
    {" a ", 3, "%20a%20", "%20a%20", "%20a%20", " a ", " a ", "spaces that readers trim"},
    {"M\xc3\xbcller", 7, "M%C3%BCller", "M%C3%BCller", "M%C3%BCller", "M&#xFC;ller", "M\xc3\xbcller", "UTF-8"},
    {"\xf0\x9f\x94\x92", 4, "%F0%9F%94%92", "%F0%9F%94%92", "%F0%9F%94%92", "&#x1F512;", "\xf0\x9f\x94\x92", "a character of four bytes"},
    {"\xff\xc3", 2, "%FF%C3", "%FF%C3", "%FF%C3", "&#xFF;&#xC3;", "%FF%C3", "bytes that are no UTF-8"},
    {"\xc2\x9b\x1b[2J\x7f", 7, "%C2%9B%1B[2J%7F", "%C2%9B%1B%5B2J%7F", "%C2%9B%1B[2J%7F", "&#xFFFD;&#xFFFD;&#x5B;2J&#xFFFD;", "%C2%9B%1B[2J%7F",
     "sequences of a terminal"},
    {"", 0, "", "", "", "", "", "nothing"},
};

static void expect(const struct bytes *out, int rc, const char *wanted, const char *why)
{
    struct span got = bytes_span(out);
    ck_assert_int_eq(rc, 0);
    ck_assert_msg(span_equals_str(got, wanted), "%s: %.*s, not %s", why, (int)got.len, got.len > 0 ? (const char *)got.ptr : "", wanted);
}

static int field(struct bytes *out, struct span s)
{
    return encode_field(out, s, ",;\"\\");
}

START_TEST(breaks_out_of_nothing)
{
    static int (*const places[])(struct bytes *, struct span) = {field, encode_component, encode_target, encode_html, encode_plain};
    const char *wanted[] = {rows[_i].field, rows[_i].component, rows[_i].target, rows[_i].html, rows[_i].plain};
    for (size_t i = 0; i < 5; i++) {
        struct bytes out;
        bytes_init(&out, 4096);
        int rc = places[i](&out, span_of(rows[_i].in, rows[_i].len));
        expect(&out, rc, wanted[i], rows[_i].why);
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(what_is_encoded_already_keeps_its_percent_signs)
{
    struct bytes out;
    bytes_init(&out, 100);
    int rc = encode_field_again(&out, span_from_str("/a%20b\r\n,c"), ",");
    expect(&out, rc, "/a%20b%0D%0A%2Cc", "a target");
    bytes_clear(&out);
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    for (size_t room = 0; room < 6; room++) {
        struct bytes out;
        bytes_init(&out, room);
        ck_assert_int_eq(encode_component(&out, span_from_str("//")), -1);
        bytes_clear(&out);
        bytes_init(&out, room);
        ck_assert_int_eq(encode_html(&out, span_from_str("/")), -1);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("encode");
    TCase *t = tcase_create("encode");
    tcase_add_loop_test(t, breaks_out_of_nothing, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(t, what_is_encoded_already_keeps_its_percent_signs);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
