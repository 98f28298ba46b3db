/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The order of HAProxy: denials and redirects of the frontend, then use_backend, then the rules of that backend. Each becomes one route, and the first
 * that matches decides. A rule that refuses and cannot be written refuses everything in its place: what it protected is never open.
 */

static const struct import_variable variables[] = {
    {"ssl_c_s_dn(cn)", "{cert.cn}"}, {"ssl_c_s_dn(CN)", "{cert.cn}"}, {"ssl_c_s_dn", "{cert.subject}"}, {"ssl_c_i_dn", "{cert.issuer}"},
    {"ssl_c_serial,hex", "{cert.serial}"}, {"ssl_c_sha1,hex", "{cert.sha1}"}, {"ssl_c_der,sha2(256),hex", "{cert.sha256}"},
    {"ssl_c_der,base64", "{cert.der}"}, {"ssl_c_verify", "{cert.error}"}, {"ssl_fc_protocol", "{tls.version}"}, {"ssl_fc_cipher", "{tls.cipher}"},
    {"ssl_fc_sni", "{tls.sni}"}, {"ssl_c_notbefore", "{cert.not_before}"}, {"ssl_c_notafter", "{cert.not_after}"}, {"src", "{client.address}"},
    {"src_port", "{client.port}"}, {"req.hdr(host)", "{request.host}"}, {"hdr(host)", "{request.host}"}, {"req.hdr(Host)", "{request.host}"},
    {"hdr(Host)", "{request.host}"}, {"path", "{request.path}"}, {"pathq", "{request.uri}"}, {"capture.req.uri", "{request.uri}"}, {"method", "{request.method}"},
};

bool haproxy_text(const char *text, struct bytes *out)
{
    for (const char *c = text; *c != '\0';) {
        size_t plain = strcspn(c, "%");
        import_literal(out, c, plain);
        c += plain;
        if (*c == '\0')
            break;
        if (c[1] == '%') {
            bytes_append_str(out, "%");
            c += 2;
            continue;
        }
        const char *open = strchr(c, '['), *close = open != NULL ? strchr(open, ']') : NULL;
        bool is_quoted = strncmp(c, "%{+Q}[", 6) == 0;
        if (close == NULL || (open != c + 1 && !is_quoted))
            return false;
        size_t i = 0, n = (size_t)(close - open) - 1;
        while (i < sizeof(variables) / sizeof(variables[0]) && (strlen(variables[i].theirs) != n || strncmp(variables[i].theirs, open + 1, n) != 0))
            i++;
        if (i == sizeof(variables) / sizeof(variables[0]))
            return false;
        bytes_append_str(out, variables[i].ours);
        c = close + 1;
    }
    return true;
}

/* ---- routes ---- */

static void write_certs(struct haproxy_rules *r, struct import_node *route, unsigned certs, size_t line)
{
    certs &= r->reachable;
    if (certs == r->reachable)
        return;
    struct import_node *list = import_at(import_add(r->h->m, route, IMPORT_LIST, "cert", NULL), line);
    unsigned errors = r->reachable & HAPROXY_ERROR;
    if (errors != 0 && (certs & HAPROXY_ERROR) == errors) {
        import_add(r->h->m, list, IMPORT_STRING, NULL, "error");
        certs &= ~errors;
    }
    for (unsigned bit = 1; bit < HAPROXY_ALL; bit <<= 1)
        if ((certs & bit) != 0 && haproxy_status_word(bit) != NULL)
            import_add(r->h->m, list, IMPORT_STRING, NULL, haproxy_status_word(bit));
}

static void write_one(struct haproxy_rules *r, struct import_node *route, const char *key, const char *value, size_t line)
{
    if (value[0] == '\0')
        return;
    struct import_node *list = import_at(import_add(r->h->m, route, IMPORT_LIST, key, NULL), line);
    import_add(r->h->m, list, IMPORT_STRING, NULL, value);
}

