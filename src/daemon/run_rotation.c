/* SPDX-License-Identifier: Apache-2.0 */
#include "run_rotation.h"

#include "mtlsd/base/log.h"
#include "mtlsd/io/file_watch.h"
#include "mtlsd/io/ticker.h"

#include <stdlib.h>

enum {
    RETRY_MS = 60 * 1000, /* files that could not be used, or that an upstream refused */
    REST_FACTOR = 19,     /* files that change all the time cost a twentieth of a core */
    REST_MIN_MS = 200,
    REST_MAX_MS = 60 * 1000,
};

static void on_credentials(void *ctx)
{
    struct run_rotation *r = ctx;
    log_say(LOG_LEVEL_INFO, "rotation", "files of certificates, keys or CAs have changed: loading them");
    r->hooks.load(r->hooks.ctx, false);
}

static void on_config(void *ctx)
{
    struct run_rotation *r = ctx;
    log_say(LOG_LEVEL_INFO, "rotation", "the configuration has changed: loading it");
    r->hooks.load(r->hooks.ctx, true);
}

static void on_retry(void *ctx)
{
    struct run_rotation *r = ctx;
    r->hooks.load(r->hooks.ctx, false);
}

/* Keeps a watch of the same files: what it has seen since then still counts. */
static void follow(struct file_watch **watch, struct server *server, const struct file_watch_order *order)
{
    if (order->paths != NULL && file_watch_is_of(*watch, order->paths, order->n))
        return;
    file_watch_stop(*watch);
    *watch = NULL;
    if (order->n == 0)
        return;
    *watch = file_watch_start(server_loop(server), server_background(server), order);
    if (*watch == NULL)
        log_say(LOG_LEVEL_ERROR, "rotation", "out of memory: changed files count from the next reload on");
}

static size_t n_texts(const struct config *config)
{
    return config->watch == CONFIG_WATCH_ALL ? config->files.n : 0;
}

void run_rotation_look(struct run_rotation_prints *prints, const struct config *config)
{
    size_t n = 0;
    const char **files = config->watch != CONFIG_WATCH_OFF ? config_credential_files(config, &n) : NULL;
    *prints = (struct run_rotation_prints){0};
    if (files != NULL)
        prints->credentials = file_prints_take(files, n);
    if (n_texts(config) > 0)
        prints->config = file_prints_take((const char *const *)config->files.items, n_texts(config));
    free((void *)files);
}

void run_rotation_forget(struct run_rotation_prints *prints)
{
    file_prints_free(prints->credentials);
    file_prints_free(prints->config);
    *prints = (struct run_rotation_prints){0};
}

void run_rotation_follow(struct run_rotation *r, struct server *server, const struct run_rotation_prints *prints)
{
    const struct config *config = server_snapshot(server)->config;
    size_t n = 0;
    const char **files = config->watch != CONFIG_WATCH_OFF ? config_credential_files(config, &n) : NULL;
    const struct file_watch_order credentials = {.paths = files, .n = n, .known = prints->credentials, .on_change = on_credentials, .ctx = r};
    const struct file_watch_order texts = {
        .paths = (const char *const *)config->files.items, .n = n_texts(config), .known = prints->config, .on_change = on_config, .ctx = r};
    follow(&r->credentials, server, &credentials);
    follow(&r->config, server, &texts);
    free((void *)files);
}

void run_rotation_begin(struct run_rotation *r)
{
    file_watch_rest(r->credentials);
    file_watch_rest(r->config);
}

void run_rotation_end(struct run_rotation *r, struct server *server, uint64_t took_us, enum run_rotation_outcome outcome)
{
    uint64_t rest_ms = took_us * REST_FACTOR / 1000;
    rest_ms = rest_ms < REST_MIN_MS ? REST_MIN_MS : rest_ms > REST_MAX_MS ? REST_MAX_MS : rest_ms;
    file_watch_go_on(r->credentials, rest_ms);
    file_watch_go_on(r->config, rest_ms);
    if (outcome == RUN_ROTATION_USED || r->credentials == NULL) {
        ticker_stop(r->retry);
        r->retry = NULL;
    } else if (outcome == RUN_ROTATION_TRY_AGAIN && r->retry == NULL) {
        r->retry = ticker_start(server_loop(server), RETRY_MS, on_retry, r);
    }
}

void run_rotation_stop(struct run_rotation *r)
{
    file_watch_stop(r->credentials);
    file_watch_stop(r->config);
    ticker_stop(r->retry);
    r->credentials = r->config = NULL;
    r->retry = NULL;
}
