/* SPDX-License-Identifier: Apache-2.0 */
#include "status_certificates.h"

#include "mtlsd/base/text.h"
#include "mtlsd/control/document.h"
#include "mtlsd/control/fallback.h"
#include "mtlsd/control/renewal.h"
#include "mtlsd/control/sessions.h"

#include <jansson.h>
#include <string.h>

enum { CAS_SHOWN = 100 };

/* null: another program renews it. */
static json_t *renewal_value(const struct renewal_item *item)
{
    return item == NULL ? json_null()
                        : document_object("url:t next_attempt:w last_attempt:w last_error:t renewed:U failed:U", item->url, item->ended ? INT64_C(0) : item->due, item->last,
                                          text_or_null(item->error), item->renewed, item->failed);
}

json_t *status_certificates_identities(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_identities; i++) {
        struct tls_identity_facts f;
        const char *name = view->snapshot->identities[i].conf->name;
        const struct renewal_item *renewal = view->renewals != NULL ? renewal_find(view->renewals, name) : NULL;
        tls_identity_facts(view->snapshot->identities[i].tls, &f);
        array = document_append(array, document_object("name:t subject:t issuer:t key:t sha256:t not_before:w not_after:w days_left:I chain_length:z fallback:t renewal:o",
                                                       name, f.subject, f.issuer, f.key_kind, f.sha256, f.not_before,
                                                       f.not_after, text_days_left(f.not_after, view->now), f.chain_length,
                                                       fallback_text(view->fallback, name), renewal_value(renewal)));
    }
    return array;
}

/* Whose certificates could be revoked without our knowing: each CA with the list that covers it, or none. Only where lists are used at all. */
static json_t *coverage_value(const struct tls_trust *trust, int64_t now)
{
    json_t *array = json_array();
    struct tls_trust_ca ca;
    for (size_t i = 0; i < CAS_SHOWN && tls_trust_ca(trust, i, &ca); i++)
        array = document_append(array, document_object("ca:t covered:b revoked:z next_update:w stale:b", ca.name, ca.covered, ca.n_revoked, ca.next_update,
                                                       ca.covered && now > ca.next_update));
    return array;
}

static json_t *fetches_value(const struct crl_fetch *fetches, const struct snapshot_trust *trust)
{
    static const struct crl_fetch_item none;
    json_t *array = json_array();
    for (size_t i = 0; i < trust->n_urls; i++) {
        const struct crl_fetch_item *item = &none;
        for (size_t k = 0; fetches != NULL && k < fetches->n && item == &none; k++)
            item = strcmp(fetches->items[k].url, trust->urls[i].url) == 0 ? &fetches->items[k] : &none;
        array = document_append(array, document_object("url:t in_use:b last_success:w next_attempt:w last_error:t", trust->urls[i].url,
                                                       (int)atomic_load(&trust->urls[i].held), item->succeeded, item->busy ? INT64_C(0) : item->due,
                                                       text_or_null(item->error)));
    }
    return array;
}

json_t *status_certificates_trusts(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->n_trusts; i++) {
        const struct snapshot_trust *trust = &view->snapshot->trusts[i];
        struct tls_trust_facts f;
        tls_trust_facts(trust->tls, &f);
        json_t *o = document_object("name:t cas:z not_after:w days_left:o crls:z revoked:z crl_next_update:w crl_days_left:o crl_generation:U",
                                    trust->conf != NULL ? trust->conf->name : "system", f.n_ca, f.first_not_after, document_days(f.first_not_after, view->now),
                                    f.n_crl, f.n_revoked, f.first_next_update, document_days(f.first_next_update, view->now), f.generation);
        if (trust->conf != NULL && trust->conf->ocsp != CONFIG_OCSP_OFF)
            o = document_add(o, "ocsp:t", trust->conf->ocsp == CONFIG_OCSP_HARD ? "hard" : "soft");
        if (f.n_crl > 0)
            o = document_add(o, "crl_coverage:o", coverage_value(trust->tls, view->now));
        if (trust->n_urls > 0)
            o = document_add(o, "crl_fetch:o", fetches_value(view->fetches, trust));
        array = document_append(array, o);
    }
    return array;
}

/* How many rows there are in each state. */
static json_t *states_value(const struct tls_registry_totals *totals)
{
    json_t *o = json_object();
    for (enum tls_registry_state s = TLS_REGISTRY_ACTIVE; s < TLS_REGISTRY_STATES; s++)
        if (totals->by_state[s] > 0)
            if (json_object_set_new(o, tls_registry_state_word(s), json_integer((json_int_t)totals->by_state[s])) != 0) {
                json_decref(o);
                return NULL;
            }
    return o;
}

/* null: connections are not written. */
static json_t *sessions_value(struct sessions *s)
{
    struct sessions_facts f;
    if (s == NULL)
        return json_null();
    sessions_facts(s, &f);
    return document_object("waiting:z written:U lost:U error:t", f.waiting, f.written, f.lost, f.error[0] != '\0' ? f.error : NULL);
}

json_t *status_certificates_registries(const struct admin_view *view)
{
    json_t *array = json_array();
    for (size_t i = 0; i < view->snapshot->config->n_registries; i++) {
        const struct snapshot_registry *r = &view->snapshot->registries[i];
        struct tls_registry_facts f;
        char place[CONFIG_REGISTRY_PLACE];
        tls_registry_facts(r->rows, &f);
        config_registry_place(r->conf->database, place);
        bool fresh = f.loaded && view->now <= f.good_at + (int64_t)(r->conf->max_staleness_ms / 1000);
        array = document_append(array, document_object("name:t database:t loaded:b usable:b rows:z states:o by_key:z bytes:z read:w age:o error:t sessions:o", r->conf->name, place, f.loaded,
                                                       fresh, f.totals.rows, states_value(&f.totals), f.totals.by_key, f.totals.bytes, f.good_at,
                                                       f.loaded ? json_integer((json_int_t)(view->now - f.good_at)) : json_null(),
                                                       f.error[0] != '\0' ? f.error : NULL, sessions_value(r->sessions)));
    }
    return array;
}
