/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/grpc.h"
#include "mtlsd/http/grpc_health.h"
#include "t.h"

#include <string.h>

#define BYTES(literal) ((struct span){(const uint8_t *)(literal), sizeof(literal) - 1})

START_TEST(asks_for_a_service_by_name)
{
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(grpc_health_write_request(&out, span_from_str("shop.Cart")), 0);
    ck_assert(span_equals(bytes_span(&out), BYTES("\0\0\0\0\x0b\x0a\x09shop.Cart")));
    bytes_clear(&out);
}
END_TEST

START_TEST(asks_for_the_whole_server_with_an_empty_message)
{
    struct bytes out;
    bytes_init(&out, 4096);
    ck_assert_int_eq(grpc_health_write_request(&out, span_from_str("")), 0);
    ck_assert(span_equals(bytes_span(&out), BYTES("\0\0\0\0\0")));
    bytes_clear(&out);
}
END_TEST

START_TEST(a_long_name_has_a_length_of_two_bytes)
{
    char name[301];
    struct bytes out;
    memset(name, 'a', 300);
    name[300] = '\0';
    bytes_init(&out, 4096);
    ck_assert_int_eq(grpc_health_write_request(&out, span_from_str(name)), 0);
    ck_assert_uint_eq(out.len, 5 + 3 + 300);
    ck_assert(memcmp(bytes_span(&out).ptr,
                     "\0\0\0\x01\x2f\x0a\xac\x02"
                     "aa",
                     10) == 0);
    bytes_clear(&out);
}
END_TEST

START_TEST(no_room_for_the_request_is_a_failure)
{
    struct bytes out;
    bytes_init(&out, 8);
    ck_assert_int_eq(grpc_health_write_request(&out, span_from_str("shop.Cart")), -1);
    bytes_clear(&out);
}
END_TEST

/* An answer of this message, whole or byte by byte, with grpc-status 0 in the trailers. */
static int judge(struct span message, bool by_byte, struct err *err)
{
    struct grpc_health h;
    struct http_field type = {span_from_str("content-type"), span_from_str("application/grpc")},
                      ok = {span_from_str("grpc-status"), span_from_str("0")};
    struct http_head head = {.status = 200, .fields = &type, .n_fields = 1},
                     trailers = {.fields = &ok, .n_fields = 1};
    grpc_health_init(&h);
    grpc_health_on_head(&h, &head);
    if (!by_byte)
        grpc_health_on_data(&h, message);
    for (size_t i = 0; by_byte && i < message.len; i++)
        grpc_health_on_data(&h, span_of(message.ptr + i, 1));
    grpc_health_on_trailers(&h, &trailers);
    return grpc_health_judge(&h, err);
}

