/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/policy/balance.h"

#include <stdio.h>
#include <string.h>

enum { MAX_ENTRIES = 8, DRAWS = 40000 };

struct shape {
    unsigned weight;
    unsigned active;
    bool usable, backup;
};

static size_t make(const struct shape *from, struct balance_entry *entries)
{
    size_t n = 0;
    for (; n < MAX_ENTRIES && from[n].weight > 0; n++) {
        char name[32];
        int len = snprintf(name, sizeof(name), "10.0.0.%zu:8080", n);
        entries[n] = (struct balance_entry){.weight = from[n].weight,
                                            .active = from[n].active,
                                            .usable = from[n].usable,
                                            .backup = from[n].backup,
                                            .hash = balance_hash(name, (size_t)len)};
    }
    return n;
}

/* A choice, and the turn it takes, as those do that use it. */
static size_t choose(enum config_balance how, struct balance_entry *entries, size_t n, uint64_t *last, uint64_t number)
{
    for (size_t i = 0; i < n; i++)
        entries[i].turn = balance_turn(&entries[i], i, n, *last);
    size_t got = balance_choose(how, entries, n, 7, number);
    if (got == BALANCE_NONE)
        return got;
    *last = entries[got].turn;
    entries[got].next_turn = balance_next_turn(entries[got].turn, entries[got].weight);
    return got;
}

/* Choices as letters, "-" for none. */
static void run(enum config_balance how, const struct shape *from, char *out, size_t times)
{
    struct balance_entry entries[MAX_ENTRIES];
    size_t n = make(from, entries);
    uint64_t last = 0;
    for (size_t i = 0; i < times; i++) {
        size_t got = choose(how, entries, n, &last, i);
        out[i] = got == BALANCE_NONE ? '-' : (char)('a' + got);
    }
    out[times] = '\0';
}

static const struct order_row {
    enum config_balance how;
    struct shape entries[MAX_ENTRIES];
    const char *order, *why;
} orders[] = {
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, true, false}}, "aaa", "one target"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, true, false}, {1, 0, true, false}, {1, 0, true, false}}, "abcabcabc", "equal weights take turns"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{5, 0, true, false}, {1, 0, true, false}, {1, 0, true, false}}, "aaabaacaaabaac", "smooth: no run of five"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{3, 0, true, false}, {2, 0, true, false}}, "abaababaab", "three to two"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 9, true, false}, {1, 0, true, false}}, "abab", "what runs does not matter"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, true, false}, {1, 0, false, false}, {1, 0, true, false}}, "acac", "an unusable one is passed over"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, true, false}, {1, 0, true, true}}, "aaaa", "a backup waits"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, false, false}, {1, 0, true, true}, {2, 0, true, true}}, "cbccbc", "backups balance among themselves"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{1, 0, false, false}, {1, 0, false, true}}, "---", "nothing usable"},
    {CONFIG_BALANCE_ROUND_ROBIN, {{0}}, "-", "no entries"},

    {CONFIG_BALANCE_LEAST_CONN, {{1, 3, true, false}, {1, 1, true, false}, {1, 2, true, false}}, "bbb", "the least busy"},
    {CONFIG_BALANCE_LEAST_CONN, {{4, 3, true, false}, {1, 1, true, false}}, "aaa", "per weight: 3/4 is less than 1/1"},
    {CONFIG_BALANCE_LEAST_CONN, {{1, 1, true, false}, {1, 1, true, false}, {1, 5, true, false}}, "abab", "ties take turns"},
    {CONFIG_BALANCE_LEAST_CONN, {{2, 2, true, false}, {1, 1, true, false}, {1, 5, true, false}}, "abaaba", "ties take turns by weight"},
    {CONFIG_BALANCE_LEAST_CONN, {{1, 0, false, false}, {1, 9, true, false}}, "bb", "an idle target that is unusable is none"},
    {CONFIG_BALANCE_LEAST_CONN, {{1, 9, true, false}, {1, 0, true, true}}, "aa", "an idle backup still waits"},
    {CONFIG_BALANCE_LEAST_CONN, {{1, 0, false, false}, {1, 3, true, true}, {1, 2, true, true}}, "cc", "the freest backup"},
    {CONFIG_BALANCE_LEAST_CONN, {{1, 0, false, false}}, "--", "nothing usable"},

    {CONFIG_BALANCE_RANDOM, {{1, 9, true, false}, {1, 3, true, false}}, "bbbbbbbb", "of two, both are drawn and the freer taken"},
    {CONFIG_BALANCE_RANDOM, {{1, 9, true, false}, {1, 3, false, false}}, "aaaa", "only one can be drawn"},
    {CONFIG_BALANCE_RANDOM, {{1, 0, false, false}, {1, 3, true, true}}, "bbbb", "a backup when nothing else is usable"},
    {CONFIG_BALANCE_RANDOM, {{1, 9, true, false}, {1, 0, true, true}}, "aaaa", "not before"},
    {CONFIG_BALANCE_RANDOM, {{1, 0, false, false}, {1, 0, false, true}}, "--", "nothing usable"},
    {CONFIG_BALANCE_RANDOM, {{0}}, "-", "no entries"},

    {CONFIG_BALANCE_HASH, {{1, 0, true, false}}, "aaa", "one target"},
    {CONFIG_BALANCE_HASH, {{1, 0, false, false}, {1, 0, true, true}}, "bbb", "a backup when nothing else is usable"},
    {CONFIG_BALANCE_HASH, {{1, 0, true, false}, {256, 0, true, true}}, "aaa", "not before"},
    {CONFIG_BALANCE_HASH, {{1, 0, false, false}}, "--", "nothing usable"},
    {CONFIG_BALANCE_HASH, {{0}}, "-", "no entries"},
};

