/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange_internal.h"

#include "mtlsd/http/grpc.h"
#include "mtlsd/policy/reason.h"

#include <string.h>

enum { LOCATION_MAX = 1024 * 1024, BODY_MAX = 16 * 1024 * 1024 };

static void describe_ours(const struct tls_identity *identity, struct tls_identity_facts *facts, struct http_problem_certificate *out)
{
    tls_identity_facts(identity, facts);
    *out = (struct http_problem_certificate){facts->subject, facts->issuer, facts->serial, facts->sha256, facts->not_before, facts->not_after};
}

/* Details about the upstream, its certificate and ours: for the app on the plaintext side, not for a remote client. */
static void describe_upstream(const struct exchange *x, struct http_problem *p, struct tls_facts *facts, struct tls_identity_facts *ours)
{
    if (x->way.target == NULL)
        return;
    if (x->listener->tls != NULL) {
        p->detail = NULL; /* it names addresses behind us; the log has it */
        return;
    }
    p->upstream = x->way.target->upstream->conf->name;
    p->identity = x->way.target->upstream->conf->tls.identity;
    if (x->use.uplink == NULL || x->use.uplink->link.tls == NULL)
        return;
    tls_engine_facts(x->use.uplink->link.tls, facts);
    if (facts->alert_received > 0)
        p->alert = tls_alert_name(facts->alert_received);
    else if (facts->alert_sent > 0)
        p->alert = tls_alert_name(facts->alert_sent);
    if (facts->peer != NULL)
        p->peer = (struct http_problem_certificate){facts->peer->subject, facts->peer->issuer, facts->peer->serial, facts->peer->sha256,
                                                    facts->peer->not_before, facts->peer->not_after};
    if (facts->ours != NULL) {
        tls_identity_facts(facts->ours, ours);
        p->identity = ours->name; /* of several the one that was presented */
    }
    if (facts->reason == REASON_OUR_CERTIFICATE_REFUSED && facts->ours != NULL) {
        describe_ours(facts->ours, ours, &p->ours);
        p->accepted_cas = facts->accepted_cas;
    }
}

static int write_grpc(struct exchange *x, const struct http_problem *p)
{
    struct grpc_refusal refusal;
    if (grpc_refusal_init(&refusal, p) != 0)
        return -1;
    const struct http_outgoing o = {.head = &refusal.head, .framing = HTTP_NO_BODY};
    int rc = flow_head(&x->down, &o, NULL);
    grpc_refusal_clear(&refusal);
    return rc;
}

static int write_problem(struct exchange *x, enum reason reason, unsigned status, const char *detail, struct moment now)
{
    const struct reason_row *row = reason_row(reason);
    struct tls_facts facts;
    struct tls_identity_facts ours;
    struct http_problem p = {
        .status = status,
        .phrase = reason_http_phrase(status),
        .reason = row->word,
        .title = row->title,
        .detail = detail[0] != '\0' ? detail : NULL,
        .hint = x->answer.hint != NULL ? x->answer.hint : row->hint,
        .contact = x->listener->conf->contact,
        .refused_by = report_blame_word(report_blame(reason)),
        .now = now.utc,
        .retry_after = reason == REASON_OVERLOADED ? 1 : 0,
        .head_only = x->asked.head_method,
        .close = x->client->is.close_after,
    };
    struct bytes body;
    struct http_answer answer;
    describe_upstream(x, &p, &facts, &ours);
    x->answer.status = status;
    if (x->asked.grpc)
        return write_grpc(x, &p);
    int rc = http_problem_answer(&p, &body, &answer);
    if (rc == 0)
        rc = flow_answer(&x->down, &answer);
    bytes_clear(&body);
    return rc;
}

static int write_plain(struct exchange *x, const struct http_answer *what, struct moment now)
{
    struct http_answer a = *what;
    a.phrase = reason_http_phrase(a.status);
    a.now = now.utc;
    a.head_only = x->asked.head_method;
    a.close = x->client->is.close_after;
    x->answer.status = a.status;
    return flow_answer(&x->down, &a);
}

static void choose_to_close(struct exchange *x)
{
    struct client *c = x->client;
    if (!x->asked.whole || !x->asked.keep_alive || x->asked.minor == 0 || c->is.ended || c->env->draining)
        exchange_is_last(x);
}

