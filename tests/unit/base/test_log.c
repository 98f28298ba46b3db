/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/log.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static char last[32768];
static size_t lines;
static enum log_level last_level;
static enum log_kind last_kind;

static void catch_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    ck_assert_ptr_eq(ctx, &lines);
    ck_assert_uint_lt(line.len, sizeof(last));
    memcpy(last, line.ptr, line.len);
    last[line.len] = '\0';
    last_level = level;
    last_kind = kind;
    lines++;
}

static double noon(void)
{
    return 1767268800.0625;
}

static void start(enum log_level level, enum log_format format)
{
    lines = 0;
    last[0] = '\0';
    log_setup(level, format, catch_line, &lines, noon);
}

static void say_refused(void)
{
    struct log_line l;
    log_begin(&l, LOG_LEVEL_WARN, "refused", "certificate expired");
    log_str(&l, "listener", "public");
    log_str(&l, "cn", "Jane Doe");
    log_str(&l, "empty", "");
    log_str(&l, "nothing", NULL);
    log_uint(&l, "bytes", 12345678901234ULL);
    log_ms(&l, "handshake_ms", 1502);
    log_end(&l);
}

START_TEST(writes_a_text_line_field_by_field)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    say_refused();
    ck_assert_str_eq(
        last,
        "2026-01-01T12:00:00.062Z warn  refused \"certificate expired\" listener=public cn=\"Jane Doe\" "
        "bytes=12345678901234 handshake_ms=1.502\n");
    ck_assert_int_eq(last_level, LOG_LEVEL_WARN);
}
END_TEST

START_TEST(writes_the_same_line_as_json)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    say_refused();
    ck_assert_str_eq(
        last,
        "{\"time\":\"2026-01-01T12:00:00.062Z\",\"level\":\"warn\",\"event\":\"refused\",\"message\":"
        "\"certificate expired\","
        "\"listener\":\"public\",\"cn\":\"Jane Doe\",\"bytes\":12345678901234,\"handshake_ms\":1.502}\n");
}
END_TEST

/* C8: one event is one line whatever a peer calls itself. */
START_TEST(a_value_cannot_forge_a_line_or_a_field)
{
    static const char *const evil[] = {"x\n2026-01-01T12:00:00Z info request ok",
                                       "x reason=valid",
                                       "x\" reason=\"valid",
                                       "reason=valid",
                                       "\x1b[31m",
                                       "\xc2\x85"};
    for (int format = LOG_FORMAT_TEXT; format <= LOG_FORMAT_JSON; format++) {
        for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
            start(LOG_LEVEL_INFO, (enum log_format)format);
            struct log_line l;
            log_begin(&l, LOG_LEVEL_INFO, "request", evil[i]);
            log_str(&l, "cn", evil[i]);
            log_end(&l);
            ck_assert_uint_eq(lines, 1);
            ck_assert_ptr_eq(strchr(last, '\n'), last + strlen(last) - 1);
            ck_assert_msg(strstr(last, " reason=\"valid\"") == NULL && strstr(last, "cn=reason=") == NULL,
                          "%s", last);
            for (const char *p = last; p[1] != '\0'; p++)
                ck_assert_msg(*p >= 0x20 && *p < 0x7f, "%s", last);
        }
    }
}
END_TEST