START_TEST(chooses_in_this_order)
{
    const struct order_row *row = &orders[_i];
    char got[64];
    run(row->how, row->entries, got, strlen(row->order));
    ck_assert_msg(strcmp(got, row->order) == 0, "%s: %s instead of %s", row->why, got, row->order);
}
END_TEST

START_TEST(gives_a_target_that_returns_no_storm)
{
    struct shape from[MAX_ENTRIES] = {{1, 0, true, false}, {1, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t n = make(from, entries);
    uint64_t last = 0;
    ck_assert_uint_eq(choose(CONFIG_BALANCE_ROUND_ROBIN, entries, n, &last, 0), 0);
    entries[1].usable = false;
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_eq(choose(CONFIG_BALANCE_ROUND_ROBIN, entries, n, &last, 0), 0);
    entries[1].usable = true;
    size_t counts[2] = {0};
    for (int i = 0; i < 10; i++)
        counts[choose(CONFIG_BALANCE_ROUND_ROBIN, entries, n, &last, 0)]++;
    ck_assert_msg(counts[1] >= 5 && counts[1] <= 6, "%zu of the ten after a thousand without it", counts[1]);
}
END_TEST

/* 256 to 255 to 1 differ by less than one turn in each of a thousand rounds. */
START_TEST(keeps_the_weights_exactly_for_long)
{
    struct shape from[MAX_ENTRIES] = {{256, 0, true, false}, {255, 0, true, false}, {1, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t n = make(from, entries), counts[3] = {0};
    uint64_t last = 0;
    for (size_t i = 0; i < 1000 * 512; i++)
        counts[choose(CONFIG_BALANCE_ROUND_ROBIN, entries, n, &last, 0)]++;
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(counts[i] + 20 > 1000 * from[i].weight && counts[i] < 1000 * from[i].weight + 20, "%zu of weight %u", counts[i], from[i].weight);
}
END_TEST

static void count(enum config_balance how, struct balance_entry *entries, size_t n, size_t *counts)
{
    memset(counts, 0, MAX_ENTRIES * sizeof(counts[0]));
    for (uint64_t i = 0; i < DRAWS; i++) {
        size_t got = balance_choose(how, entries, n, balance_hash(&i, sizeof(i)), i);
        ck_assert_uint_lt(got, n);
        counts[got]++;
    }
}

static void expect_share(size_t count_of, double share, const char *what)
{
    double got = (double)count_of / DRAWS;
    ck_assert_msg(got > share - 0.015 && got < share + 0.015, "%s: %.4f instead of %.4f", what, got, share);
}

START_TEST(draws_by_weight_when_all_are_equally_busy)
{
    struct shape from[MAX_ENTRIES] = {{1, 0, true, false}, {2, 0, true, false}, {5, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t counts[MAX_ENTRIES];
    count(CONFIG_BALANCE_RANDOM, entries, make(from, entries), counts);
    expect_share(counts[0], 1.0 / 8, "weight 1");
    expect_share(counts[1], 2.0 / 8, "weight 2");
    expect_share(counts[2], 5.0 / 8, "weight 5");
}
END_TEST

/* The busiest of four is drawn first in a quarter of cases, and then always loses to the second, which is another one. */
START_TEST(never_takes_the_busiest_of_two_drawn)
{
    struct shape from[MAX_ENTRIES] = {{1, 50, true, false}, {1, 0, true, false}, {1, 0, true, false}, {1, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t counts[MAX_ENTRIES];
    count(CONFIG_BALANCE_RANDOM, entries, make(from, entries), counts);
    ck_assert_uint_eq(counts[0], 0);
    for (size_t i = 1; i < 4; i++)
        expect_share(counts[i], 1.0 / 3, "an idle one");
}
END_TEST

START_TEST(spreads_keys_by_weight)
{
    struct shape from[MAX_ENTRIES] = {{1, 0, true, false}, {1, 0, true, false}, {2, 0, true, false}, {4, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t counts[MAX_ENTRIES];
    count(CONFIG_BALANCE_HASH, entries, make(from, entries), counts);
    expect_share(counts[0], 1.0 / 8, "weight 1");
    expect_share(counts[1], 1.0 / 8, "weight 1");
    expect_share(counts[2], 2.0 / 8, "weight 2");
    expect_share(counts[3], 4.0 / 8, "weight 4");
}
END_TEST

START_TEST(moves_only_the_keys_of_a_target_that_goes)
{
    struct shape from[MAX_ENTRIES] = {{1, 0, true, false}, {3, 0, true, false}, {1, 0, true, false}, {2, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES];
    size_t n = make(from, entries), moved = 0;
    for (uint64_t key = 0; key < 10000; key++) {
        entries[1].usable = true;
        size_t before = balance_choose(CONFIG_BALANCE_HASH, entries, n, key, 0);
        ck_assert_uint_eq(balance_choose(CONFIG_BALANCE_HASH, entries, n, key, 99), before);
        entries[1].usable = false;
        size_t after = balance_choose(CONFIG_BALANCE_HASH, entries, n, key, 0);
        ck_assert_uint_ne(after, 1);
        ck_assert(before == 1 || after == before);
        moved += before == 1;
    }
    ck_assert_uint_gt(moved, 3000); /* or the test above proves nothing */
}
END_TEST

START_TEST(keeps_a_key_whatever_the_order_of_the_targets)
{
    struct shape from[MAX_ENTRIES] = {{1, 0, true, false}, {1, 0, true, false}, {1, 0, true, false}};
    struct balance_entry entries[MAX_ENTRIES], turned[MAX_ENTRIES];
    size_t n = make(from, entries);
    for (size_t i = 0; i < n; i++)
        turned[n - 1 - i] = entries[i];
    for (uint64_t key = 0; key < 1000; key++)
        ck_assert_uint_eq(balance_choose(CONFIG_BALANCE_HASH, entries, n, key, 0),
                          n - 1 - balance_choose(CONFIG_BALANCE_HASH, turned, n, key, 0));
}
END_TEST

/* Each bit of the input changes about half of the bits of the hash. */
START_TEST(hashes_every_bit_into_every_bit)
{
    char text[] = "api.example.com:443";
    uint64_t whole = balance_hash(text, strlen(text));
    for (size_t bit = 0; bit < strlen(text) * 8; bit++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << (bit % 8)));
        uint64_t changed = balance_hash(copy, strlen(text)) ^ whole;
        unsigned n = 0;
        for (; changed != 0; changed &= changed - 1)
            n++;
        ck_assert_msg(n >= 12 && n <= 52, "bit %zu changes %u of 64", bit, n);
    }
    ck_assert_uint_ne(balance_hash("", 0), balance_hash("\0", 1));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("balance");
    TCase *t = tcase_create("balance");
    tcase_add_loop_test(t, chooses_in_this_order, 0, sizeof(orders) / sizeof(orders[0]));
    tcase_add_test(t, gives_a_target_that_returns_no_storm);
    tcase_add_test(t, keeps_the_weights_exactly_for_long);
    tcase_add_test(t, draws_by_weight_when_all_are_equally_busy);
    tcase_add_test(t, never_takes_the_busiest_of_two_drawn);
    tcase_add_test(t, spreads_keys_by_weight);
    tcase_add_test(t, moves_only_the_keys_of_a_target_that_goes);
    tcase_add_test(t, keeps_a_key_whatever_the_order_of_the_targets);
    tcase_add_test(t, hashes_every_bit_into_every_bit);
    suite_add_tcase(s, t);
    return s;
}
