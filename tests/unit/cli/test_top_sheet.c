/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "top/top_sheet.h"

#include <stdio.h>
#include <string.h>

static char text[65536];

static json_t *parse(const char *json)
{
    json_error_t error;
    json_t *status = json != NULL ? json_loads(json, 0, &error) : NULL;
    ck_assert_msg(json == NULL || status != NULL, "%s", error.text);
    return status;
}

static const char *sheet_of(const char *now, const char *before, double seconds)
{
    struct bytes out;
    bytes_init(&out, sizeof(text) - 1);
    struct top_sheet sheet = {.now = parse(now), .before = parse(before), .seconds = seconds};
    struct page page = {.out = &out};
    top_sheet_print(&page, &sheet);
    ck_assert_int_eq(page_end(&page), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    json_decref((json_t *)(uintptr_t)sheet.now);
    json_decref((json_t *)(uintptr_t)sheet.before);
    bytes_clear(&out);
    return text;
}

/* The row that begins so, its runs of spaces shortened to one. */
static const char *row(const char *begin)
{
    static char squeezed[512];
    const char *at = strstr(text, begin);
    size_t n = 0;
    ck_assert_msg(at != NULL, "%s is not in\n%s", begin, text);
    for (; *at != '\n' && *at != '\0' && n + 1 < sizeof(squeezed); at++)
        if (*at != ' ' || (n > 0 && squeezed[n - 1] != ' '))
            squeezed[n++] = *at;
    while (n > 0 && squeezed[n - 1] == ' ')
        n--;
    squeezed[n] = '\0';
    return squeezed;
}

#define LISTENER(requests, refused, bytes)                                                                                            \
    "{\"version\":\"1\",\"ready\":true,\"listeners\":[{\"name\":\"app\",\"connections_open\":7,\"requests_total\":" #requests         \
    ",\"handshakes_total\":3,\"answers\":{\"5xx\":2},\"refused\":{\"expired\":" #refused "},\"bytes_in\":" #bytes ",\"bytes_out\":0}]," \
    "\"upstreams\":[{\"name\":\"far\",\"targets\":[{\"address\":\"a:1\",\"state\":\"up\",\"active\":2,\"requests_total\":" #requests "}]}]}"

START_TEST(has_no_rates_at_first)
{
    sheet_of(LISTENER(100, 5, 1000), NULL, 0);
    ck_assert_str_eq(row("app "), "app 7 - - - - - -");
    ck_assert_str_eq(row("far "), "far a:1 up 2 - - -");
}
END_TEST

START_TEST(shows_what_came_in_each_second)
{
    sheet_of(LISTENER(700, 9, 5001000), LISTENER(100, 5, 1000), 2);
    ck_assert_str_eq(row("app "), "app 7 300 0.0 2.0 0.0 2.5 MB 0 B");
    ck_assert_str_eq(row("far "), "far a:1 up 2 300 0.0 0.0");
}
END_TEST

START_TEST(bears_a_daemon_that_was_restarted)
{
    sheet_of(LISTENER(10, 0, 0), LISTENER(700, 9, 5001000), 2);
    ck_assert_ptr_nonnull(strstr(row("app "), "app 7 5.0 "));
    ck_assert_ptr_null(strstr(text, "-5"));
}
END_TEST

START_TEST(says_what_ends_soon_and_what_was_refused)
{
    sheet_of("{\"ready\":false,\"readiness\":\"expired\",\"not_ready_because\":\"identity x\","
             "\"identities\":[{\"name\":\"me\",\"days_left\":3,\"not_after\":\"2027\"},{\"name\":\"far\",\"days_left\":300,\"fallback\":\"it is \\u001brefused\"}],"
             "\"trusts\":[{\"name\":\"them\",\"days_left\":10,\"not_after\":\"2028\",\"crl_days_left\":2,\"crl_next_update\":\"2026\"}],"
             "\"refusals\":[{\"time\":\"2026-11-30T00:00:00Z\",\"reason\":\"expired\",\"count\":4,\"listener\":\"app\",\"detail\":\"a\\u001b[2Jb\"}]}",
             NULL, 0);
    ck_assert_ptr_nonnull(strstr(text, "mtlsd ?: expired, identity x, up"));
    ck_assert_ptr_nonnull(strstr(text, "  identity me: 3 days, until 2027\n"));
    ck_assert_ptr_null(strstr(text, "identity far: 300"));
    ck_assert_ptr_nonnull(strstr(text, "  identity far: FALLBACK: it is %1Brefused\n"));
    ck_assert_ptr_null(strstr(text, "identity me: FALLBACK"));
    ck_assert_ptr_nonnull(strstr(text, "  CA of trust them: 10 days, until 2028\n"));
    ck_assert_ptr_nonnull(strstr(text, "  revocation list of trust them: 2 days, until 2026\n"));
    ck_assert_ptr_nonnull(strstr(text, "  2026-11-30T00:00:00Z expired 4x app: a%1B[2Jb\n"));
}
END_TEST

START_TEST(bears_a_document_with_nothing_in_it)
{
    ck_assert_ptr_nonnull(strstr(sheet_of("{}", "{}", 1), "mtlsd ?: not ready"));
}
END_TEST

START_TEST(cuts_what_the_terminal_has_no_room_for)
{
    static const char whole[] = "one\ntwo is long\nthree\nfour";
    struct bytes out;
    bytes_init(&out, 1000);
    ck_assert_int_eq(top_sheet_cut(&out, span_from_str(whole), &(struct top_screen){3, 5, false}), 0);
    ck_assert(span_equals_str(bytes_span(&out), "one\ntwo i\nthree\n"));
    bytes_clear(&out);
    bytes_init(&out, 1000);
    ck_assert_int_eq(top_sheet_cut(&out, span_from_str(whole), &(struct top_screen){1, 9, true}), 0);
    ck_assert(span_equals_str(bytes_span(&out), "\033[Hone\033[K\n\033[J"));
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("top_sheet");
    TCase *t = tcase_create("top_sheet");
    tcase_add_test(t, has_no_rates_at_first);
    tcase_add_test(t, shows_what_came_in_each_second);
    tcase_add_test(t, bears_a_daemon_that_was_restarted);
    tcase_add_test(t, says_what_ends_soon_and_what_was_refused);
    tcase_add_test(t, bears_a_document_with_nothing_in_it);
    tcase_add_test(t, cuts_what_the_terminal_has_no_room_for);
    suite_add_tcase(s, t);
    return s;
}
