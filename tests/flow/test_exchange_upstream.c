/* SPDX-License-Identifier: Apache-2.0 */
/* Several targets of one upstream, some of them faulty: where a request ends up, how often it is executed, and what the app is told. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum fault { GOOD, SILENT, CLOSES, RESETS, BREAKS_OFF, CONTINUES_AND_CLOSES };

static struct wire w;
static enum fault faults[WIRE_TARGETS];
static unsigned executed[WIRE_TARGETS]; /* whole requests that reached the target */
static struct wire_pki pki;
static struct tls_context *connecting, *accepting;

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char POST[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789";
static const char PUT[] = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789";
static const char PUT_CHUNKS[] = "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n";
static const char DELETE[] = "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n";

static void misbehave(struct wire_socket *s)
{
    switch (faults[s->target]) {
    case GOOD:
    case SILENT:
        return;
    case RESETS:
        s->down.reset = true;
        return;
    case BREAKS_OFF:
        wire_answer(s, "HT");
        break;
    case CONTINUES_AND_CLOSES:
        wire_answer(s, "HTTP/1.1 100 Continue\r\n\r\n");
        break;
    case CLOSES:
        break;
    }
    wire_end(&s->down);
}

static void farm(struct wire *on, struct wire_socket *s)
{
    unsigned before = on->n_requests;
    const char *reply = on->reply;
    if (faults[s->target] != GOOD)
        on->reply = "";
    wire_backend_http(on, s);
    on->reply = reply;
    if (on->n_requests == before)
        return;
    executed[s->target] += on->n_requests - before;
    misbehave(s);
}

static void open_farm(size_t n)
{
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true};
    wire_open(&w, &setup);
    for (size_t i = 1; i < n; i++)
        wire_add_target(&w.injector);
    w.injector.up_conf.retries = 1;
    w.injector.up_conf.retry_after_ms = 10000;
    w.on_backend = farm;
    memset(faults, 0, sizeof(faults));
    memset(executed, 0, sizeof(executed));
}

static void setup(void)
{
    open_farm(3);
}

static void drop(void)
{
    wire_close(&w);
}

static unsigned executed_in_all(void)
{
    unsigned n = 0;
    for (size_t i = 0; i < WIRE_TARGETS; i++)
        n += executed[i];
    return n;
}

static struct wire_socket *ask(const char *request)
{
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, request);
    wire_run(&w);
    return app;
}

/* ---- nothing was sent: whatever the method ---- */

static const char *const requests[] = {GET, POST, PUT_CHUNKS};
static const size_t steps[] = {1, 7, WIRE_ALL};

START_TEST(a_target_that_refuses_is_passed_over) /* C10 */
{
    w.step = steps[_i % 3];
    w.injector.connect_to[0] = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = ask(requests[_i / 3]);
    ck_assert_msg(strstr(wire_got(app), "200 OK") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(executed[1], 1);
    ck_assert_uint_eq(executed_in_all(), 1);
    ck_assert(wire_was_asked(&w, "Host: " WIRE_NAME ":81\r\n")); /* written for the target that got it */
    ck_assert(wire_was_sent(&w, _i / 3 == 0 ? "" : "123456789"));
    const struct wire_seen *seen = wire_last(&w.injector);
    ck_assert_uint_eq(seen->retries, 1);
    ck_assert_uint_eq(seen->target, 1);
    ck_assert_int_eq(seen->reason, REASON_VALID);
    ck_assert_uint_ne(target_state_held_until(w.injector.target_state, 0), 0);
}
END_TEST

START_TEST(a_held_target_is_left_alone_until_its_time)
{
    w.injector.connect_to[0] = WIRE_CONNECT_REFUSED;
    for (int i = 0; i < 6; i++)
        ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "200 OK"));
    ck_assert_uint_eq(wire_last(&w.injector)->retries, 0);
    w.injector.connect_to[0] = WIRE_CONNECT_WORKS;
    wire_advance(&w, 11000);
    for (int i = 0; i < 6; i++)
        ask(GET);
    ck_assert_uint_gt(executed[0], 0);
    ck_assert_uint_eq(target_state_held_until(w.injector.target_state, 0), 0);
}
END_TEST

