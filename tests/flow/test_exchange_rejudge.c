/* SPDX-License-Identifier: Apache-2.0 */
/* What is there already when a date passes, a revocation list changes or a configuration is loaded: what ends, what stays, and what comes next. */
#include "raw_tls.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

enum { LIFE = 301 }; /* days after which the certificates of the wire have expired */

static struct wire_pki pki;
static struct wire w;
static struct tls_context *accepting;
static struct raw_tls peer;
static struct wire_socket *app;
static bool backend_is_slow;

#define GET "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define HALF "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf"
#define UPGRADE                                                                                                                                  \
    "GET /chat HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"    \
    "Sec-WebSocket-Version: 13\r\n\r\n"
#define SWITCHED                                                                                                                                 \
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void talk(void)
{
    for (int i = 0; i < 8; i++) {
        raw_tls_at_app(&peer, app);
        wire_run(&w);
    }
}

static void say(const char *text)
{
    raw_tls_say(&peer, text);
    talk();
}

static bool heard(const char *text)
{
    return peer.got.len > 0 && memmem(bytes_span(&peer.got).ptr, peer.got.len, text, strlen(text)) != NULL;
}

/* A request is answered, a switch is granted; while it is slow nothing is said. */
static void serve(struct wire *on, struct wire_socket *s)
{
    if (backend_is_slow)
        return;
    if (strstr(wire_got(s), "Upgrade: websocket") != NULL) {
        bytes_clear(&s->got);
        wire_answer(s, SWITCHED);
    } else if (on->verifier.down_conf.protocol == CONFIG_PROTOCOL_HTTP) {
        wire_backend_http(on, s);
    }
}

static void open_with(const struct wire_side *side, enum config_protocol protocol)
{
    accepting = wire_pki_accepting(&pki, side);
    struct wire_setup setup = {.protocol = protocol, .accepting = accepting, .no_injector = true};
    wire_open(&w, &setup);
    w.on_backend = serve;
    backend_is_slow = false;
}

static void join(void)
{
    raw_tls_client(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0);
    app = wire_connect(&w);
    talk();
    ck_assert(peer.done);
}

static void part(void)
{
    wire_close(&w);
    raw_tls_clear(&peer);
    tls_context_unref(accepting);
}

/* Where a connection may be. */
enum at { AT_REST, IN_REQUEST, IN_WEBSOCKET, IN_TCP, N_AT };

static void go_to(enum at at, const struct wire_side *side)
{
    open_with(side, at == IN_TCP ? CONFIG_PROTOCOL_TCP : CONFIG_PROTOCOL_HTTP);
    join();
    say(at == IN_REQUEST ? HALF : at == IN_WEBSOCKET ? UPGRADE : GET);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    if (at == IN_WEBSOCKET)
        ck_assert(heard("101 Switching Protocols"));
}

static bool lives(void)
{
    talk();
    return wire_client(&w.verifier) != NULL && peer.failure == 0;
}

static void expect_end(enum reason reason, int alert, const char *why)
{
    talk();
    wire_finish(&w);
    talk();
    ck_assert_msg(wire_client(&w.verifier) == NULL, "%s: it lives", why);
    ck_assert_msg(wire_last(&w.verifier)->reason == reason, "%s: reason %d", why, wire_last(&w.verifier)->reason);
    ck_assert_msg(wire_last(&w.verifier)->alert_sent == alert, "%s: alert %d", why, wire_last(&w.verifier)->alert_sent);
    ck_assert_msg(peer.failure == GNUTLS_E_FATAL_ALERT_RECEIVED, "%s: the client heard %d", why, peer.failure);
}

/* ---- dates ---- */

