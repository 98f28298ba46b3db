/* SPDX-License-Identifier: Apache-2.0 */
/* Row C3: the length of a message, from its fields alone. Raw messages stand in test_http1.c; here are the
 * bounds. */
#include "http_framing.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *why, *value;
    bool read;
    uint64_t length;
} lengths[] = {
    {"nothing", "0", true, 0},
    {"one", "1", true, 1},
    {"over 32 bits", "4294967296", true, 4294967296},
    {"18 digits", "999999999999999999", true, 999999999999999999},
    {"the largest", "9223372036854775807", true, INT64_MAX},
    {"one more", "9223372036854775808", false, 0},
    {"19 nines", "9999999999999999999", false, 0},
    {"2^64", "18446744073709551616", false, 0},
    {"leading zero", "01", false, 0},
    {"minus nothing", "-0", false, 0},
    {"empty", "", false, 0},
    {"byte below the digits", "1/", false, 0},
    {"byte above the digits", "1:", false, 0},
};

static struct http_head request_with(struct http_field *fields, size_t n)
{
    return (struct http_head){.request = true, .minor = 1, .fields = fields, .n_fields = n};
}

START_TEST(C3_reads_lengths_to_the_largest_and_no_further)
{
    struct http_field field = {span_from_str("Content-Length"), span_from_str(lengths[_i].value)};
    struct http_head h = request_with(&field, 1);
    const char *why = http_framing_decide(&h, false);
    ck_assert_msg((why == NULL) == lengths[_i].read, "%s: %s", lengths[_i].why, why != NULL ? why : "read");
    if (why == NULL) {
        ck_assert_int_eq(h.framing, HTTP_LENGTH);
        ck_assert_uint_eq(h.length, lengths[_i].length);
    }
}
END_TEST

static const struct {
    unsigned status;
    bool head_request;
    enum http_framing framing;
} statuses[] = {
    {100, false, HTTP_NO_BODY}, {103, false, HTTP_NO_BODY}, {199, false, HTTP_NO_BODY},
    {200, false, HTTP_LENGTH},  {200, true, HTTP_NO_BODY},  {203, false, HTTP_LENGTH},
    {204, false, HTTP_NO_BODY}, {205, false, HTTP_LENGTH},  {304, false, HTTP_NO_BODY},
    {304, true, HTTP_NO_BODY},  {404, false, HTTP_LENGTH},  {404, true, HTTP_NO_BODY},
};

START_TEST(C4_knows_which_responses_have_no_body)
{
    struct http_field field = {span_from_str("Content-Length"), span_from_str("5")};
    struct http_head h = {.minor = 1, .status = statuses[_i].status, .fields = &field, .n_fields = 1};
    ck_assert_ptr_null(http_framing_decide(&h, statuses[_i].head_request));
    ck_assert_msg(h.framing == statuses[_i].framing, "%u: %d", h.status, (int)h.framing);
    ck_assert_uint_eq(h.length, h.framing == HTTP_LENGTH ? 5 : 0);
}
END_TEST

START_TEST(takes_as_many_connection_options_as_the_writer_can_hold)
{
    char value[2 * HTTP_FRAMING_MAX_OPTIONS + 4] = "";
    for (size_t i = 0; i < HTTP_FRAMING_MAX_OPTIONS; i++)
        memcpy(value + 2 * i, "a,", 2);
    struct http_field field = {span_from_str("Connection"), span_from_str(value)};
    struct http_head h = request_with(&field, 1);
    ck_assert_ptr_null(http_framing_decide(&h, false));
    memcpy(value + strlen(value), "b", 2);
    field.value = span_from_str(value);
    ck_assert_ptr_nonnull(http_framing_decide(&h, false));
}
END_TEST

