/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of ours to an upstream. It opens itself (connect, an HTTP proxy on the way, a PROXY header, TLS), and then carries what its users ask
 * of it: exchanges, a health check, or nothing yet (a spare connection). Without a user it lies idle in the pool, or is retired and waits for the
 * driver to close its socket.
 *
 *   CONNECTING   the driver connects
 *   PROXY        an HTTP proxy on the way is asked for a tunnel
 *   STARTTLS     the server is asked in plaintext to start TLS
 *   HANDSHAKE    TLS
 *   OPEN         it may be written to
 *   RETIRED      no further use
 */
#ifndef MTLSD_PROXY_UPLINK_H
#define MTLSD_PROXY_UPLINK_H

#include "mtlsd/http/http1.h"
#include "mtlsd/proxy/link.h"
#include "mtlsd/proxy/plan.h"
#include "mtlsd/proxy/proxy_env.h"
#include "mtlsd/proxy/starttls.h"

struct connector; /* the driver's */
struct uplink_use;

enum uplink_phase { UPLINK_CONNECTING, UPLINK_PROXY, UPLINK_STARTTLS, UPLINK_HANDSHAKE, UPLINK_OPEN, UPLINK_RETIRED };

/* The callbacks of a user, embedded in it. Each user may leave the uplink (uplink_leave) within any of these calls. */
struct uplink_events {
    /* Writes the PROXY header, if the upstream wants one. NULL: a header that names no client. -1: out of memory. */
    int (*write_header)(const struct uplink_use *use, enum config_proxy_protocol version, struct bytes *out);
    /* MySQL's server has greeted: uplink_login goes on. NULL: there is no client. */
    void (*on_greeting)(struct uplink_use *use, struct span greeting, struct moment now);
    void (*on_step)(struct uplink_use *use); /* another phase of opening has begun, with a time of its own. NULL: of no interest */
    void (*on_open)(struct uplink_use *use, struct moment now);
    /* It is open, but for another user: HTTP/1.1 carries one. The user was taken off. NULL: there is never another. */
    void (*on_elsewhere)(struct uplink_use *use, struct moment now);
    /* HTTP/2: it is open, and now the server has said what it takes. NULL: of no interest. */
    void (*on_settings)(struct uplink_use *use, struct moment now);
    /* HTTP/2: the upstream reset this user's stream. unprocessed: it never began with it. The user was not taken off. */
    void (*on_reset)(struct uplink_use *use, uint32_t code, bool unprocessed, struct moment now);
    /* It came to nothing, in whatever phase. hint: static, what to do; NULL: what the reason's row says. */
    void (*on_failed)(struct uplink_use *use, enum reason reason, const char *text, const char *hint, struct moment now);
    /* More of what the upstream says may be read. */
    bool (*takes)(const struct uplink_use *use);
    void (*on_sent)(struct uplink_use *use, size_t n, struct moment now);
    /* The upstream said something, before it is taken apart. False: it is not wanted. */
    bool (*on_bytes)(struct uplink_use *use, struct span in, struct moment now);
    /* http: its response */
    void (*on_head)(struct uplink_use *use, const struct http_head *head, struct moment now);
    void (*on_data)(struct uplink_use *use, struct span data, struct moment now); /* without http: all bytes */
    void (*on_trailers)(struct uplink_use *use, const struct http_head *head, struct moment now);
    void (*on_end)(struct uplink_use *use, bool reusable, struct moment now); /* without http: the peer's direction ended */
    void (*on_switched)(struct uplink_use *use, struct span left, struct moment now); /* after a 101: plain bytes from here on */
};

struct uplink_use {
    const struct uplink_events *events;
    struct uplink *uplink; /* NULL: none */
    struct uplink_use *prev, *next;
};

struct uplink_pooled { /* its place in the pool */
    struct uplink *prev, *next; /* on its shelf, or among those that are shared */
    uint64_t keep_us; /* how long the server lets it idle, less a margin, as its last answer with Keep-Alive said; UINT64_MAX: unsaid */
    uint64_t since_us, until_us; /* not used from the second on */
    bool shelved;
};

struct uplink_times {
    uint64_t heard_us; /* when its peer last said anything */
    uint64_t pinged_us; /* HTTP/2: when it was last asked whether it is there; 0: never */
    uint64_t since_us; /* when its phase began */
    uint64_t begun_us, connected_us; /* when it was made, and its socket was connected */
};

struct uplink_opening { /* what is needed until it is open */
    struct http1 *proxy;      /* owned; reads what a proxy on the way answers; NULL: there is none, or the way is open */
    struct starttls *talk;    /* owned; what is said in plaintext before TLS; NULL: nothing, or not any more */
    struct tls_context *late; /* counted; what changed during the handshake, to judge by once more when that is done; NULL: nothing did */
    struct connector *connector;
};

