/* SPDX-License-Identifier: Apache-2.0 */
#include "run_renewal.h"
#include "run_reload.h"
#include "run_state.h"

#include "mtlsd/base/log.h"
#include "mtlsd/base/text.h"
#include "mtlsd/config/config_renew.h"
#include "mtlsd/io/background.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/io/renewal_call.h"
#include "mtlsd/io/ticker.h"
#include "mtlsd/tls/tls_renewal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 2000, HOST_MAX = 300, WAIT_S = 60 };

struct run_renewal_job {
    struct run *r;
    struct run_renewal_job *next;  /* among those that wait */
    struct snapshot *snapshot;     /* counted; while it asks */
    const struct config_identity *conf; /* of the snapshot */
    char *identity;
    struct renewal_use use;        /* both counted */
    struct key_client_renewal key;
    struct bytes chain;            /* PEM, to be written */
    enum renewal_outcome outcome;
    unsigned retry_after_s;
    bool written;
    struct err err;
};

static void free_job(struct run_renewal_job *job)
{
    if (job == NULL)
        return;
    tls_identity_unref((struct tls_identity *)(uintptr_t)job->use.current); /* only its count changes */
    tls_identity_unref(job->use.fresh);
    key_client_renewal_clear(&job->key);
    bytes_clear(&job->chain);
    snapshot_unref(job->snapshot);
    free(job->identity);
    free(job);
}

static uint64_t draw(void)
{
    return (clock_monotonic_us() * UINT64_C(0x9e3779b97f4a7c15)) >> 20;
}

/* ---- on the thread: the CA is asked ---- */

static struct tls_context *context_of(struct run_renewal_job *job, const struct config_renew_place *place)
{
    static const char *const alpn[] = {"http/1.1"};
    const struct config_trust *trust = config_find_trust(job->snapshot->config, job->conf->renew.trust);
    const struct tls_context_spec spec = {
        .identity = (struct tls_identity *)(uintptr_t)job->use.current, /* only its count changes */
        .trust = job->snapshot->trusts[trust - job->snapshot->config->trusts].tls,
        .server_name = place->server.host,
        .require_client_auth = true,
        .alpn = alpn,
        .n_alpn = 1,
    };
    return tls_context_new(&spec, &job->err);
}

static int talk(struct run_renewal_job *job, struct renewal_reply *reply)
{
    struct config_renew_place place;
    struct bytes request;
    char host[HOST_MAX];
    if (config_renew_place(&job->conf->renew, &place) != 0)
        return err_set(&job->err, ERR_CONFIG, "the address of the CA is not understood");
    address_format(&place.server, host, sizeof(host));
    enum renewal_kind kind = job->conf->renew.est != NULL ? RENEWAL_EST : RENEWAL_STEP;
    const struct renewal_question question = {kind, host, place.path, bytes_span(&job->key.request)};
    struct tls_context *tls = context_of(job, &place);
    int rc = tls != NULL ? renewal_answer_ask(&question, &request, &job->err) : -1;
    if (rc == 0) {
        rc = renewal_call(&(struct renewal_call){.server = &place.server, .tls = tls, .request = bytes_span(&request)}, reply, &job->err);
        bytes_clear(&request);
    }
    tls_context_unref(tls);
    return rc;
}

static void judge(struct run_renewal_job *job, const struct renewal_reply *reply)
{
    struct bytes pem;
    enum renewal_kind kind = job->conf->renew.est != NULL ? RENEWAL_EST : RENEWAL_STEP;
    job->outcome = renewal_answer_read(kind, reply, &pem, &job->err);
    job->retry_after_s = reply->retry_after_s > 0 ? reply->retry_after_s : WAIT_S;
    if (job->outcome != RENEWAL_ANSWERED)
        return;
    const struct tls_renewal_answer answer = {job->identity, bytes_span(&pem), job->key.key, job->use.current, clock_now()};
    job->use.fresh = tls_renewal_join(&answer, &job->err);
    if (job->use.fresh == NULL || tls_renewal_write_chain(job->use.fresh, &job->chain, &job->err) != 0)
        job->outcome = RENEWAL_REFUSED;
    bytes_clear(&pem);
}

static int make_key(struct run_renewal_job *job)
{
    const char *files[2];
    config_renew_files(job->conf, files);
    const struct identity_order order = {.name = job->identity, .key = files[1] != NULL ? files[1] : files[0], .certificate = files[1] != NULL ? files[0] : NULL};
    return key_client_renew(job->r->keys.client, &order, &job->key, &job->err);
}

static void ask_ca(void *ctx)
{
    struct run_renewal_job *job = ctx;
    struct renewal_reply reply = {.status = 0};
    job->err = (struct err){0};
    job->outcome = RENEWAL_REFUSED;
    if ((job->key.key != NULL || make_key(job) == 0) && talk(job, &reply) == 0)
        judge(job, &reply);
    bytes_clear(&reply.body);
}

