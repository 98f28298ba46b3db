/* SPDX-License-Identifier: Apache-2.0 */
/* Messages to the service manager while the daemon runs: that it is ready, reloads or stops, its status, and that all workers answer. Without
 * NOTIFY_SOCKET nothing of this runs. */
#ifndef MTLSD_DAEMON_RUN_SERVICE_H
#define MTLSD_DAEMON_RUN_SERVICE_H

#include "mtlsd/control/service_text.h"
#include "mtlsd/io/server.h"

struct notify;
struct ticker;

struct run_service {
    struct notify *notify; /* NULL: no service manager listens */
    struct server *server; /* borrowed */
    struct ticker *status, *watchdog;
    struct service_facts facts;
    char ended[256];       /* what facts.ended borrows */
    int64_t ended_looked;
    char said[SERVICE_TEXT_MAX];   /* the last status */
    char unsent[SERVICE_TEXT_MAX]; /* a state that the manager did not take yet; "": none */
    uint64_t silent_us; /* since when a worker owes an answer; 0: none does */
    bool hang_told;
};

/* When the server runs: connects to NOTIFY_SOCKET, if there is one, and tells that the daemon is ready. */
void run_service_start(struct run_service *s, struct server *server);
/* Reloading, ready again, or stopping. last_reload_error is borrowed until the next call. */
void run_service_enter(struct run_service *s, enum service_state state, const char *last_reload_error);
/* In words, which are borrowed until the next call; NULL: none to tell. The manager learns it with the next status. */
void run_service_handover_failed(struct run_service *s, const char *error);
/* Another process is to be the main process of the service, or this one again. False: the manager did not take the message. */
bool run_service_main(struct run_service *s, long pid);
void run_service_stop(struct run_service *s);

#endif