START_TEST(when_all_refuse_the_app_is_told_why)
{
    w.injector.connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = ask(POST);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "connect_refused"));
    ck_assert_uint_eq(wire_last(&w.injector)->retries, 2);
    w.injector.connect = WIRE_CONNECT_WORKS; /* all are held: the next request finds out that one is back */
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "200 OK"));
}
END_TEST

/* Every target would be held in turn, and sessions lost, for what is wrong with us alone. */
START_TEST(that_we_ran_out_of_descriptors_says_nothing_about_a_target) /* D5 */
{
    w.injector.connect = WIRE_CONNECT_NO_ROOM;
    struct wire_socket *app = ask(requests[_i]);
    ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 503 ", 13) == 0, "%s", wire_got(app));
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(target_state_held_until(w.injector.target_state, i), 0);
    ck_assert_uint_eq(wire_last(&w.injector)->retries, 0);
}
END_TEST

START_TEST(a_target_that_hangs_costs_the_time_to_connect)
{
    w.injector.connect_to[0] = w.injector.connect_to[1] = WIRE_CONNECT_HANGS;
    struct wire_socket *app = ask(POST);
    wire_advance(&w, 9900);
    ck_assert_str_eq(wire_got(app), "");
    wire_advance(&w, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert_uint_eq(executed[2], 1);
}
END_TEST

START_TEST(without_a_usable_target_it_is_503)
{
    for (size_t i = 0; i < 3; i++)
        target_state_set_mode(w.injector.target_state, i, TARGET_DRAINED);
    struct wire_socket *app = ask(GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "503 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "no_target"));
    ck_assert_uint_eq(wire_last(&w.injector)->target, SIZE_MAX);
    target_state_set_mode(w.injector.target_state, 1, TARGET_ENABLED);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
}
END_TEST

/* ---- it was sent ---- */

static const struct {
    const char *why, *request;
    enum fault fault;
    bool goes_on;
} after_sending[] = {
    {"GET, closed without an answer", GET, CLOSES, true},
    {"GET, reset without an answer", GET, RESETS, true},
    {"DELETE is idempotent", DELETE, CLOSES, true},
    {"PUT with its body", PUT, CLOSES, true},
    {"PUT in chunks", PUT_CHUNKS, RESETS, true},
    {"a POST is never executed twice", POST, CLOSES, false},
    {"nor when it is reset", POST, RESETS, false},
    {"nor without a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", CLOSES, false},
    {"PATCH is not idempotent", "PATCH / HTTP/1.1\r\nHost: x\r\n\r\n", CLOSES, false},
    {"a byte of the answer was seen", GET, BREAKS_OFF, false},
    {"an interim answer was seen", GET, CONTINUES_AND_CLOSES, false},
    {"trailers are not kept", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: 1\r\n\r\n", CLOSES, false},
    {"C11: trailers that do not pass are not missed", "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\nX-T: 1\r\n\r\n", CLOSES, true},
};
enum { N_AFTER = sizeof(after_sending) / sizeof(after_sending[0]) };

START_TEST(what_was_sent_is_sent_again_only_where_that_is_safe) /* C10 */
{
    size_t row = (size_t)_i / 3;
    w.step = steps[_i % 3];
    faults[0] = after_sending[row].fault;
    if (wire_pair()->backend && faults[0] == BREAKS_OFF)
        return; /* a part of a head is no part of an answer in HTTP/2 */
    struct wire_socket *app = ask(after_sending[row].request);
    bool refused = strstr(wire_got(app), "502 ") != NULL || strstr(wire_got(app), "Grpc-Status: 14") != NULL;
    bool went_on = !refused && strstr(wire_got(app), "200 OK") != NULL;
    bool early = wire_pair()->app && went_on && strstr(after_sending[row].why, "not kept") != NULL; /* they came while the upstream was connected to */
    ck_assert_msg(early || went_on == after_sending[row].goes_on, "%s: %s", after_sending[row].why, wire_got(app));
    ck_assert(!early || memmem(bytes_span(&w.request).ptr, w.request.len, "X-T: 1", 6) != NULL || memmem(bytes_span(&w.request).ptr, w.request.len, "x-t: 1", 6) != NULL);
    ck_assert_uint_eq(executed[0], 1);
    ck_assert_uint_eq(executed_in_all(), went_on ? 2 : 1);
    if (!went_on)
        ck_assert_msg(refused, "%s: %s", after_sending[row].why, wire_got(app));
    if (went_on && !early && strncmp(after_sending[row].request, "PUT", 3) == 0)
        ck_assert_msg(wire_was_sent(&w, "123456789"), "%s: the body", after_sending[row].why);
}
END_TEST

START_TEST(it_is_sent_again_as_often_as_retries_says) /* C10 */
{
    faults[0] = faults[1] = faults[2] = CLOSES;
    w.injector.up_conf.retries = (unsigned)_i;
    struct wire_socket *app = ask(GET);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "upstream_closed"));
    ck_assert_uint_eq(executed_in_all(), (unsigned)_i < 3 ? (unsigned)_i + 1 : 3);
}
END_TEST

START_TEST(it_is_sent_again_while_the_budget_lasts) /* C10 */
{
    w.injector.up_conf.retry_after_ms = 0;
    while (balancer_spend(w.injector.env.balancer, &w.injector.upstream))
        continue;
    faults[0] = faults[1] = faults[2] = CLOSES;
    ck_assert_ptr_nonnull(strstr(wire_got(ask(GET)), "502 "));
    ck_assert_uint_eq(executed_in_all(), 1);
    for (int i = 0; i < 4; i++)
        ask(GET); /* five requests earn one more */
    ck_assert_uint_eq(executed_in_all(), 6);
}
END_TEST

START_TEST(a_body_too_long_to_keep_is_sent_once) /* C10 */
{
    char head[100];
    unsigned length = _i == 0 ? 16 * 1024 : 16 * 1024 + 1;
    faults[0] = CLOSES;
    struct wire_socket *app = wire_connect(&w);
    snprintf(head, sizeof(head), "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n", length);
    wire_say(app, head);
    app->up.offer = length;
    wire_run(&w);
    ck_assert_msg((strstr(wire_got(app), "200 OK") != NULL) == (_i == 0), "%s", wire_got(app));
    ck_assert_uint_eq(executed_in_all(), _i == 0 ? 2 : 1);
    if (_i == 0)
        for (unsigned i = 0; i < length; i++)
            ck_assert_uint_eq(bytes_span(&w.request).ptr[w.request.len - length + i], wire_pattern(i));
}
END_TEST

/* The upstream goes while half of the body is here: what was read is sent again, the rest follows as it comes. */
START_TEST(a_request_goes_on_at_another_target_in_the_middle_of_its_body)
{
    struct wire_socket *app = ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1234");
    wire_backend_socket(&w, 0)->down.reset = true;
    wire_run(&w);
    wire_say(app, "56789");
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert_uint_eq(executed[1], 1);
    ck_assert(wire_was_sent(&w, "123456789"));
}
END_TEST

START_TEST(an_answer_that_does_not_come_is_sought_elsewhere)
{
    faults[0] = SILENT;
    struct wire_socket *app = ask(_i == 0 ? GET : POST);
    wire_advance(&w, 59900);
    ck_assert_str_eq(wire_got(app), "");
    wire_advance(&w, 200);
    ck_assert_ptr_nonnull(strstr(wire_got(app), _i == 0 ? "200 OK" : "504 "));
    ck_assert_uint_eq(executed_in_all(), _i == 0 ? 2 : 1);
}
END_TEST

/* A client that knows a request its backends choke on must not take them out of service for everybody else (C10). */
START_TEST(no_request_holds_a_target_that_took_it)
{
    static const int kinds[] = {CLOSES, SILENT};
    faults[0] = faults[1] = faults[2] = kinds[_i % 2];
    ask(_i < 2 ? GET : POST);
    wire_advance(&w, 120000);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_eq(target_state_held_until(w.injector.target_state, i), 0);
}
END_TEST

START_TEST(a_stale_connection_says_nothing_against_its_target)
{
    target_state_set_down(w.injector.target_state, 1, true);
    target_state_set_down(w.injector.target_state, 2, true);
    struct wire_socket *app = ask(GET), *back = wire_backend_socket(&w, 0);
    back->down.stalled = back->up.stalled = true;
    back->down.ended = true;
    wire_say(app, GET);
    wire_run(&w);
    back->down.stalled = false;
    wire_run(&w);
    ck_assert_uint_eq(executed[0], 2);
    ck_assert_uint_eq(w.injector.connected[0], 2);
    ck_assert_uint_eq(target_state_held_until(w.injector.target_state, 0), 0);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_VALID);
}
END_TEST

