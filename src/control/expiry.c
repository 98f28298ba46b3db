/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/expiry.h"

#include "mtlsd/base/text.h"
#include "mtlsd/config/config_renew.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_intercept.h"
#include "mtlsd/tls/tls_trust.h"

#include <stdio.h>
#include <string.h>

enum { DAY = 86400, LAST_PART = 3, N_DAYS = 5 };
static const int64_t days_before[N_DAYS] = {30, 14, 7, 3, 1};

static bool counts(int64_t days, int64_t from, int64_t until)
{
    return days * DAY * LAST_PART <= until - from;
}

bool expiry_is_near(int64_t from, int64_t until, int64_t now)
{
    for (size_t i = 0; i < N_DAYS; i++)
        if (counts(days_before[i], from, until) && now <= until && until - now <= days_before[i] * DAY)
            return true;
    return false;
}

bool expiry_speaks(int64_t from, int64_t until, int64_t since, int64_t now)
{
    if (now > until)
        return since <= until || (now - until) / DAY > (since - until) / DAY;
    for (size_t i = 0; i < N_DAYS; i++) {
        int64_t moment = until - days_before[i] * DAY;
        if (counts(days_before[i], from, until) && since < moment && moment <= now)
            return true;
    }
    return false;
}

/* ---- what there is ---- */

struct thing {
    const char *what;  /* "identity \"server\": certificate CN=x" */
    const char *where; /* its line in the configuration */
    const char *ends, *ended; /* "expires", "is expired" */
    const char *advice;
    int64_t from, until;
};

typedef void (*thing_fn)(void *ctx, const struct thing *thing);

/* One that we renew may well have a third of its life left: only the last part of the time for its renewal counts. */
static int64_t from_of(const struct config_identity *conf, const struct tls_identity_link *link)
{
    int64_t before_s = config_renew_is_on(conf) ? config_renew_before(&conf->renew, link->not_after - link->not_before) : 0;
    return before_s > 0 && before_s < link->not_after - link->not_before ? link->not_after - before_s : link->not_before;
}

static void each_of_identity(const struct snapshot_identity *identity, thing_fn on_thing, void *ctx)
{
    struct tls_identity_link link;
    char what[320];
    for (size_t i = 0; tls_identity_link(identity->tls, i, &link); i++) {
        snprintf(what, sizeof(what), "identity \"%s\": certificate %s", identity->conf->name, link.subject);
        const char *advice = config_renew_is_on(identity->conf) ? "mtlsd did not renew it yet: see the log and the status for the reason" : "renew it; peers refuse expired certificates";
        on_thing(ctx, &(struct thing){what, identity->conf->where, "expires", "is expired", advice,
                                      i == 0 ? from_of(identity->conf, &link) : link.not_before, link.not_after});
    }
}

static const char *list_advice(const struct config_trust *conf)
{
    if (conf->crl_policy == CONFIG_CRL_PREFER)
        return "get the newer list from its CA: later revocations are unknown";
    return "get the newer list from its CA: otherwise its certificates are refused (crl_stale) after crl_grace";
}

static void each_of_trust(const struct snapshot_trust *trust, thing_fn on_thing, void *ctx)
{
    struct tls_trust_ca ca;
    char what[320];
    for (size_t i = 0; tls_trust_ca(trust->tls, i, &ca); i++) {
        snprintf(what, sizeof(what), "trust \"%s\": CA certificate %s", trust->conf->name, ca.name);
        on_thing(ctx, &(struct thing){what, trust->conf->where, "expires", "is expired", "add its successor to ca; certificates of an expired CA are refused",
                                      ca.not_before, ca.not_after});
        if (!ca.covered)
            continue;
        snprintf(what, sizeof(what), "trust \"%s\": the revocation list of %s", trust->conf->name, ca.name);
        on_thing(ctx, &(struct thing){what, trust->conf->where, "is due to be replaced", "is out of date", list_advice(trust->conf), ca.this_update, ca.next_update});
    }
}

static void each_of_intercept(const struct plan_listener *l, thing_fn on_thing, void *ctx)
{
    struct tls_intercept_facts f;
    char what[320];
    tls_intercept_facts(l->intercept, &f);
    snprintf(what, sizeof(what), "listener \"%s\": CA certificate %s of forward_proxy.intercept", l->conf->name, f.ca);
    on_thing(ctx, &(struct thing){what, l->conf->where, "expires", "is expired", "make a new CA (mtlsd pki init --only HOST), and give it to the programs",
                                  f.not_before, f.not_after});
}