static const struct {
    const char *why;
    unsigned minor;
    struct {
        const char *name, *value;
    } fields[3];
} refused[] = {
    {"two equal lengths", 1, {{"Content-Length", "5"}, {"content-length", "5"}}},
    {"two lengths", 1, {{"Content-Length", "5"}, {"Content-Length", "6"}}},
    {"two lengths, one apart", 1, {{"Content-Length", "5"}, {"A", "b"}, {"Content-Length", "5"}}},
    {"a length and a coding", 1, {{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}},
    {"a coding and a length", 1, {{"Transfer-Encoding", "chunked"}, {"Content-Length", "5"}}},
    {"a length and an unknown coding", 1, {{"Content-Length", "5"}, {"Transfer-Encoding", "x"}}},
    {"two codings", 1, {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}},
    {"an unknown coding", 1, {{"Transfer-Encoding", "x"}}},
    {"an empty coding", 1, {{"Transfer-Encoding", ""}}},
    {"a list of codings", 1, {{"Transfer-Encoding", "gzip, chunked"}}},
    {"a coding in HTTP/1.0", 0, {{"Transfer-Encoding", "chunked"}}},
    {"a length by underscore", 1, {{"Content_Length", "5"}}},
    {"a coding by dot", 1, {{"Transfer.Encoding", "chunked"}}},
};

/* llhttp refuses some of these by itself; this layer must not lean on it. */
START_TEST(C3_refuses_every_doubt_about_the_length)
{
    struct http_field fields[3];
    size_t n = 0;
    for (; n < 3 && refused[_i].fields[n].name != NULL; n++)
        fields[n] = (struct http_field){span_from_str(refused[_i].fields[n].name),
                                        span_from_str(refused[_i].fields[n].value)};
    for (int request = 0; request < 2; request++) {
        struct http_head h = request_with(fields, n);
        h.request = request == 1;
        h.status = h.request ? 0 : 200;
        h.minor = refused[_i].minor;
        ck_assert_msg(http_framing_decide(&h, false) != NULL, "%s, request %d", refused[_i].why, request);
    }
}
END_TEST

static const struct {
    const char *why, *connection;
    unsigned minor;
    bool keeps, plain;
} connections[] = {
    {"1.1", "", 1, true, true},
    {"1.0", "", 0, false, true},
    {"1.1 that closes", "close", 1, false, true},
    {"1.1 that closes, case", "CLOSE", 1, false, true},
    {"1.0 that keeps", "keep-alive", 0, true, true},
    {"1.0 that does both", "keep-alive, close", 0, false, true},
    {"an option that begins as close", "closed", 1, true, false},
    {"empty options around", ", ,close,,", 1, false, true},
    {"the name of a field behind an option", "keep-alive, X-Secret", 1, true, false},
    {"the name of a field before an option", "X-Secret,close", 1, false, false},
};

START_TEST(knows_who_keeps_the_connection)
{
    struct http_field field = {span_from_str("Connection"), span_from_str(connections[_i].connection)};
    struct http_head h = request_with(&field, 1);
    h.minor = connections[_i].minor;
    ck_assert_ptr_null(http_framing_decide(&h, false));
    ck_assert_msg(h.keep_alive == connections[_i].keeps, "%s", connections[_i].why);
    ck_assert_msg(h.plain_connection == connections[_i].plain, "%s", connections[_i].why); /* what it names does not pass (http_filter) */
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_framing");
    TCase *tc = tcase_create("framing");
    tcase_add_loop_test(tc, C3_reads_lengths_to_the_largest_and_no_further, 0,
                        (int)(sizeof(lengths) / sizeof(lengths[0])));
    tcase_add_loop_test(tc, C3_refuses_every_doubt_about_the_length, 0,
                        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_loop_test(tc, C4_knows_which_responses_have_no_body, 0,
                        (int)(sizeof(statuses) / sizeof(statuses[0])));
    tcase_add_test(tc, takes_as_many_connection_options_as_the_writer_can_hold);
    tcase_add_loop_test(tc, knows_who_keeps_the_connection, 0,
                        (int)(sizeof(connections) / sizeof(connections[0])));
    suite_add_tcase(s, tc);
    return s;
}
