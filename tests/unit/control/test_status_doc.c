/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "status_doc.h"

#include "status_view.h"
#include "mtlsd/control/admin.h"
#include "mtlsd/control/workload.h"

#include <stdio.h>
#include <string.h>

START_TEST(names_the_instance)
{
    struct admin_view view = status_view_make();
    const char *doc = status_view_text(&view);
    ck_assert_ptr_nonnull(strstr(doc, "\"version\": \"0.1.0\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"uptime_seconds\": 100"));
    ck_assert_ptr_nonnull(strstr(doc, "\"started\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"last_reload\": null"));
    ck_assert_ptr_nonnull(strstr(doc, "\"last_handover\": null"));
    ck_assert_ptr_nonnull(strstr(doc, "\"0.0.0.0:8443\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"address\": \"127.0.0.1:9000\""));
}
END_TEST

START_TEST(tells_the_state_of_the_spiffe_agent)
{
    struct admin_view view = status_view_make();
    struct workload_svid svid = {.id = (char[]){"spiffe://a.example/one"}};
    struct workload_bundle bundle = {.domain = (char[]){"b.example"}};
    struct workload_view workload = {.state = WORKLOAD_LOST, .generation = 7, .refused = 2, .received = 1800000050, .socket = "/run/agent.sock", .error = "the agent has ended the stream",
                                     .set = {.svids = &svid, .n_svids = 1, .bundles = &bundle, .n_bundles = 1}};
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"spiffe\": null"));
    view.workload = &workload;
    const char *doc = status_view_text(&view);
    static const char *const parts[] = {"\"socket\": \"/run/agent.sock\"", "\"state\": \"lost\"", "\"connected\": false", "\"generation\": 7", "\"refused\": 2",
                                        "\"error\": \"the agent has ended the stream\"", "\"spiffe://a.example/one\"", "\"b.example\"", "\"last_answer\": \"2027-01-15T08:00:50Z\""};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        ck_assert_msg(strstr(doc, parts[i]) != NULL, "%s is missing in %s", parts[i], doc);
}
END_TEST

START_TEST(tells_why_the_last_reload_was_refused)
{
    struct admin_view view = status_view_make();
    view.last_reload = 1800000050;
    view.last_reload_error = "a.conf:3: trust \"x\" is empty";
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"error\": \"a.conf:3: trust \\\"x\\\" is empty\""));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"result\": \"refused\""));
}
END_TEST

START_TEST(tells_why_a_new_process_could_not_take_over)
{
    struct admin_view view = status_view_make();
    view.last_handover = 1800000050;
    view.last_handover_error = "the new process ended";
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"error\": \"the new process ended\""));
    view.last_handover_error = NULL;
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"error\": \"out of memory\""));
}
END_TEST

/* C13 */
START_TEST(says_how_full_it_is)
{
    struct admin_view view = status_view_make();
    view.room = (struct admin_room){.clients = 7, .most_clients = 10, .descriptors = 9, .most_descriptors = 27, .refused = 3, .full = true, .most_per_client = 5};
    status_view_text(&view);
    ck_assert_ptr_nonnull(strstr(shown.text, "\"open\": 7"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"most\": 10"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"descriptors\": 9"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"most_descriptors\": 27"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"refused_total\": 3"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"most_per_client\": 5"));
    ck_assert_ptr_nonnull(strstr(shown.text, "\"full\": true"));
}
END_TEST

START_TEST(is_not_ready_while_it_drains)
{
    struct admin_view view = status_view_make();
    view.draining = true;
    ck_assert_ptr_nonnull(strstr(status_view_text(&view), "\"ready\": false"));
}
END_TEST

/* C8: what a peer wrote into its certificate can neither break the document nor reach a terminal raw. */
START_TEST(escapes_what_peers_chose)
{
    static const char *const subjects[] = {"CN=a\nb\x1b[31m\"\\", "CN=\xff\xfe", "CN=M\xc3\xbcller", "CN=\xed\xa0\x80"};
    struct refusal refusals[4] = {{0}};
    for (size_t i = 0; i < 4; i++) {
        refusals[i].reason = REASON_EXPIRED;
        snprintf(refusals[i].peer_subject, sizeof(refusals[i].peer_subject), "%s", subjects[i]);
    }
    struct admin_view view = status_view_make();
    view.refusals = refusals;
    view.n_refusals = 4;
    const char *doc = status_view_text(&view);
    for (const char *c = doc; *c != '\0'; c++)
        ck_assert((*c >= 0x20 && *c < 0x7f) || *c == '\n');
    ck_assert_ptr_nonnull(strstr(doc, "CN=a\\nb\\u001B[31m\\\"\\\\"));
    ck_assert_ptr_nonnull(strstr(doc, "CN=%FF%FE"));
    ck_assert_ptr_nonnull(strstr(doc, "CN=M\\u00FCller"));
    ck_assert_ptr_nonnull(strstr(doc, "\"hint\": "));
}
END_TEST

START_TEST(fails_whole_when_there_is_no_room)
{
    struct admin_view view = status_view_make();
    struct bytes small;
    bytes_init(&small, 100);
    ck_assert_int_eq(status_doc_status(&small, &view), -1);
    bytes_clear(&small);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("status_doc");
    TCase *t = tcase_create("status_doc");
    tcase_add_checked_fixture(t, status_view_set_up, status_view_tear_down);
    tcase_add_test(t, names_the_instance);
    tcase_add_test(t, tells_the_state_of_the_spiffe_agent);
    tcase_add_test(t, tells_why_the_last_reload_was_refused);
    tcase_add_test(t, tells_why_a_new_process_could_not_take_over);
    tcase_add_test(t, says_how_full_it_is);
    tcase_add_test(t, is_not_ready_while_it_drains);
    tcase_add_test(t, escapes_what_peers_chose);
    tcase_add_test(t, fails_whole_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
