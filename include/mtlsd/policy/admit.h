/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one gate: may this request, or the bytes of this tcp connection, go on, and where? Requests ask here, and tcp listeners in the handshake, open
 * requests after a reload, and the command explain. Values in, a verdict out; nothing is refused or allowed anywhere else.
 *
 *   request   it is HTTP that two readers understand alike (http/), and its target can be taken apart
 *   path      on a listener with path rules: odd spellings are refused or rewritten (security C9)
 *   host      it belongs to the policy that the caller was verified with, where TLS chose one by server name (security A9)
 *   browser   on a plaintext listener: no web page sent it (security E1)
 *   loop      on a forward proxy: it did not come through us again and again
 *   program   the user of the calling program may use the listener
 *   header    it carries the secret of require_header; in a tunnel, CONNECT did
 *   caller    the rules of the listener
 *   route     a forward proxy may take it past the routes: to the host it names, or as CONNECT; else a route, that route's rules, and whether the
 *             user of the calling program may use the identities of its upstream
 *   destination  where the path or the host decides: COPY and MOVE may also reach the path in Destination, on the same upstream (security C9)
 *
 * Each step can refuse, and the first that does decides. ADMIT_REFUSED is the initial value, and only the step "route" changes it.
 */
#ifndef MTLSD_POLICY_ADMIT_H
#define MTLSD_POLICY_ADMIT_H

#include "mtlsd/base/err.h"
#include "mtlsd/http/http_target.h"
#include "mtlsd/policy/caller.h"
#include "mtlsd/policy/route_index.h"

struct required_header;
struct tls_sni;

#define ADMIT_VIA_NAME "mtlsd" /* what we call ourselves in Via, by which a loop is found */

struct admit_place { /* who asks, and where; all borrowed */
    const struct config_listener *conf;
    const struct route_index *by_host; /* of its routes; NULL: they are looked through */
    const struct tls_sni *sni;         /* NULL: one policy for all names, or no TLS */
    size_t policy;                     /* which of them the caller was judged by */
    const struct tls_verdict *verdict; /* NULL: no certificate was requested */
    const struct tls_peer *peer;       /* NULL: there is none */
    const struct caller_limits *limits; /* by the user of the calling program; NULL: none */
    const struct caller *caller;       /* that program; NULL: it was not asked for, and passes no limit */
    const struct required_header *required; /* NULL: none */
    const struct address *tunnel;      /* CONNECT to it was granted on this connection; NULL: none was */
    const uint8_t *local;              /* the address of the listening socket, of n_local bytes; n_local 0: unknown */
    size_t n_local;
    unsigned local_port;               /* 0: unknown */
};

enum admit_way {
    ADMIT_REFUSED,
    ADMIT_BY_ROUTE, /* the one in choice, to its upstream or as its answer */
    ADMIT_DIRECT,   /* in plaintext to the host itself */
    ADMIT_BLIND,    /* CONNECT: bytes that are not read */
    ADMIT_SNIFFED,  /* CONNECT: what is said in it is judged then */
};

struct admission { /* begins with admission_init, whatever is asked */
    enum admit_way way;
    const struct http_head *head; /* borrowed */
    struct span method;
    struct http_target target;
    struct span path;             /* as matched, and as forwarded but for strip_prefix */
    struct bytes rewritten;       /* owned: the path, where it did not come so */
    struct route_choice choice;   /* kept where an earlier step refuses and a trace is wanted: what would decide */
    bool would_refuse;            /* rules that are only tried out (allow_log_only) would refuse it */
    bool public_only;             /* special addresses are refused after the lookup, because no list names the host (security E3) */
    struct address to;            /* all ways but by a route */
    struct route_runs found;      /* of the host, once the request was read */
};

enum admit_step { ADMIT_REQUEST, ADMIT_PATH, ADMIT_HOST, ADMIT_BROWSER, ADMIT_LOOP, ADMIT_PROGRAM, ADMIT_HEADER, ADMIT_CALLER, ADMIT_ROUTE, ADMIT_DESTINATION, ADMIT_STEPS };

struct admit_trace { /* the result of each step, also after a step that refuses */
    struct admit_said {
        bool asked;         /* false: this listener does not ask that, or there is nothing to ask about */
        enum reason reason; /* REASON_VALID: passes */
        bool would_refuse;  /* but rules that are only tried out would refuse it here */
        enum admit_way way; /* of the last step */
        struct err err;     /* the sentence of a refusal */
    } said[ADMIT_STEPS];
};

void admission_init(struct admission *a);
void admission_clear(struct admission *a);

/* Appends the target that a request has behind this route (NULL: none, it goes direct); nothing when it is kept as it came. -1: out of memory. */
MUST_CHECK int admission_target(const struct admission *a, const struct config_route *route, struct bytes *out);

/* REASON_VALID with the way, or the reason and a sentence in err. trace: zeroed by the caller; NULL: not needed, which costs nothing. */
enum reason admit_request(const struct admit_place *at, const struct http_head *head, struct admission *out, struct admit_trace *trace, struct err *err);
/* The rules of the listener alone, for a tcp connection. Without rules no certificate is needed there, but a tolerated one does not pass, since no
 * route names its status. */
enum reason admit_caller(const struct admit_place *at, struct admission *out, struct admit_trace *trace, struct err *err);

/* The step "program" alone, for requests that run. */
enum reason admit_program(const struct admit_place *at, struct err *err);
/* The route of a tcp connection, by its TLS server name; empty: it has none. REASON_NO_ROUTE: it goes nowhere. REASON_CALLER_NOT_ALLOWED: its program may
 * not use the listener, or the identities of that route. */
enum reason admit_name(const struct admit_place *at, struct span name, size_t *route, struct err *err);

/* Whether an open tunnel would be opened again, by the request that opened it. Its path is the forwarded one, with what strip_prefix removed. The steps
 * are the same but for those that look at fields, which are gone. Only a route that forwards will do. */
enum reason admit_running(const struct admit_place *at, struct span method, const struct http_target *asked, struct err *err);
/* The same of one that a forward proxy leads past the routes, to the host itself. public_only: that is no special address. */
enum reason admit_running_direct(const struct admit_place *at, struct span method, const struct http_target *asked, bool public_only, struct err *err);

#endif
