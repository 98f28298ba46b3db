/* SPDX-License-Identifier: Apache-2.0 */
/* Fetched revocation lists of a snapshot: their addresses, and the use of an arrived list. Nothing is fetched here. */
#ifndef MTLSD_CONTROL_SNAPSHOT_FETCH_H
#define MTLSD_CONTROL_SNAPSHOT_FETCH_H

#include "mtlsd/control/snapshot.h"

struct snapshot_fetch_list {
    const char *url;
    struct span text;
    int64_t now;
};
/* Offers a list to every trust that fetches from this address; what is taken goes into the cache. Gives how many have other lists now; -1: none
 * wanted it. err: why the first that refused it did, also when others took it. *ends: when it ends. From any thread, but one at a time and not beside
 * snapshot_refresh_crls. */
MUST_CHECK int snapshot_fetch_take(struct snapshot *s, const struct file_source *files, const struct snapshot_fetch_list *list, int64_t *ends,
                                   struct err *err);

/* Takes from the cache what this snapshot does not fetch. Not while another one is loaded. */
void snapshot_fetch_tidy(const struct snapshot *s, struct crl_cache *cache);

enum { SNAPSHOT_FETCH_PATH = 4096 };
/* The file in the cache's folder of a list; false: none is kept. */
bool snapshot_fetch_cache_path(const struct snapshot *s, const char *url, char *path);

#endif