START_TEST(leaves_out_what_nobody_asked_for)
{
    start(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    ck_assert(log_wants(LOG_LEVEL_ERROR) && log_wants(LOG_LEVEL_WARN));
    ck_assert(!log_wants(LOG_LEVEL_INFO) && !log_wants(LOG_LEVEL_DEBUG));
    log_say(LOG_LEVEL_INFO, "request", "not seen");
    struct log_line l;
    log_begin(&l, LOG_LEVEL_DEBUG, "request", NULL);
    log_str(&l, "key", "value");
    ck_assert_ptr_null(l.form[0].data);
    log_end(&l);
    ck_assert_uint_eq(lines, 0);
}
END_TEST

static struct log_other told;
static unsigned times_told;
static char told_line[256];

static void tell(const struct log_other *about, struct span line)
{
    told = *about;
    times_told++;
    snprintf(told_line, sizeof(told_line), "%.*s", (int)line.len, (const char *)line.ptr);
}

START_TEST(other_logs_get_lines_in_their_form)
{
    const struct log_other others[] = {{LOG_EVENTS, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON}, {LOG_REQUESTS, LOG_LEVEL_ERROR, LOG_FORMAT_TEXT}};
    start(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    times_told = 0;
    log_also(others, 2, tell);
    ck_assert(log_wants(LOG_LEVEL_DEBUG));
    log_say(LOG_LEVEL_DEBUG, "start", "%s", "");
    ck_assert(lines == 0 && times_told == 1 && told.what == LOG_EVENTS && told_line[0] == '{');
    say_refused();
    ck_assert(lines == 1 && last[0] == '2' && times_told == 2 && told_line[0] == '{');
    ck_assert_ptr_nonnull(strstr(told_line, "\"handshake_ms\":1.502}"));
    struct log_line l;
    log_begin_as(&l, LOG_REQUESTS, LOG_LEVEL_INFO, "request", NULL);
    log_end(&l);
    ck_assert(lines == 1 && times_told == 3 && told.format == LOG_FORMAT_TEXT);
    log_begin_as(&l, LOG_REQUESTS | LOG_REFUSALS, LOG_LEVEL_WARN, "request", NULL);
    log_end(&l);
    ck_assert(lines == 2 && times_told == 4 && told.what == (LOG_REQUESTS | LOG_REFUSALS));
    log_also(NULL, 0, tell);
    say_refused();
    ck_assert(lines == 3 && times_told == 4 && !log_wants(LOG_LEVEL_DEBUG));
}
END_TEST

START_TEST(the_main_log_takes_what_it_is_told_to)
{
    struct log_line l;
    start(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_take(LOG_EVENTS);
    log_begin_as(&l, LOG_REQUESTS | LOG_REFUSALS, LOG_LEVEL_WARN, "request", NULL);
    ck_assert(!l.wanted);
    log_end(&l);
    log_access(LOG_FORMAT_TEXT, span_from_str("x\n"));
    ck_assert_uint_eq(lines, 0);
    log_say(LOG_LEVEL_INFO, "start", "seen");
    ck_assert_uint_eq(lines, 1);
    log_take(LOG_ALL);
    log_begin_as(&l, LOG_REQUESTS | LOG_NOT_IN_MAIN, LOG_LEVEL_INFO, "request", NULL);
    log_end(&l);
    ck_assert_uint_eq(lines, 1);
}
END_TEST

START_TEST(leaves_out_a_message_that_is_empty)
{
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_JSON};
    for (size_t i = 0; i < 2; i++) {
        start(LOG_LEVEL_INFO, formats[i]);
        log_say(LOG_LEVEL_INFO, "request", "%s", "");
        ck_assert_uint_eq(lines, 1);
        ck_assert_msg(strstr(last, "\"\"") == NULL && strstr(last, "message") == NULL, "%s", last);
    }
}
END_TEST

START_TEST(says_nothing_before_it_is_set_up)
{
    log_setup(LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT, NULL, NULL, NULL);
    ck_assert(!log_wants(LOG_LEVEL_ERROR));
    log_say(LOG_LEVEL_ERROR, "start", "nowhere to go");
}
END_TEST

START_TEST(a_long_value_is_cut_and_says_so)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    static char big[40000];
    memset(big, 'a', sizeof(big) - 1);
    struct log_line l;
    log_begin(&l, LOG_LEVEL_INFO, "request", NULL);
    log_str(&l, "subject", big);
    log_end(&l);
    ck_assert_uint_lt(strlen(last), 2200);
    ck_assert_ptr_nonnull(strstr(last, "aaa...\"\n"));
}
END_TEST

START_TEST(a_full_line_drops_whole_fields_and_still_ends_well)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    static char big[2048];
    memset(big, '\n', sizeof(big) - 1); /* six bytes each once escaped */
    struct log_line l;
    log_begin(&l, LOG_LEVEL_INFO, "request", NULL);
    for (int i = 0; i < 20; i++)
        log_str(&l, "subject", big);
    log_uint(&l, "code", 502);
    log_end(&l);
    ck_assert_uint_eq(lines, 1);
    ck_assert_uint_le(strlen(last), 16384);
    ck_assert_ptr_nonnull(strstr(last, "\\u000a\",\"code\":502}\n"));
}
END_TEST

