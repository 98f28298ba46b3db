/* SPDX-License-Identifier: Apache-2.0 */
#include "run_tell.h"
#include "run_sandbox.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/expiry.h"
#include "mtlsd/io/clock.h"

void run_tell_translate(const struct run_options *options, struct findings *findings)
{
    if (options->translate != NULL)
        options->translate(findings);
}

void run_tell_findings(const char *event, const struct findings *findings)
{
    static const enum log_level levels[] = {
        [FINDING_NOTE] = LOG_LEVEL_DEBUG, [FINDING_WARNING] = LOG_LEVEL_WARN,
        [FINDING_FAULT] = LOG_LEVEL_ERROR, [FINDING_ERROR] = LOG_LEVEL_ERROR};
    for (size_t i = 0; i < findings->n; i++) {
        struct log_line l;
        log_begin(&l, levels[findings->items[i].level], event, findings->items[i].text);
        log_str(&l, "where", findings->items[i].where);
        if (findings->items[i].times > 1)
            log_uint(&l, "times", findings->items[i].times);
        log_end(&l);
    }
}

void run_tell_dates(void *ctx)
{
    struct run *r = ctx;
    struct findings findings;
    int64_t now = clock_now();
    findings_init(&findings);
    expiry_review(server_snapshot(r->server), r->expiry_looked, now, &findings);
    run_tell_translate(r->options, &findings);
    run_tell_findings("expiry", &findings);
    findings_clear(&findings);
    r->expiry_looked = now;
    run_sandbox_look(r);
}

static const char *route_text(const struct plan_listener *l)
{
    return l->n_routes == 1 && l->routes[0].upstream != NULL ? l->routes[0].upstream->conf->name : "its routes";
}

void run_tell_listening(const struct snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->config->n_listeners; i++) {
        const struct plan_listener *l = &snapshot->listeners[i];
        for (size_t b = 0; b < l->conf->n_bind; b++)
            log_say(LOG_LEVEL_INFO, "listening", "%s on %s (%s%s) to %s", l->conf->name, l->conf->bind_text[b],
                    l->tls != NULL ? "tls, " : "", config_protocol_word(l->conf),
                    route_text(l));
    }
}
