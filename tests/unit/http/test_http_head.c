/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_head.h"
#include "t.h"

START_TEST(finds_the_first_field_of_a_name_whatever_its_case)
{
    struct http_field fields[] = {{span_from_str("A"), span_from_str("1")},
                                  {span_from_str("bB"), span_from_str("2")},
                                  {span_from_str("BB"), span_from_str("3")},
                                  {span_from_str("c"), span_from_str("")}};
    struct http_head h = {.fields = fields, .n_fields = 4};
    ck_assert(span_equals_str(http_head_find(&h, "bb"), "2"));
    ck_assert_ptr_null(http_head_find(&h, "b").ptr);
    ck_assert_ptr_nonnull(http_head_find(&h, "C").ptr);
    ck_assert_ptr_null(http_head_find(&h, "").ptr);
    h.n_fields = 0;
    ck_assert_ptr_null(http_head_find(&h, "A").ptr);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_head");
    TCase *tc = tcase_create("finding");
    tcase_add_test(tc, finds_the_first_field_of_a_name_whatever_its_case);
    suite_add_tcase(s, tc);
    return s;
}
