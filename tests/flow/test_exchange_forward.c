/* SPDX-License-Identifier: Apache-2.0 */
/* The forward proxy: absolute targets, CONNECT in its three ways, and what must not be reached by either. */
#include "http_chain.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static const size_t steps[] = {1, 2, 3, 7, 512, WIRE_ALL};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]) };

static char api[] = "api.example", build[] = "build.example", git[] = "git.example:22", loop[] = "loop.example", direct_name[] = "direct";
static char *routed[] = {api}, *listed[] = {build, git, loop};
static struct config_target direct_target_conf;
static struct config_upstream direct_conf;
static struct plan_upstream direct_up;
static struct plan_target direct;
static struct config_forward_proxy *fp;

static const struct plan_target *find_nothing(const struct proxy_env *env, const struct plan_target *older)
{
    (void)env;
    (void)older;
    return NULL;
}

/* A forward proxy with a route to api.example, through the verifier; build.example is reached directly. */
static void open_proxy(void)
{
    http_chain_open();
    struct wire_node *n = &http_chain.injector;
    direct_target_conf = (struct config_target){.text = direct_name, .weight = 1};
    direct_conf = (struct config_upstream){.name = direct_name, .targets = &direct_target_conf, .n_targets = 1, .host = CONFIG_HOST_PRESERVE,
                                           .host_given = true, .connect_ms = 5000, .handshake_ms = 10000, .response_ms = 60000, .idle_ms = 600000};
    direct_up = (struct plan_upstream){.conf = &direct_conf, .targets = &direct, .n_targets = 1, .index = SIZE_MAX};
    direct = (struct plan_target){.conf = &direct_target_conf, .upstream = &direct_up, .index = SIZE_MAX};
    const struct config_route route = {.host = {routed, 1}};
    wire_set_routes(n, &route, 1);
    n->listener.direct = &direct;
    n->env.find_target = find_nothing; /* direct is in no snapshot's list */
    fp = &n->down_conf.forward_proxy;
    *fp = (struct config_forward_proxy){.present = true, .direct = {listed, 3}};
}

static struct wire_socket *ask(const char *request)
{
    struct wire_socket *app = wire_connect(&http_chain);
    wire_say(app, request);
    wire_run(&http_chain);
    return app;
}

static void expect_status(struct wire_socket *app, const char *status, const char *why)
{
    char line[40];
    snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
    ck_assert_msg(strncmp(wire_got(app), line, strlen(line)) == 0, "%s: %s", why, wire_got(app));
}

static void expect_request(const char *line, const char *why)
{
    char text[4096];
    snprintf(text, sizeof(text), "%.*s", (int)http_chain.request.len, http_chain.request.len > 0 ? (const char *)bytes_span(&http_chain.request).ptr : "");
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s: %s", why, text);
}

/* ---- requests ---- */

START_TEST(a_host_of_a_route_is_upgraded_to_tls)
{
    http_chain.step = steps[_i];
    struct wire_socket *app = ask("GET http://api.example/a?b HTTP/1.1\r\nHost: api.example\r\n\r\n");
    expect_status(app, "200", "routed");
    expect_request("GET /a?b HTTP/1.1\r\n", "the origin form goes on");
    struct wire_socket *between = wire_between(&http_chain, 0);
    ck_assert(between->server == NULL || !between->to_backend);
    ck_assert(!wire_ever_said(&between->up, "GET /"));
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 1);
}
END_TEST

START_TEST(a_listed_host_is_reached_in_plain_http_without_identity)
{
    http_chain.step = steps[_i];
    http_chain.injector.down_conf.identity_headers = CONFIG_HEADERS_X_SSL;
    http_chain.injector.down_conf.forwarded = CONFIG_FORWARDED_X;
    struct wire_socket *app = ask("GET http://build.example:8080/x HTTP/1.1\r\nHost: build.example:8080\r\nClient-Cert: :AA:\r\n\r\n");
    expect_status(app, "200", "direct");
    expect_request("GET /x HTTP/1.1\r\nHost: build.example:8080\r\n", "Host is kept");
    ck_assert_str_eq(http_chain.injector.dialled.host, "build.example");
    ck_assert_uint_eq(http_chain.injector.dialled.port, 8080);
    ck_assert(!http_chain.injector.dialled_public_only);
    struct wire_pipe *up = &wire_backend_socket(&http_chain, 0)->up;
    ck_assert(!wire_ever_said(up, "X-SSL") && !wire_ever_said(up, "lient-") && !wire_ever_said(up, "X-Forwarded"));
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 0);
    ck_assert_uint_eq(wire_last(&http_chain.injector)->target, SIZE_MAX);
}
END_TEST

