/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/fallback.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_S = 60, LINKS_MAX = 16 };

static bool is_same(const struct tls_identity *a, const struct tls_identity *b)
{
    return span_equals(tls_identity_der(a, 0), tls_identity_der(b, 0));
}

/* ---- rows ---- */

static void free_row(struct fallback_row *row)
{
    tls_identity_unref(row->before);
    tls_identity_unref(row->fresh);
    free(row->identity);
    free(row);
}

void fallback_clear(struct fallback *f)
{
    for (struct fallback_row *row; (row = f->rows) != NULL;) {
        f->rows = row->next;
        free_row(row);
    }
}

static struct fallback_row *find(const struct fallback *f, const char *identity)
{
    struct fallback_row *row = f->rows;
    while (row != NULL && strcmp(row->identity, identity) != 0)
        row = row->next;
    return row;
}

static struct fallback_row *add_row(struct fallback *f, const char *identity)
{
    struct fallback_row *row = calloc(1, sizeof(*row));
    if (row == NULL || (row->identity = strdup(identity)) == NULL) {
        free(row);
        return NULL;
    }
    row->next = f->rows;
    f->rows = row;
    return row;
}

static struct tls_identity *ref(const struct tls_identity *id)
{
    return tls_identity_ref((struct tls_identity *)(uintptr_t)id); /* only its count changes */
}

static void put(struct tls_identity **at, const struct tls_identity *id)
{
    struct tls_identity *old = *at;
    *at = ref(id);
    tls_identity_unref(old);
}

/* A certificate that was refused is none to go back to: then the one before it stays. */
static void watch(struct fallback_row *row, const struct rotation_change *change)
{
    bool refused = row->fresh != NULL && is_same(row->fresh, change->old) && row->state != FALLBACK_WATCHED;
    if (!refused)
        put(&row->before, change->old);
    put(&row->fresh, change->fresh);
    row->state = FALLBACK_WATCHED;
    row->not_before = 0;
    row->no_hints = false;
    memset(row->asked, 0, sizeof(row->asked));
}

static bool is_in_use(const struct fallback_row *row, const struct snapshot *s)
{
    const struct config_identity *conf = config_find_identity(s->config, row->identity);
    const struct tls_identity *id = conf != NULL ? s->identities[conf - s->config->identities].tls : NULL;
    return id != NULL && (is_same(id, row->fresh) || is_same(id, row->before));
}

static void forget_unused(struct fallback *f, const struct snapshot *s)
{
    for (struct fallback_row **at = &f->rows, *row; (row = *at) != NULL;) {
        if (is_in_use(row, s)) {
            at = &row->next;
            continue;
        }
        *at = row->next;
        free_row(row);
    }
}

void fallback_follow(struct fallback *f, const struct rotation *r, const struct snapshot *now_in_use)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct rotation_change *change = &r->items[i];
        struct fallback_row *row = find(f, change->conf->name);
        if (row != NULL && row->state == FALLBACK_BACK && is_same(change->fresh, row->before))
            continue; /* that is what went back */
        if (row == NULL)
            row = add_row(f, change->conf->name);
        if (row != NULL)
            watch(row, change);
    }
    forget_unused(f, now_in_use);
}

/* ---- is the one before still good? ---- */

static bool is_revoked(const struct tls_identity *id, const struct snapshot *s, int64_t now)
{
    struct span ders[LINKS_MAX];
    size_t n = 0;
    for (; n < LINKS_MAX && tls_identity_der(id, n).len > 0; n++)
        ders[n] = tls_identity_der(id, n);
    for (size_t i = 0; i < s->n_trusts; i++) {
        const struct tls_question question = {.trust = s->trusts[i].tls, .purpose = TLS_PURPOSE_CLIENT, .now = now};
        struct tls_verdict verdict = {.status = REASON_UNDECIDED};
        if (question.trust == NULL)
            continue;
        tls_judge(&question, ders, n, &verdict);
        if ((verdict.all >> REASON_REVOKED & 1) != 0)
            return true;
    }
    return false;
}

static bool is_good(const struct tls_identity *id, const struct snapshot *s, int64_t now)
{
    struct tls_identity_facts f;
    tls_identity_facts(id, &f);
    return f.not_before <= now && now <= f.not_after && !is_revoked(id, s, now);
}

/* ---- refusals ---- */

bool fallback_watches(const struct fallback *f)
{
    const struct fallback_row *row = f->rows;
    while (row != NULL && row->state != FALLBACK_WATCHED)
        row = row->next;
    return row != NULL;
}

struct fallback_row *fallback_trying(const struct fallback *f)
{
    struct fallback_row *row = f->rows;
    while (row != NULL && row->state != FALLBACK_TRYING)
        row = row->next;
    return row;
}

