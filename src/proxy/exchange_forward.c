/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a forward proxy does beyond routing: hosts reached directly, and CONNECT.
 *
 *   request       its host has a route         as any request: TLS and our certificate are made on the way
 *                 listed, or unmatched hosts   plain HTTP to exactly that host and port, no identity
 *                 may pass
 *   CONNECT       connect = "refuse"           403
 *                 connect = "tunnel"           connected first, then 200, then blind bytes both ways
 *                 connect = "sniff"            200 at once, then SNIFF:
 *   SNIFF         TLS, host may be reached     blind bytes both ways
 *                 TLS, else                    a fatal alert: our certificate cannot go with it
 *                 a method                     requests in the tunnel: their Host must be the one of CONNECT, and they go as above
 *                 silence or anything else     blind where the host may be reached, as with TLS; else read as HTTP, or ended
 *
 * The address that is connected to is judged where names are resolved (struct dial, security E3). A redirect is an answer like others: nothing
 * here follows one.
 */
#include "exchange_internal.h"

#include "mtlsd/policy/forward.h"

#include <stdlib.h>

enum { LONGEST_METHOD = 17, TLS_HANDSHAKE = 0x16, TLS_MAJOR = 0x03 };

struct forward {
    struct address to;  /* the host and port that were asked for */
    bool public_only;
    bool direct;        /* the running request goes there, past the routes */
    bool tunnel;        /* CONNECT was granted: the connection speaks with that host only */
    bool blind;         /* and its bytes are not read */
};

/* ---- what the gate said ---- */

bool exchange_forward_take(struct exchange *x, const struct admission *a)
{
    if (x->forward == NULL && (x->forward = calloc(1, sizeof(*x->forward))) == NULL)
        return false;
    x->forward->to = a->to;
    x->forward->public_only = a->public_only;
    x->forward->direct = a->way != ADMIT_SNIFFED;
    x->forward->blind = a->way == ADMIT_BLIND;
    return true;
}

const struct address *exchange_forward_tunnel(const struct exchange *x)
{
    return x->forward != NULL && x->forward->tunnel ? &x->forward->to : NULL;
}

bool exchange_forward_is_direct(const struct exchange *x)
{
    return x->forward != NULL && x->forward->direct;
}

bool exchange_forward_is_blind(const struct exchange *x)
{
    return x->forward != NULL && x->forward->blind;
}

void exchange_forward_forget(struct exchange *x, bool connection)
{
    if (x->forward == NULL)
        return;
    x->forward->direct = false;
    if (x->forward->tunnel && !connection)
        return;
    free(x->forward);
    x->forward = NULL;
}

/* ---- going there ---- */

void exchange_forward_choose(struct exchange *x)
{
    x->route = NULL;
    x->n_also = 0;
    x->target = x->listener->direct;
    x->dial = (struct dial){.target = x->target, .address = &x->forward->to, .public_only = x->forward->public_only};
}

static void say_established(struct exchange *x)
{
    link_write_copy(&x->down, span_from_str("HTTP/1.1 200 Connection established\r\n\r\n"));
    x->rq->answered = true;
    x->rq->status = 200;
    x->forward->tunnel = true;
}

void exchange_forward_grant(struct exchange *x, struct moment now)
{
    if (x->forward->blind) {
        x->close_after = true; /* if it fails: what the client said behind CONNECT is no request (security C3) */
        exchange_forward_choose(x);
        exchange_go_upstream(x, now);
        return;
    }
    say_established(x);
    exchange_enter(x, PHASE_SNIFF, now);
}

void exchange_forward_opened(struct exchange *x, struct moment now)
{
    say_established(x);
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

/* What the client says is not looked at any more. */
static void go_blind(struct exchange *x, bool public_only, struct moment now)
{
    x->forward->direct = x->forward->blind = true;
    x->forward->public_only = public_only;
    http1_free(x->http);
    x->http = NULL;
    exchange_forward_choose(x);
    exchange_go_upstream(x, now);
}

static void end_with(struct exchange *x, enum reason reason, const char *why, struct moment now)
{
    exchange_report(x, reason, why, now);
    link_end(&x->down);
    exchange_enter(x, PHASE_LINGER, now);
}

/* RFC 8446 section 6: the client's library will say that access was denied, not that a connection broke. */
static void refuse_tls(struct exchange *x, const char *why, struct moment now)
{
    static const uint8_t alert[] = {0x15, 0x03, 0x03, 0x00, 0x02, 2, 49}; /* fatal, access_denied */
    link_write_copy(&x->down, span_of(alert, sizeof(alert)));
    end_with(x, REASON_TLS_IN_TUNNEL, why, now);
}

/* CONNECT is over, and what follows are requests of their own. */
static void read_requests(struct exchange *x, struct moment now)
{
    exchange_report(x, REASON_VALID, "", now);
    exchange_forget_request(x);
    exchange_enter(x, PHASE_IDLE, now);
}

static void decide(struct exchange *x, enum looks looks, struct moment now)
{
    struct err err = {0};
    const struct address *to = &x->forward->to;
    if (looks == LOOKS_HTTP) {
        read_requests(x, now);
        return;
    }
    struct forward_verdict v = forward_judge(x->listener->conf, FORWARD_TLS, span_from_str(to->host), to->port, &err);
    if (v.way == FORWARD_DIRECT)
        go_blind(x, v.public_only, now);
    else if (looks == LOOKS_TLS)
        refuse_tls(x, err.text, now);
    else if (looks == LOOKS_OTHER)
        read_requests(x, now); /* which will say what is wrong with it */
    else
        end_with(x, REASON_REQUEST_TIMEOUT, "no data was sent in the tunnel", now);
}

void exchange_forward_sniff(struct exchange *x, struct span in, struct moment now)
{
    if (!exchange_hold(x, SIDE_DOWN, in))
        return;
    enum looks looks = look_at(bytes_span(&x->held[SIDE_DOWN]));
    if (looks != LOOKS_SHORT)
        decide(x, looks, now);
}

uint64_t exchange_forward_sniff_limit_ms(const struct exchange *x)
{
    enum { SILENCE_MS = 1000 };
    const struct address *to = &x->forward->to;
    bool may = forward_judge(x->listener->conf, FORWARD_TLS, span_from_str(to->host), to->port, NULL).way == FORWARD_DIRECT;
    return may ? SILENCE_MS : x->listener->conf->header_ms;
}

void exchange_forward_silence(struct exchange *x, struct moment now)
{
    bool tls = x->held[SIDE_DOWN].len > 0 && bytes_span(&x->held[SIDE_DOWN]).ptr[0] == TLS_HANDSHAKE;
    decide(x, tls ? LOOKS_TLS : LOOKS_SHORT, now);
}

void exchange_forward_client_ended(struct exchange *x, struct moment now)
{
    end_with(x, REASON_CLIENT_CLOSED, "the client closed the tunnel without sending data", now);
}
