/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/spiffe.h"
#include "t.h"

#include <string.h>

#define TEXT(s) {(const uint8_t *)(s), sizeof(s) - 1}

static const struct {
    struct span uri;
    bool well_formed, of_domain; /* of "a.example" */
    const char *why;
} rows[] = {
    {TEXT("spiffe://a.example/web"), true, true, "a SPIFFE ID"},
    {TEXT("spiffe://a.example/ns/Prod/sa/web_1-2.3"), true, true, "with all that a path may hold"},
    {TEXT("spiffe://b.example/web"), true, false, "another domain"},
    {TEXT("spiffe://a.example.evil/web"), true, false, "a longer one"},
    {TEXT("spiffe://aa.example/web"), true, false, "at the other end"},
    {TEXT("spiffe://x.a.example/web"), true, false, "a name below it"},
    {TEXT("spiffe://example/a.example/web"), true, false, "its name in the path"},
    {TEXT("spiffe://a.example"), true, false, "the domain itself is nobody in it"},
    {TEXT("spiffe://a.example/"), false, false, "an empty segment"},
    {TEXT("spiffe://a.example//web"), false, false, "an empty segment in between"},
    {TEXT("spiffe://a.example/./web"), false, false, "a dot segment"},
    {TEXT("spiffe://a.example/../web"), false, false, "two dots"},
    {TEXT("spiffe://a.example/w%65b"), false, false, "percent-encoding"},
    {TEXT("spiffe://a%2eexample/web"), false, false, "percent-encoding in the domain"},
    {TEXT("spiffe://a.example:443/web"), false, false, "a port"},
    {TEXT("spiffe://user@a.example/web"), false, false, "a user"},
    {TEXT("spiffe://a.example/web?x=1"), false, false, "a query"},
    {TEXT("spiffe://a.example?/web"), false, false, "a query behind the domain"},
    {TEXT("spiffe://a.example/web#x"), false, false, "a fragment"},
    {TEXT("SPIFFE://a.example/web"), false, false, "an upper case scheme"},
    {TEXT("Spiffe://a.example/web"), false, false, "a capital"},
    {TEXT("spiffe://A.example/web"), false, false, "an upper case domain"},
    {TEXT("spiffe:/a.example/web"), false, false, "one slash"},
    {TEXT("spiffe:a.example/web"), false, false, "no slash"},
    {TEXT("spiffe:///web"), false, false, "no domain"},
    {TEXT("spiffe://"), false, false, "nothing behind the scheme"},
    {TEXT("https://a.example/web"), false, false, "another scheme"},
    {TEXT("spiffe://a.example/web\0"), false, false, "a NUL at the end"},
    {TEXT("spiffe://a.example\0.evil/web"), false, false, "a NUL behind the domain"},
    {TEXT("spiffe://a.example/web,spiffe://b.example/web"), false, false, "a comma"},
    {TEXT("spiffe://a.example/web\n"), false, false, "a newline"},
    {TEXT("spiffe://a.example/w eb"), false, false, "a blank"},
    {TEXT(" spiffe://a.example/web"), false, false, "a blank before it"},
    {TEXT("spiffe://\xd0\xb0.example/web"), false, false, "a Cyrillic letter that looks like a"},
    {TEXT("spiffe://a.example/w\xc3\xa9" "b"), false, false, "a letter beyond ASCII"},
    {TEXT(""), false, false, "nothing"},
};

START_TEST(takes_an_id_byte_for_byte) /* A5 */
{
    struct span domain = span_from_str("a.example");
    ck_assert_msg(spiffe_is_well_formed(rows[_i].uri) == rows[_i].well_formed, "%s", rows[_i].why);
    ck_assert_msg(spiffe_is_of_domain(rows[_i].uri, domain) == rows[_i].of_domain, "%s", rows[_i].why);
}
END_TEST

START_TEST(bounds_the_length)
{
    static uint8_t id[2100];
    memset(id, 'a', sizeof(id));
    memcpy(id, "spiffe://a/", 11);
    ck_assert(spiffe_is_well_formed(span_of(id, 2048)));
    ck_assert(!spiffe_is_well_formed(span_of(id, 2049)));
    ck_assert(spiffe_is_domain(span_of(id + 20, 255)));
    ck_assert(!spiffe_is_domain(span_of(id + 20, 256)));
    ck_assert(!spiffe_is_domain(span_from_str("")));
}
END_TEST

START_TEST(knows_what_means_to_be_an_id)
{
    ck_assert(spiffe_is_meant(span_from_str("spiffe://a/b")));
    ck_assert(spiffe_is_meant(span_from_str("SpIfFe:b")));
    ck_assert(!spiffe_is_meant(span_from_str("spiffe")));
    ck_assert(!spiffe_is_meant(span_from_str("https://a/b")));
}
END_TEST

START_TEST(knows_what_is_no_path)
{
    ck_assert(spiffe_is_source("spiffe:"));
    ck_assert(spiffe_is_source("spiffe://a/b"));
    ck_assert(!spiffe_is_source("/etc/spiffe:"));
    ck_assert(!spiffe_is_source("spiffe"));
    ck_assert(!spiffe_is_source("Spiffe:"));
    ck_assert(!spiffe_is_source(NULL));
}
END_TEST

static const struct {
    const char *pattern, *uri;
    bool fits;
    const char *why;
} patterns[] = {
    {"spiffe://a.example/web", "spiffe://a.example/web", true, "byte for byte"},
    {"spiffe://a.example/**", "spiffe://a.example/ns/web", true, "all of the domain"},
    {"spiffe://a.example/*", "spiffe://a.example/ns/web", false, "one segment"},
    {"spiffe://a.example/**", "spiffe://a.example.evil/web", false, "A5: a longer domain"},
    {"spiffe://*/web", "spiffe://a.example/web", false, "A5: a star for the domain"},
    {"spiffe://a.*/web", "spiffe://a.example/web", false, "A5: a star in the domain"},
    {"spiffe://**", "spiffe://a.example/web", false, "A5: anything"},
    {"**", "spiffe://a.example/web", false, "A5: no scheme"},
    {"spiffe:///**", "spiffe:///web", false, "no domain"},
    {"spiffe://a.example/**", "spiffe://a.example/w%65b", false, "A5: not well-formed"},
};

START_TEST(a_pattern_names_its_trust_domain)
{
    struct span domain;
    ck_assert_msg(spiffe_matches(patterns[_i].pattern, span_from_str(patterns[_i].uri)) == patterns[_i].fits, "%s", patterns[_i].why);
    ck_assert(!patterns[_i].fits || (spiffe_names_domain(patterns[_i].pattern, &domain) && span_equals_str(domain, "a.example")));
    ck_assert(!patterns[_i].fits || span_equals_str(spiffe_domain_of(span_from_str(patterns[_i].uri)), "a.example"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("spiffe");
    TCase *c = tcase_create("spiffe");
    tcase_add_loop_test(c, takes_an_id_byte_for_byte, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(c, bounds_the_length);
    tcase_add_test(c, knows_what_means_to_be_an_id);
    tcase_add_test(c, knows_what_is_no_path);
    tcase_add_loop_test(c, a_pattern_names_its_trust_domain, 0, sizeof(patterns) / sizeof(patterns[0]));
    suite_add_tcase(s, c);
    return s;
}
