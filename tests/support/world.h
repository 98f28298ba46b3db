/* SPDX-License-Identifier: Apache-2.0 */
/* A configuration with its certificates, in memory: two CAs, an injector's and a verifier's identity, a listener and an upstream with
 * TLS each. Tests break one thing of it and look at what is said. */
#ifndef MTLSD_TEST_WORLD_H
#define MTLSD_TEST_WORLD_H

#include "memory_files.h"
#include "mtlsd/tls/tls_pki.h"

enum { WORLD_NOW = 1800000000, WORLD_DAY = 86400 };

struct world {
    struct memory_files files;
    struct tls_pki_pair clients_ca, partner_ca;
    char config[4096];
    const struct fallback_use *instead; /* borrowed; NULL: all is as the files have it */
};

/* Files: /etc/server.pem and /etc/payments.pem (bundles), /etc/clients.pem and /etc/partner.pem (CAs), /etc/clients.crl. */
void world_make(struct world *w);
void world_clear(struct world *w);
/* Issues into a bundle file. */
void world_issue(struct world *w, const char *path, const struct tls_pki_pair *ca, const struct tls_pki_order *order);
/* Replaces the first occurrence of a text in the configuration. */
void world_edit(struct world *w, const char *from, const char *to);
struct snapshot *world_load(struct world *w, uint64_t generation, struct findings *findings);

#endif
