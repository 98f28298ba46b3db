/* SPDX-License-Identifier: Apache-2.0 */
#include "t.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/access_log.h"
#include "mtlsd/control/sessions.h"

#include <stdio.h>
#include <string.h>

static struct config_listener listener_conf = {.name = "public"};
static struct config_target target_conf = {.text = "api.example:443"};
static struct config_upstream upstream_conf = {.name = "partner", .targets = &target_conf, .n_targets = 1};
static struct plan_target plan;
static struct plan_upstream upstream = {.conf = &upstream_conf, .targets = &plan, .n_targets = 1};
static struct plan_target plan = {.conf = &target_conf, .upstream = &upstream};
static struct plan_route route = {.upstream = &upstream};
static struct plan_listener listener = {.conf = &listener_conf, .routes = &route, .n_routes = 1};
static const struct tls_peer caller = {.subject = "CN=caller", .issuer = "CN=Clients CA"};
static const struct tls_peer server = {.subject = "CN=api.example", .issuer = "CN=Partner CA"};
static const struct tls_verdict good = {.status = REASON_VALID};
static const struct tls_facts down = {.version = "TLS1.3", .cipher = "AES-128-GCM", .verdict = &good, .peer = &caller, .alert_received = -1};
static const struct tls_facts up = {.version = "TLS1.3", .cipher = "AES-128-GCM", .resumed = true, .peer = &server, .alert_received = -1};

static struct config text_config = {.log_format = {.word = LOG_FORMAT_TEXT}}, combined_config = {.log_format = {.word = LOG_FORMAT_COMBINED}};
static struct refusals *refusals;
static struct access_log access_log;
static struct observer observer;
static char lines[8192];
static size_t n_lines;
static enum log_level last_level;
static enum log_kind last_kind;

static int64_t now(void)
{
    return 1800000000;
}

static double log_now(void)
{
    return 1800000000.0;
}

static void keep_line(void *ctx, enum log_kind kind, enum log_level level, struct span line)
{
    (void)ctx;
    size_t used = strlen(lines);
    snprintf(lines + used, sizeof(lines) - used, "%.*s", (int)line.len, (const char *)line.ptr);
    last_level = level;
    last_kind = kind;
    n_lines++;
}

static void set_up(void)
{
    lines[0] = '\0';
    n_lines = 0;
    refusals = refusals_new();
    ck_assert_ptr_nonnull(refusals);
    ck_assert_int_eq(access_log_init(&access_log, refusals, now), 0);
    observer = access_log_observer(&access_log, &text_config);
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, keep_line, NULL, log_now);
}

static void tear_down(void)
{
    access_log_clear(&access_log);
    refusals_free(refusals);
}

static struct report make_report(void)
{
    return (struct report){.kind = REPORT_REQUEST,
                           .listener = &listener,
                           .target = &plan,
                           .client = "127.0.0.1",
                           .request.method = span_from_str("GET"),
                           .request.uri = span_from_str("/a"),
                           .request.status = 200,
                           .reason = REASON_VALID,
                           .detail = "",
                           .down = &down,
                           .up = &up,
                           .bytes_in = 3,
                           .bytes_out = 5,
                           .took.connect_us = 100,
                           .took.total_us = 200};
}

static const struct counters_row *at_listener(void)
{
    return counters_listener(&access_log.counters, "public");
}

static const struct counters_row *at_upstream(void)
{
    return counters_upstream(&access_log.counters, "partner");
}

START_TEST(counts_a_request_once_on_each_side)
{
    struct report r = make_report();
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(at_listener()->requests, 1);
    ck_assert_uint_eq(at_listener()->answers[2], 1);
    ck_assert_uint_eq(at_listener()->bytes_down_in, 3);
    ck_assert_uint_eq(at_listener()->bytes_down_out, 5);
    ck_assert_uint_eq(at_upstream()->bytes_up_out, 3);
    ck_assert_uint_eq(at_upstream()->bytes_up_in, 5);
    ck_assert_uint_eq(at_upstream()->upstream_connects, 1);
    struct refusal none;
    ck_assert_uint_eq(refusals_copy(refusals, &none, 1), 0);
}
END_TEST

START_TEST(counts_no_connect_for_a_connection_from_the_pool)
{
    struct report r = make_report();
    r.up_reused = true;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(at_upstream()->upstream_connects, 0);
    ck_assert_uint_eq(at_listener()->requests, 1);
}
END_TEST

