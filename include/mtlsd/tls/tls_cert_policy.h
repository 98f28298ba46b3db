/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificate policies (RFC 5280 4.2.1.4): whether a peer's certificate was issued under one, as its whole verified path says (RFC 5280 6.1). The leaf
 * must name the policy itself, and every CA of the path must name it too, or anyPolicy where that still counts. The path ends below the root, whose own
 * policies do not matter. It is stricter than the RFC: a leaf with anyPolicy has no policy, and a policy that a CA of the path maps does not count.
 */
#ifndef MTLSD_TLS_TLS_CERT_POLICY_H
#define MTLSD_TLS_TLS_CERT_POLICY_H

#include "mtlsd/tls/tls_peer.h"

enum tls_cert_policy {
    TLS_CERT_POLICY_ABSENT,
    TLS_CERT_POLICY_UNPROVEN, /* the leaf claims it, or all, or its policies cannot be read; the path does not confirm it */
    TLS_CERT_POLICY_VALID,
};
/* oid: "1.3.6.1.4.1.99999.1". Only a peer that was judged valid has a path, and so a policy. */
enum tls_cert_policy tls_cert_policy_find(const struct tls_peer *peer, const char *oid);

#endif