START_TEST(an_old_client_without_host_is_served)
{
    expect_status(ask("GET http://build.example:81/x HTTP/1.0\r\n\r\n"), "200", "direct");
    expect_request("GET /x HTTP/1.1\r\nHost: build.example:81\r\n", "Host is made of the target");
    expect_status(ask("GET http://api.example/y HTTP/1.0\r\n\r\n"), "200", "routed");
    expect_request("GET /y HTTP/1.1\r\n", "routed");
}
END_TEST

START_TEST(what_is_said_to_the_proxy_stays_here)
{
    ask("GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n");
    struct wire_pipe *up = &wire_backend_socket(&http_chain, 0)->up;
    ck_assert(wire_ever_said(up, "GET / HTTP/1.1\r\n"));
    ck_assert(!wire_ever_said(up, "c2VjcmV0") && !wire_ever_said(up, "roxy-"));
}
END_TEST

START_TEST(a_port_is_80_when_none_is_given)
{
    ask("GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\n\r\n");
    ck_assert_uint_eq(http_chain.injector.dialled.port, 80);
}
END_TEST

/* One target stands for all of them: a kept connection would bring one host's request to another. */
START_TEST(a_direct_connection_is_not_used_for_another_host)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "GET http://build.example/1 HTTP/1.1\r\nHost: build.example\r\n\r\n");
    http_chain_ask(app, "GET http://loop.example/2 HTTP/1.1\r\nHost: loop.example\r\n\r\n");
    expect_status(app, "200", "the second");
    ck_assert_uint_eq(http_chain.injector.connects, 2);
    ck_assert_str_eq(http_chain.injector.dialled.host, "loop.example");
    ck_assert_uint_eq(pool_idle_count(http_chain.injector.env.pool), 0);
}
END_TEST

START_TEST(one_connection_serves_all_kinds_of_requests)
{
    struct wire_socket *app = wire_connect(&http_chain);
    http_chain_ask(app, "GET http://build.example/1 HTTP/1.1\r\nHost: build.example\r\n\r\n");
    expect_status(app, "200", "direct");
    http_chain_ask(app, "GET http://api.example/2 HTTP/1.1\r\nHost: api.example\r\n\r\n");
    expect_status(app, "200", "routed");
    expect_request("GET /2 ", "routed");
    http_chain_ask(app, "GET http://other.example/3 HTTP/1.1\r\nHost: other.example\r\n\r\n");
    expect_status(app, "403", "refused");
    http_chain_ask(app, "GET /4 HTTP/1.1\r\nHost: api.example\r\n\r\n");
    expect_status(app, "200", "as to a server");
    expect_request("GET /4 ", "as to a server");
    ck_assert_uint_eq(http_chain.injector.n_seen, 4);
}
END_TEST

START_TEST(an_unmatched_host_passes_only_where_told_and_only_to_public_addresses)
{
    fp->unmatched = CONFIG_UNMATCHED_DIRECT;
    expect_status(ask("GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n"), "200", "open");
    ck_assert(http_chain.injector.dialled_public_only);
    fp->unmatched = CONFIG_UNMATCHED_REFUSE;
    struct wire_socket *app = ask("GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n");
    expect_status(app, "403", "closed");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "urn:mtlsd:reason:address_not_allowed"));
    ck_assert_ptr_nonnull(strstr(wire_got(app), "forward_proxy.direct"));
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

START_TEST(a_redirect_is_passed_on_and_not_followed) /* E3 */
{
    http_chain.reply = "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
    struct wire_socket *app = ask("GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\n\r\n");
    expect_status(app, "302", "redirect");
    ck_assert_uint_eq(http_chain.injector.connects, 1);
}
END_TEST

