/* SPDX-License-Identifier: Apache-2.0 */
#include "import_nginx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One listen directive. Servers with the same address are one listener; the first with default_server, or else the first, takes what no other does. */
struct listen {
    const struct import_block *http, *server, *listen;
    char address[300];
    bool is_default, is_stream, tls;
};

static bool has_word(const struct import_block *d, const char *word)
{
    for (size_t i = 2; i < d->n; i++)
        if (strcmp(d->w[i], word) == 0)
            return true;
    return false;
}

/* ---- TLS of a listener ---- */

static const char *identity_of(struct import_model *m, const struct import_block *server)
{
    const struct import_block *cert = import_block_find(server, "ssl_certificate"), *key = import_block_find(server, "ssl_certificate_key");
    return cert != NULL ? import_identity(m, cert->w[1], key != NULL ? key->w[1] : NULL, NULL, cert->line) : NULL;
}

/* nginx counts the CAs between; we count the certificates of a chain. */
static const char *depth_of(const struct import_block *server, char text[8])
{
    const char *given = import_block_value(server, "ssl_verify_depth");
    unsigned long n = given != NULL ? strtoul(given, NULL, 10) : 0;
    if (given == NULL || n > 14)
        return NULL;
    snprintf(text, 8, "%lu", n + 2);
    return text;
}

/* nginx refuses clients without an answer that counts, too. */
static void read_ocsp(struct import_model *m, const struct import_block *server, struct import_trust_files *files)
{
    const struct import_block *ocsp = import_block_find(server, "ssl_ocsp");
    if (ocsp == NULL || !import_is(ocsp->w[1], "on leaf"))
        return;
    files->ocsp = "hard";
    files->ocsp_responder = import_block_value(server, "ssl_ocsp_responder");
    files->ocsp_line = ocsp->line;
    if (strcmp(ocsp->w[1], "on") == 0)
        import_remark(m, m->trusts, ocsp->line, "only the client's own certificate is asked about, where nginx asks about its CAs too");
}

static const char *trust_of(struct import_model *m, const struct import_block *server)
{
    char depth[8];
    const struct import_block *ca = import_block_find(server, "ssl_client_certificate"), *more = import_block_find(server, "ssl_trusted_certificate");
    const struct import_block *crl = import_block_find(server, "ssl_crl");
    ca = ca != NULL ? ca : more;
    if (ca == NULL)
        return NULL;
    struct import_trust_files files = {.ca = ca->w[1], .crl = crl != NULL ? crl->w[1] : NULL, .depth = depth_of(server, depth), .line = ca->line,
                                       .crl_line = crl != NULL ? crl->line : 0};
    read_ocsp(m, server, &files);
    return import_trust(m, &files);
}

/* "required", "optional", or NULL: no certificate is requested. */
static const char *client_cert_of(struct import_model *m, const struct import_block *server, struct import_node *tls)
{
    const struct import_block *verify = import_block_find(server, "ssl_verify_client");
    if (verify == NULL || strcmp(verify->w[1], "off") == 0)
        return NULL;
    if (strcmp(verify->w[1], "on") == 0)
        return "required";
    if (strcmp(verify->w[1], "optional") == 0)
        import_remark(m, tls, verify->line, "a bad certificate is refused in the handshake, where nginx answers 400");
    else
        import_left(m, tls, verify->line, "ssl_verify_client %.30s: only certificates of the trust are accepted", verify->w[1]);
    return "optional";
}

static void write_clients(struct nginx_server *s, struct import_node *tls, const struct import_block *server)
{
    const char *client_cert = client_cert_of(s->m, server, tls), *trust = client_cert != NULL ? trust_of(s->m, server) : NULL;
    if (client_cert == NULL)
        return;
    const struct import_block *verify = import_block_find(server, "ssl_verify_client");
    if (trust == NULL)
        import_left(s->m, tls, verify->line, "ssl_verify_client without ssl_client_certificate: the trust is the system's CAs until you name one");
    import_string(s->m, tls, "trust", trust != NULL ? trust : "system", verify->line);
    import_string(s->m, tls, "client_cert", client_cert, verify->line);
    s->asks = true;
    s->is_optional = s->is_optional || strcmp(client_cert, "optional") == 0;
}

