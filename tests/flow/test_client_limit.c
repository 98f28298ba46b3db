/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections one client may hold: row C14 of the security list. */
#include "http_chain.h"
#include "mtlsd/proxy/client_count.h"
#include "t.h"

#include <string.h>

static const size_t steps[] = {1, 7, 50, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };
#define HEADER(from) "PROXY TCP4 " from " 192.0.2.1 4711 80\r\n"
#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static struct client_count *count;
static struct wire plain;

static void open_one(struct wire *w, enum config_protocol protocol, struct tls_context *accepting, unsigned most)
{
    struct wire_setup setup = {.protocol = protocol, .no_injector = true, .accepting = accepting};
    wire_open(w, &setup);
    w->on_backend = protocol == CONFIG_PROTOCOL_HTTP ? wire_backend_http : NULL;
    count = client_count_new(1, 2);
    ck_assert_ptr_nonnull(count);
    w->verifier.env.clients = count;
    w->verifier.env.most_per_client = most;
}

/* Nobody stays counted. */
static void close_one(struct wire *w)
{
    wire_close(w);
    ck_assert_uint_eq(client_count_addresses(count), 0);
    client_count_free(count);
}

static void open_plain(void)
{
    open_one(&plain, CONFIG_PROTOCOL_HTTP, NULL, 2);
}

static void close_plain(void)
{
    close_one(&plain);
}

static struct wire_socket *ask(const char *header)
{
    struct wire_socket *app = wire_connect(&plain);
    wire_say(app, header);
    wire_say(app, GET);
    wire_run(&plain);
    return app;
}

static bool was_served(struct wire_socket *app)
{
    return strstr(wire_got(app), "HTTP/1.1 200 OK") != NULL;
}

static void expect_told(struct wire_socket *app)
{
    const char *got = wire_got(app);
    ck_assert_msg(strstr(got, "HTTP/1.1 429 Too Many Requests\r\n") == got, "%s", got);
    ck_assert_ptr_nonnull(strstr(got, "\"reason\":\"too_many_connections\""));
    ck_assert_ptr_nonnull(strstr(got, "Retry-After: 1\r\n"));
    ck_assert(app->got_end && !app->got_reset);
    ck_assert_int_eq(wire_last(&plain.verifier)->reason, REASON_TOO_MANY_CONNECTIONS);
    ck_assert_int_eq(wire_last(&plain.verifier)->kind, REPORT_CONNECTION);
    ck_assert_ptr_nonnull(strstr(wire_last(&plain.verifier)->detail, "limits.per_client is 2"));
}

START_TEST(one_above_the_limit_is_told_and_not_served)
{
    struct wire_socket *first = ask("");
    ck_assert(was_served(first) && was_served(ask("")));
    unsigned served = plain.n_requests;
    expect_told(ask(""));
    ck_assert_uint_eq(plain.n_requests, served);
    wire_end(&first->up);
    wire_run(&plain);
    ck_assert(was_served(ask("")));
}
END_TEST

START_TEST(nobody_is_counted_without_a_limit)
{
    plain.verifier.env.most_per_client = 0;
    for (int i = 0; i < 5; i++)
        ck_assert(was_served(ask("")));
    ck_assert_uint_eq(client_count_addresses(count), 0);
}
END_TEST

START_TEST(those_from_before_a_limit_count_and_stay)
{
    struct wire_socket *before[4];
    plain.verifier.env.most_per_client = 0;
    for (int i = 0; i < 4; i++)
        before[i] = ask("");
    plain.verifier.env.most_per_client = 2;
    for (int i = 0; i < 4; i++) {
        client_count_late(before[i]->server->client);
        client_count_late(before[i]->server->client); /* once */
    }
    expect_told(ask(""));
    for (int i = 0; i < 2; i++) {
        wire_end(&before[i]->up);
        wire_run(&plain);
        expect_told(ask(""));
    }
    wire_say(before[3], GET);
    wire_end(&before[2]->up);
    wire_run(&plain);
    ck_assert(was_served(before[3]) && was_served(ask("")));
    expect_told(ask(""));
}
END_TEST

