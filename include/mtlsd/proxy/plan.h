/* SPDX-License-Identifier: Apache-2.0 */
/* Where connections come from and where they go, ready to use: a listener and an upstream of the configuration with their TLS contexts.
 * Owned by a snapshot; whoever keeps a pointer holds the snapshot. */
#ifndef MTLSD_PROXY_PLAN_H
#define MTLSD_PROXY_PLAN_H

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

#endif
