/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_sni.h"

#include "mtlsd/base/hostname.h"
#include "tls_context.h"

#include <stdlib.h>
#include <string.h>

struct names {
    char **items; /* owned, each too */
    size_t n;
};

struct tls_sni {
    atomic_uint refs;
    size_t n;
    struct names *names;           /* n of them */
    struct tls_context **contexts; /* n + 1, counted; the last is for all other names and may be NULL */
};

static int copy_names(struct names *to, const struct tls_sni_entry *from)
{
    to->items = calloc(from->n_names, sizeof(*to->items));
    for (; to->items != NULL && to->n < from->n_names; to->n++)
        if ((to->items[to->n] = strdup(from->names[to->n])) == NULL)
            return -1;
    return to->items != NULL ? 0 : -1;
}

static bool has_name(const struct names *names, const char *name)
{
    struct span wanted = hostname_without_last_dot(span_from_str(name));
    for (size_t i = 0; i < names->n; i++)
        if (span_equals_nocase(hostname_without_last_dot(span_from_str(names->items[i])), wanted))
            return true;
    return false;
}

static int check_entry(const struct tls_sni *sni, const struct tls_sni_entry *entry, struct err *err)
{
    if (entry->ctx == NULL || !entry->ctx->accepting || entry->ctx->sni != NULL || entry->n_names == 0)
        return err_set(err, ERR_INTERNAL, "a policy by server name lacks its names or a context that accepts");
    for (size_t i = 0; i < entry->n_names; i++)
        for (size_t k = 0; k < sni->n; k++)
            if (has_name(&sni->names[k], entry->names[i]))
                return err_set(err, ERR_CONFIG, "the server name %s is given twice", entry->names[i]);
    return 0;
}

static void free_sni(struct tls_sni *sni)
{
    for (size_t i = 0; sni->names != NULL && i < sni->n; i++) {
        for (size_t k = 0; k < sni->names[i].n; k++)
            free(sni->names[i].items[k]);
        free(sni->names[i].items);
    }
    for (size_t i = 0; sni->contexts != NULL && i <= sni->n; i++)
        tls_context_unref(sni->contexts[i]);
    free(sni->names);
    free(sni->contexts);
    free(sni);
}

static int add_entry(struct tls_sni *sni, const struct tls_sni_entry *entry, struct err *err)
{
    if (check_entry(sni, entry, err) != 0)
        return -1;
    size_t i = sni->n++;
    sni->contexts[i] = tls_context_ref(entry->ctx);
    return copy_names(&sni->names[i], entry) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
}

static int fill(struct tls_sni *sni, const struct tls_sni_spec *spec, struct err *err)
{
    sni->names = calloc(spec->n + 1, sizeof(*sni->names));
    sni->contexts = calloc(spec->n + 1, sizeof(struct tls_context *));
    if (sni->names == NULL || sni->contexts == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    if (spec->n == 0 || (spec->otherwise != NULL && (!spec->otherwise->accepting || spec->otherwise->sni != NULL)))
        return err_set(err, ERR_INTERNAL, "a choice by server name lacks policies, or has one that does not accept");
    for (size_t i = 0; i < spec->n; i++)
        if (add_entry(sni, &spec->entries[i], err) != 0)
            return -1;
    if (spec->otherwise != NULL)
        sni->contexts[sni->n] = tls_context_ref(spec->otherwise);
    return 0;
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

size_t tls_sni_policy(const struct tls_sni *sni, struct span name)
{
    struct span best = {0};
    size_t policy = sni->n;
    for (size_t i = 0; i < sni->n; i++) {
        for (size_t k = 0; k < sni->names[i].n; k++) {
            struct span pattern = span_from_str(sni->names[i].items[k]);
            if (!hostname_matches(pattern, name) || (policy != sni->n && !hostname_is_closer(pattern, best)))
                continue;
            best = pattern;
            policy = i;
        }
    }
    return policy;
}

struct tls_context *tls_sni_context(const struct tls_sni *sni, size_t policy)
{
    return policy <= sni->n ? sni->contexts[policy] : NULL;
}

struct tls_context *tls_sni_listener(struct tls_sni *sni, struct err *err)
{
    return tls_context_new_by_name(sni, err);
}