START_TEST(client_of_a_balancer_is_who_its_header_names)
{
    plain.step = steps[_i];
    plain.verifier.down_conf.accept_proxy_protocol = true;
    for (int i = 0; i < 2; i++) {
        ck_assert(was_served(ask(HEADER("198.51.100.1"))));
        ck_assert(was_served(ask(HEADER("198.51.100.2"))));
        ck_assert(was_served(ask("PROXY TCP6 2001:db8::1 2001:db8::9 4711 80\r\n")));
    }
    unsigned served = plain.n_requests;
    expect_told(ask(HEADER("198.51.100.1")));
    expect_told(ask("PROXY TCP6 ::ffff:198.51.100.2 2001:db8::9 4711 80\r\n"));
    expect_told(ask("PROXY TCP6 2001:db8::abcd:1 2001:db8::9 4711 80\r\n"));
    ck_assert_uint_eq(plain.n_requests, served);
    ck_assert(was_served(ask(HEADER("192.0.2.7")))); /* the balancer's own address was not counted */
    ck_assert(was_served(ask("PROXY TCP6 2001:db8:0:1::1 2001:db8::9 4711 80\r\n")));
}
END_TEST

/* As of unix sockets: its own health checks, or clients whose address it does not know. */
START_TEST(balancer_that_names_nobody_is_not_counted)
{
    struct wire_socket *last = NULL;
    plain.verifier.down_conf.accept_proxy_protocol = true;
    for (int i = 0; i < 4; i++) {
        last = ask("PROXY UNKNOWN\r\n");
        ck_assert(was_served(last));
    }
    client_count_late(last->server->client);
    client_count_late(wire_connect(&plain)->server->client); /* nor who has not said its header yet */
    ck_assert_uint_eq(client_count_addresses(count), 0);
}
END_TEST

START_TEST(refused_client_of_a_balancer_keeps_no_place_for_long)
{
    plain.verifier.down_conf.accept_proxy_protocol = true;
    ask(HEADER("198.51.100.1"));
    ask(HEADER("198.51.100.1"));
    struct wire_socket *third = ask(HEADER("198.51.100.1"));
    ck_assert_ptr_nonnull(third->server);
    wire_advance(&plain, 250);
    ck_assert_ptr_null(third->server);
}
END_TEST

START_TEST(tcp_client_is_reset)
{
    struct wire tcp;
    open_one(&tcp, CONFIG_PROTOCOL_TCP, NULL, 1);
    tcp.verifier.down_conf.accept_proxy_protocol = _i == 1;
    for (int i = 0; i < 2; i++) {
        struct wire_socket *app = wire_connect(&tcp);
        if (_i == 1)
            wire_say(app, HEADER("198.51.100.1"));
        wire_say(app, "EHLO me\r\n");
        wire_run(&tcp);
        ck_assert_int_eq(app->got_reset, i == 1);
        ck_assert_uint_eq(app->got.len, 0);
    }
    ck_assert_uint_eq(wire_backend_contacts(&tcp), 1);
    close_one(&tcp);
}
END_TEST

START_TEST(tls_client_is_told_by_an_alert_and_no_handshake_begins)
{
    struct wire alone;
    open_one(&alone, CONFIG_PROTOCOL_HTTP, http_chain.verifier.listener.tls, 1);
    alone.verifier.down_conf.accept_proxy_protocol = _i == 1;
    for (int i = 0; i < 2; i++) {
        struct wire_socket *caller = wire_connect(&alone);
        if (_i == 1)
            wire_say(caller, HEADER("198.51.100.1") "\x16\x03\x01");
        wire_run(&alone);
        ck_assert_uint_eq(caller->got.len, i == 1 ? 7 : 0);
        ck_assert(i == 0 || memcmp(wire_got(caller), "\x15\x03\x03\x00\x02\x02\x50", 7) == 0);
        ck_assert_int_eq(caller->got_end, i == 1);
    }
    ck_assert_uint_eq(wire_backend_contacts(&alone), 0);
    close_one(&alone);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_limit");
    TCase *c = tcase_create("plain");
    tcase_add_checked_fixture(c, open_plain, close_plain);
    tcase_add_test(c, one_above_the_limit_is_told_and_not_served);
    tcase_add_test(c, nobody_is_counted_without_a_limit);
    tcase_add_test(c, those_from_before_a_limit_count_and_stay);
    tcase_add_loop_test(c, client_of_a_balancer_is_who_its_header_names, 0, N_STEPS);
    tcase_add_test(c, balancer_that_names_nobody_is_not_counted);
    tcase_add_test(c, refused_client_of_a_balancer_keeps_no_place_for_long);
    suite_add_tcase(s, c);
    TCase *t = tcase_create("other");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, http_chain_open, http_chain_close);
    tcase_add_loop_test(t, tcp_client_is_reset, 0, 2);
    tcase_add_loop_test(t, tls_client_is_told_by_an_alert_and_no_handshake_begins, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
