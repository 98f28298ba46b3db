/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/hostname.h"
#include "t.h"

static const struct {
    const char *pattern, *host;
    bool matches;
    const char *why;
} rows[] = {
    {"a.example", "a.example", true, "the same"},
    {"a.example", "A.EXAMPLE", true, "case does not matter"},
    {"A.Example", "a.example", true, "on neither side"},
    {"a.example", "a.example.", true, "one dot at the end does not matter"},
    {"a.example.", "a.example", true, "on neither side"},
    {"a.example", "a.example..", false, "two do"},
    {"a.example", "b.a.example", false, "an exact name is exact"},
    {"a.example", "a.example.evil", false, "at both ends"},
    {"*.example", "a.example", true, "one label"},
    {"*.example", "b.a.example", true, "several labels"},
    {"*.example", "a.example.", true, "with a dot at the end"},
    {"*.example", "example", false, "not the suffix itself"},
    {"*.example", ".example", false, "an empty label is none"},
    {"*.example", "a..example", false, "nor is one in between"},
    {"*.example", "aexample", false, "whole labels only"},
    {"*.", "a", false, "no suffix"},
    {"*", "a", false, "a star alone is a name nobody has"},
    {"a*.example", "ab.example", false, "a star inside a label is no pattern"},
    {"", "a", false, "an empty pattern"},
    {"a", "", false, "an empty host"},
    {"a", ".", false, "a dot alone"},
    {"127.0.0.1", "127.0.0.1", true, "an address is a name like any other"},
    {"127.0.0.1", "127.1", false, "in its one spelling"},
    {"::1", "0:0:0:0:0:0:0:1", true, "an IPv6 address in another spelling"},
    {"0:0:0:0:0:0:0:1", "::1", true, "on either side"},
    {"FE80::0A", "fe80:0::a", true, "letter case and zeros"},
    {"::ffff:127.0.0.1", "::ffff:7f00:1", true, "with an IPv4 address in it"},
    {"::1", "::2", false, "another address"},
    {"::1", "::1.", false, "no address"},
    {"::1", "127.0.0.1", false, "nor the same of another family"},
};

START_TEST(compares_names_with_patterns) /* A9, A15 */
{
    bool got = hostname_matches(span_from_str(rows[_i].pattern), span_from_str(rows[_i].host));
    ck_assert_msg(got == rows[_i].matches, "%s against %s: %s", rows[_i].pattern, rows[_i].host, rows[_i].why);
}
END_TEST

#define L63 "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz_012345678"
#define N253 L63 "." L63 "." L63 "." "abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz_0123456"

static const struct {
    const char *host;
    bool well_formed;
    const char *why;
} grammar[] = {
    {"a", true, "one label"},
    {"a.ops.example", true, "several"},
    {"A-1.Ops.EXAMPLE", true, "letters, digits and hyphens"},
    {"a_b.ops.example", true, "real hosts have underscores"},
    {"-a-.ops.example", true, "and hyphens at the ends of a label"},
    {"xn--4ca.example", true, "IDN as it is sent"},
    {"a.example.", true, "one dot at the end"},
    {"127.0.0.1", true, "IPv4"},
    {"::1", true, "IPv6, without brackets"},
    {"fe80::1.2.3.4", true, "IPv6 with an IPv4 address in it"},
    {L63 ".example", true, "63 bytes in a label"},
    {N253, true, "253 bytes"},
    {N253 ".", true, "and the dot, which does not count"},
    {"", false, "nothing"},
    {".", false, "the root has no host"},
    {".ops.example", false, "an empty label in front"},
    {"..ops.example", false, "two of them"},
    {"a..ops.example", false, "one inside"},
    {"a.ops.example..", false, "two dots at the end"},
    {"*.ops.example", false, "a pattern is no name"},
    {"a*.ops.example", false, "no part of one either"},
    {"a b.ops.example", false, "a space"},
    {"a\tb.ops.example", false, "a tab"},
    {"\001.ops.example", false, "a control byte"},
    {"\177.ops.example", false, "the last one"},
    {"\303\244.ops.example", false, "IDN as people write it"},
    {"\357\274\216ops.example", false, "a dot of another script"},
    {"%2e.ops.example", false, "percent encoding"},
    {"a,b.ops.example", false, "a comma"},
    {"a/b.ops.example", false, "a slash"},
    {"a\\b.ops.example", false, "a backslash"},
    {"a@ops.example", false, "a user"},
    {"[::1]", false, "brackets"},
    {"a:80", false, "a port"},
    {"::1%eth0", false, "a zone"},
    {"1:2", false, "half an address"},
    {":", false, "less"},
    {L63 "x.example", false, "64 bytes in a label"},
    {"x" N253, false, "254 bytes, by a longer label"},
    {"x." N253, false, "and by one more"},
};

