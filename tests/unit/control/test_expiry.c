/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"
#include "world.h"

#include "mtlsd/control/expiry.h"

#include <string.h>

#define DAY ((int64_t)WORLD_DAY)
#define END ((int64_t)1000 * WORLD_DAY)

static const struct {
    const char *why;
    int64_t life, since, now; /* the moments as seconds from the end */
    bool says;
} moments[] = {
    {"long before the end", 365 * DAY, -40 * DAY, -31 * DAY, false},
    {"thirty days before", 365 * DAY, -31 * DAY, -30 * DAY, true},
    {"and not again", 365 * DAY, -30 * DAY, -29 * DAY, false},
    {"a minute later neither", 365 * DAY, -30 * DAY, -30 * DAY + 60, false},
    {"fourteen days before", 365 * DAY, -14 * DAY - 30, -14 * DAY + 30, true},
    {"a week before", 365 * DAY, -7 * DAY - 1, -7 * DAY, true},
    {"three days before", 365 * DAY, -3 * DAY - 60, -3 * DAY, true},
    {"a day before", 365 * DAY, -DAY - 60, -DAY, true},
    {"in the last hour, told yesterday", 365 * DAY, -3600, -60, false},
    {"its last second is still valid", 365 * DAY, -60, 0, false},
    {"the end", 365 * DAY, -59, 1, true},
    {"the end, looked at in its last second", 365 * DAY, 0, 60, true},
    {"a minute after that", 365 * DAY, 60, 120, false},
    {"a day after", 365 * DAY, DAY - 30, DAY + 30, true},
    {"and once that day", 365 * DAY, DAY + 30, 2 * DAY - 1, false},
    {"after a long sleep, once", 365 * DAY, -100 * DAY, 100 * DAY, true},
    {"many days after, the next day", 365 * DAY, 400 * DAY - 1, 400 * DAY, true},
    {"one that lives three months is renewed in its last", 90 * DAY, -31 * DAY, -30 * DAY, true},
    {"one that lives sixty days is not yet due", 60 * DAY, -31 * DAY, -30 * DAY, false},
    {"a list for a week: a day before", 7 * DAY, -DAY - 60, -DAY, true},
    {"a list for a week: not as soon as it is there", 7 * DAY, -7 * DAY - 60, -7 * DAY, false},
    {"one for a day has no day before", DAY, -2 * DAY, -60, false},
    {"but an end", DAY, -60, 60, true},
    {"a clock that went back", 365 * DAY, 60, -60, false},
};

START_TEST(speaks_on_some_days_and_daily_after_the_end)
{
    ck_assert_msg(expiry_speaks(END - moments[_i].life, END, END + moments[_i].since, END + moments[_i].now) == moments[_i].says, "%s", moments[_i].why);
}
END_TEST

/* Asked each minute for two months around the end: five days before it, the end, and thirty days after. */
START_TEST(is_no_flood)
{
    unsigned before = 0, after = 0;
    for (int64_t now = -60 * DAY; now < 30 * DAY + 60; now += 60)
        if (expiry_speaks(END - 365 * DAY, END, END + now - 60, END + now))
            *(now > 0 ? &after : &before) += 1;
    ck_assert_uint_eq(before, 5);
    ck_assert_uint_eq(after, 31);
}
END_TEST

START_TEST(knows_what_is_near)
{
    static const struct {
        int64_t life, now;
        bool near;
    } rows[] = {{365 * DAY, -31 * DAY, false}, {365 * DAY, -30 * DAY, true}, {365 * DAY, -60, true}, {365 * DAY, 0, true}, {365 * DAY, 1, false},
                {60 * DAY, -20 * DAY, false}, {60 * DAY, -14 * DAY, true}, {DAY, -60, false}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(expiry_is_near(END - rows[i].life, END, END + rows[i].now) == rows[i].near, "row %zu", i);
}
END_TEST

/* ---- what a snapshot holds ---- */

static struct world w;
static struct findings findings;

static void set_up(void)
{
    struct tls_pki_order client = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_before = WORLD_NOW - 300 * DAY, .not_after = WORLD_NOW + 40 * DAY};
    world_make(&w);
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &client);
    findings_init(&findings);
}

static void tear_down(void)
{
    findings_clear(&findings);
    world_clear(&w);
}

