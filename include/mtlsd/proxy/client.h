/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's connection: its link, who it is, and its exchanges, of which there is one at a time. It decides, and moves bytes from memory to
 * memory; a driver moves them between memory and sockets: it tells what happened by the on_ calls, and calls pump (pump.h).
 *
 * Back-pressure: one side is read only while the other side's output is below its mark. Nothing of the client goes upstream before the upstream
 * was verified, nothing of it reaches a backend before its own certificate was judged. Time is an argument.
 *
 *   PROXY_HEADER  a PROXY header says who the client is
 *   HANDSHAKE     the client's TLS handshake
 *   OPEN          its exchanges run, or it is between them
 *   SNIFF         CONNECT was granted: what begins in the tunnel?
 *   LINGER        all was said; what the client still sends is dropped, so that it can read our last words
 *   DONE          the driver closes
 */
#ifndef MTLSD_PROXY_CLIENT_H
#define MTLSD_PROXY_CLIENT_H

#include "mtlsd/proxy/plan.h"
#include "mtlsd/proxy/proxy_env.h"

struct client;
struct tls_context;
struct uplink;

/* address: copied. socket: the driver's own, for the calls of run_driver. NULL + err. */
struct client *client_new(struct proxy_env *env, const struct plan_listener *listener, const struct client_address *address, void *socket,
                          struct moment now, struct err *err);
/* Retires its upstream connection, if any. */
void client_free(struct client *c);
struct client *client_of(struct link *l);
struct link *client_link(struct client *c);
const struct plan_listener *client_listener(const struct client *c);

/* Bytes from its socket; valid until pump. */
void client_on_wire(struct client *c, struct span wire, struct moment now);
void client_on_eof(struct client *c, struct moment now);
void client_on_error(struct client *c, const char *text, struct moment now);
void client_on_sent(struct client *c, size_t n, struct moment now);
void client_on_deadline(struct client *c, struct moment now);
/* The worker drains: finish what runs, begin nothing. */
void client_on_drain(struct client *c, struct moment now);
/* Before it, where there is time: an HTTP/1 client that is idle may send one more request. */
void client_on_last_call(struct client *c, struct moment now);
/* An idle one is closed for others, at once: its last words. */
void client_give_way(struct client *c, struct moment now);
/* Ends it now, in any state. True: something was open, and was reported as REASON_DRAINING. */
bool client_cut(struct client *c, const char *why, struct moment now);

/* For pump. */
bool client_continue(struct client *c, struct moment now); /* goes on with what had to wait for room; true: there may be more to send */
void client_settle(struct client *c, struct moment now);   /* end of the turn: borrowed bytes are copied */
bool client_wants_read(const struct client *c);
uint64_t client_deadline_us(const struct client *c); /* UINT64_MAX: none */
/* Everything was sent: close the socket. *reset: by an abort, so that a cut answer cannot look complete. */
bool client_is_done(const struct client *c, bool *reset);

/* Between requests, though what came of the next one may wait already: may be moved to another snapshot's listener of the same name. */
bool client_is_idle(const struct client *c);
/* Since when nothing of it waits in either direction; UINT64_MAX: something does. *fresh: the client has not asked for anything yet. */
uint64_t client_idle_since_us(const struct client *c, bool *fresh);
bool client_holds_next(const struct client *c);     /* something of the client waits to be looked at */
/* Another listener may take its place for all that begins from here on. So it may while requests run beside one another (HTTP/2): they stay with the one they began with. */
bool client_may_move(const struct client *c);
/* It, or an exchange of it, points into this listener. */
bool client_uses(const struct client *c, const struct plan_listener *listener);
/* Nothing more begins on it, and what runs goes on to its end. */
void client_take_no_more(struct client *c);
bool client_is_handshaking(const struct client *c); /* nothing of the client was judged yet: it may be moved likewise */
/* A date has passed that the client's certificate was judged by: client_rebind asks again, also with the same listener. */
bool client_is_outdated(const struct client *c, struct moment now);
/* False: its certificate does not hold there, and it ends as after a refused handshake; what had come from the client is not served. True, and its listener is the old
 * one: what runs goes on there, and nothing more begins. */
bool client_rebind(struct client *c, const struct plan_listener *listener, struct moment now);
/* Revocation lists or the configuration have changed: verify it again, in any state, by what its listener is now. Where it is no longer valid or
 * allowed it gets an alert, and ends. A passed date ends only connections between requests. */
void client_rejudge(struct client *c, const struct plan_listener *now_there, struct moment now);
/* Rows of a registry have changed, and nothing else: whether they say the same of this client. false: client_rejudge. */
bool client_keeps_row(const struct client *c, const struct plan_listener *now_there, struct moment now);
/* Answers of OCSP responders came: goes on with the clients that waited for them. */
void client_wait_look(struct proxy_env *env, struct moment now);
/* The upstream connections of its exchanges, one after the other, for uplink_rejudge; begin with NULL. */
struct uplink *client_next_uplink(const struct client *c, const struct uplink *before);

/* limits.per_client (security C14): a client is counted when its address is known, and refused if it has too many connections. The following
 * functions are for a driver that refuses it earlier, with this text, and for clients that came before there was a limit. */
enum { CLIENT_COUNT_TEXT_SIZE = 96 };
bool client_count_permits(const struct proxy_env *env, const struct client_address *address);
const char *client_count_text(const struct proxy_env *env, char out[CLIENT_COUNT_TEXT_SIZE]);
void client_count_late(struct client *c);

#endif
