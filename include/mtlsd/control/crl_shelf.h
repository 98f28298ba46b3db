/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that were fetched and found good: the last one of each address and trust, kept over reloads. Safe from any thread. */
#ifndef MTLSD_CONTROL_CRL_SHELF_H
#define MTLSD_CONTROL_CRL_SHELF_H

#include "mtlsd/base/bytes.h"
#include <stdbool.h>

struct crl_shelf;

struct crl_shelf *crl_shelf_new(void); /* NULL: out of memory */
void crl_shelf_free(struct crl_shelf *shelf);

/* Copies the list in the place of the one before it. -1: out of memory, and that one stays. */
MUST_CHECK int crl_shelf_put(struct crl_shelf *shelf, const char *trust, const char *url, struct span list);
typedef bool (*crl_shelf_wanted_fn)(void *ctx, const char *trust, const char *url);
/* Removes lists that are no longer wanted. wanted must not call these functions. */
void crl_shelf_keep(struct crl_shelf *shelf, crl_shelf_wanted_fn wanted, void *ctx);
/* Copies the list into *list, which is initialised; without one, or with shelf NULL, it is empty. -1: out of memory. */
MUST_CHECK int crl_shelf_get(struct crl_shelf *shelf, const char *trust, const char *url, struct bytes *list);

#endif
