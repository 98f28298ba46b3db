/* SPDX-License-Identifier: Apache-2.0 */
/* Whole connections whose TLS must not come about, or must not last: nothing of a request passes then, and the reason is told. */
#include "raw_tls.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct wire_pki pki;
static struct wire w;
static struct tls_context *connecting, *accepting;
static struct raw_tls peer;

static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
static const char *const raw_versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
#define MARKER "X-Marker-7d1f"
static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n" MARKER ": 1\r\n\r\n";

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void open_chain(const struct wire_side *client, const struct wire_side *server, enum config_protocol protocol)
{
    connecting = wire_pki_connecting(&pki, client);
    accepting = wire_pki_accepting(&pki, server);
    struct wire_setup setup = {.protocol = protocol, .connecting = connecting, .accepting = accepting};
    wire_open(&w, &setup);
    w.on_backend = protocol == CONFIG_PROTOCOL_HTTP ? wire_backend_http : NULL;
}

static void open_injector(const struct wire_side *client, enum config_protocol protocol)
{
    connecting = wire_pki_connecting(&pki, client);
    accepting = NULL;
    struct wire_setup setup = {.protocol = protocol, .connecting = connecting, .no_verifier = true};
    wire_open(&w, &setup);
}

static void open_verifier(const struct wire_side *server, enum config_protocol protocol)
{
    connecting = NULL;
    accepting = wire_pki_accepting(&pki, server);
    struct wire_setup setup = {.protocol = protocol, .accepting = accepting, .no_injector = true};
    wire_open(&w, &setup);
    w.on_backend = protocol == CONFIG_PROTOCOL_HTTP ? wire_backend_http : NULL;
}

static void close_chain(void)
{
    wire_close(&w);
    raw_tls_clear(&peer);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
}

static bool heard_of_refusal(struct wire_socket *app, enum config_protocol protocol, const char *word)
{
    if (protocol == CONFIG_PROTOCOL_TCP)
        return app->got_reset && !app->got_end && app->got.len == 0;
    return strstr(wire_got(app), "HTTP/1.1 502 ") != NULL && strstr(wire_got(app), word) != NULL;
}

/* ---- servers that the injector refuses (B1, B3, B6) ---- */

static const struct {
    const char *why, *word;
    enum reason reason;
    int alert;
    enum tls_pki_bad bad;
    const char *name;
    bool other_ca, never_asks, revoked;
} bad_servers[] = {
    {"another name", "name_mismatch", REASON_NAME_MISMATCH, 42, TLS_PKI_GOOD, "other.example", false, false, false},
    {"another CA", "unknown_ca", REASON_UNKNOWN_CA, 48, TLS_PKI_GOOD, NULL, true, false, false},
    {"expired", "expired", REASON_EXPIRED, 45, TLS_PKI_EXPIRED, NULL, false, false, false},
    {"not yet valid", "not_yet_valid", REASON_NOT_YET_VALID, 42, TLS_PKI_NOT_YET_VALID, NULL, false, false, false},
    {"a client's certificate", "wrong_purpose", REASON_WRONG_PURPOSE, 43, TLS_PKI_WRONG_PURPOSE, NULL, false, false, false},
    {"revoked", "revoked", REASON_REVOKED, 44, TLS_PKI_GOOD, NULL, false, false, true},
    {"self-signed", "unknown_ca", REASON_UNKNOWN_CA, 48, TLS_PKI_SELF_SIGNED, NULL, false, false, false},
    {"never asks for ours (B6)", "our_certificate_not_requested", REASON_OUR_CERTIFICATE_NOT_REQUESTED, 49, TLS_PKI_GOOD, NULL, false, true, false},
};
enum { N_BAD_SERVERS = sizeof(bad_servers) / sizeof(bad_servers[0]) };

START_TEST(nothing_is_sent_to_a_server_that_is_refused) /* B1, B3, B6 */
{
    size_t row = (size_t)_i / 4;
    enum config_protocol protocol = _i % 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    struct wire_side client = {.revokes_peer = bad_servers[row].revoked};
    struct wire_side server = {.bad = bad_servers[row].bad, .name = bad_servers[row].name, .priority = versions[_i / 2 % 2]};
    server.issuer = bad_servers[row].other_ca ? &pki.other_ca : NULL;
    server.asks_given = bad_servers[row].never_asks;
    server.ask = TLS_ASK_NONE;
    open_chain(&client, &server, protocol);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_finish(&w);
    ck_assert_msg(heard_of_refusal(app, protocol, bad_servers[row].word), "%s: %s", bad_servers[row].why, wire_got(app));
    ck_assert_msg(wire_last(&w.injector)->reason == bad_servers[row].reason, "%s: %s", bad_servers[row].why, wire_last(&w.injector)->detail);
    ck_assert_int_eq(wire_last(&w.injector)->alert_sent, bad_servers[row].alert);
    ck_assert_uint_eq(w.injector.connects, 1);
    ck_assert_uint_eq(wire_backend_contacts(&w) * (protocol == CONFIG_PROTOCOL_HTTP), 0);
    if (wire_backend_contacts(&w) > 0) /* TLS 1.2 and a server that does not ask: its tunnel opens, and stays empty */
        ck_assert_uint_eq(wire_backend_socket(&w, 0)->up.put, 0);
    ck_assert(!wire_ever_said(&wire_between(&w, 0)->up, MARKER));
    ck_assert_msg(wire_last(&w.verifier)->alert_received == bad_servers[row].alert, "%s: the server heard of alert %d, %s",
                  bad_servers[row].why, wire_last(&w.verifier)->alert_received, wire_last(&w.verifier)->detail);
    ck_assert(!wire_between(&w, 0)->up.reset); /* it would overtake the alert */
    close_chain();
}
END_TEST

START_TEST(a_server_that_never_asks_will_do_when_the_configuration_says_so) /* B6 */
{
    struct wire_side client = {.does_not_insist = true}, server = {.asks_given = true, .ask = TLS_ASK_NONE, .priority = versions[_i]};
    open_chain(&client, &server, CONFIG_PROTOCOL_HTTP);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    close_chain();
}
END_TEST

