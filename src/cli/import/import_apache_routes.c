/* SPDX-License-Identifier: Apache-2.0 */
#include "import_apache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct import_variable variables[] = {
    {"SSL_CLIENT_S_DN", "{cert.subject}"}, {"SSL_CLIENT_I_DN", "{cert.issuer}"}, {"SSL_CLIENT_S_DN_CN", "{cert.cn}"}, {"SSL_CLIENT_M_SERIAL", "{cert.serial}"},
    {"SSL_CLIENT_VERIFY", "{cert.verify}"}, {"SSL_CLIENT_CERT", "{cert.pem}"}, {"SSL_CLIENT_V_START", "{cert.not_before}"}, {"SSL_CLIENT_V_END", "{cert.not_after}"},
    {"SSL_PROTOCOL", "{tls.version}"}, {"SSL_CIPHER", "{tls.cipher}"}, {"SSL_TLS_SNI", "{tls.sni}"}, {"REMOTE_ADDR", "{client.address}"},
    {"HTTP_HOST", "{request.host}"}, {"SERVER_NAME", "{request.host}"}, {"REQUEST_URI", "{request.path}"}, {"REQUEST_METHOD", "{request.method}"},
};

/* The name of a variable: %{NAME}, %{SSL:NAME} or %{ENV:NAME}. *end: behind it. NULL: none. */
static const char *variable_name(const char *c, size_t *n, const char **end)
{
    const char *name = c + 2, *close = c[1] == '{' ? strchr(c, '}') : NULL;
    if (close == NULL)
        return NULL;
    bool is_prefixed = strncmp(name, "SSL:", 4) == 0 || strncmp(name, "ENV:", 4) == 0;
    name += is_prefixed ? 4 : 0;
    *n = (size_t)(close - name);
    *end = close + 1;
    return name;
}

bool apache_text(const char *text, bool in_field, struct bytes *out)
{
    for (const char *c = text; *c != '\0';) {
        size_t plain = strcspn(c, "%"), i = 0;
        import_literal(out, c, plain);
        c += plain;
        if (*c == '\0')
            break;
        const char *end = NULL;
        size_t n = 0;
        const char *name = variable_name(c, &n, &end);
        while (name != NULL && i < sizeof(variables) / sizeof(variables[0]) && (strlen(variables[i].theirs) != n || strncmp(variables[i].theirs, name, n) != 0))
            i++;
        if (name == NULL || i == sizeof(variables) / sizeof(variables[0]) || (in_field && *end != 's' && *end != 'e'))
            return false;
        bytes_append_str(out, variables[i].ours);
        c = end + in_field;
    }
    return true;
}

struct import_node *apache_add_route(struct apache_host *h, const char *path, size_t line)
{
    struct import_node *route = import_add(h->m, h->routes, IMPORT_GROUP, NULL, NULL);
    if (h->names != NULL) {
        struct import_node *list = import_at(import_add(h->m, route, IMPORT_LIST, "host", NULL), h->names->line);
        const struct import_block *more = import_block_own(h->host, "serveralias");
        char name[256];
        snprintf(name, sizeof(name), "%.*s", (int)(strcspn(h->names->w[1], ":") < 255 ? strcspn(h->names->w[1], ":") : 255), h->names->w[1]);
        import_add(h->m, list, IMPORT_STRING, NULL, name);
        for (size_t i = 1; more != NULL && i < more->n; i++)
            import_add(h->m, list, IMPORT_STRING, NULL, more->w[i]);
    }
    if (path[0] != '\0')
        import_string(h->m, route, "path", path, line);
    return route;
}

void apache_refuse_all(struct apache_host *h, const char *path, size_t line)
{
    struct import_node *route = apache_add_route(h, path, line);
    import_left(h->m, route, line, "access is limited in a way without a counterpart: these requests are refused until you replace this route");
    import_plain(h->m, route, "respond", "403", line);
}

/* "/x/" and "/x" as "/x"; "/" as "". false: not a path of ours. */
static bool take_path(const char *text, char path[256])
{
    size_t n = strlen(text);
    path[0] = '\0';
    if (text[0] != '/' || n >= 256 || strpbrk(text, "*?#%;$^(") != NULL)
        return false;
    snprintf(path, 256, "%s", text);
    while (n > 0 && path[n - 1] == '/')
        path[--n] = '\0';
    return true;
}

