/* SPDX-License-Identifier: Apache-2.0 */
/* What a client gets when the answer is ours: which status, how much it is told, and whether its connection goes on. */
#include "t.h"

#include "exchange_internal.h"
#include "wire.h"

#include <string.h>

#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n"
#define GET_CLOSE "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
#define GET_10 "GET /a HTTP/1.0\r\nHost: x\r\n\r\n"
#define POST_HALF "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"

static struct wire_pki pki;
static struct tls_context *connecting;
static struct wire w;

static void setup(void)
{
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &(struct wire_side){0});
    struct wire_setup to = {.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .no_verifier = true};
    wire_open(&w, &to);
}

static void drop(void)
{
    wire_close(&w);
    tls_context_unref(connecting);
    wire_pki_clear(&pki);
}

/* An app whose request waits for an upstream that does not come. */
static struct wire_socket *ask(const char *request)
{
    w.injector.connect = WIRE_CONNECT_HANGS;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, request);
    wire_run(&w);
    ck_assert_uint_eq(app->got.len, 0);
    return app;
}

static void answer(enum reason reason, const char *detail)
{
    struct client *c = wire_client(&w.injector);
    ck_assert(c != NULL && c->exchanges.first != NULL);
    exchange_answer(c->exchanges.first, reason, detail, w.now);
    wire_run(&w);
}

START_TEST(each_reason_has_its_status_and_its_words)
{
    static const struct {
        enum reason reason;
        const char *status, *word;
    } cases[] = {
        {REASON_CONNECT_REFUSED, "HTTP/1.1 502 ", "\"reason\":\"connect_refused\""},
        {REASON_CONNECT_TIMEOUT, "HTTP/1.1 504 ", "\"reason\":\"connect_timeout\""},
        {REASON_EXPIRED, "HTTP/1.1 502 ", "\"reason\":\"expired\""},
        {REASON_OVERLOADED, "HTTP/1.1 503 ", "\"reason\":\"overloaded\""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_socket *app = ask(GET);
        answer(cases[i].reason, "a sentence");
        const char *got = wire_got(app);
        ck_assert_msg(strncmp(got, cases[i].status, strlen(cases[i].status)) == 0, "%s: %s", cases[i].word, got);
        ck_assert_msg(strstr(got, cases[i].word) != NULL && strstr(got, "\"detail\":\"a sentence\"") != NULL, "%s", got);
        ck_assert_int_eq(strstr(got, "\r\nRetry-After: 1\r\n") != NULL, cases[i].reason == REASON_OVERLOADED);
        ck_assert_int_eq(wire_last(&w.injector)->reason, cases[i].reason);
        wire_end(&app->up);
        wire_finish(&w);
    }
}
END_TEST

START_TEST(a_connection_goes_on_only_when_both_know_where_they_are)
{
    static const struct {
        const char *why, *request;
        bool draining, goes_on;
    } cases[] = {
        {"a whole request", GET, false, true},      {"the client said close", GET_CLOSE, false, false},
        {"HTTP/1.0", GET_10, false, false},         {"half of a body is still to come", POST_HALF, false, false},
        {"the worker drains", GET, true, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct wire_socket *app = ask(cases[i].request);
        w.injector.env.draining = cases[i].draining;
        answer(REASON_CONNECT_REFUSED, "");
        w.injector.env.draining = false;
        ck_assert_msg(strstr(wire_got(app), " 502 ") != NULL, "%s: %s", cases[i].why, wire_got(app));
        ck_assert_msg((strstr(wire_got(app), "Connection: close") == NULL) == cases[i].goes_on, "%s: %s", cases[i].why, wire_got(app));
        ck_assert_msg(app->got_end == !cases[i].goes_on, "%s", cases[i].why);
        wire_end(&app->up);
        wire_finish(&w);
    }
}
END_TEST

START_TEST(a_head_request_gets_no_body)
{
    struct wire_socket *app = ask(HEAD);
    answer(REASON_CONNECT_REFUSED, "");
    const char *end = strstr(wire_got(app), "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, "\r\n\r\n");
}
END_TEST

START_TEST(an_answer_that_has_begun_is_cut_and_never_ended) /* B7 */
{
    struct wire_socket *app = ask(GET);
    wire_client(&w.injector)->exchanges.first->answer.answered = true;
    answer(REASON_TRUNCATED, "cut");
    ck_assert_uint_eq(app->got.len, 0); /* no second head in the middle of a body */
    ck_assert(app->got_reset && !app->got_end);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_TRUNCATED);
}
END_TEST

START_TEST(a_client_that_went_gets_no_words)
{
    struct wire_socket *app = ask(GET);
    answer(REASON_CLIENT_CLOSED, "");
    ck_assert_uint_eq(app->got.len, 0);
    ck_assert(app->got_reset);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_answer");
    TCase *c = tcase_create("answer");
    tcase_add_checked_fixture(c, setup, drop);
    tcase_add_test(c, each_reason_has_its_status_and_its_words);
    tcase_add_test(c, a_connection_goes_on_only_when_both_know_where_they_are);
    tcase_add_test(c, a_head_request_gets_no_body);
    tcase_add_test(c, an_answer_that_has_begun_is_cut_and_never_ended);
    tcase_add_test(c, a_client_that_went_gets_no_words);
    suite_add_tcase(s, c);
    return s;
}
