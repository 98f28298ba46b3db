/* SPDX-License-Identifier: Apache-2.0 */
/* The demo's throw-away certificates: a CA, issued certificates, and deliberately bad ones. Each is also a file in the folder. */
#ifndef MTLSD_CLI_DEMO_PKI_H
#define MTLSD_CLI_DEMO_PKI_H

#include "mtlsd/tls/tls_pki.h"
#include "mtlsd/tls/tls_engine.h"

#define DEMO_SERVER_NAME "server.demo.example"
#define DEMO_APP_NAME "payments-app"
#define DEMO_APP_URI "spiffe://demo.example/payments"

struct demo_pki {
    const char *folder; /* borrowed */
    int64_t now;
    uint64_t serial; /* of the last certificate */
    struct tls_pki_pair ca, other_ca;
    struct tls_trust *trust, *other_trust;
};

/* The CA as ca.pem; a second one that nothing but a stand-in server trusts. */
MUST_CHECK int demo_pki_init(struct demo_pki *pki, const char *folder, struct err *err);
void demo_pki_clear(struct demo_pki *pki);

/* Certificate and key as FOLDER/name.pem; dates are ours to fill. Gives the identity, or NULL + err. */
struct tls_identity *demo_pki_issue(struct demo_pki *pki, struct tls_pki_order *order, const char *name, struct err *err);
/* A client certificate of that kind. ou decides whether the verifier's allow rule takes it. */
struct tls_identity *demo_pki_client(struct demo_pki *pki, enum tls_pki_bad bad, const char *ou, const char *name, struct err *err);
/* Revokes the certificate that was issued last, in FOLDER/ca.crl. */
MUST_CHECK int demo_pki_revoke_last(struct demo_pki *pki, struct err *err);

#endif
