/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

static enum side other(enum side side)
{
    return side == SIDE_DOWN ? SIDE_UP : SIDE_DOWN;
}

void exchange_tcp_pass(struct exchange *x, enum side from, struct span in)
{
    struct link *to = exchange_link(x, other(from));
    if (from == SIDE_DOWN)
        x->rq->bytes_in += in.len;
    else
        x->rq->bytes_out += in.len;
    if (to != NULL)
        link_write_borrow(to, in);
}

static void pass_end(struct exchange *x, enum side from)
{
    struct link *to = exchange_link(x, other(from));
    if (x->eof[from] && x->held[from].len == 0 && to != NULL && !to->end_wanted)
        link_end(to);
}

/* One direction's end is passed on once its last byte was; the other direction goes on (security D4). */
void exchange_tcp_ended(struct exchange *x, struct moment now)
{
    if (x->phase != PHASE_ACTIVE)
        return;
    pass_end(x, SIDE_DOWN);
    pass_end(x, SIDE_UP);
    if (x->eof[SIDE_DOWN] && x->eof[SIDE_UP] && link_wants_shutdown(&x->down) && link_wants_shutdown(&x->up->link)) {
        exchange_report(x, REASON_VALID, "", now);
        exchange_finish(x, now);
    }
}
