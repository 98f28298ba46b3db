/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_cert.h"
#include "tls_checks.h"
#include "tls_crl_set.h"
#include "tls_engine_internal.h"
#include "tls_verdict_cache.h"

#include "mtlsd/base/text.h"

#include <gnutls/ocsp.h>
#include <stdio.h>
#include <stdlib.h>

/* After a resumption the certificates, and the OCSP answer, are those of the first handshake. */
static struct tls_presented look_at_peer(const struct tls_engine *e, struct span ders[CHAIN_MAX])
{
    unsigned n = 0;
    gnutls_datum_t staple;
    struct tls_presented sent = {.ders = ders};
    const gnutls_datum_t *list = gnutls_certificate_get_peers(e->session, &n);
    if (list == NULL)
        return sent;
    for (; sent.n < n && sent.n < CHAIN_MAX; sent.n++)
        ders[sent.n] = span_of(list[sent.n].data, list[sent.n].size);
    if (!e->ctx->accepting && gnutls_ocsp_status_request_get2(e->session, 0, &staple) == 0)
        sent.staple = span_of(staple.data, staple.size);
    return sent;
}

static struct tls_verdict_key key_of(const struct tls_context *ctx, int64_t now, const struct tls_presented *sent)
{
    uint64_t generation = ctx->trust != NULL ? tls_crl_set_generation(tls_trust_crls(ctx->trust)) : 0;
    return (struct tls_verdict_key){.context_id = ctx->id, .generation = generation, .ders = sent->ders, .n = sent->n, .now = now, .staple = sent->staple};
}

static const struct tls_known *find_known(const struct tls_engine *e, const struct tls_verdict_key *key)
{
    return e->verdicts != NULL ? tls_verdict_cache_find(e->verdicts, key) : NULL;
}

/* A peer that was found valid before, by the same chain, context, lists and dates, is valid again. */
static bool judge_by_memory(struct tls_engine *e, const struct tls_verdict_key *key, struct tls_verdict *out)
{
    const struct tls_known *known = e->peer != NULL ? find_known(e, key) : NULL;
    if (known == NULL)
        return false;
    *out = known->verdict;
    tls_peer_set_path(e->peer, known->peer->path, known->peer->n_path, known->peer->by_anchor);
    return true;
}

static void read_hex(const char *hex, uint8_t out[TLS_REGISTRY_ID_BYTES])
{
    for (size_t i = 0; i < TLS_REGISTRY_ID_BYTES; i++)
        out[i] = (uint8_t)(text_hex_digit((uint8_t)hex[2 * i]) << 4 | text_hex_digit((uint8_t)hex[2 * i + 1]));
}

/* The row of a peer in the registry; what speaks against it goes into out. The text is counted. */
static struct tls_registry_text *look_up_row(const struct tls_context *ctx, const struct tls_peer *peer, int64_t now, struct tls_verdict *out)
{
    const struct tls_question q = {.trust = ctx->trust, .now = now};
    uint8_t ids[2][TLS_REGISTRY_ID_BYTES];
    char subject[120];
    read_hex(peer->sha256, ids[0]);
    read_hex(peer->spki_sha256, ids[1]);
    snprintf(subject, sizeof(subject), "%s", peer->subject);
    return tls_checks_registry(&q, subject, (const uint8_t(*)[TLS_REGISTRY_ID_BYTES])ids, out);
}

static bool has_registry(const struct tls_context *ctx)
{
    return ctx->trust != NULL && tls_trust_rules(ctx->trust)->registry != NULL;
}

const struct tls_registry *tls_engine_registry(const struct tls_engine *e)
{
    return has_registry(e->ctx) ? tls_trust_rules(e->ctx->trust)->registry : NULL;
}

/* A verdict from memory knows nothing of the row, which may be another one by now. */
static void check_row(const struct tls_engine *e, const struct tls_context *ctx, int64_t now, bool from_memory, struct tls_verdict *out)
{
    struct tls_verdict known = {.status = REASON_UNDECIDED};
    if (e->peer == NULL || (!has_registry(ctx) && e->peer->registry == NULL))
        return;
    if (from_memory)
        out->status = REASON_UNDECIDED;
    tls_peer_set_registry(e->peer, has_registry(ctx) ? look_up_row(ctx, e->peer, now, from_memory ? out : &known) : NULL);
    if (out->status == REASON_UNDECIDED)
        out->status = REASON_VALID;
}

