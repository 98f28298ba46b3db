/* SPDX-License-Identifier: Apache-2.0 */
#include "import_apache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* One RewriteRule with the RewriteConds before it. */
struct rewrite {
    bool is_known;            /* all of its conditions and its pattern can be said */
    bool for_none, for_valid; /* true for clients without a certificate; with one */
    bool is_other_flag;       /* it has a flag that changes more than its own answer */
    bool any_case;            /* of letters in the path, which a route does not have */
    char path[256], host[256], method[32];
    const char *tail; /* of the substitution: the reference that stands for the whole path; NULL: none does */
    char status[4];   /* of its answer; "": it changes the path and goes on */
};

/* ---- flags ---- */

static void take_flag(const char *flag, struct rewrite *r)
{
    static const struct import_variable words[] = {{"F", "403"}, {"forbidden", "403"}, {"G", "410"}, {"gone", "410"}, {"R", "302"}, {"redirect", "302"},
                                                   {"R=permanent", "301"}, {"R=temp", "302"}, {"R=seeother", "303"}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasecmp(flag, words[i].theirs) == 0) {
            snprintf(r->status, sizeof(r->status), "%s", words[i].ours);
            return;
        }
    if (strncasecmp(flag, "R=", 2) == 0 && strlen(flag) == 5 && strspn(flag + 2, "0123456789") == 3)
        snprintf(r->status, sizeof(r->status), "%s", flag + 2);
    else if (strcasecmp(flag, "NC") == 0 || strcasecmp(flag, "nocase") == 0)
        r->any_case = true;
    else if (strcasecmp(flag, "L") != 0 && strcasecmp(flag, "last") != 0 && strcasecmp(flag, "END") != 0 && strcasecmp(flag, "NE") != 0)
        r->is_other_flag = true;
}

static void read_flags(const struct import_block *d, struct rewrite *r)
{
    char text[256];
    if (d->n < 4)
        return;
    size_t n = strlen(d->w[3]);
    if (n < 2 || n >= sizeof(text) || d->w[3][0] != '[' || d->w[3][n - 1] != ']') {
        r->is_other_flag = true;
        return;
    }
    snprintf(text, sizeof(text), "%.*s", (int)(n - 2), d->w[3] + 1);
    for (char *at = text, *comma; at != NULL; at = comma) {
        comma = strchr(at, ',');
        if (comma != NULL)
            *comma++ = '\0';
        take_flag(at, r);
    }
}

static bool refuses(const struct rewrite *r)
{
    return r->status[0] == '4' || r->status[0] == '5';
}

bool apache_rule_refuses(const struct import_block *d)
{
    struct rewrite r = {.is_known = true};
    read_flags(d, &r);
    return refuses(&r);
}

/* ---- conditions ---- */

/* A regular expression of a whole text, with dots behind backslashes, as that text. */
static bool literal(const char *pattern, char *out, size_t size)
{
    size_t n = 0, len = strlen(pattern);
    if (len < 3 || pattern[0] != '^' || pattern[len - 1] != '$')
        return false;
    for (size_t i = 1; i + 1 < len; i++) {
        bool is_dot = pattern[i] == '\\' && pattern[i + 1] == '.';
        i += is_dot;
        if (n + 1 >= size || (!is_dot && strchr("\\.[](){}*+?|^$", pattern[i]) != NULL))
            return false;
        out[n++] = pattern[i];
    }
    out[n] = '\0';
    return n > 0;
}

/* For one state of the certificate; -1: not known. */
static int holds(const char *pattern, const char *state)
{
    bool is_not = pattern[0] == '!';
    pattern += is_not;
    int found = pattern[0] == '=' ? strcmp(pattern + 1, state) == 0 : pattern[0] == '<' || pattern[0] == '>' || pattern[0] == '-' ? -1 : import_matches(pattern, false, state);
    return found < 0 ? -1 : found != is_not;
}