START_TEST(a_date_that_passes_ends_nothing_that_runs) /* A12 */
{
    enum at at = (enum at)(_i % N_AT);
    bool by_list = _i >= N_AT; /* the list goes stale, and not the certificate */
    go_to(at, &(struct wire_side){0});
    struct tls_context *stale = wire_pki_accepting(&pki, &(struct wire_side){.crl = WIRE_CRL_STALE});
    w.now.utc += by_list ? 0 : (int64_t)LIFE * WIRE_DAY;
    for (int i = 0; i < 3; i++) { /* each list that is fetched asks again */
        wire_rejudge(&w, &w.verifier, by_list ? stale : accepting, NULL);
        if (at == AT_REST)
            break;
        ck_assert(lives());
    }
    if (at == AT_REST) /* nothing runs that could be spared */
        expect_end(by_list ? REASON_CRL_STALE : REASON_EXPIRED, by_list ? 42 : 45, "at rest");
    tls_context_unref(stale);
    part();
}
END_TEST

START_TEST(what_was_spared_for_a_date_is_not_spared_for_more) /* A12 */
{
    static const struct {
        struct wire_side side;
        enum reason reason;
        int alert;
        const char *why;
    } rows[] = {
        {{.revokes_peer = true}, REASON_REVOKED, 44, "revoked"},
        {{.trusts = NULL}, REASON_UNKNOWN_CA, 48, "its CA is gone"},
    };
    enum at at = (enum at)(IN_REQUEST + _i % 3);
    size_t row = (size_t)_i / 3;
    struct wire_side side = rows[row].side;
    if (row == 1)
        side.trusts = &pki.other_ca;
    go_to(at, &(struct wire_side){0});
    w.now.utc += (int64_t)LIFE * WIRE_DAY;
    wire_rejudge(&w, &w.verifier, accepting, NULL);
    ck_assert(lives());
    struct tls_context *next = wire_pki_accepting(&pki, &side);
    wire_rejudge(&w, &w.verifier, next, NULL);
    expect_end(rows[row].reason, rows[row].alert, rows[row].why);
    tls_context_unref(next);
    part();
}
END_TEST

/* The first of them runs while something happens; those behind it were sent before that. */
static void send_ahead(void)
{
    open_with(&(struct wire_side){0}, CONFIG_PROTOCOL_HTTP);
    join();
    backend_is_slow = true;
    raw_tls_say(&peer, GET);
    raw_tls_say(&peer, GET);
    raw_tls_say(&peer, GET);
    talk();
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    ck_assert_uint_eq(w.n_requests, 0);
}

static void let_backend_answer(void)
{
    backend_is_slow = false;
    serve(&w, wire_backend_socket(&w, 0));
    talk();
}

START_TEST(no_request_that_was_sent_ahead_slips_through_behind_a_date) /* B5, A12 */
{
    send_ahead();
    w.now.utc += (int64_t)LIFE * WIRE_DAY;
    if (_i > 0) /* judged again in the middle of the first, and spared */
        wire_rejudge(&w, &w.verifier, accepting, NULL);
    let_backend_answer();
    ck_assert(heard("200 OK"));
    ck_assert_uint_eq(w.n_requests, 1);
    expect_end(REASON_EXPIRED, 45, "the second request");
    ck_assert_uint_eq(w.n_requests, 1);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    part();
}
END_TEST

START_TEST(all_that_was_sent_ahead_is_served_while_nothing_happens)
{
    send_ahead();
    let_backend_answer();
    ck_assert_uint_eq(w.n_requests, 3);
    ck_assert(lives());
    part();
}
END_TEST

START_TEST(half_a_head_before_a_date_is_no_foot_in_the_door) /* B5, A12 */
{
    open_with(&(struct wire_side){0}, CONFIG_PROTOCOL_HTTP);
    join();
    say("GET / HTTP/1.1\r\nHo");
    w.now.utc += (int64_t)LIFE * WIRE_DAY;
    say("st: x\r\n\r\n");
    expect_end(REASON_EXPIRED, 45, "the other half");
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    part();
}
END_TEST

/* ---- a configuration is loaded ---- */

static char nobody[] = "nobody", client[] = "client", chat_host[] = "chat.example", other_host[] = "other.example", chat_path[] = "/chat", lounge[] = "/lounge";
static struct config_allow for_nobody = {.cn = nobody}, for_client = {.cn = client};
static char *chat_hosts[] = {chat_host}, *other_hosts[] = {other_host};

static struct loaded { /* as a snapshot has it */
    struct config_listener conf;
    struct config_route route_conf;
    struct plan_route route;
    struct plan_listener listener;
} loaded;

