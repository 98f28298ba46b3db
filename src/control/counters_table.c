/* SPDX-License-Identifier: Apache-2.0 */
#include "counters_table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Rows stand in chunks, each twice as large as the one before, so that none ever moves: chunk k holds FIRST << k rows. */
enum { FIRST = 16, CHUNKS = 24, KEY_MAX = 192, SLOTS_MIN = 64 };

struct counters_table {
    size_t row_size, name_size, max;
    size_t n; /* published after the row it counts */
    char *chunks[CHUNKS];
    uint32_t *slots; /* of the owner: 0 empty, else the row's number; open addressing */
    size_t n_slots;  /* a power of two, more than half of them empty */
};

struct key {
    size_t len;
    uint64_t hash;
    char text[KEY_MAX];
};

/* ---- rows ---- */

static char *row_at(const struct counters_table *t, size_t i)
{
    size_t chunk = 0, first = 0;
    while (i >= first + ((size_t)FIRST << chunk))
        first += (size_t)FIRST << chunk++;
    return t->chunks[chunk] + (i - first) * t->row_size;
}

/* NULL: no memory, or full. */
static char *new_row(struct counters_table *t)
{
    size_t chunk = 0, first = 0;
    if (t->n >= t->max)
        return NULL;
    while (t->n >= first + ((size_t)FIRST << chunk))
        first += (size_t)FIRST << chunk++;
    if (chunk == CHUNKS)
        return NULL;
    if (t->chunks[chunk] == NULL)
        t->chunks[chunk] = calloc((size_t)FIRST << chunk, t->row_size);
    return t->chunks[chunk] != NULL ? t->chunks[chunk] + (t->n - first) * t->row_size : NULL;
}

static void publish(struct counters_table *t)
{
    __atomic_store_n(&t->n, t->n + 1, __ATOMIC_RELEASE);
}

struct counters_table *counters_table_new(size_t row_size, size_t name_size, size_t max)
{
    struct counters_table *t = calloc(1, sizeof(*t));
    if (t == NULL)
        return NULL;
    *t = (struct counters_table){.row_size = row_size, .name_size = name_size, .max = max + 1, .n_slots = SLOTS_MIN};
    t->slots = calloc(t->n_slots, sizeof(*t->slots));
    char *other = new_row(t);
    if (t->slots == NULL || other == NULL) {
        counters_table_free(t);
        return NULL;
    }
    memcpy(other, "other", sizeof("other"));
    publish(t);
    return t;
}

void counters_table_free(struct counters_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < CHUNKS; i++)
        free(t->chunks[i]);
    free(t->slots);
    free(t);
}

size_t counters_table_count(const struct counters_table *t)
{
    return __atomic_load_n(&t->n, __ATOMIC_ACQUIRE);
}

void *counters_table_at(const struct counters_table *t, size_t i)
{
    return row_at(t, i);
}

/* ---- names ---- */

static void add_to_key(struct key *key, size_t max, const char *text)
{
    size_t n = strnlen(text, max - key->len);
    memcpy(key->text + key->len, text, n);
    key->len += n;
}

static void make_key(struct key *key, const struct counters_table *t, const char *first, const char *second)
{
    size_t max = t->name_size - 1 < KEY_MAX ? t->name_size - 1 : KEY_MAX;
    key->len = 0;
    add_to_key(key, max, first);
    if (second != NULL) {
        add_to_key(key, max, "/");
        add_to_key(key, max, second);
    }
    key->hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < key->len; i++)
        key->hash = (key->hash ^ (uint8_t)key->text[i]) * UINT64_C(0x100000001b3);
    key->hash ^= key->hash >> 32;
}

static bool has_name(const char *row, const struct key *key)
{
    return memcmp(row, key->text, key->len) == 0 && row[key->len] == '\0';
}

/* The slot of that name, or the empty one where it belongs. */
static uint32_t *slot_of(const struct counters_table *t, const struct key *key)
{
    size_t i = (size_t)key->hash & (t->n_slots - 1);
    while (t->slots[i] != 0 && !has_name(row_at(t, t->slots[i]), key))
        i = (i + 1) & (t->n_slots - 1);
    return &t->slots[i];
}

static bool grow(struct counters_table *t)
{
    uint32_t *old = t->slots;
    t->slots = calloc(t->n_slots * 2, sizeof(*t->slots));
    if (t->slots == NULL) {
        t->slots = old;
        return false;
    }
    t->n_slots *= 2;
    for (size_t i = 1; i < t->n; i++) {
        struct key key;
        make_key(&key, t, row_at(t, i), NULL);
        *slot_of(t, &key) = (uint32_t)i;
    }
    free(old);
    return true;
}

void *counters_table_get(struct counters_table *t, const char *first, const char *second)
{
    struct key key;
    make_key(&key, t, first, second);
    uint32_t *slot = slot_of(t, &key);
    if (*slot != 0)
        return row_at(t, *slot);
    if (t->n * 2 >= t->n_slots) {
        if (!grow(t))
            return row_at(t, 0);
        slot = slot_of(t, &key);
    }
    char *row = new_row(t);
    if (row == NULL)
        return row_at(t, 0);
    memcpy(row, key.text, key.len); /* the rest of the row is zero */
    *slot = (uint32_t)t->n;
    publish(t);
    return row;
}

void *counters_table_find(const struct counters_table *t, const char *first, const char *second)
{
    struct key key;
    make_key(&key, t, first, second);
    const uint32_t *slot = slot_of(t, &key);
    return *slot != 0 ? row_at(t, *slot) : NULL;
}
