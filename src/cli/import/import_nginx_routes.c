/* SPDX-License-Identifier: Apache-2.0 */
#include "import_nginx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct import_variable variables[] = {
    {"ssl_client_s_dn", "{cert.subject}"}, {"ssl_client_i_dn", "{cert.issuer}"}, {"ssl_client_serial", "{cert.serial}"},
    {"ssl_client_fingerprint", "{cert.sha1}"}, {"ssl_client_verify", "{cert.verify}"}, {"ssl_client_escaped_cert", "{cert.pem}"},
    {"ssl_client_v_start", "{cert.not_before}"}, {"ssl_client_v_end", "{cert.not_after}"}, {"ssl_protocol", "{tls.version}"},
    {"ssl_cipher", "{tls.cipher}"}, {"ssl_server_name", "{tls.sni}"}, {"remote_addr", "{client.address}"}, {"remote_port", "{client.port}"},
    {"host", "{request.host}"}, {"http_host", "{request.host}"}, {"request_uri", "{request.uri}"}, {"uri", "{request.path}"},
    {"request_method", "{request.method}"}, {"request_id", "{request.id}"}, {"https", NULL}, {"scheme", NULL},
};

static const char *value_of(const struct nginx_server *s, const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        if (strlen(variables[i].theirs) == n && strncmp(variables[i].theirs, name, n) == 0)
            return variables[i].ours != NULL ? variables[i].ours : strcmp(variables[i].theirs, "scheme") == 0 ? s->tls ? "https" : "http" : s->tls ? "on" : NULL;
    return NULL;
}

bool nginx_text(const struct nginx_server *s, const char *text, struct bytes *out)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    for (const char *c = text; *c != '\0';) {
        size_t plain = strcspn(c, "$");
        import_literal(out, c, plain);
        c += plain;
        if (*c == '\0')
            break;
        bool is_braced = c[1] == '{';
        const char *name = c + (is_braced ? 2 : 1);
        size_t n = strspn(name, letters);
        const char *ours = value_of(s, name, n);
        if (ours == NULL || (is_braced && name[n] != '}'))
            return false;
        bytes_append_str(out, ours);
        c = name + n + (is_braced ? 1 : 0);
    }
    return true;
}

/* ---- what a route matches ---- */

struct place { /* one location, or the server without one */
    const struct import_block *at;
    char path[256]; /* "" : any */
    bool is_prefix; /* nginx also takes "/ax" for "/a" */
    const struct import_block *names; /* server_name of a server that is not the default one */
};

static struct import_node *add_route(struct nginx_server *s, const struct place *p)
{
    struct import_node *route = import_add(s->m, s->routes, IMPORT_GROUP, NULL, NULL);
    if (p->names != NULL) {
        struct import_node *list = import_at(import_add(s->m, route, IMPORT_LIST, "host", NULL), p->names->line);
        for (size_t i = 1; i < p->names->n; i++)
            import_add(s->m, list, IMPORT_STRING, NULL, p->names->w[i]);
    }
    if (p->path[0] != '\0')
        import_string(s->m, route, "path", p->path, p->at->line);
    return route;
}

static void note_prefix(struct nginx_server *s, const struct place *p, struct import_node *route, size_t line)
{
    if (p->is_prefix)
        import_left(s->m, route, line, "nginx also refuses paths that go on without a slash, as %.100sx; this route does not", p->path);
}

static void refuse_all(struct nginx_server *s, const struct place *p, size_t line, const char *why)
{
    struct import_node *route = add_route(s, p);
    import_left(s->m, route, line, "%s: these requests are refused until you replace this route", why);
    note_prefix(s, p, route, line);
    import_plain(s->m, route, "respond", "403", line);
}

/* ---- actions ---- */

