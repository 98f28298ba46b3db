/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct back {
    const struct haproxy *h;
    const struct haproxy_section *s;
    struct import_node *node, *targets;
    bool is_http, has_tls, has_plain;
    char *tls_words; /* of the first server with ssl, to compare others with; owned */
};

/* The settings that have to be the same for all servers of an upstream. */
static char *tls_words(struct back *b, const struct haproxy_line *line)
{
    static const char *const words[] = {"crt", "ca-file", "crl-file", "verify", "verifyhost", "sni", "ssl-min-ver", "ssl-max-ver", "alpn"};
    struct bytes out;
    bytes_init(&out, 65536);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *value = haproxy_value(line, words[i]);
        bytes_printf(&out, "%s\n", value != NULL ? value : "");
    }
    char *text = span_dup(bytes_span(&out));
    b->h->m->failed = b->h->m->failed || text == NULL;
    bytes_clear(&out);
    return text;
}

static const char *version(const char *theirs)
{
    return strcmp(theirs, "TLSv1.3") == 0 ? "1.3" : strcmp(theirs, "TLSv1.2") == 0 ? "1.2" : NULL;
}

static void write_server_name(struct back *b, struct import_node *tls, const struct haproxy_line *line)
{
    const char *name = haproxy_value(line, "verifyhost"), *sni = haproxy_value(line, "sni");
    char text[256];
    if (sni != NULL && (sscanf(sni, "str(%255[^)])", text) != 1 || strchr(text, '\'') != NULL)) {
        import_left(b->h->m, tls, line->number, "sni \"%.100s\" is not a fixed name: mtlsd sends server_name, or the target's host", sni);
        sni = NULL;
    }
    if (name == NULL && sni != NULL)
        name = text;
    if (name != NULL)
        import_string(b->h->m, tls, "server_name", name, line->number);
    else
        import_remark(b->h->m, tls, line->number, "HAProxy checks no name here; mtlsd expects the target's host in the certificate: set server_name or expect");
}

static void write_tls(struct back *b, const struct haproxy_line *line)
{
    struct import_model *m = b->h->m;
    struct import_node *tls = import_at(import_group(m, b->node, "tls"), line->number);
    const char *crt = haproxy_value(line, "crt"), *verify = haproxy_value(line, "verify"), *ca = haproxy_value(line, "ca-file");
    const char *crl = haproxy_value(line, "crl-file"), *min = haproxy_value(line, "ssl-min-ver"), *max = haproxy_value(line, "ssl-max-ver");
    char *crt_path = crt != NULL ? haproxy_path(b->h, b->h->crt_base, crt) : NULL, *crl_path = crl != NULL ? haproxy_path(b->h, b->h->ca_base, crl) : NULL;
    char *ca_path = ca != NULL && strcmp(ca, "@system-ca") != 0 ? haproxy_path(b->h, b->h->ca_base, ca) : NULL;
    if (crt_path != NULL)
        import_string(m, tls, "identity", import_identity(m, crt_path, NULL, NULL, line->number), line->number);
    import_string(m, tls, "trust", import_trust(m, &(struct import_trust_files){.ca = ca_path, .crl = crl_path, .line = line->number, .crl_line = line->number}),
                  line->number);
    if (verify != NULL && strcmp(verify, "none") == 0)
        import_left(m, tls, line->number, "verify none: mtlsd always verifies an upstream with tls, here with this trust");
    write_server_name(b, tls, line);
    if (min != NULL && version(min) != NULL)
        import_string(m, tls, "min_version", version(min), line->number);
    if (max != NULL && version(max) != NULL)
        import_string(m, tls, "max_version", version(max), line->number);
    free(crt_path);
    free(crl_path);
    free(ca_path);
}

