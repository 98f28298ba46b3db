/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/fallback.h"
#include "mtlsd/tls/tls_identity.h"
#include "t.h"
#include "world.h"

#include <string.h>

#define DAY ((int64_t)WORLD_DAY)

enum { GENERATIONS = 4 };

static struct world w;
static struct findings findings;
static struct snapshot *loaded[GENERATIONS]; /* the last one is in use */
static size_t n;
static struct fallback fallback;

static struct snapshot *load(const struct fallback_use *use)
{
    w.instead = use;
    struct snapshot *s = world_load(&w, n + 1, &findings);
    ck_assert_ptr_nonnull(s);
    return loaded[n++] = s;
}

static void set_up(void)
{
    world_make(&w);
    findings_init(&findings);
    n = 0;
    load(NULL);
}

static void tear_down(void)
{
    fallback_clear(&fallback);
    while (n > 0)
        snapshot_unref(loaded[--n]);
    findings_clear(&findings);
    world_clear(&w);
}

static struct tls_identity *in_use(const struct snapshot *s)
{
    const struct config_identity *conf = config_find_identity(s->config, "payments");
    return s->identities[conf - s->config->identities].tls;
}

/* As a reload does it. */
static void adopt(const struct fallback_use *use)
{
    struct rotation r;
    const struct snapshot *old = loaded[n - 1], *next = load(use);
    ck_assert_int_eq(rotation_compare(old, next, &r), 0);
    struct fallback_row *trying = fallback_trying(&fallback);
    if (trying != NULL)
        fallback_tried(trying, in_use(next) == trying->before, false, WORLD_NOW);
    fallback_follow(&fallback, &r, next);
    rotation_clear(&r);
}

static void renew(void)
{
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &(struct tls_pki_order){.cn = "payments", .purpose = TLS_PURPOSE_CLIENT});
    adopt(NULL);
}

static struct fallback_row *refuse(int64_t now)
{
    const struct fallback_refusal refusal = {in_use(loaded[n - 1]), "api", "api.example:443", "unknown_ca", .hint = false};
    return fallback_refused(&fallback, &refusal, loaded[n - 1], now);
}

static bool hint(const char *target, int64_t now)
{
    const struct fallback_refusal refusal = {in_use(loaded[n - 1]), "api", target, "", .hint = true};
    return fallback_hinted(&fallback, &refusal, loaded[n - 1], now);
}

static void go_back(void)
{
    struct fallback_use use;
    ck_assert_ptr_nonnull(refuse(WORLD_NOW));
    fallback_use_make(&fallback, false, &use);
    adopt(&use);
    fallback_use_clear(&use);
}

START_TEST(nothing_is_watched_before_a_renewal)
{
    ck_assert(!fallback_watches(&fallback));
    ck_assert_ptr_null(refuse(WORLD_NOW));
    ck_assert_ptr_null(fallback_text(&fallback, "payments"));
    ck_assert_ptr_null(fallback_text(NULL, "payments"));
}
END_TEST

START_TEST(a_refused_renewal_gives_its_place_to_the_one_before)
{
    renew();
    ck_assert(fallback_watches(&fallback));
    go_back();
    ck_assert_ptr_eq(in_use(loaded[2]), in_use(loaded[0]));
    ck_assert(!fallback_watches(&fallback));
    ck_assert_ptr_nonnull(strstr(fallback_text(&fallback, "payments"), "upstream api (api.example:443) refuses the new certificate CN=payments"));
}
END_TEST

START_TEST(it_happens_once_for_each_renewal)
{
    renew();
    struct fallback_row *row = refuse(WORLD_NOW);
    ck_assert_ptr_nonnull(row);
    ck_assert_ptr_null(refuse(WORLD_NOW)); /* others refuse it meanwhile */
    fallback_tried(row, false, true, WORLD_NOW);
    ck_assert_ptr_null(refuse(WORLD_NOW + 1000));
    renew();
    ck_assert_ptr_nonnull(row = refuse(WORLD_NOW));
    ck_assert_ptr_eq(row->before, in_use(loaded[0])); /* not the one that was refused */
}
END_TEST

START_TEST(a_hint_asks_each_target_once_a_minute)
{
    ck_assert(!hint("a", WORLD_NOW)); /* nothing was renewed */
    renew();
    ck_assert(hint("a", WORLD_NOW));
    ck_assert(!hint("a", WORLD_NOW + 59));
    ck_assert(hint("b", WORLD_NOW));
    ck_assert(hint("a", WORLD_NOW + 60));
    for (size_t i = 2; i < FALLBACK_ASKED_MOST; i++)
        ck_assert(hint((const char *[]){"c", "d", "e"}[i - 2], WORLD_NOW + 20));
    ck_assert(!hint("another", WORLD_NOW + 20));
    ck_assert(fallback_watches(&fallback)); /* a hint changes nothing else */
    go_back();
    ck_assert(!hint("a", WORLD_NOW + 1000));
}
END_TEST