/* Also stores the verified path in the peer; a server's path is not needed. */
static void judge_sent(struct tls_judging *j)
{
    struct tls_engine *e = j->e;
    const struct tls_context *ctx = j->ctx;
    const struct tls_presented *sent = &j->sent;
    const struct tls_verdict_key key = key_of(ctx, j->now, sent);
    bool may_be_known = sent->ocsp == TLS_OCSP_OFF || sent->staple.len > 0; /* what is valid without an OCSP answer is so by its own time */
    if (may_be_known && !sent->anew && judge_by_memory(e, &key, j->out)) {
        check_row(e, ctx, j->now, true, j->out);
        return;
    }
    j->path = (struct tls_path){.n = 0};
    *j->out = (struct tls_verdict){.status = REASON_UNDECIDED};
    if (sent->n == 0 && ctx->accepting && ctx->ask == TLS_ASK_NONE)
        j->out->status = REASON_NONE;
    else
        tls_context_judge(ctx, sent, j->now, j->out, &j->path);
    if (sent->n > 0 && e->peer == NULL) {
        j->out->all |= UINT64_C(1) << REASON_MALFORMED;
        if (j->out->status == REASON_VALID)
            j->out->status = REASON_MALFORMED;
    }
    if (sent->n > 0)
        check_row(e, ctx, j->now, false, j->out);
    if (e->peer != NULL && ctx->accepting)
        tls_peer_set_path(e->peer, j->path.ders, j->path.n, j->path.by_anchor);
    bool whole = e->peer != NULL && (!ctx->accepting || e->peer->n_path == j->path.n);
    if (e->verdicts != NULL && whole && may_be_known)
        tls_verdict_cache_keep(e->verdicts, &key, j->out, e->peer);
}

static void judge(struct tls_engine *e, const struct tls_context *ctx, int64_t now, const struct tls_presented *sent, struct tls_verdict *out)
{
    struct tls_judging j = {.e = e, .ctx = ctx, .now = now, .sent = *sent, .out = out};
    e->awaits_answer = false;
    if (sent->n > 0 && e->peer != NULL && tls_engine_ocsp_asks(ctx))
        tls_engine_ocsp_judge(&j, judge_sent);
    else
        judge_sent(&j);
}

static struct tls_peer *make_peer(const struct tls_engine *e, const struct tls_presented *sent)
{
    struct err err = {0};
    const struct tls_verdict_key key = key_of(e->ctx, e->now, sent);
    const struct tls_known *known = find_known(e, &key);
    return known != NULL ? tls_peer_copy(known->peer) : tls_peer_new(sent->ders[0], &err);
}

/* A certificate with unreadable names would look like none to later code: it is never accepted, with any tolerate. */
static enum reason answer_to(const struct tls_engine *e, const struct tls_context *ctx, size_t n, const struct tls_verdict *verdict)
{
    bool readable = n == 0 || e->peer != NULL;
    return readable && tls_context_lets_pass(ctx, verdict) ? REASON_VALID : verdict->status;
}

/* In TLS 1.2 a handshake without RFC 5746 may be the second one of a connection that an attacker began (security A10). TLS 1.3 has no
 * renegotiation, and clients that offer only 1.3 do not mention it (security A14). */
static bool is_bound_to_its_connection(const struct tls_engine *e)
{
    return gnutls_protocol_get_version(e->session) == GNUTLS_TLS1_3 || gnutls_safe_renegotiation_status(e->session) != 0;
}

static int refuse_unbound(struct tls_engine *e)
{
    e->reason = REASON_TLS_FAILED;
    e->why = e->ctx->accepting ? "the client offers TLS 1.2 without secure renegotiation (RFC 5746): update the client, or let it use TLS 1.3"
                               : "the server speaks TLS 1.2 without secure renegotiation (RFC 5746): update the server, or let it use TLS 1.3";
    e->alert_to_send = GNUTLS_A_HANDSHAKE_FAILURE;
    return -1;
}

