/* SPDX-License-Identifier: Apache-2.0 */
#include "connector_internal.h"
#include "peer_address.h"
#include "watch.h"

#include "mtlsd/policy/forward.h"
#include "mtlsd/policy/special_address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the end ---- */

static enum reason reason_of(int error)
{
    switch (error) {
    case UV_ETIMEDOUT:
        return REASON_CONNECT_TIMEOUT;
    case UV_EMFILE:
    case UV_ENFILE:
        return REASON_OVERLOADED;
    case UV_ENOMEM:
    case UV_ENOBUFS:
        return REASON_INTERNAL;
    default:
        return REASON_CONNECT_REFUSED;
    }
}

static void give_up(struct upconn *up)
{
    up->connector = NULL;
    upconn_shut(up, true);
}

/* k is gone afterwards; what it still tries is closed. */
static void release(struct connector *k)
{
    connector_race_leave(k);
    connector_place_leave(k);
    resolve_leave(&k->order.worker->names, &k->ask);
    for (size_t i = 0; i < NAME_ADDRESSES_MAX && k->n_running > 0; i++) {
        if (k->attempts[i] == NULL)
            continue;
        give_up(k->attempts[i]);
        k->n_running--;
    }
    *k->slot = NULL;
    snapshot_unref(k->order.snapshot);
    free(k);
}

static void finish(struct connector *k, const struct connector_result *result)
{
    struct connector_order order = k->order;
    snapshot_ref(order.snapshot); /* the owner's call may be what ends it */
    release(k);
    order.on_done(order.owner, result);
    snapshot_unref(order.snapshot);
}

static void finish_failed(struct connector *k, enum reason reason, const char *what, size_t index)
{
    char text[640];
    connector_words(k, index, what, text, sizeof(text));
    finish(k, &(struct connector_result){.reason = reason, .text = text});
}

void connector_cancel(struct connector **slot)
{
    if (*slot != NULL)
        release(*slot);
}

/* ---- attempts ---- */

static void forget_attempt(struct connector *k, struct upconn *up)
{
    for (size_t i = 0; i < NAME_ADDRESSES_MAX; i++) {
        if (k->attempts[i] != up)
            continue;
        k->attempts[i] = NULL;
        k->last = i;
    }
    k->n_running--;
    up->connector = NULL;
}

/* A forward proxy's client was taken to one of our own listeners, by whatever name or address of this host: nothing of it is said there, or it could
 * go round until all descriptors are used, and pass for a local program (security E3). Our end of a connection within the host has the address of the
 * other, but for loopback, where any address will do. */
static bool leads_back(const struct connector *k, const struct upconn *up)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};
    struct sockaddr_storage peer = {0}, local = {0};
    int peer_len = sizeof(peer), local_len = sizeof(local);
    struct client_address ends;
    if (k->dial.target != &k->order.snapshot->direct_target || !up->stream.is_tcp)
        return false;
    if (uv_tcp_getpeername(&up->stream.u.tcp, (struct sockaddr *)&peer, &peer_len) != 0 ||
        uv_tcp_getsockname(&up->stream.u.tcp, (struct sockaddr *)&local, &local_len) != 0)
        return false;
    peer_address_fill(&ends, &peer, &local);
    bool loopback = ends.v6 ? memcmp(ends.peer, v6_loopback, 16) == 0 : ends.peer[0] == 127;
    bool within = ends.known && (loopback || memcmp(ends.peer, ends.local, ends.v6 ? 16 : 4) == 0);
    return within && forward_is_listened_at(k->order.snapshot->config, ends.peer, ends.v6, ends.peer_port);
}

static void on_connect(uv_connect_t *req, int status)
{
    struct upconn *up = req->data;
    struct connector *k = up->connector;
    if (k == NULL)
        return; /* it was given up */
    forget_attempt(k, up);
    if (status == 0 && leads_back(k, up)) {
        upconn_shut(up, true);
        finish_failed(k, REASON_ADDRESS_NOT_ALLOWED, "a listener of this proxy itself is there", k->last);
        return;
    }
    if (status == 0) {
        if (up->stream.is_tcp)
            uv_tcp_nodelay(&up->stream.u.tcp, 1);
        finish(k, &(struct connector_result){.up = up});
        return;
    }
    upconn_shut(up, false);
    k->last_error = status;
    connector_race_leave(k);
    connector_go_on(k);
}

static void to_sockaddr(const struct name_address *a, uint16_t port, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->v6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = a->scope};
        memcpy(&v6->sin6_addr, a->bytes, 16);
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)out;
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&v4->sin_addr, a->bytes, 4);
    }
}

static int connect_tcp(struct connector *k, struct upconn *up, const struct name_address *a)
{
    struct sockaddr_storage address;
    to_sockaddr(a, k->dial.address->port, &address);
    return uv_tcp_connect(&up->connect, &up->stream.u.tcp, (const struct sockaddr *)&address, on_connect);
}

/* A socket that the kernel will not watch is treated as if there had been no descriptor for it. */
static int watch(const struct upconn *up)
{
    uv_os_fd_t fd;
    if (!capacity_watches_are_scarce(up->worker->capacity) || uv_fileno(&up->stream.u.handle, &fd) != 0)
        return 0;
    return watch_reserve(up->worker->loop, fd) == 0 ? 0 : UV_EMFILE;
}

