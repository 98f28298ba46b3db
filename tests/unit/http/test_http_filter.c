/* SPDX-License-Identifier: Apache-2.0 */
/* What both writers share; that it refuses every spelling of what may not pass is in test_http_write.c. */
#include "http_filter.h"
#include "t.h"

#include <string.h>

static struct http_field field(const char *name, const char *value)
{
    return (struct http_field){span_from_str(name), span_from_str(value)};
}

START_TEST(keeps_what_is_not_of_the_connection)
{
    struct http_field fields[] = {field("Connection", "X-Hop"), field("X-Hop", "1"), field("X-A", "2"), field("Keep-Alive", "3"), field("X-SSL-Client-CN", "4")};
    struct http_head head = {.request = true, .minor = 1, .fields = fields, .n_fields = 5};
    struct http_outgoing o = {.head = &head};
    struct http_filter f;
    ck_assert_int_eq(http_filter_begin(&f, &o), 0);
    for (size_t i = 0; i < 5; i++)
        ck_assert_msg(http_filter_keeps(&f, &fields[i]) == (i == 2), "%zu", i);
    ck_assert(!http_filter_next_added(&f, &fields[0]));
}
END_TEST

START_TEST(adds_each_field_once_within_what_it_measured)
{
    struct http_field fields[] = {field("x-a", "old")}, set[] = {field("X-A", "new"), field("Host", "no"), field("X-B", "b")}, other[] = {field("x_b", "no"), field("X-C", "c")};
    struct http_edit second = {.set = other, .n_set = 2}, first = {.set = set, .n_set = 3, .next = &second};
    struct http_head head = {.request = true, .minor = 1, .fields = fields, .n_fields = 1};
    struct http_outgoing o = {.head = &head, .edit = &first, .has_max_forwards = true, .max_forwards = 4294967295, .via = span_from_str("1.1 m")};
    static const char *const names[] = {"X-A", "X-B", "X-C", "Max-Forwards", "Via"};
    struct http_filter f;
    struct http_field added;
    size_t n = 0, bytes = 0;
    ck_assert_int_eq(http_filter_begin(&f, &o), 0);
    ck_assert(!http_filter_keeps(&f, &fields[0]));
    for (; http_filter_next_added(&f, &added); n++) {
        ck_assert(n < 5 && span_equals_str(added.name, names[n]));
        bytes += added.name.len + added.value.len + 4;
    }
    ck_assert_uint_eq(n, 5);
    ck_assert_uint_le(bytes, f.most);
}
END_TEST

START_TEST(adds_to_responses_what_they_lack)
{
    struct http_field fields[] = {field("location", "x")}, replaced[] = {field("Location", "y"), field("Refresh", "z")};
    struct http_head head = {.status = 200, .minor = 1, .fields = fields, .n_fields = 1};
    struct http_outgoing o = {.head = &head, .replaced = replaced, .n_replaced = 2, .date = span_from_str("now")};
    struct http_filter f;
    struct http_field added;
    ck_assert_int_eq(http_filter_begin(&f, &o), 0);
    ck_assert(!http_filter_keeps(&f, &fields[0]));
    ck_assert(http_filter_next_added(&f, &added) && span_equals_str(added.value, "y"));
    ck_assert(http_filter_next_added(&f, &added) && span_equals_str(added.name, "Date"));
    ck_assert(!http_filter_next_added(&f, &added));
}
END_TEST

START_TEST(refuses_an_edit_that_would_break_the_head)
{
    static const struct {
        const char *name, *value;
    } rows[] = {{"a b", "c"}, {"", "c"}, {"a", "b\r\nc: d"}, {"a", "b\n"}};
    struct http_field set = field(rows[_i].name, rows[_i].value);
    struct http_edit edit = {.set = &set, .n_set = 1};
    struct http_head head = {.request = true, .minor = 1};
    struct http_filter f;
    ck_assert_int_eq(http_filter_begin(&f, &(struct http_outgoing){.head = &head, .edit = &edit}), -1);
}
END_TEST

START_TEST(places_a_request_by_its_target)
{
    static const struct {
        const char *target, *host, *wanted;
    } rows[] = {
        {"/x?y", "a", "/x?y"}, {"*", "a", "*"}, {"http://b/p?q", "a", "/p?q"}, {"http://b", "a", "/"}, {"b:443", "a", NULL},
    };
    struct http_field host = field("Host", rows[_i].host);
    struct http_head head = {.request = true, .minor = 1, .method = span_from_str("GET"), .target = span_from_str(rows[_i].target), .fields = &host, .n_fields = 1};
    struct http_outgoing o = {.head = &head};
    struct bytes joined;
    bytes_init(&joined, 100);
    ck_assert_int_eq(http_filter_place(&o, &joined), rows[_i].wanted != NULL ? 0 : -1);
    if (rows[_i].wanted != NULL)
        ck_assert(span_equals_str(o.target, rows[_i].wanted) && span_equals_str(o.host, rows[_i].host));
    bytes_clear(&joined);
}
END_TEST

START_TEST(keeps_trailers_that_change_nothing)
{
    struct span remove = span_from_str("x_a");
    struct http_edit edit = {.remove = &remove, .n_remove = 1};
    struct http_field fields[] = {field("X-A", "1"), field("Grpc-Status", "0"), field("Content-Length", "1"), field("Set-Cookie", "1")};
    for (size_t i = 0; i < 4; i++)
        ck_assert(http_filter_keeps_trailer(&edit, &fields[i]) == (i == 1));
    ck_assert(http_filter_keeps_trailer(NULL, &fields[0]));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_filter");
    TCase *c = tcase_create("all");
    tcase_add_test(c, keeps_what_is_not_of_the_connection);
    tcase_add_test(c, adds_each_field_once_within_what_it_measured);
    tcase_add_test(c, adds_to_responses_what_they_lack);
    tcase_add_loop_test(c, refuses_an_edit_that_would_break_the_head, 0, 4);
    tcase_add_loop_test(c, places_a_request_by_its_target, 0, 5);
    tcase_add_test(c, keeps_trailers_that_change_nothing);
    suite_add_tcase(s, c);
    return s;
}