struct uplink_flags {
    bool asked;      /* the driver was asked to connect */
    bool may_http2;
    bool shared;     /* others may join: it speaks HTTP/2, or may come to it */
    bool closing;    /* takes no further users */
    bool stray;      /* without a user, its peer said something or ended it: it is lost to the pool */
    bool answered;   /* with the head of a response, in HTTP */
    bool ended;      /* the peer's direction ended cleanly */
    bool reported;   /* its handshake was told to the observer */
    bool keep_alive; /* what the response that runs said about the connection */
    bool reset;      /* once retired: to be aborted, because a plain end would make what was passed on look whole */
};

struct uplink {
    struct link link; /* first */
    struct proxy_env *env;            /* borrowed: the worker's */
    enum uplink_phase phase;
    unsigned carried; /* requests so far; 0 in the pool: a spare connection */
    struct uplink_flags is;
    struct http1 *http;       /* owned; NULL: plain bytes */
    struct uplink_use *first; /* its users */
    size_t n_users;
    const struct plan_target *target; /* the driver of this uplink holds its snapshot */
    struct uplink_pooled pooled;
    struct uplink_times at;
    struct dial dial;
    struct uplink_opening opening;
};

/* The protocol that it is to speak. */
enum uplink_kind {
    UPLINK_RAW,   /* plain bytes */
    UPLINK_HTTP1, /* HTTP/1.1, whatever else the target speaks */
    UPLINK_HTTP,  /* what the target speaks */
};

/* tickets: to resume by; NULL: a whole handshake. NULL + err. */
struct uplink *uplink_new(struct proxy_env *env, const struct dial *dial, enum uplink_kind kind, struct tls_tickets *tickets, struct moment now,
                          struct err *err);
void uplink_free(struct uplink *u);
struct uplink *uplink_of(struct link *l);

/* It may be HTTP/2 once it is open, or is. */
bool uplink_may_share(const struct uplink *u);
/* Another user finds room. */
bool uplink_has_room(const struct uplink *u);
void uplink_join(struct uplink *u, struct uplink_use *use);
void uplink_leave(struct uplink_use *use);
/* A request waited in vain since then. Where nothing at all was heard meanwhile, HTTP/2 takes no further request there: the peer may be gone. */
void uplink_doubt(struct uplink *u, uint64_t since_us);
/* MySQL: it waits for the begin of the client's login, and goes on with it. */
bool uplink_wants_login(const struct uplink *u);
void uplink_login(struct uplink *u, const uint8_t login[STARTTLS_MYSQL_HEADER], struct moment now);
/* Its users' bytes are not HTTP from here on. */
void uplink_make_raw(struct uplink *u);
/* What to do about a server that answers in HTTP/2 what was asked in HTTP/1.1; static. */
const char *uplink_http2_hint(const struct uplink *u);
/* Reports its handshake to the observer, once. */
void uplink_report(struct uplink *u);

/* The driver's calls; pump follows. Bytes are valid until then. */
void uplink_on_connected(struct uplink *u, struct moment now);
void uplink_on_connect_failed(struct uplink *u, enum reason reason, const char *text, struct moment now);
void uplink_on_wire(struct uplink *u, struct span wire, struct moment now);
void uplink_on_eof(struct uplink *u, struct moment now);
void uplink_on_error(struct uplink *u, const struct run_failure *why, struct moment now);
void uplink_on_sent(struct uplink *u, size_t n, struct moment now);
/* The revocation lists or the configuration have changed: ctx is what its target has now. */
void uplink_rejudge(struct uplink *u, struct tls_context *ctx, struct moment now);
/* Only rows of a registry have changed: as client_keeps_row. */
bool uplink_keeps_row(const struct uplink *u, struct moment now);

/* For pump. True: there may be more to send. */
bool uplink_continue(struct uplink *u, struct moment now);
void uplink_settle(struct uplink *u, struct moment now);
bool uplink_wants_read(const struct uplink *u);

/* The end of the time it has for opening; UINT64_MAX: it is open. uplink_on_late: that has come, and its users are told. */
uint64_t uplink_deadline_us(const struct uplink *u);
void uplink_on_late(struct uplink *u, struct moment now);

/* HTTP/2, while streams wait for it: when a silent server is asked for a sign of life, or has not given one in time; UINT64_MAX: not HTTP/2. */
uint64_t uplink_quiet_deadline_us(const struct uplink *u);
void uplink_on_quiet(struct uplink *u, struct moment now);

/* The last bytes to send before the driver closes the socket: our alert, so that the server learns the reason, or close_notify. After they are
 * sent the socket ends without a reset, which could overtake them. Empty: nothing to send. Borrowed from the link. */
struct span uplink_last_words(struct uplink *u);

#endif
