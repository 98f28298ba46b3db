/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/handover_list.h"
#include "t.h"

#include <string.h>

static struct err err;
static struct bytes text;
static struct handover_list list;

static void set_up(void)
{
    err = (struct err){0};
    bytes_init(&text, HANDOVER_TEXT_MAX);
}

static void tear_down(void)
{
    bytes_clear(&text);
}

static int read_text(const char *words)
{
    err = (struct err){0};
    return handover_list_read(&list, span_of(words, strlen(words)), &err);
}

START_TEST(what_one_process_writes_its_successor_reads)
{
    static const struct {
        enum handover_kind kind;
        const char *name;
    } rows[] = {{HANDOVER_PASSED, "web"}, {HANDOVER_LISTEN, "[::1]:8443"}, {HANDOVER_LISTEN, "[::1]:8443"}, {HANDOVER_LISTEN, "unix:/run/a socket"},
                {HANDOVER_ADMIN, "/run/mtlsd/admin.sock"}};
    handover_list_begin(&text, 4711);
    for (size_t i = 0; i < 5; i++)
        ck_assert_int_eq(handover_list_add(&text, rows[i].kind, rows[i].name, &err), 0);
    ck_assert_int_eq(handover_list_read(&list, bytes_span(&text), &err), 0);
    ck_assert_int_eq(list.parent, 4711);
    ck_assert_uint_eq(list.n, 5);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(list.kinds[i], rows[i].kind);
        ck_assert_str_eq(list.names[i], rows[i].name);
    }
    handover_list_clear(&list);
}
END_TEST

START_TEST(a_line_of_a_later_version_is_skipped_and_its_socket_keeps_its_place)
{
    ck_assert_int_eq(read_text("mtlsd-handover 1\nparent 7\ncolour green\nnothing\nsocket quic :443\nsocket listen :80\n"), 0);
    ck_assert_uint_eq(list.n, 2);
    ck_assert_int_eq(list.kinds[0], HANDOVER_OTHER);
    ck_assert_int_eq(list.kinds[1], HANDOVER_LISTEN);
    handover_list_clear(&list);
}
END_TEST

START_TEST(refuses_a_name_that_would_begin_another_line)
{
    static const char *const names[] = {"", "unix:/a\nsocket admin /b", "unix:/a\r"};
    handover_list_begin(&text, 1);
    for (size_t i = 0; i < 3; i++) {
        err = (struct err){0};
        ck_assert_int_eq(handover_list_add(&text, HANDOVER_LISTEN, names[i], &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "line break"));
    }
}
END_TEST

START_TEST(refuses_a_list_that_is_not_one)
{
    static const struct {
        const char *text, *says, *why;
    } rows[] = {
        {"", "another way", "empty"},
        {"mtlsd-handover 1", "another way", "cut in its first line"},
        {"mtlsd-handover 10\nparent 7\n", "another way", "another version"},
        {"mtlsd-handover 2\nparent 7\n", "another way", "another version"},
        {"mtlsd-handover 1\n", "no end", "of no process"},
        {"mtlsd-handover 1\nparent 0\n", "no end", "of no process"},
        {"mtlsd-handover 1\nparent -1\n", "no number", "of no process"},
        {"mtlsd-handover 1\nparent 99999999999\n", "no number", "too large"},
        {"mtlsd-handover 1\nparent 7\nsocket listen\n", "without a name", "no name"},
        {"mtlsd-handover 1\nparent 7\nsocket listen \n", "without a name", "an empty name"},
        {"mtlsd-handover 1\nparent 7\nsocket listen :8", "no end", "cut"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(read_text(rows[i].text) == -1, "%s", rows[i].why);
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s: %s", rows[i].why, err.text);
        ck_assert_ptr_null(list.text);
    }
}
END_TEST

START_TEST(refuses_more_sockets_than_a_process_can_have)
{
    handover_list_begin(&text, 7);
    for (int i = 0; i < HANDOVER_MOST + 1; i++)
        ck_assert_int_eq(handover_list_add(&text, HANDOVER_LISTEN, ":8443", &err), 0);
    ck_assert_int_eq(handover_list_read(&list, bytes_span(&text), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "more than"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("handover_list");
    TCase *t = tcase_create("handover_list");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, what_one_process_writes_its_successor_reads);
    tcase_add_test(t, a_line_of_a_later_version_is_skipped_and_its_socket_keeps_its_place);
    tcase_add_test(t, refuses_a_name_that_would_begin_another_line);
    tcase_add_test(t, refuses_a_list_that_is_not_one);
    tcase_add_test(t, refuses_more_sockets_than_a_process_can_have);
    suite_add_tcase(s, t);
    return s;
}
