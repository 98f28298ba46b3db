/* SPDX-License-Identifier: Apache-2.0 */
#include "listening.h"
#include "conn.h"
#include "peer_address.h"
#include "watch.h"

#include "mtlsd/proxy/idle_choice.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SECOND_US = 1000 * 1000,
    LOOK_AGAIN_US = 1000,   /* when none was idle; and for each that was looked at: */
    LOOK_EACH_US = 10,
    ASKED_MS = 50,          /* how long others have to let idle clients go */
    ASK_AGAIN_US = SECOND_US / 5,
    TELL_MS = 1000,
};

/* ---- idle clients give way ---- */

static void consider(struct idle_choice *choice, struct conn *c, uint64_t now_us)
{
    bool fresh;
    if (c->closing || c->client == NULL || client_link(c->client)->place.in_turn)
        return;
    uint64_t since_us = client_idle_since_us(c->client, &fresh);
    if (since_us != UINT64_MAX)
        idle_choice_add(choice, c, since_us, fresh, now_us);
}

/* False: none was idle. */
static bool close_idle(struct worker *w)
{
    struct moment now = worker_now();
    struct idle_choice choice = {0};
    if (w->end.draining || now.us < w->listening.idle_look_us)
        return false;
    for (struct conn *c = w->conns; c != NULL; c = c->next)
        consider(&choice, c, now.us);
    size_t n = idle_choice_count(&choice);
    for (size_t i = 0; i < n; i++)
        conn_give_way(choice.oldest[i].who, now);
    w->listening.idle_look_us = n == 0 ? now.us + LOOK_AGAIN_US + w->n_conns * LOOK_EACH_US : 0;
    return n > 0;
}

static bool may_ask_others(const struct worker *w)
{
    return w->capacity->workers > 1 && !w->end.draining && worker_now().us >= w->listening.ask_again_us;
}

static void ask_others(struct worker *w)
{
    w->listening.ask_again_us = worker_now().us + ASK_AGAIN_US;
    w->listening.asks_seen = ++w->capacity->asks;
    w->capacity->wake(w->capacity->ctx);
}

void listening_on_ask(struct worker *w)
{
    unsigned asks = w->capacity->asks;
    if (asks == w->listening.asks_seen)
        return;
    w->listening.asks_seen = asks;
    if (capacity_has_room(w->capacity))
        return; /* another one was faster */
    worker_make_room(w);
    close_idle(w);
}

bool listening_make_room(struct worker *w)
{
    return worker_make_room(w) || close_idle(w);
}

bool listening_take_uplink(struct worker *w)
{
    struct capacity *all = w->capacity;
    if (capacity_take_uplink(all) || (worker_make_room(w) && capacity_take_uplink(all)) || (close_idle(w) && capacity_take_uplink(all)))
        return true;
    if (may_ask_others(w))
        ask_others(w); /* for the next one: this one is answered now */
    return false;
}

static bool take_client(struct worker *w)
{
    struct capacity *all = w->capacity;
    if (capacity_take_client(all))
        return true;
    bool lacks_descriptors = all->clients < all->most_clients;
    return (lacks_descriptors && worker_make_room(w) && capacity_take_client(all)) || (close_idle(w) && capacity_take_client(all));
}

/* ---- the others are refused ---- */

static void tell_refused(struct worker *w)
{
    struct capacity *all = w->capacity;
    uint64_t n = capacity_take_untold(all, worker_now().us);
    if (n == 0)
        return;
    char text[256];
    snprintf(text, sizeof(text), "%llu new connection%s refused; %zu of %zu clients, %zu of %zu descriptors for clients and upstreams", (unsigned long long)n,
             n == 1 ? " was" : "s were", (size_t)all->clients, (size_t)all->most_clients, (size_t)all->clients + all->uplinks, (size_t)all->most);
    access_log_overloaded(&w->access_log, n, text);
}

static void on_tell(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    tell_refused(w);
    if (w->capacity->untold == 0)
        uv_timer_stop(timer);
}

/* l: NULL, and it is reset. */
static void send_away(struct worker *w, int fd, const struct plan_listener *l, enum reason reason)
{
    struct span words = l != NULL ? early_answer(&w->listening.answer, l, reason, worker_now().utc) : span_of(NULL, 0);
    refusing_add(&w->listening.refusing, fd, words);
}

static void refuse(struct listen_socket *s, int fd)
{
    struct worker *w = s->worker;
    const struct plan_listener *l = snapshot_find_listener(w->snapshot, s->listener);
    send_away(w, fd, l, REASON_OVERLOADED);
    if (l != NULL)
        access_log_refused(&w->access_log, l, REASON_OVERLOADED);
    capacity_refused(w->capacity, worker_now().us);
    tell_refused(w);
    if (w->capacity->untold > 0 && !uv_is_active((uv_handle_t *)&w->listening.tell))
        uv_timer_start(&w->listening.tell, on_tell, TELL_MS, TELL_MS);
}

/* The client would do it too, and does where a PROXY header names the client; without one it costs less here. False: it was refused. */
static bool may_have_more(struct listen_socket *s, int fd, const struct sockaddr_storage *from)
{
    struct worker *w = s->worker;
    const struct plan_listener *l = w->env.most_per_client > 0 ? snapshot_find_listener(w->snapshot, s->listener) : NULL;
    struct client_address client;
    char text[CLIENT_COUNT_TEXT_SIZE];
    if (l == NULL || l->conf->accept_proxy_protocol)
        return true;
    peer_address_fill(&client, from, from);
    if (client_count_permits(&w->env, &client))
        return true;
    const struct report r = {.kind = REPORT_CONNECTION, .listener = l, .client = client.text, .reason = REASON_TOO_MANY_CONNECTIONS,
                             .detail = client_count_text(&w->env, text)};
    send_away(w, fd, l, REASON_TOO_MANY_CONNECTIONS);
    w->env.observer.on_report(w->env.observer.ctx, &r);
    return false;
}