START_TEST(the_gate_of_the_listener_stands_before_what_is_reached_directly)
{
    static char nobody[] = "nobody";
    struct config_allow rule = {.cn = nobody};
    http_chain.injector.down_conf.allow = &rule;
    http_chain.injector.down_conf.n_allow = 1;
    expect_status(ask("GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\n\r\n"), "403", "request");
    expect_status(ask("CONNECT build.example:443 HTTP/1.1\r\nHost: build.example:443\r\n\r\n"), "403", "CONNECT");
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

/* An app with a TLS engine of its own. */
static void speak_tls(struct wire *on, struct wire_socket *app, struct tls_engine *e)
{
    for (int round = 0; round < 10; round++) {
        wire_say_span(app, tls_engine_wire_out(e));
        tls_engine_wire_sent(e, tls_engine_wire_out(e).len);
        wire_run(on);
        tls_engine_wire_in(e, bytes_span(&app->got), WIRE_NOW);
        tls_engine_wire_keep(e);
        bytes_clear(&app->got);
    }
}

/* The status line that a caller with this certificate gets from a forward proxy that tolerates expired ones. */
static void ask_with(enum tls_pki_bad bad, const char *request, char line[64])
{
    struct wire_pki pki;
    struct err err = {0};
    struct wire tls;
    wire_pki_make(&pki);
    const struct wire_side caller = {.bad = bad, .alpn = {"http/1.1"}}, callee = {.tolerate = UINT64_C(1) << REASON_EXPIRED};
    struct tls_context *connecting = wire_pki_connecting(&pki, &caller), *accepting = wire_pki_accepting(&pki, &callee);
    struct wire_setup setup = {.protocol = CONFIG_PROTOCOL_HTTP, .no_injector = true, .accepting = accepting};
    wire_open(&tls, &setup);
    tls.on_backend = wire_backend_http;
    tls.verifier.down_conf.forward_proxy = *fp;
    tls.verifier.listener.direct = &direct;
    struct tls_engine *e = tls_engine_new(connecting, NULL, NULL, NULL, &err);
    struct wire_socket *app = wire_connect(&tls);
    tls_engine_start(e, WIRE_NOW);
    speak_tls(&tls, app, e);
    ck_assert_uint_gt(tls_engine_app_write(e, span_from_str(request)), 0);
    speak_tls(&tls, app, e);
    size_t n = tls_engine_app_read(e, (uint8_t *)line, 63);
    line[n] = '\0';
    tls_engine_free(e);
    wire_close(&tls);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}

START_TEST(a_tolerated_certificate_goes_nowhere_past_the_routes) /* A2 */
{
    static const char *const requests[] = {"GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\n\r\n",
                                           "CONNECT build.example:443 HTTP/1.1\r\nHost: build.example:443\r\n\r\n"};
    char line[64];
    ask_with(TLS_PKI_GOOD, requests[_i], line);
    ck_assert_msg(strncmp(line, "HTTP/1.1 200 ", 13) == 0, "%s", line);
    ask_with(TLS_PKI_EXPIRED, requests[_i], line);
    ck_assert_msg(strncmp(line, "HTTP/1.1 403 ", 13) == 0, "%s", line);
}
END_TEST

/* ---- what must not be reached (E3) ---- */

static const struct {
    const char *host, *why;
    bool dialled; /* with unmatched = "direct": not before its address was found to be public */
} spellings[] = {
    {"169.254.169.254", "metadata of a cloud", true},
    {"127.0.0.1", "this host", true},
    {"localhost", "this host by name", true},
    {"[::1]", "this host, IPv6", true},
    {"[::ffff:127.0.0.1]", "IPv4 inside IPv6", true},
    {"[64:ff9b::7f00:1]", "IPv4 behind NAT64", true},
    {"10.0.0.1", "a private network", true},
    {"0.0.0.0", "unspecified", true},
    {"localhost.", "a dot at the end of a name", true},
    {"0x7f.1", "hex", false},
    {"2130706433", "one number", false},
    {"0177.0.0.1", "octal", false},
    {"127.1", "two parts", false},
    {"127.0.0.1.", "a dot at the end of an address", false},
    {"user@127.0.0.1", "a user", false},
    {"build.example@127.0.0.1", "a listed host as user", false},
    {"127.0.0.1%2f.build.example", "an encoded slash", false},
    {"b\xc3\xbc" "ild.example", "letters beyond ASCII", false},
    {"build.example\\.evil.example", "a backslash", false},
    {"[fe80::1%25eth0]", "a zone", false},
    {"", "nothing", false},
};
enum { N_SPELLINGS = sizeof(spellings) / sizeof(spellings[0]) };

static void expect_unreached(const char *request, bool dialled, const char *why)
{
    unsigned before = http_chain.injector.connects;
    fp->unmatched = CONFIG_UNMATCHED_REFUSE;
    struct wire_socket *app = ask(request);
    ck_assert_msg(strncmp(wire_got(app), "HTTP/1.1 4", 10) == 0, "%s: %s", why, wire_got(app));
    ck_assert_msg(http_chain.injector.connects == before, "%s: connected", why);
    fp->unmatched = CONFIG_UNMATCHED_DIRECT;
    http_chain.injector.dialled_public_only = false;
    app = ask(request);
    ck_assert_msg((http_chain.injector.connects > before) == dialled, "%s: %s", why, wire_got(app));
    ck_assert_msg(!dialled || http_chain.injector.dialled_public_only, "%s: its address would not be looked at", why);
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 0);
}