static void write_caller(struct haproxy_rules *r, struct import_node *route, const char *key, const struct haproxy_condition *c, size_t line)
{
    char name[4], value[sizeof(c->callers)];
    int n = 0;
    if (c->callers[0] == '\0')
        return;
    struct import_node *rows = import_add(r->h->m, route, IMPORT_ROWS, key, NULL);
    for (const char *at = c->callers; sscanf(at, "%3[^=]=%511[^\n]\n%n", name, value, &n) == 2; at += n)
        import_string(r->h->m, import_add(r->h->m, rows, IMPORT_GROUP, NULL, NULL), name, value, line);
}

static bool is_for_all(const struct haproxy_condition *c)
{
    return (c->path[0] | c->except[0] | c->host[0] | c->sni[0] | c->method[0] | c->callers[0]) == 0 && !c->never;
}

static void never_matches(struct haproxy_rules *r, size_t line)
{
    import_remark(r->h->m, r->routes, line, "this rule never matches on this listener");
}

/* A route with what it matches. NULL: it never can. */
static struct import_node *add_route(struct haproxy_rules *r, const struct haproxy_condition *c, size_t line)
{
    if (c->never || (c->certs & r->reachable) == 0 || (c->callers[0] != '\0' && (r->reachable & HAPROXY_VALID) == 0)) {
        never_matches(r, line);
        return NULL;
    }
    if (!haproxy_is_http(r->h, r->s) && ((c->path[0] | c->host[0] | c->method[0] | c->callers[0]) != 0 || (c->certs & r->reachable) != r->reachable)) {
        import_left(r->h->m, r->routes, line, "in tcp mode a route has sni and upstream only");
        return NULL;
    }
    struct import_node *route = import_add(r->h->m, r->routes, IMPORT_GROUP, NULL, NULL);
    write_one(r, route, "host", c->host, line);
    if (c->sni[0] != '\0')
        write_one(r, route, haproxy_is_http(r->h, r->s) ? "host" : "sni", c->sni, line);
    if (c->path[0] != '\0')
        import_string(r->h->m, route, "path", c->path, line);
    write_one(r, route, "method", c->method, line);
    write_certs(r, route, c->certs, line);
    write_caller(r, route, "caller", c, line);
    if (r->gate_line > 0)
        write_caller(r, route, "allow", &r->gate, r->gate_line);
    return route;
}

static void refuse_all(struct haproxy_rules *r, const struct haproxy_line *line)
{
    if (!haproxy_is_http(r->h, r->s)) {
        import_left(r->h->m, r->h->m->listeners, line->number, "this rule refuses connections on a condition that could not be carried over, so its listener is not written");
        r->is_closed = true;
        return;
    }
    struct import_node *route = import_add(r->h->m, r->routes, IMPORT_GROUP, NULL, NULL);
    import_left(r->h->m, route, line->number, "this rule refuses requests on a condition that could not be carried over: all are refused until you replace this route");
    import_plain(r->h->m, route, "respond", "403", line->number);
}

static size_t find_if(const struct haproxy_line *line)
{
    size_t i = 1;
    while (i < line->n && strcmp(line->w[i], "if") != 0 && strcmp(line->w[i], "unless") != 0)
        i++;
    return i;
}

/* ---- actions ---- */

struct rule {
    const struct haproxy_section *s;      /* where it stands */
    const struct haproxy_condition *when; /* of use_backend, for its backend's rules */
    const char *upstream;                 /* of that backend; NULL in a frontend */
    const char *fallback;                 /* where an excepted path goes */
};

static bool conditions_of(struct haproxy_rules *r, const struct rule *rule, struct haproxy_line *line, struct haproxy_alternatives *out)
{
    if (!haproxy_conditions(r->h, rule->s, r->tls, line, find_if(line), out))
        return false;
    for (size_t i = 0; i < out->n; i++)
        if (!haproxy_both(&out->items[i], rule->when, &out->items[i]))
            return false;
    return true;
}

