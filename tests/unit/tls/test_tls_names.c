/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_names.h"

#include <string.h>

static const struct {
    const char *why;
    enum tls_name_type type;
    const char *value;
    size_t len; /* 0: strlen */
    const char *expected;
    bool match;
} rows[] = {
    {"the same name", TLS_NAME_DNS, "a.example", 0, "a.example", true},
    {"another case", TLS_NAME_DNS, "A.Example", 0, "a.eXample", true},
    {"a trailing dot in what is expected", TLS_NAME_DNS, "a.example", 0, "a.example.", true},
    {"a trailing dot in the certificate", TLS_NAME_DNS, "a.example.", 0, "a.example", false},
    {"a longer name", TLS_NAME_DNS, "a.example.org", 0, "a.example", false},
    {"a suffix", TLS_NAME_DNS, "example", 0, "a.example", false},
    {"B1 a name behind a NUL", TLS_NAME_DNS, "a.example\0.evil", 15, "a.example", false},
    {"B1 a homoglyph", TLS_NAME_DNS, "\xd0\xb0.example", 0, "\xd0\xb0.example", false},
    {"B1 the CN", TLS_NAME_CN, "a.example", 0, "a.example", false},
    {"B1 an e-mail SAN", TLS_NAME_EMAIL, "a.example", 0, "a.example", false},
    {"B1 a wildcard", TLS_NAME_DNS, "*.a.example", 0, "b.a.example", true},
    {"B1 a wildcard in another case", TLS_NAME_DNS, "*.A.example", 0, "b.a.EXAMPLE", true},
    {"B1 a wildcard is one label", TLS_NAME_DNS, "*.a.example", 0, "c.b.a.example", false},
    {"B1 a wildcard is not nothing", TLS_NAME_DNS, "*.a.example", 0, "a.example", false},
    {"B1 nor an empty label", TLS_NAME_DNS, "*.a.example", 0, ".a.example", false},
    {"B1 a wildcard below a top level", TLS_NAME_DNS, "*.example", 0, "a.example", false},
    {"B1 a wildcard alone", TLS_NAME_DNS, "*", 0, "example", false},
    {"B1 a wildcard inside a label", TLS_NAME_DNS, "a*.b.example", 0, "ax.b.example", false},
    {"B1 a wildcard not left-most", TLS_NAME_DNS, "a.*.example", 0, "a.b.example", false},
    {"B1 two wildcards", TLS_NAME_DNS, "*.*.example", 0, "a.b.example", false},
    {"B1 a wildcard that is asked for", TLS_NAME_DNS, "*.a.example", 0, "*.a.example", false},
    {"A15 an empty label, on both sides", TLS_NAME_DNS, ".a.example", 0, ".a.example", false},
    {"A15 below a wildcard", TLS_NAME_DNS, "*..example", 0, "a..example", false},
    {"A15 two dots at the end", TLS_NAME_DNS, "a.example", 0, "a.example..", false},
    {"A15 a space, on both sides", TLS_NAME_DNS, "a b", 0, "a b", false},
    {"an IPv4 address in full", TLS_NAME_IP, "\xc0\x00\x02\x01", 4, "192.0.2.1", true},
    {"an IPv6 address", TLS_NAME_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16, "2001:db8::1", true},
    {"an IPv6 address in brackets", TLS_NAME_IP, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16,
     "[2001:db8::1]", true},
    {"an IPv4 address inside an IPv6 one", TLS_NAME_IP, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01", 16,
     "192.0.2.1", false},
    {"B1 an address as DNS SAN", TLS_NAME_DNS, "192.0.2.1", 0, "192.0.2.1", false},
    {"B1 a wildcard for an address", TLS_NAME_DNS, "*.0.2.1", 0, "192.0.2.1", false},
    {"a URI", TLS_NAME_URI, "spiffe://td/a", 0, "spiffe://td/a", true},
    {"a URI is compared byte by byte", TLS_NAME_URI, "spiffe://TD/a", 0, "spiffe://td/a", false},
    {"a longer URI", TLS_NAME_URI, "spiffe://td/ab", 0, "spiffe://td/a", false},
    {"a URI behind a NUL", TLS_NAME_URI, "spiffe://td/a\0b", 15, "spiffe://td/a", false},
    {"A5 a URI percent-encoded", TLS_NAME_URI, "spiffe://td/%61", 0, "spiffe://td/a", false},
    {"A5 a URI as DNS SAN", TLS_NAME_DNS, "spiffe://td/a", 0, "spiffe://td/a", false},
    {"A5 a URI as CN", TLS_NAME_CN, "spiffe://td/a", 0, "spiffe://td/a", false},
    {"A5 a URI as e-mail", TLS_NAME_EMAIL, "spiffe://td/a", 0, "spiffe://td/a", false},
    {"A5 a URI as other name", TLS_NAME_OTHER, "spiffe://td/a", 0, "spiffe://td/a", false},
    {"nothing expected", TLS_NAME_DNS, "", 0, "", false},
};

START_TEST(matches_only_the_right_type_and_bytes)
{
    const struct tls_name name = {
        rows[_i].type, span_of(rows[_i].value, rows[_i].len > 0 ? rows[_i].len : strlen(rows[_i].value))};
    ck_assert_msg(tls_names_match(&name, rows[_i].expected) == rows[_i].match, "%s", rows[_i].why);
}
END_TEST

START_TEST(calls_a_name_insane_for_bytes_it_cannot_have)
{
    const struct tls_name good = {TLS_NAME_DNS, span_from_str("a.example")};
    const struct tls_name cn = {TLS_NAME_CN, span_from_str("J\xc3\xb6rg")};
    ck_assert(tls_names_sane(&good));
    ck_assert(tls_names_sane(&cn));
    const struct span bad[] = {span_of("a\0b", 3),     span_from_str("a\nb"), span_from_str("a b"),
                               span_from_str("a\x7f"), span_from_str("\xe9"), {0}};
    const enum tls_name_type types[] = {TLS_NAME_DNS, TLS_NAME_URI, TLS_NAME_EMAIL};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (size_t t = 0; t < 3; t++) {
            const struct tls_name name = {types[t], bad[i]};
            ck_assert_msg(!tls_names_sane(&name), "%zu", i);
        }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_names");
    TCase *c = tcase_create("names");
    tcase_add_loop_test(c, matches_only_the_right_type_and_bytes, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(c, calls_a_name_insane_for_bytes_it_cannot_have);
    suite_add_tcase(s, c);
    return s;
}