void exchange_answer(struct exchange *x, enum reason reason, const char *detail, struct moment now)
{
    unsigned status = reason_row(reason)->http_status;
    bool cut = x->answer.answered || status == 0;
    choose_to_close(x);
    if (!cut && write_problem(x, reason, status, detail, now) != 0)
        cut = true;
    exchange_report(x, reason, detail, now);
    exchange_finish(x, !cut, now);
}

/* An answer in HTTP/1.1 would be noise to it: curl says "Empty reply from server". These are the frames SETTINGS and GOAWAY, with no stream
 * processed, the error HTTP_1_1_REQUIRED and a text for people (RFC 9113 sections 6.5, 6.8 and 7). */
#define GOAWAY_TEXT "HTTP/1.1 is required"
static const char h2_goodbye[] = "\0\0\0\4\0\0\0\0\0"
                                 "\0\0\34\7\0\0\0\0\0"
                                 "\0\0\0\0\0\0\0\15" GOAWAY_TEXT;
_Static_assert(sizeof(GOAWAY_TEXT) - 1 + 8 == 034, "the length that the frame names");

void exchange_answer_h2(struct exchange *x, const char *detail, struct moment now)
{
    x->client->is.close_after = true;
    x->answer.hint = "let the client agree on h2 in the TLS handshake (ALPN), or speak HTTP/1.1 (curl --http1.1)";
    link_write_copy(&x->client->link, span_of(h2_goodbye, sizeof(h2_goodbye) - 1));
    exchange_report(x, REASON_REQUEST_MALFORMED, detail, now);
    exchange_finish(x, true, now);
}

static int redirect(struct exchange *x, const struct admission *a, enum reason *reason, struct err *err, struct moment now)
{
    struct bytes location;
    bytes_init(&location, LOCATION_MAX);
    *reason = exchange_text_location(x, a, &location, err);
    const struct http_answer answer = {.status = x->way.route->conf->redirect_status, .location = bytes_span(&location)};
    int rc = *reason == REASON_VALID ? write_plain(x, &answer, now) : write_problem(x, *reason, reason_row(*reason)->http_status, err->text, now);
    bytes_clear(&location);
    return rc;
}

/* A client of gRPC reads the status and reason of a refusal, and no text. */
static bool responds_with_text(const struct exchange *x)
{
    const struct plan_route *route = x->way.route;
    return route->text != NULL && route->text->body.text != NULL && !(x->asked.grpc && route->conf->respond >= 400);
}

static int respond(struct exchange *x, const struct admission *a, struct moment now)
{
    struct http_answer answer = {.status = x->way.route->conf->respond, .type = x->way.route->text->body.type, .no_sniff = true};
    struct bytes room;
    bytes_init(&room, BODY_MAX);
    int rc = exchange_text_body(x, a, &room, &answer.body);
    if (rc == 0)
        rc = write_plain(x, &answer, now);
    bytes_clear(&room);
    return rc;
}

void exchange_answer_route(struct exchange *x, const struct admission *a, struct moment now)
{
    const struct config_route *route = x->way.route->conf;
    enum reason reason = REASON_VALID;
    struct err err = {0};
    int rc;
    choose_to_close(x);
    if (route->redirect != NULL) {
        rc = redirect(x, a, &reason, &err, now);
    } else if (responds_with_text(x)) {
        reason = route->respond < 400 ? REASON_VALID : REASON_DENIED;
        rc = respond(x, a, now);
    } else if (route->respond < 400) {
        rc = write_plain(x, &(struct http_answer){.status = route->respond}, now);
    } else {
        reason = REASON_DENIED;
        rc = write_problem(x, reason, route->respond, "", now);
    }
    exchange_report(x, rc == 0 ? reason : REASON_INTERNAL, rc == 0 ? err.text : "out of memory", now);
    exchange_finish(x, rc == 0, now);
}

void exchange_answer_options(struct exchange *x, struct moment now)
{
    static const char methods[] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    choose_to_close(x);
    int rc = write_plain(x, &(struct http_answer){.status = 200, .allow = span_from_str(methods)}, now);
    exchange_report(x, rc == 0 ? REASON_VALID : REASON_INTERNAL, rc == 0 ? "" : "out of memory", now);
    exchange_finish(x, rc == 0, now);
}