START_TEST(bears_a_status_that_is_none)
{
    static const unsigned odd[] = {0, 99, 600, 4000000000U};
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        struct report r = make_report();
        r.request.status = odd[i];
        observer.on_report(observer.ctx, &r);
    }
    for (size_t i = 0; i < 6; i++)
        ck_assert_uint_eq(at_listener()->answers[i], 0);
    ck_assert_uint_eq(at_listener()->requests, 4);
}
END_TEST

START_TEST(remembers_a_refusal_with_the_certificate_it_was_about)
{
    struct report r = make_report();
    struct refusal kept[2];
    r.reason = REASON_EXPIRED;
    r.detail = "certificate CN=api.example: expired";
    observer.on_report(observer.ctx, &r);
    r.up = NULL;
    r.target = NULL;
    r.reason = REASON_NOT_ALLOWED;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(refusals_copy(refusals, kept, 2), 2);
    ck_assert_str_eq(kept[1].peer_subject, "CN=api.example");
    ck_assert_str_eq(kept[1].upstream, "partner");
    ck_assert_int_eq(kept[1].reason, REASON_EXPIRED);
    ck_assert_str_eq(kept[0].peer_subject, "CN=caller");
    ck_assert_str_eq(kept[0].upstream, "");
    ck_assert_int_eq(kept[0].when, 1800000000);
    ck_assert_uint_eq(at_listener()->refused[REASON_EXPIRED], 1);
    ck_assert_uint_eq(at_upstream()->refused[REASON_EXPIRED], 1);
    ck_assert_uint_eq(at_listener()->refused[REASON_NOT_ALLOWED], 1);
    ck_assert_uint_eq(at_upstream()->refused[REASON_NOT_ALLOWED], 0);
}
END_TEST

START_TEST(counts_by_status_who_was_let_in)
{
    static const struct tls_verdict none = {.status = REASON_NONE};
    struct tls_facts facts = {.verdict = &none, .asks = true, .alert_received = -1};
    struct handshake_report h = {.listener = &listener, .facts = &facts, .reason = REASON_VALID};
    struct report r = make_report();
    r.down = &facts;
    observer.on_handshake(observer.ctx, &h);
    observer.on_report(observer.ctx, &r);
    observer.on_report(observer.ctx, &r);
    h.reason = REASON_EXPIRED; /* refused already: enforcing changes nothing for it */
    observer.on_handshake(observer.ctx, &h);
    const struct counters_judged *judged = &at_listener()->judged[REASON_NONE];
    ck_assert(judged->connections == 1 && judged->requests == 2 && judged->last == 1800000000);
    facts.asks = false; /* nor for who is never asked */
    h.reason = REASON_VALID;
    observer.on_handshake(observer.ctx, &h);
    observer.on_report(observer.ctx, &r);
    ck_assert(judged->connections == 1 && judged->requests == 2);
}
END_TEST

START_TEST(tells_and_counts_whom_rules_on_trial_would_refuse)
{
    struct report r = make_report();
    observer.on_report(observer.ctx, &r);
    ck_assert_ptr_null(strstr(lines, "would_refuse"));
    r.would_refuse = REASON_NOT_ALLOWED;
    observer.on_report(observer.ctx, &r);
    ck_assert_ptr_nonnull(strstr(lines, "would_refuse=not_allowed"));
    ck_assert_uint_eq(at_listener()->would_refuse, 1);
    ck_assert_uint_eq(at_listener()->refused[REASON_NOT_ALLOWED], 0);
}
END_TEST

START_TEST(bears_a_refusal_without_any_certificate)
{
    struct report r = make_report();
    struct refusal kept;
    r.kind = REPORT_CONNECTION;
    r.down = r.up = NULL;
    r.reason = REASON_NONE;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(refusals_copy(refusals, &kept, 1), 1);
    ck_assert_str_eq(kept.peer_subject, "");
    ck_assert_uint_eq(at_listener()->requests, 0);
}
END_TEST

