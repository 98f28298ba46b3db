/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/plan_text.h"
#include "t.h"

#include <string.h>

static char client[] = "X-Client", folded[] = "x_client", kind[] = "X-Kind", other[] = "X-Other";
static char cn[] = "{cert.cn}", constant[] = "a", brace[] = "{{a}", bad[] = "{cert.cm}", place[] = "/late?e={cert.error}", plain[] = "/late";

START_TEST(a_route_without_braces_has_no_texts)
{
    struct config_header headers[] = {{client, constant}};
    const struct config_route conf = {.redirect = plain, .set_headers = headers, .n_set_headers = 1};
    struct plan_text *t = (struct plan_text *)1;
    ck_assert_int_eq(plan_text_new(&conf, span_of(NULL, 0), &t, NULL), 0);
    ck_assert_ptr_null(t);
    plan_text_free(t);
}
END_TEST

START_TEST(each_text_is_taken_apart_and_what_they_use_is_known)
{
    struct config_header headers[] = {{client, cn}, {kind, constant}, {other, brace}};
    const struct config_route conf = {.redirect = place, .set_headers = headers, .n_set_headers = 3};
    struct plan_text *t;
    ck_assert_int_eq(plan_text_new(&conf, span_of(NULL, 0), &t, NULL), 0);
    ck_assert_uint_eq(t->uses, UINT64_C(1) << VARIABLE_CERT_CN | UINT64_C(1) << VARIABLE_CERT_ERROR);
    ck_assert_uint_eq(t->location->n_values, 1);
    ck_assert_uint_eq(t->n_fields, 3);
    ck_assert(span_equals_str(t->fields[0].name, "X-Client"));
    ck_assert_uint_eq(t->fields[0].value->n_values, 1);
    ck_assert_ptr_null(t->fields[1].value);
    ck_assert_uint_eq(t->fields[2].value->n_values, 0);
    plan_text_free(t);
}
END_TEST

START_TEST(a_text_that_is_no_template_is_refused)
{
    struct config_header headers[] = {{client, cn}, {kind, bad}};
    const struct config_route conf = {.set_headers = headers, .n_set_headers = 2};
    struct plan_text *t;
    struct err err = {0};
    ck_assert_int_eq(plan_text_new(&conf, span_of(NULL, 0), &t, &err), -1);
    ck_assert_ptr_null(t);
    ck_assert_ptr_nonnull(strstr(err.text, "{cert.cm}"));
}
END_TEST

START_TEST(names_that_are_set_from_variables_are_ours_once_in_any_spelling) /* C1 */
{
    struct config_header first[] = {{client, cn}, {kind, constant}}, second[] = {{folded, cn}, {other, brace}};
    struct config_route routes[] = {{.set_headers = first, .n_set_headers = 2}, {.set_headers = second, .n_set_headers = 2}};
    struct config_listener listeners[] = {{.routes = &routes[0], .n_routes = 1}, {.routes = &routes[1], .n_routes = 1}};
    struct http_edit *owned;
    ck_assert_int_eq(plan_text_owned(&(struct config){.listeners = listeners, .n_listeners = 2}, &owned), 0);
    ck_assert_uint_eq(owned->n_remove, 1);
    ck_assert(span_equals_str(owned->remove[0], "X-Client"));
    free(owned);
    first[0].value = second[0].value = constant;
    ck_assert_int_eq(plan_text_owned(&(struct config){.listeners = listeners, .n_listeners = 2}, &owned), 0);
    ck_assert_ptr_null(owned);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("plan_text");
    TCase *t = tcase_create("plan_text");
    tcase_add_test(t, a_route_without_braces_has_no_texts);
    tcase_add_test(t, each_text_is_taken_apart_and_what_they_use_is_known);
    tcase_add_test(t, a_text_that_is_no_template_is_refused);
    tcase_add_test(t, names_that_are_set_from_variables_are_ours_once_in_any_spelling);
    suite_add_tcase(s, t);
    return s;
}