static const struct {
    const char *why;
    struct span message;
    const char *text; /* NULL: healthy; else a part of the sentence */
} answers[] = {
    {"SERVING", BYTES("\0\0\0\0\2\x08\1"), NULL},
    {"SERVING, spelled with a byte too many", BYTES("\0\0\0\0\3\x08\x81\0"), NULL},
    {"SERVING beside a number that came later", BYTES("\0\0\0\0\4\x10\x05\x08\1"), NULL},
    {"SERVING beside a text", BYTES("\0\0\0\0\6\x08\1\x12\2hi"), NULL},
    {"SERVING beside fixed widths",
     BYTES("\0\0\0\0\x10\x19"
           "12345678"
           "\x25"
           "1234"
           "\x08\1"),
     NULL},
    {"UNKNOWN, which is not written", BYTES("\0\0\0\0\0"), "answered with UNKNOWN"},
    {"NOT_SERVING", BYTES("\0\0\0\0\2\x08\2"), "answered with NOT_SERVING, expected is SERVING"},
    {"SERVICE_UNKNOWN", BYTES("\0\0\0\0\2\x08\3"), "answered with SERVICE_UNKNOWN"},
    {"a status of another version", BYTES("\0\0\0\0\2\x08\4"), "does not have"},
    {"a status that is SERVING in its low 32 bits", BYTES("\0\0\0\0\6\x08\x81\x80\x80\x80\x10"),
     "does not have"},
    {"SERVING, then NOT_SERVING", BYTES("\0\0\0\0\4\x08\1\x08\2"), "NOT_SERVING"},
    {"no message", BYTES(""), "no message"},
    {"half a prefix", BYTES("\0\0\0\0"), "no message"},
    {"less than the prefix says", BYTES("\0\0\0\0\3\x08\1"), "no HealthCheckResponse"},
    {"more than the prefix says", BYTES("\0\0\0\0\2\x08\1\0"), "no HealthCheckResponse"},
    {"two messages", BYTES("\0\0\0\0\2\x08\1\0\0\0\0\2\x08\1"), "no HealthCheckResponse"},
    {"a length of 4 GiB", BYTES("\0\xff\xff\xff\xff\x08\1"), "no HealthCheckResponse"},
    {"compressed", BYTES("\1\0\0\0\2\x08\1"), "compressed"},
    {"the status as a text", BYTES("\0\0\0\0\3\x0a\1\1"), "no HealthCheckResponse"},
    {"a field without a value", BYTES("\0\0\0\0\1\x08"), "no HealthCheckResponse"},
    {"a value without an end", BYTES("\0\0\0\0\3\x08\x81\x80"), "no HealthCheckResponse"},
    {"a value of eleven bytes", BYTES("\0\0\0\0\x0c\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"),
     "no HealthCheckResponse"},
    {"a value of more than 64 bits", BYTES("\0\0\0\0\x0b\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\2"),
     "no HealthCheckResponse"},
    {"field number 0", BYTES("\0\0\0\0\4\0\0\x08\1"), "no HealthCheckResponse"},
    {"a group", BYTES("\0\0\0\0\4\x13\x14\x08\1"), "no HealthCheckResponse"},
    {"a text longer than the message", BYTES("\0\0\0\0\5\x08\1\x12\x7fx"), "no HealthCheckResponse"},
    {"a text of 2^64 - 1 bytes", BYTES("\0\0\0\0\x0d\x08\1\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
     "no HealthCheckResponse"},
};

START_TEST(only_serving_is_healthy)
{
    for (int by_byte = 0; by_byte < 2; by_byte++) {
        struct err err = {0};
        int rc = judge(answers[_i].message, by_byte == 1, &err);
        ck_assert_msg(rc == (answers[_i].text != NULL ? -1 : 0), "%s: %s", answers[_i].why, err.text);
        ck_assert_msg(answers[_i].text == NULL || strstr(err.text, answers[_i].text) != NULL, "%s: %s",
                      answers[_i].why, err.text);
    }
}
END_TEST

START_TEST(an_endless_answer_is_refused_and_not_kept)
{
    struct err err = {0};
    uint8_t much[4096] = {0, 0, 0, 0x0f, 0xfb};
    for (int by_byte = 0; by_byte < 2; by_byte++) {
        ck_assert_int_eq(judge(span_of(much, sizeof(much)), by_byte == 1, &err), -1);
        ck_assert_msg(strstr(err.text, "longer than 256 bytes") != NULL, "%s", err.text);
    }
}
END_TEST

static const struct {
    const char *why;
    unsigned status;
    const char *type, *in_head, *in_trailers; /* NULL: no such field; trailers NULL: none came */
    const char *text;
} calls[] = {
    {"a good end", 200, "application/grpc+proto", NULL, "0", NULL},
    {"a good end in a head that is all", 200, "application/grpc", "0", NULL, NULL},
    {"an error of HTTP", 502, "text/html", NULL, NULL, "HTTP status 502, expected is 200"},
    {"an error of HTTP, with a status", 503, "application/grpc", "0", NULL, "HTTP status 503"},
    {"a page", 200, "text/html", NULL, "0", "not gRPC"},
    {"no type", 200, NULL, NULL, "0", "not gRPC"},
    {"no status", 200, "application/grpc", NULL, NULL, "no valid grpc-status"},
    {"a status in the head, but trailers came", 200, "application/grpc", "0", "", "no valid grpc-status"},
    {"no status in the trailers", 200, "application/grpc", NULL, "", "no valid grpc-status"},
    {"an unknown service", 200, "application/grpc", "5", NULL,
     "grpc-status 5 (NOT_FOUND): the target does not know the service of health.grpc"},
    {"no such call", 200, "application/grpc", "12", NULL,
     "grpc-status 12 (UNIMPLEMENTED): the target has no grpc.health.v1.Health service"},
    {"an end that fails behind a good message", 200, "application/grpc", NULL, "14",
     "grpc-status 14 (UNAVAILABLE)"},
};

START_TEST(the_end_of_the_call_counts_as_much_as_its_message)
{
    struct grpc_health h;
    struct err err = {0};
    struct http_field fields[] = {
        {span_from_str(calls[_i].type != NULL ? "content-type" : "x"), span_from_str(calls[_i].type)},
        {span_from_str(calls[_i].in_head != NULL ? "grpc-status" : "x"), span_from_str(calls[_i].in_head)},
    };
    struct http_field last = {span_from_str("grpc-status"), span_from_str(calls[_i].in_trailers)};
    struct http_head head = {.status = calls[_i].status, .fields = fields, .n_fields = 2},
                     trailers = {.fields = &last, .n_fields = 1};
    grpc_health_init(&h);
    grpc_health_on_head(&h, &head);
    grpc_health_on_data(&h, BYTES("\0\0\0\0\2\x08\1"));
    if (calls[_i].in_trailers != NULL)
        grpc_health_on_trailers(&h, &trailers);
    int rc = grpc_health_judge(&h, &err);
    ck_assert_msg(rc == (calls[_i].text != NULL ? -1 : 0), "%s: %s", calls[_i].why, err.text);
    ck_assert_msg(calls[_i].text == NULL || strstr(err.text, calls[_i].text) != NULL, "%s: %s", calls[_i].why,
                  err.text);
}
END_TEST

START_TEST(an_end_without_an_answer_is_a_failure)
{
    struct grpc_health h;
    struct err err = {0};
    grpc_health_init(&h);
    ck_assert_int_eq(grpc_health_judge(&h, &err), -1);
    ck_assert_msg(strstr(err.text, "HTTP status 0") != NULL, "%s", err.text);
}
END_TEST

START_TEST(a_refusal_of_ours_is_not_healthy)
{
    struct grpc_health h;
    struct grpc_refusal refusal;
    struct err err = {0};
    grpc_health_init(&h);
    ck_assert_int_eq(
        grpc_refusal_init(&refusal, &(struct http_problem){.status = 403, .reason = "not_allowed"}), 0);
    grpc_health_on_head(&h, &refusal.head);
    ck_assert_int_eq(grpc_health_judge(&h, &err), -1);
    ck_assert_msg(strstr(err.text, "PERMISSION_DENIED") != NULL, "%s", err.text);
    grpc_refusal_clear(&refusal);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("grpc_health");
    TCase *tc = tcase_create("request");
    tcase_add_test(tc, asks_for_a_service_by_name);
    tcase_add_test(tc, asks_for_the_whole_server_with_an_empty_message);
    tcase_add_test(tc, a_long_name_has_a_length_of_two_bytes);
    tcase_add_test(tc, no_room_for_the_request_is_a_failure);
    suite_add_tcase(s, tc);
    tc = tcase_create("answer");
    tcase_add_loop_test(tc, only_serving_is_healthy, 0, (int)(sizeof(answers) / sizeof(answers[0])));
    tcase_add_test(tc, an_endless_answer_is_refused_and_not_kept);
    tcase_add_loop_test(tc, the_end_of_the_call_counts_as_much_as_its_message, 0,
                        (int)(sizeof(calls) / sizeof(calls[0])));
    tcase_add_test(tc, an_end_without_an_answer_is_a_failure);
    tcase_add_test(tc, a_refusal_of_ours_is_not_healthy);
    suite_add_tcase(s, tc);
    return s;
}