START_TEST(no_spelling_of_an_address_reaches_what_is_not_public) /* E3 */
{
    char request[300];
    const char *host = spellings[_i].host;
    snprintf(request, sizeof(request), "GET http://%s/ HTTP/1.1\r\nHost: %s\r\n\r\n", host, host);
    expect_unreached(request, spellings[_i].dialled, spellings[_i].why);
}
END_TEST

START_TEST(no_spelling_of_an_address_is_tunnelled_to) /* E3 */
{
    char request[300];
    const char *host = spellings[_i].host;
    fp->connect = CONFIG_CONNECT_TUNNEL;
    snprintf(request, sizeof(request), "CONNECT %s:80 HTTP/1.1\r\nHost: %s:80\r\n\r\n", host, host);
    expect_unreached(request, spellings[_i].dialled, spellings[_i].why);
}
END_TEST

START_TEST(the_proxy_does_not_connect_to_itself) /* E3 */
{
    static char self[] = "127.0.0.1:3128";
    static char *self_listed[] = {self};
    struct address bind;
    fp->direct = (struct config_strings){self_listed, 1};
    ck_assert_int_eq(address_parse(self, &bind, NULL), 0);
    http_chain.injector.down_conf.bind = &bind;
    http_chain.injector.down_conf.n_bind = 1;
    expect_status(ask("GET http://127.0.0.1:3128/ HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n"), "403", "request");
    fp->connect = CONFIG_CONNECT_TUNNEL;
    expect_status(ask("CONNECT 127.0.0.1:3128 HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n"), "403", "CONNECT");
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

/* ---- CONNECT ---- */

#define CONNECT(to) "CONNECT " to " HTTP/1.1\r\nHost: " to "\r\n\r\n"
#define ESTABLISHED "HTTP/1.1 200 Connection established\r\n\r\n"

START_TEST(connect_is_not_served_without_forward_proxy)
{
    fp->present = false;
    expect_status(ask(CONNECT("api.example:443")), "501", "no proxy");
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(connect_is_refused_with_words_where_told)
{
    fp->connect = CONFIG_CONNECT_REFUSE;
    struct wire_socket *app = ask(CONNECT("build.example:443"));
    expect_status(app, "403", "refused");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "http://"));
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

static void echo(struct wire *on, struct wire_socket *s)
{
    (void)on;
    if (s->got.len > 0)
        wire_answer_span(s, bytes_span(&s->got));
    bytes_clear(&s->got);
    s->down.ended = s->got_end;
}

START_TEST(a_tunnel_is_blind_and_goes_to_exactly_that_place)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = echo;
    fp->connect = CONFIG_CONNECT_TUNNEL;
    struct wire_socket *app = ask(CONNECT("build.example:8443") "\x16\x03\x01GET / HTTP/1.1\r\n\r\n");
    ck_assert_str_eq(wire_got(app), ESTABLISHED "\x16\x03\x01GET / HTTP/1.1\r\n\r\n");
    ck_assert_str_eq(http_chain.injector.dialled.host, "build.example");
    ck_assert_uint_eq(http_chain.injector.dialled.port, 8443);
    ck_assert_uint_eq(http_chain.injector.n_seen, 0);
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert(seen->kind == REPORT_REQUEST && seen->status == 200 && seen->reason == REASON_VALID);
    ck_assert_uint_eq(http_chain.injector.n_seen, 1);
}
END_TEST

START_TEST(a_tunnel_that_cannot_be_made_is_answered_and_nothing_behind_it_is_read) /* C3 */
{
    fp->connect = CONFIG_CONNECT_TUNNEL;
    http_chain.injector.connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = ask(CONNECT("build.example:443") "GET http://api.example/ HTTP/1.1\r\nHost: api.example\r\n\r\n");
    expect_status(app, "502", "refused by the host");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "Connection: close\r\n"));
    http_chain.injector.connect = WIRE_CONNECT_WORKS;
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_uint_eq(http_chain.injector.connects + http_chain.injector.n_seen, 1);
}
END_TEST

