/* SPDX-License-Identifier: Apache-2.0 */
#include "check_routes.h"
#include "check_sheet.h"
#include "mtlsd/base/text.h"
#include "mtlsd/policy/reason.h"

#include <stdio.h>
#include <string.h>

#define INDENT "                 "

static int findings_text(const struct findings *findings, struct bytes *out)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        if (bytes_printf(out, "%s%s%s: ", f->where, f->where[0] != '\0' ? ": " : "", finding_level_word(f->level)) != 0 ||
            bytes_append_str(out, f->text) != 0)
            return -1;
        if (f->times > 1 && bytes_printf(out, " (the first of %zu such places)", f->times) != 0)
            return -1;
        if (bytes_append_str(out, "\n") != 0)
            return -1;
    }
    return 0;
}

/* The subject is a certificate's: never raw to a terminal. */
static int safe(struct bytes *out, const char *text)
{
    return text_append_percent(out, span_from_str(text));
}

/* Who issued it, and whether an intermediate's certificate goes with it, which callers may need. */
static int issuer_text(const struct tls_identity_facts *f, struct bytes *out)
{
    if (strcmp(f->subject, f->issuer) == 0)
        return bytes_append_str(out, "\n");
    if (bytes_append_str(out, "\n" INDENT "issued by ") != 0 || safe(out, f->issuer) != 0)
        return -1;
    if (f->chain_length == 1)
        return bytes_append_str(out, ", sent without intermediates\n");
    return bytes_printf(out, ", sent with %zu intermediate%s\n", f->chain_length - 1, f->chain_length == 2 ? "" : "s");
}

static int identities_text(const struct check_sheet *s, struct bytes *out)
{
    const struct config *c = s->snapshot->config;
    if (c->n_identities > 0 && bytes_printf(out, "\n%-16s %-22s %9s  %-12s %s\n", "IDENTITY", "NOT AFTER", "DAYS LEFT", "KEY", "SUBJECT") != 0)
        return -1;
    for (size_t i = 0; i < c->n_identities; i++) {
        struct tls_identity_facts f;
        char until[21];
        tls_identity_facts(s->snapshot->identities[i].tls, &f);
        text_utc(until, f.not_after);
        if (bytes_printf(out, "%-16s %-22s %9lld  %-12s ", c->identities[i].name, until, (long long)text_days_left(f.not_after, s->now),
                         f.key_kind) != 0 ||
            safe(out, f.subject) != 0 || issuer_text(&f, out) != 0)
            return -1;
    }
    return 0;
}

/* Where lists are configured: which CA has one, and which is left without. */
static int coverage_text(const struct snapshot_trust *trust, struct bytes *out)
{
    struct tls_trust_ca ca;
    bool required = trust->conf != NULL && trust->conf->crl_policy == CONFIG_CRL_REQUIRE;
    for (size_t i = 0; trust->conf != NULL && trust->conf->crl.n > 0 && tls_trust_ca(trust->tls, i, &ca); i++) {
        char next[21];
        text_utc(next, ca.next_update);
        if (bytes_append_str(out, "  ") != 0 || safe(out, ca.name) != 0)
            return -1;
        if (ca.covered ? bytes_printf(out, ": %zu revoked, next list due %s\n", ca.n_revoked, next) != 0
                       : bytes_printf(out, ": no revocation list, so what it issued is %s\n", required ? "refused (crl_missing)" : "taken for not revoked") != 0)
            return -1;
    }
    return 0;
}

static int trust_text(const struct snapshot_trust *trust, struct bytes *out)
{
    struct tls_trust_facts f;
    char until[21] = "-", next[21] = "-";
    const char *name = trust->conf != NULL ? trust->conf->name : "system";
    if (trust->tls == NULL)
        return 0;
    tls_trust_facts(trust->tls, &f);
    if (f.first_not_after != 0)
        text_utc(until, f.first_not_after);
    if (f.first_next_update != 0)
        text_utc(next, f.first_next_update);
    if (bytes_printf(out, "%-16s %-22s %9zu  %-12zu %-10zu %s\n", name, until, f.n_ca, f.n_crl, f.n_revoked, next) != 0)
        return -1;
    return coverage_text(trust, out);
}

