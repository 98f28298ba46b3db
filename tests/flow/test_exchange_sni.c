/* SPDX-License-Identifier: Apache-2.0 */
/* Several policies on one listener: no request is served under another policy than the one that its caller was judged by (security A9). */
#include "raw_tls.h"
#include "t.h"

#include <stdio.h>
#include <string.h>

static struct wire_pki pki;
static struct wire w;
static struct tls_context *listener;
static struct raw_tls peer;
static struct wire_socket *app;

enum { STRICT, WIDE, OTHERWISE };

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static struct tls_context *policy(enum tls_ask ask)
{
    return wire_pki_accepting(&pki, &(struct wire_side){.ask = ask, .asks_given = true});
}

/* "a.example" asks for a certificate, "*.example" takes it or leaves it, other names are not asked. */
static void setup(void)
{
    static const char *const names[] = {"a.example", "*.example"};
    struct tls_context *contexts[] = {policy(TLS_ASK_REQUIRED), policy(TLS_ASK_OPTIONAL)};
    listener = wire_pki_by_name(names, contexts, 2, policy(TLS_ASK_NONE));
    struct wire_setup s = {.protocol = CONFIG_PROTOCOL_HTTP, .accepting = listener, .no_injector = true};
    wire_open(&w, &s);
    w.on_backend = wire_backend_http;
}

static void close_it(void)
{
    wire_close(&w);
    raw_tls_clear(&peer);
    tls_context_unref(listener);
}

static void talk(void)
{
    for (int i = 0; i < 8; i++) {
        raw_tls_at_app(&peer, app);
        wire_run(&w);
    }
}

static void connect_as(const char *name)
{
    raw_tls_client(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0);
    if (name[0] != '\0')
        ck_assert_int_eq(gnutls_server_name_set(peer.session, GNUTLS_NAME_DNS, name, strlen(name)), 0);
    app = wire_connect(&w);
    talk();
    ck_assert(peer.done);
}

static bool answered(const char *status)
{
    return peer.got.len > 12 && memcmp(bytes_span(&peer.got).ptr, "HTTP/1.1 ", 9) == 0 && memcmp(bytes_span(&peer.got).ptr + 9, status, 3) == 0;
}

static const struct {
    const char *before, *after;
    bool absolute; /* the target names the host too */
    const char *fields;
} forms[] = {{"GET /", "", false, ""}, {"GET http://", "/x", true, ""}, {"OPTIONS *", "", false, ""},
             {"GET /chat", "", false, "Connection: Upgrade\r\nUpgrade: websocket\r\n"}};
enum { N_FORMS = sizeof(forms) / sizeof(forms[0]) };

static void ask(size_t form, const char *host)
{
    char request[400];
    bytes_clear(&peer.got);
    snprintf(request, sizeof(request), "%s%s%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", forms[form].before, forms[form].absolute ? host : "",
             forms[form].after, host, forms[form].fields);
    raw_tls_say(&peer, request);
    talk();
}

static const struct {
    const char *name;
    int policy;
} server_names[] = {{"a.example", STRICT}, {"A.Example", STRICT}, {"a.example.", STRICT}, {"b.example", WIDE},   {"x.a.example", WIDE},
                    {"", OTHERWISE},       {"c.other", OTHERWISE}, {"example", OTHERWISE}};
enum { N_NAMES = sizeof(server_names) / sizeof(server_names[0]) };

static const struct {
    const char *host;
    int policy;
    const char *why;
} hosts[] = {
    {"a.example", STRICT, "exact"},
    {"A.EXAMPLE", STRICT, "in capitals"},
    {"a.example.", STRICT, "with a dot at the end"},
    {"a.example:8443", STRICT, "with a port"},
    {"b.example", WIDE, "by suffix"},
    {"B.exAmple.:1", WIDE, "by suffix, in capitals, with a dot and a port"},
    {"x.a.example", WIDE, "below the exact one"},
    {"example", OTHERWISE, "the suffix itself"},
    {"c.other", OTHERWISE, "served by no policy of its own"},
    {"127.0.0.1", OTHERWISE, "an address"},
    {"[::1]:8443", OTHERWISE, "an address in brackets"},
    {"a.example.evil", OTHERWISE, "in front of another"},
    {"evil-a.example", WIDE, "behind another, within a label"},
};
enum { N_HOSTS = sizeof(hosts) / sizeof(hosts[0]) };