START_TEST(a_host_of_a_route_may_be_tunnelled_to_but_only_at_a_public_address)
{
    fp->connect = CONFIG_CONNECT_TUNNEL;
    expect_status(ask(CONNECT("api.example:443")), "200", "tunnel");
    ck_assert(http_chain.injector.dialled_public_only);
    ck_assert_uint_eq(http_chain.injector.dialled.port, 443);
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 0);
}
END_TEST

START_TEST(an_unlisted_host_is_refused_before_200)
{
    for (int how = CONFIG_CONNECT_SNIFF; how <= CONFIG_CONNECT_TUNNEL; how++) {
        fp->connect = (enum config_connect)how;
        expect_status(ask(CONNECT("other.example:443")), "403", "unlisted");
        expect_status(ask(CONNECT("git.example:23")), "403", "another port than the listed one");
    }
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

/* ---- sniffing ---- */

#define HELLO "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"

START_TEST(tls_in_a_tunnel_passes_to_a_listed_host)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = echo;
    struct wire_socket *app = ask(CONNECT("build.example:443"));
    ck_assert_str_eq(wire_got(app), ESTABLISHED);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
    bytes_clear(&app->got);
    wire_say_span(app, span_of(HELLO, sizeof(HELLO) - 1));
    wire_run(&http_chain);
    ck_assert_uint_eq(app->got.len, sizeof(HELLO) - 1);
    ck_assert(memcmp(bytes_span(&app->got).ptr, HELLO, sizeof(HELLO) - 1) == 0);
    ck_assert_uint_eq(http_chain.injector.dialled.port, 443);
}
END_TEST

START_TEST(tls_in_a_tunnel_to_a_routes_host_is_refused_by_an_alert)
{
    http_chain.step = steps[_i];
    fp->unmatched = CONFIG_UNMATCHED_DIRECT; /* which is about other hosts */
    struct wire_socket *app = ask(CONNECT("api.example:443"));
    bytes_clear(&app->got);
    wire_say_span(app, span_of(HELLO, sizeof(HELLO) - 1));
    wire_run(&http_chain);
    ck_assert_uint_eq(app->got.len, 7);
    ck_assert(memcmp(bytes_span(&app->got).ptr, "\x15\x03\x03\x00\x02\x02\x31", 7) == 0);
    wire_finish(&http_chain);
    ck_assert(app->got_end && !app->got_reset);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert_int_eq(seen->reason, REASON_TLS_IN_TUNNEL);
    ck_assert_ptr_nonnull(strstr(seen->detail, "http://"));
    ck_assert_uint_eq(http_chain.injector.n_seen, 1);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(plain_requests_in_a_tunnel_are_upgraded)
{
    http_chain.step = steps[_i];
    struct wire_socket *app = ask(CONNECT("api.example:443"));
    http_chain_ask(app, "GET /a HTTP/1.1\r\nHost: api.example\r\n\r\n");
    expect_status(app, "200", "with the usual port");
    expect_request("GET /a HTTP/1.1\r\n", "upgraded");
    http_chain_ask(app, "GET /b HTTP/1.1\r\nHost: api.example:443\r\n\r\n");
    expect_status(app, "200", "with the port of CONNECT");
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 1);
    ck_assert_uint_eq(http_chain.injector.n_seen, 3);
    ck_assert_uint_eq(http_chain.injector.seen[0].status, 200);
}
END_TEST

START_TEST(requests_may_come_with_connect_in_one_piece)
{
    http_chain.step = steps[_i];
    struct wire_socket *app = ask(CONNECT("api.example:80") "GET /a HTTP/1.1\r\nHost: api.example\r\n\r\n");
    ck_assert_ptr_nonnull(strstr(wire_got(app), "hello"));
    expect_request("GET /a HTTP/1.1\r\n", "upgraded");
}
END_TEST

START_TEST(plain_requests_in_a_tunnel_to_a_listed_host_go_there)
{
    struct wire_socket *app = ask(CONNECT("build.example:8080"));
    http_chain_ask(app, "GET /a HTTP/1.1\r\nHost: build.example:8080\r\n\r\n");
    expect_status(app, "200", "direct");
    ck_assert_uint_eq(http_chain.injector.dialled.port, 8080);
    ck_assert_uint_eq(http_chain.verifier.down_handshakes, 0);
}
END_TEST

