/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "status_certificates.h"

#include "status_view.h"
#include "world.h"

#include <string.h>

START_TEST(tells_which_ca_has_a_revocation_list)
{
    struct world w;
    struct findings findings;
    struct admin_view view = status_view_make();
    world_make(&w);
    findings_init(&findings);
    view.snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(view.snapshot);
    const char *doc = status_view_text(&view);
    const char *clients = strstr(doc, "\"name\": \"clients\"");
    ck_assert_ptr_nonnull(clients);
    ck_assert_ptr_nonnull(strstr(clients, "\"crl_coverage\": ["));
    ck_assert_ptr_nonnull(strstr(clients, "\"covered\": true"));
    ck_assert_ptr_nonnull(strstr(clients, "\"stale\": false"));
    ck_assert_ptr_nonnull(strstr(clients, "\"crl_generation\": 1"));
    ck_assert_ptr_eq(strstr(strstr(doc, "crl_coverage") + 1, "crl_coverage"), NULL); /* the other trust uses none */
    view.now += 30 * (int64_t)WORLD_DAY;
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"stale\": true"));
    snapshot_unref((struct snapshot *)(uintptr_t)view.snapshot);
    findings_clear(&findings);
    world_clear(&w);
}
END_TEST

START_TEST(tells_where_lists_are_fetched_and_how_that_went)
{
    struct world w;
    struct findings findings;
    struct admin_view view = status_view_make();
    struct crl_fetch_item items[] = {
        {.url = (char[]){"http://crl.example/other"}, .succeeded = 1, .error = "of another one"},
        {.url = (char[]){"http://crl.example/a"}, .succeeded = 1800000000, .due = 1800000200, .error = "the server\nanswers 500"}};
    struct crl_fetch fetches = {items, 2};
    world_make(&w);
    findings_init(&findings);
    world_edit(&w, "crl = \"/etc/clients.crl\";", "crl = \"fetch\"; crl_urls = [ \"http://crl.example/a\" ];");
    view.snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(view.snapshot);
    status_view_text(&view); /* before anything was planned */
    const char *row = "\"crl_fetch\": [\n        {\n          \"url\": \"http://crl.example/a\",\n          \"in_use\": false,\n          \"last_success\": null,"
                      "\n          \"next_attempt\": null,\n          \"last_error\": null\n        }\n      ]";
    ck_assert_ptr_nonnull(strstr(shown.text, row));
    ck_assert_ptr_null(strstr(strstr(shown.text, "crl_fetch") + 1, "crl_fetch")); /* the other trust fetches none */
    view.fetches = &fetches;
    atomic_store(&view.snapshot->trusts[0].urls[0].held, true);
    bytes_clear(&shown.out);
    status_view_text(&view);
    ck_assert_ptr_nonnull(strstr(shown.text, "\"in_use\": true,\n          \"last_success\": \"2027-01-15T08:00:00Z\",\n"
                                       "          \"next_attempt\": \"2027-01-15T08:03:20Z\",\n          \"last_error\": \"the server\\nanswers 500\""));
    ck_assert_ptr_null(strstr(shown.text, "of another one"));
    items[1].busy = true; /* now, that is */
    items[1].error[0] = '\0';
    bytes_clear(&shown.out);
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"next_attempt\": null,\n          \"last_error\": null"));
    snapshot_unref((struct snapshot *)(uintptr_t)view.snapshot);
    findings_clear(&findings);
    world_clear(&w);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("status_certificates");
    TCase *t = tcase_create("status_certificates");
    tcase_add_checked_fixture(t, status_view_set_up, status_view_tear_down);
    tcase_add_test(t, tells_which_ca_has_a_revocation_list);
    tcase_add_test(t, tells_where_lists_are_fetched_and_how_that_went);
    suite_add_tcase(s, t);
    return s;
}
