/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bind { /* one bind line */
    const struct haproxy *h;
    const struct haproxy_section *s;
    const struct haproxy_line *line;
    bool tls, is_http;
    unsigned tolerated;
};

static bool has_word(const struct haproxy_line *line, const char *word)
{
    for (size_t i = 2; i < line->n; i++)
        if (strcmp(line->w[i], word) == 0)
            return true;
    return false;
}

static void write_addresses(const struct bind *b, struct import_node *listener)
{
    char address[300], *rest = b->line->n > 1 ? b->line->w[1] : NULL;
    while (rest != NULL) {
        char *comma = strchr(rest, ',');
        if (comma != NULL)
            *comma = '\0';
        const char *text = strncmp(rest, "ipv4@", 5) == 0 || strncmp(rest, "ipv6@", 5) == 0 || strncmp(rest, "unix@", 5) == 0 ? rest + 5 : rest;
        if (import_address(address, sizeof(address), text, "", NULL))
            import_bind(b->h->m, listener, address, b->tls, b->line->number);
        else
            import_left(b->h->m, listener, b->line->number, "bind \"%.100s\": write it as HOST:PORT", text);
        rest = comma != NULL ? comma + 1 : NULL;
    }
}

static void write_identities(const struct bind *b, struct import_node *tls)
{
    struct import_model *m = b->h->m;
    struct import_node *more = NULL;
    for (size_t i = 2; i + 1 < b->line->n; i++) {
        if (strcmp(b->line->w[i], "crt") != 0)
            continue;
        char *path = haproxy_path(b->h, b->h->crt_base, b->line->w[i + 1]);
        const char *name = path != NULL ? import_identity(m, path, NULL, NULL, b->line->number) : "";
        if (import_find(tls, "identity") == NULL) {
            import_string(m, tls, "identity", name, b->line->number);
        } else {
            if (more == NULL)
                more = import_add(m, tls, IMPORT_ROWS, "identities", NULL);
            import_string(m, import_add(m, more, IMPORT_GROUP, NULL, NULL), "identity", name, b->line->number);
        }
        free(path);
    }
    if (import_find(tls, "identity") == NULL)
        import_left(m, tls, b->line->number, "no crt in this line: give the listener an identity");
}

static unsigned write_tolerate(const struct bind *b, struct import_node *tls, const char *numbers)
{
    unsigned tolerated = 0;
    char text[256];
    snprintf(text, sizeof(text), "%s", numbers);
    if (strcmp(text, "all") == 0) {
        import_string(b->h->m, tls, "tolerate", "all", b->line->number);
        return HAPROXY_ERROR;
    }
    struct import_node *list = NULL;
    for (char *at = text, *comma; at != NULL; at = comma) {
        comma = strchr(at, ',');
        if (comma != NULL)
            *comma++ = '\0';
        unsigned bit = haproxy_status(at);
        if (bit == 0) {
            import_left(b->h->m, tls, b->line->number, "crt-ignore-err %.20s: such certificates are refused in the handshake", at);
        } else if ((tolerated & bit) == 0) {
            if (list == NULL)
                list = import_at(import_add(b->h->m, tls, IMPORT_LIST, "tolerate", NULL), b->line->number);
            import_add(b->h->m, list, IMPORT_STRING, NULL, haproxy_status_word(bit));
            tolerated |= bit;
        }
    }
    return tolerated;
}

/* Which statuses a request can have behind this handshake. */
static unsigned write_clients(const struct bind *b, struct import_node *tls)
{
    struct import_model *m = b->h->m;
    const char *verify = haproxy_value(b->line, "verify"), *ca = haproxy_value(b->line, "ca-file"), *crl = haproxy_value(b->line, "crl-file");
    const char *ignored = haproxy_value(b->line, "crt-ignore-err");
    bool is_asked = verify != NULL && (strcmp(verify, "required") == 0 || strcmp(verify, "optional") == 0);
    if (!is_asked) {
        if (ca != NULL)
            import_left(m, tls, b->line->number, "ca-file without verify: HAProxy requests no certificate, so none is requested here either");
        return HAPROXY_NONE;
    }
    if (ca == NULL)
        import_left(m, tls, b->line->number, "verify without ca-file: the trust is the system's CAs until you name one");
    char *ca_path = ca != NULL ? haproxy_path(b->h, b->h->ca_base, ca) : NULL, *crl_path = crl != NULL ? haproxy_path(b->h, b->h->ca_base, crl) : NULL;
    import_string(m, tls, "trust",
                  import_trust(m, &(struct import_trust_files){.ca = ca_path, .crl = crl_path, .line = b->line->number, .crl_line = b->line->number}), b->line->number);
    free(ca_path);
    free(crl_path);
    import_string(m, tls, "client_cert", verify, b->line->number);
    unsigned reachable = HAPROXY_VALID | (strcmp(verify, "optional") == 0 ? HAPROXY_NONE : 0);
    if (ignored != NULL && !b->is_http)
        import_left(m, tls, b->line->number, "crt-ignore-err in tcp mode: such certificates are refused");
    else if (ignored != NULL)
        reachable |= write_tolerate(b, tls, ignored);
    if (haproxy_value(b->line, "ca-ignore-err") != NULL)
        import_left(m, tls, b->line->number, "ca-ignore-err: a fault of a CA certificate counts as one of the whole chain; add it to tolerate if it has to pass");
    return reachable;
}

