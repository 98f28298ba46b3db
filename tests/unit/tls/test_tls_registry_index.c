/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"
#include "t.h"

#include <string.h>

/* Spread as a hash is. */
static void id_of(uint32_t n, uint8_t id[TLS_REGISTRY_ID_BYTES])
{
    uint64_t x = n;
    for (size_t i = 0; i < TLS_REGISTRY_ID_BYTES; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        id[i] = (uint8_t)(x >> 56);
    }
}

static struct tls_registry_row row_of(uint32_t n, enum tls_registry_state state)
{
    struct tls_registry_row row = {.state = (uint8_t)state, .by_key = n % 10 == 0};
    id_of(n, row.id);
    return row;
}

static void put(struct tls_registry_index *index, uint32_t n, enum tls_registry_state state)
{
    const struct tls_registry_row row = row_of(n, state);
    ck_assert_int_eq(tls_registry_index_put(index, &row), 0);
}

static enum tls_registry_state state_of(const struct tls_registry_index *index, uint32_t n)
{
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    id_of(n, id);
    const struct tls_registry_row *row = tls_registry_index_find(index, id);
    return row != NULL ? (enum tls_registry_state)row->state : TLS_REGISTRY_ABSENT;
}

static void take_away(struct tls_registry_index *index, uint32_t n)
{
    uint8_t id[TLS_REGISTRY_ID_BYTES];
    id_of(n, id);
    ck_assert_int_eq(tls_registry_index_remove(index, id), 0);
}

enum { MANY = 100000 };

START_TEST(finds_every_row_and_no_other)
{
    static const size_t expected[] = {MANY, 0, MANY / 50}; /* as counted before, one by one, and miscounted */
    struct tls_registry_index *index = tls_registry_index_new(expected[_i]);
    struct tls_registry_totals totals;
    for (uint32_t n = 0; n < MANY; n++)
        put(index, n, n % 3 == 0 ? TLS_REGISTRY_REVOKED : TLS_REGISTRY_ACTIVE);
    for (uint32_t n = 0; n < MANY; n++)
        ck_assert_int_eq(state_of(index, n), n % 3 == 0 ? TLS_REGISTRY_REVOKED : TLS_REGISTRY_ACTIVE);
    for (uint32_t n = MANY; n < MANY + 1000; n++)
        ck_assert_int_eq(state_of(index, n), TLS_REGISTRY_ABSENT);
    tls_registry_index_totals(index, &totals);
    ck_assert_uint_eq(totals.rows, MANY);
    ck_assert_uint_eq(totals.by_state[TLS_REGISTRY_REVOKED], (MANY + 2) / 3);
    ck_assert_uint_eq(totals.by_key, MANY / 10);
    tls_registry_index_free(index);
}
END_TEST

/* product.md, section 4 */
START_TEST(takes_at_most_120_bytes_a_row)
{
    struct tls_registry_index *index = tls_registry_index_new(_i == 0 ? MANY : 0), *next;
    struct tls_registry_totals totals;
    for (uint32_t n = 0; n < MANY; n++)
        put(index, n, TLS_REGISTRY_ACTIVE);
    tls_registry_index_totals(index, &totals);
    ck_assert_msg(totals.bytes <= 120 * (size_t)MANY, "%zu bytes a row", totals.bytes / MANY);
    for (uint32_t n = 0; n < 2000; n++) { /* changes, each of which makes a generation */
        next = tls_registry_index_copy(index);
        put(next, n, TLS_REGISTRY_SUSPENDED);
        tls_registry_index_free(index);
        index = next;
    }
    tls_registry_index_totals(index, &totals);
    ck_assert_msg(totals.bytes <= 120 * (size_t)MANY, "%zu bytes a row", totals.bytes / MANY);
    tls_registry_index_free(index);
}
END_TEST

START_TEST(generations_do_not_change_one_another)
{
    struct tls_registry_index *first = tls_registry_index_new(1000);
    for (uint32_t n = 0; n < 1000; n++)
        put(first, n, TLS_REGISTRY_ACTIVE);
    struct tls_registry_index *second = tls_registry_index_copy(first);
    put(second, 1, TLS_REGISTRY_REVOKED);
    put(second, 2000, TLS_REGISTRY_ACTIVE);
    take_away(second, 2);
    take_away(second, 3000); /* never there */
    ck_assert_int_eq(state_of(first, 1), TLS_REGISTRY_ACTIVE);
    ck_assert_int_eq(state_of(first, 2), TLS_REGISTRY_ACTIVE);
    ck_assert_int_eq(state_of(first, 2000), TLS_REGISTRY_ABSENT);
    tls_registry_index_free(first);
    ck_assert_int_eq(state_of(second, 1), TLS_REGISTRY_REVOKED);
    ck_assert_int_eq(state_of(second, 2), TLS_REGISTRY_ABSENT);
    ck_assert_int_eq(state_of(second, 2000), TLS_REGISTRY_ACTIVE);
    ck_assert_int_eq(state_of(second, 999), TLS_REGISTRY_ACTIVE);
    struct tls_registry_totals totals;
    tls_registry_index_totals(second, &totals);
    ck_assert_uint_eq(totals.rows, 1000);
    tls_registry_index_free(second);
}
END_TEST

START_TEST(texts_live_as_long_as_a_generation_that_has_them)
{
    const struct tls_registry_pair pair = {span_from_str("owner"), span_from_str("billing")};
    struct tls_registry_row row = row_of(1, TLS_REGISTRY_ACTIVE);
    struct tls_registry_index *first = tls_registry_index_new(1);
    row.text = tls_registry_text_new(&pair, 1);
    ck_assert_int_eq(tls_registry_index_put(first, &row), 0);
    struct tls_registry_index *second = tls_registry_index_copy(first);
    put(second, 2, TLS_REGISTRY_ACTIVE); /* copies the shard */
    tls_registry_index_free(first);
    ck_assert(span_equals_str(tls_registry_text_get(tls_registry_index_find(second, row.id)->text, "owner"), "billing"));
    put(second, 1, TLS_REGISTRY_ACTIVE);
    ck_assert_ptr_null(tls_registry_index_find(second, row.id)->text);
    tls_registry_index_free(second);
}
END_TEST

START_TEST(every_row_can_go)
{
    struct tls_registry_index *index = tls_registry_index_new(5000);
    for (uint32_t n = 0; n < 5000; n++)
        put(index, n, TLS_REGISTRY_ACTIVE);
    for (uint32_t n = 0; n < 5000; n++)
        take_away(index, n);
    for (uint32_t n = 0; n < 5000; n++)
        ck_assert_int_eq(state_of(index, n), TLS_REGISTRY_ABSENT);
    tls_registry_index_free(index);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_registry_index");
    TCase *tc = tcase_create("index");
    tcase_add_loop_test(tc, finds_every_row_and_no_other, 0, 3);
    tcase_add_loop_test(tc, takes_at_most_120_bytes_a_row, 0, 2);
    tcase_add_test(tc, generations_do_not_change_one_another);
    tcase_add_test(tc, texts_live_as_long_as_a_generation_that_has_them);
    tcase_add_test(tc, every_row_can_go);
    suite_add_tcase(s, tc);
    return s;
}
