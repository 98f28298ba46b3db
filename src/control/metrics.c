/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics.h"
#include "target_name.h"

#include "mtlsd/control/sessions.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct family;
struct page {
    struct bytes *out;
    const struct admin_view *view;
    const struct family *now; /* the samples that follow are of it */
    int rc;                   /* the first failure sticks */
};

/* A metric with its samples. */
struct family {
    const char *name, *type, *help;
    void (*write)(struct page *p);
    size_t field; /* of struct counters_row, where all samples are one field of it */
};

struct label {
    const char *key, *value;
};
#define LABELS(...) ((const struct label[]){__VA_ARGS__, {NULL, NULL}})
#define NO_LABELS ((const struct label[]){{NULL, NULL}})

/* ---- lines ---- */

static void put(struct page *p, const char *text)
{
    if (p->rc == 0)
        p->rc = bytes_append_str(p->out, text);
}

/* A backslash, a quote and a line break are escaped. */
static void put_label(struct page *p, const char *before, const char *key, const char *value)
{
    put(p, before);
    put(p, key);
    put(p, "=\"");
    for (const char *s = value; *s != '\0' && p->rc == 0; s++)
        p->rc = *s == '\\' || *s == '"' ? bytes_printf(p->out, "\\%c", *s) : *s == '\n' ? bytes_append_str(p->out, "\\n") : bytes_append(p->out, s, 1);
    put(p, "\"");
}

static void put_series(struct page *p, const char *suffix, const struct label *labels, const char *bound)
{
    const char *before = "{";
    put(p, p->now->name);
    put(p, suffix);
    for (; labels->key != NULL; labels++, before = ",")
        put_label(p, before, labels->key, labels->value);
    if (bound != NULL)
        put_label(p, before, "le", bound);
    put(p, before[0] == ',' || bound != NULL ? "} " : " ");
}

static void put_value(struct page *p, uint64_t value)
{
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%llu\n", (unsigned long long)value);
}

static void sample(struct page *p, const struct label *labels, uint64_t value)
{
    put_series(p, "", labels, NULL);
    put_value(p, value);
}

static void histogram(struct page *p, const struct label *labels, const struct counters_times *t)
{
    uint64_t n = 0;
    char bound[32];
    for (size_t i = 0; i < COUNTERS_BOUNDS; i++) {
        snprintf(bound, sizeof(bound), "%g", (double)counters_bound_us[i] / 1e6);
        put_series(p, "_bucket", labels, bound);
        put_value(p, n += t->below[i]);
    }
    put_series(p, "_bucket", labels, "+Inf");
    put_value(p, n += t->below[COUNTERS_BOUNDS]);
    put_series(p, "_sum", labels, NULL);
    if (p->rc == 0)
        p->rc = bytes_printf(p->out, "%llu.%06llu\n", (unsigned long long)(t->sum_us / 1000000), (unsigned long long)(t->sum_us % 1000000));
    put_series(p, "_count", labels, NULL);
    put_value(p, n);
}

/* ---- walking the configuration ---- */

typedef void (*row_fn)(struct page *p, const char *name, const struct counters_row *row);

static void each_listener(struct page *p, bool with_tls, row_fn write)
{
    static const struct counters_row nothing;
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_listeners; i++) {
        const struct counters_row *row = counters_find_listener(p->view->counters, config->listeners[i].name);
        if (!with_tls || config->listeners[i].tls.present)
            write(p, config->listeners[i].name, row != NULL ? row : &nothing);
    }
}

static void each_upstream(struct page *p, bool with_tls, row_fn write)
{
    static const struct counters_row nothing;
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_upstreams - config->n_served; i++) {
        const struct counters_row *row = counters_find_upstream(p->view->counters, config->upstreams[i].name);
        if (!with_tls || config->upstreams[i].tls.present)
            write(p, config->upstreams[i].name, row != NULL ? row : &nothing);
    }
}

static uint64_t field_of(const struct page *p, const struct counters_row *row)
{
    return *(const uint64_t *)(const void *)((const char *)row + p->now->field);
}

static void listener_field(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"listener", name}), field_of(p, row));
}

static void of_listeners(struct page *p)
{
    each_listener(p, false, listener_field);
}

static void upstream_field(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"upstream", name}), field_of(p, row));
}

static void of_upstreams(struct page *p)
{
    each_upstream(p, false, upstream_field);
}

