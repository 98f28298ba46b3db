/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A field that the requests of a listener must carry, with a secret value. Only the digest of the value is kept, so neither memory nor a dump has it.
 * Two digests are compared in constant time: how long that takes says nothing about the value or its length.
 */
#ifndef MTLSD_POLICY_REQUIRED_HEADER_H
#define MTLSD_POLICY_REQUIRED_HEADER_H

#include "mtlsd/base/err.h"
#include "mtlsd/base/reasons.h"
#include "mtlsd/base/span.h"
#include "mtlsd/tls/tls_digest.h"

struct http_head;

enum { REQUIRED_HEADER_LEAST = 16, REQUIRED_HEADER_MOST = 4096 }; /* bytes of a value */

struct required_header {
    const char *name; /* borrowed */
    uint8_t digest[TLS_DIGEST_SHA256_SIZE];
};

/* Takes the value out of the text of a file, whose last line may end in a newline. -1 with what is wrong, which never shows the value. */
MUST_CHECK int required_header_read(struct required_header *out, struct span text, struct err *err);
/* REASON_VALID: the field is there once, by exactly this name in any case, and has the value. Else REASON_HEADER_REQUIRED. */
enum reason required_header_judge(const struct required_header *required, const struct http_head *head, struct err *err);

#endif
