/* SPDX-License-Identifier: Apache-2.0 */
#include "config_place.h"

#include "config_choice.h"
#include "config_credential.h"
#include "config_source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A shell would know what it means. */
static int check_path(const struct config_slot *s, struct err *err)
{
    if (s->text[0] == '~' && (s->text[1] == '/' || s->text[1] == '\0'))
        return err_set(err, ERR_CONFIG, "\"%.200s\": a ~ is not expanded here: write the whole path", s->text);
    if (s->text[0] == '$')
        return err_set(err, ERR_CONFIG, "\"%.200s\": there are no variables: write the whole path", s->text);
    return 0;
}

/* NULL + err. To be freed. */
static char *path_of(const struct config_slot *s, struct err *err)
{
    if (config_credential_is(s->text))
        return config_credential_path(s->text, getenv("CREDENTIALS_DIRECTORY"), err);
    if (check_path(s, err) != 0)
        return NULL;
    char *path = config_source_join(s->file, s->text);
    if (path == NULL)
        err_set(err, ERR_MEMORY, "out of memory");
    return path;
}

/* Text of certificates, keys, CAs and passphrases; not of what is written, nor of binary files. */
static bool may_be_env(const struct config_slot *s)
{
    bool text = strcmp(s->o->group, "identity") == 0 || strcmp(s->o->group, "trust") == 0;
    return text && strcmp(s->o->key, "pkcs12") != 0;
}

static int set_env(const struct config_slot *s, struct err *err)
{
    if (!may_be_env(s))
        return err_set(err, ERR_CONFIG, "\"%.200s\": this needs a file: only PEM text and passphrases can come from the environment", s->text);
    return config_credential_check_env(s->text, err) == 0 ? config_slot_set_text(s, err) : -1;
}

static int set_token(const struct config_slot *s, struct err *err)
{
    bool may = strcmp(s->o->group, "identity") == 0 && (strcmp(s->o->key, "key") == 0 || strcmp(s->o->key, "certificate") == 0);
    return may ? config_slot_set_text(s, err) : err_set(err, ERR_CONFIG, "\"%.200s\": only key and certificate of an identity can be in a token", s->text);
}

int config_place_set_path(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (config_choice_find(s, &index))
        return config_slot_set_text(s, err);
    if (config_credential_is_env(s->text))
        return set_env(s, err);
    if (config_credential_is_token(s->text))
        return set_token(s, err);
    char *path = path_of(s, err);
    return path != NULL ? config_slot_keep(config_slot_field(s), path, err) : -1;
}

int config_place_set_paths(const struct config_slot *s, struct err *err)
{
    unsigned index;
    if (config_choice_find(s, &index))
        return config_slot_append(config_slot_field(s), strdup(s->text), err);
    char *path = path_of(s, err);
    return path != NULL ? config_slot_append(config_slot_field(s), path, err) : -1;
}

/* Joins the path of a unix socket to the folder of the file it was named in. */
static int parse_address(const struct config_slot *s, struct address *a, struct err *err)
{
    if (address_parse(s->text, a, err) != 0)
        return -1;
    if (a->kind != ADDRESS_UNIX)
        return 0;
    char *joined = config_source_join(s->file, a->path);
    if (joined == NULL)
        return config_slot_no_memory(err);
    size_t n = strlen(joined);
    if (n < sizeof(a->path))
        memcpy(a->path, joined, n + 1);
    free(joined);
    if (n >= sizeof(a->path))
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\" is too long: with its folder a socket path has at most %zu bytes", s->text,
                       sizeof(a->path) - 1);
    return 0;
}

int config_place_set_socket(const struct config_slot *s, struct err *err)
{
    struct address a;
    bool passed = strncmp(s->text, "systemd:", 8) == 0;
    if (strncmp(s->text, "unix:", 5) != 0 && !passed)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a unix socket: write \"unix:%.80s\"", s->text,
                       s->text[0] == '/' ? s->text : "/run/mtlsd/admin.sock");
    if (parse_address(s, &a, err) != 0)
        return -1;
    if (passed)
        return config_slot_keep(config_slot_field(s), strdup(s->text), err);
    return config_slot_keep(config_slot_field(s), strdup(a.path), err);
}

int config_place_set_listen(const struct config_slot *s, struct err *err)
{
    struct config_health *health = config_slot_field(s);
    if (parse_address(s, &health->address, err) != 0)
        return -1;
    if (health->address.kind != ADDRESS_TCP)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is no TCP address: write \"host:port\", as in \":8081\"; programs of this host use the admin socket", s->text);
    return config_slot_keep(&health->text, strdup(s->text), err);
}

