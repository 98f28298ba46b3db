/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/access_log.h"
#include "access_event.h"
#include "access_line.h"
#include "access_pattern.h"
#include "line_limit.h"
#include "mtlsd/control/sessions.h"

#include "mtlsd/base/log_pattern.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"
#include "mtlsd/proxy/target_state.h"
#include "mtlsd/tls/tls_identity.h"

#include <stdio.h>
#include <string.h>

/* How long a peer's certificate counts among those that end next. A peer that renewed it soon shows the new one. */
enum { CLIENT_SEEN_S = 24 * 3600, UPSTREAM_SEEN_S = 3600 };

int access_log_init(struct access_log *j, struct refusals *refusals, int64_t (*utc)(void))
{
    *j = (struct access_log){.refusals = refusals, .utc = utc};
    counters_index_init(&j->index, &j->counters);
    j->limit = line_limit_new();
    int rc = counters_init(&j->counters, COUNTERS_ROWS);
    return j->limit != NULL ? rc : -1;
}

void access_log_adopt(struct access_log *j, const struct snapshot *snapshot)
{
    j->snapshot = snapshot;
    counters_index_adopt(&j->index, snapshot);
}

void access_log_clear(struct access_log *j)
{
    counters_index_clear(&j->index);
    counters_clear(&j->counters);
    line_limit_free(j->limit);
    j->limit = NULL;
}

void access_log_accepted(struct access_log *j, const struct plan_listener *listener)
{
    struct counters_row *row = counters_index_listener(&j->index, listener);
    counters_add(&row->connections_accepted, 1);
    counters_add(&row->connections_open, 1);
}

void access_log_closed(struct access_log *j, const struct plan_listener *listener)
{
    counters_sub(&counters_index_listener(&j->index, listener)->connections_open, 1);
}

void access_log_refused(struct access_log *j, const struct plan_listener *listener, enum reason reason)
{
    counters_add(&counters_index_listener(&j->index, listener)->refused[reason], 1);
}

void access_log_overloaded(struct access_log *j, uint64_t connections, const char *text)
{
    const struct reason_row *row = reason_row(REASON_OVERLOADED);
    struct log_line l;
    log_begin_as(&l, LOG_EVENTS | LOG_REFUSALS, row->level, row->word, text);
    log_uint(&l, "connections", connections);
    log_str(&l, "reason", row->word);
    log_str(&l, "hint", row->hint);
    log_end(&l);
    struct refusal_note note = {.when = j->utc(), .reason = REASON_OVERLOADED, .detail = text};
    if (j->refusals != NULL)
        refusals_add(j->refusals, &note);
}

void access_log_moved(struct access_log *j, const struct plan_listener *from, const struct plan_listener *to)
{
    counters_sub(&counters_index_listener(&j->index, from)->connections_open, 1);
    counters_add(&counters_index_listener(&j->index, to)->connections_open, 1);
}

static void log_access_line(const struct access_log *j, enum log_format format, const struct report *r)
{
    struct bytes line;
    bytes_init(&line, ACCESS_LINE_MAX);
    const struct template *pattern = log_pattern_of(format);
    if ((pattern != NULL ? access_pattern_write(&line, pattern, r, j->utc()) : access_line_write(&line, format, r, j->utc())) == 0)
        log_access(format, bytes_span(&line));
    bytes_clear(&line);
}

/* ---- counting ---- */

static void count_route(struct access_log *j, const struct report *r)
{
    const struct plan_listener *l = r->listener;
    if (r->route == NULL || l->n_routes < 2) /* a listener's own numbers say the same */
        return;
    struct counters_route *row = counters_index_route(&j->index, l, r->route);
    counters_add(&row->hits, 1);
    counters_add(&row->refused, r->reason != REASON_VALID);
}

static struct counters_row *count_upstream(struct access_log *j, const struct report *r)
{
    struct counters_row *up = counters_index_upstream(&j->index, r->target->upstream);
    struct counters_target *target = counters_index_target(&j->index, r->target);
    counters_add(&up->bytes_up_out, r->bytes_in);
    counters_add(&up->bytes_up_in, r->bytes_out);
    counters_add(&up->upstream_requests, 1);
    counters_add(&up->retries, r->retries);
    counters_add(&target->requests, 1);
    counters_add(&target->retries, r->retries);
    return up;
}

/* Counts the accepted clients: whether all of them could be asked for a valid certificate (status, "ready to enforce"). */
static struct counters_judged *judged(struct access_log *j, struct counters_row *row, const struct tls_facts *down)
{
    if (down == NULL || !down->asks || down->verdict == NULL || (size_t)down->verdict->status >= COUNTERS_STATUSES)
        return NULL;
    struct counters_judged *found = &row->judged[down->verdict->status];
    if (down->verdict->status != REASON_VALID) /* the times of the others are not needed */
        counters_add(&found->last, (uint64_t)j->utc() - found->last);
    return found;
}

