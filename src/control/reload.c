/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/reload.h"

#include <string.h>

static void begin(struct reload_queue *q)
{
    q->running = true;
    q->again = false;
    q->n_served = q->n_waiting;
}

enum reload_turn reload_ask(struct reload_queue *q, void *who)
{
    if (who != NULL && q->n_waiting == RELOAD_WAITING_MAX)
        return RELOAD_REFUSED;
    if (who != NULL)
        q->waiting[q->n_waiting++] = who;
    if (q->running) {
        q->again = true;
        return RELOAD_LATER;
    }
    begin(q);
    return RELOAD_NOW;
}

void *reload_next_answer(struct reload_queue *q)
{
    if (q->n_served == 0)
        return NULL;
    void *who = q->waiting[0];
    q->n_served--;
    q->n_waiting--;
    memmove(q->waiting, q->waiting + 1, q->n_waiting * sizeof(q->waiting[0]));
    return who;
}

bool reload_end(struct reload_queue *q)
{
    q->running = false;
    if (!q->again)
        return false;
    begin(q);
    return true;
}

void reload_review(const struct config *next, unsigned started_workers, const char *started_socket, struct findings *out)
{
    const char *socket = next->admin_socket;
    bool same = socket != NULL && started_socket != NULL ? strcmp(socket, started_socket) == 0 : socket == started_socket;
    if (next->workers != started_workers)
        findings_add(out, FINDING_WARNING, next->where.workers != NULL ? next->where.workers : "",
                     "workers: %u stay in use, because a reload does not change their number: restart mtlsd for %u", started_workers, next->workers);
    if (!same)
        findings_add(out, FINDING_WARNING, next->where.admin_socket != NULL ? next->where.admin_socket : "",
                     "admin.socket: %s stays in use, because a reload does not move the socket: restart mtlsd for %s",
                     started_socket != NULL ? started_socket : "none", socket != NULL ? socket : "none");
}
