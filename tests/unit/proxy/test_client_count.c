/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/client_count.h"
#include "mtlsd/proxy/proxy_env.h"
#include "t.h"

#include <arpa/inet.h>
#include <string.h>

static struct client_count *count;

static void set_up(void)
{
    count = client_count_new(1, 2);
    ck_assert_ptr_nonnull(count);
}

static void tear_down(void)
{
    client_count_free(count);
}

static uint64_t key_of(const char *text)
{
    struct client_address a = {.known = true, .v6 = strchr(text, ':') != NULL};
    ck_assert_int_eq(inet_pton(a.v6 ? AF_INET6 : AF_INET, text, a.peer), 1);
    return client_count_key(&a);
}

/* C14 */
START_TEST(one_client_is_an_address_or_a_network)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"192.0.2.1", "64:ff9b::192.0.2.1", true},
        {"64:ff9b::192.0.2.1", "64:ff9b::192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"2001:db8::1", "2001:db9::1", false},
        {"fe80::1", "fe80::2", false}, /* hosts of one LAN */
        {"fe80::1", "fe80::1", true},
        {"fe80::21e:67ff:fe00:1", "fe80::223:54ff:fe00:1", false},
        {"fe80::2001:db8:0:1", "2001:db8:0:1::", false},
        {"febf:ffff:ffff:ffff::1", "febf:ffff:ffff:ffff::2", false},
        {"fec0::1", "fec0::2", true},
        {"::1", "::2", true},
        {"::1", "0.0.0.0", false},
        {"::1", "0.0.0.1", false},
        {"::c000:201", "192.0.2.1", false},
        {"0:0:c000:201::", "192.0.2.1", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        ck_assert_msg((key_of(cases[i].a) == key_of(cases[i].b)) == cases[i].same, "%s and %s", cases[i].a, cases[i].b);
    ck_assert_uint_ne(key_of("0.0.0.0"), 0);
    ck_assert_uint_ne(key_of("::"), 0);
}
END_TEST

START_TEST(client_without_an_address_is_none)
{
    const struct client_address unix_socket = {.text = "unix"};
    ck_assert_uint_eq(client_count_key(&unix_socket), 0);
}
END_TEST

/* C14 */
START_TEST(refuses_above_the_limit_until_one_leaves)
{
    ck_assert(client_count_take(count, 7, 2));
    ck_assert(client_count_has_room(count, 7, 2));
    ck_assert(client_count_take(count, 7, 2));
    ck_assert(!client_count_has_room(count, 7, 2));
    ck_assert(!client_count_take(count, 7, 2));
    ck_assert(client_count_take(count, 8, 2)); /* another client */
    client_count_leave(count, 7);
    ck_assert(client_count_take(count, 7, 2));
    ck_assert(!client_count_take(count, 7, 2));
}
END_TEST

START_TEST(limit_may_change_among_it)
{
    for (int i = 0; i < 5; i++)
        ck_assert(client_count_take(count, 7, 5));
    ck_assert(!client_count_take(count, 7, 3));
    for (int i = 0; i < 3; i++)
        client_count_leave(count, 7);
    ck_assert(client_count_take(count, 7, 3));
    ck_assert(!client_count_take(count, 7, 3));
    ck_assert(client_count_take(count, 7, 4));
}
END_TEST

START_TEST(keeps_nothing_of_who_has_left)
{
    enum { CLIENTS = 5000 };
    for (uint64_t key = 1; key <= CLIENTS; key++)
        ck_assert(client_count_take(count, key << 32, 1));
    ck_assert_uint_eq(client_count_addresses(count), CLIENTS);
    for (uint64_t key = 1; key <= CLIENTS; key++) {
        ck_assert(!client_count_has_room(count, key << 32, 1));
        client_count_leave(count, key << 32);
    }
    ck_assert_uint_eq(client_count_addresses(count), 0);
    client_count_leave(count, 1); /* nobody */
    ck_assert(client_count_take(count, 1, 1));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_count");
    TCase *t = tcase_create("client_count");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, one_client_is_an_address_or_a_network);
    tcase_add_test(t, client_without_an_address_is_none);
    tcase_add_test(t, refuses_above_the_limit_until_one_leaves);
    tcase_add_test(t, limit_may_change_among_it);
    tcase_add_test(t, keeps_nothing_of_who_has_left);
    suite_add_tcase(s, t);
    return s;
}
