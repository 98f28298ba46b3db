/* SPDX-License-Identifier: Apache-2.0 */
/* The way to a target, in memory: the other end is a TLS engine of ours, or text. What a look at a target makes of it: test_health_check.c. */
#include "ends.h"
#include "mtlsd/proxy/approach.h"
#include "t.h"

#include <string.h>

static struct config_upstream conf;
static struct config_target target_conf;
static struct plan_upstream upstream;
static struct plan_target target;
static struct approach a;
static const struct moment now = {.us = 1000000, .utc = WIRE_NOW};

static void set_up(void)
{
    conf = (struct config_upstream){.connect_ms = 5000};
    target_conf = (struct config_target){.address = {.kind = ADDRESS_TCP, .host = WIRE_NAME, .port = 8443}};
    upstream = (struct plan_upstream){.conf = &conf};
    target = (struct plan_target){.conf = &target_conf, .upstream = &upstream};
}

static void tear_down(void)
{
    approach_clear(&a);
    tls_context_unref(target.tls);
    target.tls = NULL;
    ends_close_one(&ends_server);
}

static void begin(void)
{
    struct err err = {0};
    ck_assert_int_eq(approach_init(&a, &target, true, NULL, &err), 0);
    ck_assert_int_eq(a.state, APPROACH_CONNECT);
    approach_on_connected(&a, now);
}

/* All that it has to send by now. */
static struct span sent(void)
{
    static char out[20000];
    struct span runs[8];
    size_t len = 0, total;
    for (size_t n; (n = link_runs(&a.uplink->link, runs, 8)) > 0; link_sent(&a.uplink->link, total)) {
        total = 0;
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_lt(len + runs[i].len, sizeof(out));
            memcpy(out + len, runs[i].ptr, runs[i].len);
            len += runs[i].len;
            total += runs[i].len;
        }
    }
    return span_of(out, len);
}

static void shake_hands(const struct wire_side *ours, const struct wire_side *theirs)
{
    target.tls = wire_pki_connecting(&ends_pki, ours);
    ends_open_one(&ends_server, wire_pki_accepting(&ends_pki, theirs), NULL, NULL);
    begin();
    for (struct span out = sent(), in; out.len > 0; out = sent()) {
        ends_feed(&ends_server, out);
        in = tls_engine_wire_out(ends_server.e);
        approach_on_wire(&a, in, now);
        tls_engine_wire_keep(a.uplink->link.tls);
        tls_engine_wire_sent(ends_server.e, in.len);
    }
}

static void expect_failed(enum reason reason, const char *text)
{
    ck_assert_int_eq(a.state, APPROACH_FAILED);
    ck_assert_msg(a.reason == reason, "%s: %d %s", text, (int)a.reason, a.text);
    ck_assert_msg(strstr(a.text, text) != NULL, "%s", a.text);
}

START_TEST(without_tls_a_connection_is_there)
{
    begin();
    ck_assert_int_eq(a.state, APPROACH_THERE);
    ck_assert_uint_eq(sent().len, 0);
}
END_TEST

START_TEST(with_tls_it_is_there_when_the_server_was_verified)
{
    static const struct wire_side good, stranger = {.name = "other.example"};
    shake_hands(&good, &good);
    ck_assert_int_eq(a.state, APPROACH_THERE);
    tear_down();
    shake_hands(&good, &stranger);
    expect_failed(REASON_NAME_MISMATCH, "");
    ck_assert_ptr_nonnull(a.hint);
}
END_TEST

START_TEST(goes_through_a_proxy_and_speaks_for_nobody)
{
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    conf.send_proxy_protocol = CONFIG_PROXY_PROTOCOL_V1;
    begin();
    ck_assert_int_eq(a.state, APPROACH_OPEN);
    ck_assert(span_equals_str(sent(), "CONNECT " WIRE_NAME ":8443 HTTP/1.1\r\nHost: " WIRE_NAME ":8443\r\n\r\n"));
    approach_on_wire(&a, span_from_str("HTTP/1.1 200 OK\r\n\r\n"), now);
    ck_assert_int_eq(a.state, APPROACH_THERE);
    ck_assert(span_equals_str(sent(), "PROXY UNKNOWN\r\n"));
    approach_clear(&a);
    begin();
    approach_on_wire(&a, span_from_str("HTTP/1.1 403 Forbidden\r\n\r\n"), now);
    expect_failed(REASON_PROXY_REFUSED, "403");
    approach_clear(&a);
    begin();
    approach_on_eof(&a, now);
    ck_assert_int_eq(a.state, APPROACH_FAILED);
    approach_clear(&a);
    begin();
    approach_on_wire(&a, span_from_str("HTTP/1.1 200 OK\r\n\r\nmore"), now); /* security B2 */
    expect_failed(REASON_UPSTREAM_PROTOCOL, "before any request");
}
END_TEST

START_TEST(tells_which_step_took_too_long_and_the_first_failure_counts)
{
    struct err err = {0};
    ck_assert_int_eq(approach_init(&a, &target, false, NULL, &err), 0);
    approach_on_late(&a);
    expect_failed(REASON_CONNECT_TIMEOUT, "accept the connection");
    approach_fail(&a, REASON_INTERNAL, "later");
    expect_failed(REASON_CONNECT_TIMEOUT, "accept the connection");
    approach_clear(&a);
    conf.proxy_text = (char *)(uintptr_t)"proxy.example:3128";
    begin();
    approach_on_late(&a);
    expect_failed(REASON_CONNECT_TIMEOUT, "the upstream's proxy");
    approach_clear(&a);
    conf.proxy_text = NULL;
    target.tls = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    begin();
    approach_on_late(&a);
    expect_failed(REASON_HANDSHAKE_TIMEOUT, "handshake");
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("approach");
    TCase *t = tcase_create("approach");
    tcase_add_unchecked_fixture(t, ends_make, ends_drop);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, without_tls_a_connection_is_there);
    tcase_add_test(t, with_tls_it_is_there_when_the_server_was_verified);
    tcase_add_test(t, goes_through_a_proxy_and_speaks_for_nobody);
    tcase_add_test(t, tells_which_step_took_too_long_and_the_first_failure_counts);
    suite_add_tcase(s, t);
    return s;
}
