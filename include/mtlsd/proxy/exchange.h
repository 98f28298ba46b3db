/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange joins two links: one client's connection and, while a request runs (http) or for its whole life (tcp), one to an upstream. It
 * decides, and moves bytes from memory to memory; a driver moves them between memory and sockets and does what the exchange wants:
 *
 *   after every on_... call:  send exchange_link(x, side)'s runs, report them by exchange_on_sent, and go on while exchange_continue() says so;
 *   then look: exchange_wants_connect, exchange_wants_read, exchange_deadline_us, exchange_is_done.
 *
 * Back-pressure: one side is read only while the other side's output is below its mark. Nothing of the client goes upstream before the
 * upstream was verified, nothing of it reaches a backend before its own certificate was judged. Time is an argument.
 */
#ifndef MTLSD_PROXY_EXCHANGE_H
#define MTLSD_PROXY_EXCHANGE_H

#include "mtlsd/http/http_date.h"
#include "mtlsd/proxy/balancer.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/report.h"

enum side { SIDE_DOWN, SIDE_UP }; /* towards the client, towards the upstream */

struct moment {
    uint64_t us; /* monotonic */
    int64_t utc; /* seconds since 1970 */
};

struct exchange_env { /* one per worker, shared by its exchanges */
    uint8_t *scratch; /* where TLS is decrypted to: content lives for one turn */
    size_t scratch_size;
    struct tls_tickets *tickets;
    struct pool *pool;   /* of the current snapshot */
    struct balancer *balancer; /* of the current snapshot */
    uint64_t random;     /* any number to begin with; changed by each draw */
    struct observer observer;
    bool draining; /* answer, then close */
    struct client_count *clients; /* shared by all workers */
    unsigned most_per_client;     /* limits.per_client; 0: clients are not counted */
    int64_t date_of; /* the second of date, which is written again for another second */
    char date[HTTP_DATE_SIZE];
};

struct client_address { /* both ends of a client's connection; IPv4 that came to a socket for both families is IPv4 here */
    char text[48];     /* the peer's address without port; "unix"; "unknown" when it had left already */
    bool known;        /* an internet socket: what follows is filled in */
    bool v6;           /* 16 bytes of each address are used, else 4 */
    uint8_t peer[16], local[16];
    uint16_t peer_port, local_port;
};

struct exchange;

/* client: copied. driver: the caller's own. NULL + err. */
struct exchange *exchange_new(struct exchange_env *env, const struct plan_listener *listener, const struct client_address *client, void *driver,
                              struct moment now, struct err *err);
/* Dooms its upstream connection, if any. */
void exchange_free(struct exchange *x);
void *exchange_driver(const struct exchange *x);
const struct plan_listener *exchange_listener(const struct exchange *x);

/* limits.per_client (security C14): a client is counted when its address is known, and refused if it has too many connections. The following
 * functions are for a driver that refuses it earlier, with this text, and for clients that came before there was a limit. */
enum { EXCHANGE_COUNT_SIZE = 96 };
bool exchange_count_permits(const struct exchange_env *env, const struct client_address *client);
const char *exchange_count_text(const struct exchange_env *env, char out[EXCHANGE_COUNT_SIZE]);
void exchange_count_late(struct exchange *x);

/* Bytes from a socket; valid until exchange_settle. */
void exchange_on_wire(struct exchange *x, enum side side, struct span wire, struct moment now);
void exchange_on_eof(struct exchange *x, enum side side, struct moment now);
void exchange_on_error(struct exchange *x, enum side side, const char *text, struct moment now);
void exchange_on_sent(struct exchange *x, enum side side, size_t n, struct moment now);
/* The connection that was wanted is there: the exchange now has an uplink whose driver field the caller fills. */
struct uplink *exchange_on_connected(struct exchange *x, struct moment now);
void exchange_on_connect_late(struct exchange *x, enum reason reason, const char *what, struct moment now); /* the upstream's timeouts.connect ran out */
void exchange_on_connect_failed(struct exchange *x, enum reason reason, const char *text, struct moment now);
void exchange_on_deadline(struct exchange *x, struct moment now);
/* The worker drains: finish what runs, begin nothing. */
void exchange_on_drain(struct exchange *x, struct moment now);
/* Ends it now, in any state. True: something was open, and was reported as REASON_DRAINING. */
bool exchange_cut(struct exchange *x, const char *why, struct moment now);

/* Goes on with what had to wait for room; true when it produced something to send. */
bool exchange_continue(struct exchange *x, struct moment now);
/* End of the turn: borrowed bytes are copied. */
void exchange_settle(struct exchange *x);

struct link *exchange_link(struct exchange *x, enum side side); /* NULL: no upstream connection now */
struct uplink *exchange_uplink(struct exchange *x);
bool exchange_wants_read(const struct exchange *x, enum side side);
/* Not NULL: connect there and call on_connected or on_connect_failed. It stays valid until then or until NULL is given. */
const struct dial *exchange_wants_connect(const struct exchange *x);
uint64_t exchange_deadline_us(const struct exchange *x); /* UINT64_MAX: none */
/* Everything was sent: close both sockets. *reset: abort the client's connection, so that a cut answer cannot look complete. */
bool exchange_is_done(const struct exchange *x, bool *reset);
/* Between requests, though what came of the next one may wait already: may be moved to another snapshot's listener of the same name. False: its
 * certificate does not hold there, and the exchange ends as after a refused handshake; what had come from the client is not served. */
bool exchange_is_idle(const struct exchange *x);
/* Since when nothing of it waits in either direction; UINT64_MAX: something does. *fresh: the client has not asked for anything yet. */
uint64_t exchange_idle_since_us(const struct exchange *x, bool *fresh);
/* A date has passed that the client's certificate was judged by: exchange_rebind asks again, also with the same listener. */
bool exchange_is_outdated(const struct exchange *x, struct moment now);
bool exchange_holds_next(const struct exchange *x); /* something of the client waits to be looked at */
bool exchange_is_handshaking(const struct exchange *x); /* nothing of the client was judged yet: it may be moved likewise */
bool exchange_rebind(struct exchange *x, const struct plan_listener *listener, struct moment now);
/* Revocation lists or the configuration have changed: verify both peers again, in any state, by what their listener and their target are now
 * (NULL: that side stays). A peer that is no longer valid or allowed gets an alert, and the exchange ends. A passed date ends only connections
 * between requests. */
void exchange_rejudge(struct exchange *x, const struct plan_listener *now_there, struct tls_context *up, struct moment now);

#endif
