/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that were fetched and found good: the last one of each address and trust, kept over reloads. Safe from any thread. */
#ifndef MTLSD_CONTROL_CRL_CACHE_H
#define MTLSD_CONTROL_CRL_CACHE_H

#include "mtlsd/base/bytes.h"
#include <stdbool.h>

struct crl_cache;

struct crl_cache *crl_cache_new(void); /* NULL: out of memory */
void crl_cache_free(struct crl_cache *cache);

/* Copies the list in the place of the one before it. -1: out of memory, and that one stays. */
MUST_CHECK int crl_cache_put(struct crl_cache *cache, const char *trust, const char *url, struct span list);
typedef bool (*crl_cache_wanted_fn)(void *ctx, const char *trust, const char *url);
/* Removes lists that are no longer wanted. wanted must not call these functions. */
void crl_cache_keep(struct crl_cache *cache, crl_cache_wanted_fn wanted, void *ctx);
/* Copies the list into *list, which is initialised; without one, or with cache NULL, it is empty. -1: out of memory. */
MUST_CHECK int crl_cache_get(struct crl_cache *cache, const char *trust, const char *url, struct bytes *list);

#endif
