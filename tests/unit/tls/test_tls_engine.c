/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines joined by their wires, bytes delivered in steps of every size. */
#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/base/bytes.h"
#include "t.h"
#include "wire_pki.h"

#include <string.h>

static struct wire_pki pki;
static struct tls_context *connecting, *accepting;
static struct tls_engine *client, *server;
static size_t step;

static const size_t steps[] = {1, 2, 3, 7, 512, SIZE_MAX};
enum { N_STEPS = sizeof(steps) / sizeof(steps[0]), DAY_LATER = 86400 };

static void make(void)
{
    wire_pki_make(&pki);
}

static void drop(void)
{
    wire_pki_clear(&pki);
}

static void join_with(const struct wire_side *c, const struct wire_side *s, tls_accept_fn accept)
{
    struct err err = {0};
    connecting = wire_pki_connecting(&pki, c);
    accepting = wire_pki_accepting(&pki, s);
    client = tls_engine_new(connecting, NULL, NULL, NULL, &err);
    server = tls_engine_new(accepting, NULL, accept, NULL, &err);
    ck_assert_msg(client != NULL && server != NULL, "%s", err.text);
    step = SIZE_MAX;
    tls_engine_start(client, WIRE_NOW);
    tls_engine_start(server, WIRE_NOW);
}

static void join(void)
{
    static const struct wire_side good;
    join_with(&good, &good, NULL);
}

static void part(void)
{
    tls_engine_free(client);
    tls_engine_free(server);
    tls_context_unref(connecting);
    tls_context_unref(accepting);
}

/* One step of one direction, through memory that is gone afterwards. */
static bool carry(struct tls_engine *from, struct tls_engine *to)
{
    struct span out = tls_engine_wire_out(from);
    size_t n = out.len < step ? out.len : step;
    if (n == 0)
        return false;
    uint8_t *copy = malloc(n);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, out.ptr, n);
    tls_engine_wire_sent(from, n);
    tls_engine_wire_in(to, span_of(copy, n), WIRE_NOW);
    tls_engine_wire_keep(to);
    free(copy);
    return true;
}

static void settle(void)
{
    bool moved = true;
    while (moved) {
        moved = carry(client, server);
        moved = carry(server, client) || moved;
    }
}

static bool has(const struct tls_engine *e, unsigned flags)
{
    return (tls_engine_flags(e) & flags) == flags;
}

static enum reason reason_of(const struct tls_engine *e)
{
    struct tls_facts facts;
    tls_engine_facts(e, &facts);
    return facts.reason;
}

static size_t read_all(struct tls_engine *e, char *out, size_t size)
{
    size_t at = 0, n;
    while ((n = tls_engine_app_read(e, (uint8_t *)out + at, size - at)) > 0)
        at += n;
    return at;
}

START_TEST(a_handshake_ends_whatever_the_cut_of_the_bytes)
{
    struct wire_side c = {.priority = _i >= N_STEPS ? WIRE_PRIORITY_12 : WIRE_PRIORITY_13}, s = {0};
    join_with(&c, &s, NULL);
    step = steps[_i % N_STEPS];
    settle();
    ck_assert(!has(client, TLS_HANDSHAKING) && !has(server, TLS_HANDSHAKING));
    ck_assert(has(client, TLS_TAKES_APP) && has(server, TLS_TAKES_APP));
    struct tls_facts facts;
    tls_engine_facts(server, &facts);
    ck_assert_str_eq(facts.version, _i >= N_STEPS ? "TLS1.2" : "TLS1.3");
    ck_assert_int_eq(facts.verdict->status, REASON_VALID);
    ck_assert_ptr_nonnull(strstr(facts.peer->subject, "client"));
    ck_assert(!facts.resumed);
    tls_engine_facts(client, &facts);
    ck_assert(facts.asked_for_ours && facts.ours_sent);
    ck_assert_int_eq(facts.reason, REASON_UNDECIDED);
    part();
}
END_TEST

START_TEST(bytes_arrive_as_they_were_written)
{
    static char big[100000], got[sizeof(big)];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (char)(i * 7 + i / 256);
    join();
    settle();
    step = steps[_i];
    size_t written = 0, read = 0;
    while (read < sizeof(big)) {
        written += tls_engine_app_write(client, span_of(big + written, sizeof(big) - written));
        carry(client, server);
        carry(server, client);
        read += read_all(server, got + read, sizeof(got) - read);
    }
    ck_assert_int_eq(memcmp(big, got, sizeof(big)), 0);
    part();
}
END_TEST

START_TEST(nothing_is_taken_before_the_peer_was_judged) /* B2, B3 */
{
    join();
    ck_assert(!has(client, TLS_TAKES_APP) && has(client, TLS_HANDSHAKING));
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("early")), 0);
    ck_assert_uint_eq(tls_engine_app_write(server, span_from_str("early")), 0);
    settle();
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("in time")), 7);
    part();
}
END_TEST

