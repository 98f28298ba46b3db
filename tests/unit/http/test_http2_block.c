/* SPDX-License-Identifier: Apache-2.0 */
/* How fields are kept and counted; which are refused is in test_http2_head.c. */
#include "http2_block.h"
#include "t.h"

#include <string.h>

enum { MAX_BYTES = 600, MAX_FIELDS = 12 };

static struct http2_block block;

static void begin(enum http2_block_kind kind)
{
    block.kind = kind;
    http2_block_begin(&block, span_from_str("bytes"), false);
}

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
        begin(HTTP2_BLOCK_TRAILERS);
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
    begin(HTTP2_BLOCK_TRAILERS);
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
    begin(HTTP2_BLOCK_DROPPED);
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
    begin(HTTP2_BLOCK_REQUEST);
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
        begin(HTTP2_BLOCK_REQUEST);
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

static void keep(const char *bytes, enum http2_block_kind kind, bool no_body)
{
    block.kind = kind;
    http2_block_begin(&block, span_from_str(bytes), no_body);
    add("a", "b", false);
    finish();
    http2_block_keep(&block, 1);
}

START_TEST(repeats_only_the_same_block_at_the_same_place)
{
    static char long_one[1000];
    memset(long_one, 'x', sizeof(long_one) - 1);
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    ck_assert(!http2_block_repeats(&block, span_of(NULL, 0), false));
    keep("bytes", HTTP2_BLOCK_RESPONSE, false);
    ck_assert(http2_block_repeats(&block, span_from_str("bytes"), false));
    ck_assert_uint_eq(block.head.n_fields, 1);
    ck_assert(!http2_block_repeats(&block, span_from_str("byteZ"), false));
    ck_assert(!http2_block_repeats(&block, span_from_str("byte"), false));
    ck_assert(!http2_block_repeats(&block, span_from_str("bytesa"), false));
    ck_assert(!http2_block_repeats(&block, span_from_str("bytes"), true)); /* the answer to HEAD */
    block.ends_stream = true;
    ck_assert(!http2_block_repeats(&block, span_from_str("bytes"), false));
    block.ends_stream = false;
    block.kind = HTTP2_BLOCK_TRAILERS;
    ck_assert(!http2_block_repeats(&block, span_from_str("bytes"), false));
    keep(long_one, HTTP2_BLOCK_RESPONSE, false);
    ck_assert(!http2_block_repeats(&block, span_from_str(long_one), false));
    keep("", HTTP2_BLOCK_TRAILERS, false);
    ck_assert(!http2_block_repeats(&block, span_from_str(""), false));
    http2_block_clear(&block);
    ck_assert(!http2_block_repeats(&block, span_from_str("bytes"), false));
}
END_TEST

START_TEST(knows_no_block_that_was_refused_or_dropped)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    begin(HTTP2_BLOCK_REQUEST);
    add("a", "b", false);
    http2_block_keep(&block, 1);
    ck_assert(block.repeat.known);
    begin(HTTP2_BLOCK_REQUEST);
    ck_assert(!block.repeat.known);
    add("A", "b", false);
    http2_block_keep(&block, 1);
    ck_assert(!block.repeat.known);
    begin(HTTP2_BLOCK_DROPPED);
    http2_block_keep(&block, 1);
    ck_assert(!block.repeat.known);
    http2_block_clear(&block);
}
END_TEST

START_TEST(knows_a_block_once_it_came_so_often)
{
    block = (struct http2_block){.max_bytes = MAX_BYTES, .max_fields = MAX_FIELDS};
    for (int i = 1; i <= 4; i++) {
        begin(HTTP2_BLOCK_TRAILERS);
        http2_block_keep(&block, 3);
        ck_assert_int_eq(block.repeat.known, i >= 3);
    }
    begin(HTTP2_BLOCK_TRAILERS);
    http2_block_keep(&block, 0); /* never */
    ck_assert(!block.repeat.known);
    keep("others", HTTP2_BLOCK_TRAILERS, false); /* counted from the start */
    begin(HTTP2_BLOCK_TRAILERS);
    http2_block_keep(&block, 3);
    ck_assert(!block.repeat.known);
    http2_block_clear(&block);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("http2_block");
    TCase *c = tcase_create("all");
    tcase_add_test(c, counts_bytes_as_http1_does);
    tcase_add_test(c, keeps_secrets_known);
    tcase_add_test(c, repeats_only_the_same_block_at_the_same_place);
    tcase_add_test(c, knows_no_block_that_was_refused_or_dropped);
    tcase_add_test(c, knows_a_block_once_it_came_so_often);
    tcase_add_test(c, drops_all_of_a_block_that_is_not_wanted);
    tcase_add_test(c, the_first_reason_counts);
    tcase_add_test(c, may_be_used_again);
    suite_add_tcase(s, c);
    return s;
}