/* ---- clients that the verifier refuses (A2, A4, A13) ---- */

static const struct {
    const char *why;
    enum reason reason;
    int alert_12, alert_13;
    enum tls_pki_bad bad;
    bool none, other_ca, revoked;
} bad_clients[] = {
    {"no certificate", REASON_NONE, 40, 116, TLS_PKI_GOOD, true, false, false},
    {"another CA", REASON_UNKNOWN_CA, 48, 48, TLS_PKI_GOOD, false, true, false},
    {"the CA's name with another key", REASON_UNKNOWN_CA, 48, 48, TLS_PKI_UNKNOWN_CA, false, false, false},
    {"self-signed", REASON_UNKNOWN_CA, 48, 48, TLS_PKI_SELF_SIGNED, false, false, false},
    {"a server's certificate", REASON_WRONG_PURPOSE, 43, 43, TLS_PKI_WRONG_PURPOSE, false, false, false},
    {"any purpose", REASON_WRONG_PURPOSE, 43, 43, TLS_PKI_ANY_PURPOSE, false, false, false},
    {"expired", REASON_EXPIRED, 45, 45, TLS_PKI_EXPIRED, false, false, false},
    {"not yet valid", REASON_NOT_YET_VALID, 42, 42, TLS_PKI_NOT_YET_VALID, false, false, false},
    {"revoked", REASON_REVOKED, 44, 44, TLS_PKI_GOOD, false, false, true},
};
enum { N_BAD_CLIENTS = sizeof(bad_clients) / sizeof(bad_clients[0]) };

START_TEST(a_refused_client_reaches_no_backend_and_hears_why) /* A4, A13 */
{
    size_t row = (size_t)_i / 4;
    enum config_protocol protocol = _i % 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    bool v12 = _i / 2 % 2 == 0;
    struct wire_side client = {.no_certificate = bad_clients[row].none, .bad = bad_clients[row].bad, .priority = versions[_i / 2 % 2]};
    struct wire_side server = {.revokes_peer = bad_clients[row].revoked};
    client.issuer = bad_clients[row].other_ca ? &pki.other_ca : NULL;
    open_chain(&client, &server, protocol);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_finish(&w);
    int alert = v12 ? bad_clients[row].alert_12 : bad_clients[row].alert_13;
    ck_assert_msg(wire_last(&w.verifier)->reason == bad_clients[row].reason, "%s: %s", bad_clients[row].why, wire_last(&w.verifier)->detail);
    ck_assert_msg(wire_last(&w.verifier)->alert_sent == alert, "%s: alert %d", bad_clients[row].why, wire_last(&w.verifier)->alert_sent);
    ck_assert_msg(heard_of_refusal(app, protocol, "our_certificate_refused"), "%s: %s", bad_clients[row].why, wire_got(app));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_OUR_CERTIFICATE_REFUSED);
    ck_assert_int_eq(wire_last(&w.injector)->refused_by, REFUSED_BY_PEER);
    ck_assert_int_eq(wire_last(&w.injector)->alert_received, alert);
    ck_assert_uint_eq(w.injector.connects, 1);
    ck_assert_uint_eq(w.verifier.connects, 0);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    close_chain();
}
END_TEST

START_TEST(optional_lets_no_certificate_pass_and_says_so) /* A2 */
{
    struct wire_side client = {.no_certificate = true, .priority = versions[_i]}, server = {.asks_given = true, .ask = TLS_ASK_OPTIONAL};
    open_chain(&client, &server, CONFIG_PROTOCOL_HTTP);
    w.verifier.down_conf.identity_headers = CONFIG_HEADERS_X_SSL | CONFIG_HEADERS_RFC9440;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "200 OK"));
    struct wire_socket *back = wire_backend_socket(&w, 0);
    ck_assert(wire_ever_said(&back->up, "X-SSL-Client-Status: none\r\n"));
    ck_assert(!wire_ever_said(&back->up, "Client-Cert:"));
    close_chain();
}
END_TEST

static const struct {
    const char *why;
    enum tls_ask ask;
    bool rule, tried_out, passes;
} without_certificate[] = {
    {"none is asked for", TLS_ASK_NONE, false, false, true},
    {"none is needed", TLS_ASK_OPTIONAL, false, false, true},
    {"none is needed, but a rule names who may pass", TLS_ASK_OPTIONAL, true, false, false},
    {"the same, tried out", TLS_ASK_OPTIONAL, true, true, true},
    {"one is needed", TLS_ASK_REQUIRED, false, false, false},
};
enum { N_WITHOUT_CERTIFICATE = sizeof(without_certificate) / sizeof(without_certificate[0]) };

START_TEST(a_tcp_caller_without_a_certificate_passes_where_none_is_needed) /* A2 */
{
    static char any[] = "*";
    struct config_allow rule = {.cn = any};
    struct wire_side client = {.no_certificate = true}, server = {.asks_given = true, .ask = without_certificate[_i].ask};
    open_chain(&client, &server, CONFIG_PROTOCOL_TCP);
    w.verifier.down_conf.allow = &rule;
    w.verifier.down_conf.n_allow = without_certificate[_i].rule;
    w.verifier.down_conf.allow_log_only = without_certificate[_i].tried_out;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_msg((wire_backend_contacts(&w) > 0) == without_certificate[_i].passes, "%s", without_certificate[_i].why);
    if (without_certificate[_i].rule && !without_certificate[_i].tried_out)
        ck_assert_msg(strstr(wire_last(&w.verifier)->detail, "no certificate") != NULL, "%s", wire_last(&w.verifier)->detail);
    if (without_certificate[_i].passes) { /* and stays */
        wire_rejudge(&w, &w.verifier, accepting, NULL);
        ck_assert_msg(wire_client(&w.verifier) != NULL, "%s", without_certificate[_i].why);
    }
    close_chain();
}
END_TEST