START_TEST(it_stops_taking_bytes_while_the_wire_does_not_drain) /* D6 */
{
    static uint8_t big[1024 * 1024];
    join();
    settle();
    size_t taken = tls_engine_app_write(client, span_of(big, sizeof(big)));
    ck_assert_uint_lt(taken, 300 * 1024);
    ck_assert(!has(client, TLS_TAKES_APP) && !has(client, TLS_FAILED));
    ck_assert_uint_eq(tls_engine_app_write(client, span_of(big, 1)), 0);
    ck_assert_uint_lt(tls_engine_wire_out(client).len, 384 * 1024);
    tls_engine_wire_sent(client, tls_engine_wire_out(client).len);
    ck_assert(has(client, TLS_TAKES_APP));
    part();
}
END_TEST

START_TEST(an_end_is_told_and_the_other_direction_goes_on) /* D4 */
{
    char got[16];
    join();
    settle();
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("last")), 4);
    tls_engine_app_end(client);
    ck_assert(!has(client, TLS_TAKES_APP));
    settle();
    ck_assert_uint_eq(read_all(server, got, sizeof(got)), 4);
    ck_assert(has(server, TLS_CLOSED) && !has(server, TLS_FAILED));
    ck_assert_uint_eq(tls_engine_app_write(server, span_from_str("reply")), 5);
    settle();
    ck_assert_uint_eq(read_all(client, got, sizeof(got)), 5);
    ck_assert(!has(client, TLS_CLOSED));
    tls_engine_wire_eof(server, WIRE_NOW); /* after close_notify this is no cut */
    ck_assert_uint_eq(read_all(server, got, sizeof(got)), 0);
    ck_assert(!has(server, TLS_FAILED));
    part();
}
END_TEST

START_TEST(an_end_of_the_wire_alone_is_a_cut) /* B7 */
{
    char got[16];
    join();
    settle();
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("some")), 4);
    settle();
    tls_engine_wire_eof(server, WIRE_NOW);
    ck_assert_uint_eq(read_all(server, got, sizeof(got)), 4); /* what came before is still read */
    ck_assert(has(server, TLS_FAILED) && !has(server, TLS_CLOSED));
    ck_assert_int_eq(reason_of(server), REASON_TRUNCATED);
    part();
}
END_TEST

START_TEST(an_end_during_the_handshake_has_its_own_reason)
{
    join();
    carry(client, server);
    tls_engine_wire_eof(_i == 0 ? server : client, WIRE_NOW);
    ck_assert_int_eq(reason_of(_i == 0 ? server : client), _i == 0 ? REASON_CLIENT_REFUSED_CERTIFICATE : REASON_UPSTREAM_CLOSED);
    part();
}
END_TEST

START_TEST(a_flipped_bit_anywhere_is_fatal_and_sticky)
{
    join();
    settle();
    char got[64];
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("content")), 7);
    struct span out = tls_engine_wire_out(client);
    uint8_t copy[256];
    ck_assert_uint_lt(out.len, sizeof(copy));
    memcpy(copy, out.ptr, out.len);
    copy[5 + (size_t)_i % (out.len - 5)] ^= 1;
    tls_engine_wire_in(server, span_of(copy, out.len), WIRE_NOW);
    ck_assert_uint_eq(read_all(server, got, sizeof(got)), 0);
    ck_assert(has(server, TLS_FAILED | TLS_HAS_WIRE)); /* the alert is still to be sent */
    ck_assert_int_eq(reason_of(server), REASON_TLS_FAILED);
    tls_engine_wire_in(server, span_of(copy, out.len), WIRE_NOW);
    ck_assert_uint_eq(read_all(server, got, sizeof(got)), 0);
    ck_assert_uint_eq(tls_engine_app_write(server, span_from_str("x")), 0);
    settle();
    read_all(client, got, sizeof(got));
    ck_assert(has(client, TLS_FAILED));
    part();
}
END_TEST

static enum reason says_no(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    (void)ctx;
    ck_assert_int_eq(verdict->status, REASON_VALID);
    ck_assert_ptr_nonnull(peer);
    *alert = 49;
    return REASON_NOT_ALLOWED;
}

START_TEST(the_rules_may_refuse_a_valid_peer_inside_the_handshake)
{
    struct wire_side c = {.priority = _i == 0 ? WIRE_PRIORITY_12 : WIRE_PRIORITY_13}, s = {0};
    char got[16];
    join_with(&c, &s, says_no);
    settle();
    read_all(client, got, sizeof(got));
    struct tls_facts facts;
    tls_engine_facts(server, &facts);
    ck_assert_int_eq(facts.reason, REASON_NOT_ALLOWED);
    ck_assert_int_eq(facts.alert_sent, 49);
    ck_assert_uint_eq(tls_engine_app_write(server, span_from_str("x")), 0);
    tls_engine_facts(client, &facts);
    ck_assert_int_eq(facts.reason, REASON_OUR_CERTIFICATE_REFUSED);
    ck_assert_int_eq(facts.alert_received, 49);
    part();
}
END_TEST

static enum reason undecided(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert)
{
    (void)ctx;
    (void)verdict;
    (void)peer;
    (void)alert;
    return REASON_UNDECIDED;
}

