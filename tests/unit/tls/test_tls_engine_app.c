/* SPDX-License-Identifier: Apache-2.0 */
/* Application bytes through an engine, and records that bring none. */
#include "t.h"

#include "ends.h"

#include <string.h>

START_TEST(bytes_that_nobody_reads_have_a_bound) /* D1 */
{
    static const uint8_t junk[64 * 1024];
    ends_open(&(struct wire_side){0}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    for (int i = 0; i < 15; i++) {
        tls_engine_wire_in(ends_server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
        tls_engine_wire_keep(ends_server.e);
        ck_assert_uint_eq(tls_engine_flags(ends_server.e) & TLS_FAILED, 0);
    }
    for (int i = 0; i < 2; i++)
        tls_engine_wire_in(ends_server.e, span_of(junk, sizeof(junk)), WIRE_NOW);
    tls_engine_wire_keep(ends_server.e);
    ends_expect_failed(&ends_server, REASON_OVERLOADED, "more than a megabyte");
    ends_close();
}
END_TEST

/* ---- records without content, one read each (D2) ---- */

static struct raw_tls raw;

static void open_raw_client(int version)
{
    static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, &(struct wire_side){0}), NULL, NULL);
    raw_tls_client(&raw, &ends_pki, priorities[version], 0);
    ends_run_raw(&ends_server, &raw, ENDS_ALL);
    ends_expect_open(&ends_server, "shook hands");
}

static void close_raw_client(void)
{
    raw_tls_clear(&raw);
    ends_close();
}

START_TEST(empty_records_that_come_one_by_one_are_counted_too) /* D2 */
{
    open_raw_client(1);
    int i = 0;
    for (; i < 200 && !(tls_engine_flags(ends_server.e) & TLS_FAILED); i++) {
        ck_assert_int_eq(gnutls_record_send2(raw.session, "", 0, 16, 0), 0);
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
    }
    ck_assert_msg(i <= 34, "%d empty records were taken", i);
    ends_expect_failed(&ends_server, REASON_TLS_FAILED, "a flood of nothing");
    ck_assert_ptr_nonnull(strstr(ends_facts.text, "without content"));
    close_raw_client();
}
END_TEST

START_TEST(content_between_empty_records_starts_the_count_anew) /* D2 */
{
    open_raw_client(1);
    for (int i = 0; i < 200; i++) {
        ck_assert_int_eq(gnutls_record_send2(raw.session, "", 0, 16, 0), 0);
        if (i % 20 == 0)
            raw_tls_say(&raw, "x");
        ends_run_raw(&ends_server, &raw, ENDS_ALL);
    }
    ends_expect_open(&ends_server, "it has something to say");
    ck_assert_uint_eq(ends_server.got.len, 10);
    close_raw_client();
}
END_TEST

START_TEST(a_record_that_trickles_in_is_no_flood) /* D2 */
{
    char text[500];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    open_raw_client(_i);
    raw_tls_say(&raw, text);
    ends_run_raw(&ends_server, &raw, 1);
    ends_expect_open(&ends_server, "slow");
    ends_expect_got(&ends_server, text, "one byte per read");
    close_raw_client();
}
END_TEST

/* ---- what stands behind content ---- */

static void feed_raw(struct span wire)
{
    tls_engine_wire_in(ends_server.e, wire, WIRE_NOW);
}

static void read_some(size_t size, const char *wanted, bool more)
{
    uint8_t buf[16];
    size_t n = tls_engine_app_read(ends_server.e, buf, size);
    ck_assert_msg(span_equals_str(span_of(buf, n), wanted), "%.*s for %s", (int)n, (const char *)buf, wanted);
    ck_assert_msg(((tls_engine_flags(ends_server.e) & TLS_HAS_APP) != 0) == more, "after %s", wanted);
}

START_TEST(a_record_longer_than_the_reader_takes_is_read_to_its_end)
{
    open_raw_client(_i);
    raw_tls_say(&raw, "abcdefgh");
    feed_raw(bytes_span(&raw.out));
    read_some(3, "abc", true);
    read_some(3, "def", true);
    read_some(3, "gh", false);
    bytes_clear(&raw.out);
    close_raw_client();
}
END_TEST