/* ---- clients ---- */

/* It has a place; the kernel may refuse to watch it even so. */
static void serve(struct listen_socket *s, int fd, const struct sockaddr_storage *from)
{
    struct worker *w = s->worker;
    bool scarce = capacity_watches_are_scarce(w->capacity);
    if (!scarce || watch_reserve(w->loop, fd) == 0 || (listening_make_room(w) && watch_reserve(w->loop, fd) == 0)) {
        conn_accept(w, s, fd, from);
        return;
    }
    capacity_leave_client(w->capacity);
    refuse(s, fd);
}

static void let_wait(struct listen_socket *s, int fd, const struct sockaddr_storage *from)
{
    s->waiting = fd;
    s->from = *from;
    s->worker->listening.n_waiting++;
    acceptor_hold(&s->acceptor);
}

static int wait_no_more(struct listen_socket *s)
{
    int fd = s->waiting;
    s->worker->listening.n_waiting -= fd >= 0 ? 1 : 0;
    s->waiting = -1;
    acceptor_go_on(&s->acceptor);
    return fd;
}

void listening_accept_waiting(struct worker *w)
{
    for (struct listen_socket *s = w->listening.sockets; s != NULL && w->listening.n_waiting > 0; s = s->next) {
        if (s->waiting >= 0 && capacity_take_client(w->capacity))
            serve(s, wait_no_more(s), &s->from);
    }
}

static void on_asked(uv_timer_t *timer)
{
    struct worker *w = timer->data;
    for (struct listen_socket *s = w->listening.sockets; s != NULL && w->listening.n_waiting > 0; s = s->next) {
        if (s->waiting < 0)
            continue;
        int fd = wait_no_more(s);
        if (take_client(w))
            serve(s, fd, &s->from);
        else
            refuse(s, fd);
    }
}

static void on_client(void *owner, int fd, const struct sockaddr_storage *from)
{
    struct listen_socket *s = owner;
    struct worker *w = s->worker;
    bool waits = uv_is_active((uv_handle_t *)&w->listening.asked);
    if (!may_have_more(s, fd, from))
        return;
    if (take_client(w)) {
        serve(s, fd, from);
    } else if (waits || may_ask_others(w)) {
        let_wait(s, fd, from);
        if (waits)
            return;
        ask_others(w);
        uv_timer_start(&w->listening.asked, on_asked, ASKED_MS, 0);
    } else {
        refuse(s, fd);
    }
}

/* ENFILE: what idle clients leave would go to other processes. */
static enum acceptor_help on_shortage(void *owner, int error, bool lasts)
{
    struct worker *w = ((struct listen_socket *)owner)->worker;
    if (error == EMFILE && listening_make_room(w))
        return ACCEPTOR_SERVE_ONE;
    return lasts && refusing_use_spare(&w->listening.refusing) ? ACCEPTOR_REFUSE_ONE : ACCEPTOR_NO_HELP;
}

static void on_surplus(void *owner, int fd)
{
    refuse(owner, fd);
}

/* ---- sockets ---- */

static void on_socket_closed(void *owner)
{
    struct listen_socket *s = owner;
    free(s->address);
    free(s->listener);
    free(s);
}

static const struct acceptor_events listen_events = {on_client, on_shortage, on_surplus, on_socket_closed};

/* A socket that was handed to us may be transparent, and its connections have any address for their own. */
static void note_local(struct listen_socket *s, int fd)
{
    int transparent = 0;
    socklen_t len = sizeof(s->local), size = sizeof(transparent);
    s->local_known = s->is_tcp && getsockname(fd, (struct sockaddr *)&s->local, &len) == 0 &&
                     getsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &transparent, &size) == 0 && transparent == 0 && peer_address_is_one(&s->local);
}

int worker_listen(struct worker *w, int fd, bool tcp, const char *address, const char *listener, struct err *err)
{
    struct listen_socket *s = calloc(1, sizeof(*s));
    char *own_address = strdup(address), *own_listener = strdup(listener);
    if (s == NULL || own_address == NULL || own_listener == NULL) {
        free(s);
        free(own_address);
        free(own_listener);
        close(fd);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    *s = (struct listen_socket){.worker = w, .is_tcp = tcp, .waiting = -1, .address = own_address, .listener = own_listener};
    note_local(s, fd);
    int rc = acceptor_start(&s->acceptor, w->loop, fd, own_address, &listen_events, s);
    if (rc != 0) {
        err_set(err, ERR_IO, "%s: cannot listen: %s", address, uv_strerror(rc));
        acceptor_close(&s->acceptor);
        return -1;
    }
    s->next = w->listening.sockets;
    w->listening.sockets = s;
    return 0;
}

void listening_close_socket(struct listen_socket *s)
{
    int waiting = wait_no_more(s);
    if (waiting >= 0)
        close(waiting);
    acceptor_close(&s->acceptor);
}

void listening_init(struct worker *w)
{
    uv_timer_init(w->loop, &w->listening.asked);
    w->listening.asked.data = w;
    uv_timer_init(w->loop, &w->listening.tell);
    w->listening.tell.data = w;
    refusing_init(&w->listening.refusing, w->loop);
}

void listening_close(struct worker *w)
{
    tell_refused(w);
    refusing_close(&w->listening.refusing);
    uv_close((uv_handle_t *)&w->listening.asked, NULL);
    uv_close((uv_handle_t *)&w->listening.tell, NULL);
}