START_TEST(hints_that_were_about_something_else_end_and_alerts_count_on)
{
    renew();
    const struct fallback_refusal proven = {in_use(loaded[1]), "api", "api.example:443", "HTTP 400", .hint = true};
    struct fallback_row *row = fallback_refused(&fallback, &proven, loaded[1], WORLD_NOW);
    ck_assert_ptr_nonnull(row);
    ck_assert(!hint("a", WORLD_NOW)); /* one at a time */
    fallback_tried(row, false, true, WORLD_NOW);
    ck_assert(!hint("a", WORLD_NOW + 1000));
    ck_assert_ptr_nonnull(refuse(WORLD_NOW));
    fallback_tried(row, false, false, WORLD_NOW);
    renew();
    ck_assert(hint("a", WORLD_NOW + 1000));
}
END_TEST

START_TEST(files_in_disorder_only_put_it_off)
{
    renew();
    fallback_tried(refuse(WORLD_NOW), false, false, WORLD_NOW);
    ck_assert(fallback_watches(&fallback));
    ck_assert_ptr_null(refuse(WORLD_NOW + 59));
    ck_assert_ptr_nonnull(refuse(WORLD_NOW + 60));
}
END_TEST

START_TEST(the_refused_file_is_left_out_until_a_person_asks_or_another_comes)
{
    struct fallback_use use;
    renew();
    go_back();
    fallback_use_make(&fallback, false, &use);
    ck_assert_ptr_eq(fallback_use_find(&use, in_use(loaded[1])), in_use(loaded[0]));
    adopt(&use);
    fallback_use_clear(&use);
    ck_assert_ptr_eq(in_use(loaded[3]), in_use(loaded[0]));
    fallback_use_make(&fallback, true, &use);
    ck_assert_ptr_null(fallback_use_find(&use, in_use(loaded[1])));
    fallback_use_clear(&use);
}
END_TEST

START_TEST(the_next_certificate_is_watched_in_its_turn)
{
    renew();
    go_back();
    renew();
    ck_assert_ptr_null(fallback_text(&fallback, "payments"));
    const struct fallback_row *row = refuse(WORLD_NOW);
    ck_assert_ptr_nonnull(row);
    ck_assert_ptr_eq(row->before, in_use(loaded[0]));
}
END_TEST

START_TEST(an_expired_one_does_not_come_back)
{
    renew();
    ck_assert_ptr_null(refuse(WORLD_NOW + 4000 * DAY));
    ck_assert(!fallback_watches(&fallback));
}
END_TEST

START_TEST(what_came_back_ends_with_its_certificate)
{
    renew();
    go_back();
    ck_assert_uint_eq(fallback_expire(&fallback, loaded[2], WORLD_NOW), 0);
    ck_assert_uint_eq(fallback_expire(&fallback, loaded[2], WORLD_NOW + 4000 * DAY), 1);
    ck_assert_uint_eq(fallback_expire(&fallback, loaded[2], WORLD_NOW + 4000 * DAY), 0);
    ck_assert_ptr_null(fallback_text(&fallback, "payments"));
}
END_TEST

START_TEST(an_identity_that_is_gone_is_forgotten)
{
    renew();
    world_edit(&w, "  payments = {", "  renamed = {");
    world_edit(&w, "identity = \"payments\"", "identity = \"renamed\"");
    struct rotation none = {0};
    fallback_follow(&fallback, &none, load(NULL));
    ck_assert_ptr_null(fallback.rows);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("fallback");
    TCase *t = tcase_create("fallback");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, nothing_is_watched_before_a_renewal);
    tcase_add_test(t, a_refused_renewal_gives_its_place_to_the_one_before);
    tcase_add_test(t, it_happens_once_for_each_renewal);
    tcase_add_test(t, a_hint_asks_each_target_once_a_minute);
    tcase_add_test(t, hints_that_were_about_something_else_end_and_alerts_count_on);
    tcase_add_test(t, files_in_disorder_only_put_it_off);
    tcase_add_test(t, the_refused_file_is_left_out_until_a_person_asks_or_another_comes);
    tcase_add_test(t, the_next_certificate_is_watched_in_its_turn);
    tcase_add_test(t, an_expired_one_does_not_come_back);
    tcase_add_test(t, what_came_back_ends_with_its_certificate);
    tcase_add_test(t, an_identity_that_is_gone_is_forgotten);
    suite_add_tcase(s, t);
    return s;
}