START_TEST(what_comes_behind_content_in_one_read_is_found)
{
    open_raw_client(_i);
    raw_tls_say(&raw, "abc");
    if (_i == 1) /* it brings nothing, and what follows it is there */
        ck_assert_int_eq(gnutls_record_send2(raw.session, "", 0, 16, 0), 0);
    raw_tls_say(&raw, "def");
    ck_assert_int_eq(gnutls_bye(raw.session, GNUTLS_SHUT_WR), 0);
    struct span out = bytes_span(&raw.out);
    feed_raw(span_of(out.ptr, out.len - 1));
    size_t got = 0;
    uint8_t buf[16];
    while (tls_engine_flags(ends_server.e) & TLS_HAS_APP)
        got += tls_engine_app_read(ends_server.e, buf + got, sizeof(buf) - got);
    ck_assert(span_equals_str(span_of(buf, got), "abcdef"));
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & (TLS_CLOSED | TLS_FAILED), 0);
    feed_raw(span_skip(out, out.len - 1));
    read_some(3, "", false);
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & (TLS_CLOSED | TLS_FAILED), TLS_CLOSED);
    bytes_clear(&raw.out);
    close_raw_client();
}
END_TEST

START_TEST(an_end_behind_content_that_was_not_read_is_found) /* B7 */
{
    open_raw_client(_i);
    raw_tls_say(&raw, "abc");
    feed_raw(bytes_span(&raw.out));
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    read_some(3, "abc", true);
    read_some(3, "", false);
    ends_expect_failed(&ends_server, REASON_TRUNCATED, "an end without a goodbye");
    bytes_clear(&raw.out);
    close_raw_client();
}
END_TEST

/* ---- a peer of whom nothing is expected ---- */

static bool idle_in(struct ends_end *end, struct span wire)
{
    return tls_engine_idle_in(end->e, wire, WIRE_NOW);
}

START_TEST(only_what_concerns_tls_may_come_to_an_idle_end)
{
    gnutls_datum_t key;
    ck_assert_int_eq(gnutls_session_ticket_key_generate(&key), 0);
    for (int i = 0; i < 5; i++) {
        static const char *const why[] = {"a ticket", "a ticket in two parts", "application bytes", "a farewell", "an alert"};
        ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){0}), NULL, NULL);
        raw_tls_server(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", &key);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
        if (i < 2)
            ck_assert_int_eq(gnutls_session_ticket_send(raw.session, 1, 0), 0);
        else if (i == 2)
            raw_tls_say(&raw, "out of turn");
        else if (i == 3)
            gnutls_bye(raw.session, GNUTLS_SHUT_WR);
        else
            gnutls_alert_send(raw.session, GNUTLS_AL_FATAL, GNUTLS_A_INTERNAL_ERROR);
        struct span out = bytes_span(&raw.out);
        size_t first = i == 1 ? 7 : out.len;
        bool stays = idle_in(&ends_client, span_of(out.ptr, first));
        if (first < out.len)
            stays = stays && idle_in(&ends_client, span_skip(out, first));
        ck_assert_msg(stays == (i < 2), "%s", why[i]);
        bytes_clear(&raw.out);
        if (i < 2) { /* and it serves as before */
            raw_tls_say(&raw, "answer");
            ends_run_raw(&ends_client, &raw, ENDS_ALL);
            ends_expect_got(&ends_client, "answer", why[i]);
        }
        close_raw_client();
    }
    gnutls_free(key.data);
}
END_TEST

START_TEST(an_idle_flood_of_tickets_ends) /* D2 */
{
    gnutls_datum_t key;
    ck_assert_int_eq(gnutls_session_ticket_key_generate(&key), 0);
    ends_open_one(&ends_client, wire_pki_connecting(&ends_pki, &(struct wire_side){0}), NULL, NULL);
    raw_tls_server(&raw, &ends_pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", &key);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    int i = 0;
    for (bool stays = true; stays && i < 200; i++) {
        ck_assert_int_eq(gnutls_session_ticket_send(raw.session, 1, 0), 0);
        stays = idle_in(&ends_client, bytes_span(&raw.out));
        bytes_clear(&raw.out);
    }
    ck_assert_msg(i <= 40, "%d tickets were taken", i);
    gnutls_free(key.data);
    close_raw_client();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_app");
    TCase *c = tcase_create("engine");
    tcase_add_unchecked_fixture(c, ends_make, ends_drop);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, bytes_that_nobody_reads_have_a_bound);
    tcase_add_test(c, empty_records_that_come_one_by_one_are_counted_too);
    tcase_add_loop_test(c, a_record_longer_than_the_reader_takes_is_read_to_its_end, 0, 2);
    tcase_add_loop_test(c, what_comes_behind_content_in_one_read_is_found, 0, 2);
    tcase_add_loop_test(c, an_end_behind_content_that_was_not_read_is_found, 0, 2);
    tcase_add_test(c, content_between_empty_records_starts_the_count_anew);
    tcase_add_loop_test(c, a_record_that_trickles_in_is_no_flood, 0, 2);
    tcase_add_test(c, only_what_concerns_tls_may_come_to_an_idle_end);
    tcase_add_test(c, an_idle_flood_of_tickets_ends);
    suite_add_tcase(s, c);
    return s;
}