static const struct {
    const char *request, *status, *why;
} strangers[] = {
    {"GET / HTTP/1.1\r\nHost: build.example\r\n\r\n", "403", "another host, which could be reached otherwise"},
    {"GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", "403", "another host"},
    {"GET / HTTP/1.1\r\nHost: api.example:81\r\n\r\n", "403", "another port"},
    {"GET / HTTP/1.0\r\n\r\n", "403", "no host"},
    {"GET http://build.example/ HTTP/1.1\r\nHost: build.example\r\n\r\n", "403", "another host in the target"},
    {"GET http://build.example/ HTTP/1.1\r\nHost: api.example\r\n\r\n", "400", "two hosts"},
    {"CONNECT build.example:443 HTTP/1.1\r\nHost: build.example:443\r\n\r\n", "501", "a tunnel in a tunnel"},
};

START_TEST(a_request_in_a_tunnel_is_for_its_host_only)
{
    struct wire_socket *app = ask(CONNECT("api.example:80"));
    http_chain_ask(app, strangers[_i].request);
    expect_status(app, strangers[_i].status, strangers[_i].why);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_reached_after_a_silence)
{
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = ask(CONNECT("git.example:22"));
    wire_advance(&http_chain, 900);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
    wire_advance(&http_chain, 200);
    ck_assert_uint_eq(http_chain.injector.connects, 1);
    wire_answer(wire_backend_socket(&http_chain, 0), "220 ready");
    wire_run(&http_chain);
    ck_assert_str_eq(wire_got(app), ESTABLISHED "220 ready");
}
END_TEST

START_TEST(a_client_of_another_protocol_is_tunnelled_where_that_is_allowed)
{
    http_chain.step = steps[_i];
    http_chain.on_backend = echo;
    struct wire_socket *app = ask(CONNECT("git.example:22") "SSH-2.0-OpenSSH_9.2p1\r\n");
    ck_assert_str_eq(wire_got(app), ESTABLISHED "SSH-2.0-OpenSSH_9.2p1\r\n");
}
END_TEST

START_TEST(silence_in_a_tunnel_to_a_routes_host_ends_it)
{
    struct wire_socket *app = ask(CONNECT("api.example:80"));
    wire_advance(&http_chain, 9900);
    ck_assert(!app->got_end);
    wire_finish(&http_chain);
    ck_assert(app->got_end);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_REQUEST_TIMEOUT);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(half_a_hello_is_not_taken_for_silence)
{
    struct wire_socket *app = ask(CONNECT("api.example:443") "\x16");
    wire_finish(&http_chain);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_TLS_IN_TUNNEL);
    ck_assert(app->got_end);
}
END_TEST

