/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/sessions.h"
#include "mtlsd/proxy/report.h"
#include "mtlsd/tls/tls_peer.h"
#include "t.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4, MANY = 2 * MOST };

static struct sessions *s;
static struct session_row rows[MANY];
static unsigned woken;

static void on_rows(void *ctx)
{
    (void)ctx;
    woken++;
}

static void set_up(void)
{
    woken = 0;
    s = sessions_new(0xabc, MOST);
    ck_assert_ptr_nonnull(s);
    sessions_on_rows(s, on_rows, NULL);
}

static void tear_down(void)
{
    sessions_close(s);
    sessions_unref(s);
}

static struct session *begin_as(const char *subject, struct tls_registry_text *row)
{
    struct tls_peer peer = {.subject = subject, .sha256 = "12", .registry = row};
    return session_begin(s, &(struct session_who){"public", "127.0.0.1", &peer}, 100);
}

static struct session *begin(void)
{
    return begin_as("CN=a", NULL);
}

static void note(struct session *x, enum report_kind kind, enum reason reason)
{
    session_note(x, &(struct report){.kind = kind, .reason = reason, .bytes_in = 3, .bytes_out = 5});
}

static struct sessions_facts facts(void)
{
    struct sessions_facts f;
    sessions_facts(s, &f);
    return f;
}

START_TEST(a_connection_that_ends_before_it_was_written_is_one_row)
{
    struct session *x = begin();
    note(x, REPORT_REQUEST, REASON_NOT_ALLOWED);
    note(x, REPORT_REQUEST, REASON_VALID);
    note(x, REPORT_CONNECTION, REASON_REVOKED);
    session_end(x, 200);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_str_eq(rows[0].id, "0000000000000abc-1");
    ck_assert_str_eq(rows[0].listener, "public");
    ck_assert_str_eq(rows[0].address, "127.0.0.1");
    ck_assert_str_eq(rows[0].sha256, "12");
    ck_assert_str_eq(rows[0].subject, "CN=a");
    ck_assert_ptr_null(rows[0].owner);
    ck_assert_int_eq(rows[0].began, 100);
    ck_assert_int_eq(rows[0].ended, 200);
    ck_assert_uint_eq(rows[0].requests, 2);
    ck_assert_uint_eq(rows[0].bytes_in, 9);
    ck_assert_uint_eq(rows[0].bytes_out, 15);
    ck_assert_int_eq(rows[0].reason, REASON_REVOKED);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 0);
    ck_assert_uint_eq(facts().written, 1);
}
END_TEST

START_TEST(one_that_stays_is_written_when_it_begins_and_when_it_ends)
{
    struct session *x = begin();
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_int_eq(rows[0].ended, 0);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(facts().written, 0);
    session_end(x, 200);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_int_eq(rows[0].ended, 200);
    ck_assert_int_eq(rows[0].reason, REASON_VALID);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(facts().written, 1);
}
END_TEST

START_TEST(one_that_ends_while_it_is_written_waits_again)
{
    struct session *x = begin();
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    session_end(x, 200);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_int_eq(rows[0].ended, 200);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(facts().written, 1);
}
END_TEST

START_TEST(after_a_failure_the_same_rows_come_first_with_what_ended_meanwhile)
{
    struct session *a = begin(), *b = begin(), *c = begin();
    ck_assert_uint_eq(sessions_take(s, rows, 2), 2);
    session_end(b, 200);
    sessions_failed(s, rows, 2);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 3);
    ck_assert_ptr_eq(rows[0].session, a);
    ck_assert_ptr_eq(rows[1].session, b);
    ck_assert_int_eq(rows[1].ended, 200);
    ck_assert_ptr_eq(rows[2].session, c);
    sessions_written(s, rows, 3);
    session_end(a, 200);
    session_end(c, 200);
    ck_assert_uint_eq(facts().waiting, 2);
}
END_TEST

