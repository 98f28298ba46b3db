/* SPDX-License-Identifier: Apache-2.0 */
/* Lists that are replaced while a trust is in use. */
#include "t.h"

#include "judging.h"
#include "tls_crl_set.h"

#include <pthread.h>
#include <string.h>

static struct certs root, other, leaf;
static struct tls_trust *trust;
static struct findings notes;
static struct err err;

static struct certs_crl list_of(const struct certs_crl_order *order)
{
    struct certs_crl list;
    certs_make_crl(order, &list);
    return list;
}

static const uint64_t leaf_serial[] = {60};

static void make(void)
{
    certs_make(&(struct certs_order){.cn = "Root", .ca = true}, &root);
    certs_make(&(struct certs_order){.cn = "Other", .ca = true}, &other);
    certs_make(&(struct certs_order){.cn = "leaf", .issuer = &root, .serial = 60}, &leaf);
    struct certs_crl first = list_of(&(struct certs_crl_order){.issuer = &root, .number = 5});
    trust = judging_trust(&(struct judging){.ca = {&root, &other}, .crl = {&first}, .crl_required = true});
    certs_crl_clear(&first);
    findings_init(&notes);
    err = (struct err){0};
}

static void clear(void)
{
    tls_trust_unref(trust);
    findings_clear(&notes);
    certs_clear(&leaf);
    certs_clear(&other);
    certs_clear(&root);
}

static enum reason judge_leaf(void)
{
    struct tls_verdict v;
    struct tls_question q = {.trust = trust, .purpose = TLS_PURPOSE_CLIENT, .now = CERTS_NOW};
    tls_judge(&q, &leaf.der, 1, &v);
    return v.status;
}

static uint64_t generation(void)
{
    struct tls_trust_facts facts;
    tls_trust_facts(trust, &facts);
    return facts.generation;
}

static int replace_text(struct span text)
{
    struct tls_file file = {"new.crl", text};
    err_clear(&err);
    return tls_trust_replace_lists(trust, &(struct tls_trust_lists){.files = &file, .n = 1}, CERTS_NOW, &notes, &err);
}

static int replace(const struct certs_crl_order *order)
{
    struct certs_crl list = list_of(order);
    int rc = replace_text(list.pem);
    certs_crl_clear(&list);
    return rc;
}

static const struct certs_crl_order revoking = {.issuer = &root, .number = 6, .serials = leaf_serial, .n_serials = 1};

START_TEST(a_new_list_counts_from_the_next_judgement_on)
{
    uint64_t before = generation();
    ck_assert_int_eq(judge_leaf(), REASON_VALID);
    ck_assert_int_eq(replace(&revoking), 1);
    ck_assert_int_eq(judge_leaf(), REASON_REVOKED);
    ck_assert_uint_eq(generation(), before + 1);
    ck_assert_int_eq(replace(&(struct certs_crl_order){.issuer = &root, .number = 7}), 1); /* and it can be taken back, by a newer one */
    ck_assert_int_eq(judge_leaf(), REASON_VALID);
    ck_assert_uint_eq(generation(), before + 2);
}
END_TEST

START_TEST(the_same_list_changes_nothing)
{
    struct certs_crl list = list_of(&revoking);
    ck_assert_int_eq(replace_text(list.pem), 1);
    uint64_t before = generation();
    ck_assert_int_eq(replace_text(list.pem), 0);
    ck_assert_int_eq(replace_text(list.der), 0);
    ck_assert_uint_eq(generation(), before);
    ck_assert_int_eq(judge_leaf(), REASON_REVOKED);
    certs_crl_clear(&list);
}
END_TEST

START_TEST(a3_f1_what_must_not_replace_the_last_good_list)
{
    static const struct {
        const char *why, *says;
        struct certs_crl_order order;
        size_t keep; /* bytes of the text that are there; 0: all */
    } rows[] = {
        {"half written", "new.crl", {.issuer = &root, .number = 7}, 200},
        {"only the first line", "new.crl", {.issuer = &root, .number = 7}, 24},
        {"one byte", "new.crl", {.issuer = &root, .number = 7}, 1},
        {"an older number", "older than the one in use", {.issuer = &root, .number = 5}, 0},
        {"the same number, issued earlier", "older than the one in use", {.issuer = &root, .number = 6, .this_update = CERTS_NOW - 2 * CERTS_DAY}, 0},
        {"an older number, issued later", "older than the one in use", {.issuer = &root, .number = 5, .this_update = CERTS_NOW - 10}, 0},
        {"another CA's", "no revocation list of CN=Root any more", {.issuer = &other, .number = 9}, 0},
        {"signed by another key", "not signed by that CA's key", {.issuer = &root, .signed_by = &other, .number = 9}, 0},
    };
    ck_assert_int_eq(replace(&revoking), 1);
    uint64_t before = generation();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct certs_crl list = list_of(&rows[i].order);
        int rc = replace_text(span_of(list.pem.ptr, rows[i].keep != 0 ? rows[i].keep : list.pem.len));
        ck_assert_msg(rc == -1, "%s: taken", rows[i].why);
        ck_assert_msg(strstr(err.text, rows[i].says) != NULL, "%s: %s", rows[i].why, err.text);
        ck_assert_msg(judge_leaf() == REASON_REVOKED, "%s: forgiven", rows[i].why);
        certs_crl_clear(&list);
    }
    ck_assert_int_eq(replace_text(span_of("", 0)), -1);
    err_clear(&err);
    ck_assert_int_eq(tls_trust_replace_lists(trust, &(struct tls_trust_lists){.n = 0}, CERTS_NOW, &notes, &err), -1); /* all files gone */
    ck_assert_uint_eq(generation(), before);
    ck_assert_int_eq(judge_leaf(), REASON_REVOKED);
}
END_TEST

