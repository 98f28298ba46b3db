/* SPDX-License-Identifier: Apache-2.0 */
/* A12: an engine that waits for the OCSP answer about its client opens only by that answer. */
#include "t.h"

#include "ends.h"
#include "ocsp_world.h"

static const int versions[] = {WIRE_PRIORITY_12, WIRE_PRIORITY_13};
static struct tls_ocsp_store *store;
static struct tls_trust *trust;

static void meet(enum tls_ocsp_mode mode, int version)
{
    trust = ocsp_world_trust(&ends_pki.clients_ca, mode, &store);
    ends_open(&(struct wire_side){.priority = version}, &(struct wire_side){.trust = trust});
    ends_run(ENDS_ALL);
}

static void part(void)
{
    ends_close();
    tls_trust_unref(trust);
    tls_ocsp_store_unref(store);
}

static void look_again(bool give_up)
{
    tls_engine_look_again(ends_server.e, give_up, WIRE_NOW);
    ends_read_all(&ends_server);
    ends_run(ENDS_ALL);
}

static void expect_waiting(void)
{
    ck_assert((tls_engine_flags(ends_server.e) & TLS_WAITS) != 0 && (tls_engine_flags(ends_server.e) & TLS_HANDSHAKING) != 0);
    ck_assert_uint_eq(tls_engine_flags(ends_server.e) & TLS_TAKES_APP, 0);
    ck_assert_uint_eq(ends_server.got.len, 0);
}

START_TEST(nothing_of_the_client_is_read_before_the_answer) /* A12 */
{
    meet(TLS_OCSP_HARD, versions[_i]);
    expect_waiting();
    ends_say(&ends_client, "early");
    ends_run(1);
    expect_waiting();
    look_again(false); /* no answer yet */
    expect_waiting();
    ck_assert_int_eq(ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_GOOD, WIRE_NOW), TLS_OCSP_HELD);
    look_again(false);
    ends_expect_open(&ends_server, "after a good answer");
    ends_expect_got(&ends_server, "early", "said before it");
    part();
}
END_TEST

START_TEST(a_revoked_client_is_refused_in_both_modes) /* A12 */
{
    meet(_i % 2 == 0 ? TLS_OCSP_HARD : TLS_OCSP_SOFT, versions[_i / 2]);
    ends_say(&ends_client, "early");
    ends_run(ENDS_ALL);
    ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_REVOKED, WIRE_NOW);
    look_again(false);
    ends_expect_failed(&ends_server, REASON_REVOKED, "revoked");
    ck_assert_uint_eq(ends_server.got.len, 0);
    part();
}
END_TEST

START_TEST(without_an_answer_the_mode_decides)
{
    for (int way = 0; way < 3; way++) { /* a failure, an answer that does not count, and a wait that is given up */
        meet(_i % 2 == 0 ? TLS_OCSP_HARD : TLS_OCSP_SOFT, versions[_i / 2]);
        if (way == 0)
            ck_assert_int_eq(ocsp_world_fail(store, WIRE_NOW), TLS_OCSP_FAILED);
        else if (way == 1)
            ck_assert_int_eq(ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_UNKNOWN, WIRE_NOW), TLS_OCSP_FAILED);
        look_again(way == 2);
        if (_i % 2 == 0) {
            ends_expect_failed(&ends_server, REASON_OCSP_MISSING, "hard");
        } else {
            ends_expect_open(&ends_server, "soft");
            ck_assert(ends_facts.verdict->unanswered);
        }
        part();
    }
}
END_TEST

START_TEST(a_client_that_leaves_meanwhile_is_no_harm) /* A12 */
{
    meet(TLS_OCSP_HARD, versions[_i]);
    tls_engine_wire_eof(ends_server.e, WIRE_NOW);
    expect_waiting();
    ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_GOOD, WIRE_NOW);
    look_again(false);
    ends_look(&ends_server);
    ck_assert_int_eq(ends_facts.reason, REASON_TRUNCATED);
    part();
}
END_TEST

