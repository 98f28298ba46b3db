/* SPDX-License-Identifier: Apache-2.0 */
#include "drill/drill.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct bytes out;

static void open_sheet(void)
{
    bytes_init(&out, 1 << 20);
}

static void close_sheet(void)
{
    bytes_clear(&out);
}

static const char *text(void)
{
    ck_assert_int_eq(bytes_append(&out, "", 1), 0);
    return (const char *)out.data + out.head;
}

static void show(json_t *document, page_print_fn print)
{
    struct page page = {.out = &out};
    ck_assert_ptr_nonnull(document);
    print(&page, document);
    ck_assert_int_eq(page_end(&page), 0);
    json_decref(document);
}

static struct drill_row row(enum reason expected, bool let_in, bool right)
{
    struct drill_row r = {.word = "kind", .what = "what is wrong", .expected = expected, .offered = true, .as_it_should = right};
    for (size_t v = 0; v < DRILL_VERSIONS; v++)
        r.full[v] = (struct drill_try){.done = true, .let_in = let_in, .told = "HTTP 200"};
    return r;
}

START_TEST(a_bad_one_let_in_stands_out)
{
    struct drill_row r = row(REASON_EXPIRED, true, false);
    show(drill_sheet_row(&r), drill_sheet_print_row);
    ck_assert_ptr_nonnull(strstr(text(), "LET IN, HTTP 200"));
    ck_assert_int_eq(out.data[out.head], '!');
}
END_TEST

START_TEST(a_good_one_let_in_does_not)
{
    struct drill_row r = row(REASON_VALID, true, true);
    show(drill_sheet_row(&r), drill_sheet_print_row);
    ck_assert_ptr_null(strstr(text(), "LET IN"));
    ck_assert_int_eq(out.data[out.head], ' ');
}
END_TEST

START_TEST(what_decides_fits_into_eighty_columns)
{
    static const struct {
        struct drill_try again;
        const char *says;
    } rows[] = {{{.done = false}, "unsupported_certificate  unsupported_certificate  what"},
                {{.done = true, .let_in = false}, "unsupported_certificate, again"},
                {{.done = true, .let_in = true}, "unsupported_certificate, ACCEPTED again"}};
    struct drill_row r = row(REASON_WRONG_PURPOSE, false, true);
    r.word = "issued-without-right";
    for (size_t v = 0; v < DRILL_VERSIONS; v++) {
        snprintf(r.full[v].told, sizeof(r.full[v].told), "unsupported_certificate");
        r.again[v] = rows[_i].again;
    }
    show(drill_sheet_row(&r), drill_sheet_print_row);
    ck_assert_ptr_nonnull(strstr(text(), rows[_i].says));
    ck_assert_ptr_nonnull(strstr(text(), "  issued-without-right refused "));
    if (_i == 0)
        ck_assert_int_le(strstr(text(), "what is wrong") - text(), 81);
}
END_TEST

START_TEST(one_that_could_not_be_offered_says_so)
{
    struct drill_row r = {.word = "revoked", .what = "revoked", .expected = REASON_REVOKED, .as_it_should = true};
    show(drill_sheet_row(&r), drill_sheet_print_row);
    ck_assert_ptr_nonnull(strstr(text(), "not offered"));
}
END_TEST

START_TEST(the_end_tells_good_from_bad)
{
    static const struct {
        size_t let_in, refused;
        const char *says;
    } rows[] = {{0, 0, "Each of 30 bad"}, {2, 0, "2 of 30 bad certificates were ACCEPTED"}, {0, 1, "A good certificate was refused"}};
    struct drill d = {.n_bad = 30, .n_bad_let_in = rows[_i].let_in, .n_good_refused = rows[_i].refused};
    show(drill_sheet_document(&d, "localhost:8443"), drill_sheet_print_end);
    ck_assert_ptr_nonnull(strstr(text(), rows[_i].says));
}
END_TEST

START_TEST(a_listener_that_wants_http2_is_not_blamed_on_its_ca)
{
    struct drill_row only = row(REASON_VALID, false, false);
    snprintf(only.full[0].told, sizeof(only.full[0].told), "no_application_protocol");
    struct drill d = {.rows = &only, .n = 1, .n_good_refused = 1};
    show(drill_sheet_document(&d, "localhost:8443"), drill_sheet_print_end);
    ck_assert_ptr_nonnull(strstr(text(), "most often HTTP/2"));
    ck_assert_ptr_null(strstr(text(), "trust this CA"));
}
END_TEST

START_TEST(the_document_counts_and_lists)
{
    struct drill_row rows[2] = {row(REASON_VALID, true, true), row(REASON_REVOKED, true, false)};
    struct drill d = {.rows = rows, .n = 2, .n_bad = 1, .n_bad_let_in = 1};
    json_t *doc = drill_sheet_document(&d, "localhost:8443");
    ck_assert_int_eq(json_integer_value(json_object_get(doc, "bad_let_in")), 1);
    json_t *second = json_array_get(json_object_get(doc, "rows"), 1);
    ck_assert_str_eq(json_string_value(json_object_get(second, "status")), "revoked");
    ck_assert(json_is_false(json_object_get(second, "as_it_should")));
    json_decref(doc);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("drill_sheet");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, open_sheet, close_sheet);
    tcase_add_test(c, a_bad_one_let_in_stands_out);
    tcase_add_test(c, a_good_one_let_in_does_not);
    tcase_add_loop_test(c, what_decides_fits_into_eighty_columns, 0, 3);
    tcase_add_test(c, one_that_could_not_be_offered_says_so);
    tcase_add_loop_test(c, the_end_tells_good_from_bad, 0, 3);
    tcase_add_test(c, a_listener_that_wants_http2_is_not_blamed_on_its_ca);
    tcase_add_test(c, the_document_counts_and_lists);
    suite_add_tcase(s, c);
    return s;
}