/* Words with a value, and words alone, that need nothing here or are read elsewhere. */
static void check_words(struct back *b, struct import_node *to, const struct haproxy_line *line, size_t from)
{
    for (size_t i = from; i < line->n; i++)
        if (import_is(line->w[i], "crt ca-file crl-file verify verifyhost sni weight cookie ssl-min-ver ssl-max-ver inter fall rise maxconn maxqueue slowstart id fastinter downinter"))
            i++;
        else if (!import_is(line->w[i], "ssl check backup send-proxy send-proxy-v2 check-ssl no-check disabled"))
            import_left(b->h->m, to, line->number, "\"%.60s\" has no counterpart", line->w[i]);
}

static bool has_word(const struct haproxy_line *line, const char *word)
{
    for (size_t i = 1; i < line->n; i++)
        if (strcmp(line->w[i], word) == 0)
            return true;
    return false;
}

static void write_health(struct back *b, const struct haproxy_line *line)
{
    char text[32];
    struct haproxy_line check;
    const char *inter = haproxy_value(line, "inter");
    if (!has_word(line, "check") || import_find(b->node, "health") != NULL)
        return;
    struct import_node *health = import_group(b->h->m, b->node, "health");
    import_string(b->h->m, health, "interval", inter != NULL && import_duration(text, inter, "ms", 100, 86400000) ? text : "2s", line->number);
    if (!b->is_http || !haproxy_setting(b->h, b->s, "option", "httpchk", &check))
        return;
    const char *path = check.n > 3 ? check.w[3] : check.n == 3 ? check.w[2] : "/";
    if (path[0] == '/')
        import_string(b->h->m, health, "path", path, check.number);
    haproxy_done(&check);
}

static void write_target(struct back *b, const struct haproxy_line *line, const char *address)
{
    struct import_model *m = b->h->m;
    struct import_node *target = import_add(m, b->targets, IMPORT_GROUP, NULL, NULL);
    const char *weight = haproxy_value(line, "weight"), *cookie = haproxy_value(line, "cookie");
    import_string(m, target, "address", address, line->number);
    if (cookie != NULL)
        import_string(m, target, "route", cookie, line->number);
    if (weight != NULL && strspn(weight, "0123456789") == strlen(weight) && strtoul(weight, NULL, 10) >= 1 && strtoul(weight, NULL, 10) <= 256)
        import_plain(m, target, "weight", weight, line->number);
    else if (weight != NULL)
        import_left(m, target, line->number, "weight %.20s is not within 1..256", weight);
    if (has_word(line, "backup"))
        import_plain(m, target, "backup", "true", line->number);
    check_words(b, target, line, 3);
}

static void write_server(struct back *b, struct haproxy_line *line)
{
    char address[300];
    struct haproxy_line defaults;
    if (line->n < 3 || !import_address(address, sizeof(address), line->w[2], "127.0.0.1", has_word(line, "ssl") ? "443" : "80")) {
        import_left(b->h->m, b->node, line->number, "this server: its address is not HOST:PORT");
        return;
    }
    if (has_word(line, "disabled")) {
        import_left(b->h->m, b->node, line->number, "this server is disabled");
        return;
    }
    bool has_defaults = haproxy_setting(b->h, b->s, "default-server", NULL, &defaults);
    for (size_t i = 1; has_defaults && i < defaults.n && line->n < IMPORT_MAX_WORDS; i++)
        line->w[line->n++] = defaults.w[i]; /* behind its own, which are found first */
    bool tls = has_word(line, "ssl");
    char *words = tls ? tls_words(b, line) : NULL;
    if ((tls && b->has_plain) || (!tls && b->has_tls) || (tls && b->tls_words != NULL && words != NULL && strcmp(words, b->tls_words) != 0)) {
        import_left(b->h->m, b->node, line->number, "this server: its TLS settings differ from those of the servers before it; give it an upstream of its own");
    } else {
        if (tls && !b->has_tls)
            write_tls(b, line);
        write_target(b, line, address);
        write_health(b, line);
        b->has_tls = tls;
        b->has_plain = !tls;
        if (b->tls_words == NULL) {
            b->tls_words = words;
            words = NULL;
        }
        if (has_word(line, "send-proxy") || has_word(line, "send-proxy-v2"))
            import_string(b->h->m, b->node, "send_proxy_protocol", has_word(line, "send-proxy") ? "v1" : "v2", line->number);
    }
    free(words);
    if (has_defaults)
        haproxy_done(&defaults);
}