static void write_versions(struct nginx_server *s, struct import_node *tls, const struct import_block *server)
{
    const struct import_block *d = import_block_find(server, "ssl_protocols");
    if (d == NULL)
        return;
    bool has_12 = false, has_13 = false;
    for (size_t i = 1; i < d->n; i++) {
        has_12 = has_12 || strcmp(d->w[i], "TLSv1.2") == 0;
        has_13 = has_13 || strcmp(d->w[i], "TLSv1.3") == 0;
        if (!import_is(d->w[i], "TLSv1.2 TLSv1.3"))
            import_remark(s->m, tls, d->line, "%.20s is not offered: TLS 1.2 is the lowest version", d->w[i]);
    }
    if (has_12 != has_13)
        import_string(s->m, tls, has_13 ? "min_version" : "max_version", has_13 ? "1.3" : "1.2", d->line);
}

static void write_tls(struct nginx_server *s, const struct listen *l)
{
    struct import_node *tls = import_at(import_group(s->m, s->listener, "tls"), l->listen->line);
    const char *identity = identity_of(s->m, l->server);
    if (identity != NULL)
        import_string(s->m, tls, "identity", identity, l->listen->line);
    else
        import_left(s->m, tls, l->listen->line, "no ssl_certificate: give the listener an identity");
    write_clients(s, tls, l->server);
    write_versions(s, tls, l->server);
    const struct import_block *ciphers = import_block_find(l->server, "ssl_ciphers");
    if (ciphers != NULL)
        import_remark(s->m, tls, ciphers->line, "without priority, which takes a GnuTLS string, the ciphers are modern ones");
}

/* A server beside the default one, with its own certificate or clients. */
static void write_other_tls(struct nginx_server *s, const struct listen *l)
{
    struct import_node *tls = import_group(s->m, s->listener, "tls");
    const struct import_block *names = import_block_own(l->server, "server_name");
    const char *identity = identity_of(s->m, l->server);
    if (identity == NULL || names == NULL)
        return;
    struct import_node *rows = import_find(tls, "identities");
    if (rows == NULL)
        rows = import_add(s->m, tls, IMPORT_ROWS, "identities", NULL);
    struct import_node *one = import_add(s->m, rows, IMPORT_GROUP, NULL, NULL);
    struct import_node *list = import_at(import_add(s->m, one, IMPORT_LIST, "hosts", NULL), names->line);
    for (size_t i = 1; i < names->n; i++)
        import_add(s->m, list, IMPORT_STRING, NULL, names->w[i]);
    import_string(s->m, one, "identity", identity, l->listen->line);
    write_clients(s, one, l->server);
    if (import_find(one, "client_cert") == NULL && import_find(tls, "trust") != NULL)
        import_string(s->m, one, "client_cert", "none", l->listen->line);
}

/* ---- listeners ---- */

static void write_stream(struct nginx_server *s)
{
    import_string(s->m, s->listener, "protocol", "tcp", 0);
    const struct import_block *pass = import_block_own(s->server, "proxy_pass");
    const char *upstream = pass != NULL && !nginx_is_on(s->server, "ssl_preread") ? nginx_upstream(s, s->server, pass) : NULL;
    if (upstream != NULL) {
        import_string(s->m, s->listener, "upstream", upstream, pass->line);
        return;
    }
    import_left(s->m, s->m->listeners, s->server->line, "this server of stream: it has no plain proxy_pass");
    import_remove(s->m, s->listener);
}

static void check_server(struct nginx_server *s)
{
    for (const struct import_block *d = s->server->first; d != NULL; d = d->next)
        if (!nginx_is_needless(d->w[0]) && !nginx_is_read(d->w[0]))
            import_left(s->m, s->listener, d->line, strcmp(d->w[0], "include") == 0 ? "included files are not read: %.60s" : "\"%.60s\" has no counterpart",
                        strcmp(d->w[0], "include") == 0 && d->n > 1 ? d->w[1] : d->w[0]);
}

