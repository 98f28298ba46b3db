/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_registry.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A shard of so many rows is copied for a change; above SHARD_SPLIT_ROWS on average there are more shards. */
enum { SHARD_ROWS = 256, SHARD_SPLIT_ROWS = 1024, SHARDS_MAX = 1 << 16, SHARD_MIN_SLOTS = 4 };

struct shard {
    atomic_uint refs;
    uint32_t rows, slots;
    struct tls_registry_row row[]; /* free where state is TLS_REGISTRY_ABSENT */
};

struct tls_registry_index {
    struct shard **shards; /* NULL: an empty one */
    size_t n_shards;
    size_t shard_rows; /* room in a new shard */
    size_t by_state[TLS_REGISTRY_STATES], by_key;
};

/* SHA-256 is evenly distributed already. Different bytes choose shard and slot. */
static uint32_t word_of(const uint8_t *id, size_t at)
{
    uint32_t word;
    memcpy(&word, id + at, sizeof(word));
    return word;
}

static size_t scale(uint32_t word, size_t n)
{
    return (size_t)((uint64_t)word * n >> 32);
}

static size_t shard_bytes(size_t slots)
{
    return sizeof(struct shard) + slots * sizeof(struct tls_registry_row);
}

static struct shard *shard_new(size_t slots)
{
    struct shard *s = calloc(1, shard_bytes(slots));
    if (s == NULL)
        return NULL;
    atomic_init(&s->refs, 1);
    s->slots = (uint32_t)slots;
    return s;
}

static void shard_unref(struct shard *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < s->slots; i++)
        tls_registry_text_unref(s->row[i].text);
    free(s);
}

/* The place of this id: its row, or the free one where it would stand. There is always a free one. */
static struct tls_registry_row *place_of(struct shard *s, const uint8_t *id)
{
    size_t i = scale(word_of(id, 4), s->slots);
    while (s->row[i].state != TLS_REGISTRY_ABSENT && memcmp(s->row[i].id, id, TLS_REGISTRY_ID_BYTES) != 0)
        i = i + 1 < s->slots ? i + 1 : 0;
    return &s->row[i];
}

static void put_row(struct shard *s, const struct tls_registry_row *row)
{
    struct tls_registry_row *place = place_of(s, row->id);
    s->rows += place->state == TLS_REGISTRY_ABSENT;
    *place = *row;
}

/* At most three quarters of the slots are taken. */
static size_t slots_for(size_t rows)
{
    size_t slots = rows + rows / 3 + 1;
    return slots > SHARD_MIN_SLOTS ? slots : SHARD_MIN_SLOTS;
}

/* A copy with other texts counted too, but for the row of one id. */
static struct shard *shard_copy(const struct shard *from, size_t slots, const uint8_t *without)
{
    struct shard *to = shard_new(slots);
    for (size_t i = 0; to != NULL && from != NULL && i < from->slots; i++) {
        const struct tls_registry_row *row = &from->row[i];
        if (row->state == TLS_REGISTRY_ABSENT || (without != NULL && memcmp(row->id, without, TLS_REGISTRY_ID_BYTES) == 0))
            continue;
        put_row(to, row);
        tls_registry_text_ref(row->text);
    }
    return to;
}

static struct shard **shard_of(const struct tls_registry_index *index, const uint8_t *id)
{
    return &index->shards[scale(word_of(id, 0), index->n_shards)];
}

static size_t shards_for(size_t rows)
{
    size_t n = 1;
    while (n < SHARDS_MAX && n * SHARD_ROWS < rows)
        n *= 2;
    return n;
}

struct tls_registry_index *tls_registry_index_new(size_t expected)
{
    struct tls_registry_index *index = calloc(1, sizeof(*index));
    if (index == NULL)
        return NULL;
    index->n_shards = shards_for(expected);
    index->shard_rows = expected / index->n_shards / 8 * 9;
    index->shards = calloc(index->n_shards, sizeof(struct shard *));
    if (index->shards != NULL)
        return index;
    free(index);
    return NULL;
}

struct tls_registry_index *tls_registry_index_copy(const struct tls_registry_index *from)
{
    struct tls_registry_index *index = tls_registry_index_new(0);
    struct shard **shards = calloc(from->n_shards, sizeof(struct shard *));
    if (index == NULL || shards == NULL) {
        free(shards);
        tls_registry_index_free(index);
        return NULL;
    }
    free(index->shards);
    *index = *from;
    index->shards = shards;
    for (size_t i = 0; i < from->n_shards; i++) {
        shards[i] = from->shards[i];
        if (shards[i] != NULL)
            atomic_fetch_add_explicit(&shards[i]->refs, 1, memory_order_relaxed);
    }
    return index;
}