static void write_return(struct nginx_server *s, struct import_node *route, const struct import_block *d)
{
    struct bytes text;
    bytes_init(&text, 65536);
    const char *status = d->n > 1 ? d->w[1] : "", *more = d->n > 2 ? d->w[2] : NULL;
    bool is_status = strlen(status) == 3 && strspn(status, "0123456789") == 3;
    bool is_known = nginx_text(s, more != NULL ? more : is_status ? "" : status, &text);
    char *value = span_dup(bytes_span(&text));
    bool is_url = value != NULL && is_known && (strncmp(value, "http", 4) == 0 || value[0] == '/');
    if (is_url && (!is_status || import_is(status, "301 302 303 307 308"))) {
        import_string(s->m, route, "redirect", value, d->line);
        if (is_status)
            import_plain(s->m, route, "redirect_status", status, d->line);
    } else if (is_status && (status[0] == '2' || status[0] == '4' || status[0] == '5') && strcmp(status, "444") != 0) {
        bool has_body = more != NULL && is_known && value != NULL;
        struct import_node *respond = has_body ? import_group(s->m, route, "respond") : route;
        import_plain(s->m, respond, has_body ? "status" : "respond", status, d->line);
        if (has_body)
            import_string(s->m, respond, "body", value, d->line);
        else if (more != NULL)
            import_left(s->m, route, d->line, "the text of this answer has a variable without a counterpart");
    } else {
        import_left(s->m, route, d->line, "this return has no counterpart: requests are refused");
        import_plain(s->m, route, "respond", "403", d->line);
    }
    free(value);
    bytes_clear(&text);
}

static bool is_forwarded_field(const struct import_block *d)
{
    return strcasecmp(d->w[1], "X-Forwarded-For") == 0 || strcasecmp(d->w[1], "X-Forwarded-Proto") == 0 || strcasecmp(d->w[1], "X-Forwarded-Host") == 0;
}

static void write_field(struct nginx_server *s, struct import_node *route, const struct import_block *d)
{
    struct bytes text;
    if (d->n != 3 || strcasecmp(d->w[1], "Host") == 0 || strcasecmp(d->w[1], "Upgrade") == 0 || strcasecmp(d->w[1], "Connection") == 0)
        return; /* Host is a key of the upstream, and the others are ours */
    if (is_forwarded_field(d)) {
        import_string(s->m, s->listener, "forwarded", "x", d->line);
        return;
    }
    bytes_init(&text, 65536);
    bool is_known = nginx_text(s, d->w[2], &text);
    char *value = span_dup(bytes_span(&text));
    if (!is_known || value == NULL || !import_field(s->m, route, d->w[1], d->w[2][0] != '\0' ? value : NULL, d->line))
        import_field_left(s->m, route, d->w[1], d->line);
    free(value);
    bytes_clear(&text);
}

/* Those of the innermost block that has any, as nginx inherits them. */
static void write_fields(struct nginx_server *s, struct import_node *route, const struct import_block *at)
{
    while (at != NULL && import_block_own(at, "proxy_set_header") == NULL)
        at = at->parent;
    for (const struct import_block *d = at != NULL ? at->first : NULL; d != NULL; d = d->next)
        if (strcmp(d->w[0], "proxy_set_header") == 0)
            write_field(s, route, d);
}

static void write_pass(struct nginx_server *s, const struct place *p, const struct import_block *pass)
{
    const char *upstream = nginx_upstream(s, p->at, pass);
    if (upstream == NULL) {
        refuse_all(s, p, pass->line, "nothing to forward to");
        return;
    }
    struct import_node *route = add_route(s, p);
    import_string(s->m, route, "upstream", upstream, pass->line);
    nginx_write_allow(s, route);
    const char *host = strstr(pass->w[1], "://"), *uri = host != NULL && strncmp(host, "://unix:", 8) != 0 ? strchr(host + 3, '/') : NULL;
    if (uri != NULL && strcmp(uri, "/") == 0 && p->path[0] != '\0')
        import_string(s->m, route, "strip_prefix", p->path, pass->line);
    else if (uri != NULL && strcmp(uri, p->path[0] != '\0' ? p->path : "/") != 0)
        import_left(s->m, route, pass->line, "the path \"%.100s\" in proxy_pass: paths are forwarded as they are, or without strip_prefix", uri);
    write_fields(s, route, p->at);
}

/* ---- if ---- */

static void write_unknown_if(struct nginx_server *s, const struct place *p, const struct import_block *d, bool refuses)
{
    if (refuses)
        refuse_all(s, p, d->line, "an \"if\" that refuses requests on a condition without a counterpart");
    else
        import_left(s->m, s->routes, d->line, "an \"if\" has no counterpart: write a route");
}

