/* SPDX-License-Identifier: Apache-2.0 */
/* Row D8 of the security list: names are resolved again, few look-ups run at once, all addresses are tried, failures are remembered. */
#include "mtlsd/proxy/name_cache.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

#define S ((uint64_t)1000 * 1000)

static struct name_cache *cache;
static struct name_answer answer;

static void set_up(void)
{
    cache = name_cache_new();
    ck_assert_ptr_nonnull(cache);
}

static void tear_down(void)
{
    name_cache_free(cache);
}

static struct name_address v4(uint8_t last)
{
    return (struct name_address){.bytes = {192, 0, 2, last}};
}

static struct name_list one(uint8_t last)
{
    return (struct name_list){.items = {v4(last)}, .n = 1};
}

static enum name_verdict ask(const char *host, struct name_waiter *w, uint64_t now)
{
    *w = (struct name_waiter){0};
    return name_cache_ask(cache, host, w, &answer, now);
}

/* A look-up of this name from its question to its answer; 0: it fails. */
static void look_up(const char *host, uint8_t last, uint64_t now)
{
    struct name_waiter w;
    struct name_list list = one(last);
    ck_assert_int_eq(ask(host, &w, now), NAME_WAITS);
    struct name_entry *e = name_cache_begin(cache, now);
    ck_assert_ptr_nonnull(e);
    ck_assert_str_eq(name_cache_host(e), host);
    name_cache_end(cache, e, last != 0 ? &list : NULL, "no such name", now);
    ck_assert_ptr_eq(name_cache_next_told(cache, &answer), &w);
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
}

START_TEST(refuses_names_that_cannot_be_before_any_look_up)
{
    char label63[64], label64[65], name[400];
    memset(label63, 'a', 63);
    label63[63] = '\0';
    memset(label64, 'a', 64);
    label64[64] = '\0';
    struct name_waiter w;
    static const char *const bad[] = {"", ".", "a..b", ".a", "a.."};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(ask(bad[i], &w, S) == NAME_FAILED, "\"%s\"", bad[i]);
        ck_assert(answer.text[0] != '\0' && answer.list.n == 0);
    }
    ck_assert_int_eq(ask(label64, &w, S), NAME_FAILED);
    ck_assert_int_eq(ask(label63, &w, S), NAME_WAITS);
    name_cache_leave(cache, &w);
    snprintf(name, sizeof(name), "%s.%s.%s.%.61s", label63, label63, label63, label63); /* 253 bytes */
    ck_assert_uint_eq(strlen(name), 253);
    ck_assert_int_eq(ask(name, &w, S), NAME_WAITS);
    name_cache_leave(cache, &w);
    snprintf(name, sizeof(name), "%s.%s.%s.%.62s", label63, label63, label63, label63);
    ck_assert_int_eq(ask(name, &w, S), NAME_FAILED);
    snprintf(name, sizeof(name), "%s.%s.%s.%s.", label63, label63, label63, label63); /* 256 with the dot: what the resolver once stumbled over */
    ck_assert_int_eq(ask(name, &w, S), NAME_FAILED);
    ck_assert_ptr_null(name_cache_begin(cache, S));
}
END_TEST

START_TEST(uses_an_answer_for_half_a_minute_and_then_follows_a_change)
{
    struct name_waiter w;
    look_up("api.example", 1, 100 * S);
    ck_assert_int_eq(ask("api.example", &w, 129 * S), NAME_ANSWERED);
    ck_assert_uint_eq(answer.list.n, 1);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 1);
    ck_assert_int_eq(ask("API.Example", &w, 129 * S), NAME_ANSWERED);
    look_up("api.example", 2, 130 * S);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 2);
    ck_assert_int_eq(ask("api.example", &w, 131 * S), NAME_ANSWERED);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 2);
}
END_TEST

START_TEST(remembers_a_failure_for_a_second_and_then_tries_again)
{
    struct name_waiter w;
    look_up("gone.example", 0, 100 * S);
    ck_assert_uint_eq(answer.list.n, 0);
    ck_assert_str_eq(answer.text, "no such name");
    ck_assert_int_eq(ask("gone.example", &w, 101 * S - 1), NAME_FAILED);
    ck_assert_str_eq(answer.text, "no such name");
    look_up("gone.example", 7, 101 * S);
    ck_assert_uint_eq(answer.list.n, 1);
}
END_TEST

START_TEST(tells_a_want_of_memory_of_ours_from_a_name_that_is_not_there)
{
    struct name_waiter w;
    look_up("gone.example", 0, 100 * S);
    ck_assert(!answer.ours);
    ck_assert_int_eq(ask("big.example", &w, 100 * S), NAME_WAITS);
    struct name_entry *e = name_cache_begin(cache, 100 * S);
    name_cache_end(cache, e, NULL, name_cache_no_memory, 100 * S);
    ck_assert_ptr_eq(name_cache_next_told(cache, &answer), &w);
    ck_assert(answer.ours);
    ck_assert_uint_eq(answer.list.n, 0);
}
END_TEST