/* ---- who gets it ---- */

START_TEST(a_client_keeps_its_target_by_hash)
{
    w.injector.up_conf.balance = CONFIG_BALANCE_HASH;
    for (int i = 0; i < 6; i++)
        ask(GET);
    ck_assert(executed[0] == 6 || executed[1] == 6 || executed[2] == 6);
}
END_TEST

START_TEST(the_least_busy_target_is_chosen_and_none_stays_busy)
{
    w.injector.up_conf.balance = CONFIG_BALANCE_LEAST_CONN;
    faults[0] = SILENT;
    struct wire_socket *first = ask(GET);
    ck_assert_uint_eq(executed[0], 1);
    for (int i = 0; i < 6; i++)
        ask(GET);
    ck_assert_uint_eq(executed[0], 1);
    first->up.reset = true;
    wire_run(&w);
    for (int i = 0; i < 6; i++)
        ask(GET);
    ck_assert_uint_gt(executed[0], 1); /* it is as free as the others again */
}
END_TEST

/* ---- sessions ---- */

static char worker1[] = "worker1", worker2[] = "worker2", worker3[] = "worker3", session[] = "JSESSIONID";

static void make_sticky(enum config_sticky how)
{
    static char *const routes[] = {worker1, worker2, worker3};
    for (size_t i = 0; i < 3; i++)
        w.injector.target_conf[i].route = routes[i];
    w.injector.up_conf.sticky = how;
    w.injector.up_conf.sticky_cookie = session;
}

