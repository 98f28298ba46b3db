/* SPDX-License-Identifier: Apache-2.0 */
/* Frames without content, and what they do to what is sent. That they are read with any cut is in test_http2_read.c. */
#include "http2_frames.h"
#include "http2_talk.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct http2_talk t;

static void start(void)
{
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_talk_script(&t, HTTP2_START);
    http2_talk_sent(&t);
}

static void end(void)
{
    http2_talk_end(&t);
}

START_TEST(acknowledges_settings_and_pings)
{
    http2_talk_script(&t, "S 4=5\nP 12345678\nPA 12345678\nSA");
    ck_assert_str_eq(http2_talk_sent(&t), "SA\nPA 12345678\n");
    ck_assert_str_eq(http2_talk_said(&t), "");
}
END_TEST

START_TEST(hears_of_its_own_ping)
{
    http2_ping(t.h);
    http2_ping(t.h);
    const char *sent = http2_talk_sent(&t);
    ck_assert_str_eq(sent, "P mtlsd\n"); /* one at a time; the rest of the eight bytes is NUL */
    http2_talk_script(&t, "PA mtlsx%00%00%00\nPA mtlsd%00%00%00\nPA mtlsd%00%00%00");
    ck_assert_str_eq(http2_talk_said(&t), "PONG\n");
}
END_TEST

static const struct {
    const char *why, *script, *said;
} rows[] = {
    {"SETTINGS on a stream", "X4:1", "BAD 1 a frame whose stream does not fit its type\n"},
    {"SETTINGS of a broken length", "X4:0 12345", "BAD 6 a frame whose length does not fit its type\n"},
    {"an ACK with settings", "SA 1=1", "BAD 6 a frame whose length does not fit its type\n"},
    {"push neither allowed nor not", "S 2=2", "BAD 1 SETTINGS with a value for push that may not be\n"},
    {"extended CONNECT neither allowed nor not", "S 8=2", "BAD 1 SETTINGS with a value for extended CONNECT that may not be\n"},
    {"extended CONNECT taken back", "S 8=1\nS 8=0", "BAD 1 SETTINGS with a value for extended CONNECT that may not be\n"},
    {"PING on a stream", "X6:1 12345678", "BAD 1 a frame whose stream does not fit its type\n"},
    {"a short PING", "P 1234567", "BAD 6 a frame whose length does not fit its type\n"},
    {"a long PING", "P 123456789", "BAD 6 a frame whose length does not fit its type\n"},
    {"RST_STREAM without a stream", "R0 1", "BAD 1 a frame whose stream does not fit its type\n"},
    {"a short RST_STREAM", "X3:1 123", "BAD 6 a frame whose length does not fit its type\n"},
    {"a short WINDOW_UPDATE", "X8:0 123", "BAD 6 a frame whose length does not fit its type\n"},
    {"WINDOW_UPDATE by nothing", "W0 0", "BAD 1 WINDOW_UPDATE by nothing\n"},
    {"the connection's window too large", "W0 2147418113", "BAD 3 a window larger than there can be\n"},
    {"PRIORITY without a stream", "Y0 12345", "BAD 1 a frame whose stream does not fit its type\n"},
    {"a short PRIORITY", "Y1 1234", "BAD 6 a frame whose length does not fit its type\n"},
    {"GOAWAY on a stream", "X7:1 12345678", "BAD 1 a frame whose stream does not fit its type\n"},
    {"a short GOAWAY", "X7:0 1234567", "BAD 6 a frame whose length does not fit its type\n"},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

START_TEST(refuses_control_frames_that_break_the_rules) /* C5 */
{
    http2_talk_script(&t, rows[_i].script);
    const char *said = http2_talk_said(&t);
    ck_assert_msg(strcmp(said, rows[_i].said) == 0, "%s: %s", rows[_i].why, said);
    const char *goaway = strstr(http2_talk_sent(&t), "G 0 ");
    ck_assert_msg(goaway != NULL && goaway[4] == rows[_i].said[4], "%s: no GOAWAY with its code", rows[_i].why);
    ck_assert(http2_wants_close(t.h));
}
END_TEST

/* It was freed with the reset, and a fuzzer found it in the event. */
START_TEST(no_event_names_a_released_stream)
{
    static const char *const ends[] = {"R1 8", "W1 0"};
    struct bytes bytes;
    struct http2_event e = {0};
    http2_talk_script(&t, "S 4=0\nH1e " HTTP2_GET);
    ck_assert_int_eq(http2_talk_respond(&t, 1, "200", HTTP_CHUNKED, 0), 0);
    ck_assert_int_eq(http2_write(t.h, http2_talk_stream(&t, 1), span_from_str("a")), 0);
    ck_assert_int_eq(http2_write_end(t.h, http2_talk_stream(&t, 1), NULL, NULL), 0);
    http2_release(t.h, http2_talk_stream(&t, 1));
    http2_talk_sent(&t);
    bytes_init(&bytes, 100);
    http2_frames(&bytes, ends[_i]);
    struct span in = bytes_span(&bytes);
    ck_assert_int_eq(http2_next(t.h, &in, &e), HTTP2_NONE);
    ck_assert(e.stream == NULL && e.id == 0);
    ck_assert_uint_eq(http2_streams(t.h), 0);
    bytes_clear(&bytes);
}
END_TEST

/* RFC 9113 section 6.5.2, written down once more. */
static bool may_be(unsigned name, uint32_t value, bool from_client)
{
    switch (name) {
    case 2:
        return value == 0 || (value == 1 && from_client);
    case 4:
        return value <= 0x7fffffff;
    case 5:
        return value >= 16384 && value <= 16777215;
    case 8:
        return value <= 1;
    default:
        return true;
    }
}

START_TEST(takes_every_setting_of_every_value_that_may_be) /* C5 */
{
    static const uint32_t values[] = {0, 1, 2, 100, 4096, 16383, 16384, 65535, 65536, 16777215, 16777216, 0x7fffffff, 0x80000000, 0xffffffff};
    char line[64];
    for (unsigned name = 0; name < 12; name++) {
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            struct http2_talk p;
            http2_talk_start(&p, _i == 0 ? HTTP2_SERVER : HTTP2_CLIENT, NULL);
            snprintf(line, sizeof(line), "%sS %u=%u", _i == 0 ? "PRI\n" : "", name, values[i]);
            http2_talk_script(&p, line);
            ck_assert_msg(p.bad != may_be(name, values[i], _i == 0), "%s", line);
            http2_talk_end(&p);
        }
    }
}
END_TEST

