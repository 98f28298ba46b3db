/* SPDX-License-Identifier: Apache-2.0 */
#include "pki.h"
#include "load.h"
#include "mtlsd/io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_MAX ((size_t)64 * 1024 * 1024)
#define MAX_DAYS 36500

int pki_folder_check_days(uint64_t days, struct err *err)
{
    if (days >= 1 && days <= MAX_DAYS)
        return 0;
    return err_set(err, ERR_USAGE, "--days must be between 1 and %d", MAX_DAYS);
}

int pki_folder_path(const char *folder, const char *name, const char *suffix, char out[PKI_PATH_MAX], struct err *err)
{
    int n = snprintf(out, PKI_PATH_MAX, "%s/%s%s", folder, name, suffix);
    return n > 0 && n < PKI_PATH_MAX ? 0 : err_set(err, ERR_USAGE, "the name of the folder is too long");
}

int pki_folder_put(const char *folder, const char *name, const char *suffix, struct span content, bool secret, struct err *err)
{
    char path[PKI_PATH_MAX];
    if (pki_folder_path(folder, name, suffix, path, err) != 0)
        return -1;
    return file_write(path, content, secret ? 0600 : 0644, true, err);
}

int pki_folder_put_bundle(const char *folder, const char *name, const struct tls_pki_pair *pair, struct err *err)
{
    struct bytes bundle;
    bytes_init(&bundle, pair->certificate.len + pair->key.len);
    int rc = bytes_reserve(&bundle, bundle.max) == NULL || bytes_append_span(&bundle, bytes_span(&pair->certificate)) != 0 ||
                     bytes_append_span(&bundle, bytes_span(&pair->key)) != 0
                 ? err_set(err, ERR_MEMORY, "out of memory")
                 : pki_folder_put(folder, name, ".pem", bytes_span(&bundle), true, err);
    bytes_wipe(&bundle);
    return rc;
}

void pki_folder_close(struct pki_folder *f)
{
    bytes_wipe(&f->ca_key);
    bytes_clear(&f->ca_cert);
    pki_index_clear(&f->index);
    file_unlock(f->lock);
    f->lock = -1;
}

static int read_index(struct pki_folder *f, struct err *err)
{
    char path[PKI_PATH_MAX];
    struct bytes text;
    if (pki_folder_path(f->path, "index", ".txt", path, err) != 0 || file_read(path, &text, NULL, err) != 0)
        return -1;
    char *copy = span_dup(bytes_span(&text));
    bytes_clear(&text);
    if (copy == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    struct err why = {0};
    int rc = pki_index_parse(&f->index, copy, &why);
    free(copy);
    return rc == 0 ? 0 : err_set(err, why.kind, "%s: %s", path, why.text);
}

static int folder_read(struct pki_folder *f, struct err *err)
{
    char cert[PKI_PATH_MAX], key[PKI_PATH_MAX];
    if (pki_folder_path(f->path, "ca", ".pem", cert, err) != 0 || pki_folder_path(f->path, "ca", ".key", key, err) != 0)
        return -1;
    if (!file_exists(cert))
        return err_set(err, ERR_CREDENTIAL, "%s: no CA in this folder; create one with: mtlsd pki init --dir %s", cert, f->path);
    struct file_facts facts = {0};
    if (file_read(cert, &f->ca_cert, NULL, err) != 0 || file_read(key, &f->ca_key, &facts, err) != 0 ||
        load_check_file(key, FILE_USE_KEY, &facts.access, NULL, err) != 0)
        return -1;
    return read_index(f, err);
}

int pki_folder_open(struct pki_folder *f, const char *path, struct err *err)
{
    *f = (struct pki_folder){.path = path, .lock = -1};
    pki_index_init(&f->index);
    if (!file_exists(path))
        return err_set(err, ERR_CREDENTIAL, "%s: no such folder; create a CA in it with: mtlsd pki init --dir %s", path, path);
    f->lock = file_lock(path, err);
    if (f->lock < 0)
        return -1;
    if (folder_read(f, err) == 0)
        return 0;
    pki_folder_close(f);
    return -1;
}

int pki_folder_save_index(const struct pki_folder *f, struct err *err)
{
    struct bytes text;
    bytes_init(&text, INDEX_MAX);
    int rc = pki_index_write(&f->index, &text) == 0 ? 0 : err_set(err, ERR_MEMORY, "out of memory");
    if (rc == 0)
        rc = pki_folder_put(f->path, "index", ".txt", bytes_span(&text), false, err);
    bytes_clear(&text);
    return rc;
}

int pki_folder_write_crl(struct pki_folder *f, int64_t this_update, int64_t next_update, struct err *err)
{
    struct tls_pki_revoked *revoked = calloc(f->index.n + 1, sizeof(*revoked));
    if (revoked == NULL)
        return err_set(err, ERR_MEMORY, "out of memory");
    size_t n = 0;
    for (size_t i = 0; i < f->index.n; i++)
        if (f->index.items[i].revoked_at != 0)
            revoked[n++] = (struct tls_pki_revoked){f->index.items[i].serial, f->index.items[i].revoked_at};
    struct bytes crl = {0};
    int rc = tls_pki_make_crl(bytes_span(&f->ca_cert), bytes_span(&f->ca_key), revoked, n, f->index.next_crl, this_update, next_update,
                              &crl, err);
    free(revoked);
    if (rc == 0) {
        f->index.next_crl++;
        rc = pki_folder_put(f->path, "crl", ".pem", bytes_span(&crl), false, err);
    }
    bytes_clear(&crl);
    return rc == 0 ? pki_folder_save_index(f, err) : rc;
}
