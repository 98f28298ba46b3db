/* SPDX-License-Identifier: Apache-2.0 */
#include "verify_trust.h"
#include "file_check.h"
#include "mtlsd/io/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files that a trust is made of, all in memory. */
struct file_set {
    enum file_use use;
    struct findings *notes; /* not owned */
    struct tls_file *items;
    char **names;         /* owned */
    struct bytes *texts;
    size_t n;
};

static void file_set_clear(struct file_set *set)
{
    for (size_t i = 0; i < set->n; i++) {
        free(set->names[i]);
        bytes_clear(&set->texts[i]);
    }
    free(set->items);
    free(set->names);
    free(set->texts);
    *set = (struct file_set){0};
}

static int grow(struct file_set *set)
{
    size_t n = set->n + 1;
    struct tls_file *items = realloc(set->items, n * sizeof(*items));
    if (items != NULL)
        set->items = items;
    char **names = realloc(set->names, n * sizeof(*names));
    if (names != NULL)
        set->names = names;
    struct bytes *texts = realloc(set->texts, n * sizeof(*texts));
    if (texts != NULL)
        set->texts = texts;
    return items != NULL && names != NULL && texts != NULL ? 0 : -1;
}

/* Takes name, also on failure. Gives 1 when it is a folder. */
static int add_file(struct file_set *set, char *name, struct err *err)
{
    struct file_facts facts = {0};
    struct bytes text = {0};
    if (name == NULL || grow(set) != 0) {
        free(name);
        return err_set(err, ERR_MEMORY, "out of memory");
    }
    int rc = file_read(name, &text, &facts, err);
    if (rc == 0)
        rc = file_check(name, set->use, &facts.access, set->notes, err);
    if (rc != 0 || facts.is_folder) {
        bytes_clear(&text);
        free(name);
        return rc != 0 ? -1 : 1;
    }
    set->names[set->n] = name;
    set->texts[set->n] = text;
    set->items[set->n] = (struct tls_file){.name = name, .text = bytes_span(&text)};
    set->n++;
    return 0;
}

static char *join(const char *folder, const char *name)
{
    size_t n = strlen(folder) + strlen(name) + 2;
    char *path = malloc(n);
    if (path != NULL)
        snprintf(path, n, "%s/%s", folder, name);
    return path;
}

/* As the daemon chooses them. */
static bool is_certificate_file(const char *name)
{
    size_t n = strlen(name);
    const char *end = n > 4 ? name + n - 4 : "";
    return name[0] != '.' && (strcmp(end, ".pem") == 0 || strcmp(end, ".crt") == 0 || strcmp(end, ".cer") == 0);
}

static int add_folder(struct file_set *set, const char *folder, struct err *err)
{
    char **names;
    size_t n;
    if (file_list(folder, &names, &n, err) != 0)
        return -1;
    size_t before = set->n;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        if (rc == 0 && is_certificate_file(names[i]))
            rc = add_file(set, join(folder, names[i]), err);
        free(names[i]);
    }
    free(names);
    if (rc == 0 && set->n == before)
        rc = err_set(err, ERR_CREDENTIAL, "%s: this folder has no file that ends in .pem, .crt or .cer; put the CA certificates there", folder);
    return rc == 0 ? 0 : -1;
}

static int add_all(struct file_set *set, const struct flag_list *paths, struct err *err)
{
    for (size_t i = 0; i < paths->n; i++) {
        int rc = add_file(set, strdup(paths->items[i]), err);
        if (rc == 1)
            rc = add_folder(set, paths->items[i], err);
        if (rc != 0)
            return -1;
    }
    return 0;
}

struct tls_trust *verify_trust_load(struct tls_trust_spec *spec, const struct flag_list *ca, const struct flag_list *crl, int64_t now,
                                    struct findings *notes, struct err *err)
{
    struct file_set cas = {.use = FILE_USE_CA, .notes = notes}, crls = {.use = FILE_USE_CRL, .notes = notes};
    struct tls_trust *trust = NULL;
    spec->system = ca->n == 1 && strcmp(ca->items[0], "system") == 0;
    if ((spec->system || add_all(&cas, ca, err) == 0) && add_all(&crls, crl, err) == 0) {
        spec->ca = cas.items;
        spec->n_ca = cas.n;
        spec->crl = crls.items;
        spec->n_crl = crls.n;
        trust = tls_trust_new(spec, now, notes, err);
    }
    file_set_clear(&cas);
    file_set_clear(&crls);
    return trust;
}
