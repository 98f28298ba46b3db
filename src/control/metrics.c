/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "metrics_page.h"
#include "target_name.h"

#include "mtlsd/control/renewal.h"
#include "mtlsd/control/workload.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t field_of(const struct metrics_page *p, const struct counters_row *row)
{
    return *(const uint64_t *)(const void *)((const char *)row + p->now->field);
}

static void listener_field(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"listener", name}), field_of(p, row));
}

static void of_listeners(struct metrics_page *p)
{
    metrics_each_listener(p, false, listener_field);
}

static void upstream_field(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"upstream", name}), field_of(p, row));
}

static void of_upstreams(struct metrics_page *p)
{
    metrics_each_upstream(p, false, upstream_field);
}

/* ---- the process ---- */

static void build_info(struct metrics_page *p)
{
    metrics_sample(p, LABELS({"version", p->view->version}), 1);
}

static void start_time(struct metrics_page *p)
{
    metrics_sample(p, NO_LABELS, (uint64_t)p->view->started);
}

static void clients_most(struct metrics_page *p)
{
    metrics_sample(p, NO_LABELS, p->view->room.most_clients);
}

static void clients_refused(struct metrics_page *p)
{
    metrics_sample(p, NO_LABELS, p->view->room.refused);
}

static void reloads(struct metrics_page *p)
{
    metrics_sample(p, LABELS({"result", "reloaded"}), p->view->reloads.good);
    metrics_sample(p, LABELS({"result", "refused"}), p->view->reloads.bad);
}

/* One that goes well is the end of the process that counts. */
static void handovers(struct metrics_page *p)
{
    metrics_sample(p, LABELS({"result", "refused"}), p->view->handovers_refused);
}

static void workload_connected(struct metrics_page *p)
{
    if (p->view->workload != NULL)
        metrics_sample(p, NO_LABELS, p->view->workload->state == WORKLOAD_CURRENT);
}

static void workload_answered(struct metrics_page *p)
{
    if (p->view->workload != NULL && p->view->workload->received > 0)
        metrics_sample(p, NO_LABELS, (uint64_t)p->view->workload->received);
}

static void workload_messages(struct metrics_page *p)
{
    const struct workload_view *w = p->view->workload;
    if (w == NULL)
        return;
    metrics_sample(p, LABELS({"result", "read"}), w->messages - w->refused);
    metrics_sample(p, LABELS({"result", "refused"}), w->refused);
}

static void rotations(struct metrics_page *p)
{
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_identities; i++) {
        const char *name = config->identities[i].name;
        const struct rotation_count count = rotation_counts_of(p->view->rotations, name);
        metrics_sample(p, LABELS({"identity", name}, {"result", "used"}), count.used);
        metrics_sample(p, LABELS({"identity", name}, {"result", "refused"}), count.refused);
        metrics_sample(p, LABELS({"identity", name}, {"result", "fallback"}), count.fallback);
    }
}

static void renewals(struct metrics_page *p)
{
    for (size_t i = 0; p->view->renewals != NULL && i < p->view->renewals->n; i++) {
        const struct renewal_item *item = &p->view->renewals->items[i];
        metrics_sample(p, LABELS({"identity", item->identity}, {"result", "renewed"}), item->renewed);
        metrics_sample(p, LABELS({"identity", item->identity}, {"result", "failed"}), item->failed);
    }
}

static void last_good_reload(struct metrics_page *p)
{
    metrics_sample(p, NO_LABELS, (uint64_t)p->view->reloads.last_good);
}

static void files_polled(struct metrics_page *p)
{
    metrics_sample(p, NO_LABELS, (uint64_t)p->view->files_polled);
}

/* ---- clients and requests ---- */

static void listener_bytes(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"listener", name}, {"direction", "in"}), row->bytes_down_in);
    metrics_sample(p, LABELS({"listener", name}, {"direction", "out"}), row->bytes_down_out);
}

static void all_bytes(struct metrics_page *p)
{
    metrics_each_listener(p, false, listener_bytes);
}

