/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/tls/tls_key_memory.h"

#include <string.h>

static struct tls_key_memory *memory;

static void make(void)
{
    memory = tls_key_memory_new();
    ck_assert_ptr_nonnull(memory);
}

static void clear(void)
{
    tls_key_memory_unref(memory);
}

START_TEST(keeps_more_than_one_piece_holds)
{
    uint8_t secret[1000];
    struct span kept[100];
    for (int i = 0; i < 100; i++) {
        memset(secret, i, sizeof(secret));
        kept[i] = tls_key_memory_keep(memory, span_of(secret, sizeof(secret)));
    }
    for (int i = 0; i < 100; i++) {
        memset(secret, i, sizeof(secret));
        ck_assert_msg(span_equals(kept[i], span_of(secret, sizeof(secret))), "%d", i);
    }
}
END_TEST

/* E4 */
START_TEST(wipes_one_and_leaves_its_neighbours)
{
    struct span before = tls_key_memory_keep(memory, span_from_str("first")), kept = tls_key_memory_keep(memory, span_from_str("secret")),
                after = tls_key_memory_keep(memory, span_from_str("last"));
    tls_key_memory_wipe(kept);
    ck_assert(span_equals(kept, span_of("\0\0\0\0\0\0", 6)));
    ck_assert(span_equals_str(before, "first") && span_equals_str(after, "last"));
    tls_key_memory_wipe((struct span){0});
}
END_TEST

START_TEST(refuses_what_is_larger_than_any_key)
{
    static const uint8_t large[65536];
    ck_assert_uint_eq(tls_key_memory_keep(memory, span_of(large, sizeof(large))).len, 0);
    ck_assert_uint_eq(tls_key_memory_keep(memory, (struct span){0}).len, 0);
}
END_TEST

START_TEST(lives_as_long_as_somebody_counts_on_it)
{
    struct tls_key_memory *mine = tls_key_memory_ref(memory);
    struct span kept = tls_key_memory_keep(memory, span_from_str("secret"));
    tls_key_memory_unref(mine);
    ck_assert(span_equals_str(kept, "secret"));
    tls_key_memory_unref(NULL);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_key_memory");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, make, clear);
    tcase_add_test(c, keeps_more_than_one_piece_holds);
    tcase_add_test(c, wipes_one_and_leaves_its_neighbours);
    tcase_add_test(c, refuses_what_is_larger_than_any_key);
    tcase_add_test(c, lives_as_long_as_somebody_counts_on_it);
    suite_add_tcase(s, c);
    return s;
}