static const struct finding *find(const char *text)
{
    for (size_t i = 0; i < findings.n; i++)
        if (strstr(findings.items[i].text, text) != NULL)
            return &findings.items[i];
    return NULL;
}

START_TEST(names_an_identity_before_and_after)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    findings_clear(&findings);
    findings_init(&findings);
    expiry_review(s, WORLD_NOW, WORLD_NOW + 60, &findings);
    ck_assert_ptr_null(find("identity \"payments\""));
    expiry_review(s, WORLD_NOW + 36 * DAY, WORLD_NOW + 37 * DAY, &findings);
    const struct finding *f = find("identity \"payments\": certificate CN=payments expires in 3 days, 20");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->level, FINDING_WARNING);
    ck_assert_ptr_nonnull(strstr(f->text, "renew it; peers refuse"));
    ck_assert_ptr_nonnull(strchr(f->where, ':'));
    expiry_review(s, WORLD_NOW + 40 * DAY, WORLD_NOW + 41 * DAY, &findings);
    f = find("identity \"payments\": certificate CN=payments is expired since 20");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(f->level, FINDING_ERROR);
    snapshot_unref(s);
}
END_TEST

#define RENEW(before) "/etc/payments.pem\"; renew = { est = \"https://ca.example\"; trust = \"partner\"; " before " };"

/* Of 90 days, which mtlsd renews in the last 30: thirty days before the end nothing is wrong yet. */
START_TEST(of_one_that_mtlsd_renews_only_days_after_its_time_count)
{
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &(struct tls_pki_order){.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW + 60 * DAY});
    for (int renews = 0; renews < 2; renews++) {
        if (renews)
            world_edit(&w, "/etc/payments.pem\";", RENEW(""));
        struct snapshot *s = world_load(&w, 1, &findings);
        ck_assert_ptr_nonnull(s);
        expiry_review(s, WORLD_NOW + 30 * DAY - 60, WORLD_NOW + 30 * DAY, &findings);
        ck_assert(renews == (find("certificate CN=payments expires in 30 days") == NULL));
        expiry_review(s, WORLD_NOW + 53 * DAY - 60, WORLD_NOW + 53 * DAY, &findings);
        ck_assert_ptr_nonnull(find(renews ? "expires in 7 days, 2027-03-16T08:00:00Z; mtlsd did not renew it yet" : "expires in 7 days"));
        snapshot_unref(s);
        findings_clear(&findings);
        findings_init(&findings);
    }
}
END_TEST

START_TEST(warns_at_load_of_a_renewal_that_is_due_at_once_for_ever)
{
    world_edit(&w, "/etc/payments.pem\";", RENEW("before = \"71d\";"));
    struct snapshot *s = world_load(&w, 1, &findings);
    expiry_at_load(s, WORLD_NOW, &findings);
    ck_assert_ptr_nonnull(find("identity \"payments\": renew.before is 71d, and its certificate lives for 1680 hours: it is renewed at once"));
    findings_clear(&findings);
    findings_init(&findings);
    world_edit(&w, "71d", "69d");
    struct snapshot *fine = world_load(&w, 1, &findings);
    expiry_at_load(fine, WORLD_NOW, &findings);
    ck_assert_ptr_null(find("renew.before"));
    snapshot_unref(fine);
    snapshot_unref(s);
}
END_TEST

/* D7 */
START_TEST(a_reload_does_not_put_an_expired_certificate_in_the_place_of_a_good_one)
{
    struct tls_pki_order order = {.cn = "payments", .purpose = TLS_PURPOSE_CLIENT, .not_after = WORLD_NOW - 1};
    struct snapshot *good = world_load(&w, 1, &findings);
    world_issue(&w, "/etc/payments.pem", &w.clients_ca, &order);
    struct snapshot *bad = world_load(&w, 2, &findings);
    struct err err = {0};
    ck_assert_ptr_nonnull(good);
    ck_assert_ptr_nonnull(bad);
    ck_assert_int_eq(expiry_check_succession(good, good, WORLD_NOW, &err), 0);
    ck_assert_int_eq(expiry_check_succession(bad, bad, WORLD_NOW, &err), 0);
    ck_assert_int_eq(expiry_check_succession(good, bad, WORLD_NOW, &err), 0);
    ck_assert_int_eq(expiry_check_succession(bad, good, WORLD_NOW, &err), -1);
    ck_assert_msg(strstr(err.text, "identity \"payments\": its new certificate CN=payments expired 20") != NULL, "%s", err.text);
    ck_assert_int_eq(expiry_check_succession(bad, good, WORLD_NOW + 400 * DAY, &(struct err){0}), 0);
    err = (struct err){0};
    ck_assert_int_eq(expiry_check_succession(good, bad, WORLD_NOW - 29 * DAY, &err), 0);
    snapshot_unref(good);
    snapshot_unref(bad);
}
END_TEST

