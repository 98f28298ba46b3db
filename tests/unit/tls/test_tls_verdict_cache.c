/* SPDX-License-Identifier: Apache-2.0 */
/* Who was found valid is known again, and whatever could change the verdict makes it be worked out anew (A1, B5, F1). */
#include "t.h"

#include "certs.h"
#include "ends.h"
#include "tls_tickets.h"

#include <stdio.h>
#include <string.h>

/* ---- the cache by itself ---- */

static struct tls_verdict_cache cache;
static struct tls_peer *peer;
static const struct tls_verdict good = {.status = REASON_VALID, .until = 2000, .text = "valid"};
static struct span chain[3];

static void make(void)
{
    struct certs made;
    struct err err = {0};
    certs_make(&(struct certs_order){.cn = "alice"}, &made);
    peer = tls_peer_new(made.der, &err);
    ck_assert_ptr_nonnull(peer);
    certs_clear(&made);
    chain[0] = span_from_str("leaf 01234567");
    chain[1] = span_from_str("intermediate");
    chain[2] = span_from_str("root");
}

static void clear(void)
{
    tls_verdict_cache_clear(&cache);
    tls_peer_free(peer);
}

static struct tls_verdict_key usual(void)
{
    return (struct tls_verdict_key){.context_id = 7, .generation = 3, .ders = chain, .n = 2, .now = 1000};
}

static bool knows(const struct tls_verdict_key *key)
{
    return tls_verdict_cache_find(&cache, key) != NULL;
}

START_TEST(gives_back_what_it_was_given)
{
    struct tls_verdict_key key = usual();
    ck_assert(!knows(&key));
    tls_verdict_cache_keep(&cache, &key, &good, peer);
    const struct tls_known *known = tls_verdict_cache_find(&cache, &key);
    ck_assert_ptr_nonnull(known);
    ck_assert_int_eq(known->verdict.status, REASON_VALID);
    ck_assert_str_eq(known->verdict.text, "valid");
    ck_assert_ptr_ne(known->peer, peer);
    ck_assert_str_eq(known->peer->subject, peer->subject);
    key.now = 2000;
    ck_assert_msg(knows(&key), "the last second");
}
END_TEST

START_TEST(knows_nothing_that_differs_in_anything) /* A1, B5 */
{
    struct tls_verdict_key key = usual();
    const struct span other_leaf[] = {span_from_str("Leaf 01234567"), chain[1]}, other_above[] = {chain[0], span_from_str("intermediatf")},
                      shorter[] = {chain[0], span_from_str("intermediat")}, border[] = {span_from_str("leaf 01234567i"), span_from_str("ntermediate")},
                      swapped[] = {chain[1], chain[0]};
    const struct {
        const char *why;
        struct tls_verdict_key key;
    } rows[] = {
        {"another context: trust, names, pins or purpose", {8, 3, chain, 2, 1000, {0}}},
        {"other revocation lists", {7, 4, chain, 2, 1000, {0}}},
        {"lists of before", {7, 2, chain, 2, 1000, {0}}},
        {"after a date", {7, 3, chain, 2, 2001, {0}}},
        {"a clock that was set back", {7, 3, chain, 2, 999, {0}}},
        {"without what is above", {7, 3, chain, 1, 1000, {0}}},
        {"with one more", {7, 3, chain, 3, 1000, {0}}},
        {"none", {7, 3, chain, 0, 1000, {0}}},
        {"with a stapled answer", {7, 3, chain, 2, 1000, chain[1]}},
        {"another leaf with the same end", {7, 3, other_leaf, 2, 1000, {0}}},
        {"another one above", {7, 3, other_above, 2, 1000, {0}}},
        {"a shorter one above", {7, 3, shorter, 2, 1000, {0}}},
        {"the same bytes, divided elsewhere", {7, 3, border, 2, 1000, {0}}},
        {"the other way round", {7, 3, swapped, 2, 1000, {0}}},
    };
    tls_verdict_cache_keep(&cache, &key, &good, peer);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(!knows(&rows[i].key), "%s", rows[i].why);
    for (uint64_t id = 8; id < 20000; id++) /* many of them have the same slot */
        ck_assert(!knows(&(struct tls_verdict_key){id, 3, chain, 2, 1000, {0}}));
    ck_assert(knows(&key));
}
END_TEST

