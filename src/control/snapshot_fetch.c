/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/snapshot_fetch.h"
#include "snapshot_load.h"

#include "mtlsd/control/crl_cache.h"
#include "mtlsd/tls/tls_crl_urls.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { URLS_MAX = 64 };

struct collecting {
    struct snapshot_trust *trust;
    struct findings *findings;
    size_t left_out;
};

static void add_url(void *ctx, struct span url)
{
    struct collecting *c = ctx;
    struct snapshot_trust *t = c->trust;
    for (size_t i = 0; i < t->n_urls; i++)
        if (span_equals_str(url, t->urls[i].url))
            return;
    if (t->n_urls == URLS_MAX) {
        c->left_out++;
        return;
    }
    struct snapshot_url *u = &t->urls[t->n_urls];
    u->url = span_dup(url);
    if (u->url == NULL) {
        c->findings->out_of_memory = 1;
        return;
    }
    u->from_config = t->conf->crl_urls.n > 0;
    atomic_init(&u->held, false);
    t->n_urls++;
}

static void find_urls(const struct snapshot *s, struct snapshot_trust *t, struct findings *findings)
{
    struct collecting c = {t, findings, 0};
    t->urls = calloc(URLS_MAX, sizeof(*t->urls));
    if (t->urls == NULL) {
        findings->out_of_memory = 1;
        return;
    }
    for (size_t i = 0; i < t->conf->crl_urls.n; i++)
        add_url(&c, span_from_str(t->conf->crl_urls.items[i]));
    if (t->n_urls > 0)
        return;
    tls_crl_urls_of_trust(t->tls, add_url, &c);
    for (size_t i = 0; i < s->config->n_identities; i++)
        if (s->identities[i].tls != NULL)
            tls_crl_urls_of_identity(t->tls, s->identities[i].tls, add_url, &c);
    if (c.left_out > 0)
        findings_add(findings, FINDING_WARNING, t->conf->where,
                     "trust \"%s\": certificates name more than %d addresses of revocation lists; the others are left out: name those that matter in "
                     "crl_urls",
                     t->conf->name, URLS_MAX);
}

static void tell_urls(const struct snapshot_trust *t, struct findings *findings)
{
    if (t->n_urls == 0)
        findings_add(findings, FINDING_ERROR, t->conf->where,
                     "trust \"%s\": neither its CA certificates nor our identities that they issued name an http address of a revocation list; "
                     "say where it is with crl_urls = [ \"http://...\" ]",
                     t->conf->name);
    for (size_t i = 0; i < t->n_urls; i++)
        findings_add(findings, FINDING_NOTE, t->conf->where, "trust \"%s\": revocation lists are fetched from %s", t->conf->name, t->urls[i].url);
}

bool snapshot_fetch_cache_path(const struct snapshot *s, const char *url, char *path)
{
    if (s->config->crl_cache == NULL)
        return false;
    uint64_t h = UINT64_C(0xcbf29ce484222325); /* a name, not a proof: what is read is verified as if it came from the network */
    for (const char *p = url; *p != '\0'; p++)
        h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001b3);
    int n = snprintf(path, SNAPSHOT_FETCH_PATH, "%s/%016" PRIx64 ".crl", s->config->crl_cache, h);
    return n > 0 && n < SNAPSHOT_FETCH_PATH;
}

static int take(const struct loader *l, struct snapshot_trust *t, size_t i, struct span text, struct err *err)
{
    int rc = snapshot_load_crls_with(l, t, i, text, err);
    if (rc < 0)
        return rc;
    if (l->files->crl_cache == NULL || crl_cache_put(l->files->crl_cache, t->conf->name, t->urls[i].url, text) != 0)
        return rc; /* it counts, but only until other lists take its place */
    atomic_store(&t->urls[i].held, true);
    return rc;
}

struct saved { /* the files in the folder */
    char **names;
    size_t n;
};

static bool has_file(const struct saved *saved, const char *path)
{
    const char *slash = strrchr(path, '/');
    for (size_t i = 0; i < saved->n && slash != NULL; i++)
        if (strcmp(saved->names[i], slash + 1) == 0)
            return true;
    return false;
}

/* A list that was kept on the disk helps a start, and never hinders one. */
static void look_into(struct saved *saved, const struct snapshot *s, const struct loader *l)
{
    struct err err = {0};
    const char *folder = s->config->crl_cache;
    if (folder != NULL && l->files->list(l->files->ctx, folder, &saved->names, &saved->n, &err) != 0) {
        *saved = (struct saved){0};
        findings_add(l->findings, FINDING_WARNING, s->config->path, "crl_cache: fetched lists are not saved for the next start: %s", err.text);
    }
}

