/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "t.h"

#include <ctype.h>
#include <stdio.h>
#include "mtlsd/control/workload.h"

#include <string.h>

static struct config_listener listener_confs[] = {{.name = "public", .tls = {.present = true}}, {.name = "local"}};
static struct config_target target_conf = {.text = "[::1]:9000"}, quoted_conf = {.text = "unix:/run/a\"b\\c\n.sock"};
static struct config_upstream upstream_confs[] = {{.name = "partner", .tls = {.present = true}}, {.name = "files"}};
static struct config config = {.listeners = listener_confs, .n_listeners = 2, .upstreams = upstream_confs, .n_upstreams = 2};
static struct plan_upstream upstreams[2];
static struct plan_target targets[2];
static struct plan_route routes[3];
static struct plan_listener listeners[2];
static struct snapshot snapshot = {.config = &config, .listeners = listeners, .upstreams = upstreams, .targets = targets, .n_targets = 2};
static struct counters counters;
static struct bytes out;
static char text[1 << 17];

static void set_up(void)
{
    upstreams[0] = (struct plan_upstream){.conf = &upstream_confs[0], .targets = &targets[0], .n_targets = 1};
    upstreams[1] = (struct plan_upstream){.conf = &upstream_confs[1], .targets = &targets[1], .n_targets = 1, .index = 1};
    targets[0] = (struct plan_target){.conf = &target_conf, .upstream = &upstreams[0]};
    targets[1] = (struct plan_target){.conf = &quoted_conf, .upstream = &upstreams[1], .index = 1};
    routes[0] = routes[2] = (struct plan_route){.upstream = &upstreams[0]};
    routes[1] = (struct plan_route){.upstream = &upstreams[1]};
    listeners[0] = (struct plan_listener){.conf = &listener_confs[0], .routes = routes, .n_routes = 3};
    listeners[1] = (struct plan_listener){.conf = &listener_confs[1], .routes = &routes[1], .n_routes = 1};
    bytes_init(&out, sizeof(text));
    ck_assert_int_eq(counters_init(&counters, 100), 0);
    snapshot.target_state = target_state_new(2);
    ck_assert_ptr_nonnull(snapshot.target_state);
}

static void tear_down(void)
{
    bytes_clear(&out);
    counters_clear(&counters);
    target_state_free(snapshot.target_state);
}

static const struct workload_view *agent;

static struct admin_view make_view(void)
{
    return (struct admin_view){.version = "0.1.0", .now = 1800000100, .started = 1800000000, .snapshot = &snapshot, .counters = &counters, .workload = agent,
                               .reloads = {2, 1, 1800000050}, .handovers_refused = 4, .room = {.most_clients = 500, .refused = 3}};
}

static const char *page(void)
{
    struct admin_view view = make_view();
    bytes_clear(&out);
    ck_assert_int_eq(metrics_write(&out, &view), 0);
    snprintf(text, sizeof(text), "%.*s", (int)out.len, (const char *)bytes_span(&out).ptr);
    return text;
}

static void expect(const char *line)
{
    char whole[512];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    ck_assert_msg(strstr(page(), whole) != NULL, "%s is missing in\n%s", line, text);
}

static void expect_no(const char *part)
{
    ck_assert_msg(strstr(page(), part) == NULL, "%s is in\n%s", part, text);
}

START_TEST(shows_the_process)
{
    expect("mtlsd_build_info{version=\"0.1.0\"} 1");
    expect("mtlsd_start_time_seconds 1800000000");
    expect("mtlsd_reloads_total{result=\"reloaded\"} 2");
    expect("mtlsd_reloads_total{result=\"refused\"} 1");
    expect("mtlsd_handovers_total{result=\"refused\"} 4");
    expect("mtlsd_config_last_reload_success_timestamp_seconds 1800000050");
    expect("mtlsd_connections_max 500");
    expect("mtlsd_connections_overloaded_total 3");
    expect("mtlsd_files_polled 0");
}
END_TEST