/* With or without a certificate: of those that get behind the handshake. */
static void write_certificate_if(struct nginx_server *s, const struct place *p, const struct import_block *d, const struct nginx_if *q)
{
    bool may_none = !s->asks || s->is_optional, may_valid = s->asks;
    bool none = q->for_none && may_none, valid = q->for_valid && may_valid;
    if (!none && !valid) {
        import_remark(s->m, s->routes, d->line, q->for_none ? "not needed: the handshake refuses clients without a valid certificate" : "this \"if\" is never true on this listener");
        return;
    }
    struct import_node *route = add_route(s, p);
    if (none != may_none || valid != may_valid) {
        struct import_node *list = import_at(import_add(s->m, route, IMPORT_LIST, "cert", NULL), d->line);
        import_add(s->m, list, IMPORT_STRING, NULL, none ? "none" : "valid");
    }
    write_return(s, route, import_block_own(d, "return"));
}

static void write_if(struct nginx_server *s, const struct place *p, const struct import_block *d)
{
    struct nginx_if q;
    const struct import_block *answer = import_block_own(d, "return");
    bool refuses = answer != NULL && answer->n > 1 && (answer->w[1][0] == '4' || answer->w[1][0] == '5');
    nginx_read_if(s, d, &q);
    if (answer == NULL || q.kind == NGINX_IF_UNKNOWN) {
        write_unknown_if(s, p, d, refuses);
    } else if (q.kind == NGINX_IF_CERTIFICATE) {
        write_certificate_if(s, p, d, &q);
    } else if (!s->asks) { /* without a certificate there is no subject */
        write_return(s, add_route(s, p), answer);
    } else if (!refuses || s->gate.kind != NGINX_IF_UNKNOWN) {
        write_unknown_if(s, p, d, refuses);
    } else {
        s->gate = q;
        s->gate_line = d->line;
    }
}

/* ---- locations ---- */

/* Writes the directives that refuse before anything is forwarded. false: all is refused. */
static bool write_gates(struct nginx_server *s, const struct place *p)
{
    static const char gates[] = "deny allow auth_basic auth_request auth_jwt internal satisfy limit_except limit_req limit_conn secure_link";
    for (const struct import_block *d = p->at->first; d != NULL; d = d->next)
        if (strcmp(d->w[0], "if") == 0)
            write_if(s, p, d);
    for (const struct import_block *at = p->at; at != NULL; at = at->parent) /* inherited too */
        for (const struct import_block *d = at->first; d != NULL; d = d->next)
            if (import_is(d->w[0], gates) && !(d->n > 1 && strcmp(d->w[0], "allow") == 0 && strcmp(d->w[1], "all") == 0)) {
                refuse_all(s, p, d->line, "access is limited by a directive without a counterpart");
                return false;
            }
    return true;
}

static void write_place(struct nginx_server *s, const struct place *p)
{
    bool is_location = strcmp(p->at->w[0], "location") == 0;
    const struct import_block *pass = import_block_own(p->at, "proxy_pass"), *answer = import_block_own(p->at, "return");
    if (answer != NULL) {
        struct import_node *route = add_route(s, p);
        write_return(s, route, answer);
        nginx_write_allow(s, route);
        if (answer->n > 1 && answer->w[1][0] == '4')
            note_prefix(s, p, route, p->at->line);
    } else if (pass != NULL) {
        write_pass(s, p, pass);
    } else if (is_location) {
        struct import_node *route = add_route(s, p);
        import_left(s->m, route, p->at->line, "this location neither forwards nor returns, and mtlsd serves no files: it answers 404");
        import_plain(s->m, route, "respond", "404", p->at->line);
    }
    for (const struct import_block *d = p->at->first; d != NULL; d = d->next)
        if (is_location && !nginx_is_needless(d->w[0]) && !nginx_is_read(d->w[0]))
            import_left(s->m, s->routes, d->line, "\"%.60s\" has no counterpart", d->w[0]);
}

