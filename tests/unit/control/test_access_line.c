/* SPDX-License-Identifier: Apache-2.0 */
#include "access_line.h"
#include "t.h"

#include <string.h>

static const struct tls_peer peer = {.subject = "CN=billing,O=Partner Ltd"};
static const struct tls_verdict good = {.status = REASON_VALID}, bad = {.status = REASON_EXPIRED};
static const struct tls_facts proven = {.version = "TLS1.3", .suite = "TLS_AES_128_GCM_SHA256", .verdict = &good, .peer = &peer};
static const struct tls_facts expired = {.version = "TLS1.2", .suite = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", .verdict = &bad, .peer = &peer};
static struct config_listener conf;
static struct plan_listener listener = {.conf = &conf};
static char line[ACCESS_LINE_MAX + 1];

enum { NOON = 1767268800 }; /* 2026-01-01T12:00:00Z */

static struct report make_report(void)
{
    conf = (struct config_listener){.name = "public", .protocol = CONFIG_PROTOCOL_HTTP};
    return (struct report){.kind = REPORT_REQUEST,
                           .listener = &listener,
                           .client = "192.0.2.7",
                           .request.method = span_from_str("GET"),
                           .request.uri = span_from_str("/a?b=c"),
                           .request.referer = span_from_str("https://example.org/"),
                           .request.user_agent = span_from_str("curl/7.88"),
                           .request.minor = 1,
                           .request.status = 200,
                           .reason = REASON_VALID,
                           .down = &proven,
                           .bytes_out = 5120};
}

static const char *written(enum log_format format, const struct report *r)
{
    struct bytes out;
    bytes_init(&out, ACCESS_LINE_MAX);
    ck_assert_int_eq(access_line_write(&out, format, r, NOON), 0);
    memcpy(line, bytes_span(&out).ptr, out.len);
    line[out.len] = '\0';
    bytes_clear(&out);
    return line;
}

START_TEST(writes_the_combined_line_of_a_request)
{
    struct report r = make_report();
    ck_assert_str_eq(written(LOG_FORMAT_COMBINED, &r), "192.0.2.7 - CN=billing,O=Partner\\x20Ltd [01/Jan/2026:12:00:00 +0000] "
                                                       "\"GET /a?b=c HTTP/1.1\" 200 5120 \"https://example.org/\" \"curl/7.88\"\n");
}
END_TEST

/* The first name that there is; one that is only a part of a subject is told where there is no other. */
START_TEST(names_a_user_without_a_subject_by_another_name)
{
    static const struct tls_name names[] = {{TLS_NAME_EMAIL, {(const uint8_t *)"a@b.example", 11}}, {TLS_NAME_URI, {(const uint8_t *)"spiffe://x/a b", 14}}};
    struct tls_peer nameless = {.subject = "(no name)", .subject_cut = true, .names = names, .n_names = 2};
    struct tls_facts facts = proven;
    struct report r = make_report();
    facts.peer = &nameless;
    r.down = &facts;
    ck_assert_ptr_nonnull(strstr(written(LOG_FORMAT_COMBINED, &r), " - spiffe://x/a\\x20b ["));
    nameless.n_names = 1;
    ck_assert_ptr_nonnull(strstr(written(LOG_FORMAT_COMBINED, &r), " - a@b.example ["));
    nameless.n_names = 0;
    ck_assert_ptr_nonnull(strstr(written(LOG_FORMAT_COMBINED, &r), " - (no\\x20name) ["));
}
END_TEST

START_TEST(writes_the_line_of_an_ssl_request_log)
{
    struct report r = make_report();
    ck_assert_str_eq(written(LOG_FORMAT_SSL_REQUEST, &r),
                     "[01/Jan/2026:12:00:00 +0000] 192.0.2.7 TLSv1.3 TLS_AES_128_GCM_SHA256 \"GET /a?b=c HTTP/1.1\" 5120\n");
}
END_TEST

START_TEST(says_dash_for_what_is_not_there)
{
    struct report r = make_report();
    r.kind = REPORT_CONNECTION;
    r.request.method = r.request.uri = r.request.referer = r.request.user_agent = span_of(NULL, 0);
    r.request.status = 0;
    r.down = NULL;
    r.bytes_out = 0;
    ck_assert_str_eq(written(LOG_FORMAT_COMBINED, &r), "192.0.2.7 - - [01/Jan/2026:12:00:00 +0000] \"-\" - - \"-\" \"-\"\n");
    ck_assert_str_eq(written(LOG_FORMAT_SSL_REQUEST, &r), "[01/Jan/2026:12:00:00 +0000] 192.0.2.7 - - \"-\" -\n");
}
END_TEST

/* The user field is read as "who was let in": a name from a certificate that did not hold is not one. */
START_TEST(names_no_user_who_was_not_proven)
{
    struct report r = make_report();
    r.down = &expired;
    ck_assert_ptr_nonnull(strstr(written(LOG_FORMAT_COMBINED, &r), "192.0.2.7 - - ["));
    ck_assert_ptr_nonnull(strstr(written(LOG_FORMAT_SSL_REQUEST, &r), " TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 "));
}
END_TEST

static const struct {
    const char *why;
    const char *bytes;
    size_t len;
} evil[] = {
    {"another line", "x\r\n192.0.2.9 - root [", 20},
    {"the end of a quote", "x\" 200 0 \"", 10},
    {"a backslash before our quote", "x\\", 2},
    {"a terminal's commands", "\x1b[2J\x9b", 5},
    {"bytes that are not UTF-8", "\xff\xfe\x80", 3},
    {"a line end of Unicode", "\xe2\x80\xa8\xc2\x85", 5},
    {"a NUL", "a\0b", 3},
    {"words", "a b c", 5},
    {"DEL", "\x7f", 1},
};

/* Takes the line apart as a reader of such logs does: words, [time], "quoted with backslashes"; gives the number of fields. */
static size_t fields_of(const char *text)
{
    size_t n = 0;
    const char *p = text;
    while (*p != '\n') {
        char end = *p == '"' ? '"' : *p == '[' ? ']' : ' ';
        p += end != ' ';
        for (; *p != end && *p != '\n'; p++) {
            ck_assert_msg(*p >= 0x20 && *p < 0x7f, "%s", text);
            if (*p == '\\' && end == '"')
                p++;
        }
        n++;
        p += end != ' ';
        ck_assert_msg(*p == ' ' || *p == '\n', "after a field: %s", p);
        p += *p == ' ';
    }
    ck_assert_msg(p[1] == '\0', "more than a line: %s", text);
    return n;
}

/* C8: whatever stands in whatever field, it is one line, printable, with the fields a reader expects. */
START_TEST(no_byte_of_a_peer_ends_a_line_or_a_field)
{
    for (int field = 0; field < 5; field++) {
        struct report r = make_report();
        struct span value = span_of(evil[_i].bytes, evil[_i].len);
        char subject[64] = {0};
        memcpy(subject, value.ptr, value.len);
        struct tls_peer hostile = {.subject = subject};
        struct tls_facts facts = proven;
        facts.peer = &hostile;
        struct span *const spans[] = {&r.request.method, &r.request.uri, &r.request.referer, &r.request.user_agent};
        if (field < 4)
            *spans[field] = value;
        else
            r.down = &facts;
        ck_assert_msg(fields_of(written(LOG_FORMAT_COMBINED, &r)) == 9, "%s: %s", evil[_i].why, line);
        ck_assert_msg(fields_of(written(LOG_FORMAT_SSL_REQUEST, &r)) == 6, "%s: %s", evil[_i].why, line);
    }
}
END_TEST

/* C8: a target of 64 KiB costs no more than its bound, and the line still has its end. */
START_TEST(bounds_what_a_peer_can_make_us_write)
{
    static char big[64 * 1024];
    memset(big, '\n', sizeof(big) - 1);
    struct tls_peer hostile = {.subject = big};
    struct tls_facts facts = proven;
    facts.peer = &hostile;
    struct report r = make_report();
    r.request.method = r.request.uri = r.request.referer = r.request.user_agent = span_from_str(big);
    r.down = &facts;
    ck_assert_uint_eq(fields_of(written(LOG_FORMAT_COMBINED, &r)), 9);
    ck_assert_uint_lt(strlen(line), 21 * 1024);
    ck_assert_ptr_nonnull(strstr(line, "\\x0a..."));
}
END_TEST

START_TEST(gives_requests_and_tcp_connections_a_line_and_nothing_else)
{
    struct report r = make_report();
    ck_assert(access_line_is_due(&r));
    r.kind = REPORT_CONNECTION; /* a handshake that failed, before any request */
    ck_assert(!access_line_is_due(&r));
    conf.protocol = CONFIG_PROTOCOL_TCP;
    ck_assert(access_line_is_due(&r));
}
END_TEST

START_TEST(says_so_when_there_is_no_room)
{
    struct report r = make_report();
    for (size_t room = 0; room < 100; room++) {
        struct bytes out;
        bytes_init(&out, room);
        ck_assert_int_eq(access_line_write(&out, LOG_FORMAT_COMBINED, &r, NOON), -1);
        bytes_clear(&out);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("access_line");
    TCase *t = tcase_create("access_line");
    tcase_add_test(t, writes_the_combined_line_of_a_request);
    tcase_add_test(t, writes_the_line_of_an_ssl_request_log);
    tcase_add_test(t, names_a_user_without_a_subject_by_another_name);
    tcase_add_test(t, says_dash_for_what_is_not_there);
    tcase_add_test(t, names_no_user_who_was_not_proven);
    tcase_add_loop_test(t, no_byte_of_a_peer_ends_a_line_or_a_field, 0, sizeof(evil) / sizeof(evil[0]));
    tcase_add_test(t, bounds_what_a_peer_can_make_us_write);
    tcase_add_test(t, gives_requests_and_tcp_connections_a_line_and_nothing_else);
    tcase_add_test(t, says_so_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
