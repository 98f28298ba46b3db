/* SPDX-License-Identifier: Apache-2.0 */
/* An uplink asks its server for TLS, in memory, and begins its handshake only when the server agreed (B2). */
#include "lone.h"
#include "mtlsd/proxy/uplink.h"
#include "t.h"
#include "wire_pki.h"

#include <stdio.h>
#include <string.h>

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct wire_pki pki;
static struct lone l;
static struct uplink *u;
static struct uplink_use use;
static const struct moment now = {.us = 1000000, .utc = WIRE_NOW};

static struct {
    bool failed, greeted;
    enum reason reason;
    char text[760];
} seen;

static void on_failed(struct uplink_use *at, enum reason reason, const char *text, const char *hint, struct moment when)
{
    (void)hint;
    (void)when;
    seen.failed = true;
    seen.reason = reason;
    snprintf(seen.text, sizeof(seen.text), "%s", text);
    uplink_leave(at);
    pool_retire(l.env.pool, u);
}

static void on_greeting(struct uplink_use *at, struct span greeting, struct moment when)
{
    (void)at;
    (void)when;
    seen.greeted = greeting.len > 0;
}

static bool takes(const struct uplink_use *at)
{
    (void)at;
    return true;
}

static void on_sent(struct uplink_use *at, size_t n, struct moment when)
{
    (void)at;
    (void)n;
    (void)when;
}

static struct uplink_events events = {.on_failed = on_failed, .takes = takes, .on_sent = on_sent};

static void set_up(void)
{
    conf = (struct config_upstream){.connect_ms = 5000, .handshake_ms = 10000};
    target_conf = (struct config_target){.text = (char *)(uintptr_t)WIRE_NAME ":5432", .address = {.kind = ADDRESS_TCP, .host = WIRE_NAME, .port = 5432}};
    upstream = (struct plan_upstream){.conf = &conf};
    wire_pki_make(&pki);
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream, .tls = wire_pki_connecting(&pki, &(struct wire_side){0})};
}

static void close_uplink(void)
{
    if (use.uplink != NULL) {
        uplink_leave(&use);
        pool_retire(l.env.pool, u);
    }
    lone_close(&l);
}

static void tear_down(void)
{
    close_uplink();
    tls_context_unref(target.tls);
    wire_pki_clear(&pki);
}

static void begin(enum config_starttls kind)
{
    struct err err = {0};
    const struct dial dial = {.target = &target, .address = &target_conf.address};
    close_uplink();
    lone_open(&l, &target, now);
    memset(&seen, 0, sizeof(seen));
    conf.tls.starttls = kind;
    use = (struct uplink_use){.events = &events};
    u = uplink_new(&l.env, &dial, false, NULL, now, &err);
    ck_assert_ptr_nonnull(u);
    uplink_join(u, &use);
    lone_turn(&l);
    lone_connected(&l);
    ck_assert_int_eq(u->phase, UPLINK_STARTTLS);
}

static struct span sent(void)
{
    static char out[20000];
    return span_of(out, lone_sent(&l, out, sizeof(out)));
}

static void expect_hello(void)
{
    struct span out = sent();
    ck_assert_int_eq(u->phase, UPLINK_HANDSHAKE);
    ck_assert_ptr_null(u->opening.talk);
    ck_assert(out.len > 5 && out.ptr[0] == 22);
}

static void expect_failed(const char *text)
{
    ck_assert(seen.failed);
    ck_assert_msg(seen.reason == REASON_STARTTLS_FAILED && strstr(seen.text, text) != NULL && strstr(seen.text, WIRE_NAME) != NULL, "%s", seen.text);
}

START_TEST(tls_begins_when_the_server_agreed)
{
    begin(CONFIG_STARTTLS_POSTGRES);
    ck_assert(span_equals(sent(), span_of("\0\0\0\x08\x04\xd2\x16\x2f", 8)));
    lone_give(&l, span_from_str("S"));
    expect_hello();
    begin(CONFIG_STARTTLS_SMTP);
    ck_assert_uint_eq(sent().len, 0);
    lone_give(&l, span_from_str("220 mx\r\n"));
    ck_assert(span_equals_str(sent(), "EHLO localhost\r\n"));
    lone_give(&l, span_from_str("250 STARTTLS\r\n"));
    ck_assert(span_equals_str(sent(), "STARTTLS\r\n"));
    lone_give(&l, span_from_str("220 go\r\n"));
    expect_hello();
}
END_TEST

START_TEST(a_server_that_declines_or_says_more_gets_no_hello) /* B2 */
{
    begin(CONFIG_STARTTLS_POSTGRES);
    sent();
    lone_give(&l, span_from_str("N"));
    expect_failed("answered N");
    ck_assert_uint_eq(sent().len, 0);
    begin(CONFIG_STARTTLS_POSTGRES);
    sent();
    lone_give(&l, span_from_str("SR"));
    expect_failed("behind the go-ahead");
    ck_assert_uint_eq(sent().len, 0);
    begin(CONFIG_STARTTLS_POSTGRES);
    lone_end(&l);
    expect_failed("closed the connection before TLS");
}
END_TEST

START_TEST(the_handshake_and_the_words_before_it_share_their_time)
{
    begin(CONFIG_STARTTLS_POSTGRES);
    ck_assert_uint_eq(uplink_deadline_us(u), now.us + 10000000);
    l.now.us += 3000000;
    lone_give(&l, span_from_str("S"));
    ck_assert_uint_eq(uplink_deadline_us(u), now.us + 10000000);
    begin(CONFIG_STARTTLS_POSTGRES);
    uplink_on_late(u, now);
    lone_turn(&l);
    ck_assert(seen.failed && seen.reason == REASON_HANDSHAKE_TIMEOUT);
    ck_assert_msg(strstr(seen.text, "did not start TLS in time (timeouts.handshake of the upstream is 10s)") != NULL, "%s", seen.text);
}
END_TEST

START_TEST(the_login_of_mysql_is_waited_for)
{
    static const char greeting[] = "\x14\0\0\0\x0a" "5.0\0\x08\0\0\0abcdefgh\0\xff\xff";
    static const uint8_t login[STARTTLS_MYSQL_HEADER] = {0x0d, 0xa2};
    events.on_greeting = on_greeting;
    begin(CONFIG_STARTTLS_MYSQL);
    lone_give(&l, span_of(greeting, sizeof(greeting) - 1));
    ck_assert(seen.greeted && uplink_wants_login(u));
    ck_assert_uint_eq(sent().len, 0);
    uplink_login(u, login, now);
    ck_assert(!uplink_wants_login(u));
    lone_turn(&l);
    struct span out = sent();
    ck_assert(out.len > 36 + 5 && out.ptr[0] == 32 && out.ptr[5] == 0xaa && out.ptr[36] == 22);
    events.on_greeting = NULL;
    begin(CONFIG_STARTTLS_MYSQL); /* a health check has no login */
    lone_give(&l, span_of(greeting, sizeof(greeting) - 1));
    ck_assert_int_eq(u->phase, UPLINK_HANDSHAKE);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_starttls");
    TCase *t = tcase_create("uplink");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, tls_begins_when_the_server_agreed);
    tcase_add_test(t, a_server_that_declines_or_says_more_gets_no_hello);
    tcase_add_test(t, the_handshake_and_the_words_before_it_share_their_time);
    tcase_add_test(t, the_login_of_mysql_is_waited_for);
    suite_add_tcase(s, t);
    return s;
}
