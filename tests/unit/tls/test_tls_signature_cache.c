/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "tls_signature_cache.h"

#include <string.h>

static struct tls_signature_cache_key key_of(const char *child, const char *issuer)
{
    struct tls_signature_cache_key key;
    ck_assert(tls_signature_cache_key(span_from_str(child), span_from_str(issuer), &key));
    return key;
}

START_TEST(knows_only_what_it_learnt)
{
    struct tls_signature_cache signature_cache = {0};
    struct tls_signature_cache_key fact = key_of("child", "issuer");
    static const struct {
        const char *child, *issuer, *why;
    } others[] = {
        {"child", "issueR", "another key may not have signed it"},
        {"chilD", "issuer", "another certificate"},
        {"childi", "ssuer", "the border between the two is part of the fact"},
        {"issuer", "child", "the other way round"},
        {"", "childissuer", "nothing, signed by both"},
    };
    ck_assert(!tls_signature_cache_knows(&signature_cache, &fact));
    tls_signature_cache_learn(&signature_cache, &fact);
    ck_assert(tls_signature_cache_knows(&signature_cache, &fact));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct tls_signature_cache_key other = key_of(others[i].child, others[i].issuer);
        ck_assert_msg(!tls_signature_cache_knows(&signature_cache, &other), "%s", others[i].why);
    }
    tls_signature_cache_clear(&signature_cache);
    ck_assert(!tls_signature_cache_knows(&signature_cache, &fact));
}
END_TEST

START_TEST(does_not_know_an_empty_slot)
{
    struct tls_signature_cache signature_cache = {0};
    struct tls_signature_cache_key zero = {{0}}, fact = key_of("a", "b");
    tls_signature_cache_learn(&signature_cache, &fact);
    ck_assert(!tls_signature_cache_knows(&signature_cache, &zero));
    tls_signature_cache_clear(&signature_cache);
}
END_TEST

START_TEST(a_later_fact_takes_the_place_of_one_with_the_same_slot)
{
    struct tls_signature_cache signature_cache = {0};
    struct tls_signature_cache_key first = {{7, 1, 1, 1}}, second = {{7, 2, 2, 2}};
    tls_signature_cache_learn(&signature_cache, &first);
    tls_signature_cache_learn(&signature_cache, &second);
    ck_assert(tls_signature_cache_knows(&signature_cache, &second));
    ck_assert(!tls_signature_cache_knows(&signature_cache, &first));
    tls_signature_cache_clear(&signature_cache);
}
END_TEST

START_TEST(does_not_trust_a_slot_that_is_being_written)
{
    struct tls_signature_cache signature_cache = {0};
    struct tls_signature_cache_key fact = {{5, 6, 7, 8}};
    tls_signature_cache_learn(&signature_cache, &fact);
    struct tls_signature_cache_slot *slots = atomic_load(&signature_cache.slots);
    atomic_fetch_add(&slots[5].turn, 1);
    ck_assert(!tls_signature_cache_knows(&signature_cache, &fact));
    struct tls_signature_cache_key other = {{5, 1, 1, 1}};
    tls_signature_cache_learn(&signature_cache, &other);
    atomic_fetch_add(&slots[5].turn, 1);
    ck_assert(tls_signature_cache_knows(&signature_cache, &fact));
    ck_assert(!tls_signature_cache_knows(&signature_cache, &other));
    tls_signature_cache_clear(&signature_cache);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_signature_cache");
    TCase *tc = tcase_create("signature_cache");
    tcase_add_test(tc, knows_only_what_it_learnt);
    tcase_add_test(tc, does_not_know_an_empty_slot);
    tcase_add_test(tc, a_later_fact_takes_the_place_of_one_with_the_same_slot);
    tcase_add_test(tc, does_not_trust_a_slot_that_is_being_written);
    suite_add_tcase(s, tc);
    return s;
}