static void listener_clients(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    for (size_t i = 0; i < COUNTERS_STATUSES; i++)
        if (row->judged[i].connections > 0)
            metrics_sample(p, LABELS({"listener", name}, {"status", reason_word((enum reason)i)}), row->judged[i].connections);
}

static void clients(struct metrics_page *p)
{
    metrics_each_listener(p, true, listener_clients);
}

static void refused(struct metrics_page *p, const char *side, const char *name, const struct counters_row *row)
{
    for (size_t i = 0; i < REASON_COUNT; i++)
        if (row->refused[i] > 0)
            metrics_sample(p, LABELS({side, name}, {"reason", reason_word((enum reason)i)}), row->refused[i]);
}

static void listener_refused(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    refused(p, "listener", name, row);
}

static void all_refused(struct metrics_page *p)
{
    metrics_each_listener(p, false, listener_refused);
}

static void upstream_refused(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    refused(p, "upstream", name, row);
}

static void all_failed(struct metrics_page *p)
{
    metrics_each_upstream(p, false, upstream_refused);
}

typedef void (*requests_fn)(struct metrics_page *p, const struct metrics_label *labels, const struct counters_requests *row);

static void requests_between(struct metrics_page *p, const char *listener, const char *upstream, requests_fn write)
{
    const struct counters_requests *row = counters_find_requests(p->view->counters, listener, upstream);
    if (row != NULL)
        write(p, LABELS({"listener", listener}, {"upstream", upstream}), row);
}

/* Each upstream of a listener once, however many of its routes lead there; seen[i]: the last listener that had the i-th. */
static void requests_of(struct metrics_page *p, const struct plan_listener *l, size_t *seen, requests_fn write)
{
    size_t number = (size_t)(l - p->view->snapshot->listeners) + 1;
    requests_between(p, l->conf->name, "", write);
    if (l->direct != NULL)
        requests_between(p, l->conf->name, l->direct->upstream->conf->name, write);
    for (size_t i = 0; i < l->n_routes; i++) {
        const struct plan_upstream *up = l->routes[i].upstream;
        if (up == NULL || seen[up->index] == number)
            continue;
        seen[up->index] = number;
        requests_between(p, l->conf->name, up->conf->name, write);
    }
}

static void each_requests(struct metrics_page *p, requests_fn write)
{
    const struct snapshot *s = p->view->snapshot;
    size_t *seen = calloc(s->config->n_upstreams + 1, sizeof(*seen));
    if (seen == NULL)
        p->rc = -1;
    for (size_t i = 0; seen != NULL && i < s->config->n_listeners; i++)
        requests_of(p, &s->listeners[i], seen, write);
    free(seen);
}

static void answers(struct metrics_page *p, const struct metrics_label *labels, const struct counters_requests *row)
{
    static const char *const classes[COUNTERS_CLASSES] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 1; i < COUNTERS_CLASSES; i++)
        if (row->answers[i] > 0)
            metrics_sample(p, LABELS(labels[0], labels[1], {"code_class", classes[i]}), row->answers[i]);
}

static void http_requests(struct metrics_page *p)
{
    each_requests(p, answers);
}

static void durations(struct metrics_page *p, const struct metrics_label *labels, const struct counters_requests *row)
{
    metrics_histogram(p, labels, &row->took);
}

static void http_durations(struct metrics_page *p)
{
    each_requests(p, durations);
}

/* ---- TLS ---- */

static void handshakes_failed(struct metrics_page *p, const char *side, const char *name)
{
    for (size_t i = 0; i < REASON_COUNT && counters_has_failures(p->view->counters); i++) {
        const struct counters_failures *row = counters_find_failures(p->view->counters, side, name, reason_word((enum reason)i));
        if (row != NULL)
            metrics_sample(p, LABELS({"side", side}, {"name", name}, {"result", reason_word((enum reason)i)}), row->n);
    }
}

static void listener_handshakes(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"side", "listener"}, {"name", name}, {"result", reason_word(REASON_VALID)}), row->handshakes_ok);
    handshakes_failed(p, "listener", name);
}

