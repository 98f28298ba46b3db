/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics_page.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const struct metrics_family family = {.name = "x_total"};
static struct bytes out;
static char text[1 << 14];

static const char *got(const struct metrics_page *p)
{
    ck_assert_int_eq(p->rc, 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, out.len > 0 ? (const char *)bytes_span(&out).ptr : "");
    bytes_clear(&out);
    return text;
}

static struct metrics_page make_page(void)
{
    bytes_init(&out, sizeof(text));
    return (struct metrics_page){.out = &out, .now = &family};
}

START_TEST(a_sample_has_its_labels_and_a_number)
{
    struct metrics_page p = make_page();
    metrics_sample(&p, NO_LABELS, 1);
    metrics_sample(&p, LABELS({"a", "b"}), 2);
    metrics_sample(&p, LABELS({"a", "b"}, {"c", ""}), UINT64_MAX);
    ck_assert_str_eq(got(&p), "x_total 1\nx_total{a=\"b\"} 2\nx_total{a=\"b\",c=\"\"} 18446744073709551615\n");
}
END_TEST

/* C8 */
START_TEST(escapes_the_values_of_labels)
{
    struct metrics_page p = make_page();
    metrics_sample(&p, LABELS({"target", "unix:/run/a\"b\\c\n.sock"}), 1);
    ck_assert_str_eq(got(&p), "x_total{target=\"unix:/run/a\\\"b\\\\c\\n.sock\"} 1\n");
}
END_TEST

START_TEST(a_histogram_counts_upwards_and_ends_with_all)
{
    struct metrics_page p = make_page();
    struct counters_times t = {.sum_us = 0};
    counters_times_add(&t, 400);
    counters_times_add(&t, 11000000);
    metrics_histogram(&p, LABELS({"a", "b"}), &t);
    got(&p);
    ck_assert_ptr_nonnull(strstr(text, "x_total_bucket{a=\"b\",le=\"0.0005\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_total_bucket{a=\"b\",le=\"10\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "x_total_bucket{a=\"b\",le=\"+Inf\"} 2\nx_total_sum{a=\"b\"} 11.000400\nx_total_count{a=\"b\"} 2\n"));
}
END_TEST

START_TEST(the_first_failure_sticks)
{
    struct metrics_page p = make_page();
    bytes_init(&out, 4);
    metrics_sample(&p, NO_LABELS, 1);
    ck_assert_int_eq(p.rc, -1);
    out.max = sizeof(text);
    metrics_sample(&p, NO_LABELS, 1);
    ck_assert(p.rc == -1 && out.len == 0);
    bytes_clear(&out);
}
END_TEST

static void write_name(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"name", name}), row->requests);
}

START_TEST(walks_what_the_configuration_has_and_what_was_not_counted_is_zero)
{
    struct config_listener listeners[] = {{.name = "public", .tls = {.present = true}}, {.name = "local"}};
    struct config_upstream upstreams[] = {{.name = "partner", .tls = {.present = true}}, {.name = "files"}, {.name = "serve:status"}};
    struct config config = {.listeners = listeners, .n_listeners = 2, .upstreams = upstreams, .n_upstreams = 3, .n_served = 1};
    struct snapshot snapshot = {.config = &config};
    struct counters counters;
    ck_assert_int_eq(counters_init(&counters, 9), 0);
    struct admin_view view = {.snapshot = &snapshot, .counters = &counters};
    struct metrics_page p = make_page();
    p.view = &view;
    counters_add(&counters_listener(&counters, "local")->requests, 7);
    metrics_each_listener(&p, false, write_name);
    ck_assert_str_eq(got(&p), "x_total{name=\"public\"} 0\nx_total{name=\"local\"} 7\n");
    metrics_each_listener(&p, true, write_name);
    ck_assert_str_eq(got(&p), "x_total{name=\"public\"} 0\n");
    metrics_each_upstream(&p, false, write_name); /* without our own pages */
    ck_assert_str_eq(got(&p), "x_total{name=\"partner\"} 0\nx_total{name=\"files\"} 0\n");
    metrics_each_upstream(&p, true, write_name);
    ck_assert_str_eq(got(&p), "x_total{name=\"partner\"} 0\n");
    counters_clear(&counters);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("metrics_page");
    TCase *t = tcase_create("metrics_page");
    tcase_add_test(t, a_sample_has_its_labels_and_a_number);
    tcase_add_test(t, escapes_the_values_of_labels);
    tcase_add_test(t, a_histogram_counts_upwards_and_ends_with_all);
    tcase_add_test(t, the_first_failure_sticks);
    tcase_add_test(t, walks_what_the_configuration_has_and_what_was_not_counted_is_zero);
    suite_add_tcase(s, t);
    return s;
}