static void write_balance(struct back *b, const struct haproxy_line *line)
{
    static const struct import_variable words[] = {
        {"roundrobin", "round_robin"}, {"static-rr", "round_robin"}, {"leastconn", "least_conn"}, {"random", "random"}, {"source", "hash"},
    };
    const char *word = line->n > 1 ? line->w[1] : "";
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].theirs, word) == 0) {
            import_string(b->h->m, b->node, "balance", words[i].ours, line->number);
            return;
        }
    import_left(b->h->m, b->node, line->number, "balance %.60s: round_robin is used", word);
}

static void write_sticky(struct back *b, const struct haproxy_line *line)
{
    struct import_model *m = b->h->m;
    if (strcmp(line->w[0], "stick") == 0 && b->is_http && line->n > 2 && strncmp(line->w[2], "ssl_c_", 6) == 0) {
        import_string(m, b->node, "sticky", "client_cert", line->number);
        return;
    }
    bool is_insert = strcmp(line->w[0], "cookie") == 0 && b->is_http && line->n > 2 && has_word(line, "insert") &&
                     strspn(line->w[1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == strlen(line->w[1]);
    if (!is_insert) {
        import_left(m, b->node, line->number, "this kind of persistence: sticky knows cookies in mode insert or suffix, and \"client_cert\"");
        return;
    }
    struct import_node *sticky = import_group(m, b->node, "sticky");
    import_string(m, sticky, "cookie", line->w[1], line->number);
    import_string(m, sticky, "mode", "insert", line->number);
}

static void read_line(struct back *b, struct haproxy_line *line)
{
    const char *word = line->w[0];
    if (strcmp(word, "server") == 0)
        write_server(b, line);
    else if (strcmp(word, "balance") == 0)
        write_balance(b, line);
    else if (strcmp(word, "cookie") == 0 || strcmp(word, "stick") == 0)
        write_sticky(b, line);
    else if (b->s->kind == HAPROXY_BACKEND && !import_is(word, "mode timeout default-server stick-table redirect http-request acl log description option"))
        import_left(b->h->m, b->node, line->number, "\"%.60s\" has no counterpart", word);
    else if (b->s->kind == HAPROXY_BACKEND && strcmp(word, "option") == 0 && line->n > 1 &&
             !import_is(line->w[1], "httpchk forwardfor http-server-close http-keep-alive redispatch httpclose ssl-hello-chk tcp-check"))
        import_left(b->h->m, b->node, line->number, "option %.60s has no counterpart", line->w[1]);
}

void haproxy_upstream(struct haproxy *h, struct haproxy_section *s)
{
    struct haproxy_line line = {0};
    struct import_node *node = import_named(h->m, h->m->upstreams, s->name);
    struct back b = {.h = h, .s = s, .node = node, .is_http = haproxy_is_http(h, s)};
    b.targets = import_add(h->m, node, IMPORT_ROWS, "targets", NULL);
    while (haproxy_next(h, s, &line))
        read_line(&b, &line);
    free(b.tls_words);
    import_check_backups(h->m, b.targets);
    if (!import_has_group(b.targets)) {
        import_keep_remarks(h->m, node, h->m->upstreams);
        if (s->kind == HAPROXY_BACKEND)
            import_left(h->m, h->m->upstreams, s->line, "this backend has no server that could be carried over");
        import_remove(h->m, node);
        return;
    }
    s->upstream = node->key;
    if (b.is_http)
        import_string(h->m, node, "host", "preserve", 0);
    haproxy_timeout(h, s, node, "connect", "connect");
    haproxy_timeout(h, s, node, "server", b.is_http ? "response" : "idle");
}
