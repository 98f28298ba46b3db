/* SPDX-License-Identifier: Apache-2.0 */
#include "run_ocsp.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"

enum { TELL_EVERY_S = 10 };

/* ---- on the thread of the client ---- */

static void on_answers(void *ctx)
{
    struct run_ocsp *o = ctx;
    server_tell_answers(o->server);
}

static void on_revoked(void *ctx)
{
    struct run_ocsp *o = ctx;
    log_say(LOG_LEVEL_INFO, "ocsp", "the certificate of an open connection was revoked; open connections are checked again");
    server_rejudge_rows(o->server, false);
}

static void on_failure(void *ctx, const char *fault)
{
    struct run_ocsp *o = ctx;
    int64_t now = clock_now();
    if (now < o->told + TELL_EVERY_S && now >= o->told) {
        o->untold++;
        return;
    }
    if (o->untold > 0)
        log_say(LOG_LEVEL_WARN, "ocsp", "no OCSP answer from %s (and %llu more failures before)", fault, (unsigned long long)o->untold);
    else
        log_say(LOG_LEVEL_WARN, "ocsp", "no OCSP answer from %s", fault);
    o->told = now;
    o->untold = 0;
}

/* ---- on the loop ---- */

int run_ocsp_begin(struct run_ocsp *o)
{
    o->store = tls_ocsp_store_new();
    return o->store != NULL ? 0 : -1;
}

static bool is_wanted(const struct snapshot *s)
{
    for (size_t i = 0; i < s->n_trusts; i++)
        if (s->trusts[i].conf != NULL && s->trusts[i].conf->ocsp != CONFIG_OCSP_OFF)
            return true;
    return false;
}

void run_ocsp_follow(struct run_ocsp *o, struct server *server)
{
    struct err err = {0};
    const struct ocsp_client_hooks hooks = {o, on_answers, on_revoked, on_failure};
    tls_ocsp_store_reload(o->store);
    if (o->client != NULL || !is_wanted(server_snapshot(server)))
        return;
    o->server = server; /* before there is a thread that reads it */
    o->client = ocsp_client_start(o->store, &hooks, &err);
    if (o->client == NULL)
        log_say(LOG_LEVEL_ERROR, "ocsp", "no OCSP responder is asked: %s", err.text);
}

const struct tls_ocsp_facts *run_ocsp_view(struct run_ocsp *o)
{
    if (o->client == NULL)
        return NULL;
    tls_ocsp_store_facts(o->store, &o->facts);
    return &o->facts;
}

void run_ocsp_stop(struct run_ocsp *o)
{
    ocsp_client_stop(o->client);
    o->client = NULL;
}

void run_ocsp_end(struct run_ocsp *o)
{
    tls_ocsp_store_unref(o->store);
    o->store = NULL;
}
