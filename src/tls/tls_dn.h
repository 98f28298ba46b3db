/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A distinguished name as RFC 4514 text. One text never stands for two names (security A17): a value is written as
 * characters only in string types with a certain meaning, otherwise as '#' with the hex of its whole DER. The library is
 * not used: its text of a TeletexString or UniversalString can also be that of a UTF8String, and it differs between
 * versions.
 */
#ifndef MTLSD_TLS_DN_H
#define MTLSD_TLS_DN_H

#include "tls_der.h"

struct tls_dn_attribute {
    struct span oid; /* content of the OID */
    struct tls_der value;
};
/* Takes one attribute off an RDN, the content of its SET. -1: not well-formed. */
MUST_CHECK int tls_dn_next_attribute(struct span *set, struct tls_dn_attribute *out);

/* Whether the value of an attribute is text, for headers and for rules alike: a UTF8String that is valid, or a PrintableString, IA5String or
 * T61String that is plain ASCII. RFC 5280 section 7.1 takes the same characters in these for the same name. */
bool tls_dn_is_text(const struct tls_der *value);

bool tls_dn_has_controls(struct span text); /* also U+0080 to U+009F, which are two bytes */

/* "2.5.4.3" of the content of an object identifier. -1: it is not well-formed, or too long. */
enum { TLS_DN_OID_BYTES = 256 };
MUST_CHECK int tls_dn_oid_text(struct span oid, char out[TLS_DN_OID_BYTES]);

/* The characters of a value in UTF-8, as most readers take it: T61String is read as Latin-1. Only for constraints, which are checked whatever the
 * string type, and never for a name that is shown or matched. *out borrows from the value or the buffer. false: it is no string, or too long. */
enum { TLS_DN_CHARACTERS = 256 };
bool tls_dn_characters(const struct tls_der *value, uint8_t buffer[TLS_DN_CHARACTERS], struct span *out);

/* Writes what fits, always with a NUL, the last RDN first. Gives the length of the whole text, as snprintf does; 0: the name is empty, has more
 * than 64 RDNs, or is not well-formed. */
size_t tls_dn_text(struct span name, char *out, size_t out_size);

#endif
