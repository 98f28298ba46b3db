/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: what waits on each stream, and frames of it in turns, as far as the peer's windows allow. */
#include "http2_internal.h"

#include <assert.h>

static bool has_window(const struct http2_stream *s)
{
    return s->window > 0 || http2_pending(s) == 0;
}

size_t http2_pending(const struct http2_stream *s)
{
    return s->kept.len + s->borrowed.len;
}

/* ---- the ring of streams that can send ---- */

static void leave_ring(struct http2 *h, struct http2_stream *s)
{
    if (s->ready_next == NULL)
        return;
    s->ready_next->ready_before = s->ready_before;
    s->ready_before->ready_next = s->ready_next;
    if (h->ready == s)
        h->ready = s->ready_next == s ? NULL : s->ready_next;
    s->ready_next = s->ready_before = NULL;
    h->n_ready--;
}

static void join_ring(struct http2 *h, struct http2_stream *s)
{
    if (s->ready_next != NULL)
        return;
    struct http2_stream *first = h->ready != NULL ? h->ready : s, *last = h->ready != NULL ? first->ready_before : s;
    s->ready_next = first;
    s->ready_before = last;
    last->ready_next = s;
    first->ready_before = s;
    h->ready = first;
    h->n_ready++;
}

void http2_make_ready(struct http2 *h, struct http2_stream *s)
{
    bool something = http2_pending(s) > 0 || (s->finishing && !s->out.ended);
    if (!s->closed && s->out.head && something && has_window(s))
        join_ring(h, s);
    else
        leave_ring(h, s);
}

static void leave_list(struct http2_stream **at, struct http2_stream *s, bool writable)
{
    while (*at != NULL && *at != s)
        at = writable ? &(*at)->next_writable : &(*at)->next_borrower;
    if (*at == s)
        *at = writable ? s->next_writable : s->next_borrower;
}

void http2_forget_waiting(struct http2 *h, struct http2_stream *s)
{
    leave_ring(h, s);
    if (s->writable)
        leave_list(&h->writable, s, true);
    if (s->borrows)
        leave_list(&h->borrowers, s, false);
    s->writable = s->borrows = false;
    s->borrowed = span_of(NULL, 0);
    bytes_clear(&s->kept);
    bytes_clear(&s->trailers);
}

/* ---- what waits ---- */

/* A body that lost some bytes must not end as if it were whole: its stream is reset. */
static int keep_borrowed(struct http2 *h, struct http2_stream *s)
{
    int rc = bytes_append_span(&s->kept, s->borrowed);
    s->borrowed = span_of(NULL, 0);
    if (rc != 0)
        http2_reset(h, s, HTTP2_INTERNAL_ERROR);
    return rc;
}

int http2_write(struct http2 *h, struct http2_stream *s, struct span data)
{
    if (s->closed || data.len == 0)
        return 0;
    assert(!s->finishing);
    if (s->borrowed.len > 0 && keep_borrowed(h, s) != 0)
        return -1;
    s->borrowed = data;
    if (!s->borrows) {
        s->borrows = true;
        s->next_borrower = h->borrowers;
        h->borrowers = s;
    }
    s->was_full = s->was_full || http2_pending(s) >= HTTP2_LOW;
    http2_make_ready(h, s);
    return 0;
}

int http2_settle(struct http2 *h)
{
    int rc = 0;
    while (h->borrowers != NULL) {
        struct http2_stream *s = h->borrowers;
        h->borrowers = s->next_borrower;
        s->borrows = false;
        if (s->borrowed.len > 0 && keep_borrowed(h, s) != 0)
            rc = -1;
    }
    return rc;
}

/* ---- frames ---- */

static int take(struct http2_stream *s, struct gather *out, size_t n)
{
    size_t kept = s->kept.len < n ? s->kept.len : n;
    if (kept > 0 && gather_copy(out, span_of(bytes_span(&s->kept).ptr, kept)) != 0)
        return -1;
    if (kept > 0)
        bytes_consume(&s->kept, kept);
    if (kept < n && gather_borrow(out, span_of(s->borrowed.ptr, n - kept)) != 0)
        return -1;
    s->borrowed = span_skip(s->borrowed, n - kept);
    return 0;
}

static size_t piece(const struct http2 *h, const struct http2_stream *s)
{
    size_t n = http2_pending(s);
    n = n < HTTP2_FRAME_BYTES ? n : HTTP2_FRAME_BYTES;
    n = (int64_t)n < s->window || n == 0 ? n : (size_t)s->window;
    return (int64_t)n < h->window || n == 0 ? n : (size_t)h->window;
}

static int send_queue(struct http2 *h, struct gather *out)
{
    h->answers = 0;
    return h->queue.len == 0 ? 0 : gather_take(out, &h->queue, h->limits.blocks);
}

