/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/base/hostname.h"
#include "tls_context.h"
#include "wire_pki.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *contexts[4], *connecting;

static void make(void)
{
    wire_pki_make(&pki);
    for (size_t i = 0; i < 4; i++)
        contexts[i] = wire_pki_accepting(&pki, &(struct wire_side){0});
    connecting = wire_pki_connecting(&pki, &(struct wire_side){0});
}

static void clear(void)
{
    for (size_t i = 0; i < 4; i++)
        tls_context_unref(contexts[i]);
    tls_context_unref(connecting);
    wire_pki_clear(&pki);
}

static const char *const first[] = {"a.example", "b.example"}, *const second[] = {"*.example"}, *const third[] = {"*.deep.example", "x.other"};

static struct tls_sni *three(struct tls_context *otherwise)
{
    struct err err = {0};
    struct tls_sni_entry entries[] = {{first, 2, contexts[0]}, {second, 1, contexts[1]}, {third, 2, contexts[2]}};
    struct tls_sni *sni = tls_sni_new(&(struct tls_sni_spec){entries, 3, otherwise}, &err);
    ck_assert_msg(sni != NULL, "%s", err.text);
    return sni;
}

START_TEST(a_name_has_the_policy_that_says_most_about_it) /* A9 */
{
    static const struct {
        const char *name;
        size_t policy;
        const char *why;
    } rows[] = {
        {"a.example", 0, "exact goes before a suffix"},
        {"b.example", 0, "the second name of the same"},
        {"A.EXAMPLE", 0, "upper case"},
        {"a.example.", 0, "a dot at the end"},
        {"c.example", 1, "by suffix"},
        {"x.a.example", 1, "below an exact name is another name"},
        {"x.deep.example", 2, "the longer suffix goes before the shorter"},
        {"deep.example", 1, "the suffix itself is not below itself"},
        {"x.other", 2, "exact"},
        {"example", 3, "nobody's"},
        {"y.other", 3, "nobody's"},
        {"127.0.0.1", 3, "an address is nobody's name"},
        {"", 3, "none"},
        {"a.example.evil", 3, "a name in front of another"},
        {"aaexample", 3, "not a whole label"},
    };
    for (int otherwise = 0; otherwise < 2; otherwise++) {
        struct tls_sni *sni = three(otherwise ? contexts[3] : NULL);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            size_t policy = tls_sni_policy(sni, span_from_str(rows[i].name));
            ck_assert_msg(policy == rows[i].policy, "%s: %zu, %s", rows[i].name, policy, rows[i].why);
            struct tls_context *want = policy < 3 ? contexts[policy] : otherwise ? contexts[3] : NULL;
            ck_assert_ptr_eq(tls_sni_context(sni, policy), want);
        }
        ck_assert_ptr_null(tls_sni_context(sni, 4));
        tls_sni_unref(sni);
    }
}
END_TEST

/* Names of few letters, so that many are alike; some are not well-formed. */
static void make_name(unsigned *seed, char *out, bool pattern)
{
    static const char letters[] = "ab.A.";
    size_t n = 0;
    *seed = *seed * 1103515245 + 12345;
    if (pattern && (*seed >> 16) % 3 == 0) {
        memcpy(out, "*.", 2);
        n = 2;
    }
    size_t end = n + 1 + (*seed >> 20) % 6;
    for (; n < end; n++) {
        *seed = *seed * 1103515245 + 12345;
        out[n] = letters[(*seed >> 16) % 5];
    }
    out[n] = '\0';
}

static bool is_suffix(struct span pattern)
{
    return pattern.len > 1 && pattern.ptr[0] == '*';
}

/* Of two patterns that match a host an exact name is more specific, else the longer suffix. */
static bool is_closer(struct span pattern, struct span than)
{
    if (is_suffix(pattern) != is_suffix(than))
        return !is_suffix(pattern);
    return hostname_without_last_dot(pattern).len > hostname_without_last_dot(than).len;
}

/* base/hostname.h says what a pattern means; the choice is only quicker. */
static size_t slow_policy(char (*patterns)[12], size_t n, struct span name)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        struct span pattern = span_from_str(patterns[i]);
        if (hostname_matches(pattern, name) && (best == n || is_closer(pattern, span_from_str(patterns[best]))))
            best = i;
    }
    return best;
}