START_TEST(shows_the_spiffe_agent_where_there_is_one)
{
    struct workload_view workload = {.state = WORKLOAD_CURRENT, .messages = 9, .refused = 2, .received = 1800000050};
    expect_no("\nmtlsd_spiffe_connected");
    agent = &workload;
    expect("mtlsd_spiffe_connected 1");
    expect("mtlsd_spiffe_last_answer_timestamp_seconds 1800000050");
    expect("mtlsd_spiffe_messages_total{result=\"read\"} 7");
    expect("mtlsd_spiffe_messages_total{result=\"refused\"} 2");
    workload.state = WORKLOAD_LOST;
    expect("mtlsd_spiffe_connected 0");
    agent = NULL;
}
END_TEST

START_TEST(shows_what_has_not_been_counted_yet_as_zero)
{
    expect("mtlsd_connections{listener=\"public\"} 0");
    expect("mtlsd_connections_total{listener=\"local\"} 0");
    expect("mtlsd_tls_handshakes_total{side=\"listener\",name=\"public\",result=\"valid\"} 0");
    expect("mtlsd_upstream_requests_total{upstream=\"files\"} 0");
}
END_TEST

START_TEST(shows_counts_of_listeners_and_upstreams)
{
    struct counters_row *l = counters_listener(&counters, "public"), *up = counters_upstream(&counters, "partner");
    l->connections_open = 4;
    l->connections_accepted = 9;
    l->bytes_down_in = 100;
    l->bytes_down_out = 2000;
    l->would_refuse = 7;
    l->refused[REASON_EXPIRED] = 2;
    l->judged[REASON_VALID].connections = 5;
    up->retries = 6;
    up->refused[REASON_CONNECT_REFUSED] = 8;
    up->upstream_resumed = 3;
    up->staples_ignored = 2;
    expect("mtlsd_connections{listener=\"public\"} 4");
    expect("mtlsd_connections_total{listener=\"public\"} 9");
    expect("mtlsd_bytes_total{listener=\"public\",direction=\"in\"} 100");
    expect("mtlsd_bytes_total{listener=\"public\",direction=\"out\"} 2000");
    expect("mtlsd_would_refuse_total{listener=\"public\"} 7");
    expect("mtlsd_refused_total{listener=\"public\",reason=\"expired\"} 2");
    expect("mtlsd_clients_total{listener=\"public\",status=\"valid\"} 5");
    expect("mtlsd_upstream_retries_total{upstream=\"partner\"} 6");
    expect("mtlsd_upstream_failures_total{upstream=\"partner\",reason=\"connect_refused\"} 8");
    expect("mtlsd_tls_sessions_resumed_total{side=\"upstream\",name=\"partner\"} 3");
    expect("mtlsd_tls_staples_ignored_total{upstream=\"partner\"} 2");
}
END_TEST

START_TEST(shows_requests_of_each_listener_and_upstream_once)
{
    counters_requests(&counters, "public", "partner")->answers[2] = 11;
    counters_requests(&counters, "public", "")->answers[4] = 2;
    counters_requests(&counters, "local", "files")->answers[5] = 1;
    expect("mtlsd_http_requests_total{listener=\"public\",upstream=\"partner\",code_class=\"2xx\"} 11");
    expect("mtlsd_http_requests_total{listener=\"public\",upstream=\"\",code_class=\"4xx\"} 2");
    expect("mtlsd_http_requests_total{listener=\"local\",upstream=\"files\",code_class=\"5xx\"} 1");
    const char *series = "mtlsd_http_requests_total{listener=\"public\",upstream=\"partner\"";
    ck_assert_ptr_null(strstr(strstr(page(), series) + 1, series)); /* two routes lead there */
}
END_TEST

START_TEST(shows_durations_as_cumulative_buckets)
{
    struct counters_times *t = &counters_requests(&counters, "public", "partner")->took;
    counters_times_add(t, 400);
    counters_times_add(t, 500);
    counters_times_add(t, 3000);
    counters_times_add(t, 11000000);
    expect("mtlsd_http_request_duration_seconds_bucket{listener=\"public\",upstream=\"partner\",le=\"0.0005\"} 2");
    expect("mtlsd_http_request_duration_seconds_bucket{listener=\"public\",upstream=\"partner\",le=\"0.0025\"} 2");
    expect("mtlsd_http_request_duration_seconds_bucket{listener=\"public\",upstream=\"partner\",le=\"0.005\"} 3");
    expect("mtlsd_http_request_duration_seconds_bucket{listener=\"public\",upstream=\"partner\",le=\"10\"} 3");
    expect("mtlsd_http_request_duration_seconds_bucket{listener=\"public\",upstream=\"partner\",le=\"+Inf\"} 4");
    expect("mtlsd_http_request_duration_seconds_sum{listener=\"public\",upstream=\"partner\"} 11.003900");
    expect("mtlsd_http_request_duration_seconds_count{listener=\"public\",upstream=\"partner\"} 4");
}
END_TEST

