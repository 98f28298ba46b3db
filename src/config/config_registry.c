/* SPDX-License-Identifier: Apache-2.0 */
#include "config_registry.h"

#include "config_source.h"
#include "mtlsd/base/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sqlite[] = "sqlite:";

static const char *postgres_rest(const char *database)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(database, schemes[i], strlen(schemes[i])) == 0)
            return database + strlen(schemes[i]);
    return NULL;
}

int config_registry_set_database(const struct config_slot *s, struct err *err)
{
    if (postgres_rest(s->text) != NULL)
        return config_slot_set_text(s, err);
    const char *path = s->text + strlen(sqlite);
    if (strncmp(s->text, sqlite, strlen(sqlite)) != 0)
        return err_set(err, ERR_CONFIG, "\"%.200s\" names no database: write \"sqlite:FILE\" or \"postgresql://USER@HOST/NAME\"", s->text);
    if (path[0] == '\0' || strcmp(path, ":memory:") == 0 || strncmp(path, "//", 2) == 0)
        return err_set(err, ERR_CONFIG, "\"%.200s\" names no file: write \"sqlite:/var/lib/mtlsd/registry.db\"", s->text);
    char *joined = config_source_join(s->file, path);
    size_t size = joined != NULL ? strlen(joined) + sizeof(sqlite) : 0;
    char *whole = joined != NULL ? malloc(size) : NULL;
    if (whole != NULL)
        snprintf(whole, size, "%s%s", sqlite, joined);
    free(joined);
    return config_slot_keep(config_slot_field(s), whole, err);
}

/* The value of a parameter behind the '?' of a URI; empty: it is not there. */
static struct span parameter(const char *uri, const char *name)
{
    const char *at = strchr(uri, '?');
    size_t n = strlen(name);
    for (; at != NULL; at = strchr(at, '&')) {
        at++;
        if (strncmp(at, name, n) == 0 && at[n] == '=')
            return span_of(at + n + 1, strcspn(at + n + 1, "&"));
    }
    return span_of(NULL, 0);
}

/* Host and port of the URI, behind the user. */
static struct span authority(const char *rest)
{
    size_t n = strcspn(rest, "/?");
    const char *at = rest;
    for (size_t i = 0; i < n; i++)
        if (rest[i] == '@')
            at = rest + i + 1;
    return span_of(at, (size_t)(rest + n - at));
}

static bool is_here(struct span host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]", "%2F", "%2f"};
    if (host.len == 0 || host.ptr[0] == '/')
        return true;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t n = strlen(names[i]);
        bool path = names[i][0] == '%';
        if (host.len >= n && memcmp(host.ptr, names[i], n) == 0 && (path || host.len == n || host.ptr[n] == ':') && memchr(host.ptr, ',', host.len) == NULL)
            return true;
    }
    return false;
}

/* A unix socket or loopback: what passes there does not leave this host. */
static bool stays_here(const char *uri)
{
    struct span given = parameter(uri, "host"), address = parameter(uri, "hostaddr");
    return is_here(authority(postgres_rest(uri))) && is_here(given) && is_here(address);
}

void config_registry_check(const struct config_reader *r, const struct config_registry *registry, const config_setting_t *at)
{
    static const char full[] = "verify-full";
    const char *uri = registry->database;
    if (registry->insecure_sslmode)
        config_read_complain(r, FINDING_WARNING, config_read_at(at, "insecure_sslmode", NULL, NULL),
                             "the connection to the database may be read and changed on its way: use sslmode=verify-full");
    if (uri == NULL || postgres_rest(uri) == NULL || registry->insecure_sslmode || config_read_is_tainted(at))
        return;
    struct span mode = parameter(uri, "sslmode");
    bool weak = mode.len > 0 && !span_equals(mode, span_from_str(full));
    if (weak && !stays_here(uri))
        config_read_complain(r, FINDING_ERROR, config_read_at(at, "database", NULL, NULL),
                             "sslmode=%.*s would let others in the network change the rows: leave it out, as verify-full is the default here, or set "
                             "insecure_sslmode = true", (int)mode.len, (const char *)mode.ptr);
}

bool config_registry_wants_tls(const struct config_registry *registry)
{
    return postgres_rest(registry->database) != NULL && parameter(registry->database, "sslmode").len == 0 && !stays_here(registry->database);
}

void config_registry_place(const char *database, char out[CONFIG_REGISTRY_PLACE])
{
    const char *rest = postgres_rest(database);
    if (rest == NULL) {
        snprintf(out, CONFIG_REGISTRY_PLACE, "%s", database);
        return;
    }
    struct span host = authority(rest);
    const char *name = rest + strcspn(rest, "/?");
    snprintf(out, CONFIG_REGISTRY_PLACE, "postgresql://%.*s%.*s", (int)host.len, (const char *)host.ptr, (int)strcspn(name, "?"), name);
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A value of the URI. A mark without its two digits stays, and the library refuses the URI. */
static char *decoded(struct span value)
{
    char *out = malloc(value.len + 1), *to = out;
    for (size_t i = 0; out != NULL && i < value.len; i++) {
        const char *c = (const char *)value.ptr + i;
        bool coded = c[0] == '%' && i + 2 < value.len && digit(c[1]) >= 0 && digit(c[2]) >= 0;
        *to++ = coded ? (char)(digit(c[1]) * 16 + digit(c[2])) : c[0];
        i += coded ? 2 : 0;
    }
    if (out != NULL)
        *to = '\0';
    return out;
}

static char *in_home(const char *home, const char *name)
{
    size_t size = strlen(home) + strlen(name) + 2;
    char *out = malloc(size);
    if (out != NULL)
        snprintf(out, size, "%s/%s", home, name);
    return out;
}

int config_registry_files(const struct config_registry *registry, const char *home, struct config_registry_file files[CONFIG_REGISTRY_FILES])
{
    static const struct {
        const char *parameter, *variable, *in_home;
    } rows[CONFIG_REGISTRY_FILES] = {
        {"passfile", "PGPASSFILE", ".pgpass"},
        {"sslrootcert", "PGSSLROOTCERT", ".postgresql/root.crt"},
        {"sslcert", "PGSSLCERT", ".postgresql/postgresql.crt"},
        {"sslkey", "PGSSLKEY", ".postgresql/postgresql.key"},
        {"sslcrl", "PGSSLCRL", ".postgresql/root.crl"},
        {"servicefile", "PGSERVICEFILE", ".pg_service.conf"},
    };
    int n = 0;
    for (size_t i = 0; postgres_rest(registry->database) != NULL && i < CONFIG_REGISTRY_FILES; i++) {
        struct span given = parameter(registry->database, rows[i].parameter);
        const char *set = getenv(rows[i].variable);
        bool by_default = given.len == 0 && set == NULL;
        if (by_default && home == NULL)
            continue;
        char *path = given.len > 0 ? decoded(given) : set != NULL ? strdup(set) : in_home(home, rows[i].in_home);
        if (path == NULL) {
            while (n > 0)
                free(files[--n].path);
            return -1;
        }
        files[n++] = (struct config_registry_file){path, by_default};
    }
    return n;
}
