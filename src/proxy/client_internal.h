/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the client. */
#ifndef MTLSD_PROXY_CLIENT_INTERNAL_H
#define MTLSD_PROXY_CLIENT_INTERNAL_H

#include "mtlsd/http/http1.h"
#include "mtlsd/policy/admit.h"
#include "mtlsd/proxy/client.h"
#include "mtlsd/proxy/link.h"

struct exchange;

enum { CLIENT_HELD_MAX = 1024 * 1024 }; /* one turn's bytes; reading stops while anything is held */
struct starttls;
struct tls_hello;

enum client_phase { CLIENT_PROXY_HEADER, CLIENT_STARTTLS, CLIENT_HELLO, CLIENT_HANDSHAKE, CLIENT_OPEN, CLIENT_SNIFF, CLIENT_LINGER, CLIENT_DONE };

struct client_times {
    uint64_t begun_us;  /* when the connection began */
    uint64_t since_us;  /* when the phase began, or the last exchange ended */
    uint64_t active_us; /* when something last moved */
    uint64_t stall_us;  /* since when the client takes nothing of what waits for it; 0: nothing waits */
    uint64_t until_us;  /* when lingering ends, whatever the client does */
    uint64_t head_us;   /* when the first byte of an unfinished head came; 0: none */
    uint64_t dropped;   /* bytes that came while lingering */
};

struct client_exchanges { /* owned */
    struct exchange *first; /* those that run */
    struct exchange *over;  /* those that ended in this turn */
    unsigned n_postponed;   /* requests of HTTP/2 that are still to go upstream */
    unsigned n_earned;      /* HTTP/2: so many may go there at once, because answers came from there */
    uint64_t paced_us;      /* HTTP/2: when those that nothing earned would all have gone, one after the other */
};

struct client_opening { /* what comes before its TLS; owned */
    struct starttls *talk;   /* what is said, and what was; NULL: nothing */
    struct tls_hello *hello; /* of a TLS that passes through; NULL: none does */
};

struct client_who { /* who it is */
    struct client_address address;
    struct bytes identity;  /* header lines about its certificate, made once */
    struct caller *program; /* owned; NULL: the kernel was not asked, because nothing depends on it */
    uint64_t counted;       /* the client that client_count counts it for; 0: none */
};

struct client_flags {
    bool fresh;        /* it may begin with HTTP/2's preface: nothing was looked at yet */
    bool ended;        /* the peer's direction ended cleanly */
    bool reported;     /* the handshake was told to the observer */
    bool close_after;  /* no further request on this connection */
    bool last;         /* HTTP/2: further streams are refused, and the connection ends with those that run */
    bool reset;        /* end by abort */
    bool served;       /* a request of it went upstream */
    bool unnamed;      /* its PROXY header names no client: it is not counted */
    bool late;         /* lists or rules changed during the handshake: it is judged once more when that is done */
    bool waits;        /* for an OCSP answer: it is in env->waits */
    bool would_refuse; /* the rules would have refused its handshake, were they not only tried out */
};

struct client {
    struct link link; /* first */
    struct proxy_env *env;                /* borrowed: the worker's */
    const struct plan_listener *listener; /* borrowed: the driver holds its snapshot */
    enum client_phase phase;
    struct http1 *http;     /* owned; NULL: in tcp mode, and once a request became a tunnel */
    struct client_exchanges exchanges;
    struct bytes held;      /* application bytes that came and cannot be passed on yet */
    struct client_who who;
    struct client_times at;
    struct client_opening opening;
    struct address *tunnel;  /* owned: CONNECT to it was granted; NULL: none was */
    struct session *session; /* the observer's, who is told when it ends; NULL: none */
    struct client_flags is;
};

