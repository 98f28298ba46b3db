/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/proxy/name_cache.h"

#include <string.h>

static bool same_address(const struct name_address *a, const struct name_address *b)
{
    return a->v6 == b->v6 && a->scope == b->scope && memcmp(a->bytes, b->bytes, a->v6 ? 16 : 4) == 0;
}

static bool is_listed(const struct name_list *list, const struct name_address *a)
{
    for (size_t i = 0; i < list->n; i++) {
        if (same_address(&list->items[i], a))
            return true;
    }
    return false;
}

/* The next of that family from *at on that is not listed; NULL: none. */
static const struct name_address *next_of(const struct name_address *found, size_t n, bool v6, size_t *at, const struct name_list *list)
{
    for (; *at < n; (*at)++) {
        if (found[*at].v6 == v6 && !is_listed(list, &found[*at]))
            return &found[(*at)++];
    }
    return NULL;
}

void name_list_arrange(struct name_list *out, const struct name_address *found, size_t n)
{
    size_t at[2] = {0, 0};
    out->n = 0;
    bool v6 = n > 0 && found[0].v6;
    while (out->n < NAME_ADDRESSES_MAX) {
        const struct name_address *a = next_of(found, n, v6, &at[v6], out);
        if (a == NULL)
            a = next_of(found, n, !v6, &at[!v6], out);
        if (a == NULL)
            break;
        out->items[out->n++] = *a;
        v6 = !a->v6;
    }
}