START_TEST(a_full_queue_loses_rows_and_counts_them)
{
    struct session *x[MOST + 2];
    for (size_t i = 0; i < MOST + 2; i++)
        ck_assert_ptr_nonnull(x[i] = begin());
    ck_assert_uint_eq(facts().waiting, MOST);
    ck_assert_uint_eq(facts().lost, 0); /* the end may still find room */
    session_end(x[MOST], 200);
    ck_assert_uint_eq(facts().lost, 1);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), MOST);
    sessions_written(s, rows, MOST);
    session_end(x[MOST + 1], 200);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_int_eq(rows[0].ended, 200);
    sessions_written(s, rows, 1);
    ck_assert_uint_eq(facts().written, 1);
    for (size_t i = 0; i < MOST; i++)
        session_end(x[i], 200);
    ck_assert_uint_eq(facts().lost, 1);
}
END_TEST

START_TEST(a_row_that_the_database_refuses_is_tried_once_more_at_its_end)
{
    struct session *x = begin();
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    sessions_lost(s, rows, 1);
    ck_assert_uint_eq(facts().lost, 0);
    session_end(x, 200);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    sessions_lost(s, rows, 1);
    ck_assert_uint_eq(facts().lost, 1);
}
END_TEST

START_TEST(what_waits_at_the_end_is_lost_and_open_connections_go_on)
{
    struct session *a = begin(), *b = begin();
    session_end(a, 200);
    sessions_close(s);
    ck_assert_uint_eq(facts().lost, 1);
    note(b, REPORT_REQUEST, REASON_VALID);
    session_end(b, 300);
    ck_assert_uint_eq(facts().lost, 1);
    ck_assert_ptr_null(begin());
}
END_TEST

START_TEST(the_writer_is_woken_when_rows_begin_to_wait_and_at_half_of_the_queue)
{
    struct session *x[MOST];
    for (size_t i = 0; i < MOST; i++)
        x[i] = begin();
    ck_assert_uint_eq(woken, 2);
    for (size_t i = 0; i < MOST; i++)
        session_end(x[i], 200);
    ck_assert_uint_eq(woken, 2);
}
END_TEST

START_TEST(texts_are_cut_between_characters_and_clean)
{
    char subject[SESSIONS_TEXT_MAX + 20];
    memset(subject, 'x', sizeof(subject));
    memcpy(subject + SESSIONS_TEXT_MAX - 1, "\xc3\xa4", 3);
    const struct tls_registry_pair pair = {span_from_str("owner"), span_of("a\0b\n\xff", 5)};
    struct tls_registry_text *row = tls_registry_text_new(&pair, 1);
    struct session *x = begin_as(subject, row);
    ck_assert_uint_eq(sessions_take(s, rows, MANY), 1);
    ck_assert_uint_eq(strlen(rows[0].subject), SESSIONS_TEXT_MAX - 1);
    ck_assert_str_eq(rows[0].owner, "a%00b %FF");
    sessions_written(s, rows, 1);
    session_end(x, 200);
    tls_registry_text_unref(row);
}
END_TEST

Suite *suite(void)
{
    Suite *suite = suite_create("sessions");
    TCase *t = tcase_create("sessions");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_connection_that_ends_before_it_was_written_is_one_row);
    tcase_add_test(t, one_that_stays_is_written_when_it_begins_and_when_it_ends);
    tcase_add_test(t, one_that_ends_while_it_is_written_waits_again);
    tcase_add_test(t, after_a_failure_the_same_rows_come_first_with_what_ended_meanwhile);
    tcase_add_test(t, a_full_queue_loses_rows_and_counts_them);
    tcase_add_test(t, a_row_that_the_database_refuses_is_tried_once_more_at_its_end);
    tcase_add_test(t, what_waits_at_the_end_is_lost_and_open_connections_go_on);
    tcase_add_test(t, the_writer_is_woken_when_rows_begin_to_wait_and_at_half_of_the_queue);
    tcase_add_test(t, texts_are_cut_between_characters_and_clean);
    suite_add_tcase(suite, t);
    return suite;
}
