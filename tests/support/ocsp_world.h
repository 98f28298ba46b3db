/* SPDX-License-Identifier: Apache-2.0 */
/* A trust that asks OCSP responders, and the responder, in memory. */
#ifndef MTLSD_TEST_OCSP_WORLD_H
#define MTLSD_TEST_OCSP_WORLD_H

#include "mtlsd/tls/tls_ocsp_store.h"
#include "ocsp_maker.h"
#include "wire_pki.h"

/* Asks http://r.test/ about certificates of this CA; its store is listened to. */
struct tls_trust *ocsp_world_trust(const struct tls_pki_pair *ca, enum tls_ocsp_mode mode, struct tls_ocsp_store **store);
/* Takes a question and answers it at this time, for an hour. */
enum tls_ocsp_news ocsp_world_answer(struct tls_ocsp_store *store, const struct tls_pki_pair *ca, enum ocsp_status status, int64_t now);
enum tls_ocsp_news ocsp_world_fail(struct tls_ocsp_store *store, int64_t now); /* takes a question, and there is no answer */

#endif
