/* SPDX-License-Identifier: Apache-2.0 */
/* Row D8 of the security list, with look-ups that answer when the test says so. */
#include "resolve.h"
#include "t.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum { CALLS_MAX = 16 };

static struct call { /* one look-up that was begun */
    uv_getaddrinfo_t *req;
    uv_getaddrinfo_cb cb;
    char host[64];
} calls[CALLS_MAX];
static size_t n_calls;
static int refuses;

static uv_loop_t loop;
static struct resolve r;

static int fake(uv_loop_t *l, uv_getaddrinfo_t *req, uv_getaddrinfo_cb cb, const char *host, const char *service, const struct addrinfo *hints)
{
    ck_assert(l == &loop && service == NULL && hints->ai_socktype == SOCK_STREAM);
    if (refuses != 0)
        return refuses;
    ck_assert_uint_lt(n_calls, CALLS_MAX);
    calls[n_calls] = (struct call){.req = req, .cb = cb};
    snprintf(calls[n_calls++].host, sizeof(calls[0].host), "%s", host);
    return 0;
}

/* libuv would free the list: it gets one that libc made. */
static void answer_call(size_t i, const char *literal)
{
    struct addrinfo *found = NULL, hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    if (literal != NULL)
        ck_assert_int_eq(getaddrinfo(literal, NULL, &hints, &found), 0);
    calls[i].cb(calls[i].req, literal != NULL ? 0 : UV_EAI_NONAME, found);
}

static void set_up(void)
{
    n_calls = 0;
    refuses = 0;
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    ck_assert_int_eq(resolve_init(&r, &loop, fake), 0);
}

static void tear_down(void)
{
    resolve_stop(&r);
    uv_run(&loop, UV_RUN_DEFAULT);
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

START_TEST(tells_all_who_asked_for_a_name_what_one_look_up_found)
{
    struct asker a, b, late;
    ck_assert_int_eq(ask(&a, "api.example"), NAME_WAITS);
    ck_assert_int_eq(ask(&b, "api.example"), NAME_WAITS);
    ck_assert_uint_eq(n_calls, 1);
    answer_call(0, "192.0.2.7");
    ck_assert(a.told == 1 && b.told == 1);
    ck_assert_uint_eq(a.answer.list.n, 1);
    ck_assert_mem_eq(b.answer.list.items[0].bytes, ((uint8_t[]){192, 0, 2, 7}), 4);
    ck_assert_int_eq(ask(&late, "api.example"), NAME_ANSWERED);
    ck_assert_uint_eq(n_calls, 1);
}
END_TEST

START_TEST(reads_addresses_of_both_families)
{
    struct asker a;
    ask(&a, "six.example");
    answer_call(0, "2001:db8::7");
    ck_assert(a.answer.list.items[0].v6 && a.answer.list.items[0].bytes[15] == 7);
}
END_TEST

START_TEST(says_why_a_name_has_no_address_and_asks_again_later)
{
    struct asker a;
    ask(&a, "gone.example");
    answer_call(0, NULL);
    ck_assert_uint_eq(a.told, 1);
    ck_assert_uint_eq(a.answer.list.n, 0);
    ck_assert_str_eq(a.answer.text, uv_strerror(UV_EAI_NONAME));
    ck_assert_int_eq(ask(&a, "gone.example"), NAME_FAILED);
    ck_assert_uint_eq(n_calls, 1);
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
    ck_assert_uint_eq(n_calls, 0);
}
END_TEST

START_TEST(keeps_two_running_and_begins_the_next_when_one_ends_or_is_given_up)
{
    struct asker a[5];
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 5; i++)
        ask(&a[i], names[i]);
    ck_assert_uint_eq(n_calls, 2);
    answer_call(1, "192.0.2.2");
    ck_assert_uint_eq(n_calls, 3);
    ck_assert_str_eq(calls[2].host, "c");
    resolve_leave(&r, &a[0].ask);
    ck_assert_uint_eq(n_calls, 4);
    ck_assert_uint_eq(a[0].told, 0);
    ck_assert(resolve_is_held(&r));
    for (size_t i = 0; i < n_calls; i++) {
        if (i != 1)
            answer_call(i, "192.0.2.9");
    }
    ck_assert_uint_eq(a[0].told, 0);
    ck_assert_uint_eq(a[3].told, 1);
    ck_assert(!resolve_is_held(&r));
}
END_TEST

START_TEST(tells_of_a_look_up_that_could_not_begin_only_after_the_question)
{
    struct asker a;
    refuses = UV_ENOMEM;
    ck_assert_int_eq(ask(&a, "api.example"), NAME_WAITS);
    ck_assert_uint_eq(a.told, 0);
    uv_run(&loop, UV_RUN_ONCE);
    ck_assert_uint_eq(a.told, 1);
    ck_assert_str_eq(a.answer.text, uv_strerror(UV_ENOMEM));
}
END_TEST

static void nothing(struct addrinfo *found)
{
    uv_freeaddrinfo(found);
}

static void on_real(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    *(int *)req->data = status;
    nothing(found);
}

START_TEST(ends_with_a_look_up_under_way)
{
    struct asker a;
    ask(&a, "slow.example");
    resolve_leave(&r, &a.ask);
    resolve_stop(&r);
    ck_assert(resolve_is_held(&r));
    answer_call(0, "192.0.2.1");
    ck_assert(!resolve_is_held(&r));
    int status = 1;
    uv_getaddrinfo_t req = {.data = &status}; /* what libuv itself does with a literal, so that the fake is no fiction */
    ck_assert_int_eq(uv_getaddrinfo(&loop, &req, on_real, "127.0.0.1", NULL, NULL), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(status, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("resolve");
    TCase *t = tcase_create("resolve");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tells_all_who_asked_for_a_name_what_one_look_up_found);
    tcase_add_test(t, reads_addresses_of_both_families);
    tcase_add_test(t, says_why_a_name_has_no_address_and_asks_again_later);
    tcase_add_test(t, never_looks_up_a_name_that_is_too_long);
    tcase_add_test(t, keeps_two_running_and_begins_the_next_when_one_ends_or_is_given_up);
    tcase_add_test(t, tells_of_a_look_up_that_could_not_begin_only_after_the_question);
    tcase_add_test(t, ends_with_a_look_up_under_way);
    suite_add_tcase(s, t);
    return s;
}
