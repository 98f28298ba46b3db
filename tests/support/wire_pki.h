/* SPDX-License-Identifier: Apache-2.0 */
/* Identities, trusts and contexts for the two ends of a wire, good and bad, made once per test program. */
#ifndef MTLSD_TEST_WIRE_PKI_H
#define MTLSD_TEST_WIRE_PKI_H

#include "mtlsd/tls/tls_engine.h"
#include "mtlsd/tls/tls_pki.h"
#include "mtlsd/tls/tls_sni.h"

enum { WIRE_NOW = 1800000000, WIRE_DAY = 86400 };
enum { WIRE_PRIORITY_ANY, WIRE_PRIORITY_12, WIRE_PRIORITY_13 };
enum { WIRE_CLIENT_SERIAL = 71, WIRE_SERVER_SERIAL = 72 };
#define WIRE_NAME "upstream.example"
#define WIRE_ANY_GNUTLS_12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"

struct wire_pki {
    struct tls_pki_pair clients_ca, servers_ca, other_ca;
};
void wire_pki_make(struct wire_pki *p);
void wire_pki_clear(struct wire_pki *p);

struct wire_side { /* one TLS end; the zero value is the good case */
    const struct tls_pki_pair *issuer;     /* of our certificate; NULL: the right one */
    const struct tls_pki_pair *trusts;     /* NULL: the right one */
    enum tls_pki_bad bad;
    const char *name;                      /* SAN of a server; name to expect of a client; NULL: WIRE_NAME */
    const char *cn;                        /* NULL: "client" or "server" */
    bool no_certificate;                   /* connecting */
    bool does_not_insist;                  /* connecting: a server that never asks will do */
    bool revokes_peer;                     /* with a CRL that has the peer's serial */
    enum { WIRE_CRL_GOOD, WIRE_CRL_MISSING, WIRE_CRL_STALE } crl; /* not good: required all the same */
    uint64_t tolerate;                     /* accepting */
    bool tickets;                          /* accepting */
    struct tls_trust *trust;               /* instead of a new one; borrowed */
    enum tls_ask ask;                      /* accepting; with asks_given */
    bool asks_given;
    int priority;                          /* WIRE_PRIORITY_... */
    const char *alpn[9];                   /* up to the first NULL */
    enum tls_alpn_need alpn_need;
    bool asked_later;                      /* connecting: the server may request the certificate after the handshake */
    const char *string;                    /* a priority string instead, as a configuration gives one */
};
/* A listener with policies by server name; takes the contexts. otherwise may be NULL. */
struct tls_context *wire_pki_by_name(const char *const *names, struct tls_context *const *contexts, size_t n, struct tls_context *otherwise);
struct tls_context *wire_pki_connecting(const struct wire_pki *p, const struct wire_side *side);
struct tls_context *wire_pki_accepting(const struct wire_pki *p, const struct wire_side *side);

#endif
