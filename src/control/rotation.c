/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/rotation.h"
#include "counters_table.h"

#include "mtlsd/base/text.h"
#include "mtlsd/tls/tls_identity.h"
#include "mtlsd/tls/tls_judge.h"
#include "mtlsd/tls/tls_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_same(const struct tls_identity *a, const struct tls_identity *b)
{
    struct tls_identity_facts before, after;
    tls_identity_facts(a, &before);
    tls_identity_facts(b, &after);
    return strcmp(before.sha256, after.sha256) == 0;
}

int rotation_compare(const struct snapshot *old, const struct snapshot *next, struct rotation *out)
{
    *out = (struct rotation){.items = calloc(next->config->n_identities + 1, sizeof(*out->items))};
    for (size_t i = 0; out->items != NULL && i < next->config->n_identities; i++) {
        const struct config_identity *conf = &next->config->identities[i], *before = config_find_identity(old->config, conf->name);
        const struct tls_identity *was = before != NULL ? old->identities[before - old->config->identities].tls : NULL;
        if (was != NULL && !is_same(was, next->identities[i].tls))
            out->items[out->n++] = (struct rotation_change){conf, was, next->identities[i].tls};
    }
    return out->items != NULL ? 0 : -1;
}

void rotation_clear(struct rotation *r)
{
    free(r->items);
    *r = (struct rotation){0};
}

static bool presents(const struct config_tls *tls, const char *identity)
{
    if (tls->identity != NULL && strcmp(tls->identity, identity) == 0)
        return true;
    for (size_t i = 0; i < tls->choices.n; i++)
        if (strcmp(tls->choices.items[i], identity) == 0)
            return true;
    return false;
}

static bool may_present(const struct plan_upstream *upstream, const char *identity)
{
    return presents(&upstream->conf->tls, identity);
}

const struct rotation_change *rotation_of(const struct rotation *r, const struct plan_upstream *upstream)
{
    for (size_t i = 0; i < r->n; i++)
        if (may_present(upstream, r->items[i].conf->name))
            return &r->items[i];
    return NULL;
}

const struct rotation_change *rotation_by(const struct rotation *r, const struct tls_identity *fresh)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].fresh == fresh)
            return &r->items[i];
    return NULL;
}

bool rotation_remove(struct rotation *r, const struct tls_identity *fresh)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->items[i].fresh == fresh) {
            r->items[i] = r->items[--r->n];
            return true;
        }
    return false;
}

bool rotation_keeps(const struct rotation_change *change, int64_t now)
{
    struct tls_identity_facts f;
    tls_identity_facts(change->old, &f);
    return f.not_before <= now && now <= f.not_after;
}

/* ---- uses ---- */

static bool is_presented_by_upstream(const struct snapshot *next, const struct rotation_change *change)
{
    for (size_t i = 0; i < next->config->n_upstreams; i++)
        if (may_present(&next->upstreams[i], change->conf->name))
            return true;
    return false;
}

static bool is_presented_by_listener(const struct snapshot *next, const struct rotation_change *change)
{
    for (size_t i = 0; i < next->config->n_listeners; i++) {
        const struct config_tls *tls = &next->config->listeners[i].tls;
        for (size_t k = 0; tls->present && k < config_tls_policies(tls); k++) {
            const struct config_tls policy = config_tls_policy(tls, k);
            if (presents(&policy, change->conf->name))
                return true;
        }
    }
    return false;
}

static bool loses(const struct rotation_change *change, enum tls_purpose purpose)
{
    return tls_judge_serves(tls_identity_der(change->old, 0), purpose) && !tls_judge_serves(tls_identity_der(change->fresh, 0), purpose);
}

static void review_purpose(const struct rotation_change *change, enum tls_purpose purpose, int64_t now, struct findings *out)
{
    struct tls_identity_facts old;
    char until[21];
    const char *word = purpose == TLS_PURPOSE_CLIENT ? "client" : "server";
    if (!loses(change, purpose))
        return;
    tls_identity_facts(change->old, &old);
    text_utc(until, old.not_after);
    findings_add(out, rotation_keeps(change, now) ? FINDING_ERROR : FINDING_WARNING, change->conf->where,
                 "identity \"%s\": the new certificate is not for %ss (extendedKeyUsage lacks %sAuth), as the one in use until %s is: get one with %sAuth",
                 change->conf->name, word, word, until, word);
}

/* ---- differences ---- */

static void warn(const struct rotation_change *change, struct findings *out, const char *what, const char *before, const char *after)
{
    findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": the new certificate has another %s: \"%s\", before \"%s\"; peers may refuse it",
                 change->conf->name, what, after, before);
}