/* client.c */
bool client_is_http(const struct client *c);
void client_enter(struct client *c, enum client_phase phase, struct moment now);
void client_begin(struct client *c, struct moment now);  /* its side stands: wait for a request, or connect on its behalf */
void client_finish(struct client *c, struct moment now); /* close what is left and be done */
void client_linger(struct client *c, struct moment now); /* after the last word: say the end, and wait for the client's */
bool client_hold(struct client *c, struct span rest);    /* false: out of memory */
/* Reports that the connection itself came to an end, with no request to name. */
void client_report(struct client *c, enum reason reason, const char *detail, const char *hint, struct moment now);
/* The connection came to nothing. */
void client_failed(struct client *c, enum reason reason, const char *text, const char *hint, struct moment now);
/* Asks the kernel for its program, where the listener needs it and it is not known yet. */
void client_ask_caller(struct client *c, const struct plan_listener *listener);
struct admit_place client_place(const struct client *c, const struct plan_listener *listener); /* the gate's question, at its own listener or at what was loaded in its place */

/* client_in.c */
void client_deliver(struct client *c, struct span in, struct moment now); /* application bytes */
void client_ended(struct client *c, struct moment now);                   /* cleanly */

/* client_header.c */
void client_header_in(struct client *c, struct span wire, struct moment now);
void client_header_ended(struct client *c, struct moment now);

/* client_starttls.c: what comes before TLS */
void client_secure(struct client *c, struct moment now); /* its address is known: TLS begins, or what comes before it, or nothing has to */
void client_starttls_in(struct client *c, struct span wire, struct moment now);
void client_starttls_conclude(struct client *c, enum reason verdict, const char *text, struct moment now); /* of its talk */
void client_starttls_ended(struct client *c, struct moment now);
void client_hello_in(struct client *c, struct span wire, struct moment now);
void client_starttls_clear(struct client *c);

/* client_limit.c */
bool client_count_in(struct client *c, struct moment now); /* its address is known; false: it has too many, and was told so */
void client_count_out(struct client *c);

/* client_tls.c */
void client_tls_in(struct client *c, struct moment now);    /* after the engine was given bytes or the end */
void client_tls_look(struct client *c, struct moment now);  /* acts on an engine that failed or was closed */
/* The engine's question about a client whose certificate was judged: tls_accept_fn, ctx is the client. */
enum reason client_tls_accept(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert);
void client_tls_report(struct client *c, struct moment now); /* tells the observer of the handshake, once */
bool client_rejudge_now(struct client *c, const struct plan_listener *now_there, struct moment now); /* false: it does not hold any more, and ends */

/* client_wait.c */
void client_wait_begin(struct client *c, struct moment now); /* if its engine does; with too many of them the engine decides at once */
void client_wait_end(struct client *c);

bool client_is_between(const struct client *c); /* idle, and nothing of a next request came */

/* client_http2.c */
void client_http_begin(struct client *c, struct moment now); /* in the version that was agreed on */
void client_http_first(struct client *c, struct span in, struct moment now); /* in the version that the first bytes show */
void client_http2_in(struct client *c, struct span in, struct moment now);
void client_http2_continue(struct client *c, struct moment now); /* streams that can be written to again; a connection that is to end */
uint64_t client_http2_begins_us(const struct client *c); /* when the next of its requests goes upstream; UINT64_MAX: none waits */
void client_http2_earn(struct client *c); /* a request of it was served by its upstream */
void client_http2_shutdown(struct client *c, struct moment now); /* it ends with the streams that run, and those on their way */
/* The connection cannot be read further: GOAWAY says so, and everything on it ends. */
void client_http2_broken(struct client *c, enum reason reason, const char *detail, const char *hint, struct moment now);
/* While lingering, when n more bytes came. By HTTP/2 a client can have no more on its way than the windows allow, and some frames: one that sends more floods us, and
 * is not read to its end (security C6). */
bool client_http2_floods(struct client *c, size_t n);

/* client_http.c */
bool client_http_may_read(const struct client *c); /* bytes of the client would be of use now */
void client_http_in(struct client *c, struct span in, struct moment now);
void client_http_ended(struct client *c, struct moment now);
/* x is over. complete: what the client has of its answer is so. */
void client_exchange_over(struct client *c, const struct exchange *x, bool complete, struct moment now);
void client_sweep(struct client *c); /* frees what is over */

/* client_time.c */
void client_time_linger(struct client *c, struct moment now); /* lingering begins */
void client_time_grace(struct client *c, struct moment now);  /* while lingering: a short time will do */
void client_time_all_said(struct client *c, struct moment now); /* while lingering: the last word left */
void client_time_settle(struct client *c);

#endif
