/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks OCSP responders over http, on one thread for all questions of a store (tls/tls_ocsp_store.h). No worker waits for it. What a responder sends is
 * not trusted: no redirects, no proxy, no other scheme, limits of time and size, and only the addresses that the question allows (security F2, F3).
 */
#ifndef MTLSD_IO_OCSP_CLIENT_H
#define MTLSD_IO_OCSP_CLIENT_H

#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_ocsp_store.h"

struct ocsp_client;
struct ocsp_client_hooks { /* called on the thread of the client */
    void *ctx;
    void (*on_answers)(void *ctx);                     /* questions ended: clients may wait for them */
    void (*on_revoked)(void *ctx);                     /* the certificate of an open connection */
    void (*on_failure)(void *ctx, const char *fault);  /* a responder gave no answer that counts */
};

/* References the store. On the main thread. NULL + err. */
struct ocsp_client *ocsp_client_start(struct tls_ocsp_store *store, const struct ocsp_client_hooks *hooks, struct err *err);
/* Questions that are open fail. Waits for the thread, which does not block. NULL is fine. */
void ocsp_client_stop(struct ocsp_client *c);

#endif
