/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A12: a client that waits for the answer of its OCSP responder, while the n-th allocation fails, for every n. Nothing of it passes before an answer that
 * is good, nothing at all after one that revokes, and no client stays among those that wait.
 */
#include "t.h"

#include "failing.h"
#include "mtlsd/proxy/client.h"
#include "ocsp_world.h"
#include "wire.h"

#include <stdlib.h>

enum { MOST = 5000, AT_ONCE = 2 };

static struct wire_pki pki;
static struct wire w;
static struct tls_context *connecting, *accepting;
static struct tls_ocsp_store *store;
static struct tls_trust *trust;

static const char GET[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void open_chain(enum tls_ocsp_mode mode)
{
    trust = ocsp_world_trust(&pki.clients_ca, mode, &store);
    connecting = wire_pki_connecting(&pki, &(struct wire_side){.priority = WIRE_PRIORITY_13});
    accepting = wire_pki_accepting(&pki, &(struct wire_side){.trust = trust});
    wire_open(&w, &(struct wire_setup){.protocol = CONFIG_PROTOCOL_HTTP, .connecting = connecting, .accepting = accepting});
    w.verifier.env.waits.most = AT_ONCE;
    w.on_backend = wire_backend_http;
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

static bool wire_works(void)
{
    return wire_proxy_works;
}

/* The question, if it was asked, gets this answer. */
static void answer(enum ocsp_status status)
{
    struct tls_ocsp_facts facts;
    tls_ocsp_store_facts(store, &facts);
    if (facts.waiting > 0)
        ocsp_world_answer(store, &pki.clients_ca, status, w.now.utc);
}

static const struct {
    enum tls_ocsp_mode mode;
    enum ocsp_status status;
} rows[] = {{TLS_OCSP_HARD, OCSP_GOOD}, {TLS_OCSP_HARD, OCSP_REVOKED}, {TLS_OCSP_SOFT, OCSP_GOOD}, {TLS_OCSP_SOFT, OCSP_REVOKED}};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

/* The failure is during the handshake and the question (an even row), or when the answer is looked at. */
static bool try_at(unsigned n, int row)
{
    bool early = row % 2 == 0, soft = rows[row / 2].mode == TLS_OCSP_SOFT, good = rows[row / 2].status == OCSP_GOOD;
    open_chain(rows[row / 2].mode);
    failing_here = wire_works;
    wire_say(wire_connect(&w), GET);
    if (early)
        failing_arm(n, false);
    wire_run(&w);
    bool failed = early && failing_disarm();
    ck_assert_msg(wire_backend_contacts(&w) == 0 || (soft && failed), "allocation %u: it passed before the answer", n);
    size_t before = wire_backend_contacts(&w);
    answer(rows[row / 2].status);
    if (!early)
        failing_arm(n, false);
    wire_proxy_works = true;
    client_wait_look(&w.verifier.env, w.now);
    wire_proxy_works = false;
    wire_run(&w);
    failed = failed || (!early && failing_disarm());
    size_t after = wire_backend_contacts(&w);
    ck_assert_msg(good || after == before, "allocation %u: it passed after an answer that revokes", n);
    ck_assert_msg(failed || (after > 0) == good, "allocation %u: it did not pass", n);
    wire_finish(&w);
    ck_assert_uint_eq(w.verifier.env.waits.n, 0);
    close_chain();
    return failed;
}

START_TEST(a_client_that_waits_passes_after_a_good_answer_only)
{
    unsigned n = 0;
    while (n < MOST && try_at(n, _i))
        n++;
    ck_assert_uint_gt(n, 1);
    ck_assert_uint_lt(n, MOST);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("no_memory_for_ocsp");
    TCase *t = tcase_create("wait");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_client_that_waits_passes_after_a_good_answer_only, 0, 2 * N_ROWS);
    suite_add_tcase(s, t);
    return s;
}
