/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/base/url.h"
#include "t.h"

#include <string.h>

START_TEST(only_plain_http_with_a_host_is_taken)
{
    static const struct {
        const char *why, *url;
        bool fine;
    } rows[] = {
        {"usual", "http://crl.example/ca.crl", true},
        {"port", "http://crl.example:8080/ca.crl?x=1", true},
        {"literal", "http://[::1]:80/x", true},
        {"capitals", "HTTP://crl.example/x", true},
        {"no path", "http://crl.example", true},
        {"https", "https://crl.example/x", false},
        {"file, as in F3", "file:///etc/passwd", false},
        {"ldap", "ldap://dir.example/cn=ca", false},
        {"no host", "http:///x", false},
        {"no host but a port", "http://:80/x", false},
        {"nothing after the scheme", "http://", false},
        {"user name", "http://good.example@127.0.0.1/x", false},
        {"space", "http://crl.example/a b", false},
        {"line end", "http://crl.example/\r\nX: y", false},
        {"quote", "http://crl.example/\"", false},
        {"high byte", "http://crl.example/\xc3\xa4", false},
        {"fragment", "http://crl.example/#x", false},
        {"empty", "", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(url_is_http(span_from_str(rows[i].url)) == rows[i].fine, "%s", rows[i].why);
    ck_assert_msg(!url_is_http(span_of("http://a/\0b", 11)), "a zero byte inside");
}
END_TEST

START_TEST(an_address_beyond_reason_is_refused)
{
    char url[URL_MAX + 2];
    memset(url, 'a', sizeof(url));
    memcpy(url, "http://", 7);
    ck_assert(url_is_http(span_of(url, URL_MAX)));
    ck_assert(!url_is_http(span_of(url, URL_MAX + 1)));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("url");
    TCase *t = tcase_create("url");
    tcase_add_test(t, only_plain_http_with_a_host_is_taken);
    tcase_add_test(t, an_address_beyond_reason_is_refused);
    suite_add_tcase(s, t);
    return s;
}
