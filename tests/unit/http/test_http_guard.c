/* SPDX-License-Identifier: Apache-2.0 */
/* Rows C3 (Host), C4 (Expect), C9 (targets) and E1 (absolute targets): which request heads are refused. */
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
    struct http_target target;
    enum reason reason = http_guard_request(http1_head(p), &target, err);
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
    {"absolute form of the same host", "http://h/", true},
    {"absolute form of the same host, dressed up", "HTTP://H:80/x", true},
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
    struct http_target target;
    enum reason reason = read ? http_guard_request(http1_head(p), &target, NULL) : http1_reason(p);
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
        struct http_target t;
        enum reason reason = http_guard_request(&h, &t, NULL);
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
    {"port 0", "GET / HTTP/1.1\r\nHost: h:0\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"port past 16 bits", "GET / HTTP/1.1\r\nHost: h:65536\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"percent encoding in the host", "GET / HTTP/1.1\r\nHost: h%2ei\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_METHOD_UNKNOWN},
    {"TRACE of an address", "TRACE http://h/ HTTP/1.1\r\nHost: h\r\n\r\n", REASON_METHOD_UNKNOWN},
    /* E1, C9: two hosts in one request */
    {"absolute target of HTTP/1.0 without Host", "GET http://h/ HTTP/1.0\r\n\r\n", REASON_VALID},
    {"absolute target without Host", "GET http://h/ HTTP/1.1\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"absolute target and Host in other case", "GET http://H.Example/ HTTP/1.1\r\nHost: h.eXample\r\n\r\n",
     REASON_VALID},
    {"absolute target with the port of Host", "GET http://h:81/ HTTP/1.1\r\nHost: h:81\r\n\r\n", REASON_VALID},
    {"absolute target without the default port of Host", "GET http://h/ HTTP/1.1\r\nHost: h:80\r\n\r\n",
     REASON_VALID},
    {"absolute target of an IPv6 address", "GET http://[::1]:81/ HTTP/1.1\r\nHost: [::1]:81\r\n\r\n",
     REASON_VALID},
    {"absolute target of another port", "GET http://h/ HTTP/1.1\r\nHost: h:8080\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"absolute target of another host", "GET http://127.0.0.1/ HTTP/1.1\r\nHost: evil.example\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"absolute target of another host, HTTP/1.0", "GET http://i/ HTTP/1.0\r\nHost: h\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"absolute target and a Host that is none", "GET http://h/ HTTP/1.1\r\nHost: h:80a\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"absolute target and two Hosts", "GET http://h/ HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"'*' and a Host that is none", "OPTIONS * HTTP/1.1\r\nHost: h/x\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT and a Host that is none", "CONNECT h:443 HTTP/1.1\r\nHost: h:443:1\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"OPTIONS of a server", "OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n", REASON_VALID},
    {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n", REASON_VALID},
    {"CONNECT with a Host that leaves the port out", "CONNECT h:443 HTTP/1.1\r\nHost: H\r\n\r\n", REASON_VALID},
    {"CONNECT of HTTP/1.0 without Host", "CONNECT h:443 HTTP/1.0\r\n\r\n", REASON_VALID},
    {"CONNECT to an IPv6 address", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n", REASON_VALID},
    {"CONNECT without Host", "CONNECT h:443 HTTP/1.1\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT and another host", "CONNECT h:443 HTTP/1.1\r\nHost: i:443\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT and another port", "CONNECT h:443 HTTP/1.1\r\nHost: h:80\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT without port", "CONNECT h HTTP/1.1\r\nHost: h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT to a path", "CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", REASON_REQUEST_MALFORMED},
    {"CONNECT to a path that looks like a host", "CONNECT /h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"CONNECT to '*'", "CONNECT * HTTP/1.1\r\nHost: h\r\n\r\n", REASON_REQUEST_MALFORMED},
    /* C4 */
    {"Expect", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n", REASON_VALID},
    {"Expect in other case", "POST / HTTP/1.1\r\nHost: h\r\neXPECT: 100-Continue\r\n\r\n", REASON_VALID},
    {"another expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\n\r\n", REASON_EXPECTATION_FAILED},
    {"another expectation beside it", "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue, x\r\n\r\n",
     REASON_EXPECTATION_FAILED},
    {"another expectation behind it",
     "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nExpect: x\r\n\r\n", REASON_EXPECTATION_FAILED},
    {"an empty expectation", "POST / HTTP/1.1\r\nHost: h\r\nExpect:\r\n\r\n", REASON_EXPECTATION_FAILED},
    {"HTTP/1.0 expects nothing", "POST / HTTP/1.0\r\nHost: h\r\nExpect: 200-ok\r\n\r\n", REASON_VALID},
    /* RFC 9110 section 7.6.2 */
    {"Max-Forwards", "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: 10\r\n\r\n", REASON_VALID},
    {"Max-Forwards that is no number", "OPTIONS * HTTP/1.1\r\nHost: h\r\nMax-Forwards: -1\r\n\r\n",
     REASON_REQUEST_MALFORMED},
    {"Max-Forwards of another method is not looked at",
     "GET / HTTP/1.1\r\nHost: h\r\nMax-Forwards: -1\r\n\r\n", REASON_VALID},
};

START_TEST(C3_holds_requests_to_one_proper_Host)
{
    struct err err;
    enum reason reason = judge(heads[_i].raw, &err);
    ck_assert_msg(reason == heads[_i].reason, "%s: %d", heads[_i].why, (int)reason);
    ck_assert_msg((err.text[0] != '\0') == (reason != REASON_VALID), "%s: '%s'", heads[_i].why, err.text);
}
END_TEST

static const struct {
    const char *why, *method, *first, *second; /* NULL: no such field */
    int hops;                                  /* -1: does not count */
} forwards[] = {
    {"a number", "OPTIONS", "10", NULL, 10},
    {"zero", "OPTIONS", "0", NULL, 0},
    {"nine digits", "OPTIONS", "999999999", NULL, 999999999},
    {"none", "OPTIONS", NULL, NULL, -1},
    {"another method", "GET", "1", NULL, -1},
    {"ten digits", "OPTIONS", "1000000000", NULL, -1},
    {"empty", "OPTIONS", "", NULL, -1},
    {"a sign", "OPTIONS", "+1", NULL, -1},
    {"hex", "OPTIONS", "0x1", NULL, -1},
    {"two", "OPTIONS", "1", "1", -1},
};

START_TEST(C9_reads_a_destination)
{
    static const struct {
        const char *value, *host, *path; /* path NULL: refused */
    } rows[] = {
        {"/a/b?c", "", "/a/b"},         {"http://x.example/a", "x.example", "/a"}, {"HTTPS://[::1]:8443", "::1", "/"}, {"https://x.example?q", "x.example", "/"},
        {"a/b", NULL, NULL},            {"", NULL, NULL},                          {"ftp://x.example/a", NULL, NULL},  {"https:///a", NULL, NULL},
        {"https://u@x.example/a", NULL, NULL}, {"/a%0", NULL, NULL},               {"/a#b", NULL, NULL},               {"/a b", NULL, NULL},
        {"/a%00", NULL, NULL},          {"https://a..b/", NULL, NULL},                          {"//x.example/a", NULL, NULL},      {"/", "", "/"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_field fields[] = {{span_from_str("Host"), span_from_str("x")}, {span_from_str("DESTINATION"), span_from_str(rows[i].value)}};
        struct http_head head = {.request = true, .method = span_from_str("MOVE"), .fields = fields, .n_fields = 2};
        struct http_target target;
        struct err err = {0};
        enum reason reason = http_guard_destination(&head, &target, &err);
        ck_assert_msg((reason == REASON_VALID) == (rows[i].path != NULL), "%s: %s", rows[i].value, err.text);
        if (rows[i].path != NULL)
            ck_assert_msg(span_equals_str(target.host, rows[i].host) && span_equals_str(target.path, rows[i].path), "%s", rows[i].value);
    }
    ck_assert(http_guard_may_have_destination(span_from_str("COPY")) && http_guard_may_have_destination(span_from_str("get")));
    ck_assert(!http_guard_may_have_destination(span_from_str("GET")));
}
END_TEST

START_TEST(reads_max_forwards_of_OPTIONS_only)
{
    struct http_field fields[] = {{span_from_str("Max-Forwards"), span_from_str(forwards[_i].first)},
                                  {span_from_str("max-forwards"), span_from_str(forwards[_i].second)}};
    struct http_head h = {.request = true, .minor = 1, .method = span_from_str(forwards[_i].method), .fields = fields};
    h.n_fields = forwards[_i].second != NULL ? 2 : forwards[_i].first != NULL ? 1 : 0;
    unsigned hops = 77;
    bool counts = http_guard_max_forwards(&h, &hops);
    ck_assert_msg(counts == (forwards[_i].hops >= 0), "%s", forwards[_i].why);
    ck_assert_msg(!counts || hops == (unsigned)forwards[_i].hops, "%s: %u", forwards[_i].why, hops);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_guard");
    TCase *tc = tcase_create("requests");
    tcase_add_loop_test(tc, C9_passes_or_refuses_targets, 0, (int)(sizeof(targets) / sizeof(targets[0])));
    tcase_add_test(tc, C9_refuses_bytes_that_are_not_printable_ASCII);
    tcase_add_loop_test(tc, C3_holds_requests_to_one_proper_Host, 0, (int)(sizeof(heads) / sizeof(heads[0])));
    tcase_add_test(tc, C9_reads_a_destination);
    tcase_add_loop_test(tc, reads_max_forwards_of_OPTIONS_only, 0, (int)(sizeof(forwards) / sizeof(forwards[0])));
    suite_add_tcase(s, tc);
    return s;
}
