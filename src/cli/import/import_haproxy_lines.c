/* SPDX-License-Identifier: Apache-2.0 */
#include "import_haproxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool haproxy_next(const struct haproxy *h, const struct haproxy_section *s, struct haproxy_line *line)
{
    size_t number = line->number > 0 ? line->number + 1 : s->from;
    haproxy_done(line);
    for (; number < s->to; number++) {
        line->text = import_line(h->m, number);
        if (line->text == NULL)
            return false;
        line->n = import_split(line->text, IMPORT_SHELL, line->w);
        line->number = number;
        if (line->n != 0 && line->n != SIZE_MAX)
            return true;
        haproxy_done(line);
    }
    return false;
}

void haproxy_done(struct haproxy_line *line)
{
    free(line->text);
    line->text = NULL;
}

static bool find(const struct haproxy *h, const struct haproxy_section *s, const char *first, const char *second, struct haproxy_line *line)
{
    *line = (struct haproxy_line){0};
    while (haproxy_next(h, s, line))
        if (strcmp(line->w[0], first) == 0 && (second == NULL || (line->n > 1 && strcmp(line->w[1], second) == 0)))
            return true;
    return false;
}

bool haproxy_setting(const struct haproxy *h, const struct haproxy_section *s, const char *first, const char *second, struct haproxy_line *line)
{
    return find(h, s, first, second, line) || (s->defaults < h->n && find(h, &h->sections[s->defaults], first, second, line));
}

bool haproxy_is_http(const struct haproxy *h, const struct haproxy_section *s)
{
    struct haproxy_line line;
    if (!haproxy_setting(h, s, "mode", NULL, &line))
        return false; /* HAProxy's default is tcp */
    bool is_http = line.n > 1 && strcmp(line.w[1], "http") == 0;
    haproxy_done(&line);
    return is_http;
}

char *haproxy_path(const struct haproxy *h, const char *base, const char *path)
{
    size_t size = strlen(path) + (base != NULL ? strlen(base) : 0) + 2;
    char *out = malloc(size);
    if (out == NULL)
        h->m->failed = true;
    else if (base != NULL && path[0] != '/')
        snprintf(out, size, "%s/%s", base, path);
    else
        snprintf(out, size, "%s", path);
    return out;
}

const char *haproxy_value(const struct haproxy_line *line, const char *word)
{
    for (size_t i = 1; i + 1 < line->n; i++)
        if (strcmp(line->w[i], word) == 0)
            return line->w[i + 1];
    return NULL;
}

void haproxy_timeout(const struct haproxy *h, const struct haproxy_section *s, struct import_node *to, const char *theirs, const char *ours)
{
    char text[32];
    struct haproxy_line line;
    if (!haproxy_setting(h, s, "timeout", theirs, &line))
        return;
    if (line.n > 2 && import_duration(text, line.w[2], "ms", 10, strcmp(ours, "connect") == 0 || strcmp(ours, "header") == 0 ? 600000 : 86400000))
        import_string(h->m, import_group(h->m, to, "timeouts"), ours, text, line.number);
    else
        import_left(h->m, to, line.number, "this timeout is not within the bounds of timeouts.%s", ours);
    haproxy_done(&line);
}
