/* SPDX-License-Identifier: Apache-2.0 */
/* Stapled OCSP answers in whole handshakes, by GnuTLS as the server: both versions, resumptions and what a worker remembers (F2, A1, B5). OpenSSL is in
 * tests/system/test_staples.py. */
#include "t.h"

#include "ends.h"
#include "ocsp_maker.h"

#include <gnutls/ocsp.h>
#include <string.h>

static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};
static struct raw_tls raw;
static struct certs root, leaf, must;
static struct tls_trust *trust;
static struct tls_context *ctx;
static gnutls_datum_t ticket_key;
static bool gives_tickets;
static struct span staple; /* what the server sends; empty: nothing */

static void make(void)
{
    struct err err = {0};
    struct findings notes;
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "leaf", .sans = {"dns:" WIRE_NAME}, .issuer = &root}, &leaf);
    certs_make(&(struct certs_order){.cn = "must", .sans = {"dns:" WIRE_NAME}, .issuer = &root, .extension = "1.3.6.1.5.5.7.1.24",
                                     .extension_value = span_of("\x30\x03\x02\x01\x05", 5)},
               &must);
    findings_init(&notes);
    struct tls_file ca = {"ca.pem", root.pem};
    trust = tls_trust_new(&(struct tls_trust_spec){.name = "t", .ca = &ca, .n_ca = 1}, CERTS_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    ctx = tls_context_new(&(struct tls_context_spec){.trust = trust, .server_name = WIRE_NAME}, &err);
    ck_assert_msg(ctx != NULL, "%s", err.text);
    ck_assert_int_eq(gnutls_session_ticket_key_generate(&ticket_key), 0);
    ends_tickets = tls_tickets_new(4);
    gives_tickets = true;
}

static void clear(void)
{
    tls_tickets_free(ends_tickets);
    ends_tickets = NULL;
    gnutls_free(ticket_key.data);
    tls_context_unref(ctx);
    tls_trust_unref(trust);
    certs_clear(&must);
    certs_clear(&leaf);
    certs_clear(&root);
    certs_free(staple);
    staple = span_of(NULL, 0);
}

static int on_status(gnutls_session_t session, void *ptr, gnutls_datum_t *response)
{
    (void)session;
    (void)ptr;
    if (staple.len == 0)
        return GNUTLS_E_NO_CERTIFICATE_STATUS;
    response->data = gnutls_malloc(staple.len);
    ck_assert_ptr_nonnull(response->data);
    memcpy(response->data, staple.ptr, staple.len);
    response->size = (unsigned)staple.len;
    return 0;
}

static void start_server(const struct certs *cert, int version)
{
    gnutls_x509_crt_t chain[] = {cert->crt};
    raw = (struct raw_tls){.server = true};
    raw_tls_start(&raw, GNUTLS_SERVER, versions[version]);
    ck_assert_int_ge(gnutls_certificate_set_x509_key(raw.credentials, chain, 1, cert->key), 0);
    gnutls_certificate_set_ocsp_status_request_function(raw.credentials, on_status, NULL);
    if (gives_tickets)
        ck_assert_int_eq(gnutls_session_ticket_enable_server(raw.session, &ticket_key), 0);
}

static void say(const struct certs *cert, enum ocsp_status status, int64_t next_update)
{
    certs_free(staple);
    staple = ocsp_make(&(struct ocsp_order){.cert = cert, .issuer = &root, .status = status, .next_update = next_update});
}

static void say_nothing(void)
{
    certs_free(staple);
    staple = span_of(NULL, 0);
}

/* One connection; leave() ends it. */
static void meet(const struct certs *cert, int version, int64_t now)
{
    ends_open_one(&ends_client, tls_context_ref(ctx), NULL, NULL);
    ends_client.now = now;
    start_server(cert, version);
    tls_engine_start(ends_client.e, now);
    ends_run_raw(&ends_client, &raw, ENDS_ALL);
    ends_look(&ends_client);
}

static void leave(void)
{
    if (raw.failure == 0 && raw.done) { /* for the ticket */
        raw_tls_say(&raw, "x");
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
    }
    raw_tls_clear(&raw);
    ends_close_one(&ends_client);
}

START_TEST(an_answer_that_says_revoked_ends_the_handshake) /* F2 */
{
    say(&leaf, OCSP_REVOKED, 0);
    meet(&leaf, _i, CERTS_NOW);
    ends_expect_failed(&ends_client, REASON_REVOKED, "revoked");
    ck_assert_int_eq(ends_facts.alert_sent, 44);
    ck_assert_msg(strstr(ends_facts.text, "revoked 2026-01-10T08:00:00Z") != NULL, "%s", ends_facts.text);
    leave();
}
END_TEST

START_TEST(a_certificate_that_requires_an_answer_is_refused_without_it) /* F2 */
{
    meet(&must, _i, CERTS_NOW);
    ends_expect_failed(&ends_client, REASON_STAPLE_MISSING, "no answer");
    ck_assert_int_eq(ends_facts.alert_sent, 113);
    leave();
    say(&must, OCSP_GOOD, 0);
    meet(&must, _i, CERTS_NOW);
    ends_expect_open(&ends_client, "a good answer");
    ck_assert(ends_facts.verdict->requires_staple);
    leave();
}
END_TEST

