/* SPDX-License-Identifier: Apache-2.0 */
#include "import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLAGS_MAX = 128 };

struct ghost_flag {
    const char *name, *value; /* in a line's text */
    size_t line;
};

struct ghost {
    struct import_model *m;
    struct ghost_flag flags[FLAGS_MAX];
    size_t n;
    bool is_server, is_client;
    size_t line; /* of server or client */
    struct import_node *listener, *upstream;
};

static const struct ghost_flag *flag(const struct ghost *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++)
        if (strcmp(g->flags[i].name, name) == 0)
            return &g->flags[i];
    return NULL;
}

static bool takes_value(const char *name)
{
    return !import_is(name, "allow-all disable-authentication unsafe-target unsafe-listen proxy-protocol quiet syslog enable-pprof use-workload-api landlock disable-landlock version help");
}

/* ---- the tree ---- */

static const char *identity_of(struct ghost *g)
{
    const struct ghost_flag *store = flag(g, "keystore"), *cert = flag(g, "cert"), *key = flag(g, "key");
    if (store != NULL) {
        size_t n = strlen(store->value);
        if (n > 4 && (strcmp(store->value + n - 4, ".p12") == 0 || strcmp(store->value + n - 4, ".pfx") == 0))
            import_left(g->m, &g->m->top, store->line, "PKCS#12: convert it with openssl pkcs12 -in FILE -nodes -out bundle.pem, and name that file");
        return import_identity(g->m, store->value, NULL, NULL, store->line);
    }
    return cert != NULL ? import_identity(g->m, cert->value, key != NULL ? key->value : NULL, NULL, cert->line) : NULL;
}

static void write_trust(struct ghost *g, struct import_node *tls)
{
    const struct ghost_flag *ca = flag(g, "cacert");
    import_string(g->m, tls, "trust", import_trust(g->m, &(struct import_trust_files){.ca = ca != NULL ? ca->value : NULL, .line = ca != NULL ? ca->line : 0}),
                  ca != NULL ? ca->line : g->line);
}

static void write_allow(struct ghost *g)
{
    static const struct import_variable words[] = {{"allow-cn", "cn"}, {"allow-ou", "ou"}, {"allow-dns", "dns"}, {"allow-uri", "uri"},
                                                   {"allow-dns-san", "dns"}, {"allow-uri-san", "uri"}, {"allow-ip-san", "ip"}};
    struct import_node *rows = NULL;
    for (size_t i = 0; i < g->n; i++)
        for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
            if (strcmp(words[k].theirs, g->flags[i].name) == 0) {
                if (rows == NULL)
                    rows = import_add(g->m, g->listener, IMPORT_ROWS, "allow", NULL);
                import_string(g->m, import_add(g->m, rows, IMPORT_GROUP, NULL, NULL), words[k].ours, g->flags[i].value, g->flags[i].line);
            }
    if (rows != NULL || flag(g, "allow-all") != NULL)
        return;
    import_left(g->m, g->listener, g->line, "no --allow flag that could be carried over: this rule matches no client until you replace it");
    rows = import_add(g->m, g->listener, IMPORT_ROWS, "allow", NULL);
    import_string(g->m, import_add(g->m, rows, IMPORT_GROUP, NULL, NULL), "cn", "replace this rule", g->line);
}

static void write_server(struct ghost *g)
{
    struct import_node *tls = import_at(import_group(g->m, g->listener, "tls"), g->line);
    const char *identity = identity_of(g);
    if (identity != NULL)
        import_string(g->m, tls, "identity", identity, g->line);
    else
        import_left(g->m, tls, g->line, "no --keystore or --cert: give the listener an identity");
    const struct ghost_flag *open = flag(g, "disable-authentication");
    if (open != NULL) {
        import_remark(g->m, tls, open->line, "no certificate is requested from clients, as before");
    } else {
        write_trust(g, tls);
        import_string(g->m, tls, "client_cert", "required", g->line);
        write_allow(g);
    }
    if (flag(g, "proxy-protocol") != NULL)
        import_string(g->m, g->upstream, "send_proxy_protocol", "v2", flag(g, "proxy-protocol")->line);
}

static void write_client(struct ghost *g)
{
    struct import_node *tls = import_at(import_group(g->m, g->upstream, "tls"), g->line), *expect = NULL;
    const char *identity = flag(g, "disable-authentication") == NULL ? identity_of(g) : NULL;
    if (identity != NULL)
        import_string(g->m, tls, "identity", identity, g->line);
    else
        import_remark(g->m, tls, g->line, "no client certificate is presented, as before");
    write_trust(g, tls);
    const struct ghost_flag *name = flag(g, "override-server-name");
    for (size_t i = 0; i < g->n; i++)
        if (import_is(g->flags[i].name, "verify-dns verify-uri verify-dns-san verify-uri-san")) {
            if (expect == NULL)
                expect = import_at(import_add(g->m, tls, IMPORT_LIST, "expect", NULL), g->flags[i].line);
            import_add(g->m, expect, IMPORT_STRING, NULL, g->flags[i].value);
            import_remark(g->m, tls, g->flags[i].line, "expect stands instead of the check of the host name, which ghostunnel makes as well");
        } else if (import_is(g->flags[i].name, "verify-cn verify-ou verify-ip-san verify-policy")) {
            import_left(g->m, tls, g->flags[i].line, "--%.40s: a server is verified by its DNS name or URI, here by server_name or the target's host", g->flags[i].name);
        }
    if (name != NULL)
        import_string(g->m, tls, "server_name", name->value, name->line);
}