START_TEST(falls_back_on_an_older_answer_for_five_minutes_when_a_look_up_fails)
{
    struct name_waiter w;
    look_up("api.example", 1, 100 * S);
    look_up("api.example", 0, 200 * S);
    ck_assert_uint_eq(answer.list.n, 1);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 1);
    ck_assert_int_eq(ask("api.example", &w, 200 * S + 1), NAME_ANSWERED);
    look_up("api.example", 0, 400 * S - 1);
    ck_assert_uint_eq(answer.list.n, 1);
    look_up("api.example", 0, 402 * S); /* too old now */
    ck_assert_uint_eq(answer.list.n, 0);
    ck_assert_str_eq(answer.text, "no such name");
    ck_assert_int_eq(ask("api.example", &w, 402 * S + 1), NAME_FAILED);
}
END_TEST

START_TEST(gives_an_older_answer_when_the_resolver_is_a_black_hole)
{
    struct name_waiter w, later;
    look_up("api.example", 1, 100 * S);
    ck_assert_uint_eq(name_cache_deadline_us(cache), UINT64_MAX);
    ck_assert_int_eq(ask("api.example", &w, 140 * S), NAME_WAITS);
    ck_assert_ptr_nonnull(name_cache_begin(cache, 140 * S));
    ck_assert_uint_eq(name_cache_deadline_us(cache), 141 * S);
    name_cache_on_time(cache, 141 * S - 1);
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
    name_cache_on_time(cache, 141 * S);
    ck_assert_ptr_eq(name_cache_next_told(cache, &answer), &w);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 1);
    ck_assert_uint_eq(name_cache_deadline_us(cache), UINT64_MAX);
    ck_assert_int_eq(ask("api.example", &later, 150 * S), NAME_ANSWERED); /* it still runs: nobody else waits for it */
    ck_assert_int_eq(ask("api.example", &later, 400 * S), NAME_WAITS);    /* now the old one is too old */
    name_cache_on_time(cache, 500 * S);
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
    ck_assert_uint_eq(name_cache_deadline_us(cache), UINT64_MAX);
    name_cache_leave(cache, &later);
    ck_assert_uint_eq(name_cache_running(cache), 1);
}
END_TEST

START_TEST(shares_one_look_up_among_all_who_ask)
{
    struct name_waiter w[3];
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq(ask(i == 1 ? "API.example" : "api.example", &w[i], S), NAME_WAITS);
    struct name_entry *e = name_cache_begin(cache, S);
    ck_assert_ptr_null(name_cache_begin(cache, S));
    name_cache_leave(cache, &w[1]);
    name_cache_leave(cache, &w[1]); /* harmless */
    struct name_list list = one(9);
    name_cache_end(cache, e, &list, NULL, S);
    size_t told = 0;
    for (struct name_waiter *who; (who = name_cache_next_told(cache, &answer)) != NULL; told++)
        ck_assert(who == &w[0] || who == &w[2]);
    ck_assert_uint_eq(told, 2);
}
END_TEST

START_TEST(lets_one_that_was_told_leave_before_it_hears)
{
    struct name_waiter w[3];
    for (size_t i = 0; i < 3; i++)
        ask("api.example", &w[i], S);
    struct name_list list = one(9);
    name_cache_end(cache, name_cache_begin(cache, S), &list, NULL, S);
    struct name_waiter *first = name_cache_next_told(cache, &answer);
    for (size_t i = 0; i < 3; i++) {
        if (&w[i] != first)
            name_cache_leave(cache, &w[i]);
    }
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
}
END_TEST

