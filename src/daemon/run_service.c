/* SPDX-License-Identifier: Apache-2.0 */
#include "run_service.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/expiry.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/notify.h"
#include "mtlsd/io/ticker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STATUS_MS = 2000, ENDED_LOOK_S = 60, HANG_US = 1000 * 1000 };

/* ---- facts ---- */

static void look_for_ended(struct run_service *s)
{
    struct findings findings;
    int64_t now = clock_now();
    if (s->ended_looked != 0 && now - s->ended_looked < ENDED_LOOK_S)
        return;
    s->ended_looked = now;
    s->facts.n_ended = 0;
    findings_init(&findings);
    expiry_review(server_snapshot(s->server), 0, now, &findings);
    for (size_t i = 0; i < findings.n; i++) {
        if (findings.items[i].level == FINDING_ERROR && s->facts.n_ended++ == 0)
            snprintf(s->ended, sizeof(s->ended), "%s", findings.items[i].text);
    }
    s->facts.ended = s->facts.n_ended > 0 ? s->ended : NULL;
    findings_clear(&findings);
}

static void gather(struct run_service *s)
{
    struct admin_room room;
    server_room(s->server, &room);
    s->facts.clients = room.clients;
    s->facts.full = room.full;
    s->facts.now_us = clock_monotonic_us();
    look_for_ended(s);
}

/* ---- telling ---- */

/* A state must arrive; when the manager does not take it now, the next look at the status repeats it. */
static void tell_state(struct run_service *s)
{
    char text[SERVICE_TEXT_MAX];
    gather(s);
    service_text(&s->facts, text);
    service_text_status(&s->facts, s->said);
    s->unsent[0] = '\0';
    if (!notify_send(s->notify, text))
        memcpy(s->unsent, text, sizeof(text));
}

static void on_status(void *ctx)
{
    struct run_service *s = ctx;
    char text[SERVICE_TEXT_MAX];
    if (s->unsent[0] != '\0') {
        if (notify_send(s->notify, s->unsent))
            s->unsent[0] = '\0';
        return;
    }
    gather(s);
    service_text_status(&s->facts, text);
    if (strcmp(text, s->said) != 0 && notify_send(s->notify, text))
        memcpy(s->said, text, sizeof(text));
}

/* ---- the watchdog ---- */

static void tell_hang(struct run_service *s)
{
    uint64_t now = clock_monotonic_us();
    if (s->silent_us == 0)
        s->silent_us = now;
    if (s->hang_told || now - s->silent_us < HANG_US)
        return;
    s->hang_told = true;
    log_say(LOG_LEVEL_ERROR, "watchdog", "a worker does not answer: the service manager will restart mtlsd unless it answers soon");
}

/* Once a worker hangs, nothing is sent, and the manager ends the daemon. */
static void on_watchdog(void *ctx)
{
    struct run_service *s = ctx;
    if (!server_answered(s->server)) {
        tell_hang(s);
        return;
    }
    s->silent_us = 0;
    s->hang_told = false;
    server_ask(s->server);
    if (!notify_send(s->notify, "WATCHDOG=1"))
        log_say(LOG_LEVEL_DEBUG, "watchdog", "the service manager did not take a message: the next one follows soon");
}

static void start_watchdog(struct run_service *s)
{
    uint64_t every_ms = service_watchdog_ms(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), (long)getpid());
    if (every_ms == 0)
        return;
    server_ask(s->server);
    s->watchdog = ticker_start(server_loop(s->server), every_ms, on_watchdog, s);
}

/* ---- life ---- */

void run_service_start(struct run_service *s, struct server *server)
{
    const char *reason;
    s->server = server;
    s->notify = notify_new(getenv("NOTIFY_SOCKET"), &reason);
    if (reason != NULL)
        log_say(LOG_LEVEL_WARN, "service", "the service manager is not told anything: NOTIFY_SOCKET cannot be used: %s", reason);
    if (s->notify == NULL)
        return;
    start_watchdog(s);
    s->status = ticker_start(server_loop(server), STATUS_MS, on_status, s);
    run_service_enter(s, SERVICE_READY, NULL);
}

void run_service_enter(struct run_service *s, enum service_state state, const char *last_reload_error)
{
    if (s->notify == NULL)
        return;
    s->facts.state = state;
    s->facts.last_reload_error = last_reload_error;
    s->ended_looked = 0; /* other certificates may be in use */
    tell_state(s);
}

void run_service_handover_failed(struct run_service *s, const char *error)
{
    s->facts.last_handover_error = error;
}

bool run_service_main(struct run_service *s, long pid)
{
    char text[32];
    snprintf(text, sizeof(text), "MAINPID=%ld", pid);
    return s->notify == NULL || notify_send(s->notify, text);
}

void run_service_stop(struct run_service *s)
{
    ticker_stop(s->status);
    ticker_stop(s->watchdog);
    notify_free(s->notify);
    *s = (struct run_service){0};
}
