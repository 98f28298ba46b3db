/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/link.h"

#include <stdlib.h>
#include <string.h>

enum {
    FILL_MARK = 64 * 1024, /* frames are made as long as less waits */
    OUT_MAX = 8 * 1024 * 1024, /* never met: reading the other side stops far below (exchange) */
    RECORD_BYTES = 16384,
    RUNS = 60,
    RAW_MAX = 8192,
};

void link_init(struct link *l, enum link_end end, struct run_queue *run)
{
    *l = (struct link){.end = end, .run = run};
    gather_init(&l->out, OUT_MAX);
}

static void drop_raw(struct link *l)
{
    if (l->raw != NULL)
        bytes_clear(l->raw);
    free(l->raw);
    l->raw = NULL;
}

void link_clear(struct link *l)
{
    run_forget(l);
    tls_engine_free(l->tls);
    l->tls = NULL;
    http2_free(l->h2);
    l->h2 = NULL;
    gather_clear(&l->out);
    drop_raw(l);
}

bool link_is_handshaking(const struct link *l)
{
    return l->tls != NULL && (tls_engine_flags(l->tls) & TLS_HANDSHAKING);
}

bool link_is_open(const struct link *l)
{
    if (l->broken)
        return false;
    return l->tls == NULL || !(tls_engine_flags(l->tls) & (TLS_HANDSHAKING | TLS_FAILED));
}

static void lose(struct link *l)
{
    l->broken = l->lost = true;
    run_touch(l);
}

static struct block_cache *blocks_of(const struct link *l)
{
    return l->run != NULL ? l->run->blocks : NULL;
}

void link_write_copy(struct link *l, struct span s)
{
    run_touch(l);
    if (!l->broken && gather_copy(&l->out, s) != 0)
        lose(l);
}

void link_write_take(struct link *l, struct bytes *b)
{
    run_touch(l);
    if (l->broken)
        bytes_clear(b);
    else if (gather_take(&l->out, b, blocks_of(l)) != 0)
        lose(l);
}

void link_write_borrow(struct link *l, struct span s)
{
    run_touch(l);
    if (!l->broken && gather_borrow(&l->out, s) != 0)
        lose(l);
}

void link_write_raw(struct link *l, struct span s)
{
    run_touch(l);
    if (l->broken || s.len == 0)
        return;
    if (l->raw == NULL && (l->raw = calloc(1, sizeof(*l->raw))) != NULL)
        bytes_init(l->raw, RAW_MAX);
    if (l->raw == NULL || bytes_append_span(l->raw, s) != 0)
        lose(l);
}

void link_make_raw(struct link *l)
{
    struct span runs[RUNS];
    for (size_t n; l->out.total > 0 && !l->broken && (n = gather_runs(&l->out, runs, 1)) > 0;) {
        link_write_raw(l, runs[0]);
        gather_consume(&l->out, runs[0].len);
    }
}

void link_end(struct link *l)
{
    run_touch(l);
    l->end_wanted = true;
}

static size_t wire_waiting(const struct link *l)
{
    return l->tls != NULL ? tls_engine_wire_out(l->tls).len : 0;
}

size_t link_pending(const struct link *l)
{
    return l->out.total + wire_waiting(l) + (l->raw != NULL ? l->raw->len : 0) + (l->h2 != NULL ? http2_queued(l->h2) : 0);
}

bool link_has_more(const struct link *l)
{
    return link_pending(l) > 0 || l->h2 != NULL || l->end_wanted;
}

bool link_made_room(const struct link *l, size_t sent, size_t mark)
{
    size_t pending = link_pending(l);
    return l->h2 != NULL || (pending < mark && pending + sent >= mark);
}

/* Small runs (a head, chunk framing) are put together with what follows them, so that they do not cost a record each. */
static size_t encrypt_joined(struct link *l, const struct span *runs, size_t n)
{
    uint8_t record[RECORD_BYTES];
    size_t len = 0;
    for (size_t i = 0; i < n && len < sizeof(record); i++) {
        size_t part = runs[i].len < sizeof(record) - len ? runs[i].len : sizeof(record) - len;
        memcpy(record + len, runs[i].ptr, part);
        len += part;
    }
    return tls_engine_app_write(l->tls, span_of(record, len));
}

static void encrypt(struct link *l)
{
    struct span runs[RUNS];
    while (l->out.total > 0 && (tls_engine_flags(l->tls) & TLS_TAKES_APP)) {
        size_t n = gather_runs(&l->out, runs, RUNS), taken;
        if (runs[0].len >= RECORD_BYTES) /* whole records straight from where they lie; the rest is joined */
            taken = tls_engine_app_write(l->tls, span_of(runs[0].ptr, runs[0].len - runs[0].len % RECORD_BYTES));
        else
            taken = n == 1 ? tls_engine_app_write(l->tls, runs[0]) : encrypt_joined(l, runs, n);
        if (taken == 0)
            break;
        gather_consume_lent(&l->out, taken, blocks_of(l));
    }
}

size_t link_fill(struct link *l)
{
    if (l->h2 != NULL && !l->broken && http2_fill(l->h2, &l->out, FILL_MARK) != 0)
        lose(l);
    return l->out.total;
}

size_t link_runs(struct link *l, struct span *runs, size_t max)
{
    size_t n = 0;
    link_fill(l);
    if (l->raw != NULL)
        runs[n++] = bytes_span(l->raw);
    if (l->tls == NULL) {
        l->end_said = l->end_wanted;
        return n + gather_runs(&l->out, runs + n, max - n);
    }
    encrypt(l);
    if (l->end_wanted && !l->end_said && !l->lost && l->out.total == 0 && !link_is_handshaking(l)) {
        tls_engine_app_end(l->tls);
        l->end_said = true;
    }
    if (n == max)
        return n;
    runs[n] = tls_engine_wire_out(l->tls);
    return runs[n].len > 0 ? n + 1 : n;
}

static size_t sent_raw(struct link *l, size_t n)
{
    size_t step = n < l->raw->len ? n : l->raw->len;
    bytes_consume(l->raw, step);
    if (l->raw->len == 0)
        drop_raw(l);
    return step;
}

void link_sent(struct link *l, size_t n)
{
    if (l->raw != NULL && n > 0)
        n -= sent_raw(l, n);
    if (n == 0)
        return;
    if (l->tls != NULL)
        tls_engine_wire_sent(l->tls, n);
    else
        gather_consume_lent(&l->out, n, blocks_of(l));
}

void link_settle(struct link *l)
{
    if (gather_settle(&l->out) == 0 && (l->h2 == NULL || http2_settle(l->h2) == 0))
        return;
    lose(l);
    gather_clear(&l->out); /* what it borrowed is about to go */
}

void link_settle_all(struct run_queue *run)
{
    for (struct link *l = run->first; l != NULL; l = l->place.next)
        link_settle(l);
    for (struct link *l = run->turn; l != NULL; l = l->place.turn_next)
        link_settle(l);
}

bool link_stays_idle(struct link *l, struct span wire, int64_t utc)
{
    return l->tls != NULL && !l->broken && tls_engine_idle_in(l->tls, wire, utc);
}

bool link_wants_shutdown(const struct link *l)
{
    return !l->lost && l->end_wanted && l->end_said && link_pending(l) == 0;
}
