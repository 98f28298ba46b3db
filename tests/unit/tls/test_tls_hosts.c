/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_hosts.h"

START_TEST(keeps_names_and_leaves_out_all_else)
{
    struct tls_hosts h;
    ck_assert_int_eq(tls_hosts_read(&h, span_from_str("a.example\n\n127.0.0.1\n::1\n*.b.example\nno name\n*\nlast.example")), 0);
    ck_assert_uint_eq(h.n, 3);
    ck_assert_str_eq(tls_hosts_constraint(&h, 0), "a.example");
    ck_assert_str_eq(tls_hosts_constraint(&h, 1), "b.example");
    ck_assert(tls_hosts_match(&h, span_from_str("A.example.")) && tls_hosts_match(&h, span_from_str("x.b.example")));
    ck_assert(tls_hosts_match(&h, span_from_str("last.example")));
    ck_assert(!tls_hosts_match(&h, span_from_str("b.example")) && !tls_hosts_match(&h, span_from_str("x.a.example")));
    ck_assert(!tls_hosts_match(&h, span_from_str("127.0.0.1")) && !tls_hosts_match(&h, span_from_str("")));
    tls_hosts_clear(&h);
}
END_TEST

START_TEST(of_no_text_there_are_none)
{
    struct tls_hosts h;
    ck_assert_int_eq(tls_hosts_read(&h, span_from_str("")), 0);
    ck_assert_uint_eq(h.n, 0);
    ck_assert(!tls_hosts_match(&h, span_from_str("a.example")));
    tls_hosts_clear(&h);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_hosts");
    TCase *t = tcase_create("all");
    tcase_add_test(t, keeps_names_and_leaves_out_all_else);
    tcase_add_test(t, of_no_text_there_are_none);
    suite_add_tcase(s, t);
    return s;
}
