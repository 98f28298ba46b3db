/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_limits.h"

#include "mtlsd/control/account_source.h"

#include <stdlib.h>
#include <string.h>

struct snapshot_limits {
    struct account *users; /* whose names the limits show */
    size_t n_users;
    struct caller_user *names;
    struct caller_limit *identities; /* as many as are configured; without a name: no limit */
    void **blocks;                   /* all the rest */
    size_t n_blocks;
};

struct maker {
    const struct loader *l;
    struct snapshot *s;
    struct snapshot_limits *limits;
};

/* Zeroed, and freed with the limits. NULL: out of memory, which is noted. */
static void *take(const struct maker *m, size_t n, size_t size)
{
    struct snapshot_limits *limits = m->limits;
    void **blocks = realloc(limits->blocks, (limits->n_blocks + 1) * sizeof(*blocks));
    void *block = blocks != NULL ? calloc(n + 1, size) : NULL;
    if (blocks != NULL)
        limits->blocks = blocks;
    if (block == NULL)
        m->l->findings->out_of_memory = 1;
    else
        blocks[limits->n_blocks++] = block;
    return block;
}

/* ---- users ---- */

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static int by_user(const void *a, const void *b)
{
    uint32_t x = ((const struct caller_user *)a)->uid, y = ((const struct caller_user *)b)->uid;
    return x < y ? -1 : x > y;
}

static const struct account_source *accounts_of(const struct maker *m)
{
    return m->l->files->accounts;
}

static void list_users(const struct maker *m)
{
    struct snapshot_limits *limits = m->limits;
    if (accounts_of(m) == NULL)
        return;
    limits->users = accounts_of(m)->list(accounts_of(m)->ctx, &limits->n_users);
    limits->names = take(m, limits->n_users, sizeof(*limits->names));
    for (size_t i = 0; limits->names != NULL && i < limits->n_users; i++)
        limits->names[i] = (struct caller_user){limits->users[i].uid, limits->users[i].name};
    if (limits->names != NULL)
        qsort(limits->names, limits->n_users, sizeof(*limits->names), by_user);
}

/* ---- one limit ---- */

struct place { /* whose keys they are */
    const char *kind, *name, *where;
};

static void complain(const struct maker *m, const struct place *p, const char *key, const char *text)
{
    findings_add(m->l->findings, FINDING_ERROR, p->where, "%s \"%s\": %s: %s", p->kind, p->name, key, text);
}

/* One number stands for all users of other user namespaces. */
static bool is_someone(const struct maker *m, const struct place *p, const char *key, uint32_t id)
{
    if (id != CALLER_OVERFLOW_ID)
        return true;
    complain(m, p, key, "65534 is also what the kernel says for users of other user namespaces: run the program as a user of its own");
    return false;
}

static struct caller_list read_users(const struct maker *m, const struct place *p, const struct config_strings *names)
{
    uint32_t *ids = take(m, names->n, sizeof(*ids));
    size_t n = 0;
    for (size_t i = 0; ids != NULL && i < names->n; i++) {
        struct err err = {0};
        if (accounts_of(m)->user(accounts_of(m)->ctx, names->items[i], &ids[n], &err) != 0)
            complain(m, p, "allow_uids", err.text);
        else if (is_someone(m, p, "allow_uids", ids[n]))
            n++;
    }
    if (ids != NULL)
        qsort(ids, n, sizeof(*ids), by_number);
    return (struct caller_list){ids, n};
}

static void add_members(const struct maker *m, uint32_t gid, const struct account_ids *listed, struct caller_list *all)
{
    const struct snapshot_limits *limits = m->limits;
    uint32_t *ids = take(m, all->n + listed->n + limits->n_users, sizeof(*ids));
    size_t n = all->n;
    if (ids == NULL)
        return;
    if (n > 0)
        memcpy(ids, all->ids, n * sizeof(*ids));
    for (size_t i = 0; i < listed->n; i++)
        if (listed->ids[i] != CALLER_OVERFLOW_ID)
            ids[n++] = listed->ids[i];
    for (size_t i = 0; i < limits->n_users; i++)
        if (limits->users[i].gid == gid && limits->users[i].uid != CALLER_OVERFLOW_ID)
            ids[n++] = limits->users[i].uid;
    qsort(ids, n, sizeof(*ids), by_number);
    *all = (struct caller_list){ids, n};
}

static void read_groups(const struct maker *m, const struct place *p, const struct config_strings *names, struct caller_limit *out)
{
    uint32_t *ids = take(m, names->n, sizeof(*ids));
    size_t n = 0;
    for (size_t i = 0; ids != NULL && i < names->n; i++) {
        struct err err = {0};
        struct account_ids listed = {0};
        if (accounts_of(m)->group(accounts_of(m)->ctx, names->items[i], &ids[n], &listed, &err) != 0)
            complain(m, p, "allow_gids", err.text);
        else if (is_someone(m, p, "allow_gids", ids[n]))
            add_members(m, ids[n++], &listed, &out->members);
        free(listed.ids);
    }
    if (ids != NULL)
        qsort(ids, n, sizeof(*ids), by_number);
    out->gids = (struct caller_list){ids, n};
}

