/* SPDX-License-Identifier: Apache-2.0 */
/* Whether one name lies within one subtree of a name constraint (RFC 5280 4.2.1.10). The tag of a GeneralName says what kind both are. */
#ifndef MTLSD_TLS_SUBTREE_H
#define MTLSD_TLS_SUBTREE_H

#include "tls_der.h"

enum {
    TLS_NAME_TAG_OTHER = DER_CONTEXT_CONSTRUCTED + 0,
    TLS_NAME_TAG_EMAIL = DER_CONTEXT + 1,
    TLS_NAME_TAG_DNS = DER_CONTEXT + 2,
    TLS_NAME_TAG_X400 = DER_CONTEXT_CONSTRUCTED + 3,
    TLS_NAME_TAG_DIRECTORY = DER_CONTEXT_CONSTRUCTED + 4,
    TLS_NAME_TAG_EDI = DER_CONTEXT_CONSTRUCTED + 5,
    TLS_NAME_TAG_URI = DER_CONTEXT + 6,
    TLS_NAME_TAG_IP = DER_CONTEXT + 7,
    TLS_NAME_TAG_REGISTERED = DER_CONTEXT + 8,
};

/* The base of a subtree is well-formed and of a kind that exists. */
bool tls_subtree_is_sound(const struct tls_der *base);

/* Whether the subtree says something about a name of this kind and value. */
bool tls_subtree_concerns(const struct tls_der *base, uint8_t tag, struct span name);

/* For a permitted subtree: certainly within. A kind whose subtrees are not understood here is within none. */
bool tls_subtree_holds(const struct tls_der *base, struct span name);
/* For an excluded one: not certainly outside. */
bool tls_subtree_may_hold(const struct tls_der *base, struct span name);

#endif