/* ---- gates ---- */

static const char limits[] = "sslrequire authtype deny order allow requireall requireany requirenone limit limitexcept if";

static bool is_open(const struct import_block *d) /* Require that refuses no client behind the handshake */
{
    return d->n == 3 && strcasecmp(d->w[1], "all") == 0 && strcasecmp(d->w[2], "granted") == 0;
}

static const char *demand_of(const struct import_block *in)
{
    const struct import_block *d = import_block_own(in, "sslverifyclient");
    return d != NULL && d->n > 1 ? d->w[1] : "";
}

bool apache_asks_below(const struct import_block *host)
{
    for (const struct import_block *d = host->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "location") == 0 && import_is(demand_of(d), "require optional"))
            return true;
    return false;
}

/* A <Location>: a certificate for some paths, and what limits access. */
static void write_location(struct apache_host *h, const struct import_block *at, const char *path)
{
    static const char needless[] = "ssloptions sslverifyclient sslverifydepth proxypass proxypassreverse requestheader require";
    if (strcmp(demand_of(at), "require") == 0 && h->is_optional) {
        const struct import_block *d = import_block_own(at, "sslverifyclient");
        struct import_node *route = apache_add_route(h, path, d->line);
        import_add(h->m, import_at(import_add(h->m, route, IMPORT_LIST, "cert", NULL), d->line), IMPORT_STRING, NULL, "none");
        import_plain(h->m, route, "respond", "403", d->line);
        import_remark(h->m, route, d->line, "the certificate is requested in the handshake of every client, not later for this path");
    }
    for (const struct import_block *d = at->first; d != NULL; d = d->next) {
        bool is_verified = d->n == 2 && strcmp(d->w[0], "require") == 0 && strcasecmp(d->w[1], "ssl-verify-client") == 0 && h->asks && !h->is_optional;
        if ((strcmp(d->w[0], "require") == 0 && !is_open(d) && !is_verified) ||
            import_is(d->w[0], limits) || (strcmp(d->w[0], "rewriterule") == 0 && apache_rule_refuses(d))) {
            apache_refuse_all(h, path, d->line);
            return;
        }
    }
    for (const struct import_block *d = at->first; d != NULL; d = d->next)
        if (!import_is(d->w[0], needless))
            import_left(h->m, h->routes, d->line, "\"%.60s\" has no counterpart", d->w[0]);
}

static bool limits_access(const struct import_block *in)
{
    for (const struct import_block *d = in->first; d != NULL; d = d->next)
        if ((strcmp(d->w[0], "require") == 0 && !is_open(d)) || import_is(d->w[0], limits) || (strcmp(d->w[0], "rewriterule") == 0 && apache_rule_refuses(d)))
            return true;
    return false;
}

/* Those of the host, or of the whole file. */
static void write_gates(struct apache_host *h, const struct import_block *in)
{
    char path[256];
    for (const struct import_block *d = in->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "location") == 0 && d->n == 2 && take_path(d->w[1], path))
            write_location(h, d, path);
        else if (import_is(d->w[0], "location locationmatch if elseif else sslrequire") || (import_is(d->w[0], "proxy proxymatch") && limits_access(d)))
            apache_refuse_all(h, "", d->line);
        else if (import_is(d->w[0], "proxypassmatch redirectmatch"))
            import_left(h->m, h->routes, d->line, "\"%.60s\" works with patterns: write a route with path", d->w[0]);
}

/* ---- forwarding ---- */

static void write_fields(struct apache_host *h, struct import_node *route, const struct import_block *in)
{
    for (const struct import_block *d = in->first; d != NULL; d = d->next) {
        if (strcmp(d->w[0], "requestheader") != 0 || d->n < 3)
            continue;
        struct bytes text;
        bytes_init(&text, 65536);
        bool removes = strcasecmp(d->w[1], "unset") == 0, sets = d->n == 4 && strcasecmp(d->w[1], "set") == 0;
        bool is_known = removes || (sets && apache_text(d->w[3], true, &text));
        char *value = span_dup(bytes_span(&text));
        if (!is_known || value == NULL || !import_field(h->m, route, d->w[2], removes ? NULL : value, d->line))
            import_field_left(h->m, route, d->w[2], d->line);
        free(value);
        bytes_clear(&text);
    }
}

