/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/policy/allow.h"
#include "t.h"

#include <string.h>

static const struct bad {
    const char *text, *says, *why;
} bad_rules[] = {
    {"", "empty", "no rule is not a rule for all"},
    {"  ", "empty", "blanks are no rule"},
    {"web-1", "key=value", "a value alone"},
    {"cm=web-1", "did you mean \"cn\"", "a typing error"},
    {"cn=", "no value", "an empty pattern"},
    {"cn=a,cn=b", "twice", "one key twice"},
    {"fingerprint=abcd", "64 hexadecimal", "too short a hash"},
    {"spki=sha256//AAAA", "64 hexadecimal", "another notation"},
    {"serial=12g4", "not hexadecimal", "not a number"},
    {"email=example.com", "has no @", "a domain is not an address"},
    {"dns=https://a.example", "not a host name", "a URL is no host name"},
    {"serial=00", "not a serial number", "nobody has number 0"},
    {"cn=a,,ou=b", "key=value", "an empty element"},
    {"ip=10.0.0.1/8", "bits set behind", "a host in place of its network"},
    {"ip=a.example", "not an IP address", "a name is no address"},
    {"uri=spiffe://*/web", "trust domain", "a star in a trust domain never matches"},
    {"uri=spiffe:///web", "trust domain", "nor does an empty one"},
};

START_TEST(refuses_a_rule_that_is_wrong_and_says_why)
{
    struct config_allow rule;
    struct err err = {0};
    ck_assert_int_eq(allow_rule_parse(bad_rules[_i].text, &rule, &err), -1);
    ck_assert_int_eq(err.kind, ERR_USAGE);
    ck_assert_msg(strstr(err.text, bad_rules[_i].says) != NULL, "%s: %s", bad_rules[_i].why, err.text);
    ck_assert_ptr_null(rule.cn);
}
END_TEST

START_TEST(describes_a_rule_as_the_file_writes_it)
{
    struct config_allow rule;
    char text[64], small[12];
    ck_assert_int_eq(allow_rule_parse("ou=ops,cn=web-1", &rule, NULL), 0);
    allow_rule_describe(&rule, text, sizeof(text));
    ck_assert_str_eq(text, "cn = \"web-1\", ou = \"ops\"");
    allow_rule_describe(&rule, small, sizeof(small));
    ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
    allow_rule_describe(NULL, text, sizeof(text));
    ck_assert_str_eq(text, "");
    allow_rule_clear(&rule);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("allow_rule");
    TCase *t = tcase_create("allow_rule");
    tcase_add_loop_test(t, refuses_a_rule_that_is_wrong_and_says_why, 0, sizeof(bad_rules) / sizeof(bad_rules[0]));
    tcase_add_test(t, describes_a_rule_as_the_file_writes_it);
    suite_add_tcase(s, t);
    return s;
}
