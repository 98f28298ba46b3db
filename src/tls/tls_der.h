/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict reader of DER: definite, minimal lengths, one-byte tags, nothing past the end of its parent. It
 * borrows and never allocates. Used where GnuTLS would decode a whole list once per element, or join names
 * into text.
 */
#ifndef MTLSD_TLS_DER_H
#define MTLSD_TLS_DER_H

#include "mtlsd/base/attr.h"
#include "mtlsd/base/span.h"

enum {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_ENUMERATED = 0x0a,
    DER_UTF8_STRING = 0x0c,
    DER_NUMERIC_STRING = 0x12,
    DER_PRINTABLE_STRING = 0x13,
    DER_T61_STRING = 0x14,
    DER_IA5_STRING = 0x16,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_VISIBLE_STRING = 0x1a,
    DER_UNIVERSAL_STRING = 0x1c,
    DER_BMP_STRING = 0x1e,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
    DER_CONTEXT = 0x80,             /* + number: implicit, primitive */
    DER_CONTEXT_CONSTRUCTED = 0xa0, /* + number */
};

struct tls_der {
    uint8_t tag;
    struct span value; /* the content */
    struct span whole; /* tag, length and content */
};

/* Takes one element off *rest. -1: the bytes are not DER, or nothing is left. */
MUST_CHECK int tls_der_next(struct span *rest, struct tls_der *out);
/* The same, and the tag must be this one. */
MUST_CHECK int tls_der_expect(struct span *rest, uint8_t tag, struct tls_der *out);
/* Whether the next element has this tag; does not move. */
bool tls_der_peek(struct span rest, uint8_t tag);
/* Seconds since 1970 of a UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them (seconds present, Z, no
 * fraction). */
MUST_CHECK int tls_der_time(const struct tls_der *element, int64_t *seconds);

#endif