static void fields(struct haproxy_rules *r, struct import_node *route, const struct haproxy_section *s)
{
    struct haproxy_line line = {0};
    while (haproxy_next(r->h, s, &line)) {
        if (strcmp(line.w[0], "http-request") != 0 || line.n < 3 || !import_is(line.w[1], "set-header add-header del-header"))
            continue;
        bool removes = strcmp(line.w[1], "del-header") == 0, is_plain = find_if(&line) >= line.n;
        struct haproxy_alternatives all;
        const struct haproxy_condition *c = &all.items[0];
        struct bytes text;
        bytes_init(&text, 65536);
        bool is_known = removes || (line.n > 3 && haproxy_text(line.w[3], &text));
        char *value = span_dup(bytes_span(&text));
        bool has_value = !removes && is_known && value != NULL && strstr(value, "{cert.") != NULL;
        if (!is_plain && haproxy_conditions(r->h, s, r->tls, &line, find_if(&line), &all) && all.n == 1) /* without a certificate its variables have no value */
            is_plain = is_for_all(c) &&
                       ((c->certs & r->reachable) == r->reachable || (has_value && ((c->certs | HAPROXY_NONE) & r->reachable) == r->reachable));
        if (is_known && is_plain && !removes && strcmp(line.w[2], "Host") == 0 && value != NULL && strchr(value, '{') == NULL)
            import_string(r->h->m, route, "set_host", value, line.number);
        else if (!is_known || !is_plain || value == NULL || !import_field(r->h->m, route, line.w[2], removes ? NULL : value, line.number))
            import_field_left(r->h->m, route, line.w[2], line.number);
        else if (has_value && (strstr(value, "{cert.subject}") != NULL || strstr(value, "{cert.issuer}") != NULL || strstr(value, "{cert.not_") != NULL))
            import_remark(r->h->m, route, line.number, "the text differs: names are written as in RFC 4514, dates as 2026-01-31T23:59:59Z");
        free(value);
        bytes_clear(&text);
    }
}

static void forward(struct haproxy_rules *r, struct import_node *route, const struct haproxy_section *backend, const char *upstream, size_t line)
{
    import_string(r->h->m, route, "upstream", upstream, line);
    if (!haproxy_is_http(r->h, r->s))
        return;
    fields(r, route, r->s);
    if (backend != r->s)
        fields(r, route, backend);
}

static const struct haproxy_section *backend_of(const struct haproxy *h, const char *name)
{
    for (size_t i = 0; i < h->n; i++)
        if ((h->sections[i].kind == HAPROXY_BACKEND || h->sections[i].kind == HAPROXY_LISTEN) && strcmp(h->sections[i].name, name) == 0)
            return &h->sections[i];
    return NULL;
}

/* The text behind location, prefix or scheme as ours. */
static bool location_of(const struct haproxy_line *line, struct bytes *out)
{
    const char *location = haproxy_value(line, "location"), *prefix = haproxy_value(line, "prefix"), *scheme = haproxy_value(line, "scheme");
    if (location != NULL)
        return haproxy_text(location, out);
    if (prefix != NULL && haproxy_text(prefix, out))
        return bytes_append_str(out, "{request.uri}") == 0;
    if (scheme == NULL || !import_is(scheme, "https http"))
        return false;
    return bytes_printf(out, "%s://{request.host}{request.uri}", scheme) == 0;
}

static void redirect_if(struct haproxy_rules *r, const struct rule *rule, const struct haproxy_line *line, const struct haproxy_condition *c, const char *location)
{
    const char *code = haproxy_value(line, "code");
    struct haproxy_condition excepted = *c;
    memcpy(excepted.path, c->except, sizeof(excepted.path));
    struct import_node *route = c->except[0] != '\0' ? add_route(r, &excepted, line->number) : NULL;
    if (route != NULL)
        forward(r, route, rule->s, rule->fallback, line->number);
    route = add_route(r, c, line->number);
    if (route == NULL)
        return;
    import_string(r->h->m, route, "redirect", location, line->number);
    if (c->is_broader)
        import_remark(r->h->m, route, line->number, "path matches whole segments: this path itself, and what is below it");
    if (code != NULL)
        import_plain(r->h->m, route, "redirect_status", code, line->number);
}