void tls_registry_index_free(struct tls_registry_index *index)
{
    if (index == NULL)
        return;
    for (size_t i = 0; i < index->n_shards; i++)
        shard_unref(index->shards[i]);
    free(index->shards);
    free(index);
}

static bool is_shared(struct shard *s)
{
    return atomic_load_explicit(&s->refs, memory_order_acquire) > 1;
}

/* The slots of a copy with room for one more row. One that is our own already grows by a quarter: many rows come. */
static size_t slots_of_copy(const struct tls_registry_index *index, struct shard *s)
{
    if (s == NULL)
        return slots_for(index->shard_rows + 1);
    size_t slots = slots_for(s->rows + 1);
    if (slots <= s->slots)
        return s->slots;
    return is_shared(s) ? slots : slots_for(s->rows + s->rows / 4 + 1);
}

/* One that is this index's own, with room for one more row; NULL: out of memory. */
static struct shard *own_shard(const struct tls_registry_index *index, struct shard **place)
{
    struct shard *s = *place;
    if (s != NULL && slots_for(s->rows + 1) <= s->slots && !is_shared(s))
        return s;
    struct shard *copy = shard_copy(s, slots_of_copy(index, s), NULL);
    if (copy == NULL)
        return NULL;
    shard_unref(s);
    *place = copy;
    return copy;
}

static void count(struct tls_registry_index *index, const struct tls_registry_row *row, bool more)
{
    size_t one = more ? 1 : (size_t)-1;
    index->by_state[row->state] += one;
    if (row->by_key)
        index->by_key += one;
}

static size_t rows_of(const struct tls_registry_index *index)
{
    size_t rows = 0;
    for (size_t i = TLS_REGISTRY_ACTIVE; i < TLS_REGISTRY_STATES; i++)
        rows += index->by_state[i];
    return rows;
}

/* More and smaller shards, of rows that came one by one. */
static int split(struct tls_registry_index *index)
{
    struct tls_registry_index *wide = tls_registry_index_new(rows_of(index) * 4);
    if (wide == NULL)
        return -1;
    wide->shard_rows = 0;
    for (size_t i = 0; i < index->n_shards; i++) {
        const struct shard *s = index->shards[i];
        for (size_t k = 0; s != NULL && k < s->slots; k++) {
            if (s->row[k].state == TLS_REGISTRY_ABSENT)
                continue;
            tls_registry_text_ref(s->row[k].text);
            if (tls_registry_index_put(wide, &s->row[k]) == 0)
                continue;
            tls_registry_text_unref(s->row[k].text);
            tls_registry_index_free(wide);
            return -1;
        }
    }
    struct tls_registry_index old = *index;
    *index = *wide;
    *wide = old;
    tls_registry_index_free(wide);
    return 0;
}

int tls_registry_index_put(struct tls_registry_index *index, const struct tls_registry_row *row)
{
    if (rows_of(index) / index->n_shards > SHARD_SPLIT_ROWS && index->n_shards < SHARDS_MAX && split(index) != 0)
        return -1;
    struct shard *s = own_shard(index, shard_of(index, row->id));
    if (s == NULL)
        return -1;
    struct tls_registry_row *place = place_of(s, row->id);
    if (place->state != TLS_REGISTRY_ABSENT) {
        count(index, place, false);
        tls_registry_text_unref(place->text);
    }
    put_row(s, row);
    count(index, row, true);
    return 0;
}

int tls_registry_index_remove(struct tls_registry_index *index, const uint8_t *id)
{
    const struct tls_registry_row *row = tls_registry_index_find(index, id);
    if (row == NULL)
        return 0;
    struct shard **place = shard_of(index, id), *copy = shard_copy(*place, slots_for((*place)->rows), id);
    if (copy == NULL)
        return -1;
    count(index, row, false);
    shard_unref(*place);
    *place = copy;
    return 0;
}

const struct tls_registry_row *tls_registry_index_find(const struct tls_registry_index *index, const uint8_t *id)
{
    struct shard *s = *shard_of(index, id);
    const struct tls_registry_row *row = s != NULL ? place_of(s, id) : NULL;
    return row != NULL && row->state != TLS_REGISTRY_ABSENT ? row : NULL;
}

void tls_registry_index_totals(const struct tls_registry_index *index, struct tls_registry_totals *out)
{
    *out = (struct tls_registry_totals){.rows = rows_of(index), .by_key = index->by_key};
    memcpy(out->by_state, index->by_state, sizeof(out->by_state));
    out->bytes = sizeof(*index) + index->n_shards * sizeof(struct shard *);
    for (size_t i = 0; i < index->n_shards; i++)
        out->bytes += index->shards[i] != NULL ? shard_bytes(index->shards[i]->slots) : 0;
}
