/* SPDX-License-Identifier: Apache-2.0 */
#include "readiness.h"

#include "mtlsd/base/text.h"

#include <stdio.h>
#include <string.h>

static void say(struct readiness *r, const char *word, const char *what, int64_t when)
{
    char text[21];
    text_utc(text, when);
    r->ready = false;
    r->word = word;
    snprintf(r->detail, sizeof(r->detail), "%s since %s", what, text);
}

static bool is(const char *name, const char *wanted)
{
    return name != NULL && strcmp(name, wanted) == 0;
}

/* As an identity (trust false) or as a trust. */
static bool lists(const struct config_strings *choices, const char *name)
{
    for (size_t i = 0; i < choices->n; i++)
        if (is(choices->items[i], name))
            return true;
    return false;
}

static bool tls_names(const struct config_tls *tls, const char *name, bool trust)
{
    if (!tls->present)
        return false;
    if (is(trust ? tls->trust : tls->identity, name))
        return true;
    if (!trust && lists(&tls->choices, name))
        return true;
    for (size_t i = 0; i < tls->n_identities; i++)
        if ((!trust && lists(&tls->identities[i].choices, name)) || is(trust ? tls->identities[i].trust : tls->identities[i].identity, name))
            return true;
    return false;
}

static bool is_in_use(const struct config *config, const char *name, bool trust)
{
    for (size_t i = 0; i < config->n_listeners; i++)
        if (tls_names(&config->listeners[i].tls, name, trust))
            return true;
    for (size_t i = 0; i < config->n_upstreams; i++)
        if (tls_names(&config->upstreams[i].tls, name, trust))
            return true;
    return false;
}

/* ---- what has ended ---- */

static bool identity_has_ended(const struct admin_view *view, struct readiness *r)
{
    const struct snapshot *s = view->snapshot;
    for (size_t i = 0; i < s->config->n_identities; i++) {
        struct tls_identity_facts f;
        char what[400];
        tls_identity_facts(s->identities[i].tls, &f);
        if (view->now <= f.not_after || !is_in_use(s->config, s->config->identities[i].name, false))
            continue;
        snprintf(what, sizeof(what), "identity \"%s\": certificate %s is expired", s->config->identities[i].name, f.subject);
        say(r, "expired", what, f.not_after);
        return true;
    }
    return false;
}

static bool all_cas_have_ended(const struct snapshot_trust *trust, int64_t now, int64_t *last)
{
    struct tls_trust_ca ca;
    *last = 0;
    for (size_t i = 0; tls_trust_ca(trust->tls, i, &ca); i++) {
        if (now <= ca.not_after)
            return false;
        *last = ca.not_after > *last ? ca.not_after : *last;
    }
    return *last != 0;
}

static bool list_has_ended(const struct snapshot_trust *trust, int64_t now, struct readiness *r)
{
    struct tls_trust_ca ca;
    char what[400];
    int64_t grace = (int64_t)(trust->conf->crl_grace_ms / 1000);
    for (size_t i = 0; tls_trust_ca(trust->tls, i, &ca); i++) {
        if (!ca.covered || now <= ca.next_update + grace)
            continue;
        snprintf(what, sizeof(what), "trust \"%s\": the revocation list of %s is out of date", trust->conf->name, ca.name);
        say(r, "crl_stale", what, ca.next_update);
        return true;
    }
    return false;
}

static bool trust_has_ended(const struct admin_view *view, struct readiness *r)
{
    const struct snapshot *s = view->snapshot;
    for (size_t i = 0; i < s->n_trusts; i++) {
        const struct snapshot_trust *trust = &s->trusts[i];
        struct tls_trust_facts f;
        char what[400];
        int64_t last;
        if (trust->conf == NULL)
            continue; /* the machine's own CAs */
        tls_trust_facts(trust->tls, &f);
        bool lists = f.first_next_update != 0 && view->now > f.first_next_update && trust->conf->crl_policy == CONFIG_CRL_REQUIRE;
        bool cas = f.first_not_after != 0 && view->now > f.first_not_after;
        if ((!lists && !cas) || !is_in_use(s->config, trust->conf->name, true))
            continue;
        if (cas && all_cas_have_ended(trust, view->now, &last)) {
            snprintf(what, sizeof(what), "trust \"%s\": each of its CA certificates is expired, the last", trust->conf->name);
            say(r, "expired", what, last);
            return true;
        }
        if (lists && list_has_ended(trust, view->now, r))
            return true;
    }
    return false;
}

static bool registry_is_used(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_trusts; i++)
        if (is(config->trusts[i].registry, name) && is_in_use(config, config->trusts[i].name, true))
            return true;
    return false;
}

static bool registry_is_stale(const struct admin_view *view, struct readiness *r)
{
    const struct snapshot *s = view->snapshot;
    for (size_t i = 0; i < s->config->n_registries; i++) {
        const struct config_registry *conf = s->registries[i].conf;
        struct tls_registry_facts f;
        char what[400];
        tls_registry_facts(s->registries[i].rows, &f);
        bool fresh = f.loaded && view->now <= f.good_at + (int64_t)(conf->max_staleness_ms / 1000);
        if (fresh || !registry_is_used(s->config, conf->name))
            continue;
        snprintf(what, sizeof(what), "registry \"%s\" could not be read%s%s", conf->name, f.error[0] != '\0' ? ": " : "", f.error);
        say(r, "registry_stale", what, f.good_at != 0 ? f.good_at : view->started);
        return true;
    }
    return false;
}

void readiness_look(const struct admin_view *view, struct readiness *out)
{
    *out = (struct readiness){.word = view->draining ? "draining" : "starting"};
    if (view->draining || !view->ready)
        return;
    if (view->keys.silent) {
        out->word = "keys";
        snprintf(out->detail, sizeof(out->detail), "the key process (pid %d) does not answer", view->keys.pid);
        return;
    }
    if (identity_has_ended(view, out) || trust_has_ended(view, out) || registry_is_stale(view, out))
        return;
    out->ready = !view->room.full;
    out->word = out->ready ? "ready" : "full";
    snprintf(out->detail, sizeof(out->detail), "%llu of %llu connections", (unsigned long long)view->room.clients,
             (unsigned long long)view->room.most_clients);
}
