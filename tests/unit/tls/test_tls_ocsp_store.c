/* SPDX-License-Identifier: Apache-2.0 */
/* A12: what is asked, when, how often, and how much of it at once. */
#include "tls_ocsp_rows.h"
#include "t.h"

#include "ocsp_maker.h"

#include <string.h>

enum { N = 400, HOUR = 3600 };
#define NOW CERTS_NOW

static struct certs root, leaf;
static struct tls_ocsp_store *store;
static unsigned asks;
static uint8_t ders[N][1200]; /* certificates that differ in their serial number only */

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root, .serial = UINT64_C(0x4455667788)}, &leaf);
    ck_assert_uint_le(leaf.der.len, sizeof(ders[0]));
    const uint8_t *serial = memmem(leaf.der.ptr, leaf.der.len, "\x44\x55\x66\x77\x88", 5);
    ck_assert_ptr_nonnull(serial);
    for (unsigned i = 0; i < N; i++) {
        memcpy(ders[i], leaf.der.ptr, leaf.der.len);
        ders[i][serial - leaf.der.ptr + 3] = (uint8_t)(i >> 8);
        ders[i][serial - leaf.der.ptr + 4] = (uint8_t)i;
    }
}

static void clear(void)
{
    certs_clear(&leaf);
    certs_clear(&root);
}

static void on_ask(void *ctx)
{
    (void)ctx;
    asks++;
}

static void open_store(void)
{
    store = tls_ocsp_store_new();
    ck_assert_ptr_nonnull(store);
    tls_ocsp_store_listen(store, on_ask, NULL);
    asks = 0;
}

static void close_store(void)
{
    tls_ocsp_store_unref(store);
}

static struct tls_ocsp_look ask(struct span der, const char *responder, int64_t now)
{
    const struct tls_ocsp_rules rules = {.mode = TLS_OCSP_HARD, .responder = responder, .timeout_ms = 1000};
    struct tls_ocsp_look look;
    uint8_t id[32];
    tls_cert_digest(der, id);
    tls_ocsp_store_ask(store, &(struct tls_ocsp_about){&rules, der, root.der}, id, now, &look);
    return look;
}

static enum tls_ocsp_state state_at(int64_t now)
{
    struct tls_ocsp_look look;
    uint8_t id[32];
    tls_cert_digest(leaf.der, id);
    tls_ocsp_store_find(store, id, now, &look);
    tls_ocsp_answer_unref(look.answer);
    return look.state;
}

static struct tls_ocsp_order *take(void)
{
    unsigned within_ms = 0;
    struct tls_ocsp_order *o = tls_ocsp_store_take(store, 1, &within_ms);
    ck_assert(o == NULL || (within_ms > 0 && within_ms <= 1000));
    return o;
}

static enum tls_ocsp_news answer(enum ocsp_status status, int64_t now)
{
    char fault[TLS_OCSP_FAULT_SIZE] = "";
    struct tls_ocsp_order *o = take();
    ck_assert_ptr_nonnull(o);
    struct span der = ocsp_make(&(struct ocsp_order){.cert = &leaf, .issuer = &root, .status = status, .this_update = now, .next_update = now + HOUR});
    enum tls_ocsp_news news = tls_ocsp_store_answered(store, o, &(struct tls_ocsp_result){.body = der}, now, 0, fault);
    certs_free(der);
    tls_ocsp_order_unref(o);
    return news;
}

static enum tls_ocsp_news fall_silent(int64_t now)
{
    char fault[TLS_OCSP_FAULT_SIZE];
    struct tls_ocsp_order *o = take();
    ck_assert_ptr_nonnull(o);
    enum tls_ocsp_news news = tls_ocsp_store_answered(store, o, &(struct tls_ocsp_result){.fault = "silence"}, now, 0, fault);
    ck_assert_str_eq(fault, "r.test: silence");
    tls_ocsp_order_unref(o);
    return news;
}

static struct tls_ocsp_row *hold(void)
{
    uint8_t id[32];
    tls_cert_digest(leaf.der, id);
    return tls_ocsp_store_hold(store, id);
}

#define R "http://r.test/"

