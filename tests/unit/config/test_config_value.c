/* SPDX-License-Identifier: Apache-2.0 */
#include "config_options.h"
#include "config_value.h"
#include "config_slots.h"
#include "t.h"

#include <string.h>

#define HEX_32 "0123456789abcdef0123456789ABCDEF"

START_TEST(a_value_that_is_none_is_refused_with_its_words)
{
    static const struct config_slots_row cases[] = {
        {"nothing", "identity", "bundle", "", "is empty"},
        {"a new line", "identity", "bundle", "a\nb", "control character"},
        {"a DEL", "allow", "cn", "a\x7f", "control character"},
        {"a sign", "trust", "depth", "-1", "not a whole number from 0 up"},
        {"a plus", "trust", "depth", "+1", "not a whole number from 0 up"},
        {"a blank first", "trust", "depth", " 8", "not a whole number from 0 up"},
        {"something behind", "trust", "depth", "8x", "not a whole number"},
        {"one below", "trust", "depth", "0", "0 is too little: from 1 to 16"},
        {"one above", "trust", "depth", "17", "17 is too much: from 1 to 16"},
        {"a number that wraps 32 bits", "trust", "depth", "4294967297", "too much"},
        {"a number that wraps 64 bits", "trust", "depth", "18446744073709551617", "too much"},
        {"no unit", "", "drain_timeout", "30", "no unit"},
        {"a duration above", "", "drain_timeout", "25h", "25h is too much: from 0s to 1d"},
        {"a duration below", "upstream.timeouts", "connect", "9ms", "9ms is too little: from 10ms to 10m"},
        {"a size above", "listener", "max_header_bytes", "1048577", "too much"},
        {"a size below", "listener", "max_header_bytes", "1023", "too little"},
        {"no hex", "allow", "serial", "0x1f", "is not hexadecimal: write it without 0x"},
        {"a hash with its label", "allow", "fingerprint", "sha256 Fingerprint=AA", "write only the text after the '='"},
        {"colons alone", "allow", "serial", "::", "has 0 hexadecimal digits where 1 are needed"},
        {"63 digits", "allow", "fingerprint", HEX_32 "0123456789abcdef0123456789ABCDE",
         "has 63 hexadecimal digits where 64 are needed"},
        {"65 digits", "allow", "spki", HEX_32 HEX_32 "0", "has 65 hexadecimal digits"},
        {"a name in place of an address", "allow", "ip", "a.example", "is not an IP address"},
        {"a host in place of its network", "allow", "ip", "10.0.0.1/8", "bits set behind"},
        {"a name as a proxy", "listener", "trusted_proxies", "proxy.example", "is not an IP address"},
        {"a proxy with its port", "listener", "trusted_proxies", "10.0.0.1:80", "is not an IP address"},
        {"every address as a proxy", "listener", "trusted_proxies", "0.0.0.0/0", "holds every client, and each could claim any address"},
        {"every address of IPv6", "listener", "trusted_proxies", "::/0", "holds every client"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        config_slots_refused(&cases[i]);
    /* and nothing of it was kept */
    ck_assert_ptr_null(config_slots.identity.bundle);
    ck_assert_ptr_null(config_slots.rule.cn);
    ck_assert_ptr_null(config_slots.rule.serial);
    ck_assert_ptr_null(config_slots.rule.fingerprint);
}
END_TEST

START_TEST(numbers_reach_both_ends_of_their_bounds)
{
    config_slots_must_set("trust", "depth", "1");
    ck_assert_uint_eq(config_slots.trust.depth, 1);
    config_slots_must_set("trust", "depth", "16");
    ck_assert_uint_eq(config_slots.trust.depth, 16);
    config_slots_must_set("", "drain_timeout", "0s");
    ck_assert_uint_eq(config_slots.top.drain_ms, 0);
    config_slots_must_set("", "drain_timeout", "1d");
    ck_assert_uint_eq(config_slots.top.drain_ms, 86400000);
    config_slots_must_set("listener", "max_header_bytes", "1KiB");
    ck_assert_uint_eq(config_slots.listener.max_header_bytes, 1024);
    config_slots_must_set("listener", "max_header_bytes", "1MiB");
    ck_assert_uint_eq(config_slots.listener.max_header_bytes, 1048576);
}
END_TEST

START_TEST(digits_may_stand_in_pairs)
{
    config_slots_must_set("allow", "serial", "01:AB:cd");
    ck_assert_str_eq(config_slots.rule.serial, "01:AB:cd");
    config_slots_must_set("allow", "fingerprint", HEX_32 ":" HEX_32);
    ck_assert_ptr_nonnull(config_slots.rule.fingerprint);
}
END_TEST

START_TEST(each_type_has_its_form)
{
    static const struct {
        const char *group, *key;
        enum config_value_form form;
        bool list;
    } cases[] = {
        {"identity", "bundle", CONFIG_VALUE_STRING, false},
        {"", "workers", CONFIG_VALUE_NUMBER, false},
        {"upstream.tls", "require_client_auth", CONFIG_VALUE_BOOL, false},
        {"listener", "tls", CONFIG_VALUE_GROUP, false},
        {"listener", "allow", CONFIG_VALUE_GROUP, true},
        {"", "trusts", CONFIG_VALUE_GROUP, false},
        {"listener", "bind", CONFIG_VALUE_STRING, true},
        {"trust", "crl", CONFIG_VALUE_STRING, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct config_option *o = config_options_find(cases[i].group, cases[i].key);
        ck_assert_msg(config_value_form(o) == cases[i].form, "%s.%s", cases[i].group, cases[i].key);
        ck_assert_msg(config_value_takes_list(o) == cases[i].list, "%s.%s", cases[i].group, cases[i].key);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_value");
    TCase *c = tcase_create("value");
    tcase_add_checked_fixture(c, NULL, config_slots_clear);
    tcase_add_test(c, a_value_that_is_none_is_refused_with_its_words);
    tcase_add_test(c, numbers_reach_both_ends_of_their_bounds);
    tcase_add_test(c, digits_may_stand_in_pairs);
    tcase_add_test(c, each_type_has_its_form);
    suite_add_tcase(s, c);
    return s;
}
