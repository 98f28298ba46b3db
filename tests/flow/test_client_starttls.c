/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that do not ask for TLS, or not as they should, reach no backend; and clients whose own TLS passes through go where its name leads. */
#include "t.h"
#include "wire.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *accepting;
static struct wire w;

static void make(void)
{
    wire_pki_make(&pki);
    accepting = wire_pki_accepting(&pki, &(struct wire_side){0});
}

static void drop(void)
{
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static void open_verifier(bool tls)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_TCP, .no_injector = true, .accepting = tls ? accepting : NULL};
    wire_open(&w, &setup);
    w.verifier.down_conf.tls.present = tls;
}

#define SAID(text) (text), sizeof(text) - 1

static const struct {
    const char *why;
    enum config_starttls kind;
    const char *says;
    size_t n;
    const char *hears; /* begins so */
    const char *detail;
} refused[] = {
    {"a login in plaintext", CONFIG_STARTTLS_POSTGRES, SAID("\0\0\0\x10\0\3\0\0user\0a\0\0"), "E", "did not ask for TLS"},
    {"bytes behind the request", CONFIG_STARTTLS_POSTGRES, SAID("\0\0\0\x08\x04\xd2\x16\x2f" "Q"), "S", "behind the go-ahead"},
    {"a command behind the request", CONFIG_STARTTLS_SMTP, SAID("STARTTLS\r\nMAIL FROM:<a@b>\r\n"), "220 mtlsd ESMTP\r\n220 2.0.0", "behind the go-ahead"},
    {"it leaves", CONFIG_STARTTLS_IMAP, SAID("a LOGOUT\r\n"), "* OK [CAPABILITY", "said LOGOUT"},
    {"another protocol", CONFIG_STARTTLS_LDAP, SAID("GET / HTTP/1.1\r\n"), "", "does not speak LDAP"},
};

START_TEST(a_client_without_tls_gets_words_and_no_backend) /* B2 */
{
    open_verifier(true);
    w.verifier.down_conf.tls.starttls = refused[_i].kind;
    struct wire_socket *app = wire_connect(&w);
    wire_say_span(app, span_of(refused[_i].says, refused[_i].n));
    wire_run(&w);
    ck_assert_msg(strncmp(wire_got(app), refused[_i].hears, strlen(refused[_i].hears)) == 0, "%s: %s", refused[_i].why, wire_got(app));
    ck_assert_msg(strstr(wire_last(&w.verifier)->detail, refused[_i].detail) != NULL, "%s: %s", refused[_i].why, wire_last(&w.verifier)->detail);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    wire_finish(&w);
    ck_assert_ptr_null(wire_client(&w.verifier));
    wire_close(&w);
}
END_TEST

START_TEST(a_client_that_says_nothing_is_closed_in_time)
{
    open_verifier(true);
    w.verifier.down_conf.tls.starttls = CONFIG_STARTTLS_POSTGRES;
    wire_connect(&w);
    wire_run(&w);
    wire_advance(&w, w.verifier.down_conf.handshake_ms + 1);
    wire_run(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_HANDSHAKE_TIMEOUT);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.verifier)->detail, "did not ask for TLS in time"));
    wire_close(&w);
}
END_TEST

/* ---- TLS that passes through ---- */

#define HELLO(name) \
    "\x16\x03\x01\0\x43\x01\0\0\x3f\x03\x03" "0123456789abcdef0123456789abcdef" "\0\0\x02\x13\x01\x01\0\0\x14\0\0\0\x10\0\x0e\0\0\x0b" name

static void route_by_name(void)
{
    static char *name = (char *)(uintptr_t) "a.b.example";
    const struct config_route route = {.host = {&name, 1}};
    wire_set_routes(&w.verifier, &route, 1);
}

START_TEST(a_hello_passes_untouched_to_the_server_of_its_name)
{
    static const char hello[] = HELLO("a.b.example") "more";
    for (size_t step = 1; step < 100; step += step < 10 ? 1 : 30) {
        open_verifier(false);
        w.verifier.down_conf.passthrough = true;
        w.step = step;
        route_by_name();
        struct wire_socket *app = wire_connect(&w);
        wire_say_span(app, span_of(hello, sizeof(hello) - 1));
        wire_run(&w);
        struct wire_socket *back = wire_backend_socket(&w, 0);
        ck_assert_ptr_nonnull(back);
        ck_assert(span_equals(bytes_span(&back->got), span_of(hello, sizeof(hello) - 1)));
        wire_answer(back, "hello");
        wire_run(&w);
        ck_assert_str_eq(wire_got(app), "hello");
        wire_close(&w);
    }
}
END_TEST

START_TEST(another_name_gets_an_alert_and_no_server)
{
    open_verifier(false);
    w.verifier.down_conf.passthrough = true;
    route_by_name();
    struct wire_socket *app = wire_connect(&w);
    wire_say_span(app, span_of(HELLO("b.b.example"), sizeof(HELLO("b.b.example")) - 1));
    wire_run(&w);
    ck_assert(span_equals(bytes_span(&app->got), span_of("\x15\x03\x03\0\x02\x02\x70", 7)));
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_NO_ROUTE);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    wire_close(&w);
}
END_TEST

START_TEST(what_is_no_tls_does_not_pass_through)
{
    open_verifier(false);
    w.verifier.down_conf.passthrough = true;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "GET / HTTP/1.1\r\n\r\n");
    wire_run(&w);
    ck_assert_uint_eq(app->got.len, 0);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_TLS_FAILED);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    wire_close(&w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_starttls");
    TCase *t = tcase_create("client");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_client_without_tls_gets_words_and_no_backend, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_test(t, a_client_that_says_nothing_is_closed_in_time);
    tcase_add_test(t, a_hello_passes_untouched_to_the_server_of_its_name);
    tcase_add_test(t, another_name_gets_an_alert_and_no_server);
    tcase_add_test(t, what_is_no_tls_does_not_pass_through);
    suite_add_tcase(s, t);
    return s;
}
