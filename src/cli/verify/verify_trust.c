/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"
#include "load.h"
#include "mtlsd/control/file_set.h"
#include "mtlsd/io/file.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    enum file_use use;
    struct findings *notes; /* borrowed, as err */
    struct err *err;
    struct file_set set; /* owned */
};

/* Gives 1 when it is a folder, and leaves that out of the set. */
static int read_one(struct reading *r, const char *folder, const char *name)
{
    struct file_facts facts = {0};
    struct file_set_item *item = file_set_add(&r->set, folder, name);
    if (item == NULL)
        return err_set(r->err, ERR_MEMORY, "out of memory");
    if (file_read(item->path, &item->text, &facts, r->err) != 0 || load_check_file(item->path, r->use, &facts.access, r->notes, r->err) != 0)
        return -1;
    if (facts.is_folder)
        file_set_drop_last(&r->set);
    return facts.is_folder;
}

static int read_folder(struct reading *r, const char *folder)
{
    char **names;
    size_t n, before = r->set.n;
    int rc = 0;
    if (file_list(folder, &names, &n, r->err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (rc == 0 && file_set_is_ca(names[i]))
            rc = read_one(r, folder, names[i]);
        free(names[i]);
    }
    free(names);
    if (rc == 0 && r->set.n == before)
        rc = err_set(r->err, ERR_CREDENTIAL, "%s: " FILE_SET_NO_CA, folder);
    return rc == 0 ? 0 : -1;
}

static int read_all(struct reading *r, const struct flag_list *paths)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < paths->n; i++) {
        rc = read_one(r, "", paths->items[i]);
        if (rc == 1)
            rc = read_folder(r, paths->items[i]);
    }
    return rc;
}

struct tls_trust *verify_trust_load(struct tls_trust_spec *spec, const struct flag_list *ca, const struct flag_list *crl, int64_t now,
                                    struct findings *notes, struct err *err)
{
    struct reading cas = {FILE_USE_CA, notes, err, {0}}, crls = {FILE_USE_CRL, notes, err, {0}};
    struct tls_trust *trust = NULL;
    spec->system = ca->n == 1 && strcmp(ca->items[0], "system") == 0;
    if ((spec->system || read_all(&cas, ca) == 0) && read_all(&crls, crl) == 0) {
        struct tls_file *ca_files = file_set_borrow(&cas.set), *crl_files = file_set_borrow(&crls.set);
        spec->ca = ca_files;
        spec->n_ca = cas.set.n;
        spec->crl = crl_files;
        spec->n_crl = crls.set.n;
        if (ca_files != NULL && crl_files != NULL)
            trust = tls_trust_new(spec, now, notes, err);
        else
            err_set(err, ERR_MEMORY, "out of memory");
        free(ca_files);
        free(crl_files);
    }
    file_set_clear(&cas.set);
    file_set_clear(&crls.set);
    return trust;
}
