/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of a forward proxy beyond routing: hosts reached directly, and CONNECT.
 *
 *   request       its host has a route         as any request: TLS and our certificate are made on the way
 *                 listed, or unmatched hosts   plain HTTP to exactly that host and port, no identity
 *                 may pass
 *   CONNECT       connect = "refuse"           403
 *                 connect = "tunnel"           connected first, then 200, then blind bytes both ways
 *                 connect = "sniff"            200 at once, then SNIFF:
 *   SNIFF         TLS, host may be reached     blind bytes both ways
 *                 TLS, host of a route, intercept   our TLS, and requests inside, which go as above
 *                 TLS, else                    a fatal alert: our certificate cannot go with it
 *                 a method                     requests in the tunnel: their Host must be the one of CONNECT, and they go as above
 *                 silence or anything else     blind where the host may be reached, as with TLS; else read as HTTP, or ended
 *
 * The address that is connected to is judged where names are resolved (struct dial, security E3). A redirect is an answer like others: nothing
 * here follows one.
 */
#include "exchange_internal.h"

#include "mtlsd/policy/forward.h"
#include "mtlsd/tls/tls_intercept.h"

#include <stdlib.h>

enum { LONGEST_METHOD = 17, TLS_HANDSHAKE = 0x16, TLS_MAJOR = 0x03 };

struct forward {
    struct address to;  /* the host and port that were asked for */
    bool public_only;
    bool direct;        /* it goes there, past the routes */
    bool blind;         /* CONNECT whose bytes are not read */
};

/* ---- what the gate said ---- */

bool exchange_forward_take(struct exchange *x, const struct admission *a)
{
    struct forward *f = calloc(1, sizeof(*f));
    if (f == NULL)
        return false;
    *f = (struct forward){.to = a->to, .public_only = a->public_only, .direct = a->way != ADMIT_SNIFFED, .blind = a->way == ADMIT_BLIND};
    x->rare.forward = f;
    bool may_tunnel = a->way != ADMIT_DIRECT || x->asked.upgrade;
    return !may_tunnel || exchange_rejudge_keep(x, a);
}

bool exchange_forward_runs_on(const struct exchange *x, const struct admit_place *at)
{
    struct err err = {0};
    struct admit_place here = *at;
    const struct forward *f = x->rare.forward;
    here.tunnel = f->blind ? NULL : at->tunnel; /* CONNECT is what it was granted by */
    return admit_running_direct(&here, span_of(x->line, x->len.method), x->rare.asked, f->public_only, &err) == REASON_VALID;
}

bool exchange_forward_is_direct(const struct exchange *x)
{
    return x->rare.forward != NULL && x->rare.forward->direct;
}

bool exchange_forward_is_blind(const struct exchange *x)
{
    return x->rare.forward != NULL && x->rare.forward->blind;
}

/* ---- going there ---- */

void exchange_forward_choose(struct exchange *x)
{
    struct exchange_way *way = &x->way;
    const struct forward *f = x->rare.forward;
    way->route = NULL;
    way->n_also = 0;
    way->target = x->listener->direct;
    way->dial = (struct dial){.target = way->target, .address = &f->to, .public_only = f->public_only};
}

/* False: out of memory, and the connection ends. */
static bool say_established(struct exchange *x)
{
    struct client *c = x->client;
    c->tunnel = malloc(sizeof(*c->tunnel));
    if (c->tunnel == NULL) {
        c->link.broken = true;
        return false;
    }
    *c->tunnel = x->rare.forward->to;
    link_write_copy(&c->link, span_from_str("HTTP/1.1 200 Connection established\r\n\r\n"));
    x->answer.answered = true;
    x->answer.status = 200;
    return true;
}

void exchange_forward_grant(struct exchange *x, struct moment now)
{
    if (x->rare.forward->blind) {
        x->client->is.close_after = true; /* if it fails: what the client said behind CONNECT is no request (security C3) */
        exchange_forward_choose(x);
        exchange_go_upstream(x, now);
    } else if (say_established(x)) {
        client_enter(x->client, CLIENT_SNIFF, now);
    }
}

void exchange_forward_opened(struct exchange *x, struct moment now)
{
    if (say_established(x))
        exchange_tunnel_begin(x, span_of(NULL, 0), now);
}

/* ---- looking into a tunnel ---- */

enum looks { LOOKS_SHORT, LOOKS_TLS, LOOKS_HTTP, LOOKS_OTHER };

/* A method is a word in capitals with a space behind it. No other protocol whose client speaks first begins so. */
static enum looks look_at(struct span s)
{
    if (s.len == 0 || (s.len == 1 && s.ptr[0] == TLS_HANDSHAKE))
        return LOOKS_SHORT;
    if (s.ptr[0] == TLS_HANDSHAKE && s.ptr[1] == TLS_MAJOR)
        return LOOKS_TLS;
    for (size_t i = 0; i < s.len && i <= LONGEST_METHOD; i++) {
        if (i > 0 && s.ptr[i] == ' ')
            return LOOKS_HTTP;
        if ((s.ptr[i] < 'A' || s.ptr[i] > 'Z') && (s.ptr[i] != '-' || i == 0))
            return LOOKS_OTHER;
    }
    return s.len > LONGEST_METHOD ? LOOKS_OTHER : LOOKS_SHORT;
}