START_TEST(a_stapled_answer_is_part_of_what_is_known) /* F2 */
{
    struct tls_verdict_key key = usual(), another = usual(), none = usual(), longer = usual();
    key.staple = span_from_str("good");
    another.staple = span_from_str("evil");
    longer.n = 3; /* whose last certificate is not the staple */
    tls_verdict_cache_keep(&cache, &key, &good, peer);
    ck_assert(knows(&key) && !knows(&another) && !knows(&none) && !knows(&longer));
}
END_TEST

START_TEST(keeps_nothing_but_faultless_verdicts)
{
    struct tls_verdict_key key = usual();
    const struct tls_verdict rows[] = {
        {.status = REASON_UNDECIDED, .until = 2000},
        {.status = REASON_EXPIRED, .all = UINT64_C(1) << REASON_EXPIRED, .until = 2000},
        {.status = REASON_NONE, .until = 2000},
        {.status = REASON_VALID, .all = UINT64_C(1) << REASON_CRL_STALE, .until = 2000},
        {.status = REASON_VALID}, /* nobody knows until when */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tls_verdict_cache_keep(&cache, &key, &rows[i], peer);
        ck_assert_msg(!knows(&key), "row %zu", i);
    }
    tls_verdict_cache_keep(&cache, &key, &good, NULL);
    ck_assert_msg(!knows(&key), "without a peer");
}
END_TEST

START_TEST(a_later_verdict_takes_the_place_of_an_earlier_one)
{
    struct tls_verdict_key key = usual(), later = usual();
    later.generation = 4;
    later.now = 1500;
    tls_verdict_cache_keep(&cache, &key, &good, peer);
    tls_verdict_cache_keep(&cache, &later, &good, peer);
    ck_assert(knows(&later));
    ck_assert(!knows(&key));
    tls_verdict_cache_clear(&cache);
    ck_assert(!knows(&later));
}
END_TEST

START_TEST(long_chains_are_not_kept)
{
    static const uint8_t big[TLS_VERDICT_CACHE_CHAIN_MAX + 1];
    const struct span one[] = {span_of(big, sizeof(big))}, two[] = {span_of(big, sizeof(big) / 2), span_of(big, sizeof(big) / 2)};
    const struct tls_verdict_key rows[] = {{7, 3, one, 1, 1000, {0}}, {7, 3, two, 2, 1000, {0}}};
    for (size_t i = 0; i < 2; i++) {
        tls_verdict_cache_keep(&cache, &rows[i], &good, peer);
        ck_assert_msg(!knows(&rows[i]), "row %zu", i);
    }
}
END_TEST

START_TEST(holds_no_more_than_its_slots)
{
    char leaves[4 * TLS_VERDICT_CACHE_SLOTS][24];
    size_t n_known = 0;
    for (int turn = 0; turn < 2; turn++)
        for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
            snprintf(leaves[i], sizeof(leaves[i]), "leaf %zu", i * 7919);
            const struct span leaf = span_from_str(leaves[i]);
            struct tls_verdict_key key = {7, 3, &leaf, 1, 1000, {0}};
            if (turn == 0)
                tls_verdict_cache_keep(&cache, &key, &good, peer);
            else
                n_known += knows(&key);
        }
    ck_assert_uint_le(n_known, TLS_VERDICT_CACHE_SLOTS);
    ck_assert_uint_ge(n_known, TLS_VERDICT_CACHE_SLOTS / 2);
}
END_TEST

