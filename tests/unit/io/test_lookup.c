/* SPDX-License-Identifier: Apache-2.0 */
#include "lookup.h"
#include "t.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static uv_loop_t loop;
static struct lookup_box *box;
static uv_sem_t go, left;
static struct { unsigned n; void *tag; int error; char shown[64]; } last;

static void on_done(void *ctx, void *tag, int error, const struct addrinfo *found)
{
    ck_assert_ptr_eq(ctx, &loop);
    last.n++;
    last.tag = tag;
    last.error = error;
    last.shown[0] = '\0';
    if (found != NULL && found->ai_family == AF_INET)
        uv_ip4_name((const struct sockaddr_in *)found->ai_addr, last.shown, sizeof(last.shown));
}

static void set_up(void)
{
    memset(&last, 0, sizeof(last));
    uv_sem_init(&go, 0);
    uv_sem_init(&left, 0);
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    box = lookup_box_open(&loop, on_done, &loop);
    ck_assert_ptr_nonnull(box);
}

static void tear_down(void)
{
    if (box != NULL)
        lookup_box_close(box);
    box = NULL;
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_int_eq(uv_loop_close(&loop), 0);
}

static int waits(const char *host, struct addrinfo **found)
{
    uv_sem_wait(&go);
    int rc = lookup_system(host, found);
    uv_sem_post(&left);
    return rc;
}

static int fails(const char *host, struct addrinfo **found)
{
    (void)host;
    (void)found;
    return EAI_AGAIN;
}

static void until(unsigned n)
{
    while (last.n < n)
        uv_run(&loop, UV_RUN_ONCE);
}

START_TEST(brings_what_was_found_to_the_loop_with_its_tag)
{
    int tag;
    ck_assert_int_eq(lookup_begin(box, lookup_system, "127.0.0.7", &tag), 0);
    until(1);
    ck_assert_ptr_eq(last.tag, &tag);
    ck_assert_int_eq(last.error, 0);
    ck_assert_str_eq(last.shown, "127.0.0.7");
}
END_TEST

START_TEST(brings_failures_too)
{
    ck_assert_int_eq(lookup_begin(box, fails, "x", NULL), 0);
    until(1);
    ck_assert_int_eq(last.error, EAI_AGAIN);
}
END_TEST

START_TEST(runs_many_side_by_side)
{
    for (unsigned i = 0; i < 8; i++)
        ck_assert_int_eq(lookup_begin(box, waits, "127.0.0.1", NULL), 0);
    ck_assert_int_eq(lookup_begin(box, lookup_system, "127.0.0.2", NULL), 0);
    until(1); /* the silent ones do not keep it waiting */
    ck_assert_str_eq(last.shown, "127.0.0.2");
    for (unsigned i = 0; i < 8; i++)
        uv_sem_post(&go);
    until(9);
}
END_TEST

START_TEST(tells_nothing_after_the_end_and_does_not_wait)
{
    ck_assert_int_eq(lookup_begin(box, waits, "127.0.0.1", NULL), 0);
    ck_assert_int_eq(lookup_begin(box, lookup_system, "127.0.0.1", NULL), 0); /* maybe there already, not told yet */
    lookup_box_close(box);
    box = NULL;
    uv_run(&loop, UV_RUN_DEFAULT); /* ends: the first one waits still */
    ck_assert_uint_eq(last.n, 0);
    uv_sem_post(&go);
    uv_sem_wait(&left);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(last.n, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("lookup");
    TCase *t = tcase_create("lookup");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, brings_what_was_found_to_the_loop_with_its_tag);
    tcase_add_test(t, brings_failures_too);
    tcase_add_test(t, runs_many_side_by_side);
    tcase_add_test(t, tells_nothing_after_the_end_and_does_not_wait);
    suite_add_tcase(s, t);
    return s;
}
