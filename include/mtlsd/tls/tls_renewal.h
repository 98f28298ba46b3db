/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer of a CA to a request for a renewed certificate. The CA's server was verified, and still its answer is checked like that of a stranger: the
 * certificate must be of our new key, for the same subject and names, and later than the one in use. What upstreams think of it is tried later
 * (security E8).
 */
#ifndef MTLSD_TLS_TLS_RENEWAL_H
#define MTLSD_TLS_TLS_RENEWAL_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_identity.h"

enum { TLS_RENEWAL_ANSWER_MAX = 256 * 1024 };

/* The base64 of a PKCS#7 message with certificates alone (RFC 7030 section 4.2.3, RFC 5272 section 4.1), into PEM. */
MUST_CHECK int tls_renewal_read_pkcs7(struct span base64, struct bytes *pem, struct err *err);
/* A request in DER as the body of RFC 7030, base64, or as PEM. */
MUST_CHECK int tls_renewal_write_request(struct span der, bool pem, struct bytes *out, struct err *err);

struct tls_renewal_answer {
    const char *name;  /* of the identity */
    struct span pem;   /* certificates, in any order */
    struct tls_signing_key *key;          /* the new one */
    const struct tls_identity *current;   /* whose intermediates are used where the answer has none */
    int64_t now;
};
/* An identity of the new key and certificate. NULL + err: the answer is refused. */
struct tls_identity *tls_renewal_join(const struct tls_renewal_answer *answer, struct err *err);
/* Its chain as PEM, as it is sent. Initialises *out. */
MUST_CHECK int tls_renewal_write_chain(const struct tls_identity *id, struct bytes *out, struct err *err);

#endif