static void check_flags(struct ghost *g)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct ghost_flag *f = &g->flags[i];
        if (import_is(f->name, "timed-reload shutdown-timeout quiet syslog unsafe-listen version help close-timeout"))
            continue;
        if (strcmp(f->name, "unsafe-target") == 0)
            import_remark(g->m, g->upstream, f->line, "the plaintext to this target can be read by other hosts, as before");
        else if (!import_is(f->name, "listen target keystore cert key cacert allow-all allow-cn allow-ou allow-dns allow-uri allow-dns-san allow-uri-san allow-ip-san "
                                     "disable-authentication proxy-protocol verify-cn verify-ou verify-dns verify-uri verify-dns-san verify-uri-san verify-ip-san "
                                     "verify-policy override-server-name connect-timeout"))
            import_left(g->m, g->listener, f->line, "--%.60s has no counterpart", f->name);
    }
}

static void write_command(struct ghost *g)
{
    char bind[300], target[300], text[32];
    const struct ghost_flag *listen = flag(g, "listen"), *to = flag(g, "target"), *connect = flag(g, "connect-timeout");
    if (listen == NULL || to == NULL || !import_address(bind, sizeof(bind), listen->value, "", NULL) || !import_address(target, sizeof(target), to->value, "127.0.0.1", NULL)) {
        import_left(g->m, &g->m->top, g->line, "this command: it needs --listen and --target with HOST:PORT or unix:PATH");
        return;
    }
    const char *like = g->is_server ? "server" : "client";
    g->upstream = import_named(g->m, g->m->upstreams, like);
    g->listener = import_named(g->m, g->m->listeners, like);
    import_bind(g->m, g->listener, bind, g->is_server, listen->line);
    import_string(g->m, g->listener, "protocol", "tcp", 0);
    import_string(g->m, g->listener, "upstream", g->upstream->key != NULL ? g->upstream->key : "", to->line);
    struct import_node *targets = import_at(import_add(g->m, g->upstream, IMPORT_LIST, "targets", NULL), to->line);
    import_add(g->m, targets, IMPORT_STRING, NULL, target);
    if (connect != NULL && import_duration(text, connect->value, "s", 10, 600000))
        import_string(g->m, import_group(g->m, g->upstream, "timeouts"), "connect", text, connect->line);
    if (g->is_server)
        write_server(g);
    else
        write_client(g);
    check_flags(g);
}

/* ---- the words ---- */

static void read_words(struct ghost *g, char **w, size_t n, size_t line)
{
    for (size_t i = 0; i < n; i++) {
        if (strncmp(w[i], "--", 2) != 0) {
            if (import_is(w[i], "server client") && !g->is_server && !g->is_client) {
                g->is_server = strcmp(w[i], "server") == 0;
                g->is_client = !g->is_server;
                g->line = line;
            }
            continue; /* a path of the program, sudo, exec */
        }
        char *equals = strchr(w[i], '=');
        if (equals != NULL)
            *equals = '\0';
        const char *name = w[i] + 2, *value = equals != NULL ? equals + 1 : "";
        if (equals == NULL && takes_value(name) && i + 1 < n)
            value = w[++i];
        if (g->n == FLAGS_MAX)
            import_left(g->m, &g->m->top, line, "there are more than %d flags", FLAGS_MAX);
        else
            g->flags[g->n++] = (struct ghost_flag){name, value, line};
    }
}

/* A line without its continuation mark; *goes_on says whether there was one. NULL: not of a command. */
static char *command_part(char *text, bool inside, bool *goes_on)
{
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    *goes_on = n > 0 && text[n - 1] == '\\';
    if (*goes_on)
        text[n - 1] = '\0';
    text += strspn(text, " \t");
    if (!inside && strncmp(text, "ExecStart=", 10) == 0)
        text += 10;
    else if (!inside && strstr(text, "ghostunnel") == NULL && strncmp(text, "server ", 7) != 0 && strncmp(text, "client ", 7) != 0)
        return NULL;
    return text[0] != '\0' && text[0] != '#' ? text : NULL;
}

static void end_command(struct ghost *g)
{
    if (g->is_server || g->is_client)
        write_command(g);
    *g = (struct ghost){.m = g->m};
}

void import_ghostunnel(struct import_model *m)
{
    struct ghost g = {.m = m};
    char **texts = calloc(m->n_lines + 1, sizeof(*texts)); /* flags point into them */
    bool inside = false, goes_on = false;
    for (size_t i = 1; texts != NULL && i <= m->n_lines; i++) {
        char *words[IMPORT_MAX_WORDS], *text = texts[i] = import_line(m, i);
        char *part = text != NULL ? command_part(text, inside, &goes_on) : NULL;
        size_t n = part != NULL ? import_split(part, IMPORT_SHELL, words) : 0;
        if (n == SIZE_MAX)
            import_left(m, &m->top, i, "a quote does not end, or there are more than %d words", IMPORT_MAX_WORDS);
        else
            read_words(&g, words, n, i);
        inside = goes_on && (inside || part != NULL);
        if (!inside)
            end_command(&g);
    }
    end_command(&g);
    m->failed = m->failed || texts == NULL;
    for (size_t i = 0; texts != NULL && i <= m->n_lines; i++)
        free(texts[i]);
    free(texts);
}
