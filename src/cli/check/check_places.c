/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"
#include "mtlsd/config/config_renew.h"
#include "mtlsd/control/fd_share.h"
#include "mtlsd/io/file.h"
#include "mtlsd/io/key_pair.h"
#include "mtlsd/io/listen_check.h"
#include "mtlsd/io/log_file.h"

#include <string.h>
#include <sys/resource.h>

struct look {
    const struct config *config;
    struct findings *findings;
    bool runs; /* an instance answers at the admin socket, and holds what is in use */
};

static const char *place(const struct look *k, const char *where)
{
    return where != NULL ? where : k->config->path;
}

/* ---- addresses ---- */

static void check_address(const struct look *k, const struct config_listener *l, size_t bind)
{
    struct err err = {0};
    enum listen_check found = listen_check_address(&l->bind[bind], l->bind_text[bind], &err);
    if (found == LISTEN_CHECK_FAILS)
        findings_add(k->findings, FINDING_ERROR, l->where, "listener \"%s\": %s", l->name, err.text);
    else if (found == LISTEN_CHECK_NO_RIGHT)
        findings_add(k->findings, FINDING_WARNING, l->where, "listener \"%s\": as this user, %s", l->name, err.text);
    else if (found == LISTEN_CHECK_IN_USE && !k->runs)
        findings_add(k->findings, FINDING_WARNING, l->where, "listener \"%s\": unless this daemon already runs there, %s", l->name, err.text);
}

static void check_addresses(const struct look *k)
{
    for (size_t i = 0; i < k->config->n_listeners; i++)
        for (size_t b = 0; b < k->config->listeners[i].n_bind; b++)
            check_address(k, &k->config->listeners[i], b);
}

static void check_health(const struct look *k)
{
    struct err err = {0};
    const struct config_health *health = &k->config->health;
    enum listen_check found = health->text != NULL ? listen_check_address(&health->address, health->text, &err) : LISTEN_CHECK_FINE;
    enum finding_level level = found == LISTEN_CHECK_FAILS ? FINDING_ERROR : FINDING_WARNING;
    const char *unless = found == LISTEN_CHECK_NO_RIGHT ? "as this user, " : found == LISTEN_CHECK_IN_USE ? "unless this daemon already runs there, " : "";
    if (found != LISTEN_CHECK_FINE && !(found == LISTEN_CHECK_IN_USE && k->runs))
        findings_add(k->findings, level, place(k, k->config->where.health), "admin.health: %s%s", unless, err.text);
}

static void check_admin(struct look *k)
{
    struct err err = {0};
    if (k->config->admin_socket == NULL)
        return;
    enum listen_check found = listen_check_admin(k->config->admin_socket, &err);
    k->runs = found == LISTEN_CHECK_IN_USE;
    if (found == LISTEN_CHECK_FAILS)
        findings_add(k->findings, FINDING_ERROR, place(k, k->config->where.admin_socket), "%s", err.text);
    else if (found == LISTEN_CHECK_NO_RIGHT)
        findings_add(k->findings, FINDING_WARNING, place(k, k->config->where.admin_socket), "as this user, %s", err.text);
}

/* ---- files ---- */

static void check_log(const struct look *k)
{
    struct err err = {0};
    if (config_log_place(k->config) == CONFIG_LOG_FILE && log_file_check(k->config->log_target, &err) != 0)
        findings_add(k->findings, FINDING_ERROR, place(k, k->config->where.log_target), "%s", err.text);
    for (size_t i = 0; i < k->config->n_logs; i++) {
        const struct config_log *l = &k->config->logs[i];
        bool file = strcmp(l->target, "stdout") != 0 && strcmp(l->target, "stderr") != 0;
        err_clear(&err);
        if (file && log_file_check(l->target, &err) != 0)
            findings_add(k->findings, FINDING_ERROR, place(k, l->where), "logs.%.80s: %s", l->name, err.text);
    }
}

/* run goes on without it, so it is only a warning; that it is not there was said when the lists were loaded. */
static void check_cache(const struct look *k)
{
    struct err err = {0};
    const char *folder = k->config->crl_cache;
    if (folder != NULL && file_exists(folder) && file_check_folder(folder, &err) != 0)
        findings_add(k->findings, FINDING_WARNING, place(k, k->config->where.crl_cache), "crl_cache: fetched lists are not saved for the next start: %s",
                     err.text);
}

/* Nothing breaks before the certificate is due: only a warning. */
static void check_renewals(const struct look *k)
{
    for (size_t i = 0; i < k->config->n_identities; i++) {
        const struct config_identity *id = &k->config->identities[i];
        struct err err = {0};
        const char *files[2];
        if (!config_renew_is_on(id))
            continue;
        config_renew_files(id, files);
        if (key_pair_check(files[1] != NULL ? files[1] : files[0], files[1] != NULL ? files[0] : NULL, &err) != 0)
            findings_add(k->findings, FINDING_WARNING, id->where, "identity \"%s\": a renewed certificate could not be written: %s", id->name, err.text);
    }
}

/* ---- descriptors ---- */

static void check_descriptors(const struct look *k)
{
    struct rlimit limit;
    size_t binds = 0, least;
    for (size_t i = 0; i < k->config->n_listeners; i++)
        binds += k->config->listeners[i].n_bind;
    least = fd_share_least(k->config->workers, binds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < least)
        findings_add(k->findings, FINDING_WARNING, k->config->path,
                     "%u workers and %zu addresses need %zu file descriptors, and this user has %llu: raise the limit (ulimit -Hn, LimitNOFILE of systemd) or set "
                     "workers lower",
                     k->config->workers, binds, least, (unsigned long long)limit.rlim_max);
}

void check_places(const struct config *config, struct findings *findings)
{
    struct look k = {config, findings, false};
    check_admin(&k);
    check_addresses(&k);
    check_health(&k);
    check_log(&k);
    check_cache(&k);
    check_renewals(&k);
    check_descriptors(&k);
}