START_TEST(a_tcp_caller_who_is_only_tolerated_does_not_pass) /* A2 */
{
    struct wire_side client = {.bad = TLS_PKI_EXPIRED}, server = {.tolerate = UINT64_C(1) << REASON_EXPIRED};
    open_chain(&client, &server, CONFIG_PROTOCOL_TCP);
    wire_say(wire_connect(&w), GET);
    wire_finish(&w);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_NOT_ALLOWED);
    close_chain();
}
END_TEST

START_TEST(optional_still_refuses_a_bad_certificate) /* A2 */
{
    struct wire_side client = {.bad = TLS_PKI_EXPIRED, .priority = versions[_i]}, server = {.asks_given = true, .ask = TLS_ASK_OPTIONAL};
    open_chain(&client, &server, CONFIG_PROTOCOL_HTTP);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_finish(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_EXPIRED);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    close_chain();
}
END_TEST

START_TEST(a_rule_is_not_met_by_no_certificate) /* A2 */
{
    static char any[] = "*";
    struct config_allow rule = {.cn = any};
    struct wire_side client = {.no_certificate = true}, server = {.asks_given = true, .ask = TLS_ASK_OPTIONAL};
    open_chain(&client, &server, CONFIG_PROTOCOL_HTTP);
    w.verifier.down_conf.allow = &rule;
    w.verifier.down_conf.n_allow = 1;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "403 "));
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    close_chain();
}
END_TEST

/* ---- rules that are only tried out ---- */

static const struct {
    const char *why;
    enum config_protocol protocol;
    bool by_route, matches, no_certificate, expired, log_only, passes, would_refuse;
} tried_out[] = {
    {"enforced", CONFIG_PROTOCOL_HTTP, false, false, false, false, false, false, false},
    {"another name", CONFIG_PROTOCOL_HTTP, false, false, false, false, true, true, true},
    {"the right name", CONFIG_PROTOCOL_HTTP, false, true, false, false, true, true, false},
    {"no certificate where none is needed", CONFIG_PROTOCOL_HTTP, false, true, true, false, true, true, true},
    {"A2: an expired one that is tolerated", CONFIG_PROTOCOL_HTTP, false, true, false, true, true, false, false},
    {"a route, enforced", CONFIG_PROTOCOL_HTTP, true, false, false, false, false, false, false},
    {"a route, another name", CONFIG_PROTOCOL_HTTP, true, false, false, false, true, true, true},
    {"a route, the right name", CONFIG_PROTOCOL_HTTP, true, true, false, false, true, true, false},
    {"A2: a route, an expired one", CONFIG_PROTOCOL_HTTP, true, true, false, true, true, false, false},
    {"tcp, enforced", CONFIG_PROTOCOL_TCP, false, false, false, false, false, false, false},
    {"tcp, another name", CONFIG_PROTOCOL_TCP, false, false, false, false, true, true, true},
    {"tcp, the right name", CONFIG_PROTOCOL_TCP, false, true, false, false, true, true, false},
};
enum { N_TRIED_OUT = sizeof(tried_out) / sizeof(tried_out[0]) };

START_TEST(rules_that_are_tried_out_tell_whom_they_would_refuse)
{
    static char right[] = "client", other[] = "somebody";
    struct config_allow rule = {.cn = tried_out[_i].matches ? right : other};
    struct wire_side client = {.no_certificate = tried_out[_i].no_certificate, .bad = tried_out[_i].expired ? TLS_PKI_EXPIRED : TLS_PKI_GOOD};
    struct wire_side server = {.asks_given = true, .ask = TLS_ASK_OPTIONAL, .tolerate = UINT64_C(1) << REASON_EXPIRED};
    struct config_route route = {.allow = &rule, .n_allow = 1, .allow_log_only = tried_out[_i].log_only};
    open_chain(&client, &server, tried_out[_i].protocol);
    if (tried_out[_i].by_route) {
        wire_set_routes(&w.verifier, &route, 1);
    } else {
        w.verifier.down_conf.allow = &rule;
        w.verifier.down_conf.n_allow = 1;
        w.verifier.down_conf.allow_log_only = tried_out[_i].log_only;
    }
    struct wire_socket *app = wire_connect(&w);
    for (int i = 0; i < 2; i++) { /* also the second time */
        wire_say(app, GET);
        wire_run(&w);
    }
    ck_assert_msg((wire_backend_contacts(&w) > 0) == tried_out[_i].passes, "%s", tried_out[_i].why);
    wire_end(&app->up);
    wire_finish(&w);
    ck_assert_msg(wire_last(&w.verifier)->would_refuse == tried_out[_i].would_refuse, "%s", tried_out[_i].why);
    ck_assert_msg((wire_last(&w.verifier)->reason == REASON_NOT_ALLOWED) == !tried_out[_i].passes, "%s", tried_out[_i].why);
    close_chain();
}
END_TEST

/* ---- peers that do not speak TLS (B2, B3) ---- */

static const struct {
    const char *bytes;
    size_t n;
} not_tls[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 43},
    {"SSH-2.0-x\r\n", 11},
    {"\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03", 11}, /* a ServerHello cut short */
    {"\x15\x03\x03\x00\x02\x02\x28", 7},                /* handshake_failure in clear */
    {"\x17\x03\x03\x00\x05hello", 10},                  /* application data in clear */
    {"\x16\x03\x03\xff\xff", 5},                        /* a record too long */
};
enum { N_NOT_TLS = sizeof(not_tls) / sizeof(not_tls[0]) };
static size_t row_of_not_tls;

static void answer_in_clear(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ == 0)
        wire_answer_span(s, span_of(not_tls[row_of_not_tls].bytes, not_tls[row_of_not_tls].n));
}

