/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"
#include "mtlsd/control/explain.h"

#include <stdio.h>

void verify_not_allowed(struct verify_answer *a, const char *why)
{
    struct tls_detail *detail = &a->details.items[0];
    a->verdict.status = REASON_NOT_ALLOWED;
    a->verdict.all = UINT64_C(1) << REASON_NOT_ALLOWED;
    a->verdict.openssl_error = 50;
    snprintf(a->verdict.text, sizeof(a->verdict.text), "%s", why);
    *detail = (struct tls_detail){.reason = REASON_NOT_ALLOWED, .openssl_error = 50};
    snprintf(detail->text, sizeof(detail->text), "%s", why);
    a->details.n = 1;
}

/* The part of explain's answer that is about the caller, without a request. */
static void decide(const struct explain *e, const struct config_listener *l, struct verify_answer *out)
{
    const struct explain_step *caller = &e->steps[EXPLAIN_CALLER];
    bool shut = out->verdict.status == REASON_VALID && caller->asked && caller->reason != REASON_VALID;
    bool handshake = e->steps[EXPLAIN_HANDSHAKE].reason == REASON_VALID;
    if (shut)
        verify_not_allowed(out, caller->text);
    out->listener = l->name;
    out->where = l->where;
    out->lets_in = handshake && !shut;
    out->refuses_later = handshake && shut && l->protocol != CONFIG_PROTOCOL_TCP;
}

int verify_by_listener(const struct snapshot *s, const char *name, struct verify_answer *out, struct err *err)
{
    struct explain e;
    struct explain_ask ask = {.snapshot = s, .ders = out->chain.ders, .n_ders = out->chain.n, .now = out->question.now};
    int rc = 0;
    ask.listener = explain_pick_listener(s, name, NULL, err);
    if (ask.listener == NULL)
        return -1;
    if (explain_make(&ask, &e) != 0) {
        rc = err_set(err, ERR_MEMORY, "out of memory");
    } else if (e.trust == NULL) {
        rc = err_set(err, ERR_USAGE, "listener %s: %s", ask.listener->conf->name, e.steps[EXPLAIN_HANDSHAKE].text);
    } else {
        out->question.trust = e.trust;
        tls_judge_in_detail(&out->question, out->chain.ders, out->chain.n, &out->verdict, &out->details);
        decide(&e, ask.listener->conf, out);
    }
    explain_clear(&e);
    return rc;
}
