/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the exchange share. */
#ifndef MTLSD_PROXY_EXCHANGE_INTERNAL_H
#define MTLSD_PROXY_EXCHANGE_INTERNAL_H

#include "mtlsd/policy/admit.h"
#include "mtlsd/proxy/exchange.h"

/*
 *            http                                             tcp
 *   TOLD     a PROXY header says who the client is            the same
 *   ACCEPT   the client's TLS handshake                       the same
 *   IDLE     between requests, or reading a head              -
 *   SNIFF    CONNECT was granted: what begins in the tunnel?  -
 *   CONNECT  a request waits for an upstream connection       the same, from the start
 *   PROXY    an HTTP proxy on the way is asked                the same
 *   SECURE   the upstream's TLS handshake                     the same
 *   ACTIVE   request and response run                         bytes run
 *   LINGER   all was said; what the client still sends is dropped, so that it can read our last words
 *   DONE     the driver closes
 */
enum { OUTPUT_MARK = 64 * 1024 }; /* above it what would add to it is not read (security D6) */

enum phase { PHASE_TOLD, PHASE_ACCEPT, PHASE_IDLE, PHASE_SNIFF, PHASE_CONNECT, PHASE_PROXY, PHASE_SECURE, PHASE_ACTIVE, PHASE_LINGER, PHASE_DONE };

struct request { /* the request that runs, or the tcp connection */
    bool begun;
    bool head_method;     /* HEAD */
    bool idempotent;      /* RFC 9110 section 9.2.2 */
    bool keep_alive;      /* the client's wish */
    bool upgrade;         /* it asks for another protocol, and 101 may be the answer */
    bool whole;           /* the last byte of the request was read */
    bool sent;            /* a byte of it left for the upstream */
    bool offered;         /* the driver was given it: a byte may have left */
    bool spoke;           /* the upstream said something */
    bool answered;        /* the final response's head is written */
    bool chunked;         /* the request's body is framed in chunks */
    bool wants_trailers;  /* the client takes them in the response */
    bool trailers_up, trailers_down; /* those of the request may pass, and those of the response */
    bool chunk_request, chunk_response; /* bodies that we frame in chunks and whose last chunk is still to be written */
    bool from_pool;       /* on a connection that was used before */
    bool fresh;           /* to go on a new connection only */
    bool unkept;          /* a part of the body is gone: it cannot be sent again */
    unsigned minor;
    unsigned status;
    unsigned retries;     /* further attempts of any kind */
    unsigned resent;      /* of those, after it was sent */
    unsigned interims;    /* 1xx answers so far */
    struct http_target *asked; /* owned, with what it points to, where a tunnel may come of it; NULL: none may */
    uint64_t tried;       /* targets that failed it, see struct balancer_wish */
    const struct plan_target *named; /* by the client's cookie; NULL: none */
    struct bytes head;    /* as written for the upstream; kept until an answer begins, for a retry */
    struct bytes body;    /* what was read of it, while it may be needed again */
    struct request_agent *agent; /* likewise, owned; NULL: not needed */
    uint64_t bytes_in, bytes_out;
    bool expects;         /* the client waits for 100 before it sends its body */
    uint64_t body_us;     /* when the last of the body came */
    uint64_t wanted_us;   /* since when more of it is wanted; 0: it is not, for the upstream takes none now */
    uint64_t waited_us;   /* how long it was wanted before that */
    uint64_t begun_us, connect_us, connected_us, secured_us, first_byte_us;
    size_t method_len, uri_len;
    size_t host_len;
    char line[]; /* method and target, for the report, cut when long; then what Host said, where Location may have to say it */
};

