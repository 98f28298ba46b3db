/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard.h"
#include "dashboard_parts.h"
#include "status_text.h"
#include "t.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static char text[1 << 17];

static const char *page(void)
{
    static struct config config = {.path = "/etc/mtlsd.conf"};
    static struct snapshot snapshot = {.config = &config, .generation = 3};
    struct counters counters;
    struct bytes out;
    ck_assert_int_eq(counters_init(&counters, 4), 0);
    struct admin_view view = {.version = "<1>", .now = 1800000100, .started = 1800000000, .workers = 2, .ready = true, .snapshot = &snapshot, .counters = &counters,
                              .last_reload = 1800000000, .last_reload_error = "bad <file>"};
    bytes_init(&out, sizeof(text) - 1);
    ck_assert_int_eq(dashboard_page(&out, &view, "n0"), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    counters_clear(&counters);
    return text;
}

START_TEST(the_page_is_whole_and_has_each_section_once)
{
    static const char *const ids[] = {"instance", "chains", "targets", "timeline", "callers", "refusals", "end"};
    page();
    ck_assert_ptr_eq(strstr(text, "<!doctype html>"), text);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char tag[64];
        snprintf(tag, sizeof(tag), "<section id=\"%s\">", ids[i]);
        ck_assert_msg(status_text_count(text, tag) == 1, "%s", tag);
    }
    ck_assert_ptr_nonnull(strstr(text, "<noscript><meta http-equiv=\"refresh\""));
    ck_assert_ptr_nonnull(strstr(text, "mtlsd &lt;1&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "stays in use: bad &lt;file&gt;"));
}
END_TEST

START_TEST(there_is_one_script_and_no_handler_in_an_attribute)
{
    page();
    ck_assert_uint_eq(status_text_count(text, "<script"), 1);
    ck_assert_uint_eq(status_text_count(text, "<style"), 1);
    ck_assert_ptr_null(strstr(text, " onclick="));
    ck_assert_ptr_null(strstr(text, " style="));
    ck_assert_ptr_nonnull(strstr(dashboard_fields, "default-src 'none'; style-src 'sha256-"));
    ck_assert_ptr_nonnull(strstr(dashboard_fields, "frame-ancestors 'none'"));
    ck_assert_ptr_null(strstr(dashboard_fields, "unsafe"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dashboard");
    TCase *t = tcase_create("dashboard");
    tcase_add_test(t, the_page_is_whole_and_has_each_section_once);
    tcase_add_test(t, there_is_one_script_and_no_handler_in_an_attribute);
    suite_add_tcase(s, t);
    return s;
}