static int trusts_text(const struct check_sheet *s, struct bytes *out)
{
    if (s->snapshot->n_trusts > 0 && bytes_printf(out, "\n%-16s %-22s %9s  %-12s %-10s %s\n", "TRUST", "FIRST CA ENDS", "CAS", "CRLS", "REVOKED",
                                                  "NEXT CRL DUE") != 0)
        return -1;
    for (size_t i = 0; i < s->snapshot->n_trusts; i++)
        if (trust_text(&s->snapshot->trusts[i], out) != 0)
            return -1;
    return 0;
}

static int tls_text(const struct config_tls *tls, struct bytes *out)
{
    if (!tls->present)
        return bytes_append_str(out, "plaintext");
    if (bytes_printf(out, "TLS %s+", tls->min_version == CONFIG_TLS_1_3 ? "1.3" : "1.2") != 0)
        return -1;
    if (tls->identity != NULL && bytes_printf(out, ", presents \"%s\"", tls->identity) != 0)
        return -1;
    return tls->trust != NULL ? bytes_printf(out, ", verifies with \"%s\"", tls->trust) : 0;
}

static int target_text(const struct config_target *target, struct bytes *out)
{
    if (bytes_printf(out, INDENT "%-32s ", target->text) != 0 || check_routes_describe_target(target, out) != 0)
        return -1;
    return bytes_append_str(out, "\n");
}

/* One target stands on the upstream's own line, several below it. */
static int upstream_text(const struct config_upstream *u, struct bytes *out)
{
    char targets[40];
    bool several = u->n_targets > 1;
    snprintf(targets, sizeof(targets), "%zu targets", u->n_targets);
    if (bytes_printf(out, "%-16s %-32s ", u->name, several ? targets : u->targets[0].text) != 0 || tls_text(&u->tls, out) != 0 ||
        check_routes_describe_group(u, out) != 0 || bytes_append_str(out, "\n") != 0)
        return -1;
    for (size_t i = 0; several && i < u->n_targets; i++)
        if (target_text(&u->targets[i], out) != 0)
            return -1;
    return 0;
}

static int upstreams_text(const struct check_sheet *s, struct bytes *out)
{
    const struct config *c = s->snapshot->config;
    if (c->n_upstreams > 0 && bytes_printf(out, "\n%-16s %-32s %s\n", "UPSTREAM", "TARGET", "HOW") != 0)
        return -1;
    for (size_t i = 0; i < c->n_upstreams; i++)
        if (upstream_text(&c->upstreams[i], out) != 0)
            return -1;
    return 0;
}

static int forward_proxy_text(const struct config_forward_proxy *p, struct bytes *out)
{
    static const char *const connects[] = {"looks into tunnels", "tunnels blindly", "no CONNECT"};
    if (!p->present)
        return 0;
    if (bytes_printf(out, ", forward proxy (%s", connects[p->connect]) != 0)
        return -1;
    if (p->direct.n > 0 && bytes_printf(out, ", %zu host%s directly", p->direct.n, p->direct.n == 1 ? "" : "s") != 0)
        return -1;
    return bytes_append_str(out, p->unmatched == CONFIG_UNMATCHED_DIRECT ? ", other public hosts directly)" : ")");
}

static int asks_text(const struct config_tls *tls, struct bytes *out)
{
    static const char *const asks[] = {"no certificate asked", "certificate optional", "certificate required"};
    return bytes_printf(out, ", %s", asks[tls->client_cert]);
}

/* Which bad certificates are let in, for routes that name their status. */
static int tolerated_text(const struct config_tls *tls, struct bytes *out)
{
    if (tls->tolerate == 0)
        return 0;
    if (bytes_append_str(out, INDENT "lets in for its routes:") != 0)
        return -1;
    for (enum reason reason = REASON_VALID; reason < REASON_COUNT; reason++)
        if ((tls->tolerate >> reason & 1) != 0 && bytes_printf(out, " %s", reason_word(reason)) != 0)
            return -1;
    return bytes_append_str(out, "\n");
}

