/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "status_doc.h"

#include "mtlsd/control/admin.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static char *binds[] = {"0.0.0.0:8443"};
static struct config_listener listener_conf = {
    .name = "public", .bind_text = binds, .n_bind = 1, .protocol = CONFIG_PROTOCOL_HTTP, .upstream = "partner"};
static struct config_target target_conf = {.text = "127.0.0.1:9000"};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct config config = {.path = "/etc/mtlsd.conf", .listeners = &listener_conf, .n_listeners = 1, .upstreams = &upstream_conf, .n_upstreams = 1};
static struct plan_target plan;
static struct plan_upstream upstream = {.conf = &upstream_conf, .targets = &plan, .n_targets = 1};
static struct plan_target plan = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};
static struct snapshot snapshot = {.config = &config, .generation = 3, .upstreams = &upstream, .targets = &plan, .n_targets = 1, .listeners = &listener};
static struct counters counters;
static struct bytes out;
static char text[65536];

static struct admin_view make_view(void)
{
    return (struct admin_view){
        .version = "0.1.0", .now = 1800000100, .started = 1800000000, .workers = 2, .ready = true, .snapshot = &snapshot, .counters = &counters};
}

static void set_up(void)
{
    bytes_init(&out, 1 << 20);
    ck_assert_int_eq(counters_init(&counters, 4), 0);
    snapshot.target_state = target_state_new(1);
    ck_assert_ptr_nonnull(snapshot.target_state);
}

static void tear_down(void)
{
    bytes_clear(&out);
    counters_clear(&counters);
    target_state_free(snapshot.target_state);
}

static const char *status_text(const struct admin_view *view)
{
    ck_assert_int_eq(status_doc_status(&out, view), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    return text;
}

START_TEST(names_the_instance)
{
    struct admin_view view = make_view();
    const char *doc = status_text(&view);
    ck_assert_ptr_nonnull(strstr(doc, "\"version\": \"0.1.0\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"uptime_seconds\": 100"));
    ck_assert_ptr_nonnull(strstr(doc, "\"started\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"last_reload\": null"));
    ck_assert_ptr_nonnull(strstr(doc, "\"last_handover\": null"));
    ck_assert_ptr_nonnull(strstr(doc, "\"0.0.0.0:8443\""));
    ck_assert_ptr_nonnull(strstr(doc, "\"address\": \"127.0.0.1:9000\""));
}
END_TEST

START_TEST(tells_counts_by_the_words_of_the_reason_table)
{
    struct admin_view view = make_view();
    counters_add(&counters_listener(&counters, "public")->refused[REASON_EXPIRED], 3);
    counters_add(&counters_listener(&counters, "public")->answers[5], 8);
    counters_add(&counters_upstream(&counters, "partner")->upstream_resumed, 11);
    const char *doc = status_text(&view);
    ck_assert_ptr_nonnull(strstr(doc, "\"expired\": 3"));
    ck_assert_ptr_nonnull(strstr(doc, "\"5xx\": 8"));
    ck_assert_ptr_nonnull(strstr(doc, "\"resumed_total\": 11"));
    ck_assert_ptr_null(strstr(doc, "\"revoked\": 0"));
}
END_TEST

START_TEST(tells_the_identities_by_server_name)
{
    struct admin_view view = make_view();
    char *hosts[] = {(char[]){"a.example"}, (char[]){"*.b.example"}};
    struct config_sni sni = {.hosts = {hosts, 2}, .identity = (char[]){"shop"}, .trust = (char[]){"staff"}, .client_cert = CONFIG_CLIENT_CERT_OPTIONAL};
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"identities\": [],"));
    listener_conf.tls = (struct config_tls){.present = true, .identities = &sni, .n_identities = 1};
    bytes_clear(&out);
    status_text(&view);
    listener_conf.tls = (struct config_tls){0};
    ck_assert_ptr_nonnull(strstr(text, "\"a.example\",\n            \"*.b.example\""));
    ck_assert_ptr_nonnull(strstr(text, "\"identity\": \"shop\",\n          \"identity_choices\": null,\n          \"trust\": \"staff\",\n          \"client_cert\": \"optional\""));
}
END_TEST

