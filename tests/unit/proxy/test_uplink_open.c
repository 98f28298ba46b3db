/* SPDX-License-Identifier: Apache-2.0 */
/* An uplink opens itself, in memory: the other end is a TLS engine of ours, or text. */
#include "ends.h"
#include "lone.h"
#include "mtlsd/proxy/uplink.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct lone l;
static struct uplink *u;
static struct uplink_use use;
static const struct moment now = {.us = 1000000, .utc = WIRE_NOW};

static struct {
    bool open, failed;
    enum reason reason;
    const char *hint;
    char text[760];
} seen;

static void on_open(struct uplink_use *at, struct moment when)
{
    (void)when;
    ck_assert_ptr_eq(at, &use);
    seen.open = true;
}

static void on_failed(struct uplink_use *at, enum reason reason, const char *text, const char *hint, struct moment when)
{
    (void)when;
    ck_assert(!seen.failed);
    seen.failed = true;
    seen.reason = reason;
    seen.hint = hint;
    snprintf(seen.text, sizeof(seen.text), "%s", text);
    uplink_leave(at);
    pool_retire(l.env.pool, u);
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

static const struct uplink_events events = {.on_open = on_open, .on_failed = on_failed, .takes = takes, .on_sent = on_sent};

static void set_up(void)
{
    conf = (struct config_upstream){.connect_ms = 5000, .handshake_ms = 10000};
    target_conf = (struct config_target){.text = (char *)(uintptr_t)WIRE_NAME ":8443", .address = {.kind = ADDRESS_TCP, .host = WIRE_NAME, .port = 8443}};
    upstream = (struct plan_upstream){.conf = &conf};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
}

static void tear_down(void)
{
    if (use.uplink != NULL) {
        uplink_leave(&use);
        pool_retire(l.env.pool, u);
    }
    lone_close(&l);
    tls_context_unref(target.tls);
    target.tls = NULL;
    ends_close_one(&ends_server);
}

static void make(void)
{
    struct err err = {0};
    const struct dial dial = {.target = &target, .address = &target_conf.address};
    if (use.uplink != NULL) {
        uplink_leave(&use);
        pool_retire(l.env.pool, u);
    }
    lone_close(&l);
    lone_open(&l, &target, now);
    memset(&seen, 0, sizeof(seen));
    use = (struct uplink_use){.events = &events};
    u = uplink_new(&l.env, &dial, UPLINK_HTTP, NULL, now, &err);
    ck_assert_ptr_nonnull(u);
    uplink_join(u, &use);
    ck_assert_int_eq(u->phase, UPLINK_CONNECTING);
    lone_turn(&l);
    ck_assert_ptr_eq(l.asked, u);
}

static void begin(void)
{
    make();
    lone_connected(&l);
}

/* All that it has sent by now. */
static struct span sent(void)
{
    static char out[20000];
    return span_of(out, lone_sent(&l, out, sizeof(out)));
}

static void shake_hands(const struct wire_side *ours, const struct wire_side *theirs)
{
    target.tls = wire_pki_connecting(&ends_pki, ours);
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, theirs), NULL, NULL);
    begin();
    for (struct span out = sent(), in; out.len > 0; out = sent()) {
        ends_feed(&ends_server, out);
        in = tls_engine_wire_out(ends_server.e);
        lone_give(&l, in);
        tls_engine_wire_sent(ends_server.e, in.len);
    }
}

static void expect_failed(enum reason reason, const char *text)
{
    ck_assert(seen.failed);
    ck_assert_msg(seen.reason == reason, "%s: %d %s", text, (int)seen.reason, seen.text);
    ck_assert_msg(strstr(seen.text, text) != NULL, "%s", seen.text);
    ck_assert_ptr_null(l.asked); /* retired, and gone */
}

static void late(void)
{
    uplink_on_late(u, now);
    lone_turn(&l);
}

START_TEST(without_tls_a_connection_is_open)
{
    begin();
    ck_assert(seen.open && u->phase == UPLINK_OPEN);
    ck_assert_uint_eq(sent().len, 0);
    ck_assert_uint_eq(uplink_deadline_us(u), UINT64_MAX);
}
END_TEST

START_TEST(with_tls_it_is_open_when_the_server_was_verified)
{
    static const struct wire_side good, stranger = {.name = "other.example"};
    shake_hands(&good, &good);
    ck_assert(seen.open && u->phase == UPLINK_OPEN);
    tear_down();
    shake_hands(&good, &stranger);
    expect_failed(REASON_NAME_MISMATCH, "");
    ck_assert(!seen.open);
    ck_assert_ptr_nonnull(seen.hint);
}
END_TEST

START_TEST(goes_through_a_proxy_and_speaks_for_nobody)
{
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V1;
    begin();
    ck_assert_int_eq(u->phase, UPLINK_PROXY);
    ck_assert(span_equals_str(sent(), "CONNECT " WIRE_NAME ":8443 HTTP/1.1\r\nHost: " WIRE_NAME ":8443\r\n\r\n"));
    lone_give(&l, span_from_str("HTTP/1.1 200 OK\r\n\r\n"));
    ck_assert(seen.open);
    ck_assert(span_equals_str(sent(), "PROXY UNKNOWN\r\n"));
    begin();
    lone_give(&l, span_from_str("HTTP/1.1 403 Forbidden\r\n\r\n"));
    expect_failed(REASON_PROXY_REFUSED, "403");
    begin();
    lone_end(&l);
    ck_assert(seen.failed);
    begin();
    lone_give(&l, span_from_str("HTTP/1.1 200 OK\r\n\r\nmore")); /* security B2 */
    expect_failed(REASON_UPSTREAM_PROTOCOL, "before any request");
}
END_TEST

START_TEST(tells_which_step_took_too_long_and_the_limit)
{
    make();
    ck_assert_uint_eq(uplink_deadline_us(u), now.us + 5000000);
    late();
    expect_failed(REASON_CONNECT_TIMEOUT, "accept the connection in time (timeouts.connect of the upstream is 5s)");
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    begin();
    late();
    expect_failed(REASON_CONNECT_TIMEOUT, "the upstream's proxy");
    conf.proxy_text = NULL;
    target.tls = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    begin();
    ck_assert_uint_eq(uplink_deadline_us(u), now.us + 10000000);
    late();
    expect_failed(REASON_HANDSHAKE_TIMEOUT, "handshake in time (timeouts.handshake of the upstream is 10s)");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("uplink_open");
    TCase *t = tcase_create("uplink_open");
    tcase_add_unchecked_fixture(t, ends_make, ends_drop);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_tls_a_connection_is_open);
    tcase_add_test(t, with_tls_it_is_open_when_the_server_was_verified);
    tcase_add_test(t, goes_through_a_proxy_and_speaks_for_nobody);
    tcase_add_test(t, tells_which_step_took_too_long_and_the_limit);
    suite_add_tcase(s, t);
    return s;
}