/* ---- on the main loop ---- */

static struct run_renewal_job *take_waiting(struct run *r, const char *identity)
{
    for (struct run_renewal_job **at = &r->renewal.waiting; *at != NULL; at = &(*at)->next)
        if (strcmp((*at)->identity, identity) == 0) {
            struct run_renewal_job *job = *at;
            *at = job->next;
            return job;
        }
    return NULL;
}

static void fail(struct run *r, const char *identity, const char *why)
{
    struct renewal_item *item = renewal_find(&r->renewal.plan, identity);
    int64_t now = clock_now();
    char until[21], next[21];
    if (item == NULL)
        return;
    renewal_failed(item, why, now, draw());
    text_utc(until, item->not_after);
    text_utc(next, item->due);
    log_say(LOG_LEVEL_ERROR, "renewal", "identity \"%s\": not renewed by %s, the certificate in use stays, which is good until %s; next try %s: %s", identity, item->url,
            until, next, why);
}

static void wait_for_ca(struct run *r, struct run_renewal_job *job)
{
    struct renewal_item *item = renewal_find(&r->renewal.plan, job->identity);
    if (item == NULL) {
        free_job(job);
        return;
    }
    renewal_wait(item, job->err.text, job->retry_after_s, clock_now());
    log_say(LOG_LEVEL_INFO, "renewal", "identity \"%s\": %s has not decided yet: it is asked again in %u s", job->identity, item->url, job->retry_after_s);
    snapshot_unref(job->snapshot);
    job->snapshot = NULL;
    job->next = r->renewal.waiting;
    r->renewal.waiting = job;
}

static bool is_current(const struct run_renewal_job *job, const struct tls_identity *current)
{
    return span_equals(tls_identity_der(job->use.current, 0), tls_identity_der(current, 0));
}