struct exchange {
    struct exchange_env *env;            /* borrowed: the worker's */
    const struct plan_listener *listener; /* borrowed: the driver holds its snapshot */
    void *driver;
    const struct plan_route *route;   /* of the running request or tcp connection; NULL: none chosen yet */
    const struct plan_route *also[ROUTE_ALSO_MAX]; /* whose path it is in another spelling: their edits hold too */
    size_t n_also;
    const struct plan_target *target; /* where it goes now; NULL: not chosen yet */
    struct dial dial;                 /* how to get there */
    bool on_target;                   /* the balancer counts us as active on target */
    bool redial;                      /* give up the attempt to connect that runs, there is another to make */
    enum phase phase;
    struct link down;
    struct http1 *http;   /* owned; NULL in tcp mode and once a request became a tunnel */
    struct uplink *up;    /* owned while here */
    struct bytes held[2]; /* application bytes that came and cannot be passed on yet */
    struct bytes identity; /* header lines about the client's certificate, made once */
    struct request *rq;   /* owned; between requests, where nothing may be written, one that is all zero */
    struct forward *forward; /* owned; NULL but for what a forward proxy does beyond routing */
    bool down_reported;   /* the client's handshake was told to the observer */
    bool up_reported;
    bool up_keep_alive;   /* what the running response said about its connection */
    bool close_after;     /* no further request on this connection */
    bool reset;           /* end by abort */
    bool served;          /* a request of it went upstream */
    bool unnamed;         /* its PROXY header names no client: it is not counted */
    bool late;            /* lists or rules changed during the client's handshake: it is judged once more when that is done */
    bool would_refuse;    /* the rules would have refused what runs, were they not only tried out */
    bool eof[2];          /* the peer's direction ended cleanly */
    const char *hint;     /* static: what to do about what ends it, in place of the reason's own; NULL: that one */
    uint64_t since_us;    /* when the phase began */
    uint64_t active_us;   /* when something last moved */
    uint64_t up_us;       /* when something last moved on the upstream's side */
    uint64_t stall_us;    /* since when the client takes nothing of what waits for it; 0: nothing waits */
    uint64_t until_us;    /* when lingering ends, whatever the client does */
    uint64_t head_us;     /* when the first byte of an unfinished head came; 0: none */
    struct client_address client;
    uint64_t counted;     /* the client that client_count counts it for; 0: none */
};

/* exchange.c */
bool exchange_is_http(const struct exchange *x);
void exchange_enter(struct exchange *x, enum phase phase, struct moment now);
void exchange_begin(struct exchange *x, struct moment now);
void exchange_forget_request(struct exchange *x); /* with all that was chosen for it */
void exchange_finish(struct exchange *x, struct moment now); /* close what is left and be done */
bool exchange_hold(struct exchange *x, enum side side, struct span rest);
void exchange_report(struct exchange *x, enum reason reason, const char *detail, struct moment now);
/* The client's connection came to nothing. */
void exchange_client_failed(struct exchange *x, enum reason reason, const char *text, struct moment now);
void exchange_deliver(struct exchange *x, enum side side, struct span in, struct moment now); /* application bytes from a side */
void exchange_side_ended(struct exchange *x, enum side side, struct moment now); /* cleanly */

/* exchange_told.c */
void exchange_told_in(struct exchange *x, struct span wire, struct moment now);
void exchange_told_ended(struct exchange *x, struct moment now);

/* exchange_count.c */
bool exchange_count_in(struct exchange *x, struct moment now); /* its client's address is known; false: the client has too many, and was told so */
void exchange_count_out(struct exchange *x);

/* exchange_dial.c */
void exchange_dial_connected(struct exchange *x, struct moment now); /* x->up is there and nothing was said yet */
void exchange_dial_in(struct exchange *x, struct span wire, struct moment now); /* from the proxy on the way */
void exchange_dial_ended(struct exchange *x, struct moment now);

/* exchange_request.c */
/* From here on x->rq may be written; nothing happens when it has begun already. False: out of memory, and the connection is marked as broken. */
bool exchange_request_begin(struct exchange *x, struct span method, struct span uri);
/* Likewise, and keeps host; empty: it is not needed. */
bool exchange_request_begin_for(struct exchange *x, struct span method, struct span uri, struct span host);
struct span exchange_request_host(const struct request *rq);
void exchange_request_forget(struct exchange *x);

