/* SPDX-License-Identifier: Apache-2.0 */
/* Row D8 of the security list, with look-ups that answer when the test says so. */
#include "resolve.h"
#include "t.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* Look-ups run on threads: each waits in its place until the test lets it go. */
enum { PLACES = 8 };

static struct place {
    char host[64];
    const char *literal; /* what it will find; NULL: no such name */
    uv_sem_t go;
} places[PLACES];
static unsigned n_calls;
static uv_mutex_t lock;

static uv_loop_t loop;
static struct resolve r;

static int fake(const char *host, struct addrinfo **found)
{
    uv_mutex_lock(&lock);
    ck_assert_uint_lt(n_calls, PLACES);
    struct place *p = &places[n_calls];
    snprintf(p->host, sizeof(p->host), "%s", host);
    n_calls++;
    uv_mutex_unlock(&lock);
    uv_sem_wait(&p->go);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    return p->literal != NULL ? getaddrinfo(p->literal, NULL, &hints, found) : EAI_NONAME;
}

static unsigned calls(void)
{
    uv_mutex_lock(&lock);
    unsigned n = n_calls;
    uv_mutex_unlock(&lock);
    return n;
}

/* Lets the loop run until so many look-ups have begun. */
static void until_calls(unsigned n)
{
    while (calls() < n)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void let_go(size_t i, const char *literal)
{
    places[i].literal = literal;
    uv_sem_post(&places[i].go);
}

static void set_up(void)
{
    n_calls = 0;
    uv_mutex_init(&lock);
    for (size_t i = 0; i < PLACES; i++)
        uv_sem_init(&places[i].go, 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(resolve_init(&r, &loop, fake), 0);
}

static void tear_down(void)
{
    resolve_stop(&r);
    resolve_stop(&r); /* harmless */
    uv_run(&loop, UV_RUN_DEFAULT); /* ends, whatever still runs */
    resolve_clear(&r);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

struct asker {
    struct resolve_ask ask; /* first */
    unsigned told;
    struct name_answer answer;
};

static void on_answer(struct resolve_ask *ask, const struct name_answer *answer)
{
    struct asker *a = (struct asker *)ask;
    a->told++;
    a->answer = *answer;
}

static enum name_verdict ask(struct asker *a, const char *host)
{
    *a = (struct asker){.ask = {.on_answer = on_answer}};
    return resolve_ask(&r, host, &a->ask, &a->answer);
}

static void until_told(const struct asker *a)
{
    while (a->told == 0)
        uv_run(&loop, UV_RUN_ONCE);
}

START_TEST(tells_all_who_asked_for_a_name_what_one_look_up_found)
{
    struct asker a, b, late;
    ck_assert_int_eq(ask(&a, "api.example"), NAME_WAITS);
    ck_assert_int_eq(ask(&b, "api.example"), NAME_WAITS);
    let_go(0, "192.0.2.7");
    until_told(&a);
    ck_assert(a.told == 1 && b.told == 1);
    ck_assert_uint_eq(a.answer.list.n, 1);
    ck_assert_mem_eq(b.answer.list.items[0].bytes, ((uint8_t[]){192, 0, 2, 7}), 4);
    ck_assert_int_eq(ask(&late, "api.example"), NAME_ANSWERED);
    ck_assert_uint_eq(calls(), 1);
}
END_TEST

START_TEST(reads_addresses_of_both_families)
{
    struct asker a;
    ask(&a, "six.example");
    let_go(0, "2001:db8::7");
    until_told(&a);
    ck_assert(a.answer.list.items[0].v6 && a.answer.list.items[0].bytes[15] == 7);
}
END_TEST

START_TEST(says_why_a_name_has_no_address)
{
    struct asker a;
    ask(&a, "gone.example");
    let_go(0, NULL);
    until_told(&a);
    ck_assert_uint_eq(a.told, 1);
    ck_assert_uint_eq(a.answer.list.n, 0);
    ck_assert_str_eq(a.answer.text, gai_strerror(EAI_NONAME));
    ck_assert_int_eq(ask(&a, "gone.example"), NAME_FAILED);
    ck_assert_uint_eq(calls(), 1);
}
END_TEST

START_TEST(never_looks_up_a_name_that_is_too_long)
{
    char name[300];
    memset(name, 'a', sizeof(name) - 1);
    for (size_t i = 50; i < sizeof(name) - 1; i += 50)
        name[i] = '.';
    struct asker a;
    for (size_t n = 254; n < 300; n++) {
        name[n] = '\0';
        if (name[n - 1] != '.')
            ck_assert_msg(ask(&a, name) == NAME_FAILED, "%zu", n);
        name[n] = 'a';
    }
    ck_assert_uint_eq(calls(), 0);
}
END_TEST

START_TEST(begins_the_next_when_one_ends_or_takes_long)
{
    struct asker a[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        ask(&a[i], names[i]);
    until_calls(2);
    uv_run(&loop, UV_RUN_NOWAIT);
    ck_assert_uint_eq(calls(), 2);
    size_t b = strcmp(places[0].host, "b") == 0 ? 0 : 1; /* threads begin as they like */
    let_go(b, "192.0.2.2");
    until_told(&a[1]);
    until_calls(3);
    ck_assert_str_eq(places[2].host, "c");
    uint64_t began = uv_hrtime();
    until_calls(4); /* a and c are silent: d does not wait for them for longer than a second */
    ck_assert_uint_lt((uv_hrtime() - began) / 1000000, 3000);
    unsigned d = strcmp(places[3].host, "d") == 0 ? 3 : 4;
    until_calls(d + 1); /* a and c may have become slow in the same moment, and then e begins beside d */
    ck_assert_str_eq(places[d].host, "d");
    let_go(d, "192.0.2.4");
    until_told(&a[3]);
    ck_assert_mem_eq(a[3].answer.list.items[0].bytes, ((uint8_t[]){192, 0, 2, 4}), 4);
    for (size_t i = 0; i < 5; i++)
        resolve_leave(&r, &a[i].ask);
}
END_TEST

START_TEST(tells_nobody_who_left)
{
    struct asker a, b;
    ask(&a, "api.example");
    ask(&b, "api.example");
    resolve_leave(&r, &a.ask);
    resolve_leave(&r, &a.ask); /* harmless */
    let_go(0, "192.0.2.2");
    until_told(&b);
    ck_assert_uint_eq(a.told, 0);
}
END_TEST

START_TEST(ends_without_waiting_for_what_runs)
{
    struct asker a;
    ask(&a, "silent.example");
    until_calls(1);
    resolve_leave(&r, &a.ask);
    ck_assert(!resolve_is_held(&r));
    resolve_stop(&r);
    ck_assert(resolve_is_held(&r));
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(a.told, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("resolve");
    TCase *t = tcase_create("resolve");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tells_all_who_asked_for_a_name_what_one_look_up_found);
    tcase_add_test(t, reads_addresses_of_both_families);
    tcase_add_test(t, says_why_a_name_has_no_address);
    tcase_add_test(t, never_looks_up_a_name_that_is_too_long);
    tcase_add_test(t, begins_the_next_when_one_ends_or_takes_long);
    tcase_add_test(t, tells_nobody_who_left);
    tcase_add_test(t, ends_without_waiting_for_what_runs);
    suite_add_tcase(s, t);
    return s;
}
