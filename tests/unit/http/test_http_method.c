/* SPDX-License-Identifier: Apache-2.0 */
/* Row C3: which methods are forwarded does not depend on the parser's version. */
#include "http_method.h"
#include "t.h"

START_TEST(knows_the_methods_of_http_webdav_and_upnp)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "DELETE", "PATCH", "QUERY", "TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "SOURCE"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        ck_assert_msg(http_method_is_known(span_from_str(known[i])), "%s", known[i]);
}
END_TEST

/* RTSP's and the preface of HTTP/2 are in llhttp's table too. */
START_TEST(C3_knows_no_others)
{
    static const char *const unknown[] = {"", "G", "GETX", "get", "QUERY ", "PRI", "DESCRIBE", "ANNOUNCE", "FLUSH", "BREW", "GET\tX"};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        ck_assert_msg(!http_method_is_known(span_from_str(unknown[i])), "%s", unknown[i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_method");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, knows_the_methods_of_http_webdav_and_upnp);
    tcase_add_test(tc, C3_knows_no_others);
    suite_add_tcase(s, tc);
    return s;
}
