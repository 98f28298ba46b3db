/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's view of a context: shared, and read-only after it was made. */
#ifndef MTLSD_TLS_TLS_CONTEXT_H
#define MTLSD_TLS_TLS_CONTEXT_H

#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/tls/tls_sni.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdatomic.h>

enum { TLS_TICKET_KEY_BYTES = 64 }; /* what gnutls_session_ticket_enable_server takes */

struct tls_context {
    atomic_uint refs;
    uint64_t id; /* unique in the process: what session tickets are filed under */
    bool accepting;
    enum tls_ask ask;
    uint64_t tolerate;
    bool tickets;
    uint8_t ticket_secret[TLS_TICKET_KEY_BYTES]; /* random, with tickets; wiped */
    bool require_client_auth, post_handshake_auth, renegotiation;
    struct tls_identity *identity; /* counted; NULL: none */
    struct tls_identity **others;  /* counted; for servers that name their CAs, and for clients that accept other kinds of keys */
    size_t n_others;
    struct tls_trust *trust;       /* counted; NULL: none */
    char *server_name;             /* NULL when accepting */
    char **expect;                 /* the names a server must have one of */
    size_t n_expect;
    struct tls_sni *sni; /* counted; not NULL: only chooses among other contexts, and has no identity, trust or credentials itself */
    gnutls_certificate_credentials_t credentials; /* connecting: the trust's */
    struct tls_priority *priority;                /* counted */
    struct tls_alpn *alpn;                        /* owned, but with sni its first context's; NULL: none */
};

/* Gives the library the certificate and key that a session presents, whether it connects or accepts. */
gnutls_certificate_retrieve_function3 tls_engine_on_asked;
/* The key that tickets are made and read with now: another one as soon as the trust has other revocation lists. -1: the library gave none. */
MUST_CHECK int tls_context_ticket_key(const struct tls_context *ctx, uint8_t key[TLS_TICKET_KEY_BYTES]);
/* An accepting context that chooses by server name. References sni. NULL + err. */
struct tls_context *tls_context_new_by_name(struct tls_sni *sni, struct err *err);
struct tls_presented { /* what the peer of a session sent; borrowed */
    const struct span *ders;
    size_t n;
    struct span staple; /* a server's OCSP answer, or the one that we fetched about a client; empty: none */
    enum tls_ocsp_mode ocsp; /* of a client */
    bool anew;               /* a verdict from memory is not enough: the path is needed */
    const char *ocsp_fault;  /* why there is no answer about it */
};
/* Verifies it, for this side of the connection. path: as tls_judge_path gives it. */
void tls_context_judge(const struct tls_context *ctx, const struct tls_presented *sent, int64_t now, struct tls_verdict *out, struct tls_path *path);

#endif
