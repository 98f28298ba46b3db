/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/crl_cache.h"
#include "t.h"

#include <string.h>

static bool holds(struct crl_cache *cache, const char *trust, const char *url, const char *text)
{
    struct bytes list;
    ck_assert_int_eq(crl_cache_get(cache, trust, url, &list), 0);
    bool same = span_equals_str(bytes_span(&list), text);
    bytes_clear(&list);
    return same;
}

START_TEST(gives_what_was_put_for_that_trust_and_address_only)
{
    struct crl_cache *cache = crl_cache_new();
    ck_assert_int_eq(crl_cache_put(cache, "a", "http://x/", span_from_str("one")), 0);
    ck_assert_int_eq(crl_cache_put(cache, "b", "http://x/", span_from_str("two")), 0);
    ck_assert(holds(cache, "a", "http://x/", "one"));
    ck_assert(holds(cache, "b", "http://x/", "two"));
    ck_assert(holds(cache, "a", "http://y/", ""));
    ck_assert(holds(cache, "c", "http://x/", ""));
    ck_assert(holds(NULL, "a", "http://x/", ""));
    crl_cache_free(cache);
}
END_TEST

START_TEST(another_list_takes_the_place_of_the_one_before_it)
{
    struct crl_cache *cache = crl_cache_new();
    ck_assert_int_eq(crl_cache_put(cache, "a", "http://x/", span_from_str("old")), 0);
    ck_assert_int_eq(crl_cache_put(cache, "a", "http://x/", span_from_str("a newer one")), 0);
    ck_assert(holds(cache, "a", "http://x/", "a newer one"));
    crl_cache_free(cache);
}
END_TEST

static bool is_of_a(void *ctx, const char *trust, const char *url)
{
    (void)url;
    ++*(size_t *)ctx;
    return strcmp(trust, "a") == 0;
}

START_TEST(forgets_what_nobody_wants_any_more)
{
    static const char *const trusts[] = {"b", "a", "b", "b", "a", "b"};
    struct crl_cache *cache = crl_cache_new();
    size_t asked = 0;
    crl_cache_keep(cache, is_of_a, &asked);
    ck_assert_uint_eq(asked, 0);
    for (size_t i = 0; i < 6; i++) {
        char url[] = {'u', (char)('0' + i), '\0'};
        ck_assert_int_eq(crl_cache_put(cache, trusts[i], url, span_from_str("list")), 0);
    }
    crl_cache_keep(cache, is_of_a, &asked);
    asked = 0;
    crl_cache_keep(cache, is_of_a, &asked);
    ck_assert_uint_eq(asked, 2);
    ck_assert(holds(cache, "a", "u1", "list"));
    ck_assert(holds(cache, "a", "u4", "list"));
    ck_assert(holds(cache, "b", "u2", ""));
    crl_cache_free(cache);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("crl_cache");
    TCase *t = tcase_create("crl_cache");
    tcase_add_test(t, gives_what_was_put_for_that_trust_and_address_only);
    tcase_add_test(t, another_list_takes_the_place_of_the_one_before_it);
    tcase_add_test(t, forgets_what_nobody_wants_any_more);
    suite_add_tcase(s, t);
    return s;
}
