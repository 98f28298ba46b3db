/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of HTTP/2 that are never idle, while a configuration is loaded or a date passes: what runs stays where it began, what begins is served by what is there now. */
#include "h2_app.h"
#include "http_chain.h"
#include "raw_tls.h"
#include "t.h"

#include <string.h>

enum { LIFE = 301 }; /* days after which the certificates of the wire have expired */

static struct h2_app app;
static struct { /* what a reload puts in the place of the injector's listener */
    struct config_listener conf;
    struct config_route route_conf;
    struct plan_route route;
    struct plan_listener listener;
} loaded;

static void set_up(void)
{
    http_chain_open();
    http_chain.on_backend = http_chain_silent;
    h2_app_open(&app, &http_chain);
}

static void tear_down(void)
{
    h2_app_close(&app);
    http_chain_close();
}

static void load(const struct wire_node *n, unsigned respond, enum config_protocol protocol)
{
    loaded.conf = n->down_conf;
    loaded.conf.protocol = protocol;
    loaded.route_conf = (struct config_route){.respond = respond};
    loaded.conf.routes = &loaded.route_conf;
    loaded.conf.n_routes = 1;
    loaded.route = (struct plan_route){.conf = &loaded.route_conf};
    loaded.listener = n->listener;
    loaded.listener.conf = &loaded.conf;
    loaded.listener.routes = &loaded.route;
    loaded.listener.n_routes = 1;
    wire_reload(n->wire, (struct wire_node *)(uintptr_t)n, &loaded.listener);
}

static void answer_first(struct h2_app_stream *s)
{
    wire_answer(wire_backend_socket(app.wire, 0), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    h2_app_run(&app);
    ck_assert(s->status == 200 && s->ended);
}

START_TEST(each_new_stream_is_served_by_what_was_loaded_while_an_older_one_runs)
{
    struct h2_app_stream *older = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    load(&http_chain.injector, 403, CONFIG_PROTOCOL_HTTP);
    struct h2_app_stream *newer = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(newer->status, 403);
    ck_assert(!older->reset && older->status == 0);
    ck_assert(client_uses(wire_client(&http_chain.injector), &http_chain.injector.listener));
    answer_first(older);
    ck_assert(!client_uses(wire_client(&http_chain.injector), &http_chain.injector.listener));
}
END_TEST

START_TEST(a_client_that_cannot_move_finishes_what_runs_and_begins_nothing)
{
    struct h2_app_stream *older = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    load(&http_chain.injector, 0, CONFIG_PROTOCOL_TCP);
    struct h2_app_stream *newer = h2_app_ask(&app, "POST", "/", "1", NULL);
    h2_app_run(&app);
    ck_assert(newer->reset && newer->code == HTTP2_REFUSED_STREAM);
    ck_assert(app.goaway && app.goaway_code == HTTP2_NO_ERROR);
    ck_assert_uint_eq(http_chain.injector.connects, 1);
    answer_first(older);
    wire_finish(&http_chain);
    ck_assert_ptr_null(wire_client(&http_chain.injector));
}
END_TEST

START_TEST(who_is_told_to_finish_while_its_preface_comes_is_told_so_in_HTTP2)
{
    static const char goaway[] = "\0\0\10\7\0\0\0\0\0\177\377\377\377", settings[] = "\0\0\0\4\0\0\0\0";
    wire_say(app.socket, "PRI * HT");
    wire_run(&http_chain);
    client_on_drain(wire_client(&http_chain.injector), http_chain.now);
    wire_say(app.socket, "TP/2.0\r\n\r\nSM\r\n\r\n");
    wire_say_span(app.socket, span_of(settings, sizeof(settings)));
    wire_run(&http_chain);
    struct span got = bytes_span(&app.socket->got);
    ck_assert_ptr_nonnull(memmem(got.ptr, got.len, goaway, sizeof(goaway) - 1));
}
END_TEST

static void wait_on_two_targets(struct wire *w)
{
    *w = (struct wire){0};
    wire_open(w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .no_verifier = true});
    wire_add_target(&w->injector);
    w->injector.target[0].http = w->injector.target[1].http = PLAN_HTTP2;
    w->injector.connect = WIRE_CONNECT_HANGS;
    h2_app_close(&app);
    h2_app_open(&app, w);
    for (int i = 0; i < 4; i++)
        h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
}

START_TEST(a_shared_upstream_connection_is_judged_once_for_each_client)
{
    struct wire w;
    unsigned n = 0;
    wait_on_two_targets(&w);
    for (struct uplink *u = NULL; n < 10 && (u = client_next_uplink(wire_client(&w.injector), u)) != NULL;)
        n++;
    ck_assert_uint_eq(n, 2);
    wire_close(&w);
}
END_TEST

START_TEST(one_that_opens_too_late_fails_all_that_wait_for_it)
{
    struct wire w;
    wait_on_two_targets(&w);
    for (int i = 0; i < 3; i++) {
        wire_advance(&w, 5001);
        h2_app_run(&app);
    }
    for (size_t i = 0; i < 4; i++)
        ck_assert(app.streams[i].status == 504 && app.streams[i].ended);
    ck_assert_uint_eq(w.injector.n_seen, 4);
    wire_close(&w);
}
END_TEST

START_TEST(a_certificate_that_expires_begins_nothing_more_and_ends_nothing) /* A1 */
{
    struct wire_pki pki;
    struct raw_tls peer;
    struct wire w;
    wire_pki_make(&pki);
    struct tls_context *accepting = wire_pki_accepting(&pki, &(struct wire_side){.alpn = {"h2"}});
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .accepting = accepting, .no_injector = true});
    w.on_backend = http_chain_silent;
    h2_app_close(&app);
    raw_tls_client(&peer, &pki, "NORMAL:-VERS-ALL:+VERS-TLS1.3", 0);
    const gnutls_datum_t h2 = {(unsigned char *)(uintptr_t) "h2", 2};
    ck_assert_int_eq(gnutls_alpn_set_protocols(peer.session, &h2, 1, 0), 0);
    h2_app_open(&app, &w);
    for (int i = 0; i < 8; i++) {
        raw_tls_at_app(&peer, app.socket);
        wire_run(&w);
    }
    ck_assert(peer.done);
    app.tls = &peer;
    struct h2_app_stream *older = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    w.now.utc += INT64_C(86400) * LIFE;
    struct h2_app_stream *newer = h2_app_ask(&app, "GET", "/", NULL, NULL);
    h2_app_run(&app);
    ck_assert(newer->reset && newer->code == HTTP2_REFUSED_STREAM);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    ck_assert(!older->reset && peer.failure == 0);
    answer_first(older);
    h2_app_close(&app);
    app = (struct h2_app){0};
    wire_close(&w);
    raw_tls_clear(&peer);
    tls_context_unref(accepting);
    wire_pki_clear(&pki);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_move");
    TCase *t = tcase_create("flow");
    tcase_add_unchecked_fixture(t, http_chain_make, http_chain_drop);
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, each_new_stream_is_served_by_what_was_loaded_while_an_older_one_runs);
    tcase_add_test(t, a_client_that_cannot_move_finishes_what_runs_and_begins_nothing);
    tcase_add_test(t, who_is_told_to_finish_while_its_preface_comes_is_told_so_in_HTTP2);
    tcase_add_test(t, a_shared_upstream_connection_is_judged_once_for_each_client);
    tcase_add_test(t, one_that_opens_too_late_fails_all_that_wait_for_it);
    tcase_add_test(t, a_certificate_that_expires_begins_nothing_more_and_ends_nothing);
    suite_add_tcase(s, t);
    return s;
}
