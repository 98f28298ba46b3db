/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"
#include "t.h"

#include <string.h>

static struct bytes out;
static struct page page;

static void open_page(void)
{
    bytes_init(&out, 64 * 1024);
    page = (struct page){.out = &out};
}

static void close_page(void)
{
    ck_assert_int_eq(page_end(&page), 0);
    bytes_clear(&out);
}

static void expect(const char *text)
{
    ck_assert(!page.failed);
    ck_assert_msg(span_equals_str(bytes_span(&out), text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
}

static json_t *document(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, 0, &error);
    ck_assert_msg(json != NULL, "%s", error.text);
    return json;
}

static const struct page_column columns[] = {{"NAME", "{name}"}, {">COUNT", "{n:,}"}, {"WHY", "{why}"}};

START_TEST(columns_are_as_wide_as_they_have_to_be)
{
    json_t *rows = document("[{\"name\":\"a-long-name\",\"n\":1234567,\"why\":\"x\"},{\"name\":\"b\",\"n\":-12,\"why\":\"longer\"}]");
    page_table(&page, columns, 3);
    page_rows(&page, rows);
    page_table_end(&page);
    expect("  NAME             COUNT  WHY\n  a-long-name  1,234,567  x\n  b                  -12  longer\n\n");
    json_decref(rows);
}
END_TEST

START_TEST(a_table_without_rows_is_none)
{
    page_table(&page, columns, 3);
    page_table_end(&page);
    expect("");
}
END_TEST

START_TEST(what_comes_from_elsewhere_is_harmless_and_its_end_is_told)
{
    static const struct page_column one[] = {{"T", "{long}"}};
    char longest[2 * PAGE_CELL_MAX];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    json_t *object = document_object("long:t peer:t", longest, "a\x1b[31m\nb%");
    page_put(&page, object, "name {peer}\nas written {%peer}\n");
    page_table(&page, one, 1);
    page_row(&page, object);
    page_table_end(&page);
    struct span all = bytes_span(&out);
    for (size_t i = 0; i < all.len; i++)
        ck_assert_msg(all.ptr[i] >= 0x20 || all.ptr[i] == '\n', "byte %zu", i);
    ck_assert_ptr_nonnull(memmem(all.ptr, all.len, "x...\n", 5));
    ck_assert_ptr_nonnull(memmem(all.ptr, all.len, "name a%1B[31m%0Ab%25\nas written a%1B[31m%0Ab%\n", 46));
    json_decref(object);
}
END_TEST

START_TEST(a_form_becomes_text)
{
    static const char json[] = "{\"s\":\"text\",\"path\":\"/a%20\",\"n\":1234,\"one\":1,\"zero\":0,\"yes\":true,\"no\":false,\"none\":null,\"empty\":\"\",\"r\":1.25,"
                               "\"list\":[\"a\",\"b\"],\"single\":[\"a\"],\"nil\":[],\"in\":{\"deep\":[{\"x\":\"y\"}]},\"counts\":{\"expired\":9,\"revoked\":3},"
                               "\"late\":-1,\"past\":-90000,\"time\":86400}";
    static const struct {
        const char *form, *text;
    } rows[] = {
        {"plain", "plain"},
        {"{s} {n} {r} {yes}", "text 1234 1.2 yes"},
        {"<{none}{no}{empty}{nil}{gone}>", "<>"},
        {"{none|-} {s|-} {zero|-} {zero} {nil|-}", "- text - 0 -"},
        {"{in.deep.0.x} {in.deep.1.x|-} {s.x|-}", "y - -"},
        {"{list} {list+ or } {single+ or }", "a b a or b a"},
        {"{counts} {nil|-}", "9 expired, 3 revoked -"},
        {"{path} {$path} {%path}", "/a%2520 /a%20 /a%20"},
        {"<{s:6}><{s:>6}><{s:2}><{n:,6}><{n:,>6}>", "<text  ><  text><text><1,234 >< 1,234>"},
        {"{time:utc} {zero:utc} {zero:due} {time:utc22}|", "1970-01-02T00:00:00Z 1970-01-01T00:00:00Z - 1970-01-02T00:00:00Z  |"},
        {"{time:days} {past:days} {late:days}", "1 -1 -1"},
        {"{one:left} {n:left} {late:left} {zero:left} {none:left}", "1 day ! 1234 days EXPIRED 0 days ! -"},
        {"{n} day{n#} {one} day{one#} {list:count} name{list#} {single:count} name{single#} {list:rest}", "1234 days 1 day 2 names 1 name 1"},
        {"[a {s}][b {none}][c {zero}][d {yes}]", "a textd yes"},
        {"[{?yes}a][{!yes}b][{?no}c][{!no}d]", "ad"},
        {"[{s=text}a][{s=other}b][{!s=text}c][{!gone=text}d]", "ad"},
        {"[{n>1}a][{one>1}b][{list>1}c][{single>1}d]", "ac"},
        {"[{?yes}a[{?no}b[{?yes}c]][{?yes}d]e]", "ade"},
        {"[{none|x}y]", "xy"},
        {"[[{one}]", "[1]"},
        {"{counts+, } {n:rest} {n:seconds}", "expired, revoked 1233 1.234"},
        {"[{,}a {s}][{,}b {none}][{,}c {n}]", "a text, c 1234"},
    };
    json_t *object = document(json);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        page_put(&page, object, rows[i].form);
        expect(rows[i].text);
        bytes_clear(&out);
    }
    json_decref(object);
}
END_TEST

START_TEST(the_outer_object_is_read_with_a_caret)
{
    json_t *outer = document("{\"name\":\"app\",\"inner\":[{\"n\":1},{\"n\":2}]}");
    page.outer = outer;
    page_each(&page, document_get(outer, "inner"), "{^name}/{n} ");
    expect("app/1 app/2 ");
    json_decref(outer);
}
END_TEST

START_TEST(numbers_are_grouped_by_three)
{
    static const struct {
        int64_t n;
        const char *text;
    } rows[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {-1000, "-1,000"}, {-100, "-100"}, {1234567890, "1,234,567,890"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        json_t *object = document_object("n:I", rows[i].n);
        page_put(&page, object, "{n:,}");
        expect(rows[i].text);
        bytes_clear(&out);
        json_decref(object);
    }
}
END_TEST

START_TEST(the_first_failure_sticks)
{
    struct bytes small;
    bytes_init(&small, 4);
    struct page narrow = {.out = &small};
    page_say(&narrow, "too long");
    page_say(&narrow, "a");
    ck_assert_uint_eq(small.len, 0);
    ck_assert_int_eq(page_end(&narrow), -1);
    bytes_clear(&small);
}
END_TEST

START_TEST(shows_no_document_that_memory_was_lacking_for)
{
    ck_assert_int_eq(page_show(NULL, true, NULL), -1);
    ck_assert_int_eq(page_show_on(stderr, NULL, NULL), -1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("page");
    TCase *c = tcase_create("page");
    tcase_add_checked_fixture(c, open_page, close_page);
    tcase_add_test(c, columns_are_as_wide_as_they_have_to_be);
    tcase_add_test(c, a_table_without_rows_is_none);
    tcase_add_test(c, what_comes_from_elsewhere_is_harmless_and_its_end_is_told);
    tcase_add_test(c, a_form_becomes_text);
    tcase_add_test(c, the_outer_object_is_read_with_a_caret);
    tcase_add_test(c, numbers_are_grouped_by_three);
    tcase_add_test(c, the_first_failure_sticks);
    tcase_add_test(c, shows_no_document_that_memory_was_lacking_for);
    suite_add_tcase(s, c);
    return s;
}
