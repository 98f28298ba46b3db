/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/keys/key_message.h"

#include <string.h>

static struct bytes wire;

static void set_up(void)
{
    bytes_init(&wire, KEY_ANSWER_MAX + KEY_HEAD_BYTES);
}

static void tear_down(void)
{
    bytes_clear(&wire);
}

static const struct key_request requests[] = {
    {.kind = KEY_SIGN, .key = UINT64_C(0x123456789), .what = {-3, true, {(const uint8_t *)"hash", 4}}},
    {.kind = KEY_SIGN, .key = 1, .what = {17, false, {(const uint8_t *)"", 0}}},
    {.kind = KEY_READ, .set = 0xffffffff, .name = {(const uint8_t *)"me", 2}, .key_path = {(const uint8_t *)"/k", 2}, .chain_path = {(const uint8_t *)"/c", 2},
     .passphrase_path = {(const uint8_t *)"/p", 2}, .pkcs12 = true},
    {.kind = KEY_RELEASE, .set = 9},
    {.kind = KEY_BECOME},
    {.kind = KEY_DROP, .key = UINT64_C(0x500000002)},
    {.kind = KEY_WORKLOAD, .wait = true},
    {.kind = KEY_WORKLOAD},
    {.kind = KEY_READ_CA, .set = 3, .name = {(const uint8_t *)"me", 2}, .key_path = {(const uint8_t *)"/k", 2}, .certificate_path = {(const uint8_t *)"/c", 2},
     .hosts = {(const uint8_t *)"a.example\n", 10}},
    {.kind = KEY_ISSUE, .key = UINT64_C(0x300000001), .hosts = {(const uint8_t *)"a.example", 9}},
};
enum { REQUESTS = sizeof(requests) / sizeof(requests[0]) };

static struct span message_of(size_t most)
{
    struct span message = {0};
    uint32_t number = 0;
    size_t used = 0;
    ck_assert_int_eq(key_message_frame(bytes_span(&wire), most, &number, &message, &used), 1);
    ck_assert_uint_eq(number, 7);
    ck_assert_uint_eq(used, wire.len);
    return message;
}

START_TEST(a_request_arrives_as_it_was_sent)
{
    struct key_request out;
    const struct key_request *in = &requests[_i];
    ck_assert_int_eq(key_message_request(&wire, 7, in), 0);
    ck_assert_int_eq(key_message_read_request(message_of(KEY_REQUEST_MAX), &out), 0);
    ck_assert_int_eq(out.kind, in->kind);
    ck_assert_uint_eq(out.key, in->key);
    ck_assert_uint_eq(out.set, in->set);
    ck_assert_int_eq(out.what.algorithm, in->what.algorithm);
    ck_assert_int_eq(out.what.hashed, in->what.hashed);
    ck_assert(span_equals(out.what.input, in->what.input) && span_equals(out.name, in->name) && span_equals(out.key_path, in->key_path));
    ck_assert(span_equals(out.certificate_path, in->certificate_path) && span_equals(out.chain_path, in->chain_path));
    ck_assert(span_equals(out.passphrase_path, in->passphrase_path) && out.pkcs12 == in->pkcs12 && out.wait == in->wait);
    ck_assert(span_equals(out.hosts, in->hosts));
}
END_TEST

START_TEST(a_request_that_is_cut_or_longer_is_refused)
{
    struct key_request out;
    uint8_t copy[256];
    ck_assert_int_eq(key_message_request(&wire, 7, &requests[_i]), 0);
    struct span whole = message_of(KEY_REQUEST_MAX);
    memcpy(copy, whole.ptr, whole.len);
    copy[whole.len] = 0;
    ck_assert_int_eq(key_message_read_request(span_of(copy, whole.len + 1), &out), -1);
    for (size_t n = 0; n < whole.len; n++)
        ck_assert_int_eq(key_message_read_request(span_of(copy, n), &out), -1);
}
END_TEST

