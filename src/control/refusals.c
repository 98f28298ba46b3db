/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/refusals.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct refusals {
    atomic_flag busy; /* held for a copy of a few hundred bytes, or of the ring when somebody asks */
    uint64_t added; /* since the start; the newest stands at (added - 1) % REFUSALS_KEPT */
    struct refusal ring[REFUSALS_KEPT];
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

void refusals_add(struct refusals *r, const struct refusal_note *note)
{
    lock(r);
    struct refusal *slot = &r->ring[r->added % REFUSALS_KEPT];
    slot->when = note->when;
    slot->reason = note->reason;
    copy(slot->listener, sizeof(slot->listener), note->listener);
    copy(slot->upstream, sizeof(slot->upstream), note->upstream);
    copy(slot->peer_subject, sizeof(slot->peer_subject), note->peer_subject);
    copy(slot->detail, sizeof(slot->detail), note->detail);
    slot->hint = note->hint;
    r->added++;
    unlock(r);
}

size_t refusals_copy(struct refusals *r, struct refusal *out, size_t max)
{
    lock(r);
    size_t n = r->added < REFUSALS_KEPT ? (size_t)r->added : REFUSALS_KEPT;
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        out[i] = r->ring[(r->added - 1 - i) % REFUSALS_KEPT];
    unlock(r);
    return n;
}
