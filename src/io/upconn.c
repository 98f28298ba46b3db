/* SPDX-License-Identifier: Apache-2.0 */
#include "upconn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the socket of an uplink ---- */

static void on_read(void *owner, struct span data)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        /* In the pool: a late ticket does no harm; the peer's farewell, or anything out of turn, makes it useless. */
        struct worker *w = up->worker;
        if (link_stays_idle(&up->uplink->link, data, worker_now().utc))
            return;
        pool_doom(w->env.pool, up->uplink);
        worker_reap(w);
        return;
    }
    exchange_on_wire(x, SIDE_UP, data, worker_now());
    conn_drive(exchange_driver(x));
}

static void on_end(void *owner)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        struct worker *w = up->worker;
        pool_doom(w->env.pool, up->uplink);
        worker_reap(w);
        return;
    }
    exchange_on_eof(x, SIDE_UP, worker_now());
    conn_drive(exchange_driver(x));
}

static void on_error(void *owner, const char *text)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL) {
        on_end(owner);
        return;
    }
    exchange_on_error(x, SIDE_UP, text, worker_now());
    conn_drive(exchange_driver(x));
}

static void on_sent(void *owner, size_t n)
{
    struct upconn *up = owner;
    struct exchange *x = up->uplink->exchange;
    if (x == NULL)
        return;
    exchange_on_sent(x, SIDE_UP, n, worker_now());
    conn_drive(exchange_driver(x));
}

static void on_closed(void *owner)
{
    struct upconn *up = owner;
    struct worker *w = up->worker;
    uplink_free(up->uplink);
    snapshot_unref(up->snapshot);
    free(up);
    worker_uplink_closed(w);
}

static const struct stream_events up_events = {on_read, on_end, on_error, on_sent, on_closed};

void upconn_close(struct uplink *u)
{
    struct upconn *up = u->driver;
    if (up == NULL) { /* made, but its socket never was handed over */
        uplink_free(u);
        return;
    }
    if (!u->reset && link_is_open(&u->link) && link_pending(&u->link) == 0) { /* a goodbye, if there is room for it: the other end need not wonder */
        struct span farewell;
        link_end(&u->link);
        stream_send(&up->stream, &farewell, link_runs(&u->link, &farewell, 1));
    }
    stream_close(&up->stream, u->reset);
}

/* ---- connecting ---- */

struct connector {
    struct conn *conn; /* NULL: cancelled */
    struct worker *worker;
    struct snapshot *snapshot; /* counted */
    struct dial dial; /* into the snapshot */
    uv_getaddrinfo_t lookup;
    struct addrinfo *found, *next; /* owned list; the address to try next */
    struct upconn *attempt;
    uv_connect_t connect;
    int last_error;
    bool looking_up, stray; /* stray: given up while it was being looked up */
};

static void try_next(struct connector *k);

static void free_connector(struct connector *k)
{
    if (k->found != NULL)
        uv_freeaddrinfo(k->found);
    snapshot_unref(k->snapshot);
    free(k);
}

static void finish_failed(struct connector *k, enum reason reason, const char *text)
{
    struct conn *c = k->conn;
    char whole[400];
    snprintf(whole, sizeof(whole), "%s: %s", k->dial.target->conf->text, text);
    free_connector(k);
    if (c == NULL)
        return;
    c->connector = NULL;
    exchange_on_connect_failed(c->x, reason, whole, worker_now());
    conn_drive(c);
}

static void finish_connected(struct connector *k)
{
    struct conn *c = k->conn;
    struct upconn *up = k->attempt;
    free_connector(k);
    if (c == NULL) {
        stream_close(&up->stream, false);
        return;
    }
    c->connector = NULL;
    if (up->stream.is_tcp)
        uv_tcp_nodelay(&up->stream.u.tcp, 1);
    up->uplink = exchange_on_connected(c->x, worker_now());
    if (up->uplink == NULL)
        stream_close(&up->stream, true);
    else
        up->uplink->driver = up;
    conn_drive(c);
}

static enum reason reason_of(int error)
{
    return error == UV_ETIMEDOUT ? REASON_CONNECT_TIMEOUT : REASON_CONNECT_REFUSED;
}

