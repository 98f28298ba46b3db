/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C3 (Host) and C9 (targets): which request heads are refused. */
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http1.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

/* Reads the raw request and asks the guard. */
static enum reason judge(const char *raw, struct err *err)
{
    struct http1 *p = http1_new(true, 65536, 100);
    struct span in = span_from_str(raw), data;
    err_clear(err);
    enum http1_event e = http1_next(p, &in, &data);
    ck_assert_msg(e == HTTP1_HEAD, "%s: %s", raw, http1_detail(p));
    enum reason reason = http_guard_request(http1_head(p), err);
    http1_free(p);
    return reason;
}

struct target {
    const char *why, *target;
    bool passes;
};

static const struct target targets[] = {
    {"root", "/", true},
    {"path and query", "/a/b?c=d&e", true},
    {"every plain mark", "/-._~!$&'()*+,;=:@?/", true},
    {"dot segments: what they mean is the rules' matter", "/a/../b/./c", true},
    {"encoded slash: likewise", "/a%2Fb", true},
    {"backslash: likewise", "/a\\b", true},
    {"empty segment: likewise", "//a//b", true},
    {"encoded space", "/a%20b", true},
    {"lower-case hex", "/%c3%a4", true},
    {"a second question mark", "/?a?b", true},
    {"fragment", "/a#b", false},
    {"fragment in the query", "/a?b#c", false},
    {"only a fragment", "/#", false},
    {"fragment that hides a suffix", "/static/x.png#/../admin", false},
    {"encoded NUL", "/a%00b", false},
    {"encoded NUL in the query", "/a?b=%00", false},
    {"percent at the end", "/a%", false},
    {"percent and one digit at the end", "/a%4", false},
    {"percent and no digits", "/%zz", false},
    {"percent and one digit", "/%4z", false},
    {"percent of a percent is fine", "/%25", true},
    {"double percent", "/%%41", false},
    {"unicode escape", "/%u0041", false},
    {"absolute form", "http://h/", false},
    {"absolute form, https", "https://h/", false},
    {"absolute form, other scheme", "ftp://h/", false},
    {"absolute form that names another host", "http://other/admin", false},
    {"asterisk with GET", "*", false},
    {"no slash in front", "admin", false},
    {"authority form with GET", "h:443", false},
    {"query only", "?a", false},
    {"double dot only", "..", false},
};

START_TEST(C9_passes_or_refuses_targets)
{
    const struct target *t = &targets[_i];
    char raw[256];
    snprintf(raw, sizeof(raw), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", t->target);
    struct http1 *p = http1_new(true, 65536, 100);
    struct span in = span_from_str(raw), data;
    bool read = http1_next(p, &in, &data) == HTTP1_HEAD;
    enum reason reason = read ? http_guard_request(http1_head(p), NULL) : http1_reason(p);
    ck_assert_msg(reason == (t->passes ? REASON_VALID : REASON_REQUEST_MALFORMED), "%s: %d", t->why,
                  (int)reason);
    http1_free(p);
}
END_TEST

/* The parser refuses these bytes already; the guard does not lean on it. */
START_TEST(C9_refuses_bytes_that_are_not_printable_ASCII)
{
    for (int c = 0; c < 256; c++) {
        char target[] = {'/', (char)c, 'x'};
        struct http_field host = {span_from_str("Host"), span_from_str("h")};
        struct http_head h = {.request = true,
                              .minor = 1,
                              .method = span_from_str("GET"),
                              .target = span_of(target, sizeof(target)),
                              .fields = &host,
                              .n_fields = 1};
        bool passes = c > 0x20 && c < 0x7f && c != '#' && c != '%';
        enum reason reason = http_guard_request(&h, NULL);
        ck_assert_msg((reason == REASON_VALID) == passes, "byte %02x: %d", (unsigned)c, (int)reason);
    }
}
END_TEST

static const struct {
    const char *why, *raw;
    enum reason reason;
} heads[] = {
    {"one Host", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_VALID},
    {"Host with port", "GET / HTTP/1.1\r\nHost: h.example:8443\r\n\r\n", REASON_VALID},
    {"IPv4 address", "GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n", REASON_VALID},
    {"IPv6 address", "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", REASON_VALID},
    {"IPv6 address without port", "GET / HTTP/1.1\r\nHost: [fe80::1.2.3.4]\r\n\r\n", REASON_VALID},
    {"underscore in the name", "GET / HTTP/1.1\r\nHost: a_b\r\n\r\n", REASON_VALID},
    {"empty port", "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", REASON_VALID},
    {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", REASON_VALID},
    {"HTTP/1.0 with Host", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", REASON_VALID},
    {"OPTIONS of everything", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", REASON_VALID},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"two Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"two equal Hosts", "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"two Hosts in different case", "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nhOST: h\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"two Hosts in HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"two Hosts joined by a comma", "GET / HTTP/1.1\r\nHost: h, i\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"port only", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"port with letters", "GET / HTTP/1.1\r\nHost: h:80a\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"port of six digits", "GET / HTTP/1.1\r\nHost: h:123456\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"two ports", "GET / HTTP/1.1\r\nHost: h:80:81\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"user before the host", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"path behind the host", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"query behind the host", "GET / HTTP/1.1\r\nHost: h?x\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"fragment behind the host", "GET / HTTP/1.1\r\nHost: h#x\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"space in the host", "GET / HTTP/1.1\r\nHost: h i\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"quote in the host", "GET / HTTP/1.1\r\nHost: \"h\"\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"backslash in the host", "GET / HTTP/1.1\r\nHost: h\\i\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"bytes above ASCII in the host", "GET / HTTP/1.1\r\nHost: h\303\244\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"empty brackets", "GET / HTTP/1.1\r\nHost: []\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"name behind the brackets", "GET / HTTP/1.1\r\nHost: [::1]h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"zone in the brackets", "GET / HTTP/1.1\r\nHost: [fe80::1%eth0]\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", REASON_METHOD_UNKNOWN},
    {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_METHOD_UNKNOWN},
    {"CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_METHOD_UNKNOWN},
};

START_TEST(C3_holds_requests_to_one_proper_Host)
{
    struct err err;
    enum reason reason = judge(heads[_i].raw, &err);
    ck_assert_msg(reason == heads[_i].reason, "%s: %d", heads[_i].why, (int)reason);
    ck_assert_msg((err.text[0] != '\0') == (reason != REASON_VALID), "%s: '%s'", heads[_i].why, err.text);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_guard");
    TCase *tc = tcase_create("requests");
    tcase_add_loop_test(tc, C9_passes_or_refuses_targets, 0, (int)(sizeof(targets) / sizeof(targets[0])));
    tcase_add_test(tc, C9_refuses_bytes_that_are_not_printable_ASCII);
    tcase_add_loop_test(tc, C3_holds_requests_to_one_proper_Host, 0, (int)(sizeof(heads) / sizeof(heads[0])));
    suite_add_tcase(s, tc);
    return s;
}