/* exchange_route.c */
/* The gate's question about this client, at its own listener or at what was loaded in its place. */
struct admit_place exchange_route_place(const struct exchange *x, const struct plan_listener *listener);
/* REASON_VALID with x->route or what exchange_forward_take keeps, or why not. */
enum reason exchange_route_judge(struct exchange *x, const struct http_head *head, struct admission *a, struct err *err);

/* exchange_upstream.c */
void exchange_read_session(struct exchange *x, const struct admission *a);      /* which target the client's cookie or path names */
int exchange_session_field(const struct exchange *x, struct bytes *out);      /* appends the cookie that a response is to set, if any */
/* Chooses among the targets of x->route. False: none can be used. */
bool exchange_choose(struct exchange *x, struct moment now);
void exchange_leave_target(struct exchange *x);                    /* nothing of ours runs on it any more */
void exchange_go_upstream(struct exchange *x, struct moment now);  /* to the chosen target: from the pool or by connecting */
void exchange_upstream_secured(struct exchange *x, struct moment now); /* it may be written to from now on */
void exchange_drop_uplink(struct exchange *x);
/* Goes on with another target or attempt where that is right, else tells the client. */
void exchange_upstream_failed(struct exchange *x, enum reason reason, const char *text, struct moment now);

/* exchange_tls.c */
void exchange_tls_in(struct exchange *x, enum side side, struct moment now); /* after the engine was given bytes or the end */
void exchange_tls_after(struct exchange *x, enum side side, struct moment now); /* acts on an engine that failed or was closed */
/* The engine's question about a client whose certificate was judged: tls_accept_fn, ctx is the exchange. */
enum reason exchange_tls_accept_client(void *ctx, const struct tls_verdict *verdict, const struct tls_peer *peer, unsigned *alert);
void exchange_tls_report(struct exchange *x, enum side side); /* tells the observer of the side's handshake, once */

/* exchange_rejudge.c */
/* By the rules that are in force now. False: it does not hold any more, and the exchange ends. */
bool exchange_rejudge_client(struct exchange *x, const struct plan_listener *now_there, struct moment now);
bool exchange_rejudge_upstream(struct exchange *x, struct moment now); /* likewise, once its handshake is done, if something changed meanwhile */
bool exchange_rejudge_keep(struct exchange *x, const struct admission *a); /* of what may become a tunnel; false: out of memory */

/* exchange_http.c */
bool exchange_http_may_read(const struct exchange *x); /* bytes of the client would be of use now */
void exchange_http_from_client(struct exchange *x, struct span in, struct moment now);
void exchange_http_client_ended(struct exchange *x, struct moment now);
void exchange_http_send_request(struct exchange *x, struct moment now);
bool exchange_http_can_replay(const struct exchange *x); /* all that was read of the request is at hand */
int exchange_http_change_host(struct exchange *x); /* the head that is written already is for the chosen target now; -1: out of memory */

void exchange_http_pass(struct link *to, bool chunked, struct span data); /* a part of a body; borrowed */
/* The last chunk, with the trailers that may pass and that the edit does not forbid; both may be NULL. */
void exchange_http_pass_end(struct link *to, const struct http_head *trailers, const struct http_edit *edit);
struct span exchange_http_via(const struct exchange *x, const struct http_head *head); /* for http_outgoing */

/* exchange_response.c */
void exchange_response_in(struct exchange *x, struct span in, struct moment now);
void exchange_response_ended(struct exchange *x, struct moment now);

/* exchange_location.c */
enum { EXCHANGE_LOCATIONS = 3 };
struct exchange_locations { /* the fields of a response whose addresses are made ours */
    struct http_field fields[EXCHANGE_LOCATIONS];
    struct bytes values[EXCHANGE_LOCATIONS];
    size_t n;
};
/* What Host says where an answer's Location may have to say it; else empty. */
struct span exchange_location_host(const struct exchange *x, const struct http_head *head);
int exchange_location_rewrite(const struct exchange *x, const struct http_head *head, struct exchange_locations *out); /* -1: out of memory */
void exchange_location_clear(struct exchange_locations *l);

