/* SPDX-License-Identifier: Apache-2.0 */
#include "config_names.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const char *name; /* the group's own */
    size_t at;
};

struct config_names {
    struct entry *entries[CONFIG_NAMES_KINDS]; /* sorted by name */
};

static const struct {
    const char *word, *group, *holds;
} kinds[CONFIG_NAMES_KINDS] = {
    [CONFIG_NAMES_IDENTITY] = {"identity", "identities", "bundle"},
    [CONFIG_NAMES_TRUST] = {"trust", "trusts", "ca"},
    [CONFIG_NAMES_REGISTRY] = {"registry", "registries", "database"},
    [CONFIG_NAMES_UPSTREAM] = {"upstream", "upstreams", "targets"},
    [CONFIG_NAMES_LISTENER] = {"listener", "listeners", "bind"},
};

static const char *name_given(const struct config *c, enum config_names_kind kind, size_t i)
{
    switch (kind) {
    case CONFIG_NAMES_IDENTITY:
        return c->identities[i].name;
    case CONFIG_NAMES_TRUST:
        return c->trusts[i].name;
    case CONFIG_NAMES_REGISTRY:
        return c->registries[i].name;
    case CONFIG_NAMES_UPSTREAM:
        return c->upstreams[i].name;
    default:
        return c->listeners[i].name;
    }
}

/* Never NULL: there may have been no memory for a name, and then the rest is still looked at before all is refused. */
static const char *name_at(const struct config *c, enum config_names_kind kind, size_t i)
{
    const char *name = name_given(c, kind, i);
    return name != NULL ? name : "";
}

static size_t count_of(const struct config *c, enum config_names_kind kind)
{
    switch (kind) {
    case CONFIG_NAMES_IDENTITY:
        return c->n_identities;
    case CONFIG_NAMES_TRUST:
        return c->n_trusts;
    case CONFIG_NAMES_REGISTRY:
        return c->n_registries;
    case CONFIG_NAMES_UPSTREAM:
        return c->n_upstreams;
    default:
        return c->n_listeners;
    }
}

/* By name, and by place where two have the same. */
static int order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int by_name = strcmp(x->name, y->name);
    return by_name != 0 ? by_name : (x->at > y->at) - (x->at < y->at);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

int config_names_build(struct config *c)
{
    c->names = calloc(1, sizeof(*c->names));
    if (c->names == NULL)
        return -1;
    for (enum config_names_kind kind = 0; kind < CONFIG_NAMES_KINDS; kind++) {
        size_t n = count_of(c, kind);
        struct entry *entries = calloc(n + 1, sizeof(*entries));
        c->names->entries[kind] = entries;
        if (entries == NULL)
            return -1;
        for (size_t i = 0; i < n; i++)
            entries[i] = (struct entry){name_at(c, kind, i), i};
        qsort(entries, n, sizeof(*entries), order);
    }
    return 0;
}

void config_names_free(struct config *c)
{
    for (size_t i = 0; c->names != NULL && i < CONFIG_NAMES_KINDS; i++)
        free(c->names->entries[i]);
    free(c->names);
    c->names = NULL;
}

size_t config_names_find(const struct config *c, enum config_names_kind kind, const char *name)
{
    const struct entry key = {.name = name};
    const struct entry *found = NULL;
    if (c->names != NULL && c->names->entries[kind] != NULL && count_of(c, kind) > 0)
        found = bsearch(&key, c->names->entries[kind], count_of(c, kind), sizeof(key), compare);
    return found != NULL ? found->at : SIZE_MAX;
}

/* The defined name that is nearest to a wrong one. */
static const char *nearest_name(const struct config_reader *r, enum config_names_kind kind, const char *name)
{
    size_t n = count_of(r->config, kind);
    const char **names = calloc(n + 1, sizeof(*names));
    if (names == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++)
        names[i] = name_at(r->config, kind, i);
    if (kind == CONFIG_NAMES_TRUST)
        names[n++] = "system";
    const char *near = text_suggest(name, names, n);
    free(names);
    return near;
}

/* "a, b, c" as far as there is room for whole names. */
static void list_names(const struct config_reader *r, enum config_names_kind kind, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < count_of(r->config, kind); i++) {
        const char *name = name_at(r->config, kind, i);
        if (used + strlen(name) + sizeof(", ...") >= size) {
            snprintf(out + used, size - used, "%s", used > 0 ? ", ..." : "");
            return;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", name);
    }
}

static bool is_builtin(enum config_names_kind kind, const char *name)
{
    return kind == CONFIG_NAMES_TRUST && strcmp(name, "system") == 0;
}

