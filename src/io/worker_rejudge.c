/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that are connected are verified again, a part of them in each turn of the loop. */
#include "worker_internal.h"
#include "conn.h"
#include "lifetimes.h"
#include "spares.h"

enum { REJUDGE_TURN_NS = 2000000 }; /* of a turn of the loop */

static void rejudge_now(struct conn *c)
{
    struct moment now = worker_now();
    conn_rejudge(c, now);
    worker_pump(c->worker, now);
}

/* To verify thousands of peers takes seconds. Some are done in each turn of the loop, so that active clients wait for milliseconds. A client that becomes
 * active before its turn is verified first (conn_rejudge). */
static void on_rejudge(uv_idle_t *idle)
{
    struct worker *w = idle->data;
    for (uint64_t began = uv_hrtime(); w->rejudge.next != NULL && uv_hrtime() - began < REJUDGE_TURN_NS;) {
        struct conn *c = w->rejudge.next;
        w->rejudge.next = c->next;
        bool spared = c->client == NULL || c->closing || c->rejudgement == w->rejudge.round || (!w->rejudge.idle_too && client_is_idle(c->client));
        if (!spared)
            rejudge_now(c);
    }
    if (w->rejudge.next != NULL)
        return;
    w->rejudge.idle_too = w->rejudge.rows_only = false;
    uv_idle_stop(idle);
}

void worker_rejudge_begin(struct worker *w, bool rows_only)
{
    bool runs = w->rejudge.next != NULL;
    w->rejudge.rows_only = rows_only && (!runs || w->rejudge.rows_only); /* what began with all goes on with all */
    w->rejudge.round++;
    w->rejudge.next = w->conns;
    if (w->rejudge.next != NULL)
        uv_idle_start(&w->rejudge.turn, on_rejudge);
}

void worker_rejudge(struct worker *w)
{
    tls_tickets_forget_all(w->env.tickets);
    spares_stop(w);
    pool_retire_all(w->env.pool); /* idle ones are as cheap to make again */
    worker_reap(w);
    w->rejudge.idle_too = true;
    worker_rejudge_begin(w, false);
    lifetimes_follow(w);
}

void worker_rejudge_rows(struct worker *w, bool withdrawn)
{
    if (withdrawn)
        tls_tickets_forget_all(w->env.tickets);
    if (withdrawn && snapshot_upstreams_ask_registry(w->snapshot)) {
        spares_stop(w);
        pool_retire_all(w->env.pool);
        worker_reap(w);
    }
    w->rejudge.idle_too = true;
    worker_rejudge_begin(w, true);
}
