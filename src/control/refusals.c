/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/refusals.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct refusals {
    pthread_mutex_t lock;
    uint64_t added; /* since the start; the newest stands at (added - 1) % REFUSALS_KEPT */
    struct refusal ring[REFUSALS_KEPT];
};

struct refusals *refusals_new(void)
{
    struct refusals *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return NULL;
    if (pthread_mutex_init(&r->lock, NULL) != 0) {
        free(r);
        return NULL;
    }
    return r;
}

void refusals_free(struct refusals *r)
{
    if (r == NULL)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
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
    pthread_mutex_lock(&r->lock);
    struct refusal *slot = &r->ring[r->added % REFUSALS_KEPT];
    slot->when = note->when;
    slot->reason = note->reason;
    copy(slot->listener, sizeof(slot->listener), note->listener);
    copy(slot->upstream, sizeof(slot->upstream), note->upstream);
    copy(slot->peer_subject, sizeof(slot->peer_subject), note->peer_subject);
    copy(slot->detail, sizeof(slot->detail), note->detail);
    r->added++;
    pthread_mutex_unlock(&r->lock);
}

size_t refusals_copy(struct refusals *r, struct refusal *out, size_t max)
{
    pthread_mutex_lock(&r->lock);
    size_t n = r->added < REFUSALS_KEPT ? (size_t)r->added : REFUSALS_KEPT;
    if (n > max)
        n = max;
    for (size_t i = 0; i < n; i++)
        out[i] = r->ring[(r->added - 1 - i) % REFUSALS_KEPT];
    pthread_mutex_unlock(&r->lock);
    return n;
}
