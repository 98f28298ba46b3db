/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/http/http1.h"
#include "mtlsd/http/http_problem.h"
#include "t.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const struct http_problem full = {
    .status = 502,
    .phrase = "Bad Gateway",
    .reason = "expired",
    .title = "The upstream's certificate has expired",
    .detail = "certificate CN=x: expired 2025-01-03T00:00:00Z",
    .hint = "renew it",
    .contact = "ops \"A\"",
    .refused_by = "us",
    .upstream = "partner",
    .identity = "payments",
    .alert = "certificate_expired",
    .peer = {.subject = "CN=x", .issuer = "CN=ca", .serial = "2a", .sha256 = "00ff", .not_before = 0, .not_after = 86400},
    .ours = {.subject = "CN=x", .issuer = "CN=ca", .serial = "2a", .sha256 = "00ff", .not_before = 0, .not_after = 86400},
    .now = 1735862400,
};

/* Reads the answer as a client would and gives its body, NUL-terminated. */
static void read_answer(const struct http_problem *p, unsigned *status, char *body, size_t size)
{
    struct bytes out;
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(http_problem_write(&out, p), 0);
    struct http1 *reader = http1_new(false, 4096, 20);
    if (p->head_only)
        http1_expect_no_body(reader);
    struct span in = bytes_span(&out), data = {NULL, 0};
    ck_assert_int_eq(http1_next(reader, &in, &data), HTTP1_HEAD);
    *status = http1_head(reader)->status;
    ck_assert(
        span_equals_str(http_head_find(http1_head(reader), "content-type"), "application/problem+json"));
    ck_assert(span_equals_str(http_head_find(http1_head(reader), "cache-control"), "no-store"));
    ck_assert_uint_eq(http_head_find(http1_head(reader), "date").len, 29);
    ck_assert(http1_head(reader)->keep_alive == !p->close);
    enum http1_event e = http1_next(reader, &in, &data);
    if (!p->head_only) {
        ck_assert_int_eq(e, HTTP1_DATA);
        e = http1_next(reader, &in, &(struct span){NULL, 0});
    }
    ck_assert_int_eq(e, HTTP1_END);
    ck_assert_uint_eq(in.len, 0);
    ck_assert_uint_lt(data.len, size);
    if (data.len > 0)
        memcpy(body, data.ptr, data.len);
    body[data.len] = '\0';
    http1_free(reader);
    bytes_clear(&out);
}

static const char *text_of(json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "(none)";
}

START_TEST(tells_everything_it_was_given)
{
    static const char *const members[][2] = {
        {"type", "urn:mtlsd:reason:expired"},
        {"reason", "expired"},
        {"title", "The upstream's certificate has expired"},
        {"detail", "certificate CN=x: expired 2025-01-03T00:00:00Z"},
        {"hint", "renew it"},
        {"contact", "ops \"A\""},
        {"refused_by", "us"},
        {"upstream", "partner"},
        {"identity", "payments"},
        {"alert", "certificate_expired"},
        {"now", "2025-01-03T00:00:00Z"},
    };
    static const char *const peer_members[][2] = {
        {"subject", "CN=x"},
        {"issuer", "CN=ca"},
        {"serial", "2a"},
        {"sha256", "00ff"},
        {"not_before", "1970-01-01T00:00:00Z"},
        {"not_after", "1970-01-02T00:00:00Z"},
    };
    unsigned status;
    char body[4096];
    read_answer(&full, &status, body, sizeof(body));
    ck_assert_uint_eq(status, 502);
    json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "%s", body);
    ck_assert_int_eq(json_integer_value(json_object_get(root, "status")), 502);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        ck_assert_str_eq(text_of(root, members[i][0]), members[i][1]);
    json_t *peer = json_object_get(root, "peer"), *ours = json_object_get(root, "ours");
    for (size_t i = 0; i < sizeof(peer_members) / sizeof(peer_members[0]); i++) {
        ck_assert_str_eq(text_of(peer, peer_members[i][0]), peer_members[i][1]);
        ck_assert_str_eq(text_of(ours, peer_members[i][0]), peer_members[i][1]);
    }
    json_decref(root);
}
END_TEST

