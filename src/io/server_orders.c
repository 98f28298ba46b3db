/* SPDX-License-Identifier: Apache-2.0 */
/* Orders from the main loop to the workers, each carried out on its own thread. */
#include "server_internal.h"

#include "mtlsd/base/log.h"

static void carry_out_adopt(struct hand *h, struct order *o)
{
    struct err err = {0};
    struct worker *w = &h->worker;
    if (o->snapshot != w->snapshot)
        worker_adopt(w, o->snapshot);
    worker_bound_waiting(w);
    for (size_t i = 0; i < o->n_sockets; i++) {
        struct new_socket *s = &o->sockets[i];
        if (worker_listen(w, s->fd, s->tcp, s->address, s->listener, &err) != 0)
            log_say(LOG_LEVEL_ERROR, "listen", "%s", err.text);
        s->fd = -1;
    }
}

static void carry_out(struct hand *h, struct order *o)
{
    if (o->kind == ORDER_ADOPT)
        carry_out_adopt(h, o);
    else if (o->kind == ORDER_REJUDGE)
        worker_rejudge(&h->worker);
    else if (o->kind == ORDER_ROWS_ADDED || o->kind == ORDER_ROWS_WITHDRAWN)
        worker_rejudge_rows(&h->worker, o->kind == ORDER_ROWS_WITHDRAWN);
    else if (o->kind == ORDER_LEND) {
        lend_answer(o->lend, h->worker.listening.sockets, !h->threaded);
        o->lend = NULL;
    } else if (o->kind == ORDER_WANE)
        worker_drain(&h->worker, true);
    else if (o->kind == ORDER_DRAIN)
        worker_drain(&h->worker, false);
    else if (o->kind == ORDER_CUT)
        worker_cut(&h->worker);
    else
        worker_stop(&h->worker);
}

void server_on_orders(uv_async_t *wake)
{
    struct hand *h = wake->data;
    h->answered = h->server->asked;
    if (!h->worker.end.finished) {
        listening_on_ask(&h->worker);
        worker_look_at_waiting(&h->worker);
    }
    uv_mutex_lock(&h->lock);
    struct order *o = h->orders;
    h->orders = NULL;
    uv_mutex_unlock(&h->lock);
    while (o != NULL) {
        struct order *next = o->next;
        if (!h->worker.end.finished)
            carry_out(h, o);
        order_free(o);
        o = next;
    }
}

void server_give(struct hand *h, struct order *o)
{
    uv_mutex_lock(&h->lock);
    struct order **end = &h->orders;
    while (*end != NULL)
        end = &(*end)->next;
    *end = o;
    uv_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
}

void server_tell_all(struct server *s, enum order_kind kind)
{
    for (unsigned i = 0; i < s->n_hands; i++) {
        struct order *o = order_new(kind, NULL);
        if (o != NULL)
            server_give(&s->hands[i], o);
    }
}

int server_adopt_with(struct server *s, struct snapshot *next, const struct snapshot *old, struct err *err)
{
    struct order *orders[SERVER_WORKERS_MAX] = {0};
    int rc = 0;
    for (unsigned i = 0; i < s->n_hands && rc == 0; i++) {
        orders[i] = order_new(ORDER_ADOPT, next);
        rc = orders[i] != NULL ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    }
    if (rc == 0)
        rc = order_open_sockets(orders, s->n_hands, &(struct order_change){next, old, s->hooks.inherited, old == NULL ? s->hooks.handed : NULL}, err);
    if (rc == 0)
        socket_file_join(&s->files, &orders[0]->files);
    for (unsigned i = 0; i < s->n_hands; i++) {
        if (rc == 0)
            server_give(&s->hands[i], orders[i]);
        else if (orders[i] != NULL)
            order_free(orders[i]);
    }
    return rc;
}