START_TEST(a_server_without_tls_hears_nothing_of_the_request) /* B2, B3 */
{
    static const struct wire_side client;
    enum config_protocol protocol = _i % 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    row_of_not_tls = (size_t)_i / 2;
    open_injector(&client, protocol);
    w.on_backend = answer_in_clear;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_finish(&w);
    ck_assert_msg(heard_of_refusal(app, protocol, "tls_failed"), "%s", wire_got(app));
    ck_assert_ptr_null(strstr(wire_got(app), "hello"));
    ck_assert(!wire_ever_said(&wire_backend_socket(&w, 0)->up, MARKER));
    ck_assert_uint_eq(w.injector.connects, 1);
    close_chain();
}
END_TEST

START_TEST(a_server_that_goes_during_the_handshake_hears_nothing) /* B3 */
{
    static const struct wire_side client;
    open_injector(&client, CONFIG_PROTOCOL_HTTP);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    struct wire_socket *back = wire_backend_socket(&w, 0);
    back->down.ended = true;
    back->down.reset = _i == 1;
    wire_finish(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "upstream_closed"));
    ck_assert(!wire_ever_said(&back->up, MARKER));
    ck_assert_uint_eq(w.injector.connects, 1);
    close_chain();
}
END_TEST

START_TEST(a_client_without_tls_reaches_no_backend) /* B2 */
{
    static const struct wire_side server;
    open_verifier(&server, _i == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_finish(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_TLS_FAILED);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.verifier)->detail, "does not speak TLS"));
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    close_chain();
}
END_TEST

/* ---- the handshake cut at every byte ---- */

static uint64_t handshake_cut_after(uint64_t n, int version)
{
    static const struct wire_side server;
    struct wire_side client = {.priority = versions[version]};
    open_chain(&client, &server, CONFIG_PROTOCOL_HTTP);
    w.cut_between_after = n;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    if (n == UINT64_MAX)
        w.on_backend = NULL; /* so that nothing but the handshake comes back */
    wire_run(&w);
    uint64_t came = wire_between(&w, 0)->down.taken;
    wire_finish(&w);
    if (n != UINT64_MAX) {
        ck_assert_msg(strstr(wire_got(app), "502 ") != NULL, "cut after %d: %s", (int)n, wire_got(app));
        ck_assert_ptr_null(strstr(wire_got(app), "hello"));
        ck_assert(!wire_ever_said(&wire_between(&w, 0)->up, MARKER));
        ck_assert_uint_eq(w.injector.connects, 1);
    }
    close_chain();
    return came;
}

START_TEST(a_handshake_cut_at_any_byte_sends_nothing) /* B3, B7 */
{
    uint64_t all = handshake_cut_after(UINT64_MAX, _i);
    ck_assert_uint_gt(all, 500);
    for (uint64_t n = 0; n < all; n += n < 8 || n + 80 > all ? 1 : 61)
        handshake_cut_after(n, _i);
}
END_TEST

/* ---- resumption (A1, A11, B5) ---- */

static gnutls_datum_t ticket_key;
static const char *peer_priority;
static unsigned peer_resumed;

/* A TLS server with tickets; each connection carries one request. */
static void serve_with_tickets(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests == 0) {
        raw_tls_clear(&peer);
        raw_tls_server(&peer, &pki, peer_priority, &ticket_key);
        s->requests = 1;
    }
    raw_tls_at_backend(&peer, s);
    if (s->requests == 1 && peer.got.len > 4 && memmem(bytes_span(&peer.got).ptr, peer.got.len, "\r\n\r\n", 4) != NULL) {
        s->requests = 2;
        peer_resumed += gnutls_session_is_resumed(peer.session) != 0;
        raw_tls_say(&peer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        raw_tls_at_backend(&peer, s);
    }
}

static void open_with_tickets(int version)
{
    static const struct wire_side client;
    peer_priority = raw_versions[version];
    peer_resumed = 0;
    ck_assert_int_eq(gnutls_session_ticket_key_generate(&ticket_key), 0);
    open_injector(&client, CONFIG_PROTOCOL_HTTP);
    w.on_backend = serve_with_tickets;
}

static void close_with_tickets(void)
{
    close_chain();
    gnutls_free(ticket_key.data);
}

static const char *get_once(void)
{
    static char got[8192];
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    snprintf(got, sizeof(got), "%s", wire_got(app));
    return got;
}

START_TEST(each_later_connection_resumes)
{
    open_with_tickets(_i);
    for (int i = 0; i < 3; i++)
        ck_assert_ptr_nonnull(strstr(get_once(), "200 OK"));
    ck_assert_uint_eq(w.injector.connects, 3);
    ck_assert_uint_eq(w.injector.up_resumed, 2); /* in TLS 1.2 by the same ticket: the server need not send another */
    ck_assert_uint_eq(peer_resumed, 2);
    close_with_tickets();
}
END_TEST

static void serve_and_stay(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (peer.session == NULL)
        raw_tls_server(&peer, &pki, peer_priority, &ticket_key);
    raw_tls_at_backend(&peer, s);
    if (peer.got.len > 4 && memmem(bytes_span(&peer.got).ptr, peer.got.len, "\r\n\r\n", 4) != NULL) {
        bytes_clear(&peer.got);
        raw_tls_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
        raw_tls_at_backend(&peer, s);
    }
}

START_TEST(a_late_ticket_does_not_end_an_idle_connection)
{
    open_with_tickets(1);
    w.on_backend = serve_and_stay;
    ck_assert_ptr_nonnull(strstr(get_once(), "200 OK"));
    if (_i == 0)
        ck_assert_int_eq(gnutls_session_ticket_send(peer.session, 1, 0), 0);
    else
        raw_tls_say(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"); /* C4: an answer before its question */
    raw_tls_at_backend(&peer, wire_backend_socket(&w, 0));
    wire_run(&w);
    ck_assert_uint_eq(pool_idle_count(w.injector.env.pool), _i == 0);
    if (_i == 0) {
        ck_assert_ptr_nonnull(strstr(get_once(), "200 OK"));
        ck_assert_uint_eq(w.injector.connects, 1);
    }
    close_with_tickets();
}
END_TEST

START_TEST(the_peer_of_a_resumed_session_is_judged_again) /* B5 */
{
    open_with_tickets(_i);
    ck_assert_ptr_nonnull(strstr(get_once(), "200 OK"));
    w.now.utc += 301 * (int64_t)WIRE_DAY; /* its certificate expired meanwhile; GnuTLS looks at another clock and would resume */
    const char *got = get_once();
    ck_assert_ptr_nonnull(strstr(got, "502 "));
    ck_assert_ptr_nonnull(strstr(got, "expired"));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_EXPIRED);
    close_with_tickets();
}
END_TEST

