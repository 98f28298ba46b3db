/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/text.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *word, *expect, *why;
} suggestions[] = {
    {"identiy", "identity", "a letter missing"},
    {"identtity", "identity", "a letter doubled"},
    {"idenitty", "identity", "two letters swapped"},
    {"Identity", "identity", "another case"},
    {"client-cert", "client_cert", "the other dash"},
    {"trsut", "trust", "a short word, swapped"},
    {"ca", "ca", "the word itself"},
    {"passphrase", NULL, "nothing near it"},
    {"xy", NULL, "two letters are near to every short word"},
    {"", NULL, "nothing to go on"},
    {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL, "no word of ours"},
};

START_TEST(suggests_the_nearest_word_or_none)
{
    static const char *const words[] = {"identity", "trust", "client_cert", "ca", "min_version"};
    const char *got = text_suggest(suggestions[_i].word, words, 5);
    const char *expect = suggestions[_i].expect;
    ck_assert_msg((got == NULL) == (expect == NULL) && (got == NULL || strcmp(got, expect) == 0),
                  "%s (%s): got %s", suggestions[_i].word, suggestions[_i].why, got != NULL ? got : "none");
}
END_TEST

/* C8: nothing that a certificate holds reaches a log or a header raw. */
static const struct {
    const char *in;
    size_t len;
    const char *json, *percent, *why;
} escapes[] = {
    {"plain text", 10, "plain text", "plain text", "left alone"},
    {"a\"b\\c", 5, "a\\\"b\\\\c", "a\"b\\c", "quote and backslash"},
    {"a\r\nX: y", 7, "a\\u000d\\u000aX: y", "a%0D%0AX: y", "a forged line"},
    {"a\0b", 3, "a\\u0000b", "a%00b", "NUL does not end it"},
    {"100%", 4, "100%", "100%25", "the escape itself"},
    {"\x1b[2J\x7f", 5, "\\u001b[2J\\u007f", "%1B[2J%7F", "a terminal sequence"},
    {"M\xc3\xbcller", 7, "M\\u00fcller", "M%C3%BCller", "UTF-8 keeps its letter in JSON"},
    {"\xe2\x82\xac", 3, "\\u20ac", "%E2%82%AC", "three bytes"},
    {"\xf0\x9f\x94\x92", 4, "\\ud83d\\udd12", "%F0%9F%94%92", "four bytes are two halves"},
    {"M\xfcller", 6, "M\\u00fcller", "M%FCller", "Latin-1"},
    {"\xc0\xaf", 2, "\\u00c0\\u00af", "%C0%AF", "an overlong slash is no slash"},
    {"\xed\xa0\x80", 3, "\\u00ed\\u00a0\\u0080", "%ED%A0%80", "half a surrogate pair is no character"},
    {"\xe2\x82", 2, "\\u00e2\\u0082", "%E2%82", "cut in the middle"},
    {"\xf5\x80\x80\x80", 4, "\\u00f5\\u0080\\u0080\\u0080", "%F5%80%80%80", "past the last character"},
};