/* From here on the client's bytes are not read as HTTP. */
static void go_blind(struct exchange *x, bool public_only, struct moment now)
{
    struct client *c = x->client;
    struct forward *f = x->rare.forward;
    f->direct = f->blind = x->raw = true;
    f->public_only = public_only;
    http1_free(c->http);
    c->http = NULL;
    client_enter(c, CLIENT_OPEN, now);
    exchange_forward_choose(x);
    exchange_go_upstream(x, now);
}

static void end_with(struct exchange *x, enum reason reason, const char *why, struct moment now)
{
    exchange_report(x, reason, why, now);
    exchange_abandon(x);
    client_linger(x->client, now);
}

/* RFC 8446 section 6: the client's library will say that access was denied, not that a connection broke. */
static void refuse_tls(struct exchange *x, const char *why, struct moment now)
{
    static const uint8_t alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 2, 49}; /* fatal, access_denied */
    link_write_copy(&x->client->link, span_of(alert, sizeof(alert)));
    end_with(x, REASON_TLS_IN_TUNNEL, why, now);
}

/* CONNECT is over, and what follows are requests of their own. */
static void read_requests(struct exchange *x, struct moment now)
{
    exchange_report(x, REASON_VALID, "", now);
    exchange_abandon(x);
    client_enter(x->client, CLIENT_OPEN, now);
}

/* The server name and Host must be those of CONNECT: its certificate is for no other, and the gate compares (tls_intercept.h). */
static void intercept(struct exchange *x, struct moment now)
{
    struct client *c = x->client;
    struct err err = {0};
    struct tls_context *ctx = tls_intercept_context(c->listener->intercept, span_from_str(c->tunnel->host), now.utc, &err);
    if (ctx != NULL)
        c->link.tls = tls_engine_new(ctx, c->env->tickets, client_tls_accept, c, &err);
    if (ctx != NULL)
        tls_context_unref(ctx);
    if (c->link.tls == NULL) {
        end_with(x, REASON_INTERNAL, err.text, now);
        return;
    }
    exchange_report(x, REASON_VALID, "", now);
    exchange_abandon(x);
    link_make_raw(&c->link);
    http1_free(c->http);
    c->http = NULL;
    client_enter(c, CLIENT_HANDSHAKE, now);
    tls_engine_wire_in(c->link.tls, bytes_span(&c->held), now.utc);
    tls_engine_wire_keep(c->link.tls); /* before the bytes go */
    bytes_clear(&c->held);
    client_tls_in(c, now);
}

static bool intercepts(const struct client *c)
{
    struct span host = span_from_str(c->tunnel->host);
    return c->listener->intercept != NULL && tls_intercept_permits(c->listener->intercept, host) &&
           forward_judge(c->listener->conf, FORWARD_REQUEST, host, c->tunnel->port, NULL).way == FORWARD_BY_ROUTE;
}

static void decide(struct client *c, enum looks looks, struct moment now)
{
    struct err err = {0};
    struct exchange *x = c->exchanges.first;
    if (looks == LOOKS_HTTP) {
        read_requests(x, now);
        return;
    }
    struct forward_verdict v = forward_judge(c->listener->conf, FORWARD_TLS, span_from_str(c->tunnel->host), c->tunnel->port, &err);
    if (v.way == FORWARD_DIRECT)
        go_blind(x, v.public_only, now);
    else if (looks == LOOKS_TLS && intercepts(c))
        intercept(x, now);
    else if (looks == LOOKS_TLS)
        refuse_tls(x, err.text, now);
    else if (looks == LOOKS_OTHER)
        read_requests(x, now); /* which will say what is wrong with it */
    else
        end_with(x, REASON_REQUEST_TIMEOUT, "no data was sent in the tunnel", now);
}

void client_sniff(struct client *c, struct span in, struct moment now)
{
    if (!client_hold(c, in))
        return;
    enum looks looks = look_at(bytes_span(&c->held));
    if (looks != LOOKS_SHORT)
        decide(c, looks, now);
}

uint64_t client_sniff_limit_ms(const struct client *c)
{
    enum { SILENCE_MS = 1000 };
    bool may = forward_judge(c->listener->conf, FORWARD_TLS, span_from_str(c->tunnel->host), c->tunnel->port, NULL).way == FORWARD_DIRECT;
    return may ? SILENCE_MS : c->listener->conf->header_ms;
}

void client_sniff_silence(struct client *c, struct moment now)
{
    bool tls = c->held.len > 0 && bytes_span(&c->held).ptr[0] == TLS_HANDSHAKE;
    decide(c, tls ? LOOKS_TLS : LOOKS_SHORT, now);
}

void client_sniff_ended(struct client *c, struct moment now)
{
    end_with(c->exchanges.first, REASON_CLIENT_CLOSED, "the client closed the tunnel without sending data", now);
}