static void write_list(const struct bind *b, struct import_node *tls, const char *key, const char *values)
{
    char text[256];
    snprintf(text, sizeof(text), "%s", values);
    struct import_node *list = import_at(import_add(b->h->m, tls, IMPORT_LIST, key, NULL), b->line->number);
    for (char *at = text, *comma; at != NULL; at = comma) {
        comma = strchr(at, ',');
        if (comma != NULL)
            *comma++ = '\0';
        if (!b->is_http || import_is(at, "h2 http/1.1"))
            import_add(b->h->m, list, IMPORT_STRING, NULL, at);
    }
    if (list->first == NULL)
        import_remove(b->h->m, list);
}

static void write_version(const struct bind *b, struct import_node *tls, const char *theirs, const char *ours)
{
    const char *value = haproxy_value(b->line, theirs);
    if (value == NULL)
        return;
    if (strcmp(value, "TLSv1.2") == 0 || strcmp(value, "TLSv1.3") == 0)
        import_string(b->h->m, tls, ours, value + 4, b->line->number);
    else
        import_remark(b->h->m, tls, b->line->number, "%.40s %.20s: TLS 1.2 is the lowest version", theirs, value);
}

static void check_words(const struct bind *b, struct import_node *listener)
{
    for (size_t i = 2; i < b->line->n; i++)
        if (import_is(b->line->w[i], "crt ca-file crl-file verify crt-ignore-err ca-ignore-err alpn ssl-min-ver ssl-max-ver name maxconn mode user group backlog id"))
            i++;
        else if (!import_is(b->line->w[i], "ssl accept-proxy v4v6 v6only tfo defer-accept no-sslv3 no-tlsv10 no-tlsv11"))
            import_left(b->h->m, listener, b->line->number, "\"%.60s\" of this bind has no counterpart", b->line->w[i]);
}

static unsigned write_tls(const struct bind *b, struct import_node *listener)
{
    struct import_node *tls = import_at(import_group(b->h->m, listener, "tls"), b->line->number);
    const char *alpn = haproxy_value(b->line, "alpn");
    write_identities(b, tls);
    unsigned reachable = write_clients(b, tls);
    if (alpn != NULL)
        write_list(b, tls, "alpn", alpn);
    write_version(b, tls, "ssl-min-ver", "min_version");
    write_version(b, tls, "ssl-max-ver", "max_version");
    return reachable;
}

/* Lines of the section that no other part reads. */
static void check_section(const struct bind *b, struct import_node *listener)
{
    static const char known[] = "bind mode timeout default_backend use_backend acl http-request http-response redirect tcp-request server default-server balance "
                                "cookie stick stick-table log description maxconn option capture unique-id-format reqadd";
    struct haproxy_line line = {0};
    while (haproxy_next(b->h, b->s, &line))
        if (!import_is(line.w[0], known) || import_is(line.w[0], "http-response capture unique-id-format"))
            import_left(b->h->m, listener, line.number, "\"%.60s\" has no counterpart", line.w[0]);
        else if (strcmp(line.w[0], "option") == 0 && line.n > 1 &&
                 !import_is(line.w[1], "httplog tcplog dontlognull forwardfor http-server-close http-keep-alive httpclose httpchk redispatch tcp-check"))
            import_left(b->h->m, listener, line.number, "option %.60s has no counterpart", line.w[1]);
}

static void write_listener(const struct bind *b)
{
    struct import_model *m = b->h->m;
    struct import_node *listener = import_named(m, m->listeners, b->s->name);
    struct haproxy_line line;
    write_addresses(b, listener);
    if (!b->is_http)
        import_string(m, listener, "protocol", "tcp", 0);
    if (has_word(b->line, "accept-proxy"))
        import_plain(m, listener, "accept_proxy_protocol", "true", b->line->number);
    unsigned reachable = b->tls ? write_tls(b, listener) : HAPROXY_NONE;
    check_words(b, listener);
    check_section(b, listener);
    if (b->is_http && haproxy_setting(b->h, b->s, "option", "forwardfor", &line)) {
        import_string(m, listener, "forwarded", "x", line.number);
        haproxy_done(&line);
    }
    if (b->is_http && !b->tls)
        import_remark(m, listener, b->line->number, "requests for other host names than loopback names are refused on a plaintext listener: name them in hosts");
    haproxy_timeout(b->h, b->s, listener, "client", "idle");
    if (b->is_http)
        haproxy_timeout(b->h, b->s, listener, "http-request", "header");
    struct haproxy_rules rules = {.h = b->h, .s = b->s, .listener = listener, .tls = b->tls, .reachable = reachable};
    rules.routes = import_add(m, listener, IMPORT_ROWS, "routes", NULL);
    haproxy_rules(&rules);
}

void haproxy_listeners(struct haproxy *h, const struct haproxy_section *s)
{
    struct haproxy_line line = {0};
    bool is_bound = false;
    while (haproxy_next(h, s, &line)) {
        if (strcmp(line.w[0], "bind") != 0)
            continue;
        struct bind b = {.h = h, .s = s, .line = &line, .tls = has_word(&line, "ssl"), .is_http = haproxy_is_http(h, s)};
        write_listener(&b);
        is_bound = true;
    }
    if (!is_bound)
        import_left(h->m, h->m->listeners, s->line, "this section has no bind line");
}