static void upstream_handshakes(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"side", "upstream"}, {"name", name}, {"result", reason_word(REASON_VALID)}), row->upstream_handshakes_ok);
    handshakes_failed(p, "upstream", name);
}

static void handshakes(struct metrics_page *p)
{
    metrics_each_listener(p, true, listener_handshakes);
    metrics_each_upstream(p, true, upstream_handshakes);
}

static void listener_took(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_histogram(p, LABELS({"side", "listener"}, {"name", name}), &row->handshakes);
}

static void upstream_took(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_histogram(p, LABELS({"side", "upstream"}, {"name", name}), &row->handshakes);
}

static void handshake_durations(struct metrics_page *p)
{
    metrics_each_listener(p, true, listener_took);
    metrics_each_upstream(p, true, upstream_took);
}

static void listener_resumed(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"side", "listener"}, {"name", name}), row->resumed);
}

static void upstream_resumed(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    metrics_sample(p, LABELS({"side", "upstream"}, {"name", name}), row->upstream_resumed);
}

static void resumed(struct metrics_page *p)
{
    metrics_each_listener(p, true, listener_resumed);
    metrics_each_upstream(p, true, upstream_resumed);
}

/* ---- targets ---- */

static void targets_up(struct metrics_page *p)
{
    const struct snapshot *s = p->view->snapshot;
    for (size_t i = 0; i < s->n_targets; i++) {
        const struct plan_target *t = &s->targets[i];
        if (t->upstream->conf->serves != CONFIG_SERVE_NONE)
            continue;
        bool up = target_state_mode(s->target_state, t->index) == TARGET_ENABLED && !target_state_is_down(s->target_state, t->index) &&
                  target_state_held_until(s->target_state, t->index) <= p->view->now_us;
        metrics_sample(p, LABELS({"upstream", t->upstream->conf->name}, {"target", target_name_label(t)}), up);
    }
}

/* ---- all of them ---- */

#define ROW(field) offsetof(struct counters_row, field)