/* 0, or the error number: then there was no attempt. */
static int attempt(struct connector *k, size_t index)
{
    bool tcp = k->dial.address->kind == ADDRESS_TCP;
    if (!connector_place_take(k))
        return UV_EMFILE;
    struct upconn *up = upconn_new(k->order.worker, k->order.snapshot, tcp);
    if (up == NULL)
        return UV_ENOMEM;
    int rc = 0;
    if (tcp)
        rc = connect_tcp(k, up, &k->list.items[index]);
    else
        uv_pipe_connect(&up->connect, &up->stream.u.pipe, k->dial.address->path, on_connect);
    if (rc == 0)
        rc = watch(up);
    if (rc != 0) {
        upconn_shut(up, false);
        if (rc == UV_EMFILE)
            listening_make_room(k->order.worker); /* for the next look */
        return rc;
    }
    stream_read(&up->stream, true); /* before it is connected nothing comes; asked for later, it costs another system call */
    up->connector = k;
    k->attempts[index] = up;
    k->n_running++;
    return 0;
}

/* Begins the next attempt; without one, and when none runs any more, it is over. */
void connector_go_on(struct connector *k)
{
    while (k->next < k->list.n) {
        size_t index = k->next++;
        int rc = attempt(k, index);
        if (rc == 0) {
            if (k->next < k->list.n)
                connector_race_join(k);
            return;
        }
        k->last = index;
        k->last_error = rc;
        if (rc == UV_EMFILE && k->n_running == 0 && connector_place_wait(k)) {
            k->next = index;
            return;
        }
    }
    if (k->n_running > 0)
        return;
    enum reason reason = reason_of(k->last_error);
    if (reason == REASON_CONNECT_REFUSED || reason == REASON_CONNECT_TIMEOUT)
        resolve_doubt(&k->order.worker->names, k->dial.address->host);
    finish_failed(k, reason, uv_strerror(k->last_error), k->last);
}

/* ---- addresses ---- */

/* Each address is judged here, after the name was resolved, and these very bytes are connected to: the name may not become another's in
 * between (security E3). */
static bool keep_public(struct connector *k)
{
    struct name_list kept = {.n = 0};
    const char *kind = NULL;
    char shown[CONNECTOR_SHOWN] = "", text[CONNECTOR_SHOWN + 64];
    for (size_t i = 0; i < k->list.n; i++) {
        const struct name_address *a = &k->list.items[i];
        const char *special = special_address_kind(a->bytes, a->v6 ? 16 : 4);
        if (special == NULL) {
            kept.items[kept.n++] = *a;
        } else if (kind == NULL) {
            kind = special;
            connector_show_address(a, shown);
        }
    }
    k->list = kept;
    if (kept.n > 0)
        return true;
    snprintf(text, sizeof(text), "%s is not a public address (%s)", shown, kind);
    finish_failed(k, REASON_ADDRESS_NOT_ALLOWED, text, 0);
    return false;
}

static void begin(struct connector *k)
{
    if (!k->dial.public_only || keep_public(k))
        connector_go_on(k);
}

static void on_answer(struct resolve_ask *ask, const struct name_answer *answer)
{
    struct connector *k = (struct connector *)((char *)ask - offsetof(struct connector, ask));
    k->list = answer->list;
    if (k->list.n > 0)
        begin(k);
    else
        finish_failed(k, answer->ours ? REASON_INTERNAL : REASON_DNS_FAILED, answer->text, 0);
}

static bool is_literal(const char *host, struct name_address *out)
{
    *out = (struct name_address){0};
    if (uv_inet_pton(AF_INET, host, out->bytes) == 0)
        return true;
    out->v6 = uv_inet_pton(AF_INET6, host, out->bytes) == 0;
    return out->v6;
}

/* The other end is on the main loop, and no other process can reach it. */
static int connect_self(struct connector *k, struct upconn *up)
{
    int ends[2];
    struct worker *w = k->order.worker;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
        return uv_translate_sys_error(errno);
    int rc = served_queue_give(w->served, ends[1], k->dial.target->upstream->conf->serves) == 0 ? 0 : UV_ENOMEM;
    if (rc != 0)
        close(ends[0]);
    return rc != 0 ? rc : stream_open(&up->stream, ends[0]);
}

static void begin_self(struct connector *k)
{
    struct upconn *up = connector_place_take(k) ? upconn_new(k->order.worker, k->order.snapshot, false) : NULL;
    int rc = up != NULL ? connect_self(k, up) : UV_EMFILE;
    if (rc == 0) {
        stream_read(&up->stream, true);
        finish(k, &(struct connector_result){.up = up});
        return;
    }
    if (up != NULL)
        upconn_shut(up, true);
    finish(k, &(struct connector_result){.reason = REASON_INTERNAL, .text = uv_strerror(rc)});
}

static void begin_unix(struct connector *k)
{
    k->list.n = 1; /* its path stands for the address */
    if (k->dial.public_only)
        finish_failed(k, REASON_ADDRESS_NOT_ALLOWED, "a unix socket is not a public address", 0);
    else
        connector_go_on(k);
}

static void begin_tcp(struct connector *k)
{
    if (is_literal(k->dial.address->host, &k->list.items[0])) {
        k->list.n = 1;
        begin(k);
        return;
    }
    struct name_answer answer;
    k->ask.on_answer = on_answer;
    if (resolve_ask(&k->order.worker->names, k->dial.address->host, &k->ask, &answer) != NAME_WAITS)
        on_answer(&k->ask, &answer);
}

void connector_start(struct connector **slot, const struct connector_order *order)
{
    struct connector *k = calloc(1, sizeof(*k));
    if (k == NULL) {
        order->on_done(order->owner, &(struct connector_result){.reason = REASON_INTERNAL, .text = "out of memory"});
        return;
    }
    k->slot = slot;
    *slot = k;
    k->order = *order;
    k->dial = *order->dial;
    snapshot_ref(order->snapshot);
    if (k->dial.address->kind == ADDRESS_SELF)
        begin_self(k);
    else if (k->dial.address->kind == ADDRESS_UNIX)
        begin_unix(k);
    else
        begin_tcp(k);
}