START_TEST(names_lists_and_cas)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    expiry_review(s, WORLD_NOW, WORLD_NOW + 20000 * DAY, &findings);
    const struct finding *list = find("the revocation list of "), *ca = find("trust \"clients\": CA certificate ");
    ck_assert_ptr_nonnull(list);
    ck_assert_ptr_nonnull(strstr(list->text, "is out of date since 20"));
    ck_assert_ptr_nonnull(strstr(list->text, "crl_stale"));
    ck_assert_ptr_nonnull(ca);
    ck_assert_ptr_nonnull(strstr(ca->text, "is expired since"));
    snapshot_unref(s);
}
END_TEST

START_TEST(names_the_ca_of_a_forward_proxy)
{
    static const char *const only[] = {"api.example"};
    const struct tls_pki_ca order = {"Intercept CA", only, 1, WORLD_NOW - 300 * DAY, WORLD_NOW + 40 * DAY};
    struct tls_pki_pair ca;
    struct err err = {0};
    ck_assert_int_eq(tls_pki_make_ca(&order, &ca, &err), 0);
    memory_files_put(&w.files, "/etc/intercept.pem", bytes_span(&ca.certificate));
    memory_files_put(&w.files, "/etc/intercept.key", bytes_span(&ca.key));
    tls_pki_pair_clear(&ca);
    world_edit(&w, "listeners = {", "listeners = { apps = { bind = \"127.0.0.1:3128\"; routes = ( { host = \"api.example\"; upstream = \"partner\"; } );\n"
                                    "  forward_proxy = { intercept = { ca = \"/etc/intercept.pem\"; key = \"/etc/intercept.key\"; }; }; };\n");
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_msg(s != NULL, "%s", findings.n > 0 ? findings.items[0].text : "");
    expiry_review(s, WORLD_NOW + 36 * DAY, WORLD_NOW + 37 * DAY, &findings);
    const struct finding *f = find("listener \"apps\": CA certificate CN=Intercept CA of forward_proxy.intercept expires in 3 days");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(strstr(f->text, "mtlsd pki init --only HOST"));
    snapshot_unref(s);
}
END_TEST

START_TEST(warns_at_load_of_what_is_near_and_not_of_what_is_over)
{
    struct snapshot *s = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(s);
    ck_assert_ptr_null(find("expires"));
    expiry_at_load(s, WORLD_NOW + 39 * DAY + 60, &findings);
    ck_assert_ptr_nonnull(find("CN=payments expires within a day"));
    findings_clear(&findings);
    findings_init(&findings);
    expiry_at_load(s, WORLD_NOW + 41 * DAY, &findings);
    ck_assert_ptr_null(find("CN=payments"));
    snapshot_unref(s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("expiry");
    TCase *t = tcase_create("expiry");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, speaks_on_some_days_and_daily_after_the_end, 0, sizeof(moments) / sizeof(moments[0]));
    tcase_add_test(t, is_no_flood);
    tcase_add_test(t, knows_what_is_near);
    tcase_add_test(t, names_an_identity_before_and_after);
    tcase_add_test(t, of_one_that_mtlsd_renews_only_days_after_its_time_count);
    tcase_add_test(t, warns_at_load_of_a_renewal_that_is_due_at_once_for_ever);
    tcase_add_test(t, a_reload_does_not_put_an_expired_certificate_in_the_place_of_a_good_one);
    tcase_add_test(t, names_lists_and_cas);
    tcase_add_test(t, names_the_ca_of_a_forward_proxy);
    tcase_add_test(t, warns_at_load_of_what_is_near_and_not_of_what_is_over);
    suite_add_tcase(s, t);
    return s;
}
