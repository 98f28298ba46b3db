/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/journal.h"
#include "mtlsd/base/log.h"
#include "t.h"

#include <string.h>

static struct journal j;
static struct refusals *refusals;
static struct bytes lines;

static struct config_listener listener_conf;
static struct config_upstream upstream_conf;
static struct plan_listener listener;
static struct plan_upstream upstream;

static int64_t now(void)
{
    return 1800000000;
}

static double clock_of_log(void)
{
    return 1800000000.0;
}

static void sink(void *ctx, enum log_level level, struct span line)
{
    (void)ctx;
    (void)level;
    ck_assert_int_eq(bytes_append_span(&lines, line), 0);
}

static void begin(void)
{
    static char public[] = "public", partner[] = "partner", target[] = "api.example:443";
    listener_conf = (struct config_listener){.name = public};
    upstream_conf = (struct config_upstream){.name = partner, .target_text = target};
    listener = (struct plan_listener){.conf = &listener_conf, .upstream = &upstream};
    upstream = (struct plan_upstream){.conf = &upstream_conf};
    bytes_init(&lines, 1 << 20);
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, sink, NULL, clock_of_log);
    refusals = refusals_new();
    ck_assert_ptr_nonnull(refusals);
    ck_assert_int_eq(journal_init(&j, refusals, now), 0);
}

static void end(void)
{
    journal_clear(&j);
    refusals_free(refusals);
    bytes_clear(&lines);
}

static const char *said(void)
{
    ck_assert_int_eq(bytes_append(&lines, "", 1), 0);
    return (const char *)bytes_span(&lines).ptr;
}

static void tell(const struct report *r)
{
    struct observer o = journal_observer(&j);
    o.on_report(o.ctx, r);
}

static struct report request(void)
{
    return (struct report){
        .kind = REPORT_REQUEST,
        .listener = &listener,
        .upstream = &upstream,
        .client = "192.0.2.7",
        .method = span_from_str("GET"),
        .target = span_from_str("/a"),
        .status = 200,
        .reason = REASON_VALID,
        .detail = "",
        .bytes_in = 10,
        .bytes_out = 20,
        .connect_us = 1500,
        .total_us = 2500,
    };
}

static const struct counters_row *row(void)
{
    return counters_listener(&j.counters, "public");
}

static const struct counters_row *up_row(void)
{
    return counters_upstream(&j.counters, "partner");
}

START_TEST(connections_are_counted_while_they_last)
{
    journal_accepted(&j, "public");
    journal_accepted(&j, "public");
    journal_closed(&j, "public");
    ck_assert_uint_eq(row()->connections_accepted, 2);
    ck_assert_uint_eq(row()->connections_open, 1);
}
END_TEST

START_TEST(a_request_is_counted_on_both_sides_and_logged_once)
{
    struct report r = request();
    tell(&r);
    ck_assert_uint_eq(row()->requests, 1);
    ck_assert_uint_eq(row()->answers[2], 1);
    ck_assert_uint_eq(row()->bytes_down_in, 10);
    ck_assert_uint_eq(row()->bytes_down_out, 20);
    ck_assert_uint_eq(up_row()->bytes_up_out, 10);
    ck_assert_uint_eq(up_row()->bytes_up_in, 20);
    ck_assert_uint_eq(up_row()->upstream_connects, 1);
    const char *line = said();
    ck_assert_ptr_nonnull(strstr(line, "192.0.2.7"));
    ck_assert_ptr_nonnull(strstr(line, "/a"));
    ck_assert_ptr_nonnull(strstr(line, "api.example:443"));
    ck_assert_ptr_null(strstr(line, "reason"));
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    struct refusal last[1];
    ck_assert_uint_eq(refusals_copy(refusals, last, 1), 0);
}
END_TEST

START_TEST(a_kept_connection_is_not_counted_as_a_new_one)
{
    struct report r = request();
    r.up_reused = true;
    tell(&r);
    ck_assert_uint_eq(up_row()->upstream_connects, 0);
    ck_assert_ptr_nonnull(strstr(said(), "reused"));
}
END_TEST