static void describe(struct fallback_row *row, const struct fallback_refusal *refusal)
{
    struct tls_identity_facts before, fresh;
    char until[21];
    tls_identity_facts(row->before, &before);
    tls_identity_facts(row->fresh, &fresh);
    text_utc(until, before.not_after);
    snprintf(row->upstream, sizeof(row->upstream), "%s", refusal->upstream);
    snprintf(row->target, sizeof(row->target), "%s", refusal->target);
    snprintf(row->text, sizeof(row->text),
             "upstream %.80s (%.120s) refuses the new certificate %.120s, serial %.64s: the one before, serial %.64s, is in use again, until %s at most. Register "
             "the new one, or its CA, with the upstream and reload, or install another one",
             row->upstream, row->target, fresh.subject, fresh.serial, before.serial, until);
}

/* There may be something to do about it. */
static struct fallback_row *open_row(struct fallback *f, const struct fallback_refusal *refusal, const struct snapshot *in_use, int64_t now)
{
    struct tls_identity_facts ours;
    tls_identity_facts(refusal->ours, &ours);
    struct fallback_row *row = find(f, ours.name);
    if (row == NULL || row->state != FALLBACK_WATCHED || fallback_trying(f) != NULL || now < row->not_before || !is_same(row->fresh, refusal->ours))
        return NULL;
    if (is_good(row->before, in_use, now))
        return row;
    row->state = FALLBACK_OVER;
    return NULL;
}

/* Its place, or that of one whose time has passed; NULL: it has to wait. */
static struct fallback_asked *find_asked(struct fallback_row *row, const char *target, int64_t now)
{
    struct fallback_asked *free_place = NULL;
    for (size_t i = 0; i < FALLBACK_ASKED_MOST; i++) {
        struct fallback_asked *a = &row->asked[i];
        if (now < a->not_before && strcmp(a->target, target) == 0)
            return NULL;
        if (now >= a->not_before)
            free_place = a;
    }
    return free_place;
}

bool fallback_hinted(struct fallback *f, const struct fallback_refusal *hint, const struct snapshot *in_use, int64_t now)
{
    struct fallback_row *row = open_row(f, hint, in_use, now);
    struct fallback_asked *asked = row != NULL && !row->no_hints ? find_asked(row, hint->target, now) : NULL;
    if (asked == NULL)
        return false;
    snprintf(asked->target, sizeof(asked->target), "%s", hint->target);
    asked->not_before = now + AGAIN_S;
    return true;
}

struct fallback_row *fallback_refused(struct fallback *f, const struct fallback_refusal *refusal, const struct snapshot *in_use, int64_t now)
{
    struct fallback_row *row = open_row(f, refusal, in_use, now);
    if (row == NULL)
        return NULL;
    row->state = FALLBACK_TRYING;
    row->hinted = refusal->hint;
    describe(row, refusal);
    return row;
}

void fallback_tried(struct fallback_row *row, bool back, bool refused, int64_t now)
{
    bool misled = refused && row->hinted;
    row->state = back ? FALLBACK_BACK : refused && !misled ? FALLBACK_OVER : FALLBACK_WATCHED;
    row->no_hints = row->no_hints || misled;
    row->not_before = misled ? 0 : now + AGAIN_S;
}

size_t fallback_expire(struct fallback *f, const struct snapshot *in_use, int64_t now)
{
    size_t n = 0;
    for (struct fallback_row *row = f->rows; row != NULL; row = row->next) {
        if (row->state != FALLBACK_BACK || is_good(row->before, in_use, now))
            continue;
        row->state = FALLBACK_OVER;
        n++;
    }
    return n;
}

const char *fallback_text(const struct fallback *f, const char *identity)
{
    const struct fallback_row *row = f != NULL ? find(f, identity) : NULL;
    return row != NULL && row->state == FALLBACK_BACK ? row->text : NULL;
}

/* ---- for a load ---- */

void fallback_use_make(const struct fallback *f, bool by_person, struct fallback_use *out)
{
    size_t n = 0;
    *out = (struct fallback_use){0};
    for (const struct fallback_row *row = f->rows; row != NULL; row = row->next)
        n++;
    if (n == 0 || (out->items = calloc(n, sizeof(*out->items))) == NULL)
        return;
    for (const struct fallback_row *row = f->rows; row != NULL; row = row->next)
        if (row->state == FALLBACK_TRYING || (row->state == FALLBACK_BACK && !by_person))
            out->items[out->n++] = (struct fallback_use_item){ref(row->before), ref(row->fresh)};
}

void fallback_use_clear(struct fallback_use *use)
{
    for (size_t i = 0; i < use->n; i++) {
        tls_identity_unref(use->items[i].before);
        tls_identity_unref(use->items[i].fresh);
    }
    free(use->items);
    *use = (struct fallback_use){0};
}

struct tls_identity *fallback_use_find(const struct fallback_use *use, const struct tls_identity *loaded)
{
    for (size_t i = 0; use != NULL && i < use->n; i++)
        if (is_same(use->items[i].fresh, loaded))
            return use->items[i].before;
    return NULL;
}
