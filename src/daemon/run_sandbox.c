/* SPDX-License-Identifier: Apache-2.0 */
#include "run_sandbox.h"
#include "run_handover.h"

#include "mtlsd/base/log.h"

#include <stdio.h>

void run_sandbox_files(struct run *r, const struct config *config)
{
    struct sandbox_plan plan;
    r->sandbox.off = config->insecure_no_sandbox;
    if (r->sandbox.off)
        return;
    if (sandbox_plan_new(&plan, config, config->insecure_keys_in_process ? SANDBOX_ALONE : SANDBOX_CONNECTIONS) == 0)
        sandbox_files(&plan, &r->sandbox);
    else
        snprintf(r->sandbox.why, sizeof(r->sandbox.why), "files: out of memory");
    sandbox_plan_clear(&plan);
}

void run_sandbox_calls(struct run *r)
{
    if (r->sandbox.off)
        return;
    sandbox_calls((struct sandbox_needs){.listens = true, .connects = true}, &r->sandbox);
    if (r->sandbox.why[0] != '\0')
        log_say(LOG_LEVEL_WARN, "sandbox", "not all of it is in force: %s", r->sandbox.why);
    const struct sandbox_facts *keys = run_keys_sandbox(&r->keys);
    if (keys != NULL && keys->why[0] != '\0')
        log_say(LOG_LEVEL_WARN, "sandbox", "not all of it is in force in the key process: %s", keys->why);
}

void run_sandbox_look(struct run *r)
{
    static const char *const replaced[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"};
    if (r->sandbox_left || server_is_draining(r->server))
        return;
    for (size_t i = 0; i < sizeof(replaced) / sizeof(replaced[0]); i++)
        if (sandbox_hides(replaced[i])) {
            r->sandbox_left = true; /* once: if there can be no other process, the line is enough */
            log_say(LOG_LEVEL_WARN, "sandbox", "%s was replaced, and the sandbox of this process hides the new file: handing over to a new process", replaced[i]);
            run_handover_ask(r);
            return;
        }
}