/* An access is marked as one where it is a line like any other, and becomes an event beside the access log where that has a form of its own. */
START_TEST(marks_accesses_and_events)
{
    static const struct {
        enum log_format format;
        enum log_kind marked;
        char first; /* of the line */
    } rows[] = {{LOG_FORMAT_TEXT, LOG_ACCESS, '2'},
                {LOG_FORMAT_JSON, LOG_ACCESS, '{'},
                {LOG_FORMAT_COMBINED, LOG_EVENT, '2'},
                {LOG_FORMAT_SSL_REQUEST, LOG_EVENT, '2'}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(LOG_LEVEL_INFO, rows[i].format);
        ck_assert_int_eq(log_format_now(), rows[i].format);
        struct log_line l;
        log_begin_as(&l, LOG_REQUESTS, LOG_LEVEL_INFO, "request", NULL);
        log_end(&l);
        ck_assert_int_eq(last_kind, rows[i].marked);
        ck_assert_int_eq(last[0], rows[i].first);
        log_say(LOG_LEVEL_INFO, "reload", "done");
        ck_assert_int_eq(last_kind, LOG_EVENT);
        ck_assert_int_eq(log_parts_accesses(rows[i].format), rows[i].marked == LOG_EVENT);
    }
}
END_TEST

START_TEST(passes_an_access_line_on_whatever_the_level)
{
    start(LOG_LEVEL_ERROR, LOG_FORMAT_COMBINED);
    log_access(LOG_FORMAT_COMBINED, span_from_str("127.0.0.1 - -\n"));
    ck_assert_str_eq(last, "127.0.0.1 - -\n");
    ck_assert_int_eq(last_kind, LOG_ACCESS);
}
END_TEST

START_TEST(changes_level_and_format_while_it_runs)
{
    start(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    log_say(LOG_LEVEL_INFO, "start", "not seen");
    ck_assert_uint_eq(lines, 0);
    log_change(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    log_say(LOG_LEVEL_INFO, "start", "seen");
    ck_assert_uint_eq(lines, 1);
    ck_assert_int_eq(last[0], '{');
}
END_TEST

/* A line that began in one format ends in it. */
START_TEST(a_line_keeps_its_format)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    struct log_line l;
    log_begin(&l, LOG_LEVEL_INFO, "start", NULL);
    log_change(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_str(&l, "a", "b");
    log_end(&l);
    ck_assert_ptr_nonnull(strstr(last, "\"start\",\"a\":\"b\"}\n"));
}
END_TEST

START_TEST(log_say_formats_and_cuts)
{
    start(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_say(LOG_LEVEL_ERROR, "start", "port %d is in use", 8443);
    ck_assert_str_eq(last, "2026-01-01T12:00:00.062Z error start \"port 8443 is in use\"\n");
    static char big[5000];
    memset(big, 'a', sizeof(big) - 1);
    log_say(LOG_LEVEL_ERROR, "start", "%s", big);
    ck_assert_uint_eq(lines, 2);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("log");
    TCase *t = tcase_create("log");
    tcase_add_test(t, writes_a_text_line_field_by_field);
    tcase_add_test(t, writes_the_same_line_as_json);
    tcase_add_test(t, a_value_cannot_forge_a_line_or_a_field);
    tcase_add_test(t, leaves_out_what_nobody_asked_for);
    tcase_add_test(t, other_logs_get_lines_in_their_form);
    tcase_add_test(t, the_main_log_takes_what_it_is_told_to);
    tcase_add_test(t, leaves_out_a_message_that_is_empty);
    tcase_add_test(t, says_nothing_before_it_is_set_up);
    tcase_add_test(t, a_long_value_is_cut_and_says_so);
    tcase_add_test(t, a_full_line_drops_whole_fields_and_still_ends_well);
    tcase_add_test(t, marks_accesses_and_events);
    tcase_add_test(t, passes_an_access_line_on_whatever_the_level);
    tcase_add_test(t, changes_level_and_format_while_it_runs);
    tcase_add_test(t, a_line_keeps_its_format);
    tcase_add_test(t, log_say_formats_and_cuts);
    suite_add_tcase(s, t);
    return s;
}
