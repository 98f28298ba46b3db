/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of `mtlsd pki`, the development CA. */
#ifndef MTLSD_CLI_PKI_H
#define MTLSD_CLI_PKI_H

#include "flags.h"
#include "mtlsd/base/bytes.h"
#include "mtlsd/base/err.h"
#include "mtlsd/tls/tls_pki.h"

/* The index of the development CA: one line per issued certificate, and the next numbers. Text in memory; cmd_pki reads and writes the file. */

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
/* The same; ERR_USAGE says which names there may be. */
MUST_CHECK int pki_index_check_name(const char *name, struct err *err);

/* The folder of the development CA: ca.pem, ca.key, crl.pem, index.txt and issued certificates. Every write is complete or absent. */

#define PKI_PATH_MAX 4000
#define PKI_DAY ((int64_t)86400)
#define PKI_BACKDATED ((int64_t)3600) /* so that a peer whose clock is a little behind accepts what was just made */

MUST_CHECK int pki_folder_check_days(uint64_t days, struct err *err);

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

/* Flags that several commands have: --dir, --days, and for the names of a certificate --san, --cn, --ou and --o. */

struct flag pki_flag_dir(const char **dir);
struct flag pki_flag_days(uint64_t *days);
struct flag pki_flag_san(struct flag_list *sans);
struct flag pki_flag_cn(const char **cn);
struct flag pki_flag_ou(const char **ou);
struct flag pki_flag_o(const char **o);

/* Commands with files of their own. */
int pki_issue(int argc, char **argv);
int pki_request(int argc, char **argv);
int pki_sign(int argc, char **argv);
int pki_export(int argc, char **argv);

/* The names of --san: with and without a type, several at once, as OpenSSL spells them. */

struct pki_san {
    struct bytes text; /* what the names point into */
    struct flag_list names; /* "dns:a.example", "ip:127.0.0.1", "uri:...", "email:..." */
};

/* Each value is one name, or several with commas between them. A name is refused if its type is not clear, or if no peer would look for it there. The
 * error says how to write it. Call pki_san_clear also after a failure. */
MUST_CHECK int pki_san_read(const struct flag_list *values, struct pki_san *out, struct err *err);
void pki_san_clear(struct pki_san *s);

#endif
