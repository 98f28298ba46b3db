/* SPDX-License-Identifier: Apache-2.0 */
/* How fields are kept and counted; which are refused is in test_http2_head.c. */
#include "http2_block.h"
#include "t.h"

#include <string.h>

enum { MAX_BYTES = 600, MAX_FIELDS = 12 };

static struct http2_block block;

static void add(const char *name, const char *value, bool never)
{
    struct http_field f = {span_from_str(name), span_from_str(value)};
    http2_block_add(&block, &f, never);
}

static void finish(void)
{
    ck_assert_int_eq(http2_block_join_cookies(&block), 0);
    ck_assert_int_eq(http2_block_give_fields(&block), 0);
}

START_TEST(counts_bytes_as_http1_does)
{
    static const char name[] = "x";
    char value[MAX_BYTES];
    memset(value, 'v', sizeof(value));
    for (size_t more = 0; more < 2; more++) {
        block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
        http2_block_begin(&block, HTTP2_BLOCK_TRAILERS);
        struct http_field f = {span_of(name, 1), span_of(value, MAX_BYTES - 5 + more)};
        http2_block_add(&block, &f, false);
        finish();
        ck_assert_int_eq(block.reason, more == 0 ? REASON_VALID : REASON_REQUEST_TOO_LARGE);
        http2_block_clear(&block);
    }
}
END_TEST

START_TEST(keeps_secrets_known)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS, .ends_stream = true};
    http2_block_begin(&block, HTTP2_BLOCK_TRAILERS);
    add("host", "a", false);
    add("a", "b", false);
    struct http_field secret = {span_from_str("authorization"), span_from_str("x")}, crumb = {span_from_str("cookie"), span_from_str("y")};
    http2_block_add(&block, &crumb, false);
    http2_block_add(&block, &secret, true);
    http2_block_add(&block, &crumb, true);
    finish();
    ck_assert_uint_eq(block.head.n_fields, 4); /* host, a, cookie, authorization */
    ck_assert_uint_eq(block.head.never_indexed, 12);
    http2_block_clear(&block);
}
END_TEST

START_TEST(drops_all_of_a_block_that_is_not_wanted)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    http2_block_begin(&block, HTTP2_BLOCK_DROPPED);
    for (int i = 0; i < 100; i++)
        add(":Path", "x", false);
    ck_assert_uint_eq(block.n_seen, 100);
    ck_assert_ptr_null(block.text);
    http2_block_clear(&block);
}
END_TEST

START_TEST(the_first_reason_counts)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    http2_block_begin(&block, HTTP2_BLOCK_REQUEST);
    add("A", "x", false);
    for (int i = 0; i < 200; i++)
        add("b", "x", false);
    ck_assert_int_eq(block.reason, REASON_REQUEST_MALFORMED);
    ck_assert_uint_eq(block.n_places, 0);
    http2_block_clear(&block);
}
END_TEST

START_TEST(may_be_used_again)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    for (int i = 0; i < 3; i++) {
        http2_block_begin(&block, HTTP2_BLOCK_REQUEST);
        add(":method", "GET", false);
        add("a", "b", false);
        finish();
        ck_assert(span_equals_str(http2_block_pseudo(&block, HTTP2_PSEUDO_METHOD), "GET"));
        ck_assert_ptr_null(http2_block_pseudo(&block, HTTP2_PSEUDO_PATH).ptr);
        ck_assert_uint_eq(block.head.n_fields, 1);
    }
    http2_block_clear(&block);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_block");
    TCase *c = tcase_create("all");
    tcase_add_test(c, counts_bytes_as_http1_does);
    tcase_add_test(c, keeps_secrets_known);
    tcase_add_test(c, drops_all_of_a_block_that_is_not_wanted);
    tcase_add_test(c, the_first_reason_counts);
    tcase_add_test(c, may_be_used_again);
    suite_add_tcase(s, c);
    return s;
}
