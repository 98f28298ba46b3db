/* SPDX-License-Identifier: Apache-2.0 */
/* Where connections come from and where they go, ready to use: a listener and an upstream of the configuration with their TLS contexts.
 * Owned by a snapshot; whoever keeps a pointer holds the snapshot. */
#ifndef MTLSD_PROXY_PLAN_H
#define MTLSD_PROXY_PLAN_H

#include "mtlsd/base/span.h"
#include "mtlsd/config/config.h"
#include "mtlsd/tls/tls_engine.h"

struct plan_upstream {
    const struct config_upstream *conf;
    struct tls_context *tls; /* NULL: plaintext */
    const struct tls_identity *identity;
    size_t index;
};

struct plan_listener {
    const struct config_listener *conf;
    struct tls_context *tls; /* NULL: plaintext */
    const struct plan_upstream *upstream;
};

/* What Host says to this upstream when it is not the client's: the configured literal, else the name that SNI asks for, with the port unless
 * it is the usual one (RFC 9110 section 7.2). Written into out, or empty when it does not fit. */
struct span plan_host_field(const struct plan_upstream *up, char *out, size_t size);

#endif