START_TEST(a_rule_that_decides_nothing_lets_nobody_in)
{
    static const struct wire_side good;
    join_with(&good, &good, undecided);
    settle();
    ck_assert(has(server, TLS_FAILED) && !has(server, TLS_TAKES_APP));
    part();
}
END_TEST

START_TEST(a_handshake_message_that_is_too_long_is_refused) /* A7 */
{
    join();
    uint8_t record[5 + 16384] = {22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff}; /* a ClientHello of 16 MiB, or so it says */
    int i = 0;
    for (; i < 2000 && !has(server, TLS_FAILED); i++) {
        tls_engine_wire_in(server, span_of(record, sizeof(record)), WIRE_NOW);
        tls_engine_wire_keep(server);
        memset(record + 5, 0, 16384);
    }
    ck_assert_msg(i <= 32, "%d KiB were taken in first", i * 16);
    ck_assert(has(server, TLS_FAILED));
    ck_assert_int_eq(reason_of(server), REASON_TLS_FAILED);
    part();
}
END_TEST

START_TEST(a_kept_connection_is_judged_again_under_another_trust) /* B5 */
{
    struct wire_side stricter[] = {{0}, {.revokes_peer = true}, {.trusts = &pki.other_ca}, {.asks_given = true, .ask = TLS_ASK_NONE}};
    static const enum reason want[] = {REASON_VALID, REASON_REVOKED, REASON_UNKNOWN_CA, REASON_UNKNOWN_CA};
    if (_i == 3)
        stricter[3] = (struct wire_side){.trusts = &pki.other_ca, .asks_given = true, .ask = TLS_ASK_OPTIONAL};
    join();
    settle();
    struct tls_context *other = wire_pki_accepting(&pki, &stricter[_i]);
    ck_assert_int_eq(tls_engine_rejudge(server, other, WIRE_NOW), want[_i]);
    tls_context_unref(other);
    ck_assert_int_eq(tls_engine_rejudge(server, accepting, (int64_t)WIRE_NOW + 400 * (int64_t)DAY_LATER), REASON_EXPIRED);
    ck_assert_int_eq(tls_engine_rejudge(server, connecting, WIRE_NOW), REASON_UNDECIDED); /* the other role */
    part();
}
END_TEST

START_TEST(no_certificate_does_not_pass_where_one_is_now_required)
{
    struct wire_side c = {.no_certificate = true}, s = {.asks_given = true, .ask = TLS_ASK_OPTIONAL}, strict = {0};
    join_with(&c, &s, NULL);
    settle();
    ck_assert(has(server, TLS_TAKES_APP));
    struct tls_context *required = wire_pki_accepting(&pki, &strict);
    ck_assert_int_eq(tls_engine_rejudge(server, accepting, WIRE_NOW), REASON_VALID);
    ck_assert_int_eq(tls_engine_rejudge(server, required, WIRE_NOW), REASON_NONE);
    tls_context_unref(required);
    part();
}
END_TEST

START_TEST(an_engine_that_is_idle_holds_no_bytes)
{
    join();
    settle();
    ck_assert_uint_eq(tls_engine_app_write(client, span_from_str("x")), 1);
    ck_assert_uint_gt(tls_engine_wire_out(client).len, 1);
    tls_engine_wire_sent(client, tls_engine_wire_out(client).len);
    ck_assert_uint_eq(tls_engine_wire_out(client).len, 0);
    ck_assert(!has(client, TLS_HAS_WIRE));
    part();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_engine");
    TCase *t = tcase_create("tls_engine");
    tcase_add_unchecked_fixture(t, make, drop);
    tcase_add_loop_test(t, a_handshake_ends_whatever_the_cut_of_the_bytes, 0, 2 * N_STEPS);
    tcase_add_loop_test(t, bytes_arrive_as_they_were_written, 0, N_STEPS);
    tcase_add_test(t, nothing_is_taken_before_the_peer_was_judged);
    tcase_add_test(t, it_stops_taking_bytes_while_the_wire_does_not_drain);
    tcase_add_test(t, an_end_is_told_and_the_other_direction_goes_on);
    tcase_add_test(t, an_end_of_the_wire_alone_is_a_cut);
    tcase_add_loop_test(t, an_end_during_the_handshake_has_its_own_reason, 0, 2);
    tcase_add_loop_test(t, a_flipped_bit_anywhere_is_fatal_and_sticky, 0, 24);
    tcase_add_loop_test(t, the_rules_may_refuse_a_valid_peer_inside_the_handshake, 0, 2);
    tcase_add_test(t, a_rule_that_decides_nothing_lets_nobody_in);
    tcase_add_test(t, a_handshake_message_that_is_too_long_is_refused);
    tcase_add_loop_test(t, a_kept_connection_is_judged_again_under_another_trust, 0, 4);
    tcase_add_test(t, no_certificate_does_not_pass_where_one_is_now_required);
    tcase_add_test(t, an_engine_that_is_idle_holds_no_bytes);
    suite_add_tcase(s, t);
    return s;
}