/* at: the <Location> around it, or NULL. */
static void write_pass(struct apache_host *h, const struct import_block *d, const char *from, const char *url, const struct import_block *at)
{
    char path[256];
    if (!take_path(from, path)) {
        import_left(h->m, h->routes, d->line, "ProxyPass of \"%.100s\": this is not a plain path", from);
        return;
    }
    if (strcmp(url, "!") == 0) {
        import_plain(h->m, apache_add_route(h, path, d->line), "respond", "404", d->line);
        return;
    }
    const char *upstream = apache_upstream(h, d, url);
    struct import_node *route = apache_add_route(h, path, d->line);
    if (upstream == NULL) {
        import_plain(h->m, route, "respond", "503", d->line);
        return;
    }
    import_string(h->m, route, "upstream", upstream, d->line);
    const char *host = strstr(url, "://"), *uri = host != NULL ? strchr(host + 3, '/') : NULL;
    char theirs[256];
    if (uri != NULL && !take_path(uri, theirs))
        import_left(h->m, route, d->line, "the path \"%.100s\" of the target", uri);
    else if (path[0] != '\0' && strcmp(uri != NULL ? theirs : "", "") == 0)
        import_string(h->m, route, "strip_prefix", path, d->line);
    else if (uri != NULL && strcmp(theirs, path) != 0)
        import_left(h->m, route, d->line, "the path \"%.100s\" of the target: paths are forwarded as they are, or without strip_prefix", uri);
    write_fields(h, route, h->host);
    if (at != NULL)
        write_fields(h, route, at);
}

/* Redirect [status] path URL. What is behind the path is appended to the URL. */
static void write_redirect(struct apache_host *h, const struct import_block *d)
{
    static const struct import_variable words[] = {{"permanent", "301"}, {"temp", "302"}, {"seeother", "303"}, {"301", "301"}, {"302", "302"}, {"303", "303"}, {"307", "307"}, {"308", "308"}};
    const char *status = d->n == 3 ? "302" : NULL;
    char path[256];
    for (size_t i = 0; d->n == 4 && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].theirs, d->w[1]) == 0)
            status = words[i].ours;
    const char *from = d->n == 3 ? d->w[1] : d->n == 4 ? d->w[2] : "", *to = d->n >= 3 ? d->w[d->n - 1] : "";
    if (status == NULL || !take_path(from, path) || strchr(to, '{') != NULL || (strncmp(to, "http", 4) != 0 && to[0] != '/')) {
        import_left(h->m, h->routes, d->line, "this redirect has no counterpart");
        return;
    }
    struct bytes text;
    bytes_init(&text, 65536);
    size_t n = strlen(to);
    bytes_append(&text, to, path[0] == '\0' && n > 0 && to[n - 1] == '/' ? n - 1 : n);
    bytes_append_str(&text, path[0] == '\0' ? "{request.uri}" : "");
    char *location = span_dup(bytes_span(&text));
    struct import_node *route = apache_add_route(h, path, d->line);
    import_string(h->m, route, "redirect", location != NULL ? location : "", d->line);
    import_plain(h->m, route, "redirect_status", status, d->line);
    if (path[0] != '\0')
        import_remark(h->m, route, d->line, "Apache appends what is behind the path; this redirect leads to one place");
    h->m->failed = h->m->failed || location == NULL;
    free(location);
    bytes_clear(&text);
}

void apache_routes(struct apache_host *h)
{
    apache_rewrites(h, h->host);
    write_gates(h, h->host);
    if (h->host != h->top) {
        apache_rewrites(h, h->top);
        write_gates(h, h->top);
    }
    for (const struct import_block *d = h->host->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "redirect") == 0)
            write_redirect(h, d);
    for (const struct import_block *d = h->host->first; d != NULL; d = d->next) {
        const struct import_block *inner = strcmp(d->w[0], "location") == 0 && d->n == 2 ? import_block_own(d, "proxypass") : NULL;
        if (inner != NULL && inner->n > 1)
            write_pass(h, inner, d->w[1], inner->w[1], d);
    }
    for (const struct import_block *d = h->host->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "proxypass") == 0 && d->n > 2)
            write_pass(h, d, d->w[1], d->w[2], NULL);
}
