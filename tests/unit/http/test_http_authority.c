/* SPDX-License-Identifier: Apache-2.0 */
/* Row C9: one reading of host and port. */
#include "http_authority.h"
#include "t.h"

static const struct {
    const char *why, *text, *host; /* host NULL: refused */
    unsigned port;
} rows[] = {
    {"a name", "h.example", "h.example", 0},
    {"a name with port", "h:8443", "h", 8443},
    {"an empty port is none", "h:", "h", 0},
    {"the highest port", "h:65535", "h", 65535},
    {"leading zeros", "h:00080", "h", 80},
    {"IPv4", "127.0.0.1:80", "127.0.0.1", 80},
    {"IPv6", "[::1]:80", "::1", 80},
    {"IPv6 without port", "[fe80::1.2.3.4]", "fe80::1.2.3.4", 0},
    {"underscore", "a_b", "a_b", 0},
    {"one dot at the end", "h.example.", "h.example.", 0},
    {"and a port", "h.example.:80", "h.example.", 80},
    {"A15: two dots at the end", "h.example..", NULL, 0},
    {"A15: an empty label in front", ".ops.example", NULL, 0},
    {"A15: and a port", ".ops.example:443", NULL, 0},
    {"A15: an empty label inside", "a..ops.example", NULL, 0},
    {"A15: a dot alone", ".", NULL, 0},
    {"A15: a star", "*.ops.example", NULL, 0},
    {"A15: sub-delims", "a~!$&'()*+;=.ops.example", NULL, 0},
    {"A15: a byte beyond ASCII", "\303\244.ops.example", NULL, 0},
    {"A15: a control byte", "a\001.ops.example", NULL, 0},
    {"A15: brackets without an address", "[1.2.3.4]", NULL, 0},
    {"A15: brackets around half an address", "[1:2]", NULL, 0},
    {"A15: brackets in the middle", "a[::1]", NULL, 0},
    {"A15: text behind the brackets' port", "[::1]:80.ops.example", NULL, 0},
    {"nothing", "", NULL, 0},
    {"port only", ":80", NULL, 0},
    {"port 0", "h:0", NULL, 0},
    {"port past 16 bits", "h:65536", NULL, 0},
    {"port of six digits", "h:000080", NULL, 0},
    {"port with a letter", "h:8a", NULL, 0},
    {"port with a sign", "h:+80", NULL, 0},
    {"two ports", "h:80:81", NULL, 0},
    {"bare IPv6", "::1", NULL, 0},
    {"open bracket", "[::1", NULL, 0},
    {"empty brackets", "[]", NULL, 0},
    {"a name in brackets", "[host]", NULL, 0},
    {"a name behind brackets", "[::1]h", NULL, 0},
    {"a zone", "[fe80::1%eth0]", NULL, 0},
    {"a user", "u@h", NULL, 0},
    {"a list", "h,i", NULL, 0},
    {"percent encoding", "%68", NULL, 0},
    {"a slash", "h/", NULL, 0},
    {"a backslash", "h\\i", NULL, 0},
    {"a space", "h i", NULL, 0},
};

START_TEST(C9_takes_authorities_apart_or_refuses_them)
{
    struct http_authority a;
    bool read = http_authority_read(span_from_str(rows[_i].text), &a);
    ck_assert_msg(read == (rows[_i].host != NULL), "%s", rows[_i].why);
    if (!read)
        return;
    ck_assert_msg(span_equals_str(a.host, rows[_i].host), "%s", rows[_i].why);
    ck_assert_msg(a.port == rows[_i].port, "%s: %u", rows[_i].why, a.port);
}
END_TEST

static bool same(const char *a, const char *b, unsigned usual)
{
    struct http_authority left, right;
    ck_assert(http_authority_read(span_from_str(a), &left) && http_authority_read(span_from_str(b), &right));
    return http_authority_same(&left, &right, usual);
}

START_TEST(C9_compares_hosts_by_name_and_port)
{
    ck_assert(same("Host.Example", "hOST.eXAMPLE", 80));
    ck_assert(same("h", "h:80", 80));
    ck_assert(same("h:443", "h", 443));
    ck_assert(same("h:", "h:80", 80));
    ck_assert(same("[::A]:1", "[::a]:1", 80));
    ck_assert(!same("h", "h:443", 80));
    ck_assert(!same("h:81", "h:80", 80));
    ck_assert(!same("h", "i", 80));
    ck_assert(!same("h", "h.", 80));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_authority");
    TCase *tc = tcase_create("authorities");
    tcase_add_loop_test(tc, C9_takes_authorities_apart_or_refuses_them, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, C9_compares_hosts_by_name_and_port);
    suite_add_tcase(s, tc);
    return s;
}
