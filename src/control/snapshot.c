/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/snapshot.h"

#include "mtlsd/control/expiry.h"
#include "mtlsd/control/sessions.h"
#include "snapshot_build.h"
#include "snapshot_limits.h"
#include "snapshot_load.h"

#include "mtlsd/tls/tls_intercept.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Only this file uses the count. */
struct counted {
    struct snapshot s; /* first: a pointer to it is a pointer to the whole */
    atomic_size_t refs;
    void (*end)(void *ctx, struct snapshot *s); /* NULL: snapshot_destroy */
    void *end_ctx;
};

static int allocate_arrays(struct snapshot *s)
{
    s->identities = calloc(s->config->n_identities + 1, sizeof(*s->identities));
    s->registries = calloc(s->config->n_registries + 1, sizeof(*s->registries));
    s->trusts = calloc(s->config->n_trusts + 1, sizeof(*s->trusts)); /* one more: "system" */
    s->upstreams = calloc(s->config->n_upstreams + 1, sizeof(*s->upstreams));
    for (size_t i = 0; i < s->config->n_upstreams; i++)
        s->n_targets += s->config->upstreams[i].n_targets;
    s->targets = calloc(s->n_targets + 1, sizeof(*s->targets));
    s->target_state = target_state_new(s->n_targets);
    for (size_t i = 0; i < s->config->n_listeners; i++)
        s->n_routes += s->config->listeners[i].n_routes;
    s->routes = calloc(s->n_routes + 1, sizeof(*s->routes));
    s->listeners = calloc(s->config->n_listeners + 1, sizeof(*s->listeners));
    s->key_memory = tls_key_memory_new();
    bool all = s->identities != NULL && s->registries != NULL && s->trusts != NULL && s->upstreams != NULL && s->targets != NULL && s->target_state != NULL && s->routes != NULL &&
               s->listeners != NULL && s->key_memory != NULL;
    return all ? 0 : -1;
}

static void free_contexts(struct snapshot *s)
{
    for (size_t i = 0; s->listeners != NULL && i < s->config->n_listeners; i++) {
        free(s->listeners[i].own_uri);
        free((void *)(uintptr_t)s->listeners[i].required);
        tls_intercept_free(s->listeners[i].intercept);
        route_index_free(s->listeners[i].by_host);
        tls_context_unref(s->listeners[i].tls);
        tls_sni_unref(s->listeners[i].sni);
    }
    for (size_t i = 0; s->targets != NULL && i < s->n_targets; i++) {
        free(s->targets[i].host);
        if (s->targets[i].tls != NULL)
            tls_context_unref(s->targets[i].tls);
    }
}

static void free_credentials(struct snapshot *s)
{
    for (size_t i = 0; s->trusts != NULL && i < s->n_trusts; i++) {
        for (size_t k = 0; k < s->trusts[i].n_urls; k++)
            free(s->trusts[i].urls[k].url);
        free(s->trusts[i].urls);
        if (s->trusts[i].tls != NULL)
            tls_trust_unref(s->trusts[i].tls);
    }
    for (size_t i = 0; s->registries != NULL && i < s->config->n_registries; i++) {
        tls_registry_unref(s->registries[i].rows);
        sessions_unref(s->registries[i].sessions);
    }
    for (size_t i = 0; s->identities != NULL && i < s->config->n_identities; i++)
        if (s->identities[i].tls != NULL)
            tls_identity_unref(s->identities[i].tls);
}

void snapshot_destroy(struct snapshot *s)
{
    free_contexts(s);
    free_credentials(s);
    for (size_t i = 0; s->routes != NULL && i < s->n_routes; i++) {
        free(s->routes[i].edit);
        plan_text_free(s->routes[i].text);
    }
    snapshot_limits_free(s->limits);
    free(s->owned);
    free(s->listeners);
    free(s->routes);
    target_state_free(s->target_state);
    free(s->targets);
    free(s->upstreams);
    free(s->trusts);
    free(s->registries);
    free(s->identities);
    tls_key_memory_unref(s->key_memory);
    config_free(s->config);
    free(s);
}

