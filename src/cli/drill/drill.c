/* SPDX-License-Identifier: Apache-2.0 */
#include "drill.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STEP_MS = 5000,
    SILENCE_MS = 1500, /* without HTTP: as long without an alert is a yes */
    TICKETS = 4,
};

static const char *const priorities[DRILL_VERSIONS] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2"};

/* ---- one connection ---- */

static bool is_refusal(const struct drill_setup *setup, unsigned status)
{
    for (size_t i = 0; i < setup->n_refusals; i++)
        if (setup->refusals[i] == status)
            return true;
    return false;
}

/* The frame that every HTTP/2 server begins with: SETTINGS, on stream 0 (RFC 9113 section 3.4). */
static bool is_http2(const char *start, size_t have)
{
    static const char settings[] = {4, 0, 0, 0, 0, 0}; /* type, flags, stream */
    return have >= 9 && start[0] == 0 && memcmp(start + 3, settings, sizeof(settings)) == 0;
}

static void read_answer(const struct drill_setup *setup, struct probe *p, struct drill_try *t)
{
    char start[13] = "";
    size_t have = 0, got = 1;
    while (have < sizeof(start) - 1 && got > 0) {
        got = probe_read(p, start + have, sizeof(start) - 1 - have);
        have += got;
    }
    if (have < sizeof(start) - 1 || strncmp(start, "HTTP/1.", 7) != 0) {
        t->let_in = have > 0; /* something answered, whatever it speaks */
        snprintf(t->told, sizeof(t->told), "%s", is_http2(start, have) ? "an answer in HTTP/2" : have > 0 ? "an answer that is not HTTP" : "");
        return;
    }
    unsigned status = (unsigned)strtoul(start + 9, NULL, 10);
    t->let_in = !is_refusal(setup, status);
    snprintf(t->told, sizeof(t->told), "HTTP %u", status);
}

static void after_handshake(const struct drill_setup *setup, struct probe *p, struct drill_try *t)
{
    uint8_t byte;
    if (setup->request != NULL) {
        if (probe_send(p, span_from_str(setup->request)))
            read_answer(setup, p, t);
        return;
    }
    probe_limit(p, SILENCE_MS);
    size_t got = probe_read(p, &byte, sizeof(byte));
    t->let_in = got > 0 || probe_reason(p) == REASON_RESPONSE_TIMEOUT;
    if (t->let_in)
        snprintf(t->told, sizeof(t->told), "open");
}

static void note_facts(struct probe *p, struct drill_try *t)
{
    struct tls_facts facts;
    if (probe_engine(p) == NULL)
        return;
    tls_engine_facts(probe_engine(p), &facts);
    t->resumed = facts.resumed;
    t->is_tls = facts.version != NULL || facts.alert_received >= 0;
    if (facts.alert_received >= 0 && !t->let_in)
        snprintf(t->told, sizeof(t->told), "%s", tls_alert_name(facts.alert_received));
    else if (t->told[0] == '\0')
        snprintf(t->told, sizeof(t->told), "%s", facts.alert_sent >= 0 ? "(we refused the server)" : "closed");
}

/* False when the target cannot be reached or is not the server we trust: then nothing that follows would mean anything. */
static bool try_once(const struct drill_setup *setup, struct tls_context *ctx, struct tls_tickets *tickets, struct drill_try *t, struct err *err)
{
    struct probe *p = probe_connect(&setup->target, STEP_MS);
    *t = (struct drill_try){.done = true};
    if (p == NULL)
        return err_set(err, ERR_MEMORY, "out of memory") == 0;
    bool reached = !probe_failed(p);
    if (reached) {
        probe_use_tickets(p, tickets);
        if (probe_start_tls(p, ctx))
            after_handshake(setup, p, t);
        note_facts(p, t);
    }
    bool ours = probe_failed(p) && strcmp(probe_refused_by(p), "us") == 0;
    snprintf(t->why, sizeof(t->why), "%s", probe_text(p));
    if (!reached)
        err_set(err, ERR_IO, "%s: %s; check that the listener runs and that this is its address", setup->target_text, probe_text(p));
    else if (ours)
        err_set(err, ERR_IO, "%s: %s", setup->target_text, probe_text(p));
    probe_free(p);
    return reached && !ours;
}

/* ---- one kind ---- */