int tls_engine_judge_peer(struct tls_engine *e)
{
    if (e->judged || tls_engine_ocsp_is_awaited(e))
        return 0;
    if (!is_bound_to_its_connection(e))
        return refuse_unbound(e);
    if (e->ctx->sni != NULL) { /* no rules were chosen yet */
        e->reason = REASON_INTERNAL;
        e->alert_to_send = GNUTLS_A_INTERNAL_ERROR;
        return -1;
    }
    struct span ders[CHAIN_MAX];
    const struct tls_presented sent = look_at_peer(e, ders);
    if (e->verdict == NULL && (e->verdict = calloc(1, sizeof(*e->verdict))) == NULL) {
        tls_engine_fail(e, REASON_INTERNAL, "out of memory");
        return -1;
    }
    if (sent.n > 0 && e->peer == NULL)
        e->peer = make_peer(e, &sent);
    judge(e, e->ctx, e->now, &sent, e->verdict);
    if (e->awaits_answer)
        return 0;
    unsigned alert = tls_judge_alert(e->verdict->status);
    enum reason answer = answer_to(e, e->ctx, sent.n, e->verdict);
    if (answer == REASON_VALID && e->accept != NULL)
        answer = e->accept(e->accept_ctx, e->verdict, e->peer, &alert);
    if (answer == REASON_VALID) {
        e->judged = true;
        return 0;
    }
    e->alert_to_send = alert != 0 ? alert : GNUTLS_A_BAD_CERTIFICATE;
    e->reason = answer != REASON_UNDECIDED ? answer : REASON_INTERNAL;
    return -1;
}