static const struct metrics_family families[] = {
    {"mtlsd_build_info", "gauge", "The version that runs.", build_info, 0},
    {"mtlsd_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", start_time, 0},
    {"mtlsd_config_last_reload_success_timestamp_seconds", "gauge", "When the configuration in use was loaded.", last_good_reload, 0},
    {"mtlsd_reloads_total", "counter", "Reloads since the start.", reloads, 0},
    {"mtlsd_handovers_total", "counter", "New processes that were to take over and could not, since the start.", handovers, 0},
    {"mtlsd_renewals_total", "counter", "Certificates that mtlsd renewed itself, and attempts that failed.", renewals, 0},
    {"mtlsd_rotations_total", "counter", "Renewed certificates that took the place of the one in use, were refused, or gave their place back because an upstream refused them later.", rotations, 0},
    {"mtlsd_spiffe_connected", "gauge", "1 if the stream of the SPIFFE Workload API is open and its last answer is in use.", workload_connected, 0},
    {"mtlsd_spiffe_last_answer_timestamp_seconds", "gauge", "When the last answer of the SPIFFE Workload API was accepted.", workload_answered, 0},
    {"mtlsd_spiffe_messages_total", "counter", "Messages of the SPIFFE Workload API. Only the last one of a burst is looked at.", workload_messages, 0},
    {"mtlsd_files_polled", "gauge", "1 if changed files are found by polling, because the system refuses to watch their folders.", files_polled, 0},
    {"mtlsd_connections", "gauge", "Open client connections.", of_listeners, ROW(connections_open)},
    {"mtlsd_connections_total", "counter", "Accepted client connections.", of_listeners, ROW(connections_accepted)},
    {"mtlsd_connections_max", "gauge", "Client connections that the process may have.", clients_most, 0},
    {"mtlsd_connections_overloaded_total", "counter", "Client connections refused because the connection limit was reached.", clients_refused, 0},
    {"mtlsd_clients_total", "counter", "Accepted clients by the status of their certificate, where one is requested.", clients, 0},
    {"mtlsd_refused_total", "counter", "Requests and connections that ended with this reason.", all_refused, 0},
    {"mtlsd_would_refuse_total", "counter", "Requests and connections that rules with allow_log_only would refuse.", of_listeners, ROW(would_refuse)},
    {"mtlsd_bytes_total", "counter", "Payload from clients (in) and to clients (out).", all_bytes, 0},
    {"mtlsd_http_requests_total", "counter", "Answered requests. The upstream is empty if none was chosen.", http_requests, 0},
    {"mtlsd_http_request_duration_seconds", "histogram", "Time from a request's head to the end of its answer.", http_durations, 0},
    {"mtlsd_tls_handshakes_total", "counter", "Finished and failed handshakes with clients (listener) and upstreams.", handshakes, 0},
    {"mtlsd_tls_handshake_duration_seconds", "histogram", "Duration of finished handshakes.", handshake_durations, 0},
    {"mtlsd_tls_sessions_resumed_total", "counter", "Handshakes that resumed a session.", resumed, 0},
    {"mtlsd_tls_staples_ignored_total", "counter", "Finished handshakes with upstreams whose stapled OCSP answer did not count.", of_upstreams, ROW(staples_ignored)},
    {"mtlsd_ocsp_unanswered_total", "counter", "Clients accepted without an OCSP answer, because ocsp is soft.", of_listeners, ROW(unanswered)},
    {"mtlsd_ocsp_questions_total", "counter", "Questions to OCSP responders by result. Those that found no room were not asked.", metrics_ocsp_questions, 0},
    {"mtlsd_ocsp_answers", "gauge", "Clients' certificates whose OCSP answer is kept.", metrics_ocsp_answers, 0},
    {"mtlsd_ocsp_waiting", "gauge", "Questions to OCSP responders that wait or run.", metrics_ocsp_waiting, 0},
    {"mtlsd_upstream_requests_total", "counter", "Requests and tcp connections that got a target.", of_upstreams, ROW(upstream_requests)},
    {"mtlsd_upstream_connects_total", "counter", "Connections made to targets.", of_upstreams, ROW(upstream_connects)},
    {"mtlsd_upstream_retries_total", "counter", "Further attempts that requests and tcp connections took.", of_upstreams, ROW(retries)},
    {"mtlsd_upstream_failures_total", "counter", "Requests and tcp connections to the upstream that ended with this reason.", all_failed, 0},
    {"mtlsd_upstream_target_up", "gauge", "1 if the target is used: not drained, not down, and not skipped after a failure.", targets_up, 0},
    {"mtlsd_identity_not_after_timestamp_seconds", "gauge", "When our certificate expires.", metrics_identities_end, 0},
    {"mtlsd_trust_not_after_timestamp_seconds", "gauge", "When the first CA of the trust expires.", metrics_trusts_end, 0},
    {"mtlsd_crl_next_update_timestamp_seconds", "gauge", "When the first revocation list of the trust ends.", metrics_lists_end, 0},
    {"mtlsd_registry_rows", "gauge", "Rows of the registry in this state.", metrics_registry_rows, 0},
    {"mtlsd_registry_age_seconds", "gauge", "Time since the rows were last known to be those of the database.", metrics_registry_age, 0},
    {"mtlsd_registry_sessions_total", "counter", "Connections of verified clients that ended, by whether their row could be written.", metrics_registry_sessions, 0},
    {"mtlsd_upstream_peer_not_after_timestamp_seconds", "gauge", "When the upstream's certificate expires, as seen within the last hour.", metrics_peers_end, 0},
    {"mtlsd_client_not_after_timestamp_seconds", "gauge", "When the first of the clients' certificates expires, as seen within the last day.", metrics_clients_end, 0},
};

int metrics_write(struct bytes *out, const struct admin_view *view)
{
    struct metrics_page p = {.out = out, .view = view};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && p.rc == 0; i++) {
        p.now = &families[i];
        p.rc = bytes_printf(out, "# HELP %s %s\n# TYPE %s %s\n", p.now->name, p.now->help, p.now->name, p.now->type);
        p.now->write(&p);
    }
    return p.rc;
}
