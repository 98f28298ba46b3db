/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of files that openssl made (openssl_pki.sh, or another script beside it, tells which). Tests run in the tests folder. */
#ifndef MTLSD_TEST_OPENSSL_PKI_H
#define MTLSD_TEST_OPENSSL_PKI_H

#include "mtlsd/base/span.h"

struct openssl_pki {
    char folder[64];
};

void openssl_pki_make(struct openssl_pki *pki);
void openssl_pki_make_by(const char *script, struct openssl_pki *pki);
void openssl_pki_clear(struct openssl_pki *pki); /* removes the folder */

/* The whole file on the heap, for certs_free. */
struct span openssl_pki_read(const struct openssl_pki *pki, const char *file);

#endif