/* ---- engines that remember ---- */

static const char remembered[] = "remembered";
static struct tls_context *connecting, *accepting;

/* What is known says so from now on; how much it is. */
static size_t mark_all(void)
{
    struct tls_verdict_cache *of_worker = tls_tickets_verdicts(ends_tickets);
    size_t n = 0;
    for (size_t i = 0; i < TLS_VERDICT_CACHE_SLOTS; i++) {
        if (of_worker->slots[i] == NULL)
            continue;
        snprintf(of_worker->slots[i]->verdict.text, sizeof(of_worker->slots[i]->verdict.text), "%s", remembered);
        n++;
    }
    return n;
}

/* The two meet at a time; one of them judges with the memory of a worker. */
static void meet(struct ends_end *judge, int64_t now)
{
    struct tls_tickets *store = ends_tickets;
    ends_tickets = judge == &ends_client ? store : NULL;
    ends_open_one(&ends_client, tls_context_ref(connecting), NULL, NULL);
    ends_tickets = judge == &ends_server ? store : NULL;
    ends_open_one(&ends_server, tls_context_ref(accepting), NULL, NULL);
    ends_tickets = store;
    judge->now = now;
    ends_run(ENDS_ALL);
}

static bool was_remembered(const struct ends_end *judge)
{
    const struct tls_verdict *verdict = ends_look(judge)->verdict;
    return verdict != NULL && strcmp(verdict->text, remembered) == 0;
}

static struct tls_trust *new_trust(const struct tls_pki_pair *ca, const char *pin)
{
    struct err err = {0};
    struct findings notes;
    struct bytes list;
    findings_init(&notes);
    bytes_init(&list, 1 << 16);
    ck_assert_int_eq(tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), NULL, 0, 1, WIRE_NOW - WIRE_DAY,
                                      (int64_t)WIRE_NOW + 7 * WIRE_DAY, &list, &err),
                     0);
    struct tls_file files[] = {{"ca.pem", bytes_span(&ca->certificate)}, {"ca.crl", bytes_span(&list)}};
    struct tls_trust_spec spec = {.name = "t", .ca = &files[0], .n_ca = 1, .crl = &files[1], .n_crl = 1, .crl_required = true,
                                  .pins = &pin, .n_pins = pin != NULL};
    struct tls_trust *trust = tls_trust_new(&spec, WIRE_NOW, &notes, &err);
    ck_assert_msg(trust != NULL, "%s", err.text);
    findings_clear(&notes);
    bytes_clear(&list);
    return trust;
}

static void replace_list(struct tls_trust *trust, bool revokes)
{
    struct err err = {0};
    struct findings notes;
    struct bytes list;
    struct tls_pki_revoked revoked = {.serial = WIRE_CLIENT_SERIAL, .when = WIRE_NOW};
    const struct tls_pki_pair *ca = &ends_pki.clients_ca;
    findings_init(&notes);
    bytes_init(&list, 1 << 16);
    ck_assert_int_eq(tls_pki_make_crl(bytes_span(&ca->certificate), bytes_span(&ca->key), &revoked, revokes, 2, WIRE_NOW,
                                      (int64_t)WIRE_NOW + 7 * WIRE_DAY, &list, &err),
                     0);
    struct tls_file file = {"ca.crl", bytes_span(&list)};
    ck_assert_int_eq(tls_trust_replace_lists(trust, &(struct tls_trust_lists){.files = &file, .n = 1}, WIRE_NOW, &notes, &err), 1);
    findings_clear(&notes);
    bytes_clear(&list);
}

static void open_memory(struct tls_trust *trust)
{
    ends_tickets = tls_tickets_new(4);
    ck_assert_ptr_nonnull(ends_tickets);
    connecting = wire_pki_connecting(&ends_pki, &(struct wire_side){0});
    accepting = wire_pki_accepting(&ends_pki, &(struct wire_side){.trust = trust});
}

