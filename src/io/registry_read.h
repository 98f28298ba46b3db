/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the rows of a registry from a database into an index: all of them, or those that changed since. On the thread of a reader. */
#ifndef MTLSD_IO_REGISTRY_READ_H
#define MTLSD_IO_REGISTRY_READ_H

#include "mtlsd/io/database.h"
#include "mtlsd/tls/tls_registry.h"

struct registry_read {
    struct tls_registry *registry;
    const struct tls_registry_index *current; /* what the registry has, put there by this reader; NULL: nothing yet */
    int64_t version; /* of the newest change in current */
    bool changed, withdrawn; /* what the last read did: other rows; rows that were there before are others or gone */
    unsigned told; /* bad rows in this read that were logged */
    size_t nameless;
};

/* Connects, checks the schema and, of PostgreSQL, asks for notices. NULL + err. */
struct database *registry_read_open(const struct database_how *how, struct err *err);
/* Puts the rows as they are now into the registry. whole: all rows, whatever is there. -1 + err: the registry is as it was, and the connection must be
 * closed. */
MUST_CHECK int registry_read(struct registry_read *r, struct database *db, bool whole, struct err *err);

#endif