static const char WITH_ROUTE[] = "GET / HTTP/1.1\r\nHost: x\r\nCookie: a=b.worker1; JSESSIONID=f00.worker3\r\n\r\n";

START_TEST(a_session_goes_where_its_suffix_says)
{
    make_sticky(CONFIG_STICKY_SUFFIX);
    for (int i = 0; i < 4; i++) {
        struct wire_socket *app = ask(WITH_ROUTE);
        ck_assert_ptr_null(strstr(wire_got(app), "Set-Cookie"));
    }
    ck_assert_uint_eq(executed[2], 4);
    w.injector.connect_to[2] = WIRE_CONNECT_REFUSED;
    pool_retire_all(w.injector.env.pool);
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_nonnull(strstr(wire_got(ask(WITH_ROUTE)), "200 OK"));
    ck_assert_uint_eq(executed[2], 4);
    ck_assert_uint_eq(executed_in_all(), 8);
}
END_TEST

static const struct {
    const char *why, *request;
    size_t target;
} in_path[] = {
    {"as Tomcat writes it", "GET /cart;jsessionid=f00.worker3 HTTP/1.1\r\nHost: x\r\n\r\n", 2},
    {"before the query", "GET /cart;jsessionid=f00.worker2?a=;jsessionid=f00.worker3 HTTP/1.1\r\nHost: x\r\n\r\n", 1},
    {"as the cookie is called", "GET /a;JSESSIONID=f00.worker3/b HTTP/1.1\r\nHost: x\r\n\r\n", 2},
    {"in an absolute target", "GET http://x/cart;jsessionid=f00.worker3 HTTP/1.1\r\nHost: x\r\n\r\n", 2},
    {"the cookie counts", "GET /cart;jsessionid=f00.worker2 HTTP/1.1\r\nHost: x\r\nCookie: JSESSIONID=f00.worker3\r\n\r\n", 2},
    {"a cookie that names nobody", "GET /cart;jsessionid=f00.worker3 HTTP/1.1\r\nHost: x\r\nCookie: JSESSIONID=f00\r\n\r\n", 2},
};

