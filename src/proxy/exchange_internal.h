/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange is one request with its response, or the bytes of a tcp connection or a tunnel in both directions.
 *
 *   WAITING  for an upstream connection
 *   ACTIVE   request and response run, or plain bytes
 *   OVER     it was reported, and is freed at the end of the turn
 */
#ifndef MTLSD_PROXY_EXCHANGE_INTERNAL_H
#define MTLSD_PROXY_EXCHANGE_INTERNAL_H

#include "client_internal.h"
#include "flow.h"

#include "mtlsd/http/http_forwarded.h"
#include "mtlsd/proxy/pool.h"
#include "mtlsd/proxy/starttls_join.h"

enum exchange_phase { EXCHANGE_WAITING, EXCHANGE_ACTIVE, EXCHANGE_OVER };

struct exchange_asked { /* what the client wants */
    bool connection;     /* a tcp connection: there is no request */
    bool head_method;    /* HEAD */
    bool idempotent;     /* RFC 9110 section 9.2.2 */
    bool keep_alive;     /* the client's wish */
    bool upgrade;        /* it asks for another protocol, and 101 may be the answer */
    bool chunked;        /* the length of its body is not known before its end */
    bool wants_trailers; /* it takes them in the response */
    bool expects;        /* it waits for 100 before it sends its body */
    bool whole;          /* the last byte of the request was read */
    bool http2;          /* it came by HTTP/2 */
    bool grpc;           /* its client reads gRPC's words */
    unsigned minor;      /* HTTP/1.minor */
};

struct exchange_way { /* where it goes */
    const struct plan_route *route;   /* NULL: none chosen yet */
    const struct plan_route *also[ROUTE_ALSO_MAX]; /* whose path it is in another spelling: their edits hold too */
    size_t n_also;
    const struct plan_target *target; /* NULL: not chosen yet */
    const struct plan_target *named;  /* by the client's cookie; NULL: none */
    struct dial dial;                 /* how to get there */
    uint64_t tried;                   /* targets that failed it, see struct balancer_wish */
    bool on_target;                   /* the balancer counts it as active on target */
};

struct exchange_kept { /* the request as a value: each attempt writes it for its own connection */
    struct http_head *head; /* owned, of the worker's blocks; NULL: nothing is kept yet, or no more: an answer has begun */
    size_t head_bytes;
    struct bytes text;      /* the target as it is sent, where it is changed, then the host that rules looked at, where there are any */
    size_t target_len;
    struct bytes added;     /* header lines */
    struct bytes body;      /* what was read of it, while it may be needed again, or until it can be sent */
    struct http_head *last; /* owned: trailers that came before they could be sent; NULL: none */
    bool trailers;          /* those of the request may pass */
    bool gone;              /* a part of the body is not kept: it cannot be sent again */
};

struct exchange_tries {
    unsigned retries; /* further attempts of any kind */
    unsigned resent;  /* of those, after it was sent */
    bool from_pool;   /* on a connection that was used before */
    bool fresh;       /* to go on a new connection only */
    bool postponed;   /* HTTP/2: it goes upstream when all that came in this turn was read, and its connection may begin another */
    bool http1;       /* and one of HTTP/1.1 */
    unsigned refused; /* times that an upstream never began with its stream */
    bool sent;        /* a byte of it left for the upstream */
    uint64_t turn;    /* when it became active: after that turn the driver was given it, and a byte may have left */
    bool spoke;       /* the upstream said something */
    bool greeted;     /* MySQL: the client has the greeting of this target, and logs in by it: no other will do */
};

struct exchange_answer {
    bool answered;     /* the final response's head is written */
    bool trailers;     /* those of the response may pass */
    bool would_refuse; /* the rules would have refused the request, were they not only tried out */
    unsigned status;
    unsigned interims; /* 1xx answers so far */
    const char *hint;  /* static: what to do about what ends it, in place of the reason's own; NULL: that one */
};

struct exchange_bytes { /* of the client's messages */
    uint64_t in, out;
    size_t owed, owed_up; /* from the client and from the upstream, not passed on yet: the windows are smaller by them */
};

struct exchange_times {
    uint64_t active_us; /* when something last moved */
    uint64_t up_us;     /* when something last moved on the upstream's side */
    uint64_t wanted_us; /* since when more of the body is wanted; 0: it is not, for the upstream takes none now */
    uint64_t stall_us;  /* HTTP/2: since when the client gives no window for what waits for it on this stream; 0: it does, or nothing waits */
    uint64_t begun_us, connect_us, connected_us, secured_us, first_byte_us; /* 0: did not happen */
    uint64_t body_us;   /* when the last of the body came */
    uint64_t waited_us; /* how long it was wanted before it was not */
};