/* An excepted path goes to the fallback, before another alternative could redirect it: so only one alternative may have such a path. */
static bool can_redirect(const struct rule *rule, const struct haproxy_alternatives *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct haproxy_condition *c = &all->items[i];
        if (c->denies_caller || (c->except[0] != '\0' && (rule->fallback == NULL || c->path[0] != '\0' || all->n > 1)))
            return false;
    }
    return true;
}

static void redirect(struct haproxy_rules *r, const struct rule *rule, struct haproxy_line *line)
{
    struct haproxy_alternatives all;
    struct bytes text;
    bytes_init(&text, 65536);
    const char *code = haproxy_value(line, "code");
    bool is_known = location_of(line, &text);
    char *location = span_dup(bytes_span(&text));
    if (!is_known || location == NULL || (code != NULL && !import_is(code, "301 302 303 307 308")) || !conditions_of(r, rule, line, &all) || !can_redirect(rule, &all))
        import_left(r->h->m, r->routes, line->number, "this redirect: its target or condition has no counterpart");
    else if (all.n == 0)
        never_matches(r, line->number);
    else
        for (size_t i = 0; i < all.n; i++)
            redirect_if(r, rule, line, &all.items[i], location);
    free(location);
    bytes_clear(&text);
}

static bool is_gate(const struct haproxy_rules *r, const struct haproxy_condition *c)
{
    return c->denies_caller && (c->path[0] | c->host[0] | c->sni[0] | c->method[0]) == 0 && c->certs == HAPROXY_ALL && (r->reachable & HAPROXY_VALID) != 0;
}

/* All but some callers are refused by a rule of the routes that follow, and this only for the whole listener. */
static bool can_deny(const struct haproxy_rules *r, const struct rule *rule, const struct haproxy_alternatives *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct haproxy_condition *c = &all->items[i];
        if (c->except[0] != '\0' || (c->denies_caller && (rule->upstream != NULL || r->gate_line > 0 || all->n > 1 || !is_gate(r, c))))
            return false;
    }
    return true;
}

static void deny_if(struct haproxy_rules *r, const struct haproxy_line *line, const struct haproxy_condition *c)
{
    const char *status = haproxy_value(line, "deny_status");
    bool is_status = status != NULL && strlen(status) == 3 && strspn(status, "0123456789") == 3 && (status[0] == '4' || status[0] == '5');
    if (c->denies_caller) {
        r->gate = *c;
        r->gate_line = line->number;
        return;
    }
    struct import_node *route = add_route(r, c, line->number);
    if (route != NULL && c->is_prefix)
        import_left(r->h->m, route, line->number, "path_beg also refuses paths that go on without a slash, as %.100sx; this route does not", c->path);
    if (route != NULL)
        import_plain(r->h->m, route, "respond", is_status ? status : "403", line->number);
}

static void deny(struct haproxy_rules *r, const struct rule *rule, struct haproxy_line *line)
{
    struct haproxy_alternatives all;
    if (!conditions_of(r, rule, line, &all) || !can_deny(r, rule, &all)) {
        refuse_all(r, line);
        return;
    }
    if (all.n == 0)
        never_matches(r, line->number);
    for (size_t i = 0; i < all.n; i++)
        deny_if(r, line, &all.items[i]);
}

/* Redirects and denials of a section, in their order. */
static void answers(struct haproxy_rules *r, const struct rule *rule)
{
    struct haproxy_line line = {0};
    while (haproxy_next(r->h, rule->s, &line)) {
        bool is_request = strcmp(line.w[0], "http-request") == 0 && line.n > 1;
        if (strcmp(line.w[0], "redirect") == 0 || (is_request && strcmp(line.w[1], "redirect") == 0))
            redirect(r, rule, &line);
        else if (is_request && import_is(line.w[1], "deny tarpit reject silent-drop auth"))
            deny(r, rule, &line);
        else if (strcmp(line.w[0], "tcp-request") == 0 && line.n > 2 && import_is(line.w[2], "reject silent-drop"))
            refuse_all(r, &line);
        else if ((is_request && !import_is(line.w[1], "set-header add-header del-header")) || strcmp(line.w[0], "reqadd") == 0)
            import_left(r->h->m, r->routes, line.number, "\"%.60s\" has no counterpart", is_request ? line.w[1] : line.w[0]);
        else if (strcmp(line.w[0], "tcp-request") == 0 && line.n > 2 && !import_is(line.w[1], "inspect-delay") && strcmp(line.w[2], "accept") != 0)
            import_left(r->h->m, r->routes, line.number, "this tcp-request has no counterpart");
    }
}