bool drill_offer(const struct drill_setup *setup, struct tls_identity *identity, size_t version, struct drill_try *full, struct drill_try *again,
                 struct err *err)
{
    struct tls_context_spec spec = {.identity = identity, .trust = setup->server_trust, .server_name = setup->server_name,
                                    .priority = priorities[version]};
    struct tls_context *ctx = tls_context_new(&spec, err);
    struct tls_tickets *tickets = tls_tickets_new(TICKETS);
    bool ok = false;
    if (ctx == NULL || tickets == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        goto done;
    }
    ok = try_once(setup, ctx, tickets, full, err);
    if (ok && again != NULL) {
        ok = try_once(setup, ctx, tickets, again, err);
        again->done = again->resumed;
    }
done:
    tls_tickets_free(tickets);
    tls_context_unref(ctx);
    return ok;
}

static bool should_pass(const struct drill_setup *setup, const struct drill_row *row)
{
    return row->either || row->expected == REASON_VALID || (row->expected == REASON_NONE && setup->none_may_pass);
}

static void judge_row(const struct drill_setup *setup, struct drill *d, struct drill_row *row)
{
    bool good = row->expected == REASON_VALID && !row->either, may = should_pass(setup, row), in = false, out = false;
    for (size_t v = 0; v < DRILL_VERSIONS; v++) {
        if (strcmp(row->full[v].told, "protocol_version") == 0)
            continue; /* the listener does not support this version, for any client */
        in = in || row->full[v].let_in || (row->again[v].done && row->again[v].let_in);
        out = out || !row->full[v].let_in || (row->again[v].done && !row->again[v].let_in);
    }
    row->as_it_should = good ? !out : may || !in;
    d->n_bad += !may;
    d->n_bad_let_in += !may && in;
    d->n_good_refused += good && out;
}

static bool try_row(const struct drill_setup *setup, struct drill *d, struct tls_identity *identity, struct err *err)
{
    struct drill_row *row = &d->rows[d->n - 1];
    row->offered = true;
    if (setup->on_offer != NULL && setup->on_offer(setup->ctx, row->word, identity, err) != 0)
        return false;
    for (size_t v = 0; v < DRILL_VERSIONS; v++)
        if (!drill_offer(setup, identity, v, &row->full[v], &row->again[v], err))
            return false;
    judge_row(setup, d, row);
    return true;
}

/* The first attempt has a good certificate: if neither version gets an answer of TLS, no later row would mean anything. */
static bool check_is_tls(const struct drill_setup *setup, const struct drill *d, struct err *err)
{
    const struct drill_row *first = &d->rows[0];
    for (size_t v = 0; v < DRILL_VERSIONS; v++)
        if (first->full[v].is_tls)
            return true;
    return err_set(err, ERR_IO, "%s does not answer in TLS: %s (give the address of a TLS listener)", setup->target_text, first->full[0].why) == 0;
}

static bool try_kind(const struct drill_setup *setup, struct drill *d, size_t i, struct err *err)
{
    const struct tls_drill_kind *kind = tls_drill_kind(i);
    bool none;
    struct tls_identity *identity = tls_drill_make(i, &setup->order, &none, err);
    if (identity == NULL && !none)
        return false;
    d->rows[d->n++] = (struct drill_row){.word = kind->word, .what = kind->what, .expected = kind->expected, .either = kind->may_go_either_way};
    bool ok = try_row(setup, d, identity, err);
    tls_identity_unref(identity);
    return ok;
}

static bool try_revoked(const struct drill_setup *setup, struct drill *d, struct err *err)
{
    d->rows[d->n++] = (struct drill_row){.word = "revoked", .what = "revoked by its CA", .expected = REASON_REVOKED, .as_it_should = true};
    return setup->revoked == NULL || try_row(setup, d, setup->revoked, err);
}

int drill_run(struct drill *d, const struct drill_setup *setup, drill_row_fn on_row, struct err *err)
{
    size_t kinds = 0;
    while (tls_drill_kind(kinds) != NULL)
        kinds++;
    *d = (struct drill){.rows = calloc(kinds + 1, sizeof(*d->rows))};
    if (d->rows == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    for (size_t i = 0; i <= kinds; i++) {
        if (!(i < kinds ? try_kind(setup, d, i, err) : try_revoked(setup, d, err)) || !check_is_tls(setup, d, err))
            return -1;
        if (on_row != NULL)
            on_row(&d->rows[d->n - 1]);
    }
    return 0;
}

void drill_clear(struct drill *d)
{
    free(d->rows);
    *d = (struct drill){0};
}
