/* SPDX-License-Identifier: Apache-2.0 */
/* The index of the development CA: one line per issued certificate, and the next numbers. Text in memory; cmd_pki reads and writes the file. */
#ifndef MTLSD_CLI_PKI_INDEX_H
#define MTLSD_CLI_PKI_INDEX_H

#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"

#define PKI_NAME_MAX 64

struct pki_entry {
    uint64_t serial;
    int64_t not_after;
    int64_t revoked_at; /* 0: not revoked */
    char purpose[8];    /* "client", "server", "both" */
    char kind[16];      /* tls_pki_bad_word: "good", "expired", ... */
    char name[PKI_NAME_MAX + 1];
};

struct pki_index {
    uint64_t next_serial, next_crl;
    struct pki_entry *items; /* owned, in order of issue */
    size_t n, cap;
};

void pki_index_init(struct pki_index *index);
void pki_index_clear(struct pki_index *index);
/* ERR_CREDENTIAL with the line that is wrong. */
MUST_CHECK int pki_index_parse(struct pki_index *index, const char *text, struct err *err);
MUST_CHECK int pki_index_write(const struct pki_index *index, struct bytes *out);
/* The entry is copied; gives it the next serial number. NULL when out of memory. */
struct pki_entry *pki_index_add(struct pki_index *index, const struct pki_entry *entry);
/* Marks what is not revoked yet under this name; gives how many there were. *known tells whether the name was ever issued. */
size_t pki_index_revoke(struct pki_index *index, const char *name, int64_t now, bool *known);

/* A name that is also safe as a file name: letters, digits, '.', '_', '-', not first a dot or dash, none of the CA's own. */
bool pki_index_name_is_fit(const char *name);

#endif
