/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CA that issues certificates for the hosts of a forward proxy's routes, so that programs can speak https to it. The CA must be constrained to
 * exactly these hosts: it is refused if its theft could be of use for any other. It lives in the process that holds keys. That process is asked for the
 * certificate of a host and makes it itself: no request can ask for another name, for other dates, for another purpose, or for a CA.
 */
#ifndef MTLSD_TLS_TLS_ISSUER_H
#define MTLSD_TLS_TLS_ISSUER_H

#include "mtlsd/tls/tls_signing_key.h"

struct tls_issuer_source { /* borrowed */
    const char *identity;             /* for messages */
    struct tls_file certificate, key; /* PEM */
    struct span hosts;                /* of the routes, lower case, exact or "*.suffix", one a line; addresses are skipped */
};

/* The key of all its certificates, which is made now and is in memory only; tls_signing_key_issue gives the certificates. ca_id: the key of the CA, as
 * in tls_signing_key_facts. NULL + err: the CA is no CA, allows a CA below it, has expired, does not match its key, has no critical name constraints, or
 * permits another name than these hosts, an address, or not all of the hosts. */
struct tls_signing_key *tls_issuer_read(const struct tls_issuer_source *source, struct tls_key_memory *memory, int64_t now, uint8_t ca_id[TLS_KEY_ID],
                                        struct err *err);

#endif
