/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "key_store.h"

static struct key_store store;
static unsigned ended;

static int sign(void *ctx, uint64_t id, const struct tls_signing *what, struct tls_signature *out)
{
    (void)ctx;
    (void)id;
    (void)what;
    (void)out;
    return -1;
}

static void on_end(void *ctx, uint64_t id)
{
    (void)id;
    (void)ctx;
    ended++;
}

static void set_up(void)
{
    store = (struct key_store){0};
    ended = 0;
}

static void tear_down(void)
{
    key_store_clear(&store);
}

static uint64_t add(uint32_t set, unsigned bits)
{
    struct tls_signing_key_facts facts = {.bits = bits};
    struct tls_signing_key *key = tls_signing_key_of(&(struct tls_signer){NULL, sign, NULL, on_end}, 0, &facts);
    uint64_t id = 0;
    ck_assert_ptr_nonnull(key_store_memory(&store, set));
    ck_assert_int_eq(key_store_add(&store, set, key, &id), 0);
    tls_signing_key_unref(key);
    return id;
}

static unsigned bits_of(uint64_t id)
{
    const struct tls_signing_key *key = key_store_find(&store, id);
    return key != NULL ? tls_signing_key_facts(key)->bits : 0;
}

START_TEST(finds_each_key_by_its_number)
{
    static const uint32_t sets[] = {7, 3, 0xffffffff, 0, 12};
    uint64_t ids[5][20];
    for (unsigned k = 0; k < 20; k++)
        for (unsigned i = 0; i < 5; i++)
            ids[i][k] = add(sets[i], 100 * i + k + 1);
    for (unsigned k = 0; k < 20; k++)
        for (unsigned i = 0; i < 5; i++)
            ck_assert_uint_eq(bits_of(ids[i][k]), 100 * i + k + 1);
    ck_assert_ptr_null(key_store_find(&store, ids[0][19] + 1));
    ck_assert_ptr_null(key_store_find(&store, (uint64_t)5 << 32));
    ck_assert_uint_eq(store.n_keys, 100);
}
END_TEST

START_TEST(a_released_set_is_gone_and_the_others_stay)
{
    uint64_t first = add(1, 10), second = add(2, 20), third = add(3, 30);
    key_store_release(&store, 2);
    key_store_release(&store, 2);
    key_store_release(&store, 99);
    ck_assert_uint_eq(ended, 1);
    ck_assert_uint_eq(bits_of(second), 0);
    ck_assert_uint_eq(bits_of(first), 10);
    ck_assert_uint_eq(bits_of(third), 30);
    ck_assert_uint_eq(store.n_keys, 2);
}
END_TEST

START_TEST(a_dropped_key_is_gone_and_the_others_of_its_set_stay)
{
    uint64_t first = add(1, 10), second = add(1, 20);
    key_store_drop(&store, first);
    key_store_drop(&store, first);
    key_store_drop(&store, second + 1);
    key_store_drop(&store, (uint64_t)9 << 32);
    ck_assert_uint_eq(ended, 1);
    ck_assert_ptr_null(key_store_find(&store, first));
    ck_assert_uint_eq(bits_of(second), 20);
    ck_assert_uint_eq(store.n_keys, 1);
    ck_assert_uint_ne(add(1, 30), first);
    key_store_release(&store, 1);
    ck_assert_uint_eq(ended, 3);
    ck_assert_uint_eq(store.n_keys, 0);
}
END_TEST

START_TEST(a_key_needs_a_set_that_has_begun)
{
    struct tls_signing_key *key = tls_signing_key_of(&(struct tls_signer){NULL, sign, NULL, on_end}, 0, &(struct tls_signing_key_facts){.bits = 1});
    uint64_t id;
    ck_assert_int_eq(key_store_add(&store, 4, key, &id), -1);
    tls_signing_key_unref(key);
}
END_TEST

START_TEST(sets_have_a_limit)
{
    for (uint32_t i = 0; i < KEY_STORE_SETS; i++)
        ck_assert_ptr_nonnull(key_store_memory(&store, i));
    ck_assert_ptr_null(key_store_memory(&store, KEY_STORE_SETS));
    ck_assert_ptr_nonnull(key_store_memory(&store, 5));
    key_store_release(&store, 5);
    ck_assert_ptr_nonnull(key_store_memory(&store, KEY_STORE_SETS));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("key_store");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, finds_each_key_by_its_number);
    tcase_add_test(c, a_released_set_is_gone_and_the_others_stay);
    tcase_add_test(c, a_dropped_key_is_gone_and_the_others_of_its_set_stay);
    tcase_add_test(c, a_key_needs_a_set_that_has_begun);
    tcase_add_test(c, sets_have_a_limit);
    suite_add_tcase(s, c);
    return s;
}