START_TEST(a_session_in_the_path_goes_where_its_suffix_says)
{
    make_sticky(CONFIG_STICKY_SUFFIX);
    for (int n = 0; n < 4; n++)
        ask(in_path[_i].request);
    ck_assert_msg(executed[in_path[_i].target] == 4, "%s", in_path[_i].why);
}
END_TEST

START_TEST(a_path_does_not_choose_where_the_cookie_is_ours)
{
    make_sticky(CONFIG_STICKY_INSERT);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(strstr(wire_got(ask("GET /cart;jsessionid=worker3 HTTP/1.1\r\nHost: x\r\n\r\n")), "Set-Cookie: JSESSIONID=worker"));
    ck_assert_uint_eq(executed[2], 1);
}
END_TEST

START_TEST(a_session_is_kept_by_a_cookie_of_ours)
{
    make_sticky(CONFIG_STICKY_INSERT);
    struct wire_socket *app = ask(GET);
    ck_assert_msg(strstr(wire_got(app), "\r\nSet-Cookie: JSESSIONID=worker1; Path=/; HttpOnly; SameSite=Lax\r\n") != NULL, "%s", wire_got(app));
    static const char with_ours[] = "GET / HTTP/1.1\r\nHost: x\r\nCookie: JSESSIONID=worker3\r\n\r\n";
    for (int i = 0; i < 4; i++)
        ck_assert_ptr_null(strstr(wire_got(ask(with_ours)), "Set-Cookie"));
    ck_assert_uint_eq(executed[2], 4);
    faults[2] = CLOSES; /* whoever serves it in its place says so */
    app = ask(with_ours);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Set-Cookie: JSESSIONID=worker"));
    ck_assert_ptr_null(strstr(wire_got(app), "worker3"));
    ck_assert_ptr_nonnull(strstr(wire_got(ask("GET / HTTP/1.1\r\nHost: x\r\nCookie: JSESSIONID=nobody\r\n\r\n")), "Set-Cookie: JSESSIONID=worker"));
}
END_TEST

/* ---- TLS to the targets ---- */

static void make(void)
{
    struct wire_side good = {0};
    wire_pki_make(&pki);
    connecting = wire_pki_connecting(&pki, &good);
    accepting = wire_pki_accepting(&pki, &good);
}