START_TEST(every_ca_tells_whether_it_is_covered)
{
    struct tls_trust_ca ca;
    ck_assert_int_eq(replace(&revoking), 1);
    ck_assert(tls_trust_ca(trust, 0, &ca));
    ck_assert_str_eq(ca.name, "CN=Root");
    ck_assert(ca.covered);
    ck_assert_uint_eq(ca.n_revoked, 1);
    ck_assert_int_eq(ca.this_update, CERTS_NOW - CERTS_DAY);
    ck_assert_int_eq(ca.next_update, CERTS_NOW + 7 * CERTS_DAY);
    ck_assert(tls_trust_ca(trust, 1, &ca));
    ck_assert_str_eq(ca.name, "CN=Other");
    ck_assert(!ca.covered && ca.next_update == 0 && ca.n_revoked == 0);
    ck_assert(!tls_trust_ca(trust, 2, &ca));
}
END_TEST

START_TEST(an_index_that_was_taken_outlives_its_replacement)
{
    struct tls_crl_answer answer;
    const struct tls_anchor *anchor = tls_trust_anchor(trust, 0);
    struct tls_crl_held *held = tls_crl_set_take(tls_trust_crls(trust));
    ck_assert_int_eq(replace(&revoking), 1);
    tls_crl_look_up(held->index, &anchor->cert, anchor->crt, span_of("\x3c", 1), &answer);
    ck_assert(answer.covered && !answer.revoked);
    tls_crl_set_give(held);
    held = tls_crl_set_take(tls_trust_crls(trust));
    tls_crl_look_up(held->index, &anchor->cert, anchor->crt, span_of("\x3c", 1), &answer);
    ck_assert(answer.covered && answer.revoked);
    tls_crl_set_give(held);
}
END_TEST

enum { READERS = 3, ROUNDS = 60 };
static _Atomic bool stop;

static void *judge_all_the_time(void *seen)
{
    uint64_t *bits = seen;
    while (!stop)
        *bits |= UINT64_C(1) << judge_leaf();
    *bits |= UINT64_C(1) << judge_leaf();
    return NULL;
}

START_TEST(others_judge_while_lists_are_replaced)
{
    pthread_t threads[READERS];
    uint64_t seen[READERS] = {0};
    stop = false;
    for (size_t i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, judge_all_the_time, &seen[i]), 0);
    for (uint8_t number = 10; number < 10 + ROUNDS; number++)
        ck_assert_int_eq(
            replace(&(struct certs_crl_order){.issuer = &root, .number = number, .serials = leaf_serial, .n_serials = number % 2}), 1);
    ck_assert_int_eq(replace(&(struct certs_crl_order){.issuer = &root, .number = 100, .serials = leaf_serial, .n_serials = 1}), 1);
    stop = true;
    for (size_t i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(seen[i] & ~(UINT64_C(1) << REASON_VALID | UINT64_C(1) << REASON_REVOKED), 0); /* never without a list */
        ck_assert(seen[i] & UINT64_C(1) << REASON_REVOKED);
    }
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("tls_crl_set");
    TCase *c = tcase_create("set");
    tcase_add_checked_fixture(c, make, clear);
    tcase_set_timeout(c, 60);
    tcase_add_test(c, a_new_list_counts_from_the_next_judgement_on);
    tcase_add_test(c, the_same_list_changes_nothing);
    tcase_add_test(c, a3_f1_what_must_not_replace_the_last_good_list);
    tcase_add_test(c, every_ca_tells_whether_it_is_covered);
    tcase_add_test(c, an_index_that_was_taken_outlives_its_replacement);
    tcase_add_test(c, others_judge_while_lists_are_replaced);
    suite_add_tcase(s, c);
    return s;
}