static const struct {
    const char *bytes;
    size_t n;
    const char *why;
} bad[] = {
    {"\x00", 1, "no kind"},
    {"\x09", 1, "a kind that is not known"},
    {"\x01\0\0\0\0\0\0\0\1\0\0\0\1\2\0\0\0\0", 18, "neither true nor false"},
    {"\x01\0\0\0\0\0\0\0\1\0\0\0\1\1\xff\xff\xff\xff", 18, "a length past the end"},
    {"\x02\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26, "no path of a key"},
    {"\x06\0\0\0\1\0\0\0\0\0\0\0\1a\0\0\0\0\0\0\0\0", 22, "a CA without a certificate"},
    {"\x07\0\0\0\0\0\0\0\1\0\0\0\2a\0", 15, "a zero byte in a host"},
    {"\x02\0\0\0\1\0\0\0\0\0\0\0\2a\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 28, "a zero byte in a path"},
};

START_TEST(a_malformed_request_is_refused)
{
    struct key_request out;
    ck_assert_msg(key_message_read_request(span_of(bad[_i].bytes, bad[_i].n), &out) == -1, "%s", bad[_i].why);
}
END_TEST

static void fill(struct identity_files *files, struct key_answer *answer)
{
    *files = (struct identity_files){.chain = {.failed = true, .facts.is_folder = true}};
    files->key.has_key = true;
    files->key.facts.access = (struct file_access){.mode = 0640, .owner = 5, .group = 6, .us = 7, .foreign_group = true};
    bytes_init(&files->key.text, 100);
    bytes_append_str(&files->key.text, "certificates");
    (void)err_set(&files->chain.err, ERR_IO, "/chain: is gone");
    *answer = (struct key_answer){.fine = true, .key = 99, .refused = 5, .has_key = true, .unlocked = true, .facts = {.algorithm = 4, .bits = 256, .line = 12}};
    memset(answer->facts.public_id, 0xab, TLS_KEY_ID);
}

START_TEST(an_answer_with_files_arrives_as_it_was_sent)
{
    struct identity_files in, out = {0};
    struct key_answer answer, read;
    fill(&in, &answer);
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, &in), 0);
    ck_assert_int_eq(key_message_read_answer(message_of(KEY_ANSWER_MAX), &read, &out), 0);
    ck_assert(read.fine && read.has_key && read.unlocked);
    ck_assert_uint_eq(read.key, 99);
    ck_assert_uint_eq(read.refused, 5);
    ck_assert_int_eq(memcmp(&read.facts, &answer.facts, sizeof(read.facts)), 0);
    ck_assert(out.key.has_key && !out.key.failed && out.key.facts.access.foreign_group && !out.key.facts.access.foreign_owner);
    ck_assert_uint_eq(out.key.facts.access.mode, 0640);
    ck_assert_uint_eq(out.key.facts.access.us, 7);
    ck_assert(span_equals_str(bytes_span(&out.key.text), "certificates"));
    ck_assert(out.chain.failed && out.chain.facts.is_folder);
    ck_assert_str_eq(out.chain.err.text, "/chain: is gone");
    ck_assert_int_eq(out.chain.err.kind, ERR_IO);
    identity_files_clear(&in);
    identity_files_clear(&out);
}
END_TEST

START_TEST(an_answer_that_is_cut_is_refused)
{
    struct identity_files in;
    struct key_answer answer, read;
    fill(&in, &answer);
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, &in), 0);
    struct span whole = message_of(KEY_ANSWER_MAX);
    for (size_t n = 0; n < whole.len; n++) {
        struct identity_files out = {0};
        ck_assert_int_eq(key_message_read_answer(span_of(whole.ptr, n), &read, &out), -1);
        identity_files_clear(&out);
    }
    identity_files_clear(&in);
}
END_TEST

START_TEST(an_answer_has_files_only_where_they_were_asked_for)
{
    struct identity_files files, out = {0};
    struct key_answer answer, read;
    fill(&files, &answer);
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, &files), 0);
    ck_assert_int_eq(key_message_read_answer(message_of(KEY_ANSWER_MAX), &read, NULL), -1);
    bytes_clear(&wire);
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, NULL), 0);
    ck_assert_int_eq(key_message_read_answer(message_of(KEY_ANSWER_MAX), &read, &out), -1);
    bytes_clear(&wire);
    answer = (struct key_answer){.err = {ERR_MEMORY, "out of memory"}};
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, NULL), 0);
    ck_assert_int_eq(key_message_read_answer(message_of(KEY_ANSWER_MAX), &read, &out), 0);
    ck_assert_str_eq(read.err.text, "out of memory");
    bytes_clear(&wire);
    answer = (struct key_answer){.fine = true, .workload = span_from_str("packed")};
    ck_assert_int_eq(key_message_answer(&wire, 7, &answer, NULL), 0);
    ck_assert_int_eq(key_message_read_answer(message_of(KEY_ANSWER_MAX), &read, NULL), 0);
    ck_assert(span_equals_str(read.workload, "packed"));
    identity_files_clear(&files);
    identity_files_clear(&out);
}
END_TEST

START_TEST(a_frame_waits_for_its_end_and_has_a_limit)
{
    struct span message;
    uint32_t number;
    size_t used;
    ck_assert_int_eq(key_message_request(&wire, 7, &requests[0]), 0);
    for (size_t n = 0; n < wire.len; n++)
        ck_assert_int_eq(key_message_frame(span_of(wire.data, n), KEY_REQUEST_MAX, &number, &message, &used), 0);
    ck_assert_int_eq(key_message_frame(bytes_span(&wire), 8, &number, &message, &used), -1);
    ck_assert_int_eq(key_message_frame(span_of("\0\0\0\3\0\0\0\1", 8), 100, &number, &message, &used), -1);
    struct bytes large;
    bytes_init(&large, KEY_REQUEST_MAX + 1000);
    ck_assert_ptr_nonnull(bytes_reserve(&large, KEY_REQUEST_MAX));
    struct key_request request = {.kind = KEY_SIGN, .what = {1, false, {large.data, KEY_REQUEST_MAX}}};
    memset(large.data, 'x', KEY_REQUEST_MAX);
    bytes_clear(&wire);
    ck_assert_int_eq(key_message_request(&wire, 7, &request), -1);
    bytes_clear(&large);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_message");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, a_request_arrives_as_it_was_sent, 0, REQUESTS);
    tcase_add_loop_test(c, a_request_that_is_cut_or_longer_is_refused, 0, REQUESTS);
    tcase_add_loop_test(c, a_malformed_request_is_refused, 0, sizeof(bad) / sizeof(bad[0]));
    tcase_add_test(c, an_answer_with_files_arrives_as_it_was_sent);
    tcase_add_test(c, an_answer_that_is_cut_is_refused);
    tcase_add_test(c, an_answer_has_files_only_where_they_were_asked_for);
    tcase_add_test(c, a_frame_waits_for_its_end_and_has_a_limit);
    suite_add_tcase(s, c);
    return s;
}