void config_place_free_listen(const struct config_slot *s)
{
    free(((struct config_health *)config_slot_field(s))->text);
}

int config_place_set_addresses(const struct config_slot *s, struct err *err)
{
    struct config_listener *l = s->base;
    struct address a;
    if (parse_address(s, &a, err) != 0)
        return -1;
    struct address *bind = realloc(l->bind, (l->n_bind + 1) * sizeof(*bind));
    if (bind == NULL)
        return config_slot_no_memory(err);
    l->bind = bind;
    struct config_strings texts = {l->bind_text, l->n_bind};
    int rc = config_slot_append(&texts, strdup(s->text), err);
    l->bind_text = texts.items;
    if (rc == 0)
        bind[l->n_bind++] = a;
    return rc;
}

void config_place_free_addresses(const struct config_slot *s)
{
    struct config_listener *l = s->base;
    struct config_strings texts = {l->bind_text, l->n_bind};
    config_slot_free_list(&texts);
    free(l->bind);
}

/* Something that can be connected to. */
static int parse_target(const struct config_slot *s, struct address *a, struct err *err)
{
    if (parse_address(s, a, err) != 0)
        return -1;
    if (a->kind == ADDRESS_SYSTEMD)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is a socket to listen on: write \"host:port\" or \"unix:/path\"", s->text);
    if (a->kind == ADDRESS_TCP && a->host[0] == '\0')
        return err_set(err, ERR_CONFIG, "\"%.80s\" names no host to connect to", s->text);
    if (a->kind == ADDRESS_TCP && a->port == 0)
        return err_set(err, ERR_CONFIG, "\"%.80s\": nothing listens on port 0", s->text);
    return 0;
}

int config_place_set_target(const struct config_slot *s, struct err *err)
{
    struct config_target *t = s->base;
    return parse_target(s, &t->address, err) != 0 ? -1 : config_slot_keep(&t->text, strdup(s->text), err);
}

void config_place_free_target(const struct config_slot *s)
{
    free(((struct config_target *)s->base)->text);
}

int config_place_set_proxy(const struct config_slot *s, struct err *err)
{
    static const char scheme[] = "http://";
    struct config_upstream *u = s->base;
    struct config_slot inner = *s;
    char plain[300];
    if (strncmp(s->text, "https://", 8) == 0)
        return err_set(err, ERR_CONFIG,
                       "\"%.80s\": the connection to the proxy is plain HTTP: write \"http://...\"", s->text);
    if (strncmp(s->text, scheme, strlen(scheme)) == 0) {
        int n = snprintf(plain, sizeof(plain), "%s", s->text + strlen(scheme));
        if (n > 0 && (size_t)n < sizeof(plain) && plain[n - 1] == '/')
            plain[n - 1] = '\0';
        inner.text = plain;
    }
    if (strchr(inner.text, '@') != NULL)
        return err_set(err, ERR_CONFIG, "proxies with a user and a password are not supported");
    if (parse_target(&inner, &u->proxy, err) != 0)
        return -1;
    if (u->proxy.kind == ADDRESS_UNIX)
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not a proxy: write \"host:port\"", s->text);
    return config_slot_keep(&u->proxy_text, strdup(s->text), err);
}

void config_place_free_proxy(const struct config_slot *s)
{
    free(((struct config_upstream *)s->base)->proxy_text);
}

int config_place_set_host(const struct config_slot *s, struct err *err)
{
    struct config_upstream *u = s->base;
    struct config_route *route = s->base;
    bool in_route = strcmp(s->o->group, "route") == 0;
    unsigned index = CONFIG_HOST_LITERAL;
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
    if (!config_choice_find(s, &index) && s->text[strspn(s->text, allowed)] != '\0')
        return err_set(err, ERR_CONFIG, "\"%.80s\" is not valid in a Host header: write %s or a host name",
                       s->text, s->o->bounds);
    *(in_route ? &route->set_host : &u->host) = (enum config_host)index;
    *(in_route ? &route->set_host_given : &u->host_given) = true;
    char **literal = in_route ? &route->set_host_literal : &u->host_literal;
    return index == CONFIG_HOST_LITERAL ? config_slot_keep(literal, strdup(s->text), err) : 0;
}

void config_place_free_host(const struct config_slot *s)
{
    bool in_route = strcmp(s->o->group, "route") == 0;
    free(in_route ? ((struct config_route *)s->base)->set_host_literal
                  : ((struct config_upstream *)s->base)->host_literal);
}
