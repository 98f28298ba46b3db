/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/control/refusals.h"

#include <stdio.h>
#include <string.h>

static struct refusal_note expired(int64_t when, const char *subject)
{
    return (struct refusal_note){.when = when, .reason = REASON_EXPIRED, .listener = "public", .peer_subject = subject, .detail = "it expired",
                                 .hint = when == 2 ? "renew it" : NULL};
}

/* Each of a peer of its own. */
static void add(struct refusals *r, int64_t when)
{
    char subject[32];
    snprintf(subject, sizeof(subject), "CN=%d", (int)when);
    struct refusal_note note = expired(when, subject);
    refusals_add(r, &note);
}

START_TEST(gives_the_newest_first)
{
    struct refusals *r = refusals_new();
    add(r, 1);
    add(r, 2);
    struct refusal out[REFUSALS_KEPT];
    ck_assert_uint_eq(refusals_copy(r, out, REFUSALS_KEPT), 2);
    ck_assert_int_eq(out[0].when, 2);
    ck_assert_int_eq(out[1].when, 1);
    ck_assert_str_eq(out[0].listener, "public");
    ck_assert_str_eq(out[0].upstream, "");
    ck_assert_str_eq(out[0].hint, "renew it");
    ck_assert_ptr_null(out[1].hint);
    refusals_free(r);
}
END_TEST

START_TEST(forgets_the_oldest_when_full)
{
    struct refusals *r = refusals_new();
    for (int i = 0; i < REFUSALS_KEPT * 2 + 3; i++)
        add(r, i);
    struct refusal out[REFUSALS_KEPT];
    ck_assert_uint_eq(refusals_copy(r, out, REFUSALS_KEPT), REFUSALS_KEPT);
    ck_assert_int_eq(out[0].when, REFUSALS_KEPT * 2 + 2);
    ck_assert_int_eq(out[REFUSALS_KEPT - 1].when, REFUSALS_KEPT + 3);
    ck_assert_uint_eq(refusals_copy(r, out, 5), 5);
    refusals_free(r);
}
END_TEST

START_TEST(counts_the_same_one_and_keeps_its_first_and_last_time)
{
    struct refusals *r = refusals_new();
    struct refusal out[REFUSALS_KEPT];
    struct refusal_note first = expired(10, "CN=a"), other = expired(11, "CN=b"), last = expired(90, "CN=a");
    refusals_add(r, &first);
    refusals_add(r, &other);
    for (int i = 0; i < 1000; i++)
        refusals_add(r, &last);
    ck_assert_uint_eq(refusals_copy(r, out, REFUSALS_KEPT), 2);
    ck_assert_uint_eq(out[0].count, 1001);
    ck_assert_int_eq(out[0].first, 10);
    ck_assert_int_eq(out[0].when, 90);
    ck_assert_str_eq(out[0].peer_subject, "CN=a");
    ck_assert_uint_eq(out[1].count, 1);
    ck_assert_str_eq(out[1].peer_subject, "CN=b");
    refusals_free(r);
}
END_TEST

static const struct refusal_note others[] = {
    {.reason = REASON_REVOKED, .listener = "public", .upstream = "app", .peer_subject = "CN=a", .detail = "d"},
    {.reason = REASON_EXPIRED, .listener = "inner", .upstream = "app", .peer_subject = "CN=a", .detail = "d"},
    {.reason = REASON_EXPIRED, .listener = "public", .peer_subject = "CN=a", .detail = "d"},
    {.reason = REASON_EXPIRED, .listener = "public", .upstream = "app", .peer_subject = "CN=ab", .detail = "d"},
    {.reason = REASON_EXPIRED, .listener = "public", .upstream = "app", .peer_subject = "CN=a"},
};

START_TEST(what_differs_in_anything_is_another_one)
{
    struct refusals *r = refusals_new();
    struct refusal out[2];
    refusals_add(r, &(struct refusal_note){.reason = REASON_EXPIRED, .listener = "public", .upstream = "app", .peer_subject = "CN=a", .detail = "d"});
    refusals_add(r, &others[_i]);
    ck_assert_uint_eq(refusals_copy(r, out, 2), 2);
    refusals_free(r);
}
END_TEST

START_TEST(cuts_texts_that_are_too_long)
{
    char huge[4096];
    memset(huge, 'x', sizeof(huge));
    huge[sizeof(huge) - 1] = '\0';
    struct refusals *r = refusals_new();
    struct refusal_note note = {.listener = huge, .upstream = huge, .peer_subject = huge, .detail = huge};
    refusals_add(r, &note);
    refusals_add(r, &note);
    struct refusal out;
    ck_assert_uint_eq(refusals_copy(r, &out, 1), 1);
    ck_assert_uint_eq(out.count, 2);
    ck_assert_uint_eq(strlen(out.listener), sizeof(out.listener) - 1);
    ck_assert_uint_eq(strlen(out.detail), sizeof(out.detail) - 1);
    refusals_free(r);
}
END_TEST

START_TEST(our_own_certificate_is_named_where_it_was_refused)
{
    struct refusal out[3];
    struct tls_identity_facts ours = {.subject = "CN=us", .issuer = "CN=CA", .serial = "01ab", .not_after = 77}, renewed = ours;
    renewed.serial = "02cd";
    struct refusals *r = refusals_new();
    struct refusal_note note = {.reason = REASON_OUR_CERTIFICATE_REFUSED, .listener = "a", .detail = "d", .ours = &ours, .accepted_cas = "CN=Other"};
    refusals_add(r, &note);
    refusals_add(r, &note);
    note.ours = &renewed; /* another certificate is another refusal */
    note.accepted_cas = NULL;
    refusals_add(r, &note);
    refusals_add(r, &(struct refusal_note){.reason = REASON_EXPIRED, .listener = "a"});
    ck_assert_uint_eq(refusals_copy(r, out, 3), 3);
    ck_assert_str_eq(out[0].ours.subject, "");
    ck_assert_str_eq(out[1].ours.serial, "02cd");
    ck_assert_str_eq(out[1].ours.accepted_cas, "");
    ck_assert_uint_eq(out[2].count, 2);
    ck_assert_str_eq(out[2].ours.subject, "CN=us");
    ck_assert_str_eq(out[2].ours.issuer, "CN=CA");
    ck_assert_str_eq(out[2].ours.accepted_cas, "CN=Other");
    ck_assert_int_eq(out[2].ours.not_after, 77);
    refusals_free(r);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("refusals");
    TCase *t = tcase_create("refusals");
    tcase_add_test(t, our_own_certificate_is_named_where_it_was_refused);
    tcase_add_test(t, gives_the_newest_first);
    tcase_add_test(t, forgets_the_oldest_when_full);
    tcase_add_test(t, counts_the_same_one_and_keeps_its_first_and_last_time);
    tcase_add_loop_test(t, what_differs_in_anything_is_another_one, 0, sizeof(others) / sizeof(others[0]));
    tcase_add_test(t, cuts_texts_that_are_too_long);
    suite_add_tcase(s, t);
    return s;
}
