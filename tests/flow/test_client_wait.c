/* SPDX-License-Identifier: Apache-2.0 */
/* A12: clients that wait for an OCSP answer, over whole connections: nothing of them passes before it, and their number is bounded. */
#include "t.h"

#include "mtlsd/proxy/client.h"
#include "ocsp_world.h"
#include "raw_tls.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static struct wire_pki pki;
static struct wire w;
static struct tls_context *connecting, *accepting;
static struct tls_ocsp_store *store;
static struct tls_trust *trust;

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void open_chain(enum tls_ocsp_mode mode, int version, enum config_protocol protocol, size_t most)
{
    trust = ocsp_world_trust(&pki.clients_ca, mode, &store);
    connecting = wire_pki_connecting(&pki, &(struct wire_side){.priority = version});
    accepting = wire_pki_accepting(&pki, &(struct wire_side){.trust = trust});
    wire_open(&w, &(struct wire_setup){.protocol = protocol, .connecting = connecting, .accepting = accepting});
    w.verifier.env.waits.most = most;
    w.on_backend = protocol == CONFIG_PROTOCOL_HTTP ? wire_backend_http : NULL;
}

static void close_chain(void)
{
    wire_close(&w);
    free(w.verifier.env.waits.items);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    tls_trust_unref(trust);
    tls_ocsp_store_unref(store);
}

static void answer(enum ocsp_status status)
{
    ocsp_world_answer(store, &pki.clients_ca, status, w.now.utc);
    client_wait_look(&w.verifier.env, w.now);
    wire_run(&w);
}

START_TEST(a_request_passes_after_a_good_answer_and_not_before)
{
    enum config_protocol protocol = _i / 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    open_chain(TLS_OCSP_HARD, versions[_i % 2], protocol, 2);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    ck_assert_uint_eq(w.verifier.env.waits.n, 1);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    answer(OCSP_GOOD);
    ck_assert_uint_eq(w.verifier.env.waits.n, 0);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    close_chain();
}
END_TEST

START_TEST(nothing_passes_after_an_answer_that_revokes)
{
    enum config_protocol protocol = _i / 2 == 0 ? CONFIG_PROTOCOL_HTTP : CONFIG_PROTOCOL_TCP;
    open_chain(TLS_OCSP_SOFT, versions[_i % 2], protocol, 2);
    struct wire_socket *app = wire_connect(&w);
    wire_say(app, GET);
    wire_run(&w);
    answer(OCSP_REVOKED);
    wire_finish(&w);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_REVOKED);
    close_chain();
}
END_TEST

START_TEST(one_too_many_does_not_wait)
{
    open_chain(TLS_OCSP_HARD, versions[_i], CONFIG_PROTOCOL_HTTP, 2); /* of one responder: one */
    struct wire_socket *first = wire_connect(&w), *second = wire_connect(&w);
    wire_say(first, GET);
    wire_run(&w);
    wire_say(second, GET);
    wire_run(&w);
    ck_assert_uint_eq(w.verifier.env.waits.n, 1);
    ck_assert_int_eq(wire_last(&w.verifier)->reason, REASON_OCSP_MISSING);
    answer(OCSP_GOOD);
    ck_assert_uint_eq(wire_backend_contacts(&w), 1);
    close_chain();
}
END_TEST

START_TEST(a_client_waits_no_longer_than_its_handshake_may_take)
{
    open_chain(TLS_OCSP_HARD, versions[_i], CONFIG_PROTOCOL_HTTP, 2);
    wire_say(wire_connect(&w), GET);
    wire_run(&w);
    ck_assert_uint_eq(w.verifier.env.waits.n, 1);
    wire_finish(&w);
    ck_assert_uint_eq(w.verifier.env.waits.n, 0);
    ck_assert_uint_eq(wire_backend_contacts(&w), 0);
    answer(OCSP_GOOD); /* no client is left to hear it */
    close_chain();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("client_wait");
    TCase *t = tcase_create("wait");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_request_passes_after_a_good_answer_and_not_before, 0, 4);
    tcase_add_loop_test(t, nothing_passes_after_an_answer_that_revokes, 0, 4);
    tcase_add_loop_test(t, one_too_many_does_not_wait, 0, 2);
    tcase_add_loop_test(t, a_client_waits_no_longer_than_its_handshake_may_take, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
