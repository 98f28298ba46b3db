/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by the user of the calling program: where no user can be known, and where such a limit has no meaning. */
#include "config_check.h"

#include "config_names.h"

#include <string.h>

static bool is_limited(const struct config_strings *uids, const struct config_strings *gids)
{
    return uids->n > 0 || gids->n > 0;
}

static const struct config_identity *limited(const struct config *c, const char *name)
{
    const struct config_identity *id = name != NULL ? config_find_identity(c, name) : NULL;
    return id != NULL && is_limited(&id->allow_uids, &id->allow_gids) ? id : NULL;
}

/* A program of this host may come there by a unix socket or over loopback. */
static bool may_be_local(const struct address *a)
{
    bool any = a->kind == ADDRESS_TCP && (a->host[0] == '\0' || strcmp(a->host, "0.0.0.0") == 0 || strcmp(a->host, "::") == 0);
    return any || address_is_loopback(a);
}

static bool knows_users(const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (may_be_local(&l->bind[i]))
            return true;
    return false;
}

/* To its clients a listener presents an identity of its own, whichever program asks. */
static void check_own(const struct config_reader *r, const char *name, const config_setting_t *at)
{
    if (limited(r->config, name) != NULL)
        config_read_complain(r, FINDING_ERROR, at,
                             "identity \"%.80s\" has allow_uids or allow_gids, which limit the use by upstreams: give the listener another identity, and "
                             "limit its callers by allow_uids of the listener",
                             name);
}

/* The first limited identity of the upstream; NULL: none. */
static const struct config_identity *limited_of(const struct config *c, const char *upstream)
{
    const struct config_upstream *u = upstream != NULL ? config_find_upstream(c, upstream) : NULL;
    const struct config_identity *found = u != NULL && u->tls.present ? limited(c, u->tls.identity) : NULL;
    for (size_t i = 0; u != NULL && found == NULL && i < u->tls.choices.n; i++)
        found = limited(c, u->tls.choices.items[i]);
    return found;
}

static void check_routes(const struct config_reader *r, const struct config_listener *l, const config_setting_t *group)
{
    for (size_t i = 0; i < l->n_routes; i++) {
        const struct config_identity *id = limited_of(r->config, l->routes[i].upstream);
        if (id == NULL)
            continue;
        config_read_complain(r, FINDING_WARNING, config_read_at(group, "bind", NULL, NULL),
                             "no user is known of clients here, so that identity \"%.80s\" with allow_uids or allow_gids is never used for them: bind to 127.0.0.1, "
                             "[::1] or a unix socket",
                             id->name);
        return;
    }
}

void config_check_callers(const struct config_reader *r, size_t listener)
{
    const struct config_listener *l = &r->config->listeners[listener];
    const config_setting_t *group = config_read_group_at(r, "listeners", listener);
    if (config_read_is_tainted(group))
        return;
    check_own(r, l->tls.identity, config_read_at(group, "tls", "identity", NULL));
    for (size_t i = 0; i < l->tls.n_identities; i++)
        check_own(r, l->tls.identities[i].identity, config_read_at(group, "tls", "identities", NULL));
    if (knows_users(l))
        return;
    bool given = l->allow_uids.n > 0;
    if (is_limited(&l->allow_uids, &l->allow_gids))
        config_read_complain(r, FINDING_ERROR, config_read_at(group, given ? "allow_uids" : "allow_gids", NULL, NULL),
                             "no user is known of clients here, and all would be refused: bind to 127.0.0.1, [::1] or a unix socket");
    else
        check_routes(r, l, group);
}
