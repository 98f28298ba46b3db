/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/probe.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/proxy/report.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WIRE_BYTES = 64 * 1024, BACKLOG = 128, ACCEPTED_LIMIT_MS = 30000 };

struct probe {
    int fd;
    struct tls_engine *tls; /* NULL: plaintext */
    struct tls_tickets *tickets; /* borrowed; NULL: none */
    double deadline;        /* of probe_seconds */
    enum reason when_late;  /* what running out of time means now */
    enum reason reason;
    bool wire_ended, ended;
    bool write_dead; /* the peer takes nothing more; what it said before is still to be read */
    char text[400];
    uint8_t wire[WIRE_BYTES];
};

double probe_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void probe_pause(unsigned ms)
{
    poll(NULL, 0, (int)ms);
}

static bool fail(struct probe *p, enum reason reason, const char *fmt, ...) PRINTF_LIKE(3, 4);

static bool fail(struct probe *p, enum reason reason, const char *fmt, ...)
{
    if (p->reason != REASON_UNDECIDED)
        return false;
    va_list args;
    va_start(args, fmt);
    vsnprintf(p->text, sizeof(p->text), fmt, args);
    va_end(args);
    p->reason = reason;
    return false;
}

static struct probe *new_probe(int fd, unsigned within_ms)
{
    struct probe *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return NULL;
    p->fd = fd;
    p->when_late = REASON_CONNECT_TIMEOUT;
    probe_limit(p, within_ms);
    return p;
}

void probe_limit(struct probe *p, unsigned within_ms)
{
    p->deadline = probe_seconds() + within_ms / 1000.0;
}

void probe_free(struct probe *p)
{
    if (p == NULL)
        return;
    if (p->fd >= 0)
        close(p->fd);
    tls_engine_free(p->tls);
    free(p);
}

/* ---- waiting ---- */

/* Also for a peer that never lets us wait. */
static bool is_late(struct probe *p)
{
    return probe_seconds() >= p->deadline && !fail(p, p->when_late, "nothing came in time");
}

static bool wait_for(struct probe *p, short events)
{
    for (;;) {
        if (is_late(p))
            return false;
        double left = p->deadline - probe_seconds();
        struct pollfd fd = {.fd = p->fd, .events = events};
        int rc = poll(&fd, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
        if (rc > 0)
            return true;
        if (rc < 0 && errno != EINTR)
            return fail(p, REASON_INTERNAL, "poll: %s", strerror(errno));
    }
}

/* ---- connecting ---- */

/* 0, or the error number. */
static int connect_one(struct probe *p, const struct sockaddr *name, socklen_t size)
{
    int on = 1, error = 0;
    socklen_t n = sizeof(error);
    p->fd = socket(name->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (p->fd < 0)
        return errno;
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(p->fd, name, size) == 0)
        return 0;
    error = errno;
    if (error == EINPROGRESS)
        error = !wait_for(p, POLLOUT) ? ETIMEDOUT : getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 ? error : errno;
    if (error == 0)
        return 0;
    close(p->fd);
    p->fd = -1;
    return error;
}

static enum reason reason_of(int error)
{
    bool ours = error == ENOMEM || error == ENOBUFS || error == EMFILE || error == ENFILE;
    return error == ETIMEDOUT ? REASON_CONNECT_TIMEOUT : ours ? REASON_INTERNAL : REASON_CONNECT_REFUSED;
}

static void connect_tcp(struct probe *p, const struct address *target)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)target->port);
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *found = NULL;
    int rc = getaddrinfo(target->host, port, &hints, &found);
    if (rc != 0) {
        fail(p, rc == EAI_MEMORY ? REASON_INTERNAL : REASON_DNS_FAILED, "%s: %s", target->host, gai_strerror(rc));
        return;
    }
    int error = 0;
    for (const struct addrinfo *ai = found; ai != NULL && p->fd < 0 && !probe_failed(p); ai = ai->ai_next)
        error = connect_one(p, ai->ai_addr, ai->ai_addrlen);
    freeaddrinfo(found);
    if (p->fd < 0)
        fail(p, reason_of(error), "%s", strerror(error));
}

