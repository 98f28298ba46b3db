/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_load.h"

#include "mtlsd/base/hostname.h"
#include "mtlsd/tls/tls_peer.h"

#include <stdlib.h>
#include <string.h>

/* The server names of one identity. */
struct hosts {
    struct config_strings names; /* owned, each too */
    const char *where;
    bool told; /* a name of it belongs to another: said once */
};

static void clear_hosts(struct hosts *hosts)
{
    for (size_t i = 0; i < hosts->names.n; i++)
        free(hosts->names.items[i]);
    free(hosts->names.items);
}

static int add(struct hosts *hosts, const char *name, size_t len)
{
    char **items = realloc(hosts->names.items, (hosts->names.n + 1) * sizeof(*items));
    if (items == NULL)
        return -1;
    hosts->names.items = items;
    items[hosts->names.n] = strndup(name, len);
    if (items[hosts->names.n] == NULL)
        return -1;
    hosts->names.n++;
    return 0;
}

static bool has(const struct hosts *hosts, struct span name)
{
    for (size_t i = 0; i < hosts->names.n; i++)
        if (hostname_compare(span_from_str(hosts->names.items[i]), name) == 0)
            return true;
    return false;
}

/* A name that a certificate has twice, or that is not well-formed, is none of ours to complain about: it is left out. */
static int add_from_certificate(struct hosts *hosts, const struct tls_identity *identity)
{
    struct span leaf = tls_identity_der(identity, 0);
    struct tls_peer *peer = tls_peer_new(leaf, NULL);
    int rc = peer != NULL ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < peer->n_names; i++) {
        struct span name = peer->names[i].value;
        if (peer->names[i].type == TLS_NAME_DNS && hostname_is_pattern(name) && !has(hosts, name))
            rc = add(hosts, (const char *)name.ptr, name.len);
    }
    tls_peer_free(peer);
    return rc;
}

static int gather(const struct loader *l, const struct config_sni *conf, const struct tls_identity *identity, struct hosts *out)
{
    int rc = 0;
    out->where = conf->where;
    for (size_t i = 0; rc == 0 && i < conf->hosts.n; i++)
        rc = add(out, conf->hosts.items[i], strlen(conf->hosts.items[i]));
    if (conf->hosts.n == 0)
        rc = add_from_certificate(out, identity);
    if (rc != 0)
        l->findings->out_of_memory = 1;
    else if (out->names.n == 0)
        findings_add(l->findings, FINDING_ERROR, conf->where,
                     "the certificate of identity \"%s\" has no DNS name: list its server names in hosts", conf->identity);
    return rc == 0 && out->names.n > 0 ? 0 : -1;
}

struct claim { /* of one identity to a name */
    const char *name;
    size_t identity;
};

static int compare_claims(const void *a, const void *b)
{
    const struct claim *left = a, *right = b;
    int difference = hostname_compare(span_from_str(left->name), span_from_str(right->name));
    return difference != 0 ? difference : (left->identity > right->identity) - (left->identity < right->identity);
}

static int check_sorted(const struct loader *l, struct hosts *all, const struct claim *claims, size_t n)
{
    int rc = 0;
    const struct claim *first = claims; /* of those that have the same name */
    for (const struct claim *c = claims; c < claims + n; c++) {
        if (hostname_compare(span_from_str(c->name), span_from_str(first->name)) != 0)
            first = c;
        if (c->identity == first->identity || all[c->identity].told)
            continue;
        all[c->identity].told = true;
        findings_add(l->findings, FINDING_ERROR, all[c->identity].where,
                     "the server name \"%.80s\" already belongs to the identity at %.200s: list the server names of both in hosts", c->name,
                     all[first->identity].where);
        rc = -1;
    }
    return rc;
}

/* With names out of certificates the configuration alone could not see this. */
static int check_twice(const struct loader *l, struct hosts *all, size_t n)
{
    size_t n_claims = 0;
    for (size_t i = 0; i < n; i++)
        n_claims += all[i].names.n;
    struct claim *claims = calloc(n_claims + 1, sizeof(*claims));
    if (claims == NULL) {
        l->findings->out_of_memory = 1;
        return -1;
    }
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < all[i].names.n; h++)
            claims[k++] = (struct claim){all[i].names.items[h], i};
    qsort(claims, k, sizeof(*claims), compare_claims);
    int rc = check_sorted(l, all, claims, k);
    free(claims);
    return rc;
}

static struct tls_sni *join(const struct loader *l, const struct config_tls *tls, const struct snapshot_sni_policy *policies, struct hosts *all,
                            struct tls_sni_entry *entries)
{
    struct err err = {0};
    int rc = 0;
    for (size_t i = 0; i < tls->n_identities; i++) {
        if (gather(l, &tls->identities[i], policies[i].identity, &all[i]) != 0)
            rc = -1;
        entries[i] = (struct tls_sni_entry){(const char *const *)all[i].names.items, all[i].names.n, policies[i].ctx};
    }
    if (check_twice(l, all, tls->n_identities) != 0 || rc != 0)
        return NULL;
    struct tls_context *otherwise = tls->identity != NULL ? policies[tls->n_identities].ctx : NULL;
    struct tls_sni *sni = tls_sni_new(&(struct tls_sni_spec){entries, tls->n_identities, otherwise}, &err);
    if (sni == NULL)
        findings_add(l->findings, FINDING_ERROR, tls->where, "tls: %s", err.text);
    return sni;
}

struct tls_sni *snapshot_sni_make(const struct loader *l, const struct config_tls *tls, const struct snapshot_sni_policy *policies)
{
    struct hosts *all = calloc(tls->n_identities, sizeof(*all));
    struct tls_sni_entry *entries = calloc(tls->n_identities, sizeof(*entries));
    struct tls_sni *sni = NULL;
    if (all != NULL && entries != NULL)
        sni = join(l, tls, policies, all, entries);
    else
        l->findings->out_of_memory = 1;
    for (size_t i = 0; all != NULL && i < tls->n_identities; i++)
        clear_hosts(&all[i]);
    free(all);
    free(entries);
    return sni;
}

struct tls_context *snapshot_sni_listener(const struct loader *l, const struct config_tls *tls, struct tls_sni *sni)
{
    struct err err = {0};
    struct tls_context *ctx = tls_sni_listener(sni, &err);
    if (ctx == NULL)
        findings_add(l->findings, FINDING_ERROR, tls->where, "tls: %s", err.text);
    return ctx;
}
