/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_location.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *why, *scheme, *authority, *location, *rewritten; /* NULL: left alone */
} rows[] = {
    {"the upstream itself", "https", "up.example", "https://up.example/a?b#c", "http://us:8080/a?b#c"},
    {"without a path", "https", "up.example", "https://up.example", "http://us:8080"},
    {"with a query only", "https", "up.example", "https://up.example?a", "http://us:8080?a"},
    {"in other case", "https", "Up.example", "HTTPS://uP.Example/A", "http://us:8080/A"},
    {"with the default port", "https", "up.example", "https://up.example:443/", "http://us:8080/"},
    {"with a port", "https", "up.example:8443", "https://up.example:8443/", "http://us:8080/"},
    {"without the default port", "http", "up.example:80", "http://up.example/", "http://us:8080/"},
    {"an IPv6 address", "http", "[::1]:9000", "http://[::1]:9000/", "http://us:8080/"},
    {"a path", "https", "up.example", "/a", NULL},
    {"a relative path", "https", "up.example", "a/b", NULL},
    {"a host without scheme", "https", "up.example", "//up.example/", NULL},
    {"nothing", "https", "up.example", "", NULL},
    {"another host", "https", "up.example", "https://other.example/", NULL},
    {"a longer host", "https", "up.example", "https://up.example.evil/", NULL},
    {"a shorter host", "https", "up.example", "https://up/", NULL},
    {"another port", "https", "up.example", "https://up.example:8443/", NULL},
    {"another scheme", "https", "up.example", "http://up.example/", NULL},
    {"another scheme at the same port", "https", "up.example", "http://up.example:443/", NULL},
    {"a user", "https", "up.example", "https://u@up.example/", NULL},
    {"the upstream as user", "https", "up.example", "https://up.example@evil/", NULL},
    {"a backslash", "https", "up.example", "https://up.example\\@evil/", NULL},
    {"the upstream in the path", "https", "up.example", "https://evil/https://up.example/", NULL},
    {"no slashes", "https", "up.example", "https:up.example/", NULL},
    {"an odd port", "https", "up.example", "https://up.example:x/", NULL},
};

START_TEST(rewrites_what_names_the_upstream_exactly)
{
    struct http_location_map map = {.upstream_scheme = rows[_i].scheme,
                                    .client_scheme = "http",
                                    .upstream_authority = span_from_str(rows[_i].authority),
                                    .client_host = span_from_str("us:8080")};
    struct bytes out;
    bytes_init(&out, 4096);
    int rc = http_location_rewrite(&out, span_from_str(rows[_i].location), &map);
    ck_assert_msg(rc == (rows[_i].rewritten != NULL ? 1 : 0), "%s: %d", rows[_i].why, rc);
    ck_assert_msg(span_equals_str(bytes_span(&out), rows[_i].rewritten), "%s", rows[_i].why);
    bytes_clear(&out);
}
END_TEST

static const struct {
    const char *why, *value, *rewritten; /* NULL: left alone */
} refreshes[] = {
    {"the upstream", "5; url=https://up.example/a?b", "5; url=http://us:8080/a?b"},
    {"in other case", "0;URL = https://up.example/", NULL},
    {"no space", "0;URL=https://up.example/", "0;URL=http://us:8080/"},
    {"a comma", "0, url=https://up.example/", "0, url=http://us:8080/"},
    {"double quotes", "0; url=\"https://up.example/a\"", "0; url=\"http://us:8080/a\""},
    {"single quotes", "0; url='https://up.example/a'", "0; url='http://us:8080/a'"},
    {"another host", "0; url=https://up.example.evil/", NULL},
    {"the upstream in another's query", "0; url=https://evil/?url=https://up.example/", NULL},
    {"a path", "0; url=/a", NULL},
    {"no address", "5", NULL},
    {"an empty one", "5; url=", NULL},
    {"nothing", "", NULL},
};

START_TEST(rewrites_the_address_in_a_refresh)
{
    struct http_location_map map = {.upstream_scheme = "https",
                                    .client_scheme = "http",
                                    .upstream_authority = span_from_str("up.example"),
                                    .client_host = span_from_str("us:8080")};
    struct bytes out;
    bytes_init(&out, 4096);
    int rc = http_location_rewrite_refresh(&out, span_from_str(refreshes[_i].value), &map);
    ck_assert_msg(rc == (refreshes[_i].rewritten != NULL ? 1 : 0), "%s: %d", refreshes[_i].why, rc);
    ck_assert_msg(span_equals_str(bytes_span(&out), refreshes[_i].rewritten), "%s", refreshes[_i].why);
    bytes_clear(&out);
}
END_TEST

START_TEST(says_when_there_is_no_room_or_no_host_to_name)
{
    struct http_location_map map = {.upstream_scheme = "https",
                                    .client_scheme = "http",
                                    .upstream_authority = span_from_str("up"),
                                    .client_host = span_from_str("us")};
    struct span location = span_from_str("https://up/a");
    struct bytes out;
    bytes_init(&out, strlen("http://us/"));
    ck_assert_int_eq(http_location_rewrite(&out, location, &map), -1);
    bytes_clear(&out);
    map.client_host = span_from_str("");
    ck_assert_int_eq(http_location_rewrite(&out, location, &map), 0);
    ck_assert_uint_eq(out.len, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_location");
    TCase *tc = tcase_create("locations");
    tcase_add_loop_test(tc, rewrites_what_names_the_upstream_exactly, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_loop_test(tc, rewrites_the_address_in_a_refresh, 0, (int)(sizeof(refreshes) / sizeof(refreshes[0])));
    tcase_add_test(tc, says_when_there_is_no_room_or_no_host_to_name);
    suite_add_tcase(s, tc);
    return s;
}