START_TEST(knows_which_hosts_are_well_formed) /* A15 */
{
    struct span host = span_from_str(grammar[_i].host);
    ck_assert_msg(hostname_is_well_formed(host) == grammar[_i].well_formed, "%s: %s", grammar[_i].host, grammar[_i].why);
    ck_assert_msg(hostname_matches(host, host) == grammar[_i].well_formed, "%s matches itself: %s", grammar[_i].host, grammar[_i].why);
    if (host.len > 12 && span_equals_str(span_skip(host, host.len - 12), ".ops.example"))
        ck_assert_msg(hostname_matches(span_from_str("*.ops.example"), host) == grammar[_i].well_formed, "%s: %s", grammar[_i].host, grammar[_i].why);
}
END_TEST

START_TEST(a_host_has_one_text) /* A15 */
{
    static const char *const texts[][2] = {{"A.example.", "A.example"}, {"::0:1", "::1"}, {"FE80:0::A", "fe80::a"}, {"::1.", "::1"}, {"1:2", "1:2"}, {"", ""}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char room[HOSTNAME_IPV6_SIZE];
        ck_assert_msg(span_equals_str(hostname_canonical(span_from_str(texts[i][0]), room), texts[i][1]), "%s", texts[i][0]);
    }
}
END_TEST

START_TEST(a_pattern_is_a_name_or_a_suffix)
{
    static const char *const good[] = {"a.example", "*.a.example", "*.example.", "*.com", "::1"}, *const bad[] = {
        "", "*", "*.", "*..example", "*.*.example", "a*.example", "a.*.example", ".a.example", "*.a..example", "*.::1", "*.a b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(hostname_is_pattern(span_from_str(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!hostname_is_pattern(span_from_str(bad[i])), "%s", bad[i]);
}
END_TEST

START_TEST(a_nul_is_in_no_host) /* A15 */
{
    ck_assert(!hostname_is_well_formed(span_of("a\0b", 3)));
    ck_assert(!hostname_is_well_formed(span_of("::1\0", 4)));
    ck_assert(!hostname_is_well_formed(span_of(NULL, 0)));
    for (unsigned c = 0; c < 256; c++) {
        bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
        const uint8_t name[] = {'a', (uint8_t)c, 'a'};
        ck_assert_msg(hostname_is_well_formed(span_of(name, 3)) == letter, "byte %u", c);
    }
}
END_TEST

START_TEST(a_nul_ends_no_name) /* A5 */
{
    ck_assert(!hostname_matches(span_from_str("a.example"), span_of("a.example\0.evil", 15)));
}
END_TEST

START_TEST(orders_names_without_case_and_last_dot)
{
    static const char *const order[] = {"", "a", "a.b", "a.c", "ab", "b"};
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++)
            ck_assert_int_eq(hostname_compare(span_from_str(order[i]), span_from_str(order[k])) < 0, i < k);
    ck_assert_int_eq(hostname_compare(span_from_str("A.example."), span_from_str("a.EXAMPLE")), 0);
    ck_assert_int_ne(hostname_compare(span_from_str("a@b"), span_from_str("a`b")), 0); /* they differ in the bit of letter case, and are no letters */
}
END_TEST

START_TEST(reads_a_port_and_nothing_else)
{
    static const struct {
        const char *text;
        unsigned port;
    } ports[] = {{"1", 1}, {"443", 443}, {"65535", 65535}, {"00080", 80}, {"0", 0}, {"", 0}, {"65536", 0}, {"000443", 0}, {"4294967297", 0}, {"80a", 0}, {"+80", 0}, {" 80", 0}};
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        ck_assert_msg(hostname_port(span_from_str(ports[i].text)) == ports[i].port, "\"%s\"", ports[i].text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("hostname");
    TCase *t = tcase_create("hostname");
    tcase_add_loop_test(t, compares_names_with_patterns, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(t, knows_which_hosts_are_well_formed, 0, (int)(sizeof(grammar) / sizeof(grammar[0])));
    tcase_add_test(t, a_nul_is_in_no_host);
    tcase_add_test(t, a_host_has_one_text);
    tcase_add_test(t, a_pattern_is_a_name_or_a_suffix);
    tcase_add_test(t, a_nul_ends_no_name);
    tcase_add_test(t, orders_names_without_case_and_last_dot);
    tcase_add_test(t, reads_a_port_and_nothing_else);
    suite_add_tcase(s, t);
    return s;
}
