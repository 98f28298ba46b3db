/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last answer of the SPIFFE Workload API as a value: X.509-SVIDs and the bundles of trust domains. A message is read as a whole or refused as a whole.
 * Bundles of different trust domains are never merged. This opens no socket; io/workload_client.c does.
 *
 * A configuration names parts of it as if they were files (spiffe_is_source), and reading one that the agent does not give fails with ERR_CREDENTIAL:
 *   spiffe:                the first SVID, which the agent calls the default one: its chain and key
 *   spiffe://domain/path   the SVID with that ID
 *   spiffe://domain        the CA certificates of that trust domain
 */
#ifndef MTLSD_CONTROL_WORKLOAD_H
#define MTLSD_CONTROL_WORKLOAD_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#include <stdbool.h>

struct tls_key_memory;

enum {
    WORKLOAD_MESSAGE_MAX = 4 * 1024 * 1024,
    WORKLOAD_SVIDS_MAX = 64,
    WORKLOAD_BUNDLES_MAX = 256,
    WORKLOAD_CHAIN_MAX = 16,  /* certificates of an SVID */
    WORKLOAD_CAS_MAX = 64,    /* of a bundle */
    WORKLOAD_HINT_MAX = 1024, /* as the standard says */
};

struct workload_svid {
    char *id, *hint;    /* owned; hint may be "" */
    struct bytes chain; /* DER certificates, one after the other, the leaf first */
    struct span key;    /* DER of PKCS#8, in the memory of keys; empty: it is in another process */
    int64_t not_before, not_after; /* of the leaf */
};

struct workload_bundle {
    char *domain;    /* owned */
    struct bytes ca; /* DER certificates, one after the other; never empty */
    size_t n;
};

struct workload_set {
    struct workload_svid *svids;
    size_t n_svids;
    struct workload_bundle *bundles;
    size_t n_bundles;
    struct tls_key_memory *memory; /* counted; NULL: there are no keys */
};

/* Two methods of the Workload API. The second has bundles alone, for those who present nothing. */
enum workload_method { WORKLOAD_X509_SVID, WORKLOAD_X509_BUNDLES };

/* Reads a message of that method. The ID of each SVID is well-formed, its leaf is no CA and names it in the one URI, its key belongs to the leaf. Each
 * certificate of a bundle is a CA. With memory NULL keys must not be there, and the set has none. -1 + err; then *out is empty. */
MUST_CHECK int workload_set_read(struct workload_set *out, enum workload_method method, struct span message, struct tls_key_memory *memory, struct err *err);
void workload_set_clear(struct workload_set *set); /* wipes keys */

/* By the name of a source, as above. NULL: it is not there. */
const struct workload_svid *workload_set_svid(const struct workload_set *set, const char *source);
const struct workload_bundle *workload_set_bundle(const struct workload_set *set, const char *source);
/* As PEM: an SVID with its key, if it has one, or a bundle. What is in *out must be wiped. -1 + err: it is not there (ERR_CREDENTIAL), or out of memory. */
MUST_CHECK int workload_set_text(const struct workload_set *set, const char *source, struct bytes *out, struct err *err);
/* The same SVIDs with the same certificates, and the same bundles. */
bool workload_set_equals(const struct workload_set *a, const struct workload_set *b);

enum workload_state {
    WORKLOAD_WAITING, /* for the first message */
    WORKLOAD_CURRENT, /* the stream is open, and the set is what came last */
    WORKLOAD_DENIED,  /* the agent has no identity for this process: what it gave before is withdrawn */
    WORKLOAD_LOST,    /* the stream has ended or gave something that was refused; the set is what came last */
};

/* For people and for other processes: without keys. */
struct workload_view {
    enum workload_state state;
    uint64_t generation; /* of the set: how many differed from the one before */
    uint64_t messages, refused, connects;
    int64_t since;       /* the state has been so; seconds since 1970 */
    int64_t received;    /* when the last message was accepted; 0: none was */
    char socket[256];    /* its path */
    char error[640];     /* in words; "": none since the last message that was accepted */
    struct workload_set set;
};

void workload_view_clear(struct workload_view *view);
/* From one process to the other. */
MUST_CHECK int workload_view_pack(const struct workload_view *view, struct bytes *out);
MUST_CHECK int workload_view_unpack(struct workload_view *out, struct span packed);
const char *workload_state_word(enum workload_state state); /* for status documents: "current" */

#endif
