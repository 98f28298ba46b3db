/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/special_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

static const struct row {
    const char *address;
    const char *kind; /* NULL: public */
    const char *why;
} rows[] = {
    {"0.0.0.0", "unspecified", "E3: Linux connects to itself"},
    {"0.0.0.1", "unspecified", "this network"},
    {"0.255.255.255", "unspecified", "its end"},
    {"1.0.0.0", NULL, "the first public one"},
    {"1.1.1.1", NULL, "public"},
    {"8.8.8.8", NULL, "public"},
    {"9.255.255.255", NULL, "just below"},
    {"10.0.0.0", "private", "RFC 1918"},
    {"10.255.255.255", "private", "its end"},
    {"11.0.0.0", NULL, "just above"},
    {"100.63.255.255", NULL, "just below"},
    {"100.64.0.0", "shared", "carrier NAT"},
    {"100.100.100.199", "shared", "just below"},
    {"100.100.100.200", "link-local", "E3: a cloud's metadata"},
    {"100.100.100.201", "shared", "just above"},
    {"100.127.255.255", "shared", "its end"},
    {"100.128.0.0", NULL, "just above"},
    {"126.255.255.255", NULL, "just below"},
    {"127.0.0.1", "loopback", "E3: this host"},
    {"127.1.2.3", "loopback", "all of it"},
    {"127.255.255.255", "loopback", "its end"},
    {"128.0.0.1", NULL, "just above"},
    {"168.63.129.16", "link-local", "E3: a cloud's host agent"},
    {"168.63.129.17", NULL, "its neighbour"},
    {"169.253.255.255", NULL, "just below"},
    {"169.254.0.1", "link-local", "this link"},
    {"169.254.169.254", "link-local", "E3: metadata"},
    {"169.255.0.0", NULL, "just above"},
    {"172.15.255.255", NULL, "just below"},
    {"172.16.0.1", "private", "RFC 1918"},
    {"172.31.255.255", "private", "its end"},
    {"172.32.0.0", NULL, "just above"},
    {"192.0.0.1", "reserved", "DS-Lite"},
    {"192.0.0.192", "link-local", "E3: a cloud's metadata"},
    {"192.0.0.193", "reserved", "its neighbour"},
    {"192.0.1.0", NULL, "just above"},
    {"192.0.2.1", "documentation", "TEST-NET-1"},
    {"192.0.3.0", NULL, "just above"},
    {"192.88.99.1", "reserved", "6to4 relays"},
    {"192.167.255.255", NULL, "just below"},
    {"192.168.0.1", "private", "RFC 1918"},
    {"192.169.0.0", NULL, "just above"},
    {"198.17.255.255", NULL, "just below"},
    {"198.18.0.1", "reserved", "measurements"},
    {"198.19.255.255", "reserved", "its end"},
    {"198.20.0.0", NULL, "just above"},
    {"198.51.100.7", "documentation", "TEST-NET-2"},
    {"203.0.113.7", "documentation", "TEST-NET-3"},
    {"223.255.255.255", NULL, "the last public one"},
    {"224.0.0.1", "multicast", "all hosts"},
    {"239.255.255.250", "multicast", "its end"},
    {"240.0.0.1", "reserved", "class E"},
    {"255.255.255.255", "reserved", "everybody here"},

    {"::", "unspecified", "E3: Linux connects to itself"},
    {"::1", "loopback", "E3: this host"},
    {"::2", "unspecified", "0.0.0.2 as a compatible address"},
    {"::127.0.0.1", "loopback", "E3: compatible"},
    {"::8.8.8.8", "reserved", "compatible is no longer used at all"},
    {"::ffff:127.0.0.1", "loopback", "E3: mapped"},
    {"::ffff:169.254.169.254", "link-local", "E3: mapped metadata"},
    {"::ffff:10.1.2.3", "private", "E3: mapped"},
    {"::ffff:8.8.8.8", "reserved", "E3: mapped, whatever is inside"},
    {"::ffff:0:127.0.0.1", "loopback", "E3: translated"},
    {"::ffff:0:8.8.8.8", "reserved", "translated never leaves a host"},
    {"::fffe:127.0.0.1", "reserved", "of no kind at all"},
    {"64:ff9b::127.0.0.1", "loopback", "E3: NAT64"},
    {"64:ff9b::169.254.169.254", "link-local", "E3: NAT64 to metadata"},
    {"64:ff9b::192.168.1.1", "private", "E3: NAT64"},
    {"64:ff9b::8.8.8.8", NULL, "how a host without IPv4 reaches it"},
    {"64:ff9b::1:8.8.8.8", "reserved", "not that prefix"},
    {"64:ff9b:1::10.0.0.1", "private", "E3: NAT64 of this network"},
    {"64:ff9b:1::8.8.8.8", "reserved", "only this network knows where it leads"},
    {"64:ff9b:1:ffff::8.8.8.8", "reserved", "all of its prefix"},
    {"64:ff9b:2::8.8.8.8", "reserved", "just above"},
    {"100::1", "reserved", "discard"},
    {"2000::1", NULL, "the first of global unicast"},
    {"2001::1", "unspecified", "Teredo with an empty server"},
    {"2001:0:7f00:1::", "loopback", "E3: Teredo, its server"},
    {"2001:0:808:808::80ff:fffe", "loopback", "E3: Teredo, its client, inverted"},
    {"2001:0:808:808::f7f7:f7f7", "reserved", "Teredo between public ones"},
    {"2001:2::1", "reserved", "measurements"},
    {"2001:10::1", "reserved", "ORCHID"},
    {"2001:20::1", "reserved", "ORCHIDv2"},
    {"2001:1ff:ffff::1", "reserved", "the end of the IETF's block"},
    {"2001:200::1", NULL, "just above"},
    {"2001:4860:4860::8888", NULL, "public"},
    {"2001:db8::1", "documentation", "RFC 3849"},
    {"2001:db9::1", NULL, "just above"},
    {"2002:7f00:1::1", "loopback", "E3: 6to4"},
    {"2002:a9fe:a9fe::1", "link-local", "E3: 6to4 to metadata"},
    {"2002:808:808::1", "reserved", "6to4 is no longer used"},
    {"2003::1", NULL, "just above"},
    {"2606:4700::5efe:10.0.0.1", "private", "E3: ISATAP"},
    {"2606:4700::200:5efe:127.0.0.1", "loopback", "E3: ISATAP of a public address"},
    {"2606:4700::5efe:8.8.8.8", NULL, "ISATAP to a public address"},
    {"2606:4700::100:5efe:10.0.0.1", NULL, "an interface that only looks like it"},
    {"2620:4f:8000::1", NULL, "AS112, globally reachable"},
    {"3fff::1", "documentation", "RFC 9637"},
    {"3fff:fff::1", "documentation", "its end"},
    {"3fff:1000::1", NULL, "just above"},
    {"4000::1", "reserved", "no global unicast"},
    {"5f00::1", "reserved", "segment routing"},
    {"fbff::1", "reserved", "just below"},
    {"fc00::1", "private", "unique local"},
    {"fd00:ec2::254", "link-local", "E3: a cloud's metadata"},
    {"fd00:ec2::253", "private", "its neighbour"},
    {"fd20:ce::254", "link-local", "E3: another cloud's"},
    {"fe00::1", "reserved", "between"},
    {"fe80::1", "link-local", "this link"},
    {"fe80::5efe:8.8.8.8", "link-local", "ISATAP on this link"},
    {"febf::1", "link-local", "its end"},
    {"fec0::1", "private", "site-local"},
    {"ff02::1", "multicast", "all nodes"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast", "the last of all"},
};

START_TEST(knows_every_address_that_is_not_public)
{
    const struct row *row = &rows[_i];
    uint8_t bytes[16];
    bool v4 = strchr(row->address, ':') == NULL;
    ck_assert_int_eq(inet_pton(v4 ? AF_INET : AF_INET6, row->address, bytes), 1);
    const char *got = special_address_kind(bytes, v4 ? 4 : 16);
    bool same = got == NULL || row->kind == NULL ? got == row->kind : strcmp(got, row->kind) == 0;
    ck_assert_msg(same, "%s: %s instead of %s: %s", row->address, got != NULL ? got : "public", row->kind != NULL ? row->kind : "public", row->why);
}
END_TEST

/* F3: a certificate may send us to its CA's private network, never to ourselves. */
START_TEST(tells_what_is_near_from_what_is_private)
{
    static const struct {
        const char *kind;
        bool near;
    } kinds[] = {{NULL, false},        {"private", false},    {"shared", false},   {"documentation", false}, {"loopback", true},
                 {"link-local", true}, {"unspecified", true}, {"multicast", true}, {"reserved", true}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        ck_assert_int_eq(special_address_is_near(kinds[i].kind), kinds[i].near);
}
END_TEST

/* E3: no way of writing an address of this host or network into an IPv6 one makes it public. */
START_TEST(finds_each_special_address_inside_each_form)
{
    static const char *const forms[] = {"::", "::ffff:0.0.0.0", "::ffff:0:0.0.0.0", "64:ff9b::", "64:ff9b:1::", "2606:4700::5efe:0.0.0.0"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t v4[4], v6[16];
        if (rows[i].kind == NULL || inet_pton(AF_INET, rows[i].address, v4) != 1)
            continue;
        for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
            ck_assert_int_eq(inet_pton(AF_INET6, forms[f], v6), 1);
            memcpy(v6 + 12, v4, 4);
            const char *got = special_address_kind(v6, 16);
            bool one = f == 0 && memcmp(v4, "\0\0\0\1", 4) == 0; /* "::1" is itself */
            ck_assert_msg(got != NULL && strcmp(got, one ? "loopback" : rows[i].kind) == 0, "%s in %s: %s", rows[i].address, forms[f], got);
        }
    }
}
END_TEST

START_TEST(takes_what_is_no_address_for_reserved)
{
    static const uint8_t bytes[32] = {8, 8, 8, 8};
    for (size_t n = 0; n <= sizeof(bytes); n++)
        if (n != 4 && n != 16)
            ck_assert_str_eq(special_address_kind(bytes, n), "reserved");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("special_address");
    TCase *t = tcase_create("special_address");
    tcase_add_loop_test(t, knows_every_address_that_is_not_public, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, finds_each_special_address_inside_each_form);
    tcase_add_test(t, takes_what_is_no_address_for_reserved);
    tcase_add_test(t, tells_what_is_near_from_what_is_private);
    suite_add_tcase(s, t);
    return s;
}