START_TEST(escapes_what_could_forge_a_line)
{
    struct bytes out;
    bytes_init(&out, 1024);
    struct span in = span_of(escapes[_i].in, escapes[_i].len);
    ck_assert_int_eq(text_append_json(&out, in), 0);
    ck_assert_msg(span_equals_str(bytes_span(&out), escapes[_i].json), "%s: %.*s", escapes[_i].why,
                  (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    ck_assert_int_eq(text_append_percent(&out, in), 0);
    ck_assert_msg(span_equals_str(bytes_span(&out), escapes[_i].percent), "%s: %.*s", escapes[_i].why,
                  (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
}
END_TEST

START_TEST(every_single_byte_comes_out_as_printable_ascii)
{
    for (int c = 0; c < 256; c++) {
        uint8_t raw[2] = {(uint8_t)c, 'x'};
        struct bytes out;
        bytes_init(&out, 64);
        ck_assert_int_eq(text_append_json(&out, span_of(raw, 2)), 0);
        ck_assert_int_eq(text_append_percent(&out, span_of(raw, 2)), 0);
        ck_assert_int_eq(text_append_log(&out, span_of(raw, 2), false), 0);
        struct span s = bytes_span(&out);
        for (size_t i = 0; i < s.len; i++)
            ck_assert_msg(s.ptr[i] >= 0x20 && s.ptr[i] < 0x7f, "byte %d gave %02x", c, s.ptr[i]);
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(says_so_when_the_output_is_full)
{
    struct bytes out;
    bytes_init(&out, 4);
    ck_assert_int_eq(text_append_json(&out, span_from_str("\n")), -1);
    ck_assert_int_eq(text_append_percent(&out, span_from_str("\n\n")), -1);
    bytes_clear(&out);
    ck_assert_int_eq(text_append_base64(&out, span_from_str("abcd")), -1);
    bytes_clear(&out);
}
END_TEST

START_TEST(writes_base64_as_rfc_4648_has_it)
{
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xff\xfe\xfb", "//77"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes out;
        bytes_init(&out, 64);
        ck_assert_int_eq(text_append_base64(&out, span_from_str(rows[i][0])), 0);
        ck_assert_msg(span_equals_str(bytes_span(&out), rows[i][1]), "%s", rows[i][0]);
        bytes_clear(&out);
    }
}
END_TEST

START_TEST(reads_a_hexadecimal_digit_and_nothing_else)
{
    static const char digits[] = "0123456789abcdef";
    for (int c = 0; c < 256; c++) {
        const char *at = c != 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        ck_assert_int_eq(text_hex_digit((uint8_t)c), at != NULL ? (int)(at - digits) : -1);
    }
}
END_TEST

START_TEST(writes_hex)
{
    char hex[7];
    text_hex(hex, span_of("\x00\x9f\xff", 3));
    ck_assert_str_eq(hex, "009fff");
}
END_TEST

static const struct {
    int64_t seconds;
    const char *expect, *why;
} dates[] = {
    {0, "1970-01-01T00:00:00Z", "the beginning"},
    {-1, "1969-12-31T23:59:59Z", "before it"},
    {951782400, "2000-02-29T00:00:00Z", "the leap day of a leap century"},
    {4107542400, "2100-03-01T00:00:00Z", "2100 has none"},
    {1767225599, "2025-12-31T23:59:59Z", "the last second of a year"},
    {2147483648, "2038-01-19T03:14:08Z", "past 32 bits"},
    {253402300799, "9999-12-31T23:59:59Z", "a certificate that never ends"},
    {INT64_MAX, "9999-12-31T23:59:59Z", "clamped"},
    {INT64_MIN, "0000-01-01T00:00:00Z", "clamped"},
};

START_TEST(writes_dates)
{
    char out[21];
    text_utc(out, dates[_i].seconds);
    ck_assert_msg(strcmp(out, dates[_i].expect) == 0, "%s: %s", dates[_i].why, out);
}
END_TEST

START_TEST(escapes_a_log_field_so_that_only_its_writer_ends_it)
{
    static const struct {
        const char *in, *field, *word;
    } rows[] = {{"plain", "plain", "plain"},
                {"a b", "a b", "a\\x20b"},
                {"\"q\"", "\\\"q\\\"", "\\\"q\\\""},
                {"\\", "\\\\", "\\\\"},
                {"\r\n\x1b\x7f\xff", "\\x0d\\x0a\\x1b\\x7f\\xff", "\\x0d\\x0a\\x1b\\x7f\\xff"},
                {"", "", ""}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int word = 0; word < 2; word++) {
            struct bytes out;
            bytes_init(&out, 64);
            ck_assert_int_eq(text_append_log(&out, span_from_str(rows[i].in), word), 0);
            ck_assert_msg(span_equals_str(bytes_span(&out), word ? rows[i].word : rows[i].field), "row %zu: %.*s", i, (int)out.len,
                          (const char *)bytes_span(&out).ptr);
            bytes_clear(&out);
        }
    }
}
END_TEST

START_TEST(writes_dates_as_web_servers_do)
{
    char out[27];
    text_log_time(out, 971211336);
    ck_assert_str_eq(out, "10/Oct/2000:20:55:36 +0000");
    text_log_time(out, -1);
    ck_assert_str_eq(out, "31/Dec/1969:23:59:59 +0000");
    text_log_time(out, INT64_MAX);
    ck_assert_str_eq(out, "31/Dec/9999:23:59:59 +0000");
}
END_TEST

START_TEST(writes_numbers)
{
    static const struct {
        uint64_t n;
        const char *text;
    } rows[] = {{0, "0"}, {9, "9"}, {10, "10"}, {65536, "65536"}, {UINT64_MAX, "18446744073709551615"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes out;
        bytes_init(&out, 64);
        ck_assert_int_eq(text_append_number(&out, rows[i].n), 0);
        ck_assert(span_equals_str(bytes_span(&out), rows[i].text));
        bytes_clear(&out);
    }
}
END_TEST

static const struct {
    const char *pattern, *text;
    char sep;
    bool match;
    const char *why;
} globs[] = {
    {"api.example", "api.example", '.', true, "literal"},
    {"api.example", "api.exampleX", '.', false, "the whole text, not a prefix"},
    {"api.example", "Xapi.example", '.', false, "nor a suffix"},
    {"api.example", "API.example", '.', false, "case counts"},
    {"*.example", "a.example", '.', true, "one label"},
    {"*.example", "a.b.example", '.', false, "one star, one label"},
    {"*.example", ".example", '.', false, "a label is not empty"},
    {"*.example", "example", '.', false, "nor absent"},
    {"**.example", "a.b.example", '.', true, "two stars, any depth"},
    {"web*.example", "web.example", '.', true, "part of a label may be empty"},
    {"web*.example", "web12.example", '.', true, "or not"},
    {"web*.example", "web.evil.example", '.', false, "but stays in its label"},
    {"spiffe://td/ns/*/sa/web", "spiffe://td/ns/prod/sa/web", '/', true, "one segment"},
    {"spiffe://td/ns/*/sa/web", "spiffe://td/ns/a/b/sa/web", '/', false, "one only"},
    {"spiffe://td/ns/*/sa/web", "spiffe://td/ns//sa/web", '/', false, "an empty segment is none"},
    {"spiffe://td/**", "spiffe://td/ns/prod", '/', true, "anything below"},
    {"spiffe://td/**", "spiffe://td.evil/ns", '/', false, "the separator protects the domain"},
    {"spiffe://td/**/web", "spiffe://td/a/web/b/web", '/', true, "the last one counts"},
    {"*a*b*", "xxaxxbxx", '/', true, "several stars"},
    {"*a*b*", "xxbxxaxx", '/', false, "in order"},
    {"*", "anything but.a.separator", '/', true, "any one part"},
    {"*", "", '/', false, "not nothing"},
    {"**", "", '/', true, "any run at all"},
    {"**", "a/b", '/', true, "any run at all"},
    {"", "", '/', true, "empty is empty"},
    {"", "a", '/', false, "and nothing else"},
    {"a?c", "abc", '/', false, "? is a letter like any other"},
    {"a[b]c", "abc", '/', false, "so are brackets"},
};

static const struct {
    int64_t when, days;
    const char *why;
} days_left[] = {
    {0, 0, "this very second is not past"},
    {86399, 0, "less than a day"},
    {86400, 1, "a day"},
    {100 * 86400 - 1, 99, "nearly a hundred"},
    {-1, -1, "a second past must not look like today"},
    {-86399, -1, "most of a day past"},
    {-86400, -1, "one day past"},
    {-86401, -1, "one day and a second are not two days"},
    {-172799, -1, "nearly two days past"},
    {-172800, -2, "two days past"},
};

START_TEST(counts_the_days_left)
{
    int64_t days = text_days_left(1700000000 + days_left[_i].when, 1700000000);
    ck_assert_msg(days == days_left[_i].days, "%s: %lld", days_left[_i].why, (long long)days);
}
END_TEST

START_TEST(an_empty_text_may_be_none)
{
    ck_assert_ptr_null(text_or_null(""));
    ck_assert_str_eq(text_or_null("x"), "x");
}
END_TEST

START_TEST(matches_patterns)
{
    bool got = text_glob(globs[_i].pattern, span_from_str(globs[_i].text), globs[_i].sep);
    ck_assert_msg(got == globs[_i].match, "%s against %s: %s", globs[_i].pattern, globs[_i].text,
                  globs[_i].why);
}
END_TEST

/* A5: an embedded NUL must not end the comparison. */
START_TEST(a_nul_in_the_text_does_not_match_the_name_before_it)
{
    ck_assert(!text_glob("good.example", span_of("good.example\0.evil", 18), '.'));
    ck_assert(!text_glob("good.*", span_of("good.a\0b.evil", 13), '.'));
    ck_assert(!text_glob("*", span_of("a\0b", 3), '\0'));
}
END_TEST

START_TEST(tells_utf8_from_other_bytes)
{
    const struct {
        struct span text;
        bool is, with_controls;
        const char *why;
    } rows[] = {
        {span_from_str("plain"), true, true, "ASCII"},
        {span_of(NULL, 0), true, true, "nothing"},
        {span_from_str("J\xc3\xbcrgen \xe2\x82\xac \xf0\x9f\x98\x80"), true, true, "two, three and four bytes"},
        {span_from_str("J\xfcrgen"), false, false, "Latin-1"},
        {span_from_str("\xc3"), false, false, "cut off"},
        {span_from_str("\xe2\x82"), false, false, "cut off later"},
        {span_from_str("\xc0\xaf"), false, false, "too long a form"},
        {span_from_str("\xed\xa0\x80"), false, false, "half of a pair"},
        {span_from_str("\xf5\x80\x80\x80"), false, false, "beyond the last character"},
        {span_from_str("a\nb"), false, true, "a line end"},
        {span_of("a\0b", 3), false, true, "NUL"},
        {span_from_str("\x7f"), false, true, "DEL"},
        {span_from_str("\xc2\x9b"), false, true, "CSI beyond ASCII"},
        {span_from_str("\xc2\xa0"), true, true, "the first behind those"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(text_is_utf8(rows[i].text) == rows[i].is && text_is_utf8_with_controls(rows[i].text) == rows[i].with_controls,
                      "%s", rows[i].why);
}
END_TEST

START_TEST(a_hostile_text_costs_no_more_than_its_length)
{
    static char text[32768];
    memset(text, 'a', sizeof(text));
    ck_assert(!text_glob("**a*a**a*a**a*a**a*a**a*a**b", span_of(text, sizeof(text)), '/'));
}
END_TEST

START_TEST(a_pattern_beyond_reason_matches_nothing)
{
    char pattern[1024];
    memset(pattern, '*', sizeof(pattern));
    pattern[sizeof(pattern) - 1] = '\0';
    ck_assert(!text_glob(pattern, span_from_str("a"), '/'));
    pattern[512] = '\0';
    ck_assert(text_glob(pattern, span_from_str("a"), '/'));
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof((rows)[0])))

START_TEST(tells_ascii_from_other_bytes)
{
    ck_assert(text_is_ascii(span_from_str("")));
    ck_assert(text_is_ascii(span_of("a\0\x7f", 3)));
    ck_assert(!text_is_ascii(span_of("a\x80", 2)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("text");
    TCase *t = tcase_create("text");
    tcase_add_loop_test(t, suggests_the_nearest_word_or_none, 0, COUNT(suggestions));
    tcase_add_loop_test(t, escapes_what_could_forge_a_line, 0, COUNT(escapes));
    tcase_add_test(t, every_single_byte_comes_out_as_printable_ascii);
    tcase_add_test(t, says_so_when_the_output_is_full);
    tcase_add_test(t, writes_base64_as_rfc_4648_has_it);
    tcase_add_test(t, reads_a_hexadecimal_digit_and_nothing_else);
    tcase_add_test(t, writes_hex);
    tcase_add_test(t, tells_ascii_from_other_bytes);
    tcase_add_loop_test(t, writes_dates, 0, COUNT(dates));
    tcase_add_loop_test(t, counts_the_days_left, 0, COUNT(days_left));
    tcase_add_test(t, an_empty_text_may_be_none);
    tcase_add_test(t, escapes_a_log_field_so_that_only_its_writer_ends_it);
    tcase_add_test(t, writes_dates_as_web_servers_do);
    tcase_add_test(t, writes_numbers);
    tcase_add_loop_test(t, matches_patterns, 0, COUNT(globs));
    tcase_add_test(t, a_nul_in_the_text_does_not_match_the_name_before_it);
    tcase_add_test(t, tells_utf8_from_other_bytes);
    tcase_add_test(t, a_hostile_text_costs_no_more_than_its_length);
    tcase_add_test(t, a_pattern_beyond_reason_matches_nothing);
    suite_add_tcase(s, t);
    return s;
}
