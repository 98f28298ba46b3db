/* SPDX-License-Identifier: Apache-2.0 */
/* Each protocol that starts TLS through an injector and a verifier, while the n-th allocation fails, for every n: all of it passes, or nothing of the
 * app's reaches the backend and both connections end (B2). */
#include "t.h"

#include "failing.h"
#include "wire.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct wire w;
static const char mysql_greeting[] = "\x14\0\0\0\x0a" "5.0\0\x08\0\0\0abcdefgh\0\xff\xf7";
static const char mysql_login[] = "\x25\0\0\x01\x0d\xa2\x3a\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0";

static void make(void)
{
    struct wire_side good = {0};
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

static void drop(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static bool proxy_works(void)
{
    return wire_proxy_works;
}

static struct span said_by(enum config_starttls kind)
{
    return kind == CONFIG_STARTTLS_MYSQL ? span_of(mysql_login, sizeof(mysql_login) - 1) : span_from_str("QUIT and more\r\n");
}

static struct span greeting_of(enum config_starttls kind)
{
    if (kind == CONFIG_STARTTLS_MYSQL)
        return span_of(mysql_greeting, sizeof(mysql_greeting) - 1);
    return span_from_str(kind == CONFIG_STARTTLS_SMTP ? "220 mx\r\n" : kind == CONFIG_STARTTLS_IMAP ? "* OK mx\r\n" : "");
}

/* True: an allocation failed. */
static bool one_talk(enum config_starttls kind, unsigned n, bool for_all)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .connecting = connecting, .accepting = accepting};
    wire_open(&w, &setup);
    w.injector.up_conf.tls.present = w.verifier.down_conf.tls.present = true;
    w.injector.up_conf.tls.starttls = w.verifier.down_conf.tls.starttls = kind;
    failing_here = proxy_works;
    failing_arm(n, for_all);
    struct wire_socket *app = wire_connect(&w);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    if (back != NULL)
        wire_answer_span(back, greeting_of(kind));
    wire_run(&w);
    wire_say_span(app, said_by(kind));
    wire_run(&w);
    back = wire_backend_socket(&w, 0);
    if (back != NULL && back->down.put == 0)
        wire_answer_span(back, greeting_of(kind));
    wire_finish(&w);
    bool fired = failing_disarm();
    size_t heard = back != NULL ? back->got.len : 0;
    ck_assert_msg(heard == said_by(kind).len || (fired && heard < said_by(kind).len), "%d, allocation %u: the backend heard %zu bytes", kind, n, heard);
    ck_assert_msg(heard == said_by(kind).len || app->got_end || app->got_reset, "%d, allocation %u: the app still waits", kind, n);
    wire_close(&w);
    return fired;
}

START_TEST(a_talk_survives_any_failing_allocation)
{
    for (enum config_starttls kind = CONFIG_STARTTLS_POSTGRES; kind <= CONFIG_STARTTLS_IMAP; kind++) {
        unsigned n = 0;
        while (one_talk(kind, n, _i == 1))
            n++;
        ck_assert_uint_gt(n, 20);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_starttls");
    TCase *t = tcase_create("starttls");
    tcase_set_timeout(t, 300);
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_talk_survives_any_failing_allocation, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
