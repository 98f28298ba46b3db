/* SPDX-License-Identifier: Apache-2.0 */
#include "mtlsd/control/sandbox_plan.h"
#include "mtlsd/config/config_renew.h"

#include <stdlib.h>
#include <string.h>

/* The resolver, the CAs of the system, its crypto policies, time zones, libraries that are loaded when they are needed, and the kernel's numbers about
 * this process. No entry is a folder that has files of another kind, such as /etc, or /etc/ssl with its folder of private keys. */
static const char *const system_places[] = {
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols",
    "/etc/passwd", "/etc/group", "/etc/localtime", "/etc/ld.so.cache", "/etc/ca-certificates", "/etc/gnutls",
    "/etc/ssl/certs", "/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/ca-trust", "/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies", "/etc/pkcs11", "/etc/krb5.conf",
    "/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf", "/run/nscd",
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/usr/local/share/ca-certificates", "/var/lib/ca-certificates",
    "/proc", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/null", "/dev/urandom", "/dev/random",
};

enum { N_SYSTEM = sizeof(system_places) / sizeof(system_places[0]) };

/* How many places there can be at most. */
static size_t count(const struct config *c)
{
    size_t n = N_SYSTEM + c->files.n + (CONFIG_IDENTITY_FILES + 2) * c->n_identities + c->n_trusts + (1 + CONFIG_REGISTRY_FILES) * c->n_registries + c->n_logs + 3;
    for (size_t i = 0; i < c->n_trusts; i++)
        n += c->trusts[i].crl.n;
    for (size_t i = 0; i < c->n_listeners; i++)
        n += c->listeners[i].n_bind + c->listeners[i].n_routes + 1 + CONFIG_ISSUER_FILES;
    return n;
}

static void add(struct sandbox_plan *plan, enum sandbox_use use, const char *path)
{
    if (path != NULL)
        plan->places[plan->n++] = (struct sandbox_place){path, use};
}

/* Words stand where a file could: "stdout", "systemd:NAME". */
static void add_file(struct sandbox_plan *plan, enum sandbox_use use, const char *path)
{
    if (path != NULL && strchr(path, '/') != NULL && strncmp(path, "systemd:", 8) != 0)
        add(plan, use, path);
}

static void add_strings(struct sandbox_plan *plan, enum sandbox_use use, const struct config_strings *list)
{
    for (size_t i = 0; i < list->n; i++)
        add(plan, use, list->items[i]);
}

static void add_listener(struct sandbox_plan *plan, const struct config_listener *l)
{
    for (size_t i = 0; i < l->n_bind; i++)
        if (l->bind[i].kind == ADDRESS_UNIX)
            add(plan, SANDBOX_SOCKET, l->bind[i].path);
    for (size_t i = 0; i < l->n_routes; i++)
        add(plan, SANDBOX_READ, l->routes[i].respond_file);
    if (l->required_header_file != NULL && config_env_name(l->required_header_file) == NULL)
        add(plan, SANDBOX_READ, l->required_header_file);
}

static void add_kept(struct sandbox_plan *plan, const struct config *c)
{
    static const char sqlite[] = "sqlite:";
    for (size_t i = 0; i < c->n_registries; i++)
        if (strncmp(c->registries[i].database, sqlite, sizeof(sqlite) - 1) == 0)
            add(plan, SANDBOX_KEEP, c->registries[i].database + sizeof(sqlite) - 1);
    for (size_t i = 0; i < c->n_logs; i++)
        add_file(plan, SANDBOX_KEEP, c->logs[i].target);
    if (config_log_place(c) == CONFIG_LOG_FILE)
        add(plan, SANDBOX_KEEP, c->log_target);
    add(plan, SANDBOX_FOLDER, c->crl_cache);
    add_file(plan, SANDBOX_SOCKET, c->admin_socket);
}

/* And the CAs of forward proxies. */
static void add_identities(struct sandbox_plan *plan, const struct config *c, enum sandbox_use use)
{
    const char *files[CONFIG_IDENTITY_FILES];
    for (size_t i = 0; i < c->n_identities; i++) {
        size_t n = config_identity_files(&c->identities[i], files);
        for (size_t k = 0; k < n; k++)
            add(plan, use, files[k]);
    }
    for (size_t i = 0; i < c->n_listeners; i++) {
        size_t n = config_issuer_files(&c->listeners[i], files);
        for (size_t k = 0; k < n; k++)
            add(plan, use, files[k]);
    }
}

/* Renewed files are written by the process that holds keys, and by no other. */
static void add_renewed(struct sandbox_plan *plan, const struct config *c)
{
    const char *files[2];
    for (size_t i = 0; i < c->n_identities; i++) {
        if (!config_renew_is_on(&c->identities[i]))
            continue;
        config_renew_files(&c->identities[i], files);
        add(plan, SANDBOX_KEEP, files[0]);
        add(plan, SANDBOX_KEEP, files[1]);
    }
}

/* A default stands in the folder of a user, which stays shut. */
static int add_databases(struct sandbox_plan *plan, const struct config *c)
{
    struct config_registry_file files[CONFIG_REGISTRY_FILES];
    for (size_t i = 0; i < c->n_registries; i++) {
        int n = config_registry_files(&c->registries[i], getenv("HOME"), files);
        if (n < 0)
            return -1;
        for (int k = 0; k < n; k++) {
            plan->owned[plan->n_owned++] = files[k].path;
            add_file(plan, files[k].by_default ? SANDBOX_SYSTEM : SANDBOX_READ, files[k].path);
        }
    }
    return 0;
}

static int add_rest(struct sandbox_plan *plan, const struct config *c)
{
    add_strings(plan, SANDBOX_READ, &c->files);
    for (size_t i = 0; i < c->n_trusts; i++) {
        add(plan, SANDBOX_READ, config_trust_file(&c->trusts[i]));
        add_strings(plan, SANDBOX_READ, &c->trusts[i].crl);
    }
    for (size_t i = 0; i < c->n_listeners; i++)
        add_listener(plan, &c->listeners[i]);
    add_kept(plan, c);
    return add_databases(plan, c);
}

int sandbox_plan_new(struct sandbox_plan *plan, const struct config *config, enum sandbox_role role)
{
    *plan = (struct sandbox_plan){
        .places = calloc(count(config), sizeof(*plan->places)),
        .owned = calloc(config->n_registries * CONFIG_REGISTRY_FILES + 1, sizeof(*plan->owned)),
    };
    if (plan->places == NULL || plan->owned == NULL) {
        sandbox_plan_clear(plan);
        return -1;
    }
    for (size_t i = 0; i < N_SYSTEM; i++)
        add(plan, SANDBOX_SYSTEM, system_places[i]);
    if (role != SANDBOX_CONNECTIONS)
        add_identities(plan, config, role == SANDBOX_KEYS ? SANDBOX_AROUND : SANDBOX_READ); /* who has the keys gains nothing by more */
    if (role == SANDBOX_KEYS)
        add_renewed(plan, config);
    if (role == SANDBOX_KEYS || add_rest(plan, config) == 0)
        return 0;
    sandbox_plan_clear(plan);
    return -1;
}

void sandbox_plan_clear(struct sandbox_plan *plan)
{
    for (size_t i = 0; i < plan->n_owned; i++)
        free(plan->owned[i]);
    free(plan->owned);
    free(plan->places);
    *plan = (struct sandbox_plan){0};
}
