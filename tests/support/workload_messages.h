/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of the SPIFFE Workload API by hand, as an agent writes them on the wire, and wrong ones. */
#ifndef MTLSD_TEST_WORKLOAD_MESSAGES_H
#define MTLSD_TEST_WORKLOAD_MESSAGES_H

#include "certs.h"

#include "mtlsd/base/bytes.h"

enum { WORKLOAD_SVIDS = 1, WORKLOAD_FEDERATED = 3, WORKLOAD_BUNDLES = 2 }; /* numbers of fields in the two responses */

struct workload_parts { /* of one SVID */
    struct span id, chain, key, bundle, hint;
};

/* One field of bytes. */
void workload_put(struct bytes *out, unsigned number, struct span body);
void workload_put_svid(struct bytes *out, const struct workload_parts *parts);
void workload_put_bundle(struct bytes *out, unsigned number, const char *domain, struct span ca);

/* DER of PKCS#8; to be freed with certs_free. */
struct span workload_key(const struct certs *c);

struct workload_world { /* a trust domain a.example with /one and /two below an intermediate, and the CA of b.example */
    struct certs root, middle, one, two, other;
    struct span one_chain, one_key, two_key; /* owned */
};
void workload_world_make(struct workload_world *w);
void workload_world_clear(struct workload_world *w);
/* The message that an agent gives for /one, with both bundles. */
void workload_world_message(const struct workload_world *w, struct bytes *out);

#endif
