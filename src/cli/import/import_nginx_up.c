/* SPDX-License-Identifier: Apache-2.0 */
#include "import_nginx.h"

#include <stdio.h>
#include <string.h>

struct up {
    struct nginx_server *s;
    const struct import_block *at, *pass;
    char host[256]; /* behind the scheme, without a path */
    bool tls;
    const struct import_block *block; /* upstream {}, or NULL */
};

static const struct import_block *find_block(const struct import_block *in, const char *name)
{
    for (const struct import_block *d = in->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "upstream") == 0 && d->n > 1 && strcmp(d->w[1], name) == 0)
            return d;
    return NULL;
}

static void write_server(struct up *u, struct import_node *targets, const struct import_block *d)
{
    char address[300];
    struct import_model *m = u->s->m;
    if (d->n < 2 || !import_address(address, sizeof(address), d->w[1], "127.0.0.1", u->tls ? "443" : "80")) {
        import_left(m, targets, d->line, "this server: its address is not HOST:PORT");
        return;
    }
    for (size_t i = 2; i < d->n; i++)
        if (strcmp(d->w[i], "down") == 0) {
            import_left(m, targets, d->line, "this server is down");
            return;
        }
    struct import_node *target = import_add(m, targets, IMPORT_GROUP, NULL, NULL);
    import_string(m, target, "address", address, d->line);
    for (size_t i = 2; i < d->n; i++) {
        size_t digits = strncmp(d->w[i], "weight=", 7) == 0 ? strspn(d->w[i] + 7, "0123456789") : 0;
        if (digits > 0 && digits < 4 && d->w[i][7 + digits] == '\0' && d->w[i][7] != '0' && (digits < 3 || strcmp(d->w[i] + 7, "256") <= 0))
            import_plain(m, target, "weight", d->w[i] + 7, d->line);
        else if (strcmp(d->w[i], "backup") == 0)
            import_plain(m, target, "backup", "true", d->line);
        else if (strncmp(d->w[i], "max_fails=", 10) != 0 && strncmp(d->w[i], "fail_timeout=", 13) != 0)
            import_left(m, target, d->line, "\"%.60s\" has no counterpart", d->w[i]);
    }
}

static void write_targets(struct up *u, struct import_node *node)
{
    struct import_model *m = u->s->m;
    struct import_node *targets = import_add(m, node, IMPORT_ROWS, "targets", NULL);
    if (u->block == NULL) {
        struct import_block one = {.w = (char *[]){u->pass->w[0], u->host}, .n = 2, .line = u->pass->line};
        write_server(u, targets, &one);
        return;
    }
    for (const struct import_block *d = u->block->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "server") == 0)
            write_server(u, targets, d);
        else if (import_is(d->w[0], "least_conn random ip_hash"))
            import_string(m, node, "balance", strcmp(d->w[0], "ip_hash") == 0 ? "hash" : d->w[0], d->line);
        else if (!nginx_is_needless(d->w[0]))
            import_left(m, node, d->line, "\"%.60s\" has no counterpart", d->w[0]);
}

static void write_tls(struct up *u, struct import_node *node)
{
    struct import_model *m = u->s->m;
    struct import_node *tls = import_at(import_group(m, node, "tls"), u->pass->line);
    const struct import_block *cert = import_block_find(u->at, "proxy_ssl_certificate"), *key = import_block_find(u->at, "proxy_ssl_certificate_key");
    const struct import_block *ca = import_block_find(u->at, "proxy_ssl_trusted_certificate"), *crl = import_block_find(u->at, "proxy_ssl_crl");
    const struct import_block *name = import_block_find(u->at, "proxy_ssl_name");
    bool is_verified = nginx_is_on(u->at, "proxy_ssl_verify");
    if (cert != NULL)
        import_string(m, tls, "identity", import_identity(m, cert->w[1], key != NULL ? key->w[1] : NULL, NULL, cert->line), cert->line);
    const struct import_trust_files files = {.ca = ca != NULL ? ca->w[1] : NULL, .crl = crl != NULL ? crl->w[1] : NULL, .line = ca != NULL ? ca->line : 0,
                                             .crl_line = crl != NULL ? crl->line : 0};
    import_string(m, tls, "trust", import_trust(m, &files), files.line);
    if (!is_verified)
        import_left(m, tls, u->pass->line, "nginx does not verify this server (proxy_ssl_verify is off); mtlsd always does, here with this trust");
    if (name != NULL && strchr(name->w[1], '$') == NULL)
        import_string(m, tls, "server_name", name->w[1], name->line);
    else if (name != NULL)
        import_left(m, tls, name->line, "proxy_ssl_name with a variable: mtlsd sends and expects the target's host");
    else if (u->block != NULL && is_verified) /* the name of the block is what nginx expects */
        import_string(m, tls, "server_name", u->block->w[1], u->block->line);
}

