/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reloads one after the other: which one runs, which one waits, and who is answered by which. A request that comes while a reload runs is answered by
 * the next reload, which reads the files as they are then. Pure: the user of the queue loads and adopts.
 */
#ifndef MTLSD_CONTROL_RELOAD_H
#define MTLSD_CONTROL_RELOAD_H

#include "mtlsd/base/findings.h"
#include "mtlsd/config/config.h"
#include <stdbool.h>

enum { RELOAD_WAITING_MAX = 16 }; /* as many as the admin socket has connections */

struct reload_queue { /* zero: nothing runs */
    bool running, again;
    void *waiting[RELOAD_WAITING_MAX]; /* borrowed; the reload that runs answers the first n_served */
    size_t n_waiting, n_served;
};

enum reload_turn { RELOAD_NOW, RELOAD_LATER, RELOAD_REFUSED /* too many wait */ };
/* who: to be answered; NULL: a signal, which needs no answer. RELOAD_NOW: begin one. */
enum reload_turn reload_ask(struct reload_queue *q, void *who);
/* When the reload that runs is over: the next one to answer; NULL: all are. */
void *reload_next_answer(struct reload_queue *q);
/* After the answers. True: begin another one. */
bool reload_end(struct reload_queue *q);

/* Warns about each key of next that differs from what the process started with and that only a restart changes. */
void reload_review(const struct config *next, unsigned started_workers, const char *started_socket, struct findings *out);

#endif