START_TEST(an_open_connection_is_held_to_later_answers)
{
    meet(TLS_OCSP_HARD, versions[_i]);
    ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_GOOD, WIRE_NOW);
    look_again(false);
    ends_expect_open(&ends_server, "good");
    ck_assert(!tls_engine_is_outdated(ends_server.e, WIRE_NOW + 3600) && tls_engine_is_outdated(ends_server.e, WIRE_NOW + 3901));
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW), REASON_VALID);
    tls_ocsp_store_look(store, WIRE_NOW + 3599, 1);
    ck_assert_int_eq(ocsp_world_fail(store, WIRE_NOW + 3599), TLS_OCSP_FAILED);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW + 3599), REASON_VALID); /* the answer of before has not ended */
    tls_ocsp_store_look(store, WIRE_NOW + 3604, 1);
    ck_assert_int_eq(ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_REVOKED, WIRE_NOW + 3604), TLS_OCSP_REVOKES);
    ck_assert(!tls_engine_keeps_row(ends_server.e, ends_server.ctx, WIRE_NOW + 3604));
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW + 3604), REASON_REVOKED);
    part();
}
END_TEST

START_TEST(an_ended_answer_ends_nothing_that_runs)
{
    meet(TLS_OCSP_HARD, versions[_i]);
    ocsp_world_answer(store, &ends_pki.clients_ca, OCSP_GOOD, WIRE_NOW);
    look_again(false);
    tls_ocsp_store_look(store, WIRE_NOW + 4000, 1);
    ocsp_world_fail(store, WIRE_NOW + 4000);
    ck_assert_int_eq(tls_engine_rejudge_running(ends_server.e, ends_server.ctx, WIRE_NOW + 4000), REASON_VALID);
    ck_assert(tls_engine_is_outdated(ends_server.e, WIRE_NOW + 4000));
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, ends_server.ctx, WIRE_NOW + 4000), REASON_OCSP_MISSING);
    part();
}
END_TEST

START_TEST(a_configuration_that_begins_to_ask_spares_open_connections_until_it_knows)
{
    ends_open(&(struct wire_side){.priority = versions[_i]}, &(struct wire_side){0});
    ends_run(ENDS_ALL);
    ends_expect_open(&ends_server, "without questions");
    trust = ocsp_world_trust(&ends_pki.clients_ca, TLS_OCSP_HARD, &store);
    struct tls_context *asking = wire_pki_accepting(&ends_pki, &(struct wire_side){.trust = trust});
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, asking, WIRE_NOW), REASON_VALID);
    ck_assert(tls_engine_is_outdated(ends_server.e, WIRE_NOW + 6));
    ocsp_world_fail(store, WIRE_NOW);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, asking, WIRE_NOW + 1), REASON_OCSP_MISSING);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, asking, WIRE_NOW + 5), REASON_OCSP_MISSING); /* asked once more: no second grace */
    tls_context_unref(asking);
    part();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine_ocsp");
    TCase *t = tcase_create("engine");
    tcase_add_unchecked_fixture(t, ends_make, ends_drop);
    tcase_add_loop_test(t, nothing_of_the_client_is_read_before_the_answer, 0, 2);
    tcase_add_loop_test(t, a_revoked_client_is_refused_in_both_modes, 0, 4);
    tcase_add_loop_test(t, without_an_answer_the_mode_decides, 0, 4);
    tcase_add_loop_test(t, a_client_that_leaves_meanwhile_is_no_harm, 0, 2);
    tcase_add_loop_test(t, an_open_connection_is_held_to_later_answers, 0, 2);
    tcase_add_loop_test(t, an_ended_answer_ends_nothing_that_runs, 0, 2);
    tcase_add_loop_test(t, a_configuration_that_begins_to_ask_spares_open_connections_until_it_knows, 0, 2);
    suite_add_tcase(s, t);
    return s;
}