static void read_limit(const struct maker *m, const struct place *p, const struct config_strings *uids, const struct config_strings *gids,
                       struct caller_limit *out)
{
    *out = (struct caller_limit){.kind = p->kind, .name = p->name};
    if (accounts_of(m) == NULL) {
        complain(m, p, "allow_uids", "users cannot be looked up here");
        return;
    }
    out->uids = read_users(m, p, uids);
    read_groups(m, p, gids, out);
}

/* ---- of identities and listeners ---- */

static void read_identities(const struct maker *m)
{
    const struct config *c = m->s->config;
    m->limits->identities = take(m, c->n_identities, sizeof(*m->limits->identities));
    for (size_t i = 0; m->limits->identities != NULL && i < c->n_identities; i++) {
        const struct config_identity *id = &c->identities[i];
        if (id->allow_uids.n + id->allow_gids.n > 0)
            read_limit(m, &(struct place){"identity", id->name, id->where}, &id->allow_uids, &id->allow_gids, &m->limits->identities[i]);
    }
}

static const struct caller_limit *limit_of(const struct maker *m, const char *identity)
{
    const struct config *c = m->s->config;
    const struct config_identity *id = identity != NULL ? config_find_identity(c, identity) : NULL;
    const struct caller_limit *limit = id != NULL && m->limits->identities != NULL ? &m->limits->identities[id - c->identities] : NULL;
    return limit != NULL && limit->name != NULL ? limit : NULL;
}

/* The limits of the identities that an upstream may present, with NULL behind the last; NULL: none has any. */
static const struct caller_limit *const *limits_of(const struct maker *m, const struct config_upstream *u)
{
    const struct config_tls *tls = &u->tls;
    size_t n = 0, most = tls->choices.n > 0 ? tls->choices.n : 1;
    const struct caller_limit **list = NULL;
    for (size_t i = 0; tls->present && i < most; i++) {
        const struct caller_limit *limit = limit_of(m, tls->choices.n > 0 ? tls->choices.items[i] : tls->identity);
        if (limit != NULL && list == NULL && (list = take(m, most, sizeof(*list))) == NULL)
            return NULL;
        if (limit != NULL)
            list[n++] = limit;
    }
    return list;
}

static const struct caller_limit *const *const *limits_by_route(const struct maker *m, const struct config_listener *conf, bool *any)
{
    const struct caller_limit *const **by_route = take(m, conf->n_routes, sizeof(*by_route));
    for (size_t i = 0; by_route != NULL && i < conf->n_routes; i++) {
        const struct config_upstream *u = conf->routes[i].upstream != NULL ? config_find_upstream(m->s->config, conf->routes[i].upstream) : NULL;
        by_route[i] = u != NULL ? limits_of(m, u) : NULL;
        *any = *any || by_route[i] != NULL;
    }
    return by_route;
}

static void read_listener(const struct maker *m, struct plan_listener *listener)
{
    const struct config_listener *conf = listener->conf;
    bool own = conf->allow_uids.n + conf->allow_gids.n > 0, any = false;
    const struct caller_limit *const *const *by_route = limits_by_route(m, conf, &any);
    if (!own && !any)
        return;
    struct caller_limits *limits = take(m, 1, sizeof(*limits));
    struct caller_limit *here = own ? take(m, 1, sizeof(*here)) : NULL;
    if (limits == NULL || (own && here == NULL))
        return;
    if (own)
        read_limit(m, &(struct place){"listener", conf->name, conf->where}, &conf->allow_uids, &conf->allow_gids, here);
    *limits = (struct caller_limits){.here = here, .by_route = any ? by_route : NULL, .names = {m->limits->names, m->limits->n_users}};
    listener->limits = limits;
}

static bool limits_any(const struct config *c)
{
    for (size_t i = 0; i < c->n_identities; i++)
        if (c->identities[i].allow_uids.n + c->identities[i].allow_gids.n > 0)
            return true;
    for (size_t i = 0; i < c->n_listeners; i++)
        if (c->listeners[i].allow_uids.n + c->listeners[i].allow_gids.n > 0)
            return true;
    return false;
}

void snapshot_limits_build(struct snapshot *s, const struct loader *l)
{
    if (!limits_any(s->config))
        return;
    s->limits = calloc(1, sizeof(*s->limits));
    if (s->limits == NULL) {
        l->findings->out_of_memory = 1;
        return;
    }
    const struct maker m = {l, s, s->limits};
    list_users(&m);
    read_identities(&m);
    for (size_t i = 0; i < s->config->n_listeners; i++)
        read_listener(&m, &s->listeners[i]);
}

void snapshot_limits_free(struct snapshot_limits *limits)
{
    if (limits == NULL)
        return;
    for (size_t i = 0; i < limits->n_blocks; i++)
        free(limits->blocks[i]);
    free(limits->blocks);
    free(limits->users);
    free(limits);
}
