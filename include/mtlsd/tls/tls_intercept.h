/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepting contexts for the hosts of a forward proxy's routes, so that programs can speak https to it. Their certificates come from tls_issuer.h,
 * in another process as a rule; here they are kept while they are fresh.
 */
#ifndef MTLSD_TLS_TLS_INTERCEPT_H
#define MTLSD_TLS_TLS_INTERCEPT_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_engine.h"

struct tls_intercept;
struct tls_signing_key;

/* Takes a reference to the key that tls_issuer_read gave for the same hosts and this certificate of the CA, as PEM. NULL: out of memory. */
struct tls_intercept *tls_intercept_new(struct tls_signing_key *key, struct span hosts, struct span ca);
void tls_intercept_free(struct tls_intercept *t);

struct tls_intercept_facts { /* borrowed */
    const char *ca; /* its subject */
    int64_t not_before, not_after;
    const char *const *hosts; /* that it issues for */
    size_t n_hosts;
};
void tls_intercept_facts(const struct tls_intercept *t, struct tls_intercept_facts *out);

/* Whether its CA may issue for this host. */
bool tls_intercept_permits(const struct tls_intercept *t, struct span host);
/* A reference to an accepting context that presents a certificate for this host, to a client that asks for this server name alone. It is issued now, or
 * was within the last hours. From any thread. NULL + err. */
struct tls_context *tls_intercept_context(struct tls_intercept *t, struct span host, int64_t now, struct err *err);

#endif