static void load(const struct config_route *route, const struct config_allow *allow, bool log_only)
{
    loaded.conf = w.verifier.down_conf;
    loaded.route_conf = route != NULL ? *route : (struct config_route){0};
    loaded.conf.routes = &loaded.route_conf;
    loaded.conf.n_routes = 1;
    loaded.conf.allow = (struct config_allow *)(uintptr_t)allow;
    loaded.conf.n_allow = allow != NULL;
    loaded.conf.allow_log_only = log_only;
    loaded.route = (struct plan_route){.conf = &loaded.route_conf, .upstream = loaded.route_conf.respond == 0 ? &w.verifier.upstream : NULL};
    loaded.listener = w.verifier.listener;
    loaded.listener.conf = &loaded.conf;
    loaded.listener.routes = &loaded.route;
    loaded.listener.n_routes = 1;
    wire_reload(&w, &w.verifier, &loaded.listener);
}

START_TEST(a_listener_s_rules_that_were_loaded_count_for_what_runs)
{
    enum at at = (enum at)(IN_REQUEST + _i);
    go_to(at, &(struct wire_side){0});
    load(NULL, &for_client, false);
    ck_assert(lives());
    load(NULL, &for_nobody, true); /* only tried out */
    ck_assert(lives());
    load(NULL, NULL, false);
    ck_assert(lives());
    load(NULL, &for_nobody, false);
    expect_end(REASON_NOT_ALLOWED, 49, "not allowed any more");
    part();
}
END_TEST

START_TEST(a_request_sent_ahead_is_judged_by_what_was_loaded_meanwhile) /* B5 */
{
    static const struct {
        const char *answer;
        struct config_route route;
    } rows[] = {
        {"HTTP/1.1 403 ", {.allow = &for_nobody, .n_allow = 1}},
        {"HTTP/1.1 410 ", {.respond = 410}},
        {"HTTP/1.1 404 ", {.cert = UINT64_C(1) << REASON_NONE}},
    };
    send_ahead();
    load(&rows[_i].route, NULL, false);
    ck_assert(lives()); /* a request that runs is left to its end by routes */
    let_backend_answer();
    ck_assert(heard("200 OK") && heard(rows[_i].answer));
    ck_assert_uint_eq(w.n_requests, 1);
    part();
}
END_TEST

static const struct {
    struct config_route route;
    bool stays;
    const char *why;
} ways[] = {
    {{0}, true, "everybody's route"},
    {{.host = {chat_hosts, 1}, .path = chat_path}, true, "the route that it took"},
    {{.allow = &for_client, .n_allow = 1}, true, "a gate that lets it pass"},
    {{.caller = &for_client, .n_caller = 1}, true, "a route for this caller"},
    {{.allow = &for_nobody, .n_allow = 1, .allow_log_only = true}, true, "a gate that is only tried out"},
    {{.allow = &for_nobody, .n_allow = 1}, false, "a gate that it does not pass"},
    {{.caller = &for_nobody, .n_caller = 1}, false, "a route for others"},
    {{.host = {other_hosts, 1}}, false, "another host"},
    {{.path = lounge}, false, "another path"},
    {{.respond = 410}, false, "a route that answers"},
    {{.cert = UINT64_C(1) << REASON_NONE}, false, "a route for other statuses"},
};
enum { N_WAYS = sizeof(ways) / sizeof(ways[0]) };

START_TEST(a_tunnel_stays_as_long_as_it_would_be_opened_again)
{
    go_to(IN_WEBSOCKET, &(struct wire_side){0});
    w.now.utc += (int64_t)LIFE * WIRE_DAY; /* dates aside */
    load(&ways[_i].route, NULL, false);
    if (ways[_i].stays)
        ck_assert_msg(lives(), "%s", ways[_i].why);
    else
        expect_end(REASON_NOT_ALLOWED, 49, ways[_i].why);
    part();
}
END_TEST