/* ---- the process ---- */

static void build_info(struct page *p)
{
    sample(p, LABELS({"version", p->view->version}), 1);
}

static void start_time(struct page *p)
{
    sample(p, NO_LABELS, (uint64_t)p->view->started);
}

static void clients_most(struct page *p)
{
    sample(p, NO_LABELS, p->view->room.most_clients);
}

static void clients_refused(struct page *p)
{
    sample(p, NO_LABELS, p->view->room.refused);
}

static void reloads(struct page *p)
{
    sample(p, LABELS({"result", "reloaded"}), p->view->reloads.good);
    sample(p, LABELS({"result", "refused"}), p->view->reloads.bad);
}

/* One that goes well is the end of the process that counts. */
static void handovers(struct page *p)
{
    sample(p, LABELS({"result", "refused"}), p->view->handovers_refused);
}

static void rotations(struct page *p)
{
    const struct config *config = p->view->snapshot->config;
    for (size_t i = 0; i < config->n_identities; i++) {
        const char *name = config->identities[i].name;
        const struct rotation_count count = rotation_counts_of(p->view->rotations, name);
        sample(p, LABELS({"identity", name}, {"result", "used"}), count.used);
        sample(p, LABELS({"identity", name}, {"result", "refused"}), count.refused);
        sample(p, LABELS({"identity", name}, {"result", "fallback"}), count.fallback);
    }
}

static void last_good_reload(struct page *p)
{
    sample(p, NO_LABELS, (uint64_t)p->view->reloads.last_good);
}

static void files_polled(struct page *p)
{
    sample(p, NO_LABELS, (uint64_t)p->view->files_polled);
}

/* ---- clients and requests ---- */

static void listener_bytes(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"listener", name}, {"direction", "in"}), row->bytes_down_in);
    sample(p, LABELS({"listener", name}, {"direction", "out"}), row->bytes_down_out);
}

static void all_bytes(struct page *p)
{
    each_listener(p, false, listener_bytes);
}

static void listener_clients(struct page *p, const char *name, const struct counters_row *row)
{
    for (size_t i = 0; i < COUNTERS_STATUSES; i++)
        if (row->judged[i].connections > 0)
            sample(p, LABELS({"listener", name}, {"status", reason_word((enum reason)i)}), row->judged[i].connections);
}

static void clients(struct page *p)
{
    each_listener(p, true, listener_clients);
}

static void refused(struct page *p, const char *side, const char *name, const struct counters_row *row)
{
    for (size_t i = 0; i < REASON_COUNT; i++)
        if (row->refused[i] > 0)
            sample(p, LABELS({side, name}, {"reason", reason_word((enum reason)i)}), row->refused[i]);
}

static void listener_refused(struct page *p, const char *name, const struct counters_row *row)
{
    refused(p, "listener", name, row);
}

static void all_refused(struct page *p)
{
    each_listener(p, false, listener_refused);
}

static void upstream_refused(struct page *p, const char *name, const struct counters_row *row)
{
    refused(p, "upstream", name, row);
}

static void all_failed(struct page *p)
{
    each_upstream(p, false, upstream_refused);
}

typedef void (*requests_fn)(struct page *p, const struct label *labels, const struct counters_requests *row);

static void requests_between(struct page *p, const char *listener, const char *upstream, requests_fn write)
{
    const struct counters_requests *row = counters_find_requests(p->view->counters, listener, upstream);
    if (row != NULL)
        write(p, LABELS({"listener", listener}, {"upstream", upstream}), row);
}

/* Each upstream of a listener once, however many of its routes lead there; seen[i]: the last listener that had the i-th. */
static void requests_of(struct page *p, const struct plan_listener *l, size_t *seen, requests_fn write)
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

static void each_requests(struct page *p, requests_fn write)
{
    const struct snapshot *s = p->view->snapshot;
    size_t *seen = calloc(s->config->n_upstreams + 1, sizeof(*seen));
    if (seen == NULL)
        p->rc = -1;
    for (size_t i = 0; seen != NULL && i < s->config->n_listeners; i++)
        requests_of(p, &s->listeners[i], seen, write);
    free(seen);
}