START_TEST(a_ticket_does_not_outlive_the_trust_it_was_made_under) /* B5 */
{
    struct wire_side stricter[] = {{.revokes_peer = true}, {.trusts = &pki.other_ca}, {.cn = "another"}};
    static const enum reason reasons[] = {REASON_REVOKED, REASON_UNKNOWN_CA, REASON_VALID};
    open_with_tickets(_i / 3);
    ck_assert_ptr_nonnull(strstr(get_once(), "200 OK"));
    tls_context_unref(connecting);
    connecting = wire_pki_connecting(&pki, &stricter[_i % 3]);
    w.injector.target[0].tls = connecting; /* as a reload does, only harder: the pool and the tickets stay */
    get_once();
    ck_assert_int_eq(wire_last(&w.injector)->reason, reasons[_i % 3]);
    ck_assert_uint_eq(w.injector.up_resumed, 0);
    ck_assert_uint_eq(peer_resumed, 0);
    close_with_tickets();
}
END_TEST

START_TEST(no_early_data_is_ever_offered) /* A11 */
{
    static const char early_data[] = {0x00, 0x2a, 0x00, 0x00};
    open_with_tickets(1);
    get_once();
    get_once();
    ck_assert_uint_eq(w.injector.up_resumed, 1);
    struct wire_pipe *p = &wire_backend_socket(&w, 1)->up;
    struct span log = bytes_span(&p->log);
    ck_assert_uint_gt(log.len, 500);
    size_t hello = 5 + (size_t)(log.ptr[3] << 8 | log.ptr[4]);
    ck_assert_ptr_null(memmem(log.ptr, hello, early_data, sizeof(early_data)));
    close_with_tickets();
}
END_TEST

static void talk_to_verifier(struct wire_socket *app)
{
    for (int i = 0; i < 8; i++) {
        raw_tls_at_app(&peer, app);
        wire_run(&w);
    }
}

static bool peer_heard(const char *text)
{
    return peer.got.len > 0 && memmem(bytes_span(&peer.got).ptr, peer.got.len, text, strlen(text)) != NULL;
}

START_TEST(a_verifier_gives_no_tickets) /* A1, A11 */
{
    static const struct wire_side server;
    open_verifier(&server, CONFIG_PROTOCOL_HTTP);
    raw_tls_client(&peer, &pki, raw_versions[_i], 0);
    struct wire_socket *app = wire_connect(&w);
    talk_to_verifier(app);
    ck_assert(peer.done);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    ck_assert(peer_heard("200 OK"));
    ck_assert_uint_eq(gnutls_session_get_flags(peer.session) & GNUTLS_SFLAGS_SESSION_TICKET, 0);
    close_chain();
}
END_TEST

/* ---- after the handshake (A10, D1, D2, D3) ---- */

static struct wire_socket *raw_client_of_verifier(int version, unsigned flags)
{
    static const struct wire_side server;
    open_verifier(&server, CONFIG_PROTOCOL_HTTP);
    raw_tls_client(&peer, &pki, raw_versions[version], flags);
    struct wire_socket *app = wire_connect(&w);
    talk_to_verifier(app);
    ck_assert(peer.done);
    return app;
}

START_TEST(a_client_that_asks_no_more_may_still_say_goodbye)
{
    struct wire_socket *app = raw_client_of_verifier(_i, 0);
    raw_tls_say(&peer, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    talk_to_verifier(app);
    ck_assert(peer_heard("200 OK"));
    ck_assert_ptr_nonnull(wire_client(&w.verifier));
    gnutls_bye(peer.session, GNUTLS_SHUT_WR);
    talk_to_verifier(app);
    ck_assert_ptr_null(wire_client(&w.verifier));
    ck_assert(app->got_end && !app->got_reset);
    close_chain();
}
END_TEST

START_TEST(a_client_that_leaves_at_our_certificate_is_told_from_one_that_just_leaves)
{
    struct err err = {0};
    bool before = _i / 2 != 0;
    open_verifier(&(struct wire_side){0}, _i % 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP);
    struct tls_context *ctx = wire_pki_connecting(&pki, &(struct wire_side){0});
    struct tls_engine *client = tls_engine_new(ctx, NULL, NULL, NULL, &err);
    struct wire_socket *app = wire_connect(&w);
    tls_engine_start(client, WIRE_NOW);
    struct span hello = tls_engine_wire_out(client);
    wire_say_span(app, span_of(hello.ptr, before ? hello.len - 1 : hello.len));
    wire_run(&w);
    app->up.reset = true; /* not even an end */
    wire_run(&w);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, before ? REASON_CLIENT_CLOSED : REASON_CLIENT_REFUSED_CERTIFICATE);
    ck_assert_uint_eq(w.verifier.n_seen, 1);
    ck_assert_uint_eq(w.verifier.down_failed, 1);
    tls_engine_free(client);
    tls_context_unref(ctx);
    close_chain();
}
END_TEST

START_TEST(a_client_that_renegotiates_is_dropped) /* A10, D3 */
{
    struct wire_socket *app = raw_client_of_verifier(0, 0);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    ck_assert(peer_heard("200 OK"));
    ck_assert_int_lt(gnutls_handshake(peer.session), 0);
    talk_to_verifier(app);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_RENEGOTIATION);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.verifier)->detail, "client asked to renegotiate"));
    close_chain();
}
END_TEST

