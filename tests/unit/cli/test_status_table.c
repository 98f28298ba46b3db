/* SPDX-License-Identifier: Apache-2.0 */
#include "status/status_table.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

static struct bytes page;
static struct status_table sheet;

static void open_page(void)
{
    bytes_init(&page, 64 * 1024);
    sheet = (struct status_table){.out = &page};
}

static void close_page(void)
{
    free(sheet.cells);
    bytes_clear(&page);
}

static void expect(const char *text)
{
    ck_assert(!sheet.failed);
    ck_assert_msg(span_equals_str(bytes_span(&page), text), "%.*s", (int)page.len, (const char *)bytes_span(&page).ptr);
}

START_TEST(columns_are_as_wide_as_they_have_to_be)
{
    static const char *const titles[] = {"NAME", "COUNT", "WHY"};
    status_table_begin(&sheet, titles, 3, 1U << 1);
    status_table_text(&sheet, "a-long-name");
    status_table_number(&sheet, 1234567);
    status_table_text(&sheet, "x");
    status_table_text(&sheet, "b");
    status_table_number(&sheet, -12);
    status_table_text(&sheet, "longer");
    status_table_end(&sheet);
    expect("  NAME             COUNT  WHY\n  a-long-name  1,234,567  x\n  b                  -12  longer\n\n");
}
END_TEST

START_TEST(a_table_without_rows_is_none)
{
    static const char *const titles[] = {"NAME", "COUNT"};
    status_table_begin(&sheet, titles, 2, 0);
    status_table_end(&sheet);
    expect("");
}
END_TEST

START_TEST(what_comes_from_elsewhere_is_harmless_and_its_end_is_told)
{
    static const char *const titles[] = {"T"};
    char longest[2 * STATUS_TABLE_CELL];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    status_table_say_line(&sheet, "name", "a\x1b[31m\nb");
    status_table_begin(&sheet, titles, 1, 0);
    status_table_text(&sheet, longest);
    status_table_end(&sheet);
    struct span all = bytes_span(&page);
    for (size_t i = 0; i < all.len; i++)
        ck_assert_msg(all.ptr[i] >= 0x20 || all.ptr[i] == '\n', "byte %zu", i);
    ck_assert_ptr_nonnull(memmem(all.ptr, all.len, "x...\n", 5));
    ck_assert_ptr_nonnull(memmem(all.ptr, all.len, "  name        a%1B[31m%0Ab\n", 26));
}
END_TEST

START_TEST(numbers_are_grouped_by_three)
{
    static const struct {
        long long n;
        const char *text;
    } rows[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {-1000, "-1,000"}, {-100, "-100"}, {1234567890, "1,234,567,890"}};
    char text[STATUS_TABLE_DIGITS];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_str_eq(status_table_digits(rows[i].n, text), rows[i].text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("status_table");
    TCase *c = tcase_create("table");
    tcase_add_checked_fixture(c, open_page, close_page);
    tcase_add_test(c, columns_are_as_wide_as_they_have_to_be);
    tcase_add_test(c, a_table_without_rows_is_none);
    tcase_add_test(c, what_comes_from_elsewhere_is_harmless_and_its_end_is_told);
    tcase_add_test(c, numbers_are_grouped_by_three);
    suite_add_tcase(s, c);
    return s;
}
