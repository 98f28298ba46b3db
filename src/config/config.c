/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/config/config.h"

#include "mtlsd/base/spiffe.h"

#include "config_check.h"
#include "config_credential.h"
#include "config_names.h"
#include "config_read.h"
#include "config_serve.h"
#include "config_syntax.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGROUPED_MAX_BYTES = 16 * 1024 * 1024 /* four times what a source may have */ };

static unsigned usable_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? (unsigned)n : 1;
}

static void explain_parse_error(const struct config_source *s, const config_t *parsed,
                                struct findings *findings)
{
    char where[4200];
    const char *text = config_error_text(parsed);
    config_source_where(s, (unsigned)config_error_line(parsed), where, sizeof(where));
    if (text != NULL && strstr(text, "duplicate") != NULL)
        findings_add(findings, FINDING_ERROR, where,
                     "this key was already given in the same group: keep one of the two");
    else if (text != NULL && strstr(text, "mismatched") != NULL)
        findings_add(findings, FINDING_ERROR, where,
                     "the list in [ ] mixes strings and numbers: write all of it in quotes");
    else
        findings_add(findings, FINDING_ERROR, where,
                     "%s: look on this line and the one before for a missing ';', '=', quote or bracket",
                     text != NULL ? text : "this is not understood");
}

static void read_settings(struct config_reader *r)
{
    config_read_settings(r);
    config_serve_add(r);
    if (config_names_build(r->config) != 0)
        r->findings->out_of_memory = 1;
    config_names_check_twins(r);
    config_check(r);
}

static struct config *read_text(const struct config_source *s, const struct bytes *text, struct findings *findings)
{
    config_t parsed;
    config_init(&parsed);
    struct config *c = calloc(1, sizeof(*c));
    char *path = strdup(s->files[0]);
    if (c == NULL || path == NULL) {
        findings->out_of_memory = 1;
        free(path);
    } else if (config_read_string(&parsed, (const char *)bytes_span(text).ptr) != CONFIG_TRUE) {
        c->path = path;
        explain_parse_error(s, &parsed, findings);
    } else {
        c->path = path;
        c->workers = usable_cores();
        struct config_reader r = {s, config_root_setting(&parsed), findings, c};
        read_settings(&r);
    }
    config_destroy(&parsed);
    return c;
}

/* The files whose names the source holds, but for the first so many, which is the name of a text. */
static void keep_files(struct config *c, struct config_source *s, size_t skip)
{
    for (size_t i = 0; i < skip; i++)
        free(s->files[i]);
    memmove(s->files, s->files + skip, (s->n_files - skip) * sizeof(*s->files));
    c->files = (struct config_strings){s->files, s->n_files - skip};
    s->files = NULL;
    s->n_files = 0;
}

static struct config *finish(struct config_source *s, int loaded, size_t skip, struct findings *findings)
{
    struct bytes text;
    bytes_init(&text, REGROUPED_MAX_BYTES);
    struct config *c = loaded == 0 && config_syntax_read(s, &text, findings) == 0 ? read_text(s, &text, findings) : NULL;
    bytes_clear(&text);
    if (c != NULL)
        keep_files(c, s, skip);
    config_source_clear(s);
    if (!findings_failed(findings))
        return c;
    config_free(c);
    return NULL;
}

struct config *config_load(const char *path, struct findings *findings)
{
    struct config_source s;
    config_source_init(&s);
    return finish(&s, config_source_load(&s, path, findings), 0, findings);
}

struct config *config_parse(const char *text, const char *name, struct findings *findings)
{
    struct config_source s;
    config_source_init(&s);
    return finish(&s, config_source_text(&s, text, name, findings), 1, findings);
}

static void free_head(char *name, char *where)
{
    free(name);
    free(where);
}

static void free_upstream(struct config_upstream *u)
{
    config_read_free("upstream", u);
    free_head(u->name, u->where);
    free(u->tls.where);
}

struct config *config_ref(struct config *c)
{
    atomic_fetch_add_explicit(&c->shared, 1, memory_order_relaxed);
    return c;
}

