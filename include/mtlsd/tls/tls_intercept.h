/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates for the hosts of a forward proxy's routes, issued while it runs by a CA of our own, so that programs can speak https to it. The CA must
 * be constrained to exactly these hosts: it is refused if its theft could be of use for any other. The keys of the certificates are in memory only.
 */
#ifndef MTLSD_TLS_TLS_INTERCEPT_H
#define MTLSD_TLS_TLS_INTERCEPT_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_engine.h"

struct tls_intercept;
struct tls_key_memory;

struct tls_intercept_spec { /* borrowed for the call */
    struct span certificate, key; /* PEM */
    const char *certificate_file, *key_file; /* for messages */
    const char *const *hosts; /* of the routes, lower case, exact or "*.suffix"; addresses are skipped */
    size_t n_hosts;
};

/* NULL + err: the CA is no CA, allows a CA below it, has expired, does not match its key, has no critical name constraints, or permits another name than
 * these hosts, an address, or not all of the hosts. */
struct tls_intercept *tls_intercept_new(const struct tls_intercept_spec *spec, int64_t now, struct err *err);
void tls_intercept_free(struct tls_intercept *t);

/* Whether its CA may issue for this host. */
bool tls_intercept_permits(const struct tls_intercept *t, struct span host);
/* A reference to an accepting context that presents a certificate for this host, to a client that asks for this server name alone. It is issued now, or
 * was within the last hours. From any thread. NULL + err. */
struct tls_context *tls_intercept_context(struct tls_intercept *t, struct span host, int64_t now, struct err *err);

#endif
