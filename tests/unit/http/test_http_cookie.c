/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_cookie.h"
#include "t.h"

static const struct {
    const char *why, *first, *second, *value; /* second NULL: one field; value NULL: none */
} rows[] = {
    {"the only one", "id=a", NULL, "a"},
    {"the last one", "x=1; y=2; id=a", NULL, "a"},
    {"the first of two", "id=a; id=b", NULL, "a"},
    {"in the second field", "x=1", "id=a", "a"},
    {"no space between pairs", "x=1;id=a", NULL, "a"},
    {"spaces around", "  id = a ;x=1", NULL, "a"},
    {"a route suffix", "id=0123.worker1; x=y", NULL, "0123.worker1"},
    {"a value with '='", "id=a=b==", NULL, "a=b=="},
    {"a quoted value as it stands", "id=\"a\"", NULL, "\"a\""},
    {"an empty value is one", "id=; id=b", NULL, ""},
    {"empty pairs", ";; ;id=a;;", NULL, "a"},
    {"pairs without '='", "id; flag; id=a", NULL, "a"},
    {"another case is another name", "ID=a", NULL, NULL},
    {"a longer name", "xid=a; id2=b", NULL, NULL},
    {"a name in a value", "x=id=a", NULL, NULL},
    {"a name without '='", "id", NULL, NULL},
    {"nothing before '='", "=a", NULL, NULL},
    {"an empty field", "", NULL, NULL},
    {"a comma parts nothing", "x=1, id=a", NULL, NULL},
};

START_TEST(finds_the_first_cookie_of_a_name)
{
    struct http_field fields[] = {
        {span_from_str("Host"), span_from_str("id=no")},
        {span_from_str("cOOKIE"), span_from_str(rows[_i].first)},
        {span_from_str("Cookie2"), span_from_str("id=no")},
        {span_from_str("Cookie"), span_from_str(rows[_i].second)},
    };
    struct http_head h = {.request = true, .fields = fields, .n_fields = 4};
    struct span value = http_cookie_find(&h, "id");
    ck_assert_msg((value.ptr != NULL) == (rows[_i].value != NULL), "%s", rows[_i].why);
    ck_assert_msg(span_equals_str(value, rows[_i].value), "%s", rows[_i].why);
}
END_TEST

START_TEST(finds_nothing_in_a_head_without_cookies)
{
    struct http_head h = {.request = true};
    ck_assert_ptr_null(http_cookie_find(&h, "id").ptr);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_cookie");
    TCase *tc = tcase_create("cookies");
    tcase_add_loop_test(tc, finds_the_first_cookie_of_a_name, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, finds_nothing_in_a_head_without_cookies);
    suite_add_tcase(s, tc);
    return s;
}