START_TEST(a_useless_answer_does_not_end_the_handshake)
{
    say(&leaf, OCSP_GOOD, CERTS_NOW - CERTS_DAY);
    meet(&leaf, _i, CERTS_NOW);
    ends_expect_open(&ends_client, "stale");
    ck_assert_ptr_nonnull(strstr(ends_facts.verdict->staple_fault, "nextUpdate has passed"));
    leave();
}
END_TEST

START_TEST(a_valid_verdict_from_memory_does_not_skip_an_answer) /* F2 */
{
    gives_tickets = false;
    for (int round = 0; round < 2; round++) { /* without one, then after a good one */
        if (round == 1)
            say(&leaf, OCSP_GOOD, 0);
        meet(&leaf, _i, CERTS_NOW);
        ends_expect_open(&ends_client, "before");
        leave();
        say(&leaf, OCSP_REVOKED, 0);
        meet(&leaf, _i, CERTS_NOW);
        ends_expect_failed(&ends_client, REASON_REVOKED, "after");
        leave();
        say_nothing();
    }
    say(&must, OCSP_GOOD, 0);
    meet(&must, _i, CERTS_NOW);
    ends_expect_open(&ends_client, "with its answer");
    leave();
    say_nothing();
    meet(&must, _i, CERTS_NOW);
    ends_expect_failed(&ends_client, REASON_STAPLE_MISSING, "without it");
    leave();
}
END_TEST

START_TEST(sessions_of_a_server_that_must_staple_are_not_resumed) /* B5: they would bring no new answer */
{
    meet(&leaf, _i, CERTS_NOW);
    leave();
    meet(&leaf, _i, CERTS_NOW);
    ends_expect_open(&ends_client, "another server");
    ck_assert(ends_facts.resumed);
    leave();
    tls_tickets_forget_all(ends_tickets);
    for (int i = 0; i < 3; i++) {
        say(&must, OCSP_GOOD, 0);
        meet(&must, _i, CERTS_NOW);
        ends_expect_open(&ends_client, "with an answer");
        ck_assert(!ends_facts.resumed);
        leave();
    }
}
END_TEST

static struct tls_context *renegotiating(void)
{
    struct err err = {0};
    struct findings notes;
    struct certs own;
    findings_init(&notes);
    certs_make(&(struct certs_order){.cn = "client", .issuer = &root}, &own);
    struct tls_identity *identity = tls_identity_new(
        &(struct tls_identity_spec){.name = "me", .certificate = own.pem, .certificate_file = "pem", .key = own.key_pem, .key_file = "pem"}, CERTS_NOW, &notes, &err);
    ck_assert_msg(identity != NULL, "%s", err.text);
    struct tls_context *made = tls_context_new(
        &(struct tls_context_spec){.trust = trust, .identity = identity, .server_name = WIRE_NAME, .renegotiation = true}, &err);
    ck_assert_msg(made != NULL, "%s", err.text);
    tls_identity_unref(identity);
    findings_clear(&notes);
    certs_clear(&own);
    return made;
}

START_TEST(an_answer_that_comes_with_a_renegotiation_counts) /* F2, A10 */
{
    for (int revoked = 0; revoked < 2; revoked++) {
        ends_open_one(&ends_client, renegotiating(), NULL, NULL);
        ends_client.now = CERTS_NOW;
        start_server(&leaf, 0);
        raw.renegotiates = true;
        say_nothing();
        tls_engine_start(ends_client.e, CERTS_NOW);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
        ends_expect_open(&ends_client, "the first handshake");
        say(&leaf, revoked ? OCSP_REVOKED : OCSP_GOOD, 0);
        ck_assert_int_eq(gnutls_rehandshake(raw.session), 0);
        ends_run_raw(&ends_client, &raw, ENDS_ALL);
        if (revoked)
            ends_expect_failed(&ends_client, REASON_REVOKED, "the second one");
        else
            ends_expect_open(&ends_client, "the second one");
        raw_tls_clear(&raw);
        ends_close_one(&ends_client);
    }
}
END_TEST

START_TEST(an_idle_connection_ends_with_the_answer_that_it_needs)
{
    const int64_t next = CERTS_NOW + 3600, end = next + 300;
    say(&must, OCSP_GOOD, next);
    meet(&must, _i, CERTS_NOW);
    ends_expect_open(&ends_client, "now");
    ck_assert(!tls_engine_is_outdated(ends_client.e, end) && tls_engine_is_outdated(ends_client.e, end + 1));
    ck_assert_int_eq(tls_engine_rejudge_running(ends_client.e, ctx, end + 1), REASON_VALID);
    ck_assert_int_eq(tls_engine_rejudge(ends_client.e, ctx, end + 1), REASON_STAPLE_MISSING);
    leave();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_staples");
    TCase *t = tcase_create("handshakes");
    tcase_add_checked_fixture(t, make, clear);
    tcase_add_loop_test(t, an_answer_that_says_revoked_ends_the_handshake, 0, 2);
    tcase_add_loop_test(t, a_certificate_that_requires_an_answer_is_refused_without_it, 0, 2);
    tcase_add_loop_test(t, a_useless_answer_does_not_end_the_handshake, 0, 2);
    tcase_add_loop_test(t, a_valid_verdict_from_memory_does_not_skip_an_answer, 0, 2);
    tcase_add_loop_test(t, sessions_of_a_server_that_must_staple_are_not_resumed, 0, 2);
    tcase_add_test(t, an_answer_that_comes_with_a_renegotiation_counts);
    tcase_add_loop_test(t, an_idle_connection_ends_with_the_answer_that_it_needs, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