static void close_memory(void)
{
    tls_context_unref(connecting);
    tls_context_unref(accepting);
    tls_tickets_free(ends_tickets);
    ends_tickets = NULL;
}

START_TEST(a_peer_that_comes_again_is_not_judged_anew)
{
    struct ends_end *judge = _i == 0 ? &ends_server : &ends_client;
    open_memory(NULL);
    for (int i = 0; i < 3; i++) {
        meet(judge, WIRE_NOW);
        ends_expect_open(judge, "it comes");
        ck_assert_int_eq(was_remembered(judge), i > 0);
        ck_assert_str_eq(ends_facts.peer->subject, _i == 0 ? "CN=client" : "CN=server");
        ck_assert_uint_eq(ends_facts.peer->by_anchor, _i == 0);
        ends_say(&ends_client, "hello");
        ends_run(ENDS_ALL);
        ends_expect_got(&ends_server, "hello", "it works");
        ends_close();
        ck_assert_uint_eq(mark_all(), 1);
    }
    tls_tickets_forget_all(ends_tickets);
    ck_assert_uint_eq(mark_all(), 0);
    meet(judge, WIRE_NOW);
    ck_assert(!was_remembered(judge));
    ends_close();
    close_memory();
}
END_TEST

/* What came between the first connection and the second, and how that ends. No row may be answered from memory. */
static const struct between {
    const char *why;
    enum { NOTHING, REVOKED, OTHER_LIST, OTHER_CA, OTHER_PIN, SAME_AGAIN } change;
    int64_t now;
    enum reason want;
} betweens[] = {
    {"revoked", REVOKED, WIRE_NOW, REASON_REVOKED},
    {"another list", OTHER_LIST, WIRE_NOW, REASON_VALID},
    {"another CA", OTHER_CA, WIRE_NOW, REASON_UNKNOWN_CA},
    {"another pin", OTHER_PIN, WIRE_NOW, REASON_CONSTRAINT},
    {"the same, loaded again", SAME_AGAIN, WIRE_NOW, REASON_VALID},
    {"the list is stale", NOTHING, (int64_t)WIRE_NOW + 7 * WIRE_DAY + 1, REASON_CRL_STALE},
    {"expired", NOTHING, (int64_t)WIRE_NOW + 301 * (int64_t)WIRE_DAY, REASON_EXPIRED},
    {"before the list", NOTHING, WIRE_NOW - 2 * WIRE_DAY, REASON_CRL_STALE},
    {"before the certificate", NOTHING, WIRE_NOW - 40 * WIRE_DAY, REASON_NOT_YET_VALID},
    {"a second back", NOTHING, WIRE_NOW - 1, REASON_VALID},
};

static void change(const struct between *row, struct tls_trust *trust)
{
    static const char pin[] = "0000000000000000000000000000000000000000000000000000000000000000";
    if (row->change == REVOKED || row->change == OTHER_LIST)
        replace_list(trust, row->change == REVOKED);
    if (row->change < OTHER_CA)
        return;
    struct tls_trust *next = new_trust(row->change == OTHER_CA ? &ends_pki.other_ca : &ends_pki.clients_ca, row->change == OTHER_PIN ? pin : NULL);
    tls_context_unref(accepting);
    accepting = wire_pki_accepting(&ends_pki, &(struct wire_side){.trust = next});
    tls_trust_unref(next);
}

START_TEST(whatever_changed_since_is_found) /* A1, F1 */
{
    const struct between *row = &betweens[_i];
    struct tls_trust *trust = new_trust(&ends_pki.clients_ca, NULL);
    open_memory(trust);
    meet(&ends_server, WIRE_NOW);
    ends_expect_open(&ends_server, row->why);
    ends_close();
    ck_assert_uint_eq(mark_all(), 1);
    change(row, trust);
    meet(&ends_server, row->now);
    ck_assert_msg(!was_remembered(&ends_server), "%s: from memory", row->why);
    if (row->want == REASON_VALID)
        ends_expect_open(&ends_server, row->why);
    else
        ends_expect_failed(&ends_server, row->want, row->why);
    ends_close();
    close_memory();
    tls_trust_unref(trust);
}
END_TEST