static void unmake(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

static void open_tls(enum config_protocol protocol, struct tls_context *up, struct tls_context *down)
{
    wire_close(&w);
    struct wire_setup tls = {.protocol = protocol, .connecting = up, .accepting = down};
    wire_open(&w, &tls);
    wire_add_target(&w.injector);
    w.injector.up_conf.retries = 1;
    if (protocol == CONFIG_PROTOCOL_HTTP)
        w.on_backend = wire_backend_http;
}

static void close_first(struct wire *on, struct wire_socket *s)
{
    if (s->node_up == &on->injector)
        wire_end(&s->down);
    else
        wire_backend_http(on, s);
}

static void speak_plain(struct wire *on, struct wire_socket *s)
{
    if (s->node_up == &on->injector)
        wire_answer(s, "HTTP/1.1 400 Bad Request\r\n\r\n");
    else
        wire_backend_http(on, s);
}

static void be_silent(struct wire *on, struct wire_socket *s)
{
    if (s->node_up != &on->injector)
        wire_backend_http(on, s);
}

START_TEST(a_handshake_that_fails_leads_to_the_next_target)
{
    void (*const ways[])(struct wire *, struct wire_socket *) = {close_first, speak_plain, be_silent};
    open_tls(CONFIG_PROTOCOL_HTTP, connecting, accepting);
    w.injector.connect_to[0] = WIRE_CONNECT_ELSEWHERE;
    w.on_backend = ways[_i];
    struct wire_socket *app = ask(POST);
    wire_advance(&w, 10100);
    ck_assert_msg(strstr(wire_got(app), "200 OK") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(w.n_requests, 1);
    ck_assert_uint_eq(w.injector.connected[1], 1);
}
END_TEST

START_TEST(a_target_with_a_bad_certificate_is_passed_over)
{
    struct wire_side other_name = {.name = "somebody.example"};
    struct tls_context *strict = wire_pki_connecting(&pki, &other_name);
    open_tls(CONFIG_PROTOCOL_HTTP, connecting, accepting);
    w.injector.target[0].tls = strict;
    struct wire_socket *app = ask(POST);
    ck_assert_msg(strstr(wire_got(app), "200 OK") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(w.n_requests, 1);
    ck_assert_uint_eq(w.injector.up_failed, 1);
    tls_context_unref(strict);
}
END_TEST

/* The verifier in front of three backends: one certificate, one backend, whoever connects and whatever the balance. */
START_TEST(a_session_follows_the_certificate)
{
    struct wire_setup tls = {.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .accepting = accepting};
    wire_close(&w);
    wire_open(&w, &tls);
    wire_add_target(&w.verifier);
    wire_add_target(&w.verifier);
    w.verifier.up_conf.sticky = CONFIG_STICKY_CLIENT_CERT;
    w.on_backend = farm;
    for (int i = 0; i < 6; i++) {
        pool_retire_all(w.injector.env.pool);
        ask(GET);
    }
    ck_assert(executed[0] == 6 || executed[1] == 6 || executed[2] == 6);
}
END_TEST

START_TEST(after_our_certificate_was_refused_nothing_is_tried_again) /* A13, C10 */
{
    static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
    struct wire_side stranger = {.issuer = &pki.other_ca, .priority = versions[_i]};
    struct tls_context *refused = wire_pki_connecting(&pki, &stranger);
    open_tls(CONFIG_PROTOCOL_HTTP, refused, accepting);
    struct wire_socket *app = ask(GET);
    ck_assert_msg(strstr(wire_got(app), "our_certificate_refused") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(w.injector.connects, 1);
    ck_assert_uint_eq(w.n_requests, 0);
    tls_context_unref(refused);
}
END_TEST

START_TEST(where_nobody_asks_for_our_certificate_nothing_is_tried_again)
{
    struct wire_side careless = {.asks_given = true, .ask = TLS_ASK_NONE};
    struct tls_context *never_asks = wire_pki_accepting(&pki, &careless);
    open_tls(CONFIG_PROTOCOL_HTTP, connecting, never_asks);
    struct wire_socket *app = ask(GET);
    ck_assert_msg(strstr(wire_got(app), "our_certificate_not_requested") != NULL, "%s", wire_got(app));
    ck_assert_uint_eq(w.injector.connects, 1);
    tls_context_unref(never_asks);
}
END_TEST

/* ---- tcp ---- */

START_TEST(a_tunnel_finds_a_target_before_its_first_byte)
{
    open_tls(CONFIG_PROTOCOL_TCP, connecting, accepting);
    w.injector.connect_to[0] = _i == 0 ? WIRE_CONNECT_REFUSED : WIRE_CONNECT_ELSEWHERE;
    w.on_backend = _i == 0 ? NULL : close_first;
    struct wire_socket *app = ask("hello");
    w.on_backend = NULL;
    wire_run(&w);
    bool seen = false;
    for (size_t i = 0; wire_backend_socket(&w, i) != NULL; i++)
        seen = seen || strcmp(wire_got(wire_backend_socket(&w, i)), "hello") == 0;
    ck_assert(seen);
    ck_assert(!app->got_end && !app->got_reset);
    ck_assert_uint_eq(w.injector.connected[1], 1);
}
END_TEST

START_TEST(a_tunnel_that_ran_is_not_begun_anew)
{
    open_tls(CONFIG_PROTOCOL_TCP, NULL, NULL);
    struct wire_socket *app = ask("hello");
    wire_backend_socket(&w, 0)->down.reset = true;
    wire_run(&w);
    ck_assert(app->got_reset);
    ck_assert_uint_eq(w.injector.connects, 1);
}
END_TEST

START_TEST(a_tunnel_without_a_usable_target_is_cut)
{
    open_tls(CONFIG_PROTOCOL_TCP, connecting, accepting);
    target_state_set_mode(w.injector.target_state, 0, TARGET_DRAINED);
    target_state_set_mode(w.injector.target_state, 1, TARGET_DRAINED);
    struct wire_socket *app = ask("hello");
    ck_assert(app->got_reset);
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_NO_TARGET);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_upstream");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, make, unmake);
    tcase_add_checked_fixture(t, setup, drop);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, a_target_that_refuses_is_passed_over, 0, 9);
    tcase_add_test(t, a_held_target_is_left_alone_until_its_time);
    tcase_add_loop_test(t, no_request_holds_a_target_that_took_it, 0, 4);
    tcase_add_test(t, when_all_refuse_the_app_is_told_why);
    tcase_add_loop_test(t, that_we_ran_out_of_descriptors_says_nothing_about_a_target, 0, 3);
    tcase_add_test(t, a_target_that_hangs_costs_the_time_to_connect);
    tcase_add_test(t, without_a_usable_target_it_is_503);
    tcase_add_loop_test(t, what_was_sent_is_sent_again_only_where_that_is_safe, 0, N_AFTER * 3);
    tcase_add_loop_test(t, it_is_sent_again_as_often_as_retries_says, 0, 4);
    tcase_add_test(t, it_is_sent_again_while_the_budget_lasts);
    tcase_add_loop_test(t, a_body_too_long_to_keep_is_sent_once, 0, 2);
    tcase_add_test(t, a_request_goes_on_at_another_target_in_the_middle_of_its_body);
    tcase_add_loop_test(t, an_answer_that_does_not_come_is_sought_elsewhere, 0, 2);
    tcase_add_test(t, a_stale_connection_says_nothing_against_its_target);
    tcase_add_test(t, a_client_keeps_its_target_by_hash);
    tcase_add_test(t, the_least_busy_target_is_chosen_and_none_stays_busy);
    tcase_add_test(t, a_session_goes_where_its_suffix_says);
    tcase_add_loop_test(t, a_session_in_the_path_goes_where_its_suffix_says, 0, sizeof(in_path) / sizeof(in_path[0]));
    tcase_add_test(t, a_path_does_not_choose_where_the_cookie_is_ours);
    tcase_add_test(t, a_session_is_kept_by_a_cookie_of_ours);
    tcase_add_test(t, a_session_follows_the_certificate);
    tcase_add_loop_test(t, a_handshake_that_fails_leads_to_the_next_target, 0, 3);
    tcase_add_test(t, a_target_with_a_bad_certificate_is_passed_over);
    tcase_add_loop_test(t, after_our_certificate_was_refused_nothing_is_tried_again, 0, 2);
    tcase_add_test(t, where_nobody_asks_for_our_certificate_nothing_is_tried_again);
    tcase_add_loop_test(t, a_tunnel_finds_a_target_before_its_first_byte, 0, 2);
    tcase_add_test(t, a_tunnel_that_ran_is_not_begun_anew);
    tcase_add_test(t, a_tunnel_without_a_usable_target_is_cut);
    suite_add_tcase(s, t);
    return s;
}
