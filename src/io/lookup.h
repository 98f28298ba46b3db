/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host name lookups on separate threads, for one loop. libuv's four threads run only two lookups at once, and nothing can
 * stop them. Two names with silent servers would keep every other name of the process waiting (security D8). A lookup
 * that is no longer needed ends by itself.
 */
#ifndef MTLSD_IO_LOOKUP_H
#define MTLSD_IO_LOOKUP_H

#include "mtlsd/base/attr.h"

#include <netdb.h>
#include <uv.h>

/* Blocks. 0 and a list for freeaddrinfo, or a number for gai_strerror. Called on any thread. */
typedef int (*lookup_fn)(const char *host, struct addrinfo **found);
int lookup_system(const char *host, struct addrinfo **found);

struct lookup_box; /* where the results for one loop arrive */

/* Called on the loop. tag: as given. found: NULL when error is not 0; borrowed. */
typedef void (*lookup_done_fn)(void *ctx, void *tag, int error, const struct addrinfo *found);

struct lookup_box *lookup_box_open(uv_loop_t *loop, lookup_done_fn on_done, void *ctx); /* NULL: out of memory */
/* on_done is not called any more. Frees the box when its handle is closed and its last look-up has ended. */
void lookup_box_close(struct lookup_box *box);

/* 0, or an error number of libuv: there is no look-up then. */
MUST_CHECK int lookup_begin(struct lookup_box *box, lookup_fn look_up, const char *host, void *tag);

#endif
