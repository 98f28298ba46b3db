/* SPDX-License-Identifier: Apache-2.0 */
#include "key_store.h"

#include <stdlib.h>
#include <string.h>

struct key_set {
    uint32_t number;
    struct tls_key_memory *memory;
    struct tls_signing_key **keys; /* each counted */
    size_t n, cap;
    size_t n_dropped; /* of those; their places are NULL */
};

/* Where the set is, or would be. */
static size_t place_of(const struct key_store *s, uint32_t number)
{
    size_t low = 0, high = s->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->sets[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct key_set *find_set(const struct key_store *s, uint32_t number)
{
    size_t at = place_of(s, number);
    return at < s->n && s->sets[at].number == number ? &s->sets[at] : NULL;
}

static void clear_set(struct key_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        tls_signing_key_unref(set->keys[i]);
    free(set->keys);
    tls_key_memory_unref(set->memory);
}

void key_store_clear(struct key_store *s)
{
    for (size_t i = 0; i < s->n; i++)
        clear_set(&s->sets[i]);
    free(s->sets);
    free(s->cas);
    *s = (struct key_store){0};
}

static int make_room(struct key_store *s)
{
    if (s->n < s->cap)
        return 0;
    size_t cap = s->cap > 0 ? s->cap * 2 : 8;
    struct key_set *more = s->n < KEY_STORE_SETS ? realloc(s->sets, cap * sizeof(*more)) : NULL;
    if (more == NULL)
        return -1;
    s->sets = more;
    s->cap = cap;
    return 0;
}

struct tls_key_memory *key_store_memory(struct key_store *s, uint32_t number)
{
    struct key_set *known = find_set(s, number);
    if (known != NULL)
        return known->memory;
    struct tls_key_memory *memory = make_room(s) == 0 ? tls_key_memory_new() : NULL;
    if (memory == NULL)
        return NULL;
    size_t at = place_of(s, number);
    memmove(&s->sets[at + 1], &s->sets[at], (s->n - at) * sizeof(*s->sets));
    s->sets[at] = (struct key_set){.number = number, .memory = memory};
    s->n++;
    return memory;
}

int key_store_add(struct key_store *s, uint32_t number, struct tls_signing_key *key, uint64_t *id)
{
    struct key_set *set = find_set(s, number);
    if (set == NULL || s->n_keys >= KEY_STORE_KEYS)
        return -1;
    if (set->n == set->cap) {
        size_t cap = set->cap > 0 ? set->cap * 2 : 4;
        struct tls_signing_key **more = realloc(set->keys, cap * sizeof(*more));
        if (more == NULL)
            return -1;
        set->keys = more;
        set->cap = cap;
    }
    *id = (uint64_t)number << 32 | set->n;
    set->keys[set->n++] = tls_signing_key_ref(key);
    s->n_keys++;
    return 0;
}

const struct tls_signing_key *key_store_find(const struct key_store *s, uint64_t id)
{
    const struct key_set *set = find_set(s, (uint32_t)(id >> 32));
    size_t at = (size_t)(uint32_t)id;
    return set != NULL && at < set->n ? set->keys[at] : NULL;
}

void key_store_drop(struct key_store *s, uint64_t id)
{
    struct key_set *set = find_set(s, (uint32_t)(id >> 32));
    size_t at = (size_t)(uint32_t)id;
    if (set == NULL || at >= set->n || set->keys[at] == NULL)
        return;
    tls_signing_key_unref(set->keys[at]);
    set->keys[at] = NULL; /* the number stays in use */
    set->n_dropped++;
    s->n_keys--;
}

void key_store_release(struct key_store *s, uint32_t number)
{
    struct key_set *set = find_set(s, number);
    if (set == NULL)
        return;
    size_t at = (size_t)(set - s->sets);
    s->n_keys -= set->n - set->n_dropped;
    clear_set(set);
    s->n--;
    memmove(set, set + 1, (s->n - at) * sizeof(*set));
}

bool key_store_is_ca(const struct key_store *s, const uint8_t id[TLS_KEY_ID])
{
    for (size_t i = 0; i < s->n_cas; i++)
        if (memcmp(s->cas[i], id, TLS_KEY_ID) == 0)
            return true;
    return false;
}

int key_store_note_ca(struct key_store *s, const uint8_t id[TLS_KEY_ID])
{
    if (key_store_is_ca(s, id))
        return 0;
    uint8_t(*more)[TLS_KEY_ID] = s->n_cas < KEY_STORE_SETS ? realloc(s->cas, (s->n_cas + 1) * sizeof(*more)) : NULL;
    if (more == NULL)
        return -1;
    s->cas = more;
    memcpy(s->cas[s->n_cas++], id, TLS_KEY_ID);
    return 0;
}