START_TEST(a_verified_caller_of_a_registry_has_a_session)
{
    static const struct tls_verdict late = {.status = REASON_EXPIRED};
    struct tls_registry *rows = tls_registry_new("partners"), *other = tls_registry_new("other");
    struct config config = {.n_registries = 1};
    struct snapshot_registry registry = {.rows = rows, .sessions = sessions_new(1, 4)};
    const struct snapshot snapshot = {.config = &config, .registries = &registry};
    struct session *session = NULL;
    struct tls_facts facts = down;
    struct handshake_report r = {.listener = &listener, .facts = &facts, .reason = REASON_VALID, .client = "127.0.0.1", .session = &session};
    access_log_adopt(&access_log, &snapshot);
    const struct { const struct tls_registry *registry; const struct tls_verdict *verdict; const struct tls_peer *peer; bool has; } cases[] = {
        {NULL, &good, &caller, false}, {other, &good, &caller, false}, {rows, &late, &caller, false}, {rows, &good, NULL, false}, {rows, &good, &caller, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        r.registry = cases[i].registry;
        facts.verdict = cases[i].verdict;
        facts.peer = cases[i].peer;
        observer.on_handshake(observer.ctx, &r);
        ck_assert_msg((session != NULL) == cases[i].has, "case %zu", i);
    }
    struct report request = make_report();
    request.from.session = session;
    observer.on_report(observer.ctx, &request);
    observer.on_session_end(observer.ctx, session);
    struct session_row row;
    ck_assert_uint_eq(sessions_take(registry.sessions, &row, 1), 1);
    ck_assert_str_eq(row.listener, "public");
    ck_assert_str_eq(row.subject, "CN=caller");
    ck_assert_uint_eq(row.requests, 1);
    ck_assert_uint_eq(row.bytes_out, 5);
    ck_assert_int_eq(row.ended, 1800000000);
    sessions_written(registry.sessions, &row, 1);
    sessions_unref(registry.sessions);
    tls_registry_unref(rows);
    tls_registry_unref(other);
}
END_TEST

/* As where a route answers with 404. */
/* C13 */
START_TEST(counts_each_connection_that_finds_no_place_and_tells_them_together)
{
    struct refusal kept[2];
    access_log_refused(&access_log, &listener, REASON_OVERLOADED);
    access_log_refused(&access_log, &listener, REASON_OVERLOADED);
    ck_assert_uint_eq(n_lines, 0);
    access_log_overloaded(&access_log, 2, "all places are taken");
    ck_assert_uint_eq(n_lines, 1);
    ck_assert_msg(strstr(lines, "connections=2") != NULL && strstr(lines, "reason=overloaded") != NULL, "%s", lines);
    ck_assert_uint_eq(counters_find_listener(&access_log.counters, "public")->refused[REASON_OVERLOADED], 2);
    ck_assert_uint_eq(refusals_copy(refusals, kept, 2), 1);
    ck_assert_int_eq(kept[0].reason, REASON_OVERLOADED);
}
END_TEST

START_TEST(says_what_a_refusal_is_that_comes_without_words)
{
    struct report r = make_report();
    struct refusal kept;
    r.reason = REASON_DENIED;
    observer.on_report(observer.ctx, &r);
    ck_assert_msg(strstr(lines, " request \"the configuration answers this request with a refusal\" ") != NULL, "%s", lines);
    ck_assert_uint_eq(refusals_copy(refusals, &kept, 1), 1);
    ck_assert_str_eq(kept.detail, "the configuration answers this request with a refusal");
}
END_TEST

START_TEST(writes_one_line_with_the_word_of_the_table)
{
    struct report r = make_report();
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(n_lines, 1);
    ck_assert_int_eq(last_level, LOG_LEVEL_INFO);
    ck_assert_int_eq(last_kind, LOG_ACCESS);
    ck_assert_ptr_null(strstr(lines, "reason="));
    r.reason = REASON_OUR_CERTIFICATE_REFUSED;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(n_lines, 2);
    ck_assert_int_eq(last_level, LOG_LEVEL_ERROR);
    ck_assert_ptr_nonnull(strstr(lines, "reason=our_certificate_refused"));
    ck_assert_ptr_nonnull(strstr(lines, "refused_by=peer"));
}
END_TEST

/* In the formats of web servers a request is one line of the access log; what went wrong is told beside it. */
START_TEST(parts_accesses_from_events_where_the_format_does)
{
    struct report r = make_report();
    log_setup(LOG_LEVEL_INFO, LOG_FORMAT_COMBINED, keep_line, NULL, log_now);
    observer = access_log_observer(&access_log, &combined_config);
    ck_assert_uint_eq(observer.wants, OBSERVER_AGENTS);
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(n_lines, 1);
    ck_assert_int_eq(last_kind, LOG_ACCESS);
    ck_assert_ptr_nonnull(strstr(lines, "] \"GET /a HTTP/1.0\" 200 5 "));
    r.reason = REASON_EXPIRED;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(n_lines, 3);
    ck_assert_int_eq(last_kind, LOG_EVENT);
    ck_assert_ptr_nonnull(strstr(lines, "reason=expired"));
    r.kind = REPORT_CONNECTION; /* a handshake: no access */
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(n_lines, 4);
    ck_assert_int_eq(last_kind, LOG_EVENT);
}
END_TEST

START_TEST(counts_handshakes_that_held_by_side)
{
    struct handshake_report accepted = {.listener = &listener, .facts = &down, .reason = REASON_VALID, .took_us = 700};
    struct handshake_report connected = {.target = &plan, .facts = &up, .reason = REASON_VALID};
    struct handshake_report failed = {.target = &plan, .facts = &up, .reason = REASON_EXPIRED};
    observer.on_handshake(observer.ctx, &accepted);
    observer.on_handshake(observer.ctx, &connected);
    observer.on_handshake(observer.ctx, &failed);
    ck_assert_uint_eq(at_listener()->handshakes_ok, 1);
    ck_assert_uint_eq(at_listener()->resumed, 0);
    ck_assert_uint_eq(at_upstream()->upstream_handshakes_ok, 1);
    ck_assert_uint_eq(at_upstream()->upstream_resumed, 1);
    ck_assert_uint_eq(counters_find_failures(&access_log.counters, "upstream", "partner", "expired")->n, 1);
    ck_assert_uint_eq(at_listener()->handshakes.sum_us, 700);
}
END_TEST

START_TEST(notes_when_the_certificates_of_peers_end)
{
    struct tls_peer soon = caller;
    struct tls_facts facts = down;
    struct handshake_report accepted = {.listener = &listener, .facts = &facts, .reason = REASON_VALID};
    soon.not_after = 1800000500;
    facts.peer = &soon;
    observer.on_handshake(observer.ctx, &accepted);
    ck_assert_uint_eq(at_listener()->peer.not_after, 1800000500);
    facts.peer = NULL;
    observer.on_handshake(observer.ctx, &accepted);
    ck_assert_uint_eq(at_listener()->peer.not_after, 1800000500);
}
END_TEST

/* Rows by upstream are kept only if there is an admin socket, at which they can be read. */
START_TEST(counts_requests_by_listener_and_upstream)
{
    static char socket_path[] = "/run/admin.sock";
    struct config config = {.admin_socket = socket_path};
    struct snapshot snapshot = {.config = &config};
    struct report r = make_report();
    observer.on_report(observer.ctx, &r);
    ck_assert_ptr_null(counters_find_requests(&access_log.counters, "public", "partner"));
    access_log_adopt(&access_log, &snapshot);
    observer.on_report(observer.ctx, &r);
    r.target = NULL;
    r.request.status = 403;
    observer.on_report(observer.ctx, &r);
    const struct counters_requests *row = counters_find_requests(&access_log.counters, "public", "partner");
    ck_assert(row->answers[2] == 1 && row->answers[4] == 0 && row->took.sum_us == 200);
    ck_assert_uint_eq(counters_find_requests(&access_log.counters, "public", "")->answers[4], 1);
}
END_TEST

START_TEST(counts_what_runs_on_a_target_and_what_became_of_it)
{
    struct report r = make_report();
    observer.on_target(observer.ctx, &plan, TARGET_BEGUN);
    observer.on_target(observer.ctx, &plan, TARGET_BEGUN);
    observer.on_target(observer.ctx, &plan, TARGET_FAILED);
    observer.on_target(observer.ctx, &plan, TARGET_ENDED);
    r.retries = 2;
    observer.on_report(observer.ctx, &r);
    const struct counters_target *row = counters_find_target(&access_log.counters, "partner", "api.example:443");
    ck_assert_ptr_nonnull(row);
    ck_assert_uint_eq(row->active, 1);
    ck_assert_uint_eq(row->failures, 1);
    ck_assert_uint_eq(row->requests, 1);
    ck_assert_uint_eq(row->retries, 2);
    ck_assert_uint_eq(at_upstream()->upstream_requests, 1);
    ck_assert_uint_eq(at_upstream()->retries, 2);
}
END_TEST

START_TEST(counts_hits_of_routes_where_there_is_a_choice)
{
    struct plan_route two[2] = {{.conf = &(struct config_route){0}}, {.conf = &(struct config_route){0}}};
    struct plan_listener routed = {.conf = &listener_conf, .routes = two, .n_routes = 2};
    struct report r = make_report();
    r.route = &route; /* the only one of its listener */
    observer.on_report(observer.ctx, &r);
    ck_assert_ptr_null(counters_find_route(&access_log.counters, "public", 1));
    r.listener = &routed;
    r.route = &two[1];
    observer.on_report(observer.ctx, &r);
    r.reason = REASON_NOT_ALLOWED;
    observer.on_report(observer.ctx, &r);
    ck_assert_uint_eq(counters_find_route(&access_log.counters, "public", 2)->hits, 2);
    ck_assert_uint_eq(counters_find_route(&access_log.counters, "public", 2)->refused, 1);
    ck_assert_ptr_null(counters_find_route(&access_log.counters, "public", 1));
}
END_TEST

/* C8: what one client can be refused for fills no disk, and no number is lost. */
START_TEST(holds_back_the_lines_of_a_flood_and_counts_them_all)
{
    struct report r = make_report();
    r.reason = REASON_REQUEST_MALFORMED;
    r.detail = "a bare line end";
    for (int i = 0; i < 1000; i++) {
        lines[0] = '\0';
        observer.on_report(observer.ctx, &r);
    }
    ck_assert_uint_lt(n_lines, 100);
    ck_assert_uint_eq(at_listener()->refused[REASON_REQUEST_MALFORMED], 1000);
    ck_assert(access_log_holds(&access_log));
    size_t before = n_lines;
    access_log_tell_held(&access_log, false);
    ck_assert_uint_eq(n_lines, before); /* its second is not over */
    lines[0] = '\0';
    access_log_tell_held(&access_log, true);
    ck_assert_uint_eq(n_lines, before + 1);
    ck_assert_ptr_nonnull(strstr(lines, " suppressed "));
    ck_assert_ptr_nonnull(strstr(lines, " listener=public client=127.0.0.1 lines=980\n"));
    ck_assert(!access_log_holds(&access_log));
}
END_TEST

START_TEST(never_holds_back_what_went_well)
{
    struct report r = make_report();
    for (int i = 0; i < 1000; i++) {
        lines[0] = '\0';
        observer.on_report(observer.ctx, &r);
    }
    ck_assert_uint_eq(n_lines, 1000);
}
END_TEST

START_TEST(counts_connections_up_and_down)
{
    access_log_accepted(&access_log, &listener);
    access_log_accepted(&access_log, &listener);
    access_log_closed(&access_log, &listener);
    ck_assert_uint_eq(at_listener()->connections_accepted, 2);
    ck_assert_uint_eq(at_listener()->connections_open, 1);
    struct config_listener other_conf = {.name = (char[]){"other"}};
    const struct plan_listener other = {.conf = &other_conf};
    access_log_moved(&access_log, &listener, &other);
    ck_assert_uint_eq(at_listener()->connections_open, 0);
    ck_assert_uint_eq(counters_listener(&access_log.counters, "other")->connections_open, 1);
    ck_assert_uint_eq(at_listener()->connections_accepted, 2);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("access_log");
    TCase *t = tcase_create("access_log");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, counts_a_request_once_on_each_side);
    tcase_add_test(t, counts_no_connect_for_a_connection_from_the_pool);
    tcase_add_test(t, bears_a_status_that_is_none);
    tcase_add_test(t, remembers_a_refusal_with_the_certificate_it_was_about);
    tcase_add_test(t, counts_by_status_who_was_let_in);
    tcase_add_test(t, tells_and_counts_whom_rules_on_trial_would_refuse);
    tcase_add_test(t, bears_a_refusal_without_any_certificate);
    tcase_add_test(t, a_verified_caller_of_a_registry_has_a_session);
    tcase_add_test(t, writes_one_line_with_the_word_of_the_table);
    tcase_add_test(t, counts_each_connection_that_finds_no_place_and_tells_them_together);
    tcase_add_test(t, says_what_a_refusal_is_that_comes_without_words);
    tcase_add_test(t, parts_accesses_from_events_where_the_format_does);
    tcase_add_test(t, counts_handshakes_that_held_by_side);
    tcase_add_test(t, notes_when_the_certificates_of_peers_end);
    tcase_add_test(t, counts_requests_by_listener_and_upstream);
    tcase_add_test(t, counts_what_runs_on_a_target_and_what_became_of_it);
    tcase_add_test(t, counts_hits_of_routes_where_there_is_a_choice);
    tcase_add_test(t, holds_back_the_lines_of_a_flood_and_counts_them_all);
    tcase_add_test(t, never_holds_back_what_went_well);
    tcase_add_test(t, counts_connections_up_and_down);
    suite_add_tcase(s, t);
    return s;
}