START_TEST(an_answer_is_kept_until_it_ends)
{
    ck_assert_int_eq(state_at(NOW), TLS_OCSP_UNASKED);
    ck_assert_int_eq(ask(leaf.der, R, NOW).state, TLS_OCSP_AWAITED);
    ck_assert_int_eq(ask(leaf.der, R, NOW).state, TLS_OCSP_AWAITED);
    ck_assert_uint_eq(asks, 1);
    ck_assert_int_eq(state_at(NOW), TLS_OCSP_AWAITED);
    ck_assert_int_eq(answer(OCSP_GOOD, NOW), TLS_OCSP_HELD);
    ck_assert_ptr_null(take());
    ck_assert_int_eq(state_at(NOW + 1), TLS_OCSP_ANSWERED);
    ck_assert_int_eq(state_at(NOW + HOUR + 301), TLS_OCSP_UNASKED);
}
END_TEST

START_TEST(a_failure_counts_for_a_while_and_longer_each_time)
{
    int64_t now = NOW;
    for (int wait = 5; wait <= 300; wait = wait < 160 ? 2 * wait : wait + 1000) {
        ck_assert_int_eq(ask(leaf.der, R, now).state, TLS_OCSP_AWAITED);
        ck_assert_int_eq(fall_silent(now), TLS_OCSP_FAILED);
        ck_assert_int_eq(state_at(now + wait - 1), TLS_OCSP_NO_ANSWER);
        struct tls_ocsp_look look = ask(leaf.der, R, now + wait - 1);
        ck_assert_int_eq(look.state, TLS_OCSP_NO_ANSWER);
        ck_assert_str_eq(look.fault, "r.test: silence");
        now += wait;
        ck_assert_int_eq(state_at(now), TLS_OCSP_UNASKED);
    }
    ck_assert_int_eq(ask(leaf.der, R, now).state, TLS_OCSP_AWAITED);
    ck_assert_int_eq(answer(OCSP_UNKNOWN, now), TLS_OCSP_FAILED);
    ck_assert_int_eq(state_at(NOW - 10 * CERTS_DAY), TLS_OCSP_UNASKED); /* the clock was set back: the plan of before means nothing */
}
END_TEST

START_TEST(what_is_used_is_asked_again_before_it_ends)
{
    ask(leaf.der, R, NOW);
    struct tls_ocsp_row *row = hold();
    answer(OCSP_GOOD, NOW);
    ck_assert(!tls_ocsp_store_look(store, NOW + HOUR / 2 - 1, 1));
    ck_assert_ptr_null(take());
    ck_assert(!tls_ocsp_store_look(store, NOW + HOUR / 2, 1));
    ck_assert_int_eq(state_at(NOW + HOUR / 2), TLS_OCSP_ANSWERED); /* meanwhile */
    ck_assert_int_eq(answer(OCSP_REVOKED, NOW + HOUR / 2), TLS_OCSP_REVOKES);
    tls_ocsp_store_look(store, NOW + HOUR, 1);
    ck_assert_int_eq(answer(OCSP_REVOKED, NOW + HOUR), TLS_OCSP_HELD); /* no news */
    tls_ocsp_row_release(row);
}
END_TEST

START_TEST(a_reload_counts_for_the_next_question) /* F3: a responder that the configuration takes back is not asked again */
{
    ask(leaf.der, R, NOW);
    struct tls_ocsp_row *row = hold();
    answer(OCSP_GOOD, NOW);
    tls_ocsp_store_reload(store);
    tls_ocsp_store_look(store, NOW + HOUR / 2, 1);
    ck_assert_ptr_null(take());
    ck_assert_int_eq(state_at(NOW + HOUR / 2), TLS_OCSP_ANSWERED);
    ck_assert_uint_eq(asks, 1);
    struct tls_ocsp_look look = ask(leaf.der, "http://other.test/", NOW + HOUR / 2);
    ck_assert(look.state == TLS_OCSP_ANSWERED && look.stale);
    tls_ocsp_answer_unref(look.answer);
    ck_assert_int_eq(state_at(NOW + HOUR / 2 + 1), TLS_OCSP_ANSWERED); /* a use asks */
    struct tls_ocsp_order *o = take();
    ck_assert_ptr_nonnull(o);
    ck_assert_str_eq(tls_ocsp_order_question(o)->host, "other.test");
    tls_ocsp_order_unref(o);
    tls_ocsp_row_release(row);
}
END_TEST

