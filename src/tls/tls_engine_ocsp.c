/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of the OCSP responder of a client's certificate, as a part of the judgement. The handshake is finished while the answer is fetched, but the
 * engine stays in it: nothing of the client is decrypted, and nothing goes upstream (security A12).
 *
 *   known       answer      judged with
 *   an answer   -           it
 *   a failure   -           why there is none: TLS_OCSP_HARD refuses, TLS_OCSP_SOFT accepts
 *   awaited     -           no answer, as if hard: the client is not accepted yet
 *   nothing     asked now   the same, once everything else was found in order
 */
#include "tls_engine_internal.h"
#include "tls_ocsp_rows.h"

#include "mtlsd/base/text.h"

#include <string.h>

static const char awaited[] = "its OCSP responder has not answered yet", storeless[] = "OCSP responders are not asked here";

bool tls_engine_ocsp_asks(const struct tls_context *ctx)
{
    return ctx->accepting && ctx->trust != NULL && tls_trust_rules(ctx->trust)->ocsp.mode != TLS_OCSP_OFF;
}

static void read_id(const struct tls_peer *peer, uint8_t id[TLS_OCSP_ID_BYTES])
{
    for (size_t i = 0; i < TLS_OCSP_ID_BYTES; i++)
        id[i] = (uint8_t)(text_hex_digit((uint8_t)peer->sha256[2 * i]) << 4 | text_hex_digit((uint8_t)peer->sha256[2 * i + 1]));
}

static void judge_by(struct tls_judging *j, struct tls_ocsp_look *look, const struct tls_ocsp_rules *rules, void (*judge)(struct tls_judging *j))
{
    bool over = look->state == TLS_OCSP_NO_ANSWER || look->state == TLS_OCSP_ANSWERED;
    j->sent.ocsp = over ? rules->mode : TLS_OCSP_HARD;
    j->sent.ocsp_fault = over ? look->fault : awaited;
    j->sent.anew = look->stale;
    if (look->answer != NULL)
        j->sent.staple = span_of(look->answer->der, look->answer->len);
    judge(j);
    j->sent.staple = span_of(NULL, 0);
    tls_ocsp_answer_unref(look->answer);
    look->answer = NULL;
}

/* Everything else about the client is in order, or is let pass. */
static bool lacks_only_answer(const struct tls_judging *j)
{
    const uint64_t missing = UINT64_C(1) << REASON_OCSP_MISSING;
    return (j->out->all & missing) != 0 && (j->out->all & ~missing & ~j->ctx->tolerate) == 0 && j->path.issuer.len > 0;
}

/* A wait that is given up ends as if the responder had not answered. */
static void give_up(const struct tls_engine *e, struct tls_ocsp_look *look)
{
    static const char fault[] = "too many clients wait for answers of OCSP responders";
    if (!e->gives_up || look->state != TLS_OCSP_AWAITED)
        return;
    look->state = TLS_OCSP_NO_ANSWER;
    memcpy(look->fault, fault, sizeof(fault));
}

/* The answer counts, and whom to ask the next time is what the configuration says now. */
static void renew(struct tls_judging *j, const struct tls_ocsp_rules *rules, const uint8_t id[TLS_OCSP_ID_BYTES])
{
    const struct tls_ocsp_about about = {rules, j->e->peer->der, j->path.issuer};
    struct tls_ocsp_look unused;
    tls_ocsp_store_ask(rules->store, &about, id, j->now, &unused);
    tls_ocsp_answer_unref(unused.answer);
}

void tls_engine_ocsp_judge(struct tls_judging *j, void (*judge)(struct tls_judging *j))
{
    struct tls_engine *e = j->e;
    const struct tls_ocsp_rules *rules = &tls_trust_rules(j->ctx->trust)->ocsp;
    struct tls_ocsp_look look = {.state = TLS_OCSP_NO_ANSWER};
    uint8_t id[TLS_OCSP_ID_BYTES];
    read_id(e->peer, id);
    if (rules->store != NULL)
        tls_ocsp_store_find(rules->store, id, j->now, &look);
    else
        memcpy(look.fault, storeless, sizeof(storeless));
    give_up(e, &look);
    judge_by(j, &look, rules, judge);
    if (look.state == TLS_OCSP_UNASKED && lacks_only_answer(j)) {
        const struct tls_ocsp_about about = {rules, e->peer->der, j->path.issuer};
        bool failed_before = look.failed_before;
        tls_ocsp_store_ask(rules->store, &about, id, j->now, &look);
        look.failed_before = look.failed_before || failed_before;
        give_up(e, &look);
        if (look.state != TLS_OCSP_AWAITED)
            judge_by(j, &look, rules, judge);
    }
    if (look.stale && j->path.issuer.len > 0)
        renew(j, rules, id);
    e->awaits_answer = look.state == TLS_OCSP_AWAITED && lacks_only_answer(j);
    e->awaits = look.host_hash;
    e->asked_in_vain = look.failed_before;
    if (e->ocsp == NULL && rules->store != NULL)
        e->ocsp = tls_ocsp_store_hold(rules->store, id);
}

bool tls_engine_ocsp_is_awaited(const struct tls_engine *e)
{
    struct tls_ocsp_look look;
    uint8_t id[TLS_OCSP_ID_BYTES];
    if (!e->awaits_answer || e->gives_up || e->peer == NULL || !tls_engine_ocsp_asks(e->ctx))
        return false;
    read_id(e->peer, id);
    tls_ocsp_store_find(tls_trust_rules(e->ctx->trust)->ocsp.store, id, e->now, &look);
    tls_ocsp_answer_unref(look.answer);
    return look.state == TLS_OCSP_AWAITED;
}

uint64_t tls_engine_awaits(const struct tls_engine *e)
{
    return e->awaits;
}

bool tls_engine_ocsp_spares(const struct tls_engine *e, const struct tls_context *ctx, int64_t now, struct tls_verdict *then)
{
    enum { MARGIN = 2 }; /* seconds */
    if (!e->awaits_answer || e->asked_in_vain || !tls_engine_ocsp_asks(ctx))
        return false;
    then->until = now + tls_trust_rules(ctx->trust)->ocsp.timeout_ms / 1000 + MARGIN;
    return true;
}

void tls_engine_ocsp_release(struct tls_engine *e)
{
    if (e->ocsp != NULL)
        tls_ocsp_row_release(e->ocsp);
    e->ocsp = NULL;
}
