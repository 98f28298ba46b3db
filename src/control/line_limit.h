/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many lines about refusals one client may cause: so many a second, the rest is counted and told in one line when the second is over. For
 * that a disk is not filled by whoever can be refused (security C8). Memory is fixed: a client that finds no room is counted with the others, and
 * all clients together have a limit too, so that many addresses are no way around it. Pure: the second is an argument.
 */
#ifndef MTLSD_CONTROL_LINE_LIMIT_H
#define MTLSD_CONTROL_LINE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LINE_LIMIT_OF_CLIENT = 20, LINE_LIMIT_OF_ALL = 400, LINE_LIMIT_SETS = 128, LINE_LIMIT_WAYS = 4 };

struct line_limit;

struct line_limit *line_limit_new(void); /* NULL: out of memory */
void line_limit_free(struct line_limit *l);

/* True: write the line. False: it is counted. The listener is that of the refusal; each has a limit of its own. */
bool line_limit_permits(struct line_limit *l, const char *listener, const char *client, int64_t now);

struct line_limit_held {
    char listener[64], client[48]; /* "" both: of several */
    uint64_t lines;
};
/* Takes one count whose second is over (all: whatever its second). False: there is none. */
bool line_limit_take(struct line_limit *l, int64_t now, bool all, struct line_limit_held *out);
bool line_limit_holds(const struct line_limit *l); /* any count waits to be taken */

#endif
