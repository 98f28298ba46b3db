/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message to the service manager, as the text of one datagram (sd_notify(3)). Pure. No text that comes from a file or a peer can add an
 * assignment of its own: control characters become spaces.
 */
#ifndef MTLSD_CONTROL_SERVICE_TEXT_H
#define MTLSD_CONTROL_SERVICE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum service_state { SERVICE_STARTING, SERVICE_READY, SERVICE_RELOADING, SERVICE_STOPPING };

enum { SERVICE_TEXT_MAX = 512 };

struct service_facts {
    enum service_state state;
    uint64_t now_us; /* CLOCK_MONOTONIC, of the moment the reload began */
    uint64_t clients;
    bool full;                     /* clients were refused within the last seconds for want of a place */
    const char *last_reload_error; /* NULL: the last reload went well, or there was none */
    const char *last_handover_error; /* NULL: no new process failed to take over */
    const char *ended;             /* a certificate, CA or list that is out of its dates, in words; NULL: none */
    size_t n_ended;
};

/* "READY=1", "RELOADING=1" with MONOTONIC_USEC, "STOPPING=1"; nothing for SERVICE_STARTING. Each is followed by service_text_status. */
void service_text(const struct service_facts *f, char out[SERVICE_TEXT_MAX]);
/* "STATUS=12 clients; the last reload was refused: ...". */
void service_text_status(const struct service_facts *f, char out[SERVICE_TEXT_MAX]);

/* How often to look whether the workers answer, in milliseconds, so that WATCHDOG_USEC (usec) is met with room to spare. pid: WATCHDOG_PID, NULL: not set.
 * 0: no watchdog is asked of this process. */
uint64_t service_watchdog_ms(const char *usec, const char *pid, long us);

#endif