/* One line for each identity by server name. */
static int by_name_text(const struct config_tls *tls, struct bytes *out)
{
    for (size_t i = 0; i < tls->n_identities; i++) {
        const struct config_strings *hosts = &tls->identities[i].hosts;
        struct config_tls policy = config_tls_policy(tls, i);
        if (bytes_append_str(out, INDENT) != 0)
            return -1;
        for (size_t h = 0; h < hosts->n; h++)
            if (bytes_printf(out, "%s%s", h > 0 ? " " : "", hosts->items[h]) != 0)
                return -1;
        if (bytes_append_str(out, hosts->n > 0 ? ": " : "its certificate's names: ") != 0 || tls_text(&policy, out) != 0 || asks_text(&policy, out) != 0 ||
            bytes_append_str(out, "\n") != 0)
            return -1;
    }
    return 0;
}

/* What a listener does with who comes in, behind its tls. */
static int how_text(const struct config_listener *l, struct bytes *out)
{
    bool own = l->tls.present && (l->tls.n_identities == 0 || l->tls.identity != NULL);
    if (own && asks_text(&l->tls, out) != 0)
        return -1;
    if (l->tls.n_identities > 0 && bytes_printf(out, ", %s by server name", own ? "others" : "identities") != 0)
        return -1;
    if (l->n_allow > 0 && bytes_printf(out, ", %zu allow rule%s", l->n_allow, l->n_allow == 1 ? "" : "s") != 0)
        return -1;
    if (l->accept_proxy_protocol && bytes_append_str(out, ", PROXY header required") != 0)
        return -1;
    if (forward_proxy_text(&l->forward_proxy, out) != 0)
        return -1;
    const char *protocol = l->protocol == CONFIG_PROTOCOL_TCP ? "tcp" : "http";
    if (l->upstream != NULL)
        return bytes_printf(out, ", %s -> %s\n", protocol, l->upstream);
    return bytes_printf(out, ", %s, %zu route%s\n", protocol, l->n_routes, l->n_routes == 1 ? "" : "s");
}

static int listener_text(const struct config_listener *l, struct bytes *out)
{
    if (bytes_printf(out, "%-16s %-32s ", l->name, l->bind_text[0]) != 0 || tls_text(&l->tls, out) != 0 || how_text(l, out) != 0)
        return -1;
    for (size_t i = 1; i < l->n_bind; i++)
        if (bytes_printf(out, INDENT "%s\n", l->bind_text[i]) != 0)
            return -1;
    if (tolerated_text(&l->tls, out) != 0 || by_name_text(&l->tls, out) != 0)
        return -1;
    return check_routes_text(l, INDENT, out);
}

static int listeners_text(const struct check_sheet *s, struct bytes *out)
{
    const struct config *c = s->snapshot->config;
    if (c->n_listeners > 0 && bytes_printf(out, "\n%-16s %-32s %s\n", "LISTENER", "BIND", "HOW") != 0)
        return -1;
    for (size_t i = 0; i < c->n_listeners; i++)
        if (listener_text(&c->listeners[i], out) != 0)
            return -1;
    return 0;
}

static int summary_text(const struct check_sheet *s, struct bytes *out)
{
    const struct findings *f = s->findings;
    if (bytes_printf(out, "%s%s: %s", s->snapshot != NULL || f->n > 0 ? "\n" : "", s->path,
                     findings_failed(f) ? "refused" : f->faults > 0 ? "run starts with it, but not all of it works" : f->warnings > 0 ? "can be used" : "fine") != 0)
        return -1;
    size_t errors = f->errors + f->faults;
    if (errors > 0 && bytes_printf(out, ", %zu error%s", errors, errors == 1 ? "" : "s") != 0)
        return -1;
    if (f->warnings > 0 && bytes_printf(out, ", %zu warning%s", f->warnings, f->warnings == 1 ? "" : "s") != 0)
        return -1;
    if (s->connect != NULL && bytes_printf(out, ", %zu of %zu targets accepted", s->connect->n - s->connect->n_refused, s->connect->n) != 0)
        return -1;
    return bytes_append_str(out, "\n");
}

int check_sheet_text(const struct check_sheet *s, struct bytes *out)
{
    if (findings_text(s->findings, out) != 0)
        return -1;
    if (s->snapshot != NULL && (identities_text(s, out) != 0 || trusts_text(s, out) != 0 || upstreams_text(s, out) != 0 ||
                                listeners_text(s, out) != 0))
        return -1;
    if (s->connect != NULL && check_connect_text(s->connect, s->now, out) != 0)
        return -1;
    return summary_text(s, out);
}
