/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounds an exchange of libcurl with a server that is not trusted: plain http only, no redirects, no proxy, no decompression, a limit of size, and
 * no address that the caller did not mean (security F3).
 */
#ifndef MTLSD_IO_FETCH_GUARD_H
#define MTLSD_IO_FETCH_GUARD_H

#include "mtlsd/base/bytes.h"
#include <curl/curl.h>
#include <stdbool.h>

struct fetch_guard {
    bool (*forbids)(const char *kind); /* an address of this kind (policy/special_address.h); NULL: all are meant */
    const char *refused; /* the kind of address that was not connected to; NULL */
    bool opened;         /* another one was */
    const char *odd;     /* what is wrong with the head; NULL */
    size_t head_bytes;
    bool too_large;
    struct bytes body; /* its maximum is what may come */
};

/* Once, before there are threads that use libcurl; on the main thread. Again costs nothing. false: it cannot be used. */
bool fetch_guard_begin(void);
/* Of a handle that is new: the callbacks, and everything that does not depend on the caller. Borrows guard. */
CURLcode fetch_guard_set(CURL *curl, struct fetch_guard *guard);
/* Why it came to nothing. */
void fetch_guard_tell(const struct fetch_guard *guard, CURLcode code, const char *key, char *out, size_t out_size);

#endif