/* All on one connection, so that a request that is right is always before one that is not. */
START_TEST(a_host_of_another_policy_is_misdirected) /* A9 */
{
    connect_as(server_names[_i].name);
    for (size_t i = 0; i < N_HOSTS * N_FORMS; i++) {
        size_t h = i / N_FORMS;
        bool served = hosts[h].policy == server_names[_i].policy;
        unsigned before = w.n_requests;
        ask(i % N_FORMS, hosts[h].host);
        ck_assert_msg(answered(served ? "200" : "421"), "TLS for \"%s\", request for %s, %s: %.*s", server_names[_i].name, hosts[h].host, hosts[h].why,
                      (int)peer.got.len, peer.got.len > 0 ? (const char *)bytes_span(&peer.got).ptr : "");
        ck_assert_uint_eq(w.n_requests, before + (served ? 1 : 0));
        ck_assert_int_eq(wire_last(&w.verifier)->reason, served ? REASON_VALID : REASON_MISDIRECTED);
    }
}
END_TEST

START_TEST(a_host_that_is_said_twice_is_no_way_around) /* A9, C3 */
{
    static const struct {
        const char *request, *why;
    } rows[] = {
        {"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "the target's counts, and it is another one"},
        {"GET http://b.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", "Host is another one"},
        {"GET / HTTP/1.1\r\nHost: b.example\r\nHost: a.example\r\n\r\n", "two of them"},
        {"GET / HTTP/1.1\r\nHost: b.example, a.example\r\n\r\n", "two in one"},
        {"GET / HTTP/1.1\r\nHost: me@a.example\r\n\r\n", "a user in front"},
        {"GET / HTTP/1.1\r\nHost: b.example/a.example\r\n\r\n", "a path behind"},
        {"GET / HTTP/1.1\r\nHost: a%2eexample\r\n\r\n", "escaped"},
        {"GET http://a%2eexample/ HTTP/1.1\r\nHost: a%2eexample\r\n\r\n", "escaped in the target"},
        {"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n", "a tunnel to another one"},
        {"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", "nor one to its own"},
    };
    connect_as("b.example");
    raw_tls_say(&peer, rows[_i].request);
    talk();
    ck_assert_msg(peer.got.len == 0 || !answered("200"), "%s", rows[_i].why);
    ck_assert_msg(w.n_requests == 0 && wire_backend_contacts(&w) == 0, "%s", rows[_i].why);
}
END_TEST

START_TEST(a_request_without_a_host_belongs_to_otherwise) /* A9 */
{
    connect_as(server_names[_i].name);
    raw_tls_say(&peer, "GET / HTTP/1.0\r\n\r\n");
    talk();
    ck_assert(answered(server_names[_i].policy == OTHERWISE ? "200" : "421"));
}
END_TEST

START_TEST(what_comes_behind_a_misdirected_request_is_judged_anew) /* A9 */
{
    connect_as("b.example");
    bytes_clear(&peer.got);
    raw_tls_say(&peer, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\nGET / HTTP/1.1\r\nHost: b.example\r\n\r\nGET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
    talk();
    ck_assert_uint_eq(w.n_requests, 1);
    ck_assert_uint_eq(w.verifier.n_seen, 3);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_MISDIRECTED);
}
END_TEST

START_TEST(without_policies_every_host_is_served)
{
    close_it();
    listener = policy(TLS_ASK_REQUIRED);
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .accepting = listener, .no_injector = true});
    w.on_backend = wire_backend_http;
    connect_as("a.example");
    for (size_t i = 0; i < N_HOSTS; i++) {
        ask(0, hosts[i].host);
        ck_assert_msg(answered("200"), "%s", hosts[i].host);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("exchange_sni");
    TCase *t = tcase_create("sni");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_checked_fixture(t, setup, close_it);
    tcase_add_loop_test(t, a_host_of_another_policy_is_misdirected, 0, N_NAMES);
    tcase_add_loop_test(t, a_request_without_a_host_belongs_to_otherwise, 0, N_NAMES);
    tcase_add_loop_test(t, a_host_that_is_said_twice_is_no_way_around, 0, 10);
    tcase_add_test(t, what_comes_behind_a_misdirected_request_is_judged_anew);
    tcase_add_test(t, without_policies_every_host_is_served);
    suite_add_tcase(s, t);
    return s;
}