START_TEST(another_protocol_in_a_tunnel_to_a_routes_host_is_read_as_http_and_refused)
{
    struct wire_socket *app = ask(CONNECT("api.example:80") "SSH-2.0-OpenSSH_9.2p1\r\n\r\n");
    const char *answer = strstr(wire_got(app), ESTABLISHED);
    ck_assert_ptr_nonnull(answer);
    ck_assert_ptr_nonnull(strstr(answer + strlen(ESTABLISHED), "HTTP/1.1 400 "));
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(a_client_that_leaves_a_silent_tunnel_is_told_of)
{
    struct wire_socket *app = ask(CONNECT("build.example:443"));
    wire_end(&app->up);
    wire_run(&http_chain);
    ck_assert(app->got_end);
    ck_assert_int_eq(wire_last(&http_chain.injector)->reason, REASON_CLIENT_CLOSED);
    ck_assert_uint_eq(http_chain.injector.connects, 0);
}
END_TEST

START_TEST(a_sniffed_tunnel_that_cannot_be_made_is_cut)
{
    http_chain.injector.connect = WIRE_CONNECT_REFUSED;
    struct wire_socket *app = ask(CONNECT("build.example:443"));
    wire_say_span(app, span_of(HELLO, sizeof(HELLO) - 1));
    wire_run(&http_chain);
    ck_assert(app->got_reset);
    const struct wire_seen *seen = wire_last(&http_chain.injector);
    ck_assert(seen->kind == REPORT_REQUEST && seen->reason == REASON_CONNECT_REFUSED);
}
END_TEST

/* ---- cut anywhere ---- */

static const struct {
    const char *said, *why;
    enum config_connect connect;
} scripts[] = {
    {"GET http://api.example/a HTTP/1.1\r\nHost: api.example\r\n\r\n", "a request", CONFIG_CONNECT_SNIFF},
    {"GET http://build.example/a HTTP/1.1\r\nHost: build.example\r\n\r\n", "a direct one", CONFIG_CONNECT_SNIFF},
    {CONNECT("build.example:80") "0123456789", "a blind tunnel", CONFIG_CONNECT_TUNNEL},
    {CONNECT("build.example:80") "\x16\x03\x01" "0123456789", "TLS", CONFIG_CONNECT_SNIFF},
    {CONNECT("api.example:80") "\x16\x03\x01" "0123456789", "TLS that is refused", CONFIG_CONNECT_SNIFF},
    {CONNECT("api.example:80") "GET /a HTTP/1.1\r\nHost: api.example\r\n\r\n", "a request in a tunnel", CONFIG_CONNECT_SNIFF},
    {CONNECT("build.example:80") "SSH-2.0-x\r\n", "another protocol", CONFIG_CONNECT_SNIFF},
};
enum { N_SCRIPTS = sizeof(scripts) / sizeof(scripts[0]) };

/* Whatever is lost where: every connection ends, and each was told at most as often as requests were made. */
/* ---- after a reload ---- */

#define UPGRADE "GET http://build.example:8080/ HTTP/1.1\r\nHost: build.example:8080\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

enum loaded { THE_SAME, NOT_LISTED, ONLY_UNMATCHED, NO_PROXY, WITHOUT_CONNECT, N_LOADED };
static const struct {
    const char *request, *why;
    enum config_connect connect;
    unsigned ends; /* with these */
} running[] = {
    {CONNECT("build.example:8443"), "blind", CONFIG_CONNECT_TUNNEL, 1u << NOT_LISTED | 1u << ONLY_UNMATCHED | 1u << NO_PROXY | 1u << WITHOUT_CONNECT},
    {CONNECT("build.example:8443") "\x16\x03\x01hello", "TLS that was looked for", CONFIG_CONNECT_SNIFF,
     1u << NOT_LISTED | 1u << ONLY_UNMATCHED | 1u << NO_PROXY | 1u << WITHOUT_CONNECT},
    {UPGRADE, "an upgrade of a direct request", CONFIG_CONNECT_REFUSE, 1u << NOT_LISTED | 1u << ONLY_UNMATCHED | 1u << NO_PROXY},
};
enum { N_RUNNING = sizeof(running) / sizeof(running[0]) };

/* What no list names any more was connected to without a look at its address, so that does not count as the same (security E3). */
START_TEST(a_tunnel_past_the_routes_stays_as_long_as_it_would_be_opened_again)
{
    size_t row = (size_t)_i / N_LOADED, how = (size_t)_i % N_LOADED;
    struct wire_node *n = &http_chain.injector;
    fp->connect = running[row].connect;
    http_chain.on_backend = http_chain_silent;
    struct wire_socket *app = ask(running[row].request);
    wire_answer(wire_backend_socket(&http_chain, 0), row == 2 ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" : "hello");
    wire_run(&http_chain);
    ck_assert_msg(strstr(wire_got(app), row == 2 ? "101 " : "hello") != NULL, "%s: %s", running[row].why, wire_got(app));
    struct config_listener conf = n->down_conf;
    struct plan_listener loaded = n->listener;
    loaded.conf = &conf;
    if (how == NOT_LISTED || how == ONLY_UNMATCHED)
        conf.forward_proxy.direct.n = 0;
    if (how == ONLY_UNMATCHED)
        conf.forward_proxy.unmatched = CONFIG_UNMATCHED_DIRECT;
    conf.forward_proxy.present = how != NO_PROXY;
    conf.forward_proxy.connect = how == WITHOUT_CONNECT ? CONFIG_CONNECT_REFUSE : conf.forward_proxy.connect;
    wire_reload(&http_chain, n, &loaded);
    wire_run(&http_chain);
    bool ends = (running[row].ends >> how & 1) != 0;
    ck_assert_msg((n->n_seen == 1) == ends, "%s, loaded %zu", running[row].why, how);
    ck_assert(!ends || wire_last(n)->reason == REASON_NOT_ALLOWED);
    n->loaded = NULL;
}
END_TEST

START_TEST(a_client_may_be_cut_off_at_every_byte) /* B7 */
{
    size_t n = strlen(scripts[_i / 2].said);
    for (size_t cut = 0; cut <= n; cut++) {
        http_chain_close();
        open_proxy();
        fp->connect = scripts[_i / 2].connect;
        http_chain.step = 7;
        struct wire_socket *app = wire_connect(&http_chain);
        app->up.cut_after = cut;
        app->up.cut_is_reset = _i % 2 == 1;
        wire_say(app, scripts[_i / 2].said);
        wire_finish(&http_chain);
        ck_assert_msg(app->got_end || app->got_reset, "%s: still open after a cut at %zu", scripts[_i / 2].why, cut);
        ck_assert_uint_le(http_chain.injector.n_seen, 2);
        ck_assert_ptr_null(wire_client(&http_chain.injector));
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_forward");
    TCase *c = tcase_create("forward");
    tcase_set_timeout(c, 60);
    tcase_add_unchecked_fixture(c, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(c, open_proxy, http_chain_close);
    tcase_add_loop_test(c, a_host_of_a_route_is_upgraded_to_tls, 0, N_STEPS);
    tcase_add_loop_test(c, a_listed_host_is_reached_in_plain_http_without_identity, 0, N_STEPS);
    tcase_add_test(c, an_old_client_without_host_is_served);
    tcase_add_test(c, what_is_said_to_the_proxy_stays_here);
    tcase_add_test(c, a_port_is_80_when_none_is_given);
    tcase_add_test(c, a_direct_connection_is_not_used_for_another_host);
    tcase_add_test(c, one_connection_serves_all_kinds_of_requests);
    tcase_add_test(c, an_unmatched_host_passes_only_where_told_and_only_to_public_addresses);
    tcase_add_test(c, a_redirect_is_passed_on_and_not_followed);
    tcase_add_test(c, the_gate_of_the_listener_stands_before_what_is_reached_directly);
    tcase_add_loop_test(c, a_tolerated_certificate_goes_nowhere_past_the_routes, 0, 2);
    tcase_add_loop_test(c, no_spelling_of_an_address_reaches_what_is_not_public, 0, N_SPELLINGS);
    tcase_add_loop_test(c, no_spelling_of_an_address_is_tunnelled_to, 0, N_SPELLINGS);
    tcase_add_test(c, the_proxy_does_not_connect_to_itself);
    tcase_add_test(c, connect_is_not_served_without_forward_proxy);
    tcase_add_test(c, connect_is_refused_with_words_where_told);
    tcase_add_loop_test(c, a_tunnel_is_blind_and_goes_to_exactly_that_place, 0, N_STEPS);
    tcase_add_test(c, a_tunnel_that_cannot_be_made_is_answered_and_nothing_behind_it_is_read);
    tcase_add_test(c, a_host_of_a_route_may_be_tunnelled_to_but_only_at_a_public_address);
    tcase_add_test(c, an_unlisted_host_is_refused_before_200);
    tcase_add_loop_test(c, tls_in_a_tunnel_passes_to_a_listed_host, 0, N_STEPS);
    tcase_add_loop_test(c, tls_in_a_tunnel_to_a_routes_host_is_refused_by_an_alert, 0, N_STEPS);
    tcase_add_loop_test(c, plain_requests_in_a_tunnel_are_upgraded, 0, N_STEPS);
    tcase_add_loop_test(c, requests_may_come_with_connect_in_one_piece, 0, N_STEPS);
    tcase_add_test(c, plain_requests_in_a_tunnel_to_a_listed_host_go_there);
    tcase_add_loop_test(c, a_request_in_a_tunnel_is_for_its_host_only, 0, sizeof(strangers) / sizeof(strangers[0]));
    tcase_add_test(c, a_server_that_speaks_first_is_reached_after_a_silence);
    tcase_add_loop_test(c, a_client_of_another_protocol_is_tunnelled_where_that_is_allowed, 0, N_STEPS);
    tcase_add_test(c, silence_in_a_tunnel_to_a_routes_host_ends_it);
    tcase_add_test(c, half_a_hello_is_not_taken_for_silence);
    tcase_add_test(c, another_protocol_in_a_tunnel_to_a_routes_host_is_read_as_http_and_refused);
    tcase_add_test(c, a_client_that_leaves_a_silent_tunnel_is_told_of);
    tcase_add_loop_test(c, a_tunnel_past_the_routes_stays_as_long_as_it_would_be_opened_again, 0, N_RUNNING * N_LOADED);
    tcase_add_loop_test(c, a_client_may_be_cut_off_at_every_byte, 0, 2 * N_SCRIPTS);
    tcase_add_test(c, a_sniffed_tunnel_that_cannot_be_made_is_cut);
    suite_add_tcase(s, c);
    return s;
}