static void answers(struct page *p, const struct label *labels, const struct counters_requests *row)
{
    static const char *const classes[COUNTERS_CLASSES] = {NULL, "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 1; i < COUNTERS_CLASSES; i++)
        if (row->answers[i] > 0)
            sample(p, LABELS(labels[0], labels[1], {"code_class", classes[i]}), row->answers[i]);
}

static void http_requests(struct page *p)
{
    each_requests(p, answers);
}

static void durations(struct page *p, const struct label *labels, const struct counters_requests *row)
{
    histogram(p, labels, &row->took);
}

static void http_durations(struct page *p)
{
    each_requests(p, durations);
}

/* ---- TLS ---- */

static void handshakes_failed(struct page *p, const char *side, const char *name)
{
    for (size_t i = 0; i < REASON_COUNT && counters_has_failures(p->view->counters); i++) {
        const struct counters_failures *row = counters_find_failures(p->view->counters, side, name, reason_word((enum reason)i));
        if (row != NULL)
            sample(p, LABELS({"side", side}, {"name", name}, {"result", reason_word((enum reason)i)}), row->n);
    }
}

static void listener_handshakes(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"side", "listener"}, {"name", name}, {"result", reason_word(REASON_VALID)}), row->handshakes_ok);
    handshakes_failed(p, "listener", name);
}

static void upstream_handshakes(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"side", "upstream"}, {"name", name}, {"result", reason_word(REASON_VALID)}), row->upstream_handshakes_ok);
    handshakes_failed(p, "upstream", name);
}

static void handshakes(struct page *p)
{
    each_listener(p, true, listener_handshakes);
    each_upstream(p, true, upstream_handshakes);
}

static void listener_took(struct page *p, const char *name, const struct counters_row *row)
{
    histogram(p, LABELS({"side", "listener"}, {"name", name}), &row->handshakes);
}

static void upstream_took(struct page *p, const char *name, const struct counters_row *row)
{
    histogram(p, LABELS({"side", "upstream"}, {"name", name}), &row->handshakes);
}

static void handshake_durations(struct page *p)
{
    each_listener(p, true, listener_took);
    each_upstream(p, true, upstream_took);
}

static void listener_resumed(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"side", "listener"}, {"name", name}), row->resumed);
}

static void upstream_resumed(struct page *p, const char *name, const struct counters_row *row)
{
    sample(p, LABELS({"side", "upstream"}, {"name", name}), row->upstream_resumed);
}

static void resumed(struct page *p)
{
    each_listener(p, true, listener_resumed);
    each_upstream(p, true, upstream_resumed);
}

/* ---- targets ---- */

static void targets_up(struct page *p)
{
    const struct snapshot *s = p->view->snapshot;
    for (size_t i = 0; i < s->n_targets; i++) {
        const struct plan_target *t = &s->targets[i];
        if (t->upstream->conf->serves != CONFIG_SERVE_NONE)
            continue;
        bool up = target_state_mode(s->target_state, t->index) == TARGET_ENABLED && !target_state_is_down(s->target_state, t->index) &&
                  target_state_held_until(s->target_state, t->index) <= p->view->now_us;
        sample(p, LABELS({"upstream", t->upstream->conf->name}, {"target", target_name_label(t)}), up);
    }
}

/* ---- everything that ends ---- */

static void identities_end(struct page *p)
{
    const struct snapshot *s = p->view->snapshot;
    for (size_t i = 0; i < s->config->n_identities; i++) {
        struct tls_identity_facts f;
        tls_identity_facts(s->identities[i].tls, &f);
        sample(p, LABELS({"identity", s->identities[i].conf->name}), (uint64_t)f.not_after);
    }
}

static const char *trust_name(const struct snapshot_trust *trust)
{
    return trust->conf != NULL ? trust->conf->name : "system";
}

static void trusts_end(struct page *p)
{
    for (size_t i = 0; i < p->view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &p->view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        if (f.first_not_after != 0)
            sample(p, LABELS({"trust", trust_name(trust)}), (uint64_t)f.first_not_after);
    }
}

static void registry_rows(struct page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct tls_registry_facts f;
        tls_registry_facts(r->rows, &f);
        for (enum tls_registry_state s = TLS_REGISTRY_ACTIVE; s < TLS_REGISTRY_STATES; s++)
            sample(p, LABELS({"registry", r->conf->name}, {"state", tls_registry_state_word(s)}), f.totals.by_state[s]);
    }
}

/* No series before the first read: there is no age. */
static void registry_age(struct page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct tls_registry_facts f;
        tls_registry_facts(r->rows, &f);
        if (f.loaded)
            sample(p, LABELS({"registry", r->conf->name}), p->view->now > f.good_at ? (uint64_t)(p->view->now - f.good_at) : 0);
    }
}

