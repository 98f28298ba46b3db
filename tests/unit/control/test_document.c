/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/document.h"
#include "t.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void expect(json_t *value, const char *text)
{
    char *written = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    ck_assert_ptr_nonnull(written);
    ck_assert_str_eq(written, text);
    free(written);
    json_decref(value);
}

START_TEST(members_keep_their_order_and_their_kind)
{
    static const char *const names[] = {"a", "b"};
    expect(document_object("t:t none:t i:i I:I yes:b no:b f:f o:o", "x", NULL, -1, INT64_C(5000000000), true, false, 0.5, document_strings(names, 2)),
           "{\"t\":\"x\",\"none\":null,\"i\":-1,\"I\":5000000000,\"yes\":true,\"no\":false,\"f\":0.5,\"o\":[\"a\",\"b\"]}");
    expect(document_add(document_object("a:i", 1), "b:i", 2), "{\"a\":1,\"b\":2}");
    expect(document_object("z:z U:U w:w never:w", (size_t)7, UINT64_C(8), INT64_C(1800000000), INT64_C(0)),
           "{\"z\":7,\"U\":8,\"w\":\"2027-01-15T08:00:00Z\",\"never\":null}");
    expect(document_object(""), "{}");
}
END_TEST

START_TEST(days_are_whole_and_negative_when_past)
{
    expect(document_days(1800000000 + 3 * 86400 - 1, 1800000000), "2");
    expect(document_days(1800000000, 1800000000), "0");
    expect(document_days(1800000000 - 1, 1800000000), "-1");
    expect(document_days(0, 1800000000), "null");
}
END_TEST

START_TEST(any_bytes_are_a_text)
{
    expect(document_text("a\xff%"), "\"a%FF%25\"");
    expect(document_text("\xc3\xa4%"), "\"\xc3\xa4%\"");
    expect(document_text(NULL), "null");
}
END_TEST

START_TEST(a_member_that_could_not_be_made_fails_the_whole)
{
    ck_assert_ptr_null(document_object("a:i b:o c:o", 1, NULL, json_array()));
    ck_assert_ptr_null(document_add(NULL, "a:o", json_array()));
}
END_TEST

START_TEST(an_item_that_could_not_be_made_fails_the_list)
{
    expect(document_append(document_append(json_array(), json_integer(1)), json_integer(2)), "[1,2]");
    ck_assert_ptr_null(document_append(json_array(), NULL));
    ck_assert_ptr_null(document_append(NULL, json_integer(1)));
    ck_assert_ptr_null(document_object("a:i b:o", 1, document_append(json_array(), NULL)));
}
END_TEST

START_TEST(what_is_not_there_reads_as_nothing)
{
    json_t *object = document_object("a:o n:i", document_object("b:t yes:b", "x", true), 7);
    ck_assert_str_eq(document_string(object, "a.b", "-"), "x");
    ck_assert(document_truth(object, "a.yes") && !document_truth(object, "a.b") && !document_truth(object, "a.b.c"));
    ck_assert_int_eq(document_number(object, "n"), 7);
    ck_assert_int_eq(document_number(object, "a"), 0);
    ck_assert_str_eq(document_string(object, "a.c", "-"), "-");
    ck_assert_str_eq(document_string(NULL, "a", "-"), "-");
    json_decref(object);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("document");
    TCase *c = tcase_create("document");
    tcase_add_test(c, members_keep_their_order_and_their_kind);
    tcase_add_test(c, days_are_whole_and_negative_when_past);
    tcase_add_test(c, any_bytes_are_a_text);
    tcase_add_test(c, a_member_that_could_not_be_made_fails_the_whole);
    tcase_add_test(c, an_item_that_could_not_be_made_fails_the_list);
    tcase_add_test(c, what_is_not_there_reads_as_nothing);
    suite_add_tcase(s, c);
    return s;
}
