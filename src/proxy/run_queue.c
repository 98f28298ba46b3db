/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/run_queue.h"

#include "mtlsd/proxy/link.h"

void run_touch(struct link *l)
{
    struct run_queue *r = l->run;
    if (l->place.queued || r == NULL)
        return;
    l->place.queued = true;
    l->place.next = NULL;
    *(r->last != NULL ? &r->last->place.next : &r->first) = l;
    r->last = l;
}

bool run_waits(const struct run_queue *r)
{
    return r->first != NULL;
}

void run_hold(struct link *l)
{
    if (l->place.held)
        return;
    l->place.held = true;
    l->place.held_next = l->run->held;
    l->run->held = l;
}

void run_touch_held(struct run_queue *r)
{
    for (struct link *l; (l = r->held) != NULL;) {
        r->held = l->place.held_next;
        l->place.held = false;
        run_touch(l);
    }
}

struct link *run_next(struct run_queue *r)
{
    struct link *l = r->first;
    if (l == NULL)
        return NULL;
    r->first = l->place.next;
    if (r->first == NULL)
        r->last = NULL;
    l->place.queued = false;
    if (l->place.in_turn)
        return l;
    l->place.in_turn = true;
    l->place.drives = 0;
    l->place.turn_next = r->turn;
    r->turn = l;
    return l;
}

struct link *run_end_turn(struct run_queue *r)
{
    struct link *l = r->turn;
    if (l != NULL) {
        r->turn = l->place.turn_next;
        l->place.in_turn = false;
    }
    return l;
}

static void forget_held(struct link *l)
{
    struct link **at = &l->run->held;
    while (*at != l)
        at = &(*at)->place.held_next;
    *at = l->place.held_next;
    l->place.held = false;
}

/* The lists are short, and mostly empty by then. */
void run_forget(struct link *l)
{
    struct run_queue *r = l->run;
    struct link *before = NULL;
    for (struct link *at = l->place.queued ? r->first : NULL; at != NULL && at != l; at = at->place.next)
        before = at;
    if (l->place.queued) {
        *(before != NULL ? &before->place.next : &r->first) = l->place.next;
        if (r->last == l)
            r->last = before;
    }
    struct link **at = l->place.in_turn ? &r->turn : NULL;
    while (at != NULL && *at != l)
        at = &(*at)->place.turn_next;
    if (at != NULL)
        *at = l->place.turn_next;
    l->place.queued = l->place.in_turn = false;
    if (l->place.held)
        forget_held(l);
}