static void lists_end(struct page *p)
{
    for (size_t i = 0; i < p->view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &p->view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        if (f.first_next_update != 0)
            sample(p, LABELS({"trust", trust_name(trust)}), (uint64_t)f.first_next_update);
    }
}

static void listener_peer_ends(struct page *p, const char *name, const struct counters_row *row)
{
    if (row->peer.not_after != 0)
        sample(p, LABELS({"listener", name}), row->peer.not_after);
}

static void clients_end(struct page *p)
{
    each_listener(p, true, listener_peer_ends);
}

static void upstream_peer_ends(struct page *p, const char *name, const struct counters_row *row)
{
    if (row->peer.not_after != 0)
        sample(p, LABELS({"upstream", name}), row->peer.not_after);
}

static void peers_end(struct page *p)
{
    each_upstream(p, true, upstream_peer_ends);
}

/* None without sessions = true. */
static void registry_sessions(struct page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct sessions_facts f;
        if (r->sessions == NULL)
            continue;
        sessions_facts(r->sessions, &f);
        sample(p, LABELS({"registry", r->conf->name}, {"result", "written"}), f.written);
        sample(p, LABELS({"registry", r->conf->name}, {"result", "lost"}), f.lost);
    }
}

/* ---- all of them ---- */

#define ROW(field) offsetof(struct counters_row, field)

static const struct family families[] = {
    {"mtlsd_build_info", "gauge", "The version that runs.", build_info, 0},
    {"mtlsd_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", start_time, 0},
    {"mtlsd_config_last_reload_success_timestamp_seconds", "gauge", "When the configuration in use was loaded.", last_good_reload, 0},
    {"mtlsd_reloads_total", "counter", "Reloads since the start.", reloads, 0},
    {"mtlsd_handovers_total", "counter", "New processes that were to take over and could not, since the start.", handovers, 0},
    {"mtlsd_rotations_total", "counter", "Renewed certificates that took the place of the one in use, were refused, or gave their place back because an upstream refused them later.", rotations, 0},
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
    {"mtlsd_upstream_requests_total", "counter", "Requests and tcp connections that got a target.", of_upstreams, ROW(upstream_requests)},
    {"mtlsd_upstream_connects_total", "counter", "Connections made to targets.", of_upstreams, ROW(upstream_connects)},
    {"mtlsd_upstream_retries_total", "counter", "Further attempts that requests and tcp connections took.", of_upstreams, ROW(retries)},
    {"mtlsd_upstream_failures_total", "counter", "Requests and tcp connections to the upstream that ended with this reason.", all_failed, 0},
    {"mtlsd_upstream_target_up", "gauge", "1 if the target is used: not drained, not down, and not skipped after a failure.", targets_up, 0},
    {"mtlsd_identity_not_after_timestamp_seconds", "gauge", "When our certificate expires.", identities_end, 0},
    {"mtlsd_trust_not_after_timestamp_seconds", "gauge", "When the first CA of the trust expires.", trusts_end, 0},
    {"mtlsd_crl_next_update_timestamp_seconds", "gauge", "When the first revocation list of the trust ends.", lists_end, 0},
    {"mtlsd_registry_rows", "gauge", "Rows of the registry in this state.", registry_rows, 0},
    {"mtlsd_registry_age_seconds", "gauge", "Time since the rows were last known to be those of the database.", registry_age, 0},
    {"mtlsd_registry_sessions_total", "counter", "Connections of verified clients that ended, by whether their row could be written.", registry_sessions, 0},
    {"mtlsd_upstream_peer_not_after_timestamp_seconds", "gauge", "When the upstream's certificate expires, as seen within the last hour.", peers_end, 0},
    {"mtlsd_client_not_after_timestamp_seconds", "gauge", "When the first of the clients' certificates expires, as seen within the last day.", clients_end, 0},
};

int metrics_write(struct bytes *out, const struct admin_view *view)
{
    struct page p = {.out = out, .view = view};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && p.rc == 0; i++) {
        p.now = &families[i];
        p.rc = bytes_printf(out, "# HELP %s %s\n# TYPE %s %s\n", p.now->name, p.now->help, p.now->name, p.now->type);
        p.now->write(&p);
    }
    return p.rc;
}
