/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/daemon/run_user.h"

#include "mtlsd/base/spiffe.h"
#include "mtlsd/config/config_renew.h"
#include "mtlsd/io/key_pair.h"

#include <limits.h>
#include <string.h>

struct review {
    const struct privilege *p;
    const char *user;
    struct findings *out;
};

static void look(const struct review *r, const char *where, const char *path)
{
    if (path == NULL || config_env_name(path) != NULL || spiffe_is_source(path) || privilege_can_read(r->p, path))
        return;
    findings_add(r->out, FINDING_WARNING, where, "%s: user \"%s\" cannot read it, so the next reload will be refused: let the user or its group read the file and its folders",
                 path, r->user);
}

static void look_at_renewal(const struct review *r, const struct config_identity *id)
{
    const char *files[2];
    char folder[PATH_MAX];
    config_renew_files(id, files);
    for (size_t i = 0; i < 2 && files[i] != NULL; i++) {
        key_pair_folder(files[i], folder, sizeof(folder));
        if (!privilege_can_write(r->p, folder))
            findings_add(r->out, FINDING_WARNING, id->where, "identity \"%s\": user \"%s\" cannot write into %s, so a renewed certificate could not be written: let the user write there",
                         id->name, r->user, folder);
    }
}

void run_user_review(const struct privilege *p, const struct config *config, struct findings *out)
{
    static const char sqlite[] = "sqlite:";
    struct review r = {p, config->user, out};
    if (p == NULL)
        return;
    for (size_t i = 0; i < config->files.n; i++)
        look(&r, config->files.items[i], config->files.items[i]);
    for (size_t i = 0; i < config->n_identities; i++) {
        const char *files[CONFIG_IDENTITY_FILES];
        size_t n = config_identity_files(&config->identities[i], files);
        for (size_t k = 0; k < n; k++)
            look(&r, config->identities[i].where, files[k]);
        if (config_renew_is_on(&config->identities[i]))
            look_at_renewal(&r, &config->identities[i]);
    }
    for (size_t i = 0; i < config->n_trusts; i++) {
        const struct config_trust *trust = &config->trusts[i];
        if (strcmp(trust->ca, "system") != 0)
            look(&r, trust->where, trust->ca);
        for (size_t k = 0; k < trust->crl.n; k++)
            look(&r, trust->where, trust->crl.items[k]);
    }
    for (size_t i = 0; i < config->n_registries; i++)
        if (strncmp(config->registries[i].database, sqlite, sizeof(sqlite) - 1) == 0)
            look(&r, config->registries[i].where, config->registries[i].database + sizeof(sqlite) - 1);
}

static bool same(const char *a, const char *b)
{
    return a != NULL && b != NULL ? strcmp(a, b) == 0 : a == b;
}

void run_user_compare(const char *user, const char *group, const struct config *next, struct findings *out)
{
    if (!same(user, next->user) || !same(group, next->group))
        findings_add(out, FINDING_WARNING, next->path, "user and group: %s stays in use, because a reload cannot become another user: restart mtlsd for %s",
                     user != NULL ? user : "the user of the start", next->user != NULL ? next->user : "the user of the start");
}

int run_user_become(const struct privilege *p, const struct config *config, struct err *err)
{
    if (p == NULL)
        return 0;
    for (size_t i = 0; i < config->n_listeners; i++)
        for (size_t b = 0; b < config->listeners[i].n_bind; b++)
            if (config->listeners[i].bind[b].kind == ADDRESS_UNIX)
                privilege_give(p, config->listeners[i].bind[b].path);
    if (config->admin_socket != NULL && config->admin_socket[0] == '/')
        privilege_give(p, config->admin_socket);
    if (config_log_place(config) == CONFIG_LOG_FILE)
        privilege_give(p, config->log_target);
    return privilege_drop(p, err);
}
