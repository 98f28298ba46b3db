/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/name_cache.h"
#include "t.h"

static struct name_address v4(uint8_t last)
{
    return (struct name_address){.bytes = {192, 0, 2, last}};
}

static struct name_address v6(uint8_t last)
{
    return (struct name_address){.bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = last}, .v6 = true};
}

START_TEST(tries_the_families_in_turn_and_each_address_once)
{
    struct name_address found[20];
    struct name_list list;
    size_t n = 0;
    found[n++] = v6(1);
    found[n++] = v6(2);
    found[n++] = v6(1);
    found[n++] = v6(3);
    found[n++] = v4(1);
    found[n++] = v4(2);
    found[n++] = v4(2);
    name_list_arrange(&list, found, n);
    static const struct { bool v6; uint8_t last; } expected[] = {{true, 1}, {false, 1}, {true, 2}, {false, 2}, {true, 3}};
    ck_assert_uint_eq(list.n, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(list.items[i].v6, expected[i].v6);
        ck_assert_uint_eq(list.items[i].bytes[list.items[i].v6 ? 15 : 3], expected[i].last);
    }
    found[0] = v4(9); /* the resolver prefers IPv4 here: so do we */
    name_list_arrange(&list, found, n);
    ck_assert(!list.items[0].v6 && list.items[1].v6 && !list.items[2].v6);
    for (n = 0; n < 20; n++)
        found[n] = n < 18 ? v6((uint8_t)n) : v4((uint8_t)n);
    name_list_arrange(&list, found, n);
    ck_assert_uint_eq(list.n, NAME_ADDRESSES_MAX);
    ck_assert(!list.items[1].v6 && !list.items[3].v6); /* the few of the other family are not the ones left out */
    name_list_arrange(&list, found, 0);
    ck_assert_uint_eq(list.n, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("name_list");
    TCase *t = tcase_create("name_list");
    tcase_add_test(t, tries_the_families_in_turn_and_each_address_once);
    suite_add_tcase(s, t);
    return s;
}
