/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of certificates: when they and their lists end, and the registries of them. */
#include "metrics_page.h"

#include "mtlsd/control/sessions.h"
#include "mtlsd/tls/tls_ocsp_store.h"

void metrics_identities_end(struct metrics_page *p)
{
    const struct snapshot *s = p->view->snapshot;
    for (size_t i = 0; i < s->config->n_identities; i++) {
        struct tls_identity_facts f;
        tls_identity_facts(s->identities[i].tls, &f);
        metrics_sample(p, LABELS({"identity", s->identities[i].conf->name}), (uint64_t)f.not_after);
    }
}

static const char *trust_name(const struct snapshot_trust *trust)
{
    return trust->conf != NULL ? trust->conf->name : "system";
}

void metrics_trusts_end(struct metrics_page *p)
{
    for (size_t i = 0; i < p->view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &p->view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        if (f.first_not_after != 0)
            metrics_sample(p, LABELS({"trust", trust_name(trust)}), (uint64_t)f.first_not_after);
    }
}

void metrics_registry_rows(struct metrics_page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct tls_registry_facts f;
        tls_registry_facts(r->rows, &f);
        for (enum tls_registry_state s = TLS_REGISTRY_ACTIVE; s < TLS_REGISTRY_STATES; s++)
            metrics_sample(p, LABELS({"registry", r->conf->name}, {"state", tls_registry_state_word(s)}), f.totals.by_state[s]);
    }
}

/* No series before the first read: there is no age. */
void metrics_registry_age(struct metrics_page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct tls_registry_facts f;
        tls_registry_facts(r->rows, &f);
        if (f.loaded)
            metrics_sample(p, LABELS({"registry", r->conf->name}), p->view->now > f.good_at ? (uint64_t)(p->view->now - f.good_at) : 0);
    }
}

void metrics_lists_end(struct metrics_page *p)
{
    for (size_t i = 0; i < p->view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &p->view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        if (f.first_next_update != 0)
            metrics_sample(p, LABELS({"trust", trust_name(trust)}), (uint64_t)f.first_next_update);
    }
}

/* ---- OCSP ---- */

void metrics_ocsp_questions(struct metrics_page *p)
{
    const struct tls_ocsp_facts *f = p->view->ocsp;
    if (f == NULL)
        return;
    const struct { const char *word; uint64_t n; } results[] = {{"good", f->good}, {"revoked", f->revoked}, {"failed", f->failed}, {"no_room", f->overflowed}};
    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        metrics_sample(p, LABELS({"result", results[i].word}), results[i].n);
}

void metrics_ocsp_answers(struct metrics_page *p)
{
    if (p->view->ocsp != NULL)
        metrics_sample(p, NO_LABELS, p->view->ocsp->answers);
}

void metrics_ocsp_waiting(struct metrics_page *p)
{
    if (p->view->ocsp != NULL)
        metrics_sample(p, NO_LABELS, p->view->ocsp->waiting);
}

static void listener_peer_ends(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    if (row->peer.not_after != 0)
        metrics_sample(p, LABELS({"listener", name}), row->peer.not_after);
}

void metrics_clients_end(struct metrics_page *p)
{
    metrics_each_listener(p, true, listener_peer_ends);
}

static void upstream_peer_ends(struct metrics_page *p, const char *name, const struct counters_row *row)
{
    if (row->peer.not_after != 0)
        metrics_sample(p, LABELS({"upstream", name}), row->peer.not_after);
}

void metrics_peers_end(struct metrics_page *p)
{
    metrics_each_upstream(p, true, upstream_peer_ends);
}

/* None without sessions = true. */
void metrics_registry_sessions(struct metrics_page *p)
{
    for (size_t i = 0; i < p->view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &p->view->snapshot->registries[i];
        struct sessions_facts f;
        if (r->sessions == NULL)
            continue;
        sessions_facts(r->sessions, &f);
        metrics_sample(p, LABELS({"registry", r->conf->name}, {"result", "written"}), f.written);
        metrics_sample(p, LABELS({"registry", r->conf->name}, {"result", "lost"}), f.lost);
    }
}