START_TEST(a_client_that_offers_later_authentication_is_never_asked) /* A10 */
{
    struct wire_socket *app = raw_client_of_verifier(1, GNUTLS_POST_HANDSHAKE_AUTH);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    ck_assert(peer_heard("200 OK"));
    ck_assert_int_eq(peer.failure, 0);
    close_chain();
}
END_TEST

START_TEST(a_few_key_updates_do_no_harm) /* D1 */
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(gnutls_session_key_update(peer.session, GNUTLS_KU_PEER), 0);
        raw_tls_say(&peer, GET);
        talk_to_verifier(app);
        ck_assert(peer_heard("200 OK"));
        bytes_clear(&peer.got);
    }
    close_chain();
}
END_TEST

START_TEST(a_flood_of_key_updates_ends_the_connection) /* D1 */
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(gnutls_session_key_update(peer.session, 0), 0);
    talk_to_verifier(app);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_TLS_FAILED);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    close_chain();
}
END_TEST

START_TEST(a_flood_of_empty_records_ends_the_connection) /* D2 */
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    for (int i = 0; i < 500; i++)
        ck_assert_int_eq(gnutls_record_send2(peer.session, "", 0, 16, 0), 0);
    talk_to_verifier(app);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_TLS_FAILED);
    ck_assert_ptr_nonnull(strstr(wire_last(&w.verifier)->detail, "without content"));
    close_chain();
}
END_TEST

START_TEST(a_few_empty_records_do_no_harm) /* D2 */
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    for (int i = 0; i < 20; i++)
        ck_assert_int_eq(gnutls_record_send2(peer.session, "", 0, 16, 0), 0);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    ck_assert(peer_heard("200 OK"));
    close_chain();
}
END_TEST

static void serve_raw(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->requests++ == 0) {
        const char *eager = peer.eager;
        raw_tls_server(&peer, &pki, peer_priority, NULL);
        peer.eager = eager;
    }
    raw_tls_at_backend(&peer, s);
}

START_TEST(a_server_that_renegotiates_is_dropped) /* A10, D3 */
{
    static const struct wire_side client;
    open_injector(&client, CONFIG_PROTOCOL_HTTP);
    peer_priority = raw_versions[0];
    w.on_backend = serve_raw;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert(peer_heard(MARKER));
    ck_assert_int_eq(gnutls_rehandshake(peer.session), 0);
    raw_tls_at_backend(&peer, wire_backend_socket(&w, 0));
    wire_run(&w);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_RENEGOTIATION);
    ck_assert_ptr_nonnull(strstr(wire_got(app), "first handshake"));
    close_chain();
}
END_TEST

START_TEST(a_server_cannot_ask_for_a_certificate_later) /* A10 */
{
    static const struct wire_side client;
    open_injector(&client, CONFIG_PROTOCOL_HTTP);
    peer_priority = raw_versions[1];
    w.on_backend = serve_raw;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert(peer_heard(MARKER));
    ck_assert_int_lt(gnutls_reauth(peer.session, 0), 0);
    (void)app;
    close_chain();
}
END_TEST

/* ---- out of turn ---- */

START_TEST(an_answer_on_the_heels_of_the_handshake_is_not_for_us) /* C4 */
{
    static const struct wire_side client;
    open_injector(&client, CONFIG_PROTOCOL_HTTP);
    peer_priority = raw_versions[0]; /* there the server has the last word of the handshake */
    peer.eager = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\neager";
    w.on_backend = serve_raw;
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_ptr_null(strstr(wire_got(app), "eager"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "502 "));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "upstream_protocol"));
    ck_assert_uint_eq(pool_idle_count(w.injector.env.pool), 0);
    close_chain();
}
END_TEST

START_TEST(requests_with_close_notify_behind_them_are_all_answered)
{
    struct wire_socket *app = raw_client_of_verifier(_i, 0);
    raw_tls_say(&peer, GET);
    raw_tls_say(&peer, GET);
    ck_assert_int_eq(gnutls_bye(peer.session, GNUTLS_SHUT_WR), 0);
    talk_to_verifier(app);
    ck_assert_uint_eq(w.n_requests, 2);
    ck_assert(peer.ended);
    close_chain();
}
END_TEST

/* ---- tolerated ---- */