START_TEST(a_trust_that_was_loaded_counts_for_what_runs) /* B5 */
{
    enum at at = (enum at)(IN_REQUEST + _i);
    go_to(at, &(struct wire_side){0});
    struct tls_context *next = wire_pki_accepting(&pki, &(struct wire_side){.trusts = &pki.other_ca});
    struct plan_listener there = w.verifier.listener;
    there.tls = next;
    wire_reload(&w, &w.verifier, &there);
    expect_end(REASON_UNKNOWN_CA, 48, "its CA is trusted no more");
    tls_context_unref(next);
    part();
}
END_TEST

/* ---- in the middle of a handshake ---- */

/* The client has shown its certificate, which was judged, and holds back the end of its last message, with a request on its heels. */
static void hold_handshake(enum config_protocol protocol)
{
    enum { HELD_BACK = 30 }; /* a Finished has more */
    open_with(&(struct wire_side){0}, protocol);
    raw_tls_client(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0);
    app = wire_connect(&w);
    raw_tls_at_app(&peer, app);
    wire_run(&w);
    ck_assert_int_eq(bytes_append_span(&peer.in, bytes_span(&app->got)), 0);
    bytes_clear(&app->got);
    raw_tls_pump(&peer);
    ck_assert(peer.done);
    size_t first = peer.out.len - HELD_BACK;
    wire_say_span(app, span_of(bytes_span(&peer.out).ptr, first));
    bytes_consume(&peer.out, first);
    wire_run(&w);
    raw_tls_say(&peer, GET);
}

START_TEST(who_is_revoked_during_the_handshake_does_not_get_in) /* A1, A12 */
{
    enum config_protocol protocol = _i % 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    bool by_reload = _i >= 2;
    hold_handshake(protocol);
    struct tls_context *next = wire_pki_accepting(&pki, &(struct wire_side){.revokes_peer = true});
    struct plan_listener there = w.verifier.listener;
    there.tls = next;
    if (by_reload) {
        wire_reload(&w, &w.verifier, &there);
    } else {
        w.verifier.loaded = &there; /* the snapshot is the same: its trust has other lists now */
        wire_rejudge(&w, &w.verifier, next, NULL);
    }
    expect_end(REASON_REVOKED, 44, "revoked");
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    tls_context_unref(next);
    part();
}
END_TEST

/* The same towards a server: its certificate was judged, its Finished is held back, and the request waits for it. */
START_TEST(a_server_that_is_revoked_during_the_handshake_hears_no_request) /* B5 */
{
    enum { HELD_BACK = 30 };
    struct tls_context *connecting = wire_pki_connecting(&pki, &(struct wire_side){0});
    struct tls_context *next = wire_pki_connecting(&pki, &(struct wire_side){.revokes_peer = _i == 0});
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .no_verifier = true});
    app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    struct wire_socket *server = wire_backend_socket(&w, 0);
    raw_tls_server(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
    ck_assert_int_eq(bytes_append_span(&peer.in, bytes_span(&server->got)), 0);
    bytes_clear(&server->got);
    raw_tls_pump(&peer);
    size_t first = peer.out.len - HELD_BACK;
    wire_answer_span(server, span_of(bytes_span(&peer.out).ptr, first));
    bytes_consume(&peer.out, first);
    wire_run(&w);
    wire_rejudge(&w, &w.injector, NULL, next);
    for (int i = 0; i < 4; i++) {
        raw_tls_at_backend(&peer, server);
        wire_run(&w);
    }
    ck_assert_int_eq(peer.got.len > 0, _i != 0);
    if (_i == 0) {
        ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_REVOKED);
        ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    }
    wire_close(&w);
    raw_tls_clear(&peer);
    tls_context_unref(connecting);
    tls_context_unref(next);
}
END_TEST

static struct plan_target next_target; /* the only one; next_target.conf NULL: there is none */
static const struct plan_target *find_loaded(const struct proxy_env *env, const struct plan_target *older)
{
    (void)env;
    (void)older;
    return next_target.conf != NULL ? &next_target : NULL;
}

