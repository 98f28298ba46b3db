/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdlib.h>
#include <string.h>

static enum haproxy_kind kind_of(const char *word)
{
    static const char *const words[] = {"global", "defaults", "frontend", "backend", "listen"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i], word) == 0)
            return (enum haproxy_kind)i;
    return HAPROXY_OTHER;
}

static bool begins_section(const char *word)
{
    return kind_of(word) != HAPROXY_OTHER || import_is(word, "userlist peers resolvers mailers program http-errors ring cache fcgi-app log-forward crt-store traces");
}

static bool add_section(struct haproxy *h, const struct haproxy_line *line)
{
    struct haproxy_section *grown = realloc(h->sections, (h->n + 1) * sizeof(*grown));
    char *name = haproxy_path(h, NULL, line->n > 1 ? line->w[1] : line->w[0]);
    if (grown == NULL || name == NULL) {
        h->sections = grown != NULL ? grown : h->sections;
        free(name);
        h->m->failed = true;
        return false;
    }
    h->sections = grown;
    size_t defaults = h->n > 0 ? h->sections[h->n - 1].kind == HAPROXY_DEFAULTS ? h->n - 1 : h->sections[h->n - 1].defaults : SIZE_MAX;
    h->sections[h->n++] = (struct haproxy_section){.kind = kind_of(line->w[0]), .name = name, .line = line->number, .from = line->number + 1,
                                                   .to = h->m->n_lines + 1, .defaults = defaults};
    return true;
}

static void read_sections(struct haproxy *h)
{
    for (size_t i = 1; i <= h->m->n_lines && !h->m->failed; i++) {
        struct haproxy_line line = {.number = i, .text = import_line(h->m, i)};
        line.n = line.text != NULL ? import_split(line.text, IMPORT_SHELL, line.w) : 0;
        if (line.n == SIZE_MAX) {
            import_left(h->m, &h->m->top, i, "a quote does not end, or there are more than %d words", IMPORT_MAX_WORDS);
        } else if (line.n > 0 && begins_section(line.w[0])) {
            if (h->n > 0)
                h->sections[h->n - 1].to = i;
            if (add_section(h, &line) && h->sections[h->n - 1].kind == HAPROXY_OTHER)
                import_left(h->m, &h->m->top, i, "sections of this kind, with all lines in it");
        } else if (line.n > 0 && h->n == 0) {
            import_left(h->m, &h->m->top, i, "a line outside any section");
        }
        haproxy_done(&line);
    }
}

static void read_global(struct haproxy *h, const struct haproxy_section *s)
{
    struct haproxy_line line = {0};
    while (haproxy_next(h, s, &line)) {
        char **base = strcmp(line.w[0], "crt-base") == 0 ? &h->crt_base : strcmp(line.w[0], "ca-base") == 0 ? &h->ca_base : NULL;
        if (base != NULL && line.n > 1) {
            free(*base);
            *base = haproxy_path(h, NULL, line.w[1]);
        } else if (!import_is(line.w[0], "daemon log log-tag chroot stats user group uid gid nbproc nbthread maxconn master-worker pidfile ssl-dh-param-file")) {
            import_left(h->m, &h->m->top, line.number, "%.60s has no counterpart", line.w[0]);
        }
    }
}

static void read_defaults(struct haproxy *h, const struct haproxy_section *s)
{
    struct haproxy_line line = {0};
    while (haproxy_next(h, s, &line))
        if (strcmp(line.w[0], "option") == 0 && line.n > 1) {
            if (!import_is(line.w[1], "httplog tcplog dontlognull dontlog-normal forwardfor http-server-close http-keep-alive httpclose redispatch httpchk"))
                import_left(h->m, &h->m->top, line.number, "option %.60s has no counterpart", line.w[1]);
        } else if (strcmp(line.w[0], "timeout") == 0 && line.n > 1) {
            if (!import_is(line.w[1], "connect client server http-request http-keep-alive queue check"))
                import_left(h->m, &h->m->top, line.number, "timeout %.60s has no counterpart", line.w[1]);
        } else if (!import_is(line.w[0], "mode log maxconn balance default-server tcp-request") && !(strcmp(line.w[0], "http-request") == 0 && line.n > 1 && strstr(line.w[1], "-header") == NULL)) {
            import_left(h->m, &h->m->top, line.number, "%.60s has no counterpart in defaults", line.w[0]);
        }
}

void import_haproxy(struct import_model *m)
{
    struct haproxy h = {.m = m};
    read_sections(&h);
    for (size_t i = 0; i < h.n; i++)
        if (h.sections[i].kind == HAPROXY_GLOBAL)
            read_global(&h, &h.sections[i]);
        else if (h.sections[i].kind == HAPROXY_DEFAULTS)
            read_defaults(&h, &h.sections[i]);
    for (size_t i = 0; i < h.n; i++)
        if (h.sections[i].kind == HAPROXY_BACKEND || h.sections[i].kind == HAPROXY_LISTEN)
            haproxy_upstream(&h, &h.sections[i]);
    for (size_t i = 0; i < h.n; i++)
        if (h.sections[i].kind == HAPROXY_FRONTEND || h.sections[i].kind == HAPROXY_LISTEN)
            haproxy_listeners(&h, &h.sections[i]);
    for (size_t i = 0; i < h.n; i++)
        free(h.sections[i].name);
    free(h.sections);
    free(h.crt_base);
    free(h.ca_base);
}