/* Everything of the stream has left. */
static int end_out(struct http2 *h, struct http2_stream *s, struct gather *out)
{
    if (s->trailers.len > 0 && (http2_send_trailers(h, s) != 0 || send_queue(h, out) != 0))
        return -1;
    s->out.ended = true;
    http2_make_ready(h, s);
    if (!http2_stream_settle(h, s) && s->released)
        http2_stream_rest(h, s);
    return 0;
}

static void note_writable(struct http2 *h, struct http2_stream *s)
{
    bool told = s->writable || s->released || s->finishing;
    if (told || http2_pending(s) >= HTTP2_LOW || !(s->was_full || http2_pending(s) == 0))
        return;
    s->was_full = false;
    s->writable = true;
    s->next_writable = h->writable;
    h->writable = s;
}

/* A small frame that only the peer's window kept small earns nothing (CVE-2019-9511, "data dribble"). */
static void earn(struct http2 *h, const struct http2_stream *s, size_t n)
{
    if (n < HTTP2_LITTLE_BYTES && http2_pending(s) > 0)
        return;
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_WINDOWS);
    http2_budget_earn(&h->budgets, HTTP2_BUDGET_PINGS);
}

/* One frame of a stream that is ready. */
static int send_one(struct http2 *h, struct http2_stream *s, struct gather *out)
{
    uint8_t head[HTTP2_FRAME_HEAD];
    size_t n = piece(h, s);
    bool last = s->finishing && n == http2_pending(s), trailers = s->trailers.len > 0;
    if (n > 0 || !trailers) {
        http2_put_frame_head(head, n, HTTP2_TYPE_DATA, last && !trailers ? HTTP2_FLAG_END_STREAM : 0, s->id);
        if (gather_copy(out, span_of(head, sizeof(head))) != 0 || take(s, out, n) != 0)
            return -1;
        earn(h, s, n);
    }
    s->moved_us = h->now_us;
    h->window -= (int64_t)n;
    s->window -= (int64_t)n;
    if (last)
        return end_out(h, s, out);
    note_writable(h, s);
    http2_make_ready(h, s);
    return 0;
}

static bool is_blocked(const struct http2 *h, const struct http2_stream *s)
{
    return h->window <= 0 && http2_pending(s) > 0;
}

int http2_fill(struct http2 *h, struct gather *out, size_t mark)
{
    if (h->queue.failed)
        return -1;
    if (out->total >= mark)
        return 0;
    if (send_queue(h, out) != 0)
        return -1;
    for (size_t skipped = 0; h->ready != NULL && skipped < h->n_ready && out->total < mark && h->state != HTTP2_READ_NOTHING;) {
        struct http2_stream *s = h->ready;
        h->ready = s->ready_next; /* the others come first */
        if (is_blocked(h, s))
            skipped++;
        else if (skipped = 0, send_one(h, s, out) != 0)
            return -1;
    }
    return send_queue(h, out);
}

bool http2_wants_fill(const struct http2 *h)
{
    if (h->queue.len > 0 || h->queue.failed)
        return true;
    const struct http2_stream *s = h->ready;
    for (size_t i = 0; i < h->n_ready && h->state != HTTP2_READ_NOTHING; i++, s = s->ready_next)
        if (!is_blocked(h, s))
            return true;
    return false;
}

struct http2_stream *http2_next_writable(struct http2 *h)
{
    struct http2_stream *s = h->writable;
    if (s == NULL)
        return NULL;
    h->writable = s->next_writable;
    s->writable = false;
    return s;
}

/* ---- a peer that gives no window ---- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void http2_note_unsent(struct http2 *h)
{
    h->unsent_us = h->now_us;
}

/* A stream that waits for the connection's window alone has its turn as long as that is opened now and then. */
uint64_t http2_shut_us(const struct http2 *h, const struct http2_stream *s)
{
    if (has_window(s) && !is_blocked(h, s))
        return UINT64_MAX;
    uint64_t since = larger(s->moved_us, h->unsent_us);
    return has_window(s) ? larger(since, h->opened_us) : since;
}

uint64_t http2_stalled_us(const struct http2 *h)
{
    uint64_t first = UINT64_MAX;
    for (const struct http2_stream *s = h->n_leaving > 0 ? h->streams : NULL; s != NULL; s = s->next) {
        uint64_t since = s->leaving ? http2_shut_us(h, s) : UINT64_MAX;
        first = since < first ? since : first;
    }
    return first;
}

size_t http2_reset_stalled(struct http2 *h, uint64_t until_us)
{
    size_t n = 0;
    for (struct http2_stream *s = h->streams, *next; s != NULL; s = next) {
        next = s->next;
        if (!s->leaving || http2_shut_us(h, s) > until_us)
            continue;
        http2_reset(h, s, HTTP2_CANCEL);
        n++;
    }
    return n;
}