struct snapshot *snapshot_new(struct config *config, const struct file_source *files, uint64_t generation, int64_t now,
                              struct findings *findings)
{
    struct counted *counted = calloc(1, sizeof(*counted));
    if (counted == NULL) {
        findings->out_of_memory = 1;
        config_free(config);
        return NULL;
    }
    struct snapshot *s = &counted->s;
    atomic_init(&counted->refs, 1);
    s->config = config;
    s->generation = generation;
    struct loader loader = {.files = files, .now = now, .findings = findings, .config = config};
    if (allocate_arrays(s) != 0)
        findings->out_of_memory = 1;
    else
        snapshot_build(s, &loader);
    if (findings_failed(findings)) {
        snapshot_destroy(s);
        return NULL;
    }
    expiry_at_load(s, now, findings);
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    struct counted *counted = (struct counted *)s;
    atomic_fetch_add_explicit(&counted->refs, 1, memory_order_relaxed);
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    struct counted *counted = (struct counted *)s;
    if (s == NULL || atomic_fetch_sub_explicit(&counted->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (counted->end != NULL)
        counted->end(counted->end_ctx, s);
    else
        snapshot_destroy(s);
}

void snapshot_on_end(struct snapshot *s, void (*end)(void *ctx, struct snapshot *s), void *ctx)
{
    struct counted *counted = (struct counted *)s;
    counted->end = end;
    counted->end_ctx = ctx;
}

static bool same_target(const struct plan_target *a, const struct plan_target *b)
{
    return strcmp(a->upstream->conf->name, b->upstream->conf->name) == 0 && strcmp(a->conf->text, b->conf->text) == 0;
}

static int compare_targets(const void *a, const void *b)
{
    const struct plan_target *x = *(const struct plan_target *const *)a, *y = *(const struct plan_target *const *)b;
    int order = strcmp(x->upstream->conf->name, y->upstream->conf->name);
    return order != 0 ? order : strcmp(x->conf->text, y->conf->text);
}

static const struct plan_target **sorted_targets(const struct snapshot *s)
{
    const struct plan_target **sorted = calloc(s->n_targets, sizeof(const struct plan_target *));
    for (size_t i = 0; sorted != NULL && i < s->n_targets; i++)
        sorted[i] = &s->targets[i];
    if (sorted != NULL)
        qsort(sorted, s->n_targets, sizeof(const struct plan_target *), compare_targets);
    return sorted;
}

/* The order has mostly stayed, and the next one is right; else they are sorted, once: the loop that takes connections waits for this. Without
 * memory for that the one in question is forgotten, as if it were new. */
void snapshot_inherit(struct snapshot *next, const struct snapshot *old)
{
    const struct plan_target **sorted = NULL;
    size_t guess = 0;
    for (size_t i = 0; i < next->n_targets && old->n_targets > 0; i++) {
        const struct plan_target *wanted = &next->targets[i], *from = &old->targets[guess % old->n_targets];
        if (!same_target(wanted, from)) {
            if (sorted == NULL)
                sorted = sorted_targets(old);
            const struct plan_target **found = sorted == NULL ? NULL : bsearch(&wanted, sorted, old->n_targets, sizeof(const struct plan_target *), compare_targets);
            if (found == NULL)
                continue;
            from = *found;
        }
        size_t at = (size_t)(from - old->targets);
        target_state_take_over(next->target_state, i, old->target_state, at);
        guess = at + 1;
    }
    free(sorted);
}

/* Its place has mostly stayed: each connection is asked about after a reload, and there may be thousands of targets. */
const struct plan_target *snapshot_find_target(const struct snapshot *s, const struct plan_target *like)
{
    if (like->index < s->n_targets && same_target(&s->targets[like->index], like))
        return &s->targets[like->index];
    for (size_t i = 0; i < s->n_targets; i++)
        if (same_target(&s->targets[i], like))
            return &s->targets[i];
    return NULL;
}

size_t snapshot_refresh_crls(struct snapshot *s, const struct file_source *files, int64_t now, struct findings *findings)
{
    struct loader l = {.files = files, .now = now, .findings = findings};
    size_t changed = 0;
    for (size_t i = 0; i < s->n_trusts; i++)
        if (s->trusts[i].conf != NULL && s->trusts[i].conf->crl.n + s->trusts[i].n_urls > 0)
            changed += snapshot_load_crls_again(&l, &s->trusts[i]);
    return changed;
}

const char **snapshot_crl_files(const struct snapshot *s, size_t *n)
{
    size_t most = 0;
    for (size_t i = 0; i < s->n_trusts; i++)
        most += s->trusts[i].conf != NULL ? s->trusts[i].conf->crl.n : 0;
    const char **files = most > 0 ? calloc(most, sizeof(*files)) : NULL;
    *n = 0;
    for (size_t i = 0; files != NULL && i < s->n_trusts; i++)
        for (size_t k = 0; s->trusts[i].conf != NULL && k < s->trusts[i].conf->crl.n; k++)
            files[(*n)++] = s->trusts[i].conf->crl.items[k];
    return files;
}

const struct plan_listener *snapshot_find_listener(const struct snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->config->n_listeners; i++)
        if (strcmp(s->listeners[i].conf->name, name) == 0)
            return &s->listeners[i];
    return NULL;
}

bool snapshot_upstreams_ask_registry(const struct snapshot *s)
{
    for (size_t i = 0; s->config->n_registries > 0 && i < s->config->n_upstreams; i++) {
        const struct config_tls *tls = &s->config->upstreams[i].tls;
        const struct config_trust *trust = tls->present && tls->trust != NULL ? config_find_trust(s->config, tls->trust) : NULL;
        if (trust != NULL && trust->registry != NULL)
            return true;
    }
    return false;
}