struct exchange_rare { /* owned; NULL: not needed */
    struct forward *forward;       /* what a forward proxy does beyond routing */
    struct http_target *asked;     /* with what it points to, where a tunnel may come of it */
    struct starttls_join *join;    /* what still changes in the streams of a tcp connection that began in plaintext */
    struct request_agent *agent;   /* what the request says of the program it comes from, and a trusted proxy of the client */
    char *id;                      /* of the request, where something wants one */
    char *key;                     /* WebSocket: the key that was sent to an upstream of HTTP/1.1 for a client of HTTP/2 */
};

struct exchange_line {
    size_t method, uri, host;
};

struct exchange { /* what each turn looks at comes first */
    struct uplink_use use; /* first: its upstream connection */
    struct client *client;
    const struct plan_listener *listener; /* borrowed: the driver holds its snapshot */
    enum exchange_phase phase;
    bool raw;                     /* plain bytes in both directions */
    struct exchange_asked asked;
    struct exchange_tries tries;
    struct exchange_answer answer;
    struct flow down, up;         /* towards the client, towards the upstream */
    struct exchange_bytes bytes;
    struct exchange_times at;
    struct exchange *prev, *next; /* of the client's */
    struct exchange_way way;
    struct exchange_kept kept;
    struct exchange_rare rare;
    struct exchange_line len;     /* of what stands in line */
    char line[];                  /* method and target, for the report, cut when long; then what Host said, where Location may have to say it */
};

/* exchange.c */
/* It begins at this client. NULL: out of memory, and the client's link is marked as broken. */
struct exchange *exchange_new(struct client *c, struct span method, struct span uri, struct span host, struct moment now);
void exchange_free(struct exchange *x);
struct exchange *exchange_of(struct uplink_use *use);
struct span exchange_line_host(const struct exchange *x);
void exchange_activate(struct exchange *x, struct moment now);
void exchange_report(struct exchange *x, enum reason reason, const char *detail, struct moment now);
/* It is over, and was reported: leaves its target and its upstream connection. whole: what the client has of the answer is complete. */
void exchange_finish(struct exchange *x, bool whole, struct moment now);
/* In HTTP/1.1 the client's connection ends with it. A stream of HTTP/2 ends alone. */
void exchange_is_last(struct exchange *x);
/* It is over for want of its client. */
void exchange_abandon(struct exchange *x);
void exchange_settle(struct exchange *x, struct moment now);
void exchange_credit(struct exchange *x); /* gives room back for what was passed on */
bool exchange_takes_body(const struct exchange *x); /* more of what the client sends may be read */

/* exchange_request.c */
void exchange_request_begin(struct exchange *x, struct moment now); /* one that was postponed goes upstream */
/* A head was read. x may be over afterwards. */
void exchange_request_head(struct exchange *x, const struct http_head *head, struct moment now);
void exchange_request_data(struct exchange *x, struct span data, struct moment now);
void exchange_request_trailers(struct exchange *x, const struct http_head *head, struct moment now);
void exchange_request_end(struct exchange *x, struct moment now);
void exchange_request_send(struct exchange *x, struct moment now); /* on the upstream connection that is open now */
bool exchange_request_can_replay(const struct exchange *x);        /* all that was read of the request is at hand */
void exchange_request_forget(struct exchange *x);
struct span exchange_via(const struct exchange *x, const struct http_head *head); /* for http_outgoing */

/* exchange_response.c */
extern const struct uplink_events exchange_events;

/* exchange_choose.c */
uint64_t exchange_draw(struct proxy_env *env); /* any number, no secret */
void exchange_read_session(struct exchange *x, const struct admission *a);     /* which target the client's cookie or path names */
int exchange_session_field(const struct exchange *x, struct bytes *out);       /* appends the cookie that a response is to set, if any */
bool exchange_choose(struct exchange *x, struct moment now);                   /* among the targets of its route. False: none can be used */
bool exchange_choose_next(struct exchange *x, struct moment now);              /* the one so far has failed. False: there is no other, and it stays chosen */
void exchange_leave_target(struct exchange *x);                                /* nothing of ours runs on it any more */
void exchange_tell_target(struct exchange *x, enum target_event what);         /* the observer */

