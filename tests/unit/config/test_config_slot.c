/* SPDX-License-Identifier: Apache-2.0 */
#include "config_slot.h"
#include "t.h"

#include <stdlib.h>
#include <string.h>

struct box {
    char *text;
    struct config_strings texts;
};
static const struct config_option text_row = {.offset = offsetof(struct box, text)};
static const struct config_option texts_row = {.offset = offsetof(struct box, texts)};

START_TEST(the_later_text_stands_and_lists_grow)
{
    struct err err;
    struct box box = {0};
    struct config_slot one = {&text_row, "first", NULL, &box}, many = {&texts_row, "a", NULL, &box};
    ck_assert_int_eq(config_slot_set_text(&one, &err), 0);
    one.text = "second";
    ck_assert_int_eq(config_slot_set_text(&one, &err), 0);
    ck_assert_str_eq(box.text, "second");
    ck_assert_int_eq(config_slot_add_text(&many, &err), 0);
    many.text = "b";
    ck_assert_int_eq(config_slot_add_text(&many, &err), 0);
    ck_assert_uint_eq(box.texts.n, 2);
    ck_assert_str_eq(box.texts.items[1], "b");
    config_slot_free_text(&one);
    config_slot_free_texts(&many);
    ck_assert_uint_eq(box.texts.n, 0); /* so that freeing twice is fine */
    config_slot_free_texts(&many);
}
END_TEST

START_TEST(without_memory_nothing_is_kept_or_lost)
{
    struct err err;
    err_clear(&err);
    struct box box = {.text = strdup("stays")};
    ck_assert_int_eq(config_slot_keep(&box.text, NULL, &err), -1);
    ck_assert_int_eq(err.kind, ERR_MEMORY);
    ck_assert_str_eq(box.text, "stays");
    ck_assert_int_eq(config_slot_append(&box.texts, NULL, &err), -1);
    ck_assert_uint_eq(box.texts.n, 0);
    free(box.text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_slot");
    TCase *c = tcase_create("slot");
    tcase_add_test(c, the_later_text_stands_and_lists_grow);
    tcase_add_test(c, without_memory_nothing_is_kept_or_lost);
    suite_add_tcase(s, c);
    return s;
}
