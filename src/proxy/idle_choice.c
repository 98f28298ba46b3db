/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/idle_choice.h"

enum { PART = 8, FRESH_US = 1000 * 1000 };

void idle_choice_add(struct idle_choice *c, void *who, uint64_t since_us, bool fresh, uint64_t now_us)
{
    if (fresh && now_us <= since_us + FRESH_US)
        return;
    c->all++;
    size_t i = c->n < IDLE_CHOICE_MOST ? c->n++ : IDLE_CHOICE_MOST;
    if (i == IDLE_CHOICE_MOST && c->oldest[--i].since_us <= since_us)
        return;
    for (; i > 0 && c->oldest[i - 1].since_us > since_us; i--)
        c->oldest[i] = c->oldest[i - 1];
    c->oldest[i].who = who;
    c->oldest[i].since_us = since_us;
}

size_t idle_choice_count(const struct idle_choice *c)
{
    size_t part = c->all / PART;
    return part == 0 && c->n > 0 ? 1 : part < c->n ? part : c->n;
}