/* A request that is sent again after a reload goes to a server that is verified by what was loaded. */
START_TEST(a_retry_after_a_reload_is_verified_by_what_was_loaded) /* B4, B5 */
{
    enum { SAME, REVOKED, WITHOUT_TLS, GONE };
    struct tls_context *connecting = wire_pki_connecting(&pki, &(struct wire_side){0});
    struct tls_context *next = wire_pki_connecting(&pki, &(struct wire_side){.revokes_peer = _i == REVOKED});
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .no_verifier = true});
    wire_add_target(&w.injector);
    w.injector.up_conf.retries = 1;
    app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    next_target = w.injector.target[0];
    next_target.tls = _i == WITHOUT_TLS ? NULL : next;
    next_target.conf = _i == GONE ? NULL : next_target.conf;
    struct pool *old = w.injector.env.pool;
    pool_retire_all(old);
    w.injector.env.pool = pool_new(&next_target, 1);
    w.injector.env.find_target = find_loaded;
    wire_backend_socket(&w, 0)->down.reset = true; /* before anything was sent */
    wire_backend_socket(&w, 0)->down.ended = true;
    wire_run(&w);
    ck_assert_uint_eq(w.injector.connects, _i < WITHOUT_TLS ? 2 : 1);
    raw_tls_server(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", NULL);
    for (int i = 0; i < 4 && _i < WITHOUT_TLS; i++) {
        raw_tls_at_backend(&peer, wire_backend_socket(&w, 1));
        wire_run(&w);
    }
    ck_assert_int_eq(peer.got.len > 0, _i == SAME);
    if (_i != SAME) {
        ck_assert_int_eq(wire_last(&w.injector)->reason, _i == REVOKED ? REASON_REVOKED : REASON_NO_TARGET);
        ck_assert_ptr_nonnull(strstr(wire_got(app), _i == REVOKED ? "502 " : "503 "));
    }
    wire_close(&w);
    pool_free(old);
    raw_tls_clear(&peer);
    tls_context_unref(connecting);
    tls_context_unref(next);
}
END_TEST

START_TEST(rules_that_are_loaded_during_the_handshake_count)
{
    hold_handshake(_i == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP);
    load(NULL, &for_nobody, false);
    talk();
    wire_finish(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_NOT_ALLOWED);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    part();
}
END_TEST

START_TEST(a_handshake_during_which_nothing_changes_is_as_good_as_any)
{
    hold_handshake(CONFIG_PROTOCOL_HTTP);
    wire_rejudge(&w, &w.verifier, accepting, NULL);
    talk();
    ck_assert(heard("200 OK"));
    ck_assert(lives());
    part();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_rejudge");
    TCase *t = tcase_create("flow");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_date_that_passes_ends_nothing_that_runs, 0, N_AT * 2);
    tcase_add_loop_test(t, what_was_spared_for_a_date_is_not_spared_for_more, 0, 6);
    tcase_add_loop_test(t, no_request_that_was_sent_ahead_slips_through_behind_a_date, 0, 2);
    tcase_add_test(t, all_that_was_sent_ahead_is_served_while_nothing_happens);
    tcase_add_test(t, half_a_head_before_a_date_is_no_foot_in_the_door);
    tcase_add_loop_test(t, a_listener_s_rules_that_were_loaded_count_for_what_runs, 0, 3);
    tcase_add_loop_test(t, a_request_sent_ahead_is_judged_by_what_was_loaded_meanwhile, 0, 3);
    tcase_add_loop_test(t, a_tunnel_stays_as_long_as_it_would_be_opened_again, 0, N_WAYS);
    tcase_add_loop_test(t, a_trust_that_was_loaded_counts_for_what_runs, 0, 3);
    tcase_add_loop_test(t, who_is_revoked_during_the_handshake_does_not_get_in, 0, 4);
    tcase_add_loop_test(t, a_server_that_is_revoked_during_the_handshake_hears_no_request, 0, 2);
    tcase_add_loop_test(t, a_retry_after_a_reload_is_verified_by_what_was_loaded, 0, 4);
    tcase_add_loop_test(t, rules_that_are_loaded_during_the_handshake_count, 0, 2);
    tcase_add_test(t, a_handshake_during_which_nothing_changes_is_as_good_as_any);
    suite_add_tcase(s, t);
    return s;
}
