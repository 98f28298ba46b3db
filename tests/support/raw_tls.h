/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that is GnuTLS itself and not our engine: with tickets, renegotiation, key updates and other things that ours never does. */
#ifndef MTLSD_TEST_RAW_TLS_H
#define MTLSD_TEST_RAW_TLS_H

#include "wire.h"

#include <gnutls/gnutls.h>

struct raw_tls {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    struct bytes in, out; /* the wire */
    struct bytes got;     /* what the peer said */
    bool server, done, ended;
    bool renegotiates;    /* shakes hands again when the client begins it */
    int failure;          /* the first fatal code; 0: none */
    const char *eager;    /* said the moment the handshake is done */
};

/* flags: GNUTLS_... for gnutls_init. ticket_key: NULL: no tickets. The other end's certificate is asked for and not judged. */
void raw_tls_server(struct raw_tls *r, const struct wire_pki *pki, const char *priority, const gnutls_datum_t *ticket_key);
/* The same with flags, and without a request for a certificate in the first handshake. */
void raw_tls_later(struct raw_tls *r, const struct wire_pki *pki, const char *priority, unsigned flags);
void raw_tls_another_certificate(struct raw_tls *r, const struct wire_pki *pki); /* for the handshakes to come */
void raw_tls_client(struct raw_tls *r, const struct wire_pki *pki, const char *priority, unsigned flags);
/* Only the session, for credentials that the caller fills. */
void raw_tls_start(struct raw_tls *r, unsigned flags, const char *priority);
void raw_tls_clear(struct raw_tls *r);
void raw_tls_pump(struct raw_tls *r); /* handshake, then read what is there */
void raw_tls_say(struct raw_tls *r, const char *text);

/* Moves bytes between a test end of a wire and the peer. */
void raw_tls_at_backend(struct raw_tls *r, struct wire_socket *s);
void raw_tls_at_app(struct raw_tls *r, struct wire_socket *s);

#endif
