/* SPDX-License-Identifier: Apache-2.0 */
/* Parses one CertificateList (RFC 5280 5.1). Borrows the DER. Lists that cannot be honoured in full are refused here. */
#ifndef MTLSD_TLS_CRL_PARSE_H
#define MTLSD_TLS_CRL_PARSE_H

#include "mtlsd/base/err.h"
#include "tls_internal.h"

enum { TLS_CRL_NUMBER_BYTES = 20 };

struct tls_crl_parsed {
    struct span der;
    struct span tbs;       /* what is signed */
    struct span algorithm; /* content of the AlgorithmIdentifier */
    struct span signature;
    struct span issuer;  /* whole Name */
    struct span entries; /* content of revokedCertificates */
    int64_t this_update, next_update;
    struct span number; /* content of cRLNumber without leading zeros; empty: it has none */
};

/* place names file and line in messages. Entries are checked too. */
MUST_CHECK int tls_crl_parse(struct span der, const char *place, struct tls_crl_parsed *out, struct err *err);

/* Takes one entry off *rest: the content of its serial, without leading zeros. -1: not well-formed. */
MUST_CHECK int tls_crl_next_entry(struct span *rest, struct span *serial);

#endif
