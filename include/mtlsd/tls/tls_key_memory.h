/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for private keys: pages that the system does not write to swap or to a core dump (security E4). Wiped before it is freed. Shared by
 * reference count: one for all keys of a configuration. One thread at a time may take memory from it.
 */
#ifndef MTLSD_TLS_TLS_KEY_MEMORY_H
#define MTLSD_TLS_TLS_KEY_MEMORY_H

#include "mtlsd/base/span.h"
#include <stdbool.h>

struct tls_key_memory;

struct tls_key_memory *tls_key_memory_new(void); /* NULL: out of memory */
struct tls_key_memory *tls_key_memory_ref(struct tls_key_memory *m);
void tls_key_memory_unref(struct tls_key_memory *m); /* the last one wipes and frees all of it; NULL is fine */

/* Copies these bytes into it. Empty: out of memory, or more than 16 KiB. Borrowed from the memory. */
struct span tls_key_memory_keep(struct tls_key_memory *m, struct span secret);
/* Wipes such a copy before the memory is freed. */
void tls_key_memory_wipe(struct span kept);
/* False: the system refused to lock a part of it (RLIMIT_MEMLOCK). The keys can be used, but may be written to swap. */
bool tls_key_memory_is_locked(const struct tls_key_memory *m);

#endif
