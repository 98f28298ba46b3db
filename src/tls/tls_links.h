/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of an identity while it loads: puts them in the order in which TLS sends them, and says what does not belong. */
#ifndef MTLSD_TLS_TLS_LINKS_H
#define MTLSD_TLS_TLS_LINKS_H

#include "mtlsd/base/findings.h"
#include "tls_cert.h"

struct tls_link {
    struct tls_cert cert;  /* borrows der */
    uint8_t *der;          /* owned */
    gnutls_x509_crt_t crt; /* while it loads: a dozen KB */
    const char *file;      /* not owned; while it loads */
    size_t line;
};

void tls_link_clear(struct tls_link *link);
void tls_links_swap(struct tls_link *a, struct tls_link *b);

struct tls_links {
    struct tls_link *items; /* the leaf first */
    size_t n;
    const char *identity, *chain_file; /* chain_file: that of certificates beside the leaf's own file; NULL: there is none */
};
/* Puts the issuer of each behind it. What is left over, and what is there twice, is cleared, with a note. That a chain file does not lead on from the leaf
 * is a fault: peers will not find the leaf's CA. */
void tls_links_order(struct tls_links *links, struct findings *notes);

#endif
