/* SPDX-License-Identifier: Apache-2.0 */
#include "run_crls.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/clock.h"
#include "mtlsd/control/crl_cache.h"
#include "mtlsd/control/snapshot_fetch.h"
#include "mtlsd/io/fetch_round.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/file_watch.h"

#include <stdlib.h>
#include <string.h>

/* A list that is rewritten all the time costs a twentieth of a core. */
enum { REST_FACTOR = 19, REST_MIN_MS = 200, REST_MAX_MS = 60 * 1000 };

static void start_reading(struct run_crls *c);

/* On another thread. A list that cannot be saved for the next start is still used. */
static void judge(struct run_crls *c, struct run_crls_list *list)
{
    struct err unwritten = {0};
    char path[SNAPSHOT_FETCH_PATH];
    struct snapshot_fetch_list fetched = {list->url, bytes_span(&list->answer.body), clock_now()};
    list->err = (struct err){0};
    int rc = snapshot_fetch_take(c->reading, &c->files, &fetched, &list->ends, &list->err);
    list->taken = rc >= 0;
    c->changed += rc > 0 ? (size_t)rc : 0;
    if (rc >= 0 && snapshot_fetch_cache_path(c->reading, list->url, path) && file_write(path, fetched.text, 0600, true, &unwritten) != 0)
        log_say(LOG_LEVEL_WARN, "crl", "a list in use could not be saved for the next start: %s", unwritten.text);
    if (rc >= 0 && list->err.kind != ERR_NONE)
        findings_add(&c->findings, FINDING_ERROR, "", "%s", list->err.text);
}

static void read_again(void *ctx)
{
    struct run_crls *c = ctx;
    uint64_t began_us = clock_cpu_us();
    c->changed = snapshot_refresh_crls(c->reading, &c->files, clock_now(), &c->findings);
    for (struct run_crls_list *list = c->judging; list != NULL; list = list->next)
        judge(c, list);
    c->took_us = clock_cpu_us() - began_us; /* a pipe that stays silent costs nothing */
}

static void tell(const struct run_crls *c)
{
    for (size_t i = 0; i < c->findings.n; i++) {
        const struct finding *f = &c->findings.items[i];
        if (f->level == FINDING_ERROR)
            log_say(LOG_LEVEL_ERROR, "crl", "refused, the last good lists stay in use: %s", f->text);
        else if (f->level == FINDING_WARNING && c->changed > 0)
            log_say(LOG_LEVEL_WARN, "crl", "%s", f->text);
    }
    if (c->changed > 0)
        log_say(LOG_LEVEL_INFO, "crl", "changed revocation lists are in use; open connections are checked again");
}

static void on_list(void *ctx, const char *url, struct crl_fetch_answer *answer)
{
    struct run_crls *c = ctx;
    struct run_crls_list *list = calloc(1, sizeof(*list));
    if (list == NULL || (list->url = strdup(url)) == NULL) {
        free(list);
        fetch_round_judged(c->round, url, answer, &(struct crl_fetch_judgement){.error = "out of memory"});
        return;
    }
    list->answer = *answer;
    answer->body = (struct bytes){0};
    list->next = c->arrived;
    c->arrived = list;
    start_reading(c);
}

static void on_failure(void *ctx, const struct crl_fetch_item *item)
{
    (void)ctx;
    int64_t wait = item->due - clock_now();
    log_say(LOG_LEVEL_WARN, "crl", "not fetched from %s, the last list stays in use, next try in %lld s: %s", item->url,
            (long long)(wait > 0 ? wait : 0), item->error);
}

static void free_lists(struct run_crls_list *list)
{
    while (list != NULL) {
        struct run_crls_list *next = list->next;
        bytes_clear(&list->answer.body);
        free(list->url);
        free(list);
        list = next;
    }
}

static void finish_judging(struct run_crls *c)
{
    for (struct run_crls_list *list = c->judging; list != NULL; list = list->next) {
        struct crl_fetch_judgement judgement = {.error = list->taken ? NULL : list->err.text, .ends = list->ends};
        if (list->err.kind != ERR_NONE) /* "unchanged" would be no help to the trust that has not got it */
            list->answer.tag[0] = list->answer.modified[0] = '\0';
        fetch_round_judged(c->round, list->url, &list->answer, &judgement);
    }
    free_lists(c->judging);
    c->judging = NULL;
}

