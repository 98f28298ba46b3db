/* SPDX-License-Identifier: Apache-2.0 */
#include "server_internal.h"

int server_lend(struct server *s, void (*on_all)(void *ctx), void *ctx)
{
    struct lend *l = s->lend == NULL ? lend_new(&s->wake, s->n_hands, on_all, ctx) : NULL;
    if (l == NULL)
        return -1;
    s->lend = l;
    for (unsigned i = 0; i < s->n_hands; i++) {
        struct order *o = order_new(ORDER_LEND, NULL);
        if (o == NULL) {
            l->failed = true;
            lend_answer(l, NULL, false);
            continue;
        }
        o->lend = l;
        server_give(&s->hands[i], o);
    }
    return 0;
}

int server_lent(const struct server *s, const struct server_socket **sockets, size_t *n)
{
    *sockets = s->lend->sockets;
    *n = s->lend->n;
    return s->lend->failed ? -1 : 0;
}

/* A worker that has not answered yet still knows it. */
void server_lend_stop(struct server *s)
{
    if (s->lend == NULL)
        return;
    s->lend->stopped = true;
    if (!lend_is_complete(s->lend))
        return;
    lend_free(s->lend);
    s->lend = NULL;
}

void server_look_at_lend(struct server *s)
{
    if (s->lend == NULL || !lend_is_complete(s->lend))
        return;
    if (s->lend->stopped)
        server_lend_stop(s);
    else
        s->lend->on_all(s->lend->ctx);
}