START_TEST(shows_failed_handshakes_by_the_words_of_the_reason_table)
{
    counters_failures(&counters, "listener", "public", "unknown_ca")->n = 5;
    counters_failures(&counters, "upstream", "partner", "name_mismatch")->n = 6;
    expect("mtlsd_tls_handshakes_total{side=\"listener\",name=\"public\",result=\"unknown_ca\"} 5");
    expect("mtlsd_tls_handshakes_total{side=\"upstream\",name=\"partner\",result=\"name_mismatch\"} 6");
}
END_TEST

START_TEST(shows_tls_only_where_there_is_tls)
{
    expect_no("{side=\"listener\",name=\"local\"");
    expect_no("{side=\"upstream\",name=\"files\"");
}
END_TEST

/* A reload took them away, or the name was never one of the configuration's. */
START_TEST(shows_nothing_that_the_configuration_does_not_have)
{
    counters_listener(&counters, "gone")->connections_accepted = 1;
    counters_upstream(&counters, "old")->retries = 1;
    counters_requests(&counters, "gone", "partner")->answers[2] = 1;
    counters_requests(&counters, "public", "old")->answers[2] = 1;
    counters_failures(&counters, "listener", "gone", "expired")->n = 1;
    expect_no("gone");
    expect_no("\"old\"");
}
END_TEST

START_TEST(shows_whether_targets_are_used)
{
    expect("mtlsd_upstream_target_up{upstream=\"partner\",target=\"[::1]:9000\"} 1");
    target_state_set_mode(snapshot.target_state, 0, TARGET_DRAINED);
    expect("mtlsd_upstream_target_up{upstream=\"partner\",target=\"[::1]:9000\"} 0");
}
END_TEST

/* Each line is a comment, or a name with labels and a number; each sample belongs to the family before it. */
START_TEST(is_in_the_text_format)
{
    char family[128] = "";
    counters_requests(&counters, "public", "partner")->answers[2] = 11;
    page();
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (sscanf(line, "# TYPE %127s", family) == 1 || strncmp(line, "# HELP ", 7) == 0)
            continue;
        ck_assert_msg(strncmp(line, family, strlen(family)) == 0, "%s is not of %s", line, family);
        const char *value = strrchr(line, ' ');
        ck_assert_msg(value != NULL && strspn(value + 1, "0123456789.") == strlen(value + 1) && isdigit((unsigned char)value[1]), "%s", line);
    }
}
END_TEST

START_TEST(fails_where_there_is_no_room)
{
    struct admin_view view = make_view();
    bytes_clear(&out);
    bytes_init(&out, 1000);
    ck_assert_int_eq(metrics_write(&out, &view), -1);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("metrics");
    TCase *t = tcase_create("metrics");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, shows_the_process);
    tcase_add_test(t, shows_the_spiffe_agent_where_there_is_one);
    tcase_add_test(t, shows_what_has_not_been_counted_yet_as_zero);
    tcase_add_test(t, shows_counts_of_listeners_and_upstreams);
    tcase_add_test(t, shows_requests_of_each_listener_and_upstream_once);
    tcase_add_test(t, shows_durations_as_cumulative_buckets);
    tcase_add_test(t, shows_failed_handshakes_by_the_words_of_the_reason_table);
    tcase_add_test(t, shows_tls_only_where_there_is_tls);
    tcase_add_test(t, shows_nothing_that_the_configuration_does_not_have);
    tcase_add_test(t, shows_whether_targets_are_used);
    tcase_add_test(t, is_in_the_text_format);
    tcase_add_test(t, fails_where_there_is_no_room);
    suite_add_tcase(s, t);
    return s;
}