START_TEST(tells_whom_it_would_cost_something_to_enforce)
{
    struct admin_view view = make_view();
    struct counters_row *row = counters_listener(&counters, "public");
    row->judged[REASON_VALID] = (struct counters_judged){1201, 5000, 1800000000};
    row->judged[REASON_NONE] = (struct counters_judged){2, 9, 1800000000};
    row->judged[REASON_EXPIRED] = (struct counters_judged){1, 0, 1700000000};
    counters_last_put(row->last, "CN=old", 1800000000);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"enforcing\": null")); /* plaintext */
    listener_conf.tls = (struct config_tls){.present = true, .trust = (char[]){"x"}, .client_cert = CONFIG_CLIENT_CERT_REQUIRED};
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"enforcing\": null")); /* so already */
    listener_conf.tls.client_cert = CONFIG_CLIENT_CERT_OPTIONAL;
    bytes_clear(&out);
    status_text(&view);
    listener_conf.tls = (struct config_tls){0};
    ck_assert_ptr_nonnull(strstr(text, "\"callers\": 1204,\n        \"would_be_refused\": 3,"));
    ck_assert_ptr_nonnull(strstr(text, "\"none\": {\n            \"connections\": 2,\n            \"requests\": 9,\n            \"last\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_nonnull(strstr(text, "\"who\": \"CN=old\",\n            \"time\": \"2027-01-15T08:00:00Z\""));
    ck_assert_ptr_null(strstr(text, "\"valid\":"));
}
END_TEST

/* Drained by an operator, down by its checks, held after a failure: the strongest word is shown. */
START_TEST(tells_the_state_of_each_target)
{
    struct admin_view view = make_view();
    view.now_us = 1000000;
    struct counters_target *row = counters_target(&counters, "partner", "127.0.0.1:9000");
    counters_add(&row->active, 2);
    counters_add(&row->failures, 7);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"state\": \"up\",\n          \"held_seconds\": null,\n          \"active\": 2"));
    ck_assert_ptr_nonnull(strstr(text, "\"failures_total\": 7"));
    target_state_hold(snapshot.target_state, 0, 3500000);
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"state\": \"held\",\n          \"held_seconds\": 3,"));
    target_state_set_down(snapshot.target_state, 0, true);
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"state\": \"down\""));
    target_state_set_mode(snapshot.target_state, 0, TARGET_DRAINED);
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"state\": \"drained\""));
    view.now_us = 3500000;
    target_state_set_mode(snapshot.target_state, 0, TARGET_ENABLED);
    target_state_set_down(snapshot.target_state, 0, false);
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"state\": \"up\"")); /* the hold is over */
}
END_TEST

START_TEST(tells_the_hits_of_routes_where_there_is_a_choice)
{
    struct admin_view view = make_view();
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"routes\": []"));
    struct config_route confs[2] = {{.where = "a.conf:3", .redirect = (char[]){"/x"}}, {.where = "a.conf:4"}};
    struct plan_route two[2] = {{.conf = &confs[0]}, {.conf = &confs[1], .upstream = &upstream}};
    listener = (struct plan_listener){.conf = &listener_conf, .routes = two, .n_routes = 2};
    counters_add(&counters_route(&counters, "public", 2)->hits, 9);
    bytes_clear(&out);
    status_text(&view);
    listener = (struct plan_listener){.conf = &listener_conf, .routes = &route, .n_routes = 1};
    ck_assert_ptr_nonnull(strstr(text, "\"where\": \"a.conf:3\",\n          \"to\": \"redirect\",\n          \"hits\": 0"));
    ck_assert_ptr_nonnull(strstr(text, "\"where\": \"a.conf:4\",\n          \"to\": \"partner\",\n          \"hits\": 9"));
}
END_TEST

START_TEST(tells_which_ca_has_a_revocation_list)
{
    struct world w;
    struct findings findings;
    struct admin_view view = make_view();
    world_make(&w);
    findings_init(&findings);
    view.snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(view.snapshot);
    const char *doc = status_text(&view);
    const char *clients = strstr(doc, "\"name\": \"clients\"");
    ck_assert_ptr_nonnull(clients);
    ck_assert_ptr_nonnull(strstr(clients, "\"crl_coverage\": ["));
    ck_assert_ptr_nonnull(strstr(clients, "\"covered\": true"));
    ck_assert_ptr_nonnull(strstr(clients, "\"stale\": false"));
    ck_assert_ptr_nonnull(strstr(clients, "\"crl_generation\": 1"));
    ck_assert_ptr_eq(strstr(strstr(doc, "crl_coverage") + 1, "crl_coverage"), NULL); /* the other trust uses none */
    view.now += 30 * (int64_t)WORLD_DAY;
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"stale\": true"));
    snapshot_unref((struct snapshot *)(uintptr_t)view.snapshot);
    findings_clear(&findings);
    world_clear(&w);
}
END_TEST