void config_names_check(const struct config_reader *r, enum config_names_kind kind, const char *name, const config_setting_t *at)
{
    if (name == NULL || is_builtin(kind, name) || config_names_find(r->config, kind, name) != SIZE_MAX)
        return;
    char all[256] = "";
    const char *near = nearest_name(r, kind, name);
    if (strpbrk(name, "/:") != NULL || strstr(name, ".pem") != NULL) {
        config_read_complain(r, FINDING_ERROR, at, "\"%.80s\" is no name: write it into %s = { NAME = { %s = \"%.80s\"; }; }; and NAME here", name,
                             kinds[kind].group, kinds[kind].holds, name);
        return;
    }
    if (near == NULL) {
        list_names(r, kind, all, sizeof(all));
        config_read_complain(r, FINDING_ERROR, at, "no %s \"%.80s\" is defined%s%s", kinds[kind].word, name, all[0] != '\0' ? "; there are: " : "", all);
        return;
    }
    config_read_complain(r, FINDING_ERROR, at, "no %s \"%.80s\" is defined, did you mean \"%s\"?", kinds[kind].word, name, near);
}

void config_names_check_twins(const struct config_reader *r)
{
    for (enum config_names_kind kind = 0; kind < CONFIG_NAMES_KINDS && !r->findings->out_of_memory; kind++) {
        const struct entry *entries = r->config->names->entries[kind];
        for (size_t i = 1; i < count_of(r->config, kind); i++)
            if (compare(&entries[i - 1], &entries[i]) == 0)
                config_read_complain(r, FINDING_ERROR, config_read_group_at(r, kinds[kind].group, entries[i].at),
                                     "this key was already given in the same group: keep one of the two");
    }
}

static void mark(const struct config *c, enum config_names_kind kind, const char *name, bool *used)
{
    size_t at = name != NULL ? config_names_find(c, kind, name) : SIZE_MAX;
    if (at != SIZE_MAX)
        used[at] = true;
}

static void mark_choices(const struct config *c, enum config_names_kind kind, const struct config_strings *choices, bool *used)
{
    for (size_t i = 0; kind == CONFIG_NAMES_IDENTITY && i < choices->n; i++)
        mark(c, kind, choices->items[i], used);
}

static void mark_credentials(const struct config *c, enum config_names_kind kind, const struct config_tls *tls, bool *used)
{
    mark(c, kind, kind == CONFIG_NAMES_IDENTITY ? tls->identity : tls->trust, used);
    mark_choices(c, kind, &tls->choices, used);
    for (size_t i = 0; i < tls->n_identities; i++) {
        mark(c, kind, kind == CONFIG_NAMES_IDENTITY ? tls->identities[i].identity : tls->identities[i].trust, used);
        mark_choices(c, kind, &tls->identities[i].choices, used);
    }
}

static void mark_used(const struct config *c, enum config_names_kind kind, bool *used)
{
    for (size_t i = 0; kind == CONFIG_NAMES_REGISTRY && i < c->n_trusts; i++)
        mark(c, kind, c->trusts[i].registry, used);
    if (kind == CONFIG_NAMES_REGISTRY)
        return;
    for (size_t i = 0; kind == CONFIG_NAMES_TRUST && i < c->n_identities; i++)
        mark(c, kind, c->identities[i].renew.trust, used);
    for (size_t i = 0; kind != CONFIG_NAMES_UPSTREAM && i < c->n_upstreams; i++) {
        const struct config_tls *tls = &c->upstreams[i].tls;
        mark(c, kind, kind == CONFIG_NAMES_IDENTITY ? tls->identity : tls->trust, used);
        mark_choices(c, kind, &tls->choices, used);
    }
    for (size_t i = 0; i < c->n_listeners; i++) {
        const struct config_listener *l = &c->listeners[i];
        if (kind != CONFIG_NAMES_UPSTREAM)
            mark_credentials(c, kind, &l->tls, used);
        for (size_t k = 0; kind == CONFIG_NAMES_UPSTREAM && k < l->n_routes; k++)
            mark(c, kind, l->routes[k].upstream, used);
    }
}

void config_names_check_unused(const struct config_reader *r)
{
    for (enum config_names_kind kind = 0; kind < CONFIG_NAMES_LISTENER; kind++) {
        bool *used = calloc(count_of(r->config, kind) + 1, sizeof(*used));
        if (used == NULL) {
            r->findings->out_of_memory = 1;
            return;
        }
        mark_used(r->config, kind, used);
        for (size_t i = 0; i < count_of(r->config, kind); i++)
            if (!used[i])
                config_read_complain(r, FINDING_WARNING, config_read_group_at(r, kinds[kind].group, i), "nothing uses this %s", kinds[kind].word);
        free(used);
    }
}

const struct config_identity *config_find_identity(const struct config *c, const char *name)
{
    size_t at = config_names_find(c, CONFIG_NAMES_IDENTITY, name);
    return at != SIZE_MAX ? &c->identities[at] : NULL;
}

const struct config_trust *config_find_trust(const struct config *c, const char *name)
{
    size_t at = config_names_find(c, CONFIG_NAMES_TRUST, name);
    return at != SIZE_MAX ? &c->trusts[at] : NULL;
}

const struct config_registry *config_find_registry(const struct config *c, const char *name)
{
    size_t at = config_names_find(c, CONFIG_NAMES_REGISTRY, name);
    return at != SIZE_MAX ? &c->registries[at] : NULL;
}

const struct config_upstream *config_find_upstream(const struct config *c, const char *name)
{
    size_t at = config_names_find(c, CONFIG_NAMES_UPSTREAM, name);
    return at != SIZE_MAX ? &c->upstreams[at] : NULL;
}