/* exchange_upstream.c */
void exchange_go_upstream(struct exchange *x, struct moment now);              /* to the chosen target: from the pool or by connecting */
void exchange_on_open(struct uplink_use *use, struct moment now);
void exchange_on_elsewhere(struct uplink_use *use, struct moment now);
void exchange_on_settings(struct uplink_use *use, struct moment now);
void exchange_find_room(struct exchange *x, struct moment now); /* on another connection: more waited for this one than it takes, or it takes none */
void exchange_go_by_http1(struct exchange *x, struct moment now); /* on a connection of HTTP/1.1, for this one does not do */
void exchange_on_reset(struct uplink_use *use, uint32_t code, bool unprocessed, struct moment now);
void exchange_on_failed(struct uplink_use *use, enum reason reason, const char *text, const char *hint, struct moment now);
void exchange_drop_uplink(struct exchange *x);
/* Goes on with another target or attempt where that is right, else tells the client. */
void exchange_upstream_failed(struct exchange *x, enum reason reason, const char *text, struct moment now);

/* exchange_header.c: the PROXY header that tells an upstream of the client */
int exchange_write_header(const struct uplink_use *use, enum config_proxy_protocol version, struct bytes *out);

/* exchange_rejudge.c */
bool exchange_rejudge_keep(struct exchange *x, const struct admission *a); /* of what may become a tunnel; false: out of memory */

/* exchange_location.c */
enum { EXCHANGE_LOCATIONS = 3 };
struct exchange_locations { /* the fields of a response whose addresses are made ours */
    struct http_field fields[EXCHANGE_LOCATIONS];
    struct bytes values[EXCHANGE_LOCATIONS];
    size_t n;
};
/* The Host that an answer's Location may have to name; else empty. */
struct span exchange_location_host(const struct plan_listener *listener, const struct http_head *head);
int exchange_location_rewrite(const struct exchange *x, const struct http_head *head, struct exchange_locations *out); /* -1: out of memory */
void exchange_location_clear(struct exchange_locations *l);

/* exchange_answer.c */
/* Answers it ourselves. If an answer has begun, cuts it so that it cannot look complete. */
void exchange_answer(struct exchange *x, enum reason reason, const char *detail, struct moment now);
void exchange_answer_h2(struct exchange *x, const char *detail, struct moment now); /* to a client that speaks HTTP/2 */
void exchange_answer_route(struct exchange *x, const struct admission *a, struct moment now); /* a route that redirects or responds */
void exchange_answer_options(struct exchange *x, struct moment now); /* the last of its Max-Forwards ended here */

/* exchange_raw.c: plain bytes */
void exchange_raw_begin(struct client *c, struct moment now); /* a tcp connection */
void exchange_raw_in(struct exchange *x, struct span in, struct moment now); /* of the client */
/* The route of a tcp connection by the server name it sent: REASON_VALID, or why it has none there (admit_name). */
enum reason exchange_raw_route(const struct client *c, const struct plan_listener *at, const struct plan_route **route, struct err *err);
void exchange_raw_open(struct exchange *x, struct moment now);       /* the upstream connection stands */
void exchange_raw_resume(struct exchange *x, struct moment now);     /* the client does, which began without TLS while the upstream opened */
/* Passes on what ended and finishes when both directions did. Called whenever either may have come true. */
void exchange_raw_ended(struct exchange *x, struct moment now);
/* Both directions are raw from here on; left came behind the upstream's head. */
void exchange_tunnel_begin(struct exchange *x, struct span left, struct moment now);

/* exchange_websocket.c: WebSocket where one side speaks HTTP/2 */
struct exchange_websocket_edit { /* room for what the key makes of the request's edits */
    struct http_edit edit;
    struct http_field set;
    struct span remove;
};
struct exchange_websocket_answer {
    struct http_head head;
    struct http_field *fields; /* owned, by free; NULL: the head's own */
    char accept[32];
};
/* Makes an extended CONNECT the GET that it stands for; other heads stay. Or why it is refused. */
enum reason exchange_websocket_read(struct http_head *head, const char **why);
bool exchange_websocket_is_refused(const struct exchange *x, const struct uplink *u); /* the server takes none by HTTP/2 */
bool exchange_websocket_must_wait(const struct exchange *x, const struct uplink *u);  /* it has not said yet whether it does */
int exchange_websocket_ask(struct exchange *x, struct http_outgoing *out, struct exchange_websocket_edit *room); /* -1: out of memory */
bool exchange_websocket_begins(const struct exchange *x, const struct http_head *head);
const char *exchange_websocket_refusal(const struct exchange *x, const struct http_head *head); /* why this answer cannot be passed on; NULL: it can */
int exchange_websocket_answer(const struct exchange *x, const struct http_head *head, struct exchange_websocket_answer *out); /* as the client is told; -1: out of memory */
void exchange_websocket_in(struct exchange *x, struct span in, struct moment now); /* of a client of HTTP/2 */
void exchange_websocket_ended(struct exchange *x, struct moment now);