static bool has_name(const struct tls_peer *peer, const struct tls_name *name)
{
    for (size_t i = 0; i < peer->n_names; i++)
        if (peer->names[i].type == name->type && span_equals(peer->names[i].value, name->value))
            return true;
    return false;
}

static bool is_alternative(const struct tls_name *name)
{
    return name->type == TLS_NAME_DNS || name->type == TLS_NAME_URI || name->type == TLS_NAME_EMAIL || name->type == TLS_NAME_IP;
}

static void warn_of_name(const struct rotation_change *change, const struct tls_name *name, struct findings *out)
{
    struct bytes text;
    bytes_init(&text, 4096);
    if (text_append_percent(&text, name->type == TLS_NAME_IP ? span_from_str("an IP address") : name->value) == 0 && bytes_append(&text, "", 1) == 0)
        findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": the new certificate lacks the name \"%.200s\"; peers may refuse it",
                     change->conf->name, (const char *)bytes_span(&text).ptr);
    bytes_clear(&text);
}

/* Names by which peers may accept it are missing now. */
static void review_names(const struct rotation_change *change, struct findings *out)
{
    struct tls_peer *before = tls_peer_new(tls_identity_der(change->old, 0), NULL), *after = tls_peer_new(tls_identity_der(change->fresh, 0), NULL);
    for (size_t i = 0; before != NULL && after != NULL && i < before->n_names; i++) {
        const struct tls_name *name = &before->names[i];
        if (is_alternative(name) && !has_name(after, name))
            warn_of_name(change, name, out);
    }
    tls_peer_free(before);
    tls_peer_free(after);
}

static void review_difference(const struct rotation_change *change, struct findings *out)
{
    struct tls_identity_facts before, after;
    char was[21], is[21];
    tls_identity_facts(change->old, &before);
    tls_identity_facts(change->fresh, &after);
    text_utc(was, before.not_after);
    text_utc(is, after.not_after);
    findings_add(out, FINDING_NOTE, change->conf->where, "identity \"%s\": certificate %s, serial %s until %s, takes the place of serial %s until %s",
                 change->conf->name, after.subject, after.serial, is, before.serial, was);
    if (strcmp(before.subject, after.subject) != 0)
        warn(change, out, "subject", before.subject, after.subject);
    if (strcmp(before.issuer, after.issuer) != 0)
        warn(change, out, "issuer", before.issuer, after.issuer);
    if (before.key_kind != NULL && after.key_kind != NULL && strcmp(before.key_kind, after.key_kind) != 0)
        warn(change, out, "kind of key", before.key_kind, after.key_kind);
    if (after.not_after < before.not_after)
        findings_add(out, FINDING_WARNING, change->conf->where, "identity \"%s\": the new certificate expires %s, before the one in use (%s): is it an old one?",
                     change->conf->name, is, was);
    review_names(change, out);
}

void rotation_review(const struct rotation *r, const struct snapshot *next, int64_t now, struct findings *out)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct rotation_change *change = &r->items[i];
        review_difference(change, out);
        if (is_presented_by_upstream(next, change))
            review_purpose(change, TLS_PURPOSE_CLIENT, now, out);
        if (is_presented_by_listener(next, change))
            review_purpose(change, TLS_PURPOSE_SERVER, now, out);
    }
}

/* ---- counts ---- */

struct counted {
    char name[80];
    struct rotation_count count;
};

enum { IDENTITIES_MOST = 128 * 1024 };

struct rotation_counts {
    struct counters_table *table;
};

struct rotation_counts *rotation_counts_new(void)
{
    struct rotation_counts *counts = calloc(1, sizeof(*counts));
    if (counts == NULL)
        return NULL;
    counts->table = counters_table_new(sizeof(struct counted), sizeof(((struct counted *)0)->name), IDENTITIES_MOST);
    if (counts->table != NULL)
        return counts;
    free(counts);
    return NULL;
}

void rotation_counts_free(struct rotation_counts *counts)
{
    if (counts == NULL)
        return;
    counters_table_free(counts->table);
    free(counts);
}

void rotation_counts_add(struct rotation_counts *counts, const struct rotation *r, bool used)
{
    for (size_t i = 0; i < r->n; i++) {
        struct counted *row = counters_table_get(counts->table, r->items[i].conf->name, NULL);
        row->count.used += used;
        row->count.refused += !used;
    }
}

void rotation_counts_add_fallback(struct rotation_counts *counts, const char *identity)
{
    struct counted *row = counters_table_get(counts->table, identity, NULL);
    row->count.fallback++;
}

struct rotation_count rotation_counts_of(const struct rotation_counts *counts, const char *identity)
{
    const struct counted *row = counts != NULL ? counters_table_find(counts->table, identity, NULL) : NULL;
    return row != NULL ? row->count : (struct rotation_count){0};
}