START_TEST(leaves_out_what_it_was_not_given)
{
    unsigned status;
    char body[4096];
    read_answer(&(struct http_problem){.status = 404, .now = 0}, &status, body, sizeof(body));
    ck_assert_str_eq(body, "{\"status\":404,\"now\":\"1970-01-01T00:00:00Z\"}\n");
}
END_TEST

START_TEST(says_the_length_but_no_body_to_HEAD)
{
    struct http_problem p = full;
    p.head_only = true;
    unsigned status;
    char body[4096];
    read_answer(&p, &status, body, sizeof(body));
    ck_assert_str_eq(body, "");
    struct bytes with, without;
    bytes_init(&with, 1 << 20);
    bytes_init(&without, 1 << 20);
    ck_assert_int_eq(http_problem_write(&with, &full), 0);
    ck_assert_int_eq(http_problem_write(&without, &p), 0);
    ck_assert_mem_eq(with.data + with.head, without.data + without.head, without.len);
    bytes_clear(&with);
    bytes_clear(&without);
}
END_TEST

START_TEST(says_close_when_told_to)
{
    struct http_problem p = full;
    p.close = true;
    unsigned status;
    char body[4096];
    read_answer(&p, &status, body, sizeof(body));
    ck_assert_uint_eq(status, 502);
}
END_TEST

START_TEST(C8_lets_no_value_leave_its_quotes)
{
    static const char hostile[] = "a\",\"reason\":\"valid\r\n\r\nHTTP/1.1 200 OK\r\n\\\x1b[2J\x7f\xff";
    struct http_problem p = full;
    p.detail = p.peer.subject = p.upstream = hostile;
    unsigned status;
    char body[8192];
    read_answer(&p, &status, body, sizeof(body));
    json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "%s", body);
    ck_assert_str_eq(text_of(root, "reason"), "expired");
    ck_assert_int_eq(strncmp(text_of(root, "detail"), "a\",\"reason\":\"valid\r\n", 20), 0);
    for (const char *c = body; c[1] != '\0'; c++)
        ck_assert_msg(*c >= 0x20 && *c < 0x7f, "byte %02x in %s", (unsigned)(unsigned char)*c, body);
    json_decref(root);
}
END_TEST

START_TEST(fails_when_there_is_no_room)
{
    struct bytes out;
    bytes_init(&out, 64);
    ck_assert_int_eq(http_problem_write(&out, &full), -1);
    bytes_clear(&out);
}
END_TEST

/* A server's name may have any length, and its 502 must not become an internal error. */
START_TEST(shows_the_front_of_a_very_long_name)
{
    static char name[16 * 1024];
    memset(name, 1, sizeof(name) - 1);
    struct http_problem p = full;
    p.peer.subject = p.peer.issuer = name;
    unsigned status;
    static char body[64 * 1024];
    read_answer(&p, &status, body, sizeof(body));
    json_t *root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(root != NULL, "%.200s", body);
    ck_assert_uint_eq(strlen(text_of(json_object_get(root, "peer"), "subject")), 1024);
    ck_assert_uint_eq(strlen(text_of(json_object_get(root, "peer"), "issuer")), 1024);
    json_decref(root);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http_problem");
    TCase *tc = tcase_create("answers");
    tcase_add_test(tc, tells_everything_it_was_given);
    tcase_add_test(tc, leaves_out_what_it_was_not_given);
    tcase_add_test(tc, says_the_length_but_no_body_to_HEAD);
    tcase_add_test(tc, says_close_when_told_to);
    tcase_add_test(tc, C8_lets_no_value_leave_its_quotes);
    tcase_add_test(tc, fails_when_there_is_no_room);
    tcase_add_test(tc, shows_the_front_of_a_very_long_name);
    suite_add_tcase(s, tc);
    return s;
}