/* A route's own upstream is found by the route. A request that was refused before it was chosen, or went elsewhere, is counted by name. */
static void count_request(struct access_log *j, const struct report *r)
{
    const struct plan_upstream *up = r->target != NULL ? r->target->upstream : NULL;
    const struct plan_route *route = r->route != NULL && r->route->upstream == up ? r->route : NULL;
    struct counters_requests *row = counters_index_requests(&j->index, r->listener, route, up);
    if (row == NULL)
        return;
    counters_add(&row->answers[r->request.status / 100], 1);
    counters_times_add(&row->took, r->took.total_us);
}

static void count_report(struct access_log *j, const struct report *r)
{
    struct counters_row *row = counters_index_listener(&j->index, r->listener);
    counters_add(&row->bytes_down_in, r->bytes_in);
    counters_add(&row->bytes_down_out, r->bytes_out);
    if (r->kind == REPORT_REQUEST) {
        struct counters_judged *by_status = judged(j, row, r->down);
        if (by_status != NULL)
            counters_add(&by_status->requests, 1);
        if (by_status != NULL && r->down->verdict->status != REASON_VALID)
            counters_last_put(row->last, r->down->peer != NULL ? r->down->peer->subject : r->client, (uint64_t)j->utc());
        counters_add(&row->requests, 1);
        if (r->request.status >= 100 && r->request.status < 600) {
            counters_add(&row->answers[r->request.status / 100], 1);
            count_request(j, r);
        }
    }
    counters_add(&row->would_refuse, r->would_refuse != REASON_UNDECIDED);
    count_route(j, r);
    struct counters_row *up = r->target != NULL ? count_upstream(j, r) : NULL;
    if (up != NULL && !r->up_reused && r->took.connect_us != 0) {
        if (r->took.handshake_us != 0)
            counters_times_add(&up->handshakes, r->took.handshake_us);
        counters_add(&up->upstream_connects, 1);
        counters_add(&row->upstream_connects, 1);
    }
    if (r->reason == REASON_VALID)
        return;
    counters_add(&row->refused[r->reason], 1);
    if (up != NULL)
        counters_add(&up->refused[r->reason], 1);
}

static void remember_refusal(struct access_log *j, const struct report *r)
{
    const struct tls_facts *blamed = r->up != NULL ? r->up : r->down, *refused = access_event_refused_ours(r);
    struct tls_identity_facts ours;
    if (refused != NULL)
        tls_identity_facts(refused->ours, &ours);
    struct refusal_note note = {
        .when = j->utc(),
        .reason = r->reason,
        .listener = r->listener->conf->name,
        .upstream = r->target != NULL ? r->target->upstream->conf->name : NULL,
        .peer_subject = blamed != NULL && blamed->peer != NULL ? blamed->peer->subject : NULL,
        .detail = access_event_detail(r),
        .ours = refused != NULL ? &ours : NULL,
        .accepted_cas = refused != NULL ? refused->accepted_cas : NULL,
        .hint = r->hint,
    };
    refusals_add(j->refusals, &note);
}

/* ---- what a client may make us write ---- */

static void tell_held(struct access_log *j, int64_t now, bool all)
{
    struct line_limit_held held;
    while (line_limit_take(j->limit, now, all, &held)) {
        struct log_line l;
        log_begin(&l, LOG_LEVEL_WARN, "suppressed", "refusals were counted but not logged: there were too many in a second");
        log_str(&l, "listener", held.listener);
        log_str(&l, "client", held.client);
        log_uint(&l, "lines", held.lines);
        log_end(&l);
    }
}

void access_log_tell_held(struct access_log *j, bool all)
{
    tell_held(j, j->utc(), all);
}

bool access_log_holds(const struct access_log *j)
{
    return line_limit_holds(j->limit);
}

static bool may_tell(struct access_log *j, const struct report *r)
{
    int64_t now = j->utc();
    tell_held(j, now, false); /* before what follows it */
    return line_limit_permits(j->limit, r->listener->conf->name, r->client, now);
}

static void on_report(void *ctx, const struct report *r)
{
    struct access_log *j = ctx;
    count_report(j, r);
    if (r->from.session != NULL)
        session_note(r->from.session, r);
    if (r->reason != REASON_VALID)
        remember_refusal(j, r);
    unsigned formats = access_line_is_due(r) ? log_access_formats() : 0;
    for (unsigned format = 0; formats >> format != 0; format++)
        if ((formats >> format & 1) != 0)
            log_access_line(j, (enum log_format)format, r);
    bool bounded = r->reason == REASON_DRAINING; /* by the connections there are, and once */
    if (r->reason == REASON_VALID)
        access_event_write(r, log_parts_accesses(log_format_now()) ? LOG_NOT_IN_MAIN : 0);
    else if (bounded || may_tell(j, r))
        access_event_write(r, 0);
}

