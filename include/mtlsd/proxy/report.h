/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an exchange about a request, a tcp connection or a failed connection that ended. Everything is borrowed for the call. */
#ifndef MTLSD_PROXY_REPORT_H
#define MTLSD_PROXY_REPORT_H

#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/proxy/plan.h"

enum report_kind { REPORT_REQUEST, REPORT_CONNECTION };
enum refused_by { REFUSED_BY_NOBODY, REFUSED_BY_US, REFUSED_BY_PEER, REFUSED_BY_NETWORK };

struct session;
struct caller;
struct tls_hello;
struct tls_registry;

struct report_request { /* all zero for what is no request */
    struct span method, uri;         /* as they came; a long one is cut */
    struct span referer, user_agent; /* OBSERVER_AGENTS: as they came; long ones are cut */
    struct span host;        /* OBSERVER_HOST: without its port; empty: there is none, or it is not well-formed */
    struct span traceparent; /* OBSERVER_TRACE: if it is well-formed */
    unsigned minor;  /* HTTP/1.minor */
    bool http2;      /* HTTP/2 instead */
    const char *id;  /* NULL: it has none */
    unsigned status; /* what the client got, 0: nothing */
};

struct report_from {
    unsigned port;             /* 0: it has none */
    const char *forwarded_for; /* the client of a trusted proxy, address text; NULL: none */
    const char *server_name;   /* OBSERVER_NAME: that the client sent; NULL: none */
    struct session *session;   /* of its connection; NULL: none is kept */
    const struct caller *program; /* that opened the connection; NULL: the kernel was not asked */
};

struct report_times { /* 0: did not happen */
    uint64_t connect_us, handshake_us, first_byte_us, total_us;
};

struct report {
    enum report_kind kind;
    const struct plan_listener *listener;
    const struct plan_target *target;     /* the last that was tried; NULL: it never got that far */
    const struct plan_route *route;       /* NULL: none was chosen */
    const char *client;                   /* address text */
    struct report_from from;              /* more of it */
    struct report_request request;
    unsigned retries;                     /* further targets or attempts */
    enum reason reason;                   /* REASON_VALID: all went well */
    enum reason would_refuse;             /* the result of rules with allow_log_only; REASON_UNDECIDED: none */
    const char *detail;                   /* a sentence, "" */
    const char *hint;                     /* static: what to do; NULL: what the reason's row says */
    const struct tls_hello *hello;     /* of a client whose TLS passes through; NULL: none does */
    const struct tls_facts *down, *up; /* NULL: no TLS on that side */
    bool up_reused;                    /* the upstream connection came from the pool */
    uint64_t bytes_in, bytes_out;      /* of the client's messages: from and to it */
    struct report_times took;
};

/* A handshake that finished or failed. */
struct handshake_report {
    const struct plan_listener *listener; /* accepting; else NULL */
    const struct plan_target *target;     /* connecting; else NULL */
    const struct tls_facts *facts;
    enum reason reason; /* REASON_VALID: it succeeded */
    uint64_t took_us;   /* accepting */
    const char *client; /* accepting: address text */
    const struct tls_registry *registry; /* accepting: of the trust that verified the client; NULL: none */
    struct session **session;            /* accepting: where the observer may leave what it keeps of this connection */
};

enum target_event { TARGET_BEGUN, TARGET_ENDED, TARGET_FAILED }; /* a request or tcp connection runs on it, no more, found it failing */

enum observer_wants { /* of a request: keeping it costs something */
    OBSERVER_AGENTS = 1,
    OBSERVER_HOST = 2,
    OBSERVER_TRACE = 4,
    OBSERVER_NAME = 8,
    OBSERVER_ID = 16, /* each request is to have an id */
};

struct observer {
    void *ctx;
    unsigned wants; /* bits of enum observer_wants */
    void (*on_report)(void *ctx, const struct report *r);
    void (*on_handshake)(void *ctx, const struct handshake_report *r);
    void (*on_target)(void *ctx, const struct plan_target *target, enum target_event what); /* may be NULL */
    void (*on_session_end)(void *ctx, struct session *session); /* the connection whose handshake left it is over */
};

/* Whose no it was. */
enum refused_by report_blame(enum reason reason);
const char *report_blame_word(enum refused_by by); /* "us", "peer", "network"; NULL: no refusal */

#endif
