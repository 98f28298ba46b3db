/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/io/canary.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/probe_target.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_identity.h"

#include <stdio.h>
#include <string.h>

enum { ALL_S = 30, TARGETS_MOST = 3 };

/* The targets in turn, those for backup last, until one answers. */
static void try_upstream(const struct plan_upstream *up, const struct snapshot *next, struct probe_target *t)
{
    size_t tried = 0;
    for (int backup = 0; backup < 2; backup++)
        for (size_t i = 0; i < up->n_targets && tried < TARGETS_MOST; i++) {
            if (up->targets[i].conf->backup != (backup == 1))
                continue;
            probe_target_try(t, next, &up->targets[i]);
            tried++;
            if (t->reason == REASON_VALID || t->reason == REASON_OUR_CERTIFICATE_REFUSED)
                return;
        }
}

static const struct plan_target *find_target(const struct snapshot *s, const char *upstream, const char *target)
{
    for (size_t i = 0; i < s->n_targets; i++)
        if (strcmp(s->targets[i].upstream->conf->name, upstream) == 0 && strcmp(s->targets[i].conf->text, target) == 0)
            return &s->targets[i];
    return NULL;
}

static enum reason ask(const struct snapshot *next, const char *upstream, const char *target, struct probe_target *t)
{
    const struct plan_target *found = find_target(next, upstream, target);
    *t = (struct probe_target){.reason = REASON_UNDECIDED, .text = "there is no such target any more"};
    if (found != NULL)
        probe_target_try(t, next, found);
    return t->reason;
}

static void report(const struct rotation_change *change, const struct plan_upstream *up, const struct probe_target *t, struct findings *out)
{
    struct tls_identity_facts old, fresh;
    char until[21];
    tls_identity_facts(change->old, &old);
    tls_identity_facts(change->fresh, &fresh);
    text_utc(until, old.not_after);
    if (t->reason == REASON_VALID)
        findings_add(out, FINDING_NOTE, change->conf->where, "identity \"%s\": upstream %s accepts the new certificate", change->conf->name, up->conf->name);
    else if (t->reason != REASON_OUR_CERTIFICATE_REFUSED)
        findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": the new certificate could not be tried on upstream %s (%s): %s",
                     change->conf->name, up->conf->name, t->target->conf->text, t->text);
    else if (rotation_keeps(change, clock_now()))
        findings_add(out, FINDING_ERROR, change->conf->where,
                     "identity \"%s\": upstream %s (%s) refuses the new certificate %s, serial %s, of %s: %s; the one in use, serial %s, is good until %s: register "
                     "the new one, or its CA, with the upstream",
                     change->conf->name, up->conf->name, t->target->conf->text, fresh.subject, fresh.serial, fresh.issuer, t->text, old.serial, until);
    else
        findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": upstream %s refuses the new certificate %s, serial %s; the old one is expired",
                     change->conf->name, up->conf->name, fresh.subject, fresh.serial);
}

/* Then the refusal is not because of the new certificate. */
static bool refuses_old(const struct snapshot *old, const struct plan_upstream *up, const struct probe_target *t)
{
    struct probe_target before;
    return t->reason == REASON_OUR_CERTIFICATE_REFUSED && ask(old, up->conf->name, t->target->conf->text, &before) == REASON_OUR_CERTIFICATE_REFUSED;
}

static void report_both(const struct rotation_change *change, const struct plan_upstream *up, const struct probe_target *t, struct findings *out)
{
    findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": upstream %s (%s) refuses the certificate in use, too, so that the new one is taken: %s",
                 change->conf->name, up->conf->name, t->target->conf->text, t->text);
}

void canary_try(const struct rotation *rotation, const struct snapshot *old, const struct snapshot *next, struct findings *out)
{
    double end = probe_seconds() + ALL_S;
    size_t left_out = 0;
    for (size_t i = 0; rotation->n > 0 && i < next->config->n_upstreams; i++) {
        const struct plan_upstream *up = &next->upstreams[i];
        const struct rotation_change *change = rotation_of(rotation, up);
        struct probe_target t;
        if (change == NULL)
            continue;
        if (probe_seconds() >= end) {
            left_out++;
            continue;
        }
        try_upstream(up, next, &t);
        const struct rotation_change *shown = t.ours != NULL ? rotation_by(rotation, t.ours) : change;
        if (shown == NULL) /* the server chose one of its other identities, which is as it was */
            continue;
        if (refuses_old(old, up, &t))
            report_both(shown, up, &t, out);
        else
            report(shown, up, &t, out);
    }
    if (left_out > 0)
        findings_add(out, FINDING_WARNING, "", "new certificates were not tried on %zu upstreams, because that took longer than %d s", left_out, ALL_S);
}

enum reason canary_try_target(const struct snapshot *next, const char *upstream, const char *target, char text[CANARY_TEXT_SIZE])
{
    struct probe_target t;
    enum reason reason = ask(next, upstream, target, &t);
    snprintf(text, CANARY_TEXT_SIZE, "%s", t.text);
    return reason;
}

enum reason canary_try_ours(const struct snapshot *next, const struct fallback_refusal *hint, char text[CANARY_TEXT_SIZE])
{
    struct probe_target t;
    enum reason reason = ask(next, hint->upstream, hint->target, &t);
    snprintf(text, CANARY_TEXT_SIZE, "%s", t.text);
    bool same = t.ours != NULL && span_equals(tls_identity_der(t.ours, 0), tls_identity_der(hint->ours, 0));
    return same ? reason : REASON_UNDECIDED;
}
