/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells what the daemon would do with a request or a certificate, and which line of the configuration decides. It asks a snapshot, without a
 * connection. The parser, the verification and the gate (policy/admit.h) are those that serve traffic; nothing is decided here.
 */
#ifndef MTLSD_CONTROL_EXPLAIN_H
#define MTLSD_CONTROL_EXPLAIN_H

#include "mtlsd/control/snapshot.h"
#include "mtlsd/http/http1.h"
#include "mtlsd/policy/admit.h"

struct explain_ask { /* borrowed, for as long as the answer lives */
    const struct snapshot *snapshot;
    const struct plan_listener *listener;
    struct span request;     /* a whole head, as explain_write_request makes it; empty: no request is asked about */
    struct span server_name; /* what the client asks TLS for; empty: the host of the request, or with ders alone for nothing */
    const struct span *ders; /* the caller's chain */
    size_t n_ders;           /* 0: none */
    const struct caller *caller; /* the calling program; NULL: unknown */
    int64_t now;             /* seconds since 1970 */
};

/* The handshake, then the steps of the gate. The first that says no decides; later ones are shown as they would be. */
enum explain_stage { EXPLAIN_HANDSHAKE, EXPLAIN_GATE, EXPLAIN_STAGES = EXPLAIN_GATE + ADMIT_STEPS };
enum {
    EXPLAIN_REQUEST = EXPLAIN_GATE + ADMIT_REQUEST,
    EXPLAIN_PATH = EXPLAIN_GATE + ADMIT_PATH,
    EXPLAIN_BROWSER = EXPLAIN_GATE + ADMIT_BROWSER,
    EXPLAIN_CALLER = EXPLAIN_GATE + ADMIT_CALLER,
    EXPLAIN_ROUTES = EXPLAIN_GATE + ADMIT_ROUTE,
};

struct explain_step {
    bool asked;         /* false: this listener does not ask that, or nothing was there to ask about */
    enum reason reason; /* REASON_VALID: passes */
    char text[640];
};

enum explain_gate { EXPLAIN_NO_GATE, EXPLAIN_GATE_OPEN, EXPLAIN_GATE_SHUT };

struct explain_route {
    const struct config_route *conf;
    const char *where;           /* its line, or the listener's where upstream = "X" stands for a route */
    enum route_miss miss;        /* of the request */
    enum route_miss caller_miss; /* of the caller alone: cert and caller keys */
    enum explain_gate gate;
    bool also;            /* this is its path in another spelling, and it lets the request on too, see route_choose */
    char why[320];        /* a sentence for miss; for a match, empty unless the path is spelled in another way than the route has it */
    char caller_why[320]; /* the same for caller_miss */
    char gate_why[320];
};

enum explain_action {
    EXPLAIN_REFUSED, /* by the stage named in stopped */
    EXPLAIN_OPEN,    /* no request was asked about */
    EXPLAIN_FORWARD,
    EXPLAIN_REDIRECT,
    EXPLAIN_RESPOND,
    EXPLAIN_TUNNEL, /* CONNECT */
    EXPLAIN_DIRECT, /* a forward proxy, to a host that no route names */
    EXPLAIN_BYTES,  /* tcp */
    EXPLAIN_SERVE,  /* a page of our own */
};

struct explain {
    struct explain_step steps[EXPLAIN_STAGES];
    unsigned stopped; /* a stage; EXPLAIN_STAGES: nothing says no */
    enum explain_action action;
    const struct tls_trust *trust; /* what the certificate was judged by; NULL: none is asked for */
    struct tls_verdict verdict;    /* with trust only */
    struct tls_peer *peer;         /* owned; NULL: none */
    struct http1 *parser;          /* owned; the head is its */
    const struct http_head *head;  /* NULL: no request, or a request that cannot be parsed */
    bool has_target;               /* the request was understood */
    struct admission admission;    /* what the gate said; owned. Its choice is that of the route which decides, or would */
    size_t by_name;                /* tcp: the route that the server name leads to */
    struct explain_route *routes;  /* owned; as many as the listener has */
    struct bytes out_target;       /* as it would be forwarded; may be empty */
    char out_host[300];            /* Host as it would be forwarded; empty: as it came */
};

/* -1: out of memory; clear it then too. */
MUST_CHECK int explain_make(const struct explain_ask *ask, struct explain *out);
void explain_clear(struct explain *e);

/* The listener of that name. Without a name: the only listener that this request, or a certificate (request NULL), can reach. NULL + ERR_USAGE, which
 * lists them. */
const struct plan_listener *explain_pick_listener(const struct snapshot *s, const char *name, const char *request, struct err *err);

/* The name that a client asks TLS for when it is given this URL; empty: the request is no https URL. Borrows. */
struct span explain_server_name(const char *request);

/* Appends the head that a client of this listener sends for "METHOD TARGET [HTTP/1.0]". An URL as target becomes a path and Host, except for a
 * forward proxy, which gets it whole. Fields are "Name: value"; Host among them replaces the one from the target. -1: ERR_USAGE or ERR_MEMORY. */
MUST_CHECK int explain_write_request(struct bytes *out, const struct plan_listener *l, const char *request, const char *const *fields,
                                     size_t n_fields, struct err *err);

#endif