START_TEST(a_refusal_is_counted_by_reason_remembered_and_explained)
{
    struct tls_peer peer = {.subject = "CN=api", .issuer = "CN=Partner CA", .sha256 = "00ff"};
    struct tls_facts up = {.reason = REASON_EXPIRED, .text = "", .alert_received = -1, .alert_sent = 45, .peer = &peer};
    struct report r = request();
    r.status = 502;
    r.reason = REASON_EXPIRED;
    r.detail = "certificate CN=api: expired";
    r.refused_by = REFUSED_BY_US;
    r.up = &up;
    tell(&r);
    ck_assert_uint_eq(row()->answers[5], 1);
    ck_assert_uint_eq(row()->refused[REASON_EXPIRED], 1);
    ck_assert_uint_eq(up_row()->refused[REASON_EXPIRED], 1);
    ck_assert_uint_eq(row()->refused[REASON_REVOKED], 0);
    struct refusal last[2];
    ck_assert_uint_eq(refusals_copy(refusals, last, 2), 1);
    ck_assert_int_eq(last[0].reason, REASON_EXPIRED);
    ck_assert_int_eq(last[0].when, 1800000000);
    ck_assert_str_eq(last[0].listener, "public");
    ck_assert_str_eq(last[0].upstream, "partner");
    ck_assert_str_eq(last[0].peer_subject, "CN=api");
    const char *line = said();
    ck_assert_ptr_nonnull(strstr(line, "expired"));
    ck_assert_ptr_nonnull(strstr(line, "CN=Partner CA"));
    ck_assert_ptr_nonnull(strstr(line, "refused_by"));
    ck_assert_ptr_nonnull(strstr(line, "hint"));
}
END_TEST

START_TEST(a_refusal_before_the_upstream_blames_the_client)
{
    struct tls_peer peer = {.subject = "CN=caller", .issuer = "CN=x", .sha256 = "00"};
    struct tls_facts down = {.reason = REASON_REVOKED, .text = "", .alert_received = -1, .alert_sent = 44, .peer = &peer};
    struct report r = request();
    r.kind = REPORT_CONNECTION;
    r.upstream = NULL;
    r.status = 0;
    r.connect_us = 0;
    r.reason = REASON_REVOKED;
    r.down = &down;
    tell(&r);
    struct refusal last[1];
    ck_assert_uint_eq(refusals_copy(refusals, last, 1), 1);
    ck_assert_str_eq(last[0].upstream, "");
    ck_assert_str_eq(last[0].peer_subject, "CN=caller");
    ck_assert_uint_eq(row()->requests, 0);
    ck_assert_uint_eq(j.counters.n_upstreams, 0);
}
END_TEST

START_TEST(a_status_that_is_none_counts_nowhere)
{
    struct report r = request();
    r.status = _i == 0 ? 0 : 600;
    tell(&r);
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(row()->answers[i], 0);
    ck_assert_uint_eq(row()->requests, 1);
}
END_TEST

START_TEST(nothing_a_peer_says_forges_a_line) /* C8 */
{
    struct report r = request();
    r.target = span_from_str("/\r\nreason=valid \x1b[2J\"");
    tell(&r);
    const char *line = said();
    ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
    ck_assert_ptr_null(strchr(line, '\x1b'));
    ck_assert_ptr_null(strchr(line, '\r'));
}
END_TEST

START_TEST(handshakes_are_counted_by_side)
{
    struct observer o = journal_observer(&j);
    struct tls_facts fresh = {.resumed = false}, again = {.resumed = true};
    struct handshake_report down = {.listener = &listener, .facts = &fresh, .reason = REASON_VALID};
    struct handshake_report up = {.upstream = &upstream, .facts = &again, .reason = REASON_VALID};
    o.on_handshake(o.ctx, &down);
    o.on_handshake(o.ctx, &up);
    up.facts = &fresh;
    o.on_handshake(o.ctx, &up);
    up.reason = REASON_EXPIRED;
    o.on_handshake(o.ctx, &up);
    ck_assert_uint_eq(row()->handshakes_ok, 1);
    ck_assert_uint_eq(row()->resumed, 0);
    ck_assert_uint_eq(up_row()->upstream_handshakes_ok, 2);
    ck_assert_uint_eq(up_row()->upstream_resumed, 1);
}
END_TEST

START_TEST(what_nobody_wants_to_read_is_not_written)
{
    log_setup(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT, sink, NULL, clock_of_log);
    struct report r = request();
    tell(&r);
    ck_assert_uint_eq(lines.len, 0);
    ck_assert_uint_eq(row()->requests, 1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("journal");
    tcase_add_checked_fixture(t, begin, end);
    tcase_add_test(t, connections_are_counted_while_they_last);
    tcase_add_test(t, a_request_is_counted_on_both_sides_and_logged_once);
    tcase_add_test(t, a_kept_connection_is_not_counted_as_a_new_one);
    tcase_add_test(t, a_refusal_is_counted_by_reason_remembered_and_explained);
    tcase_add_test(t, a_refusal_before_the_upstream_blames_the_client);
    tcase_add_loop_test(t, a_status_that_is_none_counts_nowhere, 0, 2);
    tcase_add_test(t, nothing_a_peer_says_forges_a_line);
    tcase_add_test(t, handshakes_are_counted_by_side);
    tcase_add_test(t, what_nobody_wants_to_read_is_not_written);
    suite_add_tcase(s, t);
    return s;
}
