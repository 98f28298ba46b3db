/* SPDX-License-Identifier: Apache-2.0 */
/* The application protocols of a context (ALPN, RFC 7301): a connecting engine offers them, an accepting one chooses from the client's. */
#ifndef MTLSD_TLS_TLS_ALPN_H
#define MTLSD_TLS_TLS_ALPN_H

#include "mtlsd/tls/tls_engine.h"

#include <gnutls/gnutls.h>

enum { TLS_ALPN_LIST_SIZE = TLS_ALPN_MAX * (TLS_ALPN_NAME_MAX + 2) };

struct tls_alpn {
    bool accepting;
    enum tls_alpn_need need;
    size_t n;
    char list[TLS_ALPN_LIST_SIZE]; /* "h2, http/1.1" */
    gnutls_datum_t names[];        /* owned, each with a 0 behind it */
};

/* At least one name. NULL + err. */
struct tls_alpn *tls_alpn_new(const struct tls_context_spec *spec, struct err *err);
void tls_alpn_free(struct tls_alpn *alpn);

/* Tells the library: before the ClientHello is sent, or while it is read. A negative error code of the library. alpn may be NULL. */
MUST_CHECK int tls_alpn_offer(const struct tls_alpn *alpn, gnutls_session_t session);
/* Whether two contexts treat every client alike; each may be NULL. */
bool tls_alpn_same(const struct tls_alpn *a, const struct tls_alpn *b);
/* After the handshake: the name that both ends agreed on, borrowed from alpn; NULL: none. False: the peer is refused for it. */
MUST_CHECK bool tls_alpn_agreed(const struct tls_alpn *alpn, gnutls_session_t session, const char **name);

#endif