static void write_duration(struct up *u, struct import_node *node, const char *theirs, const char *ours)
{
    char text[32];
    const struct import_block *d = import_block_find(u->at, theirs);
    if (d == NULL)
        return;
    if (import_duration(text, d->w[1], "s", 10, strcmp(ours, "connect") == 0 ? 600000 : 86400000))
        import_string(u->s->m, import_group(u->s->m, node, "timeouts"), ours, text, d->line);
    else
        import_left(u->s->m, node, d->line, "%.60s is not within the bounds of timeouts.%s", theirs, ours);
}

/* The Host that nginx sends: the name in proxy_pass unless a header says otherwise. */
static void write_host(struct up *u, struct import_node *node)
{
    const struct import_block *found = NULL;
    for (const struct import_block *at = u->at; at != NULL && found == NULL; at = at->parent)
        for (const struct import_block *d = at->first; d != NULL; d = d->next)
            if (strcmp(d->w[0], "proxy_set_header") == 0 && d->n == 3 && (strcmp(d->w[1], "Host") == 0 || strcmp(d->w[1], "host") == 0))
                found = d;
    if (found == NULL)
        import_string(u->s->m, node, "host", u->block != NULL ? u->block->w[1] : "upstream", u->pass->line);
    else if (import_is(found->w[2], "$host $http_host $host:$server_port $server_name"))
        import_string(u->s->m, node, "host", "preserve", found->line);
    else if (strcmp(found->w[2], "$proxy_host") == 0)
        import_string(u->s->m, node, "host", u->block != NULL ? u->block->w[1] : "upstream", found->line);
    else if (strchr(found->w[2], '$') == NULL)
        import_string(u->s->m, node, "host", found->w[2], found->line);
    else
        import_left(u->s->m, node, found->line, "a Host of other variables: the target's host is sent");
}

const char *nginx_upstream(struct nginx_server *s, const struct import_block *at, const struct import_block *pass)
{
    struct up u = {.s = s, .at = at, .pass = pass};
    const char *url = pass->n > 1 ? pass->w[1] : "", *host = url;
    if (!s->is_stream) {
        u.tls = strncmp(url, "https://", 8) == 0;
        host = u.tls ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : "";
    } else {
        u.tls = nginx_is_on(at, "proxy_ssl");
    }
    size_t n = strncmp(host, "unix:", 5) == 0 ? strcspn(host + 5, ":") + 5 : strcspn(host, "/?#");
    snprintf(u.host, sizeof(u.host), "%.*s", n < sizeof(u.host) ? (int)n : 0, host);
    if (u.host[0] == '\0' || strchr(url, '$') != NULL) {
        import_left(s->m, s->routes != NULL ? s->routes : s->listener, pass->line, "proxy_pass with a variable, or without a host");
        return NULL;
    }
    u.block = find_block(s->http, u.host);
    struct import_node *node = import_named(s->m, s->m->upstreams, u.host);
    size_t left = s->m->left, remarks = s->m->remarks;
    write_targets(&u, node);
    import_check_backups(s->m, import_group(s->m, node, "targets"));
    if (!s->is_stream)
        write_host(&u, node);
    if (u.tls)
        write_tls(&u, node);
    write_duration(&u, node, "proxy_connect_timeout", "connect");
    write_duration(&u, node, s->is_stream ? "proxy_timeout" : "proxy_read_timeout", s->is_stream ? "idle" : "response");
    if (s->is_stream && nginx_is_on(at, "proxy_protocol"))
        import_string(s->m, node, "send_proxy_protocol", "v1", import_block_find(at, "proxy_protocol")->line);
    for (struct import_node *old = s->m->upstreams->first; old != NULL && old != node; old = old->next)
        if (old->form == IMPORT_GROUP && import_same(old, node)) {
            import_remove(s->m, node);
            s->m->left = left;
            s->m->remarks = remarks;
            return old->key;
        }
    const struct import_node *targets = import_find(node, "targets");
    if (targets != NULL && import_has_group(targets))
        return node->key;
    import_keep_remarks(s->m, node, s->m->upstreams);
    import_left(s->m, s->routes != NULL ? s->routes : s->listener, pass->line, "proxy_pass: its upstream has no server that could be carried over");
    import_remove(s->m, node);
    return NULL;
}