static struct run_renewal_job *job_for(struct run *r, const struct config_identity *conf, struct tls_identity *current)
{
    struct run_renewal_job *job = take_waiting(r, conf->name);
    if (job != NULL && is_current(job, current))
        return job;
    free_job(job);
    job = calloc(1, sizeof(*job));
    if (job == NULL)
        return NULL;
    job->r = r;
    job->use.current = tls_identity_ref(current);
    job->identity = strdup(conf->name);
    if (job->identity != NULL)
        return job;
    free_job(job);
    return NULL;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A reload since the question may have taken renew away, or have given it other files or another CA. */
static bool is_wanted(const struct run *r, const struct run_renewal_job *job)
{
    const char *asked[2], *now[2];
    const struct config_identity *conf = config_find_identity(server_snapshot(r->server)->config, job->identity);
    if (conf == NULL || !config_renew_is_on(conf))
        return false;
    config_renew_files(job->conf, asked);
    config_renew_files(conf, now);
    return same_text(asked[0], now[0]) && same_text(asked[1], now[1]) && strcmp(config_renew_url(&job->conf->renew), config_renew_url(&conf->renew)) == 0;
}

static void drop(struct run *r)
{
    log_say(LOG_LEVEL_INFO, "renewal", "identity \"%s\": the new certificate is not used, because the configuration does not renew it any more or has changed that",
            r->renewal.job->identity);
    free_job(r->renewal.job);
    r->renewal.job = NULL;
}

static void look(void *ctx);

static void on_asked(void *ctx)
{
    struct run_renewal_job *job = ctx;
    struct run *r = job->r;
    r->renewal.asking = false;
    if (job->outcome == RENEWAL_ANSWERED) {
        look(r);
        return;
    }
    r->renewal.job = NULL;
    if (job->outcome == RENEWAL_LATER) {
        wait_for_ca(r, job);
    } else {
        if (!server_is_draining(r->server))
            fail(r, job->identity, job->err.text);
        free_job(job);
    }
    look(r); /* at the next one */
}

static void begin(struct run *r, const struct renewal_item *item)
{
    const struct snapshot *s = server_snapshot(r->server);
    const struct config_identity *conf = config_find_identity(s->config, item->identity);
    struct run_renewal_job *job = job_for(r, conf, s->identities[conf - s->config->identities].tls);
    if (job == NULL) {
        fail(r, item->identity, "out of memory");
        return;
    }
    job->snapshot = snapshot_ref((struct snapshot *)(uintptr_t)s); /* only its count changes */
    job->conf = conf;
    r->renewal.asking = background_do(server_background(r->server), ask_ca, on_asked, job) == 0;
    if (r->renewal.asking) {
        r->renewal.job = job;
        log_say(LOG_LEVEL_INFO, "renewal", "identity \"%s\": asking %s for a new certificate", item->identity, item->url);
        return;
    }
    fail(r, item->identity, "out of memory");
    free_job(job);
}

static void tell_ended(const struct renewal_item *item)
{
    char when[21];
    text_utc(when, item->not_after);
    log_say(LOG_LEVEL_ERROR, "renewal",
            "identity \"%s\": its certificate expired %s and was not renewed: a CA does not accept an expired certificate for a renewal: issue a new one by other means, "
            "and put certificate and key into the files",
            item->identity, when);
}

/* A new certificate goes through a load, as if it were in the files already; after the load that runs, which may not have it. */
static void load(struct run *r)
{
    if (r->renewal.asking || r->reload.queue.running)
        return;
    if (is_wanted(r, r->renewal.job))
        run_reload_ask(r, NULL, false);
    else
        drop(r);
}

/* A process that drains writes no files: another one may do so by now. */
static void look(void *ctx)
{
    struct run *r = ctx;
    struct renewal_item *ended;
    if (server_is_draining(r->server))
        return;
    if (r->renewal.job != NULL) {
        load(r);
        return;
    }
    const struct renewal_item *item = renewal_next(&r->renewal.plan, clock_now(), &ended);
    if (ended != NULL)
        tell_ended(ended);
    if (item != NULL)
        begin(r, item);
}

void run_renewal_follow(struct run *r)
{
    if (renewal_follow(&r->renewal.plan, server_snapshot(r->server), clock_now(), draw()) != 0)
        log_say(LOG_LEVEL_ERROR, "renewal", "out of memory: changes of the configuration do not count for renewals");
    if (r->renewal.plan.n > 0 && r->renewal.tick == NULL)
        r->renewal.tick = ticker_start(server_loop(r->server), LOOK_MS, look, r);
    if (r->renewal.plan.n == 0) {
        ticker_stop(r->renewal.tick);
        r->renewal.tick = NULL;
    }
}

/* ---- the load ---- */

/* A reload that a person asked for must not fail because of a renewed certificate: that goes with the next load. */
const struct renewal_use *run_renewal_offer(struct run *r)
{
    struct run_renewal *n = &r->renewal;
    n->offered = n->job != NULL && !n->asking && !r->reload.reads_config && is_wanted(r, n->job);
    return n->offered ? &n->job->use : NULL;
}

static bool uses(const struct snapshot *s, const struct run_renewal_job *job)
{
    const struct config_identity *conf = s != NULL ? config_find_identity(s->config, job->identity) : NULL;
    return conf != NULL && s->identities[conf - s->config->identities].tls == job->use.fresh;
}

void run_renewal_write(struct run *r, struct run_reload *reload)
{
    struct run_renewal_job *job = r->renewal.job;
    struct err err = {0};
    if (!r->renewal.offered || !uses(reload->loaded, job))
        return;
    job->written = key_client_write(r->keys.client, &job->key, bytes_span(&job->chain), &err) == 0;
    if (!job->written)
        findings_add(&reload->findings, FINDING_ERROR, job->conf->where, "identity \"%s\": the renewed certificate cannot be written: %s", job->identity, err.text);
}

static void tell_renewed(const struct renewal_item *item, const struct run_renewal_job *job)
{
    struct tls_identity_facts facts;
    char until[21], next[21];
    tls_identity_facts(job->use.fresh, &facts);
    text_utc(until, facts.not_after);
    text_utc(next, item->due);
    log_say(LOG_LEVEL_INFO, "renewal", "identity \"%s\": renewed by %s with a new key: serial %s, good until %s; to be renewed again %s", item->identity, item->url,
            facts.serial, until, next);
}

void run_renewal_end(struct run *r, const struct snapshot *in_use, const char *why)
{
    struct run_renewal *n = &r->renewal;
    struct run_renewal_job *job = n->job;
    bool offered = n->offered;
    n->offered = false;
    if (in_use != NULL)
        run_renewal_follow(r);
    if (job == NULL || n->asking)
        return;
    if (!offered) { /* look has it loaded */
        if (!is_wanted(r, job))
            drop(r);
        return;
    }
    n->job = NULL;
    struct renewal_item *item = renewal_find(&n->plan, job->identity);
    if (item != NULL && uses(in_use, job)) {
        renewal_done(item, clock_now());
        tell_renewed(item, job);
    } else {
        fail(r, job->identity, why != NULL ? why : "the files were changed by another program meanwhile");
    }
    free_job(job);
    look(r);
}

void run_renewal_stop(struct run *r)
{
    ticker_stop(r->renewal.tick);
    r->renewal.tick = NULL;
}

bool run_renewal_is_busy(const struct run *r)
{
    return r->renewal.asking;
}

void run_renewal_clear(struct run *r)
{
    free_job(r->renewal.job);
    for (struct run_renewal_job *job; (job = r->renewal.waiting) != NULL;) {
        r->renewal.waiting = job->next;
        free_job(job);
    }
    r->renewal.job = NULL;
    renewal_clear(&r->renewal.plan);
}
