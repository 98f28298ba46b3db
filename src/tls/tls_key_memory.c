/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/tls/tls_key_memory.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Holds about 160 ECDSA P-256 keys or three RSA 8192 keys. Small, because some systems allow only 64 KiB of locked memory. */
enum { PIECE_BYTES = 16 * 1024 };

struct piece {
    struct piece *next;
    uint8_t *bytes; /* pages of their own */
    size_t used;
};

struct tls_key_memory {
    atomic_uint refs;
    bool unlocked;        /* at least in part */
    struct piece *pieces; /* newest first; only that one has room */
};

struct tls_key_memory *tls_key_memory_new(void)
{
    struct tls_key_memory *m = calloc(1, sizeof(*m));
    if (m != NULL)
        atomic_init(&m->refs, 1);
    return m;
}

struct tls_key_memory *tls_key_memory_ref(struct tls_key_memory *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
    return m;
}

void tls_key_memory_unref(struct tls_key_memory *m)
{
    if (m == NULL || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (struct piece *p = m->pieces, *next; p != NULL; p = next) {
        next = p->next;
        explicit_bzero(p->bytes, p->used);
        munmap(p->bytes, PIECE_BYTES);
        free(p);
    }
    free(m);
}

static struct piece *add_piece(struct tls_key_memory *m)
{
    struct piece *p = calloc(1, sizeof(*p));
    void *bytes = p != NULL ? mmap(NULL, PIECE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED) {
        free(p);
        return NULL;
    }
    madvise(bytes, PIECE_BYTES, MADV_DONTDUMP); /* main already disables core dumps */
    m->unlocked = mlock(bytes, PIECE_BYTES) != 0 || m->unlocked;
    *p = (struct piece){.next = m->pieces, .bytes = bytes};
    m->pieces = p;
    return p;
}

struct span tls_key_memory_keep(struct tls_key_memory *m, struct span secret)
{
    struct piece *p = m->pieces;
    if (secret.len > PIECE_BYTES || secret.len == 0)
        return (struct span){0};
    if (p == NULL || secret.len > PIECE_BYTES - p->used)
        p = add_piece(m);
    if (p == NULL)
        return (struct span){0};
    uint8_t *place = p->bytes + p->used;
    memcpy(place, secret.ptr, secret.len);
    p->used += secret.len;
    return span_of(place, secret.len);
}

void tls_key_memory_wipe(struct span kept)
{
    if (kept.len > 0)
        explicit_bzero((void *)(uintptr_t)kept.ptr, kept.len);
}

bool tls_key_memory_is_locked(const struct tls_key_memory *m)
{
    return !m->unlocked;
}
