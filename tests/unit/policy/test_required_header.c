/* SPDX-License-Identifier: Apache-2.0 */
/* E2: a request carries the secret, or it goes nowhere. */
#include "t.h"

#include "mtlsd/http/http_head.h"
#include "mtlsd/policy/required_header.h"

#include <string.h>

#define SECRET "0123456789abcdef"

static struct required_header required = {.name = "X-Secret"};

static void set_up(void)
{
    struct err err = {0};
    ck_assert_int_eq(required_header_read(&required, span_from_str(SECRET "\n"), &err), 0);
}

static const struct {
    const char *why;
    const char *fields[4];
    bool passes;
    const char *says;
} rows[] = {
    {"the value", {"X-Secret", SECRET}, true, NULL},
    {"in another case, as HTTP/2 writes it", {"x-secret", SECRET}, true, NULL},
    {"none", {"Host", "a"}, false, "is missing"},
    {"empty", {"X-Secret", ""}, false, "has another value"},
    {"another", {"X-Secret", "0123456789abcdeF"}, false, "has another value"},
    {"the begin of it", {"X-Secret", "0123456789abcde"}, false, "has another value"},
    {"more than it", {"X-Secret", SECRET "0"}, false, "has another value"},
    {"a look-alike name", {"X_Secret", SECRET}, false, "is missing"},
    {"twice", {"X-Secret", SECRET, "X-Secret", SECRET}, false, "occurs more than once"},
    {"beside a wrong one", {"X-Secret", "no", "x-secret", SECRET}, false, "occurs more than once"},
};

START_TEST(judges)
{
    struct http_field fields[2] = {0};
    struct http_head head = {.request = true, .fields = fields};
    struct err err = {0};
    for (size_t i = 0; i < 2 && rows[_i].fields[2 * i] != NULL; i++)
        fields[head.n_fields++] = (struct http_field){span_from_str(rows[_i].fields[2 * i]), span_from_str(rows[_i].fields[2 * i + 1])};
    enum reason reason = required_header_judge(&required, &head, &err);
    ck_assert_msg((reason == REASON_VALID) == rows[_i].passes, "%s", rows[_i].why);
    ck_assert(reason == REASON_VALID || reason == REASON_HEADER_REQUIRED);
    ck_assert(rows[_i].says == NULL || strstr(err.text, rows[_i].says) != NULL);
    ck_assert_ptr_null(strstr(err.text, "0123"));
}
END_TEST

static const struct {
    const char *text, *says;
} files[] = {
    {"", "is too short"},          {"\n", "is too short"},          {"0123456789abcde\n", "is too short"}, {SECRET "\n" SECRET "\n", "one line"},
    {SECRET " \n", "one line"},    {" " SECRET "\n", "one line"},   {SECRET "\t0", "one line"},           {SECRET "\xc3\xa9", "one line"},
    {SECRET "\n\n", "one line"},   {SECRET "\n", NULL},             {SECRET, NULL},                       {SECRET "\r\n", NULL},
    {"Basic " SECRET "\n", NULL},
};

START_TEST(reads_a_file)
{
    struct required_header read = {0};
    struct err err = {0};
    int rc = required_header_read(&read, span_from_str(files[_i].text), &err);
    ck_assert_int_eq(rc, files[_i].says == NULL ? 0 : -1);
    ck_assert(files[_i].says == NULL || strstr(err.text, files[_i].says) != NULL);
    ck_assert_ptr_null(strstr(err.text, "0123"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("required_header");
    TCase *t = tcase_create("required_header");
    tcase_add_checked_fixture(t, set_up, NULL);
    tcase_add_loop_test(t, judges, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_loop_test(t, reads_a_file, 0, sizeof(files) / sizeof(files[0]));
    suite_add_tcase(s, t);
    return s;
}
