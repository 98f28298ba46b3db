/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_sni.h"

#include "mtlsd/base/hostname.h"
#include "tls_alpn.h"
#include "tls_context.h"

#include <stdlib.h>
#include <string.h>

struct name {
    char *text; /* owned: without its last dot, an IPv6 address in its one spelling; a suffix begins with its dot */
    size_t policy;
};

struct names { /* sorted, none twice */
    struct name *items;
    size_t n;
};

struct tls_sni {
    atomic_uint refs;
    size_t n;
    struct names exact, suffixes;
    struct tls_context **contexts; /* n + 1, counted; the last is for all other names and may be NULL */
};

/* For one name the first policy comes first. */
static int compare_names(const void *a, const void *b)
{
    const struct name *left = a, *right = b;
    int difference = hostname_compare(span_from_str(left->text), span_from_str(right->text));
    return difference != 0 ? difference : (left->policy > right->policy) - (left->policy < right->policy);
}

static const struct name *find(const struct names *names, struct span wanted)
{
    size_t from = 0, to = names->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int difference = hostname_compare(wanted, span_from_str(names->items[middle].text));
        if (difference == 0)
            return &names->items[middle];
        if (difference < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

static void free_names(struct names *names)
{
    for (size_t i = 0; i < names->n; i++)
        free(names->items[i].text);
    free(names->items);
}

static void free_sni(struct tls_sni *sni)
{
    free_names(&sni->exact);
    free_names(&sni->suffixes);
    for (size_t i = 0; sni->contexts != NULL && i <= sni->n; i++)
        tls_context_unref(sni->contexts[i]);
    free(sni->contexts);
    free(sni);
}

static int add_name(struct tls_sni *sni, const char *text, size_t policy)
{
    char room[HOSTNAME_IPV6_SIZE];
    bool is_suffix = strncmp(text, "*.", 2) == 0;
    struct names *names = is_suffix ? &sni->suffixes : &sni->exact;
    struct span name = is_suffix ? hostname_without_last_dot(span_from_str(text + 1)) : hostname_canonical(span_from_str(text), room);
    struct name *added = &names->items[names->n];
    added->policy = policy;
    added->text = strndup((const char *)name.ptr, name.len);
    names->n += added->text != NULL;
    return added->text != NULL ? 0 : -1;
}

static int add_entry(struct tls_sni *sni, const struct tls_sni_entry *entry, struct err *err)
{
    if (entry->ctx == NULL || !entry->ctx->accepting || entry->ctx->sni != NULL || entry->n_names == 0)
        return err_set(err, ERR_INTERNAL, "a policy by server name lacks its names or a context that accepts");
    size_t policy = sni->n++;
    sni->contexts[policy] = tls_context_ref(entry->ctx);
    for (size_t i = 0; i < entry->n_names; i++)
        if (add_name(sni, entry->names[i], policy) != 0)
            return err_set(err, ERR_MEMORY, "out of memory");
    return 0;
}

static int sort(struct names *names, struct err *err)
{
    if (names->n > 0)
        qsort(names->items, names->n, sizeof(*names->items), compare_names);
    for (size_t i = 1; i < names->n; i++) {
        const struct name *before = &names->items[i - 1], *name = &names->items[i];
        if (before->policy != name->policy && hostname_compare(span_from_str(before->text), span_from_str(name->text)) == 0)
            return err_set(err, ERR_CONFIG, "the server name %s is given twice", name->text);
    }
    return 0;
}

static int fill(struct tls_sni *sni, const struct tls_sni_spec *spec, struct err *err)
{
    size_t n_names = 0;
    for (size_t i = 0; i < spec->n; i++)
        n_names += spec->entries[i].n_names;
    sni->exact.items = calloc(n_names + 1, sizeof(struct name));
    sni->suffixes.items = calloc(n_names + 1, sizeof(struct name));
    sni->contexts = calloc(spec->n + 1, sizeof(struct tls_context *));
    if (sni->exact.items == NULL || sni->suffixes.items == NULL || sni->contexts == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (spec->n == 0 || (spec->otherwise != NULL && (!spec->otherwise->accepting || spec->otherwise->sni != NULL)))
        return err_set(err, ERR_INTERNAL, "a choice by server name lacks policies, or has one that does not accept");
    for (size_t i = 0; i < spec->n; i++)
        if (add_entry(sni, &spec->entries[i], err) != 0)
            return -1;
    if (spec->otherwise != NULL)
        sni->contexts[sni->n] = tls_context_ref(spec->otherwise);
    for (size_t i = 1; i <= sni->n; i++)
        if (sni->contexts[i] != NULL && !tls_alpn_same(sni->contexts[i]->alpn, sni->contexts[0]->alpn))
            return err_set(err, ERR_INTERNAL, "the policies of one listener have different application protocols (ALPN)");
    return sort(&sni->exact, err) == 0 ? sort(&sni->suffixes, err) : -1;
}

struct tls_sni *tls_sni_new(const struct tls_sni_spec *spec, struct err *err)
{
    struct tls_sni *sni = calloc(1, sizeof(*sni));
    if (sni == NULL) {
        err_set(err, ERR_MEMORY, "out of memory");
        return NULL;
    }
    atomic_init(&sni->refs, 1);
    if (fill(sni, spec, err) == 0)
        return sni;
    free_sni(sni);
    return NULL;
}

struct tls_sni *tls_sni_ref(struct tls_sni *sni)
{
    atomic_fetch_add_explicit(&sni->refs, 1, memory_order_relaxed);
    return sni;
}

void tls_sni_unref(struct tls_sni *sni)
{
    if (sni != NULL && atomic_fetch_sub_explicit(&sni->refs, 1, memory_order_acq_rel) == 1)
        free_sni(sni);
}

/* The most specific name that hostname_matches: an exact one, else the longest suffix. A binary search, as every request needs it (security A9). */
size_t tls_sni_policy(const struct tls_sni *sni, struct span name)
{
    char room[HOSTNAME_IPV6_SIZE];
    if (!hostname_is_well_formed(name))
        return sni->n;
    const struct name *found = find(&sni->exact, hostname_canonical(name, room));
    struct span rest = hostname_without_last_dot(name);
    const uint8_t *dot;
    while (found == NULL && sni->suffixes.n > 0 && (dot = memchr(rest.ptr, '.', rest.len)) != NULL) {
        rest = span_skip(rest, (size_t)(dot - rest.ptr));
        found = find(&sni->suffixes, rest);
        rest = span_skip(rest, 1);
    }
    return found != NULL ? found->policy : sni->n;
}

struct tls_context *tls_sni_context(const struct tls_sni *sni, size_t policy)
{
    return policy <= sni->n ? sni->contexts[policy] : NULL;
}

struct tls_context *tls_sni_listener(struct tls_sni *sni, struct err *err)
{
    return tls_context_new_by_name(sni, err);
}