START_TEST(a_client_has_two_warnings_of_a_shutdown)
{
    http2_talk_script(&t, "H1 :method=POST|:scheme=https|:authority=a|:path=/");
    http2_shutdown(t.h);
    http2_shutdown(t.h);
    ck_assert(strncmp(http2_talk_sent(&t), "G 2147483647 0\nP mtlsd", 22) == 0);
    http2_talk_script(&t, "H3e " HTTP2_GET); /* it was on its way */
    ck_assert_ptr_nonnull(http2_talk_stream(&t, 3));
    http2_talk_script(&t, "PA mtlsd%00%00%00");
    ck_assert_str_eq(http2_talk_sent(&t), "G 3 0\n");
    http2_talk_said(&t);
    http2_talk_script(&t, "H5 :method=POST|:scheme=https|:authority=a|:path=/\nD5e abc\nD1e x");
    ck_assert_str_eq(http2_talk_said(&t), "DATA1 x\nEND1\n");
    ck_assert(!http2_wants_close(t.h));
    for (uint32_t id = 1; id < 5; id += 2) {
        ck_assert_int_eq(http2_talk_respond(&t, id, "204", HTTP_NO_BODY, 0), 0);
        http2_release(t.h, http2_talk_stream(&t, id));
    }
    ck_assert_str_eq(http2_talk_sent(&t), "H1e :status=204\nH3e :status=204\n");
    ck_assert(http2_wants_close(t.h));
}
END_TEST

START_TEST(a_shutdown_waits_for_no_answer_when_it_is_told_so)
{
    http2_set_now(t.h, 1000);
    ck_assert_uint_eq(http2_shutdown_us(t.h), UINT64_MAX);
    http2_shutdown(t.h);
    ck_assert_uint_eq(http2_shutdown_us(t.h), 1000);
    http2_talk_script(&t, "H1e " HTTP2_GET); /* it was on its way */
    http2_talk_sent(&t);
    http2_shutdown_now(t.h);
    http2_shutdown_now(t.h);
    ck_assert_str_eq(http2_talk_sent(&t), "G 1 0\n");
    ck_assert_uint_eq(http2_shutdown_us(t.h), UINT64_MAX);
    http2_talk_script(&t, "PA mtlsd%00%00%00\nH3e " HTTP2_GET); /* it will be sent elsewhere */
    ck_assert_str_eq(http2_talk_sent(&t), "");
    ck_assert(!http2_wants_close(t.h));
    ck_assert_int_eq(http2_talk_respond(&t, 1, "204", HTTP_NO_BODY, 0), 0);
    ck_assert(http2_wants_close(t.h));
}
END_TEST

START_TEST(settings_have_to_be_acknowledged) /* RFC 9113 section 6.5.3 */
{
    end();
    http2_talk_start(&t, HTTP2_SERVER, NULL);
    http2_set_now(t.h, 1000);
    ck_assert_uint_eq(http2_unacknowledged_us(t.h), UINT64_MAX); /* the peer has not said anything */
    http2_talk_script(&t, "PRI\nS");
    http2_set_now(t.h, 2000);
    ck_assert_uint_eq(http2_unacknowledged_us(t.h), 1000);
    http2_talk_script(&t, "SA");
    ck_assert_uint_eq(http2_unacknowledged_us(t.h), UINT64_MAX);
    end();
    http2_talk_start(&t, HTTP2_CLIENT, NULL);
    http2_set_now(t.h, 1000);
    http2_talk_script(&t, "S");
    ck_assert_uint_eq(http2_unacknowledged_us(t.h), 1000);
    http2_talk_sent(&t);
    http2_settings_late(t.h);
    ck_assert_str_eq(http2_talk_sent(&t), "G 0 4 the peer did not acknowledge SETTINGS in time\n");
    ck_assert_uint_eq(http2_unacknowledged_us(t.h), UINT64_MAX);
    ck_assert(http2_wants_close(t.h));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_control");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, start, end);
    tcase_add_test(c, acknowledges_settings_and_pings);
    tcase_add_test(c, hears_of_its_own_ping);
    tcase_add_loop_test(c, refuses_control_frames_that_break_the_rules, 0, N_ROWS);
    tcase_add_loop_test(c, no_event_names_a_released_stream, 0, 2);
    tcase_add_loop_test(c, takes_every_setting_of_every_value_that_may_be, 0, 2);
    tcase_add_test(c, a_client_has_two_warnings_of_a_shutdown);
    tcase_add_test(c, a_shutdown_waits_for_no_answer_when_it_is_told_so);
    tcase_add_test(c, settings_have_to_be_acknowledged);
    suite_add_tcase(s, c);
    return s;
}
