/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/journal.h"

#include "mtlsd/base/log.h"
#include "mtlsd/policy/reason.h"

enum { ROWS_MAX = 1024 };

int journal_init(struct journal *j, struct refusals *refusals, int64_t (*utc)(void))
{
    *j = (struct journal){.refusals = refusals, .utc = utc};
    return counters_init(&j->counters, ROWS_MAX, ROWS_MAX);
}

void journal_clear(struct journal *j)
{
    counters_clear(&j->counters);
}

void journal_accepted(struct journal *j, const char *listener)
{
    struct counters_row *row = counters_listener(&j->counters, listener);
    counters_add(&row->connections_accepted, 1);
    counters_add(&row->connections_open, 1);
}

void journal_closed(struct journal *j, const char *listener)
{
    counters_sub(&counters_listener(&j->counters, listener)->connections_open, 1);
}

/* ---- one line per request or connection ---- */

static void log_peer(struct log_line *l, const struct tls_facts *facts, const char *const keys[4])
{
    log_str(l, keys[0], facts->version);
    log_str(l, keys[1], facts->cipher);
    if (facts->peer == NULL)
        return;
    log_str(l, keys[2], facts->peer->subject);
    log_str(l, keys[3], facts->peer->sha256);
}

static void log_down(struct log_line *l, const struct tls_facts *down)
{
    static const char *const keys[4] = {"tls", "cipher", "peer", "peer_sha256"};
    if (down->verdict != NULL)
        log_str(l, "cert", reason_word(down->verdict->status));
    log_peer(l, down, keys);
}

static void log_up(struct log_line *l, const struct report *r)
{
    static const char *const keys[4] = {"upstream_tls", "upstream_cipher", "upstream_peer", "upstream_peer_sha256"};
    log_str(l, "upstream_resumed", r->up->resumed ? "yes" : "no");
    log_peer(l, r->up, keys);
    if (r->up->alert_received > 0)
        log_str(l, "alert_received", tls_alert_name(r->up->alert_received));
    if (r->reason != REASON_VALID && r->up->peer != NULL) {
        log_str(l, "upstream_issuer", r->up->peer->issuer);
    }
}

static void log_times(struct log_line *l, const struct report *r)
{
    if (r->connect_us != 0)
        log_ms(l, "connect_ms", r->connect_us);
    if (r->handshake_us != 0)
        log_ms(l, "handshake_ms", r->handshake_us);
    if (r->first_byte_us != 0)
        log_ms(l, "first_byte_ms", r->first_byte_us);
    log_ms(l, "total_ms", r->total_us);
}

static void log_report(const struct report *r)
{
    const struct reason_row *row = reason_row(r->reason);
    enum log_level level = r->reason == REASON_VALID ? LOG_LEVEL_INFO : row->level;
    if (!log_wants(level))
        return;
    struct log_line l;
    log_begin(&l, level, r->kind == REPORT_REQUEST ? "request" : "connection", r->reason == REASON_VALID ? NULL : r->detail);
    log_str(&l, "listener", r->listener->conf->name);
    log_str(&l, "client", r->client);
    if (r->kind == REPORT_REQUEST) {
        log_span(&l, "method", r->method);
        log_span(&l, "target", r->uri);
        log_uint(&l, "status", r->status);
    }
    if (r->target != NULL) {
        log_str(&l, "upstream", r->target->upstream->conf->name);
        log_str(&l, "target_address", r->target->conf->text);
    }
    if (r->reason != REASON_VALID) {
        log_str(&l, "reason", row->word);
        log_str(&l, "refused_by", report_blame_word(r->refused_by));
        log_str(&l, "hint", row->hint);
    }
    if (r->down != NULL)
        log_down(&l, r->down);
    if (r->up != NULL)
        log_up(&l, r);
    if (r->target != NULL)
        log_str(&l, "reused", r->up_reused ? "yes" : "no");
    log_uint(&l, "bytes_in", r->bytes_in);
    log_uint(&l, "bytes_out", r->bytes_out);
    log_times(&l, r);
    log_end(&l);
}

/* ---- counting ---- */

static void count_report(struct journal *j, const struct report *r)
{
    struct counters_row *row = counters_listener(&j->counters, r->listener->conf->name);
    counters_add(&row->bytes_down_in, r->bytes_in);
    counters_add(&row->bytes_down_out, r->bytes_out);
    if (r->kind == REPORT_REQUEST) {
        counters_add(&row->requests, 1);
        if (r->status >= 100 && r->status < 600)
            counters_add(&row->answers[r->status / 100], 1);
    }
    struct counters_row *up = r->target != NULL ? counters_upstream(&j->counters, r->target->upstream->conf->name) : NULL;
    if (up != NULL) {
        counters_add(&up->bytes_up_out, r->bytes_in);
        counters_add(&up->bytes_up_in, r->bytes_out);
        if (!r->up_reused && r->connect_us != 0) {
            counters_add(&up->upstream_connects, 1);
            counters_add(&row->upstream_connects, 1);
        }
    }
    if (r->reason == REASON_VALID)
        return;
    counters_add(&row->refused[r->reason], 1);
    if (up != NULL)
        counters_add(&up->refused[r->reason], 1);
}

static void remember_refusal(struct journal *j, const struct report *r)
{
    const struct tls_facts *blamed = r->up != NULL ? r->up : r->down;
    struct refusal_note note = {
        .when = j->utc(),
        .reason = r->reason,
        .listener = r->listener->conf->name,
        .upstream = r->target != NULL ? r->target->upstream->conf->name : NULL,
        .peer_subject = blamed != NULL && blamed->peer != NULL ? blamed->peer->subject : NULL,
        .detail = r->detail,
    };
    refusals_add(j->refusals, &note);
}

static void on_report(void *ctx, const struct report *r)
{
    struct journal *j = ctx;
    count_report(j, r);
    if (r->reason != REASON_VALID)
        remember_refusal(j, r);
    log_report(r);
}

static void on_handshake(void *ctx, const struct handshake_report *r)
{
    struct journal *j = ctx;
    if (r->reason != REASON_VALID)
        return; /* counted as a refusal with the connection or request it ended */
    if (r->listener != NULL) {
        struct counters_row *row = counters_listener(&j->counters, r->listener->conf->name);
        counters_add(&row->handshakes_ok, 1);
        counters_add(&row->resumed, r->facts->resumed ? 1 : 0);
        return;
    }
    struct counters_row *row = counters_upstream(&j->counters, r->target->upstream->conf->name);
    counters_add(&row->upstream_handshakes_ok, 1);
    counters_add(&row->upstream_resumed, r->facts->resumed ? 1 : 0);
}

struct observer journal_observer(struct journal *j)
{
    return (struct observer){j, on_report, on_handshake};
}
