/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot_read.h"
#include "mtlsd/base/spiffe.h"
#include "mtlsd/control/file_set.h"
#include "mtlsd/tls/tls_token_uri.h"

#include <stdlib.h>
#include <string.h>

enum { FOLDER_MAX = 4096 }; /* files in a folder of CAs */

int snapshot_read_complain(const struct loader *l, const struct snapshot_subject *s, const char *path, const char *text)
{
    findings_add(l->findings, FINDING_ERROR, s->where, "%s \"%s\": %s: %s", s->kind, s->name, path, text);
    return -1;
}

/* The source's words already name the file in most cases; then it is not said twice. */
int snapshot_read_unreadable(const struct loader *l, const struct snapshot_subject *s, const char *path, const struct err *err)
{
    const char *text = err->text[0] != '\0' ? err->text : "cannot be read";
    bool named = strstr(text, path) != NULL;
    findings_add(l->findings, FINDING_ERROR, s->where, "%s \"%s\": %s%s%s%s", s->kind, s->name, named ? "" : path, named ? "" : ": ", text,
                 config_env_name(path) != NULL || tls_token_uri(path) || spiffe_is_source(path) ? "" : "; check path and permissions (relative paths start at the configuration file's folder)");
    return -1;
}

int snapshot_read_file(const struct loader *l, const struct snapshot_subject *s, const char *path, struct bytes *out, struct file_facts *facts)
{
    struct err err = {0};
    *facts = (struct file_facts){0};
    int rc = l->files->read(l->files->ctx, path, out, facts, &err);
    if (facts->is_folder)
        return snapshot_read_complain(l, s, path, "is a folder; name a file");
    if (rc != 0)
        return snapshot_read_unreadable(l, s, path, &err);
    if (out->len == 0)
        return snapshot_read_complain(l, s, path, "is empty; it must hold PEM text (-----BEGIN ...)");
    return 0;
}

/* Other users that can read, change or replace it. */
int snapshot_read_access(const struct loader *l, const struct snapshot_subject *s, const char *path, enum file_use use, const struct file_access *access)
{
    int rc = snapshot_access_judge(l, &(struct snapshot_access){s->where, s->kind, s->name, path, use}, access);
    if (rc == 0 && use != FILE_USE_CRL)
        snapshot_access_folders(l, s->where, path);
    return rc;
}

static int read_folder_files(const struct loader *l, const struct snapshot_subject *s, const char *folder, char **names, size_t n,
                             struct file_set *set)
{
    int rc = 0;
    for (size_t i = 0; i < n && set->n < FOLDER_MAX; i++) {
        if (!file_set_is_ca(names[i]))
            continue;
        struct file_facts facts;
        struct file_set_item *f = file_set_add(set, folder, names[i]);
        if (f == NULL)
            return snapshot_read_complain(l, s, folder, "out of memory");
        if (snapshot_read_file(l, s, f->path, &f->text, &facts) != 0 || snapshot_read_access(l, s, f->path, FILE_USE_CA, &facts.access) != 0)
            rc = -1;
    }
    if (set->n == 0)
        return snapshot_read_complain(l, s, folder, FILE_SET_NO_CA);
    if (set->n == FOLDER_MAX)
        return snapshot_read_complain(l, s, folder, "too many files in this folder");
    return rc;
}

static int read_folder(const struct loader *l, const struct snapshot_subject *s, const char *folder, struct file_set *set)
{
    struct err err = {0};
    char **names = NULL;
    size_t n = 0;
    if (l->files->list(l->files->ctx, folder, &names, &n, &err) != 0)
        return snapshot_read_unreadable(l, s, folder, &err);
    int rc = read_folder_files(l, s, folder, names, n, set);
    for (size_t i = 0; i < n; i++)
        free(names[i]);
    free(names);
    return rc;
}

/* The CA of a trust may be a file or a folder; which, only a look can tell. */
int snapshot_read_ca(const struct loader *l, const struct snapshot_subject *s, const char *path, struct file_set *set)
{
    struct err err = {0};
    struct file_facts facts = {0};
    struct file_set_item *f = file_set_add(set, "", path);
    if (f == NULL)
        return snapshot_read_complain(l, s, path, "out of memory");
    int rc = l->files->read(l->files->ctx, path, &f->text, &facts, &err);
    if (facts.is_folder) {
        file_set_clear(set);
        rc = snapshot_read_access(l, s, path, FILE_USE_CA, &facts.access);
        return rc | read_folder(l, s, path, set);
    }
    if (rc != 0)
        return snapshot_read_unreadable(l, s, path, &err);
    if (f->text.len == 0)
        return snapshot_read_complain(l, s, path, "is empty; put the CA certificates there, as there is no fallback");
    return snapshot_read_access(l, s, path, FILE_USE_CA, &facts.access);
}

/* Without one bundle the others count, and the trust refuses its domain: what an agent withdraws must not keep a reload from taking place. */
int snapshot_read_bundles(const struct loader *l, const struct snapshot_subject *s, const struct config_strings *domains, struct file_set *set)
{
    int rc = 0;
    for (size_t i = 0; i < domains->n; i++) {
        struct err err = {0};
        struct file_facts facts = {0};
        struct file_set_item *f = file_set_add(set, "spiffe:/", domains->items[i]);
        if (f == NULL)
            return snapshot_read_complain(l, s, domains->items[i], "out of memory");
        if (l->files->read(l->files->ctx, f->path, &f->text, &facts, &err) == 0)
            continue;
        bytes_clear(&f->text);
        if (err.kind != ERR_CREDENTIAL)
            rc = snapshot_read_unreadable(l, s, f->path, &err);
    }
    return rc;
}

int snapshot_read_crls(const struct loader *l, const struct snapshot_subject *s, const struct config_strings *paths, struct file_set *set)
{
    int rc = 0;
    for (size_t i = 0; i < paths->n; i++) {
        struct file_facts facts;
        struct file_set_item *f = file_set_add(set, "", paths->items[i]);
        if (f == NULL)
            return snapshot_read_complain(l, s, paths->items[i], "out of memory");
        rc |= snapshot_read_file(l, s, f->path, &f->text, &facts);
        f->access = facts.access;
    }
    return rc;
}
