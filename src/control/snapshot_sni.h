/* SPDX-License-Identifier: Apache-2.0 */
/* Makes TLS's choice by server name from a listener's identities. */
#ifndef MTLSD_CONTROL_SNAPSHOT_SNI_H
#define MTLSD_CONTROL_SNAPSHOT_SNI_H

#include "snapshot_load.h"

#include "mtlsd/tls/tls_sni.h"

struct snapshot_sni_policy {
    const struct tls_identity *identity;
    struct tls_context *ctx;
};

/* policies: as many as config_tls_policies says, in its order; borrowed. Where no hosts are configured they are the DNS names of the certificate. NULL:
 * findings know why. */
struct tls_sni *snapshot_sni_make(const struct loader *l, const struct config_tls *tls, const struct snapshot_sni_policy *policies);
struct tls_context *snapshot_sni_listener(const struct loader *l, const struct config_tls *tls, struct tls_sni *sni);

#endif
