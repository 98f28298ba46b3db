/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"
#include "t.h"

#include <string.h>

static const struct tls_registry_pair pairs[] = {
    {{(const uint8_t *)"owner", 5}, {(const uint8_t *)"billing", 7}},
    {{(const uint8_t *)"role", 4}, {(const uint8_t *)"", 0}},
    {{(const uint8_t *)"k", 1}, {(const uint8_t *)"v", 1}},
};

START_TEST(gives_back_each_pair_by_name_and_in_order)
{
    struct tls_registry_text *text = tls_registry_text_new(pairs, 3);
    struct tls_registry_pair pair;
    ck_assert(span_equals_str(tls_registry_text_get(text, "owner"), "billing"));
    ck_assert_ptr_nonnull(tls_registry_text_get(text, "role").ptr);
    ck_assert_uint_eq(tls_registry_text_get(text, "role").len, 0);
    ck_assert_ptr_null(tls_registry_text_get(text, "rol").ptr);
    ck_assert_ptr_null(tls_registry_text_get(NULL, "owner").ptr);
    ck_assert(tls_registry_text_at(text, 2, &pair) && span_equals_str(pair.name, "k") && span_equals_str(pair.value, "v"));
    ck_assert(!tls_registry_text_at(text, 3, &pair));
    ck_assert(!tls_registry_text_at(NULL, 0, &pair));
    tls_registry_text_unref(text);
}
END_TEST

START_TEST(compares_contents)
{
    struct tls_registry_text *a = tls_registry_text_new(pairs, 3), *b = tls_registry_text_new(pairs, 3), *c = tls_registry_text_new(pairs, 2);
    ck_assert(tls_registry_text_same(a, b) && tls_registry_text_same(a, a) && tls_registry_text_same(NULL, NULL));
    ck_assert(!tls_registry_text_same(a, c) && !tls_registry_text_same(a, NULL) && !tls_registry_text_same(NULL, a));
    ck_assert_ptr_null(tls_registry_text_new(pairs, 0));
    tls_registry_text_unref(tls_registry_text_ref(a));
    ck_assert(span_equals_str(tls_registry_text_get(a, "k"), "v"));
    tls_registry_text_unref(a);
    tls_registry_text_unref(b);
    tls_registry_text_unref(c);
}
END_TEST

START_TEST(leaves_out_what_has_no_room)
{
    static uint8_t large[70000];
    const struct tls_registry_pair long_ones[] = {{{large, 256}, {large, 1}}, {{large, 255}, {large, 65536}}, pairs[2]};
    struct tls_registry_text *text = tls_registry_text_new(long_ones, 3);
    struct tls_registry_pair pair;
    ck_assert(tls_registry_text_at(text, 0, &pair) && span_equals_str(pair.name, "k"));
    ck_assert(!tls_registry_text_at(text, 1, &pair));
    tls_registry_text_unref(text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_registry_text");
    TCase *tc = tcase_create("text");
    tcase_add_test(tc, gives_back_each_pair_by_name_and_in_order);
    tcase_add_test(tc, compares_contents);
    tcase_add_test(tc, leaves_out_what_has_no_room);
    suite_add_tcase(s, tc);
    return s;
}