static void write_listener(struct import_model *m, const struct listen *all, size_t n, size_t first)
{
    const struct listen *l = &all[first];
    const struct import_block *name = import_block_own(l->server, "server_name");
    struct nginx_server s = {.m = m, .http = l->http, .server = l->server, .tls = l->tls, .is_stream = l->is_stream};
    s.listener = import_named(m, m->listeners, name != NULL && name->n > 1 && name->w[1][0] != '\0' ? name->w[1] : "server");
    import_bind(m, s.listener, l->address, l->tls, l->listen->line);
    if (has_word(l->listen, "proxy_protocol"))
        import_plain(m, s.listener, "accept_proxy_protocol", "true", l->listen->line);
    if (l->tls)
        write_tls(&s, l);
    check_server(&s);
    if (l->is_stream) {
        write_stream(&s);
        return;
    }
    for (size_t i = first + 1; i < n && l->tls; i++)
        if (strcmp(all[i].address, l->address) == 0)
            write_other_tls(&s, &all[i]);
    if (!l->tls)
        import_remark(m, s.listener, l->listen->line, "requests for other host names than loopback names are refused on a plaintext listener: name them in hosts");
    s.routes = import_add(m, s.listener, IMPORT_ROWS, "routes", NULL);
    for (size_t i = first + 1; i < n; i++)
        if (strcmp(all[i].address, l->address) == 0) {
            s.server = all[i].server;
            check_server(&s);
            if (import_block_own(s.server, "server_name") != NULL)
                nginx_routes(&s, false);
            else
                import_left(m, s.routes, s.server->line, "this server: another one has its address, and it has no server_name");
        }
    s.server = l->server;
    nginx_routes(&s, true);
    import_prune(m, s.routes);
    if (!import_has_group(s.routes)) {
        import_left(m, s.routes, l->server->line, "this server neither forwards nor returns: it answers 404");
        import_plain(m, import_add(m, s.routes, IMPORT_GROUP, NULL, NULL), "respond", "404", l->server->line);
    }
}

/* ---- the file ---- */

struct listens {
    struct listen *items; /* owned */
    size_t n;
};

static void add_listen(struct import_model *m, struct listens *all, const struct listen *l)
{
    struct listen *grown = realloc(all->items, (all->n + 1) * sizeof(*grown));
    if (grown == NULL) {
        m->failed = true;
        return;
    }
    all->items = grown;
    size_t at = all->n++;
    grown[at] = *l;
    for (size_t i = 0; i < at && l->is_default; i++) /* it goes before those of its address */
        if (strcmp(grown[i].address, l->address) == 0) {
            memmove(&grown[i + 1], &grown[i], (at - i) * sizeof(*grown));
            grown[i] = *l;
            return;
        }
}

static void add_server(struct import_model *m, struct listens *all, const struct import_block *http, const struct import_block *server, bool is_stream)
{
    bool has_listen = false;
    for (const struct import_block *d = server->first; d != NULL; d = d->next) {
        if (strcmp(d->w[0], "listen") != 0)
            continue;
        struct listen l = {.http = http, .server = server, .listen = d, .is_default = has_word(d, "default_server") || has_word(d, "default"), .is_stream = is_stream};
        bool only_ssl = d->n == 2 && strcmp(d->w[1], "ssl") == 0; /* "listen ssl", as articles have it */
        l.tls = only_ssl || has_word(d, "ssl") || (!is_stream && nginx_is_on(server, "ssl"));
        has_listen = true;
        if (!only_ssl && d->n > 1 && import_address(l.address, sizeof(l.address), d->w[1], "", l.tls ? "443" : "80"))
            add_listen(m, all, &l);
        else
            import_left(m, m->listeners, d->line, "listen: write it as HOST:PORT");
    }
    if (!has_listen)
        import_left(m, m->listeners, server->line, "this server has no listen directive");
}

static void read_block(struct import_model *m, struct listens *all, const struct import_block *block, bool is_stream)
{
    for (const struct import_block *d = block->first; d != NULL; d = d->next) {
        bool is_block = block->parent == NULL && import_is(d->w[0], "http stream");
        if (is_block)
            continue;
        if (strcmp(d->w[0], "server") == 0)
            add_server(m, all, block, d, is_stream);
        else if (strcmp(d->w[0], "include") == 0 && d->n > 1 && strstr(d->w[1], "mime.types") == NULL)
            import_left(m, &m->top, d->line, "included files are not read: import \"%.200s\" too", d->w[1]);
        else if (strcmp(d->w[0], "include") != 0 && !nginx_is_needless(d->w[0]) && !nginx_is_read(d->w[0]))
            import_left(m, &m->top, d->line, "\"%.60s\" has no counterpart", d->w[0]);
    }
}

void import_nginx(struct import_model *m)
{
    struct listens all = {0};
    struct import_block *top = nginx_parse(m);
    if (top == NULL) {
        m->failed = true;
        return;
    }
    read_block(m, &all, top, false); /* a file of sites-enabled has servers without http around them */
    for (const struct import_block *d = top->first; d != NULL; d = d->next)
        if (import_is(d->w[0], "http stream"))
            read_block(m, &all, d, strcmp(d->w[0], "stream") == 0);
    for (size_t i = 0; i < all.n; i++) {
        bool is_first = true;
        for (size_t k = 0; k < i; k++)
            is_first = is_first && strcmp(all.items[k].address, all.items[i].address) != 0;
        if (is_first)
            write_listener(m, all.items, all.n, i);
    }
    free(all.items);
    import_block_free(top);
}
