/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_parameter.h"
#include "t.h"

static const struct {
    const char *why, *path, *value; /* value NULL: none */
} rows[] = {
    {"as Tomcat writes it", "/app/cart;jsessionid=0123ABC.worker2", "0123ABC.worker2"},
    {"as the cookie is called", "/cart;JSESSIONID=a.b", "a.b"},
    {"in any case", "/cart;JsessionId=a", "a"},
    {"in a segment before the last", "/app;jsessionid=a.b/cart", "a.b"},
    {"of the root", "/;jsessionid=a", "a"},
    {"behind another", "/cart;v=1;jsessionid=a.b", "a.b"},
    {"before another", "/cart;jsessionid=a.b;v=1", "a.b"},
    {"the last of two", "/a;jsessionid=x.y/cart;jsessionid=a.b", "a.b"},
    {"an empty value is one", "/cart;jsessionid=", ""},
    {"a value with '='", "/cart;jsessionid=a=b", "a=b"},
    {"none", "/cart", NULL},
    {"no path", "", NULL},
    {"a longer name", "/cart;xjsessionid=a;jsessionid2=a", NULL},
    {"a shorter name", "/cart;jsession=a", NULL},
    {"a name without value", "/cart;jsessionid", NULL},
    {"a segment of that name", "/jsessionid=a", NULL},
    {"a value of that name", "/cart;x=jsessionid=a", NULL},
    {"an escaped mark, which is none", "/cart%3bjsessionid=a", NULL},
    {"marks only", "/;;;/;", NULL},
};

START_TEST(finds_the_last_parameter_of_a_name)
{
    struct span value = http_parameter_find(span_from_str(rows[_i].path), "JSESSIONID");
    ck_assert_msg((value.ptr != NULL) == (rows[_i].value != NULL), "%s", rows[_i].why);
    ck_assert_msg(span_equals_str(value, rows[_i].value), "%s", rows[_i].why);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_parameter");
    TCase *tc = tcase_create("parameters");
    tcase_add_loop_test(tc, finds_the_last_parameter_of_a_name, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    suite_add_tcase(s, tc);
    return s;
}