/* HAProxy forwards tolerated certificates where no rule asks for them. We only do where a rule names them. */
static struct haproxy_condition without_bad(struct haproxy_rules *r, const struct haproxy_condition *when, size_t line)
{
    struct haproxy_condition c = *when;
    if (when->certs == HAPROXY_ALL && (r->reachable & HAPROXY_ERROR & ~r->handled) != 0) {
        c.certs = HAPROXY_VALID | HAPROXY_NONE;
        import_remark(r->h->m, r->routes, line, "HAProxy forwards certificates with ignored errors here; mtlsd answers 404 to them until a route with cert takes them");
    }
    if (is_for_all(when))
        r->handled |= when->certs;
    return c;
}

static void use_backend(struct haproxy_rules *r, const char *name, const struct haproxy_condition *when, size_t line)
{
    const struct haproxy_section *backend = backend_of(r->h, name);
    if (backend == NULL || backend->upstream == NULL || when->denies_caller || when->except[0] != '\0') {
        import_left(r->h->m, r->routes, line, "backend \"%.60s\": it could not be carried over, or the condition has no counterpart", name);
        return;
    }
    const struct rule rule = {backend, when, backend->upstream, backend->upstream};
    if (backend != r->s)
        answers(r, &rule);
    const struct haproxy_condition c = without_bad(r, when, line);
    struct import_node *route = add_route(r, &c, line);
    if (route != NULL)
        forward(r, route, backend, backend->upstream, line);
    if (route != NULL && when->is_broader)
        import_remark(r->h->m, route, line, "path matches whole segments: this path itself, and what is below it");
}

void haproxy_rules(struct haproxy_rules *r)
{
    static const struct haproxy_condition always = {.certs = HAPROXY_ALL};
    struct haproxy_line line = {0}, found;
    struct haproxy_alternatives all;
    const struct rule own = {r->s, &always, NULL, r->s->kind == HAPROXY_LISTEN ? r->s->upstream : NULL};
    if (r->s->defaults < r->h->n) {
        const struct rule before = {&r->h->sections[r->s->defaults], &always, NULL, NULL};
        answers(r, &before);
    }
    answers(r, &own);
    while (haproxy_next(r->h, r->s, &line))
        if (strcmp(line.w[0], "use_backend") == 0 && line.n > 1) {
            bool is_known = haproxy_conditions(r->h, r->s, r->tls, &line, 2, &all);
            for (size_t i = 0; is_known && i < all.n; i++)
                use_backend(r, line.w[1], &all.items[i], line.number);
            if (is_known && all.n == 0)
                never_matches(r, line.number);
            if (!is_known)
                import_left(r->h->m, r->routes, line.number, "the condition has no counterpart: these requests go on to the next routes");
        }
    if (haproxy_setting(r->h, r->s, "default_backend", NULL, &found)) {
        if (found.n > 1)
            use_backend(r, found.w[1], &always, found.number);
        haproxy_done(&found);
    } else if (r->s->kind == HAPROXY_LISTEN && r->s->upstream != NULL) {
        use_backend(r, r->s->name, &always, r->s->line);
    }
    import_prune(r->h->m, r->routes);
    bool has_route = import_has_group(r->routes);
    if (has_route && !r->is_closed)
        return;
    if (haproxy_is_http(r->h, r->s)) {
        import_left(r->h->m, r->routes, r->s->line, "no rule of this section could be carried over: it answers 503");
        import_plain(r->h->m, import_add(r->h->m, r->routes, IMPORT_GROUP, NULL, NULL), "respond", "503", r->s->line);
    } else {
        import_left(r->h->m, r->h->m->listeners, r->s->line, "this section: it has no backend that could be carried over");
        import_remove(r->h->m, r->listener);
    }
}
