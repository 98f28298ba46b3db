/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/grpc.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *why, *value;
    bool grpc;
} types[] = {
    {"as every client sends it", "application/grpc", true},
    {"with its coding", "application/grpc+proto", true},
    {"with another coding", "application/grpc+json", true},
    {"with a parameter", "application/grpc; charset=utf-8", true},
    {"with a space before the parameter", "application/grpc+proto ;a=b", true},
    {"in other case", "Application/gRPC+Proto", true},
    {"for browsers, whose clients read the HTTP status", "application/grpc-web", false},
    {"for browsers, in base64", "application/grpc-web-text+proto", false},
    {"a type that begins so", "application/grpcx", false},
    {"a type that is shorter", "application/grp", false},
    {"a type that holds it", "text/plain; application/grpc", false},
    {"nothing", "", false},
};

START_TEST(knows_grpc_by_its_media_type)
{
    struct http_field fields[] = {{span_from_str("accept"), span_from_str("application/grpc")},
                                  {span_from_str("Content-Type"), span_from_str(types[_i].value)}};
    struct http_head h = {.request = true, .fields = fields, .n_fields = 2};
    ck_assert_msg(grpc_is_message(&h) == types[_i].grpc, "%s", types[_i].why);
}
END_TEST

START_TEST(a_message_without_a_type_is_none)
{
    struct http_head h = {.request = true};
    ck_assert(!grpc_is_message(&h));
}
END_TEST