/* Those that were judged for a snapshot that is gone: the one in its place was loaded without them. */
static void judge_once_more(struct run_crls *c)
{
    struct run_crls_list **end = &c->judging;
    while (*end != NULL)
        end = &(*end)->next;
    *end = c->arrived;
    c->arrived = c->judging;
    c->judging = NULL;
}

static void finish_reading(void *ctx)
{
    struct run_crls *c = ctx;
    uint64_t rest_ms = c->took_us * REST_FACTOR / 1000;
    file_watch_go_on(c->watch, rest_ms < REST_MIN_MS ? REST_MIN_MS : rest_ms > REST_MAX_MS ? REST_MAX_MS : rest_ms);
    tell(c);
    if (c->reading == server_snapshot(c->server))
        finish_judging(c);
    else
        judge_once_more(c);
    if (c->changed > 0)
        server_rejudge(c->server);
    findings_clear(&c->findings);
    snapshot_unref(c->reading);
    c->reading = NULL;
    if (c->again || c->arrived != NULL)
        start_reading(c);
}

static void start_reading(struct run_crls *c)
{
    c->again = c->reading != NULL;
    if (c->reading != NULL)
        return;
    c->changed = 0;
    c->judging = c->arrived;
    c->arrived = NULL;
    c->took_us = 0;
    file_watch_rest(c->watch);
    findings_init(&c->findings);
    c->reading = snapshot_ref((struct snapshot *)(uintptr_t)server_snapshot(c->server)); /* its lists change, by their own rules */
    if (background_do(server_background(c->server), read_again, finish_reading, c) == 0)
        return;
    findings_add(&c->findings, FINDING_ERROR, "", "out of memory");
    for (struct run_crls_list *list = c->judging; list != NULL; list = list->next)
        (void)err_set(&list->err, ERR_MEMORY, "out of memory");
    finish_reading(c);
}

static void on_change(void *ctx)
{
    start_reading(ctx);
}

static void follow_urls(struct run_crls *c, const struct snapshot *s)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < s->n_trusts; i++)
        most += s->trusts[i].n_urls;
    if (most == 0 && c->round == NULL)
        return;
    struct fetch_round_hooks hooks = {c, on_list, on_failure};
    struct crl_fetch_wish *wishes = calloc(most + 1, sizeof(*wishes));
    snapshot_fetch_tidy(s, c->files.crl_cache);
    if (c->round == NULL)
        c->round = fetch_round_new(server_loop(c->server), &hooks);
    for (size_t i = 0; wishes != NULL && i < s->n_trusts; i++)
        for (size_t k = 0; k < s->trusts[i].n_urls; k++) {
            const struct snapshot_url *u = &s->trusts[i].urls[k];
            wishes[n++] = (struct crl_fetch_wish){u->url, u->from_config, atomic_load(&u->held)};
        }
    if (wishes == NULL || c->round == NULL || fetch_round_follow(c->round, wishes, n) != 0)
        log_say(LOG_LEVEL_ERROR, "crl", "out of memory: revocation lists are not fetched");
    free(wishes);
}

int run_crls_begin(struct run_crls *c)
{
    c->files = *file_source_disk();
    c->files.crl_cache = crl_cache_new();
    return c->files.crl_cache != NULL ? 0 : -1;
}

void run_crls_end(struct run_crls *c)
{
    crl_cache_free(c->files.crl_cache);
    c->files.crl_cache = NULL;
}

void run_crls_follow(struct run_crls *c, struct server *server)
{
    size_t n;
    const char **files = snapshot_crl_files(server_snapshot(server), &n);
    c->server = server;
    file_watch_stop(c->watch);
    const struct file_watch_order order = {.paths = files, .n = n, .on_change = on_change, .ctx = c};
    c->watch = n > 0 ? file_watch_start(server_loop(server), server_background(server), &order) : NULL;
    if (n > 0 && c->watch == NULL)
        log_say(LOG_LEVEL_ERROR, "crl", "out of memory: changed revocation lists count from the next reload on");
    follow_urls(c, server_snapshot(server));
    if (c->watch == NULL && (n > 0 || c->round != NULL))
        start_reading(c); /* with a watch its first look is what starts it: nothing changes unseen between the two */
    free((void *)files);
}

void run_crls_stop(struct run_crls *c)
{
    file_watch_stop(c->watch);
    c->watch = NULL;
    fetch_round_stop(c->round);
    free_lists(c->arrived);
    c->arrived = NULL;
}

bool run_crls_is_busy(const struct run_crls *c)
{
    return c->reading != NULL || fetch_round_is_busy(c->round);
}