void config_free(struct config *c)
{
    if (c == NULL || atomic_fetch_sub_explicit(&c->shared, 1, memory_order_acq_rel) > 0)
        return;
    for (size_t i = 0; i < c->n_identities; i++) {
        config_read_free("identity", &c->identities[i]);
        free_head(c->identities[i].name, c->identities[i].where);
    }
    for (size_t i = 0; i < c->n_registries; i++) {
        config_read_free("registry", &c->registries[i]);
        free_head(c->registries[i].name, c->registries[i].where);
    }
    for (size_t i = 0; i < c->n_trusts; i++) {
        config_read_free("trust", &c->trusts[i]);
        free_head(c->trusts[i].name, c->trusts[i].where);
    }
    for (size_t i = 0; i < c->n_upstreams; i++)
        free_upstream(&c->upstreams[i]);
    if (c->direct != NULL)
        free_upstream(c->direct);
    free(c->direct);
    for (size_t i = 0; i < c->n_listeners; i++) {
        config_read_free("listener", &c->listeners[i]);
        free_head(c->listeners[i].name, c->listeners[i].where);
        free(c->listeners[i].tls.where);
    }
    for (size_t i = 0; i < c->n_logs; i++) {
        config_read_free("named_log", &c->logs[i]);
        free_head(c->logs[i].name, c->logs[i].where);
    }
    config_read_free("", c);
    free(c->where.workers);
    free(c->where.admin_socket);
    free(c->where.health);
    free(c->where.log_target);
    free(c->where.crl_cache);
    config_names_free(c);
    free(c->identities);
    free(c->registries);
    free(c->trusts);
    free(c->upstreams);
    free(c->listeners);
    free(c->logs);
    for (size_t i = 0; i < c->files.n; i++)
        free(c->files.items[i]);
    free(c->files.items);
    free(c->path);
    free(c);
}

static bool is_file(const char *path)
{
    return path != NULL && config_env_name(path) == NULL && !config_credential_is_token(path) && !spiffe_is_source(path);
}

size_t config_identity_files(const struct config_identity *id, const char *files[CONFIG_IDENTITY_FILES])
{
    const char *const named[CONFIG_IDENTITY_FILES] = {id->bundle, id->certificate, id->key, id->chain, id->pkcs12, id->passphrase_file,
                                                         id->pin_file};
    size_t n = 0;
    for (size_t i = 0; i < CONFIG_IDENTITY_FILES; i++)
        if (is_file(named[i]))
            files[n++] = named[i];
    return n;
}

size_t config_issuer_files(const struct config_listener *l, const char *files[CONFIG_ISSUER_FILES])
{
    size_t n = 0;
    if (is_file(l->forward_proxy.intercept_ca))
        files[n++] = l->forward_proxy.intercept_ca;
    if (is_file(l->forward_proxy.intercept_key))
        files[n++] = l->forward_proxy.intercept_key;
    return n;
}

const char *config_trust_file(const struct config_trust *trust)
{
    return is_file(trust->ca) && strcmp(trust->ca, "system") != 0 ? trust->ca : NULL;
}

const char **config_credential_files(const struct config *c, size_t *n)
{
    const char **files = calloc(CONFIG_IDENTITY_FILES * c->n_identities + c->n_trusts + (1 + CONFIG_ISSUER_FILES) * c->n_listeners + 1, sizeof(*files));
    *n = 0;
    for (size_t i = 0; files != NULL && i < c->n_identities; i++)
        *n += config_identity_files(&c->identities[i], &files[*n]);
    for (size_t i = 0; files != NULL && i < c->n_trusts; i++)
        if (config_trust_file(&c->trusts[i]) != NULL)
            files[(*n)++] = c->trusts[i].ca;
    for (size_t i = 0; files != NULL && i < c->n_listeners; i++) {
        if (is_file(c->listeners[i].required_header_file))
            files[(*n)++] = c->listeners[i].required_header_file;
        *n += config_issuer_files(&c->listeners[i], &files[*n]);
    }
    return files;
}