static void take_condition(const struct apache_host *h, const struct import_block *d, struct rewrite *r)
{
    const char *what = d->n > 2 ? d->w[1] : "", *pattern = d->n > 2 ? d->w[2] : "";
    bool any_case = d->n == 4 && import_is(d->w[3], "[NC] [nocase]");
    if (d->n < 3 || (d->n > 3 && !any_case)) {
        r->is_known = false;
    } else if (import_is(what, "%{SSL:SSL_CLIENT_VERIFY} %{ENV:SSL_CLIENT_VERIFY}") && !any_case) {
        int none = holds(pattern, h->tls ? "NONE" : ""), valid = holds(pattern, "SUCCESS");
        r->is_known = r->is_known && none >= 0 && valid >= 0;
        r->for_none = r->for_none && none > 0;
        r->for_valid = r->for_valid && valid > 0;
    } else if (strcmp(what, "%{HTTPS}") == 0) {
        int found = holds(pattern, h->tls ? "on" : "off");
        r->is_known = r->is_known && found >= 0 && (!any_case || found > 0);
        r->for_none = r->for_none && found > 0;
        r->for_valid = r->for_valid && found > 0;
    } else if (strcmp(what, "%{HTTP_HOST}") == 0 && r->host[0] == '\0') {
        r->is_known = r->is_known && literal(pattern, r->host, sizeof(r->host));
    } else if (strcmp(what, "%{REQUEST_METHOD}") == 0 && r->method[0] == '\0' && !any_case) {
        r->is_known = r->is_known && literal(pattern, r->method, sizeof(r->method));
    } else {
        r->is_known = false;
    }
}

/* ---- the rule ---- */

