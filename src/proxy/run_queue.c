/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/run_queue.h"

#include "mtlsd/proxy/link.h"

void run_touch(struct link *l)
{
    struct run_queue *r = l->run;
    if (l->queued || r == NULL)
        return;
    l->queued = true;
    l->run_next = NULL;
    *(r->last != NULL ? &r->last->run_next : &r->first) = l;
    r->last = l;
}

bool run_waits(const struct run_queue *r)
{
    return r->first != NULL;
}

void run_hold(struct link *l)
{
    if (l->held)
        return;
    l->held = true;
    l->held_next = l->run->held;
    l->run->held = l;
}

void run_touch_held(struct run_queue *r)
{
    for (struct link *l; (l = r->held) != NULL;) {
        r->held = l->held_next;
        l->held = false;
        run_touch(l);
    }
}

struct link *run_next(struct run_queue *r)
{
    struct link *l = r->first;
    if (l == NULL)
        return NULL;
    r->first = l->run_next;
    if (r->first == NULL)
        r->last = NULL;
    l->queued = false;
    if (l->in_turn)
        return l;
    l->in_turn = true;
    l->drives = 0;
    l->turn_next = r->turn;
    r->turn = l;
    return l;
}

struct link *run_end_turn(struct run_queue *r)
{
    struct link *l = r->turn;
    if (l != NULL) {
        r->turn = l->turn_next;
        l->in_turn = false;
    }
    return l;
}

static void forget_held(struct link *l)
{
    struct link **at = &l->run->held;
    while (*at != l)
        at = &(*at)->held_next;
    *at = l->held_next;
    l->held = false;
}

/* The lists are short, and mostly empty by then. */
void run_forget(struct link *l)
{
    struct run_queue *r = l->run;
    struct link *before = NULL;
    for (struct link *at = l->queued ? r->first : NULL; at != NULL && at != l; at = at->run_next)
        before = at;
    if (l->queued) {
        *(before != NULL ? &before->run_next : &r->first) = l->run_next;
        if (r->last == l)
            r->last = before;
    }
    struct link **at = l->in_turn ? &r->turn : NULL;
    while (at != NULL && *at != l)
        at = &(*at)->turn_next;
    if (at != NULL)
        *at = l->turn_next;
    l->queued = l->in_turn = false;
    if (l->held)
        forget_held(l);
}
