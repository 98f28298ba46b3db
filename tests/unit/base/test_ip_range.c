/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/base/ip_range.h"

#include <arpa/inet.h>
#include <string.h>

static const struct {
    const char *range, *address;
    bool holds;
    const char *why;
} rows[] = {
    {"10.0.0.1", "10.0.0.1", true, "itself"},
    {"10.0.0.1", "10.0.0.2", false, "its neighbour"},
    {"10.0.0.0/8", "10.255.255.255", true, "the end"},
    {"10.0.0.0/8", "11.0.0.0", false, "just above"},
    {"10.0.0.0/8", "9.255.255.255", false, "just below"},
    {"192.168.4.0/22", "192.168.7.255", true, "a border inside a byte"},
    {"192.168.4.0/22", "192.168.8.0", false, "just above it"},
    {"10.0.0.1/32", "10.0.0.1", true, "all bits"},
    {"0.0.0.0/0", "255.255.255.255", true, "none"},
    {"0.0.0.0/0", "::1", false, "but of its own family"},
    {"::/0", "10.0.0.1", false, "and the other way"},
    {"::1", "::1", true, "IPv6"},
    {"2001:db8::/32", "2001:db8:ffff::1", true, "a range"},
    {"2001:db8::/32", "2001:db9::", false, "just above"},
    {"2001:DB8:0::/33", "2001:db8:7fff::", true, "another spelling of it"},
    {"2001:db8::/33", "2001:db8:8000::", false, "a border inside a byte"},
    {"::ffff:10.0.0.0/104", "10.0.0.1", false, "a mapped address is IPv6"},
};

START_TEST(holds_what_begins_alike)
{
    struct ip_range r;
    uint8_t bytes[16];
    struct err err = {0};
    bool v4 = strchr(rows[_i].address, ':') == NULL;
    ck_assert_msg(ip_range_parse(rows[_i].range, &r, &err) == 0, "%s", err.text);
    ck_assert_int_eq(inet_pton(v4 ? AF_INET : AF_INET6, rows[_i].address, bytes), 1);
    ck_assert_msg(ip_range_holds(&r, span_of(bytes, v4 ? 4 : 16)) == rows[_i].holds, "%s, %s: %s", rows[_i].range, rows[_i].address, rows[_i].why);
}
END_TEST

static const struct {
    const char *text, *says, *why;
} bad[] = {
    {"", "not an IP address", "nothing"},
    {"a.example", "not an IP address", "a name"},
    {"10.0.0", "not an IP address", "too few numbers"},
    {"010.0.0.1", "not an IP address", "octal"},
    {"0x0a.0.0.1", "not an IP address", "hexadecimal"},
    {"[::1]", "not an IP address", "brackets"},
    {"10.0.0.0/", "not an IP address", "no bits"},
    {"10.0.0.0/33", "not an IP address", "too many"},
    {"::/129", "not an IP address", "too many"},
    {"10.0.0.0/08", "not an IP address", "a leading zero"},
    {"10.0.0.0/-1", "not an IP address", "a sign"},
    {"10.0.0.0/8/8", "not an IP address", "twice"},
    {"10.0.0.0/4294967304", "not an IP address", "a number that would wrap to 8"},
    {"10.0.0.1/8", "bits set behind", "a host in place of its network"},
    {"2001:db8::1/64", "bits set behind", "the same of IPv6"},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd", "not an IP address", "longer than any"},
};

START_TEST(refuses_what_is_no_range_and_holds_nothing_then)
{
    struct ip_range r;
    struct err err = {0};
    ck_assert_msg(ip_range_parse(bad[_i].text, &r, &err) == -1, "%s", bad[_i].why);
    ck_assert_int_eq(err.kind, ERR_CONFIG);
    ck_assert_msg(strstr(err.text, bad[_i].says) != NULL, "%s: %s", bad[_i].why, err.text);
}
END_TEST

START_TEST(holds_no_address_of_another_length)
{
    static const uint8_t zero[32];
    struct ip_range r, none = {.n = 0};
    ck_assert_int_eq(ip_range_parse("0.0.0.0/0", &r, NULL), 0);
    for (size_t n = 0; n < sizeof(zero); n++) {
        ck_assert(ip_range_holds(&r, span_of(zero, n)) == (n == 4));
        ck_assert(!ip_range_holds(&none, span_of(zero, n)));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("ip_range");
    TCase *t = tcase_create("ip_range");
    tcase_add_loop_test(t, holds_what_begins_alike, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(t, refuses_what_is_no_range_and_holds_nothing_then, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(t, holds_no_address_of_another_length);
    suite_add_tcase(s, t);
    return s;
}