START_TEST(statuses_are_those_that_clients_derive_themselves)
{
    static const struct {
        unsigned http, grpc;
    } rows[] = {{400, 13}, {401, 16}, {403, 7}, {404, 12}, {429, 14}, {502, 14},
                {503, 14}, {504, 14}, {408, 2}, {413, 2},  {417, 2},  {421, 2},
                {431, 2},  {500, 2},  {501, 2}, {200, 2},  {0, 2}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(grpc_status_of_http(rows[i].http) == rows[i].grpc, "%u gives %u", rows[i].http,
                      grpc_status_of_http(rows[i].http));
}
END_TEST

static const struct {
    const char *why, *first, *second; /* NULL: no such field */
    int status;
} ends[] = {
    {"success", "0", NULL, 0},
    {"the last of them", "16", NULL, 16},
    {"none", NULL, NULL, -1},
    {"one that gRPC does not have", "17", NULL, -1},
    {"nothing", "", NULL, -1},
    {"a word", "OK", NULL, -1},
    {"a sign", "-1", NULL, -1},
    {"a space", "0 ", NULL, -1},
    {"a number that would wrap around", "4294967296", NULL, -1},
    {"success twice", "0", "0", -1},
    {"failure, then success", "14", "0", -1},
};

START_TEST(reads_only_a_status_that_is_one)
{
    struct http_field fields[] = {
        {span_from_str("grpc_status"), span_from_str("0")},
        {span_from_str(ends[_i].first != NULL ? "grpc-status" : "x"), span_from_str(ends[_i].first)},
        {span_from_str(ends[_i].second != NULL ? "Grpc-Status" : "x"), span_from_str(ends[_i].second)},
    };
    struct http_head h = {.fields = fields, .n_fields = 3};
    ck_assert_msg(grpc_status_read(&h) == ends[_i].status, "%s: %d", ends[_i].why, grpc_status_read(&h));
}
END_TEST

START_TEST(names_every_status)
{
    ck_assert_str_eq(grpc_status_name(0), "OK");
    ck_assert_str_eq(grpc_status_name(7), "PERMISSION_DENIED");
    ck_assert_str_eq(grpc_status_name(16), "UNAUTHENTICATED");
    ck_assert_str_eq(grpc_status_name(17), "UNKNOWN");
}
END_TEST

static void assert_field(const struct grpc_refusal *r, const char *name, const char *value)
{
    struct span found = http_head_find(&r->head, name);
    ck_assert_msg(span_equals_str(found, value), "%s: %.*s", name, (int)found.len, (const char *)found.ptr);
}

START_TEST(a_refusal_is_one_head_with_reason_cause_and_hint)
{
    struct grpc_refusal r;
    struct http_problem p = {
        .status = 403, .reason = "not_allowed", .title = "no allow rule matches", .hint = "add a rule"};
    ck_assert_int_eq(grpc_refusal_init(&r, &p), 0);
    ck_assert_uint_eq(r.head.status, 200);
    ck_assert(!r.head.request);
    ck_assert_int_eq(r.head.framing, HTTP_NO_BODY);
    ck_assert_uint_eq(r.head.n_fields, 3);
    assert_field(&r, "content-type", "application/grpc");
    assert_field(&r, "grpc-status", "7");
    assert_field(&r, "grpc-message", "mtlsd: not_allowed: no allow rule matches; add a rule");
    ck_assert_int_eq(grpc_status_read(&r.head), GRPC_PERMISSION_DENIED);
    grpc_refusal_clear(&r);
}
END_TEST

START_TEST(a_detail_says_more_than_the_title)
{
    struct grpc_refusal r;
    struct http_problem p = {.status = 502,
                             .reason = "expired",
                             .title = "a certificate has expired",
                             .detail = "CN=x expired 2025-01-03",
                             .hint = "renew it"};
    ck_assert_int_eq(grpc_refusal_init(&r, &p), 0);
    assert_field(&r, "grpc-status", "14");
    assert_field(&r, "grpc-message", "mtlsd: expired: CN=x expired 2025-01-03; renew it");
    grpc_refusal_clear(&r);
}
END_TEST

START_TEST(what_is_not_known_is_left_out)
{
    struct grpc_refusal r;
    ck_assert_int_eq(grpc_refusal_init(&r, &(struct http_problem){.status = 500, .reason = "internal"}), 0);
    assert_field(&r, "grpc-status", "2");
    assert_field(&r, "grpc-message", "mtlsd: internal");
    grpc_refusal_clear(&r);
}
END_TEST

/* C8, C2 */
START_TEST(no_byte_of_a_certificate_ends_the_field)
{
    struct grpc_refusal r;
    struct http_problem p = {
        .status = 502, .reason = "expired", .detail = "CN=\r\ngrpc-status: 0\x7f 100% \xc3\xa4"};
    ck_assert_int_eq(grpc_refusal_init(&r, &p), 0);
    assert_field(&r, "grpc-message", "mtlsd: expired: CN=%0D%0Agrpc-status: 0%7F 100%25 %C3%A4");
    grpc_refusal_clear(&r);
}
END_TEST

START_TEST(a_message_of_any_length_stays_short)
{
    char detail[5000];
    struct grpc_refusal r;
    memset(detail, 0x01, sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = '\0';
    ck_assert_int_eq(
        grpc_refusal_init(&r, &(struct http_problem){.status = 502, .reason = "expired", .detail = detail}),
        0);
    struct span message = http_head_find(&r.head, "grpc-message");
    ck_assert_uint_gt(message.len, 3000);
    ck_assert_uint_le(message.len, 3 * 1024);
    ck_assert_msg(memcmp(message.ptr + message.len - 3, "%01", 3) == 0, "cut within a character");
    grpc_refusal_clear(&r);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("grpc");
    TCase *tc = tcase_create("messages");
    tcase_add_loop_test(tc, knows_grpc_by_its_media_type, 0, (int)(sizeof(types) / sizeof(types[0])));
    tcase_add_test(tc, a_message_without_a_type_is_none);
    suite_add_tcase(s, tc);
    tc = tcase_create("statuses");
    tcase_add_test(tc, statuses_are_those_that_clients_derive_themselves);
    tcase_add_loop_test(tc, reads_only_a_status_that_is_one, 0, (int)(sizeof(ends) / sizeof(ends[0])));
    tcase_add_test(tc, names_every_status);
    suite_add_tcase(s, tc);
    tc = tcase_create("refusals");
    tcase_add_test(tc, a_refusal_is_one_head_with_reason_cause_and_hint);
    tcase_add_test(tc, a_detail_says_more_than_the_title);
    tcase_add_test(tc, what_is_not_known_is_left_out);
    tcase_add_test(tc, no_byte_of_a_certificate_ends_the_field);
    tcase_add_test(tc, a_message_of_any_length_stays_short);
    suite_add_tcase(s, tc);
    return s;
}
