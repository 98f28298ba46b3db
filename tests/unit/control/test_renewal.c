/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/renewal.h"
#include "mtlsd/tls/tls_identity.h"
#include "t.h"
#include "world.h"

#include <string.h>

static struct world w;
static struct findings findings;
static struct snapshot *loaded;
static struct renewal r;

static void load(void)
{
    snapshot_unref(loaded);
    loaded = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(loaded);
}

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    world_edit(&w, "/etc/payments.pem\";", "/etc/payments.pem\"; renew = { est = \"https://ca.example\"; trust = \"partner\"; before = \"1/2\"; };");
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 7), 0);
}

static void tear_down(void)
{
    renewal_clear(&r);
    snapshot_unref(loaded);
    loaded = NULL;
    findings_clear(&findings);
    world_clear(&w);
}

static struct renewal_item *due(int64_t now)
{
    struct renewal_item *ended;
    return renewal_next(&r, now, &ended);
}

START_TEST(a_certificate_is_due_in_the_part_of_its_life_that_is_configured)
{
    ck_assert_uint_eq(r.n, 1);
    struct renewal_item *item = renewal_find(&r, "payments");
    int64_t half = (item->not_after - item->not_before) / 2;
    ck_assert_str_eq(item->url, "https://ca.example");
    ck_assert_int_ge(item->due, item->not_after - half);
    ck_assert_int_le(item->due, item->not_after - half + half / 10);
    ck_assert_ptr_null(due(item->due - 1));
    ck_assert_ptr_eq(due(item->due), item);
    ck_assert_ptr_null(renewal_find(&r, "server"));
}
END_TEST

START_TEST(after_failures_it_is_tried_less_and_less_often_but_always_again)
{
    struct renewal_item *item = renewal_find(&r, "payments");
    int64_t now = item->due, last = 0;
    for (int i = 0; i < 20; i++) {
        renewal_failed(item, "no answer", now, 12345);
        ck_assert_int_gt(item->due, now);
        ck_assert_int_le(item->due - now, 3600 + 900);
        ck_assert(item->due - now >= last || item->due - now >= 3600);
        last = item->due - now;
        now = item->due;
    }
    ck_assert_uint_eq(item->failed, 20);
    ck_assert_str_eq(item->error, "no answer");
    renewal_done(item, now);
    ck_assert_str_eq(item->error, "");
    ck_assert_uint_eq(item->renewed, 1);
}
END_TEST

START_TEST(a_ca_that_decides_later_is_asked_when_it_says)
{
    struct renewal_item *item = renewal_find(&r, "payments");
    renewal_wait(item, "later", 300, item->due);
    ck_assert_ptr_null(due(item->due - 1));
    ck_assert_ptr_eq(due(item->due), item);
    ck_assert_uint_eq(item->failed, 0);
}
END_TEST

START_TEST(an_expired_certificate_is_told_once_and_not_asked_for)
{
    struct renewal_item *item = renewal_find(&r, "payments"), *ended;
    ck_assert_ptr_null(renewal_next(&r, item->not_after + 1, &ended));
    ck_assert_ptr_eq(ended, item);
    ck_assert_ptr_null(renewal_next(&r, item->not_after + 2, &ended));
    ck_assert_ptr_null(ended);
}
END_TEST

START_TEST(a_person_may_ask_at_any_time)
{
    struct renewal_item *item = renewal_find(&r, "payments");
    item->asked = true;
    ck_assert_ptr_eq(due(item->not_before), item);
    renewal_failed(item, "no", item->not_before, 1);
    ck_assert_ptr_null(due(item->not_before));
}
END_TEST

START_TEST(another_certificate_has_a_moment_of_its_own_and_the_counts_stay)
{
    struct renewal_item *item = renewal_find(&r, "payments");
    renewal_failed(item, "no", WORLD_NOW, 1);
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 8), 0);
    item = renewal_find(&r, "payments");
    ck_assert_str_eq(item->error, "no"); /* the same certificate */
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &(struct tls_pki_order){.cn = "payments", .purpose = TLS_PURPOSE_CLIENT});
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 8), 0);
    item = renewal_find(&r, "payments");
    ck_assert_str_eq(item->error, "");
    ck_assert_uint_eq(item->failures, 0);
    ck_assert_uint_eq(item->failed, 1);
}
END_TEST

START_TEST(a_new_certificate_that_is_due_at_once_has_half_of_its_life_first)
{
    world_edit(&w, "before = \"1/2\"", "before = \"400d\"");
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 8), 0);
    ck_assert_ptr_nonnull(due(WORLD_NOW)); /* the first one: at once */
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &(struct tls_pki_order){.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW + 200 * WORLD_DAY});
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 8), 0);
    ck_assert_ptr_null(due(WORLD_NOW + 100 * WORLD_DAY - 1));
    ck_assert_ptr_nonnull(due(WORLD_NOW + 100 * WORLD_DAY));
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW + WORLD_DAY, 8), 0); /* a reload does not move it */
    ck_assert_ptr_null(due(WORLD_NOW + 100 * WORLD_DAY - 1));
    ck_assert_ptr_nonnull(due(WORLD_NOW + 100 * WORLD_DAY));
    world_edit(&w, "before = \"400d\"", "before = \"160d\""); /* early, and as it is configured */
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &(struct tls_pki_order){.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW + 200 * WORLD_DAY});
    load();
    ck_assert_int_eq(renewal_follow(&r, loaded, WORLD_NOW, 8), 0);
    ck_assert_ptr_null(due(WORLD_NOW + 39 * WORLD_DAY));
    ck_assert_ptr_nonnull(due(WORLD_NOW + 60 * WORLD_DAY));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("renewal");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, a_certificate_is_due_in_the_part_of_its_life_that_is_configured);
    tcase_add_test(c, after_failures_it_is_tried_less_and_less_often_but_always_again);
    tcase_add_test(c, a_ca_that_decides_later_is_asked_when_it_says);
    tcase_add_test(c, an_expired_certificate_is_told_once_and_not_asked_for);
    tcase_add_test(c, a_person_may_ask_at_any_time);
    tcase_add_test(c, another_certificate_has_a_moment_of_its_own_and_the_counts_stay);
    tcase_add_test(c, a_new_certificate_that_is_due_at_once_has_half_of_its_life_first);
    suite_add_tcase(s, c);
    return s;
}