static void connect_unix(struct probe *p, const struct address *target)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof(name.sun_path), "%s", target->path);
    int error = connect_one(p, (const struct sockaddr *)&name, sizeof(name));
    if (error != 0)
        fail(p, reason_of(error), "%s", strerror(error));
}

struct probe *probe_connect(const struct address *target, unsigned within_ms)
{
    struct probe *p = new_probe(-1, within_ms);
    if (p == NULL)
        return NULL;
    if (target->kind == ADDRESS_UNIX)
        connect_unix(p, target);
    else
        connect_tcp(p, target);
    p->when_late = REASON_RESPONSE_TIMEOUT;
    return p;
}

struct probe *probe_accept(int listener)
{
    int fd, on = 1;
    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    if (fd < 0)
        return NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    struct probe *p = new_probe(fd, ACCEPTED_LIMIT_MS);
    if (p == NULL)
        close(fd);
    else
        p->when_late = REASON_REQUEST_TIMEOUT;
    return p;
}

/* ---- the socket ---- */

/* How many were taken; a peer that takes nothing any more "takes" all, so that what it said is still read. */
static size_t socket_send(struct probe *p, struct span data)
{
    if (p->write_dead)
        return data.len;
    ssize_t n = send(p->fd, data.ptr, data.len, MSG_NOSIGNAL);
    if (n >= 0)
        return (size_t)n;
    if (errno == EAGAIN || errno == EINTR)
        return 0;
    p->write_dead = true;
    return data.len;
}

static ssize_t socket_read(struct probe *p, uint8_t *buf, size_t size)
{
    ssize_t n = p->wire_ended ? 0 : recv(p->fd, buf, size, 0);
    if (n == 0)
        p->wire_ended = true;
    return n;
}

