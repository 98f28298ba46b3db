/* SPDX-License-Identifier: Apache-2.0 */
/* X.509-SVIDs and bundles as the Workload API gives them: DER certificates, one after the other (X509-SVID sections 2 to 5). */
#ifndef MTLSD_TLS_TLS_SVID_H
#define MTLSD_TLS_TLS_SVID_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

struct tls_svid {
    struct span id;    /* what it is said to be */
    struct span chain; /* the leaf first */
    struct span key;   /* DER of PKCS#8; empty: it is not here */
};

struct tls_svid_facts {
    size_t n; /* certificates of the chain */
    int64_t not_before, not_after; /* of the leaf */
};

/* The leaf is no CA, has one URI, which is the id byte for byte, and the key belongs to it; what follows are CAs. -1 + err. */
MUST_CHECK int tls_svid_check(const struct tls_svid *svid, struct tls_svid_facts *out, struct err *err);
/* CA certificates, of which there is at least one; *n gets their number. domain: for messages. -1 + err. */
MUST_CHECK int tls_svid_check_bundle(struct span domain, struct span ca, size_t *n, struct err *err);

/* Append PEM. The room is taken at once, so that a key leaves no copies behind. -1: out of memory. */
MUST_CHECK int tls_svid_text(const struct tls_svid *svid, struct bytes *out);
MUST_CHECK int tls_svid_bundle_text(struct span ca, struct bytes *out);

#endif