START_TEST(agrees_with_a_look_at_every_pattern) /* A9 */
{
    enum { PATTERNS = 12, NAMES = 60 };
    unsigned seed = 7, compared = 0;
    for (int round = 0; round < 300; round++) {
        char patterns[PATTERNS][12], name[12];
        const char *listed[PATTERNS];
        struct tls_sni_entry entries[PATTERNS];
        for (size_t i = 0; i < PATTERNS; i++) {
            do
                make_name(&seed, patterns[i], true);
            while (!hostname_is_pattern(span_from_str(patterns[i])));
            listed[i] = patterns[i];
            entries[i] = (struct tls_sni_entry){&listed[i], 1, contexts[0]};
        }
        struct err err = {0};
        struct tls_sni *sni = tls_sni_new(&(struct tls_sni_spec){entries, PATTERNS, NULL}, &err);
        if (sni == NULL) { /* some are alike */
            ck_assert_int_eq(err.kind, ERR_CONFIG);
            continue;
        }
        for (int i = 0; i < NAMES; i++, compared++) {
            make_name(&seed, name, false);
            size_t want = slow_policy(patterns, PATTERNS, span_from_str(name));
            ck_assert_msg(tls_sni_policy(sni, span_from_str(name)) == want, "%s", name);
        }
        tls_sni_unref(sni);
    }
    ck_assert_uint_gt(compared, 500);
}
END_TEST

START_TEST(an_address_is_found_in_any_spelling)
{
    static const char *const names[] = {"2001:db8::1"};
    struct err err = {0};
    struct tls_sni_entry entry = {names, 1, contexts[0]};
    struct tls_sni *sni = tls_sni_new(&(struct tls_sni_spec){&entry, 1, NULL}, &err);
    ck_assert_uint_eq(tls_sni_policy(sni, span_from_str("2001:DB8:0:0::1")), 0);
    ck_assert_uint_eq(tls_sni_policy(sni, span_from_str("2001:db8::2")), 1);
    tls_sni_unref(sni);
}
END_TEST

START_TEST(refuses_a_choice_that_is_none)
{
    static const char *const again[] = {"A.example."}, *const suffix_again[] = {"*.EXAMPLE"};
    const struct {
        const char *why;
        struct tls_sni_spec spec;
        enum err_kind kind;
    } rows[] = {
        {"no policy", {NULL, 0, contexts[0]}, ERR_INTERNAL},
        {"no names", {(struct tls_sni_entry[]){{first, 0, contexts[0]}}, 1, NULL}, ERR_INTERNAL},
        {"no context", {(struct tls_sni_entry[]){{first, 2, NULL}}, 1, NULL}, ERR_INTERNAL},
        {"one that connects", {(struct tls_sni_entry[]){{first, 2, connecting}}, 1, NULL}, ERR_INTERNAL},
        {"otherwise one that connects", {(struct tls_sni_entry[]){{first, 2, contexts[0]}}, 1, connecting}, ERR_INTERNAL},
        {"a name twice", {(struct tls_sni_entry[]){{first, 2, contexts[0]}, {again, 1, contexts[1]}}, 2, NULL}, ERR_CONFIG},
        {"a suffix twice", {(struct tls_sni_entry[]){{second, 1, contexts[0]}, {suffix_again, 1, contexts[1]}}, 2, NULL}, ERR_CONFIG},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err err = {0};
        ck_assert_msg(tls_sni_new(&rows[i].spec, &err) == NULL, "%s", rows[i].why);
        ck_assert_msg(err.kind == rows[i].kind, "%s: %s", rows[i].why, err.text);
    }
}
END_TEST

START_TEST(a_choice_is_not_nested)
{
    struct err err = {0};
    struct tls_sni *sni = three(NULL);
    struct tls_context *listener = tls_sni_listener(sni, &err);
    ck_assert_ptr_nonnull(listener);
    struct tls_sni_entry entry = {first, 2, listener};
    ck_assert_ptr_null(tls_sni_new(&(struct tls_sni_spec){&entry, 1, NULL}, &err));
    tls_context_unref(listener);
    tls_sni_unref(sni);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_sni");
    TCase *c = tcase_create("sni");
    tcase_add_unchecked_fixture(c, make, clear);
    tcase_add_test(c, a_name_has_the_policy_that_says_most_about_it);
    tcase_add_test(c, agrees_with_a_look_at_every_pattern);
    tcase_add_test(c, an_address_is_found_in_any_spelling);
    tcase_add_test(c, refuses_a_choice_that_is_none);
    tcase_add_test(c, a_choice_is_not_nested);
    suite_add_tcase(s, c);
    return s;
}
