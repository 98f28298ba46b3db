/* SPDX-License-Identifier: Apache-2.0 */
#include "dashboard_parts.h"
#include "status_text.h"
#include "t.h"

#include <string.h>

static void targets(struct bytes *out, const struct json_t *status)
{
    dashboard_targets(out, status, "abc123");
}

START_TEST(a_target_has_its_state_and_the_buttons_that_would_change_it)
{
    const char *text = status_text_of(targets, "{\"upstreams\":[{\"name\":\"app\",\"balance\":\"least_conn\",\"sticky\":\"suffix\",\"targets\":["
                                               "{\"address\":\"a:1\",\"route\":\"worker1\",\"state\":\"up\",\"weight\":5,\"active\":3,\"requests_total\":77}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "least_conn, sessions stay by suffix"));
    ck_assert_ptr_nonnull(strstr(text, "<span class=\"state good\">up</span>"));
    ck_assert_ptr_nonnull(strstr(text, "name=\"nonce\" value=\"abc123\""));
    ck_assert_ptr_nonnull(strstr(text, "name=\"target\" value=\"app/worker1\""));
    ck_assert_ptr_nonnull(strstr(text, "value=\"drain\""));
    ck_assert_ptr_nonnull(strstr(text, "value=\"disable\""));
    ck_assert_ptr_null(strstr(text, "value=\"enable\""));
    ck_assert_ptr_nonnull(strstr(text, "max=\"256\" value=\"5\""));
    text = status_text_of(targets, "{\"upstreams\":[{\"name\":\"app\",\"targets\":[{\"address\":\"a:1\",\"state\":\"drained\",\"weight\":1}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "value=\"enable\""));
    ck_assert_ptr_null(strstr(text, "value=\"drain\""));
    ck_assert_ptr_nonnull(strstr(text, "name=\"target\" value=\"app/a:1\""));
}
END_TEST

START_TEST(a_percent_sign_of_a_name_survives_the_form)
{
    const char *text = status_text_of(targets, "{\"upstreams\":[{\"name\":\"app\",\"targets\":[{\"address\":\"unix:/a%20<b>\",\"state\":\"up\"}]}]}");
    ck_assert_ptr_nonnull(strstr(text, "value=\"app/unix:/a%2520&lt;b&gt;\""));
}
END_TEST

START_TEST(what_ends_first_stands_first)
{
    const char *text = status_text_of(dashboard_timeline,
                                      "{\"identities\":[{\"name\":\"me\",\"not_after\":\"2027-05-01T00:00:00Z\",\"days_left\":100}],"
                                      "\"trusts\":[{\"name\":\"ca\",\"not_after\":\"2036-01-01T00:00:00Z\",\"days_left\":3000,\"crl_next_update\":\"2026-01-01T00:00:00Z\","
                                      "\"crl_days_left\":-2},{\"name\":\"empty\",\"days_left\":null}],"
                                      "\"listeners\":[{\"name\":\"in\",\"peer_not_after\":\"2026-12-01T00:00:00Z\",\"peer_days_left\":0}],"
                                      "\"upstreams\":[{\"name\":\"up\",\"peer_not_after\":\"2026-12-09T00:00:00Z\",\"peer_days_left\":1}]}");
    static const char *const order[] = {"ended 2 days ago", "ends today", "ends in 1 day<", "ends in 100 days", "ends in 3000 days"};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        const char *at = strstr(text, order[i]);
        ck_assert_msg(at != NULL, "%s: %s", order[i], text);
        text = at;
    }
    ck_assert_ptr_nonnull(strstr(status_text_of(dashboard_timeline, "{}"), "No certificate or list is in use."));
}
END_TEST

START_TEST(a_listener_says_whether_it_could_enforce)
{
    const char *text = status_text_of(dashboard_callers,
                                      "{\"listeners\":[{\"name\":\"in\",\"client_cert\":\"optional\",\"would_refuse\":4,\"enforcing\":{\"callers\":9,\"would_be_refused\":2,"
                                      "\"statuses\":{\"none\":{\"connections\":2}},\"last\":[{\"who\":\"CN=<b>\"}]}},"
                                      "{\"name\":\"two\",\"client_cert\":\"required\",\"enforcing\":null},{\"name\":\"three\",\"enforcing\":null}]}");
    ck_assert_ptr_nonnull(strstr(text, "2 of 9 clients would be refused"));
    ck_assert_ptr_nonnull(strstr(text, "(none 2)"));
    ck_assert_ptr_nonnull(strstr(text, "CN=&lt;b&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "4 would have been refused by allow"));
    ck_assert_ptr_nonnull(strstr(text, "a valid certificate is required"));
    ck_assert_ptr_nonnull(strstr(text, "plaintext"));
}
END_TEST

START_TEST(a_refusal_says_what_to_do_and_escapes_its_peer) /* E1 */
{
    const char *text = status_text_of(dashboard_refusals, "{\"refusals\":[{\"time\":\"t\",\"count\":3,\"reason\":\"expired\",\"listener\":\"in\",\"upstream\":\"up\","
                                                          "\"peer_subject\":\"CN=<script>alert(1)</script>\",\"detail\":\"d\",\"hint\":\"renew it\"}]}");
    ck_assert_ptr_null(strstr(text, "<script>"));
    ck_assert_ptr_nonnull(strstr(text, "CN=&lt;script&gt;"));
    ck_assert_ptr_nonnull(strstr(text, "in to up"));
    ck_assert_ptr_nonnull(strstr(text, "What to do: renew it"));
    ck_assert_ptr_nonnull(strstr(status_text_of(dashboard_refusals, "{}"), "None since the start."));
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("dashboard_tables");
    TCase *t = tcase_create("dashboard_tables");
    tcase_add_test(t, a_target_has_its_state_and_the_buttons_that_would_change_it);
    tcase_add_test(t, a_percent_sign_of_a_name_survives_the_form);
    tcase_add_test(t, what_ends_first_stands_first);
    tcase_add_test(t, a_listener_says_whether_it_could_enforce);
    tcase_add_test(t, a_refusal_says_what_to_do_and_escapes_its_peer);
    suite_add_tcase(s, t);
    return s;
}