static bool place_of(struct nginx_server *s, const struct import_block *d, struct place *out)
{
    const char *modifier = d->n > 2 ? d->w[1] : "", *path = d->n > 2 ? d->w[2] : d->n > 1 ? d->w[1] : "";
    size_t n = strlen(path);
    out->at = d;
    if (modifier[0] == '~' || path[0] != '/' || n >= sizeof(out->path) || strpbrk(path, "*?#%;") != NULL)
        return false;
    snprintf(out->path, sizeof(out->path), "%s", path);
    out->is_prefix = n > 0 && path[n - 1] != '/' && strcmp(modifier, "=") != 0;
    while (n > 0 && out->path[n - 1] == '/') /* both "/x" and "/x/" are ours as "/x", and "/" is any */
        out->path[--n] = '\0';
    if (strcmp(modifier, "=") == 0)
        import_remark(s->m, s->routes, d->line, "path matches whole segments: this path itself, and what is below it");
    return true;
}

/* The beginning of all paths that match ^/a/b.*, in whole segments: "/a"; "": any. */
static void literal_path(const char *pattern, char path[256])
{
    size_t n = pattern[0] == '^' && pattern[1] == '/' ? strcspn(pattern + 1, "\\.[](){}*+?|$^") : 0;
    bool is_whole = n > 0 && pattern[1 + n] == '\0';
    path[0] = '\0';
    if (n == 0 || n >= 256)
        return;
    memcpy(path, pattern + 1, n);
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (!is_whole || slash[1] == '\0')
        *slash = '\0';
    if (strpbrk(path, "%;#?") != NULL)
        path[0] = '\0';
}

/* The longest path first, as nginx chooses. */
static int by_length(const void *a, const void *b)
{
    size_t x = strlen(((const struct place *)a)->path), y = strlen(((const struct place *)b)->path);
    return x > y ? -1 : x < y;
}

/* The next location of a server, also inside others; NULL begins. */
static const struct import_block *next_location(const struct import_block *server, const struct import_block *d)
{
    const struct import_block *at = d == NULL ? server->first : d->first != NULL ? d->first : d->next;
    while (d != NULL && at == NULL && d->parent != server) {
        d = d->parent;
        at = d->next;
    }
    while (at != NULL && strcmp(at->w[0], "location") != 0) {
        const struct import_block *up = at;
        at = at->next;
        while (at == NULL && up->parent != server) {
            up = up->parent;
            at = up->next;
        }
    }
    return at;
}

static void write_locations(struct nginx_server *s, const struct import_block *names)
{
    size_t n = 0, used = 0;
    for (const struct import_block *d = NULL; (d = next_location(s->server, d)) != NULL;)
        n++;
    struct place *places = calloc(n + 1, sizeof(*places));
    if (places == NULL) {
        s->m->failed = true;
        return;
    }
    for (const struct import_block *d = NULL; (d = next_location(s->server, d)) != NULL;) {
        places[used].names = names;
        if (place_of(s, d, &places[used])) {
            used++;
        } else if (import_block_own(d, "proxy_pass") != NULL) {
            import_left(s->m, s->routes, d->line, "a location with a pattern or a name: these requests go to the other routes");
        } else {
            struct place any = {.at = d, .names = names};
            literal_path(d->n > 2 ? d->w[2] : "", any.path);
            any.is_prefix = any.path[0] != '\0' && strlen(d->w[2]) == strlen(any.path) + 1; /* ^/a alone */
            refuse_all(s, &any, d->line, "a location with a pattern that does not forward could be a gate");
        }
    }
    qsort(places, used, sizeof(*places), by_length);
    const struct nginx_if outer = s->gate;
    for (size_t i = 0; i < used; i++) {
        if (write_gates(s, &places[i]))
            write_place(s, &places[i]);
        s->gate = outer; /* that of a location is not of the next one */
    }
    free(places);
}

void nginx_routes(struct nginx_server *s, bool is_default)
{
    const struct import_block *names = is_default ? NULL : import_block_own(s->server, "server_name");
    struct place all = {.at = s->server, .names = names};
    s->gate = (struct nginx_if){.kind = NGINX_IF_UNKNOWN};
    if (!write_gates(s, &all))
        return;
    if (import_block_own(s->server, "return") == NULL)
        write_locations(s, names);
    write_place(s, &all);
}
