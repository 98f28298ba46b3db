/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http_keep_alive.h"
#include "t.h"

static const struct {
    const char *why, *first, *second; /* NULL: no such field */
    uint32_t seconds;
} rows[] = {
    {"none", NULL, NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"node", "timeout=5", NULL, 5},
    {"Apache", "timeout=5, max=100", NULL, 5},
    {"the other way round", "max=100, timeout=5", NULL, 5},
    {"in other case", "Timeout=2,MAX=1", NULL, 2},
    {"spaces", "  timeout = 15 ,max=3", NULL, 15},
    {"quotes", "timeout=\"60\", max=\"5\"", NULL, 60},
    {"spaces in quotes", "timeout=\" 60 \"", NULL, 60},
    {"no time at all", "timeout=0", NULL, 0},
    {"no further request", "timeout=5, max=0", NULL, 0},
    {"no further request, in quotes", "max=\"0\"", NULL, 0},
    {"one further request", "timeout=5, max=1", NULL, 5},
    {"only how many", "max=100", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"the shortest of two", "timeout=30, timeout=3", NULL, 3},
    {"the shortest of two fields", "timeout=30", "timeout=3", 3},
    {"a day", "timeout=86400", NULL, 86400},
    {"zeros before it", "timeout=005", NULL, 5},
    {"nothing", "", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"a bare word", "timeout", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"a bare number, as long ago", "300", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"no number", "timeout=", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"an empty quote", "timeout=\"\"", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"half a quote", "timeout=\"5", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"a sign", "timeout=-1", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"a fraction", "timeout=0.5", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"a unit", "timeout=5s", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"another name", "timeouts=5, xtimeout=5", NULL, HTTP_KEEP_ALIVE_UNSAID},
    {"nonsense beside it", "=, ,;;, timeout=7, a=b", NULL, 7},
};

START_TEST(reads_what_servers_send)
{
    struct http_field fields[] = {
        {span_from_str("Connection"), span_from_str("timeout=1")},
        {span_from_str(rows[_i].first != NULL ? "Keep-Alive" : "X"), span_from_str(rows[_i].first)},
        {span_from_str(rows[_i].second != NULL ? "kEEP-aLIVE" : "X"), span_from_str(rows[_i].second)},
    };
    struct http_head h = {.fields = fields, .n_fields = 3};
    ck_assert_msg(http_keep_alive_seconds(&h) == rows[_i].seconds, "%s: %u", rows[_i].why, (unsigned)http_keep_alive_seconds(&h));
}
END_TEST

START_TEST(a_number_of_any_length_stays_long)
{
    static const char *const long_ones[] = {"timeout=4294967295", "timeout=4294967296", "timeout=99999999999999999999999999"};
    for (size_t i = 0; i < sizeof(long_ones) / sizeof(long_ones[0]); i++) {
        struct http_field field = {span_from_str("Keep-Alive"), span_from_str(long_ones[i])};
        struct http_head h = {.fields = &field, .n_fields = 1};
        uint32_t seconds = http_keep_alive_seconds(&h);
        ck_assert_msg(seconds >= 31536000 && seconds != HTTP_KEEP_ALIVE_UNSAID, "%s: %u", long_ones[i], (unsigned)seconds);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_keep_alive");
    TCase *tc = tcase_create("parameters");
    tcase_add_loop_test(tc, reads_what_servers_send, 0, (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tc, a_number_of_any_length_stays_long);
    suite_add_tcase(s, tc);
    return s;
}
