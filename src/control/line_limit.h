/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits the log lines about refusals of one client per second, so that refused clients cannot fill the disk (security
 * C8). The rest is counted and logged in one line when the second is over. Memory is fixed: a client without room in the
 * table is counted with the others. All clients together have a limit, too, so that many addresses do not avoid it.
 * Pure: the second is an argument.
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
