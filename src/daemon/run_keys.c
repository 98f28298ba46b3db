/* SPDX-License-Identifier: Apache-2.0 */
#include "run_keys.h"

#include "mtlsd/base/log.h"
#include "mtlsd/control/sandbox_plan.h"

#include <stdio.h>

enum { BESIDE_WORKERS = 2 }; /* threads of io/background.c, which load and try certificates */

static bool is_sandboxed(const struct run_keys *k)
{
    return !k->sandbox.off && k->sandbox.why[0] == '\0';
}

int run_keys_start(struct run_keys *k, const struct config *config, const struct privilege *user, const struct workload_order *workload, struct err *err)
{
    if (config->insecure_keys_in_process)
        return 0;
    struct sandbox_plan plan = {0};
    k->sandbox.off = config->insecure_no_sandbox;
    if (!k->sandbox.off && config_has_tokens(config))
        snprintf(k->sandbox.why, sizeof(k->sandbox.why), "a pkcs11: key is configured, and modules open files and devices of their own");
    bool sandboxed = is_sandboxed(k);
    if (sandboxed && sandbox_plan_new(&plan, config, SANDBOX_KEYS) != 0)
        return err_set(err, ERR_MEMORY, "out of memory");
    k->client = key_client_new(&(struct key_client_order){config->workers + BESIDE_WORKERS, user, sandboxed ? &plan : NULL, workload}, err);
    sandbox_plan_clear(&plan);
    return k->client != NULL ? 0 : -1;
}

const struct identity_source *run_keys_source(const struct run_keys *k)
{
    return k->client != NULL ? key_client_source(k->client) : NULL;
}

void run_keys_review(const struct run_keys *k, const struct snapshot *loaded, struct findings *out)
{
    bool locked = k->client != NULL ? key_client_is_locked(k->client) : tls_key_memory_is_locked(loaded->key_memory);
    if (!locked)
        findings_add(out, FINDING_WARNING, "",
                     "private keys may be written to swap, because the system refuses to lock their memory: raise the limit (LimitMEMLOCK= or ulimit -l)");
}

void run_keys_compare(const struct run_keys *k, const struct config *next, struct findings *out)
{
    if (next->insecure_keys_in_process != (k->client == NULL))
        findings_add(out, FINDING_WARNING, next->path, "insecure_keys_in_process: private keys stay in %s, because a reload does not move them: restart mtlsd",
                     k->client != NULL ? "the key process" : "the process of connections");
}

int run_keys_become(struct run_keys *k, const struct privilege *user, struct err *err)
{
    return k->client != NULL && user != NULL ? key_client_become(k->client, err) : 0;
}

const struct sandbox_facts *run_keys_sandbox(const struct run_keys *k)
{
    if (k->client == NULL)
        return NULL;
    return is_sandboxed(k) ? key_client_sandbox(k->client) : &k->sandbox;
}

static void on_end(void *ctx, const char *how)
{
    struct run_keys *k = ctx;
    k->ended = true;
    log_say(LOG_LEVEL_ERROR, "keys", "the key process has ended (%s): no handshake is possible without it, so mtlsd stops: start it again", how);
    server_stop(k->server);
}

int run_keys_watch(struct run_keys *k, struct server *server, struct err *err)
{
    k->server = server;
    return k->client != NULL ? key_client_watch(k->client, server_loop(server), on_end, k, err) : 0;
}

void run_keys_unwatch(struct run_keys *k)
{
    key_client_unwatch(k->client);
}

void run_keys_view(const struct run_keys *k, struct admin_keys *out)
{
    *out = (struct admin_keys){.silent = false};
    if (k->client == NULL)
        return;
    out->pid = (int)key_client_pid(k->client);
    out->silent = !key_client_answers(k->client);
    out->refused = key_client_refused(k->client);
    out->sandbox = run_keys_sandbox(k);
}

void run_keys_end(struct run_keys *k)
{
    key_client_free(k->client);
    k->client = NULL;
}
