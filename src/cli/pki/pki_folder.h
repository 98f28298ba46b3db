/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of the development CA: ca.pem, ca.key, crl.pem, index.txt and issued certificates. Every write is complete or absent. */
#ifndef MTLSD_CLI_PKI_FOLDER_H
#define MTLSD_CLI_PKI_FOLDER_H

#include "mtlsd/tls/tls_pki.h"
#include "pki_index.h"

#define PKI_PATH_MAX 4000

/* A folder that is open: locked, its index read, its certificate and key in memory. */
struct pki_folder {
    const char *path;
    int lock;
    struct pki_index index;
    struct bytes ca_cert, ca_key;
};

/* FOLDER/NAMESUFFIX */
MUST_CHECK int pki_folder_path(const char *folder, const char *name, const char *suffix, char out[PKI_PATH_MAX], struct err *err);
/* Writes one file, replacing; secret ones can be read by their owner only. */
MUST_CHECK int pki_folder_put(const char *folder, const char *name, const char *suffix, struct span content, bool secret, struct err *err);

/* NAME.pem: certificate and key. */
MUST_CHECK int pki_folder_put_bundle(const char *folder, const char *name, const struct tls_pki_pair *pair, struct err *err);

/* path must outlive *f. On failure nothing stays open. */
MUST_CHECK int pki_folder_open(struct pki_folder *f, const char *path, struct err *err);
void pki_folder_close(struct pki_folder *f); /* wipes the key */
MUST_CHECK int pki_folder_save_index(const struct pki_folder *f, struct err *err);
/* Signs and writes crl.pem from the index, and saves the index (the CRL's number moves on). */
MUST_CHECK int pki_folder_write_crl(struct pki_folder *f, int64_t this_update, int64_t next_update, struct err *err);

#endif