static void on_connect(uv_connect_t *req, int status)
{
    struct connector *k = req->data;
    if (status == 0) {
        finish_connected(k);
        return;
    }
    stream_close(&k->attempt->stream, false);
    k->attempt = NULL;
    k->last_error = status;
    if (k->conn == NULL)
        free_connector(k);
    else
        try_next(k);
}

static bool make_attempt(struct connector *k, bool tcp)
{
    struct upconn *up = calloc(1, sizeof(*up));
    if (up == NULL)
        return false;
    up->worker = k->worker;
    up->snapshot = snapshot_ref(k->snapshot);
    if (stream_init(&up->stream, k->worker->loop, tcp, &k->worker->buffer) != 0) {
        snapshot_unref(up->snapshot);
        free(up);
        return false;
    }
    stream_set_owner(&up->stream, &up_events, up);
    k->worker->n_uplinks++;
    k->attempt = up;
    k->connect.data = k;
    return true;
}

static void connect_tcp(struct connector *k, const struct sockaddr *address)
{
    if (!make_attempt(k, true)) {
        finish_failed(k, REASON_INTERNAL, "out of memory");
        return;
    }
    int rc = uv_tcp_connect(&k->connect, &k->attempt->stream.u.tcp, address, on_connect);
    if (rc == UV_EMFILE && pool_idle_count(k->worker->env.pool) > 0) { /* what lies idle gives way to what is wanted now */
        pool_doom_all(k->worker->env.pool);
        worker_reap(k->worker);
        rc = uv_tcp_connect(&k->connect, &k->attempt->stream.u.tcp, address, on_connect);
    }
    if (rc != 0)
        on_connect(&k->connect, rc);
}

static void try_next(struct connector *k)
{
    struct addrinfo *now = k->next;
    if (now == NULL) {
        finish_failed(k, reason_of(k->last_error), uv_strerror(k->last_error));
        return;
    }
    k->next = now->ai_next;
    connect_tcp(k, now->ai_addr);
}

static void on_lookup(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    struct connector *k = req->data;
    k->looking_up = false;
    if (k->stray)
        k->worker->n_stray_lookups--;
    k->found = k->next = found;
    if (k->conn == NULL) {
        free_connector(k);
    } else if (status != 0) {
        finish_failed(k, REASON_DNS_FAILED, uv_strerror(status));
    } else {
        k->last_error = UV_ENOENT;
        try_next(k);
    }
}

static void look_up(struct connector *k)
{
    const struct address *target = k->dial.address;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP};
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)target->port);
    k->lookup.data = k;
    k->looking_up = true;
    int rc = uv_getaddrinfo(k->worker->loop, &k->lookup, on_lookup, target->host, port, &hints);
    if (rc != 0)
        on_lookup(&k->lookup, rc, NULL);
}

static void connect_unix(struct connector *k)
{
    if (!make_attempt(k, false)) {
        finish_failed(k, REASON_INTERNAL, "out of memory");
        return;
    }
    uv_pipe_connect(&k->connect, &k->attempt->stream.u.pipe, k->dial.address->path, on_connect);
}

void connector_start(struct conn *c, const struct dial *dial)
{
    struct connector *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        exchange_on_connect_failed(c->x, REASON_INTERNAL, "out of memory", worker_now());
        return;
    }
    k->conn = c;
    k->worker = c->worker;
    k->snapshot = snapshot_ref(c->snapshot);
    k->dial = *dial;
    c->connector = k;
    const struct address *target = dial->address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (target->kind == ADDRESS_UNIX)
        connect_unix(k);
    else if (uv_ip4_addr(target->host, target->port, &v4) == 0)
        connect_tcp(k, (const struct sockaddr *)&v4);
    else if (uv_ip6_addr(target->host, target->port, &v6) == 0)
        connect_tcp(k, (const struct sockaddr *)&v6);
    else
        look_up(k);
}

void connector_cancel(struct connector *k)
{
    k->conn = NULL;
    if (k->looking_up) {
        k->stray = uv_cancel((uv_req_t *)&k->lookup) != 0;
        k->worker->n_stray_lookups += k->stray ? 1 : 0;
    } else if (k->attempt != NULL) {
        stream_close(&k->attempt->stream, true); /* its connect callback comes with UV_ECANCELED and frees k */
    }
}