/* Certificates of a SPIFFE agent last for an hour or a day, and the agent renews them. */
static void each(const struct snapshot *s, thing_fn on_thing, void *ctx)
{
    for (size_t i = 0; i < s->config->n_identities; i++)
        if (s->identities[i].tls != NULL && s->identities[i].conf->source == CONFIG_SOURCE_FILES)
            each_of_identity(&s->identities[i], on_thing, ctx);
    for (size_t i = 0; i < s->n_trusts; i++)
        if (s->trusts[i].tls != NULL && s->trusts[i].conf != NULL && s->trusts[i].conf->source == CONFIG_SOURCE_FILES &&
            strcmp(s->trusts[i].conf->ca, "system") != 0)
            each_of_trust(&s->trusts[i], on_thing, ctx);
    for (size_t i = 0; i < s->config->n_listeners; i++)
        if (s->listeners[i].intercept != NULL)
            each_of_intercept(&s->listeners[i], on_thing, ctx);
}

/* ---- what is said ---- */

struct review {
    int64_t since, now;
    struct findings *out;
};

static void say_before(const struct review *r, const struct thing *t)
{
    char when[21];
    long long days = (long long)((t->until - r->now) / DAY);
    text_utc(when, t->until);
    if (days == 0)
        findings_add(r->out, FINDING_WARNING, t->where, "%s %s within a day, %s; %s", t->what, t->ends, when, t->advice);
    else
        findings_add(r->out, FINDING_WARNING, t->where, "%s %s in %lld day%s, %s; %s", t->what, t->ends, days, days == 1 ? "" : "s", when, t->advice);
}

static void say_after(const struct review *r, const struct thing *t)
{
    char when[21];
    text_utc(when, t->until);
    findings_add(r->out, FINDING_ERROR, t->where, "%s %s since %s; %s", t->what, t->ended, when, t->advice);
}

static void review_one(void *ctx, const struct thing *t)
{
    const struct review *r = ctx;
    if (!expiry_speaks(t->from, t->until, r->since, r->now))
        return;
    if (r->now > t->until)
        say_after(r, t);
    else
        say_before(r, t);
}

void expiry_review(const struct snapshot *s, int64_t since, int64_t now, struct findings *out)
{
    struct review r = {since, now, out};
    each(s, review_one, &r);
}

static void load_one(void *ctx, const struct thing *t)
{
    const struct review *r = ctx;
    if (expiry_is_near(t->from, t->until, r->now))
        say_before(r, t);
}

/* It would be due as soon as it is there. */
static void load_renewal(const struct snapshot_identity *identity, struct findings *out)
{
    struct tls_identity_facts f;
    tls_identity_facts(identity->tls, &f);
    int64_t life = f.not_after - f.not_before, before_s = config_renew_before(&identity->conf->renew, life);
    if (before_s < life)
        return;
    findings_add(out, FINDING_WARNING, identity->conf->where,
                 "identity \"%s\": renew.before is %s, and its certificate lives for %lld hours: it is renewed at once, and each later one after half of its life; "
                 "give a part of the life, as \"1/3\"",
                 identity->conf->name, identity->conf->renew.before, (long long)life / 3600);
}

void expiry_at_load(const struct snapshot *s, int64_t now, struct findings *out)
{
    struct review r = {now, now, out};
    each(s, load_one, &r);
    for (size_t i = 0; i < s->config->n_identities; i++)
        if (config_renew_is_on(s->identities[i].conf) && s->identities[i].tls != NULL)
            load_renewal(&s->identities[i], out);
}

static bool is_good(const struct tls_identity_facts *f, int64_t now)
{
    return f->not_before <= now && now <= f->not_after;
}

int expiry_check_succession(const struct snapshot *next, const struct snapshot *old, int64_t now, struct err *err)
{
    struct tls_identity_facts before, after;
    char when[21], until[21];
    for (size_t i = 0; i < next->config->n_identities; i++) {
        const struct config_identity *conf = config_find_identity(old->config, next->config->identities[i].name);
        if (conf == NULL)
            continue;
        tls_identity_facts(old->identities[conf - old->config->identities].tls, &before);
        tls_identity_facts(next->identities[i].tls, &after);
        if (is_good(&after, now) || !is_good(&before, now))
            continue;
        bool ended = now > after.not_after;
        text_utc(when, ended ? after.not_after : after.not_before);
        text_utc(until, before.not_after);
        return err_set(err, ERR_CREDENTIAL, "identity \"%s\": its new certificate %s %s %s, and the current one is valid until %s: replace it with a valid certificate and reload",
                       conf->name, after.subject, ended ? "expired" : "is not valid before", when, until);
    }
    return 0;
}