START_TEST(tells_where_lists_are_fetched_and_how_that_went)
{
    struct world w;
    struct findings findings;
    struct admin_view view = make_view();
    struct crl_fetch_item items[] = {
        {.url = (char[]){"http://crl.example/other"}, .succeeded = 1, .error = "of another one"},
        {.url = (char[]){"http://crl.example/a"}, .succeeded = 1800000000, .due = 1800000200, .error = "the server\nanswers 500"}};
    struct crl_fetch fetches = {items, 2};
    world_make(&w);
    findings_init(&findings);
    world_edit(&w, "crl = \"/etc/clients.crl\";", "crl = \"fetch\"; crl_urls = [ \"http://crl.example/a\" ];");
    view.snapshot = world_load(&w, 1, &findings);
    ck_assert_ptr_nonnull(view.snapshot);
    status_text(&view); /* before anything was planned */
    const char *row = "\"crl_fetch\": [\n        {\n          \"url\": \"http://crl.example/a\",\n          \"in_use\": false,\n          \"last_success\": null,"
                      "\n          \"next_attempt\": null,\n          \"last_error\": null\n        }\n      ]";
    ck_assert_ptr_nonnull(strstr(text, row));
    ck_assert_ptr_null(strstr(strstr(text, "crl_fetch") + 1, "crl_fetch")); /* the other trust fetches none */
    view.fetches = &fetches;
    atomic_store(&view.snapshot->trusts[0].urls[0].held, true);
    bytes_clear(&out);
    status_text(&view);
    ck_assert_ptr_nonnull(strstr(text, "\"in_use\": true,\n          \"last_success\": \"2027-01-15T08:00:00Z\",\n"
                                       "          \"next_attempt\": \"2027-01-15T08:03:20Z\",\n          \"last_error\": \"the server\\nanswers 500\""));
    ck_assert_ptr_null(strstr(text, "of another one"));
    items[1].busy = true; /* now, that is */
    items[1].error[0] = '\0';
    bytes_clear(&out);
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"next_attempt\": null,\n          \"last_error\": null"));
    snapshot_unref((struct snapshot *)(uintptr_t)view.snapshot);
    findings_clear(&findings);
    world_clear(&w);
}
END_TEST

START_TEST(tells_why_the_last_reload_was_refused)
{
    struct admin_view view = make_view();
    view.last_reload = 1800000050;
    view.last_reload_error = "a.conf:3: trust \"x\" is empty";
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"error\": \"a.conf:3: trust \\\"x\\\" is empty\""));
    ck_assert_ptr_nonnull(strstr(text, "\"result\": \"refused\""));
}
END_TEST

START_TEST(tells_why_a_new_process_could_not_take_over)
{
    struct admin_view view = make_view();
    view.last_handover = 1800000050;
    view.last_handover_error = "the new process ended";
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"error\": \"the new process ended\""));
    view.last_handover_error = NULL;
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"error\": \"out of memory\""));
}
END_TEST

/* C13 */
START_TEST(says_how_full_it_is)
{
    struct admin_view view = make_view();
    view.room = (struct admin_room){.clients = 7, .most_clients = 10, .descriptors = 9, .most_descriptors = 27, .refused = 3, .full = true, .most_per_client = 5};
    status_text(&view);
    ck_assert_ptr_nonnull(strstr(text, "\"open\": 7"));
    ck_assert_ptr_nonnull(strstr(text, "\"most\": 10"));
    ck_assert_ptr_nonnull(strstr(text, "\"descriptors\": 9"));
    ck_assert_ptr_nonnull(strstr(text, "\"most_descriptors\": 27"));
    ck_assert_ptr_nonnull(strstr(text, "\"refused_total\": 3"));
    ck_assert_ptr_nonnull(strstr(text, "\"most_per_client\": 5"));
    ck_assert_ptr_nonnull(strstr(text, "\"full\": true"));
}
END_TEST

START_TEST(is_not_ready_while_it_drains)
{
    struct admin_view view = make_view();
    view.draining = true;
    ck_assert_ptr_nonnull(strstr(status_text(&view), "\"ready\": false"));
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
    struct admin_view view = make_view();
    view.refusals = refusals;
    view.n_refusals = 4;
    const char *doc = status_text(&view);
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
    struct admin_view view = make_view();
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
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, names_the_instance);
    tcase_add_test(t, tells_counts_by_the_words_of_the_reason_table);
    tcase_add_test(t, tells_the_identities_by_server_name);
    tcase_add_test(t, tells_whom_it_would_cost_something_to_enforce);
    tcase_add_test(t, tells_the_state_of_each_target);
    tcase_add_test(t, tells_the_hits_of_routes_where_there_is_a_choice);
    tcase_add_test(t, tells_which_ca_has_a_revocation_list);
    tcase_add_test(t, tells_where_lists_are_fetched_and_how_that_went);
    tcase_add_test(t, tells_why_the_last_reload_was_refused);
    tcase_add_test(t, tells_why_a_new_process_could_not_take_over);
    tcase_add_test(t, says_how_full_it_is);
    tcase_add_test(t, is_not_ready_while_it_drains);
    tcase_add_test(t, escapes_what_peers_chose);
    tcase_add_test(t, fails_whole_when_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
