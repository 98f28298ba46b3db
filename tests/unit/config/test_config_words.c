/* SPDX-License-Identifier: Apache-2.0 */
#include "config_words.h"
#include "t.h"

START_TEST(names_are_made_of_what_their_grammar_has)
{
    static const struct {
        const char *text;
        bool token, method, route;
    } rows[] = {
        {"GET", true, true, true},   {"M-SEARCH", true, true, true}, {"get", true, false, true}, {"worker1", true, false, true},
        {"a_b-C", true, false, true}, {"a.b", true, false, false},   {"X~!", true, true, false},  {"", false, false, false},
        {"a b", false, false, false}, {"a:", false, false, false},   {"a;", false, false, false}, {"\"", false, false, false},
        {"\303\244", false, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ck_assert_msg(config_words_is_token(rows[i].text) == rows[i].token, "token %s", rows[i].text);
        ck_assert_msg(config_words_is_method(rows[i].text) == rows[i].method, "method %s", rows[i].text);
        ck_assert_msg(config_words_is_route(rows[i].text) == rows[i].route, "route %s", rows[i].text);
    }
}
END_TEST

START_TEST(statuses_are_numbers_and_ranges)
{
    static const char *const good[] = {"200", "200-399", "200,204", "200, 204-299 ,401", "100-599"};
    static const char *const bad[] = {"", "20", "2000", "099", "600", "200-", "-200", "300-200", "200,", ",200", "2xx", "200 204", "200--201", "200-201-202"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(config_words_are_statuses(good[i]), "%s", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!config_words_are_statuses(bad[i]), "%s", bad[i]);
}
END_TEST

/* C9 */
START_TEST(a_path_of_a_route_is_one_that_a_request_can_have)
{
    static const char *const good[] = {"/", "/a", "/a/", "/a/b.c", "/.well-known/x", "/a/...", "/a%20b", "/%C3%A9", "/a,b:c@d=e&f"};
    static const char *const bad[] = {"",     "a",     "//",    "/a//b", "/a//",     "/.",    "/..",   "/a/.",  "/a/../b", "/%2e",  "/a/%2E./",
                                      "/a?b", "/a#",   "/a\\b", "/a%2Fb", "/a%5cb",  "/a%",   "/a%2",  "/a%zz", "/a%00",   "/a%7F", "/a b",
                                      "/a;b", "/a%3b", "/a\"b", "/a<b",  "/a\x7f b", "/\377", "/a|b",  "/a^b",  "/a`b",    "/{a}"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(config_words_path_refusal(good[i]) == NULL, "%s: %s", good[i], config_words_path_refusal(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(config_words_path_refusal(bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

START_TEST(a_target_may_have_a_query_and_no_fragment)
{
    ck_assert_ptr_null(config_words_target_refusal("/healthz?a=b&c=/../d;e"));
    ck_assert_ptr_nonnull(config_words_target_refusal("/a#b"));
    ck_assert_ptr_nonnull(config_words_target_refusal("*"));
    ck_assert_ptr_nonnull(config_words_target_refusal("/a b"));
}
END_TEST

START_TEST(a_location_names_the_host_that_is_meant)
{
    static const char *const good[] = {"/", "/a?b#c", "http://a", "https://a.example:8443/x", "HTTPS://A/", "https://[::1]/", "/a/@b", "https://a/@b"};
    static const char *const bad[] = {"", "a", "//a", "/\\a", "https:a", "https:/a", "http://", "https:///a", "https://:80/", "https://u@a/", "ftp://a", "javascript:x", "https://a\\b", "http://a b"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(config_words_location_refusal(good[i]) == NULL, "%s: %s", good[i], config_words_location_refusal(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(config_words_location_refusal(bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

START_TEST(a_host_may_be_a_pattern_or_have_a_port_where_that_means_something)
{
    static const struct {
        const char *host;
        bool plain, pattern, port, both;
    } rows[] = {
        {"a.example", true, true, true, true},     {"a.example.", true, true, true, true},  {"10.0.0.1", true, true, true, true},
        {"::1", true, true, true, true},           {"[::1]", false, false, true, true},     {"[::1]:80", false, false, true, true},
        {"*.a", false, true, false, true},         {"*.a:80", false, false, false, true},   {"a:80", false, false, true, true},
        {"a:65536", false, false, false, false},   {"a:0", false, false, false, false},     {"a:", false, false, false, false},
        {"a:8x", false, false, false, false},      {"*", false, false, false, false},       {"*.", false, false, false, false},
        {"*a", false, false, false, false},        {"*.*.a", false, false, false, false},   {"", false, false, false, false},
        {".a", false, false, false, false},        {"a..b", false, false, false, false},    {"a/b", false, false, false, false},
        {"http://a", false, false, false, false},  {"u@a", false, false, false, false},     {"[::1", false, false, false, false},
        {"[::1]x", false, false, false, false},    {"[::1]80", false, false, false, false}, {"::g", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *host = rows[i].host;
        ck_assert_msg((config_words_host_refusal(host, false, false) == NULL) == rows[i].plain, "%s", host);
        ck_assert_msg((config_words_host_refusal(host, true, false) == NULL) == rows[i].pattern, "%s as a pattern", host);
        ck_assert_msg((config_words_host_refusal(host, false, true) == NULL) == rows[i].port, "%s with a port", host);
        ck_assert_msg((config_words_host_refusal(host, true, true) == NULL) == rows[i].both, "%s with both", host);
    }
}
END_TEST

/* E1 */
START_TEST(an_origin_is_what_a_browser_sends)
{
    static const char *const good[] = {"null", "https://a.example", "http://localhost:3000", "http://[::1]:3000", "tauri://localhost", "moz-extension://ab-cd"};
    static const char *const bad[] = {"", "*", "a.example", "https://", "://a", "https://a/", "https://a/b", "https://*.a", "https://u@a", "https://a:x", "ht tp://a", "Null"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(config_words_origin_refusal(good[i]) == NULL, "%s: %s", good[i], config_words_origin_refusal(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(config_words_origin_refusal(bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

/* C2 */
START_TEST(framing_and_hop_by_hop_fields_belong_to_no_route)
{
    static const char *const good[] = {"X-A", "Accept", "Cookie", "Host-Name", "X_Y", "Content-Type", "Hos"};
    static const char *const bad[] = {"Host", "HOST", "content-length", "Content_Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection",
                                      "TE", "Trailer", "Upgrade", "Proxy-Authorization", "Expect", "Via", "Max-Forwards", "HTTP2-Settings", "", "X A", "X:"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        ck_assert_msg(config_words_field_refusal(good[i]) == NULL, "%s: %s", good[i], config_words_field_refusal(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(config_words_field_refusal(bad[i]) != NULL, "%s", bad[i]);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("config_words");
    TCase *t = tcase_create("config_words");
    tcase_add_test(t, names_are_made_of_what_their_grammar_has);
    tcase_add_test(t, statuses_are_numbers_and_ranges);
    tcase_add_test(t, a_path_of_a_route_is_one_that_a_request_can_have);
    tcase_add_test(t, a_target_may_have_a_query_and_no_fragment);
    tcase_add_test(t, a_location_names_the_host_that_is_meant);
    tcase_add_test(t, a_host_may_be_a_pattern_or_have_a_port_where_that_means_something);
    tcase_add_test(t, an_origin_is_what_a_browser_sends);
    tcase_add_test(t, framing_and_hop_by_hop_fields_belong_to_no_route);
    suite_add_tcase(s, t);
    return s;
}