int tls_engine_on_verify(gnutls_session_t session)
{
    struct tls_engine *e = gnutls_session_get_ptr(session);
    if (e->renegotiating)
        return tls_engine_is_same_peer(e) ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
    return tls_engine_judge_peer(e) == 0 ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* Takes a vector with a length of so many bytes off *rest (RFC 8446 3.4). */
static int take_vector(struct span *rest, size_t length_bytes, struct span *out)
{
    size_t len = 0;
    if (rest->len < length_bytes)
        return -1;
    for (size_t i = 0; i < length_bytes; i++)
        len = len << 8 | rest->ptr[i];
    if (rest->len - length_bytes < len)
        return -1;
    *out = span_of(rest->ptr + length_bytes, len);
    *rest = span_skip(*rest, length_bytes + len);
    return 0;
}

/* The leaf of a Certificate message: RFC 8446 4.4.2, RFC 5246 7.4.2. Empty: the peer sent none. */
static int first_certificate(const struct tls_engine *e, struct span message, struct span *der)
{
    struct span context, list;
    *der = span_of(NULL, 0);
    if (gnutls_protocol_get_version(e->session) == GNUTLS_TLS1_3 && take_vector(&message, 1, &context) != 0)
        return -1;
    if (take_vector(&message, 3, &list) != 0)
        return -1;
    return list.len == 0 ? 0 : take_vector(&list, 3, der);
}

static int refuse_certificate(struct tls_engine *e, enum reason reason, const char *why)
{
    e->reason = reason;
    e->why = why;
    e->alert_to_send = GNUTLS_A_BAD_CERTIFICATE;
    return GNUTLS_E_CERTIFICATE_ERROR;
}

/* The library checks the peer's signature before it asks us about the certificate, and that takes long with a huge key (security A7). */
int tls_engine_on_certificate(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message)
{
    struct tls_engine *e = gnutls_session_get_ptr(session);
    struct tls_cert cert;
    struct span der;
    (void)type;
    (void)when;
    if (!incoming) {
        e->bytes_before_ours = e->handshake_bytes;
        return 0;
    }
    if (first_certificate(e, span_of(message->data, message->size), &der) != 0 || (der.len > 0 && tls_cert_read(der, &cert) != 0))
        return refuse_certificate(e, REASON_MALFORMED, "the peer's certificate cannot be parsed");
    if (der.len > 0 && !tls_cert_key_is_affordable(cert.spki))
        return refuse_certificate(e, REASON_WEAK, "the peer's certificate has a key of an unreasonable size or kind");
    return 0;
}

void tls_engine_refuse_peer(struct tls_engine *e)
{
    enum reason reason = e->reason;
    tls_engine_send_alert(e, e->alert_to_send);
    const char *text = e->verdict != NULL && e->verdict->text[0] != '\0' ? e->verdict->text : "the peer's certificate was refused";
    if (e->why != NULL)
        text = e->why;
    else if (reason == REASON_NOT_ALLOWED)
        text = e->peer != NULL ? "the certificate is genuine, but no allow rule matches it" : "no certificate, but allow requires one";
    tls_engine_fail(e, reason, text);
}

bool tls_engine_server_asked(const struct tls_engine *e)
{
    return !e->ctx->accepting && gnutls_certificate_client_get_request_status(e->session) != 0;
}

/* Only dates speak against a known peer. Its old verdict is good for open requests, not for new ones. */
static void spare_dates(const struct tls_verdict *then, struct tls_verdict *verdict, int64_t now)
{
    const uint64_t dates = UINT64_C(1) << REASON_EXPIRED | UINT64_C(1) << REASON_CRL_STALE | UINT64_C(1) << REASON_REGISTRY_STALE |
                           UINT64_C(1) << REASON_STAPLE_MISSING | UINT64_C(1) << REASON_OCSP_MISSING;
    const uint64_t fresh = verdict->all & ~then->all;
    if (fresh == 0 || (fresh & ~dates) != 0)
        return;
    *verdict = *then;
    verdict->until = now - 1;
}

static enum reason judge_again(struct tls_engine *e, struct tls_context *ctx, int64_t now, bool runs)
{
    if (e->handshaking || e->failed || e->verdict == NULL || ctx->accepting != e->ctx->accepting)
        return REASON_UNDECIDED;
    const struct tls_context *rules = tls_engine_choose_again(e, ctx);
    if (rules == NULL)
        return REASON_UNDECIDED;
    struct span ders[CHAIN_MAX];
    const struct tls_presented sent = look_at_peer(e, ders);
    const struct tls_verdict then = *e->verdict;
    judge(e, rules, now, &sent, e->verdict);
    struct tls_verdict spared = then;
    if (tls_engine_ocsp_spares(e, rules, now, &spared))
        *e->verdict = spared;
    if (runs)
        spare_dates(&then, e->verdict, now);
    return answer_to(e, rules, sent.n, e->verdict);
}

enum reason tls_engine_rejudge(struct tls_engine *e, struct tls_context *ctx, int64_t now)
{
    return judge_again(e, ctx, now, false);
}

enum reason tls_engine_rejudge_running(struct tls_engine *e, struct tls_context *ctx, int64_t now)
{
    return judge_again(e, ctx, now, true);
}

bool tls_engine_keeps_row(struct tls_engine *e, struct tls_context *ctx, int64_t now)
{
    const struct tls_context *rules = e->handshaking || e->failed || e->verdict == NULL || ctx->accepting != e->ctx->accepting ? NULL : tls_engine_choose_again(e, ctx);
    if (rules == NULL || (e->peer != NULL && (e->verdict->status != REASON_VALID || e->verdict->all != 0)))
        return false;
    if (e->ocsp != NULL) /* another answer may be the news */
        return false;
    if (e->peer == NULL || !has_registry(rules))
        return true;
    struct tls_verdict row = {.status = REASON_UNDECIDED};
    struct tls_registry_text *text = look_up_row(rules, e->peer, now, &row);
    bool same = row.all == 0 && tls_registry_text_same(text, e->peer->registry);
    tls_registry_text_unref(text);
    return same;
}

bool tls_engine_is_outdated(const struct tls_engine *e, int64_t now)
{
    return e->verdict != NULL && e->verdict->until != 0 && now > e->verdict->until;
}

void tls_engine_refuse(struct tls_engine *e, enum reason reason, const char *text)
{
    if (e->handshaking || e->failed || e->verdict == NULL)
        return;
    tls_engine_send_alert(e, tls_judge_alert(reason));
    tls_engine_fail(e, reason, text != NULL ? text : e->verdict->text);
}
