/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/service_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS_PER_WATCHDOG = 4, LOOK_LEAST_MS = 10 };

static const char *state_text(enum service_state state)
{
    switch (state) {
    case SERVICE_READY:
        return "READY=1\n";
    case SERVICE_RELOADING:
        return "RELOADING=1\n";
    case SERVICE_STOPPING:
        return "STOPPING=1\n";
    case SERVICE_STARTING:
        break;
    }
    return "";
}

/* A newline would begin another assignment. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

static const char *doing(enum service_state state)
{
    return state == SERVICE_RELOADING ? "reloading; " : state == SERVICE_STOPPING ? "draining; " : "";
}

void service_text_status(const struct service_facts *f, char out[SERVICE_TEXT_MAX])
{
    static const char key[] = "STATUS=";
    char more[32] = "";
    if (f->n_ended > 1)
        snprintf(more, sizeof(more), " (and %zu more)", f->n_ended - 1);
    snprintf(out, SERVICE_TEXT_MAX, "%s%s%" PRIu64 " client%s%s%s%.150s%s%s%.150s%s%.100s", key, doing(f->state), f->clients, f->clients == 1 ? "" : "s",
             f->full ? "; clients are refused, because the connection limit is reached" : "", f->ended != NULL ? "; " : "",
             f->ended != NULL ? f->ended : "", more, f->last_reload_error != NULL ? "; the last reload was refused: " : "",
             f->last_reload_error != NULL ? f->last_reload_error : "", f->last_handover_error != NULL ? "; no new process took over: " : "",
             f->last_handover_error != NULL ? f->last_handover_error : "");
    flatten(out + sizeof(key) - 1);
}

void service_text(const struct service_facts *f, char out[SERVICE_TEXT_MAX])
{
    char status[SERVICE_TEXT_MAX], moment[64] = "";
    service_text_status(f, status);
    if (f->state == SERVICE_RELOADING)
        snprintf(moment, sizeof(moment), "MONOTONIC_USEC=%" PRIu64 "\n", f->now_us);
    snprintf(out, SERVICE_TEXT_MAX, "%s%s%.400s", state_text(f->state), moment, status);
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && strlen(text) < 19 && text[strspn(text, "0123456789")] == '\0';
}

uint64_t service_watchdog_ms(const char *usec, const char *pid, long us)
{
    if (usec == NULL || !is_number(usec) || (pid != NULL && (!is_number(pid) || strtol(pid, NULL, 10) != us)))
        return 0;
    uint64_t ms = strtoull(usec, NULL, 10) / 1000 / LOOKS_PER_WATCHDOG;
    return ms > LOOK_LEAST_MS ? ms : strtoull(usec, NULL, 10) > 0 ? LOOK_LEAST_MS : 0;
}