static void clear_saved(struct saved *saved)
{
    for (size_t i = 0; i < saved->n; i++)
        free(saved->names[i]);
    free(saved->names);
}

static void use(const struct loader *l, struct snapshot_trust *t, size_t i, struct span text)
{
    struct err err = {0};
    if (take(l, t, i, text, &err) < 0)
        findings_add(l->findings, FINDING_WARNING, t->conf->where, "trust \"%s\": the cached list is not used: %s", t->conf->name, err.text);
}

static void use_cached(const struct loader *l, struct snapshot_trust *t, size_t i, const char *path)
{
    struct err err = {0};
    struct bytes text = {0};
    struct file_facts facts = {0};
    if (l->files->read(l->files->ctx, path, &text, &facts, &err) == 0)
        use(l, t, i, bytes_span(&text));
    else
        findings_add(l->findings, FINDING_WARNING, t->conf->where, "trust \"%s\": the cached list is not used: %s", t->conf->name, err.text);
    bytes_clear(&text);
}

static void use_known(const struct snapshot *s, const struct loader *l, const struct saved *saved, struct snapshot_trust *t)
{
    char path[SNAPSHOT_FETCH_PATH];
    for (size_t i = 0; i < t->n_urls; i++) {
        struct bytes known;
        if (crl_cache_get(l->files->crl_cache, t->conf->name, t->urls[i].url, &known) != 0)
            l->findings->out_of_memory = 1;
        else if (known.len > 0)
            use(l, t, i, bytes_span(&known));
        else if (snapshot_fetch_cache_path(s, t->urls[i].url, path) && has_file(saved, path))
            use_cached(l, t, i, path);
        bytes_clear(&known);
    }
}

static bool fetches(const struct snapshot *s)
{
    for (size_t i = 0; i < s->n_trusts; i++)
        if (s->trusts[i].tls != NULL && s->trusts[i].conf->crl_fetch)
            return true;
    return false;
}

void snapshot_fetch_begin(struct snapshot *s, const struct loader *l)
{
    struct saved saved = {0};
    if (!fetches(s))
        return;
    look_into(&saved, s, l);
    for (size_t i = 0; i < s->n_trusts; i++) {
        struct snapshot_trust *t = &s->trusts[i];
        if (t->tls == NULL || !t->conf->crl_fetch)
            continue;
        find_urls(s, t, l->findings);
        tell_urls(t, l->findings);
        use_known(s, l, &saved, t);
    }
    clear_saved(&saved);
}

static bool is_wanted(void *ctx, const char *trust, const char *url)
{
    const struct snapshot *s = ctx;
    for (size_t i = 0; i < s->n_trusts; i++)
        for (size_t k = 0; k < s->trusts[i].n_urls; k++)
            if (strcmp(s->trusts[i].conf->name, trust) == 0 && strcmp(s->trusts[i].urls[k].url, url) == 0)
                return true;
    return false;
}

void snapshot_fetch_tidy(const struct snapshot *s, struct crl_cache *cache)
{
    crl_cache_keep(cache, is_wanted, (void *)(uintptr_t)s);
}

/* One trust that fetches from there. */
static int offer(const struct loader *l, struct snapshot_trust *t, size_t i, const struct snapshot_fetch_list *list, struct err *err)
{
    struct err why = {0};
    int rc = take(l, t, i, list->text, &why);
    return rc >= 0 ? rc : err_set(err, why.kind, "trust \"%s\": %s", t->conf->name, why.text);
}

int snapshot_fetch_take(struct snapshot *s, const struct file_source *files, const struct snapshot_fetch_list *list, int64_t *ends, struct err *err)
{
    struct findings notes;
    findings_init(&notes);
    struct loader l = {.files = files, .now = list->now, .findings = &notes};
    int changed = 0, wanted = 0;
    *ends = 0;
    for (size_t i = 0; i < s->n_trusts; i++)
        for (size_t k = 0; k < s->trusts[i].n_urls; k++) {
            if (strcmp(s->trusts[i].urls[k].url, list->url) != 0)
                continue;
            int rc = offer(&l, &s->trusts[i], k, list, err);
            changed += rc == 1;
            wanted += rc >= 0;
            int64_t end = rc >= 0 ? tls_trust_crl_ends(s->trusts[i].tls, list->url) : 0;
            if (end != 0 && (*ends == 0 || end < *ends))
                *ends = end;
        }
    findings_clear(&notes);
    if (wanted == 0)
        return err_set(err, ERR_CREDENTIAL, "%s: this address is no longer fetched", list->url);
    return changed;
}
