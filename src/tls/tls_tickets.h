/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's side of the ticket store. */
#ifndef MTLSD_TLS_TLS_TICKETS_H
#define MTLSD_TLS_TLS_TICKETS_H

#include "mtlsd/tls/tls_engine.h"

#include "tls_verdict_cache.h"

#include <gnutls/gnutls.h>

/* ours: the identity of the context that was presented. Takes data, which is freed with gnutls_free, also on failure. */
void tls_tickets_put(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t data, uint8_t ours);
/* Removes the newest ticket of a context and gives it to the caller; false when there is none. */
bool tls_tickets_take(struct tls_tickets *t, uint64_t context_id, gnutls_datum_t *out, uint8_t *ours);
struct tls_verdict_cache *tls_tickets_verdicts(struct tls_tickets *t);

#endif
