/* SPDX-License-Identifier: Apache-2.0 */
/* Row C9: targets are taken apart in one way, and paths that two servers could understand differently are known. */
#include "mtlsd/http/http_guard.h"
#include "mtlsd/http/http_target.h"
#include "mtlsd/http/http1.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum fate {
    PASSES, /* everywhere */
    PLAIN,  /* only where no rule looks at paths */
    NEVER
};

static const struct {
    const char *why, *target;
    enum fate fate;
} targets[] = {
    {"root", "/", PASSES},
    {"a path", "/admin", PASSES},
    {"a path that ends in a slash", "/admin/", PASSES},
    {"a query", "/admin?a=b", PASSES},
    {"a query with dots and slashes", "/a?../..//%2f\\", PASSES},
    {"every mark that needs no encoding", "/-._~!$&'()*+,;=:@", PASSES},
    {"encoded letter: the same path, which matching sees", "/%61dmin", PASSES},
    {"encoded space", "/a%20b", PASSES},
    {"encoded UTF-8", "/%c3%a4", PASSES},
    {"encoded Latin-1", "/%c0b", PASSES},
    {"encoded percent", "/%25", PASSES},
    {"encoded twice: a dot segment to a server that decodes twice", "/%252e%252e/admin", PLAIN},
    {"encoded three times", "/a/%25252e/admin", PLAIN},
    {"slashes around it are encoded twice", "/a%252f..%252fadmin", PLAIN},
    {"a backslash in front of it", "/a/..%255cadmin", PLAIN},
    {"parameters behind it", "/a/..%253bx/admin", PLAIN},
    {"a query behind it", "/a/%252e%252e?x", PLAIN},
    {"an overlong dot encoded twice", "/%25c0%25ae%25c0%25ae/admin", PLAIN},
    {"a NUL encoded twice", "/a%2500", PLAIN},
    {"a slash encoded twice in a name, as of a branch in Jenkins", "/job/feature%252Fone/", PASSES},
    {"an address encoded twice", "/thumb/http%253A%252F%252Fh%252Fa.png", PASSES},
    {"a percent sign encoded twice", "/100%2525", PASSES},
    {"dots that a blank hides", "/a/..%20/admin", PLAIN},
    {"a blank that dots hide", "/a/.%20./admin", PLAIN},
    {"one dot and a control byte", "/a/%09./admin", PLAIN},
    {"blanks alone", "/%20/admin", PLAIN},
    {"blanks alone, encoded twice", "/%2520%252e%252e/admin", PLAIN},
    {"blanks at the end", "/a/%20", PASSES},
    {"dots and blanks at the end", "/a/..%20", PLAIN},
    {"blanks in a name", "/%20a%20b%20/c", PASSES},
    {"encoded question mark", "/a%3f", PASSES},
    {"three dots are a name", "/.../a", PASSES},
    {"dots within a name", "/a..b/.c/d.", PASSES},
    {"parameters", "/a;v=1/b;id=2", PASSES},
    {"parameters of nothing at the end", "/a/;id=2", PASSES},
    {"dot segment", "/a/../admin", PLAIN},
    {"single dot segment", "/./admin", PLAIN},
    {"dot segment at the end", "/admin/..", PLAIN},
    {"single dot segment at the end", "/admin/.", PLAIN},
    {"dot segments above the root", "/../../admin", PLAIN},
    {"encoded dots", "/a/%2e%2e/admin", PLAIN},
    {"encoded dots in upper case", "/a/%2E%2E/admin", PLAIN},
    {"first dot encoded", "/a/%2e./admin", PLAIN},
    {"second dot encoded", "/a/.%2e/admin", PLAIN},
    {"one encoded dot", "/%2e/admin", PLAIN},
    {"dots with parameters", "/a/..;/admin", PLAIN},
    {"dots with a parameter", "/a/..;x=y/admin", PLAIN},
    {"dots with parameters at the end", "/a/..;", PLAIN},
    {"dot with parameters", "/.;x/admin", PLAIN},
    {"encoded dots with parameters", "/a/%2e%2e;/admin", PLAIN},
    {"dots with an encoded semicolon", "/a/..%3bx/admin", PLAIN},
    {"encoded slash", "/a%2fadmin", PLAIN},
    {"encoded slash in upper case", "/a%2Fadmin", PLAIN},
    {"encoded dots and slash", "/a%2f%2e%2e%2fadmin", PLAIN},
    {"backslash", "/a\\admin", PLAIN},
    {"dots before a backslash", "/a/..\\admin", PLAIN},
    {"encoded backslash", "/a%5cadmin", PLAIN},
    {"encoded backslash in upper case", "/a%5Cadmin", PLAIN},
    {"empty segment in front", "//admin", PLAIN},
    {"empty segment within", "/a//admin", PLAIN},
    {"empty segment at the end", "/admin//", PLAIN},
    {"empty segment with parameters", "/;x/admin", PLAIN},
    {"overlong slash", "/a%c0%afadmin", PLAIN},
    {"overlong dots", "/%c0%ae%c0%ae/admin", PLAIN},
    {"overlong slash of three bytes", "/a%e0%80%afadmin", PLAIN},
    {"overlong slash of four bytes", "/a%f0%80%80%afadmin", PLAIN},
    {"fragment", "/a#b", NEVER},
    {"fragment that hides a suffix", "/static/x.png#/../admin", NEVER},
    {"encoded NUL", "/admin%00.png", NEVER},
    {"percent without digits", "/%zz", NEVER},
    {"percent at the end", "/a%", NEVER},
    {"percent and one digit at the end", "/a%2", NEVER},
    {"unicode escape", "/%u0041", NEVER},
    {"control byte", "/\x01", NEVER},
    {"byte above ASCII", "/\xc3\xa4", NEVER},
    {"asterisk with GET", "*", NEVER},
    {"no slash in front", "admin", NEVER},
    {"dots only", "..", NEVER},
    {"query only", "?a", NEVER},
    {"authority with GET", "h:443", NEVER},
    {"absolute", "http://h/admin", PASSES},
    {"absolute with the default port", "http://h:80/admin", PASSES},
    {"absolute with an empty port", "http://h:/admin", PASSES},
    {"absolute in upper case", "HTTP://H/admin", PASSES},
    {"absolute without path", "http://h", PASSES},
    {"absolute with a query only", "http://h?a", PASSES},
    {"absolute with dot segments", "http://h/a/../admin", PLAIN},
    {"absolute with an empty segment", "http://h//admin", PLAIN},
    {"absolute that names another host", "http://other/admin", NEVER},
    {"absolute that names another port", "http://h:8080/admin", NEVER},
    {"absolute that names the host with a dot", "http://h./admin", NEVER},
    {"absolute with https", "https://h/admin", NEVER},
    {"absolute with another scheme", "ftp://h/admin", NEVER},
    {"absolute with a file", "file:///etc/passwd", NEVER},
    {"absolute with a user", "http://u@h/admin", NEVER},
    {"absolute with user and password", "http://u:p@h/admin", NEVER},
    {"absolute with the host as user", "http://h@other/admin", NEVER},
    {"absolute with the host as user of a path", "http://other/@h/", NEVER},
    {"absolute with no host", "http:///admin", NEVER},
    {"absolute with a port only", "http://:80/admin", NEVER},
    {"absolute with one slash", "http:/admin", NEVER},
    {"absolute with no slash", "http:admin", NEVER},
    {"absolute with port 0", "http://h:0/admin", NEVER},
    {"absolute with too high a port", "http://h:65616/admin", NEVER},
    {"absolute with a backslash before the path", "http://h\\admin", NEVER},
    {"absolute with an encoded host", "http://%68/admin", NEVER},
    {"absolute with a fragment", "http://h/admin#x", NEVER},
    {"absolute with open brackets", "http://[::1/admin", NEVER},
    {"network path", "//other/admin", PLAIN},
};

