/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/refusals.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct refusals {
    atomic_flag busy; /* held for a search through the entries, or for a copy of all */
    uint64_t added;   /* since the start */
    size_t n;
    struct refusal kept[REFUSALS_KEPT];
    uint64_t turn[REFUSALS_KEPT]; /* which addition was the last of each */
};

struct refusals *refusals_new(void)
{
    struct refusals *r = calloc(1, sizeof(*r));
    if (r != NULL)
        atomic_flag_clear(&r->busy);
    return r;
}

void refusals_free(struct refusals *r)
{
    free(r);
}

static void lock(struct refusals *r)
{
    while (atomic_flag_test_and_set_explicit(&r->busy, memory_order_acquire))
        sched_yield();
}

static void unlock(struct refusals *r)
{
    atomic_flag_clear_explicit(&r->busy, memory_order_release);
}

static void copy(char *out, size_t size, const char *text)
{
    size_t n = text != NULL ? strnlen(text, size - 1) : 0;
    if (n > 0)
        memcpy(out, text, n);
    out[n] = '\0';
}

/* As far as it was kept: longer texts were cut. */
static bool same_text(const char *kept, size_t size, const char *text)
{
    return strncmp(kept, text != NULL ? text : "", size - 1) == 0;
}

static bool is_same(const struct refusal *r, const struct refusal_note *note)
{
    return r->reason == note->reason && same_text(r->listener, sizeof(r->listener), note->listener) &&
           same_text(r->upstream, sizeof(r->upstream), note->upstream) && same_text(r->detail, sizeof(r->detail), note->detail) &&
           same_text(r->peer_subject, sizeof(r->peer_subject), note->peer_subject) &&
           same_text(r->ours.serial, sizeof(r->ours.serial), note->ours != NULL ? note->ours->serial : NULL);
}

static void fill_ours(struct refusal_ours *slot, const struct refusal_note *note)
{
    const struct tls_identity_facts *ours = note->ours;
    copy(slot->subject, sizeof(slot->subject), ours != NULL ? ours->subject : NULL);
    copy(slot->issuer, sizeof(slot->issuer), ours != NULL ? ours->issuer : NULL);
    copy(slot->serial, sizeof(slot->serial), ours != NULL ? ours->serial : NULL);
    copy(slot->accepted_cas, sizeof(slot->accepted_cas), ours != NULL ? note->accepted_cas : NULL);
    slot->not_after = ours != NULL ? ours->not_after : 0;
}

static void fill(struct refusal *slot, const struct refusal_note *note)
{
    slot->first = note->when;
    slot->count = 0;
    slot->reason = note->reason;
    copy(slot->listener, sizeof(slot->listener), note->listener);
    copy(slot->upstream, sizeof(slot->upstream), note->upstream);
    copy(slot->peer_subject, sizeof(slot->peer_subject), note->peer_subject);
    copy(slot->detail, sizeof(slot->detail), note->detail);
    fill_ours(&slot->ours, note);
}

/* The place of an equal refusal, else a free place, else the place of the oldest. */
static size_t place_for(const struct refusals *r, const struct refusal_note *note, bool *known)
{
    size_t oldest = 0;
    for (size_t i = 0; i < r->n; i++) {
        *known = is_same(&r->kept[i], note);
        if (*known)
            return i;
        if (r->turn[i] < r->turn[oldest])
            oldest = i;
    }
    return r->n < REFUSALS_KEPT ? r->n : oldest;
}

void refusals_add(struct refusals *r, const struct refusal_note *note)
{
    bool known = false;
    lock(r);
    size_t i = place_for(r, note, &known);
    if (!known)
        fill(&r->kept[i], note);
    if (i == r->n)
        r->n++;
    r->kept[i].when = note->when;
    r->kept[i].hint = note->hint;
    r->kept[i].count++;
    r->turn[i] = ++r->added;
    unlock(r);
}

size_t refusals_copy(struct refusals *r, struct refusal *out, size_t max)
{
    lock(r);
    size_t n = 0;
    uint64_t below = UINT64_MAX;
    while (n < r->n && n < max) {
        size_t newest = REFUSALS_KEPT;
        for (size_t i = 0; i < r->n; i++)
            if (r->turn[i] < below && (newest == REFUSALS_KEPT || r->turn[i] > r->turn[newest]))
                newest = i;
        below = r->turn[newest];
        out[n++] = r->kept[newest];
    }
    unlock(r);
    return n;
}