START_TEST(a_tolerated_certificate_reaches_no_backend_by_a_route_that_does_not_name_it) /* A2 */
{
    const uint64_t expired = UINT64_C(1) << REASON_EXPIRED;
    static const struct {
        const char *why;
        uint64_t cert;
        const char *answer;
        unsigned served;
    } rows[] = {
        {"a route for everybody", 0, "HTTP/1.1 403 ", 0},
        {"a route for the valid", UINT64_C(1) << REASON_VALID, "HTTP/1.1 404 ", 0},
        {"a route that names it", UINT64_C(1) << REASON_EXPIRED, "HTTP/1.1 200 OK", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        static const struct wire_side server = {.tolerate = UINT64_C(1) << REASON_EXPIRED};
        struct config_route route = {.cert = rows[i].cert};
        open_verifier(&server, CONFIG_PROTOCOL_HTTP);
        wire_set_routes(&w.verifier, &route, 1);
        w.verifier.down_conf.tls.tolerate = expired;
        w.now.utc += 301 * (int64_t)WIRE_DAY;
        raw_tls_client(&peer, &pki, raw_versions[_i], 0);
        struct wire_socket *app = wire_connect(&w);
        talk_to_verifier(app);
        raw_tls_say(&peer, GET);
        talk_to_verifier(app);
        ck_assert_msg(peer_heard(rows[i].answer), "%s", rows[i].why);
        ck_assert_uint_eq(w.n_requests, rows[i].served);
        close_chain();
    }
}
END_TEST

/* ---- several policies on one listener ---- */

static const struct {
    const char *host;
    bool served;
    const char *why;
} hosts[] = {
    {"a.example", true, "the name itself"},
    {"A.EXAMPLE.:443", true, "the same, spelled otherwise"},
    {"b.example", false, "another policy"},
    {"x.wild.example", false, "another policy, by suffix"},
    {"nobody.example", false, "nobody's"},
    {"127.0.0.1", false, "an address"},
};

START_TEST(a_host_of_another_policy_is_misdirected) /* A9 */
{
    static const char *const names[] = {"a.example", "b.example", "*.wild.example"};
    struct tls_context *contexts[3];
    for (size_t i = 0; i < 3; i++)
        contexts[i] = wire_pki_accepting(&pki, &(struct wire_side){0});
    connecting = NULL;
    accepting = wire_pki_by_name(names, contexts, 3, NULL);
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .accepting = accepting, .no_injector = true};
    wire_open(&w, &setup);
    w.on_backend = wire_backend_http;
    raw_tls_client(&peer, &pki, raw_versions[1], 0);
    ck_assert_int_eq(gnutls_server_name_set(peer.session, GNUTLS_NAME_DNS, "a.example", 9), 0);
    struct wire_socket *app = wire_connect(&w);
    talk_to_verifier(app);
    unsigned served = 0;
    for (int first = 0; first < 2; first++) { /* a good request before each bad one, and after it, on the same connection */
        for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
            char request[200];
            snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", first ? hosts[i].host : hosts[0].host);
            raw_tls_say(&peer, request);
            talk_to_verifier(app);
            bool good = !first || hosts[i].served;
            served += good;
            ck_assert_msg(peer_heard(good ? "HTTP/1.1 200 OK" : "HTTP/1.1 421 "), "%s: %s", hosts[i].host, hosts[i].why);
            ck_assert_uint_eq(w.n_requests, served);
            bytes_clear(&peer.got);
        }
    }
    close_chain();
}
END_TEST

/* ---- after a reload ---- */

START_TEST(a_kept_connection_moves_to_what_was_loaded_if_its_certificate_holds_there) /* B5, A1 */
{
    struct wire_side loaded[] = {{0}, {.revokes_peer = true}, {.trusts = &pki.other_ca}};
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    struct client *x = wire_client(&w.verifier);
    ck_assert(client_is_idle(x));
    struct plan_listener next = w.verifier.listener;
    next.tls = wire_pki_accepting(&pki, &loaded[_i]);
    ck_assert(client_rebind(x, &next, w.now) == (_i == 0));
    ck_assert_ptr_eq(client_listener(x), _i == 0 ? &next : &w.verifier.listener);
    bytes_clear(&peer.got);
    if (_i == 0) {
        raw_tls_say(&peer, GET);
        talk_to_verifier(app);
        ck_assert(peer_heard("200 OK"));
    } else {
        static const enum reason why[] = {REASON_VALID, REASON_REVOKED, REASON_UNKNOWN_CA};
        static const int alerts[] = {-1, 44, 48};
        ck_assert(!client_is_idle(x));
        ck_assert_int_eq(wire_last(&w.verifier)->reason, why[_i]);
        ck_assert_int_eq(wire_last(&w.verifier)->alert_sent, alerts[_i]);
        unsigned before = wire_backend_contacts(&w);
        raw_tls_say(&peer, GET);
        talk_to_verifier(app);
        ck_assert_uint_eq(wire_backend_contacts(&w), before);
        ck_assert(!peer_heard("200 OK"));
    }
    tls_context_unref(next.tls);
    close_chain();
}
END_TEST

START_TEST(a_client_that_always_sends_ahead_does_not_stay_behind) /* B5 */
{
    static const struct wire_side revoking = {.revokes_peer = true};
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    raw_tls_say(&peer, "G"); /* of the next request */
    talk_to_verifier(app);
    struct client *x = wire_client(&w.verifier);
    ck_assert(client_is_idle(x));
    struct plan_listener next = w.verifier.listener;
    next.tls = wire_pki_accepting(&pki, &revoking);
    ck_assert(!client_rebind(x, &next, w.now));
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_REVOKED);
    tls_context_unref(next.tls);
    close_chain();
}
END_TEST

/* Where a connection may be when its peer is revoked. */
enum at { AT_REST, IN_REQUEST, IN_TUNNEL, N_AT };

START_TEST(a_client_that_is_revoked_meanwhile_is_ended_wherever_it_is) /* A1, A12 */
{
    static const char half[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf";
    enum at at = (enum at)(_i % N_AT);
    int version = _i / N_AT % 2;
    static const struct wire_side server;
    open_verifier(&server, at == IN_TUNNEL ? CONFIG_PROTOCOL_TCP : CONFIG_PROTOCOL_HTTP);
    raw_tls_client(&peer, &pki, raw_versions[version], 0);
    struct wire_socket *app = wire_connect(&w);
    talk_to_verifier(app);
    raw_tls_say(&peer, at == IN_REQUEST ? half : GET);
    talk_to_verifier(app);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    struct tls_context *same = wire_pki_accepting(&pki, &(struct wire_side){0});
    struct tls_context *revoking = wire_pki_accepting(&pki, &(struct wire_side){.revokes_peer = true});
    wire_rejudge(&w, &w.verifier, same, NULL);
    ck_assert_ptr_nonnull(wire_client(&w.verifier));
    wire_rejudge(&w, &w.verifier, revoking, NULL);
    talk_to_verifier(app);
    wire_finish(&w);
    talk_to_verifier(app);
    ck_assert_ptr_null(wire_client(&w.verifier));
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_REVOKED);
    ck_assert_int_eq(wire_last(&w.verifier)->alert_sent, 44);
    ck_assert_int_eq(peer.failure, GNUTLS_E_FATAL_ALERT_RECEIVED);
    ck_assert_int_eq(gnutls_alert_get(peer.session), GNUTLS_A_CERTIFICATE_REVOKED);
    tls_context_unref(same);
    tls_context_unref(revoking);
    close_chain();
}
END_TEST

