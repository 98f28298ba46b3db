/* SPDX-License-Identifier: Apache-2.0 */
/* Which idle clients give way when the connection limit is reached (security C13): those that are idle for longest, some in one go. */
#ifndef MTLSD_PROXY_IDLE_CHOICE_H
#define MTLSD_PROXY_IDLE_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IDLE_CHOICE_MOST = 32 }; /* at once, so that looking for them is not paid for each */

struct idle_choice { /* begins as {0} */
    struct {
        void *who;
        uint64_t since_us;
    } oldest[IDLE_CHOICE_MOST]; /* the oldest first */
    size_t n, all;
};

/* Adds a client that is idle since then. fresh: it has not asked for anything yet, and is given a second. */
void idle_choice_add(struct idle_choice *c, void *who, uint64_t since_us, bool fresh, uint64_t now_us);
/* How many of the oldest give way: a part of all. */
size_t idle_choice_count(const struct idle_choice *c);

#endif
