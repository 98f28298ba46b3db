/* SPDX-License-Identifier: Apache-2.0 */
/* Each protocol from an app in plaintext through an injector, which asks for TLS, and a verifier, which is asked, to a backend in plaintext (B2). */
#include "t.h"
#include "wire.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct wire w;

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };

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

static void open_chain(void)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .connecting = connecting, .accepting = accepting};
    wire_open(&w, &setup);
}

static void close_chain(void)
{
    wire_close(&w);
}

static void speak(enum config_starttls kind)
{
    w.injector.up_conf.tls.present = w.verifier.down_conf.tls.present = true;
    w.injector.up_conf.tls.starttls = w.verifier.down_conf.tls.starttls = kind;
}

#define SAID(text) (text), sizeof(text) - 1
#define STARTUP "\0\0\0\x10\0\3\0\0user\0a\0\0"
#define MYSQL_GREETING "\x14\0\0\0\x0a" "5.0\0\x08\0\0\0abcdefgh\0\xff\xf7"
#define MYSQL_LOGIN "\x25\0\0\x01\x0d\xa2\x3a\0\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0root\0"
#define MYSQL_OK "\x07\0\0\x02\0\0\0\x02\0\0\0"

static const struct talk {
    enum config_starttls kind;
    const char *greets; /* the backend, at once */
    size_t n_greets;
    const char *says;   /* the app */
    size_t n_says;
    const char *hears; /* the backend, of it */
    size_t n_hears;
    const char *answers; /* the backend */
    size_t n_answers;
    const char *gets; /* the app, in all */
    size_t n_gets;
} talks[] = {
    {CONFIG_STARTTLS_POSTGRES, SAID(""), SAID("\0\0\0\x08\x04\xd2\x16\x2f" STARTUP), SAID(STARTUP), SAID("R"), SAID("NR")},
    {CONFIG_STARTTLS_LDAP, SAID(""), SAID("0bind"), SAID("0bind"), SAID("0bound"), SAID("0bound")},
    {CONFIG_STARTTLS_SMTP, SAID("220-mx\r\n220 hi\r\n"), SAID("EHLO app\r\n"), SAID("EHLO app\r\n"), SAID("250 mx\r\n"), SAID("220 mtlsd ESMTP\r\n250 mx\r\n")},
    {CONFIG_STARTTLS_IMAP, SAID("* OK hi\r\n"), SAID("a NOOP\r\n"), SAID("a NOOP\r\n"), SAID("a OK\r\n"), SAID("* OK mtlsd\r\na OK\r\n")},
    {CONFIG_STARTTLS_MYSQL, SAID(MYSQL_GREETING), SAID(MYSQL_LOGIN), SAID(MYSQL_LOGIN), SAID(MYSQL_OK), SAID(MYSQL_GREETING MYSQL_OK)},
};
enum { N_TALKS = sizeof(talks) / sizeof(talks[0]) };

static const struct talk *now_spoken;

/* A server that speaks first does so when it was reached. */
static void greet(void)
{
    struct wire_socket *back = wire_backend_socket(&w, 0);
    if (back != NULL && back->down.put == 0 && now_spoken->n_greets > 0)
        wire_answer_span(back, span_of(now_spoken->greets, now_spoken->n_greets));
}

START_TEST(each_protocol_passes_whatever_the_cut)
{
    for (size_t i = 0; i < N_TALKS; i++) {
        open_chain();
        now_spoken = &talks[i];
        w.step = steps[_i];
        speak(talks[i].kind);
        struct wire_socket *app = wire_connect(&w);
        bool waits = talks[i].kind == CONFIG_STARTTLS_MYSQL; /* it says nothing before it has the greeting */
        if (!waits)
            wire_say_span(app, span_of(talks[i].says, talks[i].n_says));
        wire_run(&w);
        greet();
        wire_run(&w);
        if (waits)
            wire_say_span(app, span_of(talks[i].says, talks[i].n_says));
        wire_run(&w);
        struct wire_socket *back = wire_backend_socket(&w, 0);
        ck_assert_msg(back != NULL, "%zu: no backend", i);
        ck_assert_msg(span_equals(bytes_span(&back->got), span_of(talks[i].hears, talks[i].n_hears)), "%zu: the backend heard %zu bytes", i, back->got.len);
        wire_answer_span(back, span_of(talks[i].answers, talks[i].n_answers));
        wire_run(&w);
        ck_assert_msg(span_equals(bytes_span(&app->got), span_of(talks[i].gets, talks[i].n_gets)), "%zu: the app got %zu bytes: %.*s", i, app->got.len,
                      (int)app->got.len, (const char *)bytes_span(&app->got).ptr);
        wire_say(app, "more");
        wire_answer(back, "less");
        wire_run(&w);
        ck_assert_uint_eq(back->got.len, talks[i].n_hears + 4);
        ck_assert_uint_eq(app->got.len, talks[i].n_gets + 4);
        struct wire_socket *between = wire_between(&w, 0);
        ck_assert_msg(!wire_ever_said(&between->up, "root") && !wire_ever_said(&between->up, "user") && !wire_ever_said(&between->up, "bind"),
                      "%zu: in plaintext between", i);
        close_chain();
    }
}
END_TEST

START_TEST(a_connection_that_breaks_before_tls_leaves_nothing_behind)
{
    for (size_t i = 0; i < N_TALKS; i++)
        for (uint64_t cut = 0; cut < 40; cut++) {
            open_chain();
            now_spoken = &talks[i];
            wire_add_target(&w.injector);
            speak(talks[i].kind);
            w.cut_between_after = cut;
            struct wire_socket *app = wire_connect(&w);
            wire_say_span(app, span_of(talks[i].says, talks[i].n_says));
            wire_run(&w);
            greet();
            wire_run(&w);
            wire_finish(&w);
            struct wire_socket *back = wire_backend_socket(&w, 0);
            ck_assert_msg(back == NULL || back->got.len == 0, "%zu, %d: the backend heard %zu bytes", i, (int)cut, back->got.len);
            ck_assert_msg(app->got.len <= talks[i].n_greets && (app->got.len == 0 || w.injector.connects == 1), "%zu, %d: the app got %zu bytes of %u targets",
                          i, (int)cut, app->got.len, w.injector.connects);
            close_chain();
        }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_starttls");
    TCase *t = tcase_create("starttls");
    tcase_set_timeout(t, 120);
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, each_protocol_passes_whatever_the_cut, 0, N_STEPS);
    tcase_add_test(t, a_connection_that_breaks_before_tls_leaves_nothing_behind);
    suite_add_tcase(s, t);
    return s;
}