/* exchange_answer.c */
/* Answers the open request ourselves. If an answer has begun, cuts it so that it cannot look complete. */
void exchange_answer(struct exchange *x, enum reason reason, const char *detail, struct moment now);
void exchange_answer_h2(struct exchange *x, const char *detail, struct moment now); /* to a client that speaks HTTP/2 */
void exchange_answer_route(struct exchange *x, struct moment now);   /* a route that redirects or responds */
void exchange_answer_options(struct exchange *x, struct moment now); /* the last of its Max-Forwards ended here */

/* exchange_tcp.c */
void exchange_tcp_pass(struct exchange *x, enum side from, struct span in);
/* Passes on what ended and finishes when both directions did. Called whenever either may have come true. */
void exchange_tcp_ended(struct exchange *x, struct moment now);

/* exchange_time.c */
void exchange_time_linger(struct exchange *x, struct moment now); /* lingering begins */
void exchange_time_grace(struct exchange *x, struct moment now);  /* while lingering: a short time will do */
void exchange_time_all_said(struct exchange *x, struct moment now); /* while lingering: the last word left */
void exchange_time_body(struct exchange *x, struct moment now);   /* a part of the request's body came */
void exchange_time_settle(struct exchange *x); /* at the end of a turn: records which side waits for the other */

/* exchange_limit.c */
enum limit {
    LIMIT_PROXY_HEADER,
    LIMIT_CLIENT_HANDSHAKE,
    LIMIT_HEADER,
    LIMIT_BODY,
    LIMIT_BODY_RATE,
    LIMIT_WRITE,
    LIMIT_LISTENER_IDLE,
    LIMIT_CONNECT,
    LIMIT_UPSTREAM_HANDSHAKE,
    LIMIT_RESPONSE,
    LIMIT_UPSTREAM_IDLE,
};
enum { EXCHANGE_LIMIT_SIZE = 640 };
/* Writes what, the limit's key and its value into out, and sets x->hint. Gives out. Limits of the upstream need a target. */
const char *exchange_limit_text(struct exchange *x, enum limit which, const char *what, char out[EXCHANGE_LIMIT_SIZE]);

/* exchange_tunnel.c */
/* Both directions are raw from here on; left came behind the upstream's head. */
void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now);

/* exchange_forward.c: what a forward proxy does beyond routing */
const struct address *exchange_forward_tunnel(const struct exchange *x); /* CONNECT to it was granted; NULL: none was */
bool exchange_forward_take(struct exchange *x, const struct admission *a); /* the running request goes past the routes; false: out of memory */
bool exchange_forward_is_direct(const struct exchange *x); /* the running request goes to the host it names, past the routes */
bool exchange_forward_is_blind(const struct exchange *x);  /* the running CONNECT is not looked into */
void exchange_forward_choose(struct exchange *x);          /* sets target and dial of a direct one */
void exchange_forward_grant(struct exchange *x, struct moment now);  /* the running request is a CONNECT that was judged well */
void exchange_forward_opened(struct exchange *x, struct moment now); /* the connection a blind one asked for stands */
void exchange_forward_sniff(struct exchange *x, struct span in, struct moment now);
uint64_t exchange_forward_sniff_limit_ms(const struct exchange *x); /* how long a client may be silent before something is done */
void exchange_forward_silence(struct exchange *x, struct moment now);
void exchange_forward_client_ended(struct exchange *x, struct moment now);
/* With a request; what a tunnel was asked for stays until the connection goes. */
void exchange_forward_forget(struct exchange *x, bool connection);

/* exchange_agent.c: what a request says of the program it comes from, for an observer who wants it */
void exchange_agent_keep(struct exchange *x, const struct http_head *head);
void exchange_agent_report(const struct exchange *x, struct report *r);
void exchange_agent_forget(struct exchange *x);

/* exchange_fields.c */
/* Header lines that the verifier adds to this request (identity, forwarded). */
int exchange_added_fields(struct exchange *x, const struct http_head *head, struct bytes *out);
/* Value of Host for the upstream; empty: keep the client's. buf is the caller's. */
struct span exchange_host_field(const struct exchange *x, char *buf, size_t size);

#endif
