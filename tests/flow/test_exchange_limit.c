/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of each timer: the key that sets it, its value, and what to do. */
#include "http_chain.h"
#include "mtlsd/policy/reason.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", UPLOAD[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";

static void answer_a_lot(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ > 0)
        return;
    wire_answer(s, "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n");
    s->down.offer = 2000000;
}

static void trickle(struct wire_socket *app, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        wire_say(app, "ten bytes.");
        wire_advance(&http_chain, 1000);
    }
}

/* Brings the timer about and gives the node whose it is. */
static struct wire_node *let_head_pause(void)
{
    wire_say(wire_connect(&http_chain), "GET / HTTP");
    return &http_chain.injector;
}

static struct wire_node *let_body_pause(void)
{
    http_chain.injector.down_conf.min_body_rate = http_chain.verifier.down_conf.min_body_rate = 0;
    http_chain.verifier.down_conf.body_ms = 3600000;
    wire_say(wire_connect(&http_chain), UPLOAD);
    return &http_chain.injector;
}

static struct wire_node *let_body_trickle(void)
{
    http_chain.verifier.down_conf.min_body_rate = 0;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, UPLOAD);
    trickle(app, 11);
    return &http_chain.injector;
}

static struct wire_node *let_client_take_nothing(void)
{
    http_chain.on_backend = answer_a_lot;
    struct wire_socket *app = wire_connect(&http_chain);
    wire_greet(&http_chain, app);
    app->down.stalled = true;
    wire_say(app, GET);
    return &http_chain.injector;
}

static struct wire_node *let_client_shake_no_hands(void)
{
    http_chain.injector.present = false;
    wire_connect(&http_chain);
    return &http_chain.verifier;
}

static struct wire_node *let_proxy_header_be_missing(void)
{
    http_chain.injector.down_conf.accept_proxy_protocol = true;
    wire_connect(&http_chain);
    return &http_chain.injector;
}

static struct wire_node *let_connect_hang(void)
{
    http_chain.injector.connect = WIRE_CONNECT_HANGS;
    wire_say(wire_connect(&http_chain), GET);
    return &http_chain.injector;
}

static struct wire_node *let_upstream_be_silent(void)
{
    http_chain.injector.up_conf.response_ms = 3600000;
    http_chain.on_backend = http_chain_silent;
    wire_say(wire_connect(&http_chain), GET);
    return &http_chain.verifier;
}

static struct wire_node *let_answer_stop(void)
{
    http_chain.injector.up_conf.idle_ms = 24 * 3600000;
    http_chain.on_backend = http_chain_silent;
    http_chain_ask(wire_connect(&http_chain), GET);
    wire_answer(wire_backend_socket(&http_chain, 0), "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    return &http_chain.verifier;
}

static const struct {
    struct wire_node *(*let)(void);
    uint64_t ms;
    enum reason reason;
    const char *key, *hint; /* hint NULL: that of the reason */
} timers[] = {
    {let_head_pause, 10100, REASON_REQUEST_TIMEOUT, "(timeouts.header of the listener is 10s)", "timeouts.header "},
    {let_body_pause, 30100, REASON_REQUEST_TIMEOUT, "(timeouts.body of the listener is 30s)", "timeouts.body "},
    {let_body_trickle, 100, REASON_REQUEST_TIMEOUT, "(timeouts.min_body_rate of the listener is 500)", "timeouts.min_body_rate "},
    {let_client_take_nothing, 30100, REASON_CLIENT_STALLED, "(timeouts.write of the listener is 30s)", NULL},
    {let_client_shake_no_hands, 10100, REASON_HANDSHAKE_TIMEOUT, "(timeouts.handshake of the listener is 10s)", NULL},
    {let_proxy_header_be_missing, 10100, REASON_HANDSHAKE_TIMEOUT, "(timeouts.handshake of the listener is 10s)", "accept_proxy_protocol"},
    {let_connect_hang, 5100, REASON_CONNECT_TIMEOUT, "(timeouts.connect of the upstream is 5s)", NULL},
    {let_upstream_be_silent, 60100, REASON_RESPONSE_TIMEOUT, "(timeouts.response of the upstream is 1m)", "timeouts.response "},
    {let_answer_stop, 600100, REASON_RESPONSE_TIMEOUT, "(timeouts.idle of the upstream is 10m)", "timeouts.idle of the upstream"},
};

START_TEST(a_timer_is_told_with_its_key_and_value)
{
    if (wire_pair()->app && timers[_i].let == let_head_pause)
        return; /* no head comes in pieces of text */
    struct wire_node *node = timers[_i].let();
    wire_advance(&http_chain, timers[_i].ms);
    http_chain.injector.present = true;
    const struct wire_seen *seen = wire_last(node);
    ck_assert_int_eq(seen->reason, timers[_i].reason);
    ck_assert_msg(strstr(seen->detail, timers[_i].key) != NULL, "%s", seen->detail);
    ck_assert_msg((seen->hint != NULL) == (timers[_i].hint != NULL), "%s: %s", timers[_i].key, seen->hint);
    ck_assert_msg(seen->hint == NULL || strstr(seen->hint, timers[_i].hint) != NULL, "%s", seen->hint);
    const char *row = reason_row(seen->reason)->hint;
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(timers[_i].key + 1, " "), timers[_i].key + 1);
    ck_assert_msg(strstr(seen->hint != NULL ? seen->hint : row, word) != NULL, "%s is not in: %s", word, row); /* what is said to do names the key */
}
END_TEST

START_TEST(the_client_reads_which_key_cut_its_body)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, UPLOAD);
    trickle(app, 12);
    ck_assert_msg(strstr(wire_got(app), "\"hint\":\"lower timeouts.min_body_rate of the listener if clients are slow") != NULL, "%s", wire_got(app));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_limit");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_timer_is_told_with_its_key_and_value, 0, sizeof(timers) / sizeof(timers[0]));
    tcase_add_test(t, the_client_reads_which_key_cut_its_body);
    suite_add_tcase(s, t);
    return s;
}
