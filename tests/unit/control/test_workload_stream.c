/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/workload_stream.h"
#include "t.h"

#include <string.h>

static const struct {
    const char *value, *path, *says;
} sockets[] = {
    {"unix:///run/agent.sock", "/run/agent.sock", NULL},
    {"tcp://127.0.0.1:8081", NULL, "TCP address"},
    {"unix://run/agent.sock", NULL, "does not begin with unix:///"},
    {"unix:/run/agent.sock", NULL, "does not begin with unix:///"},
    {NULL, NULL, "SPIFFE_ENDPOINT_SOCKET is not set"},
    {"", NULL, "SPIFFE_ENDPOINT_SOCKET is not set"},
    {"/run/agent.sock", NULL, "does not begin with unix:///"},
    {"UNIX:///run/agent.sock", NULL, "does not begin with unix:///"},
    {"unix:///run/agent.sock?x", NULL, "leave out"},
    {"unix:///0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901", NULL, "107 bytes"},
};

START_TEST(takes_the_path_of_a_unix_socket_alone)
{
    char path[WORKLOAD_PATH_MAX];
    struct err err = {0};
    int rc = workload_socket_path(sockets[_i].value, path, &err);
    ck_assert_int_eq(rc, sockets[_i].path != NULL ? 0 : -1);
    if (rc == 0)
        ck_assert_str_eq(path, sockets[_i].path);
    else
        ck_assert_msg(err.kind == ERR_CONFIG && strstr(err.text, sockets[_i].says) != NULL, "%s", err.text);
}
END_TEST

static const char wire[] = "\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three";

START_TEST(finds_messages_wherever_the_bytes_are_cut)
{
    const size_t n = sizeof(wire) - 1;
    for (size_t cut = 0; cut <= n; cut++) {
        struct workload_stream s;
        struct err err = {0};
        workload_stream_init(&s);
        ck_assert_int_eq(workload_stream_add(&s, span_of(wire, cut), &err), 0);
        ck_assert(s.has_latest == (cut >= 8));
        if (cut >= 8 && cut < 13)
            ck_assert(span_equals_str(bytes_span(&s.latest), "one"));
        ck_assert_int_eq(workload_stream_add(&s, span_of(wire + cut, n - cut), &err), 0);
        ck_assert_uint_eq(s.messages, 3);
        ck_assert(span_equals_str(bytes_span(&s.latest), "three")); /* the last one counts */
        workload_stream_clear(&s);
        ck_assert(!s.has_latest && s.latest.data == NULL);
    }
}
END_TEST

START_TEST(refuses_what_is_compressed_too_large_or_no_grpc)
{
    static const struct {
        const char *bytes, *says;
    } rows[] = {{"\1\0\0\0\1x", "compressed"}, {"\2\0\0\0\1x", "not one of gRPC"}, {"\0\0\x40\0\1x", "larger than 4 MiB"}, {"\0\xff\xff\xff\xffx", "larger than 4 MiB"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct workload_stream s;
        struct err err = {0};
        workload_stream_init(&s);
        ck_assert_int_eq(workload_stream_add(&s, span_of(rows[i].bytes, 6), &err), -1);
        ck_assert_msg(err.kind == ERR_PROTOCOL && strstr(err.text, rows[i].says) != NULL, "%s", err.text);
        workload_stream_clear(&s);
    }
}
END_TEST

static const struct {
    const char *lines[3];
    long http;
    const char *fault;
    enum workload_state state;
    const char *says;
} ends[] = {
    {{"grpc-status: 7\r\n", "grpc-message: no identity issued\r\n"}, 200, NULL, WORKLOAD_DENIED, "PermissionDenied: no identity issued"},
    {{"Grpc-Status:7\n"}, 200, "the connection broke", WORKLOAD_DENIED, "register this workload"},
    {{"grpc-status: 12\r\n"}, 200, NULL, WORKLOAD_LOST, "not that of a SPIFFE Workload API"},
    {{"grpc-status: 3\r\n", "grpc-message: security header missing\r\n"}, 200, NULL, WORKLOAD_LOST, "InvalidArgument: security header missing"},
    {{"grpc-status: 14\r\n"}, 200, NULL, WORKLOAD_LOST, "status 14"},
    {{"grpc-status: 0\r\n"}, 200, NULL, WORKLOAD_LOST, "has ended the stream"},
    {{"grpc-status: x\r\n"}, 200, NULL, WORKLOAD_LOST, "status 2"},
    {{"grpc-status: 99999999999\r\n"}, 200, NULL, WORKLOAD_LOST, "status 2"},
    {{"grpc-status: 70\r\n"}, 200, NULL, WORKLOAD_LOST, "status 70"},
    {{"x-grpc-status: 7\r\n"}, 200, "cut", WORKLOAD_LOST, "cut"},
    {{"grpc-status: 14\r\n", "grpc-message: \x1b[31m\r\n"}, 200, NULL, WORKLOAD_LOST, "?[31m"},
    {{NULL}, 0, "cannot connect", WORKLOAD_LOST, "cannot connect"},
    {{NULL}, 404, NULL, WORKLOAD_LOST, "HTTP status 404"},
};

START_TEST(tells_what_an_end_means)
{
    struct workload_ending e = {.status = -1};
    char text[640];
    for (size_t i = 0; i < 3 && ends[_i].lines[i] != NULL; i++)
        workload_ending_line(&e, span_from_str(ends[_i].lines[i]));
    e.http = ends[_i].http;
    ck_assert_int_eq(workload_ending_state(&e, ends[_i].fault, text, sizeof(text)), ends[_i].state);
    ck_assert_msg(strstr(text, ends[_i].says) != NULL, "%s", text);
}
END_TEST

START_TEST(waits_longer_each_time_up_to_half_a_minute)
{
    for (unsigned failures = 1; failures < 20; failures++) {
        unsigned least = workload_backoff_ms(failures, 0), most = 0;
        for (unsigned random = 0; random < 40000; random += 7)
            most = workload_backoff_ms(failures, random) > most ? workload_backoff_ms(failures, random) : most;
        ck_assert_uint_ge(least, 125);
        ck_assert_uint_le(most, 30000);
        ck_assert(failures < 8 || (least == 15000 && most > 29000));
    }
    ck_assert_uint_le(workload_backoff_ms(1, 4711), 250);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("workload_stream");
    TCase *t = tcase_create("all");
    tcase_add_loop_test(t, takes_the_path_of_a_unix_socket_alone, 0, sizeof(sockets) / sizeof(sockets[0]));
    tcase_add_test(t, finds_messages_wherever_the_bytes_are_cut);
    tcase_add_test(t, refuses_what_is_compressed_too_large_or_no_grpc);
    tcase_add_loop_test(t, tells_what_an_end_means, 0, sizeof(ends) / sizeof(ends[0]));
    tcase_add_test(t, waits_longer_each_time_up_to_half_a_minute);
    suite_add_tcase(s, t);
    return s;
}
