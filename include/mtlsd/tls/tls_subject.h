/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of a peer's subject that only some rules compare: read from its certificate when asked, so that connections without such rules keep nothing. */
#ifndef MTLSD_TLS_TLS_SUBJECT_H
#define MTLSD_TLS_TLS_SUBJECT_H

#include "mtlsd/tls/tls_peer.h"

enum tls_subject_part { TLS_SUBJECT_C, TLS_SUBJECT_ST, TLS_SUBJECT_L };

struct tls_subject_value {
    size_t n;          /* how often the subject has this part */
    bool odd;          /* one of them is no text: to another reader it may be any */
    struct span value; /* the one value, if n is 1 and it is text; otherwise empty. Borrowed from the peer */
};
struct tls_subject_value tls_subject_find(const struct tls_peer *peer, enum tls_subject_part part);
/* The subject has a value of any kind that is no text, or holds control characters: another reader may take it for another name. */
bool tls_subject_is_odd(const struct tls_peer *peer);

#endif