static void see_peer(struct access_log *j, struct counters_row *row, const struct tls_facts *facts, uint64_t keep_s)
{
    if (facts->peer != NULL && facts->peer->not_after > 0)
        counters_soonest_see(&row->peer, (uint64_t)facts->peer->not_after, (uint64_t)j->utc(), keep_s);
}

/* A handshake that failed is counted once more, as a refusal, with the connection or request that it ended. */
static void count_failure(struct access_log *j, const struct handshake_report *r)
{
    const char *name = r->listener != NULL ? r->listener->conf->name : r->target->upstream->conf->name;
    counters_add(&counters_failures(&j->counters, r->listener != NULL ? "listener" : "upstream", name, reason_word(r->reason))->n, 1);
}

static struct sessions *sessions_of(const struct access_log *j, const struct tls_registry *rows)
{
    for (size_t i = 0; j->snapshot != NULL && i < j->snapshot->config->n_registries; i++)
        if (j->snapshot->registries[i].rows == rows)
            return j->snapshot->registries[i].sessions;
    return NULL;
}

/* Only a verified caller has a session, and so a row. */
static void begin_session(const struct access_log *j, const struct handshake_report *r)
{
    struct sessions *to = sessions_of(j, r->registry);
    const struct session_who who = {r->listener->conf->name, r->client, r->facts->peer};
    if (to != NULL && r->facts->peer != NULL && r->facts->verdict != NULL && r->facts->verdict->status == REASON_VALID)
        *r->session = session_begin(to, &who, j->utc());
}

static void on_session_end(void *ctx, struct session *session)
{
    const struct access_log *j = ctx;
    session_end(session, j->utc());
}

/* Once for each upstream of a configuration: each of its handshakes may be so. A resumed one has the answer of before. */
static void log_ignored_staple(const struct handshake_report *r)
{
    const struct plan_upstream *upstream = r->target->upstream;
    const char *fault = r->facts->verdict != NULL && !r->facts->resumed ? r->facts->verdict->staple_fault : NULL;
    struct log_line l;
    char text[200];
    if (fault == NULL || upstream->owner == NULL || !target_state_note_staple(upstream->owner->target_state, upstream->targets[0].index, fault))
        return;
    snprintf(text, sizeof(text), "a stapled OCSP answer is ignored: %s", fault);
    log_begin(&l, LOG_LEVEL_WARN, "staple_ignored", text);
    log_str(&l, "upstream", upstream->conf->name);
    log_str(&l, "target_address", r->target->conf->text);
    log_end(&l);
}

static void on_handshake(void *ctx, const struct handshake_report *r)
{
    struct access_log *j = ctx;
    if (r->reason != REASON_VALID) {
        count_failure(j, r);
        return;
    }
    if (r->listener != NULL) {
        struct counters_row *row = counters_index_listener(&j->index, r->listener);
        see_peer(j, row, r->facts, CLIENT_SEEN_S);
        counters_times_add(&row->handshakes, r->took_us);
        counters_add(&row->handshakes_ok, 1);
        counters_add(&row->resumed, r->facts->resumed ? 1 : 0);
        counters_add(&row->unanswered, r->facts->verdict != NULL && r->facts->verdict->unanswered);
        struct counters_judged *by_status = judged(j, row, r->facts);
        if (by_status != NULL)
            counters_add(&by_status->connections, 1);
        if (r->registry != NULL)
            begin_session(j, r);
        return;
    }
    struct counters_row *row = counters_index_upstream(&j->index, r->target->upstream);
    see_peer(j, row, r->facts, UPSTREAM_SEEN_S);
    counters_add(&row->upstream_handshakes_ok, 1);
    counters_add(&row->upstream_resumed, r->facts->resumed ? 1 : 0);
    counters_add(&row->staples_ignored, r->facts->verdict != NULL && r->facts->verdict->staple_fault != NULL && !r->facts->resumed);
    log_ignored_staple(r);
}

static void on_target(void *ctx, const struct plan_target *t, enum target_event what)
{
    struct access_log *j = ctx;
    struct counters_target *row = counters_index_target(&j->index, t);
    if (what == TARGET_BEGUN)
        counters_add(&row->active, 1);
    else if (what == TARGET_ENDED)
        counters_sub(&row->active, 1);
    else
        counters_add(&row->failures, 1);
}

struct observer access_log_observer(struct access_log *j, const struct config *config)
{
    return (struct observer){
        .ctx = j, .wants = access_pattern_wants(config), .on_report = on_report, .on_handshake = on_handshake, .on_target = on_target,
        .on_session_end = on_session_end};
}
