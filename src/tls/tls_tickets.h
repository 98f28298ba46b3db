/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's side of the ticket store. */
#ifndef MTLSD_TLS_TLS_TICKETS_H
#define MTLSD_TLS_TLS_TICKETS_H

#include "mtlsd/tls/tls_engine.h"

#include "tls_verdict_cache.h"

#include <gnutls/gnutls.h>

/* The identity of a context that its session stands for. A server that requested none may request one later. */
struct tls_ours {
    uint8_t which;
    bool presented;
};

/* Takes data, which is freed with gnutls_free, also on failure. */
void tls_tickets_put(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t data, struct tls_ours ours);
/* Removes the newest ticket of a context and gives it to the caller; false when there is none. */
bool tls_tickets_take(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t *out, struct tls_ours *ours);
struct tls_verdict_cache *tls_tickets_verdicts(struct tls_tickets *t);

#endif
