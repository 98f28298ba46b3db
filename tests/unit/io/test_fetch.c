/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/fetch.h"
#include "t.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

static uv_loop_t loop;
static int listener;
static char url[100];
static struct crl_fetch_answer got;
static bool done;

static void set_up(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(at);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
    ck_assert_int_eq(listen(listener, 5), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &n), 0);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", ntohs(at.sin_port));
    ck_assert_int_eq(uv_loop_init(&loop), 0);
    done = false;
}

static void tear_down(void)
{
    ck_assert_int_eq(uv_loop_close(&loop), 0);
    close(listener);
}

static void on_done(void *ctx, const char *from, struct crl_fetch_answer *answer)
{
    (void)ctx;
    (void)from;
    got = *answer;
    done = true;
}

static void on_late(uv_timer_t *timer)
{
    (void)timer;
}

static void fetch(const char *from, bool anywhere)
{
    struct err err = {0};
    struct fetch_order order = {from, anywhere, "", "", 1000, 300};
    uv_timer_t alive; /* a fetch does not keep a loop */
    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_late, 20000, 0);
    ck_assert_ptr_nonnull(fetch_start(&loop, &order, on_done, NULL, &err));
    while (!done)
        ck_assert(uv_run(&loop, UV_RUN_ONCE) != 0);
    uv_close((uv_handle_t *)&alive, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    ck_assert_uint_eq(got.status, 0);
}

START_TEST(an_address_of_a_certificate_does_not_lead_to_this_host)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"};
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) { /* F3 */
        char near[100];
        snprintf(near, sizeof(near), "http://%s%s", hosts[i], strrchr(url, ':'));
        done = false;
        fetch(near, false);
        ck_assert_msg(strstr(got.error, "has to be named in crl_urls") != NULL, "%s: %s", near, got.error);
        ck_assert_int_eq(accept(listener, NULL, NULL), -1);
    }
}
END_TEST

START_TEST(other_schemes_are_not_spoken)
{
    static const char *const urls[] = {"file:///etc/passwd", "https://127.0.0.1/", "ftp://127.0.0.1/"};
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        done = false;
        fetch(urls[i], true);
        ck_assert_uint_eq(got.body.len, 0);
    }
}
END_TEST

START_TEST(a_server_that_says_nothing_is_left_after_the_time)
{
    fetch(url, true);
    ck_assert_int_ge(accept(listener, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(got.error, "imeout"));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fetch");
    TCase *t = tcase_create("fetch");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, an_address_of_a_certificate_does_not_lead_to_this_host);
    tcase_add_test(t, other_schemes_are_not_spoken);
    tcase_add_test(t, a_server_that_says_nothing_is_left_after_the_time);
    suite_add_tcase(s, t);
    return s;
}