static bool would_block(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* ---- TLS ---- */

static unsigned flags_of(const struct probe *p)
{
    return p->tls != NULL ? tls_engine_flags(p->tls) : 0;
}

static void send_wire(struct probe *p)
{
    if (flags_of(p) & TLS_HAS_WIRE)
        tls_engine_wire_sent(p->tls, socket_send(p, tls_engine_wire_out(p->tls)));
}

static void read_wire(struct probe *p)
{
    ssize_t n = socket_read(p, p->wire, sizeof(p->wire));
    if (would_block(n))
        return;
    if (n > 0) {
        tls_engine_wire_in(p->tls, span_of(p->wire, (size_t)n), clock_now());
        return;
    }
    p->wire_ended = true;
    tls_engine_wire_eof(p->tls, clock_now());
}

/* The alert still goes out; then the engine's reason is ours. */
static bool tls_gave_up(struct probe *p)
{
    struct tls_facts facts;
    tls_engine_facts(p->tls, &facts);
    send_wire(p);
    return fail(p, facts.reason, "%s", facts.text);
}

void probe_use_tickets(struct probe *p, struct tls_tickets *tickets)
{
    p->tickets = tickets;
}

bool probe_start_tls(struct probe *p, struct tls_context *ctx)
{
    struct err err = {0};
    if (probe_failed(p))
        return false;
    p->tls = tls_engine_new(ctx, p->tickets, NULL, NULL, &err);
    if (p->tls == NULL)
        return fail(p, REASON_INTERNAL, "%s", err.text);
    p->when_late = REASON_HANDSHAKE_TIMEOUT;
    tls_engine_start(p->tls, clock_now());
    while (flags_of(p) & TLS_HANDSHAKING) {
        send_wire(p);
        if (!wait_for(p, (short)(POLLIN | (flags_of(p) & TLS_HAS_WIRE ? POLLOUT : 0))))
            return false;
        read_wire(p);
        tls_engine_wire_keep(p->tls);
    }
    p->when_late = REASON_RESPONSE_TIMEOUT;
    if (flags_of(p) & TLS_FAILED)
        return tls_gave_up(p);
    send_wire(p);
    return true;
}

/* ---- moving bytes ---- */

static void move_plain(struct probe *p, struct probe_turn *t)
{
    if (t->out.len > 0)
        t->out = span_skip(t->out, socket_send(p, t->out));
    if (t->in_size == 0)
        return;
    ssize_t n = socket_read(p, t->in, t->in_size);
    if (n > 0)
        t->got = (size_t)n;
    else if (n == 0)
        p->ended = true;
    else if (!would_block(n))
        fail(p, REASON_UPSTREAM_CLOSED, "%s", strerror(errno));
}

static void move_tls(struct probe *p, struct probe_turn *t)
{
    if (t->out.len > 0)
        t->out = span_skip(t->out, tls_engine_app_write(p->tls, t->out));
    if (t->in_size > 0) {
        if (!(flags_of(p) & TLS_HAS_APP))
            read_wire(p);
        t->got = tls_engine_app_read(p->tls, t->in, t->in_size);
        tls_engine_wire_keep(p->tls);
    }
    send_wire(p);
    if (t->got == 0 && (flags_of(p) & TLS_FAILED))
        tls_gave_up(p);
    else if (t->got == 0 && (flags_of(p) & TLS_CLOSED))
        p->ended = true;
}

bool probe_turn(struct probe *p, struct probe_turn *t)
{
    size_t before = t->out.len;
    t->got = 0;
    while (!probe_failed(p) && !is_late(p)) {
        if (p->tls != NULL)
            move_tls(p, t);
        else
            move_plain(p, t);
        if (t->got > 0 || t->out.len < before)
            return true;
        if ((p->ended && t->in_size > 0) || probe_failed(p))
            return false;
        bool writes = (flags_of(p) & TLS_HAS_WIRE) || (p->tls == NULL && t->out.len > 0);
        if (!wait_for(p, (short)((t->in_size > 0 ? POLLIN : 0) | (writes ? POLLOUT : 0))))
            return false;
    }
    return false;
}

bool probe_send(struct probe *p, struct span data)
{
    struct probe_turn t = {.out = data};
    while (t.out.len > 0)
        if (!probe_turn(p, &t))
            return false;
    while (flags_of(p) & TLS_HAS_WIRE) {
        if (!wait_for(p, POLLOUT))
            return false;
        send_wire(p);
    }
    return !probe_failed(p);
}

size_t probe_read(struct probe *p, void *buf, size_t size)
{
    struct probe_turn t = {.in = buf, .in_size = size};
    return probe_turn(p, &t) ? t.got : 0;
}

void probe_end(struct probe *p)
{
    if (p->tls != NULL)
        tls_engine_app_end(p->tls);
    if (probe_failed(p) || !probe_send(p, span_of(NULL, 0)))
        return;
    shutdown(p->fd, SHUT_WR);
}

/* ---- what became of it ---- */

bool probe_failed(const struct probe *p)
{
    return p->reason != REASON_UNDECIDED;
}

enum reason probe_reason(const struct probe *p)
{
    return p->reason;
}

const char *probe_text(const struct probe *p)
{
    return p->text;
}

const char *probe_refused_by(const struct probe *p)
{
    return probe_failed(p) ? report_blame_word(report_blame(p->reason)) : "";
}

const struct tls_engine *probe_engine(const struct probe *p)
{
    return p->tls;
}

/* ---- ports ---- */

static int bind_loopback(uint16_t *port, bool listens, struct err *err)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(name);
    int on = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (const struct sockaddr *)&name, size) == 0 && (!listens || listen(fd, BACKLOG) == 0) &&
        getsockname(fd, (struct sockaddr *)&name, &size) == 0) {
        *port = ntohs(name.sin_port);
        return fd;
    }
    err_set(err, ERR_IO, "no free port on 127.0.0.1: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

int probe_listen(uint16_t *port, struct err *err)
{
    return bind_loopback(port, true, err);
}

int probe_reserve(uint16_t *port, struct err *err)
{
    return bind_loopback(port, false, err);
}

void probe_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
