/* SPDX-License-Identifier: Apache-2.0 */
#include "access_pattern.h"
#include "t.h"

#include "mtlsd/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NOON = 1767268800 }; /* 2026-01-01T12:00:00Z */

static const struct tls_name names[] = {{TLS_NAME_CN, {(const uint8_t *)"bill ing", 8}}};
static const struct tls_peer peer = {.subject = "CN=bill ing", .issuer = "CN=CA", .serial = "01ab", .sha256 = "beef", .names = names, .n_names = 1};
static const struct tls_verdict good = {.status = REASON_VALID};
static const struct tls_facts proven = {.version = "TLS1.3", .suite = "TLS_AES_128_GCM_SHA256", .asks = true, .verdict = &good, .peer = &peer};
static struct config_listener listener_conf = {.name = "public"};
static struct config_target target_conf = {.text = "10.0.0.1:80"};
static struct config_upstream upstream_conf = {.name = "app"};
static struct config_route route_conf = {.where = (char *)(uintptr_t)"x.conf:7"};
static struct plan_upstream upstream = {.conf = &upstream_conf};
static struct plan_target target = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.conf = &route_conf, .upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};

static struct report make_report(void)
{
    return (struct report){.kind = REPORT_REQUEST, .listener = &listener, .target = &target, .route = &route, .client = "192.0.2.7", .from = {4711, "198.51.100.1", "a.example"},
                          
                           .request = {.method = span_from_str("GET"), .uri = span_from_str("/a?b=c"), .referer = span_from_str("https://r/"),
                                       .user_agent = span_from_str("curl 8"), .host = span_from_str("h.example"), .traceparent = span_from_str("00-1"),
                                       .minor = 1, .id = "abc", .status = 200},
                           .reason = REASON_VALID, .down = &proven, .bytes_in = 3, .bytes_out = 5120, .took = {.total_us = 12045}};
}

static const char *written(const char *pattern, const struct report *r)
{
    static char text[64 * 1024];
    struct bytes out;
    struct err err = {0};
    struct template *t = template_new(span_from_str(pattern), TEMPLATE_OF_LOG, &err);
    ck_assert_msg(t != NULL, "%s", err.text);
    bytes_init(&out, sizeof(text));
    ck_assert_int_eq(access_pattern_write(&out, t, r, NOON), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    bytes_clear(&out);
    free(t);
    return text;
}

static const char *const rows[][2] = {
    {"{time} [{time.clf}]", "2026-01-01T12:00:00Z [01/Jan/2026:12:00:00\\x20+0000]\n"},
    {"\"{time.clf}\"", "\"01/Jan/2026:12:00:00 +0000\"\n"},
    {"{client.address}:{client.port} {client.forwarded}", "192.0.2.7:4711 198.51.100.1\n"},
    {"\"{request.method} {request.uri} {request.protocol}\" {status} {bytes.in} {bytes.out} {duration}", "\"GET /a?b=c HTTP/1.1\" 200 3 5120 12.045\n"},
    {"{request.path} {request.host} {request.id} {request.traceparent}", "/a h.example abc 00-1\n"},
    {"\"{request.referer}\" \"{request.user_agent}\" {request.user_agent}", "\"https://r/\" \"curl 8\" curl\\x208\n"},
    {"{listener} {route} {upstream} {target} {reason}", "public x.conf:7 app 10.0.0.1:80 valid\n"},
    {"{tls.version} {tls.cipher} {tls.sni} {tls.resumed}", "TLSv1.3 TLS_AES_128_GCM_SHA256 a.example false\n"},
    {"{cert.status} {cert.cn} \"{cert.subject}\" {cert.issuer} {cert.serial} {cert.sha256}", "valid bill\\x20ing \"CN=bill ing\" CN=CA 01ab beef\n"},
    {"{{{status}}}", "{200}\n"},
};

START_TEST(a_line_has_what_the_pattern_asks_for)
{
    struct report r = make_report();
    ck_assert_str_eq(written(rows[_i][0], &r), rows[_i][1]);
}
END_TEST

START_TEST(a_tcp_connection_has_no_request)
{
    const struct report r = {.kind = REPORT_CONNECTION, .listener = &listener, .client = "unix", .reason = REASON_CONNECT_REFUSED};
    ck_assert_str_eq(written("{client.address} {client.port} {request.method} \"{request.uri}\" {request.protocol} {status} {reason} {upstream} {cert.cn} {tls.version}", &r),
                     "unix - - \"-\" - - connect_refused - - -\n");
}
END_TEST

/* C8: every variable at once, with the worst bytes, is one line that ends where the pattern does. */
START_TEST(no_value_ends_the_line)
{
    static char bad[64 * 1024 + 1];
    static const char bytes[] = "\"\\\r\n\x1b\x7f\xff \t{status}%";
    struct report r = make_report();
    for (size_t i = 0; i < sizeof(bad) - 1; i++)
        bad[i] = bytes[i % (sizeof(bytes) - 1)];
    r.request.uri = r.request.referer = r.request.user_agent = r.request.method = span_from_str(bad);
    const char *line = written("{request.uri} \"{request.uri}\" {request.method} \"{request.referer}\" {request.user_agent} END", &r);
    size_t n = strlen(line);
    ck_assert_uint_lt(n, 5 * 6 * 1024 + 100);
    ck_assert_str_eq(line + n - 5, " END\n");
    ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
    for (size_t i = 0; i + 1 < n; i++)
        ck_assert_msg(line[i] >= ' ' && line[i] <= '~', "byte %zu is %02x", i, (unsigned)line[i] & 0xff);
}
END_TEST

START_TEST(only_what_a_log_needs_is_kept_of_requests)
{
    struct config_log log = {.format = {.word = LOG_FORMAT_COMBINED}};
    struct config config = {.log_format = {.word = LOG_FORMAT_TEXT}};
    ck_assert_uint_eq(access_pattern_wants(&config), 0);
    config.log_format.word = LOG_FORMAT_JSON;
    ck_assert_uint_eq(access_pattern_wants(&config), OBSERVER_TRACE);
    config.logs = &log;
    config.n_logs = 1;
    ck_assert_uint_eq(access_pattern_wants(&config), OBSERVER_TRACE | OBSERVER_AGENTS);
    log.format = (struct config_format){.word = LOG_FORMAT_PATTERN, .uses = UINT64_C(1) << VARIABLE_STATUS};
    config.log_format.word = LOG_FORMAT_SSL_REQUEST;
    ck_assert_uint_eq(access_pattern_wants(&config), 0);
    log.format.uses = UINT64_C(1) << VARIABLE_TLS_SNI | UINT64_C(1) << VARIABLE_REQUEST_ID | UINT64_C(1) << VARIABLE_REQUEST_HOST;
    ck_assert_uint_eq(access_pattern_wants(&config), OBSERVER_NAME | OBSERVER_ID | OBSERVER_HOST);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("access_pattern");
    TCase *t = tcase_create("access_pattern");
    tcase_add_loop_test(t, a_line_has_what_the_pattern_asks_for, 0, sizeof(rows) / sizeof(rows[0]));
    tcase_add_test(t, a_tcp_connection_has_no_request);
    tcase_add_test(t, no_value_ends_the_line);
    tcase_add_test(t, only_what_a_log_needs_is_kept_of_requests);
    suite_add_tcase(s, t);
    return s;
}