START_TEST(runs_two_at_once_and_queues_the_rest_in_order)
{
    struct name_waiter w[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        ask(names[i], &w[i], S);
    struct name_entry *a = name_cache_begin(cache, S), *b = name_cache_begin(cache, S);
    ck_assert_str_eq(name_cache_host(a), "a");
    ck_assert_str_eq(name_cache_host(b), "b");
    ck_assert_ptr_null(name_cache_begin(cache, S));
    name_cache_leave(cache, &w[2]); /* c is not even begun */
    name_cache_end(cache, b, NULL, "no", S);
    struct name_entry *d = name_cache_begin(cache, S);
    ck_assert_str_eq(name_cache_host(d), "d");
    ck_assert_ptr_null(name_cache_begin(cache, S));
    ck_assert_ptr_eq(name_cache_next_told(cache, &answer), &w[1]);
    for (size_t i = 0; i < 5; i++)
        name_cache_leave(cache, &w[i]);
    ck_assert_uint_eq(name_cache_running(cache), 2);
}
END_TEST

START_TEST(lets_silent_names_keep_others_waiting_for_a_second_only)
{
    struct name_waiter w[10];
    struct name_entry *runs[8];
    char name[8];
    for (unsigned i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        ask(name, &w[i], 10 * S);
    }
    uint64_t now = 10 * S;
    for (size_t i = 0; i < 8; i += 2, now += S) { /* somebody waits for each of them all the time */
        runs[i] = name_cache_begin(cache, now);
        runs[i + 1] = name_cache_begin(cache, now + S / 2);
        ck_assert_msg(runs[i] != NULL && runs[i + 1] != NULL, "%zu", i);
        ck_assert_ptr_null(name_cache_begin(cache, now + S - 1));
        if (i < 6)
            ck_assert_uint_eq(name_cache_deadline_us(cache), now + S);
        name_cache_on_time(cache, now + S);
        ck_assert_ptr_null(name_cache_next_told(cache, &answer));
        now += S / 2;
    }
    ck_assert_uint_eq(name_cache_running(cache), 8);
    ck_assert_ptr_null(name_cache_begin(cache, 100 * S)); /* eight run, which is all there may be */
    ck_assert_uint_eq(name_cache_deadline_us(cache), UINT64_MAX);
    struct name_list list = one(3);
    name_cache_end(cache, runs[0], &list, NULL, 100 * S);
    ck_assert_ptr_eq(name_cache_next_told(cache, &answer), &w[0]);
    struct name_entry *next = name_cache_begin(cache, 100 * S);
    ck_assert_str_eq(name_cache_host(next), "n8");
    name_cache_leave(cache, &w[1]);
    name_cache_end(cache, runs[1], &list, NULL, 101 * S); /* what nobody waited for any more is kept all the same */
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
    ck_assert_int_eq(ask("n1", &w[1], 102 * S), NAME_ANSWERED);
    ck_assert_int_eq(ask("n2", &w[1], 102 * S), NAME_WAITS); /* joins the one that runs */
    name_cache_end(cache, runs[2], &list, NULL, 103 * S);
    ck_assert_ptr_nonnull(name_cache_next_told(cache, &answer));
    ck_assert_ptr_nonnull(name_cache_next_told(cache, &answer));
    ck_assert_ptr_null(name_cache_next_told(cache, &answer));
}
END_TEST

START_TEST(knows_many_names_at_once_but_not_without_end)
{
    enum { MANY = 10000 };
    static struct name_waiter w[MANY];
    char name[16];
    size_t waiting = 0;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(name, sizeof(name), "n%u", i);
        waiting += ask(name, &w[i], S) == NAME_WAITS ? 1 : 0;
    }
    ck_assert_uint_eq(waiting, 8192);
    ck_assert_str_eq(answer.text, "too many names are being looked up");
    size_t looked_up = 0;
    struct name_list list = one(1);
    for (struct name_entry *e; (e = name_cache_begin(cache, 2 * S)) != NULL; looked_up++) {
        name_cache_end(cache, e, &list, NULL, 2 * S);
        ck_assert_ptr_nonnull(name_cache_next_told(cache, &answer));
    }
    ck_assert_uint_eq(looked_up, waiting);
    struct name_waiter one_more;
    ck_assert_int_eq(ask("n1", &one_more, 3 * S), NAME_ANSWERED);
    ck_assert_int_eq(ask("another", &one_more, 3 * S), NAME_WAITS); /* in the place of the one unused for longest */
    name_cache_leave(cache, &one_more);
    ck_assert_int_eq(ask("n1", &one_more, 3 * S), NAME_ANSWERED);
    ck_assert_int_eq(ask("n0", &one_more, 3 * S), NAME_WAITS);
    name_cache_leave(cache, &one_more);
}
END_TEST

START_TEST(looks_a_name_up_again_whose_addresses_do_not_answer)
{
    struct name_waiter w;
    look_up("api.example", 1, 100 * S);
    name_cache_doubt(cache, "api.example", 100 * S + S / 2); /* too young to be doubted */
    ck_assert_int_eq(ask("api.example", &w, 101 * S), NAME_ANSWERED);
    name_cache_doubt(cache, "api.example", 102 * S);
    name_cache_doubt(cache, "unknown.example", 102 * S);
    look_up("api.example", 2, 102 * S);
    ck_assert_uint_eq(answer.list.items[0].bytes[3], 2);
    ck_assert_int_eq(ask("api.example", &w, 103 * S), NAME_ANSWERED);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("name_cache");
    TCase *t = tcase_create("name_cache");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, refuses_names_that_cannot_be_before_any_look_up);
    tcase_add_test(t, uses_an_answer_for_half_a_minute_and_then_follows_a_change);
    tcase_add_test(t, remembers_a_failure_for_a_second_and_then_tries_again);
    tcase_add_test(t, tells_a_want_of_memory_of_ours_from_a_name_that_is_not_there);
    tcase_add_test(t, falls_back_on_an_older_answer_for_five_minutes_when_a_look_up_fails);
    tcase_add_test(t, gives_an_older_answer_when_the_resolver_is_a_black_hole);
    tcase_add_test(t, shares_one_look_up_among_all_who_ask);
    tcase_add_test(t, lets_one_that_was_told_leave_before_it_hears);
    tcase_add_test(t, runs_two_at_once_and_queues_the_rest_in_order);
    tcase_add_test(t, lets_silent_names_keep_others_waiting_for_a_second_only);
    tcase_add_test(t, knows_many_names_at_once_but_not_without_end);
    tcase_add_test(t, looks_a_name_up_again_whose_addresses_do_not_answer);
    suite_add_tcase(s, t);
    return s;
}