START_TEST(an_upstream_that_is_revoked_meanwhile_is_ended_in_the_middle) /* B5 */
{
    static const struct wire_side good;
    enum config_protocol protocol = _i == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    open_chain(&good, &good, protocol);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf");
    wire_run(&w);
    struct tls_context *revoking = wire_pki_connecting(&pki, &(struct wire_side){.revokes_peer = true});
    wire_rejudge(&w, &w.injector, NULL, revoking);
    wire_finish(&w);
    ck_assert_ptr_null(wire_client(&w.injector));
    ck_assert_int_eq(wire_last(&w.injector)->reason, REASON_REVOKED);
    ck_assert(heard_of_refusal(app, protocol, "revoked"));
    tls_context_unref(revoking);
    close_chain();
}
END_TEST

START_TEST(a_kept_connection_does_not_move_to_a_listener_of_another_kind)
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    struct client *x = wire_client(&w.verifier);
    struct plan_listener plain = w.verifier.listener, tunnel = plain;
    struct config_listener conf = w.verifier.down_conf;
    plain.tls = NULL;
    conf.protocol = CONFIG_PROTOCOL_TCP;
    tunnel.conf = &conf;
    bool reset;
    ck_assert(!client_rebind(x, _i == 0 ? &plain : &tunnel, w.now));
    ck_assert(client_is_done(x, &reset) && reset);
    close_chain();
}
END_TEST

START_TEST(a_connection_in_the_middle_of_a_request_is_not_idle)
{
    struct wire_socket *app = raw_client_of_verifier(1, 0);
    w.on_backend = NULL;
    raw_tls_say(&peer, GET);
    talk_to_verifier(app);
    ck_assert(!client_is_idle(wire_client(&w.verifier)));
    close_chain();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_tls");
    TCase *t = tcase_create("flow");
    tcase_set_timeout(t, 60);
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, nothing_is_sent_to_a_server_that_is_refused, 0, N_BAD_SERVERS * 4);
    tcase_add_loop_test(t, a_server_that_never_asks_will_do_when_the_configuration_says_so, 0, 2);
    tcase_add_loop_test(t, a_refused_client_reaches_no_backend_and_hears_why, 0, N_BAD_CLIENTS * 4);
    tcase_add_loop_test(t, optional_lets_no_certificate_pass_and_says_so, 0, 2);
    tcase_add_loop_test(t, a_tcp_caller_without_a_certificate_passes_where_none_is_needed, 0, N_WITHOUT_CERTIFICATE);
    tcase_add_test(t, a_tcp_caller_who_is_only_tolerated_does_not_pass);
    tcase_add_loop_test(t, optional_still_refuses_a_bad_certificate, 0, 2);
    tcase_add_test(t, a_rule_is_not_met_by_no_certificate);
    tcase_add_loop_test(t, rules_that_are_tried_out_tell_whom_they_would_refuse, 0, N_TRIED_OUT);
    tcase_add_loop_test(t, a_server_without_tls_hears_nothing_of_the_request, 0, N_NOT_TLS * 2);
    tcase_add_loop_test(t, a_server_that_goes_during_the_handshake_hears_nothing, 0, 2);
    tcase_add_loop_test(t, a_client_without_tls_reaches_no_backend, 0, 2);
    tcase_add_loop_test(t, a_handshake_cut_at_any_byte_sends_nothing, 0, 2);
    tcase_add_loop_test(t, a_late_ticket_does_not_end_an_idle_connection, 0, 2);
    tcase_add_loop_test(t, each_later_connection_resumes, 0, 2);
    tcase_add_loop_test(t, the_peer_of_a_resumed_session_is_judged_again, 0, 2);
    tcase_add_loop_test(t, a_ticket_does_not_outlive_the_trust_it_was_made_under, 0, 6);
    tcase_add_test(t, no_early_data_is_ever_offered);
    tcase_add_loop_test(t, a_verifier_gives_no_tickets, 0, 2);
    tcase_add_loop_test(t, a_client_that_asks_no_more_may_still_say_goodbye, 0, 2);
    tcase_add_loop_test(t, a_client_that_leaves_at_our_certificate_is_told_from_one_that_just_leaves, 0, 4);
    tcase_add_test(t, a_client_that_renegotiates_is_dropped);
    tcase_add_test(t, a_client_that_offers_later_authentication_is_never_asked);
    tcase_add_test(t, a_few_key_updates_do_no_harm);
    tcase_add_test(t, a_flood_of_key_updates_ends_the_connection);
    tcase_add_test(t, a_flood_of_empty_records_ends_the_connection);
    tcase_add_test(t, a_few_empty_records_do_no_harm);
    tcase_add_test(t, a_server_that_renegotiates_is_dropped);
    tcase_add_test(t, a_server_cannot_ask_for_a_certificate_later);
    tcase_add_test(t, an_answer_on_the_heels_of_the_handshake_is_not_for_us);
    tcase_add_loop_test(t, requests_with_close_notify_behind_them_are_all_answered, 0, 2);
    tcase_add_loop_test(t, a_kept_connection_moves_to_what_was_loaded_if_its_certificate_holds_there, 0, 3);
    tcase_add_test(t, a_client_that_always_sends_ahead_does_not_stay_behind);
    tcase_add_loop_test(t, a_tolerated_certificate_reaches_no_backend_by_a_route_that_does_not_name_it, 0, 2);
    tcase_add_test(t, a_host_of_another_policy_is_misdirected);
    tcase_add_loop_test(t, a_client_that_is_revoked_meanwhile_is_ended_wherever_it_is, 0, 2 * N_AT);
    tcase_add_loop_test(t, an_upstream_that_is_revoked_meanwhile_is_ended_in_the_middle, 0, 2);
    tcase_add_loop_test(t, a_kept_connection_does_not_move_to_a_listener_of_another_kind, 0, 2);
    tcase_add_test(t, a_connection_in_the_middle_of_a_request_is_not_idle);
    suite_add_tcase(s, t);
    return s;
}
