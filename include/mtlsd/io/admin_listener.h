/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin socket: a unix socket of mode 0600 with HTTP/1.1, one request per connection. control/admin decides the
 * answers; the owner of the hooks carries out reload and drain. Everything happens on one loop.
 *
 * Limits: 16 connections, 10 seconds and 64 KiB each.
 */
#ifndef MTLSD_IO_ADMIN_LISTENER_H
#define MTLSD_IO_ADMIN_LISTENER_H

#include "mtlsd/base/err.h"
#include "mtlsd/control/admin.h"

struct uv_loop_s; /* the event loop; only its owner looks inside */
struct admin_listener;
struct admin_pending; /* a request for a reload that waits for its answer */

struct admin_hooks {
    void *ctx;
    /* The instance as it is now; valid until the next call. */
    const struct admin_view *(*view)(void *ctx);
    /* The same without counters and refusals, for /livez and /readyz, which anyone may ask often. */
    const struct admin_view *(*glance)(void *ctx);
    /* Reload. Each pending is answered exactly once with admin_listener_reloaded, from within the hook or later, also after the listener
     * was stopped. */
    void (*reload)(void *ctx, struct admin_pending *pending);
    /* Drain. Called once the answer is on its way. */
    void (*drain)(void *ctx);
};

/* Binds and listens. A socket file without a listening process is replaced; a live one, or another kind of file, is an error. path is without
 * "unix:". hooks are copied. NULL + err. */
struct admin_listener *admin_listener_start(struct uv_loop_s *loop, const char *path, const struct admin_hooks *hooks, struct err *err);
/* The same on a unix socket that already listens, which it takes. text names it in messages, and is borrowed until the loop
 * has closed the listener. */
struct admin_listener *admin_listener_start_on(struct uv_loop_s *loop, int fd, const char *text, const struct admin_hooks *hooks, struct err *err);
/* The listener of admin.health: a TCP address, also for other hosts, that answers /livez and /readyz and nothing else. Limits: 16 connections, of which the
 * oldest makes place for a new one, 10 seconds and 64 KiB each. place is borrowed for the call. first: as listen_fd_open has it. */
struct admin_listener *admin_listener_start_health(struct uv_loop_s *loop, const struct config_health *place, bool first, const struct admin_hooks *hooks, struct err *err);
/* The same on a socket that already listens, which it takes. */
struct admin_listener *admin_listener_start_health_on(struct uv_loop_s *loop, int fd, const struct admin_hooks *hooks, struct err *err);
/* Closes it and its connections and removes the socket file if it is still ours. Memory goes as the loop runs the close callbacks: run the loop
 * once more. NULL is fine. */
void admin_listener_stop(struct admin_listener *l);

/* Its listening socket, borrowed; and what it is called: a path, or the text that start_on got. */
int admin_listener_fd(const struct admin_listener *l);
/* The socket was handed over to us with its file, which goes with it from now on. */
void admin_listener_own(struct admin_listener *l, const char *path);
/* The socket was handed over to another process: a stop leaves the file. NULL is fine. */
void admin_listener_leave(struct admin_listener *l);

void admin_listener_reloaded(struct admin_pending *pending, const struct admin_reload *result);

/* The pages that routes serve, for connections that workers make. Limits: 64 connections, of which 16 may be pages that go on; 10 seconds and 4 KiB of a form. */
struct admin_pages;
struct admin_pages *admin_pages_start(struct uv_loop_s *loop, const struct admin_hooks *hooks); /* NULL: out of memory */
void admin_pages_take(struct admin_pages *p, int fd, enum config_serve what);                    /* takes fd */
void admin_pages_end_streams(struct admin_pages *p); /* for a drain, or another configuration; NULL is fine */
void admin_pages_stop(struct admin_pages *p);        /* as admin_listener_stop */

#endif