/* exchange_starttls.c */
bool exchange_join_new(struct exchange *x); /* where its route needs one; false: out of memory */
void exchange_join_clear(struct exchange *x);
void exchange_join_open(struct exchange *x);
void exchange_join_pass(struct exchange *x, bool from_client, struct span in, struct moment now); /* x may be over afterwards */
bool exchange_join_holds_client(const struct exchange *x);
bool exchange_wants_greeting(const struct exchange *x); /* MySQL: the client waits for the server's */
void exchange_greeting_in(struct exchange *x, struct span in, struct moment now);
void exchange_on_greeting(struct uplink_use *use, struct span greeting, struct moment now);
bool exchange_wants_login(const struct exchange *x); /* MySQL: the server waits for the begin of the client's */
void exchange_look_for_login(struct exchange *x, struct moment now);

/* exchange_time.c */
void exchange_time_body(struct exchange *x, struct moment now); /* a part of the request's body came */
void exchange_time_settle(struct exchange *x, struct moment now); /* at the end of a turn: records which side waits for the other */
uint64_t exchange_deadline_us(const struct exchange *x);
void exchange_on_deadline(struct exchange *x, struct moment now);

/* exchange_limit.c */
enum limit {
    LIMIT_PROXY_HEADER,
    LIMIT_CLIENT_HANDSHAKE,
    LIMIT_HEADER,
    LIMIT_BODY,
    LIMIT_BODY_RATE,
    LIMIT_WRITE,
    LIMIT_LISTENER_IDLE,
    LIMIT_RESPONSE,
    LIMIT_UPSTREAM_IDLE,
};
enum { LIMIT_TEXT_SIZE = 640 };
/* Writes what, the limit's key and its value into out; *hint: what to do, NULL where the reason's says it. target: where the limit is the upstream's. Gives out. */
const char *limit_text(const struct plan_listener *listener, const struct plan_target *target, enum limit which, const char *what, const char **hint,
                       char out[LIMIT_TEXT_SIZE]);

/* exchange_forward.c: what a forward proxy does beyond routing */
bool exchange_forward_take(struct exchange *x, const struct admission *a); /* it goes past the routes; false: out of memory */
bool exchange_forward_runs_on(const struct exchange *x, const struct admit_place *at); /* as a tunnel to the host it names it would be opened again */
bool exchange_forward_is_direct(const struct exchange *x); /* it goes to the host it names, past the routes */
bool exchange_forward_is_blind(const struct exchange *x);  /* a CONNECT that is not looked into */
void exchange_forward_choose(struct exchange *x);          /* sets target and dial of a direct one */
void exchange_forward_grant(struct exchange *x, struct moment now);  /* a CONNECT that was judged well */
void exchange_forward_opened(struct exchange *x, struct moment now); /* the connection a blind one asked for stands */
void client_sniff(struct client *c, struct span in, struct moment now);
uint64_t client_sniff_limit_ms(const struct client *c); /* how long a client may be silent before something is done */
void client_sniff_silence(struct client *c, struct moment now);
void client_sniff_ended(struct client *c, struct moment now);

/* exchange_agent.c: what a request says of the program it comes from, for an observer who wants it */
void exchange_agent_keep(struct exchange *x, const struct http_head *head, const struct http_target *target);
void exchange_agent_report(const struct exchange *x, struct report *r);

/* exchange_id.c */
/* The request's id, of which it has one: what a trusted proxy sent in field, else a random one. NULL: out of memory. */
const char *exchange_id(struct exchange *x, struct span field, const struct http_head *head);

/* exchange_text.c: what routes say with variables */
int exchange_text_fields(struct exchange *x, const struct admission *a, struct bytes *out); /* appends header lines; -1: out of memory */
/* Appends where the route redirects to. Or why the request is refused: the place is longer than clients take, or needs a host that is none. */
enum reason exchange_text_location(struct exchange *x, const struct admission *a, struct bytes *out, struct err *err);
/* The text that the route responds with, borrowed from it or made in room; -1: out of memory. */
int exchange_text_body(struct exchange *x, const struct admission *a, struct bytes *room, struct span *out);

/* exchange_fields.c */
/* How forwarded tells about this client, and whether it is a trusted proxy. */
struct http_forwarded exchange_forwarded(const struct exchange *x);
/* Header lines that are added to this request: identity, forwarded, and those that routes set from variables. */
int exchange_added_fields(struct exchange *x, const struct admission *a, struct bytes *out);
/* Value of Host for the upstream; empty: keep the client's. buf is the caller's. */
struct span exchange_host_field(const struct exchange *x, char *buf, size_t size);

#endif
