/* SPDX-License-Identifier: Apache-2.0 */
#include "check_sheet.h"
#include "mtlsd/base/text.h"

#include <stdio.h>
#include <string.h>

static const char *level_word(enum finding_level level)
{
    return level == FINDING_ERROR ? "error" : level == FINDING_WARNING ? "warning" : "note";
}

static int findings_text(const struct findings *findings, struct bytes *out)
{
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *f = &findings->items[i];
        if (bytes_printf(out, "%s%s%s: ", f->where, f->where[0] != '\0' ? ": " : "", level_word(f->level)) != 0 ||
            bytes_append_str(out, f->text) != 0 || bytes_append_str(out, "\n") != 0)
            return -1;
    }
    return 0;
}

/* The subject is a certificate's: never raw to a terminal. */
static int safe(struct bytes *out, const char *text)
{
    return text_append_percent(out, span_from_str(text));
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
            safe(out, f.subject) != 0 || bytes_append_str(out, "\n") != 0)
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
    return bytes_printf(out, "%-16s %-22s %9zu  %-12zu %-10zu %s\n", name, until, f.n_ca, f.n_crl, f.n_revoked, next);
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

static int upstreams_text(const struct check_sheet *s, struct bytes *out)
{
    const struct config *c = s->snapshot->config;
    if (c->n_upstreams > 0 && bytes_printf(out, "\n%-16s %-32s %s\n", "UPSTREAM", "TARGET", "HOW") != 0)
        return -1;
    for (size_t i = 0; i < c->n_upstreams; i++) {
        const struct config_upstream *u = &c->upstreams[i];
        if (bytes_printf(out, "%-16s %-32s ", u->name, u->targets[0].text) != 0 || tls_text(&u->tls, out) != 0 ||
            bytes_append_str(out, "\n") != 0)
            return -1;
    }
    return 0;
}

static int listener_text(const struct config_listener *l, struct bytes *out)
{
    static const char *const asks[] = {"no certificate asked", "certificate optional", "certificate required"};
    for (size_t i = 0; i < l->n_bind; i++) {
        if (bytes_printf(out, "%-16s %-32s ", i == 0 ? l->name : "", l->bind_text[i]) != 0)
            return -1;
        if (i > 0) {
            if (bytes_append_str(out, "\n") != 0)
                return -1;
            continue;
        }
        if (tls_text(&l->tls, out) != 0 || (l->tls.present && bytes_printf(out, ", %s", asks[l->tls.client_cert]) != 0))
            return -1;
        if (l->n_allow > 0 && bytes_printf(out, ", %zu allow rule%s", l->n_allow, l->n_allow == 1 ? "" : "s") != 0)
            return -1;
        if (bytes_printf(out, ", %s -> %s\n", l->protocol == CONFIG_PROTOCOL_TCP ? "tcp" : "http",
                         l->upstream != NULL ? l->upstream : "its routes") != 0)
            return -1;
    }
    return 0;
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
                     findings_failed(f) ? "refused" : f->warnings > 0 ? "can be used" : "fine") != 0)
        return -1;
    if (f->errors > 0 && bytes_printf(out, ", %zu error%s", f->errors, f->errors == 1 ? "" : "s") != 0)
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