/* All paths, or those of one segment and below it. The path of a refusal may be broader than theirs, and never narrower. */
static void take_pattern(const char *pattern, struct rewrite *r)
{
    static const struct import_variable all[] = {{"^", NULL}, {".*", NULL}, {"^.*$", NULL}, {"^(.*)$", "$1"}, {"(.*)", "$1"}, {"^(.*)", "$1"},
                                                 {"^/?(.*)$", "/$1"}, {"^/?(.*)", "/$1"}, {"^/(.*)$", "/$1"}, {"^/(.*)", "/$1"}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (strcmp(pattern, all[i].theirs) == 0) {
            r->tail = all[i].ours;
            return;
        }
    char text[256];
    size_t n = strlen(pattern);
    snprintf(text, sizeof(text), "%s%s", pattern, n > 1 && pattern[n - 1] == '/' ? "$" : "");
    bool is_path = n + 2 < sizeof(text) && literal(text, r->path, sizeof(r->path)) && r->path[0] == '/' && strpbrk(r->path, "%;#?*") == NULL;
    for (n = strlen(r->path); n > 0 && r->path[n - 1] == '/';)
        r->path[--n] = '\0';
    r->is_known = r->is_known && is_path && n > 0 && !r->any_case;
}

/* The substitution as a place of ours. */
static bool write_place(const struct rewrite *r, const char *to, struct bytes *out)
{
    static const char uri[] = "%{REQUEST_URI}";
    char text[512];
    size_t n = strlen(to), tail = r->tail != NULL ? strlen(r->tail) : 0;
    bool ends_whole = tail > 0 && n > tail && strcmp(to + n - tail, r->tail) == 0, ends_uri = n >= sizeof(uri) && strcmp(to + n - (sizeof(uri) - 1), uri) == 0;
    n -= ends_whole ? tail : ends_uri ? sizeof(uri) - 1 : 0;
    if (n >= sizeof(text) || (strncmp(to, "http://", 7) != 0 && strncmp(to, "https://", 8) != 0 && to[0] != '/'))
        return false;
    snprintf(text, sizeof(text), "%.*s", (int)n, to);
    if (strpbrk(text, "$\\") != NULL || !apache_text(text, false, out))
        return false;
    return (!ends_whole && !ends_uri) || bytes_append_str(out, "{request.uri}") == 0;
}

static void write_rule(struct apache_host *h, const struct import_block *d, const struct rewrite *r)
{
    bool may_none = !h->asks || h->is_optional, may_valid = h->asks, none = r->for_none && may_none, valid = r->for_valid && may_valid;
    struct bytes place;
    bytes_init(&place, 65536);
    bool redirects = r->status[0] == '3', has_place = redirects && write_place(r, d->w[2], &place);
    char *location = span_dup(bytes_span(&place));
    if (redirects && (!has_place || !import_is(r->status, "301 302 303 307 308"))) {
        import_left(h->m, h->routes, d->line, "this RewriteRule: its target has no counterpart");
    } else if (!none && !valid) {
        import_remark(h->m, h->routes, d->line, "this RewriteRule never matches on this listener");
    } else {
        struct import_node *route = apache_add_route(h, r->path, d->line);
        struct import_node *host = r->host[0] != '\0' && import_find(route, "host") == NULL ? import_at(import_add(h->m, route, IMPORT_LIST, "host", NULL), d->line) : NULL;
        if (host != NULL)
            import_add(h->m, host, IMPORT_STRING, NULL, r->host);
        if (r->method[0] != '\0')
            import_add(h->m, import_at(import_add(h->m, route, IMPORT_LIST, "method", NULL), d->line), IMPORT_STRING, NULL, r->method);
        if (none != may_none || valid != may_valid)
            import_add(h->m, import_at(import_add(h->m, route, IMPORT_LIST, "cert", NULL), d->line), IMPORT_STRING, NULL, none ? "none" : "valid");
        if (redirects)
            import_string(h->m, route, "redirect", location != NULL ? location : "", d->line);
        import_plain(h->m, route, redirects ? "redirect_status" : "respond", r->status, d->line);
        if (redirects && r->path[0] != '\0')
            import_remark(h->m, route, d->line, "path matches whole segments: this path itself, and what is below it");
        if (redirects && strchr(d->w[2], '?') == NULL && (location == NULL || strstr(location, "{request.uri}") == NULL))
            import_remark(h->m, route, d->line, "Apache appends the query of the request; this redirect leads to one place");
        h->m->failed = h->m->failed || location == NULL;
    }
    free(location);
    bytes_clear(&place);
}

static bool has_engine(const struct import_block *in)
{
    const struct import_block *d = import_block_own(in, "rewriteengine");
    return d != NULL && d->n > 1 && strcasecmp(d->w[1], "on") == 0;
}

void apache_rewrites(struct apache_host *h, const struct import_block *in)
{
    const struct rewrite fresh = {.is_known = true, .for_none = true, .for_valid = true};
    struct rewrite r = fresh;
    bool is_own = in == h->host && has_engine(in);
    for (const struct import_block *d = in->first; d != NULL; d = d->next) {
        if (strcmp(d->w[0], "rewritecond") == 0)
            take_condition(h, d, &r);
        if (strcmp(d->w[0], "rewriterule") != 0)
            continue;
        read_flags(d, &r);
        if (d->n > 2 && d->n < 5)
            take_pattern(d->w[1], &r);
        bool is_known = r.is_known && d->n > 2 && d->n < 5 && !r.is_other_flag && is_own && (h->names == NULL || r.host[0] == '\0');
        bool is_absolute = d->n > 2 && strstr(d->w[2], "://") != NULL && r.status[0] == '\0';
        if (is_absolute) /* is a redirect without saying so */
            snprintf(r.status, sizeof(r.status), "302");
        if (is_known && r.status[0] != '\0')
            write_rule(h, d, &r);
        else if (refuses(&r))
            apache_refuse_all(h, "", d->line);
        else
            import_left(h->m, h->routes, d->line, "this RewriteRule: its conditions, pattern or flags have no counterpart, or RewriteEngine is not on here");
        r = fresh;
    }
}