START_TEST(a_server_that_was_right_for_one_name_is_not_for_another) /* B1, B5 */
{
    open_memory(NULL);
    meet(&ends_client, WIRE_NOW);
    ends_expect_open(&ends_client, "its name");
    ends_close();
    ck_assert_uint_eq(mark_all(), 1);
    tls_context_unref(connecting);
    connecting = wire_pki_connecting(&ends_pki, &(struct wire_side){.name = "other.example"});
    meet(&ends_client, WIRE_NOW);
    ck_assert(!was_remembered(&ends_client));
    ends_expect_failed(&ends_client, REASON_NAME_MISMATCH, "another name");
    ends_close();
    close_memory();
}
END_TEST

/* A live connection is judged again by what has changed, too. */
START_TEST(a_list_that_came_is_asked_for_who_is_there) /* A12 */
{
    struct tls_trust *trust = new_trust(&ends_pki.clients_ca, NULL);
    open_memory(trust);
    meet(&ends_server, WIRE_NOW);
    ends_expect_open(&ends_server, "at first");
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, accepting, WIRE_NOW), REASON_VALID);
    ck_assert_uint_eq(mark_all(), 1);
    replace_list(trust, true);
    ck_assert_int_eq(tls_engine_rejudge(ends_server.e, accepting, WIRE_NOW), REASON_REVOKED);
    ck_assert(!was_remembered(&ends_server));
    ends_close();
    close_memory();
    tls_trust_unref(trust);
}
END_TEST

START_TEST(who_was_refused_is_not_remembered)
{
    open_memory(NULL);
    tls_context_unref(connecting);
    connecting = wire_pki_connecting(&ends_pki, &(struct wire_side){.bad = TLS_PKI_EXPIRED});
    tls_context_unref(accepting);
    accepting = wire_pki_accepting(&ends_pki, &(struct wire_side){.tolerate = UINT64_C(1) << REASON_EXPIRED});
    meet(&ends_server, WIRE_NOW);
    ends_expect_open(&ends_server, "tolerated");
    ck_assert_int_eq(ends_facts.verdict->status, REASON_EXPIRED);
    ends_close();
    ck_assert_uint_eq(mark_all(), 0);
    close_memory();
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_verdict_cache");
    TCase *c = tcase_create("cache"), *e = tcase_create("engines");
    tcase_add_checked_fixture(c, make, clear);
    tcase_add_test(c, gives_back_what_it_was_given);
    tcase_add_test(c, knows_nothing_that_differs_in_anything);
    tcase_add_test(c, a_stapled_answer_is_part_of_what_is_known);
    tcase_add_test(c, keeps_nothing_but_faultless_verdicts);
    tcase_add_test(c, a_later_verdict_takes_the_place_of_an_earlier_one);
    tcase_add_test(c, long_chains_are_not_kept);
    tcase_add_test(c, holds_no_more_than_its_slots);
    suite_add_tcase(s, c);
    tcase_add_unchecked_fixture(e, ends_make, ends_drop);
    tcase_set_timeout(e, 60);
    tcase_add_loop_test(e, a_peer_that_comes_again_is_not_judged_anew, 0, 2);
    tcase_add_loop_test(e, whatever_changed_since_is_found, 0, (int)(sizeof(betweens) / sizeof(betweens[0])));
    tcase_add_test(e, a_server_that_was_right_for_one_name_is_not_for_another);
    tcase_add_test(e, a_list_that_came_is_asked_for_who_is_there);
    tcase_add_test(e, who_was_refused_is_not_remembered);
    suite_add_tcase(s, e);
    return s;
}