/* What a listener would make of it. */
static enum fate fate_of(const char *raw)
{
    struct http1 *p = http1_new(true, 65536, 100);
    struct span in = span_from_str(raw), data;
    struct http_target t;
    enum fate fate = NEVER;
    if (http1_next(p, &in, &data) == HTTP1_HEAD && http_guard_request(http1_head(p), &t, NULL) == REASON_VALID)
        fate = http_target_path_refusal(t.path) == NULL ? PASSES : PLAIN;
    http1_free(p);
    return fate;
}

START_TEST(C9_sorts_targets_with_and_without_path_rules)
{
    char raw[256];
    snprintf(raw, sizeof(raw), "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[_i].target);
    enum fate fate = fate_of(raw);
    ck_assert_msg(fate == targets[_i].fate, "%s: %d", targets[_i].why, (int)fate);
}
END_TEST

static const struct {
    const char *why, *method, *target, *host; /* host NULL: no Host field */
    enum http_target_form form;
    const char *read; /* host|port|authority|path|query; NULL: refused */
} forms[] = {
    {"a path", "GET", "/a/b?c?d", "H.example:81", HTTP_TARGET_ORIGIN, "H.example|81|H.example:81|/a/b|?c?d"},
    {"a path to an IPv6 address", "GET", "/", "[::1]", HTTP_TARGET_ORIGIN, "::1|0|[::1]|/|"},
    {"a path without Host", "GET", "/a", NULL, HTTP_TARGET_ORIGIN, "|0||/a|"},
    {"a path and an odd Host", "GET", "/a", "h/i", HTTP_TARGET_ORIGIN, NULL},
    {"an asterisk", "OPTIONS", "*", "h", HTTP_TARGET_ASTERISK, "h|0|h||"},
    {"an asterisk with GET", "GET", "*", "h", HTTP_TARGET_ASTERISK, NULL},
    {"an address", "GET", "http://i:82/a?b", "h", HTTP_TARGET_ABSOLUTE, "i|82|i:82|/a|?b"},
    {"an address without Host", "GET", "http://i/a", NULL, HTTP_TARGET_ABSOLUTE, "i|0|i|/a|"},
    {"an IPv6 address", "GET", "http://[::1]:82/", "h", HTTP_TARGET_ABSOLUTE, "::1|82|[::1]:82|/|"},
    {"an address without path", "GET", "http://i", "h", HTTP_TARGET_ABSOLUTE, "i|0|i|/|"},
    {"an address with a query only", "GET", "http://i?a/b", "h", HTTP_TARGET_ABSOLUTE, "i|0|i|/|?a/b"},
    {"OPTIONS of a server", "OPTIONS", "http://i", "h", HTTP_TARGET_ABSOLUTE, "i|0|i||"},
    {"OPTIONS of its root", "OPTIONS", "http://i/", "h", HTTP_TARGET_ABSOLUTE, "i|0|i|/|"},
    {"https", "GET", "https://i/", "i", HTTP_TARGET_ABSOLUTE, NULL},
    {"no target", "GET", "", "h", HTTP_TARGET_ORIGIN, NULL},
    {"CONNECT", "CONNECT", "i:443", "h", HTTP_TARGET_AUTHORITY, "i|443|i:443||"},
    {"CONNECT to IPv6", "CONNECT", "[::1]:443", "h", HTTP_TARGET_AUTHORITY, "::1|443|[::1]:443||"},
    {"CONNECT without port", "CONNECT", "i", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT with an empty port", "CONNECT", "i:", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT with port 0", "CONNECT", "i:0", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT to a path", "CONNECT", "/", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT to an address", "CONNECT", "http://i:443", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT with a path", "CONNECT", "i:443/", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT with a user", "CONNECT", "u@i:443", "i", HTTP_TARGET_AUTHORITY, NULL},
    {"CONNECT to '*'", "CONNECT", "*", "i", HTTP_TARGET_AUTHORITY, NULL},
};

START_TEST(C9_takes_every_form_apart)
{
    struct http_field host = {span_from_str("hOST"), span_from_str(forms[_i].host)};
    struct http_head h = {.request = true,
                          .method = span_from_str(forms[_i].method),
                          .target = span_from_str(forms[_i].target),
                          .fields = &host,
                          .n_fields = forms[_i].host != NULL ? 1 : 0};
    struct http_target t;
    struct err err = {0};
    int rc = http_target_read(&h, &t, &err);
    ck_assert_msg(rc == (forms[_i].read != NULL ? 0 : -1), "%s: %s", forms[_i].why, err.text);
    ck_assert_msg((rc != 0) == (err.text[0] != '\0'), "%s", forms[_i].why);
    if (rc != 0)
        return;
    char read[256];
    snprintf(read, sizeof(read), "%.*s|%u|%.*s|%.*s|%.*s", (int)t.host.len, (const char *)t.host.ptr, t.port,
             (int)t.authority.len, (const char *)t.authority.ptr, (int)t.path.len, (const char *)t.path.ptr,
             (int)t.query.len, (const char *)t.query.ptr);
    ck_assert_msg(t.form == forms[_i].form && strcmp(read, forms[_i].read) == 0, "%s: %s", forms[_i].why, read);
}
END_TEST

static const struct {
    const char *target, *sentence;
} advice[] = {
    {"https://i/", "use http://"},
    {"http://u:p@i/", "names a user"},
    {"http:///", "has no valid host"},
    {"i", "neither a path nor"},
};

START_TEST(C9_says_what_is_wrong_with_a_target)
{
    struct http_head h = {.request = true, .method = span_from_str("GET"), .target = span_from_str(advice[_i].target)};
    struct http_target t;
    struct err err = {0};
    ck_assert_int_eq(http_target_read(&h, &t, &err), -1);
    ck_assert_msg(strstr(err.text, advice[_i].sentence) != NULL, "%s: %s", advice[_i].target, err.text);
}
END_TEST

static const struct {
    const char *path, *normal; /* NULL: refused */
} paths[] = {
    {"/", "/"},
    {"/a/b", "/a/b"},
    {"/a/b/", "/a/b/"},
    {"/a/../b", "/b"},
    {"/a/./b", "/a/b"},
    {"/a/b/..", "/a/"},
    {"/a/b/.", "/a/b/"},
    {"/a/b/../", "/a/"},
    {"/a/b/../../..", "/"},
    {"/..", "/"},
    {"/.", "/"},
    {"/../../a", "/a"},
    {"/a/b/c/./../../g", "/a/g"},
    {"/%2e%2E/a", "/a"},
    {"/a/.%2e/b", "/b"},
    {"//a", "/a"},
    {"/a///b//", "/a/b/"},
    {"//", "/"},
    {"/a//../b", "/b"},
    {"/%61%2D%5f%7e%39", "/a-_~9"},
    {"/%c3%a4%20%3f", "/%C3%A4%20%3F"},
    {"/%2525", "/%2525"},
    {"/a%3bb", "/a%3Bb"},
    {"/...", "/..."},
    {"/a;x=1/b;y", "/a;x=1/b;y"},
    {"/a/..b/", "/a/..b/"},
    {"/a%2fb", NULL},
    {"/a%2Fb", NULL},
    {"/a\\b", NULL},
    {"/a%5cb", NULL},
    {"/a%00", NULL},
    {"/a/..;/b", NULL},
    {"/a/..%20/b", NULL},
    {"/%20/b", NULL},
    {"/b/../a/%252e%252e/b", NULL},
    {"/a/../%252fb", "/%252fb"},
    {"/a/.;x/b", NULL},
    {"/;/b", NULL},
    {"/%c0%ae%c0%ae/b", NULL},
    {"/%", NULL},
    {"/%4", NULL},
    {"", NULL},
    {"*", NULL},
    {"a/b", NULL},
};

START_TEST(C9_rewrites_paths_to_one_spelling)
{
    struct bytes out;
    struct err err = {0};
    bytes_init(&out, 64);
    ck_assert_int_eq(bytes_append_str(&out, "/x"), 0);
    int rc = http_target_normalize(&out, span_from_str(paths[_i].path), &err);
    ck_assert_msg(rc == (paths[_i].normal != NULL ? 0 : -1), "%s: %s", paths[_i].path, err.text);
    struct span added = span_skip(bytes_span(&out), 2);
    if (rc != 0) {
        ck_assert_msg(added.len == 0 && err.text[0] != '\0', "%s", paths[_i].path);
    } else {
        ck_assert_msg(span_equals_str(added, paths[_i].normal), "%s: %.*s", paths[_i].path, (int)added.len,
                      (const char *)added.ptr);
        ck_assert_msg(http_target_path_refusal(added) == NULL, "%s", paths[_i].path);
    }
    bytes_clear(&out);
}
END_TEST

START_TEST(says_when_a_path_does_not_fit)
{
    struct bytes out;
    struct err err = {0};
    bytes_init(&out, 3);
    ck_assert_int_eq(http_target_normalize(&out, span_from_str("/abc"), &err), -1);
    ck_assert_int_eq(err.kind, ERR_MEMORY);
    ck_assert_uint_eq(out.len, 0);
    bytes_clear(&out);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_target");
    TCase *tc = tcase_create("targets");
    tcase_add_loop_test(tc, C9_sorts_targets_with_and_without_path_rules, 0,
                        (int)(sizeof(targets) / sizeof(targets[0])));
    tcase_add_loop_test(tc, C9_takes_every_form_apart, 0, (int)(sizeof(forms) / sizeof(forms[0])));
    tcase_add_loop_test(tc, C9_says_what_is_wrong_with_a_target, 0, (int)(sizeof(advice) / sizeof(advice[0])));
    tcase_add_loop_test(tc, C9_rewrites_paths_to_one_spelling, 0, (int)(sizeof(paths) / sizeof(paths[0])));
    tcase_add_test(tc, says_when_a_path_does_not_fit);
    suite_add_tcase(s, tc);
    return s;
}
