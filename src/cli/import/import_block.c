/* SPDX-License-Identifier: Apache-2.0 */
#include "import_block.h"

#include <stdlib.h>
#include <string.h>

struct import_block *import_block_add(struct import_block *to, char **words, size_t n, size_t line)
{
    struct import_block *d = calloc(1, sizeof(*d));
    char **w = calloc(n + 1, sizeof(*w));
    if (d == NULL || w == NULL) {
        free(d);
        free(w);
        return NULL;
    }
    memcpy(w, words, n * sizeof(*w));
    *d = (struct import_block){.w = w, .n = n, .line = line, .parent = to};
    if (to->last != NULL)
        to->last->next = d;
    else
        to->first = d;
    to->last = d;
    return d;
}

void import_block_free(struct import_block *top)
{
    struct import_block *d = top;
    while (d != NULL) {
        if (d->first != NULL) {
            struct import_block *child = d->first;
            d->first = child->next;
            d = child;
            continue;
        }
        struct import_block *parent = d->parent;
        for (size_t i = 0; i < d->n; i++)
            free(d->w[i]);
        free(d->w);
        free(d);
        d = parent;
    }
}

const struct import_block *import_block_own(const struct import_block *in, const char *word)
{
    for (const struct import_block *d = in->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], word) == 0)
            return d;
    return NULL;
}

const struct import_block *import_block_find(const struct import_block *in, const char *word)
{
    for (; in != NULL; in = in->parent) {
        const struct import_block *d = import_block_own(in, word);
        if (d != NULL && d->n > 1)
            return d;
    }
    return NULL;
}

const char *import_block_value(const struct import_block *in, const char *word)
{
    const struct import_block *d = import_block_find(in, word);
    return d != NULL ? d->w[1] : NULL;
}
