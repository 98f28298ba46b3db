/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/turn.h"

#include <string.h>

void turn_init(struct turn *t)
{
    memset(t, 0, sizeof(*t));
    t->number = 1; /* a new seat is of no turn */
    t->left = TURN_BYTES;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void enter_turn(const struct turn *t, struct turn_seat *s)
{
    if (s->number == t->number)
        return;
    s->number = t->number;
    s->taken = s->granted = 0;
}

static struct turn_queue *queue_of(struct turn *t, const struct turn_seat *s)
{
    return s->fresh ? &t->fresh : &t->bulk;
}

void turn_begin(struct turn *t)
{
    t->number++;
    t->left = TURN_BYTES;
}

/* Fresh ones first, but for each fourth place: many small responses do not stop a download. */
static struct turn_seat *first_waiting(struct turn *t)
{
    bool bulk = t->bulk.first != NULL && (t->fresh.first == NULL || ++t->places % 4 == 0);
    return bulk ? t->bulk.first : t->fresh.first;
}

struct turn_seat *turn_next(struct turn *t)
{
    struct turn_seat *s = t->left > 0 ? first_waiting(t) : NULL;
    if (s == NULL)
        return NULL;
    turn_leave(t, s);
    enter_turn(t, s);
    s->granted = s->fresh ? TURN_FRESH : TURN_PIECE;
    t->left -= smaller(s->granted, t->left);
    return s;
}

bool turn_is_crowded(const struct turn *t)
{
    return t->fresh.first != NULL || t->bulk.first != NULL;
}

size_t turn_allows(struct turn *t, struct turn_seat *s, size_t wanted)
{
    enter_turn(t, s);
    if (s->granted > 0)
        return smaller(wanted, s->granted);
    /* A connection that waits goes before one that was served. */
    if (t->left > 0 && !(turn_is_crowded(t) && s->taken > 0))
        return smaller(wanted, t->left);
    return s->taken < TURN_LITTLE ? smaller(wanted, TURN_LITTLE) : 0;
}

void turn_took(struct turn *t, struct turn_seat *s, size_t n, size_t asked)
{
    enter_turn(t, s);
    if (s->granted > 0)
        s->granted -= smaller(n, s->granted);
    else
        t->left -= smaller(n, t->left);
    s->taken += n;
    s->burst = n < asked ? 0 : s->burst + n;
}

void turn_wait(struct turn *t, struct turn_seat *s)
{
    if (s->waiting)
        return;
    s->waiting = true;
    s->fresh = s->burst <= TURN_FRESH;
    struct turn_queue *q = queue_of(t, s);
    s->next = NULL;
    s->prev = q->last;
    if (q->last != NULL)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
}

void turn_leave(struct turn *t, struct turn_seat *s)
{
    if (!s->waiting)
        return;
    struct turn_queue *q = queue_of(t, s);
    if (s->prev != NULL)
        s->prev->next = s->next;
    else
        q->first = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    else
        q->last = s->prev;
    s->waiting = false;
}