START_TEST(what_is_not_used_is_forgotten)
{
    struct tls_ocsp_facts facts;
    ask(leaf.der, R, NOW);
    ck_assert_int_eq(answer(OCSP_REVOKED, NOW), TLS_OCSP_HELD); /* of no open connection */
    tls_ocsp_store_look(store, NOW + HOUR / 2, 1);
    ck_assert_ptr_null(take());
    ck_assert_int_eq(tls_ocsp_store_wait_ms(store, NOW + HOUR / 2), 60000);
    ck_assert_int_eq(state_at(NOW + HOUR / 2 + 1), TLS_OCSP_ANSWERED); /* a use that comes late asks */
    ck_assert_uint_eq(asks, 2);
    ck_assert_int_eq(answer(OCSP_GOOD, NOW + HOUR / 2 + 1), TLS_OCSP_HELD);
    tls_ocsp_store_look(store, NOW + 2 * HOUR, 1);
    tls_ocsp_store_look(store, NOW + 3 * HOUR, 1);
    tls_ocsp_store_facts(store, &facts);
    ck_assert_uint_eq(facts.rows, 0);
    ck_assert_uint_eq(facts.answers, 0);
    ck_assert_int_eq(tls_ocsp_store_wait_ms(store, NOW), -1);
}
END_TEST

START_TEST(a_responder_that_hangs_leaves_room_for_others) /* A12 */
{
    struct tls_ocsp_order *running[TLS_OCSP_RUNNING_OF_ONE];
    for (unsigned i = 0; i < TLS_OCSP_RUNNING_OF_ONE; i++) {
        ck_assert_int_eq(ask(span_of(ders[i], leaf.der.len), R, NOW).state, TLS_OCSP_AWAITED);
        running[i] = take();
        ck_assert_ptr_nonnull(running[i]);
    }
    for (unsigned i = TLS_OCSP_RUNNING_OF_ONE; i < TLS_OCSP_RUNNING_OF_ONE + TLS_OCSP_QUEUED_OF_ONE; i++)
        ck_assert_int_eq(ask(span_of(ders[i], leaf.der.len), R, NOW).state, TLS_OCSP_AWAITED);
    ck_assert_ptr_null(take());
    ck_assert_int_eq(ask(span_of(ders[N - 1], leaf.der.len), R, NOW).state, TLS_OCSP_NO_ANSWER);
    ck_assert_int_eq(ask(span_of(ders[N - 1], leaf.der.len), "http://other.test/", NOW).state, TLS_OCSP_AWAITED);
    struct tls_ocsp_order *other = take();
    ck_assert_ptr_nonnull(other);
    ck_assert_str_eq(tls_ocsp_order_question(other)->host, "other.test");
    ck_assert(!tls_ocsp_store_look(store, NOW, 1000));
    ck_assert_int_eq(tls_ocsp_store_wait_ms(store, NOW), 50);
    ck_assert(tls_ocsp_store_look(store, NOW, 1001 * 1000)); /* those in the queue are late */
    ck_assert_int_eq(ask(span_of(ders[N - 2], leaf.der.len), R, NOW).state, TLS_OCSP_AWAITED);
    tls_ocsp_order_unref(other);
    for (unsigned i = 0; i < TLS_OCSP_RUNNING_OF_ONE; i++)
        tls_ocsp_order_unref(running[i]);
}
END_TEST

START_TEST(nothing_is_awaited_when_nothing_is_fetched)
{
    tls_ocsp_store_listen(store, NULL, NULL);
    ck_assert_int_eq(ask(leaf.der, R, NOW).state, TLS_OCSP_NO_ANSWER);
    ck_assert_uint_eq(asks, 0);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_ocsp_store");
    TCase *t = tcase_create("store");
    tcase_add_unchecked_fixture(t, make, clear);
    tcase_add_checked_fixture(t, open_store, close_store);
    tcase_add_test(t, an_answer_is_kept_until_it_ends);
    tcase_add_test(t, a_failure_counts_for_a_while_and_longer_each_time);
    tcase_add_test(t, what_is_used_is_asked_again_before_it_ends);
    tcase_add_test(t, a_reload_counts_for_the_next_question);
    tcase_add_test(t, what_is_not_used_is_forgotten);
    tcase_add_test(t, a_responder_that_hangs_leaves_room_for_others);
    tcase_add_test(t, nothing_is_awaited_when_nothing_is_fetched);
    suite_add_tcase(s, t);
    return s;
}
